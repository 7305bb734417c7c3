// SPDX-License-Identifier: MIT
#include "guest/bootd/tar_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIZE ((uint64_t)1 << 62)

int tar_reader_init(struct tar_reader *r, tar_read_fn read, void *context)
{
	*r = (struct tar_reader){ .read = read, .context = context, .pax = malloc(TAR_PAX_MAX) };
	return r->pax != NULL ? 0 : -1;
}

void tar_reader_deinit(struct tar_reader *r)
{
	free(r->pax);
	r->pax = NULL;
}

// Reads all of it. 1; 0 at the end before its first byte; -1.
static int read_whole(struct tar_reader *r, void *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		long got = r->read(r->context, (uint8_t *)bytes + done, len - done);

		if (got < 0)
			return -1;
		if (got == 0) {
			errno = EBADMSG;
			return done == 0 ? 0 : -1;
		}
		done += (size_t)got;
	}
	return 1;
}

static int skip(struct tar_reader *r, uint64_t len)
{
	uint8_t block[TAR_BLOCK];

	while (len > 0) {
		size_t part = len < sizeof(block) ? (size_t)len : sizeof(block);

		if (read_whole(r, block, part) != 1)
			return -1;
		len -= part;
	}
	return 0;
}

long tar_content(struct tar_reader *r, void *bytes, size_t len)
{
	long got;

	if (len > r->left)
		len = (size_t)r->left;
	if (len == 0)
		return 0;
	got = r->read(r->context, bytes, len);
	if (got == 0) {
		errno = EBADMSG;
		return -1;
	}
	r->left -= got > 0 ? (uint64_t)got : 0;
	return got;
}

// --- Fields --------------------------------------------------------------------------------------

// Octal digits, or GNU's binary form. false: it is neither, or too large.
static bool get_number(const char *field, size_t size, uint64_t *out)
{
	const uint8_t *bytes = (const uint8_t *)field;
	uint64_t value = 0;
	size_t i = 0;

	if ((bytes[0] & 0x80) != 0) {
		value = bytes[0] & 0x7f;
		for (i = 1; i < size && value < MAX_SIZE >> 8; i++)
			value = value << 8 | bytes[i];
		*out = value;
		return i == size;
	}
	while (i < size && bytes[i] == ' ')
		i++;
	for (; i < size && bytes[i] >= '0' && bytes[i] <= '7' && value < MAX_SIZE >> 3; i++)
		value = value << 3 | (uint64_t)(bytes[i] - '0');
	*out = value;
	return i == size || bytes[i] == '\0' || bytes[i] == ' ';
}

// The same, or GNU's form of a negative number, as times before 1970 have it.
static bool get_signed(const char *field, size_t size, int64_t *out)
{
	const uint8_t *bytes = (const uint8_t *)field;
	int64_t value = -1;
	uint64_t positive;
	size_t i;

	if ((bytes[0] & 0xc0) != 0xc0) {
		if (!get_number(field, size, &positive))
			return false;
		*out = (int64_t)positive;
		return true;
	}
	for (i = 0; i < size && value >= -(int64_t)(MAX_SIZE >> 8); i++)
		value = value * 256 + bytes[i];
	*out = value;
	return i == size;
}

// Owners of 2^31 and more may be negative numbers.
static bool is_32_bits(int64_t number)
{
	return number >= INT32_MIN && number <= UINT32_MAX;
}

static bool get_number32(const char *field, size_t size, uint32_t *out)
{
	int64_t value;

	if (!get_signed(field, size, &value) || !is_32_bits(value))
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool check_sum(const struct tar_header *h)
{
	uint64_t wanted;
	unsigned sum = 0;

	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const uint8_t *)h)[i];
	for (size_t i = 0; i < sizeof(h->checksum); i++)
		sum = sum - (uint8_t)h->checksum[i] + ' ';
	return get_number(h->checksum, sizeof(h->checksum), &wanted) && wanted == sum;
}

static void get_name(const struct tar_header *h, char out[TAR_NAME_MAX])
{
	size_t len = 0;

	if (memcmp(h->magic, "ustar", 6) == 0 && h->prefix[0] != '\0') {
		len = strnlen(h->prefix, sizeof(h->prefix));
		memcpy(out, h->prefix, len);
		out[len++] = '/';
	}
	memcpy(out + len, h->name, sizeof(h->name));
	out[len + sizeof(h->name)] = '\0';
}

