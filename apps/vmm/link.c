// SPDX-License-Identifier: MIT
//
// The channel to `containers`, which may die and come back at any time.
#include "apps/vmm/vmm.h"
#include "libs/abi/networks.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// It asks for few things at a time, so its queue is full only when it hangs, and it is told
// everything again when it comes back.
static bool tell(struct vmm *vmm, struct message *m)
{
	error_t err = channel_send(vmm->link.handle, m);

	if (err < 0 && err != ERR_PEER_CLOSED)
		log_warn("containers cannot be told: %s", error_text(err));
	return err == 0;
}

void link_tell(struct vmm *vmm)
{
	struct msg_vmm_state state = { .state = vmm->state,
		                       .status = vmm->status,
		                       .flags = (vmm->failed ? VMM_FAILED : 0) |
		                               (vmm->paused ? VMM_PAUSED : 0) |
		                               (vmm->lacked_memory ? VMM_LACKED_MEMORY : 0) };
	size_t room = MESSAGE_MAX_DATA - sizeof(state), len = strlen(vmm->error);
	struct netdev_network network;
	struct message m;
	error_t err;

	if (!vmm->linked || vmm->log.is_ending)
		return;
	memcpy(state.container, vmm->id, sizeof(state.container));
	if (container_network(vmm, &network)) {
		memcpy(state.address, network.address, sizeof(state.address));
		memcpy(state.gateway, network.gateway, sizeof(state.gateway));
		state.prefix_len = network.prefix_len;
	}
	err = message_encode_vmm_state(&m, &state, vmm->error, len < room ? len : room);
	assert(err == 0);
	vmm->told_end = tell(vmm, &m) && vmm->state == VMM_ENDED;
}

void link_tell_process(struct vmm *vmm, uint32_t number, enum vmm_state state, int status,
                       const char *error)
{
	struct msg_vmm_process process = { .process = number,
		                           .state = state,
		                           .status = status,
		                           .flags = error != NULL ? VMM_FAILED : 0 };
	size_t room = MESSAGE_MAX_DATA - sizeof(process), len = error != NULL ? strlen(error) : 0;
	struct message m;
	error_t err = message_encode_vmm_process(&m, &process, error, len < room ? len : room);

	assert(err == 0);
	if (vmm->linked)
		(void)tell(vmm, &m);
}

void link_send(struct vmm *vmm, struct message *m)
{
	if (!vmm->linked || !tell(vmm, m))
		message_discard(m);
}

static void take_log(struct vmm *vmm, const struct message *m)
{
	struct msg_vmm_log order;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_vmm_log(m, &order, &tail, &tail_len) == 0)
		vmm_log_order(vmm, &order);
}

static void take_start(struct vmm *vmm, struct message *m)
{
	struct msg_vmm_start start;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_vmm_start(m, &start, &tail, &tail_len) < 0 || m->num_handles != 1 ||
	    vmm->state > VMM_IDLE) {
		message_discard(m);
		return;
	}
	container_start(vmm, &start, (struct span){ .data = tail, .len = tail_len }, m->handles[0]);
}

static void take_attach(struct vmm *vmm, struct message *m)
{
	struct msg_vmm_attach attach;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_vmm_attach(m, &attach, &tail, &tail_len) < 0 || m->num_handles != 1)
		message_discard(m);
	else
		attach_add(vmm, &attach, m->handles[0]);
}

static void take_share(struct vmm *vmm, const struct message *m)
{
	struct msg_vmm_share share;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_vmm_share(m, &share, &tail, &tail_len) == 0 && vmm->state <= VMM_IDLE)
		share_add(vmm, &share, (struct span){ .data = tail, .len = tail_len });
}

static void take_exec(struct vmm *vmm, struct message *m)
{
	struct msg_vmm_exec exec;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_vmm_exec(m, &exec, &tail, &tail_len) < 0 || m->num_handles == 0)
		message_discard(m);
	else
		exec_start(vmm, &exec, m->handles[0],
		           m->num_handles > 1 ? m->handles[1] : HANDLE_NONE);
}

