// SPDX-License-Identifier: MIT
// HostConfig in inspect: each member once, whatever a client has sent twice.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/containers.h"

struct string_list *links_on_bridge(const struct container *c)
{
	(void)c;
	return NULL;
}

struct container *link_target(struct containers *all, const char *text,
                              char alias[static LINK_NAME_MAX])
{
	(void)all;
	(void)text;
	(void)alias;
	return NULL;
}

// What is shown of a container whose HostConfig is `sent`; the caller's writer.
static const char *shown(struct json_writer *w, char *sent)
{
	struct container c = { .settings.host_config = sent };

	*w = (struct json_writer){ 0 };
	show_host_config(w, &c);
	return json_writer_text(w);
}

// Whether `member` is there, and no other of that name.
static void expect(char *sent, const char *name, const char *member)
{
	struct json_writer w;
	const char *text = shown(&w, sent), *first = strstr(text, name);

	assert_non_null(strstr(text, member));
	assert_ptr_equal(strstr(text, member), first);
	assert_null(strstr(first + 1, name));
	json_writer_deinit(&w);
}

static void test_members_sent_twice(void **state)
{
	(void)state;
	expect("{\"Privileged\":true,\"PRIVILEGED\":false}",
	       "\"Privileged\":", "\"Privileged\":false");
	expect("{\"dns\":[\"1.1.1.1\"],\"Dns\":null}", "\"Dns\":", "\"Dns\":[\"1.1.1.1\"]");
	expect("{\"Dns\":null,\"DNS\":null}", "\"Dns\":", "\"Dns\":null");
	expect("{\"ShmSize\":5,\"shmsize\":0}", "\"ShmSize\":", "\"ShmSize\":67108864");
	expect("{\"Sysctls\":{},\"Sysctls\":{\"a\":\"b\"},\"sysctls\":null}",
	       "\"Sysctls\":", "\"Sysctls\":{\"a\":\"b\"}");
}

static void test_privileged(void **state)
{
	struct container c = { .settings.host.privileged = true };
	struct json_writer w = { 0 };

	(void)state;
	show_host_config(&w, &c);
	assert_non_null(strstr(json_writer_text(&w), "\"MaskedPaths\":null"));
	assert_non_null(strstr(json_writer_text(&w), "\"ReadonlyPaths\":null"));
	json_writer_deinit(&w);
}

static void test_annotations(void **state)
{
	struct container c = { .settings.host_config = (char *)"{\"annotations\":{\"a\":\"b\"}}" };
	struct json_writer w = { 0 };

	(void)state;
	show_annotations(&w, &c);
	assert_string_equal(json_writer_text(&w), ",\"Annotations\":{\"a\":\"b\"}");
	json_writer_deinit(&w);
	w = (struct json_writer){ 0 };
	c.settings.host_config = (char *)"{\"Annotations\":null}";
	show_annotations(&w, &c);
	assert_int_equal(w.len, 0);
	json_writer_deinit(&w);
}

static void test_defaults(void **state)
{
	(void)state;
	expect("{}", "\"IpcMode\":", "\"IpcMode\":\"private\"");
	expect("{}", "\"MaskedPaths\":", "\"MaskedPaths\":[\"/proc/asound\"");
	expect("{\"MaskedPaths\":null}", "\"MaskedPaths\":", "\"MaskedPaths\":[\"/proc/asound\"");
	expect("{\"MaskedPaths\":[]}", "\"MaskedPaths\":", "\"MaskedPaths\":[]");
	expect("{}", "\"ReadonlyPaths\":", "\"ReadonlyPaths\":[\"/proc/bus\"");
	expect("{\"ipcmode\":\"shareable\"}", "\"IpcMode\":", "\"IpcMode\":\"shareable\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_sent_twice),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_privileged),
		cmocka_unit_test(test_annotations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
