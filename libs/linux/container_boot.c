// SPDX-License-Identifier: MIT
//
// From nothing to a running guest: memory, devices, kernel and initramfs.

#include "libs/base/string.h"
#include "libs/linux/container_internal.h"
#include "libs/linux/kernel_image.h"
#include "libs/starina/log.h"

// Nothing of the container's goes here: its configuration travels as data. earlycon shows what a kernel that dies says;
// panic=-1 makes it reboot at once, which ends the VM.
#define BOOTARGS "earlycon=sbi quiet panic=-1"
#define BOOTARGS_LOG "earlycon=sbi loglevel=7 panic=-1"
// What a kernel needs besides its image and the initramfs to get to bootd.
#define GUEST_MARGIN (16ull * 1024 * 1024)
#define MIB (1024ull * 1024)

static void cache_enter(void *context)
{
	struct container *c = context;

	machine_enter(&c->machine);
}

static void cache_leave(void *context)
{
	struct container *c = context;

	machine_leave(&c->machine);
}

static void root_piece(void *context, size_t position, struct span bytes)
{
	struct container_root_read *r = context;

	blk_device_put(r->request, position, bytes);
}

static void root_finished(void *context, error_t status)
{
	struct container_root_read *r = context;

	r->busy = false;
	blk_device_finish(r->request, status);
}

static void root_read(void *context, struct blk_device_request *request)
{
	struct container *c = context;
	size_t index = (size_t)(request - c->root.requests);
	struct container_root_read *r = &c->root_reads[index];

	if (!c->root_disk.ready && !c->root_lost) {
		blk_device_finish(request, ERR_IO);
		return;
	}
	// A request is free again only after its read has finished, so the slots go together.
	*r = (struct container_root_read){.container = c, .request = request, .busy = true};
	r->read.offset = request->offset;
	r->read.length = request->length;
	r->read.piece = root_piece;
	r->read.finished = root_finished;
	r->read.context = r;
	disk_cache_read(&c->root_cache, &r->read);
}

void container_log_last_words(const struct container *c)
{
	const struct machine *m = &c->machine;
	size_t start = 0;

	for (size_t i = 0; i <= m->console_len; i++) {
		if (i < m->console_len && m->console[i] != '\n')
			continue;
		if (i > start)
			log_warn("guest: %.*s", (int)(i - start), m->console + start);
		start = i + 1;
	}
}

static void machine_stopped(void *context)
{
	struct container *c = context;
	struct machine *m = &c->machine;

	if (m->end != MACHINE_END_STOPPED)
		container_log_last_words(c);
	switch (m->end) {
	case MACHINE_END_SHUTDOWN:
		container_fail(c, "the guest powered off before its container ended");
		break;
	case MACHINE_END_REBOOT:
		container_fail(c, "the guest kernel panicked or rebooted");
		break;
	case MACHINE_END_FAULT:
		container_fail(c, "the guest cannot go on: fault at pc 0x%llx", (unsigned long long)m->fault_pc);
		break;
	case MACHINE_END_ERROR:
		container_fail(c, "the virtual CPU could not be run (error %d)", (int)m->end_error);
		break;
	default:
		break;
	}
	container_settle(c);
}

static error_t create_devices(struct container *c)
{
	error_t err;

	err = machine_slot_create(&c->machine, &c->console.mmio);
	if (err < 0)
		return err;
	console_device_init(&c->console, GUEST_NUM_PORTS, &container_console_ops, c);
	for (uint32_t i = 0; i < GUEST_NUM_PORTS; i++)
		console_device_set_open(&c->console, i, i == GUEST_PORT_STDIN ? !c->stdin_closed : !c->output_closed[i]);
	err = machine_attach(&c->machine, &c->console.mmio);
	if (err < 0)
		return err;

	err = machine_slot_create(&c->machine, &c->root.mmio);
	if (err < 0)
		return err;
	c->root.read = root_read;
	c->root.context = c;
	c->root.num_sectors = c->root_disk.num_sectors;
	str_copy(c->root.serial, "root", sizeof(c->root.serial));
	blk_device_init(&c->root);
	disk_cache_init(&c->root_cache, &c->root_disk, cache_enter, cache_leave, c);
	c->root_cache.may_return = c->ops->root_lost != NULL;
	c->has_cache = true;
	err = machine_attach(&c->machine, &c->root.mmio);
	if (err < 0)
		return err;

	err = machine_slot_create(&c->machine, &c->rng.mmio);
	if (err < 0)
		return err;
	c->rng.fill = random_get;
	rng_device_init(&c->rng);
	return machine_attach(&c->machine, &c->rng.mmio);
}

static void start_machine(struct container *c)
{
	gpa_t initrd_end = c->initrd_start + c->config.initramfs.size;
	error_t err;

	c->state = CONTAINER_BOOTING;
	container_be_patient(c, true);
	err = machine_start(&c->machine, c->kernel_start, c->initrd_start,
	                    c->config.log_console ? BOOTARGS_LOG : BOOTARGS, c->initrd_start, initrd_end);
	if (err < 0)
		container_fail(c, "the virtual machine could not be started (error %d)", (int)err);
}

