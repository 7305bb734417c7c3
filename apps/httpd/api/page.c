// SPDX-License-Identifier: MIT
#include "apps/httpd/api/page.h"

#include "apps/httpd/api/api.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/boot_files/ustar.h"
#include "libs/http/target.h"
#include "libs/starina/syscall.h"

#define FIELDS_BYTES 768
#define HASHED "chunk-"                   // names that have their content's hash
#define HASH_BASIS 0xcbf29ce484222325ull  // FNV-1a
#define HASH_PRIME 0x100000001b3ull
#define ETAG_SIZE 32

// The page has its own scripts and styles, and nobody shows it within a page of theirs.
#define PAGE_FIELDS                                   \
	"X-Content-Type-Options: nosniff\r\n"         \
	"Referrer-Policy: no-referrer\r\n"            \
	"Cross-Origin-Opener-Policy: same-origin\r\n" \
	"Cross-Origin-Resource-Policy: same-origin\r\n"
#define PAGE_POLICY                                                                          \
	"Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'; object-src 'none'\r\n"
// Expressions of the shell run in a worker that may evaluate, and do nothing else.
#define EVAL_POLICY                                                               \
	"Content-Security-Policy: default-src 'none'; script-src 'unsafe-eval'; " \
	"frame-ancestors 'none'\r\n"

// --- The archive ---------------------------------------------------------------------------------

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

static error_t file_add(struct page *page, const struct ustar_entry *entry, struct span bytes,
                        size_t offset)
{
	struct page_file *file = &page->files[page->count];

	if (page->count == PAGE_MAX_FILES)
		return ERR_LIMIT;
	page->count++;
	str_copy(file->name, entry->name, sizeof(file->name));
	// RFC 1952 2.3.
	file->is_gzip = bytes.len > 3 && memcmp(bytes.data, "\x1f\x8b\x08", 3) == 0;
	file->offset = (uint32_t)offset;
	file->size = (uint32_t)bytes.len;
	file->hash = HASH_BASIS;
	for (size_t i = 0; i < bytes.len; i++)
		file->hash = (file->hash ^ bytes.data[i]) * HASH_PRIME;
	return 0;
}

error_t page_read(struct page *page, struct span archive)
{
	struct reader r = reader_make(archive.data, archive.len);

	page->count = 0;
	while (r.rest.len > 0) {
		struct ustar_entry entry;
		struct span bytes;
		size_t offset;
		error_t err = ustar_entry_parse(reader_bytes(&r, USTAR_BLOCK), &entry);

		if (err == ERR_EMPTY)
			return 0;
		offset = archive.len - r.rest.len;
		if (err == 0 && entry.size > r.rest.len)
			err = ERR_INVALID;
		if (err < 0)
			return err;
		bytes = reader_bytes(&r, (size_t)entry.size);
		if (entry.is_file)
			err = file_add(page, &entry, bytes, offset);
		if (err < 0)
			return err;
		// The last block may be cut short.
		if (entry.size % USTAR_BLOCK != 0) {
			size_t pad = USTAR_BLOCK - (size_t)entry.size % USTAR_BLOCK;

			reader_skip(&r, pad < r.rest.len ? pad : r.rest.len);
		}
	}
	return 0;
}

const struct page_file *page_find(const struct page *page, struct span target)
{
	struct http_target parts;
	struct span path;

	if (page->count == 0 || http_target_split(target, &parts) != 0)
		return NULL;
	path = (struct span){ .data = parts.path.data + 1, .len = parts.path.len - 1 };
	for (size_t i = 0; i < page->count; i++) {
		if (path.len == 0 ? strcmp(page->files[i].name, "index.html") == 0
		                  : span_equals(path, page->files[i].name))
			return &page->files[i];
	}
	return NULL;
}

const char *page_fields(const struct page_file *file)
{
	static const struct {
		const char *end;
		const char *fields;
	} types[] = {
		{ "worker.js", "Content-Type: text/javascript; charset=utf-8\r\n" EVAL_POLICY },
		{ ".html", "Content-Type: text/html; charset=utf-8\r\n" PAGE_POLICY },
		{ ".js", "Content-Type: text/javascript; charset=utf-8\r\n" PAGE_POLICY },
		{ ".mjs", "Content-Type: text/javascript; charset=utf-8\r\n" PAGE_POLICY },
		{ ".css", "Content-Type: text/css; charset=utf-8\r\n" PAGE_POLICY },
		{ ".json", "Content-Type: application/json\r\n" PAGE_POLICY },
		{ ".webmanifest", "Content-Type: application/manifest+json\r\n" PAGE_POLICY },
		{ ".svg", "Content-Type: image/svg+xml\r\n" PAGE_POLICY },
		{ ".png", "Content-Type: image/png\r\n" PAGE_POLICY },
		{ ".ico", "Content-Type: image/x-icon\r\n" PAGE_POLICY },
		{ ".woff2", "Content-Type: font/woff2\r\n" PAGE_POLICY },
		{ ".wasm", "Content-Type: application/wasm\r\n" PAGE_POLICY },
		{ ".txt", "Content-Type: text/plain; charset=utf-8\r\n" PAGE_POLICY },
		{ ".map", "Content-Type: application/json\r\n" PAGE_POLICY },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (ends_with(file->name, types[i].end))
			return types[i].fields;
	}
	return "Content-Type: application/octet-stream\r\n" PAGE_POLICY;
}

// --- Requests ------------------------------------------------------------------------------------

static bool is_unchanged(const struct http_request_head *head, const char *etag)
{
	const struct http_field *field = http_field_find(head, "If-None-Match");

	return field != NULL &&
		(span_equals(field->value, "*") || http_list_has(field->value, etag));
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

bool page_request(const struct page *page, struct http_exchange *exchange,
                  const struct http_request_head *head)
{
	const struct page_file *file = page_find(page, head->target);
	char fields[FIELDS_BYTES], etag[ETAG_SIZE];
	struct span lines = { .data = (const uint8_t *)fields };
	bool same;
	error_t err;

	if (file == NULL)
		return false;
	fmt_write(etag, sizeof(etag), "\"%llx-%x\"", (unsigned long long)file->hash, file->size);
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
