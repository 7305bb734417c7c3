// SPDX-License-Identifier: MIT
// Logins beside pulls: neither keeps the other waiting, and one that nobody waits for ends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define LOGIN "{\"username\":\"ann\",\"password\":\"sesam\",\"serveraddress\":\"registry.test\"}"

static struct images images;
static struct client follower, client, other;
static uint32_t last_id;  // of a request
static unsigned num_runs, num_stops;
static uint32_t stopped;  // the run that was stopped last
static unsigned num_replies;
static uint32_t reply_id, reply_status;
static char reply_text[256];
static error_t incoming;  // how a folder is made

error_t channel_create(handle_t ends[static 2])
{
	ends[0] = ends[1] = 1;
	return 0;
}

error_t handle_close(handle_t h)
{
	(void)h;
	return 0;
}

error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	*source = (struct source){ .handle = handle, .ops = ops, .context = context, .loop = loop };
	return 0;
}

void loop_close(struct loop *loop, struct source *source)
{
	(void)loop;
	(void)source;
}

error_t payload_make(struct message *m, const void *bytes, size_t len)
{
	(void)m;
	(void)bytes;
	(void)len;
	return 0;
}

error_t payload_copy(const void *bytes, size_t len, handle_t *out)
{
	(void)bytes;
	(void)len;
	*out = 1;
	return 0;
}

error_t payload_open(struct message *m, struct payload *out)
{
	(void)m;
	(void)out;
	return ERR_PROTOCOL;
}

void payload_release(struct payload *p)
{
	(void)p;
}

void message_discard(struct message *m)
{
	(void)m;
}

error_t followers_send(const struct images *of, struct message *m)
{
	struct msg_images_run run;
	struct msg_images_stop stop;
	const uint8_t *tail;
	size_t len;

	assert_non_null(of->follower);
	if (message_decode_images_stop(m, &stop, &tail, &len) == 0) {
		num_stops++;
		stopped = stop.id;
	} else {
		assert_int_equal(message_decode_images_run(m, &run, &tail, &len), 0);
		num_runs++;
	}
	return 0;
}

static void answered(uint32_t id, uint32_t status, const char *text)
{
	num_replies++;
	reply_id = id;
	reply_status = status;
	snprintf(reply_text, sizeof(reply_text), "%s", text);
}

static void answer_formatted(uint32_t id, uint32_t status, const char *format, va_list arguments)
{
	char text[sizeof(reply_text)];

	vsnprintf(text, sizeof(text), format, arguments);
	answered(id, status, text);
}

void request_refuse(const struct request *request, uint32_t status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	answer_formatted(request->id, status, format, arguments);
	va_end(arguments);
}

void reply_error(struct client *to, uint32_t id, uint32_t status, const char *format, ...)
{
	va_list arguments;

	assert_non_null(to);
	va_start(arguments, format);
	answer_formatted(id, status, format, arguments);
	va_end(arguments);
}

void reply_json(struct client *to, uint32_t id, uint32_t status, struct json_writer *w)
{
	assert_non_null(to);
	answered(id, status, json_writer_text(w));
	json_writer_deinit(w);
}

error_t store_make_incoming(struct images *of, char name[static IMAGES_FILE_MAX])
{
	(void)of;
	if (incoming == 0)
		snprintf(name, IMAGES_FILE_MAX, "incoming.1");
	return incoming;
}

void sweep_add(struct images *of, const char *name)
{
	(void)of;
	(void)name;
}

// A pull has one waiter, which here says nothing.
struct job_waiter *waiter_make(struct request *request, struct job *job)
{
	static struct job_waiter waiter;

	(void)request;
	(void)job;
	return &waiter;
}

void waiter_line(struct job_waiter *waiter, struct span json, bool is_progress)
{
	(void)waiter;
	(void)json;
	(void)is_progress;
}

void waiter_say(struct job_waiter *waiter, const char *key, const char *text)
{
	(void)waiter;
	(void)key;
	(void)text;
}

void waiter_finish(struct job_waiter *waiter, const char *error, uint32_t status)
{
	(void)waiter;
	(void)error;
	(void)status;
}

void waiter_free(struct job_waiter *waiter)
{
	(void)waiter;
}

bool input_send(struct job *job, struct message *m)
{
	(void)job;
	(void)m;
	return true;
}

void input_begin(struct job *job)
{
	(void)job;
}

void input_go_on(struct job *job)
{
	(void)job;
}

error_t layers_take(struct job *job, const struct line *line)
{
	(void)job;
	(void)line;
	return 0;
}

void layers_unpin(struct job *job)
{
	(void)job;
}

void layers_leave(struct job *job)
{
	(void)job;
}

void idle_watch(struct images *of)
{
	(void)of;
}

void idle_heard(struct job *job)
{
	(void)job;
}

bool job_is_of_all(const struct job *job)
{
	(void)job;
	return false;
}

error_t ingest(struct job *job, const struct line *line, char error[static OUTPUT_ERROR_MAX])
{
	(void)job;
	(void)line;
	(void)error;
	return 0;
}

bool commit_is_refused(const char *error)
{
	(void)error;
	return false;
}

error_t commit_begun(struct job *job)
{
	(void)job;
	return 0;
}

void commit_finish(const struct job *job, uint32_t status)
{
	(void)job;
	(void)status;
}

