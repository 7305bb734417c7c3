// SPDX-License-Identifier: MIT
//
// Faults on request, with a second thread blocked in a call and a third one running in calls, as
// long as there is a client.
#include "libs/abi/victim.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

static const uint32_t constant[] = { 1 };  // not volatile, which would put it into .data
static volatile uint32_t data_is_as_linked = 42;
static struct loop loop;
static struct service_listener listener;
static struct source clients[4];
static handle_t work;  // an event: there is a client
static handle_t work_poll;
static volatile uint32_t num_clients;
static volatile uint64_t num_calls;
static volatile uint64_t *starts;  // kept: the same number in each word

#define KEPT_SIZE 20000u
#define KEPT_WORDS (KEPT_SIZE / sizeof(*starts))

static void blocked_thread(void *arg)
{
	handle_t poll;
	struct poll_event event;
	size_t n;

	(void)arg;
	if (poll_create(&poll) == 0 && poll_wait(poll, &event, 1, NSEC_NEVER, &n) == 0)
		log_error("an empty poll became ready");
	process_exit(3);
}

static void busy_thread(void *arg)
{
	struct poll_event event;
	uint64_t count;
	nsec_t now;
	size_t n;

	(void)arg;
	while (poll_wait(work_poll, &event, 1, NSEC_NEVER, &n) == 0 &&
	       event_take(work, &count) == 0) {
		while (num_clients > 0 && clock_get(CLOCK_MONOTONIC, &now) == 0)
			num_calls++;
	}
	process_exit(3);
}

static __attribute__((noinline)) uint64_t recurse(uint64_t depth)
{
	volatile uint8_t page[512];

	page[depth % sizeof(page)] = (uint8_t)depth;
	if (data_is_as_linked == 0)
		return 0;
	return recurse(depth + 1) + page[(depth + 1) % sizeof(page)];
}

// Calls the kernel from deeper and deeper in the stack, until there is none left for the app
// itself.
static __attribute__((noinline)) uint64_t recurse_calling(uint64_t depth)
{
	volatile uint8_t small[16];
	nsec_t now = 0;

	small[depth % sizeof(small)] = (uint8_t)depth;
	if (clock_get(CLOCK_MONOTONIC, &now))
		return 0;
	return recurse_calling(depth + 1) + small[0] + now;
}

static void jump_to_data(void)
{
	static uint32_t code[2] = { 0x00008067, 0x00008067 };  // ret
	void (*volatile function)(void) = (void (*)(void))(void *)code;

	function();
}

static void bad_pointer(void)
{
	struct message m;
	handle_t ends[2];
	handle_t *volatile nowhere = (handle_t *)0x10;

	assert(channel_create(ends) == 0);
	assert(channel_create(nowhere) == ERR_ADDRESS);
	assert(channel_send(ends[0], (const struct message *)0xffff000000000000) == ERR_ADDRESS);
	assert(channel_recv(ends[0], &m) == ERR_EMPTY);
	assert(random_get((void *)(uintptr_t)constant, 4) == ERR_ADDRESS);
	log_info("bad pointers are refused");
	assert(!"bad pointer test done");
}

static void fault(uint32_t which)
{
	switch (which) {
	case VICTIM_LOAD_NULL: *(volatile uint32_t *)(uintptr_t)(data_is_as_linked - 43); break;
	case VICTIM_STORE_RODATA: *(volatile uint32_t *)(uintptr_t)constant = 2; break;
	case VICTIM_JUMP_TO_DATA: jump_to_data(); break;
	case VICTIM_STACK_OVERFLOW: recurse(0); break;
	case VICTIM_STACK_OVERFLOW_IN_CALL: recurse_calling(0); break;
	case VICTIM_BAD_POINTER: bad_pointer(); break;
	case VICTIM_ASSERT: assert(!"asked to"); break;
	case VICTIM_ILLEGAL_INSTRUCTION: __asm__ volatile(".word 0"); break;
	case VICTIM_EXIT: process_exit(1);
	default: break;
	}
}

// Counts this start in what the last instance left, all of which must be there.
static void count_start(handle_t kept)
{
	void *at = NULL;

	assert(folio_map(kept, PROT_READ | PROT_WRITE, &at) == 0);
	starts = at;
	for (size_t i = 1; i < KEPT_WORDS; i++)
		assert(starts[i] == starts[0]);
	for (size_t i = 0; i < KEPT_WORDS; i++)
		starts[i]++;
}

static void tell_starts(handle_t client)
{
	struct msg_victim_starts answer = { .starts = starts[0] };
	struct message m;

	assert(message_encode_victim_starts(&m, &answer, NULL, 0) == 0 &&
	       channel_send(client, &m) == 0);
}

static void wait_for_busy_thread(void)
{
	uint64_t before = num_calls;

	while (num_calls == before)
		thread_yield();
}

static void client_message(struct loop *l, struct source *source, struct message *m)
{
	struct msg_victim_fault msg;
	const uint8_t *tail;
	size_t tail_len;

	(void)l;
	if (m->type == MSG_VICTIM_STARTS) {
		wait_for_busy_thread();
		tell_starts(source->handle);
		return;
	}
	assert(data_is_as_linked == 42);  // restored at each restart
	data_is_as_linked = 43;
	wait_for_busy_thread();
	if (message_decode_victim_fault(m, &msg, &tail, &tail_len) == 0)
		fault(msg.fault);
}

static void client_closed(struct loop *l, struct source *source)
{
	loop_close(l, source);
	source->handle = HANDLE_NONE;
	num_clients--;
}

static const struct source_ops client_ops = { .message = client_message, .closed = client_closed };

static void accepted(void *context, handle_t channel)
{
	(void)context;
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		if (clients[i].handle == HANDLE_NONE) {
			assert(loop_add(&loop, &clients[i], channel, &client_ops, NULL) == 0);
			num_clients++;
			assert(event_signal(work, 1) == 0);
			return;
		}
	}
	handle_close(channel);
}

static void victim_main(const struct environ *env)
{
	void *garbage = heap_alloc(100000);

	assert(garbage != NULL);
	memset(garbage, 1, 100000);
	count_start(environ_kept(env, "starts"));
	assert(event_create(&work) == 0 && poll_create(&work_poll) == 0 &&
	       poll_add(work_poll, work, READY_READABLE, 0) == 0);
	assert(thread_create(blocked_thread, NULL, 0, NULL) == 0);
	assert(thread_create(busy_thread, NULL, 0, NULL) == 0);
	assert(loop_init(&loop) == 0);
	assert(service_listen(&loop, &listener, environ_service(env, "victim"), accepted, NULL) ==
	       0);
	loop_run(&loop);
}

APP(victim, .main = victim_main, .restart = RESTART_ALWAYS, .provides = { "victim" },
    .needs = { { NEED_KEPT, "starts", NULL, 0, KEPT_SIZE } });
