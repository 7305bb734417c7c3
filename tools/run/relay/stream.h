// SPDX-License-Identifier: MIT
//
// One direction of one byte stream: read here, write there, no faster than the slower side.
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_SIZE 65536

struct stream {
	int from;  // -1: nothing to read
	int to;
	bool eof;        // `from` is at its end
	bool broken;     // nobody reads `to`: what comes is dropped
	bool paused;     // nothing is read for now
	uint64_t total;  // bytes written
	size_t start;
	size_t end;
	// Turns what was read into what is written, at most `room` bytes. NULL: as it is.
	size_t (*filter)(void *context, const char *data, size_t size, char *out);
	void *filter_context;
	size_t filter_extra;  // the filter's output may be this much longer than its input
	char buffer[STREAM_SIZE];
};

#define STREAM_NUM_FDS 2

// A stream that moves bytes between two descriptors, which stay the caller's.
void stream_init(struct stream *stream, int from, int to);

// What to wait for.
void stream_prepare(const struct stream *stream, struct pollfd fds[STREAM_NUM_FDS]);

// Moves what can be moved without blocking, after poll(). Returns whether anything moved.
bool stream_move(struct stream *stream, const struct pollfd fds[STREAM_NUM_FDS]);

// Whether all that came so far has gone.
static inline bool stream_is_empty(const struct stream *stream)
{
	return stream->start == stream->end;
}

// Whether all that came has gone, and no more will come.
bool stream_is_done(const struct stream *stream);
