// SPDX-License-Identifier: MIT
//
// The talk with bootd.

#include "libs/base/string.h"
#include "libs/linux/vm/control_link.h"
#include "libs/linux/run/guest_container_internal.h"
#include "libs/linux/run/guest_process_internal.h"
#include "libs/linux/run/guest_query_internal.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

void guest_container_request(struct guest_container *c, enum control_type type, struct span fixed,
                             struct span tail)
{
	uint32_t request;
	error_t err;

	err = vm_request(c->vm, type, CONTROL_PROCESS_INIT, fixed, tail, &request);
	if (err < 0)
		guest_container_fail(c, "request %d to bootd could not be queued (%s)", (int)type,
		                     error_text(err));
	else if (type == CONTROL_START)
		c->start_request = request;
	else if (type == CONTROL_RELEASE)
		c->release_request = request;
}

// Whether the guest has something to do for its networks: one with an uplink only is so anyway.
static bool has_news(const struct guest_container *c)
{
	if (!c->has_networks)
		return false;
	for (size_t i = 0; i < NETDEV_NETWORKS_MAX; i++)
		if (c->networks.entries[i].network != 0)
			return true;
	return c->networks_told || (c->networks.reach & NETDEV_REACH_UPLINK) == 0;
}

static void request_network(struct guest_container *c, const struct guest_address *address)
{
	struct guest_address told = *address;
	error_t err;

	if (netdev_mac_is_set(c->networks.mac))
		memcpy(told.mac, c->networks.mac, sizeof(told.mac));
	err = vm_request_network(c->vm, CONTROL_PROCESS_INIT, &told);
	if (err == 0 && has_news(c)) {
		err = vm_request_networks(c->vm, CONTROL_PROCESS_INIT, &c->networks);
		c->networks_told = true;
	}
	if (err < 0)
		guest_container_fail(c, "the guest could not be told its address (%s)",
		                     error_text(err));
}

void guest_container_set_networks(struct guest_container *c, const struct netdev_networks *networks)
{
	struct guest_address address;

	if (!c->has_networks || c->network == HANDLE_NONE || c->state >= CONTAINER_EXITED)
		return;
	c->networks = *networks;
	if (c->state == CONTAINER_CREATED)
		return;
	vm_set_networks(c->vm, networks);
	if (c->state >= CONTAINER_SETUP && !c->network_awaited && vm_address(c->vm, &address))
		request_network(c, &address);
}

static void request_start(struct guest_container *c)
{
	struct guest_address address;

	if (vm_address(c->vm, &address))
		request_network(c, &address);
	guest_container_request(c, CONTROL_CREATE, span_make(NULL, 0), span_make(NULL, 0));
	guest_container_request(c, CONTROL_START, span_make(NULL, 0), span_make(NULL, 0));
}

void guest_container_network_settled(void *context, const struct guest_address *address,
                                     const char *error)
{
	struct guest_container *c = context;

	if (c->state >= CONTAINER_EXITED)
		return;
	if (address != NULL)
		log_info("container address %u.%u.%u.%u", address->network.address[0],
		         address->network.address[1], address->network.address[2],
		         address->network.address[3]);
	else
		log_warn("the container has no network: %s", error);
	if (c->network_awaited) {
		c->network_awaited = false;
		request_start(c);
	} else if (address != NULL && c->state >= CONTAINER_SETUP) {
		request_network(c, address);
	}
}

// bootd works on requests in order, so all of them go out at once.
void guest_container_advance(struct guest_container *c)
{
	struct control_configure configure = { 0 };
	struct control_mount mount = { .flags = c->is_scratch ? CONTROL_SCRATCH : 0,
		                       .writable_disk = c->has_writable ? 1 : 0,
		                       .root_sectors = vm_root_sectors(c->vm) };

	if (c->state != CONTAINER_BOOTING || !c->root_ready ||
	    (c->has_writable && !c->writable_ready) || !vm_is_ready(c->vm))
		return;
	c->state = CONTAINER_SETUP;
	vm_be_patient(c->vm, "start its container");
	if (clock_get(CLOCK_WALL, &configure.wall_time_ns) < 0)
		configure.wall_time_ns = 0;
	if (random_get(configure.entropy, sizeof(configure.entropy)) < 0) {
		guest_container_fail(c, "there is no entropy for the guest");
		return;
	}
	guest_container_request(c, CONTROL_CONFIGURE, span_make(&configure, sizeof(configure)),
	                        c->config);
	memset(&configure, 0, sizeof(configure));
	guest_container_request(c, CONTROL_MOUNT, span_make(&mount, sizeof(mount)),
	                        span_make(NULL, 0));
	// The address is known long before a guest has booted; but not always before one that was
	// booted ahead is taken.
	c->network_awaited = vm_waits_for_network(c->vm);
	if (!c->network_awaited)
		request_start(c);
}

