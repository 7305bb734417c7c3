// SPDX-License-Identifier: MIT
//
// Apps that start, start again and find each other.
#include "kernel/startup/services.h"

#include "kernel/arch/arch.h"
#include "kernel/object/all_test.h"
#include "kernel/object/folio.h"
#include "kernel/object/runtime_test.h"
#include "kernel/object/service.h"
#include "kernel/object/system.h"
#include "kernel/object/test_support.h"
#include "kernel/startup/device_quiesce.h"
#include "kernel/startup/environ.h"

static void fails_once_main(const struct environ *env);

static const struct app_spec fails_once = { .abi_version = APP_ABI_VERSION,
	                                    .name = "fails_once",
	                                    .main = fails_once_main,
	                                    .restart = RESTART_ON_FAULT };
const struct app_image app_images[] = {
	{ .spec = &fails_once,
	  .data_start = (uint8_t *)PAGE_SIZE,
	  .bss_end = (uint8_t *)UINTPTR_MAX },
	{ .spec = &runtime_spec, .user = &runtime_program },
};
const size_t num_app_images = 2;

// Devices of the fake machine do not stop, they are not there.
uint32_t device_fake_read(uintptr_t address);
void device_fake_write(uintptr_t address, uint32_t value);

uint32_t device_fake_read(uintptr_t address)
{
	(void)address;
	return 0;
}

void device_fake_write(uintptr_t address, uint32_t value)
{
	(void)address;
	(void)value;
}

void app_image_restore(const struct app_image *image)
{
	(void)image;
}

// --- Kept memory ---

#define KEPT_SIZE (2 * PAGE_SIZE)

static const struct app_spec keeper = { .abi_version = APP_ABI_VERSION,
	                                .name = "keeper",
	                                .needs = {
						{ NEED_KEPT, "redo", NULL, 0, KEPT_SIZE - 1 } } };

// Kept memory lives as long as the machine; it is made before anything is counted.
static int make_kept(void **state)
{
	struct process *process;

	host_init();
	assert_int_equal(process_create("keeper", NULL, 16, KEPT_SIZE, &process), 0);
	assert_int_equal(environ_build(process, &keeper), 0);
	test_end(process);
	return test_setup(state);
}

// The next process of the app: `self`. Where it sees its kept memory.
static uint64_t *begin_keeper(handle_t *out)
{
	uintptr_t at = 0;

	test_limits(16, KEPT_SIZE);
	assert_int_equal(environ_build(self, &keeper), 0);
	assert_int_equal(self->env->num_entries, 1);
	assert_int_equal(self->env->entries[0].kind, ENV_KEPT);
	assert_string_equal(self->env->entries[0].name, "redo");
	*out = self->env->entries[0].handle;
	assert_int_equal(CALL_3(folio_map, *out, PROT_READ | PROT_WRITE, &at), 0);
	return (uint64_t *)at;
}

static void the_next_process_finds_what_the_last_one_wrote(void **state)
{
	struct folio_info info;
	handle_t kept;
	uint64_t *at = begin_keeper(&kept);

	(void)state;
	assert_int_equal(CALL_2(folio_info, kept, &info), 0);
	assert_int_equal(info.size, KEPT_SIZE);
	for (size_t i = 0; i < KEPT_SIZE / sizeof(*at); i++)
		assert_int_equal(at[i], 0);
	at[0] = 77;
	at[KEPT_SIZE / sizeof(*at) - 1] = 78;
	at = begin_keeper(&kept);
	assert_int_equal(at[0], 77);
	assert_int_equal(at[KEPT_SIZE / sizeof(*at) - 1], 78);
	// Closed, it is there again for the next one.
	assert_int_equal(CALL_1(handle_close, kept), 0);
	assert_int_equal(begin_keeper(&kept)[0], 77);
}

static void kept_memory_has_one_holder(void **state)
{
	struct message m;
	handle_t ends[2];
	handle_t kept, second;

	(void)state;
	(void)begin_keeper(&kept);
	assert_int_equal(CALL_3(handle_duplicate, kept, RIGHTS_SAME, &second), ERR_ACCESS);
	assert_int_equal(CALL_1(channel_create, ends), 0);
	m = test_message(5, kept);
	assert_int_equal(CALL_2(channel_send, ends[0], &m), ERR_ACCESS);
	// Neither a guest has it, which may outlive the process with its hvspace.
	assert_int_equal(
		folio_pin(folio_from_object(handle_slot_locked(&self->handles, kept)->object),
	                  PROT_READ),
		ERR_ACCESS);
}

