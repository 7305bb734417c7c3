// SPDX-License-Identifier: MIT
#include "apps/containers/commit.h"

#include "apps/containers/containers.h"
#include "libs/abi/images.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// At a time; each is a run of the system container.
#define COMMITS_MAX 16u

struct commit {
	struct list entry;      // of containers.commits
	struct client *client;  // NULL: nobody waits
	uint32_t request;
	uint32_t number;  // of the request to `images`
	char id[CONTAINER_ID_TEXT];
	char *comment;  // heap; NULL: none
	bool pauses;
	handle_t channel;  // for the container's machine; HANDLE_NONE: that has it
};

static void commit_free(struct containers *all, struct commit *commit)
{
	all->num_commits--;
	if (commit->channel != HANDLE_NONE)
		handle_close(commit->channel);
	list_remove(&commit->entry);
	heap_free(commit->comment);
	heap_free(commit);
}

void commit_waiters_drop(struct containers *all, const struct client *client, uint32_t id)
{
	list_for_each(entry, &all->commits) {
		struct commit *commit = container_of(entry, struct commit, entry);

		if (commit->client == client && (id == 0 || commit->request == id))
			commit->client = NULL;
	}
}

bool commit_holds(const struct container *c)
{
	list_for_each(entry, &c->all->commits) {
		const struct commit *commit = container_of(entry, struct commit, entry);

		// Its machine has the channel.
		if (commit->pauses && commit->channel == HANDLE_NONE &&
		    strcmp(commit->id, c->id_text) == 0)
			return true;
	}
	return false;
}

void commits_fail(struct containers *all)
{
	list_for_each_safe(pos, &all->commits)
	{
		struct commit *commit = container_of(pos, struct commit, entry);

		reply_error(commit->client, commit->request, 503,
		            "the service of images has ended: try again");
		commit_free(all, commit);
	}
}

// --- The request ---------------------------------------------------------------------------------

// What docker's history shows of it.
static void write_command(struct json_writer *w, const struct container *c,
                          const struct image *image)
{
	const struct string_list *cmd = c->settings.cmd.count > 0 ? &c->settings.cmd : &image->cmd;
	struct json_writer text = { 0 };

	for (size_t i = 0; i < cmd->count; i++) {
		json_write_raw(&text, i > 0 ? " " : "");
		json_write_raw(&text, cmd->items[i]);
	}
	json_write_string(w, cmd->count > 0 && json_writer_text(&text) != NULL ? text.text : "");
	json_writer_deinit(&text);
}

// The body for `images`: {"parent":ID,"created_by":TEXT,"container_id":ID,
// "container":BODY,"config":BODY}.
static void write_body(struct json_writer *w, const struct container *c, const struct image *image,
                       struct span config)
{
	json_write_raw(w, "{\"parent\":");
	json_write_string(w, image->id);
	json_write_raw(w, ",\"created_by\":");
	write_command(w, c, image);
	json_write_raw(w, ",\"container_id\":");
	json_write_string(w, c->id_text);
	json_write_raw(w, ",\"container\":");
	json_write_raw(w, c->body != NULL ? c->body : "{}");
	json_write_raw(w, ",\"config\":");
	if (config.len > 0)
		json_write_span(w, config);
	else
		json_write_raw(w, "null");
	json_write_raw(w, "}");
}

// Whether a text is nothing, or one JSON value.
static bool is_document(struct span text)
{
	struct json_reader r = json_reader_make(text);

	if (text.len == 0)
		return true;
	json_skip(&r);
	return json_at_end(&r) && json_reader_status(&r) == 0;
}

static error_t send(struct containers *all, struct commit *commit, const struct request *request,
                    const struct json_writer *body, handle_t channel)
{
	struct msg_containers_request fixed = { .id = commit->number,
		                                .operation = IMAGES_COMMIT,
		                                .query_length = (uint32_t)request->query.len,
		                                .body_length = (uint32_t)body->len };
	size_t len = request->query.len + body->len;
	uint8_t *bytes = body->len <= CONTAINERS_BODY_MAX ? heap_alloc(len) : NULL;
	error_t err = body->len > CONTAINERS_BODY_MAX ? ERR_TOO_LARGE
		: bytes == NULL                       ? ERR_NO_MEMORY
						      : 0;
	struct message m;

	if (err == 0) {
		memcpy(bytes, request->query.data, request->query.len);
		memcpy(bytes + request->query.len, body->text, body->len);
		err = message_encode_containers_request(&m, &fixed, NULL, 0);
	}
	if (err == 0)
		err = payload_copy(bytes, len, &m.handles[0]);
	heap_free(bytes);
	if (err < 0) {
		handle_close(channel);
		return err;
	}
	m.handles[1] = channel;
	m.num_handles = 2;
	return outbox_send(&all->images_outbox, &m);
}

static struct commit *make(struct request *request, const struct container *c)
{
	struct containers *all = request->all;
	struct commit *commit = all->num_commits < COMMITS_MAX ? heap_alloc(sizeof(*commit)) : NULL;
	char *pause = query_take(request, "pause"), *comment = query_take(request, "comment");

