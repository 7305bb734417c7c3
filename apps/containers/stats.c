// SPDX-License-Identifier: MIT
//
// GET /containers/NAME/stats: a sample, or one each second until the client goes. GET
// /containers/NAME/top: its processes.
#include "apps/containers/stats_json.h"

#include "apps/containers/containers.h"
#include "apps/containers/settings_check.h"
#include "apps/containers/top.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define MAX_READERS 64u
#define PERIOD NSEC_PER_SEC
#define ONE_SHOT_SINCE 41u  // of the API's versions

struct stats_reader {
	struct containers *all;
	struct list entry;
	char id_text[CONTAINER_ID_TEXT];
	bool streams;
	struct source source;   // the stream
	struct client *client;  // else who waits for the answer
	uint32_t request;
	uint32_t left;  // samples until that
	struct stats_sample before;
	handle_t timer;
	struct source timer_source;
};

static struct container *find(const struct stats_reader *reader)
{
	list_for_each(entry, &reader->all->containers) {
		struct container *c = container_of(entry, struct container, entry);

		if (strcmp(c->id_text, reader->id_text) == 0)
			return c;
	}
	return NULL;
}

static void reader_free(struct stats_reader *reader)
{
	struct container *c = find(reader);

	if (c != NULL)
		query_forget(c, reader);
	if (reader->streams)
		loop_close(&reader->all->loop, &reader->source);
	loop_close(&reader->all->loop, &reader->timer_source);
	list_remove(&reader->entry);
	reader->all->num_stats_readers--;
	heap_free(reader);
}

void stats_waiters_drop(struct containers *all, const struct client *client, uint32_t id)
{
	list_for_each_safe(pos, &all->stats_readers)
	{
		struct stats_reader *reader = container_of(pos, struct stats_reader, entry);

		if (reader->client == client && (id == 0 || reader->request == id))
			reader_free(reader);
	}
}

// --- A sample ------------------------------------------------------------------------------------

static void sleep_until(struct stats_reader *reader, nsec_t time)
{
	error_t err = timer_set(reader->timer, time);

	assert(err == 0);
}

// What a client does not read is left out: the next sample tells as much.
static void send_sample(struct stats_reader *reader, struct json_writer *w)
{
	const char *text = json_writer_text(w);
	struct message m;
	error_t err = text != NULL ? payload_make(&m, text, w->len) : ERR_NO_MEMORY;

	if (err == 0) {
		err = channel_send(reader->source.handle, &m);
		if (err < 0)
			message_discard(&m);
	}
	json_writer_deinit(w);
}

// The reader may be gone then.
static void take_sample(struct stats_reader *reader, const struct container *c,
                        const struct stats_sample *now)
{
	int64_t cpus = (settings_nano_cpus(&c->settings) + 999999999) / 1000000000;
	struct stats_subject subject = {
		.id = c->id_text,
		.name = c->name,
		.cpus = cpus > 0 ? (uint32_t)cpus : 1,
		.memory = c->settings.memory > 0 ? (uint64_t)c->settings.memory : DEFAULT_MEMORY,
		.has_network = settings_has_network(&c->settings),
	};
	struct json_writer w = { 0 };

	if (!reader->streams && reader->left > 1 && now->wall != 0) {
		reader->left--;
		reader->before = *now;
		sleep_until(reader, monotonic_time() + PERIOD);
		return;
	}
	stats_write(&subject, &reader->before, now, &w);
	reader->before = *now;
	if (reader->streams) {
		send_sample(reader, &w);
		sleep_until(reader, monotonic_time() + PERIOD);
		return;
	}
	reply_json(reader->client, reader->request, 200, &w);
	reader_free(reader);
}

static void sample_told(void *context, const struct query_answer *answer)
{
	struct stats_sample now = { .wall = wall_time(), .monotonic = monotonic_time() };

	// Figures are the guest's; of a malformed answer there are none.
	if (answer->error == 0 && answer->tail.len == sizeof(now.stats))
		memcpy(&now.stats, answer->tail.data, sizeof(now.stats));
	else
		now = (struct stats_sample){ 0 };
	take_sample(context, answer->c, &now);
}

// Asks for a sample; one of a container that does not run is empty.
static void begin_sample(struct stats_reader *reader)
{
	static const struct stats_sample none;
	struct container *c = find(reader);

	if (c == NULL && reader->client != NULL)
		reply_error(reader->client, reader->request, 404, "No such container: %s",
		            reader->id_text);
	if (c == NULL)
		reader_free(reader);
	else if (query_ask(c, VMM_QUERY_STATS, 0, NULL, 0, sample_told, reader) < 0)
		take_sample(reader, c, &none);
}

