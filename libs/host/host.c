// SPDX-License-Identifier: MIT
#include "libs/host/host.h"

#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static void stop_send(struct host *host, enum host_stop kind, uint32_t seconds)
{
	struct msg_host_stop stop = { .kind = kind, .seconds = seconds };
	struct message m;

	if (!host->connected)
		return;  // when it is
	if (message_encode_host_stop(&m, &stop, NULL, 0) == 0 &&
	    channel_send(host->source.handle, &m) != 0)
		message_discard(&m);
}

// --- Requests ------------------------------------------------------------------------------------

// A message of the request. Errors: payload_copy's.
static error_t call_encode(const struct host_call *call, struct message *m)
{
	struct msg_host_bind bind = { .id = call->request.id,
		                      .flags = call->request.flags,
		                      .length = (uint32_t)call->path.len };
	error_t err;

	if (call->path.len == 0)
		return message_encode_host_publish(m, &call->request, NULL, 0);
	if (call->path.len <= MESSAGE_MAX_DATA - sizeof(bind))
		return message_encode_host_bind(m, &bind, call->path.data, call->path.len);
	err = message_encode_host_bind(m, &bind, NULL, 0);
	if (err == 0)
		err = payload_copy(call->path.data, call->path.len, &m->handles[0]);
	if (err == 0)
		m->num_handles = 1;
	return err;
}

// The provider answers each before more than HOST_MAX_ASKED are on their way: its queue is never
// full.
static void calls_send(struct host *host)
{
	while (host->connected && host->num_asked < HOST_MAX_ASKED &&
	       !list_is_empty(&host->waiting)) {
		struct list *entry = list_pop_front(&host->waiting);
		struct host_call *call = container_of(entry, struct host_call, entry);
		struct message m;
		error_t err;

		call->request.id = ++host->last_id;
		err = call_encode(call, &m);
		if (err != 0) {
			call->done(call, err, 0, (struct span){ 0 });
			continue;
		}
		list_push_back(&host->asked, &call->entry);
		host->num_asked++;
		if (channel_send(host->source.handle, &m) != 0)
			message_discard(&m);  // its end comes
	}
}

static void call_add(struct host *host, struct host_call *call, uint16_t protocol,
                     const uint8_t address[4], uint16_t host_port)
{
	call->request = (struct msg_host_publish){ .protocol = protocol, .host_port = host_port };
	memcpy(call->request.host, address, sizeof(call->request.host));
	call->path = (struct span){ 0 };
	list_push_back(&host->waiting, &call->entry);
}

void host_publish(struct host *host, struct host_call *call, uint16_t protocol,
                  const uint8_t address[4], uint16_t host_port, const uint8_t target[4],
                  uint16_t port)
{
	call_add(host, call, protocol, address, host_port);
	memcpy(call->request.address, target, sizeof(call->request.address));
	call->request.port = port;
	calls_send(host);
}

void host_unpublish(struct host *host, struct host_call *call, uint16_t protocol,
                    const uint8_t address[4], uint16_t host_port)
{
	call_add(host, call, protocol, address, host_port);
	call->request.flags = HOST_UNPUBLISH;
	calls_send(host);
}

void host_bind(struct host *host, struct host_call *call, struct span path, bool make)
{
	call->request = (struct msg_host_publish){ .flags = make ? HOST_BIND_MAKE : 0 };
	call->path = path;
	list_push_back(&host->waiting, &call->entry);
	calls_send(host);
}

static bool is_asked(const struct host *host, const struct host_call *call)
{
	list_for_each(entry, &host->asked)
		if (entry == &call->entry)
			return true;
	return false;
}

void host_cancel(struct host *host, struct host_call *call)
{
	if (is_asked(host, call))
		host->num_asked--;
	list_remove(&call->entry);
	calls_send(host);
}

static void result_take(struct host *host, const struct msg_host_result *result, struct span text)
{
	list_for_each_safe(entry, &host->asked)
	{
		struct host_call *call = container_of(entry, struct host_call, entry);

		if (call->request.id != result->id)
			continue;
		list_remove(&call->entry);
		host->num_asked--;
		call->done(call, result->error, result->value, text);
		calls_send(host);
		return;
	}
}

// --- The end -------------------------------------------------------------------------------------

void host_stop_takes(struct host *host, uint32_t seconds)
{
	host->stop_seconds = seconds;
	stop_send(host, HOST_STOP_SECONDS, seconds);
}

void host_stopped(struct host *host)
{
	host->stopped = true;
	stop_send(host, HOST_STOP_DONE, 0);
}

// A provider that restarted is asked by the host once more, and asks us.
static void stop_take(struct host *host)
{
	if (host->stopped) {
		stop_send(host, HOST_STOP_DONE, 0);
	} else if (host->stopping) {
		if (host->stop_seconds > 0)
			stop_send(host, HOST_STOP_SECONDS, host->stop_seconds);
	} else {
		host->stopping = true;
		host->ops->stop(host->context);
	}
}

// --- The connection ------------------------------------------------------------------------------

static void message_take(struct loop *loop, struct source *source, struct message *m)
{
	struct host *host = source->context;
	struct msg_host_result result;
	struct msg_host_stop stop;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (message_decode_host_result(m, &result, &tail, &tail_len) == 0)
		result_take(host, &result, (struct span){ .data = tail, .len = tail_len });
	else if (message_decode_host_stop(m, &stop, &tail, &tail_len) == 0 &&
	         stop.kind == HOST_STOP_NOW && host->ops->stop != NULL)
		stop_take(host);
	message_discard(m);
}

static void closed(struct loop *loop, struct source *source)
{
	struct host *host = source->context;
	struct list *entry;

	loop_close(loop, source);
	host->connected = false;
	host->num_asked = 0;
	// In their order, before those that were not asked yet.
	while (!list_is_empty(&host->asked)) {
		entry = host->asked.prev;
		list_remove(entry);
		list_push_front(&host->waiting, entry);
	}
	if (service_client_again(&host->client) != 0)
		log_error("cannot connect to \"host\" again");
}

static const struct source_ops source_ops = { .message = message_take, .closed = closed };

static void connected(void *context, handle_t channel)
{
	struct host *host = context;

	if (loop_add(host->loop, &host->source, channel, &source_ops, host) != 0) {
		log_error("cannot follow \"host\"");
		handle_close(channel);
		return;
	}
	host->connected = true;
	if (host->ops->stop != NULL)
		stop_send(host, HOST_STOP_WATCH, 0);
	calls_send(host);
}

error_t host_start(struct host *host, struct loop *loop, handle_t connector,
                   const struct host_ops *ops, void *context)
{
	*host = (struct host){ .ops = ops, .context = context, .loop = loop };
	list_init(&host->waiting);
	list_init(&host->asked);
	return service_client_start(loop, &host->client, connector, connected, host);
}
