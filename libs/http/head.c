// SPDX-License-Identifier: MIT
#include "libs/http/head.h"

#include "libs/base/decimal.h"
#include "libs/base/string.h"

size_t http_head_length(struct span bytes, size_t scanned)
{
	size_t i = scanned;

	while (i < bytes.len) {
		const uint8_t *newline = memchr(bytes.data + i, '\n', bytes.len - i);

		if (newline == NULL)
			return 0;
		i = (size_t)(newline - bytes.data) + 1;
		if (i >= 4 && memcmp(newline - 3, "\r\n\r\n", 4) == 0)
			return i;
	}
	return 0;
}

// RFC 9110 5.6.2.
static bool is_token_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
		(c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_token_char(s.data[i]))
			return false;
	}
	return s.len > 0;
}

// Takes a line, without its CRLF, off `rest`.
static bool take_line(struct span *rest, struct span *line)
{
	const uint8_t *newline = memchr(rest->data, '\n', rest->len);
	size_t len;

	if (newline == NULL || newline == rest->data || newline[-1] != '\r')
		return false;
	len = (size_t)(newline - rest->data) + 1;
	*line = (struct span){ .data = rest->data, .len = len - 2 };
	rest->data += len;
	rest->len -= len;
	return true;
}

// Takes what stands before `separator` off `rest`, the separator with it.
static bool take_until(struct span *rest, char separator, struct span *part)
{
	const uint8_t *end = memchr(rest->data, separator, rest->len);

	if (end == NULL)
		return false;
	*part = (struct span){ .data = rest->data, .len = (size_t)(end - rest->data) };
	rest->data = end + 1;
	rest->len -= part->len + 1;
	return true;
}

static struct span trim(struct span s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((s.data[i] < 0x20 && s.data[i] != '\t') || s.data[i] == 0x7f)
			return true;
	}
	return false;
}

static error_t parse_request_line(struct span line, struct http_request_head *out)
{
	if (!take_until(&line, ' ', &out->method) || !take_until(&line, ' ', &out->target))
		return ERR_PROTOCOL;
	if (!is_token(out->method) || out->target.len == 0 || has_control(out->target))
		return ERR_PROTOCOL;
	if (span_is(line, "HTTP/1.1"))
		out->minor_version = 1;
	else if (span_is(line, "HTTP/1.0"))
		out->minor_version = 0;
	else
		return line.len == 8 && memcmp(line.data, "HTTP/", 5) == 0 ? ERR_NOT_SUPPORTED
									   : ERR_PROTOCOL;
	return 0;
}

bool http_list_has(struct span value, const char *token)
{
	struct span item;

	while (take_until(&value, ',', &item)) {
		if (span_equals_nocase(trim(item), token))
			return true;
	}
	return span_equals_nocase(trim(value), token);
}

// A name or an address, with a port or without (RFC 3986 3.2.2).
static bool is_host(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if (!(c >= '0' && c <= '9') && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') &&
		    (c == '\0' || strchr("-._~!$&'()*+,;=:[]%", c) == NULL))
			return false;
	}
	return true;
}

// What is known of a head while its fields are looked at.
struct interpreted {
	bool has_length, has_coding, has_host;
	bool close, keep_alive, upgrade;
};

static error_t interpret_framing(struct http_request_head *out, struct interpreted *seen,
                                 const struct http_field *field)
{
	if (span_equals_nocase(field->name, "content-length")) {
		if (seen->has_length ||
		    !decimal_read(field->value, INT64_MAX, &out->content_length))
			return ERR_PROTOCOL;
		seen->has_length = true;
	} else if (span_equals_nocase(field->name, "transfer-encoding")) {
		if (seen->has_coding || out->minor_version == 0)
			return ERR_PROTOCOL;
		if (!span_equals_nocase(field->value, "chunked"))
			return ERR_NOT_SUPPORTED;
		seen->has_coding = true;
	} else if (span_equals_nocase(field->name, "host")) {
		if (seen->has_host || !is_host(field->value))
			return ERR_PROTOCOL;
		seen->has_host = true;
		out->host = field->value;
	}
	return 0;
}

static void interpret_wishes(struct http_request_head *out, struct interpreted *seen,
                             const struct http_field *field)
{
	if (span_equals_nocase(field->name, "connection")) {
		seen->close = seen->close || http_list_has(field->value, "close");
		seen->keep_alive = seen->keep_alive || http_list_has(field->value, "keep-alive");
		seen->upgrade = seen->upgrade || http_list_has(field->value, "upgrade");
	} else if (span_equals_nocase(field->name, "expect")) {
		out->expects_continue = out->minor_version > 0 &&
			span_equals_nocase(field->value, "100-continue");
	} else if (span_equals_nocase(field->name, "upgrade")) {
		out->upgrade = field->value;
	}
}

