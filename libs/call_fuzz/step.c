// SPDX-License-Identifier: MIT
#include "libs/abi/message.h"
#include "libs/abi/poll.h"
#include "libs/abi/syscall.h"
#include "libs/base/string.h"
#include "libs/call_fuzz/private.h"

// The smallest of the error numbers (libs/abi/error.h).
#define ERR_LAST (-80)

static void broken(struct call_fuzz_thread *thread, uint32_t number, const char *what)
{
	thread->process->world->broken(thread, number, what);
}

static bool is_canary(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (at[i] != CANARY)
			return false;
	}
	return true;
}

// Results are whole or not there, and never larger than they may be. Of a call that fails at its
// second pointer the first result may be there.
static void check_memory(struct call_fuzz_thread *thread, uint32_t number, error_t error)
{
	for (uint32_t i = 0; i < thread->num_outs; i++) {
		const struct call_fuzz_out *out = &thread->outs[i];

		if (out->shared)
			continue;
		if (!is_canary(out->at + out->size, CANARY_BYTES))
			broken(thread, number, "the memory behind a result has changed");
		if (error != 0 && error != ERR_ADDRESS && !is_canary(out->at, out->size))
			broken(thread, number,
			       "an out-pointer was written to by a call that failed");
	}
}

static handle_t handle_at(const uint8_t *at)
{
	handle_t handle;

	memcpy(&handle, at, sizeof(handle));
	return handle;
}

static void keep_message(struct call_fuzz_thread *thread, uint32_t number, const uint8_t *at,
                         bool shared)
{
	uint16_t len;
	uint16_t count;

	memcpy(&len, at + offsetof(struct message, len), sizeof(len));
	memcpy(&count, at + offsetof(struct message, num_handles), sizeof(count));
	if (len > MESSAGE_MAX_DATA || count > MESSAGE_MAX_HANDLES) {
		if (!shared)
			broken(thread, number, "a message came with more than it can hold");
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		call_fuzz_keep(
			thread,
			handle_at(at + offsetof(struct message, handles) + i * sizeof(handle_t)),
			OBJECT_NONE);
}

// Whether the first event says that a message came along.
static bool was_received(struct call_fuzz_thread *thread)
{
	struct poll_event event;

	if (thread->outs[0].size != 1024)
		return false;
	memcpy(&event, thread->outs[0].at, sizeof(event));
	return event.received == 1;
}

static void keep_result(struct call_fuzz_thread *thread, uint32_t number,
                        const struct call_fuzz_out *out)
{
	if (out->kind == ARG_OUT_HANDLE) {
		call_fuzz_keep(thread, handle_at(out->at),
		               out->detail != OBJECT_NONE ? out->detail : thread->first.type);
	} else if (out->kind == ARG_OUT_ENDS) {
		call_fuzz_keep(thread, handle_at(out->at), OBJECT_CHANNEL);
		call_fuzz_keep(thread, handle_at(out->at + sizeof(handle_t)), OBJECT_CHANNEL);
	} else if (out->kind == ARG_OUT_MESSAGE &&
	           (number == SYSCALL_NR_channel_recv || was_received(thread))) {
		keep_message(thread, number, out->at, out->shared);
	}
}

void call_fuzz_results(struct call_fuzz_thread *thread, uint32_t number, error_t error)
{
	const struct arg *first = &call_fuzz_row(number)->args[0];

	if (error > 0 || error < ERR_LAST)
		broken(thread, number, "the result is not an error number");
	check_memory(thread, number, error);
	if (error == ERR_BAD_HANDLE || (number == SYSCALL_NR_handle_close && error == 0))
		call_fuzz_forget(thread, thread->first.handle);
	else if (first->kind == ARG_HANDLE && first->detail != OBJECT_NONE &&
	         thread->first.type == OBJECT_NONE && error != ERR_WRONG_TYPE &&
	         error != ERR_ADDRESS)
		call_fuzz_learn(thread, thread->first.handle, first->detail);
	if (number == SYSCALL_NR_channel_send && error == 0) {
		const struct message *m = (const struct message *)(const void *)thread->in;

		for (uint32_t i = 0; i < m->num_handles && i < MESSAGE_MAX_HANDLES; i++)
			call_fuzz_forget(thread, m->handles[i]);
	}
	if ((number == SYSCALL_NR_process_grant || number == SYSCALL_NR_launcher_keep) &&
	    error == 0)
		call_fuzz_forget(thread, thread->moved);
	for (uint32_t i = 0; error == 0 && i < thread->num_outs; i++)
		keep_result(thread, number, &thread->outs[i]);
}

// A number that is not a call.
static void try_unknown(struct call_fuzz_thread *thread)
{
	static const uintptr_t args[6];
	uint32_t number = SYSCALL_MAX + (uint32_t)choose(thread, UINT32_MAX - SYSCALL_MAX);

	if (thread->process->world->call(thread, number, args) != ERR_NOT_SUPPORTED)
		broken(thread, number, "a call that does not exist was made");
}

void call_fuzz_step(struct call_fuzz_thread *thread)
{
	uint32_t number = call_fuzz_pick(thread);
	const struct call_row *row = call_fuzz_row(number);
	uintptr_t args[6];

	if (number == SYSCALL_NR_null_call && choose(thread, 2) == 0) {
		try_unknown(thread);
		return;
	}
	if (!thread->may_block &&
	    (number == SYSCALL_NR_vcpu_run || number == SYSCALL_NR_thread_exit))
		return;
	thread->num_outs = 0;
	thread->out_used = 0;
	thread->first = (struct call_fuzz_slot){ .handle = HANDLE_NONE };
	for (uint32_t i = 0; i < 6; i++)
		args[i] = call_fuzz_argument(thread, row->args[i]);
	call_fuzz_results(thread, number, thread->process->world->call(thread, number, args));
}
