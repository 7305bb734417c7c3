// SPDX-License-Identifier: MIT
#include "apps/linux_test/linux_test.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/opener.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define PATIENCE (300 * NSEC_PER_SEC)
#define PUBLISHED_PORT 8091
#define VMS_IN_A_ROW 100
// Of which so many run to their end; the others are ended on their way there.
#define VMS_TO_THE_END 10
#define SMALL_MEMORY (32ull * 1024 * 1024)

bool test_container(struct linux_test *t)
{
	struct container *container = container_new(t->runtime, "hello:1");
	struct command_output out;

	container_entrypoint(container, "/bin/sh");
	container_args(container, "-c",
	               "echo Hello from $IMAGE, $MY_VAR; echo $(nproc) $(hostname)", NULL);
	container_env(container, "MY_VAR", "my_value");
	container_hostname(container, "box");
	container_cpus(container, 2);
	CHECK(container_wait_with_output(container, &out) == ERR_BAD_STATE);
	CHECK(container_run(container) == 0);
	CHECK(container_run(container) == ERR_BAD_STATE);
	CHECK(container_wait_with_output(container, &out) == 0);
	CHECK(span_is(out.stdout, "Hello from hello, my_value\n2 box\n"));
	command_output_deinit(&out);
	container_free(container);
	// The image's own command, with its arguments replaced.
	container = container_new(t->runtime, "docker.io/library/hello:1");
	container_arg(container, "again");
	CHECK(container_run(container) == 0 && container_wait_with_output(container, &out) == 0);
	CHECK(out.status == 0 && span_is(out.stdout, "hello again\n"));
	command_output_deinit(&out);
	container_free(container);
	return true;
}

// A volume of the image is there, and stays writable in a sealed container.
bool test_volumes(struct linux_test *t)
{
	struct container *container = container_new(t->runtime, "hello:1");
	struct command_output out;

	container_entrypoint(container, "/bin/sh");
	container_args(container, "-c", "echo kept > /data/file; read x < /data/file; echo $x",
	               NULL);
	container_readonly(container, true);
	CHECK(container_run(container) == 0);
	CHECK(container_wait_with_output(container, &out) == 0);
	CHECK(span_is(out.stdout, "kept\n") && out.status == 0);
	command_output_deinit(&out);
	container_free(container);
	return true;
}

// --- The network ---------------------------------------------------------------------------------

struct conversation {
	handle_t channel;
	error_t error;
	bool answered;
};

static void connected(void *context, handle_t channel, error_t error, const char *text)
{
	struct conversation *c = context;

	if (channel == HANDLE_NONE)
		log_info("no connection: %s (%s)", text, error_text(error));
	*c = (struct conversation){ .channel = channel, .error = error, .answered = true };
}

static bool wait_answer(struct linux_test *t, const struct conversation *c)
{
	nsec_t deadline = now_ns() + PATIENCE;

	while (!c->answered) {
		if (loop_turn(&t->loop, deadline) < 0)
			return false;
	}
	return true;
}

// Sends `text` and the end, and compares what comes until the other end's.
static bool talk(struct linux_test *t, handle_t channel, const char *text, const char *wanted)
{
	nsec_t deadline = now_ns() + PATIENCE;
	struct msg_end end = { 0 };
	char got[128];
	size_t len = 0;
	struct message m;

	if (payload_make(&m, text, strlen(text)) < 0 || channel_send(channel, &m) < 0 ||
	    message_encode_end(&m, &end, NULL, 0) < 0 || channel_send(channel, &m) < 0)
		return false;
	while (now_ns() < deadline) {
		struct payload p;
		error_t err = channel_recv(channel, &m);

		if (err == ERR_EMPTY) {
			// The container's device is served by this loop.
			(void)loop_turn(&t->loop, now_ns() + 10 * NSEC_PER_MSEC);
			continue;
		}
		if (err < 0 || m.type == MSG_END)
			break;
		if (payload_open(&m, &p) < 0)
			return false;
		for (size_t i = 0; i < p.bytes.len && len < sizeof(got); i++)
			got[len++] = (char)p.bytes.data[i];
		payload_release(&p);
	}
	handle_close(channel);
	if (len != strlen(wanted) || memcmp(got, wanted, len) != 0) {
		log_error("got: %.*s", (int)len, got);
		return false;
	}
	return true;
}

