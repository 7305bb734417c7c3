// SPDX-License-Identifier: MIT
//
// A reader goes on when its client has room. One that follows a container waits, at the end, for
// its vmm's word that there is more, which is asked for once a time: who reads slowly, or not at
// all, costs nobody anything.
#include "apps/containers/log_clients.h"

#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define FRAME_HEADER 8u

static void client_end(struct log_client *client);

// The log of a container that is removed goes with its last reader.
static void give_back(const struct log_client *client)
{
	list_for_each(entry, &client->all->logs.readers) {
		const struct log_client *other = container_of(entry, struct log_client, entry);

		if (other->c == NULL && strcmp(other->reader.folder, client->reader.folder) == 0)
			return;
	}
	logs_discard(client->all, client->reader.folder);
}

void log_client_free(struct log_client *client)
{
	log_reader_stop(&client->reader);
	if (client->has_unsent)
		message_discard(&client->unsent);
	loop_close(&client->all->loop, &client->source);
	list_remove(&client->entry);
	client->all->logs.num_readers--;
	if (client->c == NULL)
		give_back(client);
	heap_free(client);
}

// --- To the client -------------------------------------------------------------------------------

// Sends what was gathered; false when it waits for room.
static bool flush(struct log_client *client)
{
	error_t err = 0;

	if (!client->has_unsent && client->out_len > 0) {
		err = payload_make(&client->unsent, client->out, client->out_len);
		client->has_unsent = err == 0;
		client->out_len = 0;
	}
	if (client->has_unsent) {
		err = channel_send(client->source.handle, &client->unsent);
		if (err < 0 && err != ERR_FULL)
			message_discard(&client->unsent);
		client->has_unsent = err == ERR_FULL;
	}
	source_want_writable(&client->source, err == ERR_FULL);
	// It has left, which is heard of, or memory is out.
	if (err < 0 && err != ERR_FULL)
		client->is_over = true;
	return err != ERR_FULL;
}

static void append(struct log_client *client, const struct log_record *record)
{
	bool *in_line = &client->in_line[record->stream - 1];
	bool has_time = client->timestamps && !*in_line;
	size_t len = record->text.len + (record->whole ? 1 : 0) + (has_time ? DATE_LENGTH + 1 : 0);
	struct writer w =
		writer_make(client->out + client->out_len, sizeof(client->out) - client->out_len);
	char date[DATE_LENGTH + 1];

	if (client->frames) {
		writer_u8(&w, (uint8_t)record->stream);
		writer_zero(&w, 3);
		writer_be32(&w, (uint32_t)len);
	}
	if (has_time) {
		date_write(record->time, date);
		writer_bytes(&w, date, DATE_LENGTH);
		writer_u8(&w, ' ');
	}
	writer_bytes(&w, record->text.data, record->text.len);
	if (record->whole)
		writer_u8(&w, '\n');
	assert(writer_status(&w) == 0);
	client->out_len += w.len;
	*in_line = !record->whole;
}

static bool take_record(void *context, const struct log_record *record)
{
	struct log_client *client = context;

	client->all->logs.proven = true;
	if (record->time > client->until)
		client->is_over = true;
	if (client->is_over || record->time < client->since || !client->wants[record->stream - 1])
		return true;
	if (sizeof(client->out) - client->out_len <
	            FRAME_HEADER + DATE_LENGTH + 2 + record->text.len &&
	    !flush(client))
		return false;
	append(client, record);
	return true;
}

// --- The end of what there is --------------------------------------------------------------------

static bool goes_on(const struct log_client *client)
{
	return client->follows && !client->is_over && client->c != NULL &&
		client->c->state == CONTAINER_RUNNING;
}

// What is at hand is sent: more is waited for, or it was all.
static void client_done(struct log_client *client)
{
	client->at_end = false;
	if (client->once_more && !client->is_over) {
		client->once_more = false;
		log_reader_resume(&client->reader);
	} else if (goes_on(client)) {
		logs_ask(client->c);
	} else {
		client_end(client);
	}
}

static void reached_end(void *context)
{
	struct log_client *client = context;

	client->all->logs.proven = true;
	client->at_end = true;
	if (flush(client))
		client_done(client);
}

