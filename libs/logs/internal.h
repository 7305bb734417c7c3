// SPDX-License-Identifier: MIT
#pragma once

#include "libs/logs/writer.h"

// --- writer.c ---

// Writes what there is, unless something is under way.
void log_writer_go(struct log_writer *w);
// `count` bytes of what was to be written lie in the file.
void log_writer_done(struct log_writer *w, size_t count);
// It could not be written, and is tried again later.
void log_writer_failed(struct log_writer *w, error_t error);

// --- writer_files.c ---

// Closes the session, if there is one.
void log_writer_disconnect(struct log_writer *w);
// Writes the beginning of `bytes`, which are whole records but for what was written of them before:
// to the file that is open, or to the next, over a session that is opened if there is none.
// log_writer_done or log_writer_failed comes later.
void log_writer_write(struct log_writer *w, struct span bytes);
