// SPDX-License-Identifier: MIT

#include "libs/linux/machine/machine.h"

#include "libs/base/string.h"
#include "libs/linux/machine/guest_fdt.h"
#include "libs/linux/machine/machine_internal.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"
#include "libs/virtio/spec.h"

#define PLIC_START 0x0c000000ull
#define VIRTIO_START 0x10001000ull
#define VIRTIO_STRIDE 0x1000ull
#define FDT_SIZE 8192ull
#define RNG_SEED_SIZE 64u

void machine_enter(struct machine *machine)
{
	if (machine->lock_depth++ == 0)
		mutex_lock(&machine->mutex);
}

void machine_leave(struct machine *machine)
{
	if (--machine->lock_depth == 0)
		mutex_unlock(&machine->mutex);
}

static void set_vcpu_line(void *context, uint32_t vcpu, bool level)
{
	struct machine *machine = context;
	error_t err = vcpu_set_irq(machine->vcpus[vcpu].handle, VCPU_IRQ_EXTERNAL, level ? 1 : 0);

	assert(err == 0);
}

static void ring_vcpu(void *context, uint32_t vcpu)
{
	struct machine *machine = context;
	error_t err = vcpu_set_irq(machine->vcpus[vcpu].handle, VCPU_IRQ_SOFT, 1);

	assert(err == 0);
}

static void set_device_irq(void *context, uint32_t irq, bool level)
{
	struct machine *machine = context;

	plic_set_source(&machine->plic, irq, level);
}

static bool post_device_irq(void *context, uint32_t irq)
{
	struct machine *machine = context;

	return plic_post(&machine->plic, irq);
}

static void notify_slot_later(void *context, uint32_t irq)
{
	struct machine *machine = context;
	error_t err = event_signal(machine->slots[irq - 1].notify, 1);

	assert(err == 0);
}

static uint64_t bus_plic_read(void *context, uint64_t offset, uint32_t width)
{
	return plic_read(context, offset, width);
}

static void bus_plic_write(void *context, uint64_t offset, uint32_t width, uint64_t value)
{
	plic_write(context, offset, width, value);
}

static const struct mmio_ops plic_ops = { .read = bus_plic_read, .write = bus_plic_write };

static uint64_t slot_read(void *context, uint64_t offset, uint32_t width)
{
	const struct machine_slot *slot = context;

	return virtio_mmio_read(slot->device, offset, width);
}

// Whether this thread, the vCPU's, serves the queue.
static bool queue_is_prompt(const struct virtio_mmio_device *device, uint64_t queue)
{
	return queue < device->num_queues && (device->prompt_queues >> queue & 1) != 0;
}

static void slot_write(void *context, uint64_t offset, uint32_t width, uint64_t value)
{
	struct machine_slot *slot = context;

	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY) {
		if (width == 4 && queue_is_prompt(slot->device, value)) {
			virtio_mmio_notified(slot->device, (uint32_t)value);
			return;
		}
		// One that the kernel did not take for the event: of a queue whose driver spins, of
		// none that exists, or of an odd width.
		error_t err = event_signal(slot->notify, 1);

		assert(err == 0);
		slot->machine->guest_spins = true;
		return;
	}
	virtio_mmio_write(slot->device, offset, width, value);
}

static const struct mmio_ops slot_ops = { .read = slot_read, .write = slot_write };

// A page that the guest may read at `gpa`, and we may write.
static error_t map_register_pages(struct machine *machine, gpa_t gpa, size_t size, handle_t *folio,
                                  uint8_t **out)
{
	void *page;
	error_t err;

	err = folio_create(size, FOLIO_CONTIGUOUS, folio);
	if (err < 0)
		return err;
	err = folio_map(*folio, PROT_READ | PROT_WRITE, &page);
	if (err < 0)
		return err;
	*out = page;
	return hvspace_map(machine->hvspace, gpa, *folio, 0, size, PROT_READ);
}

