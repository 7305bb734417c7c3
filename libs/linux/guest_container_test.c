// SPDX-License-Identifier: MIT
//
// A container whose guest is a script: the machine, the disks and the kernel are fakes, the console device is the real one,
// and what bootd says is written here, byte by byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/linux/guest_container_internal.h"
#include "libs/linux/vm_internal.h"
#include "libs/starina/alloc.h"
#include "libs/virtio/device_test.h"

#define BOOT_KERNEL 4096u
#define BOOT_INITRAMFS 8192u
#define TIMERS 4
#define WRITABLE 88  // a channel

static struct guest_container *c;
static struct vm *vm;  // its
static struct test_guest *guest;
static struct loop loop;
static struct disk boot_disk;
static uint8_t *memory;
static nsec_t now;
// Handles: 1 to TIMERS are timers.
static nsec_t timers[TIMERS + 1];
static struct source *timer_sources[TIMERS + 1];
static uint32_t num_timers;
static bool stop_wanted;
static struct loader *loading;
static const struct disk_ops *disk_callbacks;
static const struct disk_ops *writable_callbacks;  // of the disk on channel WRITABLE
static uint32_t disks_opened;
static int resumed;  // times; with an error: -1
// What the app heard.
static int status;
static char error_text[VM_ERROR_MAX];
static uint32_t num_started, num_ended, num_lost, num_input_ready;
static char output[256];
static size_t output_len;
static size_t output_room;
// What bootd read.
static uint8_t requests[8192];
static size_t requests_len;
static uint16_t rx_seen;

// --- The kernel ------------------------------------------------------------------------------------

error_t log_write(enum log_level level, const char *line, size_t len)
{
	(void)level;
	(void)line;
	(void)len;
	return 0;
}

