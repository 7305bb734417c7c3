// SPDX-License-Identifier: MIT
//
// What clients ask to be done. Texts are Docker's: people search for them.
#include "apps/containers/containers.h"
#include "apps/containers/signal_text.h"
#include "apps/containers/exec_settings.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define MAX_STOP_SECONDS 1000000000

static void done(struct request *request)
{
	reply_empty(request->client, request->id, 204, 0);
}

// --- Start, stop, kill ---------------------------------------------------------------------------

// Whether containers can be started now; the request is answered otherwise.
static bool can_start(struct request *request)
{
	if (request->all->stopping)
		request_refuse(request, 503, "the machine is going off");
	else if (!request->all->has_hypervisor)
		request_refuse(
			request, 500,
			"this machine has no hypervisor extension (H), so it cannot run Linux containers");
	else
		return true;
	return false;
}

bool operation_can_reach(struct request *request, const struct container *c)
{
	if (c->vmm == NULL || !c->vmm->order_sent || c->vmm->connected)
		return true;
	request_refuse(request, 503, "container %s is not reachable yet: try again", c->id_text);
	return false;
}

void operation_start(struct request *request)
{
	struct container *c = operation_find(request);

	if (c == NULL)
		return;
	if (c->paused) {
		request_refuse(request, 409,
		               "cannot start a paused container, try unpause instead");
	} else if ((c->state == CONTAINER_RUNNING && c->started) || policy_waits(c)) {
		reply_empty(request->client, request->id, 304, 0);
	} else if (can_start(request) &&
	           waiter_add(c, request, WAITER_START, WAIT_NOT_RUNNING, false, false)) {
		policy_started_by_user(c);
		if (c->state != CONTAINER_RUNNING)
			container_begin(c);
	}
}

// Seconds to the kill; false, and the request was answered, when it says nonsense.
static bool stop_seconds(struct request *request, const struct container *c, int64_t *out)
{
	char *text = query_take(request, "t");
	bool is_set = text != NULL && text[0] != '\0';

	heap_free(text);
	*out = c->settings.has_stop_timeout ? c->settings.stop_timeout : DEFAULT_STOP_SECONDS;
	if (!is_set)
		return true;
	if (query_number(request, "t", out) && *out <= MAX_STOP_SECONDS)
		return true;
	request_refuse(request, 400, "t is a number of seconds, a negative one without an end");
	return false;
}

// The signal that is to stop it, its own if the request names none; false, and the request was
// answered, when there is none of that name.
static bool stop_signal(struct request *request, const struct container *c, uint32_t *out)
{
	char *text = query_take(request, "signal");

	*out = text != NULL && text[0] != '\0' ? signal_read(text) : container_stop_signal(c);
	if (*out == 0)
		request_refuse(request, 400, "invalid signal: %s", text);
	heap_free(text);
	return *out != 0;
}

// What a container with --rm has written is there after a restart, too. One that has ended by then
// has what it would have after a power cut.
static void keep_layer(struct container *c)
{
	if ((layer_flags(c) & VMM_SCRATCH) != 0 && c->started &&
	    query_ask(c, VMM_QUERY_KEEP, 0, NULL, 0, NULL, NULL) < 0)
		log_debug("%s may lose what it has not synced", c->name);
}

void operation_stop(struct request *request, bool restarts)
{
	struct container *c = operation_find(request);
	uint32_t number;
	int64_t seconds;

	if (c == NULL || !stop_seconds(request, c, &seconds) || !stop_signal(request, c, &number))
		return;
	if (c->state != CONTAINER_RUNNING) {
		if (!restarts) {
			reply_empty(request->client, request->id, policy_waits(c) ? 204 : 304, 0);
			policy_stopped_by_user(c);
		} else if (can_start(request) &&
		           waiter_add(c, request, WAITER_START, WAIT_NOT_RUNNING, false, false)) {
			policy_started_by_user(c);
			container_begin(c);
		}
		return;
	}
	if ((!restarts || can_start(request)) && operation_can_reach(request, c) &&
	    waiter_add(c, request, WAITER_STOP, WAIT_NOT_RUNNING, false, restarts)) {
		if (restarts) {
			policy_started_by_user(c);
			keep_layer(c);
		} else {
			policy_stopped_by_user(c);
		}
		container_stop(c, number, seconds);
	}
}

