// SPDX-License-Identifier: MIT
//
// The app's state: one container from the boot disk, with the host's ports as its streams.
#pragma once

#include "libs/linux/vm/boot_disk.h"
#include "libs/starina/opener.h"
#include "apps/linuxrun/console_ports.h"
#include "libs/files/files.h"
#include "libs/linux/run/guest_container.h"
#include "libs/starina/environ.h"
#include "libs/starina/payload.h"

#define HOST_LINE_MAX 128

struct linuxrun {
	const struct environ *env;
	struct loop loop;
	handle_t system;
	bool power_off;
	bool log_guest;
	uint64_t memory;
	uint64_t cpus;
	uint8_t address[4];  // wanted on the network
	bool wants_network;
	struct vm_share shares[VM_MAX_SHARES];  // what the container is given
	uint32_t num_shares;

	struct opener open_boot, open_root, open_writable, open_stdin;
	uint32_t opening;  // disks and ports that have not answered
	struct disk disk;
	struct boot_disk boot;
	uint8_t *config_data;  // heap
	handle_t boot_channel;
	handle_t root_channel;
	bool wants_writable;  // the host has a disk for the writable layer
	handle_t writable_channel;

	struct out_port out;
	struct out_port err;
	struct out_port control;
	bool out_closed, err_closed;  // by the host
	char line[HOST_LINE_MAX];     // of the control port, unfinished
	size_t line_len;
	bool line_overlong;

	// stdin: a message in hand, and the host's word on how many bytes there are.
	struct source stdin_source;
	bool stdin_open;
	struct payload stdin_payload;
	struct message stdin_message;  // holds the payload's bytes when they came inline
	size_t stdin_done;
	uint64_t stdin_total;
	uint64_t stdin_eof;  // UINT64_MAX: not told yet

	struct volume_command *volume_command;  // which has more to say; NULL: none
	char *volumes_to_remove;                // with the container; heap

	struct guest_container *container;
	nsec_t run_time;  // when it was asked to run
	bool had_output;
	bool ended;
	int status;
	bool failed;
	char error[256];
	uint32_t flushing;  // ports whose output is on its way
	bool flushed_output;
	// The end waits for the state disk.
	struct files volumes;
	handle_t patience_timer;
	struct source patience;
};

// Sends a line to the host.
void linuxrun_tell(struct linuxrun *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
// The run has ended: tells the host once all output has gone out, and powers off if asked to.
void linuxrun_end(struct linuxrun *run, int status, const char *error);
// A port has written all that it was given: the end goes on.
void linuxrun_port_flushed(void *context, struct out_port *port);
// Bytes of the control port.
void linuxrun_control_input(void *context, struct span bytes);
// Follows the stdin port.
void linuxrun_stdin_open(struct linuxrun *run, handle_t channel);
// Gives the container what is in hand of stdin.
void linuxrun_stdin_pump(struct linuxrun *run);
