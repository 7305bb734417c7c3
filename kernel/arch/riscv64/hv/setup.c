// SPDX-License-Identifier: MIT
//
// What the harts can do, and what all guests on them share.
#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/hv/hcsr.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/arch/riscv64/hv/vmid.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/debug/log.h"
#include "kernel/sched/sched.h"

#define RFENCE_FENCE_I 0
#define RFENCE_HFENCE_GVMA 4
#define RFENCE_HFENCE_VVMA 6
#define HGATP_VMID_SHIFT 44
#define HGATP_VMID_MASK 0x3fffull
#define HGATP_SV39X4 (8ull << 60)

// What the guest handles itself: all that cannot be the host's business.
#define HEDELEG_BITS                                                                               \
	(1ull << CAUSE_FETCH_MISALIGNED | 1ull << CAUSE_ILLEGAL | 1ull << CAUSE_BREAKPOINT |       \
	 1ull << CAUSE_LOAD_MISALIGNED | 1ull << CAUSE_STORE_MISALIGNED | 1ull << CAUSE_ECALL_U |  \
	 1ull << CAUSE_FETCH_PAGE | 1ull << CAUSE_LOAD_PAGE | 1ull << CAUSE_STORE_PAGE)

enum { UNKNOWN, IN_PROGRESS, KNOWN };
static uint32_t init_state;
bool hv_use_sstc;
static bool hart_ready[MAX_HARTS];

void hv_init_once(void)
{
	uint32_t expected = UNKNOWN;
	uint64_t hgatp;
	unsigned bits;

	if (!__atomic_compare_exchange_n(&init_state, &expected, IN_PROGRESS, false, __ATOMIC_ACQ_REL,
	                                 __ATOMIC_ACQUIRE)) {
		// A few instructions on another hart.
		while (__atomic_load_n(&init_state, __ATOMIC_ACQUIRE) != KNOWN)
			;
		return;
	}
	// The bits that stick are those that the hart implements.
	hcsr_write(CSR_HGATP, HGATP_SV39X4 | HGATP_VMID_MASK << HGATP_VMID_SHIFT);
	hgatp = hcsr_read(CSR_HGATP);
	hcsr_write(CSR_HGATP, 0);
	hfence_gvma_all();
	bits = (unsigned)__builtin_popcountll(hgatp >> HGATP_VMID_SHIFT & HGATP_VMID_MASK);
	vmid_init(bits);

	if (arch_has_sstc()) {
		hcsr_set(CSR_HENVCFG, HENVCFG_STCE);
		hv_use_sstc = (hcsr_read(CSR_HENVCFG) & HENVCFG_STCE) != 0;
	}
	kdebug("hypervisor: %u VMID bits, guest timer by %s", bits, hv_use_sstc ? "Sstc" : "SBI");
	__atomic_store_n(&init_state, KNOWN, __ATOMIC_RELEASE);
}

void hv_init_hart(void)
{
	uint32_t hart = arch_this_hart()->id;

	if (hart_ready[hart])
		return;
	hart_ready[hart] = true;
	hcsr_write(CSR_HEDELEG, HEDELEG_BITS);
	hcsr_write(CSR_HIDELEG, HVIP_VSSIP | HVIP_VSTIP | HVIP_VSEIP);
	hcsr_write(CSR_HCOUNTEREN, HCOUNTEREN_CY_TM_IR);
	hcsr_write(CSR_HVIP, 0);
	hcsr_write(CSR_HENVCFG, HENVCFG_CBIE | HENVCFG_CBCFE | HENVCFG_CBZE | (hv_use_sstc ? HENVCFG_STCE : 0));
}

uint64_t hv_time(void)
{
	return csr_read(time);
}

void hv_fence_gstage(void)
{
	hfence_gvma_all();
	if (num_harts > 1)
		sbi_call(SBI_EXT_RFENCE, RFENCE_HFENCE_GVMA, 0, UINT64_MAX, 0, UINT64_MAX);
}

void hv_fence_guest_remote(uint64_t mask)
{
	for (uint32_t i = 0; i < num_harts; i++) {
		if ((mask & 1ull << i) == 0)
			continue;
		sbi_call(SBI_EXT_RFENCE, RFENCE_HFENCE_VVMA, 1, harts[i].firmware_id, 0, UINT64_MAX);
		sbi_call(SBI_EXT_RFENCE, RFENCE_FENCE_I, 1, harts[i].firmware_id, 0, 0);
	}
}
