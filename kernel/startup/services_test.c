// SPDX-License-Identifier: MIT
#include "kernel/startup/services.h"

#include "kernel/arch/arch.h"
#include "kernel/object/all_test.h"
#include "kernel/object/folio.h"
#include "kernel/object/runtime_test.h"
#include "kernel/object/system.h"
#include "kernel/object/test_support.h"
#include "kernel/startup/device_quiesce.h"
#include "kernel/startup/devices.h"
#include "kernel/startup/environ.h"

struct device devices[MAX_DEVICES];
size_t num_devices;

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

bool boot_arg_find(const char *app, const char *name, char *value, size_t size)
{
	if (strcmp(app, "configured") != 0 || strcmp(name, "port") != 0)
		return false;
	strncpy(value, "80", size);
	return true;
}

void app_image_restore(const struct app_image *image)
{
	(void)image;
}

static void app_main(const struct environ *env)
{
	(void)env;
}

static struct services_plan plan;

#define IMAGE(spec_)             \
	{                        \
		.spec = &(spec_) \
	}
#define SPEC(name_, ...)                                                                       \
	{                                                                                      \
		.abi_version = APP_ABI_VERSION, .name = (name_), .main = app_main, __VA_ARGS__ \
	}

static void providers_come_first(void **state)
{
	static const struct app_spec a = SPEC(
		"a", .needs = { { NEED_SERVICE, "b", NULL, 0 }, { NEED_SERVICE, "c", NULL, 0 } });
	static const struct app_spec b =
		SPEC("b", .provides = { "b" }, .needs = { { NEED_SERVICE, "c", NULL, 0 } });
	static const struct app_spec c = SPEC("c", .provides = { "c" });
	const struct app_image images[] = { IMAGE(a), IMAGE(b), IMAGE(c) };

	(void)state;
	assert_int_equal(services_make_plan(images, 3, &plan), 0);
	assert_int_equal(plan.num_apps, 3);
	assert_int_equal(plan.order[0], 2);
	assert_int_equal(plan.order[1], 1);
	assert_int_equal(plan.order[2], 0);
	for (int i = 0; i < 3; i++)
		assert_null(plan.blocked[i]);
	assert_string_equal(host_log(), "");
}

static void a_cycle_is_named(void **state)
{
	static const struct app_spec x = SPEC("x", .needs = { { NEED_SERVICE, "a", NULL, 0 } });
	static const struct app_spec a =
		SPEC("a", .provides = { "a" }, .needs = { { NEED_SERVICE, "b", NULL, 0 } });
	static const struct app_spec b =
		SPEC("b", .provides = { "b" }, .needs = { { NEED_SERVICE, "c", NULL, 0 } });
	static const struct app_spec c =
		SPEC("c", .provides = { "c" }, .needs = { { NEED_SERVICE, "a", NULL, 0 } });
	const struct app_image images[] = { IMAGE(x), IMAGE(a), IMAGE(b), IMAGE(c) };

	(void)state;
	assert_int_equal(services_make_plan(images, 4, &plan), ERR_CYCLE);
	assert_string_equal(plan.message, "apps need each other in a cycle: a -> b -> c -> a");
}

static void an_app_that_needs_itself_is_a_cycle(void **state)
{
	static const struct app_spec a =
		SPEC("a", .provides = { "a" }, .needs = { { NEED_SERVICE, "a", NULL, 0 } });
	const struct app_image images[] = { IMAGE(a) };

	(void)state;
	assert_int_equal(services_make_plan(images, 1, &plan), ERR_CYCLE);
	assert_string_equal(plan.message, "apps need each other in a cycle: a -> a");
}

static void two_providers_are_named(void **state)
{
	static const struct app_spec a = SPEC("first", .provides = { "x", "disk" });
	static const struct app_spec b = SPEC("second", .provides = { "disk" });
	const struct app_image images[] = { IMAGE(a), IMAGE(b) };

	(void)state;
	assert_int_equal(services_make_plan(images, 2, &plan), ERR_EXISTS);
	assert_string_equal(
		plan.message,
		"the apps 'first' and 'second' both provide the service 'disk': remove one of them from APPS");
}

