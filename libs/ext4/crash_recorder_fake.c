// SPDX-License-Identifier: MIT
#include "libs/ext4/crash_recorder_fake.h"

#include <stdlib.h>
#include <string.h>

#define RANDOM_SUBSETS 8u
#define TORN_STATES 3u
#define NEVER UINT32_MAX

static void next_event(struct recorder *recorder)
{
	uint64_t promised = recorder->promised[recorder->now];

	recorder->now++;
	if (recorder->now == recorder->max_promised) {
		recorder->max_promised *= 2;
		recorder->promised =
			realloc(recorder->promised, recorder->max_promised * sizeof(uint64_t));
	}
	recorder->promised[recorder->now] = promised;
}

static void add_write(struct recorder *recorder, const struct ext4_io *io, uint32_t index)
{
	struct recorded *write = malloc(sizeof(*write));

	if (recorder->num_writes == recorder->max_writes) {
		recorder->max_writes = recorder->max_writes * 2 + 64;
		recorder->writes = realloc(recorder->writes,
		                           recorder->max_writes * sizeof(recorder->writes[0]));
		recorder->made_durable =
			realloc(recorder->made_durable, recorder->max_writes * sizeof(uint32_t));
	}
	write->io = io;
	write->block = io->block + index;
	write->submitted = recorder->now;
	write->completed = NEVER;
	write->durable = NEVER;
	memcpy(write->bytes, io->bytes + (size_t)index * EXT4_BLOCK_SIZE, EXT4_BLOCK_SIZE);
	recorder->writes[recorder->num_writes++] = write;
}

static void submitted(struct device_fake *disk, const struct ext4_io *io)
{
	struct recorder *recorder = disk->context;

	next_event(recorder);
	if (io->count > 0 && !io->write)
		return;
	for (uint32_t i = 0; i < io->count; i++)
		add_write(recorder, io, i);
	for (uint32_t i = 0; io->count == 0; i++) {
		if (i == 64)
			abort();
		if (recorder->flushes[i] != NULL)
			continue;
		recorder->flushes[i] = io;
		recorder->flush_submitted[i] = recorder->now;
		break;
	}
}

static void write_completed(struct recorder *recorder, const struct ext4_io *io)
{
	for (uint32_t i = recorder->first_open; i < recorder->num_writes; i++) {
		struct recorded *write = recorder->writes[i];

		if (write->io != io)
			continue;
		write->io = NULL;
		write->completed = recorder->now;
	}
}

static void flush_completed(struct recorder *recorder, const struct ext4_io *io)
{
	uint32_t slot = 0;

	while (recorder->flushes[slot] != io)
		slot++;
	recorder->flushes[slot] = NULL;
	for (uint32_t i = recorder->first_open; i < recorder->num_writes; i++) {
		struct recorded *write = recorder->writes[i];

		if (write->durable != NEVER || write->completed >= recorder->flush_submitted[slot])
			continue;
		write->durable = recorder->now;
		recorder->made_durable[recorder->num_durable++] = i;
	}
	while (recorder->first_open < recorder->num_writes &&
	       recorder->writes[recorder->first_open]->durable != NEVER)
		recorder->first_open++;
}

static void completed(struct device_fake *disk, const struct ext4_io *io)
{
	struct recorder *recorder = disk->context;

	next_event(recorder);
	if (io->count == 0)
		flush_completed(recorder, io);
	else if (io->write)
		write_completed(recorder, io);
}

void recorder_init(struct recorder *recorder, struct device_fake *disk)
{
	*recorder = (struct recorder){ .disk = disk, .max_promised = 1024 };
	recorder->promised = calloc(recorder->max_promised, sizeof(uint64_t));
	disk->context = recorder;
	disk->submitted = submitted;
	disk->completed = completed;
}

void recorder_deinit(struct recorder *recorder)
{
	recorder->disk->submitted = NULL;
	recorder->disk->completed = NULL;
	for (uint32_t i = 0; i < recorder->num_writes; i++)
		free(recorder->writes[i]);
	free(recorder->writes);
	free(recorder->made_durable);
	free(recorder->promised);
}

void recorder_promise(struct recorder *recorder, uint64_t number)
{
	recorder->promised[recorder->now] = number;
}

void crash_init(struct crash *crash, const struct recorder *recorder)
{
	*crash = (struct crash){ .recorder = recorder };
	crash->open = malloc((recorder->num_writes + 1) * sizeof(crash->open[0]));
}

void crash_deinit(struct crash *crash)
{
	free(crash->open);
}

const struct recorded *crash_durable(struct crash *crash, uint32_t time)
{
	const struct recorder *recorder = crash->recorder;
	const struct recorded *write;

	if (crash->num_durable == recorder->num_durable)
		return NULL;
	write = recorder->writes[recorder->made_durable[crash->num_durable]];
	if (write->durable > time)
		return NULL;
	crash->num_durable++;
	return write;
}

void crash_open(struct crash *crash, uint32_t time)
{
	const struct recorder *recorder = crash->recorder;

	crash->num_open = 0;
	crash->next = 0;
	while (crash->first_open < recorder->num_writes &&
	       recorder->writes[crash->first_open]->durable <= time)
		crash->first_open++;
	for (uint32_t i = crash->first_open;
	     i < recorder->num_writes && recorder->writes[i]->submitted <= time; i++)
		if (recorder->writes[i]->durable > time)
			crash->open[crash->num_open++] = i;
}

static void put(uint8_t *bytes, const struct recorded *write, uint32_t sectors)
{
	for (uint32_t i = 0; i < EXT4_BLOCK_SIZE / SECTOR_SIZE; i++)
		if (sectors & 1u << i)
			memcpy(bytes + write->block * EXT4_BLOCK_SIZE + i * SECTOR_SIZE,
			       write->bytes + i * SECTOR_SIZE, SECTOR_SIZE);
}

bool crash_next(struct crash *crash, uint8_t *bytes, struct device_fake *random)
{
	uint32_t state = crash->next++;
	uint32_t subsets = crash->num_open > 1 ? RANDOM_SUBSETS : 0;
	uint32_t torn = crash->num_open > 0 ? TORN_STATES : 0;
	bool is_torn = state > crash->num_open + subsets;
	bool is_subset = state > crash->num_open && !is_torn;

	if (state > crash->num_open + subsets + torn)
		return false;
	for (uint32_t i = 0; i < crash->num_open; i++) {
		uint32_t sectors = 0xff;

		if (state == i + 1 || (is_subset && device_fake_random(random, 2) == 0))
			sectors = 0;
		// Some torn states have a part of the others only, too.
		if (is_torn && i + 1 == crash->num_open)
			sectors = 1 + device_fake_random(random, 254);
		else if (is_torn && state % 2 == 0 && device_fake_random(random, 2) == 0)
			sectors = 0;
		put(bytes, crash->recorder->writes[crash->open[i]], sectors);
	}
	return true;
}
