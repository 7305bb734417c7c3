// SPDX-License-Identifier: MIT
#include "tools/run/relay/source_line.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/common/subprocess.h"

#define ADDR2LINE "riscv64-linux-gnu-addr2line"

// "[who] ERROR    #2 0xffffffff80201234 name+0x10": the frame's number and address.
static bool frame_parse(const char *line, unsigned *number, unsigned long long *address)
{
	const char *frame = strstr(line, "] ERROR    #");
	int length = 0;

	return frame && sscanf(frame, "] ERROR #%2u 0x%16llx %n", number, address, &length) == 2 &&
		length > 0;
}

// The first line that the command prints; "" when it cannot be run.
static void first_line_of(const char *const argv[], char *line, size_t size)
{
	struct spawn spawn = { .argv = argv, .stdin_fd = -1, .stderr_fd = -1, .cwd_fd = -1 };
	struct error err;
	int ends[2];
	ssize_t length;
	pid_t pid;

	line[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	spawn.stdout_fd = ends[1];
	pid = subprocess_spawn(&spawn, &err);
	close(ends[1]);
	if (pid > 0) {
		length = read(ends[0], line, size - 1);
		line[length > 0 ? length : 0] = '\0';
		line[strcspn(line, "\n")] = '\0';
		subprocess_wait(pid);
	}
	close(ends[0]);
}

// `path` from the top of the tree `root`.
static const char *path_in(const char *path, const char *root)
{
	size_t length = root ? strlen(root) : 0;

	if (length > 0 && strncmp(path, root, length) == 0 && path[length] == '/')
		path += length + 1;
	return strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

size_t source_line_find(struct source_line *source, const char *line, char out[SOURCE_LINE_MAX])
{
	unsigned long long address;
	char text[32];
	char found[512];
	const char *argv[] = { ADDR2LINE, "-e", source->image, text, NULL };
	const char *where;
	unsigned number;
	int length;

	if (!source->image || source->lookups >= SOURCE_LINE_MAX_LOOKUPS ||
	    !frame_parse(line, &number, &address))
		return 0;
	source->lookups++;
	// A return address is behind its call, which may be the last instruction of its line.
	snprintf(text, sizeof(text), "0x%llx", number > 0 ? address - 1 : address);
	first_line_of(argv, found, sizeof(found));
	found[strcspn(found, " ")] = '\0';  // "(discriminator 3)" may follow
	where = path_in(found, source->root);
	if (where[0] == '\0' || where[0] == '?')
		return 0;
	length = snprintf(out, SOURCE_LINE_MAX, " at %s", where);
	return length < SOURCE_LINE_MAX ? (size_t)length : 0;
}