// Whether a load failed, or the container was ended meanwhile; then it settles.
static bool load_ended(struct container *c, error_t status, const char *what)
{
	c->loading = false;
	if (status < 0)
		container_fail(c, "%s could not be read from the boot disk (error %d)", what, (int)status);
	if (c->state != CONTAINER_LOADING)
		container_settle_later(c);
	return c->state != CONTAINER_LOADING;
}

static void load(struct container *c, const char *what, uint64_t offset, uint64_t size, struct mut_span target,
                 void (*finished)(void *context, error_t status))
{
	error_t err;

	c->loading = true;
	err = loader_start(&c->loader, c->config.boot_disk, offset, size, target, finished, c);
	if (err < 0) {
		c->loading = false;
		container_fail(c, "%s could not be read from the boot disk (error %d)", what, (int)err);
	}
}

static void initramfs_loaded(void *context, error_t status)
{
	struct container *c = context;

	if (!load_ended(c, status, "the initramfs"))
		start_machine(c);
}

static void kernel_loaded(void *context, error_t status)
{
	struct container *c = context;
	struct mut_span target;
	error_t err;

	if (load_ended(c, status, "the guest kernel"))
		return;
	err = guest_memory_slice(&c->machine.memory, c->initrd_start, c->config.initramfs.size, &target);
	assert(err == 0);
	load(c, "the initramfs", c->config.initramfs.offset, c->config.initramfs.size, target, initramfs_loaded);
}

static void header_loaded(void *context, error_t status)
{
	struct container *c = context;
	struct span header = {.data = c->kernel_header, .len = sizeof(c->kernel_header)};
	struct kernel_image image;
	struct mut_span target;
	uint64_t needed;
	error_t err;

	if (load_ended(c, status, "the guest kernel"))
		return;
	err = kernel_image_parse(header, c->config.kernel.size, MACHINE_MAX_MEMORY, &image);
	if (err < 0) {
		container_fail(c, "the guest kernel is not a RISC-V Linux Image (error %d)", (int)err);
		return;
	}
	needed = image.text_offset + image.image_size + c->config.initramfs.size + GUEST_MARGIN;
	if (needed > c->config.memory) {
		container_fail(c, "%u MiB are too little memory for this guest kernel: give it %u MiB or more",
		               (unsigned int)(c->config.memory / MIB), (unsigned int)((needed + MIB - 1) / MIB));
		return;
	}
	c->kernel_start = MACHINE_MEMORY_START + image.text_offset;
	c->initrd_start = (MACHINE_MEMORY_START + c->config.memory - c->config.initramfs.size) &
	                  ~(gpa_t)(PAGE_SIZE - 1);
	err = guest_memory_slice(&c->machine.memory, c->kernel_start, c->config.kernel.size, &target);
	assert(err == 0);
	load(c, "the guest kernel", c->config.kernel.offset, c->config.kernel.size, target, kernel_loaded);
}

static bool sizes_are_sane(const struct container *c)
{
	return c->config.kernel.size >= sizeof(c->kernel_header) && c->config.kernel.size <= MACHINE_MAX_MEMORY &&
	       c->config.initramfs.size > 0 && c->config.initramfs.size <= MACHINE_MAX_MEMORY;
}

void container_boot(struct container *c)
{
	struct machine_config config = {.memory = c->config.memory, .num_cpus = c->config.cpus,
	                                .has_sstc = c->config.has_sstc, .log_console = c->config.log_console};
	error_t err;

	// Called by container_start and when the root disk has told its size: the later one goes on.
	if (c->state != CONTAINER_LOADING || c->has_machine || !c->root_disk.ready)
		return;
	if (!sizes_are_sane(c)) {
		container_fail(c, "the guest kernel or the initramfs on the boot disk is empty or far too large");
		return;
	}
	err = machine_init(&c->machine, c->loop, &config, machine_stopped, c);
	if (err == ERR_NOT_SUPPORTED) {
		container_fail(c, "this machine has no hypervisor extension (H), so it cannot run Linux containers");
		return;
	}
	if (err < 0) {
		container_fail(c, "no virtual machine of %u MiB: %s (error %d)",
		               (unsigned int)(c->config.memory / MIB),
		               err == ERR_LIMIT || err == ERR_NO_MEMORY ? "too little memory" : "it was refused",
		               (int)err);
		return;
	}
	c->has_machine = true;
	err = create_devices(c);
	if (err < 0) {
		container_fail(c, "the virtual machine's devices could not be made (error %d)", (int)err);
		return;
	}
	load(c, "the guest kernel", c->config.kernel.offset, sizeof(c->kernel_header),
	     (struct mut_span){.data = c->kernel_header, .len = sizeof(c->kernel_header)}, header_loaded);
}

void container_boot_undo(struct container *c)
{
	// The disk first: its reads point into the cache, the cache's into the device.
	disk_deinit(&c->root_disk);
	if (c->has_cache)
		disk_cache_deinit(&c->root_cache);
	c->has_cache = false;
	if (c->has_machine)
		machine_deinit(&c->machine);
	c->has_machine = false;
}
