// SPDX-License-Identifier: MIT
//
// What GET trace makes of the events of two harts.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/httpd/api/look.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

static struct {
	struct api_job *job;
	const struct api_job_ops *job_ops;
	struct source *timer;
	const struct source_ops *timer_ops;
	nsec_t now;
	bool ended;
	char text[16384];
	size_t len;
	const struct look_event *events[2];
	uint64_t counts[2];  // of events
	uint64_t lost[2];    // of them, the first ones, that were overwritten
} fake;

static const struct look_process processes[] = { { .id = 3, .name = "three" },
	                                         { .id = 4, .name = "four" } };
static const struct look_thread threads[] = {
	{ .id = 1, .hart = 0, .state = LOOK_THREAD_RUNNING, .idle = 1 },
	{ .id = 2, .hart = 1, .state = LOOK_THREAD_RUNNING, .idle = 1 },
	{ .id = 30, .process = 3, .hart = 0, .state = LOOK_THREAD_RUNNING },
	{ .id = 40, .process = 4, .hart = 1, .state = LOOK_THREAD_RUNNING },
	{ .id = 41, .process = 4, .hart = 1, .state = LOOK_THREAD_WAITING },
};

void *heap_alloc(size_t size)
{
	return calloc(1, size);
}

void *heap_realloc(void *ptr, size_t size)
{
	return realloc(ptr, size);
}

void heap_free(void *ptr)
{
	free(ptr);
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = fake.now;
	return 0;
}

error_t timer_create(handle_t *out)
{
	*out = 5;
	return 0;
}

error_t timer_set(handle_t timer, nsec_t deadline)
{
	(void)timer;
	(void)deadline;
	return 0;
}

error_t handle_close(handle_t handle)
{
	(void)handle;
	return 0;
}

error_t system_info(handle_t system, struct system_info *out)
{
	(void)system;
	*out = (struct system_info){ .num_harts = 2 };
	return 0;
}

error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	(void)loop;
	source->handle = handle;
	source->context = context;
	fake.timer = source;
	fake.timer_ops = ops;
	return 0;
}

void loop_close(struct loop *loop, struct source *source)
{
	(void)loop;
	(void)source;
}

void watch_update(const struct httpd *httpd)
{
	(void)httpd;
}

const char *process_name(const struct look_buffer *buffer, uint32_t id)
{
	const struct look_process *process = look_find_process(buffer, id);

	return process != NULL ? process->name : "";
}

error_t snapshot(struct httpd *httpd, enum look_kind kind, uint64_t argument,
                 struct look_buffer *buffer)
{
	size_t size = kind == LOOK_THREADS ? sizeof(threads) : sizeof(processes);

	(void)httpd;
	(void)argument;
	buffer->bytes = calloc(1, size);
	memcpy(buffer->bytes, kind == LOOK_THREADS ? (const void *)threads : processes, size);
	buffer->used = buffer->size = size;
	return 0;
}

// Of the trace: what there was before it began is at 0, all at once.
error_t look_read(handle_t look, uint64_t kind, uint64_t argument, void *buffer, size_t size,
                  uint64_t *used)
{
	uint64_t hart = argument >> 56;
	uint64_t from = argument & LOOK_TRACE_SEQUENCE_MAX;
	struct look_ring ring = { .next = fake.counts[hart] };
	struct {
		struct look_ring ring;
		struct look_event events[16];
	} *told = buffer;

	(void)look;
	assert_int_equal(kind, LOOK_TRACE);
	assert_true(hart < 2 && size >= sizeof(*told));
	if (from == LOOK_TRACE_SEQUENCE_MAX)
		ring.next = 0;
	else if (from < fake.lost[hart])
		ring.lost = fake.lost[hart] - from;
	from += ring.lost;
	if (from < ring.next)
		ring.count = ring.next - from;
	told->ring = ring;
	if (ring.count > 0)
		memcpy(told->events, fake.events[hart] + from,
		       ring.count * sizeof(told->events[0]));
	*used = sizeof(ring) + ring.count * sizeof(told->events[0]);
	return 0;
}

void *api_job_create(struct httpd *httpd, struct http_exchange *exchange, size_t size,
                     const struct api_job_ops *ops)
{
	fake.job = calloc(1, size);
	fake.job->httpd = httpd;
	fake.job->exchange = exchange;
	fake.job_ops = ops;
	return fake.job;
}

void api_failed(struct http_exchange *exchange, error_t error, const char *what)
{
	(void)exchange;
	fail_msg("%s: %d", what, error);
}

void api_error(struct http_exchange *exchange, unsigned status, const char *code,
               const char *format, ...)
{
	(void)exchange;
	(void)code;
	fail_msg("%u: %s", status, format);
}

struct http_connection *http_hold(struct http_exchange *exchange)
{
	(void)exchange;
	return NULL;
}

