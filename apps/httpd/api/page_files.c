// SPDX-License-Identifier: MIT
//
// Which files the page has, and what they are.
#include "apps/httpd/api/page.h"

#include "libs/base/string.h"
#include "libs/boot_files/ustar.h"
#include "libs/http/head.h"
#include "libs/http/target.h"

#define HASH_BASIS 0xcbf29ce484222325ull  // FNV-1a
#define HASH_PRIME 0x100000001b3ull

#define PAGE_POLICY                                                                          \
	"Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'; object-src 'none'\r\n"
// Expressions of the shell, and the top level of apps that are written in the page, run in workers
// that may evaluate, and do nothing else. The one that checks types may not even that.
#define EVAL_POLICY                                                               \
	"Content-Security-Policy: default-src 'none'; script-src 'unsafe-eval'; " \
	"frame-ancestors 'none'\r\n"
#define CHECK_POLICY "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"

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
	file->hash = 0;
	return 0;
}

error_t page_read(struct page *page, struct span archive)
{
	struct reader r = reader_make(archive.data, archive.len);

	page->count = 0;
	page->archive = archive;
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

struct page_file *page_find(struct page *page, struct span target)
{
	struct http_target parts;
	struct span path;

	if (page->count == 0 || http_target_split(target, &parts) != 0)
		return NULL;
	path = (struct span){ .data = parts.path.data + 1, .len = parts.path.len - 1 };
	for (size_t i = 0; i < page->count; i++) {
		if (path.len == 0 ? strcmp(page->files[i].name, "index.html") == 0
		                  : span_is(path, page->files[i].name))
			return &page->files[i];
	}
	return NULL;
}

uint64_t page_hash(const struct page *page, struct page_file *file)
{
	if (file->hash == 0) {
		file->hash = HASH_BASIS;
		for (size_t i = 0; i < file->size; i++)
			file->hash =
				(file->hash ^ page->archive.data[file->offset + i]) * HASH_PRIME;
	}
	return file->hash;
}

const char *page_fields(const struct page_file *file)
{
	static const struct {
		const char *end;
		const char *fields;
	} types[] = {
		{ "types_worker.js",
		  "Content-Type: text/javascript; charset=utf-8\r\n" CHECK_POLICY },
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
