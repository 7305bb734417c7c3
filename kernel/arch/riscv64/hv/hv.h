// SPDX-License-Identifier: MIT
//
// The hypervisor's inner side. vcpu_run (run.c) loads the vCPU onto the hart (load.c) and switches
// worlds (switch.S) until what made the guest leave (exit.c, mmio.c, sbi*.c) is for the VMM.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/arch/riscv64/hv/context.h"
#include "libs/abi/error.h"
#include "libs/abi/time.h"
#include "libs/abi/vm.h"

struct hart;
struct vcpu;

// What a handler of an exit asks for.
enum hv_next {
	HV_REENTER,  // on with the guest
	HV_WAIT,     // the guest waits for an interrupt; then on
	HV_RETURN,   // vcpu_run returns; *exit is filled
};

// --- setup.c ---

// Finds out what this hart can do; once on each, before it is online.
void hv_probe_hart(const struct hart *hart);
// Settles what all harts can do. At the first hvspace; any number of times. Returns false when
// guests cannot run.
__must_check bool hv_init_once(void);
// This hart's part, at the first vcpu_run on it. Context: interrupts off.
void hv_init_hart(void);
// Whether guests program their timer themselves (Sstc); else by SBI and an emulated VSTIP.
extern bool hv_use_sstc;
static inline bool hv_has_sstc(void)
{
	return hv_use_sstc;
}
// Ticks of `time`.
uint64_t hv_time(void);
// All harts forget all guest-physical translations before this returns.
void hv_fence_gstage(void);
// This hart forgets what it may remember of guest-physical address `gpa`: that nothing is mapped
// there, too.
void hv_fence_gstage_here(gpa_t gpa);
// The harts of `mask` (by index) forget the virtual translations of the guest that is loaded on
// this hart, and fetch instructions anew. Returns once they have. Harts outside of guests need not
// be named.
void hv_fence_guest_remote(uint64_t mask);

// --- load.c ---

// A vCPU's registers after reset.
void hv_context_init(struct vcpu_context *context);
// The registers that vcpu_get_state and vcpu_set_state speak of (libs/abi/vm.h).
void hv_context_get(const struct vcpu_context *context, struct vcpu_state *out);
void hv_context_set(struct vcpu_context *context, const struct vcpu_state *state);
// As the guest's hart would be for SBI HSM's start (SBI chapter 9): no translation, interrupts off.
void hv_context_reset(struct vcpu_context *context);
// Puts the vCPU's registers into this hart, and takes them out again. It stays loaded, also while
// its thread is back in the app, until the hart switches to another thread (thread_switch.h), loads
// another vCPU, or somebody else wants it (hv_evict). The FP unit is off for the app meanwhile: its
// first FP instruction ends it too. Both do nothing when it is so already.
void hv_load(struct vcpu *vcpu);
void hv_put(struct vcpu *vcpu);
// scounteren and senvcfg of a vCPU that this hart holds, which are the guest's and user mode's at
// once (hypervisor extension, "no matching VS CSR"): the host's take their place, and the guest's
// come back before it is entered.
void hv_park_env(struct vcpu *vcpu);
void hv_unpark_env(struct vcpu *vcpu);
// hv_put of whatever this hart holds.
void hv_put_guest(struct hart *hart);
// Makes sure that no other hart holds the vCPU, which no thread runs but, at most, the caller. No
// lock is held.
void hv_evict(struct vcpu *vcpu);
// This hart's part when others evict: after a kick.
void hv_serve_evict(struct hart *hart);
// Applies hvip's part of what was asked for with vcpu_set_irq and SBI IPIs. The vCPU is loaded.
void hv_update_interrupts(struct vcpu *vcpu);
// Whether the guest has an interrupt that ends its WFI (enabled in vsie, sstatus.SIE does not
// matter). The vCPU is loaded.
bool hv_interrupt_pending(const struct vcpu *vcpu);

// --- timer.c ---

// SBI set_timer: the guest's next timer interrupt, in its ticks. The vCPU is loaded.
void hv_timer_set(struct vcpu *vcpu, uint64_t guest_ticks);
// Without Sstc: raises VSTIP when the guest's deadline has passed, else has the host's timer
// interrupt then. The vCPU is loaded.
void hv_timer_update(struct vcpu *vcpu);
// CLOCK_MONOTONIC of the guest's next timer interrupt; NSEC_NEVER: none.
nsec_t hv_timer_deadline(const struct vcpu *vcpu);
void hv_timer_init(struct vcpu *vcpu);
void hv_timer_cancel(struct vcpu *vcpu);

// --- exit.c ---

// What the guest left for, right after hv_switch.
enum hv_next hv_handle_exit(struct vcpu *vcpu, struct vcpu_exit *exit);
// Gives the guest an exception of its own, as the hardware would. The vCPU is loaded.
void hv_inject_exception(struct vcpu *vcpu, uint64_t cause, uint64_t tval);
// Whether the guest is at the first instruction of its own trap handler: an exception there comes
// again for ever. The vCPU is loaded.
bool hv_is_at_handler(const struct vcpu *vcpu);

// --- mmio.c ---

// A G-stage fault (causes 20, 21, 23).
enum hv_next hv_handle_guest_fault(struct vcpu *vcpu, struct vcpu_exit *exit);
// Finishes an MMIO read with what the VMM has put into *exit.
void hv_finish_mmio_read(struct vcpu *vcpu, const struct vcpu_exit *exit);
// The guest's instruction at its pc. Returns false when fetching it faults: the guest is to try
// again.
bool hv_fetch_insn(const struct vcpu *vcpu, uint32_t *insn);

// --- switch.S ---

// Enters the guest and returns at its next exit. Context: interrupts off, the vCPU's CSRs loaded.
void hv_switch(struct vcpu_context *context);
// HLVX.HU, HLVX.WU and HLV.D at a guest-virtual address that is a multiple of their width. Return
// false when the access faults.
bool hv_fetch_half(uint64_t guest_address, uint64_t hstatus, uint16_t *out);
bool hv_fetch_word(uint64_t guest_address, uint64_t hstatus, uint32_t *out);
bool hv_load_double(uint64_t guest_address, uint64_t hstatus, uint64_t *out);
