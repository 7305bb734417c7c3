// SPDX-License-Identifier: MIT
//
// Crash states. The writes of workloads are recorded; whatever may be on the disk if the power goes
// at some moment is mounted by us and checked by e2fsck, and replayed by e2fsck. Nothing that sync
// promised may be missing, and no update may be there in part. Then the app is killed at any
// moment: nothing that was committed may be missing.
//
// EXT4_CRASH_STATES=N: so many states (`make crash-states`). EXT4_CRASH_SEED=N: the first workload;
// how far it is stands on stderr, so that a later run can go on from there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "libs/ext4/crash_files_fake.h"
#include "libs/ext4/crash_recorder_fake.h"
#include "libs/ext4/crash_workload_fake.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/fsck_fake.h"
#include "libs/ext4/host_fake.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/journal/format.h"

#define NUM_BLOCKS 2560u
#define DISK_SIZE ((size_t)NUM_BLOCKS * EXT4_BLOCK_SIZE)
#define LAST_ORPHAN (1024u + 0xe8u)

static uint8_t *image;           // as mke2fs made it
static uint64_t log_place;       // of the journal's superblock
static bool is_log[NUM_BLOCKS];  // the journal's blocks
static uint64_t image_hashes[NUM_BLOCKS];
static uint64_t num_wanted = 10000;
static uint64_t first_seed = 1;
#define REPORT_EVERY 10000u

static char where[100];  // what is looked at

static void resume(void *context)
{
	(void)context;
}

static struct ext4 *mount_disk(struct device_fake *disk, uint8_t *redo)
{
	struct ext4_options options = { .device = &disk->device,
		                        .cache_blocks = EXT4_CACHE_MIN,
		                        .resume = resume };
	struct ext4 *fs;
	char why[200];

	if (redo != NULL)
		options.redo = (struct ext4_redo){ .bytes = redo, .size = EXT4_REDO_MIN };
	if (ext4_mount(&options, &fs, why, sizeof(why)) != 0)
		fail_msg("it cannot be mounted: %s: %s", why, where);
	ext4_set_time(fs, (struct ext4_time){ .seconds = 1700000000 });
	return fs;
}

// Of a block with its place. Those of all blocks but the log's are added up.
static uint64_t hash_of(uint32_t block, const uint8_t *bytes)
{
	// The place is not to be made up for by a small number in the first word.
	uint64_t hash = (block + 1) * 0xd6e8feb86659fd93u;

	if (is_log[block])
		return 0;
	for (size_t i = 0; i < EXT4_BLOCK_SIZE; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, bytes + i, sizeof(word));
		hash = (hash ^ word ^ hash >> 32) * 0x9e3779b97f4a7c15u;
	}
	return hash ^ hash >> 29;
}

static void find_places(void)
{
	struct device_fake *disk = device_fake_lend(NUM_BLOCKS, image, 1);
	struct ext4 *fs;

	disk->bytes = malloc(DISK_SIZE);
	memcpy(disk->bytes, image, DISK_SIZE);
	fs = mount_disk(disk, NULL);
	for (uint32_t i = 0; i < NUM_BLOCKS; i++) {
		is_log[i] = log_has(&fs->journal.log, i);
		image_hashes[i] = hash_of(i, image + (size_t)i * EXT4_BLOCK_SIZE);
	}
	log_place = log_disk(&fs->journal.log, 0, NULL);
	assert_int_equal(ext4_unmount(fs), 0);
	free(disk->bytes);
	device_fake_destroy(disk);
	workload_pool = NUM_BLOCKS - POOL_BLOCKS - 2;
	for (uint64_t i = workload_pool; i < NUM_BLOCKS; i++)
		assert_false(is_log[i]);
}

static int setup_group(void **state)
{
	static const char *const mke2fs[] = { "mke2fs",   "-qFtext4",
		                              "-b4096",   "-I256",
		                              "-Jsize=4", "-N128",
		                              "-U",       "00000000-0000-4000-8000-000000000001",
		                              NULL };
	const char *wanted = getenv("EXT4_CRASH_STATES");
	const char *seed = getenv("EXT4_CRASH_SEED");
	struct fsck_fake file;

	(void)state;
	if (wanted != NULL && *wanted != '\0')
		num_wanted = strtoull(wanted, NULL, 10);
	if (seed != NULL && *seed != '\0')
		first_seed = strtoull(seed, NULL, 10);
	fsck_fake_init(&file, DISK_SIZE);
	assert_int_equal(fsck_fake_run(&file, mke2fs, 0), 0);
	image = malloc(DISK_SIZE);
	memcpy(image, file.bytes, DISK_SIZE);
	fsck_fake_deinit(&file);
	find_places();
	return 0;
}

