// SPDX-License-Identifier: MIT
//
// What a guest's harts do by SBI, on the running system. RISC-V SBI specification 2.0.
#include "apps/autotest/vm/vm_guest.h"
#include "libs/base/string.h"

#define SECOND_CODE 0x200u
#define HSM_STARTED 0
#define HSM_STOPPED 1
#define HSM_SUSPENDED 4

// a7 is the HSM extension, a6 one of its functions.
#define HSM_CALL(function) \
	G_LUI(X_A7, 0x485), G_ADDIW(X_A7, X_A7, 0x34d), G_ADDI(X_A6, X_ZERO, function)
// a0 is 0x80000000: the non-retentive suspend, and the start of memory.
#define LOAD_BIT_31(reg) G_ADDI(reg, X_ZERO, 1), G_SLLI(reg, reg, 31)
// Tells register `reg` to the test.
#define TELL(reg, offset) LOAD_DEVICE, G_SD(reg, offset, X_T0)

// vCPU 1 of a machine, run by a thread of its own.
struct second_hart {
	struct vm vm;
	handle_t thread;
	uint64_t told;  // what its guest told, at DEVICE + 8
};

static void run_second(void *arg)
{
	struct second_hart *second = arg;

	run_to(&second->vm, VCPU_EXIT_MMIO_WRITE);
	expect(second->vm.t, second->vm.exit.mmio.address == DEVICE + 8);
	second->told = second->vm.exit.mmio.data;
	thread_exit();
}

static void second_start(struct second_hart *second, const struct vm *vm, const uint32_t *code,
                         size_t size)
{
	*second = (struct second_hart){ .vm = *vm };
	memcpy(vm->ram + SECOND_CODE, code, size);
	expect(vm->t, vcpu_create(vm->space, 1, &second->vm.vcpu) == 0);
	expect(vm->t, poll_create(&second->vm.poll) == 0);
	expect(vm->t, thread_create(run_second, second, 0, &second->thread) == 0);
}

static void second_end(struct second_hart *second)
{
	expect(second->vm.t, handle_wait(second->thread, READY_CLOSED, test_deadline()) == 0);
	handle_close(second->thread);
	handle_close(second->vm.vcpu);
	handle_close(second->vm.poll);
}

// vCPU 0 starts vCPU 1, which suspends itself; waits until it is told to be suspended, which it
// stays although the test disturbs it; sends it an interrupt, and waits until it is started again.
static const uint32_t wakes_second[] = {
	HSM_CALL(0),
	G_ADDI(X_A0, X_ZERO, 1),
	LOAD_BIT_31(X_A1),
	G_ADDI(X_A1, X_A1, SECOND_CODE),
	G_ADDI(X_A2, X_ZERO, 77),
	G_ECALL,
	// Until its state is SUSPENDED.
	HSM_CALL(2),
	G_ADDI(X_T1, X_ZERO, HSM_SUSPENDED),
	G_ADDI(X_A0, X_ZERO, 1),
	G_ECALL,
	G_BNE(X_A1, X_T1, -8),
	TELL(X_A1, 0),
	// An IPI to hart 1.
	G_LUI(X_A7, 0x735),
	G_ADDIW(X_A7, X_A7, 0x049),
	G_ADDI(X_A6, X_ZERO, 0),
	G_ADDI(X_A0, X_ZERO, 2),
	G_ADDI(X_A1, X_ZERO, 0),
	G_ECALL,
	// Until its state is STARTED.
	HSM_CALL(2),
	G_ADDI(X_A0, X_ZERO, 1),
	G_ECALL,
	G_BNE(X_A1, X_ZERO, -8),
	SHUTDOWN,
};

static void suspend(struct autotest *t, const uint32_t *code, size_t size, uint64_t told)
{
	struct second_hart second;
	struct vm vm;

	if (!vm_start(&vm, t, wakes_second, sizeof(wakes_second)))
		return;
	second_start(&second, &vm, code, size);
	expect_write(&vm, DEVICE, HSM_SUSPENDED, 8);
	if (!t->failed)
		run_to(&vm, VCPU_EXIT_SHUTDOWN);
	second_end(&second);
	expect(t, second.told == told);
	vm_end(&vm);
}

static void retentive_suspend(struct autotest *t)
{
	static const uint32_t code[] = {
		G_ADDI(X_T1, X_ZERO, 2),
		G_CSRW(CSR_SIE, X_T1),
		G_ADDI(X_T4, X_ZERO, 123),
		// The upper half of the type does not count.
		HSM_CALL(3),
		G_ADDI(X_A0, X_ZERO, 1),
		G_SLLI(X_A0, X_A0, 63),
		G_ECALL,
		G_ADD(X_T4, X_T4, X_A0),
		TELL(X_T4, 8),
		G_SPIN,
	};

	suspend(t, code, sizeof(code), 123);
}

