// SPDX-License-Identifier: MIT
//
// What the page tables of user-mode processes ask of the machine. The tables are the real ones
// (kernel/arch/riscv64/arch_space.c), over the fake RAM; nothing walks them but the kernel itself,
// so there is no TLB, and a fence does nothing.
#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/arch/host/host_private.h"
#include "kernel/arch/riscv64/arch_space.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/fp.h"
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"
#include "kernel/object/process.h"
#include "kernel/object/space.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

static uint64_t satp[MAX_HARTS];

void host_user_mode_init(void)
{
	arch_space_probe_hart();
}

uint64_t csr_fake_read(const char *name)
{
	kassert(strcmp(name, "satp") == 0);
	return satp[arch_hart_index()];
}

void csr_fake_write(const char *name, uint64_t value)
{
	kassert(strcmp(name, "satp") == 0);
	satp[arch_hart_index()] = value;
}

struct sbi_result sbi_call(uint64_t ext, uint64_t fn, uint64_t arg0, uint64_t arg1, uint64_t arg2,
                           uint64_t arg3)
{
	(void)fn, (void)arg0, (void)arg1, (void)arg2, (void)arg3;
	kassert(ext == SBI_EXT_RFENCE);
	return (struct sbi_result){ 0 };
}

void sbi_must(struct sbi_result result, const char *what)
{
	(void)what;
	kassert(result.error == 0);
}

// The kernel's half is empty.
void mmu_share_kernel(uint64_t *table)
{
	(void)table;
}

uint64_t mmu_satp(void)
{
	return SATP_SV39;
}

uint64_t mmu_device_flags(void)
{
	return PTE_PBMT_IO;
}

void mmu_flush_local(void)
{
}

void mmu_flush_asid(uint64_t asid)
{
	(void)asid;
}

// There are no windows.
void user_windows_keep(const struct arch_space *space, uintptr_t addr, size_t size, uint64_t unmaps)
{
	(void)space;
	(void)addr;
	(void)size;
	(void)unmaps;
}

void fp_hide(struct hart *hart)
{
	hart->arch.fp_zeroed = true;
}

// --- Whose space a thread runs in ---

static struct arch_space *space_of(const struct thread *thread)
{
	const struct process *process = thread->process;

	return process != NULL && process->space != NULL ? &process->space->arch : NULL;
}

struct arch_space *arch_current_space(void)
{
	return space_of(arch_current_thread());
}

void host_switch_space(struct hart *hart, const struct thread *next)
{
	struct arch_space *space = space_of(next);

	if (space != NULL)
		arch_space_enter(hart, space);
	else
		store_relaxed(&hart->arch.running_space, NULL);
}
