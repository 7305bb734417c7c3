// SPDX-License-Identifier: MIT
//
// Every instruction that is not for user mode. Each is a function of 8 bytes. Encodings and numbers
// of CSRs: RISC-V privileged specification, "Control and Status Registers (CSRs)", "RISC-V
// Privileged Instruction Set Listings".
#include "apps/adversary/adversary.h"

#define STUB_SIZE 8

extern const uint8_t privileged_start[], privileged_end[];

__asm__(".text\n"
        ".balign 8\n"
        "privileged_start:\n"
        ".option push\n"
        ".option norvc\n"
        ".macro insn_stub word\n"
        "	.4byte \\word\n"
        "	.4byte 0x00008067\n"
        ".endm\n"
        // sret, mret, uret, dret, wfi
        ".irp word, 0x10200073, 0x30200073, 0x00200073, 0x7b200073, 0x10500073\n"
        "	insn_stub \\word\n"
        ".endr\n"
        // sfence.vma, with registers too; sinval.vma, sfence.w.inval, sfence.inval.ir
        ".irp word, 0x12000073, 0x12050073, 0x12b50073, 0x16000073, 0x18000073, 0x18100073\n"
        "	insn_stub \\word\n"
        ".endr\n"
        // hfence.vvma, hfence.gvma, hinval.vvma, hinval.gvma
        ".irp word, 0x22000073, 0x62000073, 0x26000073, 0x66000073\n"
        "	insn_stub \\word\n"
        ".endr\n"
        // hlv.b, .bu, .h, .hu, .w, .wu, .d; hlvx.hu, .wu
        ".irp word, 0x60054573, 0x60154573, 0x64054573, 0x64154573, 0x68054573, 0x68154573, 0x6c054573\n"
        "	insn_stub \\word\n"
        ".endr\n"
        ".irp word, 0x64354573, 0x68354573\n"
        "	insn_stub \\word\n"
        ".endr\n"
        // hsv.b, .h, .w, .d
        ".irp word, 0x62a54073, 0x66a54073, 0x6aa54073, 0x6ea54073\n"
        "	insn_stub \\word\n"
        ".endr\n"
        ".macro csr_stubs csr\n"
        "	csrrs a0, \\csr, zero\n"
        "	jr ra\n"
        "	csrrw zero, \\csr, a0\n"
        "	jr ra\n"
        ".endm\n"
        // Of the supervisor
        ".irp csr, 0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144, 0x14d\n"
        "	csr_stubs \\csr\n"
        ".endr\n"
        ".irp csr, 0x150, 0x151, 0x15c, 0x180, 0x5a8, 0xda0, 0xdb0\n"
        "	csr_stubs \\csr\n"
        ".endr\n"
        // Of the hypervisor
        ".irp csr, 0x600, 0x602, 0x603, 0x604, 0x605, 0x606, 0x607, 0x60a, 0x643, 0x644, 0x645\n"
        "	csr_stubs \\csr\n"
        ".endr\n"
        ".irp csr, 0x64a, 0x680, 0x6a8, 0xe12, 0x200, 0x204, 0x205, 0x240, 0x241, 0x242, 0x243\n"
        "	csr_stubs \\csr\n"
        ".endr\n"
        ".irp csr, 0x244, 0x24d, 0x280\n"
        "	csr_stubs \\csr\n"
        ".endr\n"
        // Of the machine, of debuggers, and counters that are not for apps
        ".irp csr, 0x300, 0x301, 0x302, 0x304, 0x305, 0x340, 0x341, 0x342, 0xf11, 0xf14, 0x3a0\n"
        "	csr_stubs \\csr\n"
        ".endr\n"
        ".irp csr, 0x3b0, 0x7a0, 0x7a1, 0x7b0, 0x7b1, 0xb00, 0xb02, 0xc03, 0xc1f, 0x800, 0xfff\n"
        "	csr_stubs \\csr\n"
        ".endr\n"
        // Writes of what may be read: csrrw zero, cycle, a0 and so on
        ".irp word, 0xc0051073, 0xc0151073, 0xc0251073\n"
        "	insn_stub \\word\n"
        ".endr\n"
        // ebreak; all ones; all zeroes
        ".irp word, 0x00100073, 0xffffffff, 0x00000000\n"
        "	insn_stub \\word\n"
        ".endr\n"
        "privileged_end:\n"
        ".option pop\n");

void deed_privileged(const struct deed *deed)
{
	uintptr_t at = (uintptr_t)privileged_start + deed->address * STUB_SIZE;
	void (*volatile function)(uint64_t word) = (void (*)(uint64_t))at;

	if (at >= (uintptr_t)privileged_end)
		process_exit(ADVERSARY_NO_SUCH);
	// The address of something that is there, for those that load and store.
	function((uintptr_t)&deed->rounds & ~7ul);
}
