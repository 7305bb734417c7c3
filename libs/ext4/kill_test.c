// SPDX-License-Identifier: MIT
//
// The app is killed at any moment, again and again, also while it mounts: what was written to the
// disk stays, of what is on its way any part comes to be, and the redo memory is there. All that
// was committed must be there for the next instance.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/ext4/crash_files_fake.h"
#include "libs/ext4/crash_workload_fake.h"
#include "libs/ext4/fsck_fake.h"
#include "libs/ext4/host_fake.h"
#include "libs/ext4/internal.h"

#define NUM_BLOCKS 2560u
#define DISK_SIZE ((size_t)NUM_BLOCKS * EXT4_BLOCK_SIZE)
#define KILLS 150u

static struct fsck_fake file;  // as mke2fs made it
static uint8_t *image;

// What is left of an instance.
struct remains {
	uint8_t *disk;
	uint8_t *redo;
	uint64_t number;  // of the last update, as the workload counts
	uint64_t last;    // the same, as the library counts
};

// Who shall die at an event of the disk.
struct victim {
	struct remains *remains;
	uint32_t events_left;  // 0: nobody
	struct ext4 *fs;       // NULL: it mounts still
	const uint64_t *number;
	uint64_t last;  // while it mounts
};

static struct files files;  // what work on files knows
static bool is_files;
static uint8_t redo[EXT4_REDO_MIN];

static void resume(void *context)
{
	(void)context;
}

static struct ext4 *mount_disk(struct device_fake *disk)
{
	struct ext4_options options = { .device = &disk->device,
		                        .cache_blocks = EXT4_CACHE_MIN,
		                        .resume = resume,
		                        .redo = { .bytes = redo, .size = sizeof(redo) } };
	struct ext4 *fs;
	char why[200];

	if (ext4_mount(&options, &fs, why, sizeof(why)) != 0)
		fail_msg("it cannot be mounted: %s", why);
	ext4_set_time(fs, (struct ext4_time){ .seconds = 1700000000 });
	return fs;
}

static int setup_group(void **state)
{
	static const char *const mke2fs[] = { "mke2fs",   "-qFtext4", "-b4096", "-I256",
		                              "-Jsize=4", "-N128",    NULL };

	(void)state;
	fsck_fake_init(&file, DISK_SIZE);
	assert_int_equal(fsck_fake_run(&file, mke2fs, 0), 0);
	image = malloc(DISK_SIZE);
	memcpy(image, file.bytes, DISK_SIZE);
	workload_pool = NUM_BLOCKS - POOL_BLOCKS - 2;
	return 0;
}

static int teardown_group(void **state)
{
	(void)state;
	free(image);
	fsck_fake_deinit(&file);
	return 0;
}

// The disk as it will be when some of what is on its way has come to be.
static void take_remains(struct device_fake *disk, struct remains *out)
{
	memcpy(out->disk, disk->bytes, DISK_SIZE);
	list_for_each(pos, &disk->pending) {
		const struct ext4_io *io = container_of(pos, struct ext4_io, entry);

		if (io->write && io->count > 0 && device_fake_random(disk, 2) == 0)
			memcpy(out->disk + io->block * EXT4_BLOCK_SIZE, io->bytes,
			       (size_t)io->count * EXT4_BLOCK_SIZE);
	}
	memcpy(out->redo, redo, sizeof(redo));
}

static void event(struct device_fake *disk, const struct ext4_io *io)
{
	struct victim *victim = disk->context;

	(void)io;
	if (victim->events_left == 0 || --victim->events_left > 0)
		return;
	take_remains(disk, victim->remains);
	victim->remains->number = *victim->number;
	victim->remains->last = victim->fs != NULL ? update_last(victim->fs) : victim->last;
}

static void check_tree(const struct remains *remains, struct device_fake *disk, struct ext4 *fs)
{
	uint64_t number, digest;

	if (!files_look(disk, fs, &number, &digest))
		fail_msg("the tree cannot be read");
	if (number >= FILES_MAX_UPDATES)
		number = 0;  // mke2fs' time
	if (number != remains->number)
		fail_msg("update %llu, but %llu was the last one", (unsigned long long)number,
		         (unsigned long long)remains->number);
	if (number > 0 && digest != files.digests[number])
		fail_msg("the tree is not as update %llu left it", (unsigned long long)number);
}

// Looks at a disk that nobody has mounted.
static void check(const struct remains *remains, const uint8_t *bytes, uint32_t kill)
{
	static const char *const fsck[] = { "e2fsck", "-fn", NULL };
	const char *wrong = is_files ? NULL
				     : workload_check(bytes, remains->number, remains->number);

	if (wrong != NULL)
		fail_msg("kill %u: %s", kill, wrong);
	memcpy(file.bytes, bytes, DISK_SIZE);
	if (fsck_fake_serve(&file, fsck) != 0) {
		(void)fsck_fake_run(&file, fsck, 1);
		fail_msg("kill %u: e2fsck complains", kill);
	}
}