static void kept_memory_counts_to_the_limit(void **state)
{
	handle_t kept, more;

	(void)state;
	(void)begin_keeper(&kept);
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, FOLIO_CONTIGUOUS, &more), ERR_LIMIT);
	test_limits(16, KEPT_SIZE - 1);
	assert_int_equal(environ_build(self, &keeper), ERR_LIMIT);
}

// --- Starting again ---

static unsigned runs;

static void fails_once_main(const struct environ *env)
{
	(void)env;
	if (++runs == 1)
		CALL_1(process_exit, 1);
}

static unsigned times_logged(const char *line)
{
	unsigned times = 0;

	for (const char *at = host_log(); (at = strstr(at, line)) != NULL; at++)
		times++;
	return times;
}

// Nothing but the fake clock moves here: 5 ms after the first end, then every 100 ms.
static void a_restart_without_memory_is_tried_again(void **state)
{
	nsec_t first = arch_clock_now() + 5 * NSEC_PER_MSEC;
	struct process *process;

	(void)state;
	runs = 0;
	services_start();
	host_run(first - 1);
	assert_int_equal(runs, 1);
	host_fail_kmalloc(1);
	host_run(first + 250 * NSEC_PER_MSEC);
	assert_int_equal(runs, 1);
	assert_int_equal(services_find_process("fails_once", &process), ERR_NOT_FOUND);
	assert_int_equal(times_logged("fails_once: cannot be started"), 1);
	host_fail_kmalloc(0);
	host_run(first + 299 * NSEC_PER_MSEC);
	assert_int_equal(runs, 1);
	host_run(first + 300 * NSEC_PER_MSEC);
	assert_int_equal(runs, 2);
	assert_int_equal(host_timer(), NSEC_NEVER);
}

static void what_runs_already_is_not_started_again(void **state)
{
	nsec_t first = arch_clock_now() + 5 * NSEC_PER_MSEC;
	struct process *process;

	(void)state;
	runs = 0;
	services_start();
	host_run(first - 1);
	assert_int_equal(runs, 1);
	// Started by another app while its restart is due; the worker, whose turn comes first,
	// finds it there.
	host_advance(5 * NSEC_PER_MSEC);
	assert_int_equal(services_start_app("fails_once", &process), 0);
	host_run(first);
	assert_int_equal(times_logged("cannot be started"), 0);
	object_put(&process->object);
	// No timer goes off after this.
	host_run(NSEC_NEVER);
	assert_int_equal(runs, 2);
	assert_int_equal(arch_clock_now(), first);
}

