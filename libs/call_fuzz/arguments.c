// SPDX-License-Identifier: MIT
#include "libs/abi/app.h"
#include "libs/abi/folio.h"
#include "libs/abi/launcher.h"
#include "libs/abi/look.h"
#include "libs/abi/message.h"
#include "libs/abi/poll.h"
#include "libs/abi/vm.h"
#include "libs/base/string.h"
#include "libs/call_fuzz/private.h"

#define GUEST_RAM 0x80000000ull

// --- Numbers ---

// One of those around which mistakes are made.
static uint64_t number(struct call_fuzz_thread *thread)
{
	switch (choose(thread, 8)) {
	case 0: return 0;
	case 1: return UINT64_MAX - choose(thread, 16);
	case 2: return (1ull << choose(thread, 64)) - 1;
	case 3: return 1ull << choose(thread, 64);
	case 4: return choose(thread, UINT32_MAX) * 0x9e3779b97f4a7c15ull;
	default: return choose(thread, 16);
	}
}

// Right most of the time.
static uint64_t usually(struct call_fuzz_thread *thread, uint64_t value)
{
	return choose(thread, 32) == 0 ? number(thread) : value;
}

static uint64_t pages(struct call_fuzz_thread *thread)
{
	switch (choose(thread, 8)) {
	case 0: return 0;
	case 1: return BLOCK_SIZE;
	case 2: return number(thread);
	case 3: return number(thread) & ~(PAGE_SIZE - 1);
	default: return (1 + choose(thread, 3)) * PAGE_SIZE;
	}
}

static uint64_t deadline(struct call_fuzz_thread *thread, bool blocks)
{
	nsec_t now = thread->process->world->now();

	switch (choose(thread, 8)) {
	case 0: return now;
	case 5:
	case 1: return blocks && !thread->may_block ? 1 : NSEC_NEVER;
	case 2: return blocks && !thread->may_block ? 1 : number(thread);
	case 3:
	case 4: return now + choose(thread, blocks && !thread->may_block ? 50000 : 2000000);
	default: return 0;
	}
}

static uint64_t folio_size(struct call_fuzz_thread *thread)
{
	switch (choose(thread, 16)) {
	case 0: return number(thread);
	case 1: return choose(thread, FOLIO_MAX_CONTIGUOUS + PAGE_SIZE);
	case 2: return BLOCK_SIZE + choose(thread, 3) * PAGE_SIZE;
	default: return 1 + choose(thread, 8 * PAGE_SIZE);
	}
}

static uint64_t length(struct call_fuzz_thread *thread)
{
	return choose(thread, 8) == 0 ? usually(thread, choose(thread, 4097)) : choose(thread, 64);
}

static uint64_t stack_size(struct call_fuzz_thread *thread)
{
	// Enough for what runs there, or so much that it is refused.
	return choose(thread, 4) == 0 ? APP_DEFAULT_MEMORY + 1 + choose(thread, UINT32_MAX)
				      : choose(thread, 2) * 2 * APP_DEFAULT_STACK;
}

// --- Memory ---

enum owner {
	THREAD,
	PROCESS,
	NOBODY,
};

// Memory of `size` bytes that is the thread's own most of the time.
static uintptr_t memory(struct call_fuzz_thread *thread, uint8_t *at, size_t size,
                        enum owner *owner)
{
	const struct call_fuzz *process = thread->process;
	uint64_t luck = choose(thread, 96);
	uint64_t step = choose(thread, size + 1);

	*owner = NOBODY;
	switch (luck) {
	case 0: return 0;
	case 1: return step;
	case 2: return UINTPTR_MAX - step;
	case 3: return (uintptr_t)1 << 62;
	case 4: return (uintptr_t)1 << 38 | step;
	case 5: return process->read_only;
	case 6: return process->foreign;
	case 7:
	case 8:
		if (process->edge != 0)
			return process->edge - step;
		break;
	case 9:
		if (process->edge == 0)
			break;
		*owner = PROCESS;
		return process->edge - size - choose(thread, process->edge_size - size);
	case 10:
	case 11: at += step % 8; break;
	default: break;
	}
	*owner = THREAD;
	return (uintptr_t)at;
}

// Memory for a result, with a margin that must not change.
static uintptr_t out(struct call_fuzz_thread *thread, struct arg arg, uint32_t size)
{
	uint8_t *at = thread->out + thread->out_used;
	enum owner owner;
	uintptr_t address = memory(thread, at, size, &owner);

	if (owner == NOBODY)
		return address;
	memset(at, CANARY, size + 8 + CANARY_BYTES);
	thread->out_used += (size + 8 + 2 * CANARY_BYTES - 1) & ~(CANARY_BYTES - 1);
	thread->outs[thread->num_outs++] = (struct call_fuzz_out){ .at = (uint8_t *)address,
		                                                   .size = size,
		                                                   .shared = owner != THREAD,
		                                                   .kind = arg.kind,
		                                                   .detail = arg.detail };
	return address;
}