static bool get_header(const struct tar_header *h, struct tar_entry *out)
{
	*out = (struct tar_entry){ .type = h->type };
	if (h->type == '\0' || h->type == TAR_CONTIGUOUS)
		out->type = TAR_FILE;
	get_name(h, out->name);
	memcpy(out->link, h->link, sizeof(h->link));
	out->link[sizeof(h->link)] = '\0';
	if (!get_number(h->size, sizeof(h->size), &out->size) ||
	    !get_signed(h->mtime, sizeof(h->mtime), &out->mtime) ||
	    !get_number32(h->mode, sizeof(h->mode), &out->mode) ||
	    !get_number32(h->uid, sizeof(h->uid), &out->uid) ||
	    !get_number32(h->gid, sizeof(h->gid), &out->gid))
		return false;
	if (out->type == TAR_CHAR || out->type == TAR_BLOCK_DEVICE)
		return get_number32(h->major, sizeof(h->major), &out->major) &&
			get_number32(h->minor, sizeof(h->minor), &out->minor);
	return true;
}

// --- What comes before an entry ------------------------------------------------------------------

struct extras {
	size_t pax_len;
	size_t name_len;  // of GNU's long ones; 0: none
	size_t link_len;
	char name[TAR_NAME_MAX];
	char link[TAR_NAME_MAX];
};

static int take_extra(struct tar_reader *r, const struct tar_entry *entry, struct extras *extras)
{
	uint64_t rest = (TAR_BLOCK - entry->size % TAR_BLOCK) % TAR_BLOCK;
	bool is_name = entry->type == TAR_GNU_LONG_NAME;
	char *text = is_name ? extras->name : extras->link;
	int got;

	if (entry->type == TAR_PAX_GLOBAL)
		return entry->size < MAX_SIZE ? skip(r, entry->size + rest) : -1;
	if (entry->type == TAR_PAX) {
		if (entry->size == 0 || entry->size > TAR_PAX_MAX - 1)
			return -1;
		extras->pax_len = (size_t)entry->size;
		got = read_whole(r, r->pax, extras->pax_len);
	} else {
		if (entry->size == 0 || entry->size > TAR_NAME_MAX)
			return -1;
		got = read_whole(r, text, (size_t)entry->size);
		*(is_name ? &extras->name_len : &extras->link_len) = (size_t)entry->size;
		text[entry->size - 1] = '\0';
	}
	return got == 1 ? skip(r, rest) : -1;
}

static bool parse_decimal(const uint8_t *text, size_t len, uint64_t *out)
{
	uint64_t value = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		// Fractions of a second.
		if (text[i] == '.' && i > 0)
			break;
		if (text[i] < '0' || text[i] > '9' || value >= MAX_SIZE / 10)
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*out = value;
	return true;
}

