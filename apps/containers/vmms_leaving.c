// SPDX-License-Identifier: MIT
#include "apps/containers/vmms_leaving.h"

#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define LEAVE_DELAY (10 * NSEC_PER_SEC)
// Of people who read a container's last words a page at a time.
#define LEAVE_DELAY_CLIENTS (600 * NSEC_PER_SEC)

struct vmm_leaver {
	struct list entry;
	char app[APP_NAME_MAX];
	nsec_t patience;  // until then it may be on its way
	nsec_t deadline;
};

static struct vmm_leaver *find(const struct containers *all, const char *app)
{
	list_for_each(entry, &all->leaving.list) {
		struct vmm_leaver *leaver = container_of(entry, struct vmm_leaver, entry);

		if (strcmp(leaver->app, app) == 0)
			return leaver;
	}
	return NULL;
}

static void forget(struct vmm_leaver *leaver)
{
	list_remove(&leaver->entry);
	heap_free(leaver);
}

static void set_timer(struct containers *all)
{
	nsec_t next = NSEC_NEVER;
	error_t err;

	list_for_each(entry, &all->leaving.list) {
		nsec_t deadline = container_of(entry, struct vmm_leaver, entry)->deadline;

		next = deadline < next ? deadline : next;
	}
	err = timer_set(all->leaving.timer, next);
	assert(err == 0);
}

static void end(struct containers *all, struct vmm_leaver *leaver)
{
	log_warn("%s does not end by itself: it is ended", leaver->app);
	vmms_stop(all, leaver->app);
	forget(leaver);
}

static void signalled(struct loop *loop, struct source *source)
{
	struct containers *all = source->context;
	nsec_t now = monotonic_time();

	(void)loop;
	list_for_each_safe(entry, &all->leaving.list)
	{
		struct vmm_leaver *leaver = container_of(entry, struct vmm_leaver, entry);

		// Another app manager comes.
		if (leaver->deadline <= now && !all->has_manager)
			leaver->deadline = now + LEAVE_DELAY;
		else if (leaver->deadline <= now)
			end(all, leaver);
	}
	set_timer(all);
}

static const struct source_ops timer_ops = { .signalled = signalled };

error_t leaving_init(struct containers *all)
{
	error_t err;

	list_init(&all->leaving.list);
	err = timer_create(&all->leaving.timer);
	if (err == 0)
		err = loop_add(&all->loop, &all->leaving.source, all->leaving.timer, &timer_ops,
		               all);
	return err;
}

void leaving_add(struct containers *all, const char *app, bool has_clients)
{
	struct vmm_leaver *leaver;
	nsec_t now = monotonic_time();

	if (app[0] == '\0' || find(all, app) != NULL)
		return;
	leaver = heap_alloc(sizeof(*leaver));
	if (leaver == NULL) {
		vmms_stop(all, app);
		return;
	}
	str_copy(leaver->app, app, sizeof(leaver->app));
	leaver->patience = now + LEAVE_DELAY;
	leaver->deadline = has_clients ? now + LEAVE_DELAY_CLIENTS : leaver->patience;
	list_push_back(&all->leaving.list, &leaver->entry);
	set_timer(all);
}

bool leaving_ended(struct containers *all, const char *app)
{
	struct vmm_leaver *leaver = find(all, app);

	if (leaver == NULL)
		return false;
	forget(leaver);
	set_timer(all);
	return true;
}

size_t leaving_count(const struct containers *all)
{
	size_t num = 0;

	list_for_each(entry, &all->leaving.list)
		num++;
	return num;
}

bool leaving_hurry(struct containers *all)
{
	struct vmm_leaver *first;
	nsec_t now = monotonic_time();

	if (list_is_empty(&all->leaving.list))
		return false;
	first = container_of(all->leaving.list.next, struct vmm_leaver, entry);
	if (first->patience > now || !all->has_manager)
		return false;
	end(all, first);
	set_timer(all);
	return true;
}