error_t timer_create(handle_t *out)
{
	assert_true(num_timers < TIMERS);
	*out = (handle_t)++num_timers;
	timers[num_timers] = NSEC_NEVER;
	return 0;
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

void *heap_alloc(size_t size)
{
	return calloc(1, size);
}

void heap_free(void *p)
{
	free(p);
}

error_t loop_add(struct loop *l, struct source *source, handle_t handle, const struct source_ops *ops, void *context)
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

// --- Disks -----------------------------------------------------------------------------------------

error_t disk_init(struct disk *disk, struct loop *l, handle_t channel, const struct disk_ops *ops, void *context)
{
	*disk = (struct disk){.loop = l, .ops = ops, .context = context, .open = true};
	*(channel == WRITABLE ? &writable_callbacks : &disk_callbacks) = ops;
	disks_opened++;
	return 0;
}

void disk_deinit(struct disk *disk)
{
	*disk = (struct disk){0};
}

error_t loader_start(struct loader *loader, struct disk *disk, uint64_t offset, uint64_t size, struct mut_span target,
                     void (*finished)(void *context, error_t s), void *context)
{
	static const uint8_t magic2[] = {'R', 'S', 'C', 5};

	(void)disk;
	assert_true(size <= target.len);
	memset(target.data, 0, size);
	if (offset == BOOT_KERNEL && size >= 64) {
		target.data[10] = 0x20;  // text_offset 2 MiB
		target.data[18] = 0x10;  // image_size 1 MiB
		memcpy(target.data + 56, magic2, sizeof(magic2));
	}
	*loader = (struct loader){.finished = finished, .context = context};
	loading = loader;
	return 0;
}

void disk_cache_init(struct disk_cache *cache, struct disk *disk, void (*enter)(void *context),
                     void (*leave)(void *context), void *context)
{
	*cache = (struct disk_cache){.disk = disk, .enter = enter, .leave = leave, .context = context};
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
	*pump = (struct disk_pump){.disk = disk, .enter = enter, .leave = leave, .context = context};
}

void disk_pump_start(struct disk_pump *pump, struct disk_transfer *transfer)
{
	(void)pump;
	transfer->finished(transfer->context, 0);
}

void disk_pump_resume(struct disk_pump *pump, error_t error)
{
	(void)pump;
	resumed = error == 0 ? resumed + 1 : -1;
}

void disk_pump_deinit(struct disk_pump *pump)
{
	(void)pump;
}

void disk_cache_resume(struct disk_cache *cache, error_t error)
{
	(void)cache;
	resumed = error == 0 ? resumed + 1 : -1;
}

// --- The machine -----------------------------------------------------------------------------------

error_t machine_init(struct machine *machine, struct loop *l, const struct machine_config *config,
                     void (*stopped)(void *context), void *context)
{
	memset(machine, 0, sizeof(*machine));
	machine->config = *config;
	machine->loop = l;
	machine->stopped = stopped;
	machine->context = context;
	memory = calloc(1, config->memory);
	machine->memory = (struct guest_memory){.gpa = MACHINE_MEMORY_START, .base = memory, .size = config->memory};
	return 0;
}

void machine_deinit(struct machine *machine)
{
	assert_int_equal(machine->num_running, 0);
	assert_int_equal(machine->lock_depth, 0);
	for (uint32_t i = 0; i < machine->num_slots; i++)
		free(machine->slots[i].device->page);
	free(memory);
	memory = NULL;
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
	*out = (struct vcpu_stats){0};
}

// The vCPUs end for `reason`.
static void machine_ends(enum machine_end reason)
{
	vm->machine.num_running = 0;
	vm->machine.end = reason;
	vm->machine.stopped(vm->machine.context);
}

// --- The network -----------------------------------------------------------------------------------

static struct vm_net *joined;
static bool network_holds;  // frames that the switch does not take
static handle_t connector;
static handle_t writable_channel, root_channel;  // of the next container

error_t vm_net_create(struct vm_net *net, struct machine *machine)
{
	net->machine = machine;
	return machine_slot_create(machine, &net->device.mmio);
}

error_t vm_net_join(struct vm_net *net, handle_t to, const uint8_t address[4],
                    void (*settled)(void *context, const struct guest_address *address, const char *error), void *context)
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

static void network_settles(bool works)
{
	joined->waiting = false;
	joined->has_address = works;
	joined->address = (struct guest_address){.mac = {2, 1, 1, 1, 1, 1}, .mtu = 1500, .network = {.address = {10, 0, 2, 100},
	                                         .gateway = {10, 0, 2, 2}, .dns = {{10, 0, 2, 3}}, .prefix_len = 24}};
	joined->settled(joined->context, works ? &joined->address : NULL, works ? NULL : "of a test");
}

// --- The app ---------------------------------------------------------------------------------------

static void take_started(void *context, nsec_t start_ns)
{
	(void)context;
	(void)start_ns;
	num_started++;
}

static size_t take_output(void *context, enum guest_stream stream, struct span bytes)
{
	size_t n = bytes.len < output_room ? bytes.len : output_room;

	(void)context;
	(void)stream;
	memcpy(output + output_len, bytes.data, n);
	output_len += n;
	output_room -= n;
	return n;
}

static void take_input_ready(void *context)
{
	(void)context;
	num_input_ready++;
}

static void take_root_lost(void *context)
{
	(void)context;
	num_lost++;
}

static void take_ended(void *context, int s, const char *error)
{
	(void)context;
	num_ended++;
	status = s;
	strcpy(error_text, error != NULL ? error : "");
	guest_container_destroy(c);
	c = NULL;
}

static const struct guest_container_ops app = {
	.started = take_started,
	.output = take_output,
	.input_ready = take_input_ready,
	.root_lost = take_root_lost,
	.writable_lost = take_root_lost,
	.ended = take_ended,
};

// Does what the loop would do now.
static void turn(void)
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

static void root_is_ready(uint64_t num_sectors)
{
	vm->root_disk.ready = true;
	vm->root_disk.num_sectors = num_sectors;
	disk_callbacks->ready(vm);
}

static const struct vm_config boot = {
	.memory = 40ull << 20,
	.cpus = 1,
	.boot_disk = &boot_disk,
	.kernel = {.offset = BOOT_KERNEL, .size = 100000},
	.initramfs = {.offset = BOOT_INITRAMFS, .size = 5000},
};

static void create_container(struct vm *warm)
{
	struct guest_container_config config = {
		.vm = warm,
		.boot = boot,
		.config = {.data = (const uint8_t *)"{}", .len = 2},
		.root_disk = root_channel,
		.writable_disk = writable_channel,
		.network = connector,
		.address = {10, 0, 2, 100},
	};

	assert_int_equal(guest_container_create(&loop, &config, &app, NULL, &c), 0);
	vm = c->vm;
}

static int setup(void **state)
{
	(void)state;
	guest = aligned_alloc(4096, sizeof(*guest));
	num_timers = num_started = num_ended = num_lost = num_input_ready = disks_opened = 0;
	output_len = requests_len = 0;
	output_room = sizeof(output);
	rx_seen = 0;
	resumed = 0;
	status = -1;
	stop_wanted = false;
	loading = NULL;
	now = 1000;
	memset(timer_sources, 0, sizeof(timer_sources));
	create_container(NULL);
	root_is_ready(8);
	return 0;
}

static int setup_writable(void **state)
{
	writable_channel = WRITABLE;
	setup(state);
	writable_channel = HANDLE_NONE;
	return 0;
}

static int setup_network(void **state)
{
	connector = 77;
	setup(state);
	connector = HANDLE_NONE;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (c != NULL && c->state != CONTAINER_CREATED)
		guest_container_kill(c);
	turn();
	if (c != NULL)
		guest_container_destroy(c);
	c = NULL;
	free(guest);
	return 0;
}

// --- The guest -------------------------------------------------------------------------------------

static uint32_t buffer_of(uint32_t queue)
{
	return TEST_BUFFERS + queue * 4096;
}

static void guest_send(uint32_t queue, const void *bytes, uint32_t len)
{
	memcpy(guest->memory + buffer_of(queue), bytes, len);
	test_set_desc(guest, queue, 0, TEST_GPA + buffer_of(queue), len, 0, 0);
	test_offer(guest, queue, 0);
	virtio_mmio_notified(&vm->console.mmio, queue);
}

static void guest_control(uint32_t port, uint16_t event, uint16_t value)
{
	struct virtio_console_control message = {.id = port, .event = event, .value = value};

	guest_send(VIRTIO_CONSOLE_QUEUE_CONTROL_TX, &message, sizeof(message));
}

// Boots: the driver comes up, bootd opens its control port and gives it a buffer.
static void guest_boot(void)
{
	uint32_t rx = VIRTIO_CONSOLE_QUEUE_RX(GUEST_PORT_CONTROL);

	if (c != NULL)
		guest_container_start(c);
	else
		vm_boot(vm);
	turn();
	assert_int_equal(vm->state, VM_BOOTING);
	test_start_device(&vm->console.mmio, VIRTIO_CONSOLE_F_MULTIPORT);
	for (uint16_t i = 0; i < TEST_QUEUE_SIZE; i++) {
		test_set_desc(guest, rx, i, TEST_GPA + buffer_of(rx) + i * 256u, 256, VIRTQ_DESC_F_WRITE, 0);
		test_offer(guest, rx, i);
		test_set_desc(guest, VIRTIO_CONSOLE_QUEUE_CONTROL_RX, i,
		              TEST_GPA + buffer_of(VIRTIO_CONSOLE_QUEUE_CONTROL_RX) + i * 16u, 16, VIRTQ_DESC_F_WRITE, 0);
		test_offer(guest, VIRTIO_CONSOLE_QUEUE_CONTROL_RX, i);
	}
	for (uint32_t port = 0; port < GUEST_NUM_PORTS; port++)
		guest_control(port, VIRTIO_CONSOLE_PORT_READY, 1);
	guest_control(GUEST_PORT_CONTROL, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

// Reads what came on the control port.
static void guest_read(void)
{
	uint32_t rx = VIRTIO_CONSOLE_QUEUE_RX(GUEST_PORT_CONTROL);
	const struct virtq_used *used = test_used(guest, rx);

	for (; rx_seen != used->idx; rx_seen++) {
		uint32_t id = used->ring[rx_seen % TEST_QUEUE_SIZE].id;
		uint32_t len = used->ring[rx_seen % TEST_QUEUE_SIZE].len;

		memcpy(requests + requests_len, guest->memory + buffer_of(rx) + id * 256, len);
		requests_len += len;
	}
}

static void guest_frame(uint16_t type, uint32_t process, uint32_t request, const void *body, uint32_t len)
{
	uint8_t frame[512];
	struct control_header header = {.magic = CONTROL_MAGIC, .version = CONTROL_VERSION, .type = type,
	                                .process = process, .request = request, .length = len};

	memcpy(frame, &header, sizeof(header));
	if (len > 0)
		memcpy(frame + sizeof(header), body, len);
	guest_send(VIRTIO_CONSOLE_QUEUE_TX(GUEST_PORT_CONTROL), frame, (uint32_t)sizeof(header) + len);
}

static void guest_ready(void)
{
	struct control_ready ready = {.version = CONTROL_VERSION};

	guest_frame(CONTROL_EVENT_READY, 0, 0, &ready, sizeof(ready));
}

static void guest_reply(uint32_t request, int32_t linux_status)
{
	struct control_reply reply = {.status = linux_status};

	guest_frame(CONTROL_REPLY, 1, request, &reply, sizeof(reply));
}

static void guest_exited(uint16_t type, uint32_t s)
{
	struct control_exited exited = {.status = s};

	guest_frame(type, 1, 0, &exited, sizeof(exited));
}

static void guest_start(void)
{
	guest_boot();
	guest_ready();
	for (uint32_t i = 1; i <= 4; i++)
		guest_reply(i, 0);
	guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0);
	assert_int_equal(c->state, CONTAINER_RUNNING);
}

static void expect_end(int s, const char *part)
{
	turn();
	assert_int_equal(num_ended, 1);
	assert_int_equal(status, s);
	if (part == NULL)
		assert_string_equal(error_text, "");
	else
		assert_non_null(strstr(error_text, part));
}

// --- Tests -----------------------------------------------------------------------------------------

static void test_run(void **state)
{
	static const uint16_t types[] = {CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_CREATE, CONTROL_START};
	size_t at = 0;

	(void)state;
	guest_start();
	assert_int_equal(num_started, 1);
	guest_read();
	for (uint32_t i = 0; i < 4; i++) {
		struct control_header header;

		assert_true(at + sizeof(header) <= requests_len);
		memcpy(&header, requests + at, sizeof(header));
		assert_int_equal(header.type, types[i]);
		assert_int_equal(header.request, i + 1);
		if (i == 0)
			assert_memory_equal(requests + at + sizeof(header) + sizeof(struct control_configure), "{}", 2);
		at += sizeof(header) + header.length;
	}
	assert_int_equal(at, requests_len);
	guest_send(VIRTIO_CONSOLE_QUEUE_TX(GUEST_PORT_STDOUT), "hello", 5);
	guest_exited(CONTROL_EVENT_EXITED, 7);
	expect_end(7, NULL);
	assert_int_equal(output_len, 5);
	assert_memory_equal(output, "hello", 5);
}

// Expects that bootd was sent these requests since the last time. Returns the offset of the last one's body.
static size_t expect_requests(const uint16_t *types, size_t count)
{
	struct control_header header;
	size_t at = 0;

	guest_read();
	for (size_t i = 0; i < count; i++) {
		at += i > 0 ? sizeof(header) + header.length : 0;
		assert_true(at + sizeof(header) <= requests_len);
		memcpy(&header, requests + at, sizeof(header));
		assert_int_equal(header.type, types[i]);
	}
	assert_int_equal(at + sizeof(header) + header.length, requests_len);
	requests_len = 0;
	return at + sizeof(header);
}

#define EXPECT_REQUESTS(...)                                                                       \
	expect_requests((const uint16_t[]){__VA_ARGS__}, sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

static void test_network(void **state)
{
	struct guest_address address;

	(void)state;
	guest_boot();
	assert_false(guest_container_address(c, &address));
	network_settles(true);
	assert_true(guest_container_address(c, &address));
	assert_memory_equal(address.network.address, "\x0a\0\x02\x64", 4);
	guest_ready();
	EXPECT_REQUESTS(CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_NETWORK, CONTROL_CREATE, CONTROL_START);
}

// The guest has booted before the switch knows its network: the container waits, the mount does not.
static void test_late_network(void **state)
{
	struct control_network body;

	(void)state;
	guest_boot();
	guest_ready();
	EXPECT_REQUESTS(CONTROL_CONFIGURE, CONTROL_MOUNT);
	network_settles(true);
	EXPECT_REQUESTS(CONTROL_NETWORK, CONTROL_CREATE, CONTROL_START);
	for (uint32_t i = 1; i <= 5; i++)
		guest_reply(i, 0);
	guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0);
	assert_int_equal(num_started, 1);
	// Another address, while it runs; bootd's trouble with it does not end the container.
	network_settles(true);
	memcpy(&body, requests + EXPECT_REQUESTS(CONTROL_NETWORK), sizeof(body));
	assert_memory_equal(body.address, "\x0a\0\x02\x64", 4);
	assert_memory_equal(body.gateway, "\x0a\0\x02\x02", 4);
	assert_memory_equal(body.dns, "\x0a\0\x02\x03\0\0\0\0", 8);
	assert_memory_equal(body.mac, "\2\1\1\1\1\1", 6);
	assert_int_equal(body.prefix_len, 24);
	assert_int_equal(body.mtu, 1500);
	guest_reply(6, -19);
	turn();
	assert_int_equal(c->state, CONTAINER_RUNNING);
}

static void test_no_network(void **state)
{
	(void)state;
	guest_boot();
	guest_ready();
	EXPECT_REQUESTS(CONTROL_CONFIGURE, CONTROL_MOUNT);
	network_settles(false);
	EXPECT_REQUESTS(CONTROL_CREATE, CONTROL_START);
}

static void test_network_after_the_end(void **state)
{
	(void)state;
	guest_boot();
	guest_ready();
	guest_container_kill(c);
	network_settles(true);
	expect_end(137, NULL);
	assert_null(joined);
}

// The switch takes its time with what the guest sent.
static void test_network_outlives_guest(void **state)
{
	(void)state;
	guest_start();
	network_holds = true;
	guest_exited(CONTROL_EVENT_EXITED, 0);
	turn();
	assert_int_equal(num_ended, 0);
	assert_int_equal(vm->machine.num_running, 0);
	network_holds = false;
	vm->net.drained(vm->net.drained_context);
	expect_end(0, NULL);
}

// The app takes its time with the output; the end waits, but the guest does not go on.
static void test_output_outlives_guest(void **state)
{
	(void)state;
	guest_start();
	output_room = 2;
	guest_send(VIRTIO_CONSOLE_QUEUE_TX(GUEST_PORT_STDOUT), "hello", 5);
	guest_exited(CONTROL_EVENT_EXITED, 0);
	turn();
	assert_int_equal(num_ended, 0);
	assert_int_equal(vm->machine.num_running, 0);
	output_room = 100;
	guest_container_output_resume(c, GUEST_STDOUT);
	expect_end(0, NULL);
	assert_memory_equal(output, "hello", 5);
}

static void hostile_before_ready(uint32_t which)
{
	switch (which) {
	case 0:
		guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0);
		break;
	case 1:
		guest_exited(CONTROL_EVENT_EXITED, 0);
		break;
	case 2:
		guest_reply(1, 0);  // to no request
		break;
	case 3:
		guest_frame(CONTROL_EVENT_READY, 0, 0, "short", 5);
		break;
	case 4:
		guest_send(VIRTIO_CONSOLE_QUEUE_TX(GUEST_PORT_CONTROL), "this is no frame of the protocol", 32);
		break;
	default:
		guest_frame(CONTROL_CONFIGURE, 0, 0, NULL, 0);  // not for the guest to send
		break;
	}
}

static void hostile_while_running(uint32_t which)
{
	struct control_header header = {.magic = CONTROL_MAGIC, .version = CONTROL_VERSION, .type = CONTROL_REPLY,
	                                .length = CONTROL_LINK_MAX_BODY + 1};

	switch (which) {
	case 0:
		guest_ready();  // again
		break;
	case 1:
		guest_exited(CONTROL_EVENT_EXITED, 256);
		break;
	case 2:
		guest_exited(CONTROL_EVENT_FAILED, 0);
		break;
	case 3:
		guest_reply(UINT32_MAX, 0);
		break;
	case 4:
		guest_send(VIRTIO_CONSOLE_QUEUE_TX(GUEST_PORT_CONTROL), &header, sizeof(header));
		break;
	default:
		guest_frame(0xffff, 1, 0, NULL, 0);
		break;
	}
}

static void test_hostile_frames(void **state)
{
	for (uint32_t i = 0; i < 12; i++) {
		if (i > 0)
			setup(state);
		if (i < 6) {
			guest_boot();
			hostile_before_ready(i);
		} else {
			guest_start();
			hostile_while_running(i - 6);
		}
		expect_end(125, "broke the control protocol");
		if (i < 11)
			teardown(state);
	}
}

static void test_refused_requests(void **state)
{
	(void)state;
	guest_boot();
	guest_ready();
	guest_reply(1, 0);
	guest_reply(2, INT32_MIN);
	expect_end(125, "bootd refused");
}

static void test_not_found(void **state)
{
	(void)state;
	guest_start();
	guest_exited(CONTROL_EVENT_FAILED, 127);
	expect_end(127, "could not be started");
}

static void test_never_ready(void **state)
{
	(void)state;
	guest_boot();
	now += VM_PATIENCE - 1;
	turn();
	assert_int_equal(num_ended, 0);
	now += 1;
	expect_end(125, "did not boot");
}

static void test_never_started(void **state)
{
	(void)state;
	guest_boot();
	guest_ready();
	now += VM_PATIENCE;
	expect_end(125, "did not start its container");
}

// A container that runs may be silent for ever.
static void test_patience_ends(void **state)
{
	(void)state;
	guest_start();
	now += 100 * VM_PATIENCE;
	turn();
	assert_int_equal(num_ended, 0);
}

static void test_guest_dies(void **state)
{
	static const struct {
		enum machine_end end;
		const char *text;
	} deaths[] = {
		{MACHINE_END_SHUTDOWN, "powered off"},
		{MACHINE_END_REBOOT, "panicked"},
		{MACHINE_END_FAULT, "fault"},
		{MACHINE_END_ERROR, "could not be run"},
	};

	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
		if (i > 0) {
			teardown(state);
			setup(state);
		}
		guest_start();
		machine_ends(deaths[i].end);
		expect_end(125, deaths[i].text);
	}
}

