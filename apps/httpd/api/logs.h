// SPDX-License-Identifier: MIT
//
// The log, as look handles tell it (LOOK_LOG).
#pragma once

#include "apps/httpd/api/api.h"

#define LOG_LIMIT_USUAL 500u
#define LOG_LIMIT_MAX 2000u

// Which lines are wanted.
struct log_query {
	bool has_since;
	uint64_t since;          // the first's sequence number; without it: the last `limit` lines
	uint64_t limit;          // how many at most
	uint32_t level;          // enum log_level: this and what is more severe
	char app[APP_NAME_MAX];  // "": all
};

// What was written.
struct log_written {
	uint64_t next;  // sequence number to go on from
	uint64_t lost;  // lines that were overwritten before they could be read
	uint64_t count;
};

// Writes lines, each an element, or, with `by_line`, an object with a newline behind it. Errors:
// look_read's, ERR_NO_MEMORY: nothing was written.
__must_check error_t log_lines_write(struct httpd *httpd, struct json_writer *w,
                                     const struct log_query *query, bool by_line,
                                     struct log_written *out);
// {"next":N,"lost":N,"lines":[...]} as a member `name`. Errors: as log_lines_write's.
__must_check error_t logs_write(struct httpd *httpd, struct json_writer *w, const char *name,
                                const struct log_query *query, uint64_t *next);