static int teardown_group(void **state)
{
	(void)state;
	free(image);
	return 0;
}

// --- States of the disk ---

struct states {
	struct fsck_fake file;  // for e2fsck
	uint8_t *durable;
	uint64_t hashes[NUM_BLOCKS];  // of durable
	uint64_t sum;
	uint8_t *ours;  // for us
	// Blocks of ours and of the file that may differ from durable.
	uint32_t changed[NUM_BLOCKS];
	uint32_t num_changed;
	bool is_changed[NUM_BLOCKS];
	struct device_fake *random;
	uint64_t count, num_fsck;
	// Hashes of disks that were found good, and the number of the last update on them.
	struct {
		uint64_t hash;
		uint64_t number;
	} * seen;
	uint64_t num_slots;
	struct files files;  // what a workload of files knows
	bool is_files;
};

static void mark_changed(struct states *s, uint64_t block)
{
	if (!s->is_changed[block])
		s->changed[s->num_changed++] = (uint32_t)block;
	s->is_changed[block] = true;
}

static void note_change(struct device_fake *disk, const struct ext4_io *io)
{
	for (uint32_t i = 0; io->write && i < io->count; i++)
		mark_changed(disk->context, io->block + i);
}

// What a program of e2fsprogs makes of the file.
static int serve(struct states *s, const char *const *arguments)
{
	int status = fsck_fake_serve(&s->file, arguments);

	for (uint32_t b = 0; b < NUM_BLOCKS; b++) {
		if (s->file.written[b] != 0)
			mark_changed(s, b);
		s->file.written[b] = 0;
	}
	return status;
}

// We mount, which replays, and unmount.
static void recover_ours(struct states *s)
{
	struct device_fake *disk = device_fake_lend(NUM_BLOCKS, s->ours, s->count);

	disk->context = s;
	disk->completed = note_change;
	if (ext4_unmount(mount_disk(disk, NULL)) != 0)
		fail_msg("it cannot be unmounted: %s", where);
	device_fake_destroy(disk);
}

// The slot of this disk. Its hash is 0 if it was not seen.
static uint64_t slot_of(const struct states *s, uint64_t *out)
{
	uint64_t hash = s->sum + (s->is_files ? 0x100000000u : 0);
	uint64_t slot;

	for (uint32_t i = 0; i < s->num_changed; i++) {
		uint32_t b = s->changed[i];

		hash += hash_of(b, s->ours + (size_t)b * EXT4_BLOCK_SIZE) - s->hashes[b];
	}
	*out = hash | 1;
	for (slot = *out % s->num_slots; s->seen[slot].hash != 0; slot = (slot + 1) % s->num_slots)
		if (s->seen[slot].hash == *out)
			break;
	return slot;
}

static void fsck(struct states *s, const char *who)
{
	static const char *const check[] = { "e2fsck", "-fn", NULL };

	s->num_fsck++;
	if (serve(s, check) == 0)
		return;
	(void)fsck_fake_run(&s->file, check, 1);
	fail_msg("e2fsck complains of what %s replayed: %s", who, where);
}

// Mounts the disk again: what is in the tree, and what e2fsck says when orphans are freed.
static uint64_t look_at_files(struct states *s)
{
	struct device_fake *disk = device_fake_lend(NUM_BLOCKS, s->ours, s->count);
	struct ext4 *fs;
	uint64_t number, digest;

	disk->context = s;
	disk->completed = note_change;
	fs = mount_disk(disk, NULL);
	if (!files_look(disk, fs, &number, &digest))
		fail_msg("the tree cannot be read: %s", where);
	if (number >= FILES_MAX_UPDATES)
		number = 0;  // mke2fs' time
	if (s->files.digests[number] != digest)
		fail_msg("the tree is not as update %llu left it: %s", (unsigned long long)number,
		         where);
	if (!files_release_orphans(disk, fs))
		fail_msg("orphans cannot be freed: %s", where);
	if (ext4_unmount(fs) != 0)
		fail_msg("it cannot be unmounted: %s", where);
	device_fake_destroy(disk);
	return number;
}

static uint64_t look_at_blocks(struct states *s, uint64_t least, uint64_t most)
{
	const char *wrong = workload_check(s->ours, least, most);
	uint64_t number;

	if (wrong != NULL)
		fail_msg("we replayed: %s: %s", wrong, where);
	memcpy(&number, s->ours + workload_pool * EXT4_BLOCK_SIZE, sizeof(number));
	return number;
}

