// SPDX-License-Identifier: MIT
#include "apps/virtio_blk/blk.h"
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static struct blk blk;

static void virtio_blk_main(const struct environ *env)
{
	const struct env_entry *entry;
	error_t err = loop_init(&blk.loop);

	for (size_t i = 0; err == 0 && (entry = environ_device(env, "virtio,device2", i)) != NULL;
	     i++) {
		if (blk.num_disks == MAX_DISKS) {
			log_warn("more than %u block devices: the others are not used", MAX_DISKS);
			break;
		}
		// One that does not work (it has said why) does not keep the others from working.
		if (disk_start(&blk, &blk.disks[blk.num_disks], entry, i) == 0)
			blk.num_disks++;
	}
	if (err == 0)
		err = service_listen(&blk.loop, &blk.listener, environ_service(env, "blkdev"),
		                     session_accepted, &blk);
	if (err != 0) {
		log_error("cannot provide \"blkdev\": %s", error_text(err));
		process_exit(1);
	}
	loop_run(&blk.loop);
}

APP(virtio_blk, .main = virtio_blk_main, .restart = RESTART_ON_FAULT, .provides = { "blkdev" },
    .needs = { { .kind = NEED_DEVICE, .name = "virtio,device2", .optional = 1 } });
