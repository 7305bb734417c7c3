// SPDX-License-Identifier: MIT
//
// Writes a container's log: a folder of files, each a number from 1 on, of records (record.h). What
// comes is cut into lines and gathered while a write is under way, and for LOG_PAUSE after it
// began, so that one who writes much, or often, costs few requests. What went wrong is not lost
// while there is room: it is written again.
//
// While the disk is slow, no more is taken than LOG_BUFFER: the container waits. For how long is
// bounded (LOG_PATIENCE), and when the disk is full or broken it does not wait at all: what it
// writes is dropped then, and counted, and the log has a line that says so once it goes on.
#pragma once

#include "libs/files/files.h"
#include "libs/logs/names.h"
#include "libs/logs/record.h"

#define LOG_BUFFER (64u * 1024)
#define LOG_PATIENCE (5 * NSEC_PER_SEC)
// From one write to the next, unless there is much.
#define LOG_PAUSE (10 * NSEC_PER_MSEC)

struct log_writer_ops {
	// It takes bytes again, after log_writer_take has taken fewer than all.
	void (*room)(void *context);
	// More lies in the log: `total` has grown.
	void (*written)(void *context);
	// After log_writer_finish: all is written, or lost.
	void (*finished)(void *context);
};

struct log_buffer {
	size_t len;
	uint8_t bytes[LOG_BUFFER];
};

struct log_rest {
	size_t len;
	uint8_t bytes[LOG_TEXT_MAX];
};

struct log_writer {
	// How far it is.
	uint64_t total;   // bytes written by this writer
	uint32_t number;  // of the file that is written; 0: none is known
	// Private.
	const struct log_writer_ops *ops;
	void *context;
	struct loop *loop;
	handle_t connector;
	const char *uri;
	char folder[LOG_FOLDER_MAX];
	char path[LOG_PATH_MAX];
	uint64_t max_bytes;  // of a file; 0: no limit
	uint32_t max_files;
	struct files files;
	struct file *file;  // NULL: not open
	bool at_end;        // `size` is known
	uint64_t size;      // of the file, up to the end of its last record
	uint8_t *end;       // heap, while the file's end is looked at
	size_t end_length;
	uint32_t oldest;  // what a list of the folder has found
	uint32_t newest;
	uint32_t count;
	struct span pending;  // what is to be written
	bool in_record;       // it begins in the midst of one
	bool connected;       // `files` is a session
	bool busy;            // a request is under way
	bool broken;          // `lost` comes
	unsigned deaths;      // of the session, since something was written
	// What is being written, and what comes meanwhile.
	struct log_buffer buffers[2];
	unsigned going;              // index of the first
	size_t done;                 // of it
	char date[DATE_LENGTH + 1];  // of what was taken last
	struct log_rest lines[2];    // of stdout and stderr
	// What is dropped.
	bool drops;
	error_t reason;
	uint64_t dropped;  // bytes
	nsec_t try_at;     // CLOCK_MONOTONIC
	bool held;         // the container waits
	bool finishing;
	bool finished;
	nsec_t next_at;     // CLOCK_MONOTONIC: not before this, unless there is much
	nsec_t write_at;    // when the timer is to write; NSEC_NEVER
	nsec_t give_up_at;  // when who waits is to wait no more; NSEC_NEVER
	handle_t timer;
	struct source timer_source;
};

// Begins to write to `folder` of the session `uri` of "store" behind `connector` (not consumed):
// behind what is there, after the last whole record. A file that would have more than `max_bytes`
// (0: no limit) is followed by the next, and of files there are `max_files` at most. Errors: as
// timer_create's and loop_add's.
__must_check error_t log_writer_start(struct log_writer *w, struct loop *loop, handle_t connector,
                                      const char *uri, const char *folder, uint64_t max_bytes,
                                      uint32_t max_files, const struct log_writer_ops *ops,
                                      void *context);
// Takes what a container wrote. Returns how many bytes were taken; after fewer than all, `room`
// comes.
size_t log_writer_take(struct log_writer *w, enum log_stream stream, struct span bytes);
// Writes what is left, lines without an end included. `finished` comes, from within this call or
// later. Nothing may be taken any more.
void log_writer_finish(struct log_writer *w);
// Gives up what is not written, and closes all. One that was never started is left alone (when it
// was zeroed).
void log_writer_stop(struct log_writer *w);
