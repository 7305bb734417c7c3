// SPDX-License-Identifier: MIT
//
// The emulated machine: QEMU's command line, and the channels between it and us.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "tools/common/error.h"

// The container's, in the network that QEMU makes (10.0.2.0/24, with the OS at 10.0.2.15): what ports are forwarded to.
#define MACHINE_CONTAINER_ADDRESS "10.0.2.100"

struct settings;

// Each is one end of a socket pair whose other end is a character device of the machine.
enum machine_channel {
	MACHINE_UART,
	MACHINE_STDIN,
	MACHINE_STDOUT,
	MACHINE_STDERR,
	MACHINE_CONTROL,
	MACHINE_NUM_CHANNELS,
};

struct machine {
	pid_t pid;
	int channels[MACHINE_NUM_CHANNELS];  // not blocking
};

struct machine_files {
	const char *kernel;  // starina.elf
	const char *boot_disk;
	const char *root_image;
	const char *writable_disk;  // NULL: none
	bool writable_disk_kept;  // what is flushed to it has to last
	const char *images_disk;  // a VMDK description
	const char *gdb_socket;  // NULL: no debugger can attach
};

// Starts QEMU, out of the terminal's process group. Released by machine_stop().
int machine_start(struct machine *machine, const struct settings *settings,
                  const struct machine_files *files, struct error *err);

// Ends QEMU if it still runs, and closes the channels.
void machine_stop(struct machine *machine);