static void a_system_handle_to_look_with_finds_processes_to_look_at(void **state)
{
	struct process_info info;
	handle_t looks, controls, process;

	(void)state;
	runs = 1;
	services_start();
	assert_int_equal(handle_insert(&self->handles, system_object(), RIGHT_READ, &looks), 0);
	assert_int_equal(handle_insert(&self->handles, system_object(), RIGHT_READ | RIGHT_CONTROL,
	                               &controls),
	                 0);
	assert_int_equal(CALL_4(system_find_process, looks, "fails_once", 10, &process), 0);
	assert_int_equal(CALL_2(process_info, process, &info), 0);
	assert_int_equal(CALL_1(process_kill, process), ERR_ACCESS);
	assert_int_equal(CALL_4(system_find_process, controls, "fails_once", 10, &process), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
	host_run(NSEC_NEVER);
}

// A call that fails has started nothing.
static void an_app_without_a_handle_is_not_started(void **state)
{
	handle_t controls, process;
	handle_t filler = HANDLE_NONE;

	(void)state;
	test_limits(16, 1 << 20);
	runs = 1;
	services_start();
	host_run(NSEC_NEVER);
	assert_int_equal(handle_insert(&self->handles, system_object(), RIGHT_READ | RIGHT_CONTROL,
	                               &controls),
	                 0);
	assert_int_equal(CALL_4(system_start_app, controls, "fails_once", 10, 64), ERR_ADDRESS);
	assert_int_equal(CALL_4(system_find_process, controls, "fails_once", 10, &process),
	                 ERR_NOT_FOUND);
	while (CALL_1(event_create, &process) == 0)
		filler = process;
	assert_int_equal(CALL_4(system_start_app, controls, "fails_once", 10, &process), ERR_LIMIT);
	assert_int_equal(CALL_1(handle_close, filler), 0);
	assert_int_equal(CALL_4(system_find_process, controls, "fails_once", 10, &process),
	                 ERR_NOT_FOUND);
	assert_int_equal(CALL_4(system_start_app, controls, "fails_once", 10, &process), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
	host_run(NSEC_NEVER);
}

// --- The connector and the service ---

static struct service *service;

static int make_service(void **state)
{
	// A service entry lives as long as the machine; it is made before anything is counted.
	host_init();
	if (service == NULL)
		assert_int_equal(service_create("thing", NULL, &service), 0);
	return test_setup(state);
}

static void a_connector_waits_for_its_provider(void **state)
{
	handle_t connector;
	handle_t provider;
	handle_t poll;
	handle_t client;
	handle_t server;
	struct message m = test_message(5, HANDLE_NONE);
	char name[APP_NAME_MAX];

	(void)state;
	assert_int_equal(handle_insert(&self->handles, &service->connector, RIGHT_READ | RIGHT_POLL,
	                               &connector),
	                 0);
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_4(poll_add, poll, connector, READY_READABLE, 1), 0);
	assert_int_equal(CALL_2(service_connect, connector, &client), ERR_NOT_READY);
	assert_int_equal(test_ready(poll, 1), 0);

	assert_int_equal(
		handle_insert(&self->handles, &service->object, RIGHT_READ | RIGHT_POLL, &provider),
		0);
	service_open(service, 1);
	assert_int_equal(test_ready(poll, 1), READY_READABLE);
	assert_int_equal(CALL_4(poll_add, poll, provider, READY_READABLE, 2), 0);
	assert_int_equal(CALL_2(service_accept, provider, &server), ERR_EMPTY);
	assert_int_equal(CALL_2(service_connect, connector, &client), 0);
	assert_int_equal(CALL_2(channel_send, client, &m), 0);
	assert_int_equal(test_ready(poll, 2), READY_READABLE);
	assert_int_equal(CALL_2(service_accept, provider, 64), ERR_ADDRESS);
	assert_int_equal(CALL_2(service_accept, provider, &server), 0);
	assert_int_equal(test_ready(poll, 2), 0);
	assert_int_equal(CALL_2(channel_recv, server, &m), 0);
	assert_int_equal(m.type, 5);
	// The provider hears from the kernel who that is.
	assert_int_equal(CALL_2(channel_maker, server, name), 0);
	assert_string_equal(name, self->name);
	assert_int_equal(CALL_2(channel_maker, provider, name), ERR_WRONG_TYPE);
	assert_int_equal(CALL_2(channel_maker, server, 64), ERR_ADDRESS);

	// Who waits when the provider goes sees its peer closed; others are told to wait.
	assert_int_equal(CALL_2(service_connect, connector, &client), 0);
	assert_int_equal(CALL_1(handle_close, provider), 0);
	assert_int_equal(CALL_2(channel_recv, client, &m), ERR_PEER_CLOSED);
	assert_int_equal(CALL_2(service_connect, connector, &client), ERR_NOT_READY);
	assert_int_equal(test_ready(poll, 1), 0);
}

static void waiting_connections_are_bounded(void **state)
{
	handle_t connector;
	handle_t provider;
	handle_t poll;
	handle_t end;

	(void)state;
	assert_int_equal(handle_insert(&self->handles, &service->connector, RIGHT_READ | RIGHT_POLL,
	                               &connector),
	                 0);
	assert_int_equal(
		handle_insert(&self->handles, &service->object, RIGHT_READ | RIGHT_POLL, &provider),
		0);
	service_open(service, 1);
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_4(poll_add, poll, connector, READY_READABLE, 1), 0);
	for (int i = 0; i < SERVICE_MAX_PENDING; i++)
		assert_int_equal(CALL_2(service_connect, connector, &end), 0);
	assert_int_equal(CALL_2(service_connect, connector, &end), ERR_FULL);
	assert_int_equal(test_ready(poll, 1), 0);
	assert_int_equal(CALL_2(service_accept, provider, &end), 0);
	assert_int_equal(test_ready(poll, 1), READY_READABLE);
	assert_int_equal(CALL_2(service_accept, provider, 16), ERR_ADDRESS);
}

int test_services(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_next_process_finds_what_the_last_one_wrote,
		                                make_kept, test_teardown),
		cmocka_unit_test_setup_teardown(kept_memory_has_one_holder, make_kept,
		                                test_teardown),
		cmocka_unit_test_setup_teardown(kept_memory_counts_to_the_limit, make_kept,
		                                test_teardown),
		test_case(a_restart_without_memory_is_tried_again),
		test_case(what_runs_already_is_not_started_again),
		test_case(a_system_handle_to_look_with_finds_processes_to_look_at),
		test_case(an_app_without_a_handle_is_not_started),
		cmocka_unit_test_setup_teardown(a_connector_waits_for_its_provider, make_service,
		                                test_teardown),
		cmocka_unit_test_setup_teardown(waiting_connections_are_bounded, make_service,
		                                test_teardown),
	};

	return cmocka_run_group_tests_name("services", tests, NULL, NULL);
}
