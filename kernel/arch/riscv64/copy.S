// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/trap.h"

	.text

// arch_copy(dst, src, len), arch_probe(dst, src, len): copy, and return 0, or -2 (ERR_ADDRESS) when an access faults for good.
// arch_copy populates lazy ranges on the way, arch_probe does not. No stack is used. Words where both sides allow it.
.macro copy_function name, kind
	.global \name
\name:
1:	or	t0, a0, a1
	andi	t0, t0, 7
	bnez	t0, 4f
	li	t1, 32
2:	bltu	a2, t1, 3f
	ld	t2, 0(a1)
	ld	t3, 8(a1)
	ld	t4, 16(a1)
	ld	t5, 24(a1)
	sd	t2, 0(a0)
	sd	t3, 8(a0)
	sd	t4, 16(a0)
	sd	t5, 24(a0)
	addi	a0, a0, 32
	addi	a1, a1, 32
	addi	a2, a2, -32
	j	2b
3:	li	t1, 8
5:	bltu	a2, t1, 4f
	ld	t2, 0(a1)
	sd	t2, 0(a0)
	addi	a0, a0, 8
	addi	a1, a1, 8
	addi	a2, a2, -8
	j	5b
4:	beqz	a2, 6f
	lbu	t2, 0(a1)
	sb	t2, 0(a0)
	addi	a0, a0, 1
	addi	a1, a1, 1
	addi	a2, a2, -1
	j	4b
6:	li	a0, 0
	ret
7:	li	a0, -2
	ret
	.pushsection .fixup, "a"
	.balign 8
	.quad	1b, 7b, 7b, \kind
	.popsection
.endm

	copy_function arch_copy, FIXUP_KIND_APP
	copy_function arch_probe, FIXUP_KIND_PROBE
