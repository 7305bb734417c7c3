// SPDX-License-Identifier: MIT
//
// Page tables of processes on harts that are numbers, each with a TLB that remembers what it looked
// up by ASID, until it is told to forget it.
#include "kernel/arch/riscv64/arch_space.h"

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
#include "kernel/sched/sched.h"

#define NUM_HARTS 3u
#define NUM_SPACES 5u
#define NUM_ADDRESSES 4u
#define ASID_SHIFT 44
#define MAX_ASIDS 8u
#define BASE 0x40000000ul
#define RW (SPACE_READ | SPACE_WRITE)

struct hart harts[MAX_HARTS];
uint32_t num_harts;
static struct hart *self = harts;
static unsigned asid_bits;
static uint64_t satp[NUM_HARTS];
static paddr_t tlb[NUM_HARTS][MAX_ASIDS][NUM_ADDRESSES];  // 0: not looked up
static int pages_out;
static int pages_left;   // < 0: no end
static uint32_t fenced;  // bit per hart that the firmware fenced
static uint32_t evictions;

// --- What is around ------------------------------------------------------------------------------

error_t page_alloc(unsigned order, paddr_t *out)
{
	void *page;

	if (pages_left == 0)
		return ERR_NO_MEMORY;
	pages_left--;
	page = aligned_alloc(PAGE_SIZE << order, PAGE_SIZE << order);
	memset(page, 0, PAGE_SIZE << order);
	pages_out++;
	*out = (paddr_t)(uintptr_t)page;
	return 0;
}

void page_free(paddr_t page, unsigned order)
{
	(void)order;
	pages_out--;
	free((void *)(uintptr_t)page);
}

void *page_to_virt(paddr_t paddr)
{
	return (void *)(uintptr_t)paddr;
}

paddr_t page_from_virt(const void *virt)
{
	return (paddr_t)(uintptr_t)virt;
}

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

static void boot(unsigned bits)
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

static int setup(void **state)
{
	(void)state;
	boot(3);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return pages_out == 0 ? 0 : -1;
}

// The hart switches to a thread of the space, or with NULL to one that needs none.
static void run(uint32_t hart, struct arch_space *space)
{
	self = &harts[hart];
	if (space != NULL)
		arch_space_enter(self, space);
	else
		self->arch.running_space = NULL;
}

// What the process on the hart sees at address `i`; 0: nothing.
static paddr_t look(uint32_t hart, unsigned i)
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

static void init(struct arch_space *space)
{
	assert_int_equal(arch_space_init(space), 0);
}

static void map_with(struct arch_space *space, unsigned i, paddr_t paddr, uint32_t prot)
{
	assert_int_equal(arch_space_map(space, BASE + i * PAGE_SIZE, paddr, PAGE_SIZE, prot), 0);
}

static void map(struct arch_space *space, unsigned i, paddr_t paddr)
{
	map_with(space, i, paddr, RW);
}

// --- Tables --------------------------------------------------------------------------------------

static void test_pages(void **state)
{
	struct arch_space space;
	paddr_t paddr;

	(void)state;
	init(&space);
	assert_int_equal(space.root[511], PTE_V);
	assert_int_equal(space.num_tables, 1);
	assert_int_equal(arch_space_map(&space, BASE, 0x5000, 3 * PAGE_SIZE, RW), 0);
	assert_int_equal(space.num_tables, 3);
	assert_ptr_equal(arch_space_translate(&space, BASE + PAGE_SIZE + 7, true), 0x6007);
	assert_true(arch_space_paddr(&space, BASE + 2 * PAGE_SIZE, &paddr));
	assert_int_equal(paddr, 0x7000);
	assert_null(arch_space_translate(&space, BASE - 1, false));
	assert_null(arch_space_translate(&space, BASE + 3 * PAGE_SIZE, false));
	arch_space_unmap(&space, BASE + PAGE_SIZE, PAGE_SIZE);
	assert_non_null(arch_space_translate(&space, BASE, false));
	assert_null(arch_space_translate(&space, BASE + PAGE_SIZE, false));
	assert_non_null(arch_space_translate(&space, BASE + 2 * PAGE_SIZE, false));
	// The rest, over all that is not there before and behind it.
	arch_space_unmap(&space, USER_BASE, USER_END - USER_BASE);
	assert_null(arch_space_translate(&space, BASE, false));
	assert_null(arch_space_translate(&space, BASE + 2 * PAGE_SIZE, false));
	arch_space_deinit(&space);
}

