// SPDX-License-Identifier: MIT
//
// Virtual machines made, ended and disturbed many times: nothing is lost, and nothing is left
// behind.
#include "apps/autotest/autotest.h"
#include "apps/autotest/vm/guest_code.h"
#include "libs/base/string.h"

#define GUEST_RAM 0x80000000ull
#define GUEST_RAM_SIZE (48ul * 1024 * 1024)
#define ROUNDS 200
#define DISCARDS 100
#define KILLS 20

struct stress_vm {
	struct autotest *t;
	size_t ram_size;
	handle_t space;
	handle_t vcpu;
	handle_t memory;
	handle_t event;
	volatile uint64_t *ram;
	struct vcpu_exit exit;
	error_t error;
};

// a1: the guest's memory. t1: 2 MiB.
#define LOAD_RAM G_ADDI(X_A1, X_ZERO, 1), G_SLLI(X_A1, X_A1, 31), G_LUI(X_T1, 0x200)
#define NEXT_BLOCK G_ADD(X_A1, X_A1, X_T1)
#define SHUTDOWN                                                                   \
	G_LUI(X_A7, 0x53525), G_ADDIW(X_A7, X_A7, 0x354), G_ADDI(X_A6, X_ZERO, 0), \
		G_ADDI(X_A0, X_ZERO, 0), G_ADDI(X_A1, X_ZERO, 0), G_ECALL, G_SPIN

