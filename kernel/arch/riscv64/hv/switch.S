// SPDX-License-Identifier: MIT
//
// The world switch. Interrupts are off on this side; an interrupt that is pending or comes ends the guest's turn at once.
#include "kernel/arch/riscv64/hv/context.h"
#include "kernel/arch/riscv64/hv/hcsr.h"

	.text

// void hv_switch(struct vcpu_context *context)
// Runs the guest until it traps to us. All of the C caller's registers but the temporary ones are as before afterwards.
	.globl hv_switch
	.type hv_switch, @function
	.balign 4
hv_switch:
	sd	ra, CTX_HOST_RA(a0)
	sd	sp, CTX_HOST_SP(a0)
	sd	gp, CTX_HOST_GP(a0)
	sd	tp, CTX_HOST_TP(a0)
	sd	s0, CTX_HOST_S(0)(a0)
	sd	s1, CTX_HOST_S(1)(a0)
	sd	s2, CTX_HOST_S(2)(a0)
	sd	s3, CTX_HOST_S(3)(a0)
	sd	s4, CTX_HOST_S(4)(a0)
	sd	s5, CTX_HOST_S(5)(a0)
	sd	s6, CTX_HOST_S(6)(a0)
	sd	s7, CTX_HOST_S(7)(a0)
	sd	s8, CTX_HOST_S(8)(a0)
	sd	s9, CTX_HOST_S(9)(a0)
	sd	s10, CTX_HOST_S(10)(a0)
	sd	s11, CTX_HOST_S(11)(a0)

	la	t0, guest_trap
	csrrw	t0, stvec, t0
	sd	t0, CTX_HOST_STVEC(a0)
	csrrw	t0, sscratch, a0
	sd	t0, CTX_HOST_SSCRATCH(a0)
	ld	t0, CTX_SSTATUS(a0)
	csrrw	t0, sstatus, t0
	sd	t0, CTX_HOST_SSTATUS(a0)
	ld	t0, CTX_HSTATUS(a0)
	csrrw	t0, CSR_HSTATUS, t0
	sd	t0, CTX_HOST_HSTATUS(a0)
	ld	t0, CTX_PC(a0)
	csrw	sepc, t0

	ld	x1, CTX_X(1)(a0)
	ld	x2, CTX_X(2)(a0)
	ld	x3, CTX_X(3)(a0)
	ld	x4, CTX_X(4)(a0)
	ld	x5, CTX_X(5)(a0)
	ld	x6, CTX_X(6)(a0)
	ld	x7, CTX_X(7)(a0)
	ld	x8, CTX_X(8)(a0)
	ld	x9, CTX_X(9)(a0)
	ld	x11, CTX_X(11)(a0)
	ld	x12, CTX_X(12)(a0)
	ld	x13, CTX_X(13)(a0)
	ld	x14, CTX_X(14)(a0)
	ld	x15, CTX_X(15)(a0)
	ld	x16, CTX_X(16)(a0)
	ld	x17, CTX_X(17)(a0)
	ld	x18, CTX_X(18)(a0)
	ld	x19, CTX_X(19)(a0)
	ld	x20, CTX_X(20)(a0)
	ld	x21, CTX_X(21)(a0)
	ld	x22, CTX_X(22)(a0)
	ld	x23, CTX_X(23)(a0)
	ld	x24, CTX_X(24)(a0)
	ld	x25, CTX_X(25)(a0)
	ld	x26, CTX_X(26)(a0)
	ld	x27, CTX_X(27)(a0)
	ld	x28, CTX_X(28)(a0)
	ld	x29, CTX_X(29)(a0)
	ld	x30, CTX_X(30)(a0)
	ld	x31, CTX_X(31)(a0)
	ld	x10, CTX_X(10)(a0)
	sret

// stvec while the guest runs: all that is not delegated to it comes here.
	.balign 4
