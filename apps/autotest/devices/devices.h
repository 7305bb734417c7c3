// SPDX-License-Identifier: MIT
//
// What the tests of the drivers share. They run only on the machine that tools/test/run_autotest.py
// makes (boot argument autotest.devices=1): disk "test", read-only, 8 MiB, whose n-th 8-byte word
// is device_pattern(n); disk "scratch", 4 MiB; console ports org.starina.test.echo0 and echo1,
// which send back what they get; org.starina.test.bulk, which answers a line with a number by so
// many bytes, and the line "close" by closing; and a TCP server that sends back what it gets, at
// port autotest.host_port of the host, and a UDP server that does the same at autotest.udp_port.
#pragma once

#include "apps/autotest/autotest.h"
#include "libs/abi/blkdev.h"

#define TEST_DISK_SECTORS 16384u
#define SCRATCH_DISK_SECTORS 8192u

// The word at byte 8 * `index` of disk "test".
static inline uint64_t device_pattern(uint64_t index)
{
	return index * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

// --- Apps (connect.c) ---

// A fresh connection to `service`, which opens `uri`; HANDLE_NONE when it fails (an expectation
// fails then too).
handle_t device_open(struct autotest *t, const char *service, const char *uri);
// The same, without expectations. Errors: service_connect_wait's, open_wait's.
__must_check error_t device_try_open(struct autotest *t, const char *service, const char *uri,
                                     handle_t *out);

// Kills the app's process and waits until it has been taken apart.
void kill_app(struct autotest *t, const char *name);

// Blocks for `ms` milliseconds.
void pause_ms(unsigned ms);

// --- Disks (disk.c) ---

// Opens a disk and takes its info message.
handle_t disk_open(struct autotest *t, const char *uri, struct msg_blkdev_info *info);
// Sends a request for `folio`, which is the driver's until its reply. Errors: channel_send's; the
// folio is the caller's then.
__must_check error_t disk_send(handle_t disk, uint32_t type,
                               const struct msg_blkdev_request *request, handle_t folio);
// Waits for a reply; `*folio` is HANDLE_NONE without one. Errors: recv_wait's, ERR_PROTOCOL.
__must_check error_t disk_reply(handle_t disk, struct msg_blkdev_reply *reply, handle_t *folio);
// Whether `folio` has at [offset, offset + length) what disk "test" has from `sector` on.
bool disk_pattern_matches(handle_t folio, uint32_t offset, uint32_t length, uint64_t sector);

// --- Streams (stream.c) ---

// Sends `total` bytes over a channel whose peer sends them back, and checks that they come back in
// order. `salt` makes them differ from others'. Returns false at the first that differs, at the end
// of the channel, and at `deadline`.
bool stream_echoes(handle_t channel, size_t total, uint32_t salt, nsec_t deadline);
// A connection to the host's echo server; tries again and again until the network is up.
handle_t tcp_connect(struct autotest *t);
