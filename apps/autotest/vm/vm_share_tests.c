// SPDX-License-Identifier: MIT
//
// vCPUs that share harts and threads.
#include "apps/autotest/vm/stress_vm.h"
#include "libs/base/string.h"

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
		stress_vm_open(&vms[i], t, code, sizeof(code));
	for (uint32_t i = 0; i < 2; i++) {
		sharers[i] =
			(struct sharer){ .vms = vms, .first = i, .seen = seen[i], .stop = &stop };
		expect(t, thread_create(share_vms, &sharers[i], 0, &threads[i]) == 0);
	}
	while (!(sharers[0].done && sharers[1].done) && test_now() < deadline)
		thread_yield();
	for (uint32_t i = 0; i < 2; i++)
		stress_vm_close(&vms[i]);
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

#define MEETINGS 5
#define HANDSHAKES 2000u
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
		expect(t, thread_create(stress_vm_run, &vms[i], 0, &threads[i]) == 0);
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

	// A hart for each guest, and one for this thread, which ends them and starts others.
	if (test_system_info(t).has_hypervisor == 0 || test_system_info(t).num_harts < 3)
		return;
	expect(t, timer_create(&timer) == 0);
	expect(t, folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
	expect(t, folio_map(folio, PROT_READ | PROT_WRITE, &words) == 0);
	for (uint32_t round = 0; round < test_rounds(t, MEETINGS) && !t->failed; round++) {
		struct stress_vm vms[2];

		memset(words, 0, PAGE_SIZE);
		stress_vm_open(&vms[0], t, counter, sizeof(counter));
		stress_vm_open(&vms[1], t, copier, sizeof(copier));
		for (uint32_t i = 0; i < 2; i++)
			expect(t,
			       hvspace_map(vms[i].space, SHARED_WORDS, folio, 0, PAGE_SIZE,
			                   PROT_READ | PROT_WRITE) == 0);
		if (!t->failed)
			shake_hands(t, vms, timer, words);
		for (uint32_t i = 0; i < 2; i++)
			stress_vm_close(&vms[i]);
	}
	handle_close(folio);
	handle_close(timer);
}

static void guest_memory_stays_with_its_handle(struct autotest *t)
{
	handle_t ends[2] = { 0 };
	handle_t space = HANDLE_NONE;
	handle_t folio = HANDLE_NONE;
	handle_t second = HANDLE_NONE;
	struct message m;

	if (test_system_info(t).has_hypervisor == 0)
		return;
	expect(t, channel_create(ends) == 0 && hvspace_create(&space) == 0);
	expect(t, folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
	message_init(&m, 100);
	m.handles[0] = folio;
	m.num_handles = 1;
	expect(t, hvspace_map(space, 0, folio, 0, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0);
	expect(t, channel_send(ends[0], &m) == ERR_BAD_STATE);
	expect(t, handle_duplicate(folio, RIGHTS_SAME, &second) == ERR_BAD_STATE);
	expect(t, hvspace_unmap(space, 0, PAGE_SIZE) == 0);
	expect(t, channel_send(ends[0], &m) == 0 && channel_recv(ends[1], &m) == 0);
	folio = m.handles[0];
	expect(t, handle_duplicate(folio, RIGHTS_SAME, &second) == 0);
	expect(t, hvspace_map(space, 0, folio, 0, PAGE_SIZE, PROT_READ | PROT_WRITE) == ERR_ACCESS);
	expect(t, hvspace_map(space, 0, folio, 0, PAGE_SIZE, PROT_READ) == 0);
	// Nobody can write to it: it goes where it is sent.
	expect(t, channel_send(ends[0], &m) == 0);
	handle_close(second);
	handle_close(space);
	handle_close(ends[0]);
	handle_close(ends[1]);
}

const struct test vm_share_tests[] = {
	{ "guest memory stays with its handle", guest_memory_stays_with_its_handle },
	{ "busy vCPUs have harts of their own", busy_vcpus_have_harts_of_their_own },
	{ "vCPUs change hands", vcpus_change_hands },
	{ NULL, NULL },
};
