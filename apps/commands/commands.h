// SPDX-License-Identifier: MIT
//
// The app "commands" (libs/abi/commands.h):
//   main.c      the service, and the virtual machine that waits
//   clients.c   the protocol
//   jobs.c      what clients have started
//   run_request.c     what they say is to be run
#pragma once

#include "libs/abi/commands.h"
#include "libs/base/span.h"
#include "libs/linux/container.h"
#include "libs/requests/outbox.h"
#include "libs/starina/service.h"

struct commands {
	const struct environ *env;
	struct loop loop;
	struct service_listener listener;
	struct linux_runtime *runtime;  // NULL until somebody runs something
	struct list clients;
	uint32_t num_jobs;
	struct source idle;  // a timer: nothing was run for a while
};

struct client {
	struct commands *commands;
	struct list entry;
	struct source source;
	struct outbox outbox;
	struct list jobs;
};

// A Linux program.
struct job {
	struct client *client;
	struct list entry;
	uint32_t id;  // the client's
	struct container *container;
};

// --- main.c ---

// The runtime, with a virtual machine that waits for the next command, from now on until nothing
// was run for a while. NULL: memory is out.
struct linux_runtime *runtime_take(struct commands *commands);
// The last job has ended.
void runtime_rests(struct commands *commands);

// --- clients.c ---

// Serves a client on `channel`, which is consumed.
void client_accepted(void *context, handle_t channel);
// Sends a message, which is consumed; nothing more is taken of the client while it does not read.
void client_send(struct client *client, struct message *m);
// commands_ended; `error` may be NULL.
void client_tell_end(struct client *client, uint32_t id, int status, const char *error);

// --- jobs.c ---

// Runs what `request` says; what is wrong with it the client is told.
struct run_request;
void job_run(struct client *client, const struct msg_commands_run *run,
             const struct run_request *request);
struct job *job_find(struct client *client, uint32_t id);
// Ends it, and forgets it.
void job_free(struct job *job);

// --- run_request.c ---

#define RUN_WORDS_MAX 1024u

// What is to be run. All strings end with a NUL, in the bytes that they were read from.
struct run_request {
	const char *image, *workdir, *user;
	const char *args[RUN_WORDS_MAX];
	size_t num_args;
	const char
		*env[RUN_WORDS_MAX];  // of "NAME\0VALUE\0": the names; the value is behind its NUL
	size_t num_env;
};

// Reads the strings of commands_run from `bytes`, whose "=" behind the names become NULs. Errors:
// ERR_PROTOCOL (not as many strings as it says, or more), ERR_TOO_LARGE, ERR_INVALID (an
// environment variable without a name or "=").
__must_check error_t run_request_read(const struct msg_commands_run *run, char *bytes,
                                      size_t length, struct run_request *out);