static void test_signals_before_start(void **state)
{
	(void)state;
	guest_boot();
	guest_container_signal(c, 28);  // SIGWINCH
	guest_container_signal(c, 0);
	guest_container_signal(c, 65);
	turn();
	assert_int_equal(num_ended, 0);
	guest_container_signal(c, 15);
	expect_end(143, NULL);
}

static void test_signal_while_loading(void **state)
{
	(void)state;
	guest_container_start(c);
	guest_container_signal(c, 2);
	assert_int_equal(num_ended, 0);  // the disk still writes into the machine
	expect_end(130, NULL);
}

static void test_signal_reaches_bootd(void **state)
{
	struct control_header header;
	uint32_t number;

	(void)state;
	guest_start();
	guest_read();
	requests_len = 0;
	guest_container_signal(c, 15);
	guest_read();
	assert_int_equal(requests_len, sizeof(header) + sizeof(struct control_signal));
	memcpy(&header, requests, sizeof(header));
	assert_int_equal(header.type, CONTROL_SIGNAL);
	memcpy(&number, requests + sizeof(header), sizeof(number));
	assert_int_equal(number, 15);
	guest_container_signal(c, 9);
	expect_end(137, NULL);
}

static void test_output_closed(void **state)
{
	struct virtio_console_control message;
	const struct virtq_used *used;
	uint32_t queue = VIRTIO_CONSOLE_QUEUE_CONTROL_RX;

	(void)state;
	guest_start();
	guest_container_output_close(c, GUEST_STDOUT);
	used = test_used(guest, queue);
	memcpy(&message, guest->memory + buffer_of(queue) + used->ring[(used->idx - 1u) % TEST_QUEUE_SIZE].id * 16,
	       sizeof(message));
	assert_int_equal(message.id, GUEST_PORT_STDOUT);
	assert_int_equal(message.event, VIRTIO_CONSOLE_PORT_OPEN);
	assert_int_equal(message.value, 0);
}

