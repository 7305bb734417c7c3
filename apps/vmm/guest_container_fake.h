// SPDX-License-Identifier: MIT
//
// A container of libs/linux, its processes and what is asked of it, for the fuzzer of the app
// `vmm`: the guest does what it is told to, and says what libs/linux lets a guest say.
// (libs/linux/run/guest_container_fuzz.c has libs/linux with a hostile guest.)
#pragma once

#include "libs/starina/clients_fake.h"

// Nothing was asked of it yet.
void guest_fake_begin(void);
// A virtual machine waits for a container.
void guest_fake_warm(bool is_there);
// It says or does something, from the loop.
void guest_fake_acts(uint8_t how, const uint8_t *data, size_t len);
// It has ended, if there is one; its output was taken.
void guest_fake_ends(int status, const char *error);
// Whether a container is there.
bool guest_fake_is_there(void);
