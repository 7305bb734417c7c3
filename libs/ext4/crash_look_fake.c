// SPDX-License-Identifier: MIT
//
// What a tree of files is like, as one number.
#include <stdlib.h>
#include <string.h>

#include "libs/ext4/crash_files_fake.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/internal.h"

struct look {
	struct device_fake *disk;
	struct update *u;
	uint64_t digest;
	uint32_t depth;
};

#define NAMES_MAX 64u

// The names of a folder.
struct listing {
	uint32_t count;
	struct {
		uint8_t bytes[EXT4_NAME_MAX];
		size_t len;
	} names[NAMES_MAX];
};

static void add(struct look *look, uint32_t hash, const void *bytes, size_t len)
{
	look->digest += (uint64_t)crc32c(hash, bytes, len) * 0x9e3779b97f4a7c15u;
}

static int look_at_data(struct look *look, uint32_t hash, const struct ext4_attr *attr)
{
	uint32_t end = (uint32_t)((attr->size + 4095) / 4096);
	struct ext4_run run;
	int status = 0;

	for (uint32_t block = 0; block < end && status == 0; block += run.count) {
		status = ext4_map(look->u, attr->node, block, end - block, &run);
		if (status != 0)
			break;
		for (uint32_t i = 0; i < run.count && run.disk != 0 && !run.unwritten; i++)
			add(look, crc32c(hash, &(uint32_t){ block + i }, 4),
			    look->disk->bytes + (run.disk + i) * EXT4_BLOCK_SIZE, EXT4_BLOCK_SIZE);
	}
	return status;
}

static int look_at_xattr(struct look *look, uint32_t hash, struct ext4_node node)
{
	static const char text[] = "user.test";
	struct span name = { .data = (const uint8_t *)text, .len = sizeof(text) - 1 };
	uint8_t value[4096];
	size_t len = sizeof(value);
	int status = ext4_getxattr(look->u, node, name, value, &len);

	if (status == 0)
		add(look, hash ^ 1, value, len);
	return status == UPDATE_WAIT ? status : 0;
}

static int look_at_folder(struct look *look, struct ext4_node folder, uint32_t path);

static int look_at_node(struct look *look, uint32_t hash, const struct ext4_attr *attr)
{
	uint64_t facts[6] = { attr->mode, attr->links, attr->size, attr->blocks, attr->uid };
	uint8_t target[EXT4_BLOCK_SIZE];
	size_t len;
	int status = 0;

	add(look, hash, facts, sizeof(facts));
	switch (attr->mode >> 12) {
	case 04: status = look_at_folder(look, attr->node, hash); break;
	case 010: status = look_at_data(look, hash, attr); break;
	case 012:
		status = ext4_readlink(look->u, attr->node, target, &len);
		if (status == 0)
			add(look, hash ^ 2, target, len);
		break;
	default: break;
	}
	return status != 0 ? status : look_at_xattr(look, hash, attr->node);
}

static bool entry(void *context, struct span name, uint32_t inode, uint8_t type, uint64_t next)
{
	struct listing *listing = context;

	(void)type, (void)next, (void)inode;
	if (name.data[0] == '.' || (name.len > 4 && memcmp(name.data, "lost", 4) == 0))
		return true;
	if (listing->count == NAMES_MAX)
		abort();
	memcpy(listing->names[listing->count].bytes, name.data, name.len);
	listing->names[listing->count++].len = name.len;
	return true;
}

static int look_at_folder(struct look *look, struct ext4_node folder, uint32_t path)
{
	struct listing *listing = calloc(1, sizeof(*listing));
	int status = look->depth < 40 ? 0 : -1;

	look->depth++;
	if (status == 0)
		status = ext4_readdir(look->u, folder, 0, entry, listing);
	for (uint32_t i = 0; i < listing->count && status == 0; i++) {
		struct span name = { .data = listing->names[i].bytes,
			             .len = listing->names[i].len };
		struct ext4_attr attr;

		status = ext4_lookup(look->u, folder, name, &attr);
		if (status == 0)
			status = look_at_node(look, crc32c(path, name.data, name.len), &attr);
	}
	look->depth--;
	free(listing);
	return status;
}

bool files_look(struct device_fake *disk, struct ext4 *fs, uint64_t *number, uint64_t *digest)
{
	struct ext4_node root = { .inode = EXT4_ROOT_INODE };
	struct update *u = malloc(sizeof(*u));
	struct ext4_attr attr;
	int status;

	do {
		struct look look = { .disk = disk, .u = u };

		status = update_begin(u, fs, 0);
		if (status == 0)
			status = ext4_getattr(u, root, &attr);
		if (status == 0)
			status = look_at_folder(&look, root, 0);
		update_drop(u);
		*digest = look.digest;
	} while (status == UPDATE_WAIT && device_fake_step(disk));
	*number = (uint64_t)attr.mtime.seconds;
	free(u);
	return status == 0;
}

struct orphan_list {
	struct ext4_node nodes[FILES_MAX_ORPHANS * 4];
	bool named[FILES_MAX_ORPHANS * 4];
	uint32_t count;
};

static void found(void *context, struct ext4_node node, bool named)
{
	struct orphan_list *orphans = context;

	if (orphans->count == FILES_MAX_ORPHANS * 4)
		abort();
	orphans->nodes[orphans->count] = node;
	orphans->named[orphans->count++] = named;
}

static int release_one(struct device_fake *disk, struct ext4 *fs, struct update *u,
                       struct ext4_node node, bool named)
{
	struct ext4_attr attr;
	int status;

	do {
		status = update_begin(u, fs, EXT4_CREDITS_TRUNCATE);
		if (status == 0 && named)
			status = ext4_getattr(u, node, &attr);
		if (status == 0)
			status = named ? ext4_truncate(u, node, attr.size) : ext4_release(u, node);
		if (status == 0 || status == UPDATE_MORE)
			update_commit(u, NULL);
		else
			update_drop(u);
		if (status == UPDATE_WAIT && !device_fake_step(disk))
			return -1;
	} while (status == UPDATE_WAIT || status == UPDATE_MORE);
	return status;
}

bool files_release_orphans(struct device_fake *disk, struct ext4 *fs)
{
	struct orphan_list *orphans = calloc(1, sizeof(*orphans));
	struct update *u = malloc(sizeof(*u));
	int status = 0;

	ext4_orphans(fs, found, orphans);
	for (uint32_t i = 0; i < orphans->count && status == 0; i++)
		status = release_one(disk, fs, u, orphans->nodes[i], orphans->named[i]);
	free(u);
	free(orphans);
	return status == 0;
}
