// SPDX-License-Identifier: MIT
//
// Reads a container's log, which another process may be writing: record for record, from the oldest
// or from the last lines on, at the pace of who takes them. What is no record is passed over.
#pragma once

#include "libs/files/files.h"
#include "libs/logs/names.h"
#include "libs/logs/record.h"

// Of one request.
#define LOG_PIECE (64u * 1024)
#define LOG_ALL UINT64_MAX

struct log_reader_ops {
	// A record. Returns false when it was not taken: log_reader_resume offers it again. May not
	// call the reader.
	bool (*record)(void *context, const struct log_record *record);
	// All that there was is read; log_reader_resume looks whether there is more.
	void (*end)(void *context);
	// It cannot go on. After ERR_PEER_CLOSED, log_reader_resume does once there is a session
	// again.
	void (*failed)(void *context, error_t error);
};

enum log_reader_step {
	LOG_READER_IDLE,  // nothing is under way: it was not begun, is at the end, or has failed
	LOG_READER_BUSY,  // a request is
	LOG_READER_HELD,  // a record was not taken
};

struct log_reader {
	// Private.
	struct files *files;
	const struct log_reader_ops *ops;
	void *context;
	char folder[LOG_FOLDER_MAX];
	char path[LOG_PATH_MAX];
	enum log_reader_step step;
	struct file *file;  // NULL: not open
	uint32_t number;    // of the file; 0: before the first
	uint64_t offset;    // of what is in hand, or of what is read next
	uint32_t found;     // in the folder: the file that follows; 0: none is known
	// While the last lines are looked for.
	bool seeks;
	uint64_t lines;
	struct log_tail tail;
	uint64_t end;     // of the next piece
	uint64_t looked;  // bytes so far
	// In hand.
	uint8_t *piece;  // heap, LOG_PIECE bytes
	size_t length;   // of what was read
	size_t done;     // of it
};

// Begins to read `folder` of a session: its last `lines`, or LOG_ALL. Errors: ERR_NO_MEMORY.
__must_check error_t log_reader_start(struct log_reader *r, struct files *files, const char *folder,
                                      uint64_t lines, const struct log_reader_ops *ops,
                                      void *context);
// Goes on after a record that was not taken, after the end, or after a session that was lost. Else
// without effect.
void log_reader_resume(struct log_reader *r);
// The session is going to be stopped: nothing of it is used any more.
void log_reader_lost(struct log_reader *r);
// Ends it; no callback comes after this. One that was never started is left alone (when it was
// zeroed).
void log_reader_stop(struct log_reader *r);
