// SPDX-License-Identifier: MIT
//
// The container's processes, from bootd's own /proc: that of the container may be covered. Those
// are meant that have a number in its PID namespace, one below bootd's.
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guest/bootd/container_stats.h"
#include "guest/bootd/procfs.h"

#define TEXT_MAX 4096
#define NS_PER_SEC 1000000000ull

struct top {
	int proc;
	uint64_t boot_time_ns;  // since 1970
	uint64_t tick_ns;
	char text[TEXT_MAX];
};

// Reads a file of the process `key`.
static size_t read_file(struct top *top, uint32_t key, const char *name)
{
	char path[48];

	snprintf(path, sizeof(path), "%u/%s", key, name);
	return procfs_read_at(top->proc, path, top->text, sizeof(top->text));
}

// What follows "NAME:" in the status that was read; "" when there is no such line.
static const char *status_field(const struct top *top, const char *name)
{
	const char *line = strstr(top->text, name);

	return line != NULL ? line + strlen(name) : "";
}

// The number in the container's namespace; 0: it has none.
static uint32_t container_pid(struct top *top, uint32_t key)
{
	char *after;

	(void)read_file(top, key, "status");
	(void)strtoul(status_field(top, "\nNSpid:"), &after, 10);
	return (uint32_t)strtoul(after, NULL, 10);
}

// proc(5): what comes after the name, which may hold anything, is numbers. Returns false when the
// process is gone.
static bool read_stat(struct top *top, struct control_top_entry *entry, uint32_t *parent)
{
	unsigned long long user, system, start, pages;
	unsigned long long size;
	const char *after;
	int terminal;
	char state;

	if (read_file(top, entry->key, "stat") == 0 || (after = strrchr(top->text, ')')) == NULL ||
	    sscanf(after,
	           ") %c %u %*d %*d %d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
	           "%*d %llu %llu %llu",
	           &state, parent, &terminal, &user, &system, &start, &size, &pages) != 8)
		return false;
	entry->state = (uint32_t)(unsigned char)state;
	entry->virtual_bytes = size;
	entry->resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	entry->terminal = (uint32_t)terminal;
	entry->cpu_time_ns = (user + system) * top->tick_ns;
	entry->start_time_ns = top->boot_time_ns + start * top->tick_ns;
	return true;
}

// Leaves the command line in the text. A process without one is known by its name, in brackets.
static uint32_t read_command(struct top *top, uint32_t key)
{
	size_t length = read_file(top, key, "cmdline");

	while (length > 0 && top->text[length - 1] == '\0')
		length--;
	for (size_t i = 0; i < length; i++) {
		if (top->text[i] == '\0')
			top->text[i] = ' ';
	}
	if (length == 0 && (length = read_file(top, key, "comm")) > 0) {
		memmove(top->text + 1, top->text, length);
		top->text[0] = '[';
		top->text[length++] = ']';  // in place of the line's end
	}
	return (uint32_t)(length < CONTROL_TOP_MAX_COMMAND ? length : CONTROL_TOP_MAX_COMMAND);
}

// Returns false when it is not one of the container, or gone.
static bool read_entry(struct top *top, uint32_t key, struct control_top_entry *entry)
{
	uint32_t parent;

	*entry = (struct control_top_entry){ .key = key, .pid = container_pid(top, key) };
	if (entry->pid == 0)
		return false;
	entry->uid = (uint32_t)strtoul(status_field(top, "\nUid:"), NULL, 10);
	if (!read_stat(top, entry, &parent))
		return false;
	entry->parent = container_pid(top, parent);
	entry->length = read_command(top, key);
	return true;
}

// The next process that the directory has, in the order of their keys; 0: there is none.
static uint32_t next_key(DIR *directory)
{
	const struct dirent *entry;

	while ((entry = readdir(directory)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0]))
			return (uint32_t)strtoul(entry->d_name, NULL, 10);
	}
	return 0;
}

static uint64_t boot_time(void)
{
	struct timespec now, since;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &since);
	return (uint64_t)(now.tv_sec - since.tv_sec) * NS_PER_SEC + (uint64_t)now.tv_nsec -
		(uint64_t)since.tv_nsec;
}

size_t container_top_read(uint32_t after, uint8_t *page, size_t capacity)
{
	struct top top = { .proc = procfs_open(),
		           .boot_time_ns = boot_time(),
		           .tick_ns = NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK) };
	struct control_top_page head = { 0 };
	size_t used = sizeof(head);
	int fd = openat(top.proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct control_top_entry entry;

	for (uint32_t key; directory != NULL && (key = next_key(directory)) != 0;) {
		if (key <= after || !read_entry(&top, key, &entry))
			continue;
		if (capacity - used < sizeof(entry) + entry.length) {
			head.more = 1;
			break;
		}
		memcpy(page + used, &entry, sizeof(entry));
		memcpy(page + used + sizeof(entry), top.text, entry.length);
		used += sizeof(entry) + entry.length;
	}
	memcpy(page, &head, sizeof(head));
	if (directory != NULL)
		closedir(directory);
	if (top.proc >= 0)
		close(top.proc);
	return used;
}
