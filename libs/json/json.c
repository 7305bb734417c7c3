// SPDX-License-Identifier: MIT

#include "libs/json/json.h"

#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

// --- Reader --------------------------------------------------------------------------------------

struct json_reader json_reader_make(struct span text)
{
	return (struct json_reader){ .rest = text };
}

error_t json_reader_status(const struct json_reader *r)
{
	return r->bad ? ERR_PROTOCOL : 0;
}

static void fail(struct json_reader *r)
{
	r->bad = true;
	r->rest.len = 0;
}

static bool is_one_of(uint8_t c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static void advance(struct json_reader *r, size_t n)
{
	r->rest.data += n;
	r->rest.len -= n;
}

char json_peek(struct json_reader *r)
{
	while (r->rest.len > 0 && is_one_of(r->rest.data[0], " \t\r\n"))
		advance(r, 1);
	return r->rest.len > 0 ? (char)r->rest.data[0] : '\0';
}

static bool take(struct json_reader *r, char c)
{
	if (r->rest.len == 0 || json_peek(r) != c)
		return false;
	advance(r, 1);
	return true;
}

static void expect(struct json_reader *r, char c)
{
	if (!take(r, c))
		fail(r);
}

static bool take_word(struct json_reader *r, const char *word)
{
	json_peek(r);
	return span_take_prefix(&r->rest, word);
}

bool json_take_null(struct json_reader *r)
{
	return take_word(r, "null");
}

static void enter(struct json_reader *r, char bracket)
{
	expect(r, bracket);
	if (++r->depth > JSON_MAX_DEPTH)
		fail(r);
	r->fresh = true;
}

// Whether one more member follows: takes the comma before it, or the closing bracket.
static bool next(struct json_reader *r, char bracket)
{
	bool fresh = r->fresh;

	r->fresh = false;
	if (r->bad)
		return false;
	if (take(r, bracket)) {
		r->depth--;
		return false;
	}
	if (!fresh)
		expect(r, ',');
	return !r->bad;
}

// The length of the escape that `bytes` begins with; 0: it is none.
static size_t escape_length(struct span bytes)
{
	if (bytes.len < 2 || !is_one_of(bytes.data[1], "\"\\/bfnrtu"))
		return 0;
	if (bytes.data[1] != 'u')
		return 2;
	for (size_t i = 2; i < 6; i++)
		if (i >= bytes.len || hex_digit(bytes.data[i]) < 0)
			return 0;
	return 6;
}

// The bytes of a string between its quotes, with its escapes.
static struct span take_raw_string(struct json_reader *r)
{
	struct span raw;

	expect(r, '"');
	raw = (struct span){ .data = r->rest.data, .len = 0 };
	while (raw.len < r->rest.len && raw.data[raw.len] != '"') {
		struct span rest = { .data = raw.data + raw.len, .len = r->rest.len - raw.len };
		size_t len = rest.data[0] == '\\' ? escape_length(rest) : rest.data[0] >= 0x20;

		if (len == 0) {
			fail(r);
			break;
		}
		raw.len += len;
	}
	if (r->bad || raw.len >= r->rest.len) {
		fail(r);
		return (struct span){ 0 };
	}
	advance(r, raw.len + 1);
	return raw;
}

void json_enter_object(struct json_reader *r)
{
	enter(r, '{');
}

bool json_next_member(struct json_reader *r, struct span *key)
{
	if (!next(r, '}'))
		return false;
	*key = take_raw_string(r);
	expect(r, ':');
	return !r->bad;
}

void json_enter_array(struct json_reader *r)
{
	enter(r, '[');
}

bool json_next_element(struct json_reader *r)
{
	return next(r, ']');
}

// The four digits after \u. Negative when they are none.
static int32_t take_hex4(struct span *raw)
{
	int32_t value = 0;

	if (raw->len < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		int digit = hex_digit(raw->data[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	raw->data += 4;
	raw->len -= 4;
	return value;
}

// A code point of one or two \u escapes, the first \u taken already. Negative on errors.
static int32_t take_code_point(struct span *raw)
{
	int32_t high = take_hex4(raw);
	int32_t low;

	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || raw->len < 2 || raw->data[0] != '\\' || raw->data[1] != 'u')
		return -1;
	raw->data += 2;
	raw->len -= 2;
	low = take_hex4(raw);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static size_t put_utf8(char *out, int32_t code)
{
	uint32_t c = (uint32_t)code;

	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

// Resolves the escape after a backslash. Returns the bytes written, 0 on errors.
static size_t put_escape(char *out, struct span *raw)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name;
	int32_t code;
	char c;

	if (raw->len == 0)
		return 0;
	c = (char)raw->data[0];
	raw->data++;
	raw->len--;
	if (c == 'u') {
		code = take_code_point(raw);
		return code > 0 ? put_utf8(out, code) : 0;
	}
	name = c != '\0' ? strchr(names, c) : NULL;
	if (name == NULL)
		return 0;
	*out = values[name - names];
	return 1;
}

char *json_take_string(struct json_reader *r)
{
	struct span raw = take_raw_string(r);
	// no escape is shorter than what it stands for
	char *out = r->bad ? NULL : heap_alloc(raw.len + 1);
	size_t len = 0;

	if (out == NULL) {
		fail(r);
		return NULL;
	}
	while (raw.len > 0) {
		uint8_t c = raw.data[0];
		size_t put = 1;

		raw.data++;
		raw.len--;
		if (c == '\\')
			put = put_escape(out + len, &raw);
		else
			out[len] = (char)c;
		if (put == 0) {
			heap_free(out);
			fail(r);
			return NULL;
		}
		len += put;
	}
	out[len] = '\0';
	return out;
}

char *json_take_member(struct json_reader *r, const char *name)
{
	char *out = NULL;
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		if (out == NULL && span_is(key, name))
			out = json_take_string(r);
		else
			json_skip(r);
	}
	return out;
}

uint64_t json_take_u64(struct json_reader *r)
{
	bool leads_with_zero = json_peek(r) == '0';
	uint64_t value = 0;
	size_t digits = 0;

	for (char c = json_peek(r); c >= '0' && c <= '9';
	     c = r->rest.len > 0 ? (char)r->rest.data[0] : '\0') {
		value = value * 10 + (uint64_t)(c - '0');
		advance(r, 1);
		if (++digits > 18)
			fail(r);
	}
	if (digits == 0 || (digits > 1 && leads_with_zero) ||
	    (r->rest.len > 0 && is_one_of(r->rest.data[0], ".eE")))
		fail(r);
	return r->bad ? 0 : value;
}

// Takes one of `chars`, if it is next.
static bool take_char(struct json_reader *r, const char *chars)
{
	bool taken = r->rest.len > 0 && is_one_of(r->rest.data[0], chars);

	if (taken)
		advance(r, 1);
	return taken;
}

static void skip_digits(struct json_reader *r)
{
	static const char digits[] = "0123456789";

	if (!take_char(r, digits))
		fail(r);
	while (take_char(r, digits))
		;
}

static void skip_number(struct json_reader *r)
{
	(void)take_char(r, "-");
	if (!take_char(r, "0"))
		skip_digits(r);
	if (take_char(r, "."))
		skip_digits(r);
	if (take_char(r, "eE")) {
		(void)take_char(r, "+-");
		skip_digits(r);
	}
}

void json_skip(struct json_reader *r)
{
	struct span key;

	switch (json_peek(r)) {
	case '{':
		json_enter_object(r);
		while (json_next_member(r, &key))
			json_skip(r);
		break;
	case '[':
		json_enter_array(r);
		while (json_next_element(r))
			json_skip(r);
		break;
	case '"': take_raw_string(r); break;
	default:
		if (!take_word(r, "null") && !take_word(r, "true") && !take_word(r, "false"))
			skip_number(r);
		break;
	}
}

struct span json_take_raw(struct json_reader *r)
{
	struct span value;

	json_peek(r);
	value = r->rest;
	json_skip(r);
	return span_make(value.data, r->bad ? 0 : value.len - r->rest.len);
}

bool json_at_end(struct json_reader *r)
{
	json_peek(r);
	return !r->bad && r->rest.len == 0;
}

// --- Writer --------------------------------------------------------------------------------------

static void append(struct json_writer *w, const char *bytes, size_t len)
{
	if (w->len + len > w->capacity && !w->bad) {
		size_t capacity = 2 * (w->len + len) + 256;
		char *text = heap_alloc(capacity);

		if (text == NULL) {
			w->bad = true;
			return;
		}
		if (w->len > 0)
			memcpy(text, w->text, w->len);
		heap_free(w->text);
		w->text = text;
		w->capacity = capacity;
	}
	if (w->bad || len == 0)
		return;
	memcpy(w->text + w->len, bytes, len);
	w->len += len;
}

void json_write_raw(struct json_writer *w, const char *text)
{
	append(w, text, strlen(text));
	w->comma = false;
}

void json_write_span(struct json_writer *w, struct span json)
{
	if (json.len > 0)
		append(w, (const char *)json.data, json.len);
	w->comma = false;
}

void json_write_string(struct json_writer *w, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	append(w, w->comma ? ",\"" : "\"", w->comma ? 2 : 1);
	for (; *text != '\0'; text++) {
		uint8_t c = (uint8_t)*text;
		char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

		if (c == '"' || c == '\\')
			append(w, (char[2]){ '\\', (char)c }, 2);
		else if (c < 0x20 || c == 0x7f)
			append(w, escape, sizeof(escape));
		else
			append(w, text, 1);
	}
	append(w, "\"", 1);
	w->comma = true;
}

void json_write_i64(struct json_writer *w, int64_t value)
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char text[24], *start = text + sizeof(text) - 1;

	*start = '\0';
	do
		*--start = (char)('0' + rest % 10);
	while ((rest /= 10) != 0);
	if (value < 0)
		*--start = '-';
	json_write_raw(w, start);
}

const char *json_writer_text(struct json_writer *w)
{
	append(w, "", 1);
	if (w->bad)
		return NULL;
	w->len--;
	return w->text;
}

struct span json_write_message(struct json_writer *w, const char *text)
{
	static const char no_memory[] = "{\"message\":\"out of memory\"}";
	const char *document;

	json_write_raw(w, "{\"message\":");
	json_write_string(w, text);
	json_write_raw(w, "}");
	document = json_writer_text(w);
	return document != NULL
		? (struct span){ (const uint8_t *)document, w->len }
		: (struct span){ (const uint8_t *)no_memory, sizeof(no_memory) - 1 };
}

void json_writer_deinit(struct json_writer *w)
{
	heap_free(w->text);
	*w = (struct json_writer){ 0 };
}
