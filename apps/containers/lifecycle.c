// SPDX-License-Identifier: MIT
//
// A container from its start to its end.
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define STATUS_KILLED 137
#define STATUS_NOT_STARTED 128

// --- Making and freeing --------------------------------------------------------------------------

void container_init(struct container *c, struct containers *all)
{
	c->all = all;
	c->stop_timer = c->restart_timer = HANDLE_NONE;
	list_init(&c->entry);
	list_init(&c->waiters);
	list_init(&c->archives);
	list_init(&c->execs);
	list_init(&c->endpoints);
	list_init(&c->queries);
}

void container_add(struct container *c)
{
	list_push_front(&c->all->containers, &c->entry);
	c->all->num_containers++;
}

void container_discard(struct container *c)
{
	port_list_deinit(&c->ports);
	exec_free_all(c);
	health_free(c);
	endpoints_free(c);
	string_list_deinit(&c->link_env);
	mount_list_deinit(&c->mounts);
	settings_deinit(&c->settings);
	heap_free(c->body);
	heap_free(c);
}

// --- The end -------------------------------------------------------------------------------------

static void close_attaches(struct container *c)
{
	for (size_t i = 0; i < c->num_attaches; i++)
		handle_close(c->attaches[i].channel);
	c->num_attaches = 0;
}

void container_remove(struct container *c)
{
	if (c->job != 0) {
		job_ended(c);
	} else if (!c->is_visit) {
		c->all->num_containers--;
		logs_remove(c);
	}
	events_container(c, "destroy", NULL);
	// Its record is what names them, should the machine go off in between.
	if (c->removes_volumes || c->settings.auto_remove)
		mounts_remove(c);
	store_remove(c);
	layer_remove(c);
	archive_fail_all(c, "it was removed");
	visit_forget(c);
	waiters_removed(c);
	close_attaches(c);
	signals_end(c);
	policy_cancel(c);
	list_remove(&c->entry);
	if (c->is_visit)
		visit_ended(c);
	container_discard(c);
}

static void tell_death(const struct container *c)
{
	nsec_t ran = c->finished_at > c->started_at ? c->finished_at - c->started_at : 0;
	char more[64];

	fmt_write(more, sizeof(more), "\"execDuration\":\"%llu\",\"exitCode\":\"%d\"",
	          (unsigned long long)(ran / NSEC_PER_SEC), c->exit_code);
	events_container(c, "die", more);
}

void container_over(struct container *c, int status, const char *error)
{
	bool removes = false, restarts = false, waits;
	struct containers *all = c->all;
	struct vmm_process *vmm = c->vmm;

	c->vmm = NULL;
	if (vmm != NULL)
		vmms_release(vmm);
	close_attaches(c);
	signals_end(c);
	exec_end_all(c);
	query_end_all(c);
	health_stop(c);
	c->paused = c->is_pausing = false;
	archive_fail_all(c, "it has ended");
	c->state = CONTAINER_EXITED;
	logs_ended(c);
	c->exit_code = status;
	c->finished_at = record_time();
	str_copy(c->error, error, sizeof(c->error));
	if (!c->started)
		waiters_not_started(c);
	else
		tell_death(c);
	if (c->started)
		events_volumes(c, "unmount");
	provision_end(c);
	waits = c->started && policy_restarts(c);
	c->start_failed = !c->started;
	c->started = false;
	c->starts_at = 0;
	memset(c->address, 0, sizeof(c->address));
	endpoints_release(c);
	names_changed(all);
	if (!c->settings.auto_remove)
		store_write(c);
	waiters_ended(c, &removes, &restarts);
	if (removes || (c->settings.auto_remove && (!restarts || all->stopping)))
		container_remove(c);
	else if (restarts && !all->stopping)
		container_begin(c);
	else if (restarts)
		waiters_not_started(c);
	else if (waits)
		policy_wait(c);
	shutdown_advance(all);
}

void container_fail(struct container *c, const char *error)
{
	container_over(c, STATUS_NOT_STARTED, error);
}

bool container_stays(struct container *c)
{
	bool removes = false, restarts = false, written;

	policy_cancel(c);
	written = store_write(c);
	waiters_ended(c, &removes, &restarts);
	return written;
}

void container_vmm_lost(struct container *c)
{
	char error[CONTAINER_ERROR_MAX];

	c->vmm = NULL;
	str_copy(error,
	         c->error[0] != '\0' && !c->started
	                 ? c->error
	                 : "the process of its virtual machine has ended",
	         sizeof(error));
	container_over(c, STATUS_KILLED, error);
}

// --- The start -----------------------------------------------------------------------------------

void container_begin(struct container *c)
{
	policy_cancel(c);
	exec_free_all(c);
	c->state = CONTAINER_RUNNING;
	c->started = c->killed = c->killed_at_once = false;
	c->starts_at = 0;
	c->due_signals = 0;
	c->is_stop_due = false;
	c->error[0] = '\0';
	c->vmm = vmms_take(c->all, c);
	if (c->vmm == NULL) {
		container_over(c, STATUS_NOT_STARTED, "out of memory");
		return;
	}
	if (c->vmm->connected && c->vmm->vm == VMM_IDLE)
		container_order(c);
}

