// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "guest/bootd/network_files.h"

static const struct control_network network = {
	.address = { 10, 0, 2, 100 },
	.dns = { { 10, 0, 2, 3 }, { 192, 168, 255, 254 } },
};

static const char *last_line(const char *text)
{
	const char *line = text;

	for (const char *end = strchr(text, '\n'); end != NULL && end[1] != '\0';
	     end = strchr(line, '\n'))
		line = end + 1;
	return line;
}

static void test_hosts(void **state)
{
	char text[NETWORK_FILE_MAX];
	size_t length;

	(void)state;
	length = network_hosts(text, sizeof(text), &network, "box", NULL);
	assert_int_equal(length, strlen(text));
	assert_ptr_equal(
		strstr(text, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"),
		text);
	assert_string_equal(last_line(text), "10.0.2.100\tbox\n");
	network_hosts(text, sizeof(text), &network, "box.example.org", NULL);
	assert_string_equal(last_line(text), "10.0.2.100\tbox.example.org box\n");
	network_hosts(text, sizeof(text), &network, "box", "example.org");
	assert_string_equal(last_line(text), "10.0.2.100\tbox.example.org box\n");
	network_hosts(text, sizeof(text), &network, "box.example", "org");
	assert_string_equal(last_line(text), "10.0.2.100\tbox.example.org box\n");
	network_hosts(text, sizeof(text), &network, "box", "");
	assert_string_equal(last_line(text), "10.0.2.100\tbox\n");
	network_hosts(text, sizeof(text), &network, NULL, NULL);
	assert_string_equal(last_line(text), "ff02::2\tip6-allrouters\n");
}

static void test_longest_name(void **state)
{
	char text[NETWORK_FILE_MAX], name[65], line[160];

	(void)state;
	memset(name, 'a', 64);
	name[62] = '.';
	name[64] = '\0';
	network_hosts(text, sizeof(text), &network, name, NULL);
	strcpy(line, "10.0.2.100\t");
	strcat(line, name);
	strcat(line, " ");
	strncat(line, name, 62);
	strcat(line, "\n");
	assert_string_equal(last_line(text), line);
	// No name that config.json gives overflows.
	assert_in_range(network_hosts(text, 200, &network, name, NULL), 0, 199);
}

static void test_resolv_conf(void **state)
{
	struct control_network other = { .address = { 10, 0, 2, 100 } };
	char text[NETWORK_FILE_MAX];
	size_t length;

	(void)state;
	length = network_resolv_conf(text, sizeof(text), &network);
	assert_int_equal(length, strlen(text));
	assert_string_equal(text, "nameserver 10.0.2.3\nnameserver 192.168.255.254\n");
	assert_int_equal(network_resolv_conf(text, sizeof(text), &other), 0);
	memcpy(other.dns[1], "\x01\x01\x01\x01", 4);
	network_resolv_conf(text, sizeof(text), &other);
	assert_string_equal(text, "nameserver 1.1.1.1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_resolv_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
