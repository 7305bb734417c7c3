// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/arch_types.h"
#include "kernel/arch/riscv64/cause.h"
#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/trap.h"
#include "libs/abi/syscall.h"

	.text

// --- Traps -------------------------------------------------------------------------------------------

	.balign 4
	.global trap_entry
trap_entry:
	csrrw	sp, sscratch, sp		// sp: this hart; sscratch: the interrupted sp
	sd	t0, ARCH_HART_SCRATCH(sp)
	csrr	t0, scause
	addi	t0, t0, -CAUSE_ECALL_U
	beqz	t0, user_syscall
	sd	t1, ARCH_HART_SCRATCH + 8(sp)
	csrr	t0, sstatus
	andi	t0, t0, SSTATUS_SPIE
	beqz	t0, from_kernel

	mv	t1, tp
	ld	tp, ARCH_HART_THREAD(sp)	// do not trust what an app may have left there
	ld	t0, ARCH_THREAD_KERNEL_SP(tp)
	addi	t0, t0, -TRAP_FRAME_SIZE
	sd	t1, 4 * 8(t0)

	// t0: the frame; sp: the hart.
save_frame:
	csrrw	t1, sscratch, sp		// back in order: sscratch is the hart
	sd	t1, 2 * 8(t0)
	ld	t1, ARCH_HART_SCRATCH(sp)
	sd	t1, 5 * 8(t0)
	ld	t1, ARCH_HART_SCRATCH + 8(sp)
	sd	t1, 6 * 8(t0)
	mv	sp, t0
	sd	ra, 1 * 8(sp)
	sd	gp, 3 * 8(sp)
	.irp	r, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	sd	x\r, \r * 8(sp)
	.endr
	csrr	t0, sepc
	csrr	t1, sstatus
	csrr	t2, scause
	csrr	t3, stval
	sd	t0, TRAP_FRAME_SEPC(sp)
	sd	t1, TRAP_FRAME_SSTATUS(sp)
	sd	t2, TRAP_FRAME_SSTATUS + 8(sp)
	sd	t3, TRAP_FRAME_SSTATUS + 16(sp)
	mv	a0, sp
	call	trap_handle

	// Only SPP and SPIE are put back: sstatus.FS is the FP unit's state now, not then.
	ld	t0, TRAP_FRAME_SEPC(sp)
	ld	t1, TRAP_FRAME_SSTATUS(sp)
	csrw	sepc, t0
	li	t2, SSTATUS_SPP
	and	t0, t1, t2
	beqz	t0, to_user
	csrs	sstatus, t2
	andi	t1, t1, SSTATUS_SPIE
	bnez	t1, 1f
	li	t2, SSTATUS_SPIE
	csrc	sstatus, t2
	j	2f
1:	csrs	sstatus, t1
2:	ld	ra, 1 * 8(sp)
	ld	gp, 3 * 8(sp)
	.irp	r, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	x\r, \r * 8(sp)
	.endr
	ld	sp, 2 * 8(sp)
	sret

to_user:
	csrc	sstatus, t2
	andi	t1, t1, SSTATUS_SPIE
	ld	tp, 4 * 8(sp)
	j	1b

	// The interrupted sp serves when it lies within the thread's kernel stack with room for a frame (and the C code).
from_kernel:
	ld	t0, ARCH_HART_THREAD(sp)
	csrr	t1, sscratch
	beqz	t0, 1f				// booting: no thread yet
	ld	t0, ARCH_THREAD_STACK_BOTTOM(t0)
	addi	t0, t0, 2 * TRAP_FRAME_SIZE
	bltu	t1, t0, bad_stack
	ld	t0, ARCH_HART_THREAD(sp)
	ld	t0, ARCH_THREAD_KERNEL_SP(t0)
	bgtu	t1, t0, bad_stack
1:	addi	t0, t1, -TRAP_FRAME_SIZE
	j	save_frame
bad_stack:
	ld	t0, ARCH_HART_EMERGENCY_SP(sp)
	addi	t0, t0, -TRAP_FRAME_SIZE
	j	save_frame

// --- Calls -------------------------------------------------------------------------------------------

// What apps are linked against: arguments in a0 to a5, number in a7, the result in a0; an ordinary function for the caller.
// Nothing is written to the app's stack: it may be used up.
	.global starina_syscall
	.balign 4
starina_syscall:
	csrci	sstatus, SSTATUS_SIE		// from here on this is the kernel
	sd	sp, ARCH_THREAD_APP_SP(tp)
	sd	ra, ARCH_THREAD_APP_PC(tp)
	ld	sp, ARCH_THREAD_KERNEL_SP(tp)
	li	t0, SYSCALL_MAX
	bgeu	a7, t0, 3f
	slli	a7, a7, 3
	lla	t0, syscall_table
	add	t0, t0, a7
	ld	t0, 0(t0)
	jalr	t0				// s0 is the app's, and so is the handler's caller's frame
