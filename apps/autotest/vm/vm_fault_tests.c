// SPDX-License-Identifier: MIT
//
// Guests that touch what is not there. RISC-V privileged specification, chapter "H", "Two-Stage
// Address Translation".
#include "apps/autotest/vm/vm_guest.h"
#include "libs/base/string.h"

#define CAUSE_FETCH_ACCESS 1
#define CAUSE_LOAD_ACCESS 5
#define CAUSE_STORE_ACCESS 7

static void fetch_from_device(struct autotest *t)
{
	static const uint32_t code[] = { TRAPS_TO(5), LOAD_DEVICE, G_JR(X_T0), REPORT_TRAP };
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	expect_write(&vm, DEVICE, CAUSE_FETCH_ACCESS, 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	vm_end(&vm);
}

// No instruction of it can run any more, not even its trap handler's first one.
static void handler_in_no_memory(struct autotest *t)
{
	static const uint32_t code[] = { LOAD_DEVICE, G_CSRW(CSR_STVEC, X_T0),
		                         G_ADDI(X_T0, X_T0, 64), G_JR(X_T0) };
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	run_to(&vm, VCPU_EXIT_FAULT);
	expect(t, vm.exit.fault_pc == DEVICE);
	vm_end(&vm);
}

#define ROOT_TABLE 0x1000u
// Its entry in the second table is as far from the start of a page as the address itself is.
#define WALKED_INDEX 8ull
#define WALKED_OFFSET (WALKED_INDEX * 8)
#define WALKED_PAGE (WALKED_INDEX << 21)
// Where the device is with G_PAGING and the root table below.
#define DEVICE_VIRTUAL (0x40000000u + DEVICE)

// The guest makes an access (two words, t2 is WALKED_PAGE) to an address whose second page table is
// said to lie where no memory is. What the walk reads is not for a device, and gets the access an
// exception.
static void walk_through_no_memory(struct autotest *t, uint32_t first, uint32_t second,
                                   uint64_t cause)
{
	const uint32_t code[] = {
		TRAPS_TO(21),
		G_PAGING(ROOT_TABLE / PAGE_SIZE),
		G_LUI(X_T2, WALKED_PAGE >> 12),
		first,
		second,
		SHUTDOWN,
		G_LUI(X_T0, DEVICE_VIRTUAL >> 12),
		G_CSRR(X_T1, CSR_SCAUSE),
		G_SD(X_T1, 0, X_T0),
		SHUTDOWN,
	};
	const uint64_t root[] = { G_PTE_TABLE(DEVICE), G_PTE_LEAF(0), G_PTE_LEAF(GUEST_RAM) };
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	memcpy(vm.ram + ROOT_TABLE, root, sizeof(root));
	run_to(&vm, VCPU_EXIT_MMIO_WRITE);
	expect(t, vm.exit.mmio.address == DEVICE);
	// QEMU 7.2 says that the walk of a store or fetch were a load.
	expect(t, vm.exit.mmio.data == cause || vm.exit.mmio.data == CAUSE_LOAD_ACCESS);
	if (!t->failed)
		run_to(&vm, VCPU_EXIT_SHUTDOWN);
	vm_end(&vm);
}

static void load_walks_through_no_memory(struct autotest *t)
{
	walk_through_no_memory(t, G_LD(X_T1, WALKED_OFFSET, X_T2), G_NOP, CAUSE_LOAD_ACCESS);
}

static void store_walks_through_no_memory(struct autotest *t)
{
	walk_through_no_memory(t, G_SD(X_T1, WALKED_OFFSET, X_T2), G_NOP, CAUSE_STORE_ACCESS);
}

static void fetch_walks_through_no_memory(struct autotest *t)
{
	walk_through_no_memory(t, G_ADDI(X_T2, X_T2, WALKED_OFFSET), G_JR(X_T2),
	                       CAUSE_FETCH_ACCESS);
}

const struct test vm_fault_tests[] = {
	{ "a guest that jumps into a device has an exception", fetch_from_device },
	{ "a guest whose trap handler is in no memory ends", handler_in_no_memory },
	{ "a guest loads through a page table in no memory", load_walks_through_no_memory },
	{ "a guest stores through a page table in no memory", store_walks_through_no_memory },
	{ "a guest jumps through a page table in no memory", fetch_walks_through_no_memory },
	{ NULL, NULL },
};