static void timer_signalled(struct loop *loop, struct source *source)
{
	struct stats_reader *reader = source->context;

	(void)loop;
	sleep_until(reader, NSEC_NEVER);
	begin_sample(reader);
}

static const struct source_ops timer_ops = { .signalled = timer_signalled };

static void stream_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	message_discard(m);
}

static void stream_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	reader_free(source->context);
}

static const struct source_ops stream_ops = { .message = stream_message, .closed = stream_closed };

// --- Requests ------------------------------------------------------------------------------------

// NULL when memory is out, or there are too many.
static struct stats_reader *make_reader(struct request *request, const struct container *c)
{
	struct containers *all = request->all;
	struct stats_reader *reader =
		all->num_stats_readers < MAX_READERS ? heap_alloc(sizeof(*reader)) : NULL;

	if (reader == NULL)
		return NULL;
	reader->all = all;
	str_copy(reader->id_text, c->id_text, sizeof(reader->id_text));
	if (timer_create(&reader->timer) < 0) {
		heap_free(reader);
		return NULL;
	}
	if (loop_add(&all->loop, &reader->timer_source, reader->timer, &timer_ops, reader) < 0) {
		handle_close(reader->timer);
		heap_free(reader);
		return NULL;
	}
	list_push_back(&all->stats_readers, &reader->entry);
	all->num_stats_readers++;
	return reader;
}

// Whether it streams, unless it is told not to.
static bool wants_stream(struct request *request)
{
	char *text = query_take(request, "stream");
	bool is_set = text != NULL;

	heap_free(text);
	return !is_set || query_flag(request, "stream");
}

void operation_stats(struct request *request)
{
	struct container *c = operation_find(request);
	struct stats_reader *reader;

	if (c == NULL)
		return;
	reader = make_reader(request, c);
	if (reader == NULL) {
		reply_error(request->client, request->id, 503,
		            "too many clients read stats, or memory is out: try again");
		return;
	}
	if (request->channel != HANDLE_NONE && wants_stream(request) &&
	    loop_add(&request->all->loop, &reader->source, request->channel, &stream_ops, reader) ==
	            0) {
		request->channel = HANDLE_NONE;
		reader->streams = true;
		reply_empty(request->client, request->id, CONTAINERS_ACCEPTED, 0);
	} else {
		reader->client = request->client;
		reader->request = request->id;
		reader->left =
			request->minor >= ONE_SHOT_SINCE && query_flag(request, "one-shot") ? 1 : 2;
	}
	begin_sample(reader);
}

// What is asked for: the columns, and the memory of the container.
struct top_question {
	struct top_columns columns;
	uint64_t memory;
};

static void top_told(void *context, const struct query_answer *answer)
{
	struct top_question *question = context;
	struct top_host host = { .now = wall_time(), .memory = question->memory };
	struct json_writer w = { 0 };
	error_t err = answer->error;

	if (err == 0)
		err = top_write(&question->columns, answer->bytes, &host, &w);
	if (err == 0) {
		events_container(answer->c, "top", NULL);
		reply_json(answer->client, answer->request, 200, &w);
	} else {
		json_writer_deinit(&w);
		reply_error(answer->client, answer->request, 500, "%s",
		            answer->error < 0 ? answer->text : error_text(err));
	}
	heap_free(question);
}

void operation_top(struct request *request)
{
	struct container *c = operation_find(request);
	struct top_question *question;
	char *arguments;
	error_t err;

	if (c == NULL)
		return;
	if (c->state != CONTAINER_RUNNING || !c->started) {
		reply_error(request->client, request->id, 409, "container %s is not running",
		            c->id_text);
		return;
	}
	if (!operation_can_reach(request, c))
		return;
	question = heap_alloc(sizeof(*question));
	arguments = query_take(request, "ps_args");
	err = question != NULL
		? top_columns_read(arguments != NULL ? arguments : "", &question->columns)
		: ERR_NO_MEMORY;
	if (err == 0) {
		question->memory = c->vmm != NULL ? c->vmm->memory : 0;
		err = query_ask(c, VMM_QUERY_TOP, 0, request->client, request->id, top_told,
		                question);
	}
	if (err < 0) {
		heap_free(question);
		reply_error(
			request->client, request->id, err == ERR_INVALID ? 400 : 500, "%s",
			err == ERR_INVALID
				? "ps_args: -ef, aux, ax, or -eo with some of pid, ppid, uid, user, "
				  "c, pcpu, pmem, vsz, rss, stat, stime, tty, time, cmd, args, "
				  "comm"
				: error_text(err));
	}
	heap_free(arguments);
}
