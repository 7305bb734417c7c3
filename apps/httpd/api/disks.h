// SPDX-License-Identifier: MIT
//
// What the service "blkdev" (libs/abi/blkdev.h) tells of its disks, and fs of the state disk.
#pragma once

#include "apps/httpd/api/asked.h"
#include "libs/abi/blkdev.h"
#include "libs/files/files.h"

// Of more, the first ones are shown.
#define DISKS_MAX 16u

struct disks {
	struct asked_document asked;
	struct blkdev_counts all[DISKS_MAX];
	uint32_t count;
	struct files volumes;  // a session for `space`
	bool volumes_started;
	bool has_space;
	struct file_space space;
};

// Connects, if the image has the services.
void disks_start(struct httpd *httpd);
