// SPDX-License-Identifier: MIT
//
// Apps on their way into the OS: clients that do what they like, and an OS that does.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/run/relay/app_port.h"

#define NONCE "0123456789abcdef"

static char folder[] = "/tmp/app_port_test.XXXXXX";
static int directory;
static int listener;
static int os;  // the OS's end of the channel
static struct app_port port;
static char heard[65536];
static bool may_log;

static int setup(void **state)
{
	int pair[2];

	(void)state;
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	directory = open(folder, O_RDONLY | O_DIRECTORY);
	listener = app_socket_open(directory);
	assert_true(listener >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	app_port_init(&port, pair[0], listener);
	may_log = false;
	os = pair[1];
	return 0;
}

static int teardown(void **state)
{
	char path[64];

	(void)state;
	app_port_deinit(&port);
	if (port.channel >= 0)
		close(port.channel);
	close(os);
	close(listener);
	close(directory);
	snprintf(path, sizeof(path), "%s/apps.sock", folder);
	unlink(path);
	return rmdir(folder);
}

// Until nothing is to be done.
static void turn(void)
{
	struct pollfd fds[APP_PORT_NUM_FDS];
	int ready;

	do {
		app_port_prepare(&port, fds);
		ready = poll(fds, APP_PORT_NUM_FDS, 0);
		app_port_move(&port, fds, may_log);
	} while (ready > 0);
}

// All that came to `fd`, as a string.
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

static int client_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/apps.sock", folder);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	turn();
	return fd;
}

static void os_comes_up(void)
{
	say(os, "starina-apps 1 " NONCE "\n");
	assert_string_equal(hear(os), "\nsync " NONCE "\n");
}

static void only_this_user_may_connect(void **state)
{
	struct stat stat;
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/apps.sock", folder);
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_mode & 0777, 0600);
}

static void a_client_is_answered(void **state)
{
	int client;

	(void)state;
	os_comes_up();
	client = client_connect();
	say(client, "replace 5\nHE");
	assert_string_equal(hear(os), "");
	say(client, "LLO");
	assert_string_equal(hear(os), "replace 1 5\nHELLO");
	say(os, "ok 1 done\n");
	assert_string_equal(hear(client), "ok done\n");
	close(client);
	client = client_connect();
	say(client, "replace 1\nx");
	assert_string_equal(hear(os), "replace 2 1\nx");
	say(os, "ok 1 late\nerror 2 too small\n");
	assert_string_equal(hear(client), "error too small\n");
	close(client);
}

static void a_client_waits_for_the_os(void **state)
{
	int client = client_connect();

	(void)state;
	say(client, "replace 1\nx");
	assert_string_equal(hear(client), "");
	say(os, "starina-apps 1 " NONCE "\n");
	assert_string_equal(hear(os), "\nsync " NONCE "\nreplace 1 1\nx");
	say(os, "ok 1 done\n");
	assert_string_equal(hear(client), "ok done\n");
	close(client);
}

static void an_os_that_does_not_come_up(void **state)
{
	int client = client_connect();

	(void)state;
	say(client, "replace 1\nx");
	port.due_at = 0;
	turn();
	assert_string_equal(hear(client),
	                    "error the system has not come up within 20 s; its log says more\n");
	close(client);
	client = client_connect();
	port.due_at = 0;
	turn();
	assert_string_equal(hear(client), "error the request did not come within 5 s\n");
	close(client);
}

static void what_is_no_request(void **state)
{
	static const char *const wrong[] = {
		"\n",          "replace\n",          "replace x\n",
		"replace 0\n", "replace 99999999\n", "replace 1 1\n",
		"start 1\nx",  "replace -1\n",
	};
	char endless[200];
	int client;

	(void)state;
	os_comes_up();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		client = client_connect();
		say(client, wrong[i]);
		assert_string_equal(hear(client),
		                    "error the request is \"replace SIZE\" and so many bytes\n");
		close(client);
	}
	memset(endless, 'r', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	client = client_connect();
	say(client, endless);
	assert_non_null(strstr(hear(client), "error the request is"));
	close(client);
	assert_string_equal(hear(os), "");
}

