// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/arch_space_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/fp.h"
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"

#define ASID_SHIFT 44
#define MAX_ASIDS 8u

struct hart harts[MAX_HARTS];
uint32_t num_harts;
__thread struct hart *self = harts;
uint32_t fenced;
uint32_t evictions;
static unsigned asid_bits;
static uint64_t satp[NUM_HARTS];
static paddr_t tlb[NUM_HARTS][MAX_ASIDS][NUM_ADDRESSES];  // 0: not looked up

// --- What is around ------------------------------------------------------------------------------

struct hart *arch_this_hart(void)
{
	return self;
}

uint64_t csr_fake_read(const char *name)
{
	assert_string_equal(name, "satp");
	return satp[self->id];
}

void csr_fake_write(const char *name, uint64_t value)
{
	uint64_t mask = ((1ull << asid_bits) - 1) << ASID_SHIFT;

	assert_string_equal(name, "satp");
	satp[self->id] = value & (mask | ~(0xffffull << ASID_SHIFT));
}

static uint64_t asid_of(uint32_t hart)
{
	return satp[hart] >> ASID_SHIFT & 0xffff;
}

void mmu_flush_local(void)
{
	memset(tlb[self->id], 0, sizeof(tlb[0]));
}

void mmu_flush_asid(uint64_t asid)
{
	memset(tlb[self->id][asid], 0, sizeof(tlb[0][0]));
}

struct sbi_result sbi_call(uint64_t ext, uint64_t fn, uint64_t arg0, uint64_t arg1, uint64_t arg2,
                           uint64_t arg3)
{
	assert_int_equal(ext, SBI_EXT_RFENCE);
	assert_int_equal(fn, 1);
	assert_int_equal(arg0, 1);
	assert_int_equal(arg2, 0);
	assert_int_equal(arg3, UINT64_MAX);
	// Firmware ids are not indexes.
	fenced |= 1u << (arg1 - 100);
	memset(tlb[arg1 - 100], 0, sizeof(tlb[0]));
	return (struct sbi_result){ 0 };
}

void sbi_must(struct sbi_result result, const char *what)
{
	(void)what;
	assert_int_equal(result.error, 0);
}

void mmu_share_kernel(uint64_t *table)
{
	table[511] = PTE_V;
}

uint64_t mmu_satp(void)
{
	return SATP_SV39 | 77;
}

uint64_t mmu_device_flags(void)
{
	return PTE_PBMT_IO;
}

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

void arch_hart_kick(uint32_t hart)
{
	struct hart *before = self;

	evictions++;
	self = &harts[hart];
	arch_space_serve_evict(self);
	self = before;
}

void panic(const char *format, ...)
{
	mock_assert(false, format, __FILE__, __LINE__);
	abort();
}

// --- Harts ---------------------------------------------------------------------------------------

void boot(unsigned bits)
{
	asid_bits = bits;
	num_harts = NUM_HARTS;
	pages_left = -1;
	fenced = 0;
	evictions = 0;
	memset(tlb, 0, sizeof(tlb));
	for (uint32_t i = 0; i < NUM_HARTS; i++) {
		self = &harts[i];
		harts[i] = (struct hart){ .id = i, .firmware_id = 100 + i };
		satp[i] = mmu_satp();
		arch_space_probe_hart();
		assert_int_equal(satp[i], mmu_satp());
	}
	self = harts;
}

uint64_t satp_of(uint32_t hart)
{
	return satp[hart];
}

int setup(void **state)
{
	(void)state;
	boot(3);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	return pages_out == 0 ? 0 : -1;
}

void run(uint32_t hart, struct arch_space *space)
{
	self = &harts[hart];
	if (space != NULL)
		arch_space_enter(self, space);
	else
		self->arch.running_space = NULL;
}

paddr_t look(uint32_t hart, unsigned i)
{
	struct hart *at = &harts[hart];
	paddr_t *entry;

	self = at;
	if (at->arch.space_stale)
		arch_space_fence(at);
	assert_ptr_equal(page_to_virt((satp[hart] & ((1ull << ASID_SHIFT) - 1)) << 12),
	                 at->arch.running_space->root);
	entry = &tlb[hart][asid_of(hart)][i];
	if (*entry == 0)
		(void)arch_space_paddr(at->arch.running_space, BASE + i * PAGE_SIZE, entry);
	return *entry;
}

void init(struct arch_space *space)
{
	assert_int_equal(arch_space_init(space), 0);
}

void map_with(struct arch_space *space, unsigned i, paddr_t paddr, uint32_t prot)
{
	assert_int_equal(arch_space_map(space, BASE + i * PAGE_SIZE, paddr, PAGE_SIZE, prot), 0);
}

void map(struct arch_space *space, unsigned i, paddr_t paddr)
{
	map_with(space, i, paddr, RW);
}
