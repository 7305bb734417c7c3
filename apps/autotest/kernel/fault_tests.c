// SPDX-License-Identifier: MIT
//
// An app dies in every way there is, with one thread blocked in a call and one busy in calls, and the rest goes on.
#include "apps/autotest/autotest.h"
#include "libs/abi/victim.h"

#define ROUNDS 200

static handle_t victim_connect(struct autotest *t)
{
	handle_t channel = HANDLE_NONE;

	expect(t, service_connect_wait(environ_connector(t->env, "victim"), test_deadline(), &channel) == 0);
	return channel;
}

static void kill_once(struct autotest *t, uint32_t fault)
{
	struct msg_victim_fault request = {.fault = fault};
	handle_t channel = victim_connect(t);
	struct message m;
	error_t err;

	if (channel == HANDLE_NONE)
		return;
	expect(t, message_encode_victim_fault(&m, &request, NULL, 0) == 0);
	expect(t, channel_send(channel, &m) == 0);
	err = recv_wait(channel, test_deadline(), &m);
	if (err != ERR_PEER_CLOSED)
		log_error("after fault %u: error %d", fault, err);
	expect(t, err == ERR_PEER_CLOSED);
	handle_close(channel);
}

static void every_fault_ends_only_its_app(struct autotest *t)
{
	for (uint32_t fault = 0; fault < VICTIM_NUM_FAULTS && !t->failed; fault++)
		kill_once(t, fault);
	handle_close(victim_connect(t));
}

// Waits until the victim runs with all its threads: only then are two states of the system comparable.
static void wait_for_victim(struct autotest *t)
{
	nsec_t deadline = test_deadline();
	struct process_info info = {0};

	handle_close(victim_connect(t));
	// Its service, its heap, the poll of its loop and the poll that its blocked thread waits on.
	while ((info.threads != 3 || info.handles != 4) && test_now() < deadline) {
		handle_t process;

		thread_yield();
		if (system_find_process(t->system, "victim", 6, &process) != 0)
			continue;
		expect(t, process_info(process, &info) == 0);
		handle_close(process);
	}
	expect(t, info.threads == 3 && info.handles == 4);
}

static void deaths_leak_nothing(struct autotest *t)
{
	struct system_info before;

	wait_for_victim(t);
	before = test_system_info(t);
	for (uint32_t i = 0; i < ROUNDS && !t->failed; i++)
		kill_once(t, i % VICTIM_NUM_FAULTS);
	wait_for_victim(t);
	expect(t, test_settles(t, &before));
}

static void a_killed_process_ends(struct autotest *t)
{
	handle_t process = HANDLE_NONE;
	struct process_info info;

	wait_for_victim(t);
	expect(t, system_find_process(t->system, "victim", 6, &process) == 0);
	expect(t, process_info(process, &info) == 0 && info.state == PROCESS_RUNNING && info.threads == 3);
	expect(t, process_kill(process) == 0);
	expect(t, handle_wait(process, READY_CLOSED, test_deadline()) == 0);
	expect(t, process_info(process, &info) == 0 && info.state == PROCESS_ENDED &&
	                  info.end == PROCESS_END_KILLED);
	expect(t, process_kill(process) == ERR_BAD_STATE);
	handle_close(process);
	handle_close(victim_connect(t));
}

const struct test fault_tests[] = {
	{"every fault ends only its app", every_fault_ends_only_its_app},
	{"a killed process ends and its app restarts", a_killed_process_ends},
	{"200 deaths leak nothing", deaths_leak_nothing},
	{0},
};