// An instance that takes over, and is killed while it does so if `next` is not NULL. Its disk is
// given back, with the file system in `out`.
static struct device_fake *take_over(const struct remains *remains, struct victim *victim,
                                     uint64_t seed, struct ext4 **out)
{
	struct device_fake *disk = device_fake_create(NUM_BLOCKS, remains->disk, seed);

	memcpy(redo, remains->redo, sizeof(redo));
	disk->context = victim;
	disk->completed = event;
	*out = mount_disk(disk);
	if (update_last(*out) != remains->last)
		fail_msg("update %llu, but %llu was the last one",
		         (unsigned long long)update_last(*out), (unsigned long long)remains->last);
	return disk;
}

// What the killed instance's memory was goes.
static void bury(struct device_fake *disk, struct ext4 *fs)
{
	disk->completed = NULL;
	(void)ext4_unmount(fs);
	device_fake_destroy(disk);
}

static void work_on_blocks(struct device_fake *disk, struct victim *victim)
{
	struct workload w = { 0 };

	workload_begin(&w, disk, victim->fs);
	if (w.number != victim->remains->number)
		fail_msg("update %llu, but %llu was the last one", (unsigned long long)w.number,
		         (unsigned long long)victim->remains->number);
	victim->number = &w.number;
	victim->events_left = 1 + device_fake_random(disk, 200);
	while (victim->events_left > 0)
		workload_step(&w);
	// Its syncs are answered while it is there.
	while (w.num_syncs > 0)
		device_fake_step(disk);
}

static void work_on_files(struct device_fake *disk, struct victim *victim)
{
	check_tree(victim->remains, disk, victim->fs);
	files.number = victim->remains->number;
	victim->number = &files.number;
	victim->events_left = 1 + device_fake_random(disk, 400);
	if (device_fake_random(disk, 2) == 0 && !files_release_orphans(disk, victim->fs))
		fail_msg("orphans cannot be freed");
	if (victim->events_left == 0)
		return;
	files_begin(&files, disk, victim->fs);
	while (victim->events_left > 0)
		files_step(&files);
	while (files.num_syncs > 0)
		device_fake_step(disk);
}

// Lives until it is killed in the midst of work. Then `remains` is what is left.
static void live(struct remains *remains, uint32_t kill)
{
	struct victim victim = { .remains = remains };
	struct device_fake *disk = take_over(remains, &victim, kill, &victim.fs);

	if (is_files)
		work_on_files(disk, &victim);
	else
		work_on_blocks(disk, &victim);
	bury(disk, victim.fs);
}

// Takes over and is killed at an event of the mount, if there are as many.
static void die_young(struct remains *remains, uint32_t kill)
{
	struct remains next = { .disk = malloc(DISK_SIZE), .redo = malloc(sizeof(redo)) };
	struct victim victim = { .remains = &next,
		                 .number = &remains->number,
		                 .last = remains->last,
		                 .events_left = 1 + kill % 37 };
	struct ext4 *fs;
	struct device_fake *disk = take_over(remains, &victim, kill, &fs);
	bool is_dead = victim.events_left == 0;

	bury(disk, fs);
	if (is_dead) {
		memcpy(remains->disk, next.disk, DISK_SIZE);
		memcpy(remains->redo, next.redo, sizeof(redo));
	}
	free(next.disk);
	free(next.redo);
}

// Takes over and unmounts.
static void look(const struct remains *remains, uint32_t kill)
{
	struct victim nobody = { 0 };
	struct ext4 *fs;
	struct device_fake *disk = take_over(remains, &nobody, kill, &fs);

	if (is_files) {
		check_tree(remains, disk, fs);
		if (!files_release_orphans(disk, fs))
			fail_msg("orphans cannot be freed");
	}
	assert_int_equal(ext4_unmount(fs), 0);
	check(remains, disk->bytes, kill);
	device_fake_destroy(disk);
}

static void kill_again_and_again(void)
{
	const char *wanted = getenv("EXT4_KILLS");
	uint32_t count = wanted != NULL ? (uint32_t)strtoul(wanted, NULL, 10) : KILLS;
	struct remains remains = { .disk = malloc(DISK_SIZE), .redo = calloc(1, sizeof(redo)) };

	memcpy(remains.disk, image, DISK_SIZE);
	for (uint32_t kill = 0; kill < count; kill++) {
		live(&remains, kill);
		if (kill % 2 == 0)
			die_young(&remains, kill);
		if (kill % 16 == 0)
			look(&remains, kill);
		assert_int_equal(host_fake_allocated(), 0);
	}
	printf("%u kills, %llu updates\n", count, (unsigned long long)remains.last);
	free(remains.disk);
	free(remains.redo);
}

static void kills_at_work_on_blocks(void **state)
{
	(void)state;
	is_files = false;
	kill_again_and_again();
}

static void kills_at_work_on_files(void **state)
{
	(void)state;
	is_files = true;
	kill_again_and_again();
	files_end(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kills_at_work_on_blocks),
		cmocka_unit_test(kills_at_work_on_files),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
