// SPDX-License-Identifier: MIT
//
// What the OS asks of the host, with a monitor that answers as QEMU's does.
#include "tools/run/engine/host_port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HELLO "starina-host 1 0123456789abcdef\n"

static int os, qemu;  // the other ends
static struct monitor monitor;
static struct publisher publisher;
static struct binder binder;
static struct host_port port;
static char heard[8192];
static char command[256];  // that QEMU was given last

static int setup(void **state)
{
	int first[2], second[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, first), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, second), 0);
	os = first[1];
	qemu = second[1];
	monitor_init(&monitor, second[0]);
	publisher_init(&publisher, &monitor, getpid());
	binder_init(&binder, -1);
	host_port_init(&port, first[0], &publisher, &binder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(port.channel);
	close(monitor.channel);
	close(os);
	close(qemu);
	return 0;
}

static void turn(void)
{
	struct pollfd fds[2];
	int ready;

	do {
		fds[0] = monitor_prepare(&monitor);
		fds[1] = host_port_prepare(&port);
		ready = poll(fds, 2, 0);
		monitor_move(&monitor, &fds[0]);
		host_port_move(&port, &fds[1]);
	} while (ready > 0);
}

static const char *hear(int fd)
{
	ssize_t length = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);

	heard[length > 0 ? length : 0] = '\0';
	return heard;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn();
}

static void hello(void)
{
	say(os, HELLO);
	assert_string_equal(hear(os), "\nsync 0123456789abcdef\n");
	hear(qemu);
}

// QEMU prints `output` for the command that it was given, which is kept.
static void monitor_answers(const char *output)
{
	char answer[512];
	json_t *request;

	hear(qemu);
	request = json_loads(strrchr(heard, '{') ? strstr(heard, "{\"execute\":\"human") : "", 0,
	                     NULL);
	assert_non_null(request);
	snprintf(command, sizeof(command), "%s",
	         json_string_value(
			 json_object_get(json_object_get(request, "arguments"), "command-line")));
	snprintf(
		answer, sizeof(answer),
		"{\"timestamp\": {}, \"event\": \"RTC_CHANGE\"}\r\n{\"return\": \"%s\", \"id\": %d}\r\n",
		output, (int)json_integer_value(json_object_get(request, "id")));
	json_decref(request);
	say(qemu, answer);
}

static void publishes(void **state)
{
	unsigned number;
	char text[128];

	(void)state;
	say(qemu, "{\"QMP\": {\"version\": {}}}\r\n{\"return\": {}}\r\n");
	hello();
	say(os, "publish 7 tcp 127.0.0.1 0 10.0.2.100 80\n");
	monitor_answers("");
	assert_int_equal(
		sscanf(command, "hostfwd_add net0 tcp:127.0.0.1:%u-10.0.2.100:80", &number), 1);
	snprintf(text, sizeof(text), "ok 7 %u\n", number);
	assert_string_equal(hear(os), text);
	// The same again changes nothing, another target is refused, also of all addresses.
	snprintf(text, sizeof(text), "publish 8 tcp 127.0.0.1 %u 10.0.2.100 80\n", number);
	say(os, text);
	snprintf(text, sizeof(text), "ok 8 %u\n", number);
	assert_string_equal(hear(os), text);
	snprintf(text, sizeof(text), "publish 9 tcp 0.0.0.0 %u 10.0.2.101 80\n", number);
	say(os, text);
	snprintf(text, sizeof(text),
	         "error 9 Bind for 0.0.0.0:%u failed: port is already allocated\n", number);
	assert_string_equal(hear(os), text);
	snprintf(text, sizeof(text), "unpublish 10 tcp 127.0.0.1 %u\n", number);
	say(os, text);
	monitor_answers("host forwarding rule for tcp:127.0.0.1 removed\\r\\n");
	snprintf(text, sizeof(text), "hostfwd_remove net0 tcp:127.0.0.1:%u", number);
	assert_string_equal(command, text);
	snprintf(text, sizeof(text), "ok 10 %u\n", number);
	assert_string_equal(hear(os), text);
	assert_int_equal(publisher.count, 0);
	snprintf(text, sizeof(text), "unpublish 11 tcp 127.0.0.1 %u\n", number);
	say(os, text);  // QEMU is not asked
	snprintf(text, sizeof(text), "ok 11 %u\n", number);
	assert_string_equal(hear(os), text);
}

static void is_refused(const char *words, const char *why)
{
	char text[512];

	snprintf(text, sizeof(text), "publish 1 %s\n", words);
	say(os, text);
	snprintf(text, sizeof(text), "error 1 %s\n", why);
	assert_string_equal(hear(os), text);
	assert_string_equal(hear(qemu), "");
}

