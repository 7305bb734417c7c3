// SPDX-License-Identifier: MIT
#include "libs/linux/vm/vm_files_private.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static error_t timer_make(struct vm_files *files, struct files_timer *timer,
                          const struct source_ops *ops, void *context)
{
	error_t err = timer_create(&timer->handle);

	if (err < 0)
		return err;
	err = loop_add(files->loop, &timer->source, timer->handle, ops, context);
	if (err < 0) {
		handle_close(timer->handle);
		timer->handle = HANDLE_NONE;
	}
	return err;
}

error_t files_timer_set(struct vm_files *files, struct files_timer *timer,
                        const struct source_ops *ops, void *context, nsec_t delay)
{
	nsec_t now;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (err == 0 && timer->handle == HANDLE_NONE)
		err = timer_make(files, timer, ops, context);
	if (err == 0)
		err = timer_set(timer->handle, now + delay);
	timer->runs = err == 0;
	return err;
}

void files_timer_stop(struct files_timer *timer)
{
	error_t err = timer_set(timer->handle, NSEC_NEVER);

	assert(err == 0);
	timer->runs = false;
}

void files_timer_close(struct vm_files *files, struct files_timer *timer)
{
	if (timer->handle != HANDLE_NONE)
		loop_close(files->loop, &timer->source);
	timer->handle = HANDLE_NONE;
	timer->runs = false;
}
