// SPDX-License-Identifier: MIT
//
// The last events, and those who read them. A reader that does not read holds nobody up: it has its
// place among what is kept, and its stream breaks off when that is gone.
#include "apps/containers/events.h"

#include "apps/containers/containers.h"
#include "apps/containers/event.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define MAX_KEPT 256u
#define MAX_KEPT_BYTES (1024u * 1024)
#define MAX_READERS 64u

struct event_reader {
	struct containers *all;
	struct list entry;
	struct source source;
	struct filters filters;
	nsec_t since;    // of events
	nsec_t until;    // NSEC_NEVER: the stream has no end
	uint64_t next;   // number of the event that it has not had
	bool ends;       // after what there is
	bool has_ended;  // MSG_END was sent
	handle_t timer;  // for `until`; HANDLE_NONE: there is none
	struct source timer_source;
};

static void pump(struct event_reader *reader);

void events_init(struct events *events)
{
	list_init(&events->kept);
	list_init(&events->readers);
}

// --- Telling -------------------------------------------------------------------------------------

static void drop_old(struct events *events)
{
	while (events->num_kept > MAX_KEPT ||
	       (events->bytes > MAX_KEPT_BYTES && events->num_kept > 1)) {
		struct event *old =
			container_of(list_pop_front(&events->kept), struct event, entry);

		events->num_kept--;
		events->bytes -= old->length;
		event_free(old);
	}
}

void events_tell(struct containers *all, const char *type, const char *action, const char *id,
                 const char *attributes)
{
	struct events *events = &all->events;
	struct event *event = event_make(type, action, id, attributes, wall_time());

	if (event == NULL) {
		log_warn("there is no memory to tell of an event: %s %s", type, action);
		return;
	}
	event->number = events->next++;
	list_push_back(&events->kept, &event->entry);
	events->num_kept++;
	events->bytes += event->length;
	list_for_each_safe(pos, &events->readers)
	{
		pump(container_of(pos, struct event_reader, entry));
	}
	// Who had room has it now.
	drop_old(events);
}

void events_container(const struct container *c, const char *action, const char *more)
{
	struct json_writer w = { 0 };
	char *labels;

	if (container_is_hidden(c))
		return;
	labels = container_labels(c);
	// Labels come first: they are an object of strings.
	json_write_raw(&w, labels != NULL && strcmp(labels, "{}") != 0 ? labels : "{");
	heap_free(labels);
	if (w.len > 1 && !w.bad) {
		w.text[--w.len] = '\0';
		json_write_raw(&w, ",");
	}
	json_write_raw(&w, "\"image\":");
	json_write_string(&w, c->settings.image);
	json_write_raw(&w, ",\"name\":");
	json_write_string(&w, c->name);
	if (more != NULL) {
		json_write_raw(&w, ",");
		json_write_raw(&w, more);
	}
	json_write_raw(&w, "}");
	events_tell(c->all, "container", action, c->id_text, json_writer_text(&w));
	json_writer_deinit(&w);
}

static void tell_volume(const struct container *c, const char *action, const struct mount *mount)
{
	bool is_mount = strcmp(action, "mount") == 0;
	struct json_writer w = { 0 };

	json_write_raw(&w, "{\"container\":");
	json_write_string(&w, c->id_text);
	if (is_mount) {
		json_write_raw(&w, ",\"destination\":");
		json_write_string(&w, mount->target);
	}
	json_write_raw(&w, ",\"driver\":\"local\"");
	if (is_mount)
		json_write_raw(&w,
		               mount->read_only ? ",\"propagation\":\"\",\"read/write\":\"false\""
		                                : ",\"propagation\":\"\",\"read/write\":\"true\"");
	json_write_raw(&w, "}");
	events_tell(c->all, "volume", action, mount->source, json_writer_text(&w));
	json_writer_deinit(&w);
}

void events_volumes(const struct container *c, const char *action)
{
	for (size_t i = 0; i < c->mounts.count && !container_is_hidden(c); i++)
		if (c->mounts.items[i].kind == MOUNT_VOLUME && c->mounts.items[i].source != NULL)
			tell_volume(c, action, &c->mounts.items[i]);
}

void events_prune(struct containers *all, const char *type, uint64_t reclaimed)
{
	char attributes[64];

	fmt_write(attributes, sizeof(attributes), "{\"reclaimed\":\"%llu\"}",
	          (unsigned long long)reclaimed);
	events_tell(all, type, "prune", "", attributes);
}

// --- Reading -------------------------------------------------------------------------------------

static void reader_free(struct event_reader *reader)
{
	loop_close(&reader->all->loop, &reader->source);
	if (reader->timer != HANDLE_NONE)
		loop_close(&reader->all->loop, &reader->timer_source);
	list_remove(&reader->entry);
	reader->all->events.num_readers--;
	filters_deinit(&reader->filters);
	heap_free(reader);
}

// The event that a reader has to have next; NULL: it has all. `*lost`: it is not kept any more.
static const struct event *next_event(struct event_reader *reader, bool *lost)
{
	const struct events *events = &reader->all->events;

	*lost = false;
	list_for_each(entry, &events->kept) {
		const struct event *event = container_of(entry, struct event, entry);

		if (event->number < reader->next)
			continue;
		*lost = event->number > reader->next;
		return event;
	}
	return NULL;
}