// Answers each line with itself and a sign of where it was.
static struct container *echo_server(struct linux_test *t)
{
	struct container *container = container_new(t->runtime, "builtin");

	container_entrypoint(container, "nc");
	container_args(container, "-ll", "-p", "7000", "-e", "sed", "s/^/echo /", NULL);
	container_stdout(container, COMMAND_INHERIT);
	container_stderr(container, COMMAND_INHERIT);
	return container;
}

bool test_connect(struct linux_test *t)
{
	struct container *container = echo_server(t);
	struct conversation c = { 0 };

	CHECK(container_connect(container, 7000, connected, &c) == ERR_BAD_STATE);
	CHECK(container_run(container) == 0);
	for (uint32_t i = 0; i < 2; i++) {
		c = (struct conversation){ 0 };
		CHECK(container_connect(container, 7000, connected, &c) == 0);
		CHECK(wait_answer(t, &c) && c.channel != HANDLE_NONE);
		CHECK(talk(t, c.channel, "hello\n", "echo hello\n"));
	}
	// One that waits when the container ends is told.
	c = (struct conversation){ 0 };
	CHECK(container_connect(container, 7001, connected, &c) == 0);
	container_kill(container);
	CHECK(wait_answer(t, &c) && c.channel == HANDLE_NONE && c.error == ERR_PEER_CLOSED);
	container_free(container);
	return true;
}

static void opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	connected(opener->context, channel, error, text);
}

// As any other client of our own address; here it comes from this very machine.
bool test_publish(struct linux_test *t)
{
	struct container *container = echo_server(t);
	struct container *second = echo_server(t);
	struct conversation c = { 0 };
	struct command_output out;
	static struct opener opener;

	container_publish(container, PUBLISHED_PORT, 7000);
	CHECK(container_run(container) == 0);
	do {
		c = (struct conversation){ 0 };
		opener_start(&opener, &t->loop, environ_connector(t->env, "tcpip"),
		             "tcp:127.0.0.1:8091", opened, &c);
		CHECK(wait_answer(t, &c));
	} while (c.error == ERR_REFUSED);
	CHECK(c.channel != HANDLE_NONE);
	CHECK(talk(t, c.channel, "published\n", "echo published\n"));
	container_publish(second, PUBLISHED_PORT, 7000);
	CHECK(container_run(second) == 0 && container_wait_with_output(second, &out) == 0);
	CHECK(out.status == COMMAND_STATUS_FAILED && out.error[0] != '\0');
	log_info("%s", out.error);
	command_output_deinit(&out);
	container_free(second);
	container_free(container);
	return true;
}

// --- Pool and memory -----------------------------------------------------------------------------

static bool run_true(struct linux_test *t, uint64_t memory, nsec_t *took)
{
	struct command *command = command_new(t->runtime, "true");
	struct command_output out;
	nsec_t start = now_ns();
	bool good;

	command_memory(command, memory);
	good = command_output(command, &out) == 0 && out.status == 0;
	*took = now_ns() - start;
	if (!good)
		log_error("true: status %d, %s", out.status, out.error);
	command_output_deinit(&out);
	command_free(command);
	return good;
}

