// SPDX-License-Identifier: MIT
#include "tools/run/relay/control_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void control_line_init(struct control_line *control)
{
	memset(control, 0, sizeof(*control));
	control->status = -1;
	line_reader_init(&control->lines, control->line, sizeof(control->line));
}

static void status_take(struct control_line *control, const char *text)
{
	unsigned long status;

	if (!text[0] || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text))
		return;
	status = strtoul(text, NULL, 10);
	if (status <= 255)
		control->status = (int)status;
}

static void line_take(struct control_line *control, const char *line)
{
	char version[64];

	snprintf(version, sizeof(version), "starina-control %d", CONTROL_LINE_VERSION);
	if (strcmp(line, version) == 0)
		control->ready = true;
	else if (strcmp(line, "started") == 0)
		control->started = true;
	else if (strncmp(line, "exit ", 5) == 0)
		status_take(control, line + 5);
	else if (strncmp(line, "error ", 6) == 0)
		snprintf(control->error, sizeof(control->error), "%s", line + 6);
}

void control_line_push(struct control_line *control, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (line_reader_push(&control->lines, data[i]))
			line_take(control, control->line);
	}
}
