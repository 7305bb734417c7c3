// SPDX-License-Identifier: MIT
//
// What is told of the disks to those who show it.
#include "apps/virtio_blk/blk.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static void disk_tell(const struct disk *disk, struct blkdev_counts *out)
{
	*out = (struct blkdev_counts){ .num_sectors = disk->info.num_sectors,
		                       .flags = disk->info.flags,
		                       .reads = disk->reads,
		                       .read_bytes = disk->read_bytes,
		                       .writes = disk->writes,
		                       .written_bytes = disk->written_bytes,
		                       .flushes = disk->flushes };
	memcpy(out->serial, disk->info.serial, sizeof(out->serial));
	list_for_each(entry, &disk->clients) {
		const struct disk_client *client = container_of(entry, struct disk_client, entry);

		if (out->num_users < BLKDEV_USERS_MAX)
			memcpy(out->users[out->num_users++], client->app, sizeof(client->app));
	}
}

void counts_tell(const struct blk *blk, handle_t channel, uint32_t id)
{
	struct msg_blkdev_counted counted = { .id = id, .count = (uint32_t)blk->num_disks };
	struct blkdev_counts all[MAX_DISKS];
	struct message m;
	error_t err = message_encode_blkdev_counted(&m, &counted, NULL, 0);

	for (size_t i = 0; i < blk->num_disks; i++)
		disk_tell(&blk->disks[i], &all[i]);
	if (err == 0 && blk->num_disks > 0) {
		err = payload_copy(all, blk->num_disks * sizeof(all[0]), &m.handles[0]);
		m.num_handles = err == 0 ? 1 : 0;
	}
	if (err != 0)
		(void)error_send(channel, id, err, "the disks cannot be told");
	else if (channel_send(channel, &m) != 0)
		message_discard(&m);  // the client leaves no room
}
