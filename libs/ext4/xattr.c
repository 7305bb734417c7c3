// SPDX-License-Identifier: MIT
//
// Attributes are in the inode behind its fields, and in one block, which inodes may share. A change
// lists what a place has, changes the list, and writes the place anew.
#include "libs/ext4/xattr.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/acl.h"
#include "libs/ext4/allocator.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/kind.h"
#include "libs/ext4/xattr_list.h"

#define XATTR_MAX_REFS 1024u
#define BODY_FIRST 4u  // a magic number, then entries
#define BLOCK_FIRST ((uint32_t)sizeof(struct disk_xattr_header))

struct prefix {
	uint8_t index;
	bool whole;  // it is the whole name
	const char *text;
};

static const struct prefix prefixes[] = {
	{ 1, false, "user." },
	{ XATTR_ACL_ACCESS, true, "system.posix_acl_access" },
	{ XATTR_ACL_DEFAULT, true, "system.posix_acl_default" },
	{ 4, false, "trusted." },
	{ 6, false, "security." },
};

#define NUM_PREFIXES (sizeof(prefixes) / sizeof(prefixes[0]))

// Splits a name. -LINUX_EOPNOTSUPP, -LINUX_ERANGE (too long).
static int split(struct span name, uint8_t *index, struct span *rest)
{
	for (size_t i = 0; i < NUM_PREFIXES; i++) {
		*rest = name;
		if (!span_take_prefix(rest, prefixes[i].text))
			continue;
		if ((rest->len == 0) != prefixes[i].whole)
			continue;
		if (name.len > EXT4_NAME_MAX)
			return -LINUX_ERANGE;
		*index = prefixes[i].index;
		return memchr(rest->data, '\0', rest->len) == NULL ? 0 : -LINUX_EINVAL;
	}
	return -LINUX_EOPNOTSUPP;
}

static const struct prefix *prefix_of(uint8_t index)
{
	for (size_t i = 0; i < NUM_PREFIXES; i++)
		if (prefixes[i].index == index)
			return &prefixes[i];
	return NULL;
}

static int not_sound(struct update *u, const struct inode *inode)
{
	return damaged(u->fs, "the attributes of inode %u are not sound", inode->number);
}

// What is in the inode. Offsets of values there are from the first entry, so that is where the
// place begins.
static int list_body(struct update *u, const struct inode *inode, struct xattr_list *out)
{
	struct span place = { inode->raw.xattrs + BODY_FIRST,
		              sizeof(inode->raw.xattrs) - BODY_FIRST };
	uint32_t magic;

	memcpy(&magic, inode->raw.xattrs, sizeof(magic));
	out->count = 0;
	if (magic != XATTR_MAGIC)
		return 0;
	return xattr_decode(place, 0, out) ? 0 : not_sound(u, inode);
}

static uint32_t block_checksum(const struct ext4 *fs, uint64_t block, const uint8_t *bytes)
{
	const size_t at = offsetof(struct disk_xattr_header, checksum);
	const uint32_t zero = 0;
	uint32_t sum = crc32c(crc32c(fs->super.seed, &block, sizeof(block)), bytes, at);

	sum = crc32c(sum, &zero, sizeof(zero));
	return crc32c(sum, bytes + at + 4, EXT4_BLOCK_SIZE - at - 4);
}

static int read_block(struct update *u, const struct inode *inode, const uint8_t **bytes)
{
	uint64_t block = inode_xattr_block(inode);
	const struct disk_xattr_header *h;
	int status;

	if (!super_is_files(u->fs, block, 1))
		return not_sound(u, inode);
	status = update_read(u, block, bytes);
	if (status != 0 || *block_kind(*bytes) == KIND_XATTRS)
		return status;
	h = (const void *)*bytes;
	if (h->magic != XATTR_MAGIC || h->blocks != 1 || h->refs == 0 || h->refs > XATTR_MAX_REFS ||
	    h->checksum != block_checksum(u->fs, block, *bytes))
		return not_sound(u, inode);
	*block_kind(*bytes) = KIND_XATTRS;
	return 0;
}

static int list_block(struct update *u, const struct inode *inode, struct xattr_list *out)
{
	const uint8_t *bytes;
	int status;

	out->count = 0;
	if (inode_xattr_block(inode) == 0)
		return 0;
	status = read_block(u, inode, &bytes);
	if (status != 0)
		return status;
	return xattr_decode((struct span){ bytes, EXT4_BLOCK_SIZE }, BLOCK_FIRST, out)
		? 0
		: not_sound(u, inode);
}

// Stores a value for the caller: see ext4_getxattr.
static int give(struct span value, uint8_t *out, size_t *len)
{
	size_t room = *len;

	*len = value.len;
	if (room == 0)
		return 0;
	if (room < value.len)
		return -LINUX_ERANGE;
	memcpy(out, value.data, value.len);
	return 0;
}

