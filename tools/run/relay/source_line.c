// SPDX-License-Identifier: MIT
#include "tools/run/relay/source_line.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/common/subprocess.h"

#define ADDR2LINE "riscv64-linux-gnu-addr2line"
// Below are addresses of apps in user mode: RISC-V privileged specification, "Sv39".
#define USER_END 0x4000000000ull
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

struct frame {
	unsigned number;
	unsigned long long address;
	const char *who;  // whose it is, unterminated
	size_t who_length;
};

// "[who] ERROR    #2 0xffffffff80201234 name+0x10". An instance of an app is "who.3".
static bool frame_parse(const char *line, struct frame *out)
{
	const char *frame = strstr(line, "] ERROR    #");
	int length = 0;

	if (!frame ||
	    sscanf(frame, "] ERROR #%2u 0x%16llx %n", &out->number, &out->address, &length) != 2)
		return false;
	for (out->who = frame; out->who > line && out->who[-1] != '[';)
		out->who--;
	out->who_length = strspn(out->who, NAME_LETTERS);
	return length > 0;
}

// The ELF file with the frame's code.
static void file_of(const struct source_line *source, const struct frame *frame,
                    char path[PATH_MAX])
{
	const char *name = strrchr(source->image, '/');
	int folder = name ? (int)(name + 1 - source->image) : 0;

	if (frame->address >= USER_END)
		snprintf(path, PATH_MAX, "%s", source->image);
	else
		snprintf(path, PATH_MAX, "%.*sapps/%.*s.elf", folder, source->image,
		         (int)frame->who_length, frame->who);
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
	struct frame frame;
	char file[PATH_MAX];
	char text[32];
	char found[512];
	const char *argv[] = { ADDR2LINE, "-e", file, text, NULL };
	const char *where;
	int length;

	if (!source->image || source->lookups >= SOURCE_LINE_MAX_LOOKUPS ||
	    !frame_parse(line, &frame))
		return 0;
	source->lookups++;
	file_of(source, &frame, file);
	// A return address is behind its call, which may be the last instruction of its line.
	snprintf(text, sizeof(text), "0x%llx",
	         frame.number > 0 ? frame.address - 1 : frame.address);
	first_line_of(argv, found, sizeof(found));
	found[strcspn(found, " ")] = '\0';  // "(discriminator 3)" may follow
	where = path_in(found, source->root);
	if (where[0] == '\0' || where[0] == '?')
		return 0;
	length = snprintf(out, SOURCE_LINE_MAX, " at %s", where);
	return length < SOURCE_LINE_MAX ? (size_t)length : 0;
}
