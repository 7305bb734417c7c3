// SPDX-License-Identifier: MIT
#include "libs/boot_files/boot_disk_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/boot_files/ustar.h"
#include "libs/starina/clients_fake.h"

#define ARCHIVE_BLOCKS 64u

handle_t boot_driver;
static uint8_t archive[ARCHIVE_BLOCKS * USTAR_BLOCK];
static uint32_t num_blocks;
static uint64_t told_sectors;  // the most that the driver has told

// Requests that the driver has.
static struct {
	struct msg_blkdev_request request;
	handle_t folio;
} held[BLKDEV_MAX_REQUESTS];
static uint32_t num_held;

void boot_driver_begin(handle_t channel)
{
	boot_driver = channel;
	told_sectors = 0;
	num_held = 0;
}

void boot_archive_clear(void)
{
	memset(archive, 0, sizeof(archive));
	num_blocks = 0;
}

static void forget_requests(void)
{
	while (num_held > 0)
		fake_close(&held[--num_held].folio);
}

void boot_driver_take(void)
{
	struct msg_blkdev_request request;
	const uint8_t *tail;
	struct message m;
	handle_t folio;
	size_t len;

	while (num_held < BLKDEV_MAX_REQUESTS && fake_take(boot_driver, &m, &folio)) {
		if (message_decode_blkdev_request(&m, &request, &tail, &len) != 0 ||
		    folio == HANDLE_NONE ||
		    !range_within(request.sector, request.length / BLKDEV_SECTOR_SIZE,
		                  told_sectors))
			abort();
		held[num_held].request = request;
		held[num_held++].folio = folio;
	}
}

void boot_driver_say_info(uint8_t how)
{
	static const uint64_t sizes[] = {
		0, 1, 8, ARCHIVE_BLOCKS, 1u << 20, UINT64_MAX >> 9, UINT64_MAX
	};
	struct msg_blkdev_info info = { .num_sectors = sizes[how % 7], .flags = how >> 7 };
	struct message m;

	if (info.num_sectors > told_sectors)
		told_sectors = info.num_sectors;
	if (message_encode_blkdev_info(&m, &info, NULL, 0) == 0)
		fake_send(boot_driver, &m);
}

void boot_driver_say(uint32_t type, const uint8_t *data, size_t len, enum fake_cargo cargo)
{
	struct msg_blkdev_info info = { 0 };

	memcpy(&info, data, len < sizeof(info) ? len : sizeof(info));
	if (type == MSG_BLKDEV_INFO && info.num_sectors > told_sectors)
		told_sectors = info.num_sectors;
	fake_say(boot_driver, type, data, len, cargo, 4096);
}

// What is in the archive, or zeros behind it.
static void fill(handle_t folio, const struct msg_blkdev_request *request)
{
	uint64_t start = request->sector * BLKDEV_SECTOR_SIZE;
	void *bytes;

	if (folio_map(folio, PROT_WRITE, &bytes) != 0)
		abort();
	memset(bytes, 0, request->length);
	if (start < sizeof(archive))
		memcpy(bytes, archive + start,
		       request->length < sizeof(archive) - start ? request->length
		                                                 : sizeof(archive) - start);
}

// A reply to one of the requests, of which `how` may have anything wrong.
void boot_driver_answer(uint8_t how)
{
	uint32_t i = how % BLKDEV_MAX_REQUESTS % (num_held > 0 ? num_held : 1);
	struct msg_blkdev_reply reply = { .status = (how & 0xc0) == 0xc0 ? ERR_IO : 0 };
	struct message m;
	handle_t folio = HANDLE_NONE;

	if (num_held > 0) {
		reply.id = held[i].request.id;
		folio = held[i].folio;
		fill(folio, &held[i].request);
		held[i] = held[--num_held];
	}
	if (how == 1)
		reply.id += how;
	if (how == 2)
		fake_close(&folio);
	if (message_encode_blkdev_reply(&m, &reply, NULL, 0) != 0)
		abort();
	if (folio != HANDLE_NONE)
		m.handles[m.num_handles++] = folio;
	if (how == 3 && event_create(&m.handles[0]) == 0) {
		fake_close(&folio);
		m.num_handles = 1;
	}
	fake_send(boot_driver, &m);
}

void boot_driver_die(void)
{
	forget_requests();
	fake_close(&boot_driver);
}

static void sign(uint8_t *block)
{
	uint32_t sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < USTAR_BLOCK; i++)
		sum += block[i];
	for (size_t i = 0; i < 6; i++)
		block[148 + i] = (uint8_t)('0' + (sum >> (15 - 3 * i)) % 8);
}

// One more entry, and its bytes. The data spoil some of the header: pairs of place and value.
void boot_archive_add(uint8_t how, const uint8_t *data, size_t len)
{
	static const char *const names[] = { "kernel", "initramfs.cpio", "images.json",
		                             "config.json", "other" };
	const char *name = names[how % 5];
	uint32_t bytes = len > 0 ? data[0] * 16u : 0,
		 blocks = 1 + (bytes + USTAR_BLOCK - 1) / USTAR_BLOCK;
	uint8_t *block = archive + (size_t)num_blocks * USTAR_BLOCK;

	if (num_blocks + blocks > ARCHIVE_BLOCKS)
		return;
	memset(block, 0, USTAR_BLOCK);
	memcpy(block, name, strlen(name));
	for (size_t i = 0; i < 11; i++)
		block[124 + i] = (uint8_t)('0' + ((uint64_t)bytes >> (30 - 3 * i)) % 8);
	block[156] = (how & 0x40) != 0 ? '5' : '0';
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 1; i + 1 < len; i += 2)
		block[data[i] * 2u] = data[i + 1];
	if ((how & 0x80) == 0)
		sign(block);
	num_blocks += blocks;
}
