// SPDX-License-Identifier: MIT
//
// The processes with virtual machines: instances of the app vmm, which the app manager starts. Some
// wait, booted, for a container.
#include "apps/containers/containers.h"
#include "apps/containers/settings_check.h"
#include "libs/abi/apps.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define VMM_APP "vmm"
// Virtual machines that the switch has ports for (MAX_VM_PORTS of apps/netswitch).
#define NETWORK_PORTS 32u
// After a restart of this app, until those that run have connected again.
#define EXPECT_DELAY (5 * NSEC_PER_SEC)
// Until the app manager has the app, or memory is free again.
#define RETRY_DELAY (200 * NSEC_PER_MSEC)
// After a container's start, until the next virtual machine boots. Most of the short runs are over
// by then, and have not shared the harts with that boot.
#define QUIET_DELAY (500 * NSEC_PER_MSEC)

// What is asked for often is not put off by that.
static void retry_at(struct containers *all, nsec_t deadline)
{
	error_t err;

	if (all->retries_at <= deadline)
		return;
	all->retries_at = deadline;
	err = timer_set(all->retry_timer, deadline);
	assert(err == 0);
}

void vmms_retry(struct containers *all)
{
	retry_at(all, monotonic_time() + RETRY_DELAY);
}

void vmms_container_runs(struct vmm_process *vmm)
{
	vmm->quiet_until = monotonic_time() + QUIET_DELAY;
}

// --- Starting them -------------------------------------------------------------------------------

// Asks the app manager for the process. What cannot be asked now is asked again later.
static void ask(struct vmm_process *vmm)
{
	struct containers *all = vmm->all;
	struct msg_apps_start start = { .flags = APPS_START_INSTANCE, .name = VMM_APP };
	char token[HEX_SIZE(VMM_TOKEN_SIZE)], config[MESSAGE_MAX_DATA];
	struct message m;
	size_t len;
	error_t err;

	vmm->request = 0;
	if (!all->has_manager)
		return;
	hex_write(vmm->token, sizeof(vmm->token), token);
	len = fmt_write(config, sizeof(config),
	                "token=%s\nmemory=%llu\ncpus=%u\ntimebase=%llu\nharts=%u", token,
	                (unsigned long long)vmm->memory, vmm->cpus,
	                (unsigned long long)all->timebase_hz, all->hart_features);
	start.id = ++all->manager_requests;
	err = message_encode_apps_start(&m, &start, config, len);
	assert(err == 0);
	if (channel_send(all->manager.handle, &m) == 0)
		vmm->request = start.id;
	else
		vmms_retry(all);
}

// Whether nobody has been asked for the process: it has neither come nor a name.
static bool is_to_be_asked(const struct vmm_process *vmm)
{
	return vmm->request == 0 && vmm->app[0] == '\0' && !vmm->connected && !vmm->expected;
}

static struct vmm_process *launch(struct containers *all, uint64_t memory, uint32_t cpus)
{
	struct vmm_process *vmm = heap_alloc(sizeof(*vmm));

	if (vmm == NULL)
		return NULL;
	vmm->all = all;
	vmm->memory = memory;
	vmm->cpus = cpus;
	if (random_get(vmm->token, sizeof(vmm->token)) < 0) {
		heap_free(vmm);
		return NULL;
	}
	list_push_back(&all->vmms, &vmm->entry);
	ask(vmm);
	return vmm;
}

static size_t count(struct containers *all)
{
	size_t num = 0;

	list_for_each(entry, &all->vmms)
		num++;
	return num;
}

static bool is_of_pool(const struct vmm_process *vmm)
{
	return vmm->container == NULL && vmm->memory == DEFAULT_MEMORY && vmm->cpus == 1;
}

static uint64_t num_waiting(struct containers *all)
{
	uint64_t waiting = 0;

	list_for_each(entry, &all->vmms)
		waiting += is_of_pool(container_of(entry, struct vmm_process, entry)) ? 1 : 0;
	return waiting;
}

// One boot at a time, and none while a container starts or has just started: its client waits for
// it.
static void pool_fill(struct containers *all)
{
	nsec_t quiet_until = 0;

	if (!all->has_hypervisor || all->app_size == 0)
		return;
	list_for_each(entry, &all->vmms) {
		const struct vmm_process *vmm = container_of(entry, struct vmm_process, entry);

		if (vmm->vm == VMM_BOOTING ||
		    (vmm->container != NULL && vmm->container->state == CONTAINER_RUNNING &&
		     !vmm->container->started))
			return;
		if (vmm->quiet_until > quiet_until)
			quiet_until = vmm->quiet_until;
	}
	if (quiet_until > monotonic_time()) {
		retry_at(all, quiet_until);
		return;
	}
	if (num_waiting(all) < all->pool_size && count(all) + leaving_count(all) < NETWORK_PORTS)
		(void)launch(all, DEFAULT_MEMORY, 1);
}

