// SPDX-License-Identifier: MIT
//
// What an exit costs a guest: it reads its instruction counter before and after, and reports both
// by stores to a device.
#include "apps/autotest/vm/guest_code.h"
#include "apps/bench/bench.h"
#include "libs/base/string.h"

#define GUEST_RAM 0x80000000ull
#define GUEST_RAM_SIZE (4ul * 1024 * 1024)
#define DEVICE 0x10000000ull
#define NOTIFY_OFFSET 0x50
#define REPORT_OFFSET 0x100
#define CSR_INSTRET 0xc02u

// j: to the word `words` from this one (negative: back).
#define G_JUMP(words)                                                                         \
	(((uint32_t)((words)*4) & 0x100000u) << 11 | ((uint32_t)((words)*4) & 0x7feu) << 20 | \
	 ((uint32_t)((words)*4) & 0x800u) << 9 | ((uint32_t)((words)*4) & 0xff000u) | 0x6fu)
#define G_SUB(rd, rs1, rs2) (G_ADD(rd, rs1, rs2) | 1u << 30)
#define LOAD_DEVICE G_LUI(X_T0, 0x10000)
#define REPORT(reg) G_SD(reg, REPORT_OFFSET, X_T0)

struct vm {
	handle_t space;
	handle_t vcpu;
	handle_t memory;
	struct vcpu_exit exit;
};

static void vm_start(struct vm *vm, const uint32_t *code, size_t size)
{
	struct vcpu_state state = { .pc = GUEST_RAM };
	void *ram;

	*vm = (struct vm){ 0 };
	assert(hvspace_create(&vm->space) == 0);
	assert(folio_create(GUEST_RAM_SIZE, FOLIO_LAZY, &vm->memory) == 0);
	assert(folio_map(vm->memory, PROT_READ | PROT_WRITE, &ram) == 0);
	assert(hvspace_map(vm->space, GUEST_RAM, vm->memory, 0, GUEST_RAM_SIZE,
	                   PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
	assert(vcpu_create(vm->space, 0, &vm->vcpu) == 0);
	memcpy(ram, code, size);
	assert(vcpu_set_state(vm->vcpu, &state) == 0);
}

static void vm_end(struct vm *vm)
{
	handle_close(vm->vcpu);
	handle_close(vm->space);
	handle_close(vm->memory);
}

static void run(struct vm *vm)
{
	do {
		assert(vcpu_run(vm->vcpu, HANDLE_NONE, &vm->exit) == 0);
	} while (vm->exit.reason == VCPU_EXIT_POLL);
}

// The guest's next report; other exits are what is measured, and go back at once.
static uint64_t next_report(struct vm *vm)
{
	do {
		run(vm);
		assert(vm->exit.reason == VCPU_EXIT_MMIO_WRITE ||
		       vm->exit.reason == VCPU_EXIT_MMIO_READ);
	} while (vm->exit.mmio.address != DEVICE + REPORT_OFFSET);
	return vm->exit.mmio.data;
}

static void report_least(struct vm *vm, const char *name)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < BENCH_ROUNDS; round++)
		best = bench_min(best, next_report(vm));
	// Of the two counter reads one is in between.
	bench_report(name, best - 1);
}

// A call that the kernel serves by itself: SBI base, get_spec_version.
static void bench_sbi(void)
{
	static const uint32_t code[] = {
		LOAD_DEVICE,
		G_ADDI(X_A7, X_ZERO, 0x10),
		G_ADDI(X_A6, X_ZERO, 0),
		G_CSRR(X_T1, CSR_INSTRET),
		G_ECALL,
		G_CSRR(X_T2, CSR_INSTRET),
		G_SUB(X_T2, X_T2, X_T1),
		REPORT(X_T2),
		G_JUMP(-7),
	};
	struct vm vm;

	vm_start(&vm, code, sizeof(code));
	report_least(&vm, "exit_sbi");
	vm_end(&vm);
}

static void bench_mmio(void)
{
	static const uint32_t code[] = {
		LOAD_DEVICE,
		G_CSRR(X_T1, CSR_INSTRET),
		G_SW(X_ZERO, 0, X_T0),
		G_CSRR(X_T2, CSR_INSTRET),
		G_SUB(X_T2, X_T2, X_T1),
		REPORT(X_T2),
		G_JUMP(-5),
	};
	static const uint32_t load[] = {
		LOAD_DEVICE,
		G_CSRR(X_T1, CSR_INSTRET),
		G_LW(X_T3, 0, X_T0),
		G_CSRR(X_T2, CSR_INSTRET),
		G_SUB(X_T2, X_T2, X_T1),
		REPORT(X_T2),
		G_JUMP(-5),
	};
	struct vm vm;

	vm_start(&vm, code, sizeof(code));
	report_least(&vm, "exit_mmio_write");
	vm_end(&vm);
	vm_start(&vm, load, sizeof(load));
	report_least(&vm, "exit_mmio_read");
	vm_end(&vm);
}

