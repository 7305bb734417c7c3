// SPDX-License-Identifier: MIT
//
// Virtual machines that are made, ended and disturbed many times.
#pragma once

#include "apps/autotest/autotest.h"
#include "apps/autotest/vm/guest_code.h"

#define GUEST_RAM 0x80000000ull
#define GUEST_RAM_SIZE (48ul * 1024 * 1024)

struct stress_vm {
	struct autotest *t;
	size_t ram_size;
	handle_t space;
	handle_t vcpu;
	handle_t memory;
	handle_t event;
	volatile uint64_t *ram;
	struct vcpu_exit exit;
	error_t error;
};

// a1: the guest's memory. t1: 2 MiB.
#define LOAD_RAM G_ADDI(X_A1, X_ZERO, 1), G_SLLI(X_A1, X_A1, 31), G_LUI(X_T1, 0x200)
#define NEXT_BLOCK G_ADD(X_A1, X_A1, X_T1)
#define SHUTDOWN                                                                   \
	G_LUI(X_A7, 0x53525), G_ADDIW(X_A7, X_A7, 0x354), G_ADDI(X_A6, X_ZERO, 0), \
		G_ADDI(X_A0, X_ZERO, 0), G_ADDI(X_A1, X_ZERO, 0), G_ECALL, G_SPIN

// Makes a VM with `ram_size` bytes of memory that begin with `code`; nothing runs.
void stress_vm_open_sized(struct stress_vm *vm, struct autotest *t, size_t ram_size,
                          const uint32_t *code, size_t size);
// The same with GUEST_RAM_SIZE bytes.
void stress_vm_open(struct stress_vm *vm, struct autotest *t, const uint32_t *code, size_t size);
// Frees what was made.
void stress_vm_close(struct stress_vm *vm);
// A thread: runs the VM (`arg`) until it is kicked or ends; `exit` and `error` say how.
void stress_vm_run(void *arg);