int ext4_getxattr(struct update *u, struct ext4_node node, struct span name, uint8_t *out,
                  size_t *len)
{
	uint8_t index, acl[ACL_MAX_SIZE];
	struct xattr_list list;
	struct inode inode;
	struct span rest, value;
	uint32_t at = 0;
	int status = split(name, &index, &rest);

	if (status == 0)
		status = inode_load_node(u, node, &inode);
	if (status == 0)
		status = list_body(u, &inode, &list);
	if (status == 0 && (at = xattr_search(&list, index, rest)) == list.count) {
		status = list_block(u, &inode, &list);
		at = xattr_search(&list, index, rest);
	}
	if (status == 0 && at == list.count)
		status = -LINUX_ENODATA;
	if (status != 0)
		return status;
	value = list.items[at].value;
	if (index == XATTR_ACL_ACCESS || index == XATTR_ACL_DEFAULT) {
		struct mut_span to = { acl, sizeof(acl) };

		if (!acl_from_disk(value, &to))
			return not_sound(u, &inode);
		value = (struct span){ to.data, to.len };
	}
	return give(value, out, len);
}

// Appends the names of a list; goes on counting where there is no room.
static void append_names(const struct xattr_list *list, uint8_t *out, size_t room, size_t *len)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct prefix *prefix = prefix_of(list->items[i].index);
		struct span name = list->items[i].name;
		size_t prefix_len;

		if (prefix == NULL)
			continue;
		prefix_len = strlen(prefix->text);
		if (range_within(*len, prefix_len + name.len + 1, room)) {
			memcpy(out + *len, prefix->text, prefix_len);
			memcpy(out + *len + prefix_len, name.data, name.len);
			out[*len + prefix_len + name.len] = '\0';
		}
		*len += prefix_len + name.len + 1;
	}
}

int ext4_listxattr(struct update *u, struct ext4_node node, uint8_t *out, size_t *len)
{
	size_t room = *len;
	struct xattr_list list;
	struct inode inode;
	int status = inode_load_node(u, node, &inode);

	*len = 0;
	if (status == 0)
		status = list_body(u, &inode, &list);
	if (status != 0)
		return status;
	append_names(&list, out, room, len);
	status = list_block(u, &inode, &list);
	if (status != 0)
		return status;
	append_names(&list, out, room, len);
	return room > 0 && *len > room ? -LINUX_ERANGE : 0;
}

// --- Changes ---

static void set_block(struct inode *inode, uint64_t block)
{
	inode->raw.xattr_block_lo = (uint32_t)block;
	inode->raw.xattr_block_hi = (uint16_t)(block >> 32);
}

int xattr_release(struct update *u, struct inode *inode)
{
	uint64_t block = inode_xattr_block(inode);
	struct disk_xattr_header *h;
	const uint8_t *old;
	uint8_t *bytes;
	int status;

	if (block == 0)
		return 0;
	status = read_block(u, inode, &old);
	if (status != 0)
		return status;
	set_block(inode, 0);
	inode_add_blocks(inode, -1);
	if (((const struct disk_xattr_header *)(const void *)old)->refs == 1)
		return blocks_free(u, block, 1, true);
	status = update_write(u, block, &bytes);
	if (status != 0)
		return status;
	h = (void *)bytes;
	h->refs--;
	h->checksum = block_checksum(u->fs, block, bytes);
	return 0;
}

static void store_body(struct inode *inode, const struct xattr_list *list)
{
	uint8_t bytes[sizeof(inode->raw.xattrs)] = { 0 };
	struct mut_span place = { bytes + BODY_FIRST, sizeof(bytes) - BODY_FIRST };
	const uint32_t magic = XATTR_MAGIC;

	if (list->count > 0) {
		memcpy(bytes, &magic, sizeof(magic));
		xattr_encode(list, place, 0);
	}
	memcpy(inode->raw.xattrs, bytes, sizeof(bytes));
}

// The inode's own block of attributes, to be changed: another one when it is shared, or missing.
static int own_block(struct update *u, struct inode *inode, uint8_t **bytes)
{
	uint64_t block = inode_xattr_block(inode), goal;
	const uint8_t *old;
	int status = 0;

	if (block != 0) {
		status = read_block(u, inode, &old);
		if (status != 0)
			return status;
		if (((const struct disk_xattr_header *)(const void *)old)->refs == 1)
			return update_write(u, block, bytes);
		status = xattr_release(u, inode);
	}
	goal = (uint64_t)((inode->number - 1) / u->fs->super.inodes_per_group) *
		u->fs->super.blocks_per_group;
	if (status == 0)
		status = blocks_take_one(u, goal, &block);
	if (status == 0)
		status = update_new(u, block, bytes);
	if (status != 0)
		return status;
	set_block(inode, block);
	inode_add_blocks(inode, 1);
	return 0;
}

