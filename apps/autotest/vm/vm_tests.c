// SPDX-License-Identifier: MIT
//
// Virtual machines of a few instructions: each guest ends by SBI shutdown, or by what its test is
// about.
#include "apps/autotest/vm/vm_guest.h"
#include "libs/base/string.h"

static void test_mmio(struct autotest *t)
{
	static const uint32_t code[] = {
		LOAD_DEVICE,
		G_ADDI(X_T1, X_ZERO, -2),
		G_SW(X_T1, 4, X_T0),
		G_SB(X_T1, 7, X_T0),
		G_LB(X_T2, 8, X_T0),
		G_SD(X_T2, 16, X_T0),
		G_LHU(X_T2, 10, X_T0),
		G_SD(X_T2, 16, X_T0),
		G_LD(X_ZERO, 24, X_T0),
		G_ADDI(9u, X_T0, 64),
		G_C_LW_SW,
		SHUTDOWN,
	};
	struct vm vm;
	struct vcpu_stats stats;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	expect_write(&vm, DEVICE + 4, 0xfffffffe, 4);
	expect_write(&vm, DEVICE + 7, 0xfe, 1);
	answer_read(&vm, DEVICE + 8, 1, 0x80);
	expect_write(&vm, DEVICE + 16, 0xffffffffffffff80, 8);
	answer_read(&vm, DEVICE + 10, 2, 0xfff0);
	expect_write(&vm, DEVICE + 16, 0xfff0, 8);
	answer_read(&vm, DEVICE + 24, 8, 1);
	answer_read(&vm, DEVICE + 64, 4, 0x12345678);
	expect_write(&vm, DEVICE + 68, 0x12345678, 4);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	expect(t, vcpu_stats(vm.vcpu, &stats) == 0);
	expect(t, stats.mmio_read == 4 && stats.mmio_write == 5 && stats.sbi_other == 1);
	expect(t, stats.page_fault == 1);
	vm_end(&vm);
}

static uint64_t read_cycles(void)
{
	uint64_t cycles;

	__asm__ volatile("rdcycle %0" : "=r"(cycles));
	return cycles;
}

