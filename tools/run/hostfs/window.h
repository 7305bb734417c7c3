// SPDX-License-Identifier: MIT
//
// The window (libs/abi/files_port.h): memory of ours that is a disk of the machine's. QEMU is the
// client of the NBD protocol here (the document proto.md of the NBD project), over a socket that
// both have from the start. Its requests are served one by one, and may take as long as QEMU does.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window {
	int socket;       // -1: there is none; the caller's
	uint8_t *memory;  // the disk's; NULL until it is asked for
	bool greeted;     // options came before
	bool negotiated;  // requests come from now on
};

// A window for the client at the other end of `socket` (-1: none), which blocks.
void window_init(struct window *window, int socket);
void window_deinit(struct window *window);
// Takes what has come: an option, or a request. Without a client any more, `socket` is -1.
void window_serve(struct window *window);
// What is in a slot at `offset`. NULL: there is no such slot, or not so much of it.
uint8_t *window_slot(const struct window *window, uint32_t slot, size_t offset, size_t length);
