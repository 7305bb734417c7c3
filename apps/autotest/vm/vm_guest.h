// SPDX-License-Identifier: MIT
//
// A virtual machine of a few instructions and one vCPU, for tests that look at each of its exits.
#pragma once

#include "apps/autotest/autotest.h"
#include "apps/autotest/vm/guest_code.h"

#define GUEST_RAM 0x80000000ull
#define GUEST_RAM_SIZE (4ul * 1024 * 1024)
// Where no memory is.
#define DEVICE 0x10000000ull

struct vm {
	struct autotest *t;
	handle_t space;
	handle_t vcpu;
	handle_t poll;
	handle_t memory;
	uint8_t *ram;
	struct vcpu_exit exit;
};

// Loads address 0x10000000 into t0.
#define LOAD_DEVICE G_LUI(X_T0, 0x10000)
// SBI SRST shutdown.
#define SHUTDOWN                                                                   \
	G_LUI(X_A7, 0x53525), G_ADDIW(X_A7, X_A7, 0x354), G_ADDI(X_A6, X_ZERO, 0), \
		G_ADDI(X_A0, X_ZERO, 0), G_ADDI(X_A1, X_ZERO, 0), G_ECALL, G_SPIN
// stvec: the word `words` further on than this one (two words).
#define TRAPS_TO(words) G_AUIPC(X_T3, 0), G_ADDI(X_T3, X_T3, (words)*4), G_CSRW(CSR_STVEC, X_T3)
// Tells scause by a store to the device and shuts down: where a trap goes.
#define REPORT_TRAP LOAD_DEVICE, G_CSRR(X_T1, CSR_SCAUSE), G_SD(X_T1, 0, X_T0), SHUTDOWN

// Makes a machine with `size` bytes of `code` at the start of its memory, where it begins. Returns
// false when the test ends here: the emulator has no H extension, or something failed.
bool vm_start(struct vm *vm, struct autotest *t, const uint32_t *code, size_t size);
void vm_end(struct vm *vm);
// Runs to the next exit, which must be `reason`.
void run_to(struct vm *vm, uint32_t reason);
// The next exit must be this access of the guest.
void expect_write(struct vm *vm, gpa_t address, uint64_t data, uint32_t width);
void answer_read(struct vm *vm, gpa_t address, uint32_t width, uint64_t data);
