// SPDX-License-Identifier: MIT
//
// For tests of page tables of processes: harts that are numbers, each with a TLB that remembers
// what it looked up by ASID, until it is told to forget it.
#pragma once

#include "kernel/arch/riscv64/arch_space.h"
#include "kernel/mm/page_fake.h"
#include "kernel/sched/sched.h"

#define NUM_HARTS 3u
#define NUM_ADDRESSES 4u
#define BASE 0x40000000ul
#define RW (SPACE_READ | SPACE_WRITE)

extern __thread struct hart *self;  // the hart that calls
extern uint32_t fenced;             // bit per hart that the firmware fenced
extern uint32_t evictions;

// All harts begin, with as many bits of ASIDs.
void boot(unsigned bits);
// Around each test.
int setup(void **state);
int teardown(void **state);
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

// The register of the hart.
uint64_t satp_of(uint32_t hart);
// The hart switches to a thread of the space, or with NULL to one that needs none.
void run(uint32_t hart, struct arch_space *space);
// What the process on the hart sees at address `i`; 0: nothing.
paddr_t look(uint32_t hart, unsigned i);

// An empty space.
void init(struct arch_space *space);
// Maps a page at address `i`, to be read and written.
void map(struct arch_space *space, unsigned i, paddr_t paddr);
void map_with(struct arch_space *space, unsigned i, paddr_t paddr, uint32_t prot);
