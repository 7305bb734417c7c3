// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "apps/tcpip/uri.h"
#include "libs/base/string.h"

static error_t parse(const char *text, struct socket_uri *uri)
{
	return socket_uri_parse(text_span(text), uri);
}

static void parses_all_forms(void **state)
{
	struct socket_uri uri;

	(void)state;
	assert_int_equal(parse("tcp-listen:0.0.0.0:80", &uri), 0);
	assert_true(uri.listen);
	assert_string_equal(uri.host, "0.0.0.0");
	assert_int_equal(uri.port, 80);
	assert_int_equal(parse("tcp:example.org:65535", &uri), 0);
	assert_false(uri.listen);
	assert_string_equal(uri.host, "example.org");
	assert_int_equal(uri.port, 65535);
	assert_int_equal(parse("tcp:[fe80::1]:8080", &uri), 0);
	assert_string_equal(uri.host, "fe80::1");
	assert_false(uri.udp);
	assert_int_equal(parse("udp:10.0.2.3:53", &uri), 0);
	assert_true(uri.udp && !uri.listen);
	assert_int_equal(parse("udp-listen:*:53", &uri), 0);
	assert_true(uri.udp && uri.listen);
}

static void refuses_the_rest(void **state)
{
	static const char *const bad[] = {
		"",
		"tcp",
		"tcp:",
		"tcp::80",
		"tcp:host",
		"tcp:host:",
		"tcp:host:0",
		"tcp:host:65536",
		"tcp:host:8x",
		"tcp:host:-1",
		"udp:host",
		"ucp:host:80",
		"tcp-:host:80",
		"tcp-listenhost:80",
		"udp-listen",
		"tcpudp:h:80",
		"tcp:fe80::1:80",
		"tcp:[]:80",
		"tcp:host:000080",
	};
	struct socket_uri uri;
	char text[256] = "tcp:";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], &uri) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	}
	memset(text + 4, 'h', URI_HOST_MAX);
	memcpy(text + 4 + URI_HOST_MAX, ":80", 4);
	assert_int_equal(parse(text, &uri), ERR_INVALID);
	assert_int_equal(
		socket_uri_parse((struct span){ .data = (const uint8_t *)"tcp:a\0b:80", .len = 10 },
	                         &uri),
		ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_all_forms),
		cmocka_unit_test(refuses_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
