// SPDX-License-Identifier: MIT
//
// From nothing to a running guest: memory, devices, kernel and initramfs.

#include "libs/abi/system.h"
#include "libs/base/fmt.h"
#include "libs/linux/machine/kernel_image.h"
#include "libs/linux/vm/vm_internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Nothing of the container's goes here: its configuration travels as data. earlycon shows what a
// kernel that dies says; panic=-1 makes it reboot at once, which ends the VM. All devices are there
// from the beginning: Linux need not find out which of them waits for which (fw_devlink).
#define BOOTARGS "earlycon=sbi panic=-1 fw_devlink=off page_reporting.page_reporting_order="
// The balloon reports free memory in the blocks (of 1 << 9 pages) that it can be given back in.
// Meanwhile the guest does not have it; Linux keeps enough for others if all blocks are as small as
// these, but takes those of 1 << 10 pages, too. One CPU runs nobody who would want memory then
// (virtio_mmio_device.prompt_queues); with more of them, Linux is asked for large blocks only.
#define REPORT_BLOCKS "9"
#define REPORT_LARGE_BLOCKS "10"
// What a kernel needs besides its image and the initramfs to get to bootd.
#define GUEST_MARGIN (16ull * 1024 * 1024)
#define MIB (1024ull * 1024)
// The boot disk's owner opens it anew when its driver restarts. How often and for how long in all
// the VM asks whether it is back.
#define LOAD_RETRY_DELAY (250 * NSEC_PER_MSEC)
#define LOAD_MAX_RETRIES 240u

static void machine_stopped(void *context)
{
	struct vm *vm = context;
	struct machine *m = &vm->machine;

	// What a kernel said last tells something when it is the kernel that failed.
	if (m->end != MACHINE_END_STOPPED && m->end != MACHINE_END_NO_MEMORY)
		vm_log_last_words(vm);
	switch (m->end) {
	case MACHINE_END_SHUTDOWN:
		vm_fail(vm, "the guest powered off before its container ended");
		break;
	case MACHINE_END_REBOOT: vm_fail(vm, "the guest kernel panicked or rebooted"); break;
	case MACHINE_END_FAULT:
		vm_fail(vm, "the guest cannot go on: fault at pc 0x%llx",
		        (unsigned long long)m->fault_pc);
		break;
	case MACHINE_END_NO_MEMORY:
		vm_fail(vm,
		        "the machine has no memory left for this guest of %u MiB: give it more (STARINA_MEMORY), or its "
		        "guests less",
		        (unsigned int)(vm->config.memory / MIB));
		break;
	case MACHINE_END_ERROR:
		vm_fail(vm, "the virtual CPU could not be run (%s)", error_text(m->end_error));
		break;
	default: break;
	}
	vm_settle(vm);
}

static void memory_reported(void *context, size_t offset, size_t length)
{
	struct vm *vm = context;

	machine_discard(&vm->machine, offset, length);
}

