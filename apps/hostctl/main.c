// SPDX-License-Identifier: MIT
#include "apps/hostctl/hostctl.h"

#include <stdarg.h>

#include "libs/base/decimal.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static struct hostctl hostctl;

static void port_open(struct hostctl *ctl);

// --- To the host ---------------------------------------------------------------------------------

// Lines are few: the port's queue is never full of them.
bool host_say(struct hostctl *ctl, const char *format, ...)
{
	static char line[ENGINE_HOST_LINE_MAX];
	struct message m;
	va_list args;
	size_t len;

	if (!ctl->open)
		return true;
	va_start(args, format);
	len = fmt_vline(line, sizeof(line), format, args);
	va_end(args);
	if (payload_make(&m, line, len) != 0)
		return false;
	if (channel_send(ctl->port.handle, &m) == 0)
		return true;
	log_warn("the host does not read its port " ENGINE_HOST_PORT);
	message_discard(&m);
	return false;
}

// The host begins anew: what it said so far, and what of it is still on its way, means nothing.
static void hello(struct hostctl *ctl)
{
	uint64_t number = 0;
	error_t err = random_get(&number, sizeof(number));

	assert(err == 0);
	fmt_write(ctl->nonce, sizeof(ctl->nonce), "%016llx", (unsigned long long)number);
	ctl->synced = false;
	// What an app of before has said may not have ended in a newline.
	host_say(ctl, "\nstarina-host 1 %s", ctl->nonce);
	clients_tell(ctl);
}

// --- From the host -------------------------------------------------------------------------------

// Takes a decimal number and a blank off the front.
static bool number_take(struct span *rest, uint32_t *number)
{
	uint64_t value;

	if (!decimal_take(rest, UINT32_MAX, &value))
		return false;
	*number = (uint32_t)value;
	if (rest->len > 0 && rest->data[0] == ' ')
		*rest = span_make(rest->data + 1, rest->len - 1);
	return true;
}

static void line_take(struct hostctl *ctl, struct span line)
{
	uint32_t id = 0, port = 0;

	if (span_take_prefix(&line, "sync ")) {
		if (!ctl->synced && span_is(line, ctl->nonce)) {
			ctl->synced = true;
			wall_ask(ctl);
		}
		return;
	}
	if (!ctl->synced)
		return;
	if (span_is(line, "stop"))
		power_stop(ctl);
	else if (span_take_prefix(&line, "time "))
		wall_take(ctl, line);
	else if (span_take_prefix(&line, "ok ") && number_take(&line, &id) &&
	         number_take(&line, &port))
		clients_answer(ctl, id, port, (struct span){ 0 }, true);
	else if (span_take_prefix(&line, "error ") && number_take(&line, &id))
		clients_answer(ctl, id, 0, line, false);
}

static void bytes_take(struct hostctl *ctl, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.data[i] != '\n') {
			if (ctl->line_len < sizeof(ctl->line))
				ctl->line[ctl->line_len++] = (char)bytes.data[i];
			else
				ctl->overlong = true;
			continue;
		}
		if (!ctl->overlong)
			line_take(ctl,
			          (struct span){ .data = (const uint8_t *)ctl->line,
			                         .len = ctl->line_len });
		ctl->line_len = 0;
		ctl->overlong = false;
	}
}

// --- The port ------------------------------------------------------------------------------------

static void port_message(struct loop *loop, struct source *source, struct message *m)
{
	struct hostctl *ctl = source->context;
	struct payload payload;

	(void)loop;
	if (payload_open(m, &payload) == 0) {
		bytes_take(ctl, payload.bytes);
		payload_release(&payload);
	}
	message_discard(m);
}

static void port_closed(struct loop *loop, struct source *source)
{
	struct hostctl *ctl = source->context;

	loop_close(loop, source);
	ctl->open = false;
	port_open(ctl);
}

static const struct source_ops port_ops = { .message = port_message, .closed = port_closed };

static void port_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct hostctl *ctl = opener->context;

	(void)text;
	if (channel == HANDLE_NONE) {
		log_debug("run.sh serves no engine (%s)", error_text(error));
		process_exit(0);
	}
	error = loop_add(&ctl->loop, &ctl->port, channel, &port_ops, ctl);
	if (error != 0) {
		log_error("the port of the console cannot be used: %s", error_text(error));
		process_exit(1);
	}
	ctl->open = true;
	hello(ctl);
}

static void port_open(struct hostctl *ctl)
{
	opener_start(&ctl->opener, &ctl->loop, ctl->console, "console:" ENGINE_HOST_PORT,
	             port_opened, ctl);
}

static void hostctl_main(const struct environ *env)
{
	struct hostctl *ctl = &hostctl;
	error_t err = loop_init(&ctl->loop);

	ctl->system = environ_system(env);
	ctl->console = environ_connector(env, "console");
	ctl->unmount = environ_connector(env, "unmount");
	if (err == 0)
		err = clients_init(ctl, environ_service(env, "host"));
	if (err != 0) {
		log_error("cannot provide \"host\": %s", error_text(err));
		process_exit(1);
	}
	port_open(ctl);
	loop_run(&ctl->loop);
}

APP(hostctl, .main = hostctl_main, .restart = RESTART_ON_FAULT, .provides = { "host" },
    .needs = {
	    { .kind = NEED_SERVICE, .name = "console" },
	    { .kind = NEED_SERVICE, .name = "unmount", .optional = 1 },
	    { .kind = NEED_SYSTEM, .name = "system" },
    });