static void root_dies(error_t error)
{
	vm->root_disk.ready = false;
	vm->root_disk.open = false;
	disk_callbacks->failed(vm, error);
}

static void test_root_disk_returns(void **state)
{
	(void)state;
	guest_start();
	root_dies(ERR_PEER_CLOSED);
	assert_int_equal(num_lost, 1);
	assert_int_equal(resumed, 0);
	guest_container_root_reopened(c, TIMERS);
	assert_int_equal(disks_opened, 2);
	root_is_ready(8);
	assert_int_equal(resumed, 1);
	// Another disk in its place is as good as none.
	root_dies(ERR_PEER_CLOSED);
	guest_container_root_reopened(c, TIMERS);
	root_is_ready(9);
	assert_int_equal(resumed, -1);
	// Nobody asked for this one.
	guest_container_root_reopened(c, TIMERS);
	assert_int_equal(disks_opened, 3);
}

static void test_root_disk_is_lost(void **state)
{
	(void)state;
	guest_start();
	root_dies(ERR_PEER_CLOSED);
	guest_container_root_reopened(c, HANDLE_NONE);
	assert_int_equal(resumed, -1);
	assert_int_equal(num_lost, 1);
	turn();
	assert_int_equal(num_ended, 0);
}

static void writable_is_ready(uint64_t num_sectors)
{
	vm->writable_disk.ready = true;
	vm->writable_disk.num_sectors = num_sectors;
	writable_callbacks->ready(vm);
}