static void a_client_that_leaves_holds_nobody_up(void **state)
{
	int first;
	int second;

	(void)state;
	os_comes_up();
	first = client_connect();
	say(first, "replace 3\nab");
	close(first);
	turn();
	first = client_connect();
	say(first, "replace 1\nx");
	assert_string_equal(hear(os), "replace 1 1\nx");
	close(first);
	second = client_connect();
	say(second, "replace 1\ny");
	assert_string_equal(hear(os), "");
	say(os, "ok 1 done\n");
	assert_string_equal(hear(os), "replace 2 1\ny");
	say(os, "ok 2 done\n");
	assert_string_equal(hear(second), "ok done\n");
	close(second);
}

static void an_os_that_begins_anew(void **state)
{
	int client;

	(void)state;
	os_comes_up();
	client = client_connect();
	say(client, "replace 1\nx");
	assert_string_equal(hear(os), "replace 1 1\nx");
	say(os, "starina-apps 1 fedcba9876543210\nok 1 old\n");
	assert_string_equal(hear(os), "\nsync fedcba9876543210\n");
	assert_non_null(strstr(hear(client), "error the app push of the OS began anew"));
	close(client);
}

static void an_os_that_talks_nonsense(void **state)
{
	char endless[4096];

	(void)state;
	memset(endless, 'e', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	say(os, endless);
	say(os, "ok 1 x\n");
	say(os,
	    "ok\nok x\nerror \nstarina-apps 1 \nstarina-apps 1 short\nstarina-apps 2 " NONCE "\n");
	assert_string_equal(hear(os), "");
	assert_false(port.ready);
	os_comes_up();
	say(os, "ok 0 x\nok 1 x\n");
}

static void an_os_that_ends(void **state)
{
	struct pollfd fds[APP_PORT_NUM_FDS];
	int client;

	(void)state;
	os_comes_up();
	client = client_connect();
	say(client, "replace 1\nx");
	close(os);
	os = -1;
	turn();
	app_port_prepare(&port, fds);
	assert_int_equal(fds[0].fd, -1);
	app_port_deinit(&port);
	assert_string_equal(hear(client), "error the system ended before it had taken the app\n");
	close(client);
}

static void an_image_that_takes_none(void **state)
{
	int client;

	(void)state;
	port.absent = true;
	client = client_connect();
	assert_non_null(strstr(hear(client), "error the image that runs takes no apps"));
	close(client);
}

static void apps_of_the_start(void **state)
{
	static char bytes[] = "FILE";
	const struct boot_app apps[] = {
		{ .path = "a.app", .bytes = bytes, .size = 4 },
		{ .path = "b.app", .bytes = bytes, .size = 2 },
	};
	int client;

	(void)state;
	port.apps = apps;
	port.num_apps = 2;
	turn();
	say(os, "starina-apps 1 " NONCE "\n");
	assert_string_equal(hear(os), "\nsync " NONCE "\nstart 1 4\nFILE");
	client = client_connect();
	say(client, "replace 1\nx");
	say(os, "error 1 no\n");
	// What became of the first is told once a line may be.
	assert_string_equal(hear(os), "");
	assert_ptr_equal(port.told, &apps[0]);
	assert_string_equal(port.told_text, "no");
	may_log = true;
	turn();
	assert_string_equal(hear(os), "start 2 2\nFI");
	say(os, "ok 2 yes\n");
	assert_string_equal(hear(os), "replace 3 1\nx");
	say(os, "ok 3 done\n");
	assert_string_equal(hear(client), "ok done\n");
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_this_user_may_connect, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_is_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_waits_for_the_os, setup, teardown),
		cmocka_unit_test_setup_teardown(an_os_that_does_not_come_up, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_request, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_that_leaves_holds_nobody_up, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(an_os_that_begins_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(an_os_that_talks_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(an_os_that_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(an_image_that_takes_none, setup, teardown),
		cmocka_unit_test_setup_teardown(apps_of_the_start, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
