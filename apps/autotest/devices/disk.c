// SPDX-License-Identifier: MIT
#include "apps/autotest/devices/devices.h"
#include "libs/base/string.h"

handle_t disk_open(struct autotest *t, const char *uri, struct msg_blkdev_info *info)
{
	handle_t disk = device_open(t, "blkdev", uri);
	const uint8_t *tail;
	size_t tail_len;
	struct message m;

	if (disk == HANDLE_NONE)
		return disk;
	expect(t, recv_wait(disk, test_deadline(), &m) == 0);
	expect(t, message_decode_blkdev_info(&m, info, &tail, &tail_len) == 0);
	return disk;
}

error_t disk_send(handle_t disk, uint32_t type, const struct msg_blkdev_request *request,
                  handle_t folio)
{
	struct message m;
	error_t err = message_encode_blkdev_request(&m, request, NULL, 0);

	if (err != 0)
		return err;
	m.type = type;
	m.handles[0] = folio;
	m.num_handles = 1;
	return channel_send(disk, &m);
}

error_t disk_reply(handle_t disk, struct msg_blkdev_reply *reply, handle_t *folio)
{
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	error_t err = recv_wait(disk, test_deadline(), &m);

	if (err == 0)
		err = message_decode_blkdev_reply(&m, reply, &tail, &tail_len);
	if (err != 0)
		return err;
	*folio = m.num_handles == 1 ? m.handles[0] : HANDLE_NONE;
	return 0;
}

bool disk_pattern_matches(handle_t folio, uint32_t offset, uint32_t length, uint64_t sector)
{
	uint64_t index = sector * BLKDEV_SECTOR_SIZE / 8;
	void *base;

	if (folio_map(folio, PROT_READ, &base) != 0)
		return false;
	for (uint32_t i = 0; i < length / 8; i++) {
		uint64_t word;

		memcpy(&word, (const uint8_t *)base + offset + i * 8ul, sizeof(word));
		if (word != device_pattern(index + i)) {
			log_error("sector %llu, word %u: 0x%llx, not 0x%llx",
			          (unsigned long long)sector, i, (unsigned long long)word,
			          (unsigned long long)device_pattern(index + i));
			return false;
		}
	}
	return true;
}
