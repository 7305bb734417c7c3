// SPDX-License-Identifier: MIT
// What images.json says of how an image is run: only what apps can read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/image/pack/host_network.h"
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
	check("{\"config\":{\"StopSignal\":\"SIGINT\",\"Labels\":{\"a\":\"b\",\"c\":[[]]}}}",
	      "{\"ExposedPorts\":[],\"Labels\":{\"a\":\"b\"},\"StopSignal\":\"SIGINT\",\"Volumes\":[]}");
	check("{\"config\":{\"StopSignal\":[2],\"Labels\":[]}}",
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

static char *environment_of(int expected)
{
	json_t *list = json_pack("[s]", "A=1");
	struct error err;
	char *text;

	assert_int_equal(host_network_add(list, &err), expected);
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

static void test_host_network(void **state)
{
	char path[] = "/tmp/index_test.XXXXXX";
	int fd = mkstemp(path);
	char *text;

	(void)state;
	unsetenv("http_proxy");
	unsetenv("HTTP_PROXY");
	setenv("https_proxy", "http://a:1", 1);
	setenv("HTTPS_PROXY", "http://b:2", 1);
	unsetenv("NO_PROXY");
	setenv("no_proxy", "x,y", 1);
	assert_int_equal(write(fd, "PEM\n", 4), 4);
	setenv("STARINA_CA", path, 1);
	text = environment_of(0);
	assert_string_equal(text,
	                    "[\"A=1\",\"SYSTEM_CA=PEM\\n\\n\",\"HTTPS_PROXY=http://b:2\","
	                    "\"NO_PROXY=x,y\"]");
	free(text);
	assert_int_equal(ftruncate(fd, 200000), 0);
	free(environment_of(-1));
	close(fd);
	unlink(path);
	free(environment_of(-1));
	setenv("STARINA_CA", "", 1);
	text = environment_of(0);
	assert_null(strstr(text, "SYSTEM_CA"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_host_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