	if (commit != NULL) {
		*commit = (struct commit){ .client = request->client,
			                   .request = request->id,
			                   .number = ++all->last_commit,
			                   .comment = comment,
			                   .pauses = pause == NULL || query_flag(request, "pause"),
			                   .channel = HANDLE_NONE };
		str_copy(commit->id, c->id_text, sizeof(commit->id));
		list_push_back(&all->commits, &commit->entry);
		all->num_commits++;
	} else {
		heap_free(comment);
	}
	heap_free(pause);
	return commit;
}

static void begin(struct request *request, const struct container *c, const struct image *image)
{
	struct commit *commit = make(request, c);
	struct json_writer body = { 0 };
	handle_t ends[2];
	error_t err;

	if (commit == NULL) {
		reply_error(request->client, request->id, 503,
		            "too many images are being made: try again");
		return;
	}
	write_body(&body, c, image, request->body);
	err = json_writer_text(&body) != NULL ? channel_create(ends) : ERR_NO_MEMORY;
	if (err == 0) {
		commit->channel = ends[0];
		err = send(request->all, commit, request, &body, ends[1]);
	}
	json_writer_deinit(&body);
	if (err == 0)
		return;
	reply_error(request->client, request->id,
	            err == ERR_NO_MEMORY           ? 500
	                    : err == ERR_TOO_LARGE ? 413
	                                           : 503,
	            "the image cannot be made: %s",
	            err == ERR_TOO_LARGE ? "what the container was created with, and the body, are "
	                                   "too long"
	                                 : error_text(err));
	commit_free(request->all, commit);
}

static struct container *find(struct request *request)
{
	char *name = query_take(request, "container");
	bool fits = name != NULL && name[0] != '\0' &&
		str_copy(request->target, name, sizeof(request->target)) < sizeof(request->target);

	heap_free(name);
	if (fits)
		return operation_find(request);
	reply_error(request->client, request->id, name == NULL ? 400 : 404,
	            "No such container: the parameter container names none");
	return NULL;
}

void operation_commit(struct request *request)
{
	struct container *c = find(request);
	const struct image *image = c != NULL ? container_image(c) : NULL;

	if (c == NULL)
		return;
	if (!is_document(request->body))
		reply_error(request->client, request->id, 400, "the body is not JSON");
	else if (c->all->stopping)
		reply_error(request->client, request->id, 503, "the machine is going off");
	else if (image == NULL || image->id[0] == '\0')
		reply_error(request->client, request->id, 404,
		            "the image of container %s is not there any more", c->name);
	else if (c->state == CONTAINER_RUNNING && !c->started)
		reply_error(request->client, request->id, 409,
		            "container %s is being started: try again", c->name);
	else if (!c->all->has_images)
		reply_error(request->client, request->id, 503,
		            "the service of images is starting: try again");
	else if (operation_can_reach(request, c))
		begin(request, c, image);
}

// --- The answer ----------------------------------------------------------------------------------

static struct container *by_id(struct containers *all, const char *id)
{
	list_for_each(entry, &all->containers) {
		struct container *c = container_of(entry, struct container, entry);

		if (strcmp(c->id_text, id) == 0)
			return c;
	}
	return NULL;
}

// It can be written: the system container reads.
static void go_on(struct containers *all, struct commit *commit)
{
	struct container *c = by_id(all, commit->id);
	handle_t channel = commit->channel;

	commit->channel = HANDLE_NONE;
	// Without a container the channel is closed, and `images` says what is wrong.
	if (c != NULL && channel != HANDLE_NONE)
		archive_add(c, CONTAINERS_COMMIT, channel,
		            commit->pauses && c->state == CONTAINER_RUNNING);
	else if (channel != HANDLE_NONE)
		handle_close(channel);
}

static void tell_event(struct containers *all, const struct commit *commit, struct span body)
{
	struct container *c = by_id(all, commit->id);
	struct json_reader r = json_reader_make(body);
	struct json_writer more = { 0 };
	struct span key;
	char *id = NULL;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (id == NULL && span_is(key, "Id"))
			id = json_take_string(&r);
		else
			json_skip(&r);
	}
	json_write_raw(&more, "\"comment\":");
	json_write_string(&more, commit->comment != NULL ? commit->comment : "");
	json_write_raw(&more, ",\"imageID\":");
	json_write_string(&more, id != NULL ? id : "");
	if (c != NULL && json_writer_text(&more) != NULL)
		events_container(c, "commit", more.text);
	json_writer_deinit(&more);
	heap_free(id);
}

static void answer(struct containers *all, struct commit *commit, uint32_t status, struct span body)
{
	struct json_writer w = { 0 };

	json_write_span(&w, body);
	if (status < 300)
		tell_event(all, commit, body);
	reply_json(commit->client, commit->request, status, &w);
	commit_free(all, commit);
}

void commit_told(struct containers *all, const struct msg_containers_reply *reply, struct span body,
                 struct message *m)
{
	struct payload payload = { 0 };
	struct commit *commit = NULL;

	list_for_each(entry, &all->commits) {
		struct commit *each = container_of(entry, struct commit, entry);

		if (each->number == reply->id)
			commit = each;
	}
	if (commit == NULL) {
		message_discard(m);
	} else if (reply->status == CONTAINERS_ACCEPTED) {
		message_discard(m);
		go_on(all, commit);
	} else {
		if (m->num_handles == 1 &&
		    payload_open_folio(m->handles[0], 0, reply->length, &payload) == 0)
			body = payload.bytes;
		answer(all, commit, reply->status, body);
		payload_release(&payload);
	}
}
