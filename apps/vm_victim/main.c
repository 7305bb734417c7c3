// SPDX-License-Identifier: MIT
//
// Whoever connects makes it run two virtual machines, one that computes and one that waits, each on
// a thread of its own. autotest kills it in the midst of that.
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define GUEST_RAM 0x80000000ull
#define GUEST_RAM_SIZE (8ul * 1024 * 1024)

// auipc t0, 0x200; again: sd zero, 0(t0); j again
static const uint32_t compute[] = { 0x00200297, 0x0002b023, 0xffdff06f };
// again: wfi; j again
static const uint32_t wait[] = { 0x10500073, 0xffdff06f };

static void run(void *arg)
{
	handle_t vcpu = *(const handle_t *)arg;
	struct vcpu_exit exit = { 0 };

	while (vcpu_run(vcpu, HANDLE_NONE, &exit) == 0 && exit.reason == VCPU_EXIT_POLL)
		;
	process_exit(1);
}

static void start(const uint32_t *code, size_t num_words, handle_t *vcpu)
{
	struct vcpu_state state = { .pc = GUEST_RAM };
	handle_t space, memory;
	void *ram;

	assert(hvspace_create(&space) == 0);
	assert(folio_create(GUEST_RAM_SIZE, FOLIO_LAZY, &memory) == 0);
	assert(folio_map(memory, PROT_READ | PROT_WRITE, &ram) == 0);
	for (size_t i = 0; i < num_words; i++)
		((uint32_t *)ram)[i] = code[i];
	assert(hvspace_map(space, GUEST_RAM, memory, 0, GUEST_RAM_SIZE,
	                   PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
	assert(vcpu_create(space, 0, vcpu) == 0);
	assert(vcpu_set_state(*vcpu, &state) == 0);
	assert(thread_create(run, vcpu, 0, NULL) == 0);
}

static void accepted(void *context, handle_t channel)
{
	static handle_t vcpus[2];

	(void)context;
	if (vcpus[0] != HANDLE_NONE)
		return;
	// The channel stays open, for its end to be seen.
	(void)channel;
	start(compute, sizeof(compute) / sizeof(compute[0]), &vcpus[0]);
	start(wait, sizeof(wait) / sizeof(wait[0]), &vcpus[1]);
}

static void vm_victim_main(const struct environ *env)
{
	static struct service_listener listener;
	static struct loop loop;

	assert(loop_init(&loop) == 0);
	assert(service_listen(&loop, &listener, environ_service(env, "vm_victim"), accepted,
	                      NULL) == 0);
	loop_run(&loop);
}

APP(vm_victim, .main = vm_victim_main, .memory_limit = 32ul * 1024 * 1024,
    .restart = RESTART_ALWAYS, .provides = { "vm_victim" });