// scounteren is one register for a guest and for user mode. (Firmware may serve a read of the time
// that it forbids.)
static void test_counters(struct autotest *t)
{
	static const uint32_t code[] = {
		LOAD_DEVICE,         G_CSRW(0x106, X_ZERO), G_SW(X_ZERO, 4, X_T0),
		G_CSRR(X_T1, 0x106), G_SD(X_T1, 8, X_T0),   SHUTDOWN,
	};
	uint64_t before = read_cycles();
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	expect_write(&vm, DEVICE + 4, 0, 4);
	expect(t, read_cycles() >= before);
	expect_write(&vm, DEVICE + 8, 0, 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	expect(t, read_cycles() >= before);
	vm_end(&vm);
}

static void test_notify(struct autotest *t)
{
	static const uint32_t code[] = {
		LOAD_DEVICE,
		G_ADDI(X_T1, X_ZERO, 3),
		G_SW(X_T1, 0x50, X_T0),
		G_SW(X_T1, 0x50, X_T0),
		G_SW(X_ZERO, 0x50, X_T0),
		SHUTDOWN,
	};
	uint64_t count = 0;
	handle_t event;
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	expect(t, event_create(&event) == 0);
	expect(t, hvspace_bind_notify(vm.space, DEVICE + 0x50, 3, event) == 0);
	expect(t, hvspace_bind_notify(vm.space, DEVICE + 0x50, 3, event) == ERR_EXISTS);
	expect_write(&vm, DEVICE + 0x50, 0, 4);
	expect(t, event_take(event, &count) == 0 && count == 2);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	handle_close(event);
	vm_end(&vm);
}

// SBI set_timer 1000 ticks ahead, then WFI: the interrupt comes, and WFI does not spin.
static void test_timer(struct autotest *t)
{
	static const uint32_t code[] = {
		TRAPS_TO(16),
		G_ADDI(X_T1, X_ZERO, 0x20),
		G_CSRW(CSR_SIE, X_T1),
		G_CSRSI(CSR_SSTATUS, 2),
		G_LUI(X_A7, 0x54495),
		G_ADDIW(X_A7, X_A7, -0x2bb),
		G_ADDI(X_A6, X_ZERO, 0),
		G_CSRR(X_A0, CSR_TIME),
		G_ADDI(X_A0, X_A0, 1000),
		G_ECALL,
		G_WFI,
		G_WFI,
		G_WFI,
		G_SPIN,
		REPORT_TRAP,
	};
	struct vcpu_stats stats;
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	expect_write(&vm, DEVICE, 1ull << 63 | 5, 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	expect(t, vcpu_stats(vm.vcpu, &stats) == 0);
	expect(t, stats.sbi_time == 1 && stats.wfi <= 3);
	vm_end(&vm);
}

static void test_external_interrupt(struct autotest *t)
{
	static const uint32_t code[] = {
		TRAPS_TO(8),
		G_ADDI(X_T1, X_ZERO, 0x200),
		G_CSRW(CSR_SIE, X_T1),
		G_CSRSI(CSR_SSTATUS, 2),
		G_WFI,
		G_SPIN,
		REPORT_TRAP,
	};
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	expect(t, vcpu_set_irq(vm.vcpu, 11, 1) == ERR_INVALID);
	expect(t, vcpu_set_irq(vm.vcpu, VCPU_IRQ_EXTERNAL, 1) == 0);
	expect_write(&vm, DEVICE, 1ull << 63 | 9, 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	vm_end(&vm);
}

// A software interrupt has no level: the guest clears it, and the next one comes after that.
static void test_soft_interrupt(struct autotest *t)
{
	static const uint32_t code[] = {
		G_ADDI(X_T1, X_ZERO, 2),
		G_CSRW(CSR_SIE, X_T1),
		// Interrupts are off: each is seen where the guest waits.
		G_WFI,
		G_CSRR(X_T1, CSR_SIP),
		LOAD_DEVICE,
		G_SD(X_T1, 0, X_T0),
		G_CSRW(CSR_SIP, X_ZERO),
		G_CSRR(X_T1, CSR_SIP),
		LOAD_DEVICE,
		G_SD(X_T1, 0, X_T0),
		G_WFI,
		G_CSRR(X_T1, CSR_SIP),
		LOAD_DEVICE,
		G_SD(X_T1, 0, X_T0),
		SHUTDOWN,
	};
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	expect(t, vcpu_set_irq(vm.vcpu, VCPU_IRQ_SOFT, 0) == ERR_INVALID);
	expect(t, vcpu_set_irq(vm.vcpu, VCPU_IRQ_SOFT, 1) == 0);
	expect_write(&vm, DEVICE, 2, 8);
	expect_write(&vm, DEVICE, 0, 8);
	expect(t, vcpu_set_irq(vm.vcpu, VCPU_IRQ_SOFT, 1) == 0);
	expect_write(&vm, DEVICE, 2, 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	vm_end(&vm);
}

// A poll that becomes ready ends vcpu_run, whether the guest computes or waits.
static void poll_ends_run(struct autotest *t, const uint32_t *code, size_t size)
{
	handle_t timer;
	struct vm vm;

	if (!vm_start(&vm, t, code, size))
		return;
	expect(t, timer_create(&timer) == 0);
	expect(t, poll_add(vm.poll, timer, READY_READABLE, 1) == 0);
	for (int i = 0; i < 10; i++) {
		expect(t, timer_set(timer, test_now() + NSEC_PER_MSEC) == 0);
		run_to(&vm, VCPU_EXIT_POLL);
		expect(t, timer_set(timer, NSEC_NEVER) == 0);
	}
	expect(t, vcpu_kick(vm.vcpu) == 0);
	run_to(&vm, VCPU_EXIT_POLL);
	handle_close(timer);
	vm_end(&vm);
}

static void test_poll_while_running(struct autotest *t)
{
	static const uint32_t code[] = { G_SPIN };

	poll_ends_run(t, code, sizeof(code));
}

static void test_poll_while_waiting(struct autotest *t)
{
	static const uint32_t code[] = { G_WFI, 0xffdff06fu /* j -4 */ };

	poll_ends_run(t, code, sizeof(code));
}

// The guest names hostile addresses; it gets errors, and nothing else happens.
static void test_console(struct autotest *t)
{
	static const uint32_t code[] = {
		G_LUI(X_A7, 0x44424),
		G_ADDIW(X_A7, X_A7, 0x34e),
		G_ADDI(X_A6, X_ZERO, 0),
		G_ADDI(X_A0, X_ZERO, 5),
		G_ADDI(X_A1, X_ZERO, 1),
		G_SLLI(X_A1, X_A1, 31),
		G_ADDI(X_A1, X_A1, 0x400),
		G_ADDI(X_A2, X_ZERO, 0),
		G_ECALL,
		LOAD_DEVICE,
		G_SD(X_A0, 0, X_T0),
		G_SD(X_A1, 8, X_T0),
		G_ADDI(X_A0, X_ZERO, 5),
		G_ADDI(X_A1, X_ZERO, -3),
		G_ECALL,
		G_SD(X_A0, 16, X_T0),
		SHUTDOWN,
	};
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	memcpy(vm.ram + 0x400, "hello", 5);
	run_to(&vm, VCPU_EXIT_CONSOLE);
	expect(t, vm.exit.console.len == 5 && memcmp(vm.exit.console.data, "hello", 5) == 0);
	expect_write(&vm, DEVICE, 0, 8);
	expect_write(&vm, DEVICE + 8, 5, 8);
	expect_write(&vm, DEVICE + 16, (uint64_t)-3, 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	vm_end(&vm);
}

// FP registers survive exits to the VMM, which uses the unit itself.
static void test_floating_point(struct autotest *t)
{
	static const uint32_t code[] = {
		G_LUI(X_T1, 6),
		G_CSRW(CSR_SSTATUS, X_T1),
		LOAD_DEVICE,
		G_ADDI(X_T1, X_ZERO, 1234),
		G_FMV_D_X(9u, X_T1),
		G_SD(X_T1, 0, X_T0),
		G_FMV_X_D(X_T2, 9u),
		G_SD(X_T2, 8, X_T0),
		SHUTDOWN,
	};
	register double kept __asm__("fs1") = 0.5;
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	__asm__ volatile("" : "+f"(kept));
	expect_write(&vm, DEVICE, 1234, 8);
	__asm__ volatile("" : "+f"(kept));
	expect(t, kept == 0.5);
	kept = 7;
	__asm__ volatile("" : "+f"(kept));
	expect_write(&vm, DEVICE + 8, 1234, 8);
	expect(t, kept == 7);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	vm_end(&vm);
}

static void run_second(void *arg)
{
	struct vm *vm = arg;

	run_to(vm, VCPU_EXIT_MMIO_WRITE);
	expect(vm->t, vm->exit.mmio.address == DEVICE + 8 && vm->exit.mmio.data == 77);
	thread_exit();
}

// vCPU 0 starts vCPU 1 by SBI HSM, which tells its argument and wakes vCPU 0 by an IPI.
static void test_second_vcpu(struct autotest *t)
{
	static const uint32_t code[] = {
		TRAPS_TO(18),
		G_ADDI(X_T1, X_ZERO, 2),
		G_CSRW(CSR_SIE, X_T1),
		G_LUI(X_A7, 0x485),
		G_ADDIW(X_A7, X_A7, 0x34d),
		G_ADDI(X_A6, X_ZERO, 0),
		G_ADDI(X_A0, X_ZERO, 1),
		G_ADDI(X_A1, X_ZERO, 1),
		G_SLLI(X_A1, X_A1, 31),
		G_ADDI(X_A1, X_A1, 0x200),
		G_ADDI(X_A2, X_ZERO, 77),
		G_ECALL,
		G_CSRSI(CSR_SSTATUS, 2),
		G_WFI,
		G_WFI,
		G_SPIN,
		REPORT_TRAP,
	};
	static const uint32_t second[] = {
		G_ADDI(X_T4, X_A1, 0),
		G_LUI(X_A7, 0x735),
		G_ADDIW(X_A7, X_A7, 0x049),
		G_ADDI(X_A6, X_ZERO, 0),
		G_ADDI(X_A0, X_ZERO, 1),
		G_ADDI(X_A1, X_ZERO, 0),
		G_ECALL,
		LOAD_DEVICE,
		G_SD(X_T4, 8, X_T0),
		G_SPIN,
	};
	struct poll_event event;
	size_t num_events;
	handle_t thread;
	struct vm other;
	struct vm vm;

	if (!vm_start(&vm, t, code, sizeof(code)))
		return;
	memcpy(vm.ram + 0x200, second, sizeof(second));
	other = vm;
	expect(t, vcpu_create(vm.space, 0, &other.vcpu) == ERR_EXISTS);
	expect(t, vcpu_create(vm.space, 1, &other.vcpu) == 0);
	expect(t, poll_create(&other.poll) == 0);
	expect(t, thread_create(run_second, &other, 0, &thread) == 0);
	expect_write(&vm, DEVICE, 1ull << 63 | 1, 8);
	run_to(&vm, VCPU_EXIT_SHUTDOWN);
	expect(t, poll_add(vm.poll, thread, READY_CLOSED, 1) == 0);
	expect(t, poll_wait(vm.poll, &event, 1, test_deadline(), &num_events) == 0);
	handle_close(thread);
	handle_close(other.vcpu);
	handle_close(other.poll);
	vm_end(&vm);
}

const struct test vm_tests[] = {
	{ "a guest's loads and stores reach the VMM", test_mmio },
	{ "a queue notification signals its event", test_notify },
	{ "a guest's timer interrupts it", test_timer },
	{ "an interrupt line wakes a guest", test_external_interrupt },
	{ "a software interrupt wakes a guest, which clears it", test_soft_interrupt },
	{ "a ready poll ends the run of a busy guest", test_poll_while_running },
	{ "a ready poll ends the run of a waiting guest", test_poll_while_waiting },
	{ "the SBI console checks its addresses", test_console },
	{ "a guest that hides counters hides its own", test_counters },
	{ "guest and VMM each keep their FP registers", test_floating_point },
	{ "a second vCPU is started and interrupts the first", test_second_vcpu },
	{ NULL, NULL },
};
