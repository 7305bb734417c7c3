// SPDX-License-Identifier: MIT
//
// What a container has written, as it lies in the files of its log (docs/engine.md): lines of text,
// as Kubernetes' container runtimes write them.
//
//	2025-11-29T06:41:41.000000007Z stdout F what it wrote
//
// F: a whole line; its newline is the record's. P: the record's newline is not the container's, for
// the line goes on in the next record, or its end never came. The bytes are as they were written:
// there is no newline among them. So each newline ends a record, whatever stands before it: what is
// broken (by a power cut, a hostile disk) costs no more than what it breaks.
#pragma once

#include "libs/base/date.h"
#include "libs/base/span.h"

// Bytes of a container's line in one record; a longer one goes on in the next.
#define LOG_TEXT_MAX (16u * 1024)
// In front of the text.
#define LOG_HEAD_LENGTH (DATE_LENGTH + 10u)
#define LOG_RECORD_MAX (LOG_HEAD_LENGTH + LOG_TEXT_MAX + 1)

// As in the frames of Docker's API.
enum log_stream {
	LOG_STDOUT = 1,
	LOG_STDERR = 2,
};

struct log_record {
	nsec_t time;  // since 1970
	enum log_stream stream;
	bool whole;  // a newline follows in what the container wrote
	struct span text;
};

// Appends a record, LOG_HEAD_LENGTH + text.len + 1 bytes. Its text has no newline in it, and no
// more bytes than LOG_TEXT_MAX. `date` is its time as date_write has it.
void log_record_write(struct writer *w, const struct log_record *record,
                      const char date[static DATE_LENGTH]);
// Reads the line at the start of `bytes`. Returns its length with its newline; 0: there is no
// newline in them. `*good`: it is a record, which is in `out`.
size_t log_record_read(struct span bytes, struct log_record *out, bool *good);

// --- From the end --------------------------------------------------------------------------------

// Where the last lines of a log begin, found backwards, piece by piece.
struct log_tail {
	uint64_t wanted;  // lines of the container
	bool found;       // `offset` is where the first of them begins
	uint64_t offset;
	// Private.
	bool begun;
};

// Looks at the piece that ends at `end` of a file and begins at `end` less piece.len. Returns where
// the next piece is to end, in the same file; 0: it was the file's first. With `found` set, that is
// of no matter.
uint64_t log_tail_look(struct log_tail *tail, struct span piece, uint64_t end);
