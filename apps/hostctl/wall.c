// SPDX-License-Identifier: MIT
//
// The wall clock: QEMU's begins at a whole second, so it is up to one behind the host's. The host
// says what time it is, a few times; where the answer came soonest, least is unknown.
#include "apps/hostctl/hostctl.h"
#include "libs/base/decimal.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define ROUNDS 8u

static nsec_t monotonic_time(void)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	assert(err == 0);
	return now;
}

static void ask(struct hostctl *ctl)
{
	ctl->wall.asked_at = monotonic_time();
	ctl->wall.left = host_say(ctl, "time") ? ctl->wall.left : 0;
}

void wall_ask(struct hostctl *ctl)
{
	ctl->wall = (struct wall){ .left = ROUNDS, .best = NSEC_NEVER };
	ask(ctl);
}

// Who reads the host's clock, and then ours, is never told an earlier time: so what the way may
// have taken counts as the way back.
static void set(const struct hostctl *ctl)
{
	const struct wall *wall = &ctl->wall;
	error_t err = clock_set(ctl->system, wall->origin + monotonic_time());

	if (err < 0)
		log_error("cannot set the wall clock: %s", error_text(err));
	else
		log_debug("the wall clock is the host's, to %u us",
		          (unsigned)(wall->best / NSEC_PER_USEC));
}

void wall_take(struct hostctl *ctl, struct span text)
{
	struct wall *wall = &ctl->wall;
	nsec_t now = monotonic_time(), trip = now - wall->asked_at;
	uint64_t host;

	if (wall->left == 0 || !decimal_read(text, INT64_MAX, &host))
		return;
	if (trip < wall->best) {
		wall->best = trip;
		wall->origin = host + trip - now;
	}
	if (--wall->left > 0)
		ask(ctl);
	else
		set(ctl);
}
