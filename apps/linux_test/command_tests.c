// SPDX-License-Identifier: MIT
#include "apps/linux_test/linux_test.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

// Runs a shell script and compares all that it has to say.
static bool shell(struct linux_test *t, const char *script, int status, const char *out,
                  const char *err)
{
	struct command *command = command_new(t->runtime, "sh");
	struct command_output output;
	bool good;

	command_args(command, "-c", script, NULL);
	good = command_output(command, &output) == 0 && output.status == status &&
		span_is(output.stdout, out) && span_is(output.stderr, err) &&
		output.error[0] == '\0';
	if (!good)
		log_error("status %d (%s), stdout %.*s, stderr %.*s", output.status, output.error,
		          (int)output.stdout.len, (const char *)output.stdout.data,
		          (int)output.stderr.len, (const char *)output.stderr.data);
	command_output_deinit(&output);
	command_free(command);
	return good;
}

// The status, and whether the error has `part` in it.
static bool fails(struct command *command, int status, const char *part)
{
	struct command_output output;
	bool good;

	good = command_output(command, &output) == 0 && output.status == status &&
		strlen(output.error) >= strlen(part);
	for (size_t i = 0; good; i++) {
		if (strncmp(output.error + i, part, strlen(part)) == 0)
			break;
		good = output.error[i] != '\0';
	}
	if (!good)
		log_error("status %d, error: %s", output.status, output.error);
	command_output_deinit(&output);
	command_free(command);
	return good;
}

bool test_output(struct linux_test *t)
{
	struct command *ls = command_new(t->runtime, "ls");
	struct command_output out;

	command_args(ls, "-d", "/usr/bin", "/etc", NULL);
	CHECK(command_output(ls, &out) == 0);
	CHECK(out.status == 0 && out.error[0] == '\0');
	CHECK(span_is(out.stdout, "/etc\n/usr/bin\n") && out.stderr.len == 0);
	command_output_deinit(&out);
	CHECK(command_spawn(ls) == ERR_BAD_STATE);
	command_free(ls);
	return shell(t, "echo out; echo err >&2; exit 7", 7, "out\n", "err\n");
}

bool test_statuses(struct linux_test *t)
{
	struct command *command = command_new(t->runtime, "false");
	int status = 0;

	CHECK(command_status(command, &status) == 0 && status == 1);
	command_free(command);
	CHECK(shell(t, "sh -c 'kill -9 $$' 2>/dev/null; exit $?", 137, "", ""));
	CHECK(fails(command_new(t->runtime, "no-such-program"), 127, "no-such-program"));
	CHECK(fails(command_new(t->runtime, "/etc/passwd"), 126, "/etc/passwd"));
	return true;
}

bool test_environment(struct linux_test *t)
{
	struct command *command = command_new(t->runtime, "sh");
	struct command_output out;

	command_args(command, "-c", "echo \"$A|$B|$HOME\"; pwd; id -un; hostname", NULL);
	command_env(command, "A", "a \"quoted\" \\ text\n= x");
	command_env(command, "B", "1");
	command_env(command, "B", "2");
	command_cwd(command, "/tmp");
	command_user(command, "nobody");
	CHECK(command_output(command, &out) == 0);
	CHECK(span_is(out.stdout,
	              "a \"quoted\" \\ text\n= x|2|/nonexistent\n/tmp\nnobody\nstarina\n"));
	command_output_deinit(&out);
	command_free(command);
	command = command_new(t->runtime, "true");
	command_env(command, "A=B", "c");
	CHECK(command_spawn(command) == ERR_INVALID);
	command_free(command);
	return true;
}

bool test_input(struct linux_test *t)
{
	struct command *command = command_new(t->runtime, "tr");
	struct command_output out;

	command_args(command, "a-z", "A-Z", NULL);
	command_input(command, text_span("hello\nworld"));
	CHECK(command_output(command, &out) == 0);
	CHECK(out.status == 0 && span_is(out.stdout, "HELLO\nWORLD"));
	command_output_deinit(&out);
	command_free(command);
	// Without input there is end of file, at once.
	return shell(t, "cat; echo end", 0, "end\n", "");
}

struct done {
	uint32_t count;
	int status;
};

static void count_done(void *context, struct command *command, int status, const char *error)
{
	struct done *done = context;

	if (error != NULL)
		log_error("%s", error);
	done->count++;
	done->status = status;
	command_free(command);
}

static bool turn_until(struct linux_test *t, const struct done *done, uint32_t count)
{
	nsec_t deadline = now_ns() + 300 * NSEC_PER_SEC;

	while (done->count < count) {
		if (loop_turn(&t->loop, deadline) < 0)
			return false;
	}
	return true;
}

// What has come on the channel, as far as it goes.
static size_t drain(handle_t channel, char *text, size_t size, size_t len)
{
	struct message m;
	struct payload p;

	while (channel_recv(channel, &m) == 0) {
		if (payload_open(&m, &p) < 0)
			continue;
		for (size_t i = 0; i < p.bytes.len && len < size; i++)
			text[len++] = (char)p.bytes.data[i];
		payload_release(&p);
	}
	return len;
}

