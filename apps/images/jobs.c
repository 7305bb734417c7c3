// SPDX-License-Identifier: MIT
//
// Jobs, from the request to the end of their container. That is run by `containers`.
#include "apps/images/jobs.h"

#include "apps/images/images.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static const char away[] = "the service of containers, which unpacks images, has ended: try again";

static void start_next(struct images *images);

static struct job_counts *counts_of(const struct job *job)
{
	return job->kind == JOB_LOGIN ? &job->images->logins : &job->images->brought;
}

// --- Making and freeing --------------------------------------------------------------------------

struct job *job_make(struct request *request, enum job_kind kind)
{
	struct images *images = request->images;
	struct job *job;

	if (kind == JOB_LOGIN && images->logins.there == LOGINS_MAX) {
		request_refuse(request, 503, "too many logins wait for registries: try again");
		return NULL;
	}
	if (kind != JOB_LOGIN && images->brought.there == JOBS_MAX) {
		request_refuse(request, 503, "too many images are being brought in: try again");
		return NULL;
	}
	job = heap_alloc(sizeof(*job));
	if (job == NULL) {
		request_refuse(request, 500, "out of memory");
		return NULL;
	}
	job->images = images;
	job->kind = kind;
	job->far = HANDLE_NONE;
	list_init(&job->entry);
	list_init(&job->waiters);
	job->arguments = heap_alloc(JOB_ARGUMENTS_MAX);
	job->output = heap_alloc(sizeof(*job->output));
	counts_of(job)->there++;
	if (job->arguments == NULL || job->output == NULL) {
		request_refuse(request, 500, "out of memory");
		job_discard(job);
		return NULL;
	}
	if (kind != JOB_LOGIN && waiter_make(request, job) == NULL) {
		job_discard(job);
		return NULL;
	}
	return job;
}

void job_discard(struct job *job)
{
	while (!list_is_empty(&job->waiters))
		waiter_free(container_of(job->waiters.next, struct job_waiter, entry));
	if (job->stream_open)
		loop_close(&job->images->loop, &job->stream);
	if (job->has_unsent)
		message_discard(&job->unsent);
	if (job->far != HANDLE_NONE)
		handle_close(job->far);
	list_remove(&job->entry);
	counts_of(job)->there--;
	heap_free(job->arguments);
	heap_free(job->output);
	string_list_deinit(&job->layers);
	heap_free(job->login);
	heap_free(job->prefix);
	heap_free(job);
}

error_t job_add_argument(struct job *job, const char *argument)
{
	size_t size = strlen(argument) + 1;

	if (size > JOB_ARGUMENTS_MAX - job->arguments_length)
		return ERR_TOO_LARGE;
	memcpy(job->arguments + job->arguments_length, argument, size);
	job->arguments_length += size;
	return 0;
}

// --- The end -------------------------------------------------------------------------------------

// What clients are told when nothing was said before.
static uint32_t status_of(const char *error)
{
	if (strncmp(error, "invalid reference", 17) == 0)
		return 400;
	if (commit_is_refused(error))
		return 400;
	if (strncmp(error, "login attempt to ", 17) == 0)
		return 401;
	if (strncmp(error, "manifest for ", 13) == 0 ||
	    strncmp(error, "pull access denied", 18) == 0 || strncmp(error, "no match", 8) == 0)
		return 404;
	return 500;
}

static void say_result(const struct job *job, struct job_waiter *waiter)
{
	const char *name = reference_familiar(job->name);
	char text[IMAGE_NAME_MAX + 64];

	if (job->kind != JOB_PULL)
		return;
	fmt_write(text, sizeof(text), "Status: %s for %.*s",
	          job->is_changed ? "Downloaded newer image" : "Image is up to date",
	          (int)(strlen(name) - (job_is_of_all(job) ? sizeof(ALL_TAGS) - 1 : 0)), name);
	waiter_say(waiter, "status", text);
}

static void job_over(struct job *job)
{
	struct images *images = job->images;
	char folder[IMAGES_FILE_MAX];

	str_copy(folder, job->folder, sizeof(folder));
	while (!list_is_empty(&job->waiters)) {
		struct job_waiter *waiter =
			container_of(job->waiters.next, struct job_waiter, entry);

		if (job->kind == JOB_COMMIT) {
			waiter_free(waiter);
			continue;
		}
		if (job->error[0] == '\0')
			say_result(job, waiter);
		waiter_finish(waiter, job->error, status_of(job->error));
	}
	if (job->kind == JOB_COMMIT)
		commit_finish(job, status_of(job->error));
	if (job->kind == JOB_LOGIN)
		login_finish(job, status_of(job->error));
	if (job->number != 0)
		counts_of(job)->running--;
	layers_leave(job);
	job_discard(job);
	if (folder[0] != '\0')
		sweep_add(images, folder);
	start_next(images);
}

void job_fail(struct job *job, const char *error)
{
	if (job->error[0] == '\0')
		str_copy(job->error, error, sizeof(job->error));
}

// Ends its container, which may wait for an answer.
static void stop(struct job *job)
{
	struct msg_images_stop stop = { .id = job->number };
	struct message m;
	error_t err;

	if (job->number == 0 || job->has_ran)
		return;
	err = message_encode_images_stop(&m, &stop, NULL, 0);
	assert(err == 0);
	if (followers_send(job->images, &m) < 0)
		log_debug("a job that has failed goes on to its end");
}

