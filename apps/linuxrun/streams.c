// SPDX-License-Identifier: MIT
//
// stdin, and the lines of the control port.

#include "apps/linuxrun/linuxrun.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void take_signal(struct linuxrun *run, uint32_t number)
{
	if (run->container != NULL && !run->ended)
		guest_container_signal(run->container, number);
	else if (!guest_container_signal_is_ignored(number))
		// there is none yet, and there will be none
		linuxrun_end(run, 128 + (int)number, NULL);
}

static void take_line(struct linuxrun *run, struct span line)
{
	struct host_line parsed = host_line_parse(line);

	switch (parsed.kind) {
	case HOST_LINE_STDIN_OPEN: break;
	case HOST_LINE_STDIN_EOF:
		run->stdin_eof = parsed.value;
		linuxrun_stdin_pump(run);
		break;
	case HOST_LINE_SIGNAL:
		if (parsed.value <= 64)
			take_signal(run, (uint32_t)parsed.value);
		break;
	case HOST_LINE_RESIZE:
		if (run->container != NULL && !run->ended && parsed.value <= UINT16_MAX &&
		    parsed.value2 <= UINT16_MAX)
			guest_container_resize(run->container, (uint16_t)parsed.value,
			                       (uint16_t)parsed.value2);
		break;
	default:
		log_warn("unknown line on the control port: %.*s", (int)line.len,
		         (const char *)line.data);
		break;
	}
}

void linuxrun_control_input(void *context, struct span bytes)
{
	struct linuxrun *run = context;

	for (size_t i = 0; i < bytes.len; i++) {
		char c = (char)bytes.data[i];

		if (c != '\n') {
			if (run->line_len < sizeof(run->line))
				run->line[run->line_len++] = c;
			else
				run->line_overlong = true;
			continue;
		}
		if (run->line_overlong)
			log_warn("line of over %u bytes on the control port",
			         (unsigned int)sizeof(run->line));
		else
			take_line(run,
			          (struct span){ .data = (const uint8_t *)run->line,
			                         .len = run->line_len });
		run->line_len = 0;
		run->line_overlong = false;
	}
}

void linuxrun_stdin_pump(struct linuxrun *run)
{
	struct span rest = { 0 };

	if (run->container == NULL || run->ended)
		return;
	if (run->stdin_payload.bytes.len > run->stdin_done) {
		rest.data = run->stdin_payload.bytes.data + run->stdin_done;
		rest.len = run->stdin_payload.bytes.len - run->stdin_done;
		run->stdin_done += guest_container_stdin_write(run->container, rest);
		if (run->stdin_done < run->stdin_payload.bytes.len)
			return;  // input_ready comes
	}
	if (run->stdin_done > 0) {
		run->stdin_total += run->stdin_done;
		run->stdin_done = 0;
		payload_release(&run->stdin_payload);
		run->stdin_payload = (struct payload){ 0 };
		if (run->stdin_open)
			source_want_messages(&run->stdin_source, true);
	}
	if (run->stdin_total >= run->stdin_eof)
		guest_container_stdin_close(run->container);
}

static void stdin_message(struct loop *loop, struct source *source, struct message *m)
{
	struct linuxrun *run = source->context;

	(void)loop;
	// The end comes as a count on the control port: a host that is not there yet looks like one
	// that has gone.
	if (m->type != MSG_DATA) {
		message_discard(m);
		return;
	}
	run->stdin_message = *m;
	if (payload_open(&run->stdin_message, &run->stdin_payload) < 0)
		return;
	if (run->stdin_payload.bytes.len == 0) {
		payload_release(&run->stdin_payload);
		return;
	}
	run->stdin_done = 0;
	source_want_messages(source, false);
	linuxrun_stdin_pump(run);
}

static void stdin_closed(struct loop *loop, struct source *source)
{
	struct linuxrun *run = source->context;

	loop_close(loop, source);
	run->stdin_open = false;
	run->stdin_eof = 0;
	linuxrun_stdin_pump(run);
}

static const struct source_ops stdin_ops = { .message = stdin_message, .closed = stdin_closed };

void linuxrun_stdin_open(struct linuxrun *run, handle_t channel)
{
	if (channel == HANDLE_NONE) {
		run->stdin_eof = 0;
		return;
	}
	if (loop_add(&run->loop, &run->stdin_source, channel, &stdin_ops, run) < 0)
		handle_close(channel);
	else
		run->stdin_open = true;
}
