// SPDX-License-Identifier: MIT
//
// What ends a container: it has exited, or something has failed.

#include <stdarg.h>

#include "libs/base/fmt.h"
#include "libs/linux/run/guest_container_internal.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

void guest_container_settle_later(struct guest_container *c)
{
	error_t err = timer_set(c->deferred_timer, 0);

	assert(err == 0);
}

bool guest_container_lacked_memory(const struct guest_container *c)
{
	return c->lacked_memory;
}

void guest_container_exit(struct guest_container *c, int status)
{
	if (c->state >= CONTAINER_EXITED)
		return;
	c->state = CONTAINER_EXITED;
	c->status = status;
	vm_be_patient(c->vm, NULL);
	guest_container_settle_later(c);
}

void guest_container_fail(struct guest_container *c, const char *format, ...)
{
	va_list args;

	if (c->state >= CONTAINER_EXITED)
		return;
	va_start(args, format);
	fmt_vwrite(c->error, sizeof(c->error), format, args);
	va_end(args);
	c->failed = true;
	guest_container_exit(c, GUEST_STATUS_FAILED);
}
