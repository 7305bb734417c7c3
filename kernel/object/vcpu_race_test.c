// SPDX-License-Identifier: MIT
//
// What is asked of a vCPU while its hart enters and leaves the guest: asker and hart are threads.
// Built as it is, for the host's own reordering; vcpu_race_tsan_test is the same under
// ThreadSanitizer, which orders more than the host does. The host's threads bring names that the
// kernel has for things of its own.
#define sched_yield host_sched_yield
#include <pthread.h>
#undef sched_yield
#undef CLOCK_MONOTONIC
#undef CLOCK_REALTIME
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/vcpu.h"

#define GUEST_HART 1u
#define ROUNDS 100000u

static struct vcpu vcpu;
static uint32_t kicked;
static uint32_t asked;   // requests that have been made
static uint32_t served;  // and have been seen
static unsigned lost;    // the hart's thread counts
static _Thread_local struct hart this_hart;

struct hart *arch_this_hart(void)
{
	return &this_hart;
}

void arch_hart_kick(uint32_t hart)
{
	assert_int_equal(hart, GUEST_HART);
	__atomic_store_n(&kicked, 1, __ATOMIC_SEQ_CST);
}

void wait_queue_init(struct wait_queue *queue)
{
	(void)queue;
}

void wait_queue_wake_all(struct wait_queue *queue)
{
	(void)queue;
}

void spinlock_init(struct spinlock *lock, enum lock_rank rank)
{
	*lock = (struct spinlock){ .rank = (uint32_t)rank };
}

void spin_check_order(const struct spinlock *lock)
{
	(void)lock;
}

void spin_note_locked(struct spinlock *lock)
{
	(void)lock;
}

void spin_note_unlock(struct spinlock *lock)
{
	(void)lock;
}

// A while in the guest, which a kick ends. Whoever asked has done so by the time that `asked` says
// it: then there is a kick, or vcpu_begin_entry() should have seen it.
static void be_in_guest(uint32_t done, unsigned turns)
{
	for (unsigned i = 0; i < turns; i++) {
		uint32_t now = __atomic_load_n(&asked, __ATOMIC_SEQ_CST);

		if (__atomic_exchange_n(&kicked, 0, __ATOMIC_SEQ_CST) != 0)
			return;
		if (now > done)
			lost++;
	}
}

static void *run_vcpu(void *arg)
{
	uint32_t done = 0;

	(void)arg;
	this_hart.id = GUEST_HART;
	for (unsigned turn = 0; done < ROUNDS; turn++) {
		if (vcpu_begin_entry(&vcpu, GUEST_HART))
			be_in_guest(done, turn % 7);
		vcpu_end_entry(&vcpu);
		if (__atomic_exchange_n(&vcpu.requests, 0, __ATOMIC_SEQ_CST) != 0)
			__atomic_store_n(&served, ++done, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void test_no_request_is_lost(void **state)
{
	pthread_t thread;

	(void)state;
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.hart_id = VCPU_NO_HART;
	assert_int_equal(pthread_create(&thread, NULL, run_vcpu, NULL), 0);
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		vcpu_request(&vcpu, VCPU_REQ_SOFT_IRQ);
		__atomic_store_n(&asked, i, __ATOMIC_SEQ_CST);
		for (unsigned spins = 0; __atomic_load_n(&served, __ATOMIC_SEQ_CST) != i; spins++) {
			if (spins % 1000 == 999)
				usleep(0);
		}
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_request_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
