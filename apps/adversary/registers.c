// SPDX-License-Identifier: MIT
//
// What is in the registers after a call, in a thread that begins, and after interrupts.
#include "apps/adversary/adversary.h"
#include "libs/abi/syscall.h"
#include "libs/starina/service.h"

#define NUM_REGISTERS 32
#define NUM_THREADS 60
#define PATTERN 0xa5a5000000000000ull

enum { RA = 1, SP = 2, TP = 4, S0 = 8, A0 = 10, A7 = 17 };

// All registers have a pattern, but for sp and a0 to a6; `call` is made; then all are written to
// `after`. gp, tp and s0 are given back to the caller.
void call_with_pattern(uint64_t number, const uint64_t args[7], uint64_t after[NUM_REGISTERS]);
// The same without a call, but with a wait of `ticks` of the `time` counter.
void wait_with_pattern(uint64_t ticks, uint64_t after[NUM_REGISTERS]);
// A thread's entry, which writes f0 to f31 and fcsr to its argument, and then returns.
void store_fp(void *arg);
// Fills all of them.
void fill_fp(void);

__asm__(".text\n"
        ".macro save_callee_saved\n"
        "	addi	sp, sp, -128\n"
        "	sd	ra, 0(sp)\n"
        "	sd	gp, 8(sp)\n"
        "	sd	tp, 16(sp)\n"
        "	.set	offset, 24\n"
        "	.irp	r, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27\n"
        "	sd	x\\r, offset(sp)\n"
        "	.set	offset, offset + 8\n"
        "	.endr\n"
        ".endm\n"
        ".macro load_callee_saved\n"
        "	ld	ra, 0(sp)\n"
        "	ld	gp, 8(sp)\n"
        "	ld	tp, 16(sp)\n"
        "	.set	offset, 24\n"
        "	.irp	r, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27\n"
        "	ld	x\\r, offset(sp)\n"
        "	.set	offset, offset + 8\n"
        "	.endr\n"
        "	addi	sp, sp, 128\n"
        ".endm\n"
        ".macro load_pattern\n"
        "	li	x1, 0xa5a5\n"
        "	slli	x1, x1, 48\n"
        "	.irp	r, 3, 4, 5, 6, 7, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"
        "	addi	x\\r, x1, \\r\n"
        "	.endr\n"
        ".endm\n"
        // Where to is at the top of the stack.
        ".macro store_all\n"
        "	sd	x31, -8(sp)\n"
        "	ld	x31, 0(sp)\n"
        "	.irp	r, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30\n"
        "	sd	x\\r, \\r * 8(x31)\n"
        "	.endr\n"
        "	ld	x30, -8(sp)\n"
        "	sd	x30, 31 * 8(x31)\n"
        ".endm\n"

        "call_with_pattern:\n"
        "	save_callee_saved\n"
        "	addi	sp, sp, -16\n"
        "	sd	a2, 0(sp)\n"
        "	sd	sp, 16(a2)\n"
        "	mv	a7, a0\n"
        "	mv	t0, a1\n"
        "	ld	a0, 0(t0)\n"
        "	ld	a1, 8(t0)\n"
        "	ld	a2, 16(t0)\n"
        "	ld	a3, 24(t0)\n"
        "	ld	a4, 32(t0)\n"
        "	ld	a5, 40(t0)\n"
        "	ld	a6, 48(t0)\n"
        "	load_pattern\n"
        "	call	starina_syscall\n"
        "	store_all\n"
        "	addi	sp, sp, 16\n"
        "	load_callee_saved\n"
        "	ret\n"

        "wait_with_pattern:\n"
        "	save_callee_saved\n"
        "	addi	sp, sp, -16\n"
        "	sd	a1, 0(sp)\n"
        "	rdtime	a1\n"
        "	add	a0, a0, a1\n"
        "	load_pattern\n"
        "	.irp	r, 12, 13, 14, 15, 16, 17\n"
        "	addi	x\\r, x1, \\r\n"
        "	.endr\n"
        "1:	rdtime	a1\n"
        "	bltu	a1, a0, 1b\n"
        "	store_all\n"
        "	addi	sp, sp, 16\n"
        "	load_callee_saved\n"
        "	ret\n"

        "store_fp:\n"
        "	.irp	r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"
        "	fsd	f\\r, \\r * 8(a0)\n"
        "	.endr\n"
        "	frcsr	t0\n"
        "	sd	t0, 256(a0)\n"
        "	ret\n"

        "fill_fp:\n"
        "	li	t0, -1\n"
        "	.irp	r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"
        "	fmv.d.x	f\\r, t0\n"
        "	.endr\n"
        "	li	t0, 0x1f\n"
        "	fscsr	t0\n"
        "	ret\n");

