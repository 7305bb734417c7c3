// SPDX-License-Identifier: MIT

#include "libs/linux/api/task.h"

#include <stdarg.h>

#include "libs/base/fmt.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

void task_set_timer(struct task *task, nsec_t deadline)
{
	error_t err = timer_set(task->timer_handle, deadline);

	assert(err == 0);
}

void task_fail(struct task *task, int status, const char *format, ...)
{
	va_list args;

	if (task->end_known)
		return;
	va_start(args, format);
	fmt_vwrite(task->error, sizeof(task->error), format, args);
	va_end(args);
	task->failed = true;
	task->end_known = true;
	task->status = status;
	if (task->container != NULL)
		guest_container_kill(task->container);
	else
		task_set_timer(task, 0);
}