static void writable_dies(void)
{
	vm->writable_disk.ready = vm->writable_disk.open = false;
	writable_callbacks->failed(vm, ERR_PEER_CLOSED);
}

// The container waits for the size of its writable disk, and bootd mounts it.
static void test_writable_disk(void **state)
{
	struct control_mount mount;

	(void)state;
	guest_boot();
	guest_ready();
	guest_read();
	assert_int_equal(requests_len, 0);
	assert_int_equal(vm->writable.num_sectors, 0);
	writable_is_ready(64);
	assert_int_equal(vm->writable.num_sectors, 64);
	assert_true(requests_len == 0 && c->state == CONTAINER_SETUP);
	guest_read();
	memcpy(&mount, requests + 2 * sizeof(struct control_header) + sizeof(struct control_configure) + 2, sizeof(mount));
	assert_int_equal(mount.writable_disk, 1);
}

static void test_writable_disk_returns(void **state)
{
	(void)state;
	writable_is_ready(64);
	guest_start();
	writable_dies();
	assert_int_equal(num_lost, 1);
	guest_container_writable_reopened(c, WRITABLE);
	writable_is_ready(64);
	assert_int_equal(resumed, 1);
	writable_dies();
	guest_container_writable_reopened(c, WRITABLE);
	writable_is_ready(65);
	assert_int_equal(resumed, -1);
}

