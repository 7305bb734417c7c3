// SPDX-License-Identifier: MIT
//
// The emulated machine: QEMU's command line, and the channels between it and us.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "tools/common/error.h"

// In the network that QEMU makes (10.0.2.0/24, with the OS at 10.0.2.15): the container, which
// ports are forwarded to; the host; name servers that ask the host's first one of each family.
#define QEMU_CONTAINER_ADDRESS "10.0.2.100"
#define QEMU_GATEWAY_ADDRESS "10.0.2.2"
#define QEMU_DNS_ADDRESS "10.0.2.3"
#define QEMU_DNS6_ADDRESS "fec0::3"

struct settings;

// Each is one end of a socket pair whose other end is a character device of the machine.
enum qemu_channel {
	QEMU_UART,
	QEMU_STDIN,
	QEMU_STDOUT,
	QEMU_STDERR,
	QEMU_CONTROL,
	QEMU_APPS,
	QEMU_FILES,    // only when there are volumes; its end is the file server's
	QEMU_HOST,     // these are the engine's: what the OS asks of us
	QEMU_MONITOR,  // QMP; no port of the OS's
	QEMU_WINDOW,   // the disk beside QEMU_FILES; no character device
	QEMU_NUM_CHANNELS,
};

struct qemu {
	pid_t pid;
	int channels[QEMU_NUM_CHANNELS];  // not blocking; -1: there is no such
	pid_t file_server;                // 0: none
	int binds;  // to it: what may be opened of the host (binds.h); -1: nothing
};

struct qemu_files {
	const char *kernel;  // starina.elf
	const char *boot_disk;
	const char *root_image;
	const char *writable_disk;  // NULL: none
	bool writable_disk_kept;    // what is flushed to it has to last
	const char *state_disk;     // NULL: none
	const char *images_disk;    // a VMDK description
	bool has_linuxrun;          // the image has the app that runs the container
	bool has_httpd;             // the image has the app that serves the API
	const char *gdb_socket;     // NULL: no debugger can attach
	unsigned engine_port;       // of 127.0.0.1, for the engine; 0: there is none
	int bind_root;              // of the folder below which the engine may bind
	const char *bind_path;      // of the same
};

// Starts QEMU, out of the terminal's process group, and the server of the volumes. Released by
// qemu_stop().
int qemu_start(struct qemu *machine, const struct settings *settings,
               const struct qemu_files *files, struct error *err);

// Ends QEMU and the server if they still run, and closes the channels.
void qemu_stop(struct qemu *machine);