static void refuses(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	char words[128], why[128];
	int taken = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(bind(taken, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(taken, 1), 0);
	assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &length), 0);
	hello();
	snprintf(words, sizeof(words), "tcp 127.0.0.1 %u 10.0.2.100 80", ntohs(address.sin_port));
	snprintf(why, sizeof(why), "listen tcp4 127.0.0.1:%u: bind: address already in use",
	         ntohs(address.sin_port));
	is_refused(words, why);
	is_refused("udp 203.0.113.7 5000 10.0.2.100 80",
	           "listen udp4 203.0.113.7:5000: bind: cannot assign requested address");
	is_refused("sctp 127.0.0.1 80 10.0.2.100 80", "invalid proto");
	is_refused("tcp localhost 8080 10.0.2.100 80", "invalid IP address");
	is_refused("tcp ::1 8080 10.0.2.100 80", "only IPv4 addresses can be published on");
	is_refused("tcp 127.0.0.1 65536 10.0.2.100 80", "invalid port specification");
	is_refused("tcp 127.0.0.1 -1 10.0.2.100 80", "invalid port specification");
	is_refused("tcp 127.0.0.1 8080 10.0.2.100 0", "invalid port specification");
	is_refused("tcp 127.0.0.1 8080 192.168.0.1 80",
	           "the target is not in the machine's network");
	is_refused("tcp 127.0.0.1 8080 10.0.2.15 2375", "the engine's own port is not published");
	is_refused("tcp 127.0.0.1 8080 10.0.2.100", "malformed request");
	is_refused("tcp 127.0.0.1 8080 10.0.2.100 80 quit", "malformed request");
	close(taken);
}

// QEMU does not say why; and it may end.
static void a_monitor_that_fails(void **state)
{
	(void)state;
	hello();
	say(os, "publish 1 udp 127.0.0.1 0 10.0.2.100 53\n");
	monitor_answers("Could not set up host forwarding rule\\r\\n");
	hear(os);
	assert_non_null(strstr(heard, "error 1 listen udp4 127.0.0.1:"));
	assert_non_null(strstr(heard, "address already in use"));
	say(os, "publish 2 udp 127.0.0.1 0 10.0.2.100 53\n");
	shutdown(qemu, SHUT_RDWR);
	turn();
	assert_string_equal(hear(os), "error 2 QEMU did not answer\n");
	say(os, "publish 3 udp 127.0.0.1 0 10.0.2.100 53\n");
	assert_string_equal(hear(os), "error 3 QEMU does not take commands\n");
}

// An OS that begins anew has no request on its way, and is not answered old ones.
static void begins_anew(void **state)
{
	(void)state;
	say(os, "ready\npublish 1 tcp 127.0.0.1 0 10.0.2.100 80\n");
	assert_false(port.engine_ready);  // before it said hello
	hello();
	say(os,
	    "ready\npublish 1 tcp 127.0.0.1 0 10.0.2.100 80\npublish 2 tcp 127.0.0.1 0 10.0.2.100 81\n");
	assert_true(port.engine_ready);
	say(os, "publish 3 half a li");
	say(os, "\n" HELLO);
	assert_string_equal(hear(os), "\nsync 0123456789abcdef\n");
	assert_false(port.engine_ready);
	monitor_answers("");
	assert_string_equal(hear(os), "");
	assert_int_equal(publisher.count, 1);
	assert_string_equal(hear(qemu), "");
}

static void too_many(void **state)
{
	char lines[40 * 64] = "";

	(void)state;
	hello();
	for (unsigned i = 1; i <= 40; i++)
		sprintf(lines + strlen(lines), "publish %u tcp 127.0.0.1 0 10.0.2.100 80\n", i);
	say(os, lines);
	hear(os);
	assert_non_null(strstr(heard, "error 40 too many requests\n"));
	memset(lines, 'x', sizeof(lines) - 1);
	say(os, lines);  // no line at all
	say(os, "\nready\n");
	assert_true(port.engine_ready);
}

static void connections_are_lost(void **state)
{
	(void)state;
	hello();
	say(os, "ready\naway\nready\n");
	assert_int_equal(port.num_lost, 0);
	say(os, "lost\naway\nready\n");
	assert_int_equal(port.num_lost, 1);
	assert_true(port.engine_ready);
}

static unsigned long long host_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec;
}

static void says_the_time(void **state)
{
	unsigned long long before, said = 0;

	(void)state;
	say(os, "time\n");
	assert_string_equal(hear(os), "");  // it has not begun
	hello();
	before = host_time();
	say(os, "time\n");
	hear(os);
	assert_int_equal(sscanf(heard, "time %llu\n", &said), 1);
	assert_true(before <= said && said <= host_time());
}

static void stops(void **state)
{
	(void)state;
	host_port_stop(&port);
	say(os, HELLO);  // it is told when it can be
	assert_string_equal(hear(os), "\nsync 0123456789abcdef\nstop\n");
	host_port_stop(&port);
	turn();
	assert_string_equal(hear(os), "");
	say(os, "stopping 12\n");
	assert_int_equal(port.stop_seconds, 12);
	say(os, "stopping 99999999999999999999\n");
	assert_int_equal(port.stop_seconds, 86400);
	say(os, HELLO);  // and once more when it began anew
	assert_string_equal(hear(os), "\nsync 0123456789abcdef\nstop\n");
}

#define port_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		port_case(publishes),
		port_case(refuses),
		port_case(a_monitor_that_fails),
		port_case(begins_anew),
		port_case(too_many),
		port_case(says_the_time),
		port_case(stops),
		port_case(connections_are_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
