// SPDX-License-Identifier: MIT
//
// GET disks: the machine's disks, and how full the file system is that the volumes are on. What the
// file system says is asked for first, then the disks: the document is whole with their answer.
#include "apps/httpd/api/disks.h"

#include "apps/httpd/api/api.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static void disk_write(struct json_writer *w, const struct blkdev_counts *disk)
{
	write_open(w, NULL, "{");
	write_text(w, "name", disk->serial);
	write_number(w, "bytes", disk->num_sectors * BLKDEV_SECTOR_SIZE);
	write_flag(w, "read_only", (disk->flags & BLKDEV_READ_ONLY) != 0);
	write_number(w, "reads", disk->reads);
	write_number(w, "read_bytes", disk->read_bytes);
	write_number(w, "writes", disk->writes);
	write_number(w, "written_bytes", disk->written_bytes);
	write_number(w, "flushes", disk->flushes);
	write_open(w, "users", "[");
	for (uint32_t i = 0; i < disk->num_users; i++)
		write_text(w, NULL, disk->users[i]);
	write_close(w, "]}");
}

error_t disks_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	struct disks *disks = &httpd->disks;

	asked_refresh(&disks->asked);
	write_open(w, name, "{");
	write_number(w, "time_ns", disks->asked.time);
	write_open(w, "disks", "[");
	for (uint32_t i = 0; i < disks->count; i++)
		disk_write(w, &disks->all[i]);
	write_close(w, "]");
	if (disks->has_space) {
		write_open(w, "volumes", "{");
		write_number(w, "total", disks->space.total);
		write_number(w, "free", disks->space.free);
		write_close(w, "}");
	} else {
		write_null(w, "volumes");
	}
	write_close(w, "}");
	return 0;
}

// --- Who is asked --------------------------------------------------------------------------------

static error_t driver_ask(struct disks *disks)
{
	struct msg_blkdev_count count = { 0 };
	struct message m;
	error_t err = message_encode_blkdev_count(&m, &count, NULL, 0);

	return err != 0 ? err : channel_send(disks->asked.client.source.handle, &m);
}

static void space_told(void *context, error_t error, const struct file_space *space)
{
	struct disks *disks = context;

	// Of a session that was lost, what was told stays until it is told anew.
	if (error != ERR_PEER_CLOSED)
		disks->has_space = error == 0;
	if (error == 0)
		disks->space = *space;
	// The driver may have gone meanwhile.
	error = disks->asked.client.connected ? driver_ask(disks) : ERR_PEER_CLOSED;
	if (error != 0)
		asked_failed(&disks->asked, error);
}

static error_t disks_ask(struct asked_document *document)
{
	struct disks *disks = container_of(document, struct disks, asked);
	handle_t connector = environ_connector(document->httpd->env, "volumes");

	// Who was refused is told of no state disk: there is none, and will be none.
	if (connector == HANDLE_NONE ||
	    (disks->volumes.error != 0 && disks->volumes.error != ERR_PEER_CLOSED))
		return driver_ask(disks);
	if (!disks->volumes_started || disks->volumes.error != 0) {
		files_stop(&disks->volumes);
		files_start(&disks->volumes, &document->httpd->loop, connector, FILES_VOLUMES);
		disks->volumes_started = true;
	}
	return files_space(&disks->volumes, space_told, disks);
}

static bool disks_take(struct asked_document *document, struct message *m)
{
	struct disks *disks = container_of(document, struct disks, asked);
	struct msg_blkdev_counted counted;
	struct payload payload;
	const uint8_t *tail;
	uint32_t count;
	size_t len;

	if (message_decode_blkdev_counted(m, &counted, &tail, &len) != 0 ||
	    m->num_handles != (counted.count > 0))
		return false;
	count = counted.count < DISKS_MAX ? counted.count : DISKS_MAX;
	disks->count = 0;
	if (count == 0)
		return true;
	if (payload_open_folio(m->handles[0], 0, (uint32_t)(count * sizeof(disks->all[0])),
	                       &payload) != 0) {
		m->num_handles = 0;  // it was consumed
		return false;
	}
	memcpy(disks->all, payload.bytes.data, payload.bytes.len);
	payload_release(&payload);
	disks->count = count;
	// They come from another process.
	for (uint32_t i = 0; i < count; i++) {
		struct blkdev_counts *disk = &disks->all[i];

		disk->serial[sizeof(disk->serial) - 1] = '\0';
		if (disk->num_users > BLKDEV_USERS_MAX)
			disk->num_users = BLKDEV_USERS_MAX;
		for (uint32_t k = 0; k < disk->num_users; k++)
			disk->users[k][APP_NAME_MAX - 1] = '\0';
	}
	return true;
}

static const struct asked_ops disks_ops = { .service = "blkdev",
	                                    .what = "the disks",
	                                    .ask = disks_ask,
	                                    .take = disks_take,
	                                    .write = disks_write };

void disks_start(struct httpd *httpd)
{
	asked_start(httpd, &httpd->disks.asked, &disks_ops,
	            "\"blkdev\" cannot be waited for: the disks are not shown");
}

API_START(disks_get)
{
	struct httpd *httpd = context;

	(void)head;
	(void)match;
	asked_get(&httpd->disks.asked, exchange);
}
