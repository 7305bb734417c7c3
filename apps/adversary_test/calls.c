// SPDX-License-Identifier: MIT
//
// Calls at the edges, registers, and an adversary that takes all.
#include "apps/adversary_test/judge.h"

#define NUM_FP_USERS 4

static volatile bool stop;

static void edges_are_kept(struct judge *j)
{
	(void)adversary_does(j, ADVERSARY_EDGES, 0, 0, ENDS_DONE);
}

static void registers_tell_nothing(struct judge *j)
{
	(void)adversary_does(j, ADVERSARY_REGISTERS, 0, 0, ENDS_DONE);
}

// An in-kernel app's thread that has the unit full of something.
static void use_fp(void *arg)
{
	double d = (double)(uintptr_t)arg + 3.5;

	while (!stop) {
		__asm__ volatile(".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 31\n"
		                 "	fmv.d f\\r, %0\n"
		                 ".endr\n"
		                 "	li t0, 0x3f\n"
		                 "	fscsr t0\n" ::"f"(d)
		                 : "t0", "memory");
		thread_yield();
	}
	__asm__ volatile("fscsr zero");
	thread_exit();
}

static void fp_registers_tell_nothing(struct judge *j)
{
	handle_t threads[NUM_FP_USERS];

	stop = false;
	for (uintptr_t i = 0; i < NUM_FP_USERS; i++)
		expect(j, thread_create(use_fp, (void *)i, 0, &threads[i]) == 0);
	for (unsigned i = 0; i < 3; i++)
		(void)adversary_does(j, ADVERSARY_FP, 0, 0, ENDS_DONE);
	stop = true;
	for (uintptr_t i = 0; i < NUM_FP_USERS; i++) {
		expect(j, handle_wait(threads[i], READY_CLOSED, test_deadline()) == 0);
		handle_close(threads[i]);
	}
}

static void exhaustion_is_its_own(struct judge *j)
{
	for (uint32_t deed = ADVERSARY_ALL_THREADS; deed < ADVERSARY_SPIN && !j->failed; deed++) {
		for (unsigned i = 0; i < 2; i++)
			(void)adversary_does(j, deed, 0, 0, ENDS_DONE);
		expect_peer_answers(j);
		expect_memory_is_ours(j, PAGE_SIZE);
	}
}

static void spinning_is_ended(struct judge *j)
{
	struct msg_adversary_do deed = { .deed = ADVERSARY_SPIN };
	struct adversary adversary;
	struct message m;

	if (adversary_start(j, &deed, &adversary)) {
		expect(j, recv_wait(adversary.channel, test_deadline(), &m) == 0);
		for (unsigned i = 0; i < 20; i++)
			expect_peer_answers(j);
		expect(j, process_kill(adversary.process) == 0);
	}
	expect(j, adversary_end(j, &adversary, ENDS_KILLED) == ADVERSARY_DONE);
}

const struct test call_tests[] = {
	{ "calls at the edges of memory are refused", edges_are_kept },
	{ "registers tell nothing", registers_tell_nothing },
	{ "floating-point registers tell nothing", fp_registers_tell_nothing },
	{ "one that takes all harms nobody", exhaustion_is_its_own },
	{ "one that spins is killed", spinning_is_ended },
	{ 0 },
};
