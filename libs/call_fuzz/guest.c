// SPDX-License-Identifier: MIT
#include "libs/call_fuzz/guest.h"

#include "libs/call_fuzz/private.h"

#define FIELD(value, shift) ((uint32_t)(value) << (shift))

static uint32_t reg(struct call_fuzz_thread *thread)
{
	return (uint32_t)choose(thread, 32);
}

// RISC-V unprivileged specification, 2.2: opcode, rd, funct3, rs1, immediate.
static uint32_t i_type(struct call_fuzz_thread *thread, uint32_t opcode, uint32_t funct3,
                       uint32_t imm)
{
	return FIELD(imm, 20) | FIELD(reg(thread), 15) | FIELD(funct3, 12) | FIELD(reg(thread), 7) |
		opcode;
}

static uint32_t any_csr(struct call_fuzz_thread *thread)
{
	// sstatus, sie, stvec, sscratch, sepc, scause, stval, sip, satp, stimecmp, scounteren;
	// hypervisor and machine ones.
	static const uint16_t csrs[] = { 0x100, 0x104, 0x105, 0x140, 0x141, 0x142,
		                         0x143, 0x144, 0x180, 0x14d, 0x106, 0x600,
		                         0x680, 0x300, 0xc01, 0xc02, 0x001, 0x15c };

	return i_type(thread, 0x73, 1 + (uint32_t)choose(thread, 3),
	              csrs[choose(thread, sizeof(csrs) / sizeof(csrs[0]))]);
}

static uint32_t instruction(struct call_fuzz_thread *thread)
{
	// ecall, ebreak, sret, wfi, sfence.vma, fence.i, hfence.gvma, a compressed nop twice, an
	// illegal one, j .+8
	static const uint32_t fixed[] = { 0x00000073, 0x00000073, 0x00100073, 0x10200073,
		                          0x10500073, 0x12000073, 0x0000100f, 0x62000073,
		                          0x00010001, 0x00000000, 0x0080006f };
	uint32_t offset = (uint32_t)choose(thread, 4096);

	switch (choose(thread, 12)) {
	case 0:
	case 1: return fixed[choose(thread, sizeof(fixed) / sizeof(fixed[0]))];
	case 2: return any_csr(thread);
	case 3: return i_type(thread, 0x03, (uint32_t)choose(thread, 7), offset);       // loads
	case 4: return i_type(thread, 0x23, (uint32_t)choose(thread, 4), offset);       // stores
	case 5: return i_type(thread, 0x2f, 2 + (uint32_t)choose(thread, 2), offset);   // atomics
	case 6: return i_type(thread, 0x63, (uint32_t)choose(thread, 8), offset & 31);  // branches
	case 7: return FIELD(choose(thread, 1 << 20), 12) | FIELD(reg(thread), 7) | 0x37u;  // lui
	case 8: return i_type(thread, 0x67, 0, offset & ~3u);                               // jalr
	case 9: return (uint32_t)choose(thread, UINT32_MAX);
	default: return i_type(thread, 0x13, 0, offset);  // addi
	}
}

void call_fuzz_guest(struct call_fuzz_thread *thread, uint32_t *code, size_t count)
{
	for (size_t i = 0; i < count; i++)
		code[i] = instruction(thread);
}
