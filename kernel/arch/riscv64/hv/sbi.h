// SPDX-License-Identifier: MIT
//
// The guest's SBI, one file an extension. RISC-V SBI specification 2.0.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/arch/riscv64/hv/hv.h"

struct vcpu;

// Error codes (SBI chapter 3).
#define SBI_SUCCESS 0
#define SBI_ERR_FAILED (-1)
#define SBI_ERR_NOT_SUPPORTED (-2)
#define SBI_ERR_INVALID_PARAM (-3)
#define SBI_ERR_DENIED (-4)
#define SBI_ERR_INVALID_ADDRESS (-5)
#define SBI_ERR_ALREADY_AVAILABLE (-6)
#define SBI_ERR_ALREADY_STARTED (-7)

struct guest_sbi_call {
	uint64_t extension;
	uint64_t function;
	const uint64_t *arg;  // a0 to a5
	int64_t error;        // SBI_SUCCESS unless the handler says otherwise
	uint64_t value;
};

// Serves one call. What it returns is what happens next; the result goes into *call.
typedef enum hv_next sbi_handler_t(struct vcpu *vcpu, struct guest_sbi_call *call,
                                   struct vcpu_exit *exit);

struct guest_sbi_extension {
	uint64_t first;  // extension ids, inclusive
	uint64_t last;
	sbi_handler_t *handle;
	bool legacy;  // returns in a0 alone (SBI chapter 5)
};

extern const struct guest_sbi_extension sbi_ext_base;
extern const struct guest_sbi_extension sbi_ext_time;
extern const struct guest_sbi_extension sbi_ext_ipi;
extern const struct guest_sbi_extension sbi_ext_rfence;
extern const struct guest_sbi_extension sbi_ext_hsm;
extern const struct guest_sbi_extension sbi_ext_srst;
extern const struct guest_sbi_extension sbi_ext_dbcn;
extern const struct guest_sbi_extension sbi_ext_legacy;

// Serves the ecall that the guest left for.
enum hv_next sbi_handle_call(struct vcpu *vcpu, struct vcpu_exit *exit);
// The extension that has this id; NULL when there is none.
const struct guest_sbi_extension *sbi_find_extension(uint64_t id);

// --- What several extensions need ---

// Calls fn for each vCPU of a hart mask (SBI chapter 3: a mask and its base, base -1 means all).
// Returns an SBI error: SBI_ERR_INVALID_PARAM when the mask names a hart that is not there; then
// nothing was done.
int64_t sbi_for_each_hart(struct vcpu *vcpu, uint64_t mask, uint64_t base,
                          void (*fn)(struct vcpu *target, void *arg), void *arg);
// An interprocessor interrupt; a fence of instructions and translations, over when this returns.
// Returns an SBI error.
int64_t sbi_send_ipis(struct vcpu *vcpu, uint64_t mask, uint64_t base);
// As sbi_send_ipis to the harts of the mask at this guest-virtual address (SBI chapter 5).
int64_t sbi_send_ipis_legacy(struct vcpu *vcpu, uint64_t mask_address);
int64_t sbi_fence_harts(struct vcpu *vcpu, uint64_t mask, uint64_t base);