static void test_writable_disk_is_lost(void **state)
{
	(void)state;
	guest_boot();
	writable_dies();
	guest_container_writable_reopened(c, HANDLE_NONE);
	expect_end(GUEST_STATUS_FAILED, "writable disk is gone");
}

static void vm_event(void *context)
{
	++*(uint32_t *)context;
}

// A VM waits in a pool, without a root disk, until it gets a container.
static void test_warm(void **state)
{
	static const struct vm_ops pool = {.ready = vm_event, .stopped = vm_event};
	uint64_t capacity;
	uint32_t events = 0;

	(void)state;
	guest_container_destroy(c);
	c = NULL;
	assert_int_equal(vm_create(&loop, &boot, &pool, &events, &vm), 0);
	guest_boot();
	guest_ready();
	assert_int_equal(events, 1);
	now += 100 * VM_PATIENCE;
	turn();
	memcpy(&capacity, vm->root.mmio.page + VIRTIO_MMIO_CONFIG, sizeof(capacity));
	assert_int_equal(capacity, 0);

	create_container(vm);
	guest_container_start(c);
	guest_read();
	assert_int_equal(requests_len, 0);  // the disk comes first
	root_is_ready(8);
	memcpy(&capacity, vm->root.mmio.page + VIRTIO_MMIO_CONFIG, sizeof(capacity));
	assert_int_equal(capacity, 8);
	guest_read();
	assert_true(requests_len > 0);
	for (uint32_t i = 1; i <= 4; i++)
		guest_reply(i, 0);
	guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0);
	assert_int_equal(num_started, 1);
	guest_exited(CONTROL_EVENT_EXITED, 3);
	expect_end(3, NULL);
	assert_int_equal(events, 1);
}