static error_t create_memory(struct machine *machine)
{
	void *base;
	error_t err;

	err = folio_create(machine->config.memory, FOLIO_LAZY, &machine->memory_folio);
	if (err < 0)
		return err;
	err = folio_map(machine->memory_folio, PROT_READ | PROT_WRITE, &base);
	if (err < 0)
		return err;
	machine->memory = (struct guest_memory){ .gpa = MACHINE_MEMORY_START,
		                                 .base = base,
		                                 .size = machine->config.memory };
	return hvspace_map(machine->hvspace, MACHINE_MEMORY_START, machine->memory_folio, 0,
	                   machine->config.memory, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static error_t create_plic(struct machine *machine)
{
	struct plic *plic = &machine->plic;
	error_t err;

	plic->num_contexts = machine->config.num_cpus;
	plic->set_line = set_vcpu_line;
	plic->ring = ring_vcpu;
	plic->line_context = machine;
	err = map_register_pages(machine, PLIC_START, PLIC_READABLE_SIZE, &machine->plic_page,
	                         &plic->page);
	if (err < 0)
		return err;
	return mmio_bus_add(&machine->bus, PLIC_START, PLIC_SIZE, &plic_ops, plic);
}

static error_t create_vcpus(struct machine *machine)
{
	for (uint32_t i = 0; i < machine->config.num_cpus; i++) {
		struct machine_vcpu *vcpu = &machine->vcpus[i];
		error_t err;

		vcpu->machine = machine;
		vcpu->id = i;
		err = vcpu_create(machine->hvspace, i, &vcpu->handle);
		if (err < 0)
			return err;
	}
	return 0;
}

error_t machine_init(struct machine *machine, struct loop *loop,
                     const struct machine_config *config, void (*stopped)(void *context),
                     void *context)
{
	error_t err;

	memset(machine, 0, sizeof(*machine));
	machine->config = *config;
	machine->loop = loop;
	machine->stopped = stopped;
	machine->context = context;
	if (config->memory < MACHINE_MIN_MEMORY || config->memory > MACHINE_MAX_MEMORY ||
	    config->memory % BLOCK_SIZE != 0 || config->num_cpus == 0 ||
	    config->num_cpus > MACHINE_MAX_CPUS)
		return ERR_INVALID;
	err = hvspace_create(&machine->hvspace);
	if (err < 0)
		return err;
	err = create_memory(machine);
	if (err < 0)
		goto out_deinit;
	err = create_vcpus(machine);
	if (err < 0)
		goto out_deinit;
	err = create_plic(machine);
	if (err < 0)
		goto out_deinit;
	return 0;

out_deinit:
	machine_deinit(machine);
	return err;
}

static void close_handle(handle_t *handle)
{
	if (*handle != HANDLE_NONE)
		handle_close(*handle);
	*handle = HANDLE_NONE;
}

void machine_deinit(struct machine *machine)
{
	assert(machine->num_running == 0);
	for (uint32_t i = 0; i < machine->num_slots; i++) {
		struct machine_slot *slot = &machine->slots[i];

		loop_remove(machine->loop, &slot->source);
		close_handle(&slot->notify);
		close_handle(&slot->page);
	}
	for (uint32_t i = 0; i < MACHINE_MAX_CPUS; i++)
		close_handle(&machine->vcpus[i].handle);
	close_handle(&machine->plic_page);
	// The address space goes before the memory that it refers to, so that this is freed with
	// our last handle.
	close_handle(&machine->hvspace);
	close_handle(&machine->memory_folio);
	memset(machine, 0, sizeof(*machine));
}

error_t machine_slot_create(struct machine *machine, struct virtio_mmio_device *device)
{
	struct machine_slot *slot = &machine->slots[machine->num_slots];
	error_t err;

	if (machine->num_slots == MACHINE_MAX_SLOTS)
		return ERR_LIMIT;
	slot->machine = machine;
	slot->device = device;
	machine->num_slots++;
	err = map_register_pages(machine, VIRTIO_START + VIRTIO_STRIDE * (machine->num_slots - 1),
	                         PAGE_SIZE, &slot->page, &device->page);
	if (err < 0)
		return err;
	device->mem = &machine->memory;
	device->set_irq = set_device_irq;
	device->post_irq = post_device_irq;
	device->notify_later = notify_slot_later;
	device->irq_context = machine;
	device->irq = machine->num_slots;
	machine->plic.num_sources = machine->num_slots;
	return 0;
}

// One event stands for all queues of a device: each is looked at, those without work cost a load.
static void slot_notified(struct loop *loop, struct source *source)
{
	struct machine_slot *slot = source->context;
	uint64_t count;

	(void)loop;
	if (event_take(slot->notify, &count) < 0)
		return;
	machine_enter(slot->machine);
	virtio_mmio_serve(slot->device);
	machine_leave(slot->machine);
}

static const struct source_ops slot_source_ops = { .signalled = slot_notified };

error_t machine_attach(struct machine *machine, struct virtio_mmio_device *device)
{
	uint32_t index = machine->num_slots - 1;
	struct machine_slot *slot = &machine->slots[index];
	gpa_t gpa = VIRTIO_START + VIRTIO_STRIDE * index;
	error_t err;

	err = event_create(&slot->notify);
	if (err < 0)
		return err;
	err = loop_add(machine->loop, &slot->source, slot->notify, &slot_source_ops, slot);
	if (err < 0)
		return err;
	for (uint32_t i = 0; i < device->num_queues; i++) {
		if (((device->spinning_queues | device->prompt_queues) >> i & 1) != 0)
			continue;
		err = hvspace_bind_notify(machine->hvspace, gpa + VIRTIO_MMIO_QUEUE_NOTIFY, i,
		                          slot->notify);
		if (err < 0)
			return err;
	}
	return mmio_bus_add(&machine->bus, gpa, VIRTIO_STRIDE, &slot_ops, slot);
}

static error_t write_fdt(struct machine *machine, gpa_t at, const char *bootargs,
                         gpa_t initrd_start, gpa_t initrd_end)
{
	uint8_t seed[RNG_SEED_SIZE];
	struct guest_fdt_config config = {
		.num_cpus = machine->config.num_cpus,
		.hart_features = machine->config.hart_features,
		.timebase_hz = machine->config.timebase_hz,
		.memory_start = MACHINE_MEMORY_START,
		.memory_size = machine->config.memory,
		.plic_start = PLIC_START,
		.plic_size = PLIC_SIZE,
		.plic_sources = machine->num_slots,
		.virtio_start = VIRTIO_START,
		.virtio_stride = VIRTIO_STRIDE,
		.virtio_size = VIRTIO_MMIO_SIZE,
		.num_virtio = machine->num_slots,
		.bootargs = bootargs,
		.initrd_start = initrd_start,
		.initrd_end = initrd_end,
		.rng_seed = { .data = seed, .len = sizeof(seed) },
	};
	struct mut_span slice;
	size_t size;
	error_t err;

	err = random_get(seed, sizeof(seed));
	if (err < 0)
		return err;
	err = guest_memory_slice(&machine->memory, at, FDT_SIZE, &slice);
	if (err < 0)
		return err;
	err = guest_fdt_write(&config, slice, &size);
	memset(seed, 0, sizeof(seed));
	return err;
}

error_t machine_start(struct machine *machine, gpa_t entry, gpa_t scratch_end, const char *bootargs,
                      gpa_t initrd_start, gpa_t initrd_end)
{
	struct vcpu_state state = { .pc = entry };
	gpa_t fdt = (scratch_end - FDT_SIZE) & ~(gpa_t)(PAGE_SIZE - 1);
	error_t err;

	err = write_fdt(machine, fdt, bootargs, initrd_start, initrd_end);
	if (err < 0)
		return err;
	// Linux's boot protocol: a0 is the hart, a1 the device tree.
	state.x[10] = 0;
	state.x[11] = fdt;
	err = vcpu_set_state(machine->vcpus[0].handle, &state);
	if (err < 0)
		return err;
	for (uint32_t i = 0; i < machine->config.num_cpus; i++) {
		err = vcpu_thread_start(&machine->vcpus[i]);
		if (err < 0) {
			machine_stop(machine);
			return err;
		}
	}
	return 0;
}

void machine_stop(struct machine *machine)
{
	machine_enter(machine);
	machine_end_locked(machine, MACHINE_END_STOPPED, 0);
	machine_leave(machine);
}

void machine_discard(struct machine *machine, size_t offset, size_t length)
{
	// A call for each block: calls are not interrupted, and each block costs fences.
	for (size_t end = offset + length; offset < end; offset += BLOCK_SIZE) {
		error_t err = folio_discard(machine->memory_folio, offset, BLOCK_SIZE);

		assert(err == 0);
	}
}

uint64_t machine_memory_used(const struct machine *machine)
{
	struct folio_info info;

	return folio_info(machine->memory_folio, &info) < 0 ? 0 : info.populated;
}

void machine_stats(struct machine *machine, struct vcpu_stats *out)
{
	*out = (struct vcpu_stats){ 0 };
	for (uint32_t i = 0; i < machine->config.num_cpus; i++) {
		struct vcpu_stats s;

		if (vcpu_stats(machine->vcpus[i].handle, &s) < 0)
			continue;
		out->exits += s.exits;
		out->host_interrupt += s.host_interrupt;
		out->page_fault += s.page_fault;
		out->mmio_read += s.mmio_read;
		out->mmio_write += s.mmio_write;
		out->notify += s.notify;
		out->sbi_time += s.sbi_time;
		out->sbi_other += s.sbi_other;
		out->wfi += s.wfi;
		out->other += s.other;
	}
}
