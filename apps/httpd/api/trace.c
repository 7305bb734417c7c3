// SPDX-License-Identifier: MIT
//
// GET trace: what the harts do for a while, as Chrome and Perfetto open it (the "Trace Event
// Format", JSON object form). Harts are the threads of a process "harts", with what they ran; what
// threads did stands with their processes.
#include "apps/httpd/api/look.h"
#include "libs/base/decimal.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

#define MS_USUAL 500u
#define MS_MAX 10000u
#define PIECE_BYTES (32u * 1024)
#define HARTS_PROCESS 1000000u  // no process has this number
#define TRACERS_MAX 4u
#define HARTS_MAX 64u

struct tracer {
	struct api_job job;
	struct source timer;
	bool counted;
	nsec_t began;
	nsec_t ended;  // others may trace on
	uint32_t num_harts;
	uint32_t hart;      // whose events are sent
	uint64_t sequence;  // of its next one
	uint32_t ran;       // process of the thread that it ran...
	uint32_t ran_thread;
	nsec_t ran_since;  // ...from then on; 0: nobody knows
	uint64_t lost;
	struct look_buffer threads;    // when it began
	struct look_buffer processes;  // when it ended
	uint8_t *piece;
	uint64_t starts[HARTS_MAX];  // of each hart: the sequence number that its events begin with
};

// --- Events --------------------------------------------------------------------------------------

static void time_write(struct json_writer *w, const char *name, nsec_t ns)
{
	char text[48];

	// Microseconds.
	fmt_write(text, sizeof(text), ",\"%s\":%llu.%03u", name, (unsigned long long)(ns / 1000),
	          (unsigned)(ns % 1000));
	json_write_raw(w, text);
}

// Begins an event: the object is open.
static void event_open(struct json_writer *w, const char *name, const char *phase, nsec_t time,
                       uint32_t process, uint32_t thread)
{
	json_write_raw(w, ",\n{\"name\":");
	json_write_text(w, text_span(name));
	write_text(w, "ph", phase);
	time_write(w, "ts", time);
	write_number(w, "pid", process);
	write_number(w, "tid", thread);
}

// What a hart ran until now.
static void slice_write(struct tracer *t, struct json_writer *w, nsec_t until)
{
	const char *name = process_name(&t->processes, t->ran);

	if (t->ran_since == 0 || t->ran == 0 || until < t->ran_since)
		return;
	event_open(w, name[0] != '\0' ? name : "ended", "X", t->ran_since, HARTS_PROCESS, t->hart);
	time_write(w, "dur", until - t->ran_since);
	write_open(w, "args", "{");
	write_number(w, "thread", t->ran_thread);
	write_close(w, "}}");
}

static void switch_write(struct tracer *t, struct json_writer *w, const struct look_event *e)
{
	// What ran when recording began may not be what the first switch left.
	if (e->argument == t->ran_thread)
		slice_write(t, w, e->time_ns);
	t->ran_thread = e->thread;
	t->ran = e->process;
	t->ran_since = e->time_ns;
}

static void event_write(struct tracer *t, struct json_writer *w, const struct look_event *e)
{
	static const char *const names[] = {
		[LOOK_SEND] = "send",           [LOOK_RECEIVE] = "receive",
		[LOOK_SWITCH] = "switch",       [LOOK_WAKE] = "wake",
		[LOOK_INTERRUPT] = "interrupt", [LOOK_FAULT] = "fault",
		[LOOK_VM_ENTRY] = "guest",      [LOOK_VM_EXIT] = "guest",
		[LOOK_APP_START] = "start",     [LOOK_APP_END] = "end",
	};
	const char *phase = e->kind == LOOK_VM_ENTRY ? "B" : e->kind == LOOK_VM_EXIT ? "E" : "i";

	if (e->kind == 0 || e->kind >= sizeof(names) / sizeof(names[0]))
		return;
	if (e->kind == LOOK_SWITCH) {
		switch_write(t, w, e);
		return;
	}
	if (e->kind == LOOK_INTERRUPT)
		event_open(w, names[e->kind], phase, e->time_ns, HARTS_PROCESS, e->hart);
	else
		event_open(w, names[e->kind], phase, e->time_ns, e->process, e->thread);
	if (phase[0] == 'i')
		write_text(w, "s", "t");
	write_open(w, "args", "{");
	write_number(w, "argument", e->argument);
	write_number(w, "value", e->value);
	write_number(w, "hart", e->hart);
	write_close(w, "}}");
}

