// SPDX-License-Identifier: MIT
//
// Processes with virtual machines, of those around the app `containers`.
#include <stdlib.h>

#include "apps/containers/world_fake.h"
#include "libs/base/fmt.h"
#include "libs/linux/vm/bootd_protocol.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"

void world_vmm_takes(struct world_process *process)
{
	struct msg_vmm_start start;
	struct msg_vmm_query query;
	struct msg_vmm_exec exec;
	const uint8_t *tail;
	struct message m;
	size_t len;

	while (process->link != HANDLE_NONE && channel_recv(process->link, &m) == 0) {
		if (message_decode_vmm_start(&m, &start, &tail, &len) == 0)
			memcpy(process->container, start.container, sizeof(start.container));
		else if (message_decode_vmm_query(&m, &query, &tail, &len) == 0)
			process->query = query;
		else if (message_decode_vmm_exec(&m, &exec, &tail, &len) == 0)
			process->added = exec.process;
		else if (m.type == MSG_VMM_HELLO || m.type == MSG_VMM_STATE)
			abort();
		world_keep_handles(&m);
	}
}

static void vmm_tells(const struct world_process *process, uint32_t state, uint32_t flags)
{
	struct msg_vmm_state told = { .state = state,
		                      .status = (int32_t)flags,
		                      .address = { 10, 0, 2, 100 },
		                      .gateway = { 10, 0, 2, 2 },
		                      .prefix_len = 24,
		                      .flags = flags };
	struct message m;

	memcpy(told.container, process->container, sizeof(told.container));
	if (message_encode_vmm_state(&m, &told, "x", flags != 0) == 0)
		fake_send(process->link, &m);
}

static void vmm_connects(struct world_process *process)
{
	if (!process->used || process->link != HANDLE_NONE)
		return;
	fake_app_name = process->app;
	process->link = fake_client_connect(world.vmm);
	fake_app_name = "app";
	fake_say(process->link, MSG_VMM_HELLO, process->token, sizeof(process->token), FAKE_NOTHING,
	         0);
}

// A list of one process, or numbers of a container.
static void vmm_answers(const struct world_process *process, uint8_t how, const uint8_t *data,
                        size_t len)
{
	static const struct {
		struct vmm_top_entry entry;
		char text[4];
	} top = { { .pid = 1, .length = 4, .state = 'S' }, "init" };
	static const struct control_stats stats = { .memory = 5, .cpu_us = UINT64_MAX };
	struct msg_vmm_query answer = process->query;
	struct message m;

	answer.value = how < 200 ? 0 : (int32_t)how - 250;
	answer.length = how % 2 == 0 ? sizeof(top) - 4 : (uint32_t)len;
	if (answer.what == VMM_QUERY_STATS && how % 2 == 0 && how < 200)
		len = sizeof(stats), data = (const uint8_t *)&stats;
	if (len > MESSAGE_MAX_DATA - sizeof(answer))
		len = MESSAGE_MAX_DATA - sizeof(answer);
	if (answer.what != VMM_QUERY_TOP || how >= 200) {
		if (message_encode_vmm_query(&m, &answer, data, len) == 0)
			fake_send(process->link, &m);
		return;
	}
	if (message_encode_vmm_query(&m, &answer, NULL, 0) == 0)
		world_send_with(process->link, &m,
		                how % 2 == 0 ? (const void *)&top : (const void *)data,
		                how % 2 == 0 ? sizeof(top) : len);
}

static void vmm_tells_of_added(const struct world_process *process, uint8_t how)
{
	struct msg_vmm_process told = { .process = process->added,
		                        .state = how % 2 == 0 ? VMM_RUNNING : VMM_ENDED,
		                        .status = how / 4,
		                        .flags = how / 2 % 2 };
	struct message m;

	if (message_encode_vmm_process(&m, &told, "y", how / 2 % 2) == 0)
		fake_send(process->link, &m);
}

void world_vmm_acts(uint8_t how, const uint8_t *data, size_t len)
{
	struct world_process *process =
		&world.processes[(world.num_processes - 1 - how / 8 % 2) % WORLD_PROCESSES];
	uint8_t more = how / 16;

	switch (how % 8) {
	case 0:
		vmm_connects(process);
		vmm_tells(process, VMM_IDLE, 0);
		break;
	case 1: vmm_tells(process, more % 5, 0); break;
	case 2: vmm_tells(process, VMM_RUNNING, more % 4); break;
	case 3: vmm_tells(process, VMM_ENDED, more); break;
	case 4: vmm_answers(process, len > 0 ? data[0] : 0, data, len); break;
	case 5: vmm_tells_of_added(process, more); break;
	case 6:
		if (more == 0)
			fake_close(&process->link);
		else
			fake_say(process->link, MSG_VMM_LOGGED, (uint8_t[16]){ more }, 16,
			         FAKE_NOTHING, 0);
		break;
	default:
		fake_say(process->link, MSG_VMM_HELLO + more % 13, data, len,
		         fake_cargo(more == 15, true), PAGE_SIZE);
		break;
	}
}

void world_grant_acts(uint8_t how, const uint8_t *data, size_t len, const char *id)
{
	static const char *const uris[] = { "blk:boot",
		                            "blk:images",
		                            "store-disk-ro:images/a.img",
		                            "store-disk:layers/%s",
		                            "store:logs/%s",
		                            "volumes:all/vol/" };
	struct world_process *process = &world.processes[how % 2];
	char uri[200];

	if (process->grant == HANDLE_NONE) {
		fake_app_name = process->used ? process->app : "somebody";
		process->grant = fake_client_connect(world.grants);
		fake_app_name = "app";
	}
	if (process->grant == HANDLE_NONE)
		return;
	if (how / 2 % 8 < 6) {
		fmt_write(uri, sizeof(uri), uris[how / 2 % 8], id);
		if (open_send(process->grant, how, uri) != 0)
			fake_close(&process->grant);
	} else if (how / 2 % 8 == 6) {
		fake_say(process->grant, MSG_OPEN + how / 16 % 4, data, len, FAKE_NOTHING, 0);
	} else {
		fake_close(&process->grant);
	}
}
