// SPDX-License-Identifier: MIT
//
// The channels to the processes with virtual machines. A process connects to the service "vmm" and
// says by its token who it is.
#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Somebody who has connected, and has not said who it is.
struct vmm_guest {
	struct containers *all;
	struct list entry;
	struct source source;
};

bool vmms_send(struct vmm_process *vmm, struct message *m)
{
	// What a client is told by, or what one has it do.
	bool has_client = m->num_handles > 0 && m->type != MSG_VMM_START;
	error_t err = vmm->connected ? channel_send(vmm->link.handle, m) : ERR_PEER_CLOSED;

	if (err < 0) {
		message_discard(m);
		log_warn("a virtual machine's process cannot be told: %s", error_text(err));
	}
	vmm->has_clients = vmm->has_clients || has_client;
	return err == 0;
}

error_t vmms_exec_order(struct message *m, struct msg_vmm_exec order, struct json_writer *process)
{
	const char *text = json_writer_text(process);
	error_t err = text != NULL ? 0 : ERR_NO_MEMORY;

	order.config_length = (uint32_t)process->len;
	if (err == 0)
		err = message_encode_vmm_exec(m, &order, NULL, 0);
	if (err == 0)
		err = payload_copy(text, process->len, &m->handles[0]);
	if (err == 0)
		m->num_handles = 1;
	json_writer_deinit(process);
	return err;
}

static void take_state(struct vmm_process *vmm, const struct msg_vmm_state *state,
                       const uint8_t *tail, size_t len)
{
	struct containers *all = vmm->all;
	struct container *c = vmm->container;
	char text[MESSAGE_MAX_DATA + 1];

	memcpy(text, tail, len);
	text[len] = '\0';
	vmm->vm = (enum vmm_state)state->state;
	memcpy(vmm->address, state->address, sizeof(vmm->address));
	memcpy(vmm->gateway, state->gateway, sizeof(vmm->gateway));
	vmm->prefix_len = state->prefix_len;
	if (c != NULL && vmm->vm == VMM_IDLE && !vmm->order_sent)
		container_order(c);
	else if (c != NULL && vmm->order_sent)
		container_vmm_told(c, state, text);
	// The vmm may be gone by now.
	vmms_retry(all);
}

static void take_process(const struct vmm_process *vmm, const struct msg_vmm_process *process,
                         const uint8_t *tail, size_t len)
{
	char text[MESSAGE_MAX_DATA + 1];

	memcpy(text, tail, len);
	text[len] = '\0';
	if (vmm->container != NULL && !archive_told(vmm->container, process, text))
		exec_told(vmm->container, process, text);
}

static void take_logged(struct vmm_process *vmm, const struct msg_vmm_logged *logged)
{
	if (vmm->container != NULL && vmm->order_sent)
		logs_told(vmm->container, logged);
}

static void link_message(struct loop *loop, struct source *source, struct message *m)
{
	struct vmm_process *vmm = source->context;
	struct msg_vmm_state state;
	struct msg_vmm_process process;
	struct msg_vmm_logged logged;
	const uint8_t *tail;
	size_t len;

	(void)loop;
	if (message_decode_vmm_state(m, &state, &tail, &len) == 0)
		take_state(vmm, &state, tail, len);
	else if (message_decode_vmm_process(m, &process, &tail, &len) == 0)
		take_process(vmm, &process, tail, len);
	else if (message_decode_vmm_logged(m, &logged, &tail, &len) == 0)
		take_logged(vmm, &logged);
	else if (m->type == MSG_VMM_QUERY)
		query_told(vmm, m);
	else
		message_discard(m);
}

static void link_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	vmms_lose(source->context);
}

static const struct source_ops link_ops = { .message = link_message, .closed = link_closed };

static struct vmm_process *find_token(struct containers *all, const uint8_t token[VMM_TOKEN_SIZE])
{
	list_for_each(entry, &all->vmms) {
		struct vmm_process *vmm = container_of(entry, struct vmm_process, entry);

		if (!vmm->connected && memcmp(vmm->token, token, VMM_TOKEN_SIZE) == 0)
			return vmm;
	}
	return NULL;
}

static void guest_free(struct vmm_guest *guest)
{
	list_remove(&guest->entry);
	heap_free(guest);
}

static void send_away(struct containers *all, handle_t channel)
{
	char app[APP_NAME_MAX];
	static const struct msg_vmm_kill kill = { .at_once = 1 };
	struct message m;
	error_t err = message_encode_vmm_kill(&m, &kill, NULL, 0);

	assert(err == 0);
	if (channel_send(channel, &m) < 0)
		log_debug("it has gone by itself");
	if (channel_maker(channel, app) == 0)
		leaving_add(all, app, false);
	handle_close(channel);
}

static void guest_message(struct loop *loop, struct source *source, struct message *m)
{
	struct vmm_guest *guest = source->context;
	struct vmm_process *vmm = NULL;
	struct msg_vmm_hello hello;
	handle_t channel = source->handle;
	const uint8_t *tail;
	size_t len;

	if (message_decode_vmm_hello(m, &hello, &tail, &len) == 0)
		vmm = find_token(guest->all, hello.token);
	else
		message_discard(m);
	loop_remove(loop, source);
	if (vmm == NULL || loop_add(loop, &vmm->link, channel, &link_ops, vmm) < 0) {
		log_warn("a virtual machine that nobody knows is ended");
		send_away(guest->all, channel);
	} else {
		vmm->connected = true;
		vmm->expected = false;
		if (channel_maker(channel, vmm->app) < 0)
			vmm->app[0] = '\0';
		grants_advance(guest->all);
		// What has changed while this app was not there.
		if (vmm->container != NULL && vmm->order_sent) {
			endpoints_tell(vmm->container);
			logs_ready(vmm->container);
		}
	}
	guest_free(guest);
}

static void guest_closed(struct loop *loop, struct source *source)
{
	loop_close(loop, source);
	guest_free(source->context);
}

static const struct source_ops guest_ops = { .message = guest_message, .closed = guest_closed };

static void vmm_accepted(void *context, handle_t channel)
{
	struct containers *all = context;
	struct vmm_guest *guest = heap_alloc(sizeof(*guest));

	if (guest == NULL || loop_add(&all->loop, &guest->source, channel, &guest_ops, guest) < 0) {
		heap_free(guest);
		handle_close(channel);
		return;
	}
	guest->all = all;
	list_push_back(&all->vmm_guests, &guest->entry);
}

error_t vmms_listen(struct containers *all)
{
	vmms_await(all);
	return service_listen(&all->loop, &all->vmm_listener, environ_service(all->env, "vmm"),
	                      vmm_accepted, all);
}
