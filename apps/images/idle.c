// SPDX-License-Identifier: MIT
//
// Jobs that do not get on: one whose client sends nothing gives way to those that wait for their
// turn, and one that waits for another's layer fetches it itself by and by.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define TICK (10 * NSEC_PER_SEC)
#define SILENCE_MAX (60 * NSEC_PER_SEC)
// Longer than a large layer takes from a registry that means well.
#define LAYER_WAIT_MAX (300 * NSEC_PER_SEC)

static nsec_t time_now(void)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	assert(err == 0);
	return now;
}

void idle_heard(struct job *job)
{
	job->heard_at = time_now();
}

void idle_watch(struct images *images)
{
	error_t err = timer_set(images->idle_timer, time_now() + TICK);

	assert(err == 0);
}

// Whether its container waits for what a client is to send.
static bool is_silent(const struct job *job, nsec_t now)
{
	return job->number != 0 && job->kind != JOB_PULL && job->kind != JOB_LOGIN &&
		!job->input_ended && !job->has_unsent && job->error[0] == '\0' &&
		now - job->heard_at > SILENCE_MAX;
}

// The one that has been silent for the longest time; NULL: none.
static struct job *find_silent(const struct images *images, nsec_t now)
{
	struct job *found = NULL;

	list_for_each(entry, &images->jobs) {
		struct job *job = container_of(entry, struct job, entry);

		if (is_silent(job, now) && (found == NULL || job->heard_at < found->heard_at))
			found = job;
	}
	return found;
}

static void idle_signalled(struct loop *loop, struct source *source)
{
	struct images *images = source->context;
	nsec_t now = time_now();
	struct job *silent = find_silent(images, now);
	error_t err;

	(void)loop;
	list_for_each(entry, &images->jobs) {
		struct job *job = container_of(entry, struct job, entry);

		if (job->waiting[0] != '\0' && now - job->heard_at > LAYER_WAIT_MAX)
			layers_wait_no_more(job);
	}
	if (silent != NULL && images->brought.there > images->brought.running)
		job_give_up(silent, "nothing has come for a minute, and others wait: try again");
	err = timer_set(images->idle_timer, images->brought.there > 0 ? now + TICK : NSEC_NEVER);
	assert(err == 0);
}

static const struct source_ops idle_ops = { .signalled = idle_signalled };

void idle_init(struct images *images)
{
	error_t err = timer_create(&images->idle_timer);

	if (err == 0)
		err = loop_add(&images->loop, &images->idle, images->idle_timer, &idle_ops, images);
	assert(err == 0);
}
