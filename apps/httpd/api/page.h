// SPDX-License-Identifier: MIT
//
// The page's files: an archive in memory, served as it lies there.
#pragma once

#include "libs/abi/error.h"
#include "libs/abi/handle.h"
#include "libs/base/span.h"

#define PAGE_MAX_FILES 256u
#define PAGE_NAME_MAX 101u

struct page_file {
	char name[PAGE_NAME_MAX];
	bool is_gzip;     // what lies there
	uint32_t offset;  // in the folio
	uint32_t size;
	uint64_t hash;  // 0: it was not asked for yet
};

struct page {
	handle_t folio;  // with the archive; HANDLE_NONE: there is no page
	struct span archive;
	size_t count;
	struct page_file files[PAGE_MAX_FILES];
};

// Finds the files of a ustar archive, which the page refers to from then on. Errors: as
// ustar_entry_parse's, ERR_INVALID (one goes on behind the archive's end), ERR_LIMIT (too many).
__must_check error_t page_read(struct page *page, struct span archive);
// The file at a request's target ("/" is index.html); NULL: there is none.
struct page_file *page_find(struct page *page, struct span target);
// A hash of a file's bytes, made when it is first asked for: the system's start need not wait.
uint64_t page_hash(const struct page *page, struct page_file *file);
// Lines with the type of a file, and what a browser may do with it.
const char *page_fields(const struct page_file *file);
