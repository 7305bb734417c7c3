// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/run/settings/published_ports.h"

static struct published_ports ports;
static struct error err;

// "udp 127.0.0.1:8080-80 ..." of all that was parsed.
static const char *parsed(const char *text)
{
	static char out[4096];
	size_t used = 0;

	err.text[0] = '\0';
	if (ports_parse(&ports, text, &err) < 0)
		return err.text;
	for (unsigned i = 0; i < ports.count; i++) {
		const struct published_port *port = &ports.items[i];

		used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s:%u-%u%s",
		                         i > 0 ? " " : "", port->host, port->host_port,
		                         port->container_port, port->udp ? "/udp" : "");
	}
	return out;
}

static void test_parse(void **state)
{
	(void)state;
	assert_string_equal(parsed("8080:80"), "127.0.0.1:8080-80");
	assert_string_equal(parsed("8080:80,8443:443/tcp,5353:53/udp"),
	                    "127.0.0.1:8080-80 127.0.0.1:8443-443 127.0.0.1:5353-53/udp");
	assert_string_equal(parsed("0.0.0.0:8080:80/TCP, 10.1.2.3:8080:80/UDP "),
	                    "0.0.0.0:8080-80 10.1.2.3:8080-80/udp");
	assert_string_equal(parsed("80"), "127.0.0.1:0-80");
	assert_string_equal(parsed("127.0.0.2::80"), "127.0.0.2:0-80");
	assert_string_equal(parsed("8000-8002:80-82"),
	                    "127.0.0.1:8000-80 127.0.0.1:8001-81 127.0.0.1:8002-82");
	assert_string_equal(parsed("80-81/udp"), "127.0.0.1:0-80/udp 127.0.0.1:0-81/udp");
	// Not the same port, or not of the same address.
	assert_string_equal(parsed("53:53,53:53/udp,127.0.0.2:53:54"),
	                    "127.0.0.1:53-53 127.0.0.1:53-53/udp 127.0.0.2:53-54");
	assert_string_equal(parsed("1:1-1,65535:65535"), "127.0.0.1:1-1 127.0.0.1:65535-65535");
}

static void test_malformed(void **state)
{
	static const char *const container[] = { "8080:",      "8080:0",   "8080:65536",
		                                 "8080:-1",    "8080:80x", "8080:http",
		                                 "8080:90-80", "8080:80-", "x",
		                                 "99999",      "123456",   "8080:80/tcp/udp" };
	static const char *const host[] = { "x:80",  "0:80",      "65536:80",    "-1:80",
		                            "+1:80", "9-8:80-81", "1.2.3.4:x:80" };
	static const char *const address[] = { "localhost:8080:80", "1.2.3:8080:80",
		                               "256.0.0.1:1:1", "*:80:80" };
	static const char *const item[] = {
		"", ",", "8080:80,", ",8080:80", "8080:80,,81:81", "80 80", "8080: 80", " "
	};

	(void)state;
	for (size_t i = 0; i < sizeof(container) / sizeof(container[0]) - 1; i++)
		assert_non_null(strstr(parsed(container[i]),
		                       "is not a port of the container; choose 1 to 65535"));
	assert_non_null(strstr(parsed("8080:80/tcp/udp"), "the protocol \"tcp/udp\""));
	assert_non_null(strstr(parsed("8080:80/sctp"),
	                       "the protocol \"sctp\" cannot be published; choose tcp or udp"));
	assert_non_null(strstr(parsed("8080:80/"), "the protocol \"\""));
	for (size_t i = 0; i < sizeof(host) / sizeof(host[0]); i++)
		assert_non_null(
			strstr(parsed(host[i]), "is not a port of the host; choose 1 to 65535"));
	for (size_t i = 0; i < sizeof(address) / sizeof(address[0]); i++)
		assert_non_null(strstr(parsed(address[i]), "is not an IPv4 address of the host"));
	assert_non_null(strstr(parsed("[::1]:8080:80"), "only IPv4 addresses"));
	for (size_t i = 0; i < sizeof(item) / sizeof(item[0]); i++)
		assert_non_null(
			strstr(parsed(item[i]),
		               "is not a port to publish; write [[HOSTIP:]HOSTPORT:]PORT[/udp]"));
	// Which of them.
	assert_string_equal(
		parsed("8080:80,81:0"),
		"81:0: \"0\" is not a port of the container; choose 1 to 65535, or a range as "
		"8000-8010");
}

static void test_contradictory(void **state)
{
	(void)state;
	assert_non_null(
		strstr(parsed("8080:80,8080:81"), "port 8080/tcp of the host is published twice"));
	assert_non_null(strstr(parsed("0.0.0.0:8080:80,127.0.0.1:8080:81"), "published twice"));
	assert_non_null(strstr(parsed("8000-8010:80-90,8005:1"),
	                       "port 8005/tcp of the host is published twice"));
	assert_non_null(strstr(parsed("8000-8001:80"),
	                       "the ranges 8000-8001 and 80-80 are not equally long"));
	assert_non_null(strstr(parsed("1-257"), "these are more than 256 ports"));
	assert_non_null(strstr(parsed("1-65535:1-65535"), "these are more than 256 ports"));
	parsed("1-256");
	assert_int_equal(ports.count, 256);
}

static void test_long_text(void **state)
{
	char text[5000];

	(void)state;
	memset(text, '1', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_non_null(strstr(parsed(text), "is not a port to publish"));
	memset(text, ':', sizeof(text) - 1);
	assert_non_null(strstr(parsed(text), "is not a port to publish"));
	text[80] = '\0';
	assert_non_null(strstr(parsed(text), "IPv4"));
}

static void test_reserve(void **state)
{
	char text[32];
	unsigned port;

	(void)state;
	assert_string_equal(parsed("80,81/udp"), "127.0.0.1:0-80 127.0.0.1:0-81/udp");
	assert_int_equal(ports_reserve(&ports, &err), 0);
	port = ports.items[0].host_port;
	assert_true(port > 0 && ports.items[0].chosen && ports.items[1].host_port > 0);
	// Both are taken: who asks for them is told.
	for (unsigned i = 0; i < 2; i++) {
		struct published_ports others;

		snprintf(text, sizeof(text), "%u:80%s", ports.items[i].host_port,
		         i == 0 ? "" : "/udp");
		assert_int_equal(ports_parse(&others, text, &err), 0);
		assert_int_equal(ports_reserve(&others, &err), -1);
		ports_release(&others);
		assert_non_null(strstr(
			err.text,
			"of 127.0.0.1 cannot be used: Address already in use; choose another"));
	}
	ports_release(&ports);
	ports_release(&ports);
	snprintf(text, sizeof(text), "%u:80", port);
	assert_int_equal(ports_parse(&ports, text, &err), 0);
	assert_int_equal(ports_reserve(&ports, &err), 0);
	assert_false(ports.items[0].chosen);
	ports_release(&ports);
	parsed("192.0.2.1:8080:80");
	assert_int_equal(ports_reserve(&ports, &err), -1);
	assert_non_null(strstr(err.text, "it is not an address of this host"));
	ports_release(&ports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),         cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_contradictory), cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_reserve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
