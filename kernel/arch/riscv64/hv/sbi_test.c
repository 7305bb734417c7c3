// SPDX-License-Identifier: MIT
//
// What a guest may say to its SBI: every argument may be anything.
#include "kernel/arch/riscv64/hv/sbi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/arch.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/vcpu.h"

#define EXT_BASE 0x10ull
#define EXT_TIME 0x54494d45ull
#define EXT_IPI 0x735049ull
#define EXT_RFENCE 0x52464e43ull
#define EXT_HSM 0x48534dull
#define EXT_SRST 0x53525354ull
#define EXT_DBCN 0x4442434eull

#define SUSPEND_NON_RETENTIVE 0x80000000ull
#define NUM_VCPUS 3u
#define RAM 0x80000000ull

static struct hvspace space;
static struct vcpu vcpus[NUM_VCPUS];
static struct vcpu_exit vm_exit;
static uint32_t requested[NUM_VCPUS];
static uint64_t fenced_harts;
static uint32_t kicks;
static uint64_t timer;
static uint8_t ram[256];

#define LEGACY_SEND_IPI 4ull

// The rest of the legacy calls reads CSRs.
static enum hv_next legacy_ipi(struct vcpu *vcpu, struct guest_sbi_call *call,
                               struct vcpu_exit *exit)
{
	(void)exit;
	if (call->extension == LEGACY_SEND_IPI)
		call->error = sbi_send_ipis_legacy(vcpu, call->arg[0]);
	return HV_REENTER;
}

const struct guest_sbi_extension sbi_ext_legacy = { .first = 0,
	                                            .last = 8,
	                                            .handle = legacy_ipi,
	                                            .legacy = true };

// The guest has no paging.
bool hv_load_double(uint64_t guest_address, uint64_t hstatus, uint64_t *out)
{
	(void)hstatus;
	assert_int_equal(guest_address % 8, 0);
	return hvspace_read(&space, guest_address, out, sizeof(*out)) == 0;
}

struct vcpu *hvspace_get_vcpu(struct hvspace *s, uint32_t id)
{
	assert_ptr_equal(s, &space);
	assert_true(id < HVSPACE_MAX_VCPUS);
	if (id >= NUM_VCPUS)
		return NULL;
	vcpus[id].object.refs++;
	return &vcpus[id];
}

void object_unreferenced(struct object *object)
{
	(void)object;
	fail_msg("the test's reference was dropped");
}

error_t hvspace_read(struct hvspace *s, gpa_t gpa, void *out, size_t len)
{
	assert_ptr_equal(s, &space);
	if (gpa < RAM || gpa - RAM > sizeof(ram) || len > sizeof(ram) - (gpa - RAM))
		return ERR_ADDRESS;
	memcpy(out, ram + (gpa - RAM), len);
	return 0;
}

// All of the memory may be read and run, the second half of it is a register page, which may not be
// written.
bool hvspace_is_mapped(struct hvspace *s, gpa_t gpa, uint64_t len, uint32_t prot)
{
	uint64_t size = (prot & PROT_WRITE) != 0 ? sizeof(ram) / 2 : sizeof(ram);

	assert_ptr_equal(s, &space);
	return gpa >= RAM && gpa - RAM <= size && len <= size - (gpa - RAM);
}

void vcpu_request(struct vcpu *vcpu, uint32_t bits)
{
	requested[vcpu->id] |= bits;
}

void hv_timer_set(struct vcpu *vcpu, uint64_t guest_ticks)
{
	(void)vcpu;
	timer = guest_ticks;
}

void hv_fence_guest_remote(uint64_t mask)
{
	fenced_harts |= mask;
}

// The guest leaves on that hart.
void arch_hart_kick(uint32_t hart_id)
{
	kicks++;
	for (uint32_t i = 0; i < NUM_VCPUS; i++) {
		if (vcpus[i].hart_id == hart_id)
			vcpus[i].hart_id = VCPU_NO_HART;
	}
}

