// SPDX-License-Identifier: MIT
#include "libs/linux/vm/vm_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/starina/log.h"

#define BOOT_KERNEL 4096u
#define BOOT_INITRAMFS 8192u
#define TIMERS 4

struct vm *vm;
struct test_guest *guest;
struct loop loop;
nsec_t now;
uint32_t disks_opened;
int disks_resumed;
struct vm_net *joined;
bool network_holds;
static struct disk boot_disk;
static uint8_t *memory;
// Handles: 1 to TIMERS are timers.
static nsec_t timers[TIMERS + 1];
static struct source *timer_sources[TIMERS + 1];
static uint32_t num_timers;
static bool stop_wanted;
static struct loader *loading;
static bool boot_disk_dead;
static const struct disk_ops *disk_callbacks;
static const struct disk_ops *writable_callbacks;  // of the disk on channel WRITABLE

const struct vm_config boot = {
	.memory = 40ull << 20,
	.cpus = 1,
	.boot_disk = &boot_disk,
	.kernel = { .offset = BOOT_KERNEL, .size = 100000 },
	.initramfs = { .offset = BOOT_INITRAMFS, .size = 5000 },
};

// --- The kernel ----------------------------------------------------------------------------------

error_t timer_create(handle_t *out)
{
	assert_true(num_timers < TIMERS);
	*out = (handle_t)++num_timers;
	timers[num_timers] = NSEC_NEVER;
	return 0;
}

bool timer_is_set(handle_t timer)
{
	return timers[timer] != NSEC_NEVER;
}

error_t timer_set(handle_t timer, nsec_t deadline)
{
	timers[timer] = deadline;
	return 0;
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = now;
	return 0;
}

error_t random_get(void *buf, size_t len)
{
	memset(buf, 0x5a, len);
	return 0;
}

error_t handle_close(handle_t h)
{
	(void)h;
	return 0;
}

error_t loop_add(struct loop *l, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	(void)l;
	source->handle = handle;
	source->ops = ops;
	source->context = context;
	timer_sources[handle] = source;
	return 0;
}

void loop_close(struct loop *l, struct source *source)
{
	(void)l;
	timers[source->handle] = NSEC_NEVER;
	timer_sources[source->handle] = NULL;
}

void loop_remove(struct loop *l, struct source *source)
{
	loop_close(l, source);
}

// --- Disks ---------------------------------------------------------------------------------------

error_t disk_init(struct disk *disk, struct loop *l, handle_t channel, const struct disk_ops *ops,
                  void *context)
{
	*disk = (struct disk){ .loop = l, .ops = ops, .context = context, .open = true };
	*(channel == WRITABLE ? &writable_callbacks : &disk_callbacks) = ops;
	disks_opened++;
	return 0;
}

void disk_deinit(struct disk *disk)
{
	*disk = (struct disk){ 0 };
}

error_t loader_start(struct loader *loader, struct disk *disk, uint64_t offset, uint64_t size,
                     struct mut_span target, void (*finished)(void *context, error_t s),
                     void *context)
{
	static const uint8_t magic2[] = { 'R', 'S', 'C', 5 };

	(void)disk;
	assert_true(size <= target.len);
	if (boot_disk_dead)
		return ERR_NOT_READY;
	memset(target.data, 0, size);
	if (offset == BOOT_KERNEL && size >= 64) {
		target.data[10] = 0x20;  // text_offset 2 MiB
		target.data[18] = 0x10;  // image_size 1 MiB
		memcpy(target.data + 56, magic2, sizeof(magic2));
	}
	*loader = (struct loader){ .finished = finished, .context = context };
	loading = loader;
	return 0;
}

void disk_cache_init(struct disk_cache *cache, struct disk *disk, void (*enter)(void *context),
                     void (*leave)(void *context), void *context)
{
	*cache = (struct disk_cache){ .disk = disk,
		                      .enter = enter,
		                      .leave = leave,
		                      .context = context };
}

void disk_cache_deinit(struct disk_cache *cache)
{
	(void)cache;
}

