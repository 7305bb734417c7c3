// SPDX-License-Identifier: MIT
#include "tools/image/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/common/subprocess.h"

#define MAX_MESSAGE 1024
#define WATCH_INTERVAL_NS (100 * 1000 * 1000)

static int log_open(const char *scratch, struct error *err)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/log.XXXXXX", scratch) < 0)
		return error_set(err, "out of memory");
	fd = mkostemp(path, O_CLOEXEC | O_APPEND);
	if (fd < 0)
		error_set_errno(err, errno, "cannot make a file in %s", scratch);
	else
		unlink(path);
	free(path);
	return fd < 0 ? -1 : fd;
}

int tool_start(struct tool *tool, const char *const argv[], int stdin_fd, int stdout_fd, int cwd_fd,
               const char *scratch, struct error *err)
{
	struct spawn spawn = {
		.argv = argv,
		.stdin_fd = stdin_fd,
		.stdout_fd = stdout_fd,
		.cwd_fd = cwd_fd,
		.temp_dir = scratch,
	};

	tool->name = argv[0];
	tool->log_fd = log_open(scratch, err);
	if (tool->log_fd < 0)
		return -1;
	spawn.stderr_fd = tool->log_fd;
	tool->pid = subprocess_spawn(&spawn, err);
	if (tool->pid < 0) {
		close(tool->log_fd);
		return error_set(err, "%s; ./setup.sh installs what is missing",
		                 strdupa(err->text));
	}
	return 0;
}

char *tool_message_unwrap(char *line)
{
	char *start = strstr(line, "msg=\"");
	char *out;
	char *in;

	if (!start)
		return line;
	start += strlen("msg=\"");
	for (in = out = start; *in && *in != '"'; in++) {
		if (*in == '\\' && in[1])
			in++;
		*out++ = *in;
	}
	*out = '\0';
	return start;
}

static void last_line(const struct tool *tool, char message[MAX_MESSAGE])
{
	off_t size = lseek(tool->log_fd, 0, SEEK_END);
	off_t start = size >= MAX_MESSAGE ? size - MAX_MESSAGE + 1 : 0;
	ssize_t length = pread(tool->log_fd, message, MAX_MESSAGE - 1, start);
	char *line;

	if (length < 0)
		length = 0;
	while (length > 0 && message[length - 1] == '\n')
		length--;
	message[length] = '\0';
	line = strrchr(message, '\n');
	line = tool_message_unwrap(line ? line + 1 : message);
	memmove(message, line, strlen(line) + 1);
}

static int tool_conclude(struct tool *tool, int status, const char *context, struct error *err)
{
	char message[MAX_MESSAGE];
	const char *hint = "";

	last_line(tool, message);
	close(tool->log_fd);
	if (status == 0)
		return 0;
	if (strcasestr(message, "no space left on device"))
		hint = "; free some space there, or let STARINA_CACHE name a directory on another disk";
	if (!message[0])
		return error_set(err, "%s: %s ended with status %d", context, tool->name, status);
	return error_set(err, "%s: %s%s", context, message, hint);
}

int tool_finish(struct tool *tool, const char *context, struct error *err)
{
	return tool_conclude(tool, subprocess_wait(tool->pid), context, err);
}

static uint64_t watched_size;

static int add_size(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	if (type == FTW_F)
		watched_size += (uint64_t)stat->st_size;
	return 0;
}

int tool_finish_watched(struct tool *tool, const char *context, const char *what,
                        const char *directory, uint64_t total, struct error *err)
{
	const struct timespec interval = { .tv_nsec = WATCH_INTERVAL_NS };
	struct progress progress;
	int status;

	progress_begin(&progress, what, total);
	while ((status = subprocess_poll(tool->pid)) < 0) {
		nanosleep(&interval, NULL);
		watched_size = 0;
		nftw(directory, add_size, 16, FTW_PHYS);
		progress_update(&progress, watched_size);
	}
	if (status == 0)
		progress_end(&progress);
	return tool_conclude(tool, status, context, err);
}

static char *read_all(int fd, size_t max, size_t *length, struct error *err)
{
	char *text = malloc(max + 1);

	*length = 0;
	if (!text) {
		error_set(err, "out of memory");
		return NULL;
	}
	for (;;) {
		ssize_t got = read(fd, text + *length, max + 1 - *length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		*length += (size_t)got;
		if (*length > max) {
			error_set(err, "the answer is larger than %zu bytes", max);
			free(text);
			return NULL;
		}
	}
	text[*length] = '\0';
	return text;
}

// Starts `argv` and reads all that it writes to stdout. NULL with `err`. When it was started, which
// `tool->pid` says, tool_finish() is to follow.
static char *run_and_read(struct tool *tool, const char *const argv[], size_t max, size_t *length,
                          const char *scratch, struct error *err)
{
	int fds[2];
	char *text;

	*tool = (struct tool){ .pid = -1 };
	if (pipe2(fds, O_CLOEXEC) < 0) {
		error_set_errno(err, errno, "cannot make a pipe");
		return NULL;
	}
	if (tool_start(tool, argv, -1, fds[1], -1, scratch, err) < 0) {
		close(fds[0]);
		close(fds[1]);
		return NULL;
	}
	close(fds[1]);
	text = read_all(fds[0], max, length, err);
	close(fds[0]);
	return text;
}

char *tool_output(const char *const argv[], size_t max, size_t *length, const char *context,
                  const char *scratch, struct error *err)
{
	struct error read_error;
	struct tool tool;
	char *text = run_and_read(&tool, argv, max, length, scratch, &read_error);

	if (tool.pid < 0) {
		*err = read_error;
		return NULL;
	}
	if (tool_finish(&tool, context, err) < 0) {
		free(text);
		return NULL;
	}
	if (!text)
		error_set(err, "%s: %s", context, read_error.text);
	return text;
}

char *tool_words(const char *const argv[], size_t max, const char *scratch)
{
	struct error ignored;
	struct tool tool;
	size_t length;
	char *text = run_and_read(&tool, argv, max, &length, scratch, &ignored);

	if (tool.pid >= 0)
		(void)tool_finish(&tool, "", &ignored);
	return text;
}