static int setup(void **state)
{
	(void)state;
	memset(vcpus, 0, sizeof(vcpus));
	memset(requested, 0, sizeof(requested));
	memset(&vm_exit, 0, sizeof(vm_exit));
	for (uint32_t i = 0; i < NUM_VCPUS; i++) {
		vcpus[i].object.refs = 1;
		vcpus[i].space = &space;
		vcpus[i].id = i;
		vcpus[i].hart_id = VCPU_NO_HART;
		vcpus[i].hsm_state = i == 0 ? VCPU_HSM_STARTED : VCPU_HSM_STOPPED;
	}
	fenced_harts = kicks = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < NUM_VCPUS; i++)
		assert_int_equal(vcpus[i].object.refs, 1);
	return 0;
}

// vCPU 0 calls. Returns the error.
static int64_t call(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1, uint64_t a2,
                    enum hv_next next)
{
	uint64_t *x = vcpus[0].context.x;

	vcpus[0].context.pc = 0x1000;
	x[10] = a0;
	x[11] = a1;
	x[12] = a2;
	x[16] = function;
	x[17] = extension;
	assert_int_equal(sbi_handle_call(&vcpus[0], &vm_exit), next);
	assert_int_equal(vcpus[0].context.pc, 0x1004);
	return (int64_t)x[10];
}

static uint64_t value(void)
{
	return vcpus[0].context.x[11];
}

static void test_unknown(void **state)
{
	static const uint64_t functions[] = { 99, UINT64_MAX, 1ull << 32 };

	(void)state;
	assert_int_equal(call(UINT64_MAX, 0, 0, 0, 0, HV_REENTER), SBI_ERR_NOT_SUPPORTED);
	assert_int_equal(call(EXT_BASE | 1ull << 32, 0, 0, 0, 0, HV_REENTER),
	                 SBI_ERR_NOT_SUPPORTED);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		static const uint64_t extensions[] = { EXT_BASE, EXT_TIME, EXT_IPI, EXT_RFENCE,
			                               EXT_HSM,  EXT_SRST, EXT_DBCN };

		for (size_t j = 0; j < sizeof(extensions) / sizeof(extensions[0]); j++)
			assert_int_equal(call(extensions[j], functions[i], 1, 0, 0, HV_REENTER),
			                 SBI_ERR_NOT_SUPPORTED);
	}
	for (uint32_t i = 0; i < NUM_VCPUS; i++)
		assert_int_equal(requested[i], 0);
}

