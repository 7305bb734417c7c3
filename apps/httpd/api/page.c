// SPDX-License-Identifier: MIT
#include "apps/httpd/api/page.h"

#include "apps/httpd/api/api.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define FIELDS_BYTES 768
#define HASHED "chunk-"  // names that have their content's hash
#define ETAG_SIZE 32

// The page has its own scripts and styles, and nobody shows it within a page of theirs.
#define PAGE_FIELDS                                   \
	"X-Content-Type-Options: nosniff\r\n"         \
	"Referrer-Policy: no-referrer\r\n"            \
	"Cross-Origin-Opener-Policy: same-origin\r\n" \
	"Cross-Origin-Resource-Policy: same-origin\r\n"
// --- Requests ------------------------------------------------------------------------------------

static bool is_unchanged(const struct http_request_head *head, const char *etag)
{
	const struct http_field *field = http_field_find(head, "If-None-Match");

	return field != NULL && (span_is(field->value, "*") || http_list_has(field->value, etag));
}

static void body_send(const struct page *page, const struct page_file *file,
                      struct http_exchange *exchange)
{
	handle_t folio;

	if (exchange->head_request || file->size == 0)
		return;
	// All answers share the archive's memory.
	if (handle_duplicate(page->folio, RIGHT_READ | RIGHT_MAP | RIGHT_TRANSFER, &folio) != 0 ||
	    http_send_folio(exchange, folio, file->offset, file->size) != 0)
		http_abort(exchange);
}

// The page is there in this form only. Programs that do not take it have no use for the page.
static bool takes_gzip(const struct http_request_head *head)
{
	const struct http_field *field = http_field_find(head, "Accept-Encoding");

	return field != NULL && http_list_has(field->value, "gzip");
}

bool page_request(struct page *page, struct http_exchange *exchange,
                  const struct http_request_head *head)
{
	struct page_file *file = page_find(page, head->target);
	char fields[FIELDS_BYTES], etag[ETAG_SIZE];
	struct span lines = { .data = (const uint8_t *)fields };
	bool same;
	error_t err;

	if (file == NULL || (file->is_gzip && !takes_gzip(head)))
		return false;
	fmt_write(etag, sizeof(etag), "\"%llx-%x\"", (unsigned long long)page_hash(page, file),
	          file->size);
	same = is_unchanged(head, etag);
	lines.len = fmt_write(
		fields, sizeof(fields),
		"ETag: %s\r\nCache-Control: %s\r\nVary: Accept-Encoding\r\n%s" PAGE_FIELDS "%s",
		etag,
		strncmp(file->name, HASHED, sizeof(HASHED) - 1) == 0
			? "public, max-age=31536000, immutable"
			: "no-cache",
		file->is_gzip ? "Content-Encoding: gzip\r\n" : "", page_fields(file));
	err = http_respond_fields(exchange, same ? 304 : 200, lines, true, file->size);
	if (err != 0)
		http_abort(exchange);
	else if (!same)
		body_send(page, file, exchange);
	return true;
}