static void take_query(struct vmm *vmm, const struct message *m)
{
	struct msg_vmm_query query;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_vmm_query(m, &query, &tail, &tail_len) == 0)
		query_ask(vmm, &query, (struct span){ .data = tail, .len = tail_len });
}

static void take_signal(struct vmm *vmm, const struct message *m)
{
	struct msg_vmm_signal signal;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_vmm_signal(m, &signal, &tail, &tail_len) < 0)
		return;
	if (signal.process == CONTROL_PROCESS_INIT)
		container_signal(vmm, signal.signal);
	else
		exec_signal(vmm, signal.process, signal.signal);
}

static void take_resize(struct vmm *vmm, const struct message *m)
{
	struct msg_vmm_resize resize;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_vmm_resize(m, &resize, &tail, &tail_len) < 0)
		return;
	if (resize.process != CONTROL_PROCESS_INIT)
		exec_resize(vmm, resize.process, resize.rows, resize.columns);
	else if (vmm->container != NULL)
		guest_container_resize(vmm->container, resize.rows, resize.columns);
}

static void take_networks(struct vmm *vmm, const struct message *m)
{
	struct msg_vmm_networks networks;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_vmm_networks(m, &networks, &tail, &tail_len) == 0)
		container_set_networks(vmm, &networks.networks);
}

static void take_kill(struct vmm *vmm, struct message *m)
{
	struct msg_vmm_kill kill;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_vmm_kill(m, &kill, &tail, &tail_len) == 0)
		container_kill(vmm, kill.at_once != 0);
}

static void link_message(struct loop *loop, struct source *source, struct message *m)
{
	struct vmm *vmm = source->context;

	(void)loop;
	switch (m->type) {
	case MSG_VMM_START: take_start(vmm, m); return;
	case MSG_VMM_ATTACH: take_attach(vmm, m); return;
	case MSG_VMM_EXEC: take_exec(vmm, m); return;
	case MSG_VMM_SHARE: take_share(vmm, m); break;
	case MSG_VMM_KILL: take_kill(vmm, m); break;
	case MSG_VMM_QUERY: take_query(vmm, m); break;
	case MSG_VMM_SIGNAL: take_signal(vmm, m); break;
	case MSG_VMM_RESIZE: take_resize(vmm, m); break;
	case MSG_VMM_LOG: take_log(vmm, m); break;
	case MSG_VMM_NETWORKS: take_networks(vmm, m); break;
	default: break;
	}
	// What comes with a message that has no use for it.
	message_discard(m);
}

// There is no memory, and nobody else can end the container in an orderly way.
static _Noreturn void cannot_follow(error_t error)
{
	log_error("cannot follow the containers: %s", error_text(error));
	process_exit(1);
}

static void link_closed(struct loop *loop, struct source *source)
{
	struct vmm *vmm = source->context;
	error_t err;

	vmm->linked = false;
	vmm_log_unwatch(vmm);
	loop_close(loop, source);
	// It knows of the end.
	if (vmm->state == VMM_ENDED && vmm->told_end) {
		attach_leave(vmm);
		return;
	}
	err = service_client_again(&vmm->client);
	if (err < 0)
		cannot_follow(err);
}

static const struct source_ops link_ops = { .message = link_message, .closed = link_closed };

static void connected(void *context, handle_t channel)
{
	struct vmm *vmm = context;
	struct msg_vmm_hello hello;
	struct message m;
	error_t err = loop_add(&vmm->loop, &vmm->link, channel, &link_ops, vmm);

	if (err < 0)
		cannot_follow(err);
	vmm->linked = true;
	vmm->num_links++;
	memcpy(hello.token, vmm->token, sizeof(hello.token));
	err = message_encode_vmm_hello(&m, &hello, NULL, 0);
	assert(err == 0);
	if (tell(vmm, &m))
		link_tell(vmm);
}

void link_start(struct vmm *vmm)
{
	error_t err = service_client_start(&vmm->loop, &vmm->client,
	                                   environ_connector(vmm->env, "vmm"), connected, vmm);

	assert(err == 0);
}