static void cannot_go_on(void *context, error_t error)
{
	struct log_client *client = context;

	// It goes on when there is a session again.
	if (error == ERR_PEER_CLOSED)
		return;
	log_warn("a log cannot be read: %s", error_text(error));
	log_client_free(client);
}

static const struct log_reader_ops reader_ops = { .record = take_record,
	                                          .end = reached_end,
	                                          .failed = cannot_go_on };

// The stream ends, or goes on at the container itself.
static void client_end(struct log_client *client)
{
	static const struct msg_end end;
	struct container *c = client->c;
	handle_t channel = client->source.handle;
	struct msg_vmm_attach order = client->attach_order;
	struct message m;
	error_t err;

	if (client->attaches && c != NULL && !client->is_over) {
		loop_remove(&client->all->loop, &client->source);
		client->source = (struct source){ 0 };
		log_client_free(client);
		if (!container_attach(c, &order, channel))
			handle_close(channel);
		return;
	}
	err = message_encode_end(&m, &end, NULL, 0);
	assert(err == 0);
	err = channel_send(channel, &m);
	if (err == ERR_FULL) {
		client->at_end = true;
		source_want_writable(&client->source, true);
	} else {
		// What it was sent stays in the channel.
		log_client_free(client);
	}
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	message_discard(m);
}

static void client_writable(struct loop *loop, struct source *source)
{
	struct log_client *client = source->context;

	(void)loop;
	if (!flush(client))
		return;
	if (client->at_end)
		client_done(client);
	else
		log_reader_resume(&client->reader);
}

static void client_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	log_client_free(source->context);
}

static const struct source_ops client_ops = { .message = client_message,
	                                      .writable = client_writable,
	                                      .closed = client_closed,
	                                      .hung_up = client_closed };

// --- All of them ---------------------------------------------------------------------------------

static void wake(struct log_client *client)
{
	if (client->reader.step == LOG_READER_IDLE && !client->at_end)
		log_reader_resume(&client->reader);
	else
		client->once_more = true;
}

void log_clients_wake(struct container *c)
{
	list_for_each_safe(pos, &c->all->logs.readers)
	{
		struct log_client *client = container_of(pos, struct log_client, entry);

		if (client->c == c)
			wake(client);
	}
}

void log_clients_end(struct container *c)
{
	list_for_each_safe(pos, &c->all->logs.readers)
	{
		struct log_client *client = container_of(pos, struct log_client, entry);

		if (client->c != c || !client->follows)
			continue;
		// Once it has what there is, even if the container runs again by then.
		client->follows = false;
		wake(client);
	}
}

bool log_clients_forget(struct container *c)
{
	bool any = false;

	list_for_each_safe(pos, &c->all->logs.readers)
	{
		struct log_client *client = container_of(pos, struct log_client, entry);

		if (client->c != c)
			continue;
		any = true;
		client->c = NULL;
		client->follows = false;
	}
	return any;
}

void log_clients_lost(struct containers *all)
{
	list_for_each(entry, &all->logs.readers)
		log_reader_lost(&container_of(entry, struct log_client, entry)->reader);
}

void log_clients_resume(struct containers *all)
{
	list_for_each_safe(pos, &all->logs.readers)
	{
		struct log_client *client = container_of(pos, struct log_client, entry);

		if (client->reader.step == LOG_READER_IDLE && !client->at_end)
			log_reader_resume(&client->reader);
	}
}

bool log_client_start(struct log_client *client, struct request *request, uint64_t lines)
{
	struct containers *all = request->all;
	error_t err;

	client->all = all;
	list_init(&client->entry);
	err = loop_add(&all->loop, &client->source, request->channel, &client_ops, client);
	if (err < 0) {
		heap_free(client);
		reply_error(request->client, request->id, 500, "%s", error_text(err));
		return false;
	}
	list_push_back(&all->logs.readers, &client->entry);
	all->logs.num_readers++;
	request->channel = HANDLE_NONE;
	// What it says already is for the container.
	if (client->attaches)
		source_want_messages(&client->source, false);
	err = log_reader_start(&client->reader, &all->logs.files, client->c->id_text, lines,
	                       &reader_ops, client);
	if (err == 0)
		return true;
	log_client_free(client);
	reply_error(request->client, request->id, 500, "%s", error_text(err));
	return false;
}
