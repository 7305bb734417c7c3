// SPDX-License-Identifier: MIT
//
// Takes apps from the host, over a port of the console device, to the app manager: what `make push`
// and `./run.sh --app` bring. One request at a time.
#include "apps/push/input.h"
#include "libs/abi/apps.h"
#include "libs/abi/console.h"
#include "libs/abi/folio.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/base/text.h"
#include "libs/loader/loader.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/opener.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define PORT_URI "console:" CONSOLE_PORT_APPS

enum request_state {
	REQUEST_NONE,
	REQUEST_COMES,    // its file does
	REQUEST_REFUSED,  // was answered, and its file is left out
	REQUEST_WAITS,    // for the app manager
	REQUEST_SENT,     // to it
};

struct push {
	struct loop loop;
	handle_t console;
	struct opener opener;
	struct source port;
	struct push_input input;
	struct service_client client;
	struct source manager;
	bool connected;

	// The request in hand.
	enum request_state state;
	struct push_request request;
	handle_t folio;  // of its file; HANDLE_NONE: none
	uint8_t *file;
	uint64_t filled;
	uint32_t sent_id;  // of the newest request to the manager
};

static struct push push;

static void port_open(void);

// Without memory to listen to others there is nothing to do but to begin anew.
static void end_if_failed(error_t err)
{
	if (err == 0)
		return;
	log_error("cannot go on: %s", error_text(err));
	process_exit(1);
}

static void folio_drop(void)
{
	if (push.folio != HANDLE_NONE)
		handle_close(push.folio);
	push.folio = HANDLE_NONE;
	push.file = NULL;
}

// --- To the host --------------------------------------------------------------------------------

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A line is inline in its message: it needs no memory. The host reads all of them.
static void say(const char *format, ...)
{
	char line[MSG_DATA_INLINE_MAX];
	struct message m;
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vline(line, sizeof(line), format, args);
	va_end(args);
	if (payload_make(&m, line, len) == 0 && channel_send(push.port.handle, &m) != 0)
		message_discard(&m);
}

static void answer(const char *word, const char *text)
{
	char shown[APPS_TEXT_MAX + 1];

	// Nothing in it ends the line.
	text_copy_visible(shown, text, strnlen(text, APPS_TEXT_MAX));
	say("%s %u %s", word, push.request.id, shown);
	folio_drop();
	push.state = REQUEST_NONE;
}

// The host begins anew: what it said so far, and what of it is still on its way, means nothing.
static void hello(void)
{
	char nonce[PUSH_NONCE_SIZE];
	uint64_t number = 0;
	error_t err = random_get(&number, sizeof(number));

	assert(err == 0);
	fmt_write(nonce, sizeof(nonce), "%016llx", (unsigned long long)number);
	folio_drop();
	push.state = REQUEST_NONE;
	push_input_sync(&push.input, nonce);
	say("starina-apps 1 %s", nonce);
}

// --- To the app manager -------------------------------------------------------------------------

static void request_send(void)
{
	struct msg_apps_load load = {
		.id = ++push.sent_id,
		.flags = APPS_LOAD_START | (push.request.replaces ? APPS_LOAD_REPLACE : 0),
		.size = push.request.size,
	};
	struct message m;
	error_t err;

	push.state = REQUEST_WAITS;
	if (!push.connected)
		return;
	err = message_encode_apps_load(&m, &load, NULL, 0);
	assert(err == 0);
	m.handles[0] = push.folio;
	m.num_handles = 1;
	err = channel_send(push.manager.handle, &m);
	if (err == ERR_PEER_CLOSED)
		return;  // once more when it is there again
	if (err != 0) {
		answer("error", error_text(err));
		return;
	}
	push.folio = HANDLE_NONE;
	push.file = NULL;
	push.state = REQUEST_SENT;
}

static void manager_message(struct loop *loop, struct source *source, struct message *m)
{
	struct msg_apps_result result;
	char text[APPS_TEXT_MAX + 1];
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	(void)source;
	if (message_decode_apps_result(m, &result, &tail, &tail_len) == 0 &&
	    push.state == REQUEST_SENT && result.id == push.sent_id) {
		if (tail_len > APPS_TEXT_MAX)
			tail_len = APPS_TEXT_MAX;
		memcpy(text, tail, tail_len);
		text[tail_len] = '\0';
		answer(result.error == 0 ? "ok" : "error",
		       tail_len > 0                ? text
		               : result.error == 0 ? "done"
		                                   : error_text(result.error));
	}
	message_discard(m);
}