// Both must have made the same of it, but for the superblock and the log.
static void compare(const struct states *s)
{
	for (uint32_t i = 0; i < s->num_changed; i++) {
		size_t at = (size_t)s->changed[i] * EXT4_BLOCK_SIZE;

		if (s->changed[i] != 0 && !is_log[s->changed[i]] &&
		    memcmp(s->ours + at, s->file.bytes + at, EXT4_BLOCK_SIZE) != 0)
			fail_msg("block %u is not what e2fsck makes of it: %s", s->changed[i],
			         where);
	}
	if (memcmp(s->ours + LAST_ORPHAN, s->file.bytes + LAST_ORPHAN, 4) != 0)
		fail_msg("the first orphan is not what e2fsck makes of it: %s", where);
}

// The file becomes what we have.
static void give_ours(struct states *s)
{
	for (uint32_t i = 0; i < s->num_changed; i++) {
		size_t at = (size_t)s->changed[i] * EXT4_BLOCK_SIZE;

		memcpy(s->file.bytes + at, s->ours + at, EXT4_BLOCK_SIZE);
	}
}

static void check_state(struct states *s, uint64_t least, uint64_t most)
{
	static const char *const e2fsck[] = { "e2fsck", "-y", "-E", "journal_only", NULL };
	static const char *const debugfs[] = { "debugfs", "-nw", "-R", "journal_run", NULL };
	uint64_t number, slot, hash;
	int status;

	recover_ours(s);
	// e2fsck frees orphans as well: what it replays is seen by debugfs, which has that code.
	status = serve(s, s->is_files ? debugfs : e2fsck);
	if (status != 0 && status != 1)
		fail_msg("e2fsck does not replay (%d): %s", status, where);
	compare(s);
	slot = slot_of(s, &hash);
	if (s->seen[slot].hash == 0) {
		status = serve(s, e2fsck);
		if (status != 0 && status != 1)
			fail_msg("e2fsck frees no orphans (%d): %s", status, where);
		fsck(s, "e2fsck");
		number = s->is_files ? look_at_files(s) : look_at_blocks(s, 0, UINT64_MAX);
		give_ours(s);
		fsck(s, "we");
		s->seen[slot].hash = hash;
		s->seen[slot].number = number;
	}
	number = s->seen[slot].number;
	if (number < least || number > most)
		fail_msg("update %llu, but %llu to %llu were to be there: %s",
		         (unsigned long long)number, (unsigned long long)least,
		         (unsigned long long)most, where);
}

static void undo(struct states *s)
{
	for (uint32_t i = 0; i < s->num_changed; i++) {
		size_t at = (size_t)s->changed[i] * EXT4_BLOCK_SIZE;

		memcpy(s->ours + at, s->durable + at, EXT4_BLOCK_SIZE);
		memcpy(s->file.bytes + at, s->durable + at, EXT4_BLOCK_SIZE);
		s->is_changed[s->changed[i]] = false;
	}
	s->num_changed = 0;
	// Nothing is written that nobody notes.
	if (s->count % 500 == 0 &&
	    (memcmp(s->ours, s->durable, DISK_SIZE) != 0 ||
	     memcmp(s->file.bytes, s->durable, DISK_SIZE) != 0))
		fail_msg("something was written that was not noted: %s", where);
}

static void states_at(struct states *s, struct crash *crash, uint32_t time, uint64_t most,
                      uint64_t seed)
{
	const struct recorder *recorder = crash->recorder;

	crash_open(crash, time);
	while (crash_next(crash, s->file.bytes, s->random)) {
		for (uint32_t i = 0; i < crash->num_open; i++) {
			uint64_t block = recorder->writes[crash->open[i]]->block;

			mark_changed(s, block);
			memcpy(s->ours + block * 4096, s->file.bytes + block * 4096, 4096);
		}
		snprintf(where, sizeof(where), "workload %llu, event %u, state %u of %u writes",
		         (unsigned long long)seed, time, crash->next - 1, crash->num_open);
		check_state(s, recorder->promised[time], most);
		undo(s);
		s->count++;
	}
}

static void promise(void *context, uint64_t number)
{
	recorder_promise(context, number);
}

// A long workload goes round the journal, which is a short one.
static bool is_long(uint64_t seed)
{
	return seed % 3 == 0;
}

static uint64_t work_on_blocks(struct recorder *recorder, struct ext4 *fs, uint64_t seed)
{
	struct workload w = { .synced = promise, .context = recorder };

	workload_begin(&w, recorder->disk, fs);
	for (uint32_t i = is_long(seed) ? 1200 : 60; i > 0 && !w.is_stopped; i--)
		workload_step(&w);
	assert_false(w.is_stopped);
	workload_settle(&w);
	for (uint32_t i = 0; i < 20; i++)
		workload_step(&w);
	assert_int_equal(ext4_unmount(fs), 0);
	assert_int_equal(w.num_syncs, 0);
	return w.number;
}

