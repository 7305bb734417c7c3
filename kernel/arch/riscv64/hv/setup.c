// SPDX-License-Identifier: MIT
//
// What the harts can do, and what all guests on them share.
#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/cause.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/hv/gstage.h"
#include "kernel/arch/riscv64/hv/hcsr.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/arch/riscv64/hv/vmid.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/debug/log.h"
#include "kernel/sched/sched.h"
#include "kernel/arch/riscv64/machine.h"

#define RFENCE_FENCE_I 0
#define RFENCE_HFENCE_GVMA 4
#define RFENCE_HFENCE_VVMA 6

// What the guest handles itself: all that cannot be the host's business.
#define HEDELEG_BITS                                                                              \
	(1ull << CAUSE_FETCH_MISALIGNED | 1ull << CAUSE_ILLEGAL | 1ull << CAUSE_BREAKPOINT |      \
	 1ull << CAUSE_LOAD_MISALIGNED | 1ull << CAUSE_STORE_MISALIGNED | 1ull << CAUSE_ECALL_U | \
	 1ull << CAUSE_FETCH_PAGE | 1ull << CAUSE_LOAD_PAGE | 1ull << CAUSE_STORE_PAGE)

// What each hart has found out about itself; others read it once the hart is online.
struct hart_limits {
	uint8_t vmid_bits;
	bool sv39x4;
	bool sv48x4;
	bool sstc;
};
static struct hart_limits limits[MAX_HARTS];

enum { UNKNOWN, IN_PROGRESS, KNOWN };
static uint32_t init_state;
bool hv_use_sstc;
static bool hart_ready[MAX_HARTS];

// Whether hgatp takes the mode; a mode that the hart lacks leaves the register as it was.
static bool takes_mode(uint64_t mode)
{
	hcsr_write(CSR_HGATP, 0);
	hcsr_write(CSR_HGATP, mode << HGATP_MODE_SHIFT | HGATP_VMID_MASK << HGATP_VMID_SHIFT);
	return hcsr_read(CSR_HGATP) >> HGATP_MODE_SHIFT == mode;
}

// Writes a register of the hart, or does nothing where it is illegal (kernel/arch/riscv64/trap.h,
// fixups).
#define write_if_there(number, value)                                         \
	__asm__ volatile("1:	csrw	%0, %1\n"                                   \
	                 "2:\n"                                               \
	                 "	.pushsection .fixup, \"a\"\n"                      \
	                 "	.balign 8\n"                                       \
	                 "	.quad 1b, 2b, 2b, 2\n" /* FIXUP_KIND_PROBE */ \
	                 "	.popsection\n" ::"i"(number),                 \
	                 "rK"((uint64_t)(value))                              \
	                 : "memory")

void hv_probe_hart(const struct hart *hart)
{
	struct hart_limits *found = &limits[hart->id];
	uint64_t ids;

	// The firmware says nothing of what it left there for user mode.
	write_if_there(CSR_SENVCFG_N, 0);
	if (!arch_has_hypervisor())
		return;
	// No access to guests' memory by HLV and HSV in user mode.
	hcsr_clear(CSR_HSTATUS, HSTATUS_HU);
	found->sv48x4 = takes_mode(HGATP_MODE_SV48X4);
	found->sv39x4 = takes_mode(HGATP_MODE_SV39X4);
	if (!found->sv39x4 && found->sv48x4)
		takes_mode(HGATP_MODE_SV48X4);
	// The bits that stick are those that the hart implements, the lowest ones.
	ids = hcsr_read(CSR_HGATP) >> HGATP_VMID_SHIFT & HGATP_VMID_MASK;
	found->vmid_bits = (uint8_t)__builtin_popcountll(ids);
	hcsr_write(CSR_HGATP, 0);
	hfence_gvma_all();
	if (machine.has_sstc) {
		hcsr_set(CSR_HENVCFG, HENVCFG_STCE);
		found->sstc = (hcsr_read(CSR_HENVCFG) & HENVCFG_STCE) != 0;
	}
}

// What all harts can do.
static struct hart_limits common_limits(void)
{
	struct hart_limits common = limits[0];