static uint64_t root_capacity(void)
{
	uint64_t capacity;

	memcpy(&capacity, vm->root.mmio.page + VIRTIO_MMIO_CONFIG, sizeof(capacity));
	return capacity;
}

// A VM that was booted ahead with a root disk of 8 sectors.
static void boot_prepared(uint32_t *events)
{
	static const struct vm_ops pool = {.ready = vm_event, .root_ready = vm_event, .stopped = vm_event};

	guest_container_destroy(c);
	c = NULL;
	assert_int_equal(vm_create(&loop, &boot, &pool, events, &vm), 0);
	guest_boot();
	guest_ready();
	assert_int_equal(vm_bind_root(vm, 90, (struct disk_region){0}), 0);
	root_is_ready(8);
}

// With the container's root disk, bootd has all it needs at once.
static void test_prepared(void **state)
{
	static const uint16_t types[] = {CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_CREATE, CONTROL_START};
	uint32_t events = 0;

	(void)state;
	boot_prepared(&events);
	create_container(vm);
	guest_container_start(c);
	expect_requests(types, 4);
	guest_container_kill(c);
	expect_end(137, NULL);
}

// With another, the guest lets go of the one that it has first.
static void test_another_root(void **state)
{
	static const uint16_t release[] = {CONTROL_RELEASE};
	static const uint16_t types[] = {CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_CREATE, CONTROL_START};
	uint32_t events = 0, opened;

	(void)state;
	boot_prepared(&events);
	root_channel = 91;
	create_container(vm);
	root_channel = HANDLE_NONE;
	opened = disks_opened;
	guest_container_start(c);
	expect_requests(release, 1);
	assert_int_equal(disks_opened, opened);
	guest_reply(1, 0);
	assert_int_equal(disks_opened, opened + 1);
	assert_int_equal(root_capacity(), 0);
	guest_reply(1, 0);  // a hostile guest says it twice
	assert_int_equal(disks_opened, opened + 1);
	root_is_ready(16);
	assert_int_equal(root_capacity(), 16);
	expect_requests(types, 4);
	guest_container_kill(c);
	expect_end(137, NULL);
}