static void send_attach(struct container *c, const struct pending_attach *attach)
{
	struct message m;
	error_t err = message_encode_vmm_attach(&m, &attach->order, NULL, 0);

	assert(err == 0);
	m.handles[0] = attach->channel;
	m.num_handles = 1;
	(void)vmms_send(c->vmm, &m);
}

static uint32_t start_flags(const struct container *c)
{
	const struct settings *s = &c->settings;

	return layer_flags(c) | (s->tty ? VMM_TTY : 0) | (s->open_stdin ? VMM_OPEN_STDIN : 0) |
		(s->stdin_once ? VMM_STDIN_ONCE : 0) | (settings_has_network(s) ? VMM_NETWORK : 0);
}

static error_t make_order(const struct container *c, struct message *m,
                          char error[static SETTINGS_ERROR_MAX])
{
	const struct image *image = container_image(c);
	struct msg_vmm_start start = { .flags = start_flags(c) };
	char path[sizeof(IMAGES_FOLDER) + IMAGES_FILE_MAX];
	struct json_writer w = { 0 };
	size_t len = 0;
	error_t err;

	if (image == NULL) {
		str_copy(error, "its image is gone", SETTINGS_ERROR_MAX);
		return ERR_NOT_FOUND;
	}
	err = config_write(c, image, &w, error);
	memcpy(start.container, c->id, sizeof(start.container));
	start.config_length = (uint32_t)w.len;
	if (image->file[0] != '\0') {
		len = fmt_write(path, sizeof(path), IMAGES_FOLDER "/%s", image->file);
	} else {
		start.first_sector = image->first_sector;
		start.num_sectors = image->num_sectors;
	}
	if (err == 0)
		err = message_encode_vmm_start(m, &start, path, len);
	if (err == 0)
		err = payload_copy(w.text, w.len, &m->handles[0]);
	if (err == 0)
		m->num_handles = 1;
	json_writer_deinit(&w);
	return err;
}

void container_order(struct container *c)
{
	char error[SETTINGS_ERROR_MAX];
	struct message m;
	error_t err;

	if (!provision_advance(c))
		return;
	str_copy(error, "out of memory", sizeof(error));
	err = endpoints_take(c, error);
	if (err == 0)
		err = links_take(c, error);
	if (err == 0)
		err = make_order(c, &m, error);
	if (err < 0) {
		container_over(c, STATUS_NOT_STARTED, error);
		return;
	}
	// The streams first: nothing that it writes is lost.
	for (size_t i = 0; i < c->num_attaches; i++)
		send_attach(c, &c->attaches[i]);
	c->num_attaches = 0;
	names_changed(c->all);
	endpoints_tell(c);
	mounts_send(c);
	if (c->job != 0)
		job_send_shares(c);
	else if (!c->is_visit)
		logs_order(c);
	c->vmm->order_sent = true;
	logs_ready(c);
	if (!vmms_send(c->vmm, &m))
		container_over(c, STATUS_NOT_STARTED,
		               "its virtual machine cannot be told to start it");
}

// The guest starts it meanwhile: the record is there before that is told, and nobody waits for it.
void container_disks_given(struct container *c)
{
	if (c->state != CONTAINER_RUNNING || c->started || c->starts_at != 0)
		return;
	c->starts_at = record_time();
	store_write(c);
}

static void runs(struct container *c)
{
	c->started = true;
	c->exit_code = 0;
	c->lacked_memory = false;
	c->started_at = c->starts_at != 0 ? c->starts_at : record_time();
	c->starts_at = 0;
	vmms_container_runs(c->vmm);
	events_volumes(c, "mount");
	events_container(c, "start", NULL);
	waiters_started(c);
	signals_send_due(c);
	// That it was about to run is on the disk, as a rule: nobody waits for this.
	store_write(c);
	if (c->is_visit)
		visit_started(c);
}

void container_vmm_told(struct container *c, const struct msg_vmm_state *state, const char *text)
{
	bool has_moved = memcmp(c->address, state->address, sizeof(c->address)) != 0;

	c->paused = (state->flags & VMM_PAUSED) != 0;
	memcpy(c->address, state->address, sizeof(c->address));
	if (has_moved && links_any(c->all))
		names_changed(c->all);
	switch (state->state) {
	case VMM_RUNNING:
		health_begin(c);
		if (!c->started)
			runs(c);
		break;
	case VMM_ENDED:
		// All of it while this app was not there.
		if (!c->started && c->all->restarted && c->starts_at != 0 && !c->killed &&
		    (state->flags & VMM_FAILED) == 0)
			runs(c);
		c->lacked_memory = (state->flags & VMM_LACKED_MEMORY) != 0;
		if (c->lacked_memory)
			events_container(c, "oom", NULL);
		container_over(c, state->status & 0xff, text);
		break;
	default: break;
	}
}
