// SPDX-License-Identifier: MIT
//
// Virtual machines made, ended and disturbed many times: nothing is lost, and nothing is left
// behind.
#include "apps/autotest/vm/stress_vm.h"
#include "libs/base/string.h"

#define ROUNDS 200
#define DISCARDS 100
#define KILLS 20

static void many_vms(struct autotest *t)
{
	static const uint32_t code[] = {
		LOAD_RAM,
		NEXT_BLOCK,
		G_SD(X_T1, 0, X_A1),
		NEXT_BLOCK,
		G_SD(X_T1, 0, X_A1),
		NEXT_BLOCK,
		G_SD(X_T1, 8, X_A1),
		SHUTDOWN,
	};
	struct system_info before = { 0 };

	if (test_system_info(t).has_hypervisor == 0)
		return;
	// The first round fills what is kept for later (stacks, slabs).
	for (uint32_t i = 0; i <= test_leak_rounds(t, ROUNDS) && !t->failed; i++) {
		struct stress_vm vm;

		stress_vm_open(&vm, t, code, sizeof(code));
		if (t->failed)
			return;
		expect(t,
		       vcpu_run(vm.vcpu, HANDLE_NONE, &vm.exit) == 0 &&
		               vm.exit.reason == VCPU_EXIT_SHUTDOWN);
		expect(t,
		       vm.ram[2 * BLOCK_SIZE / 8] == BLOCK_SIZE &&
		               vm.ram[3 * BLOCK_SIZE / 8 + 1] == BLOCK_SIZE);
		stress_vm_close(&vm);
		if (i == 0)
			before = test_system_info(t);
	}
	expect(t, test_settles(t, &before));
}

// A guest writes one word over and over while its memory is taken away: each time it gets new
// memory, and never writes to the old.
static void discard_while_running(struct autotest *t)
{
	static const uint32_t code[] = {
		LOAD_RAM,
		NEXT_BLOCK,
		G_SD(X_T1, 0, X_A1),
		0xffdff06fu /* j -4 */,
	};
	nsec_t deadline = test_deadline();
	volatile uint64_t *word;
	struct stress_vm vm;
	handle_t thread;

	if (test_system_info(t).has_hypervisor == 0)
		return;
	stress_vm_open(&vm, t, code, sizeof(code));
	if (t->failed)
		return;
	word = &vm.ram[BLOCK_SIZE / 8];
	expect(t, thread_create(stress_vm_run, &vm, 0, &thread) == 0);
	for (uint32_t i = 0; i < test_rounds(t, DISCARDS) && !t->failed; i++) {
		while (*word != BLOCK_SIZE && test_now() < deadline)
			thread_yield();
		expect(t, *word == BLOCK_SIZE);
		expect(t, folio_discard(vm.memory, BLOCK_SIZE, BLOCK_SIZE) == 0);
	}
	expect(t, vcpu_kick(vm.vcpu) == 0);
	expect(t, handle_wait(thread, READY_CLOSED, deadline) == 0);
	expect(t, vm.error == 0 && vm.exit.reason == VCPU_EXIT_POLL);
	handle_close(thread);
	stress_vm_close(&vm);
}

struct toucher {
	volatile uint64_t *word;
	uint32_t stop;
};

static void touch_until_stopped(void *arg)
{
	struct toucher *toucher = arg;

	while (__atomic_load_n(&toucher->stop, __ATOMIC_ACQUIRE) == 0)
		*toucher->word = 0x5555;
	thread_exit();
}

