// SPDX-License-Identifier: MIT
//
// For apps/apps_test: an app that runs many times. It asks "managed", if that is there, says on the
// channel that it is given who it is and what it was told, and waits until that is closed. With the
// word "done" it ends at once.
#include "libs/abi/app.h"
#include "libs/abi/echo.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

// One round: the provider may be replaced in the midst of it. Errors: those of the calls.
static error_t ask_once(handle_t channel, struct message *m)
{
	struct msg_echo echo = { 0 };
	error_t error = message_encode_echo(m, &echo, NULL, 0);

	if (error == 0)
		error = channel_send(channel, m);
	return error != 0 ? error : recv_wait(channel, NSEC_NEVER, m);
}

static void ask(const struct environ *env, char *text, size_t size)
{
	handle_t connector = environ_connector(env, "managed");
	error_t error = ERR_PEER_CLOSED;
	struct msg_echo echo;
	const uint8_t *tail;
	struct message m;
	handle_t channel;
	size_t len;

	str_copy(text, "nobody", size);
	while (connector != HANDLE_NONE && error != 0) {
		assert(service_connect_wait(connector, NSEC_NEVER, &channel) == 0);
		error = ask_once(channel, &m);
		handle_close(channel);
	}
	if (error != 0)
		return;
	assert(message_decode_echo(&m, &echo, &tail, &len) == 0 && len < size);
	memcpy(text, tail, len);
	text[len] = '\0';
}

static void managed_user_main(const struct environ *env)
{
	handle_t given = environ_given(env, 0);
	struct msg_echo echo = { 0 };
	struct message m;
	char heard[64];
	char text[128];

	if (strcmp(environ_config(env, "word"), "done") == 0)
		process_exit(0);
	ask(env, heard, sizeof(heard));
	fmt_write(text, sizeof(text), "%s %s %s", env->app_name, environ_config(env, "word"),
	          heard);
	assert(message_encode_echo(&m, &echo, text, strlen(text)) == 0);
	if (given == HANDLE_NONE)
		process_exit(4);
	assert(channel_send(given, &m) == 0);
	process_exit(handle_wait(given, READY_CLOSED, NSEC_NEVER) == 0 ? 0 : 5);
}

APP(managed_user, .main = managed_user_main, .memory_limit = 1ul * 1024 * 1024, .stack_size = 16384,
    .needs = { { NEED_SERVICE, "managed", NULL, 1 }, { NEED_CONFIG, "word", NULL, 0 } });