static void test_blocks(void **state)
{
	struct arch_space space;
	paddr_t paddr;

	(void)state;
	init(&space);
	assert_int_equal(arch_space_map(&space, BASE, 0x40200000, BLOCK_SIZE, RW), 0);
	assert_int_equal(space.num_tables, 2);
	assert_ptr_equal(arch_space_translate(&space, BASE + BLOCK_SIZE - 1, true), 0x403fffff);
	assert_true(arch_space_paddr(&space, BASE + 5 * PAGE_SIZE, &paddr));
	assert_int_equal(paddr, 0x40205000);
	// A page does not fit into it.
	assert_int_equal(arch_space_map(&space, BASE, 0x1000, PAGE_SIZE, RW), ERR_NO_MEMORY);
	arch_space_unmap(&space, BASE, BLOCK_SIZE);
	assert_null(arch_space_translate(&space, BASE, false));
	// Not aligned: pages.
	assert_int_equal(arch_space_map(&space, BASE, 0x40201000, BLOCK_SIZE, RW), 0);
	assert_int_equal(space.num_tables, 3);
	arch_space_unmap(&space, BASE, BLOCK_SIZE);
	// The table of pages serves a block, too.
	assert_int_equal(arch_space_map(&space, BASE, 0x40200000, BLOCK_SIZE, RW), 0);
	assert_int_equal(space.num_tables, 3);
	assert_ptr_equal(arch_space_translate(&space, BASE + BLOCK_SIZE - 1, true), 0x403fffff);
	arch_space_deinit(&space);
}

static void test_rights(void **state)
{
	static const struct {
		uint32_t prot;
		bool write, copied, pinned;
		uint64_t flags;
	} kinds[] = {
		{ SPACE_READ, false, true, true, PTE_R },
		{ RW, true, true, true, PTE_R | PTE_W },
		{ SPACE_READ | SPACE_EXECUTE, false, true, true, PTE_R | PTE_X },
		{ RW | SPACE_LAZY, true, true, false, PTE_R | PTE_W | 0x200 },
		{ RW | SPACE_DEVICE, true, false, false, PTE_R | PTE_W | 0x100 | PTE_PBMT_IO },
	};
	struct arch_space space;

	(void)state;
	init(&space);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uintptr_t at = BASE + i * PAGE_SIZE;
		bool writable = !kinds[i].write;
		const uint64_t *table;

		assert_int_equal(arch_space_map(&space, at, 0x9000, PAGE_SIZE, kinds[i].prot), 0);
		assert_int_equal(arch_space_translate(&space, at, false) != NULL, kinds[i].copied);
		assert_int_equal(arch_space_translate(&space, at, true) != NULL,
		                 kinds[i].copied && kinds[i].write);
		assert_true(arch_space_allows(&space, at, false));
		assert_int_equal(arch_space_allows(&space, at, true), kinds[i].write);
		assert_int_equal(arch_space_pinned(&space, at, &writable) != NULL, kinds[i].pinned);
		if (kinds[i].pinned)
			assert_int_equal(writable, kinds[i].write);
		// Valid, of user mode, not global, accessed and dirty.
		table = page_to_virt((space.root[BASE >> 30] >> 10) << 12);
		table = page_to_virt((table[0] >> 10) << 12);
		assert_int_equal(table[i],
		                 0x9000 >> 2 | kinds[i].flags | PTE_V | 0x10 | PTE_A | PTE_D);
	}
	assert_int_equal(arch_space_map(&space, BASE, 0x9000, PAGE_SIZE, SPACE_READ), 0);
	assert_false(arch_space_allows(&space, BASE, true));
	expect_assert_failure(map_with(&space, 0, 0x9000, RW | SPACE_EXECUTE));
	arch_space_deinit(&space);
}

