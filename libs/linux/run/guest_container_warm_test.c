// SPDX-License-Identifier: MIT
//
// A container in a VM that was booted ahead.
#include <string.h>

#include "libs/linux/run/guest_fake.h"

static void vm_event(void *context)
{
	++*(uint32_t *)context;
}

// A VM waits in a pool, without a root disk, until it gets a container.
static void test_warm(void **state)
{
	static const struct vm_ops pool = { .ready = vm_event, .stopped = vm_event };
	uint64_t capacity;
	uint32_t events = 0;

	(void)state;
	guest_container_destroy(container);
	container = NULL;
	assert_int_equal(vm_create(&loop, &boot, &pool, &events, &vm), 0);
	guest_boot();
	guest_ready();
	assert_int_equal(events, 1);
	now += 100 * VM_PATIENCE;
	turn();
	memcpy(&capacity, vm->root.mmio.page + VIRTIO_MMIO_CONFIG, sizeof(capacity));
	assert_int_equal(capacity, 0);

	create_container(vm);
	guest_container_start(container);
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
	assert_int_equal(heard.started, 1);
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
	static const struct vm_ops pool = { .ready = vm_event,
		                            .root_ready = vm_event,
		                            .stopped = vm_event };

	guest_container_destroy(container);
	container = NULL;
	assert_int_equal(vm_create(&loop, &boot, &pool, events, &vm), 0);
	guest_boot();
	guest_ready();
	assert_int_equal(vm_bind_root(vm, 90, (struct disk_region){ 0 }), 0);
	root_is_ready(8);
}

// With the container's root disk, bootd has all it needs at once.
static void test_prepared(void **state)
{
	static const uint16_t types[] = { CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_CREATE,
		                          CONTROL_START };
	uint32_t events = 0;

	(void)state;
	boot_prepared(&events);
	create_container(vm);
	guest_container_start(container);
	expect_requests(types, 4);
	guest_container_kill(container);
	expect_end(137, NULL);
}

// A container whose root disk is another than that of its VM.
static void create_with_another_root(uint32_t *events)
{
	boot_prepared(events);
	root_channel = 91;
	create_container(vm);
	root_channel = HANDLE_NONE;
}

// With another, the guest lets go of the one that it has first.
static void test_another_root(void **state)
{
	static const uint16_t release[] = { CONTROL_RELEASE };
	static const uint16_t types[] = { CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_CREATE,
		                          CONTROL_START };
	uint32_t events = 0, opened;

	(void)state;
	create_with_another_root(&events);
	opened = disks_opened;
	guest_container_start(container);
	expect_requests(release, 1);
	assert_int_equal(disks_opened, opened);
	guest_reply(1, 0);
	assert_int_equal(disks_opened, opened + 1);
	assert_int_equal(root_capacity(), 0);
	root_is_ready(16);
	assert_int_equal(root_capacity(), 16);
	expect_requests(types, 4);
	guest_reply(1, 0);  // a hostile guest says it twice
	assert_int_equal(disks_opened, opened + 1);
	expect_end(125, "broke the control protocol");
}

// With a writable disk, it waits for both.
static void test_another_root_and_a_layer(void **state)
{
	static const uint16_t release[] = { CONTROL_RELEASE };
	static const uint16_t types[] = { CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_CREATE,
		                          CONTROL_START };
	uint32_t events = 0;

	(void)state;
	writable_channel = WRITABLE;
	create_with_another_root(&events);
	writable_channel = HANDLE_NONE;
	guest_container_start(container);
	expect_requests(release, 1);
	guest_reply(1, 0);
	root_is_ready(16);
	guest_read();
	assert_int_equal(requests_len, 0);
	writable_is_ready(64);
	assert_int_equal(vm->writable.num_sectors, 64);
	expect_requests(types, 4);
	guest_container_kill(container);
	expect_end(137, NULL);
}

// The driver dies while the guest lets go of the disk: the app opens it once more, once.
static void test_root_lost_while_released(void **state)
{
	static const uint16_t types[] = { CONTROL_RELEASE, CONTROL_CONFIGURE, CONTROL_MOUNT,
		                          CONTROL_CREATE, CONTROL_START };
	uint32_t events = 0, opened;

	(void)state;
	create_with_another_root(&events);
	guest_container_start(container);
	root_dies(ERR_PEER_CLOSED);
	assert_int_equal(heard.lost, 1);
	opened = disks_opened;
	guest_reply(1, 0);
	assert_int_equal(disks_opened, opened);
	now += 2 * VM_PATIENCE;  // the guest has done its part
	turn();
	guest_container_root_reopened(container, 92);
	assert_int_equal(disks_opened, opened + 1);
	root_is_ready(16);
	assert_int_equal(root_capacity(), 16);
	assert_int_equal(heard.lost, 1);
	expect_requests(types, 5);
	guest_container_kill(container);
	expect_end(137, NULL);
}

// The same when the disk that was opened once more has not told its size yet.
static void test_root_reopened_while_released(void **state)
{
	uint32_t events = 0, opened;

	(void)state;
	create_with_another_root(&events);
	guest_container_start(container);
	root_dies(ERR_PEER_CLOSED);
	guest_container_root_reopened(container, 92);
	opened = disks_opened;
	guest_reply(1, 0);
	assert_int_equal(disks_opened, opened + 1);
	root_is_ready(16);
	assert_int_equal(root_capacity(), 16);
	guest_container_kill(container);
	expect_end(137, NULL);
}

static void test_root_not_released(void **state)
{
	uint32_t events = 0;

	(void)state;
	create_with_another_root(&events);
	guest_container_start(container);
	guest_reply(1, -16);
	expect_end(125, "Linux error 16");
}

// A VM that has stopped waits for nothing, however long its owner keeps it.
static void test_stopped(void **state)
{
	uint32_t events = 0;

	(void)state;
	boot_prepared(&events);
	assert_false(vm_stop(vm));
	turn();
	assert_int_equal(events, 3);  // ready, root_ready, stopped
	assert_false(timer_is_set(vm->patience_timer));
	assert_true(vm_stop(vm));
	vm_destroy(vm);
}

// What a guest without a container may not say.
static void test_hostile_while_warm(void **state)
{
	(void)state;
	guest_boot();
	vm->root_disk.ready = false;
	container->root_ready = false;
	guest_ready();
	guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0);
	expect_end(125, "broke the control protocol");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		container_case(test_warm),
		container_case(test_prepared),
		container_case(test_another_root),
		container_case(test_another_root_and_a_layer),
		container_case(test_root_not_released),
		container_case(test_root_lost_while_released),
		container_case(test_root_reopened_while_released),
		container_case(test_stopped),
		container_case(test_hostile_while_warm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
