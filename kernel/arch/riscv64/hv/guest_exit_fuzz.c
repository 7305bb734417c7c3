// SPDX-License-Identifier: MIT
//
// Exits of a guest with any state: its SBI calls, and G-stage faults of any instruction at any
// address with any answer of the address space. What the handlers may do to the vCPU and to the VMM
// is checked after each.
#include <stdlib.h>
#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/cause.h"
#include "kernel/arch/riscv64/hv/hcsr.h"
#include "kernel/arch/riscv64/hv/insn.h"
#include "kernel/arch/riscv64/hv/sbi.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/vcpu.h"
#include "libs/base/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NUM_VCPUS 3u
#define RAM 0x80000000ull
#define RAM_SIZE 4096u

static struct hvspace space;
static struct vcpu vcpus[NUM_VCPUS];
static struct reader input;
static uint32_t injected;  // exceptions
static uint32_t kicks;

static void check(bool condition)
{
	if (!condition)
		abort();
}

// --- What is around ---

static enum hv_next no_legacy(struct vcpu *vcpu, struct guest_sbi_call *call,
                              struct vcpu_exit *exit)
{
	(void)vcpu;
	(void)call;
	(void)exit;
	return HV_REENTER;
}

const struct guest_sbi_extension sbi_ext_legacy = { .first = 0,
	                                            .last = 8,
	                                            .handle = no_legacy,
	                                            .legacy = true };

struct vcpu *hvspace_get_vcpu(struct hvspace *s, uint32_t id)
{
	check(s == &space && id < HVSPACE_MAX_VCPUS);
	if (id >= NUM_VCPUS)
		return NULL;
	vcpus[id].object.refs++;
	return &vcpus[id];
}

void object_unreferenced(struct object *object)
{
	(void)object;
	abort();
}

bool hvspace_is_mapped(struct hvspace *s, gpa_t gpa, uint64_t len, uint32_t prot)
{
	check(s == &space && prot != 0);
	return gpa >= RAM && range_within(gpa - RAM, len, RAM_SIZE);
}

error_t hvspace_read(struct hvspace *s, gpa_t gpa, void *out, size_t len)
{
	check(s == &space && gpa >= RAM && range_within(gpa - RAM, len, RAM_SIZE));
	memset(out, 'a', len);
	return reader_u8(&input) % 8 == 0 ? ERR_ADDRESS : 0;
}

enum hvspace_fault_result hvspace_fault(struct hvspace *s, gpa_t gpa, uint32_t prot)
{
	(void)gpa;
	check(s == &space && (prot == PROT_READ || prot == PROT_WRITE || prot == PROT_EXEC));
	return reader_u8(&input) % 4;
}

bool hvspace_notify(struct hvspace *s, gpa_t gpa, uint32_t value)
{
	check(s == &space);
	return ((gpa ^ value) & 1) != 0;
}

bool hv_fetch_half(uint64_t guest_address, uint64_t hstatus, uint16_t *out)
{
	(void)hstatus;
	check(guest_address % 2 == 0);
	*out = reader_le16(&input);
	return reader_u8(&input) != 0;
}

bool hv_fetch_word(uint64_t guest_address, uint64_t hstatus, uint32_t *out)
{
	(void)hstatus;
	check(guest_address % 4 == 0);
	*out = reader_le32(&input);
	return reader_u8(&input) != 0;
}

bool hv_load_double(uint64_t guest_address, uint64_t hstatus, uint64_t *out)
{
	(void)hstatus;
	check(guest_address % 8 == 0);
	*out = reader_le64(&input);
	return reader_u8(&input) != 0;
}

void hv_inject_exception(struct vcpu *vcpu, uint64_t cause, uint64_t tval)
{
	(void)tval;
	check(vcpu == &vcpus[0]);
	check(cause == CAUSE_FETCH_ACCESS || cause == CAUSE_LOAD_ACCESS ||
	      cause == CAUSE_STORE_ACCESS);
	injected++;
}

bool hv_is_at_handler(const struct vcpu *vcpu)
{
	return vcpu->context.pc % 8 == 6;
}

void vcpu_request(struct vcpu *vcpu, uint32_t bits)
{
	vcpu->requests |= bits;
}

void hv_timer_set(struct vcpu *vcpu, uint64_t guest_ticks)
{
	(void)guest_ticks;
	check(vcpu == &vcpus[0]);
}

void hv_fence_gstage_here(gpa_t gpa)
{
	(void)gpa;
}

void hv_fence_guest_remote(uint64_t mask)
{
	check(mask != 0 && mask >> MAX_HARTS == 0);
}

void arch_hart_kick(uint32_t hart_id)
{
	check(hart_id < MAX_HARTS);
	kicks++;
	for (uint32_t i = 0; i < NUM_VCPUS; i++) {
		if (vcpus[i].hart_id == hart_id)
			vcpus[i].hart_id = VCPU_NO_HART;
	}
}

// --- The exits ---

// Registers as any guest has them: small numbers, addresses in and beside its memory, all ones,
// anything.
static uint64_t any_value(void)
{
	uint8_t kind = reader_u8(&input);

	switch (kind % 8) {
	case 0: return kind >> 3;
	case 1: return RAM + reader_le16(&input);
	case 2: return UINT64_MAX - (kind >> 3);
	case 3: return 1ull << (kind >> 3) | 1ull << 31;
	case 4: return 0x10000000ull + reader_le16(&input);
	case 5: return reader_le32(&input);
	default: return reader_le64(&input);
	}
}

