// SPDX-License-Identifier: MIT
//
// A guest in which requests do nothing, but check that they may be done.
#include "guest/bootd/control_session_fake.h"

#include <errno.h>
#include <string.h>

#include "guest/bootd/cgroup.h"
#include "guest/bootd/console_port.h"
#include "guest/bootd/container_stats.h"
#include "guest/bootd/network.h"
#include "guest/bootd/prepare.h"
#include "guest/bootd/pty.h"
#include "guest/bootd/rootfs.h"
#include "guest/bootd/wall_clock.h"

struct fake_guest fake_guest;

static int outcome(int bit, struct failure *failure)
{
	return fake_guest.failures >> bit & 1
		? failure_set(failure, FAILURE_SETUP, -EIO, "it is to fail")
		: 0;
}

void clock_and_entropy_set(uint64_t wall_time_ns, const uint8_t *entropy, size_t size)
{
	(void)wall_time_ns;
	check(size == 0 || entropy != NULL);
}

int console_port_open(enum guest_port port, int flags)
{
	(void)flags;
	return port == GUEST_PORT_CONTROL ? fake_guest.control_end : -ENOENT;
}

void network_loopback_up(void)
{
}

int network_configure(const struct control_network *network, struct failure *failure)
{
	(void)network;
	return outcome(0, failure);
}

int network_join(struct control_networks *has, const struct control_networks *wanted,
                 const uint8_t gateway[4], struct failure *failure)
{
	(void)gateway;
	(void)failure;
	*has = *wanted;
	return 0;
}

int rootfs_mount_image(uint64_t sectors, struct failure *failure)
{
	(void)sectors;
	check(!fake_guest.has_layers);
	fake_guest.has_image = true;
	return outcome(1, failure);
}

int rootfs_mount_layers(enum layer layer, const char *disk, struct failure *failure)
{
	(void)layer;
	(void)disk;
	check(fake_guest.has_image && !fake_guest.has_layers);
	fake_guest.has_layers = (fake_guest.failures >> 2 & 1) == 0;
	return outcome(2, failure);
}

int rootfs_unmount(struct failure *failure)
{
	check(fake_guest.has_layers);
	fake_guest.has_image = fake_guest.has_layers = (fake_guest.failures >> 3 & 1) != 0;
	return outcome(3, failure);
}

void rootfs_give_up_disk(void)
{
}

void cgroup_allow_all(void)
{
}

int cgroup_limit(const struct config_resources *resources, struct failure *failure)
{
	check(resources->cpu_quota == 0 || resources->cpu_period >= 1000);
	return outcome(0, failure);
}

int cgroup_hold(struct failure *failure)
{
	return cgroup_freeze(true, failure);
}

void cgroup_release(void)
{
}

int cgroup_freeze(bool frozen, struct failure *failure)
{
	(void)frozen;
	return outcome(1, failure);
}

bool container_lacked_memory(void)
{
	return false;
}

void container_stats_read(struct control_stats *stats)
{
	check(fake_guest.process->state == PROCESS_RUNNING);
	memset(stats, 1, sizeof(*stats));
}

size_t container_top_read(uint32_t after, uint8_t *page, size_t capacity)
{
	check(fake_guest.process->state == PROCESS_RUNNING);
	memset(page, 1, capacity);
	return capacity - after % 100;
}

bool linger_goes_on(struct linger_wait *linger)
{
	(void)linger;
	return false;
}

int pty_resize(int master, uint16_t rows, uint16_t columns)
{
	(void)rows;
	(void)columns;
	check(master >= 0);
	return 0;
}

int prepare_container(struct process *process, uint64_t root_sectors,
                      const struct control_network *network, int control, struct failure *failure)
{
	(void)root_sectors;
	(void)network;
	(void)control;
	check(process->state == PROCESS_NONE && !fake_guest.has_layers);
	if (outcome(4, failure) != 0)
		return failure->error;
	fake_guest.has_image = fake_guest.has_layers = true;
	process->state = PROCESS_PREPARED;
	return 0;
}

int prepare_rehearsal(uint64_t root_sectors, const struct control_network *network, int control,
                      struct failure *failure)
{
	(void)root_sectors;
	(void)network;
	(void)control;
	check(!fake_guest.has_layers && !fake_guest.has_image);
	return outcome(4, failure) != 0 ? failure->error : 0;
}

void container_process_set_order_text(struct process *process, const uint8_t *text, size_t size)
{
	static uint8_t order[CONTROL_MAX_BODY];

	check(process->state == PROCESS_PREPARED && size <= sizeof(order));
	memcpy(order, text, size);
}

static int create(struct process *process, const struct config *config, struct failure *failure)
{
	check(fake_guest.has_layers && config->process.args.count > 0 &&
	      config->process.args.items[0] != NULL);
	if (outcome(5, failure) != 0)
		return failure->error;
	process->state = PROCESS_CREATED;
	process->master = config->process.terminal ? 0 : -1;
	return 0;
}

int container_process_create(struct process *process, struct config *config, bool readonly_root,
                             int control, struct failure *failure)
{
	(void)readonly_root;
	(void)control;
	check(process->state == PROCESS_NONE);
	return create(process, config, failure);
}

int container_process_create_prepared(struct process *process, const struct config *config,
                                      bool readonly_root, struct failure *failure)
{
	(void)readonly_root;
	check(process->state == PROCESS_PREPARED);
	return create(process, config, failure);
}

void container_process_discard(struct process *process)
{
	check(process->state == PROCESS_PREPARED);
	process->state = PROCESS_NONE;
}

int container_process_go(struct process *process, const uint8_t *frames, size_t size)
{
	(void)frames;
	(void)size;
	check(process->state == PROCESS_CREATED);
	if (fake_guest.failures >> 6 & 1)
		return -E2BIG;
	process->state = fake_guest.failures >> 7 & 1 ? PROCESS_FAILED : PROCESS_RUNNING;
	process->failure.error = -ENOENT;
	process->pidfd = 0;
	return 0;
}

void container_process_poll(const struct process *process, struct pollfd *entries)
{
	(void)process;
	for (size_t i = 0; i < PROCESS_NUM_POLLS; i++)
		entries[i] = (struct pollfd){ .fd = -1 };
}

void container_process_run(struct process *process, const struct pollfd *entries)
{
	(void)process;
	(void)entries;
}

int container_process_signal(const struct process *process, int signal)
{
	check(process->state >= PROCESS_CREATED && signal >= 1 && signal <= 64);
	return 0;
}

bool container_process_finished(const struct process *process)
{
	return process->state == PROCESS_EXITED;
}
