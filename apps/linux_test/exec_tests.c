// SPDX-License-Identifier: MIT
//
// Processes that are added to a container that runs.
#include "apps/linux_test/linux_test.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"

#define MANY 8u
#define MEGABYTE (1024u * 1024)

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

// One that runs until it is killed.
static struct container *begin(struct linux_test *t)
{
	struct container *container = container_new(t->runtime, "builtin");

	container_entrypoint(container, "/bin/sh");
	container_args(container, "-c",
	               "trap 'exit 9' TERM; touch /ready; while :; do sleep 1; done", NULL);
	container_env(container, "MY_VAR", "of the container");
	container_hostname(container, "box");
	if (container_run(container) < 0 || container_wait_started(container) < 0)
		return NULL;
	return container;
}

// Executes it, and compares its status and output.
static bool expect(struct container *container, const struct container_exec *exec, int status,
                   const char *output)
{
	struct command_output out;
	bool good;

	if (container_exec_output(container, exec, &out) < 0)
		return false;
	good = out.status == status && span_is(out.stdout, output);
	if (!good)
		log_error("status %d (%s): %.*s%.*s", out.status, out.error, (int)out.stdout.len,
		          (const char *)out.stdout.data, (int)out.stderr.len,
		          (const char *)out.stderr.data);
	command_output_deinit(&out);
	return good;
}

bool test_exec(struct linux_test *t)
{
	struct container *container = begin(t);
	struct container_exec hello = { .args = ARGS("echo", "hello") };
	struct container_exec place = {
		.args = ARGS("/bin/sh", "-c",
		             "echo $(hostname) $(pwd) $(id -u) $MY_VAR $MORE; exit 7"),
		.env = ARGS("MORE=and more"),
		.workdir = "/tmp",
		.user = "33",
	};
	struct container_exec input = { .args = ARGS("cat"), .input = text_span("from stdin\n") };
	struct container_exec terminal = { .args = ARGS("/bin/sh", "-c", "stty size; tty"),
		                           .terminal = true,
		                           .rows = 30,
		                           .columns = 100 };
	nsec_t start;

	CHECK(container != NULL);
	CHECK(expect(container, &hello, 0, "hello\n"));
	start = now_ns();
	CHECK(expect(container, &hello, 0, "hello\n"));
	log_info("exec of echo: %u us", (unsigned int)((now_ns() - start) / 1000));
	CHECK(expect(container, &place, 7, "box /tmp 33 of the container and more\n"));
	CHECK(expect(container, &input, 0, "from stdin\n"));
	CHECK(expect(container, &terminal, 0, "30 100\r\n/dev/pts/0\r\n"));
	container_free(container);
	return true;
}

bool test_exec_errors(struct linux_test *t)
{
	struct container *container = container_new(t->runtime, "builtin");
	struct container_exec missing = { .args = ARGS("no-such-program") };
	struct container_exec folder = { .args = ARGS("/etc") };
	struct container_exec wrong = { .args = ARGS("echo"), .env = ARGS("no assignment") };
	struct container_exec killed = { .args = ARGS("/bin/sh", "-c", "kill -9 $$") };
	struct command_output out;

	CHECK(container_exec_output(container, &missing, &out) == ERR_BAD_STATE);
	container_free(container);
	container = begin(t);
	CHECK(container != NULL);
	CHECK(container_exec_output(container, &missing, &out) == 0);
	CHECK(out.status == 127);
	CHECK(strcmp(out.error, "exec: \"no-such-program\": executable file not found in $PATH") ==
	      0);
	CHECK(container_exec_output(container, &folder, &out) == 0);
	CHECK(out.status == 126 && strcmp(out.error, "exec: \"/etc\": is a directory") == 0);
	CHECK(container_exec_output(container, &wrong, &out) == ERR_INVALID);
	CHECK(expect(container, &killed, 137, ""));
	container_free(container);
	return true;
}

// --- Streams -------------------------------------------------------------------------------------

struct stream {
	struct container_process *process;
	size_t sent, received;
	uint32_t pauses;
	bool paused, ended;
	bool differs;
	int status;
};

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

