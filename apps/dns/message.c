// SPDX-License-Identifier: MIT
#include "apps/dns/message.h"

#include "libs/base/string.h"

#define HEADER_LEN 12u
#define LABEL_MAX 63u
#define CLASS_IN 1u

#define FLAG_RESPONSE 0x8000u
#define FLAG_TRUNCATED 0x0200u
#define FLAG_RECURSION_DESIRED 0x0100u
#define FLAG_RECURSION_AVAILABLE 0x0080u
#define OPCODE_MASK 0x7800u

// --- Reading -------------------------------------------------------------------------------------

static bool is_host_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static uint8_t small(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

// A question's name has no pointers: there is nothing before it.
static bool read_name(struct reader *r, char out[DNS_NAME_MAX + 1])
{
	size_t used = 0, wire = 0;
	bool odd = false;

	for (;;) {
		uint8_t len = reader_u8(r);
		struct span label = reader_bytes(r, len);

		wire += len + 1u;
		if (reader_status(r) < 0 || len > LABEL_MAX || wire > DNS_NAME_MAX)
			return false;
		if (len == 0)
			break;
		if (used > 0)
			out[used++] = '.';
		for (size_t i = 0; i < len; i++) {
			out[used] = (char)small(label.data[i]);
			odd = odd || !is_host_byte((uint8_t)out[used++]);
		}
	}
	out[odd ? 0 : used] = '\0';
	return true;
}

bool dns_read_query(struct span bytes, struct dns_query *out, enum dns_rcode *rcode)
{
	struct reader r = reader_make(bytes.data, bytes.len);
	uint32_t questions;

	memset(out, 0, sizeof(*out));
	out->id = reader_be16(&r);
	out->flags = reader_be16(&r);
	questions = reader_be16(&r);
	reader_skip(&r, 6);
	if (reader_status(&r) < 0 || (out->flags & FLAG_RESPONSE) != 0)
		return false;
	*rcode = DNS_FORMAT_ERROR;
	if ((out->flags & OPCODE_MASK) != 0)
		*rcode = DNS_NOT_IMPLEMENTED;
	else if (questions == 1 && read_name(&r, out->name)) {
		out->type = reader_be16(&r);
		out->class = reader_be16(&r);
		if (reader_status(&r) == 0)
			*rcode = DNS_NO_ERROR;
	}
	out->question_len = bytes.len - HEADER_LEN - r.rest.len;
	return true;
}

bool dns_is_of_hosts(const struct dns_query *query)
{
	return query->class == CLASS_IN && query->name[0] != '\0';
}

bool dns_reverse_address(const struct dns_query *query, uint8_t out[4])
{
	static const char suffix[] = "in-addr.arpa";
	const char *p = query->name;

	for (unsigned i = 4; i-- > 0;) {
		unsigned value = 0, digits = 0;

		for (; *p >= '0' && *p <= '9' && digits < 3; p++, digits++)
			value = value * 10 + (unsigned)(*p - '0');
		if (digits == 0 || value > 255 || *p++ != '.')
			return false;
		out[i] = (uint8_t)value;
	}
	return strcmp(p, suffix) == 0;
}

// --- Writing -------------------------------------------------------------------------------------

static struct writer begin(struct span bytes, const struct dns_query *query, uint32_t flags,
                           bool with_question, size_t answers, uint8_t *out)
{
	struct writer w = writer_make(out, DNS_ANSWER_BYTES);

	writer_be16(&w, query->id);
	writer_be16(&w,
	            (uint16_t)(FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE | flags |
	                       (query->flags & (OPCODE_MASK | FLAG_RECURSION_DESIRED))));
	writer_be16(&w, with_question ? 1 : 0);
	writer_be16(&w, (uint16_t)answers);
	writer_be32(&w, 0);
	if (with_question)
		writer_bytes(&w, bytes.data + HEADER_LEN, query->question_len);
	return w;
}

// The name is the question's, which stands behind the header.
static void write_answer_head(struct writer *w, enum dns_type type, size_t len)
{
	writer_be16(w, 0xc000u | HEADER_LEN);
	writer_be16(w, (uint16_t)type);
	writer_be16(w, CLASS_IN);
	writer_be32(w, DNS_TTL);
	writer_be16(w, (uint16_t)len);
}

size_t dns_write_error(struct span bytes, const struct dns_query *query, enum dns_rcode rcode,
                       uint8_t *out)
{
	bool with_question = rcode != DNS_FORMAT_ERROR && rcode != DNS_NOT_IMPLEMENTED;

	return begin(bytes, query, (uint32_t)rcode, with_question, 0, out).len;
}

size_t dns_write_addresses(struct span bytes, const struct dns_query *query,
                           const uint8_t (*addresses)[4], size_t count, uint8_t *out)
{
	struct writer w = begin(bytes, query, 0, true, count, out);

	for (size_t i = 0; i < count; i++) {
		write_answer_head(&w, DNS_A, 4);
		writer_bytes(&w, addresses[i], 4);
	}
	return writer_status(&w) == 0 ? w.len : 0;
}

static void write_name(struct writer *w, const char *name)
{
	while (*name != '\0') {
		const char *dot = strchr(name, '.');
		size_t len = dot != NULL ? (size_t)(dot - name) : strlen(name);

		writer_u8(w, (uint8_t)(len <= LABEL_MAX ? len : LABEL_MAX));
		writer_bytes(w, name, len <= LABEL_MAX ? len : LABEL_MAX);
		name += len + (dot != NULL ? 1 : 0);
	}
	writer_u8(w, 0);
}

size_t dns_write_name(struct span bytes, const struct dns_query *query, const char *name,
                      uint8_t *out)
{
	uint8_t text[DNS_NAME_MAX + 1];
	struct writer w, written = writer_make(text, sizeof(text));

	write_name(&written, name);
	if (writer_status(&written) < 0)
		return dns_write_error(bytes, query, DNS_SERVER_FAILURE, out);
	w = begin(bytes, query, 0, true, 1, out);
	write_answer_head(&w, DNS_PTR, written.len);
	writer_bytes(&w, text, written.len);
	return writer_status(&w) == 0 ? w.len : 0;
}

size_t dns_write_truncated(struct span bytes, const struct dns_query *query, uint8_t *out)
{
	return begin(bytes, query, FLAG_TRUNCATED, true, 0, out).len;
}
