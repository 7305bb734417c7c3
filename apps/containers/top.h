// SPDX-License-Identifier: MIT
//
// The processes of a container as Docker's GET /containers/NAME/top shows them: what ps says, in
// the columns that its arguments ask for.
#pragma once

#include "libs/abi/time.h"
#include "libs/base/span.h"
#include "libs/json/json.h"

#define TOP_MAX_COLUMNS 16u

enum top_column {
	TOP_UID,
	TOP_PID,
	TOP_PPID,
	TOP_C,
	TOP_PCPU,
	TOP_STIME,
	TOP_TTY,
	TOP_TIME,
	TOP_CMD,
	TOP_COMM,
	TOP_PMEM,
	TOP_VSZ,
	TOP_RSS,
	TOP_STAT,
	TOP_MINUTES,  // TIME, as BSD's
};

struct top_columns {
	enum top_column items[TOP_MAX_COLUMNS];
	const char *titles[TOP_MAX_COLUMNS];
	size_t count;
};

// What the processes are measured by.
struct top_host {
	nsec_t now;       // the wall clock's time
	uint64_t memory;  // bytes that the container has; 0: not known
};

// Reads arguments of ps: "-ef", "-o" with a list of columns ("-eo pid,cmd", "-e -o pid -o cmd"), or
// BSD's "aux" and "ax" (also with "w").
// Errors: ERR_INVALID (others, or a column that is not known here).
__must_check error_t top_columns_read(const char *arguments, struct top_columns *out);
// Writes the answer. `entries` is what the vmm says (VMM_QUERY_TOP).
// Errors: ERR_PROTOCOL (the entries are malformed), ERR_NO_MEMORY.
__must_check error_t top_write(const struct top_columns *columns, struct span entries,
                               const struct top_host *host, struct json_writer *w);
