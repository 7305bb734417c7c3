// SPDX-License-Identifier: MIT
//
// A guest-physical address space: which parts of which folios a guest sees where, and the G-stage
// table made of it on first touch. RISC-V privileged specification, chapter "H" extension.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/riscv64/hv/gstage.h"
#include "kernel/arch/riscv64/hv/vmid.h"
#include "kernel/object/folio.h"
#include "kernel/object/object.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/spinlock.h"
#include "libs/abi/error.h"
#include "libs/abi/vm.h"
#include "libs/base/list.h"

#define HVSPACE_MAX_MAPPINGS 32
#define HVSPACE_MAX_NOTIFIES 64
#define HVSPACE_MAX_VCPUS 16

struct event;
struct hvspace;
struct vcpu;

// [gpa, gpa + length) shows [offset, offset + length) of `folio`.
struct hvspace_mapping {
	gpa_t gpa;
	uint64_t length;
	uint64_t offset;
	uint32_t prot;        // PROT_*
	struct folio *folio;  // a reference; NULL: slot unused
	bool leaving;         // being made or taken away: faults do not see it
	struct hvspace *space;
	struct folio_user user;
};

// A guest write of `value` to `gpa` signals `event`.
struct hvspace_notify {
	gpa_t gpa;
	uint32_t value;
	struct event *event;  // a reference; NULL: slot unused
};

struct hvspace {
	struct object object;  // first
	uint32_t id;
	struct tlb_tag vmid;
	uint64_t time_origin;  // ticks of `time` at which the guest's clock reads 0

	// some of the guest's memory is gone (folio.lost): it must not run on; atomic
	bool memory_lost;

	struct spinlock lock;  // LOCK_RANK_VM, guards all below
	struct gstage gstage;
	// changes with each unmap: a fault that populated memory meanwhile starts over
	uint64_t generation;
	// changes with each mapping made or taken away, from 1; read without the lock too
	uint64_t layout;
	// bit (gpa / 4) % 64 is set for each binding; read without the lock too
	uint64_t notify_filter;
	struct hvspace_mapping mappings[HVSPACE_MAX_MAPPINGS];
	struct hvspace_notify notifies[HVSPACE_MAX_NOTIFIES];
	// Not references: a vCPU takes itself out when it is destroyed, and holds a reference to
	// its space.
	struct vcpu *vcpus[HVSPACE_MAX_VCPUS];
};

// An empty space with one reference, the caller's. Errors: ERR_NOT_SUPPORTED (no H extension),
// ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t hvspace_object_create(struct account *account, struct hvspace **out);
static inline struct hvspace *hvspace_from_object(struct object *object)
{
	return container_of(object, struct hvspace, object);
}
// See hvspace_map in libs/starina/syscall.h. Takes its own reference to `folio`; rights are the
// caller's to check. Errors: ERR_INVALID (not whole pages, no length, unknown or no prot,
// PROT_WRITE without PROT_READ), ERR_RANGE (beyond the folio or beyond what the G-stage can
// address), ERR_EXISTS (overlaps), ERR_LIMIT.
__must_check error_t hvspace_map(struct hvspace *space, gpa_t gpa, struct folio *folio,
                                 uint64_t offset, uint64_t length, uint32_t prot);
// Unmaps exactly one mapping; no hart translates through it when this returns. Errors:
// ERR_NOT_FOUND.
__must_check error_t hvspace_unmap(struct hvspace *space, gpa_t gpa, uint64_t length);
// See hvspace_bind_notify in libs/starina/syscall.h; `event` NULL takes the binding away. Takes its
// own reference. Errors: ERR_INVALID (`gpa` not 4-byte aligned), ERR_EXISTS, ERR_NOT_FOUND,
// ERR_LIMIT.
__must_check error_t hvspace_bind_notify(struct hvspace *space, gpa_t gpa, uint32_t value,
                                         struct event *event);

// --- For kernel/arch/riscv64/hv ---

enum hvspace_fault_result {
	HVSPACE_FAULT_MAPPED,    // try the access again
	HVSPACE_FAULT_UNBACKED,  // nothing is mapped there: MMIO
	HVSPACE_FAULT_DENIED,    // mapped without the right that the access needs
	HVSPACE_FAULT_NO_MEMORY,
};

// A guest access (`prot`: one PROT_* bit) to `gpa` found no translation: populates the folio there
// and maps it. Takes folio and memory locks; none may be held.
enum hvspace_fault_result hvspace_fault(struct hvspace *space, gpa_t gpa, uint32_t prot);
// Signals the event bound to this write. Returns false when there is none.
bool hvspace_notify(struct hvspace *space, gpa_t gpa, uint32_t value);
// Whether all of [gpa, gpa + len), which may be anything, is mapped with all of `prot` (PROT_*
// bits), and no device's registers of the host's. What a guest is given of its own devices'
// registers it may not write.
bool hvspace_is_mapped(struct hvspace *space, gpa_t gpa, uint64_t len, uint32_t prot);
// Copies guest memory, which may lie in several mappings. `gpa` and `len` may be anything. Errors:
// ERR_ADDRESS.
__must_check error_t hvspace_read(struct hvspace *space, gpa_t gpa, void *out, size_t len);
// The vCPU with hart id `id`, with a reference for the caller; NULL when there is none.
struct vcpu *hvspace_get_vcpu(struct hvspace *space, uint32_t id);
// Enters or removes a vCPU (vcpu_create and its destruction). Errors: ERR_RANGE, ERR_EXISTS.
__must_check error_t hvspace_add_vcpu(struct hvspace *space, uint32_t id, struct vcpu *vcpu);
void hvspace_remove_vcpu(struct hvspace *space, uint32_t id);
