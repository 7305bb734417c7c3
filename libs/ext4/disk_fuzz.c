// SPDX-License-Identifier: MIT
//
// A disk of a hostile hand: the input edits the structures of a file system, whose checksums fit
// or do not, and does operations on what it finds. Whatever the disk says, an operation ends with
// an error or without.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/abi/linux_error.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/device_fake.h"
#include "libs/ext4/extent.h"
#include "libs/ext4/format.h"
#include "libs/ext4/fsck_fake.h"
#include "libs/ext4/group.h"
#include "libs/ext4/internal.h"

#define NUM_BLOCKS 2560u
#define DISK_SIZE ((size_t)NUM_BLOCKS * EXT4_BLOCK_SIZE)
#define NUM_INODES 128u
#define MAX_PLACES 64u
#define MAX_STEPS 100000u

enum place_kind { PLACE_PLAIN, PLACE_LEAF, PLACE_ROOT, PLACE_EXTENTS, PLACE_XATTRS };

struct place {
	uint64_t block;
	enum place_kind kind;
	uint32_t inode;
};

static uint8_t *sound, *bytes;  // the disk, and the same, edited and used
static bool changed[NUM_BLOCKS];
static struct place places[MAX_PLACES];
static uint32_t num_places, table, seed_of_disk;
static struct device_fake *disk;
static struct ext4 *fs;
static struct update u;

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void begin(uint32_t credits)
{
	int status;

	while ((status = update_begin(&u, fs, credits)) == UPDATE_WAIT)
		must(device_fake_step(disk));
	if (status != 0)
		u.fs = NULL;
}

static bool again(int status, uint32_t *steps)
{
	must(++*steps < MAX_STEPS);
	if (u.fs == NULL)
		return false;
	if (status == 0 || status == UPDATE_MORE) {
		update_commit(&u, NULL);
		return status == UPDATE_MORE;
	}
	update_drop(&u);
	if (status == UPDATE_WAIT)
		must(device_fake_step(disk));
	return status == UPDATE_WAIT;
}

#define RUN(credits, call)                                              \
	({                                                              \
		uint32_t steps_ = 0;                                    \
		int status_;                                            \
		do {                                                    \
			begin(credits);                                 \
			status_ = u.fs == NULL ? -LINUX_EROFS : (call); \
		} while (again(status_, &steps_));                      \
		status_;                                                \
	})

static int mount_disk(void)
{
	struct ext4_options options = { .device = &disk->device, .cache_blocks = EXT4_CACHE_MIN };
	char why[200];

	return ext4_mount(&options, &fs, why, sizeof(why));
}

static struct span name_of(uint32_t i)
{
	static char name[128];
	int len = snprintf(name, sizeof(name),
	                   i % 2 == 0 ? "%u" : "%u-a-name-that-fills-a-block-%064u", i, i);

	return (struct span){ (const uint8_t *)name, (size_t)len };
}

static void extend(struct ext4_node node, uint32_t block)
{
	struct ext4_reservation r;

	if (RUN(0, ext4_reserve(&u, node, block, 2, &r)) != 0)
		return;
	if (RUN(EXT4_CREDITS_EXTEND, ext4_extend(&u, node, block, &r, 1, block % 3 == 0, 1)) == 0)
		ext4_reservation_used(fs, &r, 1);
	if (r.count > 0)
		ext4_unreserve(fs, &r);
}

static void note(uint64_t block, enum place_kind kind, uint32_t inode)
{
	must(num_places < MAX_PLACES);
	places[num_places++] = (struct place){ block, kind, inode };
}

static struct inode get_inode(uint32_t number)
{
	struct inode inode;

	must(RUN(0, inode_load_raw(&u, number, &inode)) == 0);
	return inode;
}

static void note_dir(uint32_t number)
{
	struct inode inode = get_inode(number);
	uint32_t count = (uint32_t)(inode_size(&inode) / EXT4_BLOCK_SIZE);

	for (uint32_t n = 0; n < count; n++) {
		uint64_t block;

		must(RUN(0, extent_block(&u, &inode, n, &block)) == 0);
		note(block, n == 0 && count > 1 ? PLACE_ROOT : PLACE_LEAF, number);
	}
}

