// SPDX-License-Identifier: MIT
//
// Connections to the service: each asks for one share at a time, and gets a session.
#include "apps/fs/fs.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static error_t find_root(const struct client *client, const char *uri, struct share *out)
{
	switch (client->service) {
	case FS_OWN: return share_find_own(client->fs, client->app, uri, out);
	case FS_STORE: return share_find_store(client->fs, uri, out);
	default: return share_find_volumes(client->fs, uri, out);
	}
}

static error_t find_share(const struct client *client, struct share *out)
{
	char uri[sizeof(client->share)], only[EXT4_NAME_MAX + 1];
	error_t err;

	str_copy(uri, client->share, sizeof(uri));
	err = share_cut_child(uri, only) ? find_root(client, uri, out) : ERR_INVALID;
	if (err == 0 && only[0] != '\0' && !out->volumes)
		err = ERR_NOT_FOUND;
	if (err == 0)
		str_copy(out->only, only, sizeof(out->only));
	return err;
}

// The disk is clean once the sessions of all are over; the channel that is given says so, and no
// more.
static void answer_unmount(struct client *client)
{
	struct fs *fs = client->fs;
	handle_t ends[2];

	if (fs->state == FS_MOUNTED)
		fs_end(fs);
	if (fs->state == FS_MOUNTED || fs->state == FS_OPENING) {
		client->opening = true;
		return;
	}
	if (channel_create(ends) != 0) {
		(void)error_send(client->source.handle, client->open_id, ERR_NO_MEMORY, NULL);
		return;
	}
	handle_close(ends[0]);
	if (open_reply_send(client->source.handle, client->open_id, ends[1]) < 0)
		handle_close(ends[1]);
}

static void client_answer(struct client *client)
{
	struct fs *fs = client->fs;
	struct share share;
	handle_t channel = HANDLE_NONE;
	error_t err = fs->error;
	const char *why = fs->why;

	client->opening = false;
	if (client->service == FS_UNMOUNT) {
		answer_unmount(client);
		return;
	}
	// Who has lost a session opens it again: there is nothing more to be had.
	if (fs->ending) {
		client->opening = true;
		return;
	}
	if (fs->state == FS_MOUNTED) {
		why = "there is no such share of the state disk";
		err = find_share(client, &share);
		// Who has it goes first.
		if (err == 0 && share.is_disk && file_disk_is_taken(fs, &share)) {
			client->opening = fs->clients_wait = true;
			return;
		}
		if (err == 0) {
			why = NULL;
			err = session_open(fs, &share, &channel);
		}
	}
	if (err != 0)
		(void)error_send(client->source.handle, client->open_id, err, why);
	else if (open_reply_send(client->source.handle, client->open_id, channel) < 0)
		handle_close(channel);  // the session sees that
}

void clients_opened(struct fs *fs)
{
	list_for_each_safe(entry, &fs->clients)
	{
		struct client *client = container_of(entry, struct client, entry);

		if (client->opening)
			client_answer(client);
	}
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct client *client = source->context;
	struct msg_open open;
	const uint8_t *uri;
	size_t uri_len;

	(void)loop;
	if (message_decode_open(m, &open, &uri, &uri_len) != 0) {
		message_discard(m);
		error_send(source->handle, 0, ERR_PROTOCOL,
		           "volumes understands open requests only");
		return;
	}
	if (client->opening || uri_len >= sizeof(client->share)) {
		error_send(source->handle, open.id, client->opening ? ERR_FULL : ERR_TOO_LARGE,
		           "one share at a time, with a short name");
		return;
	}
	memcpy(client->share, uri, uri_len);
	client->share[uri_len] = 0;
	client->open_id = open.id;
	client->opening = true;
	if (client->service != FS_UNMOUNT && !client->fs->ending)
		fs_open(client->fs);
	if (client->opening && client->fs->state != FS_OPENING)
		client_answer(client);
}

static void client_batch_end(struct loop *loop, struct source *source)
{
	struct client *client = source->context;

	(void)loop;
	calls_run(client->fs);
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct client *client = source->context;
	struct fs *fs = client->fs;

	loop_close(loop, source);
	list_remove(&client->entry);
	heap_free(client);
	// What it has asked for just before may have had calls wait for the disk.
	calls_run(fs);
}

static const struct source_ops client_ops = { .message = client_message,
	                                      .batch_end = client_batch_end,
	                                      .closed = client_closed };

// A connection to a service; to "own", of the app of that name.
static void client_add(struct fs *fs, enum fs_service service, handle_t channel, const char *app)
{
	struct client *client = heap_alloc(sizeof(*client));

	if (client == NULL ||
	    loop_add(&fs->loop, &client->source, channel, &client_ops, client) != 0) {
		log_warn("no memory for another client");
		heap_free(client);
		handle_close(channel);
		return;
	}
	client->fs = fs;
	client->service = service;
	if (app != NULL)
		str_copy(client->app, app, sizeof(client->app));
	list_push_back(&fs->clients, &client->entry);
}

static void volumes_accepted(void *context, handle_t channel)
{
	client_add(context, FS_VOLUMES, channel, NULL);
}

static void store_accepted(void *context, handle_t channel)
{
	client_add(context, FS_STORE, channel, NULL);
}

static void own_accepted(void *context, handle_t channel)
{
	char app[APP_NAME_MAX];

	if (channel_maker(channel, app) != 0 || app[0] == 0)
		handle_close(channel);
	else
		client_add(context, FS_OWN, channel, app);
}

static void unmount_accepted(void *context, handle_t channel)
{
	client_add(context, FS_UNMOUNT, channel, NULL);
}

error_t clients_init(struct fs *fs, handle_t volumes, handle_t own, handle_t store,
                     handle_t unmount)
{
	error_t err = service_listen(&fs->loop, &fs->listener, volumes, volumes_accepted, fs);

	if (err == 0)
		err = service_listen(&fs->loop, &fs->own, own, own_accepted, fs);
	if (err == 0)
		err = service_listen(&fs->loop, &fs->store, store, store_accepted, fs);
	return err != 0 ? err
			: service_listen(&fs->loop, &fs->unmount, unmount, unmount_accepted, fs);
}
