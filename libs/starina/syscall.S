// SPDX-License-Identifier: MIT
//
// One stub for each system call: its number in a7 and on to starina_syscall, the only symbol that an app has from
// outside itself. For an in-kernel app that is a function of the kernel, called without a trap.
#include "libs/abi/syscall.h"

.macro stub number, name
	.section .text.\name, "ax", @progbits
	.global \name
	.type \name, @function
\name:
	li a7, \number
	tail starina_syscall
	.size \name, . - \name
.endm

#define X(number, name, argc) stub number, name;
SYSCALL_TABLE(X)

	.section .note.GNU-stack, "", @progbits
