// SPDX-License-Identifier: MIT
//
// Sends a few messages to echo, checks that each comes back as it was, says so and ends.
#include "libs/abi/app.h"
#include "libs/abi/echo.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define ROUNDS 16u
#define ANSWER_DEADLINE (5 * NSEC_PER_SEC)

static nsec_t deadline_after(nsec_t duration)
{
	nsec_t now = 0;

	return clock_get(CLOCK_MONOTONIC, &now) == 0 ? now + duration : NSEC_NEVER;
}

static error_t round_trip(handle_t channel, uint64_t id)
{
	static const char text[] = "as it calls into the forest, so it echoes";
	struct msg_echo sent = { .id = id }, got;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	error_t err;

	err = message_encode_echo(&m, &sent, text, sizeof(text));
	if (err == 0)
		err = channel_send(channel, &m);
	if (err == 0)
		err = recv_wait(channel, deadline_after(ANSWER_DEADLINE), &m);
	if (err == 0)
		err = message_decode_echo(&m, &got, &tail, &tail_len);
	if (err != 0)
		return err;
	if (got.id != id || tail_len != sizeof(text) || memcmp(tail, text, sizeof(text)) != 0)
		return ERR_PROTOCOL;
	return 0;
}

static void echo_client_main(const struct environ *env)
{
	handle_t channel;
	error_t err;

	err = service_connect_wait(environ_connector(env, "echo"), deadline_after(ANSWER_DEADLINE),
	                           &channel);
	for (uint64_t id = 0; err == 0 && id < ROUNDS; id++)
		err = round_trip(channel, id);
	if (err != 0) {
		log_error("echo does not work: %s", error_text(err));
		process_exit(1);
	}
	log_info("echo works");
}

APP(echo_client, .main = echo_client_main, .needs = { { .kind = NEED_SERVICE, .name = "echo" } });
