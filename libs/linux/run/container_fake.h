// SPDX-License-Identifier: MIT
//
// A container for linuxrun's fuzzer, in place of libs/linux/run: it does what it is told to, within
// what guest_container.h promises, and aborts at what a caller may not do.
#pragma once

#include <stddef.h>
#include <stdint.h>

// There is none.
void container_fake_reset(void);
// What it does next: starts, says something, asks for input, loses a disk, ends.
void container_fake_does(uint8_t how, const uint8_t *data, size_t len);