static uintptr_t in(struct call_fuzz_thread *thread, size_t size)
{
	enum owner owner;

	return memory(thread, thread->in, size, &owner);
}

static uintptr_t message(struct call_fuzz_thread *thread)
{
	struct message *m = (struct message *)(void *)thread->in;

	m->type = (uint32_t)number(thread);
	m->len = (uint16_t)usually(
		thread, choose(thread, 4) == 0 ? choose(thread, 257) : choose(thread, 32));
	m->num_handles = (uint16_t)usually(
		thread, choose(thread, 2) * choose(thread, MESSAGE_MAX_HANDLES + 1));
	for (uint32_t i = 0; i < MESSAGE_MAX_HANDLES; i++) {
		// What is not a channel's end goes a way of its own.
		uint32_t type = choose(thread, 2) == 0 ? OBJECT_NONE : OBJECT_EVENT;

		m->handles[i] = i < m->num_handles ? call_fuzz_handle(thread, type, true).handle
						   : HANDLE_NONE;
	}
	return in(thread, sizeof(*m));
}

static uintptr_t state(struct call_fuzz_thread *thread)
{
	// Legacy ones, base, TIME, IPI, RFENCE, HSM, SRST, DBCN.
	static const uint32_t extensions[] = { 0,          1,         5,          0x10,
		                               0x54494d45, 0x735049,  0x52464e43, 0x48534d,
		                               0x53525354, 0x4442434e };
	struct vcpu_state *s = (struct vcpu_state *)(void *)thread->in;

	memset(s, 0, sizeof(*s));
	s->pc = usually(thread, GUEST_RAM + choose(thread, 4 * PAGE_SIZE / 4) * 4);
	for (uint32_t i = 0; i < 4; i++)
		s->x[choose(thread, 32)] = choose(thread, 2) == 0 ? number(thread)
								  : GUEST_RAM + pages(thread);
	// SBI: a7 is the extension, a6 the function (SBI 2.0, chapter 3).
	s->x[17] = extensions[choose(thread, sizeof(extensions) / sizeof(extensions[0]))];
	s->x[16] = choose(thread, 8);
	return in(thread, sizeof(*s));
}

static uintptr_t name(struct call_fuzz_thread *thread)
{
	const char *const *apps = thread->process->apps;
	uint32_t count = 0;
	const char *chosen;

	while (apps[count] != NULL)
		count++;
	chosen = apps[choose(thread, count)];
	thread->name_len = (uint32_t)strlen(chosen);
	memcpy(thread->in, chosen, thread->name_len);
	return in(thread, thread->name_len);
}

// --- Processes that are made ---

static uintptr_t options(struct call_fuzz_thread *thread)
{
	struct process_options *o = (struct process_options *)(void *)thread->in;

	memset(o, 0, sizeof(*o));
	// Few, so that they meet.
	o->name[0] = (char)usually(thread, 'a' + choose(thread, 16));
	o->memory_limit = usually(thread, 1 << 18);
	o->kernel_limit = usually(thread, 1 << 18);
	o->handle_limit = (uint32_t)usually(thread, 8);
	o->thread_limit = (uint32_t)usually(thread, 2);
	return in(thread, sizeof(*o));
}

static uintptr_t segment(struct call_fuzz_thread *thread)
{
	struct process_segment *s = (struct process_segment *)(void *)thread->in;

	*s = (struct process_segment){
		.address = usually(thread, (1 + choose(thread, 16)) * PAGE_SIZE),
		.size = pages(thread),
		.offset = choose(thread, 2) * pages(thread),
		.folio = call_fuzz_handle(thread, OBJECT_FOLIO, false).handle,
		.prot = (uint32_t)usually(thread, 1 + 2 * choose(thread, 3)),
	};
	s->length = usually(thread, s->size);
	return in(thread, sizeof(*s));
}

// Nothing but what is mapped can be executed: what it names is up to chance.
static uintptr_t start(struct call_fuzz_thread *thread)
{
	struct process_start *s = (struct process_start *)(void *)thread->in;

	*s = (struct process_start){
		.entry = usually(thread, (1 + choose(thread, 16)) * PAGE_SIZE),
		.thread_return = usually(thread, PAGE_SIZE),
		.stack_size = usually(thread, PAGE_SIZE),
		.symbols_offset = usually(thread, choose(thread, 4) * 8),
		.symbols_size = usually(thread, choose(thread, PAGE_SIZE)),
		.text_address = usually(thread, PAGE_SIZE),
		.text_size = usually(thread, 16 * PAGE_SIZE),
		.symbols = call_fuzz_handle(thread, OBJECT_FOLIO, false).handle,
	};
	return in(thread, sizeof(*s));
}