// With a sign before it, or none.
static bool parse_signed(const uint8_t *text, size_t len, int64_t *out)
{
	bool negative = len > 0 && text[0] == '-';
	uint64_t value;

	if (!parse_decimal(text + negative, len - negative, &value))
		return false;
	*out = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static bool take_text(char out[TAR_NAME_MAX], const uint8_t *value, size_t len)
{
	if (len == 0 || len >= TAR_NAME_MAX || memchr(value, '\0', len) != NULL)
		return false;
	memcpy(out, value, len);
	out[len] = '\0';
	return true;
}

// Puts an attribute to those of the entry, in place of the record, which is at least as long.
static void take_xattr(struct tar_entry *out, uint8_t *to, const uint8_t *key, size_t key_len,
                       const uint8_t *value, size_t value_len)
{
	uint32_t len = (uint32_t)value_len;

	memmove(to, key, key_len);
	to[key_len] = '\0';
	memmove(to + key_len + 1 + sizeof(len), value, value_len);
	memcpy(to + key_len + 1, &len, sizeof(len));
	out->xattrs_len += key_len + 1 + sizeof(len) + value_len;
}

static bool take_record(struct tar_entry *out, uint8_t *record, size_t key_len,
                        const uint8_t *value, size_t len)
{
	static const size_t prefix = sizeof(TAR_XATTR_PREFIX) - 1;
	const char *key = (const char *)record;
	int64_t number;

	if (memchr(key, '\0', key_len) != NULL)
		return false;
	if (key_len > prefix && memcmp(key, TAR_XATTR_PREFIX, prefix) == 0) {
		take_xattr(out, out->xattrs + out->xattrs_len, record + prefix, key_len - prefix,
		           value, len);
		return true;
	}
	// An empty record says nothing: what the header has is good.
	if (len == 0)
		return true;
	if (key_len == 4 && memcmp(key, "path", 4) == 0)
		return take_text(out->name, value, len);
	if (key_len == 8 && memcmp(key, "linkpath", 8) == 0)
		return take_text(out->link, value, len);
	if (key_len == 5 && memcmp(key, "mtime", 5) == 0) {
		// What is no number: as the header has it.
		if (parse_signed(value, len, &number))
			out->mtime = number;
		return true;
	}
	if (key_len == 4 && memcmp(key, "size", 4) == 0)
		return parse_decimal(value, len, &out->size);
	if (key_len == 3 && (memcmp(key, "uid", 3) == 0 || memcmp(key, "gid", 3) == 0)) {
		if (!parse_signed(value, len, &number) || !is_32_bits(number))
			return false;
		*(key[0] == 'u' ? &out->uid : &out->gid) = (uint32_t)number;
	}
	// Sparse files of GNU's have another content than what follows.
	return key_len < 11 || memcmp(key, "GNU.sparse.", 11) != 0;
}

// Records are "LENGTH KEY=VALUE\n".
static bool take_pax(struct tar_reader *r, size_t pax_len, struct tar_entry *out)
{
	out->xattrs = r->pax;
	for (size_t at = 0; at < pax_len;) {
		uint8_t *record = r->pax + at;
		uint64_t len = 0;
		size_t left = pax_len - at, i = 0;
		uint8_t *equals;

		while (i < left && i < 8 && record[i] >= '0' && record[i] <= '9')
			len = len * 10 + (uint64_t)(record[i++] - '0');
		if (i == 0 || i >= left || record[i] != ' ' || len > left || len < i + 3 ||
		    record[len - 1] != '\n')
			return false;
		i++;
		equals = memchr(record + i, '=', (size_t)len - i);
		if (equals == NULL ||
		    !take_record(out, record + i, (size_t)(equals - record) - i, equals + 1,
		                 (size_t)(record + len - 1 - (equals + 1))))
			return false;
		at += (size_t)len;
	}
	return true;
}

static bool is_extra(char type)
{
	return type == TAR_PAX || type == TAR_PAX_GLOBAL || type == TAR_GNU_LONG_NAME ||
		type == TAR_GNU_LONG_LINK;
}

static bool is_end(const struct tar_header *h)
{
	for (size_t i = 0; i < sizeof(*h); i++) {
		if (((const uint8_t *)h)[i] != 0)
			return false;
	}
	return true;
}

// What came before it goes over what its own header says.
static int finish(struct tar_reader *r, const struct extras *extras, struct tar_entry *out)
{
	if (extras->name_len > 0)
		memcpy(out->name, extras->name, sizeof(out->name));
	if (extras->link_len > 0)
		memcpy(out->link, extras->link, sizeof(out->link));
	if ((extras->pax_len > 0 && !take_pax(r, extras->pax_len, out)) || out->size > MAX_SIZE ||
	    out->name[0] == '\0')
		return -1;
	// A hard link's size may be that of the file.
	if (out->type != TAR_FILE)
		out->size = out->type >= '1' && out->type <= '6' ? 0 : out->size;
	r->left = out->size;
	r->padding = (TAR_BLOCK - out->size % TAR_BLOCK) % TAR_BLOCK;
	return 1;
}

int tar_next(struct tar_reader *r, struct tar_entry *out)
{
	static struct extras extras;
	struct tar_header h;
	int got;

	memset(&extras, 0, sizeof(extras));
	if (skip(r, r->left) != 0 || skip(r, r->padding) != 0)
		return -1;
	r->left = r->padding = 0;
	for (;;) {
		got = read_whole(r, &h, sizeof(h));
		// Some archives end without the two blocks of zeroes.
		if (got != 1)
			return got;
		if (is_end(&h))
			return 0;
		errno = EBADMSG;
		if (!check_sum(&h) || !get_header(&h, out))
			return -1;
		if (!is_extra(out->type))
			break;
		if (take_extra(r, out, &extras) != 0)
			return -1;
	}
	return finish(r, &extras, out);
}