// A queue notification bound to an event that nobody waits for: what the guest loses.
static void bench_notify(void)
{
	static const uint32_t code[] = {
		LOAD_DEVICE,
		G_CSRR(X_T1, CSR_INSTRET),
		G_SW(X_ZERO, NOTIFY_OFFSET, X_T0),
		G_CSRR(X_T2, CSR_INSTRET),
		G_SUB(X_T2, X_T2, X_T1),
		REPORT(X_T2),
		G_JUMP(-5),
	};
	handle_t event;
	struct vm vm;

	vm_start(&vm, code, sizeof(code));
	assert(event_create(&event) == 0);
	assert(hvspace_bind_notify(vm.space, DEVICE + NOTIFY_OFFSET, 0, event) == 0);
	report_least(&vm, "exit_notify");
	vm_end(&vm);
	handle_close(event);
}

// From vcpu_set_irq of the thread that then runs the vCPU to the first instruction of the guest's
// handler, which reports what it reads there. The handler returns to the wait once the line is down
// again.
static void bench_interrupt(void)
{
	static const uint32_t code[] = {
		G_AUIPC(X_T3, 0),
		G_ADDI(X_T3, X_T3, 9 * 4),
		G_CSRW(CSR_STVEC, X_T3),
		G_ADDI(X_T1, X_ZERO, 0x200),
		G_CSRW(CSR_SIE, X_T1),
		LOAD_DEVICE,
		REPORT(X_ZERO),
		G_CSRSI(CSR_SSTATUS, 2),
		G_SPIN,
		// The handler: told of the next interrupt with interrupts off, so that stvec is the
		// only way here.
		G_CSRR(X_T2, CSR_INSTRET),
		REPORT(X_T2),
		G_CSRSI(CSR_SSTATUS, 2),
		G_SPIN,
	};
	uint64_t best = UINT64_MAX;
	uint64_t start;
	struct vm vm;

	vm_start(&vm, code, sizeof(code));
	(void)next_report(&vm);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		start = instret();
		assert(vcpu_set_irq(vm.vcpu, VCPU_IRQ_EXTERNAL, 1) == 0);
		best = bench_min(best, next_report(&vm) - start);
		assert(vcpu_set_irq(vm.vcpu, VCPU_IRQ_EXTERNAL, 0) == 0);
	}
	bench_report("interrupt_to_guest", best);
	vm_end(&vm);
}

// --- The queue notification's way to the thread that does the I/O ---

struct io_thread {
	handle_t poll;
	handle_t event;
	handle_t vcpu;
	const uint64_t *notified;  // in guest memory: the counter just before the notification
	uint64_t best;
	bool stop;
};

static void io_thread(void *arg)
{
	struct io_thread *io = arg;
	struct poll_event event;
	uint64_t count;
	size_t n;

	while (poll_wait(io->poll, &event, 1, NSEC_NEVER, &n) == 0) {
		if (io->stop)
			break;
		io->best = bench_min(io->best,
		                     instret() - __atomic_load_n(io->notified, __ATOMIC_RELAXED));
		assert(event_take(io->event, &count) == 0);
		assert(vcpu_set_irq(io->vcpu, VCPU_IRQ_EXTERNAL, 1) == 0);
	}
	thread_exit();
}

// The guest then waits for an interrupt, and so leaves the only hart to the thread, which sends it
// one when it has seen the notification. Interrupts are off in the guest, so it goes on behind the
// wait.
static void bench_notify_to_thread(void)
{
	static const uint32_t code[] = {
		G_AUIPC(X_T3, 0x100),
		G_ADDI(X_T1, X_ZERO, 0x200),
		G_CSRW(CSR_SIE, X_T1),
		LOAD_DEVICE,
		G_CSRR(X_T1, CSR_INSTRET),
		G_SD(X_T1, 0, X_T3),
		G_SW(X_ZERO, NOTIFY_OFFSET, X_T0),
		G_WFI,
		REPORT(X_ZERO),
		G_JUMP(-5),
	};
	struct io_thread io = { .best = UINT64_MAX };
	handle_t thread;
	struct vm vm;
	void *ram;

	vm_start(&vm, code, sizeof(code));
	assert(folio_map(vm.memory, PROT_READ | PROT_WRITE, &ram) == 0);
	io.notified = (const uint64_t *)(const void *)((const uint8_t *)ram + 0x100000);
	assert(event_create(&io.event) == 0 && poll_create(&io.poll) == 0);
	assert(poll_add(io.poll, io.event, READY_READABLE, 0) == 0);
	assert(hvspace_bind_notify(vm.space, DEVICE + NOTIFY_OFFSET, 0, io.event) == 0);
	io.vcpu = vm.vcpu;
	assert(thread_create(io_thread, &io, 0, &thread) == 0);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		assert(vcpu_set_irq(vm.vcpu, VCPU_IRQ_EXTERNAL, 0) == 0);
		(void)next_report(&vm);
	}
	bench_report("notify_to_thread", io.best);
	io.stop = true;
	assert(event_signal(io.event, 1) == 0);
	bench_wait_for_end(thread);
	handle_close(io.poll);
	handle_close(io.event);
	vm_end(&vm);
}

void bench_vm(void)
{
	bench_sbi();
	bench_mmio();
	bench_notify();
	bench_notify_to_thread();
	bench_interrupt();
}
