// SPDX-License-Identifier: MIT
//
// A journal of a hostile hand: the input edits blocks of one that a crash has left, with checksums
// that fit or do not. Whatever it says, a mount ends, and writes nothing into the journal's own
// blocks and nothing behind the file system's end.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libs/ext4/crash_workload_fake.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/fsck_fake.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/journal/format.h"

#define NUM_BLOCKS 2560u
#define DISK_SIZE ((size_t)NUM_BLOCKS * EXT4_BLOCK_SIZE)
#define USED 64u  // the journal's first blocks, which are edited

static uint8_t *dirty;  // the disk after the crash
static uint8_t *bytes;  // the same, edited and used
static bool changed[NUM_BLOCKS];
static uint64_t places[USED];
static bool is_log[NUM_BLOCKS];
static uint32_t seed_of_checksums;

static void resume(void *context)
{
	(void)context;
}

static int mount_disk(struct device_fake *disk, struct ext4 **out)
{
	struct ext4_options options = { .device = &disk->device,
		                        .cache_blocks = EXT4_CACHE_MIN,
		                        .resume = resume };
	char why[200];

	return ext4_mount(&options, out, why, sizeof(why));
}

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void make_dirty(void)
{
	static const char *const mke2fs[] = { "mke2fs",   "-qFtext4",
		                              "-b4096",   "-I256",
		                              "-Jsize=4", "-N128",
		                              "-U",       "00000000-0000-4000-8000-000000000001",
		                              NULL };
	struct device_fake *disk;
	struct fsck_fake file;
	struct workload w = { 0 };
	struct ext4 *fs;

	fsck_fake_init(&file, DISK_SIZE);
	must(fsck_fake_run(&file, mke2fs, 0) == 0);
	disk = device_fake_create(NUM_BLOCKS, file.bytes, 5);
	fsck_fake_deinit(&file);
	workload_pool = NUM_BLOCKS - POOL_BLOCKS - 2;
	must(mount_disk(disk, &fs) == 0);
	workload_begin(&w, disk, fs);
	while (fs->journal.log.head < USED - 20)
		workload_step(&w);
	workload_settle(&w);
	for (uint32_t i = 0; i < NUM_BLOCKS; i++)
		is_log[i] = log_has(&fs->journal.log, i);
	for (uint32_t i = 0; i < USED; i++)
		places[i] = log_disk(&fs->journal.log, i, NULL);
	seed_of_checksums = fs->journal.log.seed;
	dirty = malloc(DISK_SIZE);
	bytes = malloc(DISK_SIZE);
	memcpy(dirty, disk->bytes, DISK_SIZE);
	// The tail as it was at first: all transactions are to be replayed.
	put_be32(dirty + places[0] * 4096, JBD_SUPER_START, 1);
	put_be32(dirty + places[0] * 4096, JBD_SUPER_SEQUENCE, 1);
	put_be32(dirty + places[0] * 4096, JBD_SUPER_CHECKSUM, 0);
	put_be32(dirty + places[0] * 4096, JBD_SUPER_CHECKSUM,
	         crc32c(~0u, dirty + places[0] * 4096, JBD_SUPER_SIZE));
	memcpy(bytes, dirty, DISK_SIZE);
	must(ext4_unmount(fs) == 0);
	device_fake_destroy(disk);
}

static void put_checksum(uint8_t *block, uint32_t size, uint32_t at, uint32_t crc)
{
	put_be32(block, at, 0);
	put_be32(block, at, crc32c(crc, block, size));
}

static void make_checksum_fit(uint8_t *block)
{
	switch (be32_at(block, 4)) {
	case JBD_SUPER_V2: put_checksum(block, JBD_SUPER_SIZE, JBD_SUPER_CHECKSUM, ~0u); break;
	case JBD_COMMIT:
		put_checksum(block, EXT4_BLOCK_SIZE, JBD_COMMIT_CHECKSUM, seed_of_checksums);
		break;
	default:
		put_checksum(block, EXT4_BLOCK_SIZE, EXT4_BLOCK_SIZE - 4, seed_of_checksums);
		break;
	}
}

static void note_change(struct device_fake *disk, const struct ext4_io *io)
{
	(void)disk;
	for (uint32_t i = 0; io->write && i < io->count; i++) {
		must(!is_log[io->block + i] || io->block + i == places[0]);
		changed[io->block + i] = true;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct device_fake *disk;
	struct ext4 *fs;

	if (dirty == NULL)
		make_dirty();
	// An edit: the block and whether its checksum is to fit, the place, the value.
	for (; size >= 8; data += 8, size -= 8) {
		uint64_t place = places[data[0] % USED];
		uint32_t at = (data[2] | (uint32_t)data[3] << 8) % (EXT4_BLOCK_SIZE - 3);

		changed[place] = true;
		memcpy(bytes + place * 4096 + at, data + 4, data[1] % 4 + 1u);
		if ((data[1] & 0x80) == 0)
			make_checksum_fit(bytes + place * 4096);
	}
	disk = device_fake_lend(NUM_BLOCKS, bytes, 1);
	disk->completed = note_change;
	if (mount_disk(disk, &fs) == 0)
		must(ext4_unmount(fs) == 0);
	for (uint32_t b = 0; b < NUM_BLOCKS; b++) {
		if (!changed[b])
			continue;
		memcpy(bytes + b * 4096ul, dirty + b * 4096ul, 4096);
		changed[b] = false;
	}
	device_fake_destroy(disk);
	return 0;
}
