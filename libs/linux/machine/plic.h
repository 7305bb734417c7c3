// SPDX-License-Identifier: MIT
//
// The guest's interrupt controller (RISC-V Platform-Level Interrupt Controller specification
// 1.0.0): up to 31 level-triggered sources, one context a vCPU, for its S-mode.
//
// Priority, pending and enable registers read without side effects, so they live in pages that a
// VMM may map read-only for its guest; only writes, claim and complete leave the guest. Not
// thread-safe: the machine's lock guards it.
//
// A driver that knows this controller (guest/kernel/patches) has it post interrupts instead, once
// it has written 1 to a context's POSTED register (offset 8 of the context, reserved in the
// specification): in place of a claim and a completion, which leave the guest, a count of the
// source goes up in the readable pages, and the vCPU gets a supervisor software interrupt, which
// its guest clears itself. A posted source has edges and no level.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/abi/error.h"

#define PLIC_MAX_SOURCES 31u  // 1 to 31; 0 does not exist
#define PLIC_MAX_CONTEXTS 8u
#define PLIC_SIZE 0x400000u
// Of the register space, from its start: priority, pending and enable registers, as the guest may
// read them.
#define PLIC_READABLE_SIZE 0x3000u
#define PLIC_MAX_PRIORITY 7u

struct plic_context {
	uint32_t threshold;
	uint32_t claimed;  // sources in service, by bit
	bool level;        // of its line into the vCPU
	bool posted;       // its interrupts are posted
};

struct plic {
	uint32_t num_sources;
	uint32_t num_contexts;
	uint8_t *page;  // PLIC_READABLE_SIZE bytes, zeroed, page-aligned

	// Sets the level of a vCPU's external interrupt line.
	void (*set_line)(void *line_context, uint32_t context, bool level);
	// Says to a vCPU that something was posted to it.
	void (*ring)(void *line_context, uint32_t context);
	void *line_context;
	// Private.
	bool posts;       // some context has its interrupts posted
	uint32_t levels;  // of the sources' lines, by bit
	uint32_t pending;
	uint32_t in_service;  // claimed and not completed, by any context
	struct plic_context contexts[PLIC_MAX_CONTEXTS];
};

// Sets the level of a source's line. Sources out of range are ignored.
void plic_set_source(struct plic *plic, uint32_t source, bool level);
// Posts one edge of a source that interrupts by edges. Returns false when no context has its
// interrupts posted: the source is to raise its level.
__must_check bool plic_post(struct plic *plic, uint32_t source);
// A guest's access to the register space.
uint64_t plic_read(struct plic *plic, uint64_t offset, uint32_t width);
void plic_write(struct plic *plic, uint64_t offset, uint32_t width, uint64_t value);