// --- All of them ---

static uintptr_t handle(struct call_fuzz_thread *thread, struct arg arg)
{
	struct call_fuzz_slot slot = call_fuzz_handle(thread, arg.detail, arg.kind == ARG_LOOSE);

	if (thread->first.handle == HANDLE_NONE)
		thread->first = slot;
	if (arg.kind == ARG_LOOSE)
		thread->moved = slot.handle;
	return (uintptr_t)slot.handle;
}

static uintptr_t pointer(struct call_fuzz_thread *thread, struct arg arg)
{
	switch (arg.kind) {
	case ARG_OUT: return out(thread, arg, arg.detail);
	case ARG_OUT_HANDLE: return out(thread, arg, sizeof(handle_t));
	case ARG_OUT_ENDS: return out(thread, arg, 2 * sizeof(handle_t));
	case ARG_OUT_MESSAGE: return out(thread, arg, sizeof(struct message));
	case ARG_OUT_BYTES: return out(thread, arg, 4096);
	case ARG_IN_MESSAGE: return message(thread);
	case ARG_IN_STATE: return state(thread);
	case ARG_IN_NAME: return name(thread);
	case ARG_IN_OPTIONS: return options(thread);
	case ARG_IN_SEGMENT: return segment(thread);
	case ARG_IN_START: return start(thread);
	default: return in(thread, 4096);
	}
}

uintptr_t call_fuzz_argument(struct call_fuzz_thread *thread, struct arg arg)
{
	static const uint32_t rights[] = { RIGHTS_SAME, RIGHTS_SAME, RIGHTS_SAME,
		                           RIGHTS_SAME, RIGHTS_SAME, RIGHTS_SAME,
		                           RIGHT_READ,  RIGHT_WRITE, RIGHTS_ALL };

	switch (arg.kind) {
	case ARG_NONE: return 0;
	case ARG_HANDLE:
	case ARG_LOOSE: return handle(thread, arg);
	case ARG_BAD_HANDLE: return choose(thread, 2) == 0 ? HANDLE_NONE : UINTPTR_MAX;
	case ARG_NAME_LEN: return usually(thread, thread->name_len);
	case ARG_LENGTH: return length(thread);
	case ARG_NUMBER: return number(thread);
	case ARG_RIGHTS:
		return choose(thread, 8) == 0
			? choose(thread, RIGHTS_ALL + 1)
			: usually(thread,
		                  rights[choose(thread, sizeof(rights) / sizeof(rights[0]))]);
	case ARG_INTEREST:
		return usually(thread, choose(thread, 2) == 0 ? choose(thread, 8) : READY_READABLE);
	case ARG_MAX_EVENTS:
		return usually(thread,
		               1 + choose(thread, choose(thread, 2) == 0 ? 1 : POLL_MAX_BATCH));
	case ARG_DEADLINE: return deadline(thread, false);
	case ARG_WAIT: return deadline(thread, true);
	case ARG_FOLIO_SIZE: return folio_size(thread);
	case ARG_FOLIO_FLAGS: return usually(thread, choose(thread, 2));
	case ARG_PROT:
		return usually(thread,
		               choose(thread, 4) == 0 ? choose(thread, 8)
		                                      : 1 + 2 * choose(thread, 2));
	case ARG_PAGES: return pages(thread);
	case ARG_GPA:
		return usually(thread, GUEST_RAM + (choose(thread, 4) == 0 ? pages(thread) : 0));
	case ARG_ENTRY:
		// 8: nothing is mapped there.
		return choose(thread, 512) == 0 ? choose(thread, 2) * 8
						: (uintptr_t)thread->process->world->entry;
	case ARG_STACK_SIZE: return stack_size(thread);
	case ARG_BELOW:
		return usually(thread,
		               choose(thread, 2) == 0 ? arg.detail - 1u
		                                      : choose(thread, arg.detail));
	case ARG_LOOK_SIZE:
		return choose(thread, 8) == 0 ? LOOK_MAX_BYTES + 1 + choose(thread, UINT32_MAX)
					      : choose(thread, 4097);
	case ARG_LOG_LEVEL: return choose(thread, 64) == 0 ? 3 : 4 + number(thread) / 2;
	default: return pointer(thread, arg);
	}
}