// The guest has let go of its root disk: it gets the container's.
static void take_released(struct guest_container *c)
{
	handle_t disk = c->next_root;
	error_t err;

	c->next_root = HANDLE_NONE;
	vm_be_patient(c->vm, NULL);
	err = vm_replace_root(c->vm, disk, c->next_root_region);
	if (err < 0) {
		handle_close(disk);
		guest_container_fail(c, "the container's root disk could not be used (%s)",
		                     error_text(err));
	}
}

static error_t take_reply(struct guest_container *c, const struct control_header *header,
                          struct span body)
{
	struct reader r = reader_make(body.data, body.len);
	struct control_reply reply;
	char text[CONTROL_TEXT_MAX];
	bool is_query;
	error_t err;

	reader_copy(&r, &reply, sizeof(reply));
	if (reader_status(&r) < 0)
		return ERR_PROTOCOL;
	err = guest_query_reply(c, header->request, reply.status, r.rest, &is_query);
	if (err < 0 || is_query)
		return err;
	if (reply.status == 0) {
		if (header->request == c->release_request && c->next_root != HANDLE_NONE)
			take_released(c);
		return 0;
	}
	control_text(text, r.rest);
	if (guest_process_refused(c, header->request, reply.status, text))
		return 0;
	if (header->request <= c->start_request || c->start_request == 0)
		guest_container_fail(c, "%s (Linux error %d)",
		                     text[0] != '\0' ? text : "bootd refused a request",
		                     control_linux_error(reply.status));
	else if (log_is_due(++c->num_refused))
		log_warn("bootd: %s (Linux error %d; %u so far)", text,
		         control_linux_error(reply.status), c->num_refused);
	return 0;
}

static error_t take_started(struct guest_container *c)
{
	nsec_t now;

	if (c->state != CONTAINER_SETUP)
		return ERR_PROTOCOL;
	c->state = CONTAINER_RUNNING;
	vm_be_patient(c->vm, NULL);
	if (clock_get(CLOCK_MONOTONIC, &now) < 0)
		now = c->start_time;
	c->ops->started(c->context, now - c->start_time);
	return 0;
}

static error_t take_exited(struct guest_container *c, const struct control_header *header,
                           struct span body)
{
	struct reader r = reader_make(body.data, body.len);
	struct control_exited exited;

	reader_copy(&r, &exited, sizeof(exited));
	if (header->type == CONTROL_EVENT_EXITED) {
		c->lacked_memory = (exited.status & CONTROL_EXITED_OOM) != 0;
		exited.status &= ~CONTROL_EXITED_OOM;
	}
	if (reader_status(&r) < 0 || exited.status > 255)
		return ERR_PROTOCOL;
	if (header->type == CONTROL_EVENT_FAILED) {
		char text[CONTROL_TEXT_MAX];

		// What has not run has not succeeded.
		if (exited.status == 0)
			return ERR_PROTOCOL;

		control_text(text, r.rest);
		guest_container_fail(
			c, "%s",
			text[0] != '\0' ? text : "the container's process could not be started");
		if (c->failed && c->status == GUEST_STATUS_FAILED)
			c->status = (int)exited.status;
		return 0;
	}
	if (c->state != CONTAINER_RUNNING)
		return ERR_PROTOCOL;
	guest_container_exit(c, (int)exited.status);
	return 0;
}

error_t guest_container_frame(void *context, const struct control_header *header, struct span body)
{
	struct guest_container *c = context;

	if (c->state >= CONTAINER_EXITED)
		return 0;
	if (header->process > CONTROL_PROCESS_INIT && header->type != CONTROL_REPLY)
		return guest_process_frame(c, header, body);
	switch (header->type) {
	case CONTROL_REPLY: return take_reply(c, header, body);
	case CONTROL_EVENT_STARTED: return take_started(c);
	case CONTROL_EVENT_FAILED:
	case CONTROL_EVENT_EXITED: return take_exited(c, header, body);
	default: return ERR_PROTOCOL;
	}
}