static void drop(struct vmm_process *vmm)
{
	struct container *c = vmm->container;

	if (vmm->connected)
		loop_close(&vmm->all->loop, &vmm->link);
	leaving_add(vmm->all, vmm->app, vmm->has_clients);
	list_remove(&vmm->entry);
	if (c != NULL)
		c->vmm = NULL;
	heap_free(vmm);
}

// One that is over anyway, or one that waits, of another kind, gives its port of the network to one
// that is needed.
static void give_way(struct containers *all)
{
	if (count(all) + leaving_count(all) < NETWORK_PORTS || leaving_hurry(all) ||
	    count(all) < NETWORK_PORTS)
		return;
	list_for_each(entry, &all->vmms) {
		struct vmm_process *vmm = container_of(entry, struct vmm_process, entry);

		if (vmm->container == NULL) {
			if (vmm->app[0] != '\0')
				vmms_stop(all, vmm->app);
			drop(vmm);
			return;
		}
	}
}

void vmms_lose(struct vmm_process *vmm)
{
	struct containers *all = vmm->all;
	struct container *c = vmm->container;

	drop(vmm);
	if (c != NULL)
		container_vmm_lost(c);
	vmms_retry(all);
}

// --- The app manager -----------------------------------------------------------------------------

static struct vmm_process *find_request(struct containers *all, uint32_t request)
{
	list_for_each(entry, &all->vmms) {
		struct vmm_process *vmm = container_of(entry, struct vmm_process, entry);

		if (vmm->request != 0 && vmm->request == request)
			return vmm;
	}
	return NULL;
}

static void start_answered(struct containers *all, const struct msg_apps_result *result,
                           const char *text)
{
	struct vmm_process *vmm = find_request(all, result->id);

	if (vmm == NULL)
		return;
	if (result->error == 0) {
		vmm->request = 0;
		memcpy(vmm->app, result->name, sizeof(vmm->app));
		vmm->app[sizeof(vmm->app) - 1] = '\0';
		// Another one that was called so has ended.
		(void)leaving_ended(all, vmm->app);
		return;
	}
	// The app comes soon after the boot, from the host.
	if (result->error == ERR_NOT_FOUND) {
		vmm->request = 0;
		vmms_retry(all);
		return;
	}
	log_error("no process for a virtual machine: %s", text);
	if (vmm->container != NULL)
		str_copy(vmm->container->error, text, sizeof(vmm->container->error));
	vmms_lose(vmm);
}

static void app_ended(struct containers *all, const char *name)
{
	if (leaving_ended(all, name))
		return;
	list_for_each(entry, &all->vmms) {
		struct vmm_process *vmm = container_of(entry, struct vmm_process, entry);

		if (strncmp(vmm->app, name, sizeof(vmm->app)) != 0)
			continue;
		vmm->app[0] = '\0';
		vmms_lose(vmm);
		return;
	}
}

void vmms_load(struct containers *all)
{
	struct msg_apps_load load = { .size = all->app_size };
	struct message m;
	error_t err;

	if (!all->has_manager || all->app_file == HANDLE_NONE)
		return;
	load.id = ++all->manager_requests;
	err = message_encode_apps_load(&m, &load, NULL, 0);
	assert(err == 0);
	m.handles[0] = all->app_file;
	m.num_handles = 1;
	// If it is there already, as after a restart, that is as good.
	if (channel_send(all->manager.handle, &m) == 0)
		all->app_file = HANDLE_NONE;
	vmms_retry(all);
}

static void manager_message(struct loop *loop, struct source *source, struct message *m)
{
	struct containers *all = source->context;
	struct msg_apps_result result;
	struct msg_apps_event event;
	char text[APPS_TEXT_MAX + 1];
	const uint8_t *tail;
	size_t len;

	(void)loop;
	if (message_decode_apps_result(m, &result, &tail, &len) == 0) {
		len = len < APPS_TEXT_MAX ? len : APPS_TEXT_MAX;
		memcpy(text, tail, len);
		text[len] = '\0';
		start_answered(all, &result, text);
	} else if (message_decode_apps_event(m, &event, &tail, &len) == 0) {
		if (event.state == APPS_LOADED)
			app_ended(all, event.name);
	} else {
		message_discard(m);
	}
}

static void manager_closed(struct loop *loop, struct source *source)
{
	struct containers *all = source->context;
	error_t err;

	all->has_manager = false;
	loop_close(loop, source);
	// What it was asked for may be lost. A second process of one token is sent away.
	list_for_each(entry, &all->vmms) {
		struct vmm_process *vmm = container_of(entry, struct vmm_process, entry);

		if (vmm->connected || vmm->expected)
			continue;
		vmm->request = 0;
		vmm->app[0] = '\0';
	}
	err = service_client_again(&all->manager_client);
	assert(err == 0);
}

static const struct source_ops manager_ops = { .message = manager_message,
	                                       .closed = manager_closed };

