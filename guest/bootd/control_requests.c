// SPDX-License-Identifier: MIT
//
// What each request does.
#include "guest/bootd/control_requests.h"

#include <errno.h>
#include <string.h>

#include "guest/bootd/cgroup.h"
#include "guest/bootd/container_init.h"
#include "guest/bootd/control_queries.h"
#include "guest/bootd/network.h"
#include "guest/bootd/prepare.h"
#include "guest/bootd/pty.h"
#include "guest/bootd/rootfs.h"
#include "guest/bootd/wall_clock.h"

static void reply(struct session *session, const struct control_header *request, int status,
                  const char *message)
{
	control_out_reply(&session->out, request, status, message);
}

// `result` is 0, or says that `failure` is set.
static void reply_result(struct session *session, const struct control_header *request, int result,
                         const struct failure *failure)
{
	if (result == 0)
		reply(session, request, 0, "");
	else
		reply(session, request, failure->error, failure->message);
}

// The container will not run: an event for whoever waits for its end, and the reply.
static void fail(struct session *session, const struct control_header *request,
                 const struct failure *failure)
{
	control_out_event(&session->out, CONTROL_EVENT_FAILED, 1, (uint32_t)failure->status,
	                  failure->message);
	reply(session, request, failure->error, failure->message);
}

// What is half done stays so: this guest runs no container any more.
static void give_up(struct session *session)
{
	session->process.state = PROCESS_FAILED;
}

static void handle_configure(struct session *session, const struct control_header *request,
                             const uint8_t *body)
{
	struct control_configure configure;
	struct failure failure;

	if (session->configured) {
		reply(session, request, -EALREADY, "configure: done already");
		return;
	}
	if (request->length < sizeof(configure)) {
		reply(session, request, -EINVAL, "configure: the body is too short");
		return;
	}
	memcpy(&configure, body, sizeof(configure));
	clock_and_entropy_set(configure.wall_time_ns, configure.entropy, sizeof(configure.entropy));
	network_loopback_up();
	const uint8_t *text = body + sizeof(configure);
	size_t size = request->length - sizeof(configure);
	if (config_parse(&session->config, (const char *)text, size, &failure) != 0) {
		fail(session, request, &failure);
		return;
	}
	if (session->process.state == PROCESS_PREPARED)
		container_process_set_order_text(&session->process, text, size);
	session->configured = true;
	reply(session, request, 0, "");
}

static int check_mount(const struct session *session, const struct control_mount *mount,
                       struct failure *failure)
{
	const uint32_t known = CONTROL_ROOT_READONLY | CONTROL_SCRATCH;

	if ((mount->flags & ~known) != 0 || mount->writable_disk > 1)
		return failure_set(failure, FAILURE_SETUP, -EINVAL,
		                   "mount: unknown flags %#x (disk %u)", mount->flags,
		                   mount->writable_disk);
	if (session->process.state == PROCESS_PREPARED && mount->writable_disk == 1)
		return failure_set(
			failure, FAILURE_SETUP, -EINVAL,
			"mount: a prepared container has its writable layer: release it first");
	return 0;
}

static void handle_mount(struct session *session, const struct control_header *request,
                         const uint8_t *body)
{
	enum layer layer = LAYER_MEMORY;
	struct control_mount mount;
	struct failure failure;

	if (session->mounted || session->process.state > PROCESS_PREPARED) {
		reply(session, request, -EALREADY, "mount: done already, or failed");
		return;
	}
	memcpy(&mount, body, sizeof(mount));
	if (check_mount(session, &mount, &failure) != 0) {
		fail(session, request, &failure);
		return;
	}
	if (mount.writable_disk == 1)
		layer = (mount.flags & CONTROL_SCRATCH) != 0 ? LAYER_SCRATCH : LAYER_DISK;
	if (session->process.state != PROCESS_PREPARED &&
	    (rootfs_mount_image(mount.root_sectors, &failure) != 0 ||
	     rootfs_mount_layers(layer, ROOTFS_WRITABLE_DISK, &failure) != 0)) {
		give_up(session);
		fail(session, request, &failure);
		return;
	}
	session->mounted = true;
	session->layer = layer;
	session->readonly = (mount.flags & CONTROL_ROOT_READONLY) != 0;
	reply(session, request, 0, "");
}

static int prepare_as_asked(struct session *session, const struct control_prepare *prepare,
                            struct failure *failure)
{
	const struct control_network *network = session->has_network ? &session->network : NULL;

