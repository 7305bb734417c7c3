// SPDX-License-Identifier: MIT
//
// Pausing: all processes of a container stand still in its guest, and go on where they were. That
// it is so its vmm says, which knows it over a restart of this app.
#include "apps/containers/containers.h"
#include "libs/starina/log.h"

static void freeze_done(const struct query_answer *answer, const char *action)
{
	if (answer->error < 0) {
		reply_error(answer->client, answer->request, 500, "Cannot %s container %s: %s",
		            action, answer->c->id_text, answer->text);
		return;
	}
	events_container(answer->c, action, NULL);
	reply_empty(answer->client, answer->request, 204, 0);
}

static void pause_done(void *context, const struct query_answer *answer)
{
	(void)context;
	answer->c->is_pausing = false;
	freeze_done(answer, "pause");
}

static void unpause_done(void *context, const struct query_answer *answer)
{
	(void)context;
	freeze_done(answer, "unpause");
}

static bool can_be_told(struct request *request, const struct container *c)
{
	if (c->state == CONTAINER_RUNNING && c->started)
		return operation_can_reach(request, c);
	reply_error(request->client, request->id, 409, "Container %s is not running", c->id_text);
	return false;
}

void operation_pause(struct request *request)
{
	struct container *c = operation_find(request);
	error_t err;

	if (c == NULL || !can_be_told(request, c))
		return;
	if (c->paused || c->is_pausing) {
		reply_error(request->client, request->id, 409, "Container %s is already paused",
		            c->id_text);
		return;
	}
	err = query_ask(c, VMM_QUERY_FREEZE, 1, request->client, request->id, pause_done, NULL);
	if (err < 0)
		reply_error(request->client, request->id, 500, "Cannot pause container %s: %s",
		            c->id_text, error_text(err));
	else
		c->is_pausing = true;
}

void operation_unpause(struct request *request)
{
	struct container *c = operation_find(request);
	error_t err;

	if (c == NULL || !can_be_told(request, c))
		return;
	if (!c->paused) {
		reply_error(request->client, request->id, 409, "Container %s is not paused",
		            c->id_text);
		return;
	}
	err = query_ask(c, VMM_QUERY_FREEZE, 0, request->client, request->id, unpause_done, NULL);
	if (err < 0)
		reply_error(request->client, request->id, 500, "Cannot unpause container %s: %s",
		            c->id_text, error_text(err));
}

void pause_lift(struct container *c)
{
	if (!c->paused && !c->is_pausing)
		return;
	if (query_ask(c, VMM_QUERY_FREEZE, 0, NULL, 0, unpause_done, NULL) < 0)
		log_warn("container %s, which is paused, is not told to go on", c->name);
}