// Guest and VMM write to a block while it is given back again and again, and somebody else gets the
// memory: neither writes to what is no longer theirs.
static void discarded_memory_changes_hands(struct autotest *t)
{
	static const uint32_t code[] = {
		LOAD_RAM,
		NEXT_BLOCK,
		G_SD(X_T1, 0, X_A1),
		0xffdff06fu /* j -4 */,
	};
	struct toucher toucher = { 0 };
	handle_t threads[2] = { 0 };
	struct stress_vm vm;

	if (test_system_info(t).has_hypervisor == 0)
		return;
	stress_vm_open(&vm, t, code, sizeof(code));
	if (t->failed)
		return;
	toucher.word = &vm.ram[BLOCK_SIZE / 8 + 1];
	expect(t, thread_create(stress_vm_run, &vm, 0, &threads[0]) == 0);
	expect(t, thread_create(touch_until_stopped, &toucher, 0, &threads[1]) == 0);
	for (uint32_t i = 0; i < test_rounds(t, DISCARDS) && !t->failed; i++) {
		handle_t folio = HANDLE_NONE;
		volatile uint64_t *other = NULL;

		while (vm.ram[BLOCK_SIZE / 8] != BLOCK_SIZE || *toucher.word != 0x5555)
			thread_yield();
		expect(t, folio_discard(vm.memory, BLOCK_SIZE, BLOCK_SIZE) == 0);
		// As likely as not it is the block that was freed just now.
		expect(t, folio_create(BLOCK_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
		expect(t,
		       folio_map(folio, PROT_READ | PROT_WRITE, (void **)(uintptr_t)&other) == 0);
		for (uint32_t turn = 0; turn < 10 && !t->failed; turn++) {
			thread_yield();
			expect(t, other[0] == 0 && other[1] == 0);
		}
		handle_close(folio);
	}
	__atomic_store_n(&toucher.stop, 1, __ATOMIC_RELEASE);
	expect(t, vcpu_kick(vm.vcpu) == 0);
	for (uint32_t i = 0; i < 2; i++) {
		expect(t, handle_wait(threads[i], READY_CLOSED, test_deadline()) == 0);
		handle_close(threads[i]);
	}
	stress_vm_close(&vm);
}

// A guest that was promised more than the machine has touches all of it: it ends, what runs beside
// it does not.
static void guest_takes_all_memory(struct autotest *t)
{
	static const uint32_t code[] = {
		LOAD_RAM,
		// Page by page: so it goes on when no block is free.
		G_LUI(X_T1, 1),
		G_ADD(X_A1, X_A1, X_T1),
		G_SD(X_T1, 0, X_A1),
		0xff9ff06fu /* j -8 */,
	};
	static const uint32_t idle[] = { G_SPIN };
	struct system_info before = test_system_info(t);
	handle_t folio = HANDLE_NONE;
	handle_t thread = HANDLE_NONE;
	struct stress_vm other;
	struct stress_vm vm;

	if (before.has_hypervisor == 0)
		return;
	stress_vm_open_sized(&vm, t,
	                     (before.total_pages * PAGE_SIZE + BLOCK_SIZE) & ~(BLOCK_SIZE - 1),
	                     code, sizeof(code));
	stress_vm_open(&other, t, idle, sizeof(idle));
	if (t->failed)
		return;
	expect(t, thread_create(stress_vm_run, &other, 0, &thread) == 0);
	expect(t,
	       vcpu_run(vm.vcpu, HANDLE_NONE, &vm.exit) == 0 &&
	               vm.exit.reason == VCPU_EXIT_NO_MEMORY);
	expect(t, vm.ram[BLOCK_SIZE / 8] == PAGE_SIZE);
	expect(t, test_system_info(t).free_pages < before.free_pages / 8);
	// Enough is left for others, and for its VMM when it touches what is not there.
	expect(t, folio_create(1ul << 20, FOLIO_CONTIGUOUS, &folio) == 0);
	vm.ram[vm.ram_size / 8 - 1] = 1;
	vm.ram[vm.ram_size / 8 - 5000] = 1;
	expect(t,
	       vcpu_run(vm.vcpu, HANDLE_NONE, &vm.exit) == 0 &&
	               vm.exit.reason == VCPU_EXIT_NO_MEMORY);
	// A guest that touches nothing ends all the same when its VMM touches what is not there. A
	// few pages may have become free.
	for (size_t page = 1; page < other.ram_size / PAGE_SIZE; page++)
		other.ram[page * PAGE_SIZE / 8] = 1;
	expect(t, handle_wait(thread, READY_CLOSED, test_deadline()) == 0);
	expect(t, other.error == 0 && other.exit.reason == VCPU_EXIT_NO_MEMORY);
	if (t->failed)
		expect(t, vcpu_kick(other.vcpu) == 0);
	handle_close(thread);
	stress_vm_close(&other);
	handle_close(folio);
	stress_vm_close(&vm);
	expect(t, test_settles(t, &before));
}

// Has the victim run its machines, and waits until it does.
static handle_t start_victim(struct autotest *t, handle_t *channel)
{
	nsec_t deadline = test_deadline();
	struct process_info info = { 0 };
	handle_t process = HANDLE_NONE;

	expect(t,
	       service_connect_wait(environ_connector(t->env, "vm_victim"), deadline, channel) ==
	               0);
	expect(t, system_find_process(t->system, "vm_victim", 9, &process) == 0);
	while (!t->failed && info.threads != 3 && test_now() < deadline) {
		thread_yield();
		expect(t, process_info(process, &info) == 0 && info.state == PROCESS_RUNNING);
	}
	expect(t, info.threads == 3);
	return process;
}

// The system once the victim has restarted and waits.
static struct system_info settled_info(struct autotest *t)
{
	nsec_t deadline = test_deadline();
	struct process_info info = { 0 };

	// Its service and the poll of its loop.
	while ((info.threads != 1 || info.handles != 2) && test_now() < deadline) {
		handle_t process;

		thread_yield();
		if (system_find_process(t->system, "vm_victim", 9, &process) != 0)
			continue;
		expect(t, process_info(process, &info) == 0);
		handle_close(process);
	}
	expect(t, info.threads == 1 && info.handles == 2);
	return test_system_info(t);
}

static void kill_running_vms(struct autotest *t)
{
	struct system_info before = { 0 };

	if (test_system_info(t).has_hypervisor == 0)
		return;
	for (uint32_t i = 0; i <= test_rounds(t, KILLS) && !t->failed; i++) {
		handle_t channel = HANDLE_NONE;
		handle_t process = start_victim(t, &channel);

		expect(t, process_kill(process) == 0);
		expect(t, handle_wait(process, READY_CLOSED, test_deadline()) == 0);
		handle_close(process);
		handle_close(channel);
		// The first round is like all others, so the states before and after the rest are
		// comparable.
		if (i == 0)
			before = settled_info(t);
	}
	settled_info(t);
	expect(t, test_settles(t, &before));
}

// --- vCPUs that change hands ---

const struct test vm_stress_tests[] = {
	{ "virtual machines leak nothing", many_vms },
	{ "a guest's memory is taken away while it runs", discard_while_running },
	{ "memory that guest and VMM use changes hands", discarded_memory_changes_hands },
	{ "a guest that takes all memory ends alone", guest_takes_all_memory },
	{ "an app dies while its vCPUs run", kill_running_vms },
	{ NULL, NULL },
};
