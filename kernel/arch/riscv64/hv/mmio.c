// SPDX-License-Identifier: MIT
//
// G-stage faults: memory that is populated now, queue notifications, and accesses to devices, which
// are taken from the guest's instruction. htinst tells walks of the guest's page table only: QEMU
// has it wrong for some stores.
#include "kernel/arch/riscv64/cause.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/hv/hcsr.h"
#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/arch/riscv64/hv/insn.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/vcpu.h"

bool hv_fetch_insn(const struct vcpu *vcpu, uint32_t *insn)
{
	const struct vcpu_context *context = &vcpu->context;
	uint16_t low;
	uint16_t high = 0;

	if (context->pc % 4 == 0)
		return hv_fetch_word(context->pc, context->hstatus, insn);
	if (!hv_fetch_half(context->pc, context->hstatus, &low))
		return false;
	if (insn_length(low) == 4 && !hv_fetch_half(context->pc + 2, context->hstatus, &high))
		return false;
	*insn = (uint32_t)high << 16 | low;
	return true;
}

static bool is_walk(const struct vcpu_context *context)
{
	return context->htinst == HTINST_WALK_READ || context->htinst == HTINST_WALK_WRITE;
}

// What the access needs. The cause tells what the instruction does, which is not what the walk of
// the page table before it does.
static uint32_t prot_of_fault(const struct vcpu_context *context)
{
	if (is_walk(context))
		return context->htinst == HTINST_WALK_WRITE ? PROT_WRITE : PROT_READ;
	switch (context->scause) {
	case CAUSE_FETCH_GUEST_PAGE: return PROT_EXEC;
	case CAUSE_STORE_GUEST_PAGE: return PROT_WRITE;
	default: return PROT_READ;
	}
}

static uint64_t access_fault_of(uint64_t cause)
{
	switch (cause) {
	case CAUSE_FETCH_GUEST_PAGE: return CAUSE_FETCH_ACCESS;
	case CAUSE_STORE_GUEST_PAGE: return CAUSE_STORE_ACCESS;
	default: return CAUSE_LOAD_ACCESS;
	}
}

static enum hv_next end_run(struct vcpu *vcpu, gpa_t gpa, uint32_t reason, struct vcpu_exit *exit)
{
	vcpu->stats.other++;
	exit->reason = reason;
	exit->code = (uint32_t)vcpu->context.scause;
	exit->mmio.address = gpa;
	exit->fault_pc = vcpu->context.pc;
	return HV_RETURN;
}

// The guest's exception for an access that nothing answers.
static enum hv_next refuse(struct vcpu *vcpu, gpa_t gpa, struct vcpu_exit *exit)
{
	if (hv_is_at_handler(vcpu))
		return end_run(vcpu, gpa, VCPU_EXIT_FAULT, exit);
	vcpu->stats.other++;
	hv_inject_exception(vcpu, access_fault_of(vcpu->context.scause), vcpu->context.stval);
	return HV_REENTER;
}

static enum hv_next mmio_store(struct vcpu *vcpu, gpa_t gpa, const struct insn_access *access,
                               struct vcpu_exit *exit)
{
	struct vcpu_context *context = &vcpu->context;
	uint64_t data = access->reg == 0 ? 0 : context->x[access->reg];

	data = insn_extend(data, access->width, false);
	context->pc += access->length;
	if (access->width == 4 && hvspace_notify(vcpu->space, gpa, (uint32_t)data)) {
		vcpu->stats.notify++;
		return HV_REENTER;
	}
	vcpu->stats.mmio_write++;
	exit->reason = VCPU_EXIT_MMIO_WRITE;
	exit->mmio.address = gpa;
	exit->mmio.data = data;
	exit->mmio.width = access->width;
	return HV_RETURN;
}

static enum hv_next mmio_load(struct vcpu *vcpu, gpa_t gpa, const struct insn_access *access,
                              struct vcpu_exit *exit)
{
	vcpu->context.pc += access->length;
	vcpu->stats.mmio_read++;
	vcpu->pending = VCPU_PENDING_MMIO_READ;
	vcpu->pending_rd = access->reg;
	vcpu->pending_width = access->width;
	vcpu->pending_signed = access->is_signed;
	exit->reason = VCPU_EXIT_MMIO_READ;
	exit->mmio.address = gpa;
	exit->mmio.data = 0;
	exit->mmio.width = access->width;
	return HV_RETURN;
}

