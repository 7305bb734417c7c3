// SPDX-License-Identifier: MIT
//
// When the device looks for forgets that the guest does not tell of (device_fs.h).
#include "libs/linux/vm/vm_files_private.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define LATER (10 * NSEC_PER_MSEC)

static void timer_due(struct loop *loop, struct source *source)
{
	struct vm_files *files = source->context;
	error_t err = timer_set(files->look_timer, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	files->look_timer_runs = false;
	files_enter(files);
	fs_device_look(&files->device);
	files_leave(files);
}

static const struct source_ops timer_ops = { .signalled = timer_due };

// Errors: timer_create's, loop_add's.
static error_t timer_make(struct vm_files *files)
{
	error_t err = timer_create(&files->look_timer);

	if (err < 0)
		return err;
	err = loop_add(files->loop, &files->look_timer_source, files->look_timer, &timer_ops,
	               files);
	if (err < 0) {
		handle_close(files->look_timer);
		files->look_timer = HANDLE_NONE;
	}
	return err;
}

bool files_look_later(void *context)
{
	struct vm_files *files = context;
	nsec_t now;

	if (files->loop == NULL)
		return false;
	if (files->look_timer_runs)
		return true;
	if (files->look_timer == HANDLE_NONE && timer_make(files) < 0)
		return false;
	files->look_timer_runs = clock_get(CLOCK_MONOTONIC, &now) == 0 &&
		timer_set(files->look_timer, now + LATER) == 0;
	return files->look_timer_runs;
}

void files_look_deinit(struct vm_files *files)
{
	if (files->look_timer != HANDLE_NONE)
		loop_close(files->loop, &files->look_timer_source);
	files->look_timer = HANDLE_NONE;
	files->look_timer_runs = false;
}