static error_t send_event(const struct event_reader *reader, const struct event *event)
{
	struct message m;
	error_t err;

	if (event->time < reader->since || event->time > reader->until ||
	    !event_fits(event, &reader->filters))
		return 0;
	err = payload_make(&m, event->text, event->length);
	if (err == 0) {
		err = channel_send(reader->source.handle, &m);
		if (err < 0)
			message_discard(&m);
	}
	return err;
}

static error_t send_end(struct event_reader *reader)
{
	static const struct msg_end end;
	struct message m;
	error_t err = message_encode_end(&m, &end, NULL, 0);

	assert(err == 0);
	err = channel_send(reader->source.handle, &m);
	reader->has_ended = err == 0;
	return err;
}

// Sends what the reader takes. It may be gone then.
static void pump(struct event_reader *reader)
{
	const struct event *event;
	error_t err = 0;
	bool lost = false;

	while (err == 0 && (event = next_event(reader, &lost)) != NULL && !lost) {
		err = send_event(reader, event);
		if (err == 0)
			reader->next = event->number + 1;
	}
	if (err == 0 && !lost && reader->ends && !reader->has_ended)
		err = send_end(reader);
	source_want_writable(&reader->source, err == ERR_FULL);
	if (err == 0 || err == ERR_FULL)
		err = 0;
	if (lost)
		log_warn("who reads events does not keep up: its stream ends");
	if (err < 0 || lost)
		reader_free(reader);
}

static void reader_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	message_discard(m);
}

static void reader_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	pump(source->context);
}

static void reader_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	reader_free(source->context);
}

static const struct source_ops reader_ops = { .message = reader_message,
	                                      .writable = reader_writable,
	                                      .closed = reader_closed };

static void until_signalled(struct loop *loop, struct source *source)
{
	struct event_reader *reader = source->context;

	loop_close(loop, source);
	reader->timer = HANDLE_NONE;
	reader->ends = true;
	pump(reader);
}

static const struct source_ops until_ops = { .signalled = until_signalled };

// The stream's end comes when `until` does.
static error_t until_set(struct event_reader *reader)
{
	nsec_t wall = wall_time(), now = 0;
	error_t err;

	reader->ends = reader->until <= wall;
	if (reader->ends || reader->until == NSEC_NEVER)
		return 0;
	err = timer_create(&reader->timer);
	if (err < 0) {
		reader->timer = HANDLE_NONE;
		return err;
	}
	err = loop_add(&reader->all->loop, &reader->timer_source, reader->timer, &until_ops,
	               reader);
	if (err < 0) {
		handle_close(reader->timer);
		reader->timer = HANDLE_NONE;
		return err;
	}
	err = clock_get(CLOCK_MONOTONIC, &now);
	if (err == 0)
		err = timer_set(reader->timer, now + (reader->until - wall));
	return err;
}

// --- The request ---------------------------------------------------------------------------------

// Reads what is asked for; false, and the request was answered, when it says nonsense.
static bool read_query(struct request *request, struct event_reader *reader)
{
	char error[FILTERS_ERROR_MAX], *text = query_take(request, "filters");
	error_t err = filters_parse(&reader->filters, text, event_filters, error);
	bool has_since = false, has_until = false;

	heap_free(text);
	if (err < 0) {
		reply_error(request->client, request->id, err == ERR_NO_MEMORY ? 500 : 400, "%s",
		            err == ERR_NO_MEMORY ? "out of memory" : error);
		return false;
	}
	if (query_time(request, "since", &has_since, &reader->since) &&
	    query_time(request, "until", &has_until, &reader->until)) {
		if (!has_until)
			reader->until = NSEC_NEVER;
		// Without a word of the past, there is none.
		reader->next = has_since || has_until ? 0 : request->all->events.next;
		return true;
	}
	filters_deinit(&reader->filters);
	return false;
}

// The number of the oldest event that is kept, or of the next one.
static uint64_t oldest(const struct events *events)
{
	return events->next - events->num_kept;
}

void operation_events(struct request *request)
{
	struct events *events = &request->all->events;
	struct event_reader *reader = heap_alloc(sizeof(*reader));
	error_t err;

	if (reader == NULL || events->num_readers == MAX_READERS ||
	    request->channel == HANDLE_NONE) {
		reply_error(request->client, request->id, 503,
		            "too many clients read events, or memory is out: try again");
		heap_free(reader);
		return;
	}
	reader->all = request->all;
	reader->timer = HANDLE_NONE;
	if (!read_query(request, reader)) {
		heap_free(reader);
		return;
	}
	if (reader->next < oldest(events))
		reader->next = oldest(events);
	err = loop_add(&request->all->loop, &reader->source, request->channel, &reader_ops, reader);
	if (err < 0) {
		reply_error(request->client, request->id, 500, "%s", error_text(err));
		filters_deinit(&reader->filters);
		heap_free(reader);
		return;
	}
	request->channel = HANDLE_NONE;
	list_push_back(&events->readers, &reader->entry);
	events->num_readers++;
	reply_empty(request->client, request->id, CONTAINERS_ACCEPTED, 0);
	if (until_set(reader) < 0)
		log_warn("a stream of events will not end when it is to");
	pump(reader);
}
