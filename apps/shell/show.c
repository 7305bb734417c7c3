// SPDX-License-Identifier: MIT
#include "apps/shell/shell.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

static void say_broken(struct shell *shell)
{
	sink_format(&shell->sink, "the answer is not what the API tells\n");
}

// --- Documents -----------------------------------------------------------------------------------

// The values of numbers of an object, and of the object `memory` in it.
struct status {
	uint64_t uptime_ms, harts, processes, free, total;
	char *version;
};

static void memory_take(struct json_reader *r, struct status *status)
{
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		uint64_t value = json_take_u64(r);

		if (span_is(key, "free"))
			status->free = value;
		else if (span_is(key, "total"))
			status->total = value;
	}
}

void status_show(struct shell *shell, struct span json)
{
	struct json_reader r = json_reader_make(json);
	struct status status = { 0 };
	char free[16], total[16];
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (span_is(key, "version") && status.version == NULL)
			status.version = json_take_string(&r);
		else if (span_is(key, "uptime_ms"))
			status.uptime_ms = json_take_u64(&r);
		else if (span_is(key, "harts"))
			status.harts = json_take_u64(&r);
		else if (span_is(key, "processes"))
			status.processes = json_take_u64(&r);
		else if (span_is(key, "memory"))
			memory_take(&r, &status);
		else
			json_skip(&r);
	}
	if (json_reader_status(&r) != 0 || status.version == NULL) {
		say_broken(shell);
	} else {
		size_write(status.free, free);
		size_write(status.total, total);
		sink_format(&shell->sink, "Starina ");
		sink_put_clean(&shell->sink, status.version);
		sink_format(&shell->sink,
		            ", up %llu s, %llu harts, %llu processes, %s of %s free\n",
		            (unsigned long long)(status.uptime_ms / 1000),
		            (unsigned long long)status.harts, (unsigned long long)status.processes,
		            free, total);
	}
	heap_free(status.version);
}

// Shows the array that the reader is at.
static void rows_show(struct shell *shell, struct json_reader *r, const struct column *columns,
                      size_t count)
{
	struct table table = { .columns = columns, .num_columns = count };

	if (table_read(&table, r) == 0)
		table_write(&table, &shell->sink);
	table_deinit(&table);
}

#define ROWS_SHOW(shell, r, columns) \
	rows_show(shell, r, columns, sizeof(columns) / sizeof((columns)[0]))

void processes_show(struct shell *shell, struct span json)
{
	static const struct column columns[] = {
		{ "ID", "id", COLUMN_NUMBER },
		{ "NAME", "name", COLUMN_TEXT },
		{ "MODE", "mode", COLUMN_TEXT },
		{ "STATE", "state", COLUMN_TEXT },
		{ "CPU", "cpu_ns", COLUMN_TIME },
		{ "MEMORY", "memory", COLUMN_SIZE },
		{ "KERNEL", "kernel_memory", COLUMN_SIZE },
		{ "HANDLES", "handles", COLUMN_NUMBER },
		{ "THREADS", "threads", COLUMN_NUMBER },
		{ "RESTARTS", "restarts", COLUMN_NUMBER },
	};
	struct json_reader r = json_reader_make(json);

	ROWS_SHOW(shell, &r, columns);
	if (json_reader_status(&r) != 0)
		say_broken(shell);
}

void services_show(struct shell *shell, struct span json)
{
	static const struct column columns[] = {
		{ "SERVICE", "name", COLUMN_TEXT },
		{ "PROVIDER", "provider", COLUMN_NAME },
		{ "STATE", "state", COLUMN_TEXT },
		{ "CLIENTS", "clients", COLUMN_NAMES },
	};
	struct json_reader r = json_reader_make(json);

	ROWS_SHOW(shell, &r, columns);
	if (json_reader_status(&r) != 0)
		say_broken(shell);
}

static void volumes_show(struct shell *shell, struct json_reader *r)
{
	struct status space = { 0 };
	char free[16], total[16];

	if (json_take_null(r))
		return;
	memory_take(r, &space);
	size_write(space.free, free);
	size_write(space.total, total);
	sink_format(&shell->sink, "volumes: %s of %s free\n", free, total);
}