static void test_root_not_released(void **state)
{
	uint32_t events = 0;

	(void)state;
	boot_prepared(&events);
	root_channel = 91;
	create_container(vm);
	root_channel = HANDLE_NONE;
	guest_container_start(c);
	guest_reply(1, -16);
	expect_end(125, "Linux error 16");
}

// What a guest without a container may not say.
static void test_hostile_while_warm(void **state)
{
	(void)state;
	guest_boot();
	vm->root_disk.ready = false;
	c->root_ready = false;
	guest_ready();
	guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0);
	expect_end(125, "broke the control protocol");
}

#define container_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_network, setup_network, teardown),
		cmocka_unit_test_setup_teardown(test_late_network, setup_network, teardown),
		cmocka_unit_test_setup_teardown(test_no_network, setup_network, teardown),
		cmocka_unit_test_setup_teardown(test_network_after_the_end, setup_network, teardown),
		cmocka_unit_test_setup_teardown(test_writable_disk, setup_writable, teardown),
		cmocka_unit_test_setup_teardown(test_writable_disk_returns, setup_writable, teardown),
		cmocka_unit_test_setup_teardown(test_writable_disk_is_lost, setup_writable, teardown),
		container_case(test_run),
		container_case(test_network_outlives_guest), container_case(test_output_outlives_guest),
		container_case(test_hostile_frames),
		container_case(test_refused_requests),
		container_case(test_not_found),
		container_case(test_never_ready),
		container_case(test_never_started),
		container_case(test_patience_ends),
		container_case(test_guest_dies),
		container_case(test_signals_before_start),
		container_case(test_signal_while_loading),
		container_case(test_signal_reaches_bootd),
		container_case(test_output_closed),
		container_case(test_root_disk_returns),
		container_case(test_root_disk_is_lost),
		container_case(test_warm),
		container_case(test_prepared),
		container_case(test_another_root),
		container_case(test_root_not_released),
		container_case(test_hostile_while_warm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
