// SPDX-License-Identifier: MIT
//
// What each call takes. A new call has to have a row here, or this does not compile.
#include "libs/abi/app.h"
#include "libs/abi/folio.h"
#include "libs/abi/launcher.h"
#include "libs/abi/message.h"
#include "libs/abi/poll.h"
#include "libs/abi/syscall.h"
#include "libs/abi/system.h"
#include "libs/abi/vm.h"
#include "libs/call_fuzz/private.h"

// clang-format off
#define HANDLE(type) {ARG_HANDLE, OBJECT_##type}
#define OUT(type) {ARG_OUT, sizeof(type)}
#define OUT_HANDLE(type) {ARG_OUT_HANDLE, OBJECT_##type}
#define ANY(kind) {ARG_##kind, 0}

#define ROW_null_call 1, 0, {{0, 0}}
#define ROW_handle_close 10, 0, {ANY(LOOSE)}
#define ROW_handle_duplicate 10, 0, {HANDLE(NONE), ANY(RIGHTS), OUT_HANDLE(NONE)}
#define ROW_channel_create 8, 0, {ANY(OUT_ENDS)}
#define ROW_channel_maker 3, 0, {HANDLE(CHANNEL), {ARG_OUT, APP_NAME_MAX}}
#define ROW_channel_send 60, 0, {HANDLE(CHANNEL), ANY(IN_MESSAGE)}
#define ROW_channel_recv 40, 0, {HANDLE(CHANNEL), ANY(OUT_MESSAGE)}
#define ROW_poll_create 6, 0, {OUT_HANDLE(POLL)}
#define ROW_poll_add 20, 0, {HANDLE(POLL), HANDLE(NONE), ANY(INTEREST), ANY(NUMBER)}
#define ROW_poll_update 8, 0, {HANDLE(POLL), HANDLE(NONE), ANY(INTEREST), ANY(NUMBER)}
#define ROW_poll_remove 6, 0, {HANDLE(POLL), HANDLE(NONE)}
#define ROW_poll_wait 16, 0, {HANDLE(POLL), {ARG_OUT, 1024}, ANY(MAX_EVENTS), ANY(WAIT), OUT(size_t)}
#define ROW_timer_create 5, 0, {OUT_HANDLE(TIMER)}
#define ROW_timer_set 8, 0, {HANDLE(TIMER), ANY(DEADLINE)}
#define ROW_event_create 5, 0, {OUT_HANDLE(EVENT)}
#define ROW_event_signal 10, 0, {HANDLE(EVENT), ANY(NUMBER)}
#define ROW_event_take 6, 0, {HANDLE(EVENT), OUT(uint64_t)}
#define ROW_interrupt_ack 2, 0, {HANDLE(INTERRUPT)}
#define ROW_folio_create 8, 0, {ANY(FOLIO_SIZE), ANY(FOLIO_FLAGS), OUT_HANDLE(FOLIO)}
#define ROW_folio_create_with 8, 0, {ANY(IN_BYTES), ANY(LENGTH), OUT_HANDLE(FOLIO)}
#define ROW_folio_map 8, 0, {HANDLE(FOLIO), ANY(PROT), OUT(void *)}
#define ROW_folio_unmap 4, 0, {HANDLE(FOLIO)}
#define ROW_folio_info 2, 0, {HANDLE(FOLIO), OUT(struct folio_info)}
#define ROW_folio_discard 6, 0, {HANDLE(FOLIO), ANY(PAGES), ANY(PAGES)}
#define ROW_thread_create 4, 0, {ANY(ENTRY), ANY(NUMBER), ANY(STACK_SIZE), OUT_HANDLE(THREAD)}
#define ROW_thread_exit 1, 32, {{0, 0}}
#define ROW_process_exit 1, 512, {ANY(NUMBER)}
#define ROW_process_info 2, 0, {HANDLE(PROCESS), OUT(struct process_info)}
#define ROW_process_kill 1, 64, {HANDLE(PROCESS)}
#define ROW_service_connect 6, 0, {HANDLE(CONNECTOR), OUT_HANDLE(CHANNEL)}
#define ROW_service_accept 6, 0, {HANDLE(SERVICE), OUT_HANDLE(CHANNEL)}
#define ROW_random_get 2, 0, {ANY(OUT_BYTES), ANY(LENGTH)}
#define ROW_random_seed 1, 0, {HANDLE(SYSTEM), ANY(IN_BYTES), ANY(LENGTH)}
#define ROW_clock_get 2, 0, {{ARG_BELOW, 2}, OUT(nsec_t)}
#define ROW_clock_set 1, 0, {HANDLE(SYSTEM), ANY(NUMBER)}
#define ROW_log_write 1, 0, {ANY(LOG_LEVEL), ANY(IN_BYTES), ANY(LENGTH)}
#define ROW_console_put 1, 0, {HANDLE(FOLIO), ANY(IN_BYTES), ANY(LENGTH)}
#define ROW_system_power_off 1, 0, {ANY(BAD_HANDLE), ANY(NUMBER)}
#define ROW_system_info 1, 0, {HANDLE(SYSTEM), OUT(struct system_info)}
#define ROW_system_start_app 1, 0, {HANDLE(SYSTEM), ANY(IN_NAME), ANY(NAME_LEN), OUT_HANDLE(PROCESS)}
#define ROW_system_find_process 2, 0, {HANDLE(SYSTEM), ANY(IN_NAME), ANY(NAME_LEN), OUT_HANDLE(PROCESS)}
#define ROW_hvspace_create 2, 0, {OUT_HANDLE(HVSPACE)}
#define ROW_hvspace_map 10, 0, {HANDLE(HVSPACE), ANY(GPA), HANDLE(FOLIO), ANY(PAGES), ANY(PAGES), ANY(PROT)}
#define ROW_hvspace_unmap 4, 0, {HANDLE(HVSPACE), ANY(GPA), ANY(PAGES)}
#define ROW_hvspace_bind_notify 4, 0, {HANDLE(HVSPACE), ANY(GPA), {ARG_BELOW, 4}, HANDLE(EVENT)}
#define ROW_vcpu_create 3, 0, {HANDLE(HVSPACE), {ARG_BELOW, 16}, OUT_HANDLE(VCPU)}
#define ROW_vcpu_run 4, 0, {HANDLE(VCPU), HANDLE(POLL), OUT(struct vcpu_exit)}
#define ROW_vcpu_get_state 3, 0, {HANDLE(VCPU), OUT(struct vcpu_state)}
#define ROW_vcpu_set_state 6, 0, {HANDLE(VCPU), ANY(IN_STATE)}
#define ROW_vcpu_set_irq 4, 0, {HANDLE(VCPU), {ARG_BELOW, 11}, {ARG_BELOW, 2}}
#define ROW_vcpu_kick 8, 0, {HANDLE(VCPU)}
#define ROW_vcpu_stats 2, 0, {HANDLE(VCPU), OUT(struct vcpu_stats)}
#define ROW_thread_yield 4, 0, {{0, 0}}
#define ROW_poll_recv 16, 0, {HANDLE(POLL), {ARG_OUT, 1024}, ANY(MAX_EVENTS), ANY(WAIT), OUT(size_t), ANY(OUT_MESSAGE)}
#define ROW_process_create 3, 0, {HANDLE(LAUNCHER), ANY(IN_OPTIONS), OUT_HANDLE(PROCESS)}
#define ROW_process_map 12, 0, {HANDLE(PROCESS), ANY(IN_SEGMENT)}
#define ROW_process_map_runtime 4, 0, {HANDLE(PROCESS), ANY(IN_NAME), ANY(NAME_LEN), OUT(struct process_runtime)}
#define ROW_process_grant 4, 0, {HANDLE(PROCESS), ANY(LOOSE), OUT(handle_t)}
#define ROW_process_start 3, 0, {HANDLE(PROCESS), ANY(IN_START), ANY(IN_BYTES)}
#define ROW_service_create 2, 0, {HANDLE(LAUNCHER), ANY(IN_NAME), ANY(NAME_LEN), OUT_HANDLE(CONNECTOR)}
#define ROW_service_provide 4, 0, {HANDLE(CONNECTOR), HANDLE(PROCESS), OUT(handle_t)}
#define ROW_launcher_connector 2, 0, {HANDLE(LAUNCHER), ANY(IN_NAME), ANY(NAME_LEN), OUT_HANDLE(CONNECTOR)}
#define ROW_launcher_keep 4, 0, {HANDLE(LAUNCHER), {ARG_BELOW, 8}, ANY(LOOSE)}
#define ROW_look_read 4, 0, {HANDLE(LOOK), {ARG_BELOW, 13}, ANY(NUMBER), ANY(OUT_BYTES), ANY(LOOK_SIZE), OUT(uint64_t)}
#define ROW_look_watch 3, 0, {HANDLE(LOOK), {ARG_BELOW, 4}}
#define ROW_system_open_process 2, 0, {HANDLE(SYSTEM), {ARG_BELOW, 16}, OUT_HANDLE(PROCESS)}
#define ROW_launcher_kept 3, 0, {HANDLE(LAUNCHER), {ARG_BELOW, 8}, OUT_HANDLE(NONE)}

