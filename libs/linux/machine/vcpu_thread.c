// SPDX-License-Identifier: MIT
//
// The threads that run the vCPUs, and what they do at an exit.

#include "libs/base/string.h"
#include "libs/linux/machine/machine_internal.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define VCPU_STACK_SIZE (32ul * 1024)

void machine_end_locked(struct machine *machine, enum machine_end reason, error_t error)
{
	if (machine->end != MACHINE_END_NONE)
		return;
	machine->end = reason;
	machine->end_error = error;
	__atomic_store_n(&machine->stopping, 1, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < machine->config.num_cpus; i++) {
		error_t err = vcpu_kick(machine->vcpus[i].handle);

		assert(err == 0);
	}
}

static void flush_line(struct machine *machine)
{
	if (machine->config.log_console && machine->console_line_len > 0)
		log_info("guest: %.*s", (int)machine->console_line_len, machine->console_line);
	machine->console_line_len = 0;
}

// What the guest kernel says over SBI: the tail is kept for the report of a crash.
static void take_console(struct machine *machine, const struct vcpu_exit *exit)
{
	size_t len = exit->console.len < VCPU_CONSOLE_MAX ? exit->console.len : VCPU_CONSOLE_MAX;

	if (machine->console_len + len > MACHINE_CONSOLE_MAX) {
		size_t keep = MACHINE_CONSOLE_MAX / 2;

		memmove(machine->console, machine->console + machine->console_len - keep, keep);
		machine->console_len = keep;
	}
	memcpy(machine->console + machine->console_len, exit->console.data, len);
	machine->console_len += len;
	for (size_t i = 0; i < len; i++) {
		char c = (char)exit->console.data[i];

		if (c == '\n' || machine->console_line_len == sizeof(machine->console_line))
			flush_line(machine);
		if (c != '\n' && c != '\r')
			machine->console_line[machine->console_line_len++] = c;
	}
}

// A guest may probe what is not there: reads give 0, writes go nowhere.
static void handle_mmio(struct machine *machine, struct vcpu_exit *exit)
{
	error_t err;

	if (exit->reason == VCPU_EXIT_MMIO_READ) {
		exit->mmio.data = 0;
		err = mmio_bus_read(&machine->bus, exit->mmio.address, exit->mmio.width,
		                    &exit->mmio.data);
	} else {
		err = mmio_bus_write(&machine->bus, exit->mmio.address, exit->mmio.width,
		                     exit->mmio.data);
	}
	if (err < 0 && machine->unknown_accesses++ == 0)
		log_debug("guest accessed 0x%llx, where no device is",
		          (unsigned long long)exit->mmio.address);
}

static void handle_exit(struct machine *machine, struct vcpu_exit *exit)
{
	switch (exit->reason) {
	case VCPU_EXIT_MMIO_READ:
	case VCPU_EXIT_MMIO_WRITE: handle_mmio(machine, exit); break;
	case VCPU_EXIT_CONSOLE: take_console(machine, exit); break;
	case VCPU_EXIT_SHUTDOWN: machine_end_locked(machine, MACHINE_END_SHUTDOWN, 0); break;
	case VCPU_EXIT_REBOOT: machine_end_locked(machine, MACHINE_END_REBOOT, 0); break;
	case VCPU_EXIT_FAULT:
		machine->fault_pc = exit->fault_pc;
		machine_end_locked(machine, MACHINE_END_FAULT, 0);
		break;
	case VCPU_EXIT_NO_MEMORY: machine_end_locked(machine, MACHINE_END_NO_MEMORY, 0); break;
	default: break;
	}
}

static void vcpu_thread(void *arg)
{
	struct machine_vcpu *vcpu = arg;
	struct machine *machine = vcpu->machine;
	struct vcpu_exit exit = { 0 };

	while (__atomic_load_n(&machine->stopping, __ATOMIC_ACQUIRE) == 0) {
		error_t err = vcpu_run(vcpu->handle, HANDLE_NONE, &exit);
		bool yield;

		if (err == 0 && exit.reason == VCPU_EXIT_POLL)
			continue;
		mutex_lock(&machine->mutex);
		if (err < 0)
			machine_end_locked(machine, MACHINE_END_ERROR, err);
		else
			handle_exit(machine, &exit);
		yield = machine->guest_spins;
		machine->guest_spins = false;
		mutex_unlock(&machine->mutex);
		// A guest that exits all the time does not keep the loop, which serves other
		// machines too, from the lock.
		mutex_give_way(&machine->mutex);
		// With one hart, the guest would spin for the rest of its time slice.
		if (yield)
			thread_yield();
	}
	thread_exit();
}

static void thread_ended(struct loop *loop, struct source *source)
{
	struct machine_vcpu *vcpu = source->context;
	struct machine *machine = vcpu->machine;

	loop_close(loop, source);
	vcpu->running = false;
	vcpu->thread = HANDLE_NONE;
	if (--machine->num_running > 0)
		return;
	flush_line(machine);
	machine->stopped(machine->context);
}

static const struct source_ops thread_source_ops = { .closed = thread_ended };

error_t vcpu_thread_start(struct machine_vcpu *vcpu)
{
	struct machine *machine = vcpu->machine;
	error_t err;

	err = thread_create(vcpu_thread, vcpu, VCPU_STACK_SIZE, &vcpu->thread);
	if (err < 0)
		return err;
	vcpu->running = true;
	machine->num_running++;
	err = loop_add(machine->loop, &vcpu->source, vcpu->thread, &thread_source_ops, vcpu);
	// Without it we would not learn of the thread's end, and could not free what it uses.
	assert(err == 0);
	return 0;
}
