// SPDX-License-Identifier: MIT
//
// What a run needs before its machine starts: image, configuration, disks, ports, sockets.
#pragma once

#include <limits.h>

#include "tools/common/error.h"
#include "tools/common/workdir.h"
#include "tools/run/engine/engine.h"
#include "tools/run/qemu/state_disk.h"
#include "tools/run/qemu/writable_disk.h"
#include "tools/run/settings/boot_apps.h"
#include "tools/run/settings/settings.h"
#include "tools/run/web/web.h"

struct run {
	struct settings settings;
	struct workdir workdir;
	char image_tool[PATH_MAX];
	char images_index[PATH_MAX];
	char images_builtin[PATH_MAX];
	char images_disk[PATH_MAX];
	char image[PATH_MAX];  // directory of the packed image
	char config[PATH_MAX];
	char boot_disk[PATH_MAX];
	char root_image[PATH_MAX];
	struct writable_disk disk;
	struct writable_disk state_disk;
	char kernel[PATH_MAX];
	char gdb_socket[PATH_MAX];  // "": none
	char gdb_address[PATH_MAX];
	char apps_address[PATH_MAX];
	char apps_socket[PATH_MAX];  // "": none
	int apps_fd;                 // listens there
	struct boot_apps boot_apps;
	struct engine engine;
	struct web web;
	char bind_path[PATH_MAX];
	int bind_root;
	int log_fd;
};

// Fails for an image without the server of volumes if volumes are wanted.
int run_check_volumes(const struct settings *settings, struct error *err);
// Makes all of it from the settings that were read. After a failure, too, the caller frees what
// `run` holds.
int run_prepare(struct run *run, struct error *err);