static void check_after(const uint64_t after[NUM_REGISTERS], uint32_t number)
{
	for (uint32_t i = 3; i < NUM_REGISTERS; i++) {
		bool kept = i == 3 || i == TP || i == S0 || i == 9 || (i >= 18 && i <= 27);
		uint64_t wanted = kept ? PATTERN + i : 0;

		if (i == A0 || after[i] == wanted)
			continue;
		log_error("after call %u x%u is %#llx", number, i, (unsigned long long)after[i]);
		process_exit(__LINE__);
	}
}

static void calls_leave_nothing(void)
{
	static uint64_t after[NUM_REGISTERS];
	static struct message m;
	static uint64_t out[512];
	handle_t ends[2];
	handle_t poll;

	check(channel_create(ends) == 0);
	check(poll_create(&poll) == 0);
	check(poll_add(poll, ends[1], READY_READABLE, 1) == 0);
	for (uint32_t i = 0; i < 3 * (SYSCALL_MAX + 2); i++) {
		uint32_t number = i % (SYSCALL_MAX + 2);
		uint64_t args[7] = { 0 };

		if (number == SYSCALL_NR_thread_exit || number == SYSCALL_NR_process_exit ||
		    number == SYSCALL_NR_thread_create)
			continue;
		// Bad handles; then calls that work; then ones that wait until they are woken.
		if (i >= SYSCALL_MAX + 2) {
			args[0] = (uint64_t)ends[0];
			args[1] = (uintptr_t)&m;
		}
		if (number == SYSCALL_NR_poll_wait || number == SYSCALL_NR_poll_recv) {
			args[0] = (uint64_t)poll;
			args[1] = (uintptr_t)out;
			args[2] = 1;
			args[3] = i < SYSCALL_MAX + 2 ? 0 : now() + NSEC_PER_MSEC;
			args[4] = (uintptr_t)&out[256];
			args[5] = (uintptr_t)&m;
		}
		if (number == SYSCALL_NR_handle_close)
			args[0] = 0;
		call_with_pattern(number, args, after);
		check_after(after, number);
	}
}

static void interrupts_leave_all(void)
{
	static uint64_t after[NUM_REGISTERS];

	wait_with_pattern(2000000, after);
	for (uint32_t i = 3; i < NUM_REGISTERS; i++)
		check(i == A0 || i == A0 + 1 || after[i] == PATTERN + i);
}

static void threads_begin_with_zeroes(void)
{
	static uint64_t seen[NUM_REGISTERS + 1];
	handle_t thread;

	for (uint32_t n = 0; n < NUM_THREADS; n++) {
		for (uint32_t i = 0; i <= NUM_REGISTERS; i++)
			seen[i] = 7;
		check(thread_create(store_fp, seen, 0, &thread) == 0);
		// The unit of this hart is this thread's in every second round.
		if (n % 2 == 0)
			fill_fp();
		check(handle_wait(thread, READY_CLOSED, NSEC_NEVER) == 0);
		handle_close(thread);
		for (uint32_t i = 0; i <= NUM_REGISTERS; i++)
			check(seen[i] == 0);
	}
}

void deed_registers(const struct deed *deed)
{
	if (deed->deed == ADVERSARY_FP) {
		threads_begin_with_zeroes();
	} else {
		calls_leave_nothing();
		interrupts_leave_all();
	}
	process_exit(ADVERSARY_DONE);
}