1:	ld	t0, ARCH_THREAD_HART(tp)
	ld	t0, HART_ATTENTION(t0)
	bnez	t0, 4f
2:	ld	ra, ARCH_THREAD_APP_PC(tp)
	ld	sp, ARCH_THREAD_APP_SP(tp)
	csrsi	sstatus, SSTATUS_SIE
	ret
3:	li	a0, -5				// ERR_NOT_SUPPORTED
	j	1b
4:	addi	sp, sp, -16
	sd	a0, 0(sp)
	call	sched_return_to_app
	ld	a0, 0(sp)
	j	2b

// As starina_syscall, from user mode: `ecall` in the app's own starina_syscall. An ordinary function for the app, too: what a
// call may change is zeroed, so that it learns nothing of the kernel's. sp: the hart; sscratch: the app's sp.
user_syscall:
	mv	t1, tp
	ld	tp, ARCH_HART_THREAD(sp)
	csrrw	t2, sscratch, sp
	csrr	t0, sepc
	addi	t0, t0, 4			// behind the ecall
	sd	t0, ARCH_THREAD_APP_PC(tp)
	sd	t2, ARCH_THREAD_APP_SP(tp)
	sd	ra, ARCH_THREAD_APP_RA(tp)
	sd	gp, ARCH_THREAD_APP_GP(tp)
	sd	t1, ARCH_THREAD_APP_TP(tp)
	ld	sp, ARCH_THREAD_KERNEL_SP(tp)
	li	t0, SYSCALL_MAX
	bgeu	a7, t0, 3f
	slli	a7, a7, 3
	lla	t0, user_syscall_table
	add	t0, t0, a7
	ld	t0, 0(t0)
	jalr	t0
1:	ld	t0, ARCH_THREAD_HART(tp)
	ld	t1, HART_ATTENTION(t0)
	lbu	t2, ARCH_HART_SPACE_STALE(t0)
	or	t1, t1, t2
	bnez	t1, 4f
2:	ld	t0, ARCH_THREAD_APP_PC(tp)
	csrw	sepc, t0
	li	t1, SSTATUS_SPP
	csrc	sstatus, t1
	li	t1, SSTATUS_SPIE
	csrs	sstatus, t1
	ld	ra, ARCH_THREAD_APP_RA(tp)
	ld	gp, ARCH_THREAD_APP_GP(tp)
	ld	sp, ARCH_THREAD_APP_SP(tp)
	ld	tp, ARCH_THREAD_APP_TP(tp)
	.irp	r, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31
	li	x\r, 0
	.endr
	sret
3:	li	a0, -5				// ERR_NOT_SUPPORTED
	j	1b
4:	addi	sp, sp, -16
	sd	a0, 0(sp)
	ld	t1, HART_ATTENTION(t0)
	bnez	t1, 5f
	mv	a0, t0				// nothing but a fence is due
	call	arch_space_fence
	j	6f
5:	call	trap_return_to_user
6:	ld	a0, 0(sp)
	j	2b

// --- Threads -----------------------------------------------------------------------------------------

// Where a new thread begins, with a struct thread_start on its stack (arch_thread_init).
	.global trap_thread_start
trap_thread_start:
	ld	s1, 0(sp)			// entry
	ld	s2, 8(sp)			// its argument
	ld	s3, 16(sp)			// the app stack; 0: a kernel thread
	ld	s4, 24(sp)			// the number of thread_exit, or what a user-mode entry returns to
	ld	s5, 32(sp)			// not 0: in user mode
	addi	sp, sp, THREAD_START_SIZE
	li	s0, 0				// the end of the chain of frames
	bnez	s3, 1f
	mv	a0, s2
	jalr	s1
	unimp					// a kernel thread never returns
1:	bnez	s5, 3f
	call	sched_return_to_app
	mv	sp, s3
	mv	a0, s2
	mv	t0, s1
	lla	ra, 2f
	csrsi	sstatus, SSTATUS_SIE
	jr	t0
	// The entry returned.
2:	mv	a7, s4
	call	starina_syscall
	unimp
3:	call	trap_return_to_user
	csrw	sepc, s1
	li	t1, SSTATUS_SPP
	csrc	sstatus, t1
	li	t1, SSTATUS_SPIE
	csrs	sstatus, t1
	mv	sp, s3
	mv	a0, s2
	mv	ra, s4
	.irp	r, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	li	x\r, 0
	.endr
	sret
