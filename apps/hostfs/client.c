// SPDX-License-Identifier: MIT
//
// Clients, which open sessions.
#include "apps/hostfs/hostfs.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// Whether `uri` names what can be opened, and the share in it, which is empty or of a length that
// the port takes.
static bool parse_uri(struct span uri, struct span *name)
{
	const size_t host_len = sizeof(FILES_HOST) - 1, prefix_len = sizeof(FILES_HOST_PREFIX) - 1;

	*name = (struct span){ 0 };
	if (uri.len == host_len && memcmp(uri.data, FILES_HOST, host_len) == 0)
		return true;
	if (uri.len <= prefix_len || memcmp(uri.data, FILES_HOST_PREFIX, prefix_len) != 0)
		return false;
	*name = (struct span){ .data = uri.data + prefix_len, .len = uri.len - prefix_len };
	return name->len <= FILES_PORT_NAME_MAX && memchr(name->data, 0, name->len) == NULL;
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct client *client = source->context;
	struct msg_open open;
	struct span uri, name;
	handle_t channel;
	error_t err;

	(void)loop;
	if (message_decode_open(m, &open, &uri.data, &uri.len) != 0) {
		message_discard(m);
		error_send(source->handle, 0, ERR_PROTOCOL, "files understands open requests only");
		return;
	}
	if (!parse_uri(uri, &name)) {
		error_send(source->handle, open.id, ERR_NOT_FOUND,
		           "the host's folders are \"" FILES_HOST "\", or \"" FILES_HOST_PREFIX
		           "NAME\"");
		return;
	}
	err = session_open(client->fs, name, &channel);
	if (err < 0)
		error_send(source->handle, open.id, err, NULL);
	else if (open_reply_send(source->handle, open.id, channel) < 0)
		handle_close(channel);  // the session sees that
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct client *client = source->context;

	loop_close(loop, source);
	heap_free(client);
}

static const struct source_ops client_ops = { .message = client_message, .closed = client_closed };

static void client_accepted(void *context, handle_t channel)
{
	struct hostfs *fs = context;
	struct client *client = heap_alloc(sizeof(*client));

	if (client != NULL)
		client->fs = fs;
	if (client == NULL ||
	    loop_add(&fs->loop, &client->source, channel, &client_ops, client) != 0) {
		log_warn("no memory for another client");
		heap_free(client);
		handle_close(channel);
	}
}

error_t clients_init(struct hostfs *fs, handle_t service)
{
	return service_listen(&fs->loop, &fs->listener, service, client_accepted, fs);
}
