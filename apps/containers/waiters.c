// SPDX-License-Identifier: MIT
//
// Requests that are answered once something has become of their container.
#include "apps/containers/containers.h"
#include "libs/starina/alloc.h"

bool waiter_add(struct container *c, const struct request *request, enum waiter_kind kind,
                enum wait_condition condition, bool removes, bool restarts)
{
	struct waiter *waiter = heap_alloc(sizeof(*waiter));

	if (waiter == NULL) {
		reply_error(request->client, request->id, 500, "out of memory");
		return false;
	}
	*waiter = (struct waiter){ .client = request->client,
		                   .id = request->id,
		                   .minor = request->minor,
		                   .kind = kind,
		                   .condition = condition,
		                   .removes = removes,
		                   .restarts = restarts };
	list_push_back(&c->waiters, &waiter->entry);
	return true;
}

static void waiter_free(struct waiter *waiter)
{
	list_remove(&waiter->entry);
	heap_free(waiter);
}

// What they asked for is done all the same; only the answer is not.
void waiters_drop(struct containers *all, const struct client *client, uint32_t id)
{
	list_for_each(entry, &all->containers) {
		struct container *c = container_of(entry, struct container, entry);

		list_for_each_safe(pos, &c->waiters)
		{
			struct waiter *waiter = container_of(pos, struct waiter, entry);

			if (waiter->client != client || (id != 0 && waiter->id != id))
				continue;
			if (waiter->removes || waiter->restarts)
				waiter->client = NULL;
			else
				waiter_free(waiter);
		}
		exec_waiters_drop(c, client, id);
		query_waiters_drop(c, client, id);
		archive_waiters_drop(c, client, id);
	}
	stats_waiters_drop(all, client, id);
	creations_drop(all, client, id);
	commit_waiters_drop(all, client, id);
	volume_sizes_drop(all, client, id);
}

// How it has ended, and what was wrong. Of a start with --rm the client would say that twice, and
// end with 125.
static void answer_wait(const struct container *c, const struct waiter *waiter)
{
	bool has_error = c->error[0] != '\0' &&
		(waiter->condition != WAIT_REMOVED || !c->start_failed);
	struct json_writer w = { 0 };

	json_write_raw(&w, "{\"StatusCode\":");
	json_write_i64(&w, c->exit_code);
	if (has_error) {
		json_write_raw(&w, ",\"Error\":{\"Message\":");
		json_write_string(&w, c->error);
		json_write_raw(&w, "}");
	} else if (waiter->minor < NO_ERROR_SINCE) {
		json_write_raw(&w, ",\"Error\":null");
	}
	json_write_raw(&w, "}");
	reply_json(waiter->client, waiter->id, 200, &w);
}

void waiters_started(struct container *c)
{
	bool restarted = false;

	list_for_each_safe(pos, &c->waiters)
	{
		struct waiter *waiter = container_of(pos, struct waiter, entry);

		if (waiter->kind != WAITER_START)
			continue;
		restarted = restarted || waiter->restarts;
		reply_empty(waiter->client, waiter->id, 204, 0);
		waiter_free(waiter);
	}
	if (restarted)
		events_container(c, "restart", NULL);
}

// Docker says 400 for what the command is to blame for, 500 else.
void waiters_not_started(struct container *c)
{
	uint32_t status = c->exit_code == 126 || c->exit_code == 127 ? 400 : 500;
	bool has_order = c->provision.done;

	list_for_each_safe(pos, &c->waiters)
	{
		struct waiter *waiter = container_of(pos, struct waiter, entry);

		if (waiter->kind != WAITER_START)
			continue;
		reply_error(waiter->client, waiter->id, status, "%s%s",
		            has_order ? "failed to create task for container: " : "",
		            c->error[0] != '\0' ? c->error : "it was killed before it ran");
		waiter_free(waiter);
	}
}

void waiters_ended(struct container *c, bool *removes, bool *restarts)
{
	bool stopped = false;

	list_for_each_safe(pos, &c->waiters)
	{
		struct waiter *waiter = container_of(pos, struct waiter, entry);

		if (waiter->kind == WAITER_WAIT) {
			if (waiter->condition == WAIT_REMOVED)
				continue;
			answer_wait(c, waiter);
		} else {
			bool stops = waiter->kind == WAITER_STOP && !waiter->removes;

			*removes = *removes || waiter->removes;
			if (stops && !stopped)
				events_container(c, "stop", NULL);
			stopped = stopped || stops;
			if (waiter->restarts) {
				*restarts = true;
				waiter->kind = WAITER_START;
				continue;
			}
			reply_empty(waiter->client, waiter->id, 204, 0);
		}
		waiter_free(waiter);
	}
}

void waiters_removed(struct container *c)
{
	list_for_each_safe(pos, &c->waiters)
	{
		struct waiter *waiter = container_of(pos, struct waiter, entry);

		if (waiter->kind == WAITER_WAIT)
			answer_wait(c, waiter);
		else
			reply_empty(waiter->client, waiter->id, 204, 0);
		waiter_free(waiter);
	}
}