static void note_all(uint32_t dir, uint32_t deep, uint32_t attributed)
{
	struct inode inode;
	struct group g;

	must(RUN(0, group_load(&u, 0, &g)) == 0);
	table = (uint32_t)group_inode_table(&g);
	seed_of_disk = fs->super.seed;
	note(0, PLACE_PLAIN, 0);
	note(1, PLACE_PLAIN, 0);
	note(group_block_bitmap(&g), PLACE_PLAIN, 0);
	note(group_inode_bitmap(&g), PLACE_PLAIN, 0);
	for (uint32_t i = 0; i < NUM_INODES / INODES_PER_BLOCK; i++)
		note(table + i, PLACE_PLAIN, 0);
	note_dir(EXT4_ROOT_INODE);
	note_dir(dir);
	inode = get_inode(deep);
	note(((const struct disk_extent *)(const void *)(inode.raw.block + 12))->node_lo,
	     PLACE_EXTENTS, deep);
	inode = get_inode(attributed);
	note(inode_xattr_block(&inode), PLACE_XATTRS, attributed);
}

static struct ext4_node make(struct ext4_node dir, struct span name, uint32_t mode)
{
	const char *target =
		"a-target/that-is-so-long/that-it-needs/a-block/of-its-own/for/itself/";
	struct ext4_new what = { .mode = mode,
		                 .target = { (const uint8_t *)target, strlen(target) } };
	struct ext4_attr attr;

	must(RUN(EXT4_CREDITS_NAMES, ext4_create(&u, dir, name, &what, &attr)) == 0);
	return attr.node;
}

static void fill(void)
{
	const struct ext4_node root = { EXT4_ROOT_INODE, 0 };
	struct ext4_node dir = make(root, name_of(2), 0040755), deep, attributed;
	struct ext4_attr attr;
	uint8_t value[3000] = { 1, 2, 3 };

	for (uint32_t i = 0; i < 90; i++)
		make(dir, name_of(i), i % 9 == 0 ? 0120777 : i % 30 == 1 ? 0040755 : 0100644);
	deep = make(root, name_of(4), 0100644);
	for (uint32_t i = 0; i < 12; i++)
		extend(deep, i * 7);
	attributed = make(root, name_of(6), 0100644);
	for (uint32_t i = 0; i < 4; i++) {
		char name[] = "user.0";

		name[5] = (char)('0' + i);
		must(RUN(EXT4_CREDITS_XATTR,
		         ext4_setxattr(&u, attributed, (struct span){ (uint8_t *)name, 6 },
		                       (struct span){ value, i * 400 + 10 }, 0)) == 0);
	}
	must(RUN(EXT4_CREDITS_NAMES, ext4_unlink(&u, dir, name_of(3), &attr)) == 0);
	must(RUN(EXT4_CREDITS_NAMES, ext4_unlink(&u, dir, name_of(5), &attr)) == 0);
	note_all(dir.inode, deep.inode, attributed.inode);
}

static void make_disk(void)
{
	static const char *const mke2fs[] = {
		"mke2fs",   "-qFtext4",
		"-b4096",   "-I256",
		"-Jsize=4", "-N128",
		"-U",       "00000000-0000-4000-8000-000000000001",
		"-E",       "hash_seed=00000000-0000-4000-8000-000000000002",
		NULL
	};
	struct fsck_fake file;

	fsck_fake_init(&file, DISK_SIZE);
	must(fsck_fake_run(&file, mke2fs, 0) == 0);
	sound = malloc(DISK_SIZE);
	bytes = malloc(DISK_SIZE);
	memcpy(bytes, file.bytes, DISK_SIZE);
	fsck_fake_deinit(&file);
	disk = device_fake_lend(NUM_BLOCKS, bytes, 5);
	must(mount_disk() == 0);
	fill();
	must(ext4_unmount(fs) == 0);
	device_fake_destroy(disk);
	memcpy(sound, bytes, DISK_SIZE);
}

// --- Checksums ---

static uint8_t *block_at(uint64_t block)
{
	changed[block] = true;
	return bytes + block * EXT4_BLOCK_SIZE;
}

static struct disk_inode *inode_at(uint32_t number)
{
	uint32_t index = number - 1;

	return (void *)(block_at(table + index / INODES_PER_BLOCK) +
	                index % INODES_PER_BLOCK * INODE_SIZE);
}

static uint32_t seed_of(uint32_t number)
{
	return crc32c(crc32c(seed_of_disk, &number, 4), &inode_at(number)->generation, 4);
}