static void test_bounds(void **state)
{
	static const uintptr_t beyond[] = {
		0, USER_BASE - 1, USER_END, BASE + 0x8000000000, BASE | 1ull << 63, UINTPTR_MAX
	};
	struct arch_space space;
	paddr_t paddr;
	bool writable;

	(void)state;
	init(&space);
	map(&space, 0, 0x5000);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		assert_null(arch_space_translate(&space, beyond[i], false));
		assert_null(arch_space_pinned(&space, beyond[i], &writable));
		assert_false(arch_space_allows(&space, beyond[i], false));
		assert_false(arch_space_paddr(&space, beyond[i], &paddr));
	}
	arch_space_deinit(&space);
}

static void test_windows_are_of_one_thread(void **state)
{
	struct arch_space space;
	uint64_t unmaps;
	bool writable;

	(void)state;
	init(&space);
	map(&space, 0, 0x5000);
	assert_non_null(arch_space_pinned(&space, BASE, &writable));
	unmaps = space.unmaps;
	arch_space_set_shared(&space, true);
	assert_int_not_equal(space.unmaps, unmaps);
	assert_null(arch_space_pinned(&space, BASE, &writable));
	arch_space_set_shared(&space, false);
	assert_non_null(arch_space_pinned(&space, BASE, &writable));
	// An app has time for 2^32 of them.
	space.unmaps = unmaps = UINT32_MAX;
	arch_space_unmap(&space, BASE, PAGE_SIZE);
	assert_true(space.unmaps > unmaps);
	arch_space_deinit(&space);
}

static void test_without_memory(void **state)
{
	struct arch_space space;

	(void)state;
	pages_left = 0;
	assert_int_equal(arch_space_init(&space), ERR_NO_MEMORY);
	for (int n = 1; n < 3; n++) {
		pages_left = n;
		init(&space);
		assert_int_equal(arch_space_map(&space, BASE, 0x5000, PAGE_SIZE, RW),
		                 ERR_NO_MEMORY);
		assert_int_equal(space.num_tables, n);
		arch_space_deinit(&space);
		assert_int_equal(pages_out, 0);
	}
	// The second page needs tables of its own.
	pages_left = 3;
	init(&space);
	assert_int_equal(
		arch_space_map(&space, BASE + BLOCK_SIZE - PAGE_SIZE, 0x5000, 2 * PAGE_SIZE, RW),
		ERR_NO_MEMORY);
	assert_non_null(arch_space_translate(&space, BASE + BLOCK_SIZE - PAGE_SIZE, true));
	pages_left = -1;
	arch_space_deinit(&space);
}

// --- Flushes -------------------------------------------------------------------------------------