// One device a slot, in the order that the guest knows them by: the console first, where bootd
// looks for its ports.
static error_t create_devices(struct vm *vm)
{
	error_t err;

	err = machine_slot_create(&vm->machine, &vm->console.mmio);
	if (err < 0)
		return err;
	console_device_init(&vm->console, GUEST_NUM_PORTS, &vm_console_ops, vm);
	for (uint32_t i = 0; i < GUEST_NUM_PORTS; i++)
		console_device_set_open(&vm->console, i, !vm->port_closed[i]);
	err = machine_attach(&vm->machine, &vm->console.mmio);
	if (err < 0)
		return err;

	err = machine_slot_create(&vm->machine, &vm->root.mmio);
	if (err < 0)
		return err;
	vm_root_init(vm);
	err = machine_attach(&vm->machine, &vm->root.mmio);
	if (err < 0)
		return err;

	err = machine_slot_create(&vm->machine, &vm->writable.mmio);
	if (err < 0)
		return err;
	vm_writable_init(vm);
	err = machine_attach(&vm->machine, &vm->writable.mmio);
	if (err < 0)
		return err;

	err = vm_net_create(&vm->net, &vm->machine);
	if (err < 0)
		return err;

	err = machine_slot_create(&vm->machine, &vm->rng.mmio);
	if (err < 0)
		return err;
	vm->rng.fill = random_get;
	rng_device_init(&vm->rng);
	err = machine_attach(&vm->machine, &vm->rng.mmio);
	if (err < 0)
		return err;

	err = machine_slot_create(&vm->machine, &vm->balloon.mmio);
	if (err < 0)
		return err;
	vm->balloon.discard = memory_reported;
	vm->balloon.context = vm;
	balloon_device_init(&vm->balloon);
	err = machine_attach(&vm->machine, &vm->balloon.mmio);
	if (err < 0)
		return err;
	vm->files = heap_alloc(sizeof(*vm->files));
	return vm->files != NULL ? vm_files_create(vm->files, &vm->machine) : ERR_NO_MEMORY;
}

static void write_boot_arguments(const struct vm *vm, char *out, size_t size)
{
	// `user_access=open` is ours (guest/kernel/patches): programs' memory stays open to the
	// kernel.
	fmt_write(out, size, "%s%s%s%s", BOOTARGS,
	          vm->config.cpus == 1 ? REPORT_BLOCKS : REPORT_LARGE_BLOCKS,
	          vm->config.hart_features & HART_SLOW_SUM ? " user_access=open" : "",
	          vm->config.log_console ? " loglevel=7" : " quiet");
}

static void start_machine(struct vm *vm)
{
	gpa_t initrd_end = vm->initrd_start + vm->config.initramfs.size;
	char bootargs[256];
	error_t err;

	vm->state = VM_BOOTING;
	vm_be_patient(vm, "boot");
	if (clock_get(CLOCK_MONOTONIC, &vm->boot_time) < 0)
		vm->boot_time = 0;
	write_boot_arguments(vm, bootargs, sizeof(bootargs));
	err = machine_start(&vm->machine, vm->kernel_start, vm->initrd_start, bootargs,
	                    vm->initrd_start, initrd_end);
	if (err < 0)
		vm_fail(vm, "the virtual machine could not be started (%s)", error_text(err));
}

// A disk whose driver restarts is back soon, and so is room in its queue, which other machines have
// filled: all is read anew then.
static void load_failed(struct vm *vm, error_t error, const char *what)
{
	bool passes = error == ERR_PEER_CLOSED || error == ERR_NOT_READY || error == ERR_FULL;

	if (passes && vm->load_retries++ < LOAD_MAX_RETRIES)
		vm_set_timer(vm, LOAD_RETRY_DELAY);
	else
		vm_fail(vm, "%s could not be read from the boot disk (%s)", what,
		        error_text(error));
}

// Whether a load failed, or the VM was ended meanwhile; then it settles.
static bool load_ended(struct vm *vm, error_t status, const char *what)
{
	vm->loading = false;
	if (vm->state == VM_LOADING) {
		if (status == 0)
			return false;
		load_failed(vm, status, what);
	}
	vm_settle(vm);
	return true;
}

static void load(struct vm *vm, const char *what, uint64_t offset, uint64_t size,
                 struct mut_span target, void (*finished)(void *context, error_t status))
{
	error_t err;

	vm->loading = true;
	err = loader_start(&vm->loader, vm->config.boot_disk, offset, size, target, finished, vm);
	if (err < 0) {
		vm->loading = false;
		load_failed(vm, err, what);
	}
}

static void initramfs_loaded(void *context, error_t status)
{
	struct vm *vm = context;

	if (!load_ended(vm, status, "the initramfs"))
		start_machine(vm);
}