static void seal_inode(uint32_t number)
{
	struct disk_inode *inode = inode_at(number);
	uint32_t sum;

	if (inode->mode == 0)
		return;
	inode->checksum_lo = inode->checksum_hi = 0;
	sum = crc32c(seed_of(number), inode, sizeof(*inode));
	inode->checksum_lo = (uint16_t)sum;
	inode->checksum_hi = (uint16_t)(sum >> 16);
}

static void seal_place(const struct place *place)
{
	uint8_t *block = block_at(place->block);
	uint32_t at = INDEX_ROOT_AT, limit, count, zero = 0, sum;
	struct disk_xattr_header *h = (void *)block;

	switch (place->kind) {
	case PLACE_PLAIN: break;
	case PLACE_LEAF:
		sum = crc32c(seed_of(place->inode), block, EXT4_BLOCK_SIZE - DIR_TAIL_SIZE);
		memcpy(block + EXT4_BLOCK_SIZE - 4, &sum, 4);
		break;
	case PLACE_ROOT:
		limit = ((struct disk_index_entry *)(void *)(block + at))->hash & 0xffff;
		count = ((struct disk_index_entry *)(void *)(block + at))->hash >> 16;
		if (limit > 507 || count > limit)
			break;
		sum = crc32c(seed_of(place->inode), block, at + count * 8);
		sum = crc32c(crc32c(sum, block + at + limit * 8, 4), &zero, 4);
		memcpy(block + EXT4_BLOCK_SIZE - 4, &sum, 4);
		break;
	case PLACE_EXTENTS:
		sum = crc32c(seed_of(place->inode), block, EXT4_BLOCK_SIZE - 4);
		memcpy(block + EXT4_BLOCK_SIZE - 4, &sum, 4);
		break;
	case PLACE_XATTRS:
		h->checksum = 0;
		h->checksum =
			crc32c(crc32c(seed_of_disk, &place->block, 8), block, EXT4_BLOCK_SIZE);
		break;
	}
}

static void seal(void)
{
	struct disk_super *super = (void *)(block_at(0) + SUPER_OFFSET);
	struct disk_group *group = (void *)block_at(1);
	uint32_t number = 0, sum;

	for (uint32_t i = 0; i < num_places; i++)
		seal_place(&places[i]);
	for (uint32_t i = 1; i <= NUM_INODES; i++)
		seal_inode(i);
	sum = crc32c(seed_of_disk, block_at(places[2].block), super->blocks_per_group / 8 % 4097);
	group->block_bitmap_csum_lo = (uint16_t)sum;
	group->block_bitmap_csum_hi = (uint16_t)(sum >> 16);
	sum = crc32c(seed_of_disk, block_at(places[3].block), super->inodes_per_group / 8 % 4097);
	group->inode_bitmap_csum_lo = (uint16_t)sum;
	group->inode_bitmap_csum_hi = (uint16_t)(sum >> 16);
	group->checksum = 0;
	group->checksum = (uint16_t)crc32c(crc32c(seed_of_disk, &number, 4), group, sizeof(*group));
	super->checksum = crc32c(~0u, super, 1020);
}

// --- Operations ---

static bool look(void *context, struct span name, uint32_t inode, uint8_t type, uint64_t next)
{
	volatile uint8_t sum = 0;

	(void)inode;
	(void)type;
	for (size_t i = 0; i < name.len; i++)
		sum = (uint8_t)(sum + name.data[i]);
	*(uint64_t *)context = next;
	return true;
}

static void look_at(struct ext4_node node)
{
	uint8_t out[EXT4_BLOCK_SIZE];
	size_t len = sizeof(out);
	struct ext4_run run;
	uint64_t next = 0;
	uint32_t found = 0;

	RUN(0, ext4_readdir(&u, node, 0, look, &next));
	RUN(0, ext4_readdir(&u, node, next / 2, look, &next));
	RUN(0, ext4_readlink(&u, node, out, &len));
	for (uint32_t block = 0; block < 100; block += 5)
		RUN(0, ext4_map(&u, node, block, 9, &run));
	RUN(0, ext4_seek(&u, node, found, true, &found));
	found = 3;
	RUN(0, ext4_seek(&u, node, found, false, &found));
	RUN(0, (len = sizeof(out), ext4_listxattr(&u, node, out, &len)));
	RUN(0,
	    (len = sizeof(out),
	     ext4_getxattr(&u, node, (struct span){ (const uint8_t *)"user.3", 6 }, out, &len)));
}

static struct ext4_node node_at(uint8_t which)
{
	struct ext4_attr attr;
	uint32_t number = which % 3 == 0 ? EXT4_ROOT_INODE : 11u + which % 100;

