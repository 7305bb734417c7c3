// SPDX-License-Identifier: MIT
//
// An app dies in every way there is, with one thread blocked in a call and one busy in calls, and
// the rest goes on.
#include "apps/autotest/autotest.h"
#include "libs/abi/victim.h"

#define ROUNDS 200
#define EARLY_KILLS 300

static handle_t victim_connect(struct autotest *t)
{
	handle_t channel = HANDLE_NONE;

	expect(t,
	       service_connect_wait(environ_connector(t->env, "victim"), test_deadline(),
	                            &channel) == 0);
	return channel;
}

static void kill_once(struct autotest *t, uint32_t fault)
{
	struct msg_victim_fault request = { .fault = fault };
	handle_t channel = victim_connect(t);
	struct message m;
	error_t err;

	if (channel == HANDLE_NONE)
		return;
	expect(t, message_encode_victim_fault(&m, &request, NULL, 0) == 0);
	expect(t, channel_send(channel, &m) == 0);
	err = recv_wait(channel, test_deadline(), &m);
	if (err != ERR_PEER_CLOSED)
		log_error("after fault %u: %s", fault, error_text(err));
	expect(t, err == ERR_PEER_CLOSED);
	handle_close(channel);
}

static void every_fault_ends_only_its_app(struct autotest *t)
{
	for (uint32_t fault = 0; fault < VICTIM_NUM_FAULTS && !t->failed; fault++)
		kill_once(t, fault);
	handle_close(victim_connect(t));
}

// Waits until the victim runs with all its threads: only then are two states of the system
// comparable.
static void wait_for_victim(struct autotest *t)
{
	nsec_t deadline = test_deadline();
	struct process_info info = { 0 };

	handle_close(victim_connect(t));
	// Its service, its kept memory, its heap, the event that has its third thread work, and
	// three polls: of its loop, and those that its other threads wait on.
	while ((info.threads != 3 || info.handles != 7) && test_now() < deadline) {
		handle_t process;

		thread_yield();
		if (system_find_process(t->system, "victim", 6, &process) != 0)
			continue;
		expect(t, process_info(process, &info) == 0);
		handle_close(process);
	}
	expect(t, info.threads == 3 && info.handles == 7);
}

static void deaths_leak_nothing(struct autotest *t)
{
	struct system_info before;

	wait_for_victim(t);
	before = test_system_info(t);
	for (uint32_t i = 0; i < test_leak_rounds(t, ROUNDS) && !t->failed; i++)
		kill_once(t, i % VICTIM_NUM_FAULTS);
	wait_for_victim(t);
	expect(t, test_settles(t, &before));
}

// How often the victim says that it was started; 0 when it does not say. Its busy thread computes
// when it has answered.
static uint64_t ask_for_starts(struct autotest *t, handle_t channel)
{
	struct msg_victim_starts msg = { 0 };
	const uint8_t *tail;
	size_t tail_len;
	struct message m;

	expect(t, message_encode_victim_starts(&m, &msg, NULL, 0) == 0);
	expect(t, channel_send(channel, &m) == 0 && recv_wait(channel, test_deadline(), &m) == 0);
	expect(t, message_decode_victim_starts(&m, &msg, &tail, &tail_len) == 0);
	return msg.starts;
}

static uint64_t victim_starts(struct autotest *t)
{
	handle_t channel = victim_connect(t);
	uint64_t count = ask_for_starts(t, channel);

	handle_close(channel);
	return count;
}

static void a_killed_process_ends(struct autotest *t)
{
	handle_t process = HANDLE_NONE;
	struct process_info info;
	handle_t client;

	wait_for_victim(t);
	client = victim_connect(t);
	expect(t, ask_for_starts(t, client) > 0);
	expect(t, system_find_process(t->system, "victim", 6, &process) == 0);
	expect(t,
	       process_info(process, &info) == 0 && info.state == PROCESS_RUNNING &&
	               info.threads == 3);
	expect(t, process_kill(process) == 0);
	expect(t, handle_wait(process, READY_CLOSED, test_deadline()) == 0);
	expect(t,
	       process_info(process, &info) == 0 && info.state == PROCESS_ENDED &&
	               info.end == PROCESS_END_KILLED);
	expect(t, process_kill(process) == ERR_BAD_STATE);
	handle_close(process);
	handle_close(client);
	handle_close(victim_connect(t));
}

static void kept_memory_outlives_its_process(struct autotest *t)
{
	uint64_t starts = victim_starts(t);

	expect(t, starts > 0);
	a_killed_process_ends(t);
	expect(t, victim_starts(t) == starts + 1);
	kill_once(t, VICTIM_LOAD_NULL);
	expect(t, victim_starts(t) == starts + 2);
}

static volatile bool stop_spinning;

static void spin(void *arg)
{
	(void)arg;
	while (!stop_spinning)
		;
	thread_exit();
}

static void start_and_kill(struct autotest *t)
{
	handle_t process = HANDLE_NONE;
	error_t error;

	expect(t, system_start_app(t->system, "hello", 5, &process) == 0);
	// It may have had its turn on another hart, and be over.
	error = process_kill(process);
	expect(t, error == 0 || error == ERR_BAD_STATE);
	expect(t, handle_wait(process, READY_CLOSED, test_deadline()) == 0);
	handle_close(process);
}

// The other harts are busy at first, so that the app's first turn would be on this hart, which
// waits for its end.
static void killed_before_the_first_turn(struct autotest *t)
{
	uint32_t num_spinners = test_system_info(t).num_harts - 1;
	uint32_t kills = test_leak_rounds(t, EARLY_KILLS);
	struct system_info before;
	handle_t process = HANDLE_NONE;
	handle_t threads[16];

	// It may not be over since the boot.
	if (system_find_process(t->system, "hello", 5, &process) == 0) {
		expect(t, handle_wait(process, READY_CLOSED, test_deadline()) == 0);
		handle_close(process);
	}
	start_and_kill(t);
	before = test_system_info(t);
	stop_spinning = false;
	for (uint32_t i = 0; i < num_spinners; i++)
		expect(t, thread_create(spin, NULL, 0, &threads[i]) == 0);
	for (uint32_t i = 0; i < kills && !t->failed; i++) {
		stop_spinning = i >= kills / 2;
		start_and_kill(t);
	}
	stop_spinning = true;
	for (uint32_t i = 0; i < num_spinners; i++) {
		expect(t, handle_wait(threads[i], READY_CLOSED, test_deadline()) == 0);
		handle_close(threads[i]);
	}
	expect(t, test_settles(t, &before));
}

const struct test fault_tests[] = {
	{ "kills before the first turn", killed_before_the_first_turn },
	{ "every fault ends only its app", every_fault_ends_only_its_app },
	{ "a killed process ends and its app restarts", a_killed_process_ends },
	{ "deaths leak nothing", deaths_leak_nothing },
	{ "kept memory outlives its process", kept_memory_outlives_its_process },
	{ 0 },
};
