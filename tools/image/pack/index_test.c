// SPDX-License-Identifier: MIT
// What images.json says of how an image is run: only what apps can read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/image/pack/index.h"

static void check(const char *config, const char *expected)
{
	json_t *image = json_loads(config, 0, NULL);
	json_t *out = image ? index_config(image) : NULL;
	char *text = out ? json_dumps(out, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	json_decref(out);
	json_decref(image);
}

static void test_kinds(void **state)
{
	(void)state;
	check("{\"config\":{\"Cmd\":\"sh\",\"Env\":[\"A=1\"],\"WorkingDir\":\"/a\",\"User\":\"me\","
	      "\"ExposedPorts\":{\"80/tcp\":{}}}}",
	      "{\"Cmd\":[\"sh\"],\"Env\":[\"A=1\"],\"ExposedPorts\":[\"80/tcp\"],\"User\":\"me\","
	      "\"Volumes\":[],\"WorkingDir\":\"/a\"}");
	check("{\"config\":{\"Cmd\":7,\"Env\":\"A=1\",\"WorkingDir\":[],\"User\":[\"me\"],"
	      "\"Entrypoint\":[[]],\"Volumes\":[],\"ExposedPorts\":\"80\",\"Healthcheck\":[]}}",
	      "{\"ExposedPorts\":[],\"Volumes\":[]}");
	check("{\"config\":[]}", "{\"ExposedPorts\":[],\"Volumes\":[]}");
}

static void test_health(void **state)
{
	(void)state;
	check("{\"config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],\"Interval\":5,\"Retries\":\"7\","
	      "\"Timeout\":[[[[]]]],\"Other\":{\"a\":[[[[[]]]]]}}}}",
	      "{\"ExposedPorts\":[],\"Healthcheck\":{\"Interval\":5,\"Test\":[\"CMD\",\"x\"]},"
	      "\"Volumes\":[]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_health),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
