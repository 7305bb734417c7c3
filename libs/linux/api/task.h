// SPDX-License-Identifier: MIT
//
// What commands and containers are made of: a description of what to run, the VM that it runs in,
// its streams and its end. task_end.c (its timer, and failing), task_streams.c, task_config.c
// (config.json), task.c (life). Private to libs/linux.
#pragma once

#include "libs/linux/outcome.h"
#include "libs/linux/run/guest_container.h"
#include "libs/json/json.h"
#include "libs/linux/api/runtime_internal.h"
#include "libs/starina/payload.h"

#define TASK_MAX_PUBLISHED 16u

enum task_state {
	TASK_NEW = 0,
	TASK_WAITING,  // for the runtime, then for the image's disk
	TASK_RUNNING,  // it has a container
	TASK_ENDED,    // everything is told
};

// stdout or stderr.
struct task_output {
	struct task *task;
	enum guest_stream stream;
	enum command_stdio stdio;
	bool drops;             // what is too much to collect, instead of being an error
	struct span collected;  // heap, of `capacity` bytes
	size_t capacity;
	char line[200];  // COMMAND_INHERIT, unfinished
	size_t line_len;
	struct source pipe;   // COMMAND_PIPED: our end
	struct source retry;  // a timer: memory was out
	bool pipe_open;       // both are there
	handle_t app_end;
};

struct task_input {
	enum command_stdio stdio;
	struct span bytes;  // heap; of command_input
	size_t done;        // of `bytes`, or of the payload
	struct source pipe;
	bool pipe_open;
	bool ended;  // nothing more comes after what is in hand
	handle_t app_end;
	struct payload payload;
	struct message message;  // holds it when it came inline
};

#define TASK_MAX_MOUNTS VM_MAX_SHARES

struct task_mount {
	struct vm_share share;
	bool read_only;
	bool copy;
	char path[LINUX_ERROR_MAX];
};

struct published_port;

struct task {
	struct linux_runtime *runtime;
	// What is asked for.
	char *image;    // heap
	char *program;  // heap, in place of the image's Entrypoint; NULL: the image's
	struct string_list args;
	struct string_list env;
	char *workdir;  // heap; NULL: the image's; so for the user
	char *user;
	char *hostname;
	bool readonly;
	bool terminal;
	uint16_t rows, columns;                      // of the terminal; 0: as Linux has it
	struct task_mount *mounts[TASK_MAX_MOUNTS];  // heap, in the order of their paths
	uint32_t num_mounts;
	struct vm_share *shares;  // heap, of the VM: those of the mounts
	uint64_t memory;
	uint32_t cpus;
	nsec_t timeout;         // 0: none
	error_t builder_error;  // the first

	// What becomes of it.
	enum task_state state;
	bool freed;  // by the app: nothing is told any more, and it goes when it has ended
	struct runtime_waiter waiter;
	struct opener opener;
	bool reopening;    // `opener` opens the image's disk once more
	uint32_t opening;  // of openers that have not answered: the task does not end before
	const struct image *found;
	struct guest_container *container;
	bool started;  // its process runs
	bool resized;  // since its config.json was written
	nsec_t start_time;
	struct task_output out, err;
	struct task_input in;
	struct source timer;  // the deadline, or 0: what has to be told
	handle_t timer_handle;
	nsec_t deadline;
	bool end_known;
	bool told;
	int status;
	bool failed;
	char error[LINUX_ERROR_MAX];
	// Its process has started; its container has ended. May be NULL.
	void (*on_started)(struct task *task);
	void (*on_ended)(struct task *task);
	// The app waits for the end (NULL: not yet); `owner` is the command or the container, whose
	// memory the task is part of.
	void (*done)(struct task *task);
	void *owner;
};

// Initialises a task in `owner` (heap memory, zeroed), which task_free frees.
__must_check error_t task_init(struct task *task, struct linux_runtime *runtime, const char *image,
                               void *owner);
void task_free(struct task *task);
// Keeps the first error.
void task_builder_error(struct task *task, error_t error);
void task_set_string(struct task *task, char **target, const char *text);
void task_set_env(struct task *task, const char *name, const char *value);
void task_set_input(struct task *task, struct span bytes);
__must_check error_t task_start(struct task *task);
void task_signal(struct task *task, uint32_t number);
void task_resize(struct task *task, uint16_t rows, uint16_t columns);
// The task has failed for a reason of ours; ends it.
void task_fail(struct task *task, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
// Fires the task's timer: now, it tells the end; later, it is the deadline.
void task_set_timer(struct task *task, nsec_t deadline);
// Around an opener whose answer refers to the task.
void task_opening(struct task *task);
void task_opened(struct task *task);
// Has task->done called, from the loop, once the task has ended.
void task_wait(struct task *task);
// Turns the loop until the task has ended.
void task_block(struct task *task);
// Moves what was collected to `out`.
void task_take_output(struct task *task, struct command_output *out);

// Streams: pipes are made at the start; all are closed at the end.
__must_check error_t task_streams_open(struct task *task);
void task_streams_close(struct task *task);
void task_streams_free(struct task *task);
// Makes room for `len` more bytes, and a NUL, in `collected` (heap, of *capacity bytes). Returns
// false when memory is out.
bool task_collect_reserve(struct span *collected, size_t *capacity, size_t len);
size_t task_output_write(struct task_output *output, struct span bytes);
// Gives the container what there is for its stdin.
void task_input_pump(struct task *task);
handle_t task_take_end(handle_t *end);

// Writes the task's config.json for its image. Errors: ERR_INVALID (nothing to run; task_fail was
// called), ERR_NO_MEMORY.
__must_check error_t task_config_write(struct task *task, const struct image *image,
                                       struct json_writer *w);
struct container_exec;

// Writes the OCI `process` object of a process that is added to the task's container. Errors:
// ERR_INVALID (an environment without '='), ERR_NO_MEMORY.
__must_check error_t task_exec_write(struct task *task, const struct container_exec *exec,
                                     struct json_writer *w);
