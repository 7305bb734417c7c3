// SPDX-License-Identifier: MIT
#include "tools/run/hostfs/window.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "libs/abi/files_port.h"

#define WINDOW_BYTES ((uint64_t)FILES_WINDOW_SLOTS * FILES_WINDOW_SLOT_BYTES)

// NBD's numbers, all of them big-endian on the wire.
#define NBD_MAGIC 0x4e42444d41474943ull   // "NBDMAGIC"
#define NBD_OPTION 0x49484156454f5054ull  // "IHAVEOPT"
#define NBD_OPTION_REPLY 0x3e889045565a9ull
#define NBD_REQUEST 0x25609513u
#define NBD_REPLY 0x67446698u
#define NBD_FLAG_FIXED_NEWSTYLE 1u
#define NBD_FLAG_NO_ZEROES 2u
#define NBD_FLAG_HAS_FLAGS 1u
#define NBD_INFO_EXPORT 0u
#define NBD_MAX_OPTION 4096u

enum {
	NBD_OPT_EXPORT_NAME = 1,
	NBD_OPT_ABORT = 2,
	NBD_OPT_INFO = 6,
	NBD_OPT_GO = 7,
};

#define NBD_REP_ACK 1u
#define NBD_REP_INFO 3u
#define NBD_REP_ERR_UNSUP 0x80000001u

enum {
	NBD_CMD_READ = 0,
	NBD_CMD_WRITE = 1,
	NBD_CMD_DISC = 2,
	NBD_CMD_FLUSH = 3,
};

#define NBD_EINVAL 22u

struct __attribute__((packed)) nbd_greeting {
	uint64_t magic;
	uint64_t option;
	uint16_t flags;
};

struct __attribute__((packed)) nbd_option {
	uint64_t magic;
	uint32_t option;
	uint32_t length;
};

struct __attribute__((packed)) nbd_option_reply {
	uint64_t magic;
	uint32_t option;
	uint32_t kind;
	uint32_t length;
};

struct __attribute__((packed)) nbd_export {
	uint16_t kind;
	uint64_t size;
	uint16_t flags;
};

struct __attribute__((packed)) nbd_request {
	uint32_t magic;
	uint16_t flags;
	uint16_t command;
	uint64_t cookie;
	uint64_t offset;
	uint32_t length;
};

struct __attribute__((packed)) nbd_reply {
	uint32_t magic;
	uint32_t error;
	uint64_t cookie;
};

static bool receive(int fd, void *data, size_t size)
{
	uint8_t *bytes = data;

	while (size > 0) {
		ssize_t length = read(fd, bytes, size);

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return false;
		bytes += length;
		size -= (size_t)length;
	}
	return true;
}