static void kernel_loaded(void *context, error_t status)
{
	struct vm *vm = context;
	struct mut_span target;
	error_t err;

	if (load_ended(vm, status, "the guest kernel"))
		return;
	err = guest_memory_slice(&vm->machine.memory, vm->initrd_start, vm->config.initramfs.size,
	                         &target);
	assert(err == 0);
	load(vm, "the initramfs", vm->config.initramfs.offset, vm->config.initramfs.size, target,
	     initramfs_loaded);
}

static void header_loaded(void *context, error_t status)
{
	struct vm *vm = context;
	struct span header = { .data = vm->kernel_header, .len = sizeof(vm->kernel_header) };
	struct kernel_image image;
	struct mut_span target;
	uint64_t needed;
	error_t err;

	if (load_ended(vm, status, "the guest kernel"))
		return;
	err = kernel_image_parse(header, vm->config.kernel.size, MACHINE_MAX_MEMORY, &image);
	if (err < 0) {
		vm_fail(vm, "the guest kernel is not a RISC-V Linux Image (%s)", error_text(err));
		return;
	}
	needed = image.text_offset + image.image_size + vm->config.initramfs.size + GUEST_MARGIN;
	if (needed > vm->config.memory) {
		vm_fail(vm,
		        "%u MiB are too little memory for this guest kernel: give it %u MiB or more",
		        (unsigned int)(vm->config.memory / MIB),
		        (unsigned int)((needed + MIB - 1) / MIB));
		return;
	}
	vm->kernel_start = MACHINE_MEMORY_START + image.text_offset;
	vm->initrd_start = (MACHINE_MEMORY_START + vm->config.memory - vm->config.initramfs.size) &
		~(gpa_t)(PAGE_SIZE - 1);
	err = guest_memory_slice(&vm->machine.memory, vm->kernel_start, vm->config.kernel.size,
	                         &target);
	assert(err == 0);
	load(vm, "the guest kernel", vm->config.kernel.offset, vm->config.kernel.size, target,
	     kernel_loaded);
}

void vm_load(struct vm *vm)
{
	load(vm, "the guest kernel", vm->config.kernel.offset, sizeof(vm->kernel_header),
	     (struct mut_span){ .data = vm->kernel_header, .len = sizeof(vm->kernel_header) },
	     header_loaded);
}

static bool sizes_are_sane(const struct vm *vm)
{
	return vm->config.kernel.size >= sizeof(vm->kernel_header) &&
		vm->config.kernel.size <= MACHINE_MAX_MEMORY && vm->config.initramfs.size > 0 &&
		vm->config.initramfs.size <= MACHINE_MAX_MEMORY;
}

void vm_boot(struct vm *vm)
{
	struct machine_config config = { .memory = vm->config.memory,
		                         .num_cpus = vm->config.cpus,
		                         .hart_features = vm->config.hart_features,
		                         .timebase_hz = vm->config.timebase_hz,
		                         .log_console = vm->config.log_console };
	error_t err;

	if (vm->state != VM_CREATED)
		return;
	vm->state = VM_LOADING;
	if (!sizes_are_sane(vm)) {
		vm_fail(vm,
		        "the guest kernel or the initramfs on the boot disk is empty or far too large");
		return;
	}
	err = machine_init(&vm->machine, vm->loop, &config, machine_stopped, vm);
	if (err == ERR_NOT_SUPPORTED) {
		vm_fail(vm,
		        "this machine has no hypervisor extension (H), so it cannot run Linux containers");
		return;
	}
	if (err < 0) {
		vm_fail(vm, "no virtual machine of %u MiB: %s (%s)",
		        (unsigned int)(vm->config.memory / MIB),
		        err == ERR_LIMIT || err == ERR_NO_MEMORY ? "too little memory"
		                                                 : "it was refused",
		        error_text(err));
		return;
	}
	vm->has_machine = true;
	err = create_devices(vm);
	if (err < 0) {
		vm_fail(vm, "the virtual machine's devices could not be made (%s)",
		        error_text(err));
		return;
	}
	vm_load(vm);
}