// What the fields say of the connection and of the body. Anything that two parsers could read
// differently is refused.
static error_t interpret_fields(struct http_request_head *out)
{
	struct interpreted seen = { 0 };

	for (size_t i = 0; i < out->num_fields; i++) {
		error_t err = interpret_framing(out, &seen, &out->fields[i]);

		if (err < 0)
			return err;
		interpret_wishes(out, &seen, &out->fields[i]);
	}
	if (seen.has_length && seen.has_coding)
		return ERR_PROTOCOL;
	out->keep_alive = !seen.close && (out->minor_version == 1 || seen.keep_alive);
	// RFC 9110 7.8.
	if (!seen.upgrade || out->minor_version == 0)
		out->upgrade = (struct span){ 0 };
	out->framing = seen.has_coding                       ? HTTP_BODY_CHUNKED
		: seen.has_length && out->content_length > 0 ? HTTP_BODY_LENGTH
							     : HTTP_BODY_NONE;
	return 0;
}

// The lines after the first, up to the empty one, which is the last.
static error_t parse_fields(struct span rest, struct http_field fields[HTTP_MAX_FIELDS],
                            size_t *num_fields)
{
	struct span line, name;

	for (;;) {
		if (!take_line(&rest, &line))
			return ERR_PROTOCOL;
		if (line.len == 0)
			break;
		if (*num_fields == HTTP_MAX_FIELDS)
			return ERR_TOO_LARGE;
		if (has_control(line) || !take_until(&line, ':', &name) || !is_token(name))
			return ERR_PROTOCOL;
		fields[(*num_fields)++] = (struct http_field){ .name = name, .value = trim(line) };
	}
	return rest.len == 0 ? 0 : ERR_PROTOCOL;
}

error_t http_request_parse(struct span bytes, struct http_request_head *out)
{
	struct span rest = bytes;
	struct span line;
	error_t err;

	*out = (struct http_request_head){ 0 };
	if (!take_line(&rest, &line))
		return ERR_PROTOCOL;
	err = parse_request_line(line, out);
	if (err == 0)
		err = parse_fields(rest, out->fields, &out->num_fields);
	return err == 0 ? interpret_fields(out) : err;
}

static error_t parse_status_line(struct span line, struct http_response_head *out)
{
	struct span version;
	uint64_t status;

	if (!take_until(&line, ' ', &version) || line.len < 3 ||
	    (line.len > 3 && line.data[3] != ' ') || has_control(line))
		return ERR_PROTOCOL;
	if (!span_is(version, "HTTP/1.1") && !span_is(version, "HTTP/1.0"))
		return ERR_NOT_SUPPORTED;
	line.len = 3;
	if (!decimal_read(line, 999, &status) || status < 100)
		return ERR_PROTOCOL;
	out->status = (unsigned)status;
	return 0;
}

error_t http_response_parse(struct span bytes, struct http_response_head *out)
{
	struct span rest = bytes;
	struct span line;
	error_t err;

	*out = (struct http_response_head){ 0 };
	if (!take_line(&rest, &line))
		return ERR_PROTOCOL;
	err = parse_status_line(line, out);
	if (err == 0)
		err = parse_fields(rest, out->fields, &out->num_fields);
	if (err < 0)
		return err;
	for (size_t i = 0; i < out->num_fields; i++) {
		const struct http_field *field = &out->fields[i];

		if (span_equals_nocase(field->name, "content-length")) {
			if (out->has_length ||
			    !decimal_read(field->value, INT64_MAX, &out->content_length))
				return ERR_PROTOCOL;
			out->has_length = true;
		} else if (span_equals_nocase(field->name, "transfer-encoding")) {
			if (out->chunked || !span_equals_nocase(field->value, "chunked"))
				return ERR_NOT_SUPPORTED;
			out->chunked = true;
		}
	}
	return out->has_length && out->chunked ? ERR_PROTOCOL : 0;
}

const struct http_field *http_field_find(const struct http_request_head *head, const char *name)
{
	for (size_t i = 0; i < head->num_fields; i++) {
		if (span_equals_nocase(head->fields[i].name, name))
			return &head->fields[i];
	}
	return NULL;
}
