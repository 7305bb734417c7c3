// SPDX-License-Identifier: MIT
//
// When the device looks for forgets that the guest does not tell of (device_fs.h).
#include "libs/linux/vm/vm_files_private.h"

#define LATER (10 * NSEC_PER_MSEC)

static void timer_due(struct loop *loop, struct source *source)
{
	struct vm_files *files = source->context;

	(void)loop;
	files_timer_stop(&files->look_timer);
	files_enter(files);
	fs_device_look(&files->device);
	files_leave(files);
}

static const struct source_ops timer_ops = { .signalled = timer_due };

bool files_look_later(void *context)
{
	struct vm_files *files = context;

	if (files->loop == NULL)
		return false;
	return files->look_timer.runs ||
		files_timer_set(files, &files->look_timer, &timer_ops, files, LATER) == 0;
}
