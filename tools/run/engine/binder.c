// SPDX-License-Identifier: MIT
#include "tools/run/engine/binder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/run/hostfs/binds.h"

void binder_init(struct binder *binder, int socket)
{
	*binder = (struct binder){ .socket = socket };
}

static void finish(struct binder *binder, unsigned number, const char *error)
{
	bound_fn done = binder->done;

	binder->done = NULL;
	if (done)
		done(binder->context, number, error);
}

void binder_request(struct binder *binder, bool make, const char *path, bound_fn done,
                    void *context)
{
	char request[1 + BINDS_PATH_MAX];
	int length = snprintf(request, sizeof(request), "%c%s", make ? BIND_MAKE : BIND_KEEP, path);

	binder->done = done;
	binder->context = context;
	if (length >= (int)sizeof(request))
		finish(binder, 0, "the path is too long");
	else if (send(binder->socket, request, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	         length)
		finish(binder, 0, "the server of the host's folders is gone");
}

struct pollfd binder_prepare(const struct binder *binder)
{
	return (struct pollfd){ .fd = binder->socket, .events = POLLIN };
}

void binder_move(struct binder *binder, const struct pollfd *fd)
{
	struct bind_answer answer;
	ssize_t length;

	if (binder->socket < 0 || !(fd->revents & (POLLIN | POLLHUP | POLLERR)))
		return;
	length = recv(binder->socket, &answer, sizeof(answer), MSG_DONTWAIT);
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length != (ssize_t)sizeof(answer)) {
		binder->socket = -1;
		finish(binder, 0, "the server of the host's folders is gone");
		return;
	}
	answer.text[sizeof(answer.text) - 1] = '\0';
	finish(binder, answer.number, answer.number == 0 ? answer.text : NULL);
}