	return RUN(0, ext4_node_of(&u, number, &attr)) == 0 ? attr.node
							    : (struct ext4_node){ 2, 0 };
}

static void operate(const uint8_t data[4])
{
	struct ext4_node node = node_at(data[1]), dir = node_at(data[2]);
	struct ext4_attr attr = { .mode = data[3] };
	struct ext4_new what = { .mode = data[3] % 2 == 0 ? 0040755 : 0100644 };
	struct span value = { data, data[3] % 5 };

	switch (data[0] % 14) {
	case 0:
		RUN(EXT4_CREDITS_NAMES, ext4_create(&u, dir, name_of(data[3]), &what, &attr));
		break;
	case 1: RUN(EXT4_CREDITS_NAMES, ext4_unlink(&u, dir, name_of(data[3]), &attr)); break;
	case 2: RUN(EXT4_CREDITS_NAMES, ext4_rmdir(&u, dir, name_of(data[3]), &attr)); break;
	case 3:
		RUN(EXT4_CREDITS_NAMES,
		    ext4_rename(&u, dir, name_of(data[3]), node, (struct span){ data, 1 },
		                data[0] / 64, &attr));
		break;
	case 4: RUN(EXT4_CREDITS_NAMES, ext4_link(&u, node, dir, name_of(data[3]), &attr)); break;
	case 5: RUN(EXT4_CREDITS_TRUNCATE, ext4_truncate(&u, node, data[3] * 3000ull)); break;
	case 6: RUN(EXT4_CREDITS_TRUNCATE, ext4_release(&u, node)); break;
	case 7: RUN(EXT4_CREDITS_TRUNCATE, ext4_punch(&u, node, data[3], data[2])); break;
	case 8: extend(node, data[3]); break;
	case 9: RUN(EXT4_CREDITS_EXTEND, ext4_written(&u, node, data[3], data[2], 5)); break;
	case 10:
		RUN(EXT4_CREDITS_XATTR,
		    ext4_setxattr(&u, node, (struct span){ (const uint8_t *)"user.2", 6 }, value,
		                  0));
		break;
	case 11:
		RUN(EXT4_CREDITS_XATTR,
		    ext4_removexattr(&u, node, (struct span){ (const uint8_t *)"user.3", 6 }));
		break;
	case 12: RUN(EXT4_CREDITS_NAMES, ext4_create_unnamed(&u, dir, &what, &attr)); break;
	default: RUN(1, ext4_setattr(&u, node, EXT4_SET_MODE, &attr)); break;
	}
	look_at(dir);
}

static void found_orphan(void *context, struct ext4_node node, bool named)
{
	(void)named;
	*(struct ext4_node *)context = node;
}

static void note_change(struct device_fake *fake, const struct ext4_io *io)
{
	(void)fake;
	for (uint32_t i = 0; io->write && i < io->count; i++)
		changed[io->block + i] = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t num_edits = size > 1 ? data[0] % 16 : 0;
	bool is_sealed = size > 1 && data[0] < 0xe0;
	struct ext4_node orphan = { 0, 0 };

	if (sound == NULL)
		make_disk();
	if (size < 1)
		return 0;
	// An edit: the place, how long it is, where it is there, the value.
	for (data++, size--; size >= 8 && num_edits > 0; data += 8, size -= 8, num_edits--) {
		uint32_t at = (data[2] | (uint32_t)data[3] << 8) % (EXT4_BLOCK_SIZE - 3);

		memcpy(block_at(places[data[0] % num_places].block) + at, data + 4,
		       data[1] % 4 + 1u);
	}
	if (is_sealed)
		seal();
	disk = device_fake_lend(NUM_BLOCKS, bytes, 1);
	disk->completed = note_change;
	if (mount_disk() == 0) {
		ext4_orphans(fs, found_orphan, &orphan);
		RUN(EXT4_CREDITS_TRUNCATE, ext4_release(&u, orphan));
		for (uint8_t i = 0; i < 20; i++)
			look_at(node_at(i));
		for (uint32_t i = 0; size >= 4 && i < 20; data += 4, size -= 4, i++)
			operate(data);
		ext4_unmount(fs);
	}
	device_fake_destroy(disk);
	for (uint32_t b = 0; b < NUM_BLOCKS; b++) {
		if (changed[b])
			memcpy(bytes + b * 4096ul, sound + b * 4096ul, 4096);
		changed[b] = false;
	}
	return 0;
}