void disk_cache_read(struct disk_cache *cache, struct disk_cache_read *read)
{
	(void)cache;
	(void)read;
}

void disk_pump_init(struct disk_pump *pump, struct disk *disk, void (*enter)(void *context),
                    void (*leave)(void *context), void *context)
{
	*pump = (struct disk_pump){ .disk = disk,
		                    .enter = enter,
		                    .leave = leave,
		                    .context = context };
}

void disk_pump_start(struct disk_pump *pump, struct disk_transfer *transfer)
{
	(void)pump;
	transfer->finished(transfer->context, 0);
}

void disk_pump_resume(struct disk_pump *pump, error_t error)
{
	(void)pump;
	disks_resumed = error == 0 ? disks_resumed + 1 : -1;
}

void disk_pump_deinit(struct disk_pump *pump)
{
	(void)pump;
}

void disk_cache_resume(struct disk_cache *cache, error_t error)
{
	(void)cache;
	disks_resumed = error == 0 ? disks_resumed + 1 : -1;
}

void boot_disk_dies(void)
{
	struct loader *l = loading;

	boot_disk_dead = true;
	loading = NULL;
	if (l != NULL)
		l->finished(l->context, ERR_PEER_CLOSED);
}

void boot_disk_returns(void)
{
	boot_disk_dead = false;
}

void root_is_ready(uint64_t num_sectors)
{
	vm->root_disk.ready = true;
	vm->root_disk.num_sectors = num_sectors;
	disk_callbacks->ready(vm);
}

void root_dies(error_t error)
{
	vm->root_disk.ready = false;
	vm->root_disk.open = false;
	disk_callbacks->failed(vm, error);
}

void writable_is_ready(uint64_t num_sectors)
{
	vm->writable_disk.ready = true;
	vm->writable_disk.num_sectors = num_sectors;
	writable_callbacks->ready(vm);
}

void writable_dies(void)
{
	vm->writable_disk.ready = vm->writable_disk.open = false;
	writable_callbacks->failed(vm, ERR_PEER_CLOSED);
}

// --- The machine ---------------------------------------------------------------------------------

error_t machine_init(struct machine *machine, struct loop *l, const struct machine_config *config,
                     void (*stopped)(void *context), void *context)
{
	memset(machine, 0, sizeof(*machine));
	machine->config = *config;
	machine->loop = l;
	machine->stopped = stopped;
	machine->context = context;
	// Made once: so much memory is slow to get. Nobody looks at what is in it.
	if (memory == NULL)
		memory = malloc(config->memory);
	assert_int_equal(config->memory, boot.memory);
	machine->memory = (struct guest_memory){ .gpa = MACHINE_MEMORY_START,
		                                 .base = memory,
		                                 .size = config->memory };
	return 0;
}

void machine_deinit(struct machine *machine)
{
	assert_int_equal(machine->num_running, 0);
	assert_int_equal(machine->lock_depth, 0);
	for (uint32_t i = 0; i < machine->num_slots; i++)
		free(machine->slots[i].device->page);
	memset(machine, 0, sizeof(*machine));
}

error_t machine_slot_create(struct machine *machine, struct virtio_mmio_device *device)
{
	test_guest_init(guest, device);
	device->page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	memset(device->page, 0, PAGE_SIZE);
	machine->slots[machine->num_slots++].device = device;
	return 0;
}

error_t machine_attach(struct machine *machine, struct virtio_mmio_device *device)
{
	(void)machine;
	(void)device;
	return 0;
}

error_t machine_start(struct machine *machine, gpa_t entry, gpa_t scratch_end, const char *bootargs,
                      gpa_t initrd_start, gpa_t initrd_end)
{
	(void)bootargs;
	assert_int_equal(entry, MACHINE_MEMORY_START + 0x200000);
	assert_true(scratch_end <= initrd_start && initrd_start < initrd_end);
	machine->num_running = 1;
	return 0;
}

void machine_stop(struct machine *machine)
{
	stop_wanted = machine->num_running > 0;
}

void machine_enter(struct machine *machine)
{
	machine->lock_depth++;
}

