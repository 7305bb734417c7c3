// SPDX-License-Identifier: MIT
//
// Signals to containers, and their ends within a time. What is asked of one that is being started
// waits for the start.
#include "apps/containers/containers.h"
#include "apps/containers/signal_text.h"
#include "libs/base/fmt.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define SIGNAL_KILL 9u
#define SIGNAL_TERM 15u
// What a guest may take to kill its container, and to write out what that has written; and what a
// vmm may take to end it.
#define KILL_SECONDS 20
#define END_SECONDS 10
// What a start may take once its container is to end.
#define START_SECONDS 60

static void signal_now(struct container *c, uint32_t number);

// --- Time to end ---------------------------------------------------------------------------------

void signals_end(struct container *c)
{
	if (c->stop_timer != HANDLE_NONE)
		loop_close(&c->all->loop, &c->stop_source);
	c->stop_timer = HANDLE_NONE;
}

static void stop_signalled(struct loop *loop, struct source *source)
{
	struct container *c = source->context;

	(void)loop;
	signals_end(c);
	// A guest that was told and is still there does not obey, and nor does a vmm.
	if (c->killed_at_once && c->vmm != NULL)
		vmms_end(c->vmm);
	else
		signal_now(c, SIGNAL_KILL);
}

static const struct source_ops stop_ops = { .signalled = stop_signalled };

static void stop_timer_start(struct container *c, int64_t seconds)
{
	error_t err;

	signals_end(c);
	if (seconds < 0)
		return;
	if (timer_create(&c->stop_timer) < 0) {
		c->stop_timer = HANDLE_NONE;
		return;
	}
	err = loop_add(&c->all->loop, &c->stop_source, c->stop_timer, &stop_ops, c);
	if (err == 0)
		err = timer_set(c->stop_timer, monotonic_time() + (nsec_t)seconds * NSEC_PER_SEC);
	if (err < 0)
		log_warn("a container that does not end will not be killed (%s)", error_text(err));
}

// --- Signals -------------------------------------------------------------------------------------

// Whether nobody will see what it has written.
static bool leaves_nothing(const struct container *c)
{
	bool removes = c->job != 0 || c->is_visit || c->settings.auto_remove;

	list_for_each(entry, &c->waiters) {
		const struct waiter *waiter = container_of(entry, struct waiter, entry);

		// A restart of one with --rm keeps it.
		if (waiter->restarts)
			return false;
		removes = removes || waiter->removes;
	}
	for (size_t i = 0; i < c->mounts.count; i++) {
		const struct mount *mount = &c->mounts.items[i];

		if ((mount->kind == MOUNT_BIND || mount->kind == MOUNT_VOLUME) && !mount->read_only)
			return false;
	}
	return removes || !layer_is_used(c);
}

// Whether it is being started, and what is asked of it waits for that. The machine's end does not,
// and nor do jobs and visits, which nobody sees.
static bool is_put_off(const struct container *c)
{
	return !c->started && !c->all->stopping && c->job == 0 && !c->is_visit;
}

// A start that takes too long is not waited for.
static void limit_start(struct container *c)
{
	if (c->stop_timer == HANDLE_NONE)
		stop_timer_start(c, START_SECONDS);
}

static void signal_now(struct container *c, uint32_t number)
{
	struct msg_vmm_signal signal = { .process = 1, .signal = number };
	struct msg_vmm_kill kill = { .at_once = c->killed || leaves_nothing(c) };
	char more[32];
	struct message m;
	error_t err = number == SIGNAL_KILL ? message_encode_vmm_kill(&m, &kill, NULL, 0)
					    : message_encode_vmm_signal(&m, &signal, NULL, 0);

	assert(err == 0);
	// One that has not got its order has nothing to be told.
	if (c->vmm == NULL || !c->vmm->order_sent) {
		container_over(c, 128 + (int)number, "");
		return;
	}
	(void)vmms_send(c->vmm, &m);
	fmt_write(more, sizeof(more), "\"signal\":\"%u\"", number);
	// The second time it is ours.
	if (number != SIGNAL_KILL || !c->killed)
		events_container(c, "kill", more);
	// It hears of the signal once it goes on.
	if (number == container_stop_signal(c))
		pause_lift(c);
	if (number == SIGNAL_KILL) {
		c->killed = true;
		c->killed_at_once = kill.at_once;
		stop_timer_start(c, kill.at_once ? END_SECONDS : KILL_SECONDS);
	}
}

void container_signal_send(struct container *c, uint32_t number)
{
	if (!is_put_off(c)) {
		signal_now(c, number);
		return;
	}
	c->due_signals |= 1ull << (number - 1);
	if (number == SIGNAL_KILL)
		limit_start(c);
}

void signals_send_due(struct container *c)
{
	uint64_t due = c->due_signals;

	c->due_signals = 0;
	if (due == 0)
		return;
	signals_end(c);
	if (c->is_stop_due)
		stop_timer_start(c, c->due_stop_seconds);
	for (; due != 0; due &= due - 1)
		signal_now(c, (uint32_t)__builtin_ctzll(due) + 1);
}

const char *container_stop_word(const struct container *c)
{
	const struct image *image = container_image(c);

	if (c->settings.stop_signal != NULL && c->settings.stop_signal[0] != '\0')
		return c->settings.stop_signal;
	return image != NULL ? image->stop_signal : NULL;
}

uint32_t container_stop_signal(const struct container *c)
{
	const char *word = container_stop_word(c);
	uint32_t number = word != NULL ? signal_read(word) : 0;

	return number != 0 ? number : SIGNAL_TERM;
}

void container_stop(struct container *c, uint32_t number, int64_t seconds)
{
	if (is_put_off(c)) {
		c->is_stop_due = true;
		c->due_stop_seconds = seconds;
		container_signal_send(c, number);
		if (seconds >= 0)
			limit_start(c);
		return;
	}
	stop_timer_start(c, seconds);
	// container_signal_send() does so for the container's own signal.
	if (number != container_stop_signal(c))
		pause_lift(c);
	container_signal_send(c, number);
}
