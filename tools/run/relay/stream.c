// SPDX-License-Identifier: MIT
#include "tools/run/relay/stream.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILTER_CHUNK 16384

void stream_init(struct stream *stream, int from, int to)
{
	memset(stream, 0, offsetof(struct stream, buffer));
	stream->from = from;
	stream->to = to;
	stream->eof = from < 0;
}

static size_t read_room(const struct stream *stream)
{
	size_t room = STREAM_SIZE - stream->end;

	if (!stream->filter)
		return room;
	if (room <= stream->filter_extra)
		return 0;
	room -= stream->filter_extra;
	return room < FILTER_CHUNK ? room : FILTER_CHUNK;
}

void stream_prepare(const struct stream *stream, struct pollfd fds[STREAM_NUM_FDS])
{
	bool reads = !stream->eof && !stream->paused && read_room(stream) > 0;
	bool writes = stream->end > stream->start && !stream->broken;

	fds[0] = (struct pollfd){ .fd = reads ? stream->from : -1, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = writes ? stream->to : -1, .events = POLLOUT };
}

static bool stream_fill(struct stream *stream)
{
	char chunk[FILTER_CHUNK];
	char *space = stream->filter ? chunk : stream->buffer + stream->end;
	ssize_t length = read(stream->from, space, read_room(stream));

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (length <= 0) {
		stream->eof = true;
		return true;
	}
	if (stream->filter)
		stream->end += stream->filter(stream->filter_context, chunk, (size_t)length,
		                              stream->buffer + stream->end);
	else
		stream->end += (size_t)length;
	return true;
}

static bool stream_drain(struct stream *stream)
{
	size_t size = stream->end - stream->start;
	ssize_t written =
		send(stream->to, stream->buffer + stream->start, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	// Not a socket: it may be shared with others, so it stays blocking; what poll() promises is
	// that a pipe takes PIPE_BUF bytes.
	if (written < 0 && errno == ENOTSOCK)
		written = write(stream->to, stream->buffer + stream->start,
		                size < PIPE_BUF ? size : PIPE_BUF);
	if (written < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (written < 0) {
		stream->broken = true;
		return true;
	}
	stream->start += (size_t)written;
	stream->total += (uint64_t)written;
	return true;
}

bool stream_move(struct stream *stream, const struct pollfd fds[STREAM_NUM_FDS])
{
	bool moved = false;

	if (fds[1].fd >= 0 && fds[1].revents)
		moved |= stream_drain(stream);
	if (stream->broken)
		stream->start = stream->end;
	if (stream->start == stream->end)
		stream->start = stream->end = 0;
	if (fds[0].fd >= 0 && fds[0].revents)
		moved |= stream_fill(stream);
	return moved;
}

bool stream_is_done(const struct stream *stream)
{
	return stream->eof && (stream->start == stream->end || stream->broken);
}
