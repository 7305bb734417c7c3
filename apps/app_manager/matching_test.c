// SPDX-License-Identifier: MIT
#include "apps/app_manager/matching.h"

// cmocka.h needs these.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char text[256];

// "net" runs, "disk" does not, "kernel_thing" is of the image.
static const char *provider(const char *service, int *runs)
{
	*runs = strcmp(service, "disk") != 0;
	if (strcmp(service, "net") == 0)
		return "netapp";
	if (strcmp(service, "disk") == 0)
		return "diskapp";
	return strcmp(service, "kernel_thing") == 0 ? "an app of the image" : NULL;
}

static const char *service(size_t index)
{
	static const char *const all[] = { "net", "disk", NULL };

	return all[index];
}

static const char *config(const char *name)
{
	return strcmp(name, "port") == 0 ? "80" : NULL;
}

static const struct match_world world = { provider, service, config };

static error_t needs(const struct app_spec *spec)
{
	text[0] = '\0';
	return match_needs(spec, &world, text, sizeof(text));
}

#define says(words) assert_non_null(strstr(text, words))

static void test_services(void **state)
{
	const struct app_spec fine = { .name = "app",
		                       .needs = { { NEED_SERVICE, "net", NULL, 0 },
		                                  { NEED_SERVICE, "kernel_thing", NULL, 0 },
		                                  { NEED_SERVICE, "nothing", NULL, 1 } } };
	const struct app_spec misspelt = { .name = "app",
		                           .needs = { { NEED_SERVICE, "dsik", NULL, 0 } } };
	const struct app_spec unknown = { .name = "app",
		                          .needs = { { NEED_SERVICE, "printer", NULL, 0 } } };
	const struct app_spec stopped = { .name = "app",
		                          .needs = { { NEED_SERVICE, "disk", NULL, 0 } } };
	const struct app_spec own = { .name = "app",
		                      .provides = { "mine" },
		                      .needs = { { NEED_SERVICE, "mine", NULL, 0 } } };

	(void)state;
	assert_int_equal(needs(&fine), 0);
	assert_int_equal(needs(&misspelt), ERR_NOT_FOUND);
	says("'app' needs the service 'dsik'");
	says("did you mean 'disk'?");
	assert_int_equal(needs(&unknown), ERR_NOT_FOUND);
	says("load one that does first");
	assert_int_equal(needs(&stopped), ERR_NOT_READY);
	says("of the app 'diskapp', which does not run");
	assert_int_equal(needs(&own), ERR_CYCLE);
}

static void test_other_needs(void **state)
{
	struct app_spec spec = { .name = "app", .needs = { { NEED_CONFIG, "port", NULL, 0 } } };

	(void)state;
	assert_int_equal(needs(&spec), 0);
	spec.needs[0].name = "host";
	assert_int_equal(needs(&spec), ERR_NOT_FOUND);
	says("host=VALUE");
	spec.needs[0].fallback = "";
	assert_int_equal(needs(&spec), 0);
	for (int kind = NEED_DEVICE; kind <= NEED_LOOK; kind++) {
		spec.needs[0] = (struct app_need){ (enum app_need_kind)kind, "thing", NULL, 0, 1 };
		if (kind == NEED_CONFIG)
			continue;
		assert_int_equal(needs(&spec), ERR_NOT_SUPPORTED);
		says("only an app of the image");
		spec.needs[0].optional = 1;
		assert_int_equal(needs(&spec), 0);
	}
}

static void test_provides(void **state)
{
	const struct app_spec fine = { .name = "app", .provides = { "new" } };
	const struct app_spec again = { .name = "netapp", .provides = { "net" } };
	const struct app_spec other = { .name = "app", .provides = { "new", "net" } };
	const struct app_spec image = { .name = "app", .provides = { "kernel_thing" } };

	(void)state;
	assert_int_equal(match_provides(&fine, &world, text, sizeof(text)), 0);
	assert_int_equal(match_provides(&again, &world, text, sizeof(text)), 0);
	assert_int_equal(match_provides(&other, &world, text, sizeof(text)), ERR_EXISTS);
	says("netapp and the app 'app' both provide the service 'net'");
	assert_int_equal(match_provides(&image, &world, text, sizeof(text)), ERR_EXISTS);
	says("an app of the image and");
}

static void test_replaces(void **state)
{
	const struct app_spec old = { .name = "app", .provides = { "one", "two" } };
	const struct app_spec more = { .name = "app", .provides = { "three", "two", "one" } };
	const struct app_spec less = { .name = "app", .provides = { "one" } };

	(void)state;
	assert_int_equal(match_replaces(&more, &old, text, sizeof(text)), 0);
	assert_int_equal(match_replaces(&old, &old, text, sizeof(text)), 0);
	assert_int_equal(match_replaces(&less, &old, text, sizeof(text)), ERR_NOT_SUPPORTED);
	says("does not provide the service 'two'");
}

static error_t configured(const char *lines)
{
	static const struct app_spec spec = { .name = "app",
		                              .needs = { { NEED_CONFIG, "port", NULL, 0 },
		                                         { NEED_SERVICE, "net", NULL, 0 } } };

	return match_config(&spec, lines, strlen(lines), text, sizeof(text));
}

static void test_config(void **state)
{
	char value[8];

	(void)state;
	assert_int_equal(configured(""), 0);
	assert_int_equal(configured("port=80"), 0);
	assert_int_equal(configured("port=80\n\nport="), 0);
	assert_int_equal(configured("prot=80"), ERR_NOT_FOUND);
	says("no configuration 'prot=80'");
	assert_int_equal(configured("port"), ERR_NOT_FOUND);
	assert_int_equal(configured("=80"), ERR_NOT_FOUND);
	assert_int_equal(configured("net=80"), ERR_NOT_FOUND);
	assert_int_equal(configured("a very long line of things that nobody has asked for"),
	                 ERR_NOT_FOUND);
	assert_int_equal(match_config_value("a=1\nport=80\n", 12, "port", value, sizeof(value)), 1);
	assert_string_equal(value, "80");
	// No line ends behind the last byte, and no value is longer than its room.
	assert_int_equal(match_config_value("port=8080", 6, "port", value, sizeof(value)), 1);
	assert_string_equal(value, "8");
	assert_int_equal(match_config_value("port=123456789", 14, "port", value, sizeof(value)), 1);
	assert_string_equal(value, "1234567");
	assert_int_equal(match_config_value("ports=1", 7, "port", value, sizeof(value)), 0);
	assert_int_equal(match_config_value("port", 4, "port", value, sizeof(value)), 0);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(match_limit(0, 0, 16), 16);
	assert_int_equal(match_limit(0, 8, 16), 8);
	assert_int_equal(match_limit(0, 32, 16), 32);
	assert_int_equal(match_limit(4, 8, 16), 4);
	assert_int_equal(match_limit(12, 8, 16), 8);
	assert_int_equal(match_limit(4, 0, 16), 4);
	// A spec that says nothing is no way around the usual one.
	assert_int_equal(match_limit(UINT64_MAX, 0, 16), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),      cmocka_unit_test(test_services),
		cmocka_unit_test(test_other_needs), cmocka_unit_test(test_provides),
		cmocka_unit_test(test_replaces),    cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