bool test_pool(struct linux_test *t)
{
	struct linux_runtime_stats before, after;
	nsec_t took;

	CHECK(linux_runtime_keep_warm(t->runtime, COMMAND_MEMORY, 1, LINUX_WARM_MAX + 1) ==
	      ERR_INVALID);
	CHECK(linux_runtime_keep_warm(t->runtime, COMMAND_MEMORY, 1, 2) == 0);
	CHECK(linux_runtime_wait_warm(t->runtime, now_ns() + PATIENCE) == 0);
	linux_runtime_stats(t->runtime, &before);
	CHECK(before.warm == 2);
	for (uint32_t i = 0; i < 2; i++) {
		CHECK(run_true(t, COMMAND_MEMORY, &took));
		log_info("command_output(\"true\") from the pool: %u ms",
		         (unsigned int)(took / NSEC_PER_MSEC));
	}
	linux_runtime_stats(t->runtime, &after);
	CHECK(after.warm_starts == before.warm_starts + 2);
	// Another kind boots; the pool fills up again.
	CHECK(run_true(t, 2 * COMMAND_MEMORY, &took));
	linux_runtime_stats(t->runtime, &after);
	CHECK(after.warm_starts == before.warm_starts + 2 && after.vms_booted > before.vms_booted);
	CHECK(linux_runtime_wait_warm(t->runtime, now_ns() + PATIENCE) == 0);
	// With nothing left to refill, no guest boots while a warm one is used.
	linux_runtime_stats(t->runtime, &before);
	CHECK(linux_runtime_keep_warm(t->runtime, COMMAND_MEMORY, 1, 1) == 0);
	CHECK(run_true(t, COMMAND_MEMORY, &took));
	linux_runtime_stats(t->runtime, &after);
	CHECK(after.warm_starts == before.warm_starts + 1);
	log_info("command_output(\"true\") from the pool: %u ms",
	         (unsigned int)(took / NSEC_PER_MSEC));
	CHECK(linux_runtime_keep_warm(t->runtime, COMMAND_MEMORY, 1, 0) == 0);
	return true;
}

struct counted {
	uint32_t ended;
};

static void count_end(void *context, struct command *command, int status, const char *error)
{
	struct counted *counted = context;

	(void)status;
	(void)error;
	counted->ended++;
	command_free(command);
}

// A VM that waits has the built-in userland on its root disk: another image takes its place.
bool test_warm_container(struct linux_test *t)
{
	struct linux_runtime_stats before, after;
	struct command_output out;
	struct container *container;

	CHECK(linux_runtime_keep_warm(t->runtime, CONTAINER_MEMORY, 1, 1) == 0);
	CHECK(linux_runtime_wait_warm(t->runtime, now_ns() + PATIENCE) == 0);
	linux_runtime_stats(t->runtime, &before);
	container = container_new(t->runtime, "hello:1");
	CHECK(container_run(container) == 0 && container_wait_with_output(container, &out) == 0);
	CHECK(out.status == 0 && span_is(out.stdout, "hello world\n"));
	linux_runtime_stats(t->runtime, &after);
	CHECK(after.warm_starts == before.warm_starts + 1);
	command_output_deinit(&out);
	container_free(container);
	CHECK(linux_runtime_keep_warm(t->runtime, CONTAINER_MEMORY, 1, 0) == 0);
	return true;
}

// Runs a VM and ends it after `patience`: while the kernel is loaded, while it boots, or when it
// runs.
static bool run_and_kill(struct linux_test *t, nsec_t patience)
{
	struct command *command = command_new(t->runtime, "sleep");
	struct counted counted = { 0 };
	nsec_t until = now_ns() + patience;

	command_arg(command, "1000");
	command_memory(command, SMALL_MEMORY);
	if (command_spawn(command) < 0)
		return false;
	command_wait(command, count_end, &counted);
	while (now_ns() < until)
		(void)loop_turn(&t->loop, until);
	command_kill(command);
	while (counted.ended == 0) {
		if (loop_turn(&t->loop, now_ns() + PATIENCE) < 0)
			return false;
	}
	return true;
}

static bool run_many(struct linux_test *t, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		nsec_t took;

		if (i % (VMS_IN_A_ROW / VMS_TO_THE_END) == 0)
			CHECK(run_true(t, SMALL_MEMORY, &took));
		else
			CHECK(run_and_kill(t, i % 50 * 2 * NSEC_PER_MSEC));
	}
	return true;
}

// What a first VM leaves in caches and heaps is not a leak: it is counted after some of them.
bool test_memory(struct linux_test *t)
{
	uint64_t before, after;

	CHECK(run_many(t, VMS_IN_A_ROW / 10));
	before = free_pages(t);
	CHECK(run_many(t, VMS_IN_A_ROW));
	after = free_pages(t);
	log_info("free pages before %u VMs: %llu, after: %llu", VMS_IN_A_ROW,
	         (unsigned long long)before, (unsigned long long)after);
	// Other apps and the kernel allocate, too, but not in proportion.
	CHECK(after + 64 >= before);
	return true;
}