static void test_base(void **state)
{
	(void)state;
	assert_int_equal(call(EXT_BASE, 0, 0, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(value(), 2ull << 24);
	assert_int_equal(call(EXT_BASE, 3, EXT_HSM, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(value(), 1);
	assert_int_equal(call(EXT_BASE, 3, UINT64_MAX, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(value(), 0);
	assert_int_equal(call(EXT_TIME, 0, 1234, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(timer, 1234);
}

static void test_hart_masks(void **state)
{
	(void)state;
	assert_int_equal(call(EXT_IPI, 0, 6, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(requested[0], 0);
	assert_int_equal(requested[1], VCPU_REQ_SOFT_IRQ);
	assert_int_equal(requested[2], VCPU_REQ_SOFT_IRQ);
	assert_int_equal(call(EXT_IPI, 0, 1, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(requested[0], VCPU_REQ_SOFT_IRQ);
	memset(requested, 0, sizeof(requested));
	assert_int_equal(call(EXT_IPI, 0, 1, 2, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(requested[2], VCPU_REQ_SOFT_IRQ);
	// A base of -1 means all of them; an empty mask none.
	assert_int_equal(call(EXT_IPI, 0, 0, UINT64_MAX, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(requested[1], VCPU_REQ_SOFT_IRQ);
	assert_int_equal(call(EXT_IPI, 0, 0, 1ull << 40, 0, HV_REENTER), SBI_SUCCESS);

	// One hart that is not there, and nobody is interrupted.
	memset(requested, 0, sizeof(requested));
	static const struct {
		uint64_t mask;
		uint64_t base;
	} wrong[] = { { 8, 0 },
		      { 9, 0 },
		      { 2, 2 },
		      { 1ull << 63, 0 },
		      { 1ull << 63, 15 },
		      { UINT64_MAX, 1 },
		      { 1, 16 },
		      { 1, UINT64_MAX - 1 },
		      { UINT64_MAX, UINT64_MAX - 63 } };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(call(EXT_IPI, 0, wrong[i].mask, wrong[i].base, 0, HV_REENTER),
		                 SBI_ERR_INVALID_PARAM);
		for (uint32_t j = 0; j < NUM_VCPUS; j++)
			assert_int_equal(requested[j], 0);
	}
}

static void test_legacy_mask(void **state)
{
	static const uint64_t no_mask[] = { 0, RAM + 4, RAM + sizeof(ram), UINT64_MAX - 7 };
	uint64_t mask = 6;

	(void)state;
	memcpy(ram, &mask, sizeof(mask));
	assert_int_equal(call(LEGACY_SEND_IPI, 0, RAM, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(requested[0], 0);
	assert_int_equal(requested[1], VCPU_REQ_SOFT_IRQ);
	assert_int_equal(requested[2], VCPU_REQ_SOFT_IRQ);
	memset(requested, 0, sizeof(requested));
	mask = 8;
	memcpy(ram, &mask, sizeof(mask));
	assert_int_equal(call(LEGACY_SEND_IPI, 0, RAM, 0, 0, HV_REENTER), SBI_ERR_INVALID_PARAM);
	assert_int_equal(requested[0], 0);
	for (size_t i = 0; i < sizeof(no_mask) / sizeof(no_mask[0]); i++) {
		memset(requested, 0, sizeof(requested));
		assert_int_equal(call(LEGACY_SEND_IPI, 0, no_mask[i], 0, 0, HV_REENTER),
		                 SBI_SUCCESS);
		for (uint32_t j = 0; j < NUM_VCPUS; j++)
			assert_int_equal(requested[j], VCPU_REQ_SOFT_IRQ);
	}
}

static void test_remote_fence(void **state)
{
	(void)state;
	vcpus[0].vmid = 7;
	vcpus[1].vmid = 7;
	vcpus[1].hart_id = 3;
	vcpus[2].vmid = 7;
	assert_int_equal(call(EXT_RFENCE, 1, 7, 0, 0, HV_REENTER), SBI_SUCCESS);
	// Who is in the guest is fenced at once, who is not has it before him.
	assert_int_equal(fenced_harts, 1u << 3);
	assert_int_equal(kicks, 0);
	for (uint32_t i = 0; i < NUM_VCPUS; i++)
		assert_true(vcpus[i].requests & VCPU_REQ_FENCE);
}

// The VMIDs began anew since vCPU 1 entered: a fence of the caller's would miss it.
static void test_remote_fence_of_old_vmid(void **state)
{
	(void)state;
	vcpus[0].vmid = 2;
	vcpus[1].vmid = 7;
	vcpus[1].hart_id = 3;
	assert_int_equal(call(EXT_RFENCE, 2, 2, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(fenced_harts, 0);
	assert_int_equal(kicks, 1);
	assert_int_equal(vcpus[1].hart_id, VCPU_NO_HART);
	assert_true(vcpus[1].requests & VCPU_REQ_FENCE);
}

static void test_hsm(void **state)
{
	(void)state;
	assert_int_equal(call(EXT_HSM, 0, 3, 0, 0, HV_REENTER), SBI_ERR_INVALID_PARAM);
	assert_int_equal(call(EXT_HSM, 0, UINT64_MAX, 0, 0, HV_REENTER), SBI_ERR_INVALID_PARAM);
	assert_int_equal(call(EXT_HSM, 2, 1ull << 32, 0, 0, HV_REENTER), SBI_ERR_INVALID_PARAM);
	assert_int_equal(call(EXT_HSM, 0, 0, 0, 0, HV_REENTER), SBI_ERR_ALREADY_AVAILABLE);
	assert_int_equal(call(EXT_HSM, 2, 1, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(value(), VCPU_HSM_STOPPED);
	// Where no memory is, or no instruction can begin.
	static const uint64_t wrong[] = { 0,          RAM - 2,       RAM + 1, RAM + sizeof(ram),
		                          UINT64_MAX, UINT64_MAX - 1 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(call(EXT_HSM, 0, 1, wrong[i], 77, HV_REENTER),
		                 SBI_ERR_INVALID_ADDRESS);
		assert_int_equal(call(EXT_HSM, 3, SUSPEND_NON_RETENTIVE, wrong[i], 0, HV_REENTER),
		                 SBI_ERR_INVALID_ADDRESS);
	}
	assert_int_equal(vcpus[1].hsm_state, VCPU_HSM_STOPPED);
	assert_int_equal(vcpus[0].hsm_state, VCPU_HSM_STARTED);
	assert_int_equal(requested[1], 0);
	assert_int_equal(call(EXT_HSM, 0, 1, RAM + 0x12, 77, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(vcpus[1].hsm_state, VCPU_HSM_START_PENDING);
	assert_int_equal(vcpus[1].start_pc, RAM + 0x12);
	assert_int_equal(vcpus[1].start_arg, 77);
	assert_int_equal(requested[1], VCPU_REQ_RESUME);
	// Once started, what it starts with is fixed.
	assert_int_equal(call(EXT_HSM, 0, 1, RAM + 0x34, 78, HV_REENTER),
	                 SBI_ERR_ALREADY_AVAILABLE);
	assert_int_equal(vcpus[1].start_pc, RAM + 0x12);
	call(EXT_HSM, 1, 0, 0, 0, HV_REENTER);
	assert_int_equal(vcpus[0].hsm_state, VCPU_HSM_STOPPED);
}

static void test_suspend(void **state)
{
	static const uint64_t wrong[] = { 1,          0x0fffffff, 0x10000000,
		                          0x7fffffff, 0x80000001, 0x90000000,
		                          0xffffffff, UINT64_MAX, 1ull << 32 | 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(call(EXT_HSM, 3, wrong[i], RAM, 0, HV_REENTER),
		                 SBI_ERR_INVALID_PARAM);
		assert_int_equal(vcpus[0].hsm_state, VCPU_HSM_STARTED);
	}
	// The type is 32 bits wide.
	for (uint64_t upper = 0; upper <= 1ull << 63; upper += 1ull << 63) {
		assert_int_equal(call(EXT_HSM, 3, upper, 0, 0, HV_REENTER), SBI_SUCCESS);
		assert_int_equal(call(EXT_HSM, 2, 0, 0, 0, HV_REENTER), SBI_SUCCESS);
		assert_int_equal(value(), VCPU_HSM_SUSPENDED);
		assert_false(vcpus[0].resumes_afresh);
		assert_int_equal(call(EXT_HSM, 0, 0, RAM, 0, HV_REENTER),
		                 SBI_ERR_ALREADY_AVAILABLE);
		vcpus[0].hsm_state = VCPU_HSM_STARTED;
		assert_int_equal(
			call(EXT_HSM, 3, upper | SUSPEND_NON_RETENTIVE, RAM + 8, 99, HV_REENTER),
			SBI_SUCCESS);
		assert_int_equal(vcpus[0].hsm_state, VCPU_HSM_SUSPENDED);
		assert_true(vcpus[0].resumes_afresh);
		assert_int_equal(vcpus[0].start_pc, RAM + 8);
		assert_int_equal(vcpus[0].start_arg, 99);
		vcpus[0].hsm_state = VCPU_HSM_STARTED;
		if (upper != 0)
			break;
	}
}

static void test_reset(void **state)
{
	(void)state;
	assert_int_equal(call(EXT_SRST, 0, 3, 0, 0, HV_REENTER), SBI_ERR_INVALID_PARAM);
	assert_int_equal(call(EXT_SRST, 0, UINT64_MAX, 0, 0, HV_REENTER), SBI_ERR_INVALID_PARAM);
	assert_int_equal(call(EXT_SRST, 0, 0, 2, 0, HV_REENTER), SBI_ERR_INVALID_PARAM);
	assert_int_equal(vm_exit.reason, VCPU_EXIT_NONE);
	call(EXT_SRST, 0, 0, 1, 0, HV_RETURN);
	assert_int_equal(vm_exit.reason, VCPU_EXIT_SHUTDOWN);
	assert_int_equal(vm_exit.code, 1);
	call(EXT_SRST, 0, 1, 0, 0, HV_RETURN);
	assert_int_equal(vm_exit.reason, VCPU_EXIT_REBOOT);
	// Type and reason are 32 bits wide.
	call(EXT_SRST, 0, 1ull << 32, 1ull << 40, 0, HV_RETURN);
	assert_int_equal(vm_exit.reason, VCPU_EXIT_SHUTDOWN);
	assert_int_equal(vm_exit.code, 0);
}

static void test_console(void **state)
{
	(void)state;
	memcpy(ram, "hello", 5);
	assert_int_equal(call(EXT_DBCN, 0, 5, RAM, 0, HV_RETURN), SBI_SUCCESS);
	assert_int_equal(vm_exit.console.len, 5);
	assert_memory_equal(vm_exit.console.data, "hello", 5);
	// As much as fits, and the guest is told how much that was.
	assert_int_equal(call(EXT_DBCN, 0, sizeof(ram) / 2, RAM, 0, HV_RETURN), SBI_SUCCESS);
	assert_int_equal(value(), VCPU_CONSOLE_MAX);
	vm_exit.reason = VCPU_EXIT_NONE;
	assert_int_equal(call(EXT_DBCN, 0, 0, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(call(EXT_DBCN, 0, 5, 0, 0, HV_REENTER), SBI_ERR_INVALID_PARAM);
	assert_int_equal(call(EXT_DBCN, 0, 5, RAM, 1, HV_REENTER), SBI_ERR_INVALID_PARAM);
	// All of a buffer has to be memory, of which registers are none, for both directions.
	static const struct {
		uint64_t len;
		uint64_t gpa;
		uint64_t high;
	} wrong[] = { { 64, RAM + sizeof(ram) - 32, 0 },
		      { 64, RAM + sizeof(ram) / 2, 0 },
		      { 64, RAM + sizeof(ram) / 2 - 63, 0 },
		      { UINT64_MAX, RAM, 0 },
		      { 1, 0, 0 },
		      { 64, UINT64_MAX - 2, 0 },
		      { 1, RAM, 1 },
		      { 1, RAM, UINT64_MAX } };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		for (uint64_t function = 0; function < 2; function++)
			assert_int_equal(call(EXT_DBCN, function, wrong[i].len, wrong[i].gpa,
			                      wrong[i].high, HV_REENTER),
			                 SBI_ERR_INVALID_PARAM);
	}
	assert_int_equal(vm_exit.reason, VCPU_EXIT_NONE);
	assert_int_equal(call(EXT_DBCN, 1, 64, RAM, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(value(), 0);
	assert_int_equal(call(EXT_DBCN, 1, 0, 0, 0, HV_REENTER), SBI_SUCCESS);
	assert_int_equal(call(EXT_DBCN, 2, 0x141, 0, 0, HV_RETURN), SBI_SUCCESS);
	assert_int_equal(vm_exit.console.len, 1);
	assert_int_equal(vm_exit.console.data[0], 'A');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_base, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hart_masks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_legacy_mask, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remote_fence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remote_fence_of_old_vmid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hsm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_suspend, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_console, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
