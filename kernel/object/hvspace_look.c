// SPDX-License-Identifier: MIT
//
// What a look tells of virtual machines.
#include "kernel/object/hvspace.h"
#include "kernel/object/look.h"
#include "kernel/object/process.h"
#include "kernel/object/vcpu.h"

static uint64_t mapped_bytes(struct hvspace *space)
{
	uint64_t bytes = 0;

	spin_lock(&space->lock);
	for (size_t i = 0; i < HVSPACE_MAX_MAPPINGS; i++) {
		if (space->mappings[i].folio != NULL)
			bytes += space->mappings[i].length;
	}
	spin_unlock(&space->lock);
	return bytes;
}

static struct look_vcpu describe(struct vcpu *vcpu, uint32_t process)
{
	struct vcpu_stats stats;

	vcpu_stats(vcpu, &stats);
	return (struct look_vcpu){
		.vm = vcpu->space->id,
		.process = process,
		.vcpu = vcpu->id,
		.thread = __atomic_load_n(&vcpu->thread, __ATOMIC_RELAXED),
		.in_guest = __atomic_load_n(&vcpu->hart_id, __ATOMIC_RELAXED) != VCPU_NO_HART ? 1
											      : 0,
		.memory = mapped_bytes(vcpu->space),
		.exits = { [LOOK_EXIT_INTERRUPT] = stats.host_interrupt,
		           [LOOK_EXIT_FAULT] = stats.page_fault,
		           [LOOK_EXIT_MMIO_READ] = stats.mmio_read,
		           [LOOK_EXIT_MMIO_WRITE] = stats.mmio_write,
		           [LOOK_EXIT_NOTIFY] = stats.notify,
		           [LOOK_EXIT_SBI_TIME] = stats.sbi_time,
		           [LOOK_EXIT_SBI_OTHER] = stats.sbi_other,
		           [LOOK_EXIT_WFI] = stats.wfi,
		           [LOOK_EXIT_OTHER] = stats.other },
	};
}

// The next vCPU in the process's table from `*index` on, with a reference; NULL: there is none, and
// `*index` is behind those that were looked at.
static struct vcpu *next_vcpu(struct process *process, uint32_t *index)
{
	struct handle_table *table = &process->handles;
	struct vcpu *found = NULL;

	spin_lock(&table->lock);
	for (uint32_t n = 0; *index < table->capacity && n < 256 && found == NULL; n++) {
		struct object *object = table->slots[(*index)++].object;

		if (object != NULL && object->type == OBJECT_VCPU) {
			object_get(object);
			found = vcpu_from_object(object);
		}
	}
	if (*index >= table->capacity)
		*index = 0;
	spin_unlock(&table->lock);
	return found;
}

static error_t tell_vcpus(struct process *process, struct look_out *out)
{
	uint32_t index = 1;
	error_t error = 0;

	while (index != 0 && error == 0) {
		struct vcpu *vcpu = next_vcpu(process, &index);
		struct look_vcpu record;

		if (vcpu != NULL) {
			record = describe(vcpu, process->id);
			object_put(&vcpu->object);
			error = look_put(out, &record, sizeof(record));
		}
		if (error == 0 && index != 0)
			error = look_rest();
	}
	return error;
}

error_t look_tell_vcpus(uint64_t argument, struct look_out *out)
{
	if (argument > UINT32_MAX)
		return ERR_RANGE;
	return look_each_process(0, (uint32_t)argument, out, tell_vcpus);
}