static int set_up(void **state)
{
	(void)state;
	images = (struct images){ .follower = &follower };
	list_init(&images.jobs);
	last_id = num_runs = num_stops = stopped = num_replies = 0;
	incoming = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	while (!list_is_empty(&images.jobs))
		job_discard(container_of(images.jobs.next, struct job, entry));
	return 0;
}

static void pull(void)
{
	struct request request = { .images = &images, .id = ++last_id };
	struct job *job = job_make(&request, JOB_PULL);

	if (job != NULL)
		job_go(job);
}

static void login_as(struct client *from, const char *body)
{
	struct request request = { .images = &images,
		                   .client = from,
		                   .id = ++last_id,
		                   .body = text_span(body) };

	operation_login(&request);
}

static void login(void)
{
	login_as(&client, LOGIN);
}

// The container of a run ends.
static void end(uint32_t run, const char *error)
{
	struct msg_images_ran ran = { .id = run };

	list_for_each(entry, &images.jobs) {
		struct job *job = container_of(entry, struct job, entry);

		if (job->number == run) {
			job->stream.ops->closed(&images.loop, &job->stream);
			break;
		}
	}
	jobs_ran(&images, &ran, text_span(error));
}

static void test_answers(void **state)
{
	(void)state;
	login();
	assert_int_equal(num_replies, 0);
	end(1, "");
	assert_int_equal(reply_status, 200);
	assert_non_null(strstr(reply_text, "Login Succeeded"));
	login();
	end(2, "login attempt to https://registry.test/v2/ failed with status: 401 Unauthorized");
	assert_int_equal(num_replies, 2);
	assert_int_equal(reply_status, 401);
	assert_int_equal(images.logins.there + images.logins.running, 0);
}

static void test_beside_pulls(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JOBS_RUNNING_MAX + 1; i++)
		pull();
	assert_int_equal(num_runs, JOBS_RUNNING_MAX);
	login();
	assert_int_equal(num_runs, JOBS_RUNNING_MAX + 1);
	end(JOBS_RUNNING_MAX + 1, "");
	assert_int_equal(reply_status, 200);
	assert_int_equal(num_runs, JOBS_RUNNING_MAX + 1);
}

// As many logins as there may be: another one is told so, and pulls go on.
static void test_too_many(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LOGINS_MAX; i++)
		login();
	assert_int_equal(num_runs, LOGINS_RUNNING_MAX);
	assert_int_equal(num_replies, 0);
	login();
	assert_int_equal(reply_status, 503);
	assert_string_equal(reply_text, "too many logins wait for registries: try again");
	pull();
	assert_int_equal(num_replies, 1);
	assert_int_equal(num_runs, LOGINS_RUNNING_MAX + 1);
	// The next one's turn comes when one ends.
	end(1, "");
	assert_int_equal(num_runs, LOGINS_RUNNING_MAX + 2);
}

// A running one is stopped, one that waits is gone at once, and nobody is answered.
static void test_cancelled(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LOGINS_RUNNING_MAX + 2; i++)
		login();
	logins_drop(&images, &other, last_id);
	logins_drop(&images, &client, last_id + 1);
	assert_int_equal(images.logins.there, LOGINS_RUNNING_MAX + 2);
	logins_drop(&images, &client, last_id);
	assert_int_equal(images.logins.there, LOGINS_RUNNING_MAX + 1);
	assert_int_equal(num_stops, 0);
	logins_drop(&images, &client, 1);
	assert_int_equal(num_stops, 1);
	assert_int_equal(stopped, 1);
	end(1, "killed");
	assert_int_equal(num_replies, 0);
	assert_int_equal(images.logins.there, LOGINS_RUNNING_MAX);
	assert_int_equal(images.logins.running, LOGINS_RUNNING_MAX);
	assert_int_equal(num_runs, LOGINS_RUNNING_MAX + 1);
}

// A client goes, and all of its logins with it; another client's stay.
static void test_client_gone(void **state)
{
	(void)state;
	pull();
	login();
	login_as(&other, LOGIN);
	login();
	logins_drop(&images, &client, 0);
	assert_int_equal(num_stops, 1);
	assert_int_equal(images.logins.there, 2);
	end(2, "killed");
	assert_int_equal(num_replies, 0);
	end(3, "");
	assert_int_equal(reply_id, 3);
	assert_int_equal(images.logins.there, 0);
	assert_int_equal(images.brought.running, 1);
}

static void test_no_disk(void **state)
{
	(void)state;
	incoming = ERR_NOT_READY;
	login();
	assert_int_equal(reply_status, 500);
	assert_string_equal(reply_text,
	                    "there is no state disk, which a login needs, too (STARINA_DISK)");
	assert_int_equal(images.logins.there, 0);
}

static void test_bodies(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"username\":\"ann\"}",
		"{\"username\":\"ann\",\"password\":\"\"}",
		"{\"username\":\"a\",\"password\":\"b\",\"serveraddress\":\"-x\"}",
		"{\"username\":\"a\",\"password\":\"b\",\"serveraddress\":\"a b\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		login_as(&client, bad[i]);
		assert_int_equal(num_replies, i + 1);
		assert_int_equal(reply_status, 400);
	}
	login_as(&client, "{\"identitytoken\":\"t\"}");
	assert_int_equal(reply_status, 200);
	assert_int_equal(num_runs, 0);
	// Members count in any case.
	login_as(&client, "{\"Username\":\"a\",\"PASSWORD\":\"b\",\"ServerAddress\":\"h\"}");
	assert_int_equal(num_runs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_beside_pulls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_client_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bodies, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
