// SPDX-License-Identifier: MIT
#include "apps/httpd/api/logs.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

#define PIECE_BYTES (32u * 1024)

// What is done with each line that is wanted. Returns whether to go on.
struct walk {
	bool (*line)(struct walk *walk, const struct look_line *line, struct span text);
	const struct log_query *query;
	struct json_writer *w;
	bool by_line;
	uint64_t skip;  // so many of them are left out
	struct log_written *out;
};

static bool is_wanted(const struct log_query *query, const struct look_line *line)
{
	return line->level <= query->level &&
		(query->app[0] == '\0' || strncmp(query->app, line->app, APP_NAME_MAX) == 0);
}

// The lines of a piece. Returns whether to go on.
static bool piece_walk(struct walk *walk, struct reader *r, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct look_line line;
		struct span text;

		reader_copy(r, &line, sizeof(line));
		text = reader_bytes(r, LOOK_LINE_SIZE(line.length) - sizeof(line));
		if (reader_status(r) != 0)
			return false;
		text.len = line.length;
		line.app[APP_NAME_MAX - 1] = '\0';
		// What is lost before a line is told once, wherever the walk ends.
		if (line.sequence > walk->out->next) {
			walk->out->lost += line.sequence - walk->out->next;
			walk->out->next = line.sequence;
		}
		if (is_wanted(walk->query, &line) && !walk->line(walk, &line, text))
			return false;
		walk->out->next = line.sequence + 1;
	}
	return count > 0;
}

static error_t walk_log(struct httpd *httpd, struct walk *walk, uint64_t since)
{
	uint8_t *piece = heap_alloc(PIECE_BYTES);
	error_t err = piece != NULL ? 0 : ERR_NO_MEMORY;
	bool goes_on = true;

	if (err == 0 && httpd->look == HANDLE_NONE)
		err = ERR_NOT_SUPPORTED;
	walk->out->next = since;
	while (err == 0 && goes_on) {
		struct look_ring ring;
		uint64_t used;
		struct reader r;

		err = look_read(httpd->look, LOOK_LOG, walk->out->next, piece, PIECE_BYTES, &used);
		if (err != 0)
			break;
		r = reader_make(piece, (size_t)used);
		reader_copy(&r, &ring, sizeof(ring));
		goes_on = piece_walk(walk, &r, ring.count);
		if (ring.count == 0) {
			walk->out->lost += ring.lost;
			walk->out->next = ring.next;
		}
	}
	heap_free(piece);
	return err;
}

// --- What is done with lines ---------------------------------------------------------------------

static bool count_line(struct walk *walk, const struct look_line *line, struct span text)
{
	(void)line;
	(void)text;
	walk->out->count++;
	return true;
}

static const char *level_name(uint32_t level)
{
	static const char *const names[] = { [LOG_ERROR] = "error",
		                             [LOG_WARN] = "warn",
		                             [LOG_INFO] = "info",
		                             [LOG_DEBUG] = "debug" };

	return level < sizeof(names) / sizeof(names[0]) ? names[level] : "debug";
}

static bool write_line(struct walk *walk, const struct look_line *line, struct span text)
{
	struct json_writer *w = walk->w;

	if (walk->skip > 0) {
		walk->skip--;
		return true;
	}
	if (walk->out->count == walk->query->limit)
		return false;
	walk->out->count++;
	write_open(w, NULL, "{");
	write_number(w, "seq", line->sequence);
	write_number(w, "time_ns", line->time_ns);
	write_text(w, "level", level_name(line->level));
	write_text(w, "app", line->app);
	write_bytes(w, "text", text);
	write_close(w, walk->by_line ? "}\n" : "}");
	return true;
}

error_t log_lines_write(struct httpd *httpd, struct json_writer *w, const struct log_query *query,
                        bool by_line, struct log_written *out)
{
	struct log_written counted = { 0 };
	struct walk walk = { .query = query, .w = w, .by_line = by_line };
	error_t err = 0;

	*out = (struct log_written){ 0 };
	if (!query->has_since) {
		walk.line = count_line;
		walk.out = &counted;
		err = walk_log(httpd, &walk, 0);
		if (counted.count > query->limit)
			walk.skip = counted.count - query->limit;
	}
	walk.line = write_line;
	walk.out = out;
	if (err == 0)
		err = walk_log(httpd, &walk, query->has_since ? query->since : 0);
	// What was overwritten before anybody asked is lost to nobody.
	if (!query->has_since)
		out->lost = 0;
	return err;
}

error_t logs_write(struct httpd *httpd, struct json_writer *w, const char *name,
                   const struct log_query *query, uint64_t *next)
{
	struct json_writer lines = { 0 };
	struct log_written written;
	error_t err = log_lines_write(httpd, &lines, query, false, &written);
	const char *text = err == 0 ? json_writer_text(&lines) : NULL;

	if (err == 0 && text == NULL)
		err = ERR_NO_MEMORY;
	if (err == 0) {
		write_open(w, name, "{");
		write_number(w, "next", written.next);
		write_number(w, "lost", written.lost);
		write_open(w, "lines", "[");
		json_write_span(w,
		                (struct span){ .data = (const uint8_t *)text, .len = lines.len });
		write_close(w, "]}");
		*next = written.next;
	}
	json_writer_deinit(&lines);
	return err;
}
