// SPDX-License-Identifier: MIT
#include "guest/bootd/stats_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512u

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end != NULL ? end + 1 : line + strlen(line);
}

uint64_t stats_field(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; *line != '\0'; line = next_line(line)) {
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtoull(line + length + 1, NULL, 10);
	}
	return 0;
}

// Reads `count` numbers of a line, from `at` on; those that are missing are 0.
static void read_numbers(const char *at, uint64_t *numbers, size_t count)
{
	const char *end = next_line(at);

	for (size_t i = 0; i < count; i++) {
		char *after;

		numbers[i] = strtoull(at, &after, 10);
		if (after == at || after > end) {
			memset(&numbers[i], 0, (count - i) * sizeof(*numbers));
			return;
		}
		at = after;
	}
}

void stats_interface(const char *text, const char *name, struct control_interface *received,
                     struct control_interface *sent)
{
	size_t length = strlen(name);
	uint64_t n[12] = { 0 };

	for (const char *line = text; *line != '\0'; line = next_line(line)) {
		line += strspn(line, " ");
		if (strncmp(line, name, length) == 0 && line[length] == ':')
			read_numbers(line + length + 1, n, sizeof(n) / sizeof(n[0]));
	}
	*received = (struct control_interface){ n[0], n[1], n[2], n[3] };
	*sent = (struct control_interface){ n[8], n[9], n[10], n[11] };
}

void stats_disks(const char *text, uint64_t *read, uint64_t *written)
{
	*read = *written = 0;
	for (const char *line = text; *line != '\0'; line = next_line(line)) {
		uint64_t n[7];
		int at = 0;

		if (sscanf(line, " %*u %*u vd%*c %n", &at) < 0 || at == 0)
			continue;
		read_numbers(line + at, n, sizeof(n) / sizeof(n[0]));
		*read += n[2] * SECTOR;
		*written += n[6] * SECTOR;
	}
}