static uint64_t work_on_files(struct recorder *recorder, struct ext4 *fs, uint64_t seed,
                              struct files *f)
{
	*f = (struct files){ .synced = promise, .context = recorder };
	files_begin(f, recorder->disk, fs);
	for (uint32_t i = is_long(seed) ? 1200 : 80; i > 0; i--)
		files_step(f);
	assert_int_equal(ext4_unmount(fs), 0);
	assert_int_equal(f->num_syncs, 0);
	return f->number;
}

// Records a workload, from mount to unmount.
static uint64_t record(struct states *s, struct recorder *recorder, uint64_t seed)
{
	struct device_fake *disk = device_fake_create(NUM_BLOCKS, s->durable, seed);
	uint64_t number;
	struct ext4 *fs;

	recorder_init(recorder, disk);
	snprintf(where, sizeof(where), "workload %llu", (unsigned long long)seed);
	fs = mount_disk(disk, NULL);
	number = s->is_files ? work_on_files(recorder, fs, seed, &s->files)
			     : work_on_blocks(recorder, fs, seed);
	recorder_promise(recorder, number);
	assert_int_equal(host_fake_allocated(), 0);
	return number;
}

// Puts a block on all three disks.
static void put_durable(struct states *s, uint64_t block, const uint8_t *bytes)
{
	uint64_t hash = hash_of((uint32_t)block, bytes);

	memcpy(s->durable + block * EXT4_BLOCK_SIZE, bytes, EXT4_BLOCK_SIZE);
	memcpy(s->ours + block * EXT4_BLOCK_SIZE, bytes, EXT4_BLOCK_SIZE);
	memcpy(s->file.bytes + block * EXT4_BLOCK_SIZE, bytes, EXT4_BLOCK_SIZE);
	s->sum += hash - s->hashes[block];
	s->hashes[block] = hash;
}

// A disk as mke2fs made it, with the journal's length.
static void begin_disk(struct states *s, uint64_t seed)
{
	memcpy(s->durable, image, DISK_SIZE);
	put_be32(s->durable + log_place * EXT4_BLOCK_SIZE, JBD_SUPER_NUM_BLOCKS,
	         is_long(seed) ? 258 : 1024);
	memcpy(s->ours, s->durable, DISK_SIZE);
	memcpy(s->file.bytes, s->durable, DISK_SIZE);
	memcpy(s->hashes, image_hashes, sizeof(s->hashes));
	s->sum = 0;
}

static void states_of(struct states *s, uint64_t seed)
{
	const struct recorded *write;
	struct recorder recorder;
	struct crash crash;
	uint64_t most;

	s->is_files = seed % 2 == 0;
	s->random = device_fake_create(1, NULL, seed);
	begin_disk(s, seed);
	most = record(s, &recorder, seed);
	crash_init(&crash, &recorder);
	for (uint32_t time = 0; time <= recorder.now && s->count < num_wanted; time++) {
		while ((write = crash_durable(&crash, time)) != NULL)
			put_durable(s, write->block, write->bytes);
		// Not all of one workload: others are different.
		if (device_fake_random(s->random, is_long(seed) ? 100 : 5) == 0)
			states_at(s, &crash, time, most, seed);
	}
	crash_deinit(&crash);
	recorder_deinit(&recorder);
	device_fake_destroy(recorder.disk);
	device_fake_destroy(s->random);
	files_end(&s->files);
}

static void power_cuts(void **state)
{
	struct states s = { .count = 0 };
	uint64_t reported = 0;
	clock_t begun = clock();

	(void)state;
	fsck_fake_init(&s.file, DISK_SIZE);
	s.durable = malloc(DISK_SIZE);
	s.ours = malloc(DISK_SIZE);
	s.num_slots = num_wanted * 2 + 1024;
	s.seen = calloc(s.num_slots, sizeof(s.seen[0]));
	for (uint64_t seed = first_seed; s.count < num_wanted; seed++) {
		states_of(&s, seed);
		if (s.count - reported < REPORT_EVERY)
			continue;
		reported = s.count;
		fprintf(stderr, "%llu states, workloads %llu to %llu\n",
		        (unsigned long long)s.count, (unsigned long long)first_seed,
		        (unsigned long long)seed);
	}
	printf("%llu crash states, %llu times e2fsck -fn, %.0f s of our CPU\n",
	       (unsigned long long)s.count, (unsigned long long)s.num_fsck,
	       (double)(clock() - begun) / CLOCKS_PER_SEC);
	free(s.seen);
	free(s.ours);
	free(s.durable);
	fsck_fake_deinit(&s.file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_cuts),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
