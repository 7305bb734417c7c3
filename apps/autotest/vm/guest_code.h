// SPDX-License-Identifier: MIT
//
// Test guests as data: an app's own code may not hold such instructions. RISC-V unprivileged
// specification, chapter "RV32/64G Instruction Set Listings".
#pragma once

#define X_ZERO 0u
#define X_T0 5u
#define X_T1 6u
#define X_T2 7u
#define X_A0 10u
#define X_A1 11u
#define X_A2 12u
#define X_A6 16u
#define X_A7 17u
#define X_T3 28u
#define X_T4 29u

#define G_IMM(value) ((uint32_t)(value)&0xfffu)
#define G_LUI(rd, imm20) ((uint32_t)(imm20) << 12 | (rd) << 7 | 0x37u)
#define G_AUIPC(rd, imm20) ((uint32_t)(imm20) << 12 | (rd) << 7 | 0x17u)
#define G_ADDI(rd, rs, imm) (G_IMM(imm) << 20 | (rs) << 15 | (rd) << 7 | 0x13u)
#define G_ADDIW(rd, rs, imm) (G_IMM(imm) << 20 | (rs) << 15 | (rd) << 7 | 0x1bu)
#define G_SLLI(rd, rs, count) ((uint32_t)(count) << 20 | (rs) << 15 | 1u << 12 | (rd) << 7 | 0x13u)
#define G_ADD(rd, rs1, rs2) ((rs2) << 20 | (rs1) << 15 | (rd) << 7 | 0x33u)
#define G_LOAD(funct3, rd, offset, rs) \
	(G_IMM(offset) << 20 | (rs) << 15 | (funct3) << 12 | (rd) << 7 | 0x03u)
#define G_LB(rd, offset, rs) G_LOAD(0u, rd, offset, rs)
#define G_LHU(rd, offset, rs) G_LOAD(5u, rd, offset, rs)
#define G_LW(rd, offset, rs) G_LOAD(2u, rd, offset, rs)
#define G_LD(rd, offset, rs) G_LOAD(3u, rd, offset, rs)
#define G_STORE(funct3, rs2, offset, rs)                                        \
	(G_IMM(offset) >> 5 << 25 | (rs2) << 20 | (rs) << 15 | (funct3) << 12 | \
	 (G_IMM(offset) & 0x1fu) << 7 | 0x23u)
#define G_SB(rs2, offset, rs) G_STORE(0u, rs2, offset, rs)
#define G_SW(rs2, offset, rs) G_STORE(2u, rs2, offset, rs)
#define G_SD(rs2, offset, rs) G_STORE(3u, rs2, offset, rs)
// To `offset` bytes from here, a multiple of 2.
#define G_BNE(rs1, rs2, offset)                                                            \
	(((uint32_t)(offset) >> 12 & 1u) << 31 | ((uint32_t)(offset) >> 5 & 0x3fu) << 25 | \
	 (rs2) << 20 | (rs1) << 15 | 1u << 12 | ((uint32_t)(offset) >> 1 & 0xfu) << 8 |    \
	 ((uint32_t)(offset) >> 11 & 1u) << 7 | 0x63u)
// Jumps to itself.
#define G_SPIN 0x6fu
#define G_NOP G_ADDI(X_ZERO, X_ZERO, 0)
// Branches, `offset` bytes from this word on, a multiple of 2.
#define G_BNE(rs1, rs2, offset)                                                            \
	(((uint32_t)(offset) >> 12 & 1u) << 31 | ((uint32_t)(offset) >> 5 & 0x3fu) << 25 | \
	 (rs2) << 20 | (rs1) << 15 | 1u << 12 | ((uint32_t)(offset) >> 1 & 0xfu) << 8 |    \
	 ((uint32_t)(offset) >> 11 & 1u) << 7 | 0x63u)
#define G_JR(rs) ((rs) << 15 | 0x67u)
#define G_CSRW(csr, rs) ((uint32_t)(csr) << 20 | (rs) << 15 | 1u << 12 | 0x73u)
#define G_CSRR(rd, csr) ((uint32_t)(csr) << 20 | 2u << 12 | (rd) << 7 | 0x73u)
#define G_CSRSI(csr, imm5) ((uint32_t)(csr) << 20 | (uint32_t)(imm5) << 15 | 6u << 12 | 0x73u)
#define G_ECALL 0x73u
#define G_WFI 0x10500073u
// fadd.d ft0, ft0, ft0 and moves between integer and FP registers.
#define G_FMV_D_X(fd, rs) (0xf2000053u | (rs) << 15 | (fd) << 7)
#define G_FMV_X_D(rd, fs) (0xe2000053u | (fs) << 15 | (rd) << 7)
// c.lw x8, 0(x9) beside c.sw x8, 4(x9) in one word.
#define G_C_LW_SW (0x4080u | 0xc0c0u << 16)

#define CSR_SSTATUS 0x100u
#define CSR_SIE 0x104u
#define CSR_STVEC 0x105u
#define CSR_SSCRATCH 0x140u
#define CSR_SCAUSE 0x142u
#define CSR_SIP 0x144u
#define CSR_SATP 0x180u
#define CSR_TIME 0xc01u

// Entries of a page table of the guest's (Sv39): a leaf with all rights but the user's, and a
// pointer to the next table.
#define G_PTE_LEAF(address) ((uint64_t)(address) >> 12 << 10 | 0xcfu)
#define G_PTE_TABLE(address) ((uint64_t)(address) >> 12 << 10 | 1u)
// Turns on the page table at 0x80000000 + `page` * 4096, with a1 and t1.
#define G_PAGING(page)                                                                    \
	G_ADDI(X_A1, X_ZERO, 1), G_SLLI(X_A1, X_A1, 19), G_ADDI(X_A1, X_A1, page),        \
		G_ADDI(X_T1, X_ZERO, 1), G_SLLI(X_T1, X_T1, 63), G_ADD(X_A1, X_A1, X_T1), \
		G_CSRW(CSR_SATP, X_A1), G_SFENCE_VMA
#define G_SFENCE_VMA 0x12000073u
