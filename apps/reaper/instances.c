// SPDX-License-Identifier: MIT
//
// Processes that the app manager has started, by its service "apps".
#include "apps/reaper/reaper.h"

#include "libs/abi/apps.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define PATIENCE (10 * NSEC_PER_SEC)

// One request on a connection of its own, and its answer. Consumes the request.
static error_t ask(handle_t connector, struct message *request, struct message *answer)
{
	handle_t channel = HANDLE_NONE;
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (err == 0)
		err = service_connect_wait(connector, now + PATIENCE, &channel);
	if (err < 0)
		return err;
	err = channel_send(channel, request);
	if (err == 0)
		err = recv_wait(channel, now + PATIENCE, answer);
	handle_close(channel);
	return err;
}

error_t instance_kill(handle_t connector, const char *name)
{
	struct msg_apps_stop stop = { .id = 1 };
	struct msg_apps_result result;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	error_t err;

	str_copy(stop.name, name, sizeof(stop.name));
	err = message_encode_apps_stop(&m, &stop, NULL, 0);
	if (err == 0)
		err = ask(connector, &m, &m);
	if (err < 0)
		return err;
	if (message_decode_apps_result(&m, &result, &tail, &tail_len) < 0) {
		message_discard(&m);
		return ERR_PROTOCOL;
	}
	return result.error;
}

error_t instances_look(handle_t connector,
                       void (*each)(void *context, const struct apps_entry *entry), void *context)
{
	struct msg_apps_list list = { .id = 1 };
	struct msg_apps_listed listed;
	struct payload payload;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	error_t err = message_encode_apps_list(&m, &list, NULL, 0);

	if (err == 0)
		err = ask(connector, &m, &m);
	if (err < 0)
		return err;
	if (message_decode_apps_listed(&m, &listed, &tail, &tail_len) < 0 ||
	    listed.count > APPS_MAX) {
		message_discard(&m);
		return ERR_PROTOCOL;
	}
	if (listed.count == 0)
		return 0;
	err = payload_open_folio(m.handles[0], 0,
	                         (uint32_t)(listed.count * sizeof(struct apps_entry)), &payload);
	if (err < 0)
		return err;
	for (uint32_t i = 0; i < listed.count; i++)
		each(context, (const struct apps_entry *)payload.bytes.data + i);
	payload_release(&payload);
	return 0;
}
