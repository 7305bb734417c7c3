// SPDX-License-Identifier: MIT
#include "libs/ext4/acl.h"

#define CALL_VERSION 2u
#define DISK_VERSION 1u
#define NO_ID 0xffffffffu

enum acl_tag {
	ACL_USER_OBJ = 0x01,
	ACL_USER = 0x02,
	ACL_GROUP_OBJ = 0x04,
	ACL_GROUP = 0x08,
	ACL_MASK = 0x10,
	ACL_OTHER = 0x20,
};

static bool is_tag(uint32_t tag)
{
	return tag != 0 && tag <= ACL_OTHER && (tag & (tag - 1)) == 0;
}

static bool has_id(uint32_t tag)
{
	return tag == ACL_USER || tag == ACL_GROUP;
}

static bool finish(const struct reader *r, const struct writer *w, struct mut_span *out)
{
	out->len = w->len;
	return reader_status(r) == 0 && writer_status(w) == 0;
}

bool acl_to_disk(struct span acl, struct mut_span *out)
{
	struct reader r = reader_make(acl.data, acl.len);
	struct writer w = writer_make(out->data, out->len);

	if (reader_le32(&r) != CALL_VERSION)
		return false;
	writer_le32(&w, DISK_VERSION);
	while (r.rest.len > 0 && !r.bad && !w.bad) {
		uint16_t tag = reader_le16(&r), permissions = reader_le16(&r);
		uint32_t id = reader_le32(&r);

		if (!is_tag(tag) || permissions > 7)
			return false;
		writer_le16(&w, tag);
		writer_le16(&w, permissions);
		if (has_id(tag))
			writer_le32(&w, id);
	}
	return finish(&r, &w, out);
}

bool acl_from_disk(struct span acl, struct mut_span *out)
{
	struct reader r = reader_make(acl.data, acl.len);
	struct writer w = writer_make(out->data, out->len);

	if (reader_le32(&r) != DISK_VERSION)
		return false;
	writer_le32(&w, CALL_VERSION);
	while (r.rest.len > 0 && !r.bad && !w.bad) {
		uint16_t tag = reader_le16(&r), permissions = reader_le16(&r);

		if (!is_tag(tag))
			return false;
		writer_le16(&w, tag);
		writer_le16(&w, permissions);
		writer_le32(&w, has_id(tag) ? reader_le32(&r) : NO_ID);
	}
	return finish(&r, &w, out);
}
