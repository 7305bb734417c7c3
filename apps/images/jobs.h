// SPDX-License-Identifier: MIT
//
// Jobs: runs of the system's container, which bring images into a folder of the store. Several
// clients may wait for one.
#pragma once

#include "apps/images/output.h"
#include "libs/abi/images.h"
#include "libs/base/list.h"
#include "libs/json/json.h"
#include "libs/starina/loop.h"

struct images;
struct client;
struct job;
struct request;

// Of those that bring images in, at a time; more wait.
#define JOBS_RUNNING_MAX 2u
#define JOBS_MAX 64u
// Logins have bounds of their own, so that no registry that says nothing keeps pulls waiting.
#define LOGINS_RUNNING_MAX 2u
#define LOGINS_MAX 8u
// Arguments of a job, with their NULs.
#define JOB_ARGUMENTS_MAX 16384u
// What a container is told that does not read.
#define JOB_ANSWERS_MAX 1024u
// What a client that does not read makes us keep; what is only progress is left out then.
#define WAITER_BYTES_MAX (64u * 1024)

// In place of a tag in the name of a pull: each that the registry has.
#define ALL_TAGS ":*"

enum job_kind { JOB_PULL, JOB_LOAD, JOB_IMPORT, JOB_COMMIT, JOB_LOGIN };

// A client's channel: its body comes from there, and its answer goes there.
struct job_waiter {
	struct job *job;  // NULL: that is over
	struct images *images;
	struct list entry;
	struct client *client;  // NULL: gone
	uint32_t id;
	struct source source;
	bool accepted;           // the head of its answer was sent
	bool is_over;            // nothing follows
	bool ended;              // MSG_END was sent
	struct json_writer out;  // lines that wait for room
	size_t sent;             // of them
};

struct job {
	struct images *images;
	struct list entry;
	enum job_kind kind;
	char name[IMAGE_NAME_MAX];  // what its image is to be called; "": nothing, or JOB_LOAD
	char platform[64];
	uint32_t number;  // of the run; 0: it has not begun
	char folder[IMAGES_FILE_MAX];
	char *arguments;  // heap, each with a NUL
	size_t arguments_length;
	char *login;      // heap: for its stdin; NULL: that comes from its first waiter
	uint8_t *prefix;  // heap: what the stdin of JOB_COMMIT begins with
	size_t prefix_length;
	struct client *client;  // who gets the answer of JOB_COMMIT, and of JOB_LOGIN; NULL: gone
	uint32_t request;
	char image_id[IMAGE_ID_MAX];
	bool is_quiet;  // its clients do not want to see how far it is
	struct list waiters;
	struct source stream;  // to the container's streams
	bool stream_open;
	handle_t far;  // the other end, until it begins
	bool has_unsent;
	struct message unsent;  // of its stdin; owns its handle
	bool input_ended;
	struct output *output;  // heap
	bool has_ran;           // IMAGES_RAN came
	int32_t status;
	struct string_list layers;      // digests that it needs: they stay
	char fetching[IMAGE_ID_MAX];    // the layer that it fetches; "": none
	char waiting[IMAGE_ID_MAX];     // the one that another job fetches for it
	nsec_t heard_at;                // when its input, or its question, came
	char answers[JOB_ANSWERS_MAX];  // for its stdin, when there is room
	size_t answers_length;
	char error[OUTPUT_ERROR_MAX];        // the first
	char stderr_line[OUTPUT_ERROR_MAX];  // the last
	unsigned num_images;
	bool is_changed;
};

// --- jobs.c ---

