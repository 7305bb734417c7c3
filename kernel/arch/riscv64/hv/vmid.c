// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/hv/vmid.h"

#include "kernel/sched/sched.h"
#include "kernel/sched/spinlock.h"

// Guarded by `lock`, read without it only to compare.
static struct spinlock lock;
static uint64_t generation = 1;
static uint32_t next_id;
static uint32_t num_ids;

// The generation in which each hart has fenced. Only its own hart touches an entry.
static uint64_t hart_generation[MAX_HARTS];

void vmid_init(unsigned bits)
{
	spinlock_init(&lock, LOCK_RANK_VM);
	generation = 1;
	next_id = 0;
	num_ids = 1u << bits;
	for (uint32_t i = 0; i < MAX_HARTS; i++)
		hart_generation[i] = 0;
}

bool vmid_refresh(struct vmid *vmid, uint32_t hart)
{
	uint64_t now = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);

	if (__atomic_load_n(&vmid->generation, __ATOMIC_ACQUIRE) != now) {
		spin_lock(&lock);
		// Another vCPU of the space may have been here first.
		if (vmid->generation != generation) {
			if (next_id == num_ids) {
				__atomic_store_n(&generation, generation + 1, __ATOMIC_RELEASE);
				next_id = 0;
			}
			vmid->id = next_id++;
			__atomic_store_n(&vmid->generation, generation, __ATOMIC_RELEASE);
		}
		now = generation;
		spin_unlock(&lock);
	}
	if (hart_generation[hart] == now)
		return false;
	hart_generation[hart] = now;
	return true;
}