void hv_finish_mmio_read(struct vcpu *vcpu, const struct vcpu_exit *exit)
{
	vcpu->pending = VCPU_PENDING_NONE;
	if (vcpu->pending_rd != 0)
		vcpu->context.x[vcpu->pending_rd] =
			insn_extend(exit->mmio.data, vcpu->pending_width, vcpu->pending_signed);
}

// A load or store to what is not memory.
static enum hv_next access_device(struct vcpu *vcpu, gpa_t gpa, struct vcpu_exit *exit)
{
	struct vcpu_context *context = &vcpu->context;
	struct insn_access access;
	uint64_t base;
	uint32_t insn;

	// An address within a page is the same before and after translation, but for the walk's.
	if (((gpa ^ context->stval) & (PAGE_SIZE - 1)) != 0)
		return refuse(vcpu, gpa, exit);
	if (!hv_fetch_insn(vcpu, &insn)) {
		vcpu->stats.other++;
		return HV_REENTER;
	}
	if (insn_decode_access(insn, &access) != 0)
		return refuse(vcpu, gpa, exit);
	// Another vCPU may have changed the instruction since it faulted: then the guest tries
	// again.
	base = access.base == 0 ? 0 : context->x[access.base];
	if (access.is_store != (context->scause == CAUSE_STORE_GUEST_PAGE)) {
		vcpu->stats.other++;
		return HV_REENTER;
	}
	if (base + (uint64_t)(int64_t)access.offset != context->stval) {
		// A misaligned access whose second page faults is told by that page's address.
		if (context->stval - (base + (uint64_t)(int64_t)access.offset) < access.width)
			return refuse(vcpu, gpa, exit);
		vcpu->stats.other++;
		return HV_REENTER;
	}
	// No device has registers across pages.
	if ((gpa & (PAGE_SIZE - 1)) + access.width > PAGE_SIZE)
		return refuse(vcpu, gpa, exit);
	if (access.is_store)
		return mmio_store(vcpu, gpa, &access, exit);
	return mmio_load(vcpu, gpa, &access, exit);
}

// Where the vCPU notes that loads from, or stores to, the page of `gpa` are for a device.
static struct vcpu_device_page *device_page(struct vcpu *vcpu, gpa_t gpa, uint64_t cause,
                                            uint64_t *page)
{
	*page = gpa / PAGE_SIZE * 2 + (cause == CAUSE_STORE_GUEST_PAGE);
	return &vcpu->device_pages[*page % VCPU_DEVICE_PAGES];
}

// Any fault; the space's layout was `layout` before.
static enum hv_next fault_anywhere(struct vcpu *vcpu, gpa_t gpa, uint64_t layout,
                                   struct vcpu_exit *exit)
{
	const struct vcpu_context *context = &vcpu->context;
	uint32_t prot = prot_of_fault(context);
	struct vcpu_device_page *known;
	uint64_t page;

	switch (hvspace_fault(vcpu->space, gpa, prot)) {
	case HVSPACE_FAULT_MAPPED:
		// This hart may remember that nothing was mapped there (privileged specification,
		// "Hypervisor Memory-Management Fence Instructions"). Pairs with the stores of
		// gstage_map(), on whichever hart: another hart that faults comes here itself.
		hv_fence_gstage_here(gpa);
		vcpu->stats.page_fault++;
		return HV_REENTER;
	case HVSPACE_FAULT_UNBACKED:
	case HVSPACE_FAULT_DENIED:
		if (prot == PROT_EXEC || is_walk(context))
			return refuse(vcpu, gpa, exit);
		known = device_page(vcpu, gpa, context->scause, &page);
		*known = (struct vcpu_device_page){ page, layout };
		return access_device(vcpu, gpa, exit);
	default: return end_run(vcpu, gpa, VCPU_EXIT_NO_MEMORY, exit);
	}
}

enum hv_next hv_handle_guest_fault(struct vcpu *vcpu, struct vcpu_exit *exit)
{
	struct vcpu_context *context = &vcpu->context;
	// htval has the address without its low two bits, which are those of the virtual one.
	gpa_t gpa = context->htval << 2 | (context->stval & 3);
	uint64_t layout = __atomic_load_n(&vcpu->space->layout, __ATOMIC_ACQUIRE);
	struct vcpu_device_page *known;
	uint64_t page;

	known = device_page(vcpu, gpa, context->scause, &page);
	if (known->page == page && known->layout == layout &&
	    context->scause != CAUSE_FETCH_GUEST_PAGE && !is_walk(context))
		return access_device(vcpu, gpa, exit);
	return fault_anywhere(vcpu, gpa, layout, exit);
}