static void an_unmet_need_blocks_its_app_and_those_behind_it(void **state)
{
	static const struct app_spec a = SPEC("a", .needs = { { NEED_SERVICE, "b", NULL, 0 } });
	static const struct app_spec b =
		SPEC("b", .provides = { "b" }, .needs = { { NEED_SERVICE, "nowhere", NULL, 0 } });
	static const struct app_spec c =
		SPEC("c", .needs = { { NEED_SERVICE, "nowhere", NULL, 1 } });
	static const struct app_spec d = SPEC("d", .provides = { "tcpip" });
	static const struct app_spec e = SPEC("e", .needs = { { NEED_SERVICE, "tcipp", NULL, 0 } });
	const struct app_image images[] = { IMAGE(a), IMAGE(b), IMAGE(c), IMAGE(d), IMAGE(e) };

	(void)state;
	assert_int_equal(services_make_plan(images, 5, &plan), 0);
	assert_string_equal(plan.blocked[4], "service");
	assert_non_null(strstr(
		host_log(),
		"needs the service 'tcipp', which no app of this image provides: did you mean 'tcpip'?"));
	assert_string_equal(plan.blocked[0], "provider");
	assert_string_equal(plan.blocked[1], "service");
	assert_null(plan.blocked[2]);
	assert_non_null(strstr(
		host_log(),
		"0 the app 'b' needs the service 'nowhere', which no app of this image provides"));
	assert_non_null(
		strstr(host_log(),
	               "0 the app 'a' needs the service 'b' of the app 'b', which is not started"));
}

static void devices_and_configuration_are_needed(void **state)
{
	static const struct app_spec a =
		SPEC("driver", .needs = { { NEED_DEVICE, "acme,frob", NULL, 0 } });
	static const struct app_spec b =
		SPEC("lucky", .needs = { { NEED_DEVICE, "acme,here", NULL, 0 } });
	static const struct app_spec c =
		SPEC("strict", .needs = { { NEED_CONFIG, "port", NULL, 0 } });
	static const struct app_spec d = SPEC("lax",
	                                      .needs = { { NEED_CONFIG, "port", "80", 0 },
	                                                 { NEED_DEVICE, "acme,frob", NULL, 1 } });
	static const struct app_spec e =
		SPEC("configured",
	             .needs = { { NEED_CONFIG, "port", NULL, 0 }, { NEED_SYSTEM, NULL, NULL, 0 } });
	const struct app_image images[] = { IMAGE(a), IMAGE(b), IMAGE(c), IMAGE(d), IMAGE(e) };

	(void)state;
	num_devices = 1;
	devices[0] =
		(struct device){ .num_compatible = 2, .compatible = { "acme,other", "acme,here" } };
	assert_int_equal(services_make_plan(images, 5, &plan), 0);
	num_devices = 0;
	assert_string_equal(plan.blocked[0], "device");
	assert_null(plan.blocked[1]);
	assert_string_equal(plan.blocked[2], "config");
	assert_null(plan.blocked[3]);
	assert_null(plan.blocked[4]);
	assert_non_null(strstr(
		host_log(),
		"0 the app 'driver' needs a device 'acme,frob', which this machine does not have"));
	assert_non_null(strstr(
		host_log(),
		"0 the app 'strict' needs the boot argument strict.port=VALUE, which is not set"));
}