static void sbi_call(struct vcpu *vcpu, struct vcpu_exit *exit)
{
	static const uint64_t extensions[] = { 0x10,     0x54494d45, 0x735049,   0x52464e43,
		                               0x48534d, 0x53525354, 0x4442434e, 1 };
	struct vcpu_context *context = &vcpu->context;
	uint8_t which = reader_u8(&input);
	uint64_t pc = context->pc;
	enum hv_next next;

	context->x[17] = which < 240 ? extensions[which % 8] : any_value();
	context->x[16] = which < 200 ? which / 8 % 8 : any_value();
	next = sbi_handle_call(vcpu, exit);
	check(context->pc == pc + 4);
	check((int64_t)context->x[10] <= 0 && (int64_t)context->x[10] >= SBI_ERR_ALREADY_STARTED);
	check(next == HV_REENTER || next == HV_RETURN);
	if (next == HV_RETURN) {
		check(exit->reason == VCPU_EXIT_CONSOLE || exit->reason == VCPU_EXIT_SHUTDOWN ||
		      exit->reason == VCPU_EXIT_REBOOT);
		check(exit->reason != VCPU_EXIT_CONSOLE ||
		      (exit->console.len > 0 && exit->console.len <= VCPU_CONSOLE_MAX));
	} else {
		check(exit->reason == VCPU_EXIT_NONE);
	}
}

static void check_mmio(struct vcpu *vcpu, struct vcpu_exit *exit, uint64_t pc)
{
	uint32_t width = exit->mmio.width;
	uint64_t moved = vcpu->context.pc - pc;

	check(width == 1 || width == 2 || width == 4 || width == 8);
	check(exit->mmio.address % PAGE_SIZE + width <= PAGE_SIZE);
	check(moved == 2 || moved == 4);
	check(width == 8 || exit->reason == VCPU_EXIT_MMIO_READ ||
	      exit->mmio.data >> 8 * width == 0);
	if (exit->reason != VCPU_EXIT_MMIO_READ)
		return;
	check(vcpu->pending == VCPU_PENDING_MMIO_READ && vcpu->pending_rd < 32 &&
	      vcpu->pending_width == width);
	exit->mmio.data = any_value();
	hv_finish_mmio_read(vcpu, exit);
	check(vcpu->pending == VCPU_PENDING_NONE);
}

static void guest_fault(struct vcpu *vcpu, struct vcpu_exit *exit)
{
	static const uint64_t causes[] = { CAUSE_FETCH_GUEST_PAGE, CAUSE_LOAD_GUEST_PAGE,
		                           CAUSE_STORE_GUEST_PAGE };
	static const uint64_t htinsts[] = { 0, HTINST_WALK_READ, HTINST_WALK_WRITE, 0x3003 };
	struct vcpu_context *context = &vcpu->context;
	uint64_t pc = context->pc;
	uint8_t how = reader_u8(&input);
	enum hv_next next;

	context->scause = causes[how % 3];
	context->htinst = htinsts[how / 4 % 4];
	context->stval = any_value();
	// Mostly of the same place in its page, as hardware has it.
	context->htval = any_value() >> 2;
	if ((how & 0x80) == 0)
		context->htval = (context->htval & ~(PAGE_SIZE / 4 - 1)) |
			(context->stval % PAGE_SIZE) >> 2;
	injected = 0;
	next = hv_handle_guest_fault(vcpu, exit);
	if (next == HV_REENTER) {
		check(exit->reason == VCPU_EXIT_NONE && injected <= 1);
		return;
	}
	check(next == HV_RETURN && injected == 0);
	if (exit->reason == VCPU_EXIT_MMIO_READ || exit->reason == VCPU_EXIT_MMIO_WRITE) {
		check(context->scause != CAUSE_FETCH_GUEST_PAGE &&
		      (how / 4 % 4 == 0 || how / 4 % 4 == 3));
		check_mmio(vcpu, exit, pc);
	} else {
		check(exit->reason == VCPU_EXIT_FAULT || exit->reason == VCPU_EXIT_NO_MEMORY);
		check(context->pc == pc);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = reader_make(data, size);
	memset(vcpus, 0, sizeof(vcpus));
	kicks = 0;
	for (uint32_t i = 0; i < NUM_VCPUS; i++) {
		uint8_t state = reader_u8(&input);

		vcpus[i].object.refs = 1;
		vcpus[i].space = &space;
		vcpus[i].id = i;
		vcpus[i].hart_id = i > 0 && state < 8 ? state : VCPU_NO_HART;
		vcpus[i].vmid = state >> 6;
		vcpus[i].hsm_state = i == 0 ? VCPU_HSM_STARTED : state % 3;
	}
	space.layout = 1;
	for (uint32_t exits = 0; exits < 32 && reader_status(&input) == 0; exits++) {
		struct vcpu *vcpu = &vcpus[0];
		struct vcpu_exit exit = { .reason = VCPU_EXIT_NONE };
		uint8_t how = reader_u8(&input);

		for (uint32_t i = 10; i < 16; i++)
			vcpu->context.x[i] = any_value();
		vcpu->context.x[1 + how % 31] = any_value();
		vcpu->context.pc = any_value() & ~1ull;
		if ((how & 0x80) != 0)
			sbi_call(vcpu, &exit);
		else
			guest_fault(vcpu, &exit);
		space.layout += how % 16 == 0;
		vcpu->hsm_state = VCPU_HSM_STARTED;
		check(vcpu->context.x[0] == 0);
		for (uint32_t i = 0; i < NUM_VCPUS; i++)
			check(vcpus[i].object.refs == 1 && !vcpus[i].lock.locked);
	}
	return 0;
}