// Sends two pieces, the second of which may be empty.
static bool reply(int fd, void *head, size_t head_size, void *data, size_t size)
{
	struct iovec parts[2] = { { .iov_base = head, .iov_len = head_size },
		                  { .iov_base = data, .iov_len = size } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	while (message.msg_iovlen > 0) {
		ssize_t length = sendmsg(fd, &message, MSG_NOSIGNAL);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return false;
		while (message.msg_iovlen > 0 && (size_t)length >= message.msg_iov->iov_len) {
			length -= (ssize_t)message.msg_iov->iov_len;
			message.msg_iov++;
			message.msg_iovlen--;
		}
		if (message.msg_iovlen > 0) {
			message.msg_iov->iov_base = (uint8_t *)message.msg_iov->iov_base + length;
			message.msg_iov->iov_len -= (size_t)length;
		}
	}
	return true;
}

// --- Options -------------------------------------------------------------------------------------

static bool greet(struct window *window)
{
	struct nbd_greeting greeting = {
		.magic = htobe64(NBD_MAGIC),
		.option = htobe64(NBD_OPTION),
		.flags = htobe16(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES),
	};

	return reply(window->socket, &greeting, sizeof(greeting), NULL, 0);
}

static bool option_reply(const struct window *window, uint32_t option, uint32_t kind, void *data,
                         size_t size)
{
	struct nbd_option_reply head = {
		.magic = htobe64(NBD_OPTION_REPLY),
		.option = htobe32(option),
		.kind = htobe32(kind),
		.length = htobe32((uint32_t)size),
	};

	return reply(window->socket, &head, sizeof(head), data, size);
}

static bool export_tell(struct window *window, uint32_t option)
{
	struct nbd_export info = {
		.kind = htobe16(NBD_INFO_EXPORT),
		.size = htobe64(WINDOW_BYTES),
		.flags = htobe16(NBD_FLAG_HAS_FLAGS),
	};

	window->negotiated = option != NBD_OPT_INFO;
	// The old way has no head, and nothing follows.
	if (option == NBD_OPT_EXPORT_NAME)
		return reply(window->socket, &info.size, sizeof(info.size), &info.flags,
		             sizeof(info.flags));
	return option_reply(window, option, NBD_REP_INFO, &info, sizeof(info)) &&
		option_reply(window, option, NBD_REP_ACK, NULL, 0);
}

static bool option_serve(struct window *window)
{
	struct nbd_option head;
	uint8_t data[NBD_MAX_OPTION];
	uint32_t client_flags, length, option;

	// The client's flags come once, before its first option.
	if (!window->greeted) {
		window->greeted = true;
		return receive(window->socket, &client_flags, sizeof(client_flags));
	}
	if (!receive(window->socket, &head, sizeof(head)) || be64toh(head.magic) != NBD_OPTION)
		return false;
	length = be32toh(head.length);
	option = be32toh(head.option);
	if (length > sizeof(data) || !receive(window->socket, data, length))
		return false;
	switch (option) {
	case NBD_OPT_EXPORT_NAME:
	case NBD_OPT_INFO:
	case NBD_OPT_GO: return export_tell(window, option);
	case NBD_OPT_ABORT: return false;
	default: return option_reply(window, option, NBD_REP_ERR_UNSUP, NULL, 0);
	}
}

// --- Requests ------------------------------------------------------------------------------------

static bool request_serve(struct window *window)
{
	struct nbd_reply head = { .magic = htobe32(NBD_REPLY) };
	struct nbd_request request;
	uint64_t offset;
	uint32_t length;
	bool within;

	if (!receive(window->socket, &request, sizeof(request)) ||
	    be32toh(request.magic) != NBD_REQUEST)
		return false;
	head.cookie = request.cookie;
	offset = be64toh(request.offset);
	length = be32toh(request.length);
	within = offset <= WINDOW_BYTES && length <= WINDOW_BYTES - offset;
	switch (be16toh(request.command)) {
	case NBD_CMD_READ:
		if (!within)
			break;
		return reply(window->socket, &head, sizeof(head), window->memory + offset, length);
	case NBD_CMD_WRITE:
		// What follows cannot be told from another request.
		if (!within || !receive(window->socket, window->memory + offset, length))
			return false;
		return reply(window->socket, &head, sizeof(head), NULL, 0);
	case NBD_CMD_FLUSH: return reply(window->socket, &head, sizeof(head), NULL, 0);
	case NBD_CMD_DISC: return false;
	default: break;
	}
	head.error = htobe32(NBD_EINVAL);
	return reply(window->socket, &head, sizeof(head), NULL, 0);
}

// --- The window ----------------------------------------------------------------------------------

void window_init(struct window *window, int socket)
{
	*window = (struct window){ .socket = socket };
	if (socket < 0)
		return;
	window->memory = calloc(FILES_WINDOW_SLOTS, FILES_WINDOW_SLOT_BYTES);
	if (!window->memory || !greet(window))
		window->socket = -1;
}

void window_deinit(struct window *window)
{
	free(window->memory);
	*window = (struct window){ .socket = -1 };
}

void window_serve(struct window *window)
{
	bool goes_on = window->negotiated ? request_serve(window) : option_serve(window);

	if (!goes_on)
		window->socket = -1;
}

uint8_t *window_slot(const struct window *window, uint32_t slot, size_t offset, size_t length)
{
	if (!window->memory || slot < 1 || slot > FILES_WINDOW_SLOTS ||
	    offset > FILES_WINDOW_SLOT_BYTES || length > FILES_WINDOW_SLOT_BYTES - offset)
		return NULL;
	return window->memory + (size_t)(slot - 1) * FILES_WINDOW_SLOT_BYTES + offset;
}