void operation_kill(struct request *request)
{
	struct container *c = operation_find(request);
	char *text = query_take(request, "signal");
	uint32_t number = text != NULL && text[0] != '\0' ? signal_read(text) : 9;
	bool good = c != NULL && number != 0 && container_is_active(c);

	if (c != NULL && number == 0)
		request_refuse(request, 400, "invalid signal: %s", text);
	else if (c != NULL && !good)
		request_refuse(request, 409,
		               "cannot kill container: %s: container %s is not running",
		               request->target, c->id_text);
	heap_free(text);
	if (!good || !operation_can_reach(request, c))
		return;
	// As with dockerd, what is killed for certain is dead when that is answered.
	if (number != 9 || c->state != CONTAINER_RUNNING)
		done(request);
	else if (!waiter_add(c, request, WAITER_KILL, WAIT_NOT_RUNNING, false, false))
		return;
	if (number == 9 || number == container_stop_signal(c))
		policy_stopped_by_user(c);
	if (c->state == CONTAINER_RUNNING)
		container_signal_send(c, number);
}

// --- Wait, remove --------------------------------------------------------------------------------

// Of the API's versions: those before wait for the end, without a head of the answer ahead.
#define CONDITIONS_SINCE 30u

void operation_wait(struct request *request)
{
	struct container *c = operation_find(request);
	enum wait_condition condition = WAIT_NOT_RUNNING;
	char *text;

	if (c == NULL)
		return;
	text = request->minor >= CONDITIONS_SINCE ? query_take(request, "condition") : NULL;
	if (text != NULL && strcmp(text, "next-exit") == 0)
		condition = WAIT_NEXT_EXIT;
	else if (text != NULL && strcmp(text, "removed") == 0)
		condition = WAIT_REMOVED;
	else if (text != NULL && text[0] != '\0' && strcmp(text, "not-running") != 0)
		condition = (enum wait_condition) - 1;
	if (condition == (enum wait_condition) - 1) {
		request_refuse(request, 400, "invalid condition: \"%s\"", text);
	} else if (condition == WAIT_NOT_RUNNING && !container_is_active(c)) {
		struct json_writer w = { 0 };

		json_write_raw(&w, "{\"StatusCode\":");
		json_write_i64(&w, c->exit_code);
		json_write_raw(&w, request->minor < NO_ERROR_SINCE ? ",\"Error\":null}" : "}");
		reply_json(request->client, request->id, 200, &w);
	} else if (waiter_add(c, request, WAITER_WAIT, condition, false, false) &&
	           request->minor >= CONDITIONS_SINCE) {
		reply_empty(request->client, request->id, CONTAINERS_ACCEPTED, 0);
	}
	heap_free(text);
}

void operation_remove(struct request *request)
{
	struct container *c;

	if (query_flag(request, "link")) {
		links_remove(request);
		return;
	}
	c = operation_find(request);
	if (c == NULL)
		return;
	if (container_is_active(c) && !query_flag(request, "force")) {
		request_refuse(
			request, 409,
			"cannot remove container \"/%s\": container is %s: stop the container "
			"before removing or force remove",
			c->name, policy_waits(c) ? "restarting" : "running");
		return;
	}
	c->removes_volumes = c->removes_volumes || query_flag(request, "v");
	if (c->state != CONTAINER_RUNNING) {
		container_remove(c);
		done(request);
		return;
	}
	if (operation_can_reach(request, c) &&
	    waiter_add(c, request, WAITER_STOP, WAIT_NOT_RUNNING, true, false))
		container_signal_send(c, 9);
}

// --- Streams -------------------------------------------------------------------------------------

