// SPDX-License-Identifier: MIT
//
// The service "images" (libs/abi/images.h), which tells this app which images there are, and asks
// which containers have one.
#include "apps/containers/containers.h"
#include "libs/abi/images.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

const struct image *container_image(const struct container *c)
{
	const struct image_index *index = &c->all->images;

	if (c->image_id[0] == '\0')
		return image_index_find(index, c->settings.image);
	for (size_t i = 0; i < index->count; i++)
		if (strcmp(index->images[i].id, c->image_id) == 0)
			return &index->images[i];
	return NULL;
}

static void take_list(struct containers *all, const struct msg_images_list *list, struct message *m)
{
	struct image_index index;
	struct payload payload = { 0 };
	error_t err = ERR_PROTOCOL;

	if (m->num_handles == 1)
		err = payload_open_folio(m->handles[0], 0, list->length, &payload);
	if (err == 0) {
		err = image_index_parse(&index, payload.bytes);
		payload_release(&payload);
	}
	if (err < 0) {
		log_error("the list of images cannot be used: %s", error_text(err));
		return;
	}
	image_index_deinit(&all->images);
	all->images = index;
	all->layers_size = list->layers_size;
	images_known(all);
}

static void answer_users(struct containers *all, const struct msg_images_users *users,
                         struct span id)
{
	struct msg_images_used used = { .id = users->id };
	struct message m;
	error_t err;

	list_for_each(entry, &all->containers) {
		const struct container *c = container_of(entry, struct container, entry);
		const char *its = c->image_id;
		bool runs = c->state == CONTAINER_RUNNING;

		if (strlen(its) != id.len || memcmp(its, id.data, id.len) != 0)
			continue;
		if (used.running + used.stopped == 0 || (runs && used.running == 0))
			str_copy(used.user, c->id_text, sizeof(used.user));
		*(runs ? &used.running : &used.stopped) += 1;
	}
	err = message_encode_images_used(&m, &used, NULL, 0);
	assert(err == 0);
	if (outbox_send(&all->images_outbox, &m) < 0)
		log_warn("who has an image cannot be told");
}

// The next string of a span, in place; NULL: there is none with a NUL behind it.
static const char *take_string(struct span *rest)
{
	const char *text = (const char *)rest->data;
	const uint8_t *end = rest->len > 0 ? memchr(rest->data, '\0', rest->len) : NULL;
	size_t len;

	if (end == NULL)
		return NULL;
	len = (size_t)(end - rest->data) + 1;
	*rest = (struct span){ rest->data + len, rest->len - len };
	return text;
}

static void take_event(struct containers *all, const struct msg_images_event *event,
                       struct message *m)
{
	struct json_writer w = { 0 };
	struct payload payload = { 0 };
	const char *action, *id, *name;
	struct span rest;

	if (m->num_handles != 1 ||
	    payload_open_folio(m->handles[0], 0, event->length, &payload) < 0)
		return;
	rest = payload.bytes;
	action = take_string(&rest);
	id = take_string(&rest);
	name = take_string(&rest);
	if (action != NULL && id != NULL && name != NULL) {
		json_write_raw(&w, strcmp(action, "prune") == 0 ? "{\"reclaimed\":" : "{\"name\":");
		json_write_string(&w, name);
		json_write_raw(&w, "}");
		events_tell(all, "image", action, id, json_writer_text(&w));
		json_writer_deinit(&w);
	}
	payload_release(&payload);
}

static void stop_run(struct containers *all, uint32_t id)
{
	job_stop(all, id);
	export_stop(all, id);
}

static void images_message(struct loop *loop, struct source *source, struct message *m)
{
	struct containers *all = source->context;
	struct msg_images_list list;
	struct msg_images_users users;
	struct msg_images_stop stop;
	struct msg_images_run run;
	struct msg_images_event event;
	struct msg_images_export export;
	struct msg_containers_reply reply;
	const uint8_t *tail;
	size_t len;

	(void)loop;
	if (message_decode_images_list(m, &list, &tail, &len) == 0)
		take_list(all, &list, m);
	else if (message_decode_images_users(m, &users, &tail, &len) == 0)
		answer_users(all, &users, (struct span){ .data = tail, .len = len });
	else if (message_decode_images_run(m, &run, &tail, &len) == 0)
		job_run(all, &run, m, (struct span){ .data = tail, .len = len });
	else if (message_decode_images_export(m, &export, &tail, &len) == 0)
		export_run(all, &export, m, (struct span){ .data = tail, .len = len });
	else if (message_decode_images_stop(m, &stop, &tail, &len) == 0)
		stop_run(all, stop.id);
	else if (message_decode_images_event(m, &event, &tail, &len) == 0)
		take_event(all, &event, m);
	else if (message_decode_containers_reply(m, &reply, &tail, &len) == 0)
		commit_told(all, &reply, (struct span){ .data = tail, .len = len }, m);
	else
		message_discard(m);
}

static void images_writable(struct loop *loop, struct source *source)
{
	struct containers *all = source->context;

	(void)loop;
	outbox_writable(&all->images_outbox);
}

// What it said last holds until it is back.
static void images_closed(struct loop *loop, struct source *source)
{
	struct containers *all = source->context;
	error_t err;

	outbox_drop(&all->images_outbox);
	loop_close(loop, source);
	all->has_images = false;
	jobs_forget(all);
	commits_fail(all);
	exports_forget(all);
	err = service_client_again(&all->images_client);
	assert(err == 0);
}

static const struct source_ops images_ops = {
	.message = images_message,
	.writable = images_writable,
	.closed = images_closed,
};

static void images_connected(void *context, handle_t channel)
{
	static const struct msg_images_follow follow;
	struct containers *all = context;
	struct message m;
	error_t err = loop_add(&all->loop, &all->images_link, channel, &images_ops, all);

	assert(err == 0);
	all->has_images = true;
	outbox_init(&all->images_outbox, &all->images_link);
	err = message_encode_images_follow(&m, &follow, NULL, 0);
	assert(err == 0);
	if (outbox_send(&all->images_outbox, &m) < 0)
		log_debug("images has gone again");
}

void images_follow(struct containers *all)
{
	error_t err;

	if (all->follows_images)
		return;
	all->follows_images = true;
	err = service_client_start(&all->loop, &all->images_client,
	                           environ_connector(all->env, "images"), images_connected, all);
	assert(err == 0);
}