static void test_only_harts_that_run_it_are_fenced(void **state)
{
	struct arch_space space, other;

	(void)state;
	init(&space);
	init(&other);
	map(&space, 0, 0x5000);
	map(&space, 1, 0x6000);
	map(&other, 0, 0x7000);
	run(0, &space);
	run(1, &space);
	run(2, &space);
	for (uint32_t i = 0; i < NUM_HARTS; i++)
		assert_int_equal(look(i, 0), 0x5000);
	run(2, &other);
	self = &harts[0];
	arch_space_unmap(&space, BASE, PAGE_SIZE);
	assert_int_equal(fenced, 1u << 1);
	assert_int_equal(look(0, 0), 0);
	assert_int_equal(look(1, 0), 0);
	// The third finds out when it switches back.
	run(2, &space);
	assert_int_equal(look(2, 0), 0);
	// A hart that only has the table still finds out, too.
	assert_int_equal(look(2, 1), 0x6000);
	run(2, NULL);
	fenced = 0;
	self = &harts[0];
	arch_space_unmap(&space, BASE + PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(fenced, 1u << 1);
	run(2, &space);
	assert_int_equal(look(2, 1), 0);
	// Nothing was there: nobody is asked.
	fenced = 0;
	arch_space_unmap(&space, BASE, 2 * PAGE_SIZE);
	assert_int_equal(fenced, 0);
	for (uint32_t i = 0; i < NUM_HARTS; i++)
		run(i, NULL);
	arch_space_deinit(&space);
	arch_space_deinit(&other);
}

static void test_a_space_that_goes_is_in_no_satp(void **state)
{
	struct arch_space space, other;

	(void)state;
	init(&space);
	init(&other);
	for (uint32_t i = 0; i < NUM_HARTS; i++)
		run(i, &space);
	run(1, &other);
	run(0, NULL);
	run(2, NULL);
	self = &harts[0];
	arch_space_deinit(&space);
	assert_int_equal(evictions, 1);
	assert_int_equal(satp[0], mmu_satp());
	assert_int_equal(satp[2], mmu_satp());
	assert_ptr_equal(harts[1].arch.space, &other);
	// It runs something else: what was asked of it is done.
	harts[1].arch.evict_space = true;
	arch_hart_kick(1);
	assert_ptr_equal(harts[1].arch.space, &other);
	assert_int_not_equal(satp[1], mmu_satp());
	run(1, NULL);
	self = &harts[1];
	arch_space_deinit(&other);
	assert_int_equal(satp[1], mmu_satp());
}

// Spaces and harts by chance: no process sees what is not in its table.
static void by_chance(unsigned bits, unsigned seed)
{
	static struct arch_space spaces[NUM_SPACES];
	paddr_t there[NUM_SPACES][NUM_ADDRESSES] = { { 0 } };
	uint32_t random = seed;
	paddr_t next = 0x1000;

	boot(bits);
	for (size_t i = 0; i < NUM_SPACES; i++)
		init(&spaces[i]);
	for (unsigned step = 0; step < 20000; step++) {
		uint32_t hart, which, i;

		random = random * 1103515245u + 12345u;
		hart = (random >> 8) % NUM_HARTS;
		which = (random >> 12) % NUM_SPACES;
		i = (random >> 16) % NUM_ADDRESSES;
		self = &harts[hart];
		switch ((random >> 20) % 8) {
		case 0: run(hart, &spaces[which]); break;
		case 1: run(hart, NULL); break;
		case 2:
			if (there[which][i] == 0)
				map(&spaces[which], i, there[which][i] = next += PAGE_SIZE);
			break;
		case 3:
			arch_space_unmap(&spaces[which], BASE + i * PAGE_SIZE, PAGE_SIZE);
			there[which][i] = 0;
			break;
		case 4:
			if ((random >> 24) % 16 == 0) {
				for (uint32_t h = 0; h < NUM_HARTS; h++) {
					if (harts[h].arch.running_space == &spaces[which])
						run(h, NULL);
				}
				self = &harts[hart];
				arch_space_deinit(&spaces[which]);
				init(&spaces[which]);
				memset(there[which], 0, sizeof(there[which]));
			}
			break;
		default:
			if (self->arch.running_space == NULL)
				break;
			which = (uint32_t)(self->arch.running_space - spaces);
			assert_int_equal(look(hart, i), there[which][i]);
		}
	}
	for (uint32_t i = 0; i < NUM_HARTS; i++)
		run(i, NULL);
	for (size_t i = 0; i < NUM_SPACES; i++)
		arch_space_deinit(&spaces[i]);
}

static void test_nobody_sees_what_was_unmapped(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 10; seed++) {
		for (unsigned bits = 0; bits <= 3; bits++)
			by_chance(bits, seed);
	}
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_pages),
		test(test_blocks),
		test(test_rights),
		test(test_bounds),
		test(test_windows_are_of_one_thread),
		test(test_without_memory),
		test(test_only_harts_that_run_it_are_fenced),
		test(test_a_space_that_goes_is_in_no_satp),
		test(test_nobody_sees_what_was_unmapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