bool container_attach(struct container *c, const struct msg_vmm_attach *order, handle_t channel)
{
	struct pending_attach attach = { .channel = channel, .order = *order };
	struct message m;
	error_t err;

	if (c->vmm != NULL && c->vmm->order_sent) {
		err = message_encode_vmm_attach(&m, order, NULL, 0);
		assert(err == 0);
		m.handles[0] = channel;
		m.num_handles = 1;
		(void)vmms_send(c->vmm, &m);
		return true;
	}
	if (c->num_attaches == MAX_PENDING_ATTACHES)
		return false;
	c->attaches[c->num_attaches++] = attach;
	return true;
}

// Streams of it now, after what was written before. Returns whether the request's channel was
// taken; the request was answered otherwise.
static bool attach(struct request *request, struct container *c, const struct msg_vmm_attach *order)
{
	if (query_flag(request, "logs"))
		return logs_attach(request, c, query_flag(request, "stream") ? order : NULL);
	if (container_attach(c, order, request->channel)) {
		request->channel = HANDLE_NONE;
		return true;
	}
	request_refuse(request, 409, "too many clients are attached to container %s", c->id_text);
	return false;
}

// The keys by which the client leaves; false, and the request was answered, when they are none.
static bool take_keys(struct request *request, const struct container *c,
                      struct vmm_detach_keys *out)
{
	char *text = query_take(request, "detachKeys");
	bool good = detach_keys_read(text, out);

	if (!good)
		request_refuse(request, 400, "Invalid detach keys (%.64s) provided", text);
	else if (!c->settings.tty)
		*out = (struct vmm_detach_keys){ 0 };
	heap_free(text);
	return good;
}

void operation_attach(struct request *request)
{
	struct container *c = operation_find(request);
	struct msg_vmm_attach order = {
		.flags = (query_flag(request, "stdin") ? VMM_ATTACH_STDIN : 0) |
			(query_flag(request, "stdout") ? VMM_ATTACH_STDOUT : 0) |
			(query_flag(request, "stderr") ? VMM_ATTACH_STDERR : 0),
	};

	if (c == NULL || !take_keys(request, c, &order.keys))
		return;
	if (request->channel == HANDLE_NONE) {
		request_refuse(request, 400, "attach needs a connection that can be upgraded");
		return;
	}
	if (c->state == CONTAINER_EXITED && !query_flag(request, "stream") &&
	    !query_flag(request, "logs")) {
		reply_empty(request->client, request->id, 200, CONTAINERS_STREAM);
		return;
	}
	if (!operation_can_reach(request, c) || !attach(request, c, &order))
		return;
	events_container(c, "attach", NULL);
	reply_empty(request->client, request->id, 200,
	            CONTAINERS_STREAM | (c->settings.tty ? CONTAINERS_TTY : 0));
}

bool operation_take_size(struct request *request, struct msg_vmm_resize *resize)
{
	int64_t rows = 0, columns = 0;

	if (!query_number(request, "h", &rows) || !query_number(request, "w", &columns) ||
	    rows < 0 || rows > UINT16_MAX || columns < 0 || columns > UINT16_MAX) {
		request_refuse(request, 400, "h and w are the terminal's rows and columns");
		return false;
	}
	resize->rows = (uint16_t)rows;
	resize->columns = (uint16_t)columns;
	return true;
}

void operation_resize(struct request *request)
{
	struct container *c = operation_find(request);
	struct msg_vmm_resize resize = { .process = 1 };
	char more[64];
	struct message m;
	error_t err;

	if (c == NULL || !operation_take_size(request, &resize))
		return;
	if (c->vmm == NULL || !c->vmm->order_sent) {
		request_refuse(request, 409, "container %s is not running", c->id_text);
		return;
	}
	if (!operation_can_reach(request, c))
		return;
	err = message_encode_vmm_resize(&m, &resize, NULL, 0);
	assert(err == 0);
	(void)vmms_send(c->vmm, &m);
	fmt_write(more, sizeof(more), "\"height\":\"%d\",\"width\":\"%d\"", resize.rows,
	          resize.columns);
	events_container(c, "resize", more);
	reply_empty(request->client, request->id, 200, 0);
}
