// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

struct call_fuzz_thread;

// Fills `code` with `count` random RISC-V instructions, of those that make a hypervisor work.
void call_fuzz_guest(struct call_fuzz_thread *thread, uint32_t *code, size_t count);