bool test_pipes(struct linux_test *t)
{
	struct command *command = command_new(t->runtime, "cat");
	struct done done = { 0 };
	handle_t in, out;
	char text[64];
	size_t len = 0;
	struct message m;

	command_stdin(command, COMMAND_PIPED);
	command_stdout(command, COMMAND_PIPED);
	CHECK(command_spawn(command) == 0);
	in = command_take_stdin(command);
	out = command_take_stdout(command);
	CHECK(in != HANDLE_NONE && out != HANDLE_NONE);
	CHECK(command_take_stdout(command) == HANDLE_NONE &&
	      command_take_stderr(command) == HANDLE_NONE);
	command_wait(command, count_done, &done);
	CHECK(payload_make(&m, "ping ", 5) == 0 && channel_send(in, &m) == 0);
	while (len < 5) {
		CHECK(loop_turn(&t->loop, now_ns() + 300 * NSEC_PER_SEC) == 0);
		len = drain(out, text, sizeof(text), len);
	}
	CHECK(done.count == 0);
	CHECK(payload_make(&m, "pong", 4) == 0 && channel_send(in, &m) == 0);
	handle_close(in);
	CHECK(turn_until(t, &done, 1) && done.status == 0);
	len = drain(out, text, sizeof(text), len);
	CHECK(len == 9 && memcmp(text, "ping pong", 9) == 0);
	CHECK(channel_recv(out, &m) == ERR_PEER_CLOSED);
	handle_close(out);
	return true;
}

bool test_several(struct linux_test *t)
{
	struct linux_runtime_stats stats;
	struct done done = { 0 };

	for (uint32_t i = 0; i < 4; i++) {
		struct command *command = command_new(t->runtime, "sh");

		command_args(command, "-c", "cat /proc/version >/dev/null; exit 3", NULL);
		CHECK(command_spawn(command) == 0);
		command_wait(command, count_done, &done);
	}
	linux_runtime_stats(t->runtime, &stats);
	CHECK(stats.running == 4);
	CHECK(turn_until(t, &done, 4) && done.status == 3);
	linux_runtime_stats(t->runtime, &stats);
	CHECK(stats.running == 0);
	return true;
}

bool test_kill(struct linux_test *t)
{
	struct command *command = command_new(t->runtime, "sleep");
	struct done done = { 0 };

	command_arg(command, "1000");
	command_timeout(command, 300 * NSEC_PER_MSEC);
	CHECK(fails(command, COMMAND_STATUS_KILLED, "had not ended after 300 ms"));
	command = command_new(t->runtime, "sleep");
	command_arg(command, "1000");
	CHECK(command_spawn(command) == 0);
	command_wait(command, count_done, &done);
	command_kill(command);
	CHECK(turn_until(t, &done, 1) && done.status == COMMAND_STATUS_KILLED);
	// One that nobody waits for.
	command = command_new(t->runtime, "sleep");
	command_arg(command, "1000");
	CHECK(command_spawn(command) == 0);
	command_free(command);
	return shell(t, "true", 0, "", "");
}

bool test_too_much(struct linux_test *t)
{
	struct command *command = command_new(t->runtime, "yes");

	return fails(command, COMMAND_STATUS_KILLED, "it wrote more than");
}

bool test_errors(struct linux_test *t)
{
	struct command *command = command_new(t->runtime, "true");

	command_memory(command, 1024);
	CHECK(command_spawn(command) == ERR_INVALID);
	command_free(command);
	command = command_new(t->runtime, "true");
	command_cpus(command, 64);
	CHECK(command_spawn(command) == ERR_INVALID);
	command_free(command);
	command = command_new(t->runtime, "true");
	command_image(command, "nothing:1");
	CHECK(fails(command, COMMAND_STATUS_FAILED, "this system has no image \"nothing:1\""));
	command = command_new(t->runtime, "true");
	command_memory(command, 8ull << 30);
	CHECK(fails(command, COMMAND_STATUS_FAILED, "too little free memory"));
	command = command_new(t->runtime, "true");
	command_cwd(command, "relative");
	CHECK(fails(command, COMMAND_STATUS_FAILED, "relative"));
	command = command_new(t->runtime, "true");
	command_user(command, "stranger");
	CHECK(fails(command, COMMAND_STATUS_FAILED, "stranger"));
	CHECK(command_spawn(NULL) == ERR_NO_MEMORY);
	command_free(NULL);
	return true;
}

// The links of the userland are busybox's applets, all of them.
bool test_applets(struct linux_test *t)
{
	return shell(
		t, "busybox --list | sort >/tmp/a; ls /usr/bin | sort >/tmp/b; diff /tmp/a /tmp/b",
		0, "", "");
}

static struct command *docker(struct linux_test *t, const char *a, const char *b, const char *c)
{
	struct command *command = command_new(t->runtime, "docker");

	command_args(command, a, b, c, NULL);
	return command;
}

bool test_docker(struct linux_test *t)
{
	struct command *command = docker(t, "run", "--rm", "-e");
	struct command_output out;

	command_args(command, "A=x y", "-w/etc", "builtin", "sh", "-c", "echo $A $PWD", NULL);
	CHECK(command_output(command, &out) == 0);
	CHECK(out.status == 0 && span_is(out.stdout, "x y /etc\n"));
	command_output_deinit(&out);
	command_free(command);
	return true;
}

bool test_docker_errors(struct linux_test *t)
{
	CHECK(fails(docker(t, "ps", NULL, NULL), COMMAND_STATUS_FAILED,
	            "docker: only `docker run"));
	CHECK(fails(docker(t, NULL, NULL, NULL), COMMAND_STATUS_FAILED,
	            "docker: only `docker run"));
	CHECK(fails(docker(t, "run", "--privileged", "x"), COMMAND_STATUS_FAILED,
	            "unknown option --privileged"));
	CHECK(fails(docker(t, "run", "--rmx", "x"), COMMAND_STATUS_FAILED, "unknown option --rmx"));
	CHECK(fails(docker(t, "run", "-e", NULL), COMMAND_STATUS_FAILED, "-e needs a value"));
	CHECK(fails(docker(t, "run", "--rm", NULL), COMMAND_STATUS_FAILED, "there is no image"));
	CHECK(fails(docker(t, "run", "no-such-image", NULL), COMMAND_STATUS_FAILED,
	            "no image \"no-such-image\""));
	return true;
}
