// SPDX-License-Identifier: MIT
//
// What an app in user mode has in place of the kernel's own function: system calls are traps. Linked beside the app's
// object, and not in the library, of which in-kernel apps take whatever they refer to.
#include "libs/abi/syscall.h"

#define X(number, name, argc) .equ SYSCALL_NR_##name, number;
SYSCALL_TABLE(X)

	.text

// libs/starina/syscall.S has put the number into a7. RISC-V privileged specification, "Environment Call and Breakpoint".
	.global starina_syscall
	.type starina_syscall, @function
starina_syscall:
	ecall
	ret
	.size starina_syscall, . - starina_syscall

// Where a thread's entry returns to: the kernel puts this address into its ra.
	.global starina_thread_return
	.type starina_thread_return, @function
starina_thread_return:
	li	a7, SYSCALL_NR_thread_exit
	ecall
	unimp
	.size starina_thread_return, . - starina_thread_return

	.section .note.GNU-stack, "", @progbits