// --- The document --------------------------------------------------------------------------------

static void name_write(struct json_writer *w, const char *what, uint32_t process, uint32_t thread,
                       const char *name)
{
	event_open(w, what, "M", 0, process, thread);
	write_open(w, "args", "{");
	write_text(w, "name", name);
	write_close(w, "}}");
}

static void head_write(struct tracer *t, struct json_writer *w)
{
	size_t count;
	const struct look_process *all = look_process_records(&t->processes, &count);
	char name[16];

	json_write_raw(w,
	               "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
	               "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":0,\"args\":{\"name\":"
	               "\"kernel\"}}");
	name_write(w, "process_name", HARTS_PROCESS, 0, "harts");
	for (uint32_t i = 0; i < t->num_harts; i++) {
		fmt_write(name, sizeof(name), "hart %u", i);
		name_write(w, "thread_name", HARTS_PROCESS, i, name);
	}
	for (size_t i = 0; i < count; i++)
		name_write(w, "process_name", all[i].id, 0, all[i].name);
}

// Goes to the events of a hart, which runs at first what it ran when recording began.
static void hart_begin(struct tracer *t, uint32_t hart)
{
	size_t count;
	const struct look_thread *all = look_thread_records(&t->threads, &count);

	t->hart = hart;
	t->sequence = hart < t->num_harts ? t->starts[hart] : 0;
	t->ran = 0;
	t->ran_thread = 0;
	t->ran_since = t->began;
	for (size_t i = 0; i < count; i++) {
		if (all[i].hart != hart || all[i].state != LOOK_THREAD_RUNNING || all[i].idle != 0)
			continue;
		t->ran = all[i].process;
		t->ran_thread = all[i].id;
	}
}

// A piece of the events of the hart at hand; with the last one the next hart is.
static error_t piece_write(struct tracer *t, struct json_writer *w)
{
	struct look_ring ring;
	struct reader r;
	bool over;
	uint64_t used;
	error_t err = look_read(t->job.httpd->look, LOOK_TRACE,
	                        LOOK_TRACE_FROM(t->hart, t->sequence), t->piece, PIECE_BYTES,
	                        &used);

	if (err != 0)
		return err;
	r = reader_make(t->piece, (size_t)used);
	reader_copy(&r, &ring, sizeof(ring));
	t->lost += ring.lost;
	if (ring.lost > 0)
		t->ran_since = 0;
	over = ring.count == 0;
	for (uint64_t i = 0; i < ring.count && !over; i++) {
		struct look_event event;

		reader_copy(&r, &event, sizeof(event));
		if (reader_status(&r) != 0)
			return ERR_PROTOCOL;
		over = event.time_ns > t->ended;
		if (event.time_ns >= t->began && !over)
			event_write(t, w, &event);
	}
	t->sequence = ring.next;
	if (over) {
		slice_write(t, w, t->ended);
		hart_begin(t, t->hart + 1);
	}
	return 0;
}

// From now on. What harts run then is seen after: what they run until their first switch.
static error_t starts_read(struct tracer *t)
{
	for (uint32_t i = 0; i < t->num_harts; i++) {
		struct look_ring ring;
		struct reader r;
		uint64_t used;
		error_t err = look_read(t->job.httpd->look, LOOK_TRACE,
		                        LOOK_TRACE_FROM(i, LOOK_TRACE_SEQUENCE_MAX), t->piece,
		                        PIECE_BYTES, &used);

		if (err != 0)
			return err;
		r = reader_make(t->piece, (size_t)used);
		reader_copy(&r, &ring, sizeof(ring));
		t->starts[i] = ring.next;
	}
	return snapshot(t->job.httpd, LOOK_THREADS, 0, &t->threads);
}

// Sends what the client takes.
static void send_on(struct tracer *t)
{
	struct http_exchange *exchange = t->job.exchange;

	while (t->hart < t->num_harts && http_can_send(exchange)) {
		struct json_writer w = { 0 };
		const char *text;
		error_t err = piece_write(t, &w);

		if (err == 0 && t->hart == t->num_harts) {
			json_write_raw(&w, "\n],\"otherData\":{");
			write_number(&w, "lost", t->lost);
			write_close(&w, "}}\n");
		}
		text = json_writer_text(&w);
		if (err == 0)
			err = text == NULL ? ERR_NO_MEMORY : http_send(exchange, text, w.len);
		json_writer_deinit(&w);
		if (err == 0 && t->hart == t->num_harts)
			err = http_send_end(exchange);
		if (err != 0) {
			http_abort(exchange);
			return;
		}
	}
}

