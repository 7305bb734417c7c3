// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "libs/ext4/device_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs/abi/linux_error.h"

uint32_t device_fake_random(struct device_fake *fake, uint32_t below)
{
	// Xorshift.
	fake->random ^= fake->random << 13;
	fake->random ^= fake->random >> 7;
	fake->random ^= fake->random << 17;
	return below == 0 ? 0 : (uint32_t)(fake->random >> 16) % below;
}

static void add(struct device_fake *fake, struct ext4_io *io)
{
	list_push_back(&fake->pending, &io->entry);
	fake->num_pending++;
	if (fake->submitted != NULL)
		fake->submitted(fake, io);
}

static void fake_submit(struct ext4_device *device, struct ext4_io *io)
{
	struct device_fake *fake = container_of(device, struct device_fake, device);

	if (io->count == 0 || io->block >= device->num_blocks ||
	    io->count > device->num_blocks - io->block || (io->write && device->read_only))
		abort();
	if (io->write)
		fake->num_writes++;
	else
		fake->num_reads++;
	add(fake, io);
}

static void fake_flush(struct ext4_device *device, struct ext4_io *io)
{
	struct device_fake *fake = container_of(device, struct device_fake, device);

	io->count = 0;
	fake->num_flushes++;
	add(fake, io);
}

static void fake_wait(struct ext4_device *device)
{
	if (!device_fake_step(container_of(device, struct device_fake, device)))
		abort();  // it would wait for ever
}

struct device_fake *device_fake_lend(uint64_t num_blocks, uint8_t *bytes, uint64_t seed)
{
	struct device_fake *fake = calloc(1, sizeof(*fake));

	fake->device = (struct ext4_device){ .num_blocks = num_blocks,
		                             .submit = fake_submit,
		                             .flush = fake_flush,
		                             .wait = fake_wait };
	fake->bytes = bytes;
	fake->is_lent = true;
	fake->random = seed * 2 + 1;
	fake->bad_block = num_blocks;
	list_init(&fake->pending);
	return fake;
}

struct device_fake *device_fake_create(uint64_t num_blocks, const uint8_t *bytes, uint64_t seed)
{
	struct device_fake *fake = device_fake_lend(num_blocks, NULL, seed);
	size_t size = num_blocks * EXT4_BLOCK_SIZE;

	fake->is_lent = false;
	fake->file = memfd_create("disk", MFD_CLOEXEC);
	if (fake->file < 0 || ftruncate(fake->file, (off_t)size) != 0)
		abort();
	fake->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fake->file, 0);
	if (fake->bytes == MAP_FAILED)
		abort();
	if (bytes != NULL)
		memcpy(fake->bytes, bytes, size);
	return fake;
}

void device_fake_destroy(struct device_fake *fake)
{
	if (!fake->is_lent) {
		munmap(fake->bytes, fake->device.num_blocks * EXT4_BLOCK_SIZE);
		close(fake->file);
	}
	free(fake);
}

bool device_fake_step(struct device_fake *fake)
{
	struct list *pos = fake->pending.next;
	struct ext4_io *io;
	uint8_t *disk;
	int status = 0;

	if (fake->num_pending == 0)
		return false;
	for (uint32_t skip = device_fake_random(fake, fake->num_pending); skip > 0; skip--)
		pos = pos->next;
	list_remove(pos);
	fake->num_pending--;
	io = container_of(pos, struct ext4_io, entry);
	disk = fake->bytes + io->block * EXT4_BLOCK_SIZE;
	if (fake->bad_block - io->block < io->count)
		status = -LINUX_EIO;
	else if (io->count > 0 && io->write)
		memcpy(disk, io->bytes, (size_t)io->count * EXT4_BLOCK_SIZE);
	else if (io->count > 0)
		memcpy(io->bytes, disk, (size_t)io->count * EXT4_BLOCK_SIZE);
	if (fake->completed != NULL)
		fake->completed(fake, io);
	io->done(io, status);
	return true;
}

static int run(const char *line, char *output, size_t size)
{
	FILE *pipe = popen(line, "r");
	size_t len;
	char rest[4096];
	int status;

	if (pipe == NULL)
		abort();
	len = output != NULL && size > 0 ? fread(output, 1, size - 1, pipe) : 0;
	if (output != NULL && size > 0)
		output[len] = '\0';
	while (fread(rest, 1, sizeof(rest), pipe) > 0)
		;
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int device_fake_command(struct device_fake *fake, const char *command, char *output, size_t size)
{
	char path[] = "/dev/shm/starina-ext4.XXXXXX";
	char line[4096], file[64];
	int status;

	// A name for the memory that the disk is.
	snprintf(file, sizeof(file), "/proc/%d/fd/%d", (int)getpid(), fake->file);
	if (fake->is_lent || mkdtemp(path) == NULL)
		abort();
	snprintf(line, sizeof(line), "%s/disk", path);
	if (symlink(file, line) != 0)
		abort();
	snprintf(line, sizeof(line),
	         "PATH=/usr/sbin:/sbin:$PATH; f=%s/disk; "
	         "export MKE2FS_CONFIG=libs/ext4/mke2fs.conf; { %s; } 2>&1",
	         path, command);
	status = run(line, output, size);
	snprintf(line, sizeof(line), "%s/disk", path);
	(void)unlink(line);
	(void)rmdir(path);
	return status;
}
