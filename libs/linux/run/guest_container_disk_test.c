// SPDX-License-Identifier: MIT
//
// A container and its disks, whose driver may die.
#include <string.h>

#include "libs/linux/run/guest_fake.h"

static void test_root_disk_returns(void **state)
{
	(void)state;
	guest_start();
	root_dies(ERR_PEER_CLOSED);
	assert_int_equal(heard.lost, 1);
	assert_int_equal(disks_resumed, 0);
	guest_container_root_reopened(container, ROOT);
	assert_int_equal(disks_opened, 2);
	root_is_ready(8);
	assert_int_equal(disks_resumed, 1);
	// Another disk in its place is as good as none.
	root_dies(ERR_PEER_CLOSED);
	guest_container_root_reopened(container, ROOT);
	root_is_ready(9);
	assert_int_equal(disks_resumed, -1);
	// Nobody asked for this one.
	guest_container_root_reopened(container, ROOT);
	assert_int_equal(disks_opened, 3);
}

static void test_root_disk_is_lost(void **state)
{
	(void)state;
	guest_start();
	root_dies(ERR_PEER_CLOSED);
	guest_container_root_reopened(container, HANDLE_NONE);
	assert_int_equal(disks_resumed, -1);
	assert_int_equal(heard.lost, 1);
	turn();
	assert_int_equal(heard.ended, 0);
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
	assert_true(requests_len == 0 && container->state == CONTAINER_SETUP);
	guest_read();
	memcpy(&mount,
	       requests + 2 * sizeof(struct control_header) + sizeof(struct control_configure) + 2,
	       sizeof(mount));
	assert_int_equal(mount.writable_disk, 1);
}

static void test_writable_disk_returns(void **state)
{
	(void)state;
	writable_is_ready(64);
	guest_start();
	writable_dies();
	assert_int_equal(heard.lost, 1);
	guest_container_writable_reopened(container, WRITABLE);
	writable_is_ready(64);
	assert_int_equal(disks_resumed, 1);
	writable_dies();
	guest_container_writable_reopened(container, WRITABLE);
	writable_is_ready(65);
	assert_int_equal(disks_resumed, -1);
}

static void test_writable_disk_is_lost(void **state)
{
	(void)state;
	guest_boot();
	writable_dies();
	guest_container_writable_reopened(container, HANDLE_NONE);
	expect_end(GUEST_STATUS_FAILED, "writable disk is gone");
}

// Its driver restarts while the kernel is read: the VM reads again once it is back.
static void test_boot_disk_returns(void **state)
{
	(void)state;
	guest_container_start(container);
	boot_disk_dies();
	turn();
	assert_int_equal(heard.ended, 0);
	now += NSEC_PER_SEC;
	turn();
	assert_int_equal(heard.ended, 0);
	boot_disk_returns();
	now += NSEC_PER_SEC;
	guest_start();
	assert_int_equal(heard.started, 1);
}

static void test_boot_disk_is_lost(void **state)
{
	(void)state;
	guest_container_start(container);
	boot_disk_dies();
	for (unsigned seconds = 0; seconds < 300 && container != NULL; seconds++) {
		now += NSEC_PER_SEC;
		turn();
	}
	expect_end(GUEST_STATUS_FAILED, "could not be read from the boot disk");
}

// The device is the VM's last, and is filled once.
static void test_files(void **state)
{
	(void)state;
	assert_null(vm->files);
	guest_container_start(container);
	assert_true(vm->files->bound);
	assert_int_equal(vm_bind_files(vm, &test_share, 1), ERR_EXISTS);
	guest_container_kill(container);
	expect_end(128 + GUEST_SIGKILL, NULL);
}

// A guest without files hears that it has none: it waits for that.
static void test_no_files(void **state)
{
	(void)state;
	assert_null(vm->files);
	guest_container_start(container);
	assert_true(vm->files->bound);
	assert_int_equal(vm_bind_files(vm, &test_share, 1), ERR_EXISTS);
}

// What is ended while it waits for its boot disk ends at once.
static void test_killed_without_a_boot_disk(void **state)
{
	(void)state;
	guest_container_start(container);
	boot_disk_dies();
	guest_container_kill(container);
	expect_end(128 + GUEST_SIGKILL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		container_case(test_root_disk_returns),
		container_case(test_root_disk_is_lost),
		container_case(test_boot_disk_returns),
		container_case(test_boot_disk_is_lost),
		container_case(test_killed_without_a_boot_disk),
		container_case(test_no_files),
		cmocka_unit_test_setup_teardown(test_files, setup_files, teardown),
		cmocka_unit_test_setup_teardown(test_writable_disk, setup_writable, teardown),
		cmocka_unit_test_setup_teardown(test_writable_disk_returns, setup_writable,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_writable_disk_is_lost, setup_writable,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
