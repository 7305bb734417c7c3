// SPDX-License-Identifier: MIT
//
// Traps and calls: the two ways into the kernel. RISC-V privileged specification, "Supervisor
// Trap".
//
// The kernel runs with interrupts off, apps with interrupts on. So sstatus.SPIE tells where a trap
// comes from: 1 from an app (its frame goes to the top of the thread's kernel stack), 0 from the
// kernel (its frame goes where sp is, or to the hart's emergency stack when sp is bad).
#pragma once

#define TRAP_FRAME_SIZE 288
#define TRAP_FRAME_SEPC 256
#define TRAP_FRAME_SSTATUS 264

#ifndef __ASSEMBLER__
#include <stdint.h>

struct hart;

struct trap_frame {
	uint64_t x[32];  // x[0] unused; x[4] (tp) restored in user mode only
	uint64_t sepc;
	uint64_t sstatus;
	uint64_t scause;
	uint64_t stval;
};

// An exception of kernel code at [start, end) goes on at `handler` with all registers as they were
// (scause and stval hold why). In section .fixup, as four .quad; made by FIXUP_* in assembly.
struct fixup {
	uintptr_t start;
	uintptr_t end;
	uintptr_t handler;
	uint64_t kind;
};

// Makes `hart` this hart, whose traps are taken from now on. First thing on each hart.
void trap_init_hart(struct hart *hart);
// Handles all interrupts that are pending now. Interrupts are off, no lock is held. For the idle
// loop and for vcpu_run.
void trap_handle_pending(void);
// Called by the trap entry. Returns where the interrupted code goes on.
void trap_handle(struct trap_frame *frame);
// As sched_return_to_app, before a return to user mode by the trap entry's own ways.
void trap_return_to_user(void);
// In trap_entry.S.
void trap_entry(void);
void trap_thread_start(void);
#endif

// Faults on app memory: a lazy range is populated and the access tried again, else the handler.
#define FIXUP_KIND_APP 1
// Straight to the handler (hypervisor loads, probing reads).
#define FIXUP_KIND_PROBE 2