#define X(number, name, argc) [number] = {#name, ROW_##name},
static const struct call_row rows[SYSCALL_MAX] = {SYSCALL_TABLE(X)};
#undef X
// clang-format on

const struct call_row *call_fuzz_row(uint32_t number)
{
	return number < SYSCALL_MAX ? &rows[number] : NULL;
}

// The stacks of threads are what is mapped and unmapped most.
static bool makes_harts_fence(uint32_t number)
{
	return number == SYSCALL_NR_thread_create || number == SYSCALL_NR_hvspace_create ||
		number == SYSCALL_NR_folio_discard;
}

static bool is_picked(struct call_fuzz_thread *thread, uint32_t number)
{
	uint32_t fence_rarity = thread->process->fence_rarity;

	if (rows[number].rarity != 0 && choose(thread, rows[number].rarity) != 0)
		return false;
	return fence_rarity == 0 || !makes_harts_fence(number) || choose(thread, fence_rarity) == 0;
}

uint32_t call_fuzz_pick(struct call_fuzz_thread *thread)
{
	static uint32_t total;
	uint32_t left;

	if (total == 0) {
		uint32_t sum = 0;

		for (uint32_t i = 0; i < SYSCALL_MAX; i++)
			sum += rows[i].weight;
		total = sum;  // at once: other threads may look
	}
	for (;;) {
		uint32_t number = 0;

		left = (uint32_t)choose(thread, total);
		while (left >= rows[number].weight)
			left -= rows[number++].weight;
		if (is_picked(thread, number))
			return number;
	}
}
