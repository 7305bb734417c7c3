// SPDX-License-Identifier: MIT
//
// A virtual CPU: its registers, its SBI state, and what may wake or interrupt it. The thread that
// calls vcpu_run is its hart.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/riscv64/hv/context.h"
#include "kernel/object/object.h"
#include "kernel/object/poll.h"
#include "kernel/object/timer.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/spinlock.h"
#include "libs/abi/error.h"
#include "libs/abi/vm.h"

struct hvspace;
struct poll;

// What others want of a vCPU; bits in vcpu.requests, set with an atomic or.
#define VCPU_REQ_KICK (1u << 0)      // return VCPU_EXIT_POLL
#define VCPU_REQ_SOFT_IRQ (1u << 1)  // VSSIP (SBI IPI)
// SBI remote sfence.vma and fence.i: before the next entry, all of them
#define VCPU_REQ_FENCE (1u << 2)
#define VCPU_REQ_POLL (1u << 3)    // look at the poll again
#define VCPU_REQ_RESUME (1u << 4)  // look at everything again (interrupt line, HSM start)

// SBI HSM hart states (SBI 2.0, chapter "Hart State Management").
enum vcpu_hsm_state {
	VCPU_HSM_STARTED = 0,
	VCPU_HSM_STOPPED = 1,
	VCPU_HSM_START_PENDING = 2,
	VCPU_HSM_SUSPENDED = 4,
};

// What the next vcpu_run has to finish before the guest goes on.
enum vcpu_pending {
	VCPU_PENDING_NONE,
	VCPU_PENDING_MMIO_READ,
};

#define VCPU_DEVICE_PAGES 16

struct vcpu_device_page {
	uint64_t page;    // guest-physical address / PAGE_SIZE * 2, plus 1 for stores
	uint64_t layout;  // hvspace.layout that it is true of
};

struct vcpu {
	struct object object;   // first
	struct hvspace *space;  // a reference
	uint32_t id;
	uint64_t serial;  // never used again

	struct poll_listener listener;  // on the poll of vcpu_run
	struct timer_node timer;        // the guest's timer where Sstc is missing
	bool timer_armed;

	// Owned by the thread that runs the vCPU; by `lock` while nobody does.
	struct vcpu_context context;  // kernel/arch/riscv64/hv alone knows what is in it
	enum vcpu_pending pending;
	uint8_t pending_rd;     // register that an MMIO read fills
	uint8_t pending_width;  // bytes
	bool pending_signed;
	// Accesses to devices, by address: pages that the guest's loads or stores are known not to
	// reach memory in.
	struct vcpu_device_page device_pages[VCPU_DEVICE_PAGES];
	uint32_t last_hart;    // that it was loaded on; VCPU_NO_HART: none
	uint32_t thread;       // id of the one that loaded it there; atomic
	uint32_t irq_applied;  // what hvip has of irq_lines
	struct vcpu_stats stats;

	uint32_t requests;   // VCPU_REQ_*, atomic
	uint32_t irq_lines;  // levels, bit VCPU_IRQ_*, atomic
	uint32_t vmid;       // that its hart translates with while hart_id is set; atomic

	// of the hart that is in the guest or about to enter, else VCPU_NO_HART; atomic
	uint32_t hart_id;

	struct spinlock lock;  // LOCK_RANK_VCPU, guards all below
	bool running;          // a thread is in vcpu_run
	enum vcpu_hsm_state hsm_state;
	// HSM start, and suspend with resumes_afresh: what the hart begins with
	uint64_t start_pc;
	uint64_t start_arg;
	bool resumes_afresh;        // a suspended hart has lost its registers
	struct wait_queue waiters;  // the running thread while the guest waits
};

// A vCPU of `space` (of which it keeps a reference) with one reference, the caller's. Number 0 is
// started, others are stopped. Errors: ERR_RANGE (id), ERR_EXISTS, ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t vcpu_object_create(struct account *account, struct hvspace *space, uint32_t id,
                                        struct vcpu **out);
static inline struct vcpu *vcpu_from_object(struct object *object)
{
	return container_of(object, struct vcpu, object);
}
// See vcpu_run in libs/starina/syscall.h; `poll` may be NULL; both are borrowed for the call.
// `*exit` is kernel memory: the caller copies it in and out. Blocks. Errors: ERR_BAD_STATE (another
// thread runs it; or the process is dying).
__must_check error_t vcpu_run(struct vcpu *vcpu, struct poll *poll, struct vcpu_exit *exit);
// Registers of a vCPU that no thread runs. Errors: ERR_BAD_STATE.
__must_check error_t vcpu_get_state(struct vcpu *vcpu, struct vcpu_state *out);
__must_check error_t vcpu_set_state(struct vcpu *vcpu, const struct vcpu_state *state);
// Sets an interrupt line. Any context, no lock of rank VCPU or above held. Errors: ERR_INVALID (not
// a VCPU_IRQ_*).
__must_check error_t vcpu_set_irq(struct vcpu *vcpu, uint32_t irq, uint32_t level);
// The current or next vcpu_run returns VCPU_EXIT_POLL.
void vcpu_kick(struct vcpu *vcpu);
// Counts since the vCPU was made; reading them while it runs gives values of about now.
void vcpu_stats(struct vcpu *vcpu, struct vcpu_stats *out);
// READY_READABLE while a kick is pending.
uint32_t vcpu_readiness(struct vcpu *vcpu);

// --- For kernel/arch/riscv64/hv ---

// Makes the calling thread the one that runs the vCPU, and lets go of it. Errors: ERR_BAD_STATE
// (another does).
__must_check error_t vcpu_claim(struct vcpu *vcpu);
void vcpu_release(struct vcpu *vcpu);
// Says that `hart` is about to enter the vCPU's guest. Returns false when something is asked of the
// vCPU first.
static inline bool vcpu_begin_entry(struct vcpu *vcpu, uint32_t hart)
{
	store_relaxed(&vcpu->hart_id, hart);
	// The hart's number before the look at the requests. Pairs with the atomics of
	// vcpu_request() and of fence_one() (hv/sbi_rfence.c), which are sequentially consistent,
	// in the opposite order.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&vcpu->requests, __ATOMIC_RELAXED) == 0;
}
// Says that the hart has left the guest: after all that the guest has loaded and stored, for who
// waits for this (fence_by_exit) takes its memory for settled.
static inline void vcpu_end_entry(struct vcpu *vcpu)
{
	store_release(&vcpu->hart_id, VCPU_NO_HART);
}
// Sets VCPU_REQ_* bits and makes the vCPU see them: leaves the guest or the wait. Any context, no
// lock of rank VCPU or above held.
void vcpu_request(struct vcpu *vcpu, uint32_t bits);