	if ((prepare->flags & CONTROL_REHEARSE) != 0)
		return prepare_rehearsal(prepare->root_sectors, network, session->out.fd, failure);
	return prepare_container(&session->process, prepare->root_sectors, network, session->out.fd,
	                         failure);
}

static void handle_prepare(struct session *session, const struct control_header *request,
                           const uint8_t *body)
{
	struct control_prepare prepare;
	struct failure failure = { 0 };
	int result;

	if (session->configured || session->mounted || session->process.state != PROCESS_NONE) {
		reply(session, request, -EALREADY, "prepare: comes once, before all else");
		return;
	}
	memcpy(&prepare, body, sizeof(prepare));
	clock_and_entropy_set(prepare.wall_time_ns, NULL, 0);
	session->process.number = 1;
	result = prepare_as_asked(session, &prepare, &failure);
	if (result != 0)
		give_up(session);
	reply_result(session, request, result, &failure);
}

static void handle_release(struct session *session, const struct control_header *request,
                           const uint8_t *body)
{
	struct failure failure;
	int result;

	(void)body;
	// After MOUNT, the prepared root is the container's.
	if (session->process.state != PROCESS_PREPARED || session->mounted) {
		reply(session, request, -EINVAL, "release: nothing is prepared, or it is taken");
		return;
	}
	container_process_discard(&session->process);
	cgroup_allow_all();  // the disk, too
	result = rootfs_unmount(&failure);
	if (result != 0)
		give_up(session);
	reply_result(session, request, result, &failure);
}

static void handle_network(struct session *session, const struct control_header *request,
                           const uint8_t *body)
{
	struct control_network network;
	struct failure failure;

	memcpy(&network, body, sizeof(network));
	if (session->has_network && memcmp(&session->network, &network, sizeof(network)) == 0) {
		reply(session, request, 0, "");
	} else if (network_configure(&network, &failure) == 0) {
		session->network = network;
		session->has_network = true;
		reply(session, request, 0, "");
	} else if (session->configured && session->process.state < PROCESS_CREATED) {
		fail(session, request, &failure);
	} else {
		reply(session, request, failure.error, failure.message);
	}
}

static void handle_networks(struct session *session, const struct control_header *request,
                            const uint8_t *body)
{
	struct control_networks networks;
	struct failure failure;
	int result;

	memcpy(&networks, body, sizeof(networks));
	result = network_join(&session->networks, &networks, session->network.gateway, &failure);
	reply_result(session, request, result, &failure);
}

static int create_process(struct session *session, struct failure *failure)
{
	struct process *process = &session->process;
	struct config *config = &session->config;

	config->network = session->has_network ? &session->network : NULL;
	if (process->state == PROCESS_PREPARED) {
		if (config->default_view && !config->process.terminal)
			return container_process_create_prepared(process, config, session->readonly,
			                                         failure);
		container_process_discard(process);
	}
	process->number = 1;
	return container_process_create(process, config, session->readonly, session->out.fd,
	                                failure);
}

static void handle_create(struct session *session, const struct control_header *request,
                          const uint8_t *body)
{
	struct failure failure;

	(void)body;
	if (!session->configured || !session->mounted ||
	    session->process.state > PROCESS_PREPARED) {
		reply(session, request, -EINVAL, "create: comes once, after configure and mount");
		return;
	}
	if (create_process(session, &failure) != 0) {
		give_up(session);
		fail(session, request, &failure);
		return;
	}
	reply(session, request, 0, "");
}

static bool is_running(const struct session *session)
{
	return session->process.state == PROCESS_STARTING ||
		session->process.state == PROCESS_RUNNING;
}

static void handle_query(struct session *session, const struct control_header *request,
                         const uint8_t *body)
{
	if (is_running(session))
		control_query(&session->out, request, body);
	else
		reply(session, request, -ESRCH, "the container is not running");
}

static void start_added(struct session *session, const struct control_header *request,
                        const uint8_t *body)
{
	int init = is_running(session) ? session->process.pidfd : -1;
	struct failure failure = { 0 };
	int result = process_table_start(&session->added, request->process, init, body,
	                                 request->length, &failure);

	reply_result(session, request, result, &failure);
}

