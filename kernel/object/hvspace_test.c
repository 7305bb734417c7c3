// SPDX-License-Identifier: MIT
//
// Guest-physical address spaces with the real tables: mappings, faults, lookups, and that all is
// given back.
#include "kernel/object/hvspace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/object/hvspace_fake.h"
#include "kernel/object/vcpu.h"

#define RAM 0x80000000ull
#define RW (PROT_READ | PROT_WRITE)
#define RAM_SIZE (2 * BLOCK_SIZE)

static struct hvspace *space;
static struct account account;

static int setup(void **state)
{
	(void)state;
	ram = aligned_alloc(BLOCK_SIZE, RAM_SIZE);
	for (size_t i = 0; i < RAM_SIZE; i++)
		ram[i] = (uint8_t)(i / PAGE_SIZE + i);
	memset(&folio, 0, sizeof(folio));
	memset(&event, 0, sizeof(event));
	folio.size = RAM_SIZE;
	folio.object.refs = 1;
	event.object.refs = 1;
	lazy_pages = false;
	in_populate = NULL;
	pages_out = objects_out = 0;
	fences = users = signals = 0;
	account = (struct account){ .kernel_used = 1, .kernel_limit = UINT64_MAX };
	return hvspace_object_create(&account, &space);
}

static int teardown(void **state)
{
	(void)state;
	if (space != NULL)
		object_put(&space->object);
	assert_int_equal(pages_out, 0);
	assert_int_equal(account.kernel_used, 1);
	assert_int_equal(objects_out, 0);
	assert_int_equal(users, 0);
	assert_int_equal(folio.object.refs, 1);
	assert_int_equal(event.object.refs, 1);
	free(ram);
	return 0;
}

static bool maps(gpa_t gpa, size_t offset)
{
	paddr_t paddr;
	uint32_t prot;

	return gstage_lookup(&space->gstage, gpa, &paddr, &prot) &&
		paddr == (paddr_t)(uintptr_t)(ram + offset);
}

// All pages of the tables are charged, also when a fault needs fewer than it might.
static void test_tables_are_charged(void **state)
{
	(void)state;
	assert_int_equal(account.kernel_used, 1 + GSTAGE_ROOT_SIZE);
	lazy_pages = true;
	assert_int_equal(hvspace_map(space, RAM, &folio, 0, RAM_SIZE, RW), 0);
	assert_int_equal(hvspace_fault(space, RAM, PROT_READ), HVSPACE_FAULT_MAPPED);
	assert_int_equal(account.kernel_used, 1 + GSTAGE_ROOT_SIZE + 2 * PAGE_SIZE);
	assert_int_equal(hvspace_fault(space, RAM + PAGE_SIZE, PROT_READ), HVSPACE_FAULT_MAPPED);
	assert_int_equal(account.kernel_used, 1 + GSTAGE_ROOT_SIZE + 2 * PAGE_SIZE);
	// Beyond the limit the guest has no more memory.
	account.kernel_limit = account.kernel_used;
	assert_int_equal(hvspace_fault(space, RAM + BLOCK_SIZE, PROT_READ),
	                 HVSPACE_FAULT_NO_MEMORY);
	assert_int_equal(pages_out, 3);
}