guest_trap:
	csrrw	a0, sscratch, a0
	sd	x1, CTX_X(1)(a0)
	sd	x2, CTX_X(2)(a0)
	sd	x3, CTX_X(3)(a0)
	sd	x4, CTX_X(4)(a0)
	sd	x5, CTX_X(5)(a0)
	sd	x6, CTX_X(6)(a0)
	sd	x7, CTX_X(7)(a0)
	sd	x8, CTX_X(8)(a0)
	sd	x9, CTX_X(9)(a0)
	sd	x11, CTX_X(11)(a0)
	sd	x12, CTX_X(12)(a0)
	sd	x13, CTX_X(13)(a0)
	sd	x14, CTX_X(14)(a0)
	sd	x15, CTX_X(15)(a0)
	sd	x16, CTX_X(16)(a0)
	sd	x17, CTX_X(17)(a0)
	sd	x18, CTX_X(18)(a0)
	sd	x19, CTX_X(19)(a0)
	sd	x20, CTX_X(20)(a0)
	sd	x21, CTX_X(21)(a0)
	sd	x22, CTX_X(22)(a0)
	sd	x23, CTX_X(23)(a0)
	sd	x24, CTX_X(24)(a0)
	sd	x25, CTX_X(25)(a0)
	sd	x26, CTX_X(26)(a0)
	sd	x27, CTX_X(27)(a0)
	sd	x28, CTX_X(28)(a0)
	sd	x29, CTX_X(29)(a0)
	sd	x30, CTX_X(30)(a0)
	sd	x31, CTX_X(31)(a0)

	// sscratch has the guest's a0 and gets back what the host's trap entry expects.
	ld	t0, CTX_HOST_SSCRATCH(a0)
	csrrw	t0, sscratch, t0
	sd	t0, CTX_X(10)(a0)
	ld	t0, CTX_HOST_STVEC(a0)
	csrw	stvec, t0
	csrr	t0, sepc
	sd	t0, CTX_PC(a0)
	ld	t0, CTX_HOST_SSTATUS(a0)
	csrrw	t0, sstatus, t0
	sd	t0, CTX_SSTATUS(a0)
	ld	t0, CTX_HOST_HSTATUS(a0)
	csrrw	t0, CSR_HSTATUS, t0
	sd	t0, CTX_HSTATUS(a0)

	ld	ra, CTX_HOST_RA(a0)
	ld	sp, CTX_HOST_SP(a0)
	ld	gp, CTX_HOST_GP(a0)
	ld	tp, CTX_HOST_TP(a0)
	ld	s0, CTX_HOST_S(0)(a0)
	ld	s1, CTX_HOST_S(1)(a0)
	ld	s2, CTX_HOST_S(2)(a0)
	ld	s3, CTX_HOST_S(3)(a0)
	ld	s4, CTX_HOST_S(4)(a0)
	ld	s5, CTX_HOST_S(5)(a0)
	ld	s6, CTX_HOST_S(6)(a0)
	ld	s7, CTX_HOST_S(7)(a0)
	ld	s8, CTX_HOST_S(8)(a0)
	ld	s9, CTX_HOST_S(9)(a0)
	ld	s10, CTX_HOST_S(10)(a0)
	ld	s11, CTX_HOST_S(11)(a0)
	ret
	.size hv_switch, . - hv_switch

// bool hv_fetch_half(uint64_t guest_address, uint64_t hstatus, uint16_t *out), and hv_fetch_word of 32 bits
// Reads as the guest's own fetch would, with HLVX.HU and HLVX.WU. hstatus.SPVP says as whom. Returns false when it faults.
// hv_load_double, of 64 bits, reads as the guest's own load would, with HLV.D.
.macro read_function name, funct7, rs2, store
	.globl \name
	.type \name, @function
	.balign 4
\name:
	la	t0, read_trap
	csrrw	t0, stvec, t0
	csrrw	t1, CSR_HSTATUS, a1
	la	t4, 2f
	li	t2, 0
	.insn r 0x73, 0x4, \funct7, t3, a0, \rs2
	li	t2, 1
2:	csrw	CSR_HSTATUS, t1
	csrw	stvec, t0
	beqz	t2, 1f
	\store	t3, 0(a2)
1:	mv	a0, t2
	ret
	.size \name, . - \name
.endm

	read_function hv_fetch_half, 0x32, x3, sh
	read_function hv_fetch_word, 0x34, x3, sw
	read_function hv_load_double, 0x36, x0, sd
	.balign 4
read_trap:
	csrw	sepc, t4
	sret