// Takes no more than a part at a time.
static size_t stream_output(void *context, bool of_stderr, struct span bytes)
{
	struct stream *s = context;
	size_t n = bytes.len < 5000 ? bytes.len : 5000;

	for (size_t i = 0; i < n; i++)
		s->differs |= of_stderr || bytes.data[i] != byte_at(s->received++);
	s->paused = n < bytes.len;
	s->pauses += s->paused ? 1 : 0;
	return n;
}

static void stream_done(void *context, struct container_process *process, int status,
                        const char *error)
{
	struct stream *s = context;

	(void)process;
	if (error != NULL)
		log_info("ended: %s", error);
	s->ended = true;
	s->status = status;
}

static void stream_write(struct stream *s)
{
	uint8_t bytes[3000];
	size_t n = MEGABYTE - s->sent < sizeof(bytes) ? MEGABYTE - s->sent : sizeof(bytes);

	for (size_t i = 0; i < n; i++)
		bytes[i] = byte_at(s->sent + i);
	s->sent += container_process_write(s->process, (struct span){ .data = bytes, .len = n });
	if (s->sent == MEGABYTE)
		container_process_close_stdin(s->process);
}

// A megabyte each way, to a reader that pauses, of several at once.
bool test_exec_streams(struct linux_test *t)
{
	struct container *container = begin(t);
	struct stream streams[MANY] = { 0 };
	uint32_t running = MANY;

	CHECK(container != NULL);
	for (uint32_t i = 0; i < MANY; i++) {
		struct container_exec exec = { .args = ARGS("cat"),
			                       .keeps_stdin = true,
			                       .output = stream_output,
			                       .done = stream_done,
			                       .context = &streams[i] };

		CHECK(container_exec(container, &exec, &streams[i].process) == 0);
	}
	while (running > 0) {
		running = 0;
		for (uint32_t i = 0; i < MANY; i++) {
			if (streams[i].ended)
				continue;
			running++;
			if (streams[i].sent < MEGABYTE)
				stream_write(&streams[i]);
			if (streams[i].paused)
				container_process_resume(streams[i].process, false);
		}
		(void)loop_turn(&t->loop, now_ns() + NSEC_PER_MSEC);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		CHECK(streams[i].status == 0 && !streams[i].differs);
		CHECK(streams[i].received == MEGABYTE && streams[i].pauses > 0);
		container_process_free(streams[i].process);
	}
	container_free(container);
	return true;
}

// The container ends in the midst of it.
bool test_exec_end(struct linux_test *t)
{
	struct container *container = begin(t);
	struct stream waiting = { 0 }, terminated = { 0 }, freed = { 0 };
	struct container_exec ready = { .args = ARGS("/bin/sh", "-c",
		                                     "until [ -e /ready ]; do sleep 1; done") };
	struct container_exec exec = { .args = ARGS("cat"),
		                       .keeps_stdin = true,
		                       .done = stream_done };
	struct command_output out;

	// Until it has its trap, TERM is nothing to a first process.
	CHECK(container != NULL && expect(container, &ready, 0, ""));
	exec.context = &waiting;
	CHECK(container_exec(container, &exec, &waiting.process) == 0);
	exec.context = &freed;
	CHECK(container_exec(container, &exec, &freed.process) == 0);
	container_process_free(freed.process);
	exec.context = &terminated;
	CHECK(container_exec(container, &exec, &terminated.process) == 0);
	container_process_signal(terminated.process, 15);
	while (!terminated.ended)
		(void)loop_turn(&t->loop, NSEC_NEVER);
	CHECK(terminated.status == 143 && !waiting.ended);
	container_signal(container, 15);
	CHECK(container_wait_with_output(container, &out) == 0);
	CHECK(out.status == 9);
	CHECK(waiting.ended && waiting.status == 137 && !freed.ended);
	command_output_deinit(&out);
	container_process_free(waiting.process);
	container_process_free(terminated.process);
	CHECK(container_exec(container, &exec, &waiting.process) == ERR_BAD_STATE);
	container_free(container);
	return true;
}
