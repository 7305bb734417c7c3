// SPDX-License-Identifier: MIT
//
// error_t call_fuzz_enter(uint32_t number, a0 to a5): any call, by number.
	.section .text.call_fuzz_enter, "ax", @progbits
	.global call_fuzz_enter
	.type call_fuzz_enter, @function
call_fuzz_enter:
	mv	a7, a0
	mv	a0, a1
	mv	a1, a2
	mv	a2, a3
	mv	a3, a4
	mv	a4, a5
	mv	a5, a6
	tail	starina_syscall
	.size call_fuzz_enter, . - call_fuzz_enter

	.section .note.GNU-stack, "", @progbits
