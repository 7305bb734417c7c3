// SPDX-License-Identifier: MIT
// What the container is told of name service, out of the host's resolv.conf and the flags.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/run/settings/resolver.h"

static struct options options;
static struct error err;

static void check_conf(const char *host, const char *wanted)
{
	char path[] = "/tmp/resolver_test.XXXXXX";
	int fd = mkstemp(path);
	char *text;

	assert_int_equal(write(fd, host, strlen(host)), strlen(host));
	close(fd);
	text = resolver_conf_make(&options, path, &err);
	unlink(path);
	if (wanted)
		assert_string_equal(text, wanted);
	else
		assert_null(text);
	free(text);
}

static void test_of_the_host(void **state)
{
	char *text;

	(void)state;
	check_conf("nameserver 192.168.1.1\n", "nameserver 10.0.2.3\n");
	// The first is asked by QEMU; the others are reached themselves, unless they are the host's
	// own.
	check_conf(
		"# a comment\nnameserver 127.0.0.53\nnameserver\t8.8.8.8 # more\nnameserver 127.0.0.54\nnameserver 9.9.9.9\n"
		"nameserver 8.8.8.8\nnameserver 0.0.0.0\nnameserver 1.1.1.1\nnameserver 1.0.0.1",
		"nameserver 10.0.2.3\nnameserver 8.8.8.8\nnameserver 9.9.9.9\nnameserver 1.1.1.1\nnameserver 1.0.0.1\n");
	check_conf(
		"nameserver fe80::1%eth0\nnameserver 2001:db8::1\nnameserver fe80::2%eth0\nnameserver 10.0.0.1\n",
		"nameserver fec0::3\nnameserver 2001:db8::1\nnameserver 10.0.2.3\n");
	check_conf(
		"domain old.example\nsearch a.example b.example a.example\noptions edns0 trust-ad\noptions ndots:2\nnameserver 10.0.0.1\n",
		"nameserver 10.0.2.3\nsearch a.example b.example\noptions edns0 trust-ad ndots:2\n");
	check_conf("search .\n", "nameserver 10.0.2.3\n");
	check_conf("nameserver\nnameserver name.example\n; nameserver 1.1.1.1\n",
	           "nameserver 10.0.2.3\n");
	check_conf("", "nameserver 10.0.2.3\n");
	text = resolver_conf_make(&options, "/no/such/file", &err);
	assert_string_equal(text, "nameserver 10.0.2.3\n");
	free(text);
}

static void give(enum option_list_id list, const char **items, size_t count)
{
	options.lists[list] = (struct option_list){ .items = items, .count = count };
}

static void test_flags(void **state)
{
	static const char host[] = "nameserver 10.0.0.1\nsearch a.example\noptions ndots:2\n";
	const char *servers[] = { "1.1.1.1", "2001:db8::1", "127.0.0.1" };
	const char *search[] = { "x.example", "y_z" };
	const char *none[] = { "." };
	const char *more[] = { "ndots:5", "rotate" };
	const char *bad[] = { "1.1.1.1\nnameserver 6.6.6.6" };
	const char *bad_domain[] = { "a b" };

	(void)state;
	// Each kind replaces the host's of its kind.
	give(LIST_DNS, servers, 3);
	check_conf(
		host,
		"nameserver 1.1.1.1\nnameserver 2001:db8::1\nnameserver 127.0.0.1\nsearch a.example\noptions ndots:2\n");
	give(LIST_DNS_SEARCH, search, 2);
	give(LIST_DNS_OPTION, more, 2);
	give(LIST_DNS, NULL, 0);
	check_conf(host, "nameserver 10.0.2.3\nsearch x.example y_z\noptions ndots:5 rotate\n");
	give(LIST_DNS_SEARCH, none, 1);
	check_conf(host, "nameserver 10.0.2.3\noptions ndots:5 rotate\n");
	give(LIST_DNS, bad, 1);
	check_conf(host, NULL);
	assert_non_null(strstr(err.text, "--dns 1.1.1.1"));
	give(LIST_DNS, NULL, 0);
	give(LIST_DNS_OPTION, bad_domain, 1);
	check_conf(host, NULL);
	give(LIST_DNS_OPTION, NULL, 0);
	give(LIST_DNS_SEARCH, bad_domain, 1);
	check_conf(host, NULL);
	give(LIST_DNS_SEARCH, NULL, 0);
}

static void test_hosts(void **state)
{
	const char *good[] = { "db:10.0.2.2", "me=host-gateway", "six:::1", "six=[2001:db8::1]",
		               "a_b.example:1.2.3.4" };
	const char *bad[] = { "",
		              "db",
		              ":1.2.3.4",
		              "db:",
		              "db:name",
		              "a b:1.2.3.4",
		              "db:1.2.3.4\n6.6.6.6\tevil",
		              "db:[::1",
		              "db=[]" };
	char *text;

	(void)state;
	text = resolver_hosts_make(&options, &err);
	assert_string_equal(text, "");
	free(text);
	give(LIST_ADD_HOST, good, 5);
	text = resolver_hosts_make(&options, &err);
	assert_string_equal(
		text,
		"10.0.2.2\tdb\n10.0.2.2\tme\n::1\tsix\n2001:db8::1\tsix\n1.2.3.4\ta_b.example\n");
	free(text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		give(LIST_ADD_HOST, &bad[i], 1);
		if (resolver_hosts_make(&options, &err))
			fail_msg("\"%s\" is taken", bad[i]);
	}
	give(LIST_ADD_HOST, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_the_host),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