void machine_leave(struct machine *machine)
{
	machine->lock_depth--;
}

void machine_discard(struct machine *machine, size_t offset, size_t length)
{
	(void)machine;
	(void)offset;
	(void)length;
}

uint64_t machine_memory_used(const struct machine *machine)
{
	return machine->config.memory;
}

void machine_stats(struct machine *machine, struct vcpu_stats *out)
{
	(void)machine;
	*out = (struct vcpu_stats){ 0 };
}

void machine_ends(enum machine_end reason)
{
	vm->machine.num_running = 0;
	vm->machine.end = reason;
	vm->machine.stopped(vm->machine.context);
}

// --- The network ---------------------------------------------------------------------------------

error_t vm_net_create(struct vm_net *net, struct machine *machine)
{
	net->machine = machine;
	return machine_slot_create(machine, &net->device.mmio);
}

error_t vm_net_join(struct vm_net *net, handle_t to, const uint8_t address[4],
                    void (*settled)(void *context, const struct guest_address *address,
                                    const char *error),
                    void *context)
{
	assert_int_equal(to, 77);
	assert_memory_equal(address, "\x0a\0\x02\x64", 4);
	net->loop = &loop;
	net->settled = settled;
	net->context = context;
	net->waiting = true;
	joined = net;
	return 0;
}

void vm_net_set_networks(struct vm_net *net, const struct netdev_networks *networks)
{
	net->networks = *networks;
	net->has_networks = true;
}

bool vm_net_drain(struct vm_net *net, void (*drained)(void *context), void *context)
{
	net->drained = drained;
	net->drained_context = context;
	return !network_holds;
}

void vm_net_deinit(struct vm_net *net)
{
	if (joined == net)
		joined = NULL;
}

error_t vm_files_create(struct vm_files *files, struct machine *machine)
{
	files->machine = machine;
	return machine_slot_create(machine, &files->device.mmio);
}

void vm_files_rehearse(struct vm_files *files)
{
	(void)files;
}

error_t vm_files_bind(struct vm_files *files, struct loop *l, const struct vm_share *shares,
                      size_t count)
{
	(void)l;
	assert_true(count <= 1);
	if (count == 1) {
		assert_int_equal(shares->connector, FILES);
		assert_string_equal(shares->uri, FILES_HOST);
	}
	if (files->bound)
		return ERR_EXISTS;
	files->bound = true;
	return 0;
}

void vm_files_log(struct vm_files *files)
{
	(void)files;
}

void vm_files_deinit(struct vm_files *files)
{
	files->bound = false;
}

void network_settles(bool works)
{
	joined->waiting = false;
	joined->has_address = works;
	joined->address = (struct guest_address){ .mac = { 2, 1, 1, 1, 1, 1 },
		                                  .mtu = 1500,
		                                  .network = { .address = { 10, 0, 2, 100 },
		                                               .gateway = { 10, 0, 2, 2 },
		                                               .dns = { { 10, 0, 2, 3 } },
		                                               .prefix_len = 24 } };
	joined->settled(joined->context, works ? &joined->address : NULL,
	                works ? NULL : "of a test");
}

// --- All of it -----------------------------------------------------------------------------------

void vm_fake_reset(void)
{
	guest = aligned_alloc(4096, sizeof(*guest));
	num_timers = disks_opened = 0;
	disks_resumed = 0;
	stop_wanted = boot_disk_dead = false;
	loading = NULL;
	now = 1000;
	memset(timer_sources, 0, sizeof(timer_sources));
}

void turn(void)
{
	for (uint32_t rounds = 0; rounds < 10; rounds++) {
		struct loader *l = loading;

		loading = NULL;
		if (l != NULL)
			l->finished(l->context, 0);
		if (stop_wanted) {
			stop_wanted = false;
			machine_ends(MACHINE_END_STOPPED);
		}
		for (uint32_t i = 1; i <= num_timers; i++) {
			if (timer_sources[i] != NULL && timers[i] <= now)
				timer_sources[i]->ops->signalled(&loop, timer_sources[i]);
		}
	}
}
