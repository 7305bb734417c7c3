// SPDX-License-Identifier: MIT
//
// How a VM ends: by failing, because it takes too long, or because its owner says so.

#include <stdarg.h>

#include "libs/base/fmt.h"
#include "libs/linux/vm/vm_internal.h"
#include "libs/starina/log.h"

// How long a switch that is stuck keeps a VM that has ended. One that restarts is back before that.
#define NETWORK_PATIENCE (5 * NSEC_PER_SEC)

void vm_fail(struct vm *vm, const char *format, ...)
{
	char error[VM_ERROR_MAX];
	va_list args;

	if (vm->state == VM_ENDING)
		return;
	va_start(args, format);
	fmt_vwrite(error, sizeof(error), format, args);
	va_end(args);
	vm->state = VM_ENDING;
	vm_be_patient(vm, NULL);
	vm->ops->failed(vm->context, error);
}

void vm_set_timer(struct vm *vm, nsec_t duration)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (err == 0)
		err = timer_set(vm->patience_timer,
		                duration == NSEC_NEVER ? NSEC_NEVER : now + duration);
	assert(err == 0);
}

bool vm_is_busy(const struct vm *vm)
{
	return vm->loading || (vm->has_machine && vm->machine.num_running > 0);
}

static void network_drained(void *context)
{
	vm_settle(context);
}

// Whether nothing runs and all that the guest sent is on its way.
static bool has_stopped(struct vm *vm)
{
	return !vm_is_busy(vm) &&
		(vm->network_given_up || vm_net_drain(&vm->net, network_drained, vm));
}

void vm_settle(struct vm *vm)
{
	if (!vm->stopping || !has_stopped(vm))
		return;
	vm->stopping = false;
	vm_set_timer(vm, NSEC_NEVER);
	vm->ops->stopped(vm->context);
}

bool vm_stop(struct vm *vm)
{
	if (vm->stopping)
		return false;
	vm->state = VM_ENDING;
	vm_be_patient(vm, NULL);
	if (vm->files != NULL)
		vm_files_log(vm->files);
	if (has_stopped(vm))
		return true;
	vm->stopping = true;
	vm_set_timer(vm, NETWORK_PATIENCE);
	if (vm->has_machine)
		machine_stop(&vm->machine);
	return false;
}

void vm_be_patient(struct vm *vm, const char *what)
{
	vm->patience_for = what;
	vm_set_timer(vm, what != NULL ? VM_PATIENCE : NSEC_NEVER);
}

void vm_log_last_words(const struct vm *vm)
{
	const struct machine *m = &vm->machine;
	size_t start = 0;

	for (size_t i = 0; i <= m->console_len; i++) {
		if (i < m->console_len && m->console[i] != '\n')
			continue;
		if (i > start)
			log_warn("guest: %.*s", (int)(i - start), m->console + start);
		start = i + 1;
	}
}
