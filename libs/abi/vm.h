// SPDX-License-Identifier: MIT
//
// Virtual machines: what vcpu_run reports and takes. RISC-V privileged specification, chapter "H"
// extension.
#pragma once

#include <stdint.h>

// A guest-physical address.
typedef uint64_t gpa_t;

enum vcpu_exit_reason {
	VCPU_EXIT_NONE = 0,
	VCPU_EXIT_POLL,       // the poll given to vcpu_run is ready, or vcpu_kick
	VCPU_EXIT_MMIO_READ,  // complete with mmio.data and run again
	VCPU_EXIT_MMIO_WRITE,
	VCPU_EXIT_SHUTDOWN,  // SBI SRST shutdown; mmio unused, `code` is the SBI reason
	VCPU_EXIT_REBOOT,
	VCPU_EXIT_CONSOLE,  // SBI DBCN or legacy putchar: console.len bytes in console.data

	// the guest cannot go on: its trap handler begins with a fault; the VM is to be closed
	VCPU_EXIT_FAULT,
	// the machine has no page for what guest or VMM touched of guest memory: likewise
	VCPU_EXIT_NO_MEMORY,
};

#define VCPU_CONSOLE_MAX 64

// vcpu_run writes it; before the run that follows an MMIO read, the VMM fills mmio.data
// (little-endian, zero- extended; the kernel sign-extends as the instruction asks).
struct vcpu_exit {
	uint32_t reason;
	uint32_t code;
	struct {
		gpa_t address;
		uint64_t data;
		uint32_t width;  // 1, 2, 4 or 8 bytes
		uint32_t reserved;
	} mmio;
	struct {
		uint32_t len;
		uint8_t data[VCPU_CONSOLE_MAX];
	} console;
	uint64_t fault_pc;
};

// General registers as the guest starts with. Linux's boot protocol: a0 hart id, a1 FDT address.
struct vcpu_state {
	uint64_t pc;
	uint64_t x[32];
};

// Interrupt lines into the vCPU (vcpu_set_irq).
#define VCPU_IRQ_SOFT 2       // VSSIP: has no level, is only set (1); the guest clears it itself
#define VCPU_IRQ_EXTERNAL 10  // VSEIP: the guest's PLIC has something

// Counted since the vCPU was made: every V=1 to HS transition, by cause.
struct vcpu_stats {
	uint64_t exits;
	uint64_t host_interrupt;
	uint64_t page_fault;  // G-stage faults that populated memory
	uint64_t mmio_read;
	uint64_t mmio_write;
	uint64_t notify;  // queue notifications handed to an event
	uint64_t sbi_time;
	uint64_t sbi_other;
	uint64_t wfi;
	uint64_t other;
};
