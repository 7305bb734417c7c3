// SPDX-License-Identifier: MIT
//
// JSON (RFC 8259), as much as is needed of it: a reader that walks through a document without
// building a tree, and a writer. Both are sticky: after an error every call is without effect, and
// one check at the end is enough. Documents are hostile.
#pragma once

#include "libs/base/span.h"

#define JSON_MAX_DEPTH 32u

struct json_reader {
	struct span rest;
	uint32_t depth;
	bool fresh;  // the object or array that was entered last has no member yet
	bool bad;
};

// A reader at the start of `text`, which has to outlive it.
struct json_reader json_reader_make(struct span text);
// ERR_PROTOCOL when the document is not JSON, or is not what was asked for.
__must_check error_t json_reader_status(const struct json_reader *r);
// The first byte of what comes next, behind white space; NUL at the end. Takes the white space.
char json_peek(struct json_reader *r);
// Whether the next value is null, which is then taken.
bool json_take_null(struct json_reader *r);
// Enters an object; then, for each member, its key (as it stands there, without its escapes
// resolved); false at the end of the object.
void json_enter_object(struct json_reader *r);
bool json_next_member(struct json_reader *r, struct span *key);
// Enters an array; true when one more element follows; false at its end.
void json_enter_array(struct json_reader *r);
bool json_next_element(struct json_reader *r);
// A string, its escapes resolved, in fresh heap memory with a NUL behind it (a NUL in it is an
// error). NULL on errors.
char *json_take_string(struct json_reader *r);
// The string that an object has as its first member `name`, of an object that is entered and taken
// whole. As json_take_string's; NULL, too: there is no such member.
char *json_take_member(struct json_reader *r, const char *name);
// A number without sign, fraction and exponent.
uint64_t json_take_u64(struct json_reader *r);
// Any value.
void json_skip(struct json_reader *r);
// Any value as it stands in the document, in place, without the white space around it. Empty when
// the reader is bad.
struct span json_take_raw(struct json_reader *r);
// Whether nothing but white space is left.
bool json_at_end(struct json_reader *r);

// The writer's text is in heap memory that grows. Zero-initialised: empty.
struct json_writer {
	char *text;
	size_t len;
	size_t capacity;
	bool bad;    // out of memory
	bool comma;  // a string came last
};

// Literal JSON, as it is: brackets and keys of a document that is known (",\"args\":[").
void json_write_raw(struct json_writer *w, const char *text);
// The same of JSON that was read (not copied from elsewhere: it is not looked at).
void json_write_span(struct json_writer *w, struct span json);
// A string value, escaped; with a comma before it when a string came last.
void json_write_string(struct json_writer *w, const char *text);
// The whole document by which Docker's API says what is wrong, of an empty writer:
// {"message":"..."}. When memory is out it says that.
struct span json_write_message(struct json_writer *w, const char *text);
// A string value of any bytes, for who shows them anywhere: what is not UTF-8 is U+FFFD, and what
// HTML takes for markup is escaped as well (RFC 8259 7). No comma.
void json_write_text(struct json_writer *w, struct span text);
// A whole number.
void json_write_i64(struct json_writer *w, int64_t value);
// The text so far, with a NUL behind it; NULL when memory is out. The writer's own.
const char *json_writer_text(struct json_writer *w);
// Frees the text.
void json_writer_deinit(struct json_writer *w);