static void vm_open_sized(struct stress_vm *vm, struct autotest *t, size_t ram_size,
                          const uint32_t *code, size_t size)
{
	struct vcpu_state state = { .pc = GUEST_RAM };
	void *ram = NULL;

	*vm = (struct stress_vm){ .t = t, .ram_size = ram_size };
	expect(t, hvspace_create(&vm->space) == 0);
	expect(t, event_create(&vm->event) == 0);
	expect(t, folio_create(ram_size, FOLIO_LAZY, &vm->memory) == 0);
	expect(t, folio_map(vm->memory, PROT_READ | PROT_WRITE, &ram) == 0);
	expect(t,
	       hvspace_map(vm->space, GUEST_RAM, vm->memory, 0, ram_size,
	                   PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
	expect(t, hvspace_bind_notify(vm->space, 0x10000000, 1, vm->event) == 0);
	expect(t, vcpu_create(vm->space, 0, &vm->vcpu) == 0);
	if (t->failed)
		return;
	vm->ram = ram;
	memcpy(ram, code, size);
	expect(t, vcpu_set_state(vm->vcpu, &state) == 0);
}

static void vm_open(struct stress_vm *vm, struct autotest *t, const uint32_t *code, size_t size)
{
	vm_open_sized(vm, t, GUEST_RAM_SIZE, code, size);
}

static void vm_close(struct stress_vm *vm)
{
	handle_close(vm->vcpu);
	handle_close(vm->space);
	handle_close(vm->event);
	handle_close(vm->memory);
}

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
	for (uint32_t i = 0; i <= ROUNDS && !t->failed; i++) {
		struct stress_vm vm;

		vm_open(&vm, t, code, sizeof(code));
		if (t->failed)
			return;
		expect(t,
		       vcpu_run(vm.vcpu, HANDLE_NONE, &vm.exit) == 0 &&
		               vm.exit.reason == VCPU_EXIT_SHUTDOWN);
		expect(t,
		       vm.ram[2 * BLOCK_SIZE / 8] == BLOCK_SIZE &&
		               vm.ram[3 * BLOCK_SIZE / 8 + 1] == BLOCK_SIZE);
		vm_close(&vm);
		if (i == 0)
			before = test_system_info(t);
	}
	expect(t, test_settles(t, &before));
}

static void run_until_kicked(void *arg)
{
	struct stress_vm *vm = arg;

	vm->error = vcpu_run(vm->vcpu, HANDLE_NONE, &vm->exit);
	thread_exit();
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
	vm_open(&vm, t, code, sizeof(code));
	if (t->failed)
		return;
	word = &vm.ram[BLOCK_SIZE / 8];
	expect(t, thread_create(run_until_kicked, &vm, 0, &thread) == 0);
	for (uint32_t i = 0; i < DISCARDS && !t->failed; i++) {
		while (*word != BLOCK_SIZE && test_now() < deadline)
			thread_yield();
		expect(t, *word == BLOCK_SIZE);
		expect(t, folio_discard(vm.memory, BLOCK_SIZE, BLOCK_SIZE) == 0);
	}
	expect(t, vcpu_kick(vm.vcpu) == 0);
	expect(t, handle_wait(thread, READY_CLOSED, deadline) == 0);
	expect(t, vm.error == 0 && vm.exit.reason == VCPU_EXIT_POLL);
	handle_close(thread);
	vm_close(&vm);
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
	vm_open(&vm, t, code, sizeof(code));
	if (t->failed)
		return;
	toucher.word = &vm.ram[BLOCK_SIZE / 8 + 1];
	expect(t, thread_create(run_until_kicked, &vm, 0, &threads[0]) == 0);
	expect(t, thread_create(touch_until_stopped, &toucher, 0, &threads[1]) == 0);
	for (uint32_t i = 0; i < DISCARDS && !t->failed; i++) {
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
	vm_close(&vm);
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
	vm_open_sized(&vm, t, (before.total_pages * PAGE_SIZE + BLOCK_SIZE) & ~(BLOCK_SIZE - 1),
	              code, sizeof(code));
	vm_open(&other, t, idle, sizeof(idle));
	if (t->failed)
		return;
	expect(t, thread_create(run_until_kicked, &other, 0, &thread) == 0);
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
	vm_close(&other);
	handle_close(folio);
	vm_close(&vm);
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
	for (uint32_t i = 0; i <= KILLS && !t->failed; i++) {
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

#define TURNS 200u

struct sharer {
	struct stress_vm *vms;  // two
	uint32_t first;
	uint8_t (*seen)[2 * TURNS + 1];  // by VM and value
	volatile bool *stop;
	volatile bool done;
	bool failed;
};

// Runs both guests by turns, whenever the other thread does not. It never sleeps, so that its hart
// keeps what it ran last.
static void share_vms(void *arg)
{
	struct sharer *self = arg;
	struct vcpu_exit exit = { 0 };

	for (uint32_t i = 0; i < 2 * TURNS && !self->failed;) {
		uint32_t which = (i + self->first) & 1;
		error_t error = vcpu_run(self->vms[which].vcpu, HANDLE_NONE, &exit);

		if (error == ERR_BAD_STATE)
			continue;
		if (error == 0 && exit.reason == VCPU_EXIT_MMIO_WRITE &&
		    exit.mmio.data <= 2 * TURNS)
			self->seen[which][exit.mmio.data]++;
		else
			self->failed = true;
		i++;
	}
	self->done = true;
	while (!*self->stop)
		(void)test_now();
	thread_exit();
}

// Two threads, on harts of their own if there are any, run the same two guests. Each guest counts
// in a register that stays in the hart between runs: no count may get lost, and a vCPU that a hart
// still holds may be closed by another.
static void vcpus_change_hands(struct autotest *t)
{
	static const uint32_t code[] = {
		G_LUI(X_T0, 0x10000),       G_CSRR(X_T1, CSR_SSCRATCH), G_ADDI(X_T1, X_T1, 1),
		G_CSRW(CSR_SSCRATCH, X_T1), G_SD(X_T1, 0, X_T0),        0xff1ff06fu /* j -16 */,
	};
	static uint8_t seen[2][2][2 * TURNS + 1];
	nsec_t deadline = test_deadline();
	volatile bool stop = false;
	struct sharer sharers[2];
	struct stress_vm vms[2];
	handle_t threads[2];

	if (test_system_info(t).has_hypervisor == 0)
		return;
	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < 2; i++)
		vm_open(&vms[i], t, code, sizeof(code));
	for (uint32_t i = 0; i < 2; i++) {
		sharers[i] =
			(struct sharer){ .vms = vms, .first = i, .seen = seen[i], .stop = &stop };
		expect(t, thread_create(share_vms, &sharers[i], 0, &threads[i]) == 0);
	}
	while (!(sharers[0].done && sharers[1].done) && test_now() < deadline)
		thread_yield();
	for (uint32_t i = 0; i < 2; i++)
		vm_close(&vms[i]);
	stop = true;
	for (uint32_t i = 0; i < 2; i++) {
		expect(t, handle_wait(threads[i], READY_CLOSED, deadline) == 0);
		expect(t, !sharers[i].failed);
		handle_close(threads[i]);
	}
	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t n = 1; n <= 2 * TURNS; n++)
			expect(t, seen[0][i][n] + seen[1][i][n] == 1);
	}
}

// --- Two guests that compute ---

#define MEETINGS 10
#define HANDSHAKES 20000u
#define SHARED_WORDS 0x40000000ull

static volatile bool stop_spinning;

static void spin(void *arg)
{
	(void)arg;
	while (!stop_spinning)
		;
	thread_exit();
}

static void sleep_a_little(struct autotest *t, handle_t timer)
{
	expect(t, timer_set(timer, test_now() + 20 * NSEC_PER_MSEC) == 0);
	expect(t, handle_wait(timer, READY_READABLE, test_deadline()) == 0);
}

// Both guests run until they have shaken hands often: one counts up when the other has copied its
// count. On one hart each handshake takes two switches of threads, and two ticks.
static void shake_hands(struct autotest *t, struct stress_vm vms[2], handle_t timer,
                        const volatile uint64_t *words)
{
	uint32_t num_spinners = test_system_info(t).num_harts;
	nsec_t deadline = test_deadline();
	handle_t spinners[16];
	handle_t threads[2];
	uint64_t switches;
	uint32_t sleeps = 0;

	// The harts are given up all at once, while the guests wait for one.
	stop_spinning = false;
	for (uint32_t i = 0; i < num_spinners; i++)
		expect(t, thread_create(spin, NULL, 0, &spinners[i]) == 0);
	for (uint32_t i = 0; i < 2; i++)
		expect(t, thread_create(run_until_kicked, &vms[i], 0, &threads[i]) == 0);
	stop_spinning = true;
	for (uint32_t i = 0; i < num_spinners; i++) {
		expect(t, handle_wait(spinners[i], READY_CLOSED, deadline) == 0);
		handle_close(spinners[i]);
	}
	switches = test_system_info(t).context_switches;
	for (; words[1] < HANDSHAKES && test_now() < deadline; sleeps++)
		sleep_a_little(t, timer);
	expect(t, words[1] >= HANDSHAKES);
	// We come and go ourselves: on a busy host often, until the guests run at the same time.
	switches += 2ul * sleeps;
	expect(t, test_system_info(t).context_switches < switches + HANDSHAKES);
	for (uint32_t i = 0; i < 2; i++) {
		expect(t, vcpu_kick(vms[i].vcpu) == 0);
		expect(t, handle_wait(threads[i], READY_CLOSED, deadline) == 0);
		expect(t, vms[i].error == 0 && vms[i].exit.reason == VCPU_EXIT_POLL);
		handle_close(threads[i]);
	}
}

static void busy_vcpus_have_harts_of_their_own(struct autotest *t)
{
	static const uint32_t counter[] = {
		G_LUI(X_A1, 0x40000), G_ADDI(X_T1, X_T1, 1), G_SD(X_T1, 0, X_A1),
		G_LD(X_T2, 8, X_A1),  G_BNE(X_T2, X_T1, -4), 0xff1ff06fu /* j -16 */,
	};
	static const uint32_t copier[] = {
		G_LUI(X_A1, 0x40000),
		G_LD(X_T1, 0, X_A1),
		G_SD(X_T1, 8, X_A1),
		0xff9ff06fu /* j -8 */,
	};
	handle_t folio = HANDLE_NONE;
	handle_t timer = HANDLE_NONE;
	void *words = NULL;

	// The app `victim` keeps one hart busy.
	if (test_system_info(t).has_hypervisor == 0 || test_system_info(t).num_harts < 3)
		return;
	expect(t, timer_create(&timer) == 0);
	expect(t, folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
	expect(t, folio_map(folio, PROT_READ | PROT_WRITE, &words) == 0);
	for (uint32_t round = 0; round < MEETINGS && !t->failed; round++) {
		struct stress_vm vms[2];

		memset(words, 0, PAGE_SIZE);
		vm_open(&vms[0], t, counter, sizeof(counter));
		vm_open(&vms[1], t, copier, sizeof(copier));
		for (uint32_t i = 0; i < 2; i++)
			expect(t,
			       hvspace_map(vms[i].space, SHARED_WORDS, folio, 0, PAGE_SIZE,
			                   PROT_READ | PROT_WRITE) == 0);
		if (!t->failed)
			shake_hands(t, vms, timer, words);
		for (uint32_t i = 0; i < 2; i++)
			vm_close(&vms[i]);
	}
	handle_close(folio);
	handle_close(timer);
}

const struct test vm_stress_tests[] = {
	{ "busy vCPUs have harts of their own", busy_vcpus_have_harts_of_their_own },
	{ "vCPUs change hands", vcpus_change_hands },
	{ "200 virtual machines leak nothing", many_vms },
	{ "a guest's memory is taken away while it runs", discard_while_running },
	{ "memory that guest and VMM use changes hands", discarded_memory_changes_hands },
	{ "a guest that takes all memory ends alone", guest_takes_all_memory },
	{ "an app dies while its vCPUs run", kill_running_vms },
	{ NULL, NULL },
};
