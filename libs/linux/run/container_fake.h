// SPDX-License-Identifier: MIT
//
// Containers for fuzzers of apps, in place of libs/linux/run: each does what it is told to, within
// what guest_container.h promises, and aborts at what a caller may not do.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTAINER_FAKE_MAX 32u

// There is none, and there will be `max` at most.
void container_fake_reset(unsigned max);
// What the container in a place does next: starts, says something, asks for input, loses a disk,
// ends. One that is to be killed ends.
void container_fake_does(unsigned place, uint8_t how, const uint8_t *data, size_t len);
// Those that are to be killed end. Returns whether there was one.
bool container_fake_kills(void);
// How many there are.
unsigned container_fake_count(void);