void disks_show(struct shell *shell, struct span json)
{
	static const struct column columns[] = {
		{ "NAME", "name", COLUMN_TEXT },
		{ "SIZE", "bytes", COLUMN_SIZE },
		{ "READS", "reads", COLUMN_NUMBER },
		{ "READ", "read_bytes", COLUMN_SIZE },
		{ "WRITES", "writes", COLUMN_NUMBER },
		{ "WRITTEN", "written_bytes", COLUMN_SIZE },
		{ "FLUSHES", "flushes", COLUMN_NUMBER },
		{ "USERS", "users", COLUMN_NAMES },
	};
	struct json_reader r = json_reader_make(json);
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (span_is(key, "disks"))
			ROWS_SHOW(shell, &r, columns);
		else if (span_is(key, "volumes"))
			volumes_show(shell, &r);
		else
			json_skip(&r);
	}
	if (json_reader_status(&r) != 0)
		say_broken(shell);
}

void started_show(struct shell *shell, struct span json)
{
	struct json_reader r = json_reader_make(json);
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		char *name = span_is(key, "name") ? json_take_string(&r) : NULL;

		if (name == NULL)
			json_skip(&r);
		else
			sink_put_clean(&shell->sink, name);
		heap_free(name);
	}
	sink_format(&shell->sink, "\n");
}

// --- The log -------------------------------------------------------------------------------------

struct log_line {
	uint64_t time_ns, lost;
	char *level, *app, *text;
};

static void log_line_take(struct json_reader *r, struct log_line *line)
{
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		char **text = span_is(key, "level") ? &line->level
			: span_is(key, "app")       ? &line->app
			: span_is(key, "text")      ? &line->text
						    : NULL;

		if (text != NULL && *text == NULL)
			*text = json_take_string(r);
		else if (span_is(key, "time_ns"))
			line->time_ns = json_take_u64(r);
		else if (span_is(key, "lost"))
			line->lost = json_take_u64(r);
		else
			json_skip(r);
	}
}

static void log_line_write(struct shell *shell, const struct log_line *line)
{
	if (line->text == NULL || line->app == NULL || line->level == NULL) {
		sink_format(&shell->sink,
		            "... %llu lines were overwritten before they could be read\n",
		            (unsigned long long)line->lost);
		return;
	}
	sink_format(&shell->sink, "%6llu.%03llu ", (unsigned long long)(line->time_ns / 1000000000),
	            (unsigned long long)(line->time_ns / 1000000 % 1000));
	sink_put_clean(&shell->sink, line->level);
	sink_format(&shell->sink, " <");
	sink_put_clean(&shell->sink, line->app);
	sink_format(&shell->sink, "> ");
	sink_put_clean(&shell->sink, line->text);
	sink_format(&shell->sink, "\n");
}

static void log_line_read(struct shell *shell, struct json_reader *r)
{
	struct log_line line = { 0 };

	log_line_take(r, &line);
	if (json_reader_status(r) == 0)
		log_line_write(shell, &line);
	heap_free(line.level);
	heap_free(line.app);
	heap_free(line.text);
}

void log_line_show(struct shell *shell, struct span json)
{
	struct json_reader r = json_reader_make(json);

	log_line_read(shell, &r);
}

void logs_show(struct shell *shell, struct span json)
{
	struct json_reader r = json_reader_make(json);
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (!span_is(key, "lines")) {
			json_skip(&r);
			continue;
		}
		json_enter_array(&r);
		while (json_next_element(&r))
			log_line_read(shell, &r);
	}
	if (json_reader_status(&r) != 0)
		say_broken(shell);
}

// --- A program's output --------------------------------------------------------------------------

static int digit_of(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

// Writes the bytes that base64 (RFC 4648 4) stands for, as they are: the program's own terminal
// would get them so.
static void base64_put(struct shell *shell, const char *text)
{
	uint32_t bits = 0;
	unsigned count = 0;

	for (; *text != '\0'; text++) {
		int digit = digit_of(*text);
		char byte;

		if (digit < 0)
			return;
		bits = bits << 6 | (uint32_t)digit;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		byte = (char)(bits >> count);
		shell->sink.put(&shell->sink, &byte, 1);
	}
}

void output_show(struct shell *shell, struct span json)
{
	struct json_reader r = json_reader_make(json);
	uint64_t status = 0;
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		char *text = NULL;

		if (span_is(key, "data")) {
			text = json_take_string(&r);
			base64_put(shell, text != NULL ? text : "");
		} else if (span_is(key, "error")) {
			text = json_take_string(&r);
			sink_put_clean(&shell->sink, text != NULL ? text : "");
			sink_format(&shell->sink, "\n");
		} else if (span_is(key, "exit")) {
			status = json_take_u64(&r);
		} else {
			json_skip(&r);
		}
		heap_free(text);
	}
	if (status != 0)
		sink_format(&shell->sink, "%sexit status %llu\n", shell->ends_within ? "\n" : "",
		            (unsigned long long)status);
}