static void broken_specs_are_refused(void **state)
{
	static const struct app_spec old = { .abi_version = 99, .name = "old", .main = app_main };
	static const struct app_spec twin = SPEC("twin");
	static const struct app_spec mute = { .abi_version = APP_ABI_VERSION, .name = "mute" };
	static const struct app_spec odd =
		SPEC("odd", .needs = { { (enum app_need_kind)77, "x", NULL, 0 } });
	static const struct app_spec longish = SPEC("a-name-of-more-than-23-bytes");
	const struct app_image images[] = { IMAGE(old) };
	const struct app_image twins[] = { IMAGE(twin), IMAGE(twin) };
	const struct app_image mutes[] = { IMAGE(mute) };
	const struct app_image odds[] = { IMAGE(odd) };
	const struct app_image longs[] = { IMAGE(longish) };

	(void)state;
	assert_int_equal(services_make_plan(images, 1, &plan), ERR_NOT_SUPPORTED);
	assert_non_null(
		strstr(plan.message, "the app 'old' has spec version 99, this kernel knows 1"));
	assert_int_equal(services_make_plan(twins, 2, &plan), ERR_EXISTS);
	assert_non_null(strstr(plan.message, "two apps are named 'twin'"));
	assert_int_equal(services_make_plan(mutes, 1, &plan), ERR_INVALID);
	assert_int_equal(services_make_plan(odds, 1, &plan), ERR_INVALID);
	assert_int_equal(services_make_plan(longs, 1, &plan), ERR_INVALID);
	assert_int_equal(services_make_plan(images, MAX_APPS + 1, &plan), ERR_TOO_LARGE);
}

#define RUNTIME(name_, ...)                                                       \
	{                                                                         \
		.abi_version = APP_ABI_VERSION, .name = (name_), .is_runtime = 1, \
		.main = app_main, __VA_ARGS__                                     \
	}
#define SCRIPT(name_, runtime_)                                                         \
	{                                                                               \
		.abi_version = APP_ABI_VERSION, .name = (name_), .runtime = (runtime_), \
	}

