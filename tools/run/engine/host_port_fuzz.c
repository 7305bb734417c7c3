// SPDX-License-Identifier: MIT
//
// The OS says anything to starina-run: what it may ask of the host comes whole, as it was asked,
// and answers go back to who asks. An input is what the OS says; a 0xff in it lets the host work.
#include "tools/run/engine/host_port.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The host's part, which answers at once or later.
static published_fn publish_done;
static bound_fn bind_done;
static void *asker;
static unsigned count;

static void words_check(const char *words)
{
	if (strlen(words) >= ENGINE_HOST_LINE_MAX || strchr(words, '\n'))
		abort();
}

static void answer(void)
{
	published_fn published = publish_done;
	bound_fn bound = bind_done;

	publish_done = NULL;
	bind_done = NULL;
	if (published)
		published(asker, 80, NULL);
	if (bound)
		bound(asker, 0, "no such thing");
}

void publisher_request(struct publisher *publisher, bool publish, const char *words,
                       published_fn done, void *context)
{
	(void)publisher;
	(void)publish;
	words_check(words);
	if (publish_done || bind_done)
		abort();  // one at a time
	publish_done = done;
	asker = context;
	if (++count % 2 == 0)
		answer();
}

void binder_request(struct binder *binder, bool make, const char *path, bound_fn done,
                    void *context)
{
	(void)binder;
	(void)make;
	words_check(path);
	if (publish_done || bind_done || path[0] != '/')
		abort();
	bind_done = done;
	asker = context;
	if (++count % 2 == 0)
		answer();
}

static void turn(struct host_port *port, int os)
{
	struct pollfd fd;
	char heard[4096];

	do {
		fd = host_port_prepare(port);
		if (fd.fd < 0 || poll(&fd, 1, 0) <= 0)
			break;
		host_port_move(port, &fd);
	} while (recv(os, heard, sizeof(heard), MSG_DONTWAIT) > 0 || (fd.revents & POLLIN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct host_port port;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	host_port_init(&port, pair[0], NULL, NULL);
	publish_done = NULL;
	bind_done = NULL;
	while (size > 0) {
		const uint8_t *mark = memchr(data, 0xff, size);
		size_t length = mark ? (size_t)(mark - data) : size;

		if (length > 0 && send(pair[1], data, length, MSG_NOSIGNAL) < 0)
			abort();
		turn(&port, pair[1]);
		if (mark)
			answer();
		turn(&port, pair[1]);
		data += length + (mark ? 1 : 0);
		size -= length + (mark ? 1 : 0);
	}
	host_port_stop(&port);
	turn(&port, pair[1]);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