// Begins a job for a request, whose channel is taken; NULL, and it was answered, when that cannot
// be. It runs when the caller has set it up, by job_go.
struct job *job_make(struct request *request, enum job_kind kind);
// Appends an argument. Errors: ERR_NO_MEMORY, ERR_TOO_LARGE.
__must_check error_t job_add_argument(struct job *job, const char *argument);
// It is set up.
void job_go(struct job *job);
// Frees one that was not begun, with its waiters.
void job_discard(struct job *job);
// Ends it with an error.
void job_give_up(struct job *job, const char *error);
// Its first error is what its clients are told.
void job_fail(struct job *job, const char *error);
// Its container says nonsense, or memory is out: it is ended.
void job_fail_and_stop(struct job *job, error_t err);
// Something of it has ended: so has the job, once its streams and its container have.
void job_check_end(struct job *job);
// One of its clients has gone: a job that nobody waits for is given up.
void job_left(struct job *job);
// Its container has ended.
void jobs_ran(struct images *images, const struct msg_images_ran *ran, struct span error);
// `containers` has come, or is gone.
void jobs_follow(struct images *images);
void jobs_fail(struct images *images);
// A client of the service is gone.
void jobs_drop(struct images *images, const struct client *client);

// --- job_stream.c ---

// Makes the channel to its container's streams; `far` is the container's end. Errors:
// channel_create's, loop_add's.
__must_check error_t job_open_stream(struct job *job);

// --- waiters.c ---

// A client of a job. NULL, and the request was answered: there is no memory.
struct job_waiter *waiter_make(struct request *request, struct job *job);
// A line for it; what is only progress may be left out.
void waiter_line(struct job_waiter *waiter, struct span json, bool is_progress);
// {"KEY":TEXT}.
void waiter_say(struct job_waiter *waiter, const char *key, const char *text);
// The job has ended; `error` "": well. `status`: what to answer if nothing was said.
void waiter_finish(struct job_waiter *waiter, const char *error, uint32_t status);
// It reads no more.
void waiter_free(struct job_waiter *waiter);

// --- input.c ---

// Sends a message to the container's stdin. Returns whether more fits.
bool input_send(struct job *job, struct message *m);
// Takes what its clients send.
void input_begin(struct job *job);
// There is room again.
void input_go_on(struct job *job);
// Tells the container a word, on a line. Errors: ERR_TOO_LARGE (it does not read).
__must_check error_t input_answer(struct job *job, const char *word);

// --- layers.c ---

// What a job says of a layer. Errors: ERR_PROTOCOL (that is no answer), ERR_TOO_LARGE (it does not
// read). Without memory, or for one that needs too many, it is as if the layer were not there.
__must_check error_t layers_take(struct job *job, const struct line *line);
// It fetches what it waits for itself.
void layers_wait_no_more(struct job *job);
// What it has needed may go.
void layers_unpin(struct job *job);
// It is over: what it fetched another one fetches.
void layers_leave(struct job *job);

// --- idle.c ---

// Makes what it needs.
void idle_init(struct images *images);
// There is a job.
void idle_watch(struct images *images);
// The job gets on.
void idle_heard(struct job *job);

// --- ingest.c ---

// Whether a pull is one of all tags.
bool job_is_of_all(const struct job *job);

// Takes an image of a job into the store. Errors, with a text: what was wrong with it.
__must_check error_t ingest(struct job *job, const struct line *line,
                            char error[static OUTPUT_ERROR_MAX]);

// --- pull.c ---

// POST /images/create: a pull.
void operation_create(struct request *request);
// POST /images/load.
void operation_load(struct request *request);

// --- import.c ---

// POST /images/create with `fromSrc`.
void operation_import(struct request *request, const char *source);

// --- auth.c ---

// IMAGES_LOGIN: asks the registry, by a job without waiters.
void operation_login(struct request *request);
// It has ended: its client hears whether the registry takes the login, or what went wrong, with an
// HTTP status.
void login_finish(const struct job *job, uint32_t status);
// Nobody waits for the answers to these requests of a client's (0: to any): they are given up.
void logins_drop(struct images *images, const struct client *client, uint32_t id);

// --- commit.c ---

// IMAGES_COMMIT.
void operation_commit(struct request *request);
// Whether an error of the system container is one of what was asked for.
bool commit_is_refused(const char *error);
// It has begun: its stdin gets what it begins with, and its client is told to send the rest.
__must_check error_t commit_begun(struct job *job);
// It has ended: its client gets the id, or what went wrong, with an HTTP status.
void commit_finish(const struct job *job, uint32_t status);
