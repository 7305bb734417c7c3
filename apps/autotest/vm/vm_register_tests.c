// SPDX-License-Identifier: MIT
//
// The registers that a guest finds are its own: none has what another guest, or a thread of the
// host, left in the floating-point unit.
#include "apps/autotest/vm/vm_guest.h"
#include "libs/base/string.h"

#define NUM_FP 32u
#define CSR_FCSR 3u
// vsstatus.FS and VS, in one word with the immediates of LUI and ADDI.
#define SSTATUS_UNITS_ON G_LUI(X_T1, 6), G_ADDI(X_T1, X_T1, 0x600), G_CSRW(CSR_SSTATUS, X_T1)
// vsetvli x0, x0, e8, m1
#define G_VSETVLI 0x00007057u

#define EACH_FP(X)                                                                              \
	X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11), X(12), X(13), \
		X(14), X(15), X(16), X(17), X(18), X(19), X(20), X(21), X(22), X(23), X(24),    \
		X(25), X(26), X(27), X(28), X(29), X(30), X(31)
#define FILL(n) G_ADDI(X_T1, X_T1, 1), G_FMV_D_X(n##u, X_T1)
#define TELL(n) G_FMV_X_D(X_T2, n##u), G_SD(X_T2, 8 * n, X_T0)

// Tells all FP registers, then fcsr.
#define TELL_ALL LOAD_DEVICE, EACH_FP(TELL), G_CSRR(X_T2, CSR_FCSR), G_SD(X_T2, 8 * NUM_FP, X_T0)

// What the registers are given: `first` + 1 and so on.
static void expect_registers(struct vm *vm, uint64_t first, uint64_t step, uint64_t fcsr)
{
	for (uint32_t i = 0; i < NUM_FP; i++)
		expect_write(vm, DEVICE + 8 * i, first + (i + 1) * step, 8);
	expect_write(vm, DEVICE + 8 * NUM_FP, fcsr, 8);
}

// Leaves the same number in all registers of this thread.
static void fill_own(uint64_t value)
{
#define SET(n) "fmv.d.x f" #n ", %0\n"
	__asm__ volatile(SET(0) SET(1) SET(2) SET(3) SET(4) SET(5) SET(6) SET(7) SET(10) SET(11)
	                         SET(12) SET(13) SET(14) SET(15) SET(16) SET(17) SET(28) SET(29)
	                                 SET(30) SET(31)
	                 :
	                 : "r"(value)
	                 : "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f10", "f11", "f12",
	                   "f13", "f14", "f15", "f16", "f17", "f28", "f29", "f30", "f31");
#undef SET
}

// The unit is dirty from a guest, then from this thread, when a fresh guest gets it.
static void fresh_guests_see_zeroes(struct autotest *t)
{
	static const uint32_t first[] = {
		SSTATUS_UNITS_ON,
		G_ADDI(X_T1, X_ZERO, 47),
		G_CSRW(CSR_FCSR, X_T1),
		G_ADDI(X_T1, X_ZERO, 1000),
		EACH_FP(FILL),
		LOAD_DEVICE,
		G_SD(X_T1, 0, X_T0),
		TELL_ALL,
		SHUTDOWN,
	};
	static const uint32_t fresh[] = { SSTATUS_UNITS_ON, TELL_ALL, SHUTDOWN };
	struct vm vms[3];

	if (!vm_start(&vms[0], t, first, sizeof(first)))
		return;
	expect_write(&vms[0], DEVICE, 1000 + NUM_FP, 8);
	for (uint32_t i = 1; i < 3 && !t->failed; i++) {
		if (!vm_start(&vms[i], t, fresh, sizeof(fresh)))
			return;
		if (i == 2)
			fill_own(0x5a5a5a5a5a5a5a5a);
		expect_registers(&vms[i], 0, 0, 0);
		run_to(&vms[i], VCPU_EXIT_SHUTDOWN);
		vm_end(&vms[i]);
	}
	// The first one has lost nothing.
	expect_registers(&vms[0], 1000, 1, 47);
	run_to(&vms[0], VCPU_EXIT_SHUTDOWN);
	vm_end(&vms[0]);
}

// Nobody saves vector registers: a guest has none, whatever it writes to sstatus.VS.
static void vector_instructions_trap(struct autotest *t)
{
	static const uint32_t code[] = {
		TRAPS_TO(16),          SSTATUS_UNITS_ON, G_VSETVLI,   LOAD_DEVICE,
		G_SD(X_ZERO, 0, X_T0), SHUTDOWN,         REPORT_TRAP,
	};
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	expect_write(&vm, DEVICE, 2, 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	vm_end(&vm);
}

const struct test vm_register_tests[] = {
	{ "a fresh guest finds zeroes in the floating-point unit", fresh_guests_see_zeroes },
	{ "a guest's vector instructions trap to it", vector_instructions_trap },
	{ NULL, NULL },
};