// `list` may have spans in the block that is written.
static int store_block(struct update *u, struct inode *inode, const struct xattr_list *list)
{
	uint8_t *bytes, *made = (uint8_t *)u->fs->super.scratch + SCRATCH_SIZE - EXT4_BLOCK_SIZE;
	struct disk_xattr_header *h = (void *)made;
	struct mut_span place = { made, EXT4_BLOCK_SIZE };
	int status;

	if (list->count == 0)
		return xattr_release(u, inode);
	memset(made, 0, EXT4_BLOCK_SIZE);
	h->hash = xattr_encode(list, place, BLOCK_FIRST);
	h->magic = XATTR_MAGIC;
	h->refs = 1;
	h->blocks = 1;
	status = own_block(u, inode, &bytes);
	if (status != 0)
		return status;
	memcpy(bytes, made, EXT4_BLOCK_SIZE);
	h = (void *)bytes;
	h->checksum = block_checksum(u->fs, inode_xattr_block(inode), bytes);
	*block_kind(bytes) = KIND_XATTRS;
	return 0;
}

struct places {
	struct inode inode;
	struct xattr_list body, block;
	uint32_t in_body, in_block;  // the item; the list's count: it is not there
	uint8_t index;
	struct span name;
};

static int find_places(struct update *u, struct ext4_node node, struct span name, struct places *p)
{
	int status = split(name, &p->index, &p->name);

	if (status == 0)
		status = inode_load_node(u, node, &p->inode);
	if (status == 0)
		status = list_body(u, &p->inode, &p->body);
	if (status == 0)
		status = list_block(u, &p->inode, &p->block);
	if (status != 0)
		return status;
	p->in_body = xattr_search(&p->body, p->index, p->name);
	p->in_block = xattr_search(&p->block, p->index, p->name);
	return 0;
}

// Takes the attribute out of the lists; true of those it was in.
static void erase(struct places *p, bool *body, bool *block)
{
	*body = p->in_body < p->body.count;
	*block = p->in_block < p->block.count;
	if (*body)
		xattr_erase(&p->body, p->in_body);
	if (*block)
		xattr_erase(&p->block, p->in_block);
}

static int store_places(struct update *u, struct places *p, bool body, bool block)
{
	int status = 0;

	// The block first: its items may be values that are in the inode until then.
	if (block)
		status = store_block(u, &p->inode, &p->block);
	if (status != 0)
		return status;
	if (body)
		store_body(&p->inode, &p->body);
	inode_set_ctime(&p->inode, u->fs->now);
	return inode_store(u, &p->inode);
}

// Puts the item into the list if the place has room for all of them.
static bool fits(struct xattr_list *list, struct xattr_item item, size_t room)
{
	if (!xattr_insert(list, item))
		return false;
	if (xattr_size(list) <= room)
		return true;
	xattr_erase(list, xattr_search(list, item.index, item.name));
	return false;
}

int ext4_setxattr(struct update *u, struct ext4_node node, struct span name, struct span value,
                  uint32_t flags)
{
	uint8_t acl[ACL_MAX_SIZE];
	struct mut_span to = { acl, sizeof(acl) };
	bool body, block;
	struct places p;
	int status = find_places(u, node, name, &p);

	if (status != 0)
		return status;
	if (p.index == XATTR_ACL_ACCESS || p.index == XATTR_ACL_DEFAULT) {
		if (!acl_to_disk(value, &to))
			return -LINUX_EINVAL;
		value = (struct span){ to.data, to.len };
	}
	erase(&p, &body, &block);
	if ((flags & EXT4_XATTR_CREATE) != 0 && (body || block))
		return -LINUX_EEXIST;
	if ((flags & EXT4_XATTR_REPLACE) != 0 && !body && !block)
		return -LINUX_ENODATA;
	if (fits(&p.body, (struct xattr_item){ p.index, p.name, value },
	         sizeof(p.inode.raw.xattrs) - BODY_FIRST))
		body = true;
	else if (fits(&p.block, (struct xattr_item){ p.index, p.name, value },
	              EXT4_BLOCK_SIZE - BLOCK_FIRST))
		block = true;
	else
		return -LINUX_ENOSPC;
	return store_places(u, &p, body, block);
}

int ext4_removexattr(struct update *u, struct ext4_node node, struct span name)
{
	bool body, block;
	struct places p;
	int status = find_places(u, node, name, &p);

	if (status != 0)
		return status;
	erase(&p, &body, &block);
	if (!body && !block)
		return -LINUX_ENODATA;
	return store_places(u, &p, body, block);
}