static void manager_closed(struct loop *loop, struct source *source)
{
	loop_close(loop, source);
	push.connected = false;
	if (push.state == REQUEST_SENT)
		answer("error", "the app manager ended while it had this app: push it again");
	end_if_failed(service_client_again(&push.client));
}

static const struct source_ops manager_ops = {
	.message = manager_message,
	.closed = manager_closed,
};

static void manager_connected(void *context, handle_t channel)
{
	(void)context;
	end_if_failed(loop_add(&push.loop, &push.manager, channel, &manager_ops, NULL));
	push.connected = true;
	if (push.state == REQUEST_WAITS)
		request_send();
}

// --- From the host ------------------------------------------------------------------------------

static void request_begin(void)
{
	const struct push_request *request = &push.input.request;
	void *file;
	error_t err;

	push.request = *request;
	push.filled = 0;
	if (request->size == 0 || request->size > APP_FILE_MAX) {
		answer("error", "this is not the size of an app");
		push.state = request->size > 0 ? REQUEST_REFUSED : REQUEST_NONE;
		return;
	}
	err = folio_create((size_t)request->size, FOLIO_CONTIGUOUS, &push.folio);
	if (err == 0)
		err = folio_map(push.folio, PROT_READ | PROT_WRITE, &file);
	if (err != 0) {
		answer("error", error_text(err));
		push.state = REQUEST_REFUSED;
		return;
	}
	push.file = file;
	push.state = REQUEST_COMES;
}

static void request_fill(void)
{
	struct span bytes = push.input.bytes;

	if (push.state == REQUEST_COMES)
		memcpy(push.file + push.filled, bytes.data, bytes.len);
	push.filled += bytes.len;
	if (push.filled < push.request.size)
		return;
	if (push.state == REQUEST_COMES)
		request_send();
	else
		push.state = REQUEST_NONE;
}

static void input_take(struct span rest)
{
	enum push_event event;

	while ((event = push_input_take(&push.input, &rest)) != PUSH_MORE) {
		if (event == PUSH_BYTES) {
			request_fill();
		} else if (event == PUSH_REQUEST && push.state == REQUEST_NONE) {
			request_begin();
		} else {
			log_warn("the host broke the protocol of port " CONSOLE_PORT_APPS);
			hello();
			return;
		}
	}
}

static void port_lost(void)
{
	loop_close(&push.loop, &push.port);
	folio_drop();
	push.state = REQUEST_NONE;
	port_open();
}

static void port_message(struct loop *loop, struct source *source, struct message *m)
{
	struct payload payload;

	(void)loop;
	(void)source;
	if (m->type == MSG_END) {
		hello();  // for the host that comes next
	} else if (payload_open(m, &payload) == 0) {
		input_take(payload.bytes);
		payload_release(&payload);
	} else if (m->type == MSG_DATA) {
		// Bytes are missing from here on.
		hello();
	}
	message_discard(m);
}

static void port_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	(void)source;
	port_lost();
}

static const struct source_ops port_ops = {
	.message = port_message,
	.closed = port_closed,
};

static void port_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	(void)opener;
	if (channel == HANDLE_NONE) {
		log_info("takes no apps from the host: %s (%s)", text, error_text(error));
		process_exit(0);
	}
	end_if_failed(loop_add(&push.loop, &push.port, channel, &port_ops, NULL));
	hello();
}

static void port_open(void)
{
	opener_start(&push.opener, &push.loop, push.console, PORT_URI, port_opened, NULL);
}

static void push_main(const struct environ *env)
{
	end_if_failed(loop_init(&push.loop));
	push.console = environ_connector(env, "console");
	end_if_failed(service_client_start(&push.loop, &push.client, environ_connector(env, "apps"),
	                                   manager_connected, NULL));
	port_open();
	loop_run(&push.loop);
}

APP(push, .main = push_main, .restart = RESTART_ON_FAULT,
    .needs = {
	    { .kind = NEED_SERVICE, .name = "console" },
	    { .kind = NEED_SERVICE, .name = "apps" },
    });
