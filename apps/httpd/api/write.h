// SPDX-License-Identifier: MIT
//
// Members of JSON objects and elements of arrays, with their commas. `name` NULL: an element.
#pragma once

#include "libs/json/json.h"

// Opens an object ("{") or an array ("["); closes it.
void write_open(struct json_writer *w, const char *name, const char *bracket);
void write_close(struct json_writer *w, const char *bracket);
void write_number(struct json_writer *w, const char *name, uint64_t value);
void write_signed(struct json_writer *w, const char *name, int64_t value);
void write_flag(struct json_writer *w, const char *name, bool value);
void write_null(struct json_writer *w, const char *name);
// A string of any bytes (json_write_text).
void write_text(struct json_writer *w, const char *name, const char *text);
void write_bytes(struct json_writer *w, const char *name, struct span text);