static void handle_start(struct session *session, const struct control_header *request,
                         const uint8_t *body)
{
	if (request->process > 1) {
		start_added(session, request, body);
		return;
	}
	if (request->length != 0) {
		reply(session, request, -EINVAL, "start: process 1 is described by config.json");
		return;
	}
	if (session->process.state != PROCESS_CREATED) {
		reply(session, request, -EINVAL, "start: comes once, after create");
		return;
	}
	reply(session, request, 0, "");
	if (session->out.used > CONTAINER_MAX_GO - 1)
		session_flush(session);
	// The reply travels with STARTED.
	if (container_process_go(&session->process, session->out.bytes, session->out.used) == 0)
		session->out.used = 0;
}

static void handle_signal(struct session *session, const struct control_header *request,
                          const uint8_t *body)
{
	struct control_signal signal;
	int error = -ESRCH;

	memcpy(&signal, body, sizeof(signal));
	if (signal.signal < 1 || signal.signal > 64)
		error = -EINVAL;
	else if (request->process > 1)
		error = process_table_signal(&session->added, request->process, (int)signal.signal);
	else if (session->process.state >= PROCESS_CREATED)
		error = container_process_signal(&session->process, (int)signal.signal);
	reply(session, request, error, error == 0 ? "" : "signal: no such process or signal");
}

static void handle_resize(struct session *session, const struct control_header *request,
                          const uint8_t *body)
{
	struct control_resize resize;
	int error = -ENOTTY;

	memcpy(&resize, body, sizeof(resize));
	if (request->process > 1)
		error = process_table_resize(&session->added, request->process, resize.rows,
		                             resize.columns);
	else if (session->process.state >= PROCESS_CREATED && session->process.master >= 0)
		error = pty_resize(session->process.master, resize.rows, resize.columns);
	reply(session, request, error, error == 0 ? "" : "resize: the process has no terminal");
}

static void handle_keep(struct session *session, const struct control_header *request,
                        const uint8_t *body)
{
	(void)body;
	if (session->layer == LAYER_SCRATCH)
		session->layer = LAYER_DISK;
	reply(session, request, 0, "");
}

static void handle_shutdown(struct session *session, const struct control_header *request,
                            const uint8_t *body)
{
	(void)body;
	session->shut_down = true;
	reply(session, request, 0, "");
}

// Nothing answers these frames, unless they break the rules.
static void handle_stream(struct session *session, const struct control_header *header,
                          const uint8_t *body)
{
	if (process_table_stream(&session->added, header, body, &session->out) != 0)
		reply(session, header, -EINVAL, "no such stream, or more than its window");
}

static const struct {
	uint16_t type;
	bool longer;  // the body may be longer than its fixed part
	uint32_t size;
	void (*handle)(struct session *session, const struct control_header *request,
	               const uint8_t *body);
} requests[] = {
	{ CONTROL_CONFIGURE, true, sizeof(struct control_configure), handle_configure },
	{ CONTROL_MOUNT, false, sizeof(struct control_mount), handle_mount },
	{ CONTROL_CREATE, false, 0, handle_create },
	{ CONTROL_START, true, 0, handle_start },
	{ CONTROL_SIGNAL, false, sizeof(struct control_signal), handle_signal },
	{ CONTROL_RESIZE, false, sizeof(struct control_resize), handle_resize },
	{ CONTROL_SHUTDOWN, false, 0, handle_shutdown },
	{ CONTROL_NETWORK, false, sizeof(struct control_network), handle_network },
	{ CONTROL_NETWORKS, false, sizeof(struct control_networks), handle_networks },
	{ CONTROL_PREPARE, false, sizeof(struct control_prepare), handle_prepare },
	{ CONTROL_RELEASE, false, 0, handle_release },
	{ CONTROL_STATS, false, 0, handle_query },
	{ CONTROL_FREEZE, false, sizeof(struct control_freeze), handle_query },
	{ CONTROL_TOP, false, sizeof(struct control_top), handle_query },
	{ CONTROL_LIMIT, false, sizeof(struct control_limits), handle_query },
	{ CONTROL_KEEP, false, 0, handle_keep },
	{ CONTROL_STREAM_DATA, true, sizeof(struct control_stream), handle_stream },
	{ CONTROL_STREAM_END, false, sizeof(struct control_stream), handle_stream },
	{ CONTROL_STREAM_WINDOW, false, sizeof(struct control_window), handle_stream },
};

void control_request(struct session *session, const struct control_header *request,
                     const uint8_t *body)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].type != request->type)
			continue;
		if (request->length < requests[i].size ||
		    (request->length > requests[i].size && !requests[i].longer))
			reply(session, request, -EINVAL, "the request's body has a wrong length");
		else
			requests[i].handle(session, request, body);
		return;
	}
	reply(session, request, -ENOSYS, "unknown request");
}
