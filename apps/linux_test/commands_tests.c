// SPDX-License-Identifier: MIT
//
// Linux programs by the service "commands".
#include "libs/abi/commands.h"

#include "apps/linux_test/linux_test.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define PATIENCE (300 * NSEC_PER_SEC)
#define OUTPUT_MAX 256u

// What a program has said, and its end.
struct outcome {
	int status;
	char error[MESSAGE_MAX_DATA];
	char out[OUTPUT_MAX + 1];
	char err[OUTPUT_MAX + 1];
};

struct running {
	handle_t in, out, err;
};

static handle_t connect(const struct linux_test *t)
{
	handle_t channel = HANDLE_NONE;

	if (service_connect_wait(environ_connector(t->env, "commands"), now_ns() + PATIENCE,
	                         &channel) < 0)
		log_error("no commands");
	return channel;
}

// `text` has the strings, of `length` bytes with the last one's NUL.
static bool run(handle_t channel, const struct msg_commands_run *how, const char *text,
                size_t length)
{
	struct msg_commands_run request = *how;
	struct message m;

	request.length = (uint32_t)length;
	if (message_encode_commands_run(&m, &request, NULL, 0) < 0 ||
	    payload_copy(text, length, &m.handles[0]) < 0)
		return false;
	m.num_handles = 1;
	return channel_send(channel, &m) == 0;
}

#define RUN(channel, text, ...) \
	run(channel, &(struct msg_commands_run){ .id = 7, __VA_ARGS__ }, text, sizeof(text))

static bool take_started(handle_t channel, struct running *running)
{
	struct msg_commands_started started;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;

	if (recv_wait(channel, now_ns() + PATIENCE, &m) < 0 ||
	    message_decode_commands_started(&m, &started, &tail, &tail_len) < 0 || started.id != 7)
		return false;
	*running = (struct running){ .in = m.handles[0],
		                     .out = m.handles[1],
		                     .err = m.num_handles > 2 ? m.handles[2] : HANDLE_NONE };
	return true;
}

// All that comes of a stream, until it ends.
static bool read_all(handle_t stream, char text[OUTPUT_MAX + 1])
{
	size_t len = 0;
	struct message m;
	error_t err;

	while ((err = recv_wait(stream, now_ns() + PATIENCE, &m)) == 0) {
		struct payload payload;

		if (m.type != MSG_DATA || payload_open(&m, &payload) < 0)
			return false;
		for (size_t i = 0; i < payload.bytes.len && len < OUTPUT_MAX; i++)
			text[len++] = (char)payload.bytes.data[i];
		payload_release(&payload);
	}
	text[len] = '\0';
	handle_close(stream);
	return err == ERR_PEER_CLOSED;
}

static bool take_ended(handle_t channel, struct outcome *outcome)
{
	struct msg_commands_ended ended;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;

	if (recv_wait(channel, now_ns() + PATIENCE, &m) < 0 ||
	    message_decode_commands_ended(&m, &ended, &tail, &tail_len) < 0 || ended.id != 7)
		return false;
	outcome->status = ended.status;
	memcpy(outcome->error, tail, tail_len);
	outcome->error[tail_len] = '\0';
	return true;
}

static bool take_outcome(handle_t channel, struct running *running, struct outcome *outcome)
{
	bool good = read_all(running->out, outcome->out);

	outcome->err[0] = '\0';
	if (running->err != HANDLE_NONE)
		good = read_all(running->err, outcome->err) && good;
	handle_close(running->in);
	return take_ended(channel, outcome) && good;
}

bool test_commands_streams(struct linux_test *t)
{
	handle_t channel = connect(t);
	struct running running;
	struct outcome outcome;
	struct message m;

	CHECK(RUN(channel,
	          "\0/tmp\0"
	          "33\0sh\0-c\0pwd; id -u; echo $A$B; cat; echo bad >&2; exit 3\0A=x=y\0B=",
	          .num_args = 3, .num_env = 2));
	CHECK(take_started(channel, &running));
	CHECK(payload_make(&m, "typed\n", 6) == 0 && channel_send(running.in, &m) == 0);
	message_init(&m, MSG_END);
	m.len = sizeof(struct msg_end);
	CHECK(channel_send(running.in, &m) == 0);
	CHECK(take_outcome(channel, &running, &outcome));
	CHECK(outcome.status == 3 && outcome.error[0] == '\0');
	CHECK(strcmp(outcome.out, "/tmp\n33\nx=y\ntyped\n") == 0);
	CHECK(strcmp(outcome.err, "bad\n") == 0);
	handle_close(channel);
	return true;
}