	for (uint32_t i = 1; i < num_harts; i++) {
		if (common.vmid_bits > limits[i].vmid_bits)
			common.vmid_bits = limits[i].vmid_bits;
		common.sv39x4 = common.sv39x4 && limits[i].sv39x4;
		common.sv48x4 = common.sv48x4 && limits[i].sv48x4;
		common.sstc = common.sstc && limits[i].sstc;
	}
	return common;
}

bool hv_init_once(void)
{
	static bool usable;
	uint32_t expected = UNKNOWN;
	struct hart_limits common;

	if (!__atomic_compare_exchange_n(&init_state, &expected, IN_PROGRESS, false,
	                                 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		// A few instructions on another hart.
		while (__atomic_load_n(&init_state, __ATOMIC_ACQUIRE) != KNOWN)
			;
		return usable;
	}
	common = common_limits();
	tlb_tags_init(&vmids, common.vmid_bits);
	hv_use_sstc = common.sstc;
	usable = common.sv39x4 || common.sv48x4;
	if (!usable)
		kerror("the harts have neither Sv39x4 nor Sv48x4 in common: there can be no virtual machines");
	else
		gstage_set_levels(common.sv39x4 && !machine.prefer_sv48x4 ? 3 : 4);
	kdebug("hypervisor: %s, %u VMID bits, guest timer by %s",
	       gstage_levels() == 3 ? "Sv39x4" : "Sv48x4", common.vmid_bits,
	       hv_use_sstc ? "Sstc" : "SBI");
	__atomic_store_n(&init_state, KNOWN, __ATOMIC_RELEASE);
	return usable;
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
	hcsr_write(CSR_HGEIE, 0);
	// cbo.inval is a flush for guests (CMO extension, henvcfg.CBIE 01): an invalidation would
	// bring back what memory held before the host zeroed it.
	hcsr_write(CSR_HENVCFG,
	           HENVCFG_CBIE_FLUSH | HENVCFG_CBCFE | HENVCFG_CBZE |
	                   (hv_use_sstc ? HENVCFG_STCE : 0));
	// Of the state that these gate, hv_load switches senvcfg alone (Smstateen, "State Enable
	// 0"). A register that the firmware keeps to itself is illegal, and all that it gates stays
	// off.
	if (machine.has_stateen) {
		write_if_there(CSR_HSTATEEN(0), HSTATEEN0_ENVCFG);
		write_if_there(CSR_HSTATEEN(1), 0);
		write_if_there(CSR_HSTATEEN(2), 0);
		write_if_there(CSR_HSTATEEN(3), 0);
	}
	// Guests' interrupts come by hvip only (AIA 6.3.2 and 6.3.3).
	if (machine.has_ssaia) {
		hcsr_write(CSR_HVIEN, 0);
		hcsr_write(CSR_HVICTL, 0);
	}
}

uint64_t hv_time(void)
{
	return csr_read(time);
}

void hv_fence_gstage_here(gpa_t gpa)
{
	hfence_gvma(gpa);
}

void hv_fence_gstage(void)
{
	// The tables before any hart's fence: the firmware promises no order between our stores and
	// other harts' fences (privileged specification, "Supervisor Memory-Management Fence
	// Instruction"). Pairs with their HFENCE.GVMA.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	hfence_gvma_all();
	if (num_harts > 1)
		sbi_must(sbi_call(SBI_EXT_RFENCE, RFENCE_HFENCE_GVMA, 0, UINT64_MAX, 0, UINT64_MAX),
		         "remote HFENCE.GVMA");
}

void hv_fence_guest_remote(uint64_t mask)
{
	for (uint32_t i = 0; i < num_harts; i++) {
		if ((mask & 1ull << i) == 0)
			continue;
		sbi_must(sbi_call(SBI_EXT_RFENCE, RFENCE_HFENCE_VVMA, 1, harts[i].firmware_id, 0,
		                  UINT64_MAX),
		         "remote HFENCE.VVMA");
		sbi_must(sbi_call(SBI_EXT_RFENCE, RFENCE_FENCE_I, 1, harts[i].firmware_id, 0, 0),
		         "remote FENCE.I");
	}
}