void http_let_go(struct http_connection *connection)
{
	(void)connection;
}

bool http_can_send(const struct http_exchange *exchange)
{
	(void)exchange;
	return true;
}

error_t http_respond_fields(struct http_exchange *exchange, unsigned status, struct span fields,
                            bool has_length, uint64_t length)
{
	(void)exchange;
	(void)fields;
	(void)length;
	assert_int_equal(status, 200);
	assert_false(has_length);
	return 0;
}

error_t http_send(struct http_exchange *exchange, const void *bytes, size_t len)
{
	(void)exchange;
	assert_true(len < sizeof(fake.text) - fake.len);
	memcpy(fake.text + fake.len, bytes, len);
	fake.len += len;
	return 0;
}

error_t http_send_end(struct http_exchange *exchange)
{
	(void)exchange;
	fake.ended = true;
	return 0;
}

void http_abort(struct http_exchange *exchange)
{
	(void)exchange;
	fail();
}

// Traces from 1 to 9 ms.
static void trace(void)
{
	static struct httpd httpd = { .look = 7, .system = 8 };
	static const struct http_match match = { 0 };

	fake.now = 1 * NSEC_PER_MSEC;
	trace_get(&httpd, NULL, NULL, &match);
	fake.now = 9 * NSEC_PER_MSEC;
	fake.timer_ops->signalled(&httpd.loop, fake.timer);
	assert_true(fake.ended);
	assert_int_equal(httpd.num_tracers, 0);
	fake.job_ops->gone(fake.job);
	free(fake.job);
}

static struct look_event switched(unsigned ms, uint32_t from, uint32_t to, uint32_t process)
{
	return (struct look_event){ .time_ns = ms * NSEC_PER_MSEC,
		                    .kind = LOOK_SWITCH,
		                    .thread = to,
		                    .process = process,
		                    .argument = from };
}

// Whether a hart ran the thread from then on, so long (in ms).
static bool has_slice(const char *name, unsigned hart, unsigned from, unsigned ms, unsigned thread)
{
	char text[256];

	snprintf(text, sizeof(text),
	         "{\"name\":\"%s\",\"ph\":\"X\",\"ts\":%u000.000,\"pid\":1000000,\"tid\":%u,"
	         "\"dur\":%u000.000,\"args\":{\"thread\":%u}}",
	         name, from, hart, ms, thread);
	return strstr(fake.text, text) != NULL;
}

static unsigned num_slices(void)
{
	unsigned n = 0;

	for (const char *at = fake.text; (at = strstr(at, "\"ph\":\"X\"")) != NULL; at++)
		n++;
	return n;
}

static void all_that_harts_run_has_its_slice(void **state)
{
	// Process 9 has ended since; thread 30 is back until the end. What comes after the end is
	// another client's.
	const struct look_event events[] = { switched(2, 30, 90, 9), switched(5, 90, 1, 0),
		                             switched(6, 1, 30, 3), switched(12, 30, 1, 0) };

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.events[0] = events;
	fake.counts[0] = 4;
	trace();
	assert_true(has_slice("three", 0, 1, 1, 30));
	assert_true(has_slice("ended", 0, 2, 3, 90));
	assert_true(has_slice("three", 0, 6, 3, 30));
	// The other hart has not switched.
	assert_true(has_slice("four", 1, 1, 8, 40));
	assert_int_equal(num_slices(), 4);
	assert_non_null(strstr(fake.text, "\"otherData\":{\"lost\":0}}"));
}

static void what_is_not_known_has_none(void **state)
{
	// The first switch came before the threads were looked at.
	const struct look_event events[] = { switched(2, 33, 30, 3) };

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.events[0] = events;
	fake.counts[0] = 1;
	trace();
	assert_true(has_slice("three", 0, 2, 7, 30));
	assert_true(has_slice("four", 1, 1, 8, 40));
	assert_int_equal(num_slices(), 2);
}

// A ring that was overrun: what it still has is told, and what not is nobody's.
static void what_was_overwritten_is_counted(void **state)
{
	const struct look_event events[] = { switched(2, 30, 90, 9), switched(3, 90, 30, 3),
		                             switched(5, 30, 1, 0), switched(6, 1, 30, 3) };

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.events[0] = events;
	fake.counts[0] = 4;
	fake.lost[0] = 2;
	trace();
	assert_non_null(strstr(fake.text, "\"otherData\":{\"lost\":2}}"));
	assert_true(has_slice("three", 0, 6, 3, 30));
	assert_true(has_slice("four", 1, 1, 8, 40));
	assert_int_equal(num_slices(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_harts_run_has_its_slice),
		cmocka_unit_test(what_is_not_known_has_none),
		cmocka_unit_test(what_was_overwritten_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
