// SPDX-License-Identifier: MIT
//
// Exits that the VMM library handles: a machine of libs/linux with one device, whose guest counts
// its own loss and leaves the counts in its memory. It has no kernel, only the code below, and
// powers itself off.
#include "apps/autotest/vm/guest_code.h"
#include "apps/bench/bench.h"
#include "libs/base/string.h"
#include "libs/linux/machine/machine.h"
#include "libs/virtio/device_rng.h"

#define ENTRY MACHINE_MEMORY_START
#define RESULTS (MACHINE_MEMORY_START + 0x10000)
#define SLOT_0_PAGE 0x10001u
#define SLOT_0_DRIVER_FEATURES_SEL 0x24
#define PLIC_CLAIM_PAGE 0xc201u
#define PLIC_CLAIM 4
#define CSR_INSTRET 0xc02u
#define G_SUB(rd, rs1, rs2) (G_ADD(rd, rs1, rs2) | 1u << 30)

struct vmm {
	struct loop loop;
	struct machine machine;
	struct rng_device rng;
	uint32_t code[16 + BENCH_ROUNDS * 10];
	size_t len;
};

static struct vmm vmm;

static void emit(uint32_t instruction)
{
	vmm.code[vmm.len++] = instruction;
}

// `access` between two reads of the counter, BENCH_ROUNDS times; the differences go to RESULTS.
static void emit_rounds(uint32_t access, size_t first_result)
{
	for (size_t round = 0; round < BENCH_ROUNDS; round++) {
		emit(G_CSRR(X_T1, CSR_INSTRET));
		emit(access);
		emit(G_CSRR(X_T2, CSR_INSTRET));
		emit(G_SUB(X_T2, X_T2, X_T1));
		emit(G_SD(X_T2, (first_result + round) * 8, X_T3));
	}
}

// A register write of a virtio device, then a read of the PLIC's claim register, which has side
// effects and so leaves the guest.
static void write_guest(void)
{
	emit(G_AUIPC(X_T3, RESULTS / PAGE_SIZE - ENTRY / PAGE_SIZE));
	emit(G_LUI(X_T0, SLOT_0_PAGE));
	emit_rounds(G_SW(X_ZERO, SLOT_0_DRIVER_FEATURES_SEL, X_T0), 0);
	emit(G_LUI(X_T0, PLIC_CLAIM_PAGE));
	emit_rounds(G_LW(X_T4, PLIC_CLAIM, X_T0), BENCH_ROUNDS);
	// SBI 2.0, chapter 10: system_reset(shutdown, no reason).
	emit(G_LUI(X_A7, 0x53525));
	emit(G_ADDI(X_A7, X_A7, 0x354));
	emit(G_ADDI(X_A6, X_ZERO, 0));
	emit(G_ADDI(X_A0, X_ZERO, 0));
	emit(G_ADDI(X_A1, X_ZERO, 0));
	emit(G_ECALL);
}

static void machine_stopped(void *context)
{
	loop_stop(&((struct vmm *)context)->loop);
}

static void report_least(const char *name, size_t first_result)
{
	uint64_t best = UINT64_MAX;
	struct mut_span span;

	assert(guest_memory_slice(&vmm.machine.memory, RESULTS + first_result * 8, BENCH_ROUNDS * 8,
	                          &span) == 0);
	for (size_t round = 0; round < BENCH_ROUNDS; round++) {
		uint64_t value;

		memcpy(&value, (const uint8_t *)span.data + round * 8, sizeof(value));
		best = bench_min(best, value);
	}
	bench_report(name, best - 1);
}

void bench_vmm(uint32_t hart_features)
{
	struct machine_config config = { .memory = MACHINE_MIN_MEMORY,
		                         .num_cpus = 1,
		                         .hart_features = hart_features };
	struct mut_span span;

	assert(loop_init(&vmm.loop) == 0);
	assert(machine_init(&vmm.machine, &vmm.loop, &config, machine_stopped, &vmm) == 0);
	assert(machine_slot_create(&vmm.machine, &vmm.rng.mmio) == 0);
	vmm.rng.fill = random_get;
	rng_device_init(&vmm.rng);
	assert(machine_attach(&vmm.machine, &vmm.rng.mmio) == 0);
	write_guest();
	assert(guest_memory_slice(&vmm.machine.memory, ENTRY, vmm.len * sizeof(vmm.code[0]),
	                          &span) == 0);
	memcpy(span.data, vmm.code, vmm.len * sizeof(vmm.code[0]));
	assert(machine_start(&vmm.machine, ENTRY, ENTRY + MACHINE_MIN_MEMORY, "", 0, 0) == 0);
	loop_run(&vmm.loop);
	assert(vmm.machine.end == MACHINE_END_SHUTDOWN);
	report_least("vmm_mmio_write", 0);
	report_least("vmm_mmio_read", BENCH_ROUNDS);
	machine_deinit(&vmm.machine);
	loop_deinit(&vmm.loop);
}
