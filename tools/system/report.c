// SPDX-License-Identifier: MIT
#include "tools/system/report.h"

#include <string.h>

#include "tools/common/log.h"

#define PROGRESS_EVERY_MS 100
#define EXIT_ERROR 1

static FILE *report_file;

void report_to(FILE *file)
{
	report_file = file;
}

// Who does not listen is not told.
void report_line(json_t *line)
{
	if (line) {
		FILE *file = report_file ? report_file : stdout;

		json_dumpf(line, file, JSON_COMPACT | JSON_ENSURE_ASCII);
		putc('\n', file);
		fflush(file);
	}
	json_decref(line);
}

void report_id(const char *digest, char id[REPORT_ID_SIZE])
{
	const char *colon = strchr(digest, ':');

	snprintf(id, REPORT_ID_SIZE, "%s", colon ? colon + 1 : digest);
}

void report_status(const char *id, const char *status)
{
	report_line(id ? json_pack("{s:s, s:s}", "status", status, "id", id)
	               : json_pack("{s:s}", "status", status));
}

void report_progress(const char *digest, const char *status, uint64_t done, uint64_t total)
{
	static uint64_t next_ms;
	uint64_t now = clock_ms();
	char id[REPORT_ID_SIZE];

	if (now < next_ms)
		return;
	next_ms = now + PROGRESS_EVERY_MS;
	report_id(digest, id);
	report_line(json_pack("{s:s, s:s, s:{s:I, s:I}}", "status", status, "id", id,
	                      "progressDetail", "current", (json_int_t)done, "total",
	                      (json_int_t)total));
}

void report_image(json_t *image)
{
	report_line(json_pack("{s:o}", "image", image));
}

int report_error(const char *text)
{
	char printable[ERROR_MAX_TEXT];

	error_printable(printable, sizeof(printable), text);
	report_line(json_pack("{s:s}", "error", printable));
	return EXIT_ERROR;
}
