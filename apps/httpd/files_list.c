// SPDX-License-Identifier: MIT
//
// A folder as a page of HTML. Names are anything: they are escaped, and in links written with "%".
#include "apps/httpd/files.h"
#include "apps/httpd/httpd.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

#define MAX_ENTRIES 10000u
// A row at its longest: each byte of a name as "%XX" and as "&quot;".
#define ROW_BYTES (9 * FILES_NAME_MAX + 128)

static const char fields[] =
	"Content-Type: text/html; charset=utf-8\r\n"
	"X-Content-Type-Options: nosniff\r\n"
	"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
	"Cache-Control: no-cache\r\n";
static const char page_start[] =
	"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Files</title>\n"
	"<style>body{font-family:system-ui,sans-serif;margin:2em}td{padding:.1em 1.5em .1em 0}</style>"
	"</head>\n<body><h1>Files</h1>\n<table>\n<tr><td><a href=\"../\">../</a>\n";
static const char page_end[] = "</table></body></html>\n";

// --- Text ----------------------------------------------------------------------------------------

static void add_escaped(struct writer *w, const char *name)
{
	for (; *name != '\0'; name++) {
		switch (*name) {
		case '&': writer_str(w, "&amp;"); break;
		case '<': writer_str(w, "&lt;"); break;
		case '>': writer_str(w, "&gt;"); break;
		case '"': writer_str(w, "&quot;"); break;
		case '\'': writer_str(w, "&#39;"); break;
		default: writer_u8(w, (uint8_t)*name); break;
		}
	}
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '_' || c == '.';
}

static void add_link(struct writer *w, const char *name)
{
	static const char digits[] = "0123456789ABCDEF";

	// So that it is no scheme, and leads nowhere else.
	writer_str(w, "./");
	for (; *name != '\0'; name++) {
		uint8_t c = (uint8_t)*name;

		if (!is_plain(*name)) {
			writer_u8(w, '%');
			writer_u8(w, (uint8_t)digits[c >> 4]);
			c = (uint8_t)digits[c & 15];
		}
		writer_u8(w, c);
	}
}

// --- The page ------------------------------------------------------------------------------------

static error_t flush(struct files_job *job)
{
	size_t len = job->len;

	job->len = 0;
	return http_send(job->exchange, job->text, len);
}

static error_t add(struct files_job *job, const char *text, size_t len)
{
	error_t err = 0;

	if (job->len + len > sizeof(job->text))
		err = flush(job);
	if (err == 0) {
		memcpy(job->text + job->len, text, len);
		job->len += len;
	}
	return err;
}

static error_t begin(struct files_job *job)
{
	struct span span = { .data = (const uint8_t *)fields, .len = sizeof(fields) - 1 };

	if (job->started)
		return 0;
	job->started = true;
	if (!job->exchange->head_request)
		(void)add(job, page_start, sizeof(page_start) - 1);  // there is room
	return http_respond_fields(job->exchange, 200, span, false, 0);
}

static void add_entry(struct files_job *job, const struct file_entry *entry)
{
	const char *slash = entry->type == FILE_TYPE_FOLDER ? "/" : "";
	char row[ROW_BYTES], size[32] = "";
	struct writer w = writer_make(row, sizeof(row));
	error_t err;

	err = begin(job);
	if (err == 0) {
		if (entry->type == FILE_TYPE_FILE && entry->has_info)
			fmt_write(size, sizeof(size), "%llu", (unsigned long long)entry->info.size);
		writer_str(&w, "<tr><td><a href=\"");
		add_link(&w, entry->name);
		writer_str(&w, slash);
		writer_str(&w, "\">");
		add_escaped(&w, entry->name);
		writer_str(&w, slash);
		writer_str(&w, "</a><td>");
		writer_str(&w, size);
		writer_str(&w, "\n");
		err = add(job, row, w.len);
	}
	if (err < 0)
		http_abort(job->exchange);
}

static void finish(struct files_job *job, error_t err)
{
	struct http_exchange *exchange = job->exchange;

	if (err < 0) {
		files_refuse(job, err);
		return;
	}
	err = begin(job);
	if (exchange->head_request && err == 0)
		return;
	if (err == 0 && job->num_entries > MAX_ENTRIES)
		err = add(job, "<tr><td>and more\n", 17);
	if (err == 0)
		err = add(job, page_end, sizeof(page_end) - 1);
	if (err == 0)
		err = flush(job);
	if (err == 0)
		err = http_send_end(exchange);
	if (err < 0)
		http_abort(exchange);
}

static void on_entry(void *context, const struct file_entry *entry)
{
	struct files_job *job = context;
	struct http_connection *connection = http_hold(job->exchange);

	// To HEAD the rest is no answer, and of a long list there is enough.
	if (job->exchange->head_request || job->num_entries++ == MAX_ENTRIES) {
		files_cancel(&job->httpd->files, job);
		finish(job, 0);
	} else {
		add_entry(job, entry);
		// A client that reads slowly does not have all of the list kept for it here.
		if (!http_can_send(job->exchange))
			files_list_pause(&job->httpd->files, job);
	}
	http_let_go(connection);
}

static void on_listed(void *context, error_t err)
{
	struct files_job *job = context;
	struct http_connection *connection = http_hold(job->exchange);

	finish(job, err);
	http_let_go(connection);
}

// A folder's path ends in "/", for the links of its page begin there.
static void redirect(struct files_job *job)
{
	char location[3 * PATH_BYTES + 64] = "";
	struct writer w = writer_make(location, sizeof(location));
	struct http_exchange *exchange = job->exchange;
	const char *last = job->path;

	for (const char *at = job->path; *at != '\0'; at++)
		last = *at == '/' ? at + 1 : last;
	writer_str(&w, "Location: ");
	add_link(&w, last);
	writer_str(&w, "/\r\nContent-Type: text/plain\r\n");
	if (http_respond_fields(exchange, 301, (struct span){ (uint8_t *)location, w.len }, true,
	                        0) < 0)
		http_abort(exchange);
}

void list_start(struct files_job *job)
{
	size_t len = strlen(job->path);
	error_t err;

	job->is_list = true;
	if (job->path[len - 1] != '/') {
		redirect(job);
		return;
	}
	err = files_list(&job->httpd->files, job->path, on_entry, on_listed, job);
	if (err < 0)
		files_refuse(job, err);
}