static void test_map_arguments(void **state)
{
	static const struct {
		gpa_t gpa;
		uint64_t offset;
		uint64_t length;
		uint32_t prot;
		error_t error;
	} wrong[] = {
		{ RAM + 1, 0, PAGE_SIZE, RW, ERR_INVALID },
		{ RAM, 1, PAGE_SIZE, RW, ERR_INVALID },
		{ RAM, 0, PAGE_SIZE + 1, RW, ERR_INVALID },
		{ RAM, 0, 0, RW, ERR_INVALID },
		{ RAM, 0, PAGE_SIZE, 0, ERR_INVALID },
		{ RAM, 0, PAGE_SIZE, PROT_WRITE, ERR_INVALID },
		{ RAM, 0, PAGE_SIZE, 0xff, ERR_INVALID },
		{ RAM, 0, RAM_SIZE + PAGE_SIZE, RW, ERR_RANGE },
		{ RAM, RAM_SIZE, PAGE_SIZE, RW, ERR_RANGE },
		{ RAM, UINT64_MAX & ~(PAGE_SIZE - 1), 2 * PAGE_SIZE, RW, ERR_RANGE },
		{ GSTAGE_SIZE, 0, PAGE_SIZE, RW, ERR_RANGE },
		{ GSTAGE_SIZE - PAGE_SIZE, 0, 2 * PAGE_SIZE, RW, ERR_RANGE },
		{ UINT64_MAX & ~(PAGE_SIZE - 1), 0, PAGE_SIZE, RW, ERR_RANGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(hvspace_map(space, wrong[i].gpa, &folio, wrong[i].offset,
		                             wrong[i].length, wrong[i].prot),
		                 wrong[i].error);
	assert_int_equal(hvspace_map(space, RAM, &folio, 0, 2 * PAGE_SIZE, RW), 0);
	assert_int_equal(hvspace_map(space, RAM + PAGE_SIZE, &folio, 0, PAGE_SIZE, RW), ERR_EXISTS);
	assert_int_equal(hvspace_map(space, RAM - PAGE_SIZE, &folio, 0, 4 * PAGE_SIZE, RW),
	                 ERR_EXISTS);
	assert_int_equal(hvspace_unmap(space, RAM, PAGE_SIZE), ERR_NOT_FOUND);
	assert_int_equal(hvspace_unmap(space, RAM, 2 * PAGE_SIZE), 0);
	assert_int_equal(hvspace_map(space, RAM + PAGE_SIZE, &folio, 0, PAGE_SIZE, RW), 0);
	for (gpa_t i = 1; i < HVSPACE_MAX_MAPPINGS; i++)
		assert_int_equal(
			hvspace_map(space, RAM + i * 2 * PAGE_SIZE, &folio, 0, PAGE_SIZE, RW), 0);
	assert_int_equal(hvspace_map(space, 0, &folio, 0, PAGE_SIZE, RW), ERR_LIMIT);
}

static void test_faults(void **state)
{
	(void)state;
	assert_int_equal(hvspace_fault(space, RAM, PROT_READ), HVSPACE_FAULT_UNBACKED);
	assert_int_equal(hvspace_map(space, RAM, &folio, 0, RAM_SIZE, RW), 0);
	assert_int_equal(hvspace_fault(space, RAM, PROT_EXEC), HVSPACE_FAULT_DENIED);
	assert_int_equal(hvspace_fault(space, RAM - 1, PROT_READ), HVSPACE_FAULT_UNBACKED);
	assert_int_equal(hvspace_fault(space, RAM + RAM_SIZE, PROT_READ), HVSPACE_FAULT_UNBACKED);
	assert_int_equal(hvspace_fault(space, UINT64_MAX, PROT_READ), HVSPACE_FAULT_UNBACKED);
	// One fault brings in the whole block.
	assert_int_equal(hvspace_fault(space, RAM + 0x12345, PROT_WRITE), HVSPACE_FAULT_MAPPED);
	assert_true(maps(RAM, 0) && maps(RAM + BLOCK_SIZE - 1, BLOCK_SIZE - 1));
	assert_false(maps(RAM + BLOCK_SIZE, BLOCK_SIZE));
	// A folio in pages, page by page.
	lazy_pages = true;
	assert_int_equal(hvspace_fault(space, RAM + BLOCK_SIZE + 0x1008, PROT_READ),
	                 HVSPACE_FAULT_MAPPED);
	assert_true(maps(RAM + BLOCK_SIZE + 0x1000, BLOCK_SIZE + 0x1000));
	assert_false(maps(RAM + BLOCK_SIZE, BLOCK_SIZE));
}

// Where the guest's blocks and the folio's do not coincide, or a mapping ends within one, no more
// is shown than was asked for.
static void test_parts_of_blocks(void **state)
{
	(void)state;
	assert_int_equal(hvspace_map(space, RAM, &folio, PAGE_SIZE, BLOCK_SIZE, RW), 0);
	assert_int_equal(hvspace_fault(space, RAM + 0x2004, PROT_READ), HVSPACE_FAULT_MAPPED);
	assert_true(maps(RAM + 0x2000, 0x3000));
	assert_false(maps(RAM + 0x3000, 0x4000));
	assert_int_equal(hvspace_map(space, 2 * RAM, &folio, 0, 3 * PAGE_SIZE, RW), 0);
	assert_int_equal(hvspace_fault(space, 2 * RAM, PROT_READ), HVSPACE_FAULT_MAPPED);
	assert_true(maps(2 * RAM, 0));
	assert_false(maps(2 * RAM + 3 * PAGE_SIZE, 3 * PAGE_SIZE));
}

static void test_unmap_and_discard(void **state)
{
	(void)state;
	assert_int_equal(hvspace_map(space, RAM, &folio, 0, RAM_SIZE, RW), 0);
	assert_int_equal(hvspace_fault(space, RAM, PROT_READ), HVSPACE_FAULT_MAPPED);
	assert_int_equal(hvspace_fault(space, RAM + BLOCK_SIZE, PROT_READ), HVSPACE_FAULT_MAPPED);
	space->mappings[0].user.discard(&space->mappings[0].user, BLOCK_SIZE, BLOCK_SIZE);
	assert_int_equal(fences, 1);
	assert_true(maps(RAM, 0));
	assert_false(maps(RAM + BLOCK_SIZE, BLOCK_SIZE));
	// Nothing there: nobody is disturbed.
	space->mappings[0].user.discard(&space->mappings[0].user, BLOCK_SIZE, BLOCK_SIZE);
	assert_int_equal(fences, 1);
	assert_int_equal(hvspace_unmap(space, RAM, RAM_SIZE), 0);
	assert_int_equal(fences, 2);
	assert_false(maps(RAM, 0));
	assert_int_equal(hvspace_fault(space, RAM, PROT_READ), HVSPACE_FAULT_UNBACKED);
}

static void discard_meanwhile(void)
{
	in_populate = NULL;
	space->mappings[0].user.discard(&space->mappings[0].user, 0, RAM_SIZE);
}

// Memory that is given back between its lookup and its mapping must not be mapped.
static void test_fault_loses_race(void **state)
{
	uint8_t bytes[16];

	(void)state;
	assert_int_equal(hvspace_map(space, RAM, &folio, 0, RAM_SIZE, RW), 0);
	in_populate = discard_meanwhile;
	// to try again
	assert_int_equal(hvspace_fault(space, RAM, PROT_READ), HVSPACE_FAULT_MAPPED);
	assert_false(maps(RAM, 0));
	in_populate = discard_meanwhile;
	assert_int_equal(hvspace_read(space, RAM, bytes, sizeof(bytes)), ERR_ADDRESS);
}

// The VMM wrote what is lost: no fault helps the guest on.
static void test_lost_memory_ends_the_guest(void **state)
{
	(void)state;
	struct vcpu *vcpu;

	assert_int_equal(hvspace_map(space, RAM, &folio, 0, RAM_SIZE, RW), 0);
	assert_int_equal(hvspace_fault(space, RAM, PROT_READ), HVSPACE_FAULT_MAPPED);
	assert_int_equal(vcpu_object_create(NULL, space, 2, &vcpu), 0);
	assert_false(space->memory_lost);
	// It looks before it enters, and is told while it is in the guest, where it may touch
	// nothing else ever.
	assert_true(vcpu->requests & VCPU_REQ_RESUME);
	vcpu->requests = 0;
	vcpu->hart_id = 7;
	space->mappings[0].user.lost(&space->mappings[0].user);
	assert_true(space->memory_lost);
	assert_true(vcpu->requests & VCPU_REQ_RESUME);
	assert_int_equal(kicked_hart, 7);
	vcpu->hart_id = VCPU_NO_HART;
	object_put(&vcpu->object);
	assert_int_equal(hvspace_fault(space, RAM, PROT_READ), HVSPACE_FAULT_NO_MEMORY);
}

static void test_is_mapped(void **state)
{
	static const struct {
		gpa_t gpa;
		uint64_t len;
		uint32_t prot;
		bool mapped;
	} cases[] = {
		{ RAM, 3 * PAGE_SIZE, PROT_READ, true },
		{ RAM, 3 * PAGE_SIZE + 1, PROT_READ, false },
		{ RAM + 1, 2 * PAGE_SIZE - 1, RW, true },
		{ RAM + 1, 2 * PAGE_SIZE, RW, false },
		{ RAM, 1, PROT_EXEC, false },
		{ RAM - 1, 2, PROT_READ, false },
		{ 0, 1, PROT_READ, false },
		{ UINT64_MAX, 1, PROT_READ, false },
		{ UINT64_MAX, UINT64_MAX, PROT_READ, false },
		{ RAM, UINT64_MAX, PROT_READ, false },
		{ 5, 0, PROT_READ, true },
	};

	(void)state;
	assert_int_equal(hvspace_map(space, RAM, &folio, 0, 2 * PAGE_SIZE, RW), 0);
	assert_int_equal(hvspace_map(space, RAM + 2 * PAGE_SIZE, &folio, 0, PAGE_SIZE, PROT_READ),
	                 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			hvspace_is_mapped(space, cases[i].gpa, cases[i].len, cases[i].prot),
			cases[i].mapped);
	folio.device = true;
	assert_false(hvspace_is_mapped(space, RAM, 1, PROT_READ));
	folio.device = false;
}

static void test_read(void **state)
{
	uint8_t bytes[3 * PAGE_SIZE];

	(void)state;
	assert_int_equal(hvspace_map(space, RAM, &folio, 0, 2 * PAGE_SIZE, RW), 0);
	assert_int_equal(hvspace_map(space, RAM + 2 * PAGE_SIZE, &folio, BLOCK_SIZE, PAGE_SIZE, RW),
	                 0);
	assert_int_equal(hvspace_read(space, RAM + 100, bytes, sizeof(bytes) - 100), 0);
	assert_memory_equal(bytes, ram + 100, 2 * PAGE_SIZE - 100);
	assert_memory_equal(bytes + 2 * PAGE_SIZE - 100, ram + BLOCK_SIZE, PAGE_SIZE);
	assert_int_equal(hvspace_read(space, RAM + 101, bytes, sizeof(bytes) - 100), ERR_ADDRESS);
	assert_int_equal(hvspace_read(space, RAM - 1, bytes, 2), ERR_ADDRESS);
	assert_int_equal(hvspace_read(space, UINT64_MAX - 3, bytes, 16), ERR_ADDRESS);
	folio.device = true;
	assert_int_equal(hvspace_read(space, RAM, bytes, 16), ERR_ADDRESS);
}

static void test_notifies(void **state)
{
	(void)state;
	assert_int_equal(hvspace_bind_notify(space, RAM + 2, 0, &event), ERR_INVALID);
	assert_int_equal(hvspace_bind_notify(space, RAM, 0, NULL), ERR_NOT_FOUND);
	for (uint32_t i = 0; i < HVSPACE_MAX_NOTIFIES; i++)
		assert_int_equal(hvspace_bind_notify(space, RAM, i, &event), 0);
	assert_int_equal(hvspace_bind_notify(space, RAM, 0, &event), ERR_EXISTS);
	assert_int_equal(hvspace_bind_notify(space, RAM, HVSPACE_MAX_NOTIFIES, &event), ERR_LIMIT);
	assert_true(hvspace_notify(space, RAM, 3));
	assert_false(hvspace_notify(space, RAM + 4, 3));
	assert_false(hvspace_notify(space, RAM, HVSPACE_MAX_NOTIFIES));
	assert_int_equal(signals, 1);
	assert_int_equal(hvspace_bind_notify(space, RAM, 3, NULL), 0);
	assert_false(hvspace_notify(space, RAM, 3));
	assert_int_equal(hvspace_bind_notify(space, RAM, HVSPACE_MAX_NOTIFIES, &event), 0);
}

static void test_vcpus(void **state)
{
	struct vcpu *vcpu, *other;

	(void)state;
	assert_null(hvspace_get_vcpu(space, 0));
	assert_null(hvspace_get_vcpu(space, HVSPACE_MAX_VCPUS));
	assert_null(hvspace_get_vcpu(space, UINT32_MAX));
	assert_int_equal(vcpu_object_create(NULL, space, HVSPACE_MAX_VCPUS, &other), ERR_RANGE);
	assert_int_equal(vcpu_object_create(NULL, space, 1, &vcpu), 0);
	assert_int_equal(vcpu_object_create(NULL, space, 1, &other), ERR_EXISTS);
	assert_ptr_equal(hvspace_get_vcpu(space, 1), vcpu);
	assert_int_equal(vcpu->object.refs, 2);
	object_put(&vcpu->object);
	// On its way to its end: nobody gets hold of it any more.
	vcpu->object.refs = 0;
	assert_null(hvspace_get_vcpu(space, 1));
	vcpu->object.refs = 1;
	assert_int_equal(vcpu_set_irq(vcpu, 0, 1), ERR_INVALID);
	assert_int_equal(vcpu_set_irq(vcpu, VCPU_IRQ_EXTERNAL, 2), ERR_INVALID);
	assert_int_equal(vcpu_set_irq(vcpu, VCPU_IRQ_SOFT, 0), ERR_INVALID);
	assert_int_equal(vcpu_set_irq(vcpu, VCPU_IRQ_SOFT, 2), ERR_INVALID);
	assert_int_equal(vcpu->requests & VCPU_REQ_SOFT_IRQ, 0);
	assert_int_equal(vcpu_set_irq(vcpu, VCPU_IRQ_SOFT, 1), 0);
	assert_int_equal(vcpu->requests & VCPU_REQ_SOFT_IRQ, VCPU_REQ_SOFT_IRQ);
	assert_int_equal(vcpu_set_irq(vcpu, UINT32_MAX, 0), ERR_INVALID);
	object_put(&vcpu->object);
	assert_null(hvspace_get_vcpu(space, 1));
	assert_int_equal(space->object.refs, 1);
}

// A vCPU outlives all handles of its space.
static void test_vcpu_keeps_space(void **state)
{
	struct vcpu *vcpu;

	(void)state;
	assert_int_equal(vcpu_object_create(NULL, space, 0, &vcpu), 0);
	object_put(&space->object);
	assert_int_equal(hvspace_map(vcpu->space, RAM, &folio, 0, PAGE_SIZE, RW), 0);
	space = NULL;
	object_put(&vcpu->object);
}

#define hvspace_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		hvspace_case(test_tables_are_charged),
		hvspace_case(test_map_arguments),
		hvspace_case(test_faults),
		hvspace_case(test_parts_of_blocks),
		hvspace_case(test_unmap_and_discard),
		hvspace_case(test_fault_loses_race),
		hvspace_case(test_is_mapped),
		hvspace_case(test_fault_loses_race),
		hvspace_case(test_read),
		hvspace_case(test_lost_memory_ends_the_guest),
		hvspace_case(test_read),
		hvspace_case(test_notifies),
		hvspace_case(test_vcpus),
		hvspace_case(test_vcpu_keeps_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
