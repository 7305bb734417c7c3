// SPDX-License-Identifier: MIT
//
// Puts a value into the service "kv", which may be one in TypeScript (ts/examples/kv_ts), gets it
// back, removes it, says so and ends.
#include "libs/abi/app.h"
#include "libs/abi/kv.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

// Only what is broken takes so long, on a machine that does much else too.
#define ANSWER_DEADLINE (120 * NSEC_PER_SEC)
#define KEY "greeting"

static nsec_t deadline_after(nsec_t duration)
{
	nsec_t now = 0;

	return clock_get(CLOCK_MONOTONIC, &now) == 0 ? now + duration : NSEC_NEVER;
}

// Sends the request and takes the answer with its id into `m`; `*value` points into it. The
// provider's error, or ERR_PROTOCOL.
static error_t ask(handle_t channel, struct message *m, uint32_t id, struct span *value)
{
	struct msg_kv_answer answer;
	error_t err = channel_send(channel, m);

	if (err == 0)
		err = recv_wait(channel, deadline_after(ANSWER_DEADLINE), m);
	if (err == 0)
		err = message_decode_kv_answer(m, &answer, &value->data, &value->len);
	if (err == 0 && answer.id != id)
		err = ERR_PROTOCOL;
	return err != 0 ? err : answer.error;
}

static error_t put(handle_t channel, const char *text)
{
	struct msg_kv_put request = { .id = 1, .key = KEY };
	struct message m;
	struct span value;
	error_t err = message_encode_kv_put(&m, &request, text, strlen(text));

	return err != 0 ? err : ask(channel, &m, request.id, &value);
}

// ERR_NOT_FOUND; ERR_PROTOCOL for another value than `text`.
static error_t get(handle_t channel, const char *text)
{
	struct msg_kv_get request = { .id = 2, .key = KEY };
	struct message m;
	struct span value;
	error_t err = message_encode_kv_get(&m, &request, NULL, 0);

	if (err == 0)
		err = ask(channel, &m, request.id, &value);
	if (err != 0)
		return err;
	return span_is(value, text) ? 0 : ERR_PROTOCOL;
}

static error_t remove_key(handle_t channel)
{
	struct msg_kv_remove request = { .id = 3, .key = KEY };
	struct message m;
	struct span value;
	error_t err = message_encode_kv_remove(&m, &request, NULL, 0);

	return err != 0 ? err : ask(channel, &m, request.id, &value);
}

static void kv_client_main(const struct environ *env)
{
	handle_t channel;
	error_t err;

	err = service_connect_wait(environ_connector(env, "kv"), deadline_after(ANSWER_DEADLINE),
	                           &channel);
	if (err == 0)
		err = put(channel, "from C");
	if (err == 0)
		err = get(channel, "from C");
	if (err == 0)
		err = remove_key(channel);
	if (err == 0 && get(channel, "from C") != ERR_NOT_FOUND)
		err = ERR_PROTOCOL;
	if (err != 0) {
		log_error("kv does not work: %s", error_text(err));
		process_exit(1);
	}
	log_info("kv works");
}

APP(kv_client, .main = kv_client_main, .needs = { { .kind = NEED_SERVICE, .name = "kv" } });