static void runtimes_and_scripts_are_checked(void **state)
{
	static const struct user_image program = { .text_size = PAGE_SIZE };
	static const struct user_image script = { .rodata_size = PAGE_SIZE, .script_size = 7 };
	static const struct app_spec needy =
		RUNTIME("needy", .needs = { { NEED_SYSTEM, "control", NULL, 0 } });
	static const struct app_spec server = RUNTIME("server", .provides = { "x" });
	static const struct app_spec nested = RUNTIME("nested", .runtime = "js");
	static const struct app_spec js = RUNTIME("js");
	static const struct app_spec fine = SCRIPT("fine", "js");
	static const struct app_spec nameless = SCRIPT("nameless", "");
	const struct {
		struct app_image image;
		error_t error;
		const char *says;
	} cases[] = {
		{ { .spec = &needy, .user = &program }, ERR_INVALID, "'needy' is a runtime" },
		{ { .spec = &server, .user = &program }, ERR_INVALID, "'server' is a runtime" },
		{ { .spec = &nested, .user = &program }, ERR_INVALID, "'nested' is a runtime" },
		{ IMAGE(js), ERR_INVALID, "'js' is a runtime: it is to be in user mode" },
		{ { .spec = &js, .user = &program }, 0, "" },
		{ IMAGE(fine), ERR_INVALID, "'fine' has a runtime, but no script" },
		{ { .spec = &fine, .user = &program },
		  ERR_INVALID,
		  "'fine' has a runtime, but no script" },
		{ { .spec = &nameless, .user = &script }, ERR_INVALID, "'nameless' has a runtime" },
		{ { .spec = &fine, .user = &script }, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(services_make_plan(&cases[i].image, 1, &plan), cases[i].error);
		assert_non_null(strstr(plan.message, cases[i].says));
	}
}

static void a_script_is_started_with_its_runtime_only(void **state)
{
	static const struct user_image program = { .text_size = PAGE_SIZE };
	static const struct user_image script = { .rodata_size = PAGE_SIZE, .script_size = 7 };
	static const struct app_spec js = RUNTIME("js");
	static const struct app_spec other = SPEC("other");
	static const struct app_spec fine = SCRIPT("fine", "js");
	static const struct app_spec lost = SCRIPT("lost", "wasm");
	static const struct app_spec wrong = SCRIPT("wrong", "other");
	const struct app_image images[] = { { .spec = &fine, .user = &script },
		                            { .spec = &js, .user = &program },
		                            { .spec = &lost, .user = &script },
		                            { .spec = &wrong, .user = &script },
		                            IMAGE(other) };

	(void)state;
	assert_int_equal(services_make_plan(images, 5, &plan), 0);
	assert_null(plan.blocked[0]);
	assert_string_equal(plan.blocked[1], "runtime");
	assert_string_equal(plan.blocked[2], "runtime");
	assert_string_equal(plan.blocked[3], "runtime");
	assert_non_null(strstr(host_log(),
	                       "the app 'lost' is a script for the runtime 'wasm', "
	                       "which this image does not have: add one to APPS"));
	assert_non_null(strstr(host_log(),
	                       "the app 'wrong' is a script for the runtime 'other', "
	                       "which is another kind of app: add one to APPS"));
}

static void kept_memory_is_checked(void **state)
{
	static const struct app_spec none =
		SPEC("none", .needs = { { NEED_KEPT, "redo", NULL, 0, 0 } });
	static const struct app_spec huge =
		SPEC("huge", .needs = { { NEED_KEPT, "redo", NULL, 0, FOLIO_MAX_CONTIGUOUS + 1 } });
	static const struct app_spec twice = SPEC(
		"twice",
		.needs = { { NEED_KEPT, "redo", NULL, 0, 1 }, { NEED_KEPT, "redo", NULL, 0, 1 } });
	static const struct app_spec much = SPEC(
		"much", .memory_limit = 3 * PAGE_SIZE,
		.needs = { { NEED_KEPT, "a", NULL, 0, 5000 }, { NEED_KEPT, "b", NULL, 0, 5000 } });
	static const struct app_spec mute =
		SPEC("mute", .needs = { { NEED_KEPT, "", NULL, 0, 1 } });
	static const struct app_spec fine =
		SPEC("fine",
	             .needs = { { NEED_KEPT, "a", NULL, 0, FOLIO_MAX_CONTIGUOUS },
	                        { NEED_KEPT, "b", NULL, 0, 1 } });
	const struct {
		struct app_image image;
		error_t error;
		const char *says;
	} cases[] = {
		{ IMAGE(none), ERR_INVALID, "'none' asks for 0 bytes of kept memory 'redo'" },
		{ IMAGE(huge), ERR_INVALID, "kept memory 'redo': 1 to 4194304 are possible" },
		{ IMAGE(twice), ERR_EXISTS, "'twice' asks for the kept memory 'redo' twice" },
		{ IMAGE(much), ERR_INVALID, "'much' is larger than its limit of 12288 bytes" },
		{ IMAGE(mute), ERR_INVALID, "'mute' has an invalid need" },
		{ IMAGE(fine), 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(services_make_plan(&cases[i].image, 1, &plan), cases[i].error);
		assert_non_null(strstr(plan.message, cases[i].says));
	}
}

// --- Kept memory ---

#define KEPT_SIZE (2 * PAGE_SIZE)

static const struct app_spec keeper =
	SPEC("keeper", .needs = { { NEED_KEPT, "redo", NULL, 0, KEPT_SIZE - 1 } });

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

#include "kernel/object/service.h"

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
		test_case(providers_come_first),
		test_case(a_cycle_is_named),
		test_case(an_app_that_needs_itself_is_a_cycle),
		test_case(two_providers_are_named),
		test_case(an_unmet_need_blocks_its_app_and_those_behind_it),
		test_case(devices_and_configuration_are_needed),
		test_case(broken_specs_are_refused),
		test_case(runtimes_and_scripts_are_checked),
		test_case(a_script_is_started_with_its_runtime_only),
		test_case(kept_memory_is_checked),
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