static void manager_connected(void *context, handle_t channel)
{
	struct containers *all = context;
	struct msg_apps_watch watch = { .id = ++all->manager_requests };
	struct message m;
	error_t err = loop_add(&all->loop, &all->manager, channel, &manager_ops, all);

	assert(err == 0);
	all->has_manager = true;
	err = message_encode_apps_watch(&m, &watch, NULL, 0);
	assert(err == 0);
	if (channel_send(channel, &m) < 0)
		log_warn("the app manager does not say when a process ends");
	vmms_load(all);
	vmms_retry(all);
}

// --- For containers ------------------------------------------------------------------------------

struct vmm_process *vmms_take(struct containers *all, struct container *c)
{
	uint64_t memory = c->settings.memory > 0 ? (uint64_t)c->settings.memory : DEFAULT_MEMORY;
	uint32_t cpus = (uint32_t)((settings_nano_cpus(&c->settings) + 999999999) / 1000000000);
	struct vmm_process *vmm = NULL;

	cpus = cpus > 0 ? cpus : 1;
	list_for_each(entry, &all->vmms) {
		struct vmm_process *other = container_of(entry, struct vmm_process, entry);

		if (other->container == NULL && other->memory == memory && other->cpus == cpus &&
		    (vmm == NULL || (other->vm == VMM_IDLE && vmm->vm != VMM_IDLE)))
			vmm = other;
	}
	if (vmm == NULL) {
		give_way(all);
		vmm = launch(all, memory, cpus);
	}
	if (vmm != NULL)
		vmm->container = c;
	return vmm;
}

void vmms_expect(struct container *c, const uint8_t token[VMM_TOKEN_SIZE])
{
	struct vmm_process *vmm = heap_alloc(sizeof(*vmm));

	if (vmm == NULL)
		return;
	*vmm = (struct vmm_process){ .all = c->all,
		                     .vm = VMM_RUNNING,
		                     .container = c,
		                     .order_sent = true,
		                     .expected = true,
		                     .has_clients = true };
	memcpy(vmm->token, token, sizeof(vmm->token));
	list_push_back(&c->all->vmms, &vmm->entry);
	c->vmm = vmm;
}

void vmms_await(struct containers *all)
{
	error_t err = timer_set(all->expect_timer, monotonic_time() + EXPECT_DELAY);

	assert(err == 0);
}

static struct vmm_process *find_expected(struct containers *all)
{
	list_for_each(entry, &all->vmms) {
		struct vmm_process *vmm = container_of(entry, struct vmm_process, entry);

		if (vmm->expected)
			return vmm;
	}
	return NULL;
}

// Those that have not come back are gone, with the machine as a rule.
static void expect_signalled(struct loop *loop, struct source *source)
{
	struct containers *all = source->context;
	struct vmm_process *vmm;
	error_t err = timer_set(all->expect_timer, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	while ((vmm = find_expected(all)) != NULL)
		vmms_lose(vmm);
}

static const struct source_ops expect_ops = { .signalled = expect_signalled };

void vmms_stop(struct containers *all, const char *app)
{
	struct msg_apps_stop stop = { .id = ++all->manager_requests };
	struct message m;
	error_t err;

	str_copy(stop.name, app, sizeof(stop.name));
	err = message_encode_apps_stop(&m, &stop, NULL, 0);
	assert(err == 0);
	if (app[0] == '\0' || !all->has_manager || channel_send(all->manager.handle, &m) < 0)
		log_error("a virtual machine's process cannot be ended");
}

void vmms_end(struct vmm_process *vmm)
{
	log_warn("%s does not end its container: it is ended", vmm->app);
	vmms_stop(vmm->all, vmm->app);
}

void vmms_release(struct vmm_process *vmm)
{
	struct containers *all = vmm->all;

	vmm->container = NULL;
	// One that was told of no container is as good as new.
	if (vmm->order_sent || !is_of_pool(vmm) || num_waiting(all) > all->pool_size)
		drop(vmm);
	vmms_retry(all);
}

static void retry_signalled(struct loop *loop, struct source *source)
{
	struct containers *all = source->context;
	error_t err = timer_set(all->retry_timer, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	all->retries_at = NSEC_NEVER;
	list_for_each(entry, &all->vmms) {
		struct vmm_process *vmm = container_of(entry, struct vmm_process, entry);

		if (is_to_be_asked(vmm))
			ask(vmm);
	}
	pool_fill(all);
}

static const struct source_ops retry_ops = { .signalled = retry_signalled };

error_t vmms_init(struct containers *all)
{
	error_t err;

	all->retries_at = NSEC_NEVER;
	list_init(&all->vmms);
	list_init(&all->vmm_guests);
	err = leaving_init(all);
	if (err == 0)
		err = timer_create(&all->retry_timer);
	if (err == 0)
		err = loop_add(&all->loop, &all->retry, all->retry_timer, &retry_ops, all);
	if (err == 0)
		err = timer_create(&all->expect_timer);
	if (err == 0)
		err = loop_add(&all->loop, &all->expect, all->expect_timer, &expect_ops, all);
	if (err == 0)
		err = service_client_start(&all->loop, &all->manager_client,
		                           environ_connector(all->env, "apps"), manager_connected,
		                           all);
	return err;
}
