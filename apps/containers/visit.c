// SPDX-License-Identifier: MIT
#include "apps/containers/visit.h"

#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define SIGNAL_KILL 9u
// docker cp asks what is there before it copies.
#define IDLE_TIME (3 * NSEC_PER_SEC)

bool container_is_hidden(const struct container *c)
{
	return c->job != 0 || c->is_visit;
}

static void end(struct container *visit)
{
	if (!visit->killed)
		container_signal_send(visit, SIGNAL_KILL);
}

static void idle_signalled(struct loop *loop, struct source *source)
{
	struct container *visit = source->context;
	error_t err = timer_set(source->handle, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	end(visit);
}

static const struct source_ops idle_ops = { .signalled = idle_signalled };

// Folders of the host and volumes, as the container has them; memory has nothing in it.
static error_t add_mounts(struct container *visit, const struct container *c)
{
	error_t err = 0;

	for (size_t i = 0; i < c->mounts.count && err == 0; i++) {
		struct mount mount = c->mounts.items[i];

		// They do not go with the visit.
		mount.anonymous = false;
		mount.number = 0;
		if (mount.kind <= MOUNT_VOLUME)
			err = mount_list_copy(&visit->mounts, &mount);
	}
	return err;
}

// The image, the layer and the mounts are the container's; its network is any.
static error_t set_up(struct container *visit, struct container *c)
{
	struct settings *s = &visit->settings;
	char error[SETTINGS_ERROR_MAX];
	handle_t timer;
	error_t err = timer_create(&timer);

	if (err < 0)
		return err;
	err = loop_add(&c->all->loop, &visit->visit_source, timer, &idle_ops, visit);
	if (err < 0) {
		handle_close(timer);
		return err;
	}
	visit->is_visit = true;
	visit->visited = c;
	memcpy(visit->id, c->id, sizeof(visit->id));
	str_copy(visit->id_text, c->id_text, sizeof(visit->id_text));
	str_copy(visit->image_id, c->image_id, sizeof(visit->image_id));
	visit->created_at = c->created_at;
	visit->started_at = c->started_at;
	s->image = string_copy(c->settings.image);
	s->read_only = c->settings.read_only;
	s->layer_size = c->settings.layer_size;
	s->auto_remove = s->has_cmd = true;
	err = s->image != NULL ? string_list_add(&s->cmd, "visit") : ERR_NO_MEMORY;
	if (err == 0)
		err = add_mounts(visit, c);
	return err == 0 ? endpoints_make(visit, error) : err;
}

static void discard(struct container *visit)
{
	if (visit->is_visit)
		loop_close(&visit->all->loop, &visit->visit_source);
	container_discard(visit);
}

struct container *visit_get(struct container *c)
{
	struct container *visit = c->visitor;

	if (visit != NULL) {
		error_t err = timer_set(visit->visit_source.handle, NSEC_NEVER);

		assert(err == 0);
		return visit;
	}
	visit = heap_alloc(sizeof(*visit));
	if (visit == NULL)
		return NULL;
	container_init(visit, c->all);
	if (set_up(visit, c) < 0) {
		discard(visit);
		return NULL;
	}
	c->visitor = visit;
	list_push_back(&c->all->jobs, &visit->entry);
	container_begin(visit);
	return c->visitor;
}

void visit_started(struct container *visit)
{
	if (visit->visited != NULL)
		archive_go_on(visit->visited);
}

void visit_idle(struct container *visit)
{
	error_t err = timer_set(visit->visit_source.handle, monotonic_time() + IDLE_TIME);

	assert(err == 0);
}

bool visit_is_over(struct container *c)
{
	struct container *visit = c->visitor;

	if (visit == NULL)
		return true;
	// One that has not got its order ends at once, and must not call back from within.
	if (visit->vmm == NULL || !visit->vmm->order_sent) {
		archive_fail_all(c, "it is being started");
		visit_forget(c);
		return true;
	}
	end(visit);
	return false;
}

void visit_ended(struct container *visit)
{
	struct container *c = visit->visited;

	loop_close(&visit->all->loop, &visit->visit_source);
	if (c == NULL)
		return;
	c->visitor = NULL;
	archive_fail_all(c, visit->error[0] != '\0' ? visit->error : "it could not be looked into");
	if (c->state == CONTAINER_RUNNING && c->vmm != NULL && c->vmm->connected &&
	    c->vmm->vm == VMM_IDLE && !c->vmm->order_sent)
		container_order(c);
}

void visit_forget(struct container *c)
{
	struct container *visit = c->visitor;

	if (visit == NULL)
		return;
	c->visitor = NULL;
	visit->visited = NULL;
	end(visit);
}
