// SPDX-License-Identifier: MIT
//
// Apps on their way into the OS, with an OS and a client that say anything and leave. What goes to
// the OS is what libs/abi/console.h has, and a client gets one line. An input is a list of steps:
// what, a length, and so many bytes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/run/relay/app_port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NONCE "0123456789abcdef"

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_size;
static int listener = -1;
static struct app_port port;
static int os, client;

static void must(bool condition)
{
	if (!condition)
		abort();
}

// A socket with a name that the system chooses, and no file.
static void prepare(void)
{
	address_size = sizeof(address);
	log_quiet();
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0);
	must(listen(listener, 8) == 0);
	must(getsockname(listener, (struct sockaddr *)&address, &address_size) == 0);
}

static void turn(void)
{
	struct pollfd fds[APP_PORT_NUM_FDS];
	unsigned turns = 0;
	int ready;

	do {
		app_port_prepare(&port, fds);
		ready = poll(fds, APP_PORT_NUM_FDS, 0);
		app_port_move(&port, fds, true);
		must(++turns < 1000);
	} while (ready > 0 && !(ready == 1 && fds[0].revents == POLLOUT));
}

static void client_leave(bool reads)
{
	char line[1024];
	ssize_t length;

	if (client < 0)
		return;
	length = reads ? recv(client, line, sizeof(line), MSG_DONTWAIT) : 0;
	if (length > 0) {
		must(memcmp(line, "ok ", 3) == 0 || (length > 6 && memcmp(line, "error ", 6) == 0));
		must(memchr(line, '\n', (size_t)length) == line + length - 1);
	}
	close(client);
	client = -1;
}

// A line, or the bytes of a file: of these only sizes are known here.
static void os_hear(void)
{
	char bytes[65536];

	if (os >= 0)
		(void)!recv(os, bytes, sizeof(bytes), MSG_DONTWAIT);
}

static void say(int fd, const void *bytes, size_t length)
{
	if (fd >= 0 && length > 0)
		(void)!send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void client_come(void)
{
	client_leave(true);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(client, (struct sockaddr *)&address, address_size) < 0) {
		close(client);
		client = -1;
	}
}

static void step(uint8_t what, const uint8_t *data, size_t length)
{
	static const char hello[] = "\nstarina-apps 1 " NONCE "\n";
	char text[64];

	switch (what % 9) {
	case 0: say(os, data, length); break;
	case 1: say(os, hello, sizeof(hello) - 1); break;
	case 2:
		say(os, text,
		    (size_t)snprintf(text, sizeof(text), "%s %u done\n",
		                     what & 128 ? "ok" : "error", port.id));
		break;
	case 3: client_come(); break;
	case 4: say(client, data, length); break;
	case 5:
		say(client, text, (size_t)snprintf(text, sizeof(text), "replace %zu\n", length));
		say(client, data, length);
		break;
	case 6: client_leave((what & 128) != 0); break;
	case 7:
		if (port.state != APP_PORT_IDLE && port.due_at != UINT64_MAX)
			port.due_at = 0;
		break;
	default: os_hear(); break;
	}
	turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char file[] = "FILE";
	const struct boot_app app = { .path = "a.app", .bytes = file, .size = 4 };
	int pair[2];
	int waiting;

	if (listener < 0)
		prepare();
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	app_port_init(&port, pair[0], listener);
	port.apps = &app;
	port.num_apps = 1;
	os = pair[1];
	client = -1;
	while (size >= 2) {
		size_t length = data[1] < size - 2 ? data[1] : size - 2;

		step(data[0], data + 2, length);
		data += 2 + length;
		size -= 2 + length;
	}
	close(os);
	os = -1;
	turn();
	app_port_deinit(&port);
	client_leave(true);
	close(pair[0]);
	// Clients that nobody has taken.
	while ((waiting = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		close(waiting);
	return 0;
}
