// SPDX-License-Identifier: MIT
//
// The order in which apps start, and what keeps one from it.
#include "kernel/startup/services.h"

#include "kernel/object/all_test.h"
#include "kernel/object/folio.h"
#include "kernel/object/test_support.h"
#include "kernel/startup/devices.h"

struct device devices[MAX_DEVICES];
size_t num_devices;

bool boot_arg_find(const char *app, const char *name, char *value, size_t size)
{
	if (strcmp(app, "configured") != 0 || strcmp(name, "port") != 0)
		return false;
	strncpy(value, "80", size);
	return true;
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

int test_services_plan(void)
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
	};

	return cmocka_run_group_tests_name("services_plan", tests, NULL, NULL);
}
