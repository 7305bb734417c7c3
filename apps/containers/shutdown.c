// SPDX-License-Identifier: MIT
//
// The machine is to go off: all containers are stopped before, each with its own time to end.
#include "apps/containers/containers.h"
#include "libs/starina/environ.h"

// What the last one may take over its time.
#define SLACK_SECONDS 5

static int64_t stop_seconds(const struct container *c)
{
	// One that is never to be killed is, with the machine.
	return c->settings.has_stop_timeout && c->settings.stop_timeout >= 0
		? c->settings.stop_timeout
		: DEFAULT_STOP_SECONDS;
}

void shutdown_advance(struct containers *all)
{
	if (!all->stopping || all->stopped)
		return;
	list_for_each(entry, &all->containers) {
		if (container_of(entry, struct container, entry)->state == CONTAINER_RUNNING)
			return;
	}
	all->stopped = true;
	host_stopped(&all->host);
}

static void stop_all(void *context)
{
	struct containers *all = context;
	int64_t longest = 0;

	all->stopping = true;
	jobs_stop(all);
	list_for_each(entry, &all->containers) {
		const struct container *c = container_of(entry, struct container, entry);

		if (c->state == CONTAINER_RUNNING && stop_seconds(c) > longest)
			longest = stop_seconds(c);
	}
	host_stop_takes(&all->host, (uint32_t)longest + SLACK_SECONDS);
	list_for_each_safe(entry, &all->containers)
	{
		struct container *c = container_of(entry, struct container, entry);

		if (c->state == CONTAINER_RUNNING)
			container_stop(c, container_stop_signal(c), stop_seconds(c));
	}
	shutdown_advance(all);
}

static const struct host_ops host_callbacks = { .stop = stop_all };

error_t shutdown_init(struct containers *all)
{
	handle_t connector = environ_connector(all->env, "host");

	if (connector == HANDLE_NONE)
		return 0;
	return host_start(&all->host, &all->loop, connector, &host_callbacks, all);
}
