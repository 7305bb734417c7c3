// SPDX-License-Identifier: MIT
//
// Restart policies: whether a container starts again when it has ended, when, and how that is kept
// over this app and the machine. A container that waits for its next start is not running here (it
// has no virtual machine), but is for clients, as with dockerd.
#include "apps/containers/containers.h"
#include "apps/containers/settings_policy.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define DELAY_FIRST (100 * NSEC_PER_MSEC)
#define DELAY_MAX (60 * NSEC_PER_SEC)
// One that has run so long is begun afresh.
#define RAN_LONG (10 * NSEC_PER_SEC)

bool policy_waits(const struct container *c)
{
	return c->restart_timer != HANDLE_NONE;
}

bool policy_is_restarting(const struct container *c)
{
	return policy_waits(c) ||
		(c->state == CONTAINER_RUNNING && !c->started && c->starts_itself);
}

bool container_is_active(const struct container *c)
{
	return c->state == CONTAINER_RUNNING || policy_waits(c);
}

bool policy_restarts(const struct container *c)
{
	int64_t max = c->settings.restart_max;

	if (c->stopped_by_user || c->all->stopping)
		return false;
	switch (settings_policy(c->settings.restart_policy)) {
	case POLICY_ALWAYS:
	case POLICY_UNLESS_STOPPED: return true;
	case POLICY_ON_FAILURE:
		return c->exit_code != 0 && (max == 0 || (int64_t)c->restart_count < max);
	case POLICY_NO: break;
	}
	return false;
}

void policy_cancel(struct container *c)
{
	if (policy_waits(c))
		loop_close(&c->all->loop, &c->restart_source);
	c->restart_timer = HANDLE_NONE;
}

void policy_started_by_user(struct container *c)
{
	policy_cancel(c);
	c->stopped_by_user = c->starts_itself = false;
	c->restart_count = 0;
	c->restart_delay = 0;
}

// What it was told is on the disk before it has ended: the machine may go off in between.
void policy_stopped_by_user(struct container *c)
{
	if (!container_is_active(c))
		return;
	c->stopped_by_user = true;
	if (policy_waits(c))
		container_stays(c);
	else
		store_write(c);
}

static void restart_signalled(struct loop *loop, struct source *source)
{
	struct container *c = source->context;

	(void)loop;
	if (c->all->stopping) {
		container_stays(c);
		return;
	}
	policy_cancel(c);
	c->restart_count++;
	c->starts_itself = true;
	container_begin(c);
}

static const struct source_ops restart_ops = { .signalled = restart_signalled };

static nsec_t next_delay(const struct container *c)
{
	nsec_t ran = c->finished_at > c->started_at ? c->finished_at - c->started_at : 0;

	if (ran >= RAN_LONG || c->restart_delay == 0)
		return DELAY_FIRST;
	return c->restart_delay * 2 < DELAY_MAX ? c->restart_delay * 2 : DELAY_MAX;
}

// Sets the timer of its next start.
static void wait_for(struct container *c, nsec_t delay)
{
	error_t err;

	policy_cancel(c);
	err = timer_create(&c->restart_timer);
	if (err < 0) {
		c->restart_timer = HANDLE_NONE;
	} else {
		err = loop_add(&c->all->loop, &c->restart_source, c->restart_timer, &restart_ops,
		               c);
		if (err == 0)
			err = timer_set(c->restart_timer, monotonic_time() + delay);
	}
	if (err < 0)
		log_warn("container %s is not started again (%s)", c->name, error_text(err));
}

void policy_wait(struct container *c)
{
	c->restart_delay = next_delay(c);
	wait_for(c, c->restart_delay);
}

// After a restart of this app alone, what its user has stopped stays so; after one of the machine
// `always` means always, as with dockerd.
void policy_resume(struct containers *all)
{
	if (!all->has_hypervisor)
		return;
	list_for_each(entry, &all->containers) {
		struct container *c = container_of(entry, struct container, entry);
		bool always = settings_policy(c->settings.restart_policy) == POLICY_ALWAYS;

		if (c->state != CONTAINER_EXITED || c->started_at == 0)
			continue;
		if (policy_restarts(c) || (always && !all->restarted && !all->stopping)) {
			c->stopped_by_user = false;
			wait_for(c, 0);
		}
	}
}
