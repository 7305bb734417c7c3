// SPDX-License-Identifier: MIT
//
// For apps/apps_test: an app that is loaded. It provides "managed", which answers each MSG_ECHO
// with its version and its greeting. apps/apps_test makes other versions of it by a change of the
// file.
#include "libs/abi/app.h"
#include "libs/abi/echo.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/loop.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

// Found in the file by its first bytes. Of the last one, 'f' faults at once, 'x' ends at once, 'l'
// faults once it is asked; others work.
static volatile char version[] = "managed version: 1";

static struct loop loop;
static struct service_listener listener;
static const char *greeting;

static void fault(void)
{
	static volatile uintptr_t nowhere = 8;

	*(volatile uint32_t *)nowhere = 1;
}

static char version_letter(void)
{
	return version[sizeof(version) - 2];
}

static void client_message(struct loop *l, struct source *source, struct message *m)
{
	struct msg_echo echo;
	const uint8_t *tail;
	size_t tail_len;
	char text[64];

	(void)l;
	if (version_letter() == 'l')
		fault();
	if (message_decode_echo(m, &echo, &tail, &tail_len) != 0) {
		message_discard(m);
		return;
	}
	fmt_write(text, sizeof(text), "%c %s", version_letter(), greeting);
	message_discard(m);
	if (message_encode_echo(m, &echo, text, strlen(text)) == 0 &&
	    channel_send(source->handle, m) != 0)
		log_warn("a client does not take its answers");
}

static void client_closed(struct loop *l, struct source *source)
{
	loop_close(l, source);
	heap_free(source);
}

static const struct source_ops client_ops = { .message = client_message, .closed = client_closed };

static void accepted(void *context, handle_t channel)
{
	struct source *source = heap_alloc(sizeof(*source));

	(void)context;
	assert(source != NULL && loop_add(&loop, source, channel, &client_ops, NULL) == 0);
}

static void managed_main(const struct environ *env)
{
	if (version_letter() == 'f')
		fault();
	if (version_letter() == 'x')
		process_exit(3);
	greeting = environ_config(env, "greeting");
	assert(loop_init(&loop) == 0);
	assert(service_listen(&loop, &listener, environ_service(env, "managed"), accepted, NULL) ==
	       0);
	loop_run(&loop);
}

APP(managed, .main = managed_main, .restart = RESTART_ON_FAULT, .provides = { "managed" },
    .memory_limit = 1ul * 1024 * 1024,
    .needs = { { NEED_SERVICE, "echo", NULL, 0 }, { NEED_CONFIG, "greeting", "hello", 0 } });