void job_fail_and_stop(struct job *job, error_t err)
{
	job_fail(job,
	         err == ERR_NO_MEMORY ? "out of memory"
	                              : "the system's container says what is no answer");
	stop(job);
}

void job_check_end(struct job *job)
{
	if (job->stream_open || !job->has_ran)
		return;
	output_end(job->output);
	if (job->status != 0)
		job_fail(job,
		         job->stderr_line[0] != '\0' ? job->stderr_line
		                                     : "the system's container has failed");
	else if (job->num_images == 0 && job->kind != JOB_LOGIN)
		job_fail(job, "there is no image in it");
	job_over(job);
}

void jobs_ran(struct images *images, const struct msg_images_ran *ran, struct span error)
{
	char text[OUTPUT_ERROR_MAX];

	list_for_each(entry, &images->jobs) {
		struct job *job = container_of(entry, struct job, entry);

		if (job->number != ran->id || job->has_ran)
			continue;
		job->has_ran = true;
		job->status = ran->status;
		fmt_write(text, sizeof(text), "%.*s", (int)error.len, (const char *)error.data);
		if (error.len > 0) {
			job->status = job->status != 0 ? job->status : 1;
			str_copy(job->stderr_line, text, sizeof(job->stderr_line));
		}
		job_check_end(job);
		return;
	}
}

void job_left(struct job *job)
{
	// Who sends a container's files may go once they are sent.
	if (!list_is_empty(&job->waiters) || (job->kind == JOB_COMMIT && job->input_ended))
		return;
	job_fail(job,
	         job->kind == JOB_COMMIT
	                 ? "the container's files could not be read: it has ended, or was started"
	                 : "nobody waits for it");
	if (job->number == 0) {
		if (job->kind == JOB_COMMIT)
			commit_finish(job, 500);
		job_discard(job);
		return;
	}
	stop(job);
}

void job_give_up(struct job *job, const char *error)
{
	job_fail(job, error);
	stop(job);
}

void jobs_fail(struct images *images)
{
	list_for_each_safe(pos, &images->jobs)
	{
		struct job *job = container_of(pos, struct job, entry);

		if (job->number == 0)
			continue;
		job_fail(job, away);
		job_over(job);
	}
}

void jobs_drop(struct images *images, const struct client *client)
{
	list_for_each(entry, &images->jobs) {
		struct job *job = container_of(entry, struct job, entry);

		list_for_each(pos, &job->waiters) {
			struct job_waiter *waiter = container_of(pos, struct job_waiter, entry);

			if (waiter->client == client)
				waiter->client = NULL;
		}
		if (job->client == client)
			job->client = NULL;
	}
}

// --- The start -----------------------------------------------------------------------------------

static error_t send_login(struct job *job)
{
	struct message m;
	error_t err;

	if (job->login == NULL)
		return 0;
	// Answers follow (layers.c).
	err = payload_make(&m, job->login, strlen(job->login));
	if (err == 0)
		(void)input_send(job, &m);
	return err;
}

static error_t send_run(struct job *job)
{
	struct images *images = job->images;
	struct msg_images_run run = { .id = ++images->num_runs,
		                      .length = (uint32_t)job->arguments_length,
		                      .sees_layers = job->kind == JOB_PULL };
	struct message m;
	error_t err = message_encode_images_run(&m, &run, job->folder, strlen(job->folder));

	if (err == 0)
		err = payload_copy(job->arguments, job->arguments_length, &m.handles[0]);
	if (err < 0)
		return err;
	m.handles[1] = job->far;
	m.num_handles = 2;
	job->far = HANDLE_NONE;
	err = followers_send(images, &m);
	// Of one that has just gone, `closed` comes, and ends this job.
	if (err < 0 && err != ERR_PEER_CLOSED)
		return err;
	job->number = run.id;
	counts_of(job)->running++;
	idle_heard(job);
	return 0;
}

static void start(struct job *job)
{
	error_t err = store_make_incoming(job->images, job->folder);

	if (err == 0)
		err = job_open_stream(job);
	if (err == 0)
		err = send_login(job);
	if (err == 0 && job->kind == JOB_COMMIT)
		err = commit_begun(job);
	if (err == 0)
		err = send_run(job);
	if (err == 0) {
		input_begin(job);
		return;
	}
	if (err != ERR_NOT_READY)
		job_fail(job, error_text(err));
	else if (job->kind == JOB_LOGIN)
		job_fail(job, "there is no state disk, which a login needs, too (STARINA_DISK)");
	else
		job_fail(job, "there is no state disk to keep images on (STARINA_DISK)");
	job_over(job);
}

static bool may_start(const struct job *job)
{
	unsigned max = job->kind == JOB_LOGIN ? LOGINS_RUNNING_MAX : JOBS_RUNNING_MAX;

	return job->number == 0 && job->error[0] == '\0' && !job->stream_open &&
		counts_of(job)->running < max;
}

// NULL: there is none that may start.
static struct job *find_next(const struct images *images)
{
	list_for_each(entry, &images->jobs) {
		struct job *job = container_of(entry, struct job, entry);

		if (may_start(job))
			return job;
	}
	return NULL;
}

static void start_next(struct images *images)
{
	while (images->follower != NULL) {
		struct job *next = find_next(images);

		if (next == NULL)
			return;
		start(next);
	}
}

void job_go(struct job *job)
{
	struct images *images = job->images;

	list_push_back(&images->jobs, &job->entry);
	idle_watch(images);
	if (job->error[0] != '\0')
		job_over(job);
	else
		start_next(images);
}

void jobs_follow(struct images *images)
{
	start_next(images);
}
