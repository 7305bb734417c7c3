// SPDX-License-Identifier: MIT
#include "kernel/startup/device_quiesce.h"

#include "kernel/debug/log.h"
#include "kernel/mm/vmap.h"
#include "kernel/object/process.h"
#include "libs/base/string.h"

// virtio 1.2, 4.2.2
#define VIRTIO_MMIO_STATUS 0x70u
#define VIRTIO_MMIO_BYTES 0x100u
// A device that does not finish its reset within so many reads of its status is broken. The hart
// does nothing else meanwhile.
#define RESET_READS 100000u

#ifdef STARINA_HOST
// The test's fake device.
uint32_t device_fake_read(uintptr_t address);
void device_fake_write(uintptr_t address, uint32_t value);
#define reg_read device_fake_read
#define reg_write device_fake_write
#else
static uint32_t reg_read(uintptr_t address)
{
	return *(volatile uint32_t *)address;
}

static void reg_write(uintptr_t address, uint32_t value)
{
	__asm__ volatile("fence iorw, iorw" ::: "memory");
	*(volatile uint32_t *)address = value;
	__asm__ volatile("fence iorw, iorw" ::: "memory");
}
#endif

static bool is_virtio(const struct device *device)
{
	for (uint32_t i = 0; i < device->num_compatible; i++) {
		if (strcmp(device->compatible[i], "virtio,mmio") == 0)
			return device->reg_size >= VIRTIO_MMIO_BYTES;
	}
	return false;
}

// The kernel's own mapping of the registers; made once, so that nothing can fail when it is needed.
static error_t map_registers(struct device *device)
{
	paddr_t start = device->reg_base & ~(paddr_t)(PAGE_SIZE - 1);
	paddr_t end = (device->reg_base + VIRTIO_MMIO_BYTES + PAGE_SIZE - 1) &
		~(paddr_t)(PAGE_SIZE - 1);
	uintptr_t addr;
	error_t error = vmap_reserve(end - start, PAGE_SIZE, &addr);

	if (error != 0)
		return error;
	error = vmap_map(addr, start, end - start, VMAP_READ | VMAP_WRITE | VMAP_DEVICE);
	if (error != 0) {
		vmap_release(addr, end - start);
		return error;
	}
	device->regs = addr + (device->reg_base - start);
	return 0;
}

error_t device_give(struct device *device, struct process *process)
{
	error_t error = is_virtio(device) && device->regs == 0 ? map_registers(device) : 0;

	if (error != 0)
		return error;
	device->user = process;
	process->quiesce = devices_quiesce;
	return 0;
}

static bool device_reset(const struct device *device)
{
	reg_write(device->regs + VIRTIO_MMIO_STATUS, 0);
	for (unsigned i = 0; i < RESET_READS; i++) {
		if (reg_read(device->regs + VIRTIO_MMIO_STATUS) == 0)
			return true;
	}
	return false;
}

bool devices_quiesce(struct process *process)
{
	bool all = true;

	for (size_t i = 0; i < num_devices; i++) {
		struct device *device = &devices[i];

		if (device->user != process)
			continue;
		device->user = NULL;
		if (device->regs == 0 || device_reset(device))
			continue;
		kerror("%s: its device '%s' at 0x%lx does not stop: the memory that it may write to is not freed",
		       process->name, device->compatible[0], (unsigned long)device->reg_base);
		all = false;
	}
	return all;
}
