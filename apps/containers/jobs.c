// SPDX-License-Identifier: MIT
//
// The system's containers, which `images` has run (libs/abi/images.h): nobody sees them, and
// nothing of them is kept. In other ways they are containers like others.
#include "apps/containers/jobs.h"

#include "apps/containers/containers.h"
#include "libs/abi/images.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define SIGNAL_KILL 9u
// The `job` of one whose `images` has ended: the next one counts from the beginning.
#define JOB_OF_NOBODY UINT32_MAX
#define PROGRAM "/system"
#define ATTACH_ALL (VMM_ATTACH_STDIN | VMM_ATTACH_STDOUT | VMM_ATTACH_STDERR)

static const char no_system[] =
	"this machine was started without the system container, which pulls and unpacks images: "
	"./run.sh says why";

static void tell_end(struct containers *all, uint32_t id, int status, const char *error)
{
	struct msg_images_ran ran = { .id = id, .status = status };
	size_t len = strlen(error), room = MESSAGE_MAX_DATA - sizeof(ran);
	struct message m;
	error_t err = message_encode_images_ran(&m, &ran, error, len < room ? len : room);

	assert(err == 0);
	if (outbox_send(&all->images_outbox, &m) < 0)
		log_debug("nobody waits for the end of a job");
}

// Its arguments, each with a NUL behind it.
static error_t read_arguments(struct settings *s, struct span text)
{
	error_t err = 0;

	while (text.len > 0 && err == 0) {
		const uint8_t *end = memchr(text.data, '\0', text.len);
		size_t len = end != NULL ? (size_t)(end - text.data) + 1 : 0;

		if (len == 0)
			return ERR_PROTOCOL;
		err = string_list_add(&s->cmd, (const char *)text.data);
		text.data += len;
		text.len -= len;
	}
	return err;
}

static void send_share(const struct container *c, const char *folder, uint32_t flags)
{
	struct msg_vmm_share share = { .flags = VMM_SHARE_STORE | flags };
	struct message m;
	error_t err = message_encode_vmm_share(&m, &share, folder, strlen(folder));

	assert(err == 0);
	(void)vmms_send(c->vmm, &m);
}

void job_send_shares(const struct container *c)
{
	send_share(c, c->job_folder, 0);
	if (c->job_sees_layers)
		send_share(c, IMAGES_LAYERS, VMM_SHARE_READ_ONLY);
}

static error_t set_up(struct container *c, const struct image *system, struct span arguments,
                      struct span folder)
{
	struct settings *s = &c->settings;
	char error[SETTINGS_ERROR_MAX];
	error_t err = random_get(c->id, sizeof(c->id));

	hex_write(c->id, sizeof(c->id), c->id_text);
	str_copy(c->image_id, system->id, sizeof(c->image_id));
	s->image = string_copy(IMAGE_SYSTEM);
	s->open_stdin = s->stdin_once = s->auto_remove = s->has_cmd = true;
	s->has_entrypoint = true;
	if (err == 0)
		err = string_list_add(&s->entrypoint, PROGRAM);
	if (err == 0)
		err = read_arguments(s, arguments);
	if (err == 0)
		err = endpoints_make(c, error);
	if (err == 0 && (folder.len == 0 || folder.len >= sizeof(c->job_folder)))
		err = ERR_PROTOCOL;
	if (err == 0)
		memcpy(c->job_folder, folder.data, folder.len);
	return err;
}

static error_t begin(struct containers *all, const struct msg_images_run *run, struct message *m,
                     struct span folder)
{
	const struct image *system = image_index_exact(&all->images, IMAGE_SYSTEM);
	struct container *c = heap_alloc(sizeof(*c));
	struct payload arguments = { 0 };
	error_t err = c != NULL ? 0 : ERR_NO_MEMORY;

	if (err == 0) {
		container_init(c, all);
		c->job = run->id;
		c->job_sees_layers = run->sees_layers != 0;
		err = payload_open_folio(m->handles[0], 0, run->length, &arguments);
		m->handles[0] = HANDLE_NONE;
	}
	if (err == 0)
		err = set_up(c, system, arguments.bytes, folder);
	payload_release(&arguments);
	if (err == 0) {
		c->attaches[c->num_attaches++] =
			(struct pending_attach){ .channel = m->handles[1],
			                         .order.flags = ATTACH_ALL };
		m->handles[1] = HANDLE_NONE;
		list_push_back(&all->jobs, &c->entry);
		container_begin(c);
	} else if (c != NULL) {
		container_discard(c);
	}
	return err;
}

static void close_all(struct message *m)
{
	for (unsigned i = 0; i < m->num_handles; i++)
		if (m->handles[i] != HANDLE_NONE)
			handle_close(m->handles[i]);
}

void job_run(struct containers *all, const struct msg_images_run *run, struct message *m,
             struct span folder)
{
	const char *why = NULL;
	error_t err;

	if (m->num_handles != 2 || run->id == 0 || run->id == JOB_OF_NOBODY) {
		why = error_text(ERR_PROTOCOL);
	} else if (!all->has_hypervisor) {
		why = "this machine has no hypervisor extension (H), which a pull needs";
	} else if (image_index_exact(&all->images, IMAGE_SYSTEM) == NULL) {
		why = no_system;
	} else {
		err = begin(all, run, m, folder);
		why = err < 0 ? error_text(err) : NULL;
	}
	close_all(m);
	if (why != NULL)
		tell_end(all, run->id, 1, why);
}

static struct container *find(struct containers *all, uint32_t id)
{
	list_for_each(entry, &all->jobs) {
		struct container *c = container_of(entry, struct container, entry);

		if (c->job == id)
			return c;
	}
	return NULL;
}

void job_stop(struct containers *all, uint32_t id)
{
	struct container *c = find(all, id);

	if (c != NULL && !c->killed)
		container_signal_send(c, SIGNAL_KILL);
}

void jobs_stop(struct containers *all)
{
	list_for_each_safe(pos, &all->jobs)
	{
		struct container *c = container_of(pos, struct container, entry);

		if (!c->killed)
			container_signal_send(c, SIGNAL_KILL);
	}
}

void jobs_forget(struct containers *all)
{
	list_for_each_safe(pos, &all->jobs)
	{
		struct container *c = container_of(pos, struct container, entry);

		if (c->job == 0)
			continue;
		c->job = JOB_OF_NOBODY;
		if (!c->killed)
			container_signal_send(c, SIGNAL_KILL);
	}
}

void job_ended(const struct container *c)
{
	if (c->job != JOB_OF_NOBODY)
		tell_end(c->all, c->job, c->exit_code, c->error);
}
