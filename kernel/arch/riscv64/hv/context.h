// SPDX-License-Identifier: MIT
//
// A vCPU's registers. switch.S knows the offsets of the first part.
#pragma once

#define CTX_X(n) ((n)*8)
#define CTX_PC 256
#define CTX_SSTATUS 264
#define CTX_HSTATUS 272
#define CTX_HOST_SSTATUS 280
#define CTX_HOST_HSTATUS 288
#define CTX_HOST_SSCRATCH 296
#define CTX_HOST_STVEC 304
#define CTX_HOST_RA 312
#define CTX_HOST_SP 320
#define CTX_HOST_GP 328
#define CTX_HOST_TP 336
#define CTX_HOST_S(n) (344 + (n)*8)

#define VCPU_NO_HART UINT32_MAX

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vcpu_context {
	// Switched at each entry and exit.
	uint64_t x[32];  // x[0] is not used
	uint64_t pc;
	uint64_t sstatus;
	uint64_t hstatus;
	uint64_t host_sstatus;
	uint64_t host_hstatus;
	uint64_t host_sscratch;
	uint64_t host_stvec;
	uint64_t host_ra;
	uint64_t host_sp;
	uint64_t host_gp;
	uint64_t host_tp;
	uint64_t host_s[12];
	// Switched when the vCPU is loaded onto its hart and put back.
	uint64_t fp[33];  // a struct arch_fp
	uint64_t vsstatus;
	uint64_t vstvec;
	uint64_t vsscratch;
	uint64_t vsepc;
	uint64_t vscause;
	uint64_t vstval;
	uint64_t vsatp;
	uint64_t vsie;
	uint64_t hvip;
	uint64_t vstimecmp;  // guest ticks; also the deadline of SBI set_timer without Sstc
	uint64_t scounteren;
	uint64_t senvcfg;
	bool env_parked;  // the hart has the host's of these two, though it has the guest

	// Why the guest was left; read right after.
	uint64_t scause;
	uint64_t stval;
	uint64_t htval;
	uint64_t htinst;  // of guest-page faults only

	// the hart that holds the registers, VCPU_NO_HART: none; written by that hart, atomic
	uint32_t loaded_on;
};

_Static_assert(offsetof(struct vcpu_context, pc) == CTX_PC, "switch.S");
_Static_assert(offsetof(struct vcpu_context, host_stvec) == CTX_HOST_STVEC, "switch.S");
_Static_assert(offsetof(struct vcpu_context, host_s) == CTX_HOST_S(0), "switch.S");

#endif
