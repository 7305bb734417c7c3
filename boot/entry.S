// SPDX-License-Identifier: MIT
//
// From the firmware's jump to kmain(). SBI 1.0 chapter 9 (HSM): a0 is the hart's id, a1 the device tree's address (or the
// opaque value given to hart_start), address translation is off, interrupts are off.

#include "kernel/arch/riscv64/csr.h"
#include "kernel/arch/riscv64/mmu.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/arch/riscv64/smp.h"

	.section .text.boot, "ax"
	.global boot_entry
boot_entry:
	// The image is position independent until paging is on: `lla` gives physical addresses here.
	//
	// Only the first hart here boots. OpenSBI 1.1 may send one that smp_start has started here, too: it marks the hart as to
	// be started before it writes down where, and a hart that looks in between takes the address of the boot.
	lla	t0, boot_taken
	li	t1, 1
	amoswap.w.aqrl t1, t1, (t0)
	bnez	t1, boot_strayed
	mv	s0, a0
	mv	s1, a1

	// .bss is not part of the loaded file's bytes for every loader: zero it, 64 bytes a turn (it ends on a page).
	lla	t0, __bss_start
	lla	t1, __bss_end
1:	sd	zero, 0(t0)
	sd	zero, 8(t0)
	sd	zero, 16(t0)
	sd	zero, 24(t0)
	sd	zero, 32(t0)
	sd	zero, 40(t0)
	sd	zero, 48(t0)
	sd	zero, 56(t0)
	addi	t0, t0, 64
	bltu	t0, t1, 1b

	// The image is where the firmware put it, at a multiple of 2 MiB; s3 = KERNEL_VIRT less that address.
	lla	s2, boot_entry
	li	s3, KERNEL_VIRT
	sub	s3, s3, s2
	lla	t0, boot_image_offset
	sd	s3, 0(t0)
	li	t1, KERNEL_BLOCK_SIZE - 1
	and	t1, t1, s2
	bnez	t1, boot_misplaced

	// Early tables: the GiB where we run now (it goes on behind boot_paging_on), the direct map in leaves of 1 GiB (not
	// executable), and the image in leaves of 2 MiB up to the end of its GiB.
	lla	t0, boot_page_table
	srli	t1, s2, 30
	andi	t2, t1, 511
	slli	t2, t2, 3
	add	t2, t2, t0
	slli	t1, t1, 28			// 1 GiB as a PTE's page number counts
	addi	t1, t1, PTE_EARLY_CODE
	sd	t1, 0(t2)

	li	t1, PTE_EARLY_DATA
	li	t2, DIRECT_MAP_FIRST_SLOT * 8
	add	t2, t2, t0
	li	t3, DIRECT_MAP_SLOTS
	li	t4, 1 << 28
2:	sd	t1, 0(t2)
	add	t1, t1, t4
	addi	t2, t2, 8
	addi	t3, t3, -1
	bnez	t3, 2b

	lla	t3, boot_image_table
	srli	t1, t3, 2
	addi	t1, t1, PTE_V
	li	t2, SLOT_1GIB(KERNEL_VIRT) * 8
	add	t2, t2, t0
	sd	t1, 0(t2)
	srli	t1, s2, 2
	addi	t1, t1, PTE_EARLY_CODE
	li	t2, ((KERNEL_VIRT >> 21) & 511) * 8
	add	t2, t2, t3			// the first entry
	li	t4, 4096
	add	t3, t3, t4			// behind the last
	li	t4, KERNEL_BLOCK_SIZE >> 2
6:	sd	t1, 0(t2)
	add	t1, t1, t4
	addi	t2, t2, 8
	bltu	t2, t3, 6b

	mv	a0, t0
	lla	a1, boot_high
	add	a1, a1, s3
	j	boot_paging_on

	// The boot hart in the upper half.
boot_high:
	lla	sp, __boot_stack_top
	mv	a0, s0
	mv	a1, s1
	mv	s0, zero			// the end of the chain of frames
	mv	ra, zero
	call	kmain
3:	wfi
	j	3b

// A hart that should be in boot_secondary_entry: what it would have got is in `hart_starts`, under its id.
boot_strayed:
	lla	a1, hart_starts
	li	t0, HART_START_COUNT
	addi	t1, a0, 1
4:	ld	t2, 0(a1)
	beq	t2, t1, boot_secondary_entry
	addi	a1, a1, HART_START_SIZE
	addi	t0, t0, -1
	bnez	t0, 4b
5:	wfi
	j	5b

// Says where the image may be, on the firmware's console (SBI chapter 5), and ends.
boot_misplaced:
	lla	s0, boot_misplaced_text
6:	lbu	a0, 0(s0)
	beqz	a0, 5b
	li	a7, SBI_EXT_PUTCHAR
	ecall
	addi	s0, s0, 1
	j	6b

// Other harts: a1 is the physical address of a struct hart_start (kernel/arch/riscv64/smp.c).
	.global boot_secondary_entry
boot_secondary_entry:
	ld	s2, 8(a1)			// stack
	ld	s3, 16(a1)			// argument
	ld	s4, 24(a1)			// satp of the kernel's table
	lla	a0, boot_page_table
	lla	a1, boot_secondary_high
	lla	t0, boot_image_offset
	ld	t0, 0(t0)
	add	a1, a1, t0
	j	boot_paging_on
boot_secondary_high:
	csrw	satp, s4
	sfence.vma
	mv	sp, s2
	mv	a0, s3
	mv	s0, zero
	mv	ra, zero
	call	hart_main
3:	wfi
	j	3b

// Turns on the page table at physical address a0 and goes on at virtual address a1.
boot_paging_on:
	srli	a0, a0, 12
	li	t0, SATP_SV39
	or	a0, a0, t0
	// Global: tp is the current thread (none yet), sscratch the hart (none yet).
	mv	tp, zero
	csrw	sscratch, zero
	csrw	sie, zero
	// SBI says of sstatus only that SIE is 0: nothing of user mode's memory, no vector unit, little-endian.
	li	t0, SSTATUS_BOOT_CLEAR
	csrc	sstatus, t0
	// A loader's stores, or another hart's, are what is fetched (unprivileged specification, Zifencei).
	fence.i
	sfence.vma
	csrw	satp, a0
	sfence.vma
	jr	a1

	// Not in .bss, which the boot zeroes.
	.section .data
	.balign 4
boot_taken:
	.word	0

	.section .rodata
boot_misplaced_text:
	.string	"Starina must be loaded at a multiple of 2 MiB.\r\n"

	.section .bss
	.balign 4096
	.global boot_page_table
boot_page_table:
	.skip	4096
boot_image_table:
	.skip	4096
	.global boot_image_offset
boot_image_offset:
	.skip	8
