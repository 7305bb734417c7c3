// SPDX-License-Identifier: MIT
#include "guest/bootd/control_out.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "guest/bootd/control_frame.h"

void control_out_flush(struct control_out *out)
{
	size_t done = 0;

	while (done < out->used) {
		ssize_t written = write(out->fd, out->bytes + done, out->used - done);

		if (written < 0 && errno == EINTR)
			continue;
		// Without a VMM to talk to there is nothing left to do.
		if (written <= 0) {
			out->broken = true;
			break;
		}
		done += (size_t)written;
	}
	out->used = 0;
}

void control_out_frame(struct control_out *out, const struct control_header *header,
                       const void *fixed, size_t fixed_size, const void *rest, size_t rest_size)
{
	if (frame_append(out->bytes, sizeof(out->bytes), &out->used, header, fixed, fixed_size,
	                 rest, rest_size) == 0)
		return;
	control_out_flush(out);
	(void)!frame_append(out->bytes, sizeof(out->bytes), &out->used, header, fixed, fixed_size,
	                    rest, rest_size);
}

static void send_reply(struct control_out *out, const struct control_header *request, int status,
                       const void *rest, size_t size)
{
	struct control_reply body = { status };
	struct control_header header = {
		.type = CONTROL_REPLY,
		.process = request->process,
		.request = request->request,
	};

	control_out_frame(out, &header, &body, sizeof(body), rest, size);
}

void control_out_reply(struct control_out *out, const struct control_header *request, int status,
                       const char *message)
{
	send_reply(out, request, status, message, strlen(message));
}

void control_out_result(struct control_out *out, const struct control_header *request,
                        const void *result, size_t size)
{
	send_reply(out, request, 0, result, size);
}

void control_out_event(struct control_out *out, enum control_type type, uint32_t process,
                       uint32_t status, const char *message)
{
	struct control_exited body = { status };
	struct control_header header = { .type = (uint16_t)type, .process = process };

	control_out_frame(out, &header, &body, sizeof(body), message, strlen(message));
}

ssize_t control_out_stream(struct control_out *out, uint32_t process, uint32_t stream, int fd,
                           size_t max)
{
	struct control_header header = { .type = CONTROL_STREAM_DATA, .process = process };
	struct control_stream body = { .stream = stream };
	const size_t before = sizeof(header) + sizeof(body);
	ssize_t got;

	if (max > CONTROL_MAX_DATA)
		max = CONTROL_MAX_DATA;
	if (sizeof(out->bytes) - out->used < before + max)
		control_out_flush(out);
	got = read(fd, out->bytes + out->used + before, max);
	if (got > 0)
		(void)!frame_append(out->bytes, sizeof(out->bytes), &out->used, &header, &body,
		                    sizeof(body), out->bytes + out->used + before, (size_t)got);
	return got;
}