static void non_retentive_suspend(struct autotest *t)
{
	static const uint32_t code[] = {
		G_ADDI(X_T1, X_ZERO, 2),
		G_CSRW(CSR_SIE, X_T1),
		HSM_CALL(3),
		LOAD_BIT_31(X_A0),
		LOAD_BIT_31(X_A1),
		G_ADDI(X_A1, X_A1, SECOND_CODE + 16 * 4),
		G_ADDI(X_A2, X_ZERO, 55),
		G_ECALL,
		// It does not return.
		TELL(X_A0, 8),
		G_SPIN,
		G_NOP,
		// Resumed: a0 is the hart, a1 the argument, satp and sstatus.SIE are 0.
		G_ADD(X_A1, X_A1, X_A0),
		G_CSRR(X_T1, CSR_SATP),
		G_ADD(X_A1, X_A1, X_T1),
		TELL(X_A1, 8),
		G_SPIN,
	};

	suspend(t, code, sizeof(code), 56);
}

// A hart is not started where there is no memory to run from, and stays stopped.
static void start_in_no_memory(struct autotest *t)
{
	static const uint32_t code[] = {
		HSM_CALL(0),
		G_ADDI(X_A0, X_ZERO, 1),
		G_LUI(X_A1, 0x10000),
		G_ECALL,
		TELL(X_A0, 0),
		HSM_CALL(2),
		G_ADDI(X_A0, X_ZERO, 1),
		G_ECALL,
		TELL(X_A1, 0),
		SHUTDOWN,
	};
	handle_t second = HANDLE_NONE;
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	expect(t, vcpu_create(vm.space, 1, &second) == 0);
	expect_write(&vm, DEVICE, (uint64_t)-5, 8);
	expect_write(&vm, DEVICE, HSM_STOPPED, 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	handle_close(second);
	vm_end(&vm);
}

// What a guest may only read are registers of a device: they are not text.
static void console_of_registers(struct autotest *t)
{
	static const uint32_t code[] = {
		G_LUI(X_A7, 0x44424),
		G_ADDIW(X_A7, X_A7, 0x34e),
		G_ADDI(X_A6, X_ZERO, 0),
		G_ADDI(X_A0, X_ZERO, 5),
		G_LUI(X_A1, 0x20000),
		G_ADDI(X_A2, X_ZERO, 0),
		G_ECALL,
		TELL(X_A0, 0),
		SHUTDOWN,
	};
	handle_t folio = HANDLE_NONE;
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	expect(t, folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
	expect(t, hvspace_map(vm.space, 2 * DEVICE, folio, 0, PAGE_SIZE, PROT_READ) == 0);
	expect_write(&vm, DEVICE, (uint64_t)-3, 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	handle_close(folio);
	vm_end(&vm);
}

// a7 is the legacy call that interrupts harts, its mask at `offset` of memory. Tells what it
// returns, and sip.
#define LEGACY_IPI(offset)                                                               \
	LOAD_BIT_31(X_A0), G_ADDI(X_A0, X_A0, offset), G_ADDI(X_A7, X_ZERO, 4), G_ECALL, \
		TELL(X_A0, 0), G_CSRR(X_T1, CSR_SIP), TELL(X_T1, 0)

static void legacy_interrupt_mask(struct autotest *t)
{
	static const uint32_t code[] = {
		LEGACY_IPI(0x400),
		LEGACY_IPI(0x408),
		G_CSRW(CSR_SIP, X_ZERO),
		// A mask that cannot be read names all.
		LOAD_DEVICE,
		G_ADDI(X_A0, X_T0, 0),
		G_ECALL,
		G_CSRR(X_T1, CSR_SIP),
		TELL(X_T1, 0),
		SHUTDOWN,
	};
	static const uint64_t masks[] = { 0, 1 };
	static const uint64_t told[] = { 0, 0, 0, 2, 2 };
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	memcpy(vm.ram + 0x400, masks, sizeof(masks));
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		expect_write(&vm, DEVICE, told[i], 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	vm_end(&vm);
}

const struct test vm_sbi_tests[] = {
	{ "a vCPU suspends, keeps all and goes on", retentive_suspend },
	{ "a vCPU suspends, forgets all and begins elsewhere", non_retentive_suspend },
	{ "a vCPU is not started in no memory", start_in_no_memory },
	{ "the SBI console does not print registers", console_of_registers },
	{ "the legacy SBI interrupts the harts of its mask", legacy_interrupt_mask },
	{ NULL, NULL },
};