static error_t begin_answer(struct tracer *t)
{
	static const char fields[] = API_FIELDS API_JSON
		"Content-Disposition: attachment; filename=\"trace.json\"\r\n";
	struct json_writer w = { 0 };
	const char *text;
	error_t err = snapshot(t->job.httpd, LOOK_PROCESSES, 0, &t->processes);

	if (err != 0) {
		api_failed(t->job.exchange, err, "the trace");
		return err;
	}
	head_write(t, &w);
	hart_begin(t, 0);
	text = json_writer_text(&w);
	err = text == NULL
		? ERR_NO_MEMORY
		: http_respond_fields(t->job.exchange, 200,
	                              (struct span){ (const uint8_t *)fields, sizeof(fields) - 1 },
	                              false, 0);
	if (err == 0)
		err = http_send(t->job.exchange, text, w.len);
	json_writer_deinit(&w);
	if (err != 0)
		http_abort(t->job.exchange);
	return err;
}

// --- Its life ------------------------------------------------------------------------------------

static void recording_end(struct tracer *t)
{
	if (!t->counted)
		return;
	t->counted = false;
	t->job.httpd->num_tracers--;
	watch_update(t->job.httpd);
}

static void timer_fired(struct loop *loop, struct source *source)
{
	struct tracer *t = source->context;
	struct http_connection *connection = http_hold(t->job.exchange);

	(void)loop;
	recording_end(t);
	if (clock_get(CLOCK_MONOTONIC, &t->ended) == 0 &&
	    timer_set(source->handle, NSEC_NEVER) == 0 && begin_answer(t) == 0)
		send_on(t);
	http_let_go(connection);
}

static const struct source_ops timer_ops = { .signalled = timer_fired };

static void tracer_writable(struct api_job *job)
{
	send_on((struct tracer *)job);
}

static void tracer_gone(struct api_job *job)
{
	struct tracer *t = (struct tracer *)job;

	recording_end(t);
	loop_close(&job->httpd->loop, &t->timer);
	look_buffer_free(&t->processes);
	look_buffer_free(&t->threads);
	heap_free(t->piece);
}

static const struct api_job_ops tracer_ops = { .writable = tracer_writable, .gone = tracer_gone };

static error_t tracer_begin(struct tracer *t, uint64_t ms)
{
	struct httpd *httpd = t->job.httpd;
	struct system_info info;
	handle_t timer;
	error_t err = timer_create(&timer);

	if (err != 0)
		return err;
	err = loop_add(&httpd->loop, &t->timer, timer, &timer_ops, t);
	if (err != 0) {
		handle_close(timer);
		return err;
	}
	t->piece = heap_alloc(PIECE_BYTES);
	err = t->piece == NULL ? ERR_NO_MEMORY : system_info(httpd->system, &info);
	if (err == 0)
		err = clock_get(CLOCK_MONOTONIC, &t->began);
	if (err == 0)
		err = timer_set(t->timer.handle, t->began + ms * NSEC_PER_MSEC);
	if (err != 0)
		return err;
	t->num_harts = info.num_harts < HARTS_MAX ? info.num_harts : HARTS_MAX;
	t->counted = true;
	httpd->num_tracers++;
	watch_update(httpd);
	return starts_read(t);
}

API_START(trace_get)
{
	struct httpd *httpd = context;
	struct tracer *t;
	char text[16];
	uint64_t ms = MS_USUAL;
	error_t err = http_query_value(match->query, "ms", 0, text, sizeof(text));

	(void)head;
	if (err != ERR_NOT_FOUND &&
	    (err != 0 || !decimal_read(text_span(text), MS_MAX, &ms) || ms == 0)) {
		api_error(exchange, 400, "invalid", "ms is 1 to %u", MS_MAX);
		return;
	}
	if (httpd->num_tracers >= TRACERS_MAX || httpd->system == HANDLE_NONE) {
		api_error(exchange, 503, "limit", "others trace already: try again later");
		return;
	}
	t = api_job_create(httpd, exchange, sizeof(*t), &tracer_ops);
	if (t == NULL)
		return;
	err = tracer_begin(t, ms);
	if (err != 0)
		api_failed(exchange, err, "the trace");
}