bool test_commands_terminal(struct linux_test *t)
{
	handle_t channel = connect(t);
	struct msg_commands_resize size = { .id = 7, .rows = 11, .columns = 22 };
	struct running running;
	struct outcome outcome;
	struct message m;

	// What is typed may overtake the new size, which goes another way.
	CHECK(RUN(channel,
	          "\0\0\0sh\0-c\0stty size; read x; while [ \"$(stty size)\" = '30 100' ]; do "
	          "sleep 0.1; done; stty size; echo $x >&2",
	          .flags = COMMANDS_TERMINAL, .num_args = 3, .rows = 30, .columns = 100));
	CHECK(take_started(channel, &running));
	CHECK(running.err == HANDLE_NONE);
	CHECK(handle_wait(running.out, READY_READABLE, now_ns() + PATIENCE) == 0);
	CHECK(message_encode_commands_resize(&m, &size, NULL, 0) == 0 &&
	      channel_send(channel, &m) == 0);
	CHECK(payload_make(&m, "hi\n", 3) == 0 && channel_send(running.in, &m) == 0);
	CHECK(take_outcome(channel, &running, &outcome));
	CHECK(outcome.status == 0);
	if (strcmp(outcome.out, "30 100\r\nhi\r\n11 22\r\nhi\r\n") == 0)
		return handle_close(channel) == 0;
	log_error("the terminal says: %s", outcome.out);
	return false;
}

bool test_commands_errors(struct linux_test *t)
{
	handle_t channel = connect(t);
	struct msg_commands_signal signal = { .id = 7, .signal = 15 };
	struct running running;
	struct outcome outcome;
	struct message m;

	CHECK(RUN(channel, "\0\0", .num_args = 0) && take_ended(channel, &outcome));
	CHECK(outcome.status == COMMAND_STATUS_FAILED && outcome.error[0] != '\0');
	CHECK(RUN(channel, "\0\0\0sh\0=x", .num_args = 1, .num_env = 1) &&
	      take_ended(channel, &outcome));
	CHECK(strcmp(outcome.error, "an environment variable is NAME=VALUE") == 0);
	CHECK(RUN(channel, "\0\0\0sh", .num_args = 1, .memory = 1) &&
	      take_ended(channel, &outcome));
	CHECK(strcmp(outcome.error, "its memory is 32 MiB to 8 GiB") == 0);
	CHECK(RUN(channel, "none\0\0\0sh", .num_args = 1) && take_started(channel, &running));
	CHECK(take_outcome(channel, &running, &outcome));
	CHECK(outcome.status == COMMAND_STATUS_FAILED && outcome.error[0] != '\0');
	CHECK(RUN(channel, "\0\0\0nothing", .num_args = 1) && take_started(channel, &running));
	CHECK(take_outcome(channel, &running, &outcome) && outcome.status == 127);
	// A process 1 has no default for SIGTERM.
	CHECK(RUN(channel, "\0\0\0sh\0-c\0trap 'exit 9' TERM; echo; while :; do sleep 0.1; done",
	          .num_args = 3) &&
	      take_started(channel, &running));
	CHECK(handle_wait(running.out, READY_READABLE, now_ns() + PATIENCE) == 0);
	CHECK(message_encode_commands_signal(&m, &signal, NULL, 0) == 0 &&
	      channel_send(channel, &m) == 0);
	CHECK(take_outcome(channel, &running, &outcome) && outcome.status == 9);
	handle_close(channel);
	return true;
}

// What a client has started ends with it, and those of others go on.
bool test_commands_clients(struct linux_test *t)
{
	handle_t leaves = connect(t), stays = connect(t);
	struct running left, other;
	struct outcome outcome;

	CHECK(RUN(leaves, "\0\0\0sh\0-c\0echo; exec sleep 999", .num_args = 3));
	CHECK(RUN(stays, "\0\0\0cat", .num_args = 1));
	CHECK(take_started(leaves, &left) && take_started(stays, &other));
	CHECK(handle_wait(left.out, READY_READABLE, now_ns() + PATIENCE) == 0);
	handle_close(leaves);
	CHECK(read_all(left.out, outcome.out));
	CHECK(RUN(stays, "\0\0\0cat", .num_args = 1));  // of an id that it has running
	handle_close(left.in);
	handle_close(left.err);
	handle_close(other.in);
	other.in = HANDLE_NONE;
	CHECK(read_all(other.out, outcome.out) && read_all(other.err, outcome.err));
	handle_close(stays);
	return true;
}
