// SPDX-License-Identifier: MIT
//
// Containers of images, as simple as a builder:
//
//	struct container *c = container_new(runtime, "ubuntu:20.04");
//	struct command_output out;
//
//	container_entrypoint(c, "/bin/bash");
//	container_arg(c, "-c");
//	container_arg(c, "echo Hello from container");
//	container_env(c, "MY_VAR", "my_value");
//	if (container_run(c) == 0 && container_wait_with_output(c, &out) == 0)
//		log_info("%.*s", (int)out.stdout.len, (const char *)out.stdout.data);
//
// Images are those that the host packed (LINUXRUN_IMAGES). What is said in command.h of errors,
// callbacks and blocking holds here. stdout and stderr are collected unless they are set otherwise,
// and what comes after COMMAND_COLLECT_MAX bytes is dropped.
#pragma once

#include "libs/linux/command.h"

struct container;

// While a container is younger, a connection that it refuses is tried again: its server may not
// listen yet.
#define CONTAINER_CONNECT_PATIENCE (20 * NSEC_PER_SEC)

typedef void (*container_done_fn)(void *context, struct container *container, int status,
                                  const char *error);

// A container of `image`, by the name that docker has for it; NULL when memory is out, which every
// function here takes.
struct container *container_new(struct linux_runtime *runtime, const char *image);
// Ends the container, if it still runs, and frees it; connections made to it live on until they are
// closed.
void container_free(struct container *container);
// The program in place of the image's Entrypoint; its Cmd is not used then.
void container_entrypoint(struct container *container, const char *program);
// Appends an argument: in place of the image's Cmd.
void container_arg(struct container *container, const char *arg);
void container_args(struct container *container, ...) __attribute__((sentinel));
void container_env(struct container *container, const char *name, const char *value);
void container_workdir(struct container *container, const char *directory);
void container_user(struct container *container, const char *user);
void container_hostname(struct container *container, const char *hostname);
void container_readonly(struct container *container, bool readonly);
// Limits of its VM; 0 stays as it is (CONTAINER_MEMORY, one CPU).
void container_memory(struct container *container, uint64_t bytes);
void container_cpus(struct container *container, uint32_t cpus);
void container_timeout(struct container *container, nsec_t duration);
// Publishes a TCP port of the container on the OS's own addresses, from container_run to its end,
// as docker's -p PORT:CONTAINER_PORT.
void container_publish(struct container *container, uint16_t port, uint16_t container_port);
// Mounts the folder that run.sh shares with apps by the name `share` (--share) at an absolute path
// of the container, as docker's -v. With `read_only`, nothing in it can be changed, whatever the
// container does. For what is wrong in itself container_run has the error: ERR_INVALID, ERR_LIMIT
// (32 mounts), ERR_NOT_FOUND (the app does not need "files", or there is none; see LINUX_FILES).
void container_bind(struct container *container, const char *share, const char *path,
                    bool read_only);

#define VOLUME_READ_ONLY (1u << 0)
#define VOLUME_NO_COPY (1u << 1)  // an empty one is not filled with what the image has there

// The same with a named volume of the state disk, which is made when it is not there (unless it is
// to be VOLUME_READ_ONLY), and kept. The volumes are those of run.sh's containers, too.
void container_volume(struct container *container, const char *name, const char *path,
                      uint32_t flags);
// Its process has a terminal of this size (0: as Linux has it), as with docker run -t: all output
// is stdout's.
void container_terminal(struct container *container, uint16_t rows, uint16_t columns);
void container_stdin(struct container *container, enum command_stdio stdio);
void container_stdout(struct container *container, enum command_stdio stdio);
void container_stderr(struct container *container, enum command_stdio stdio);
void container_input(struct container *container, struct span bytes);

// Starts it, once. Errors: as command_spawn's. What goes wrong later is told by container_wait.
__must_check error_t container_run(struct container *container);
handle_t container_take_stdin(struct container *container);
handle_t container_take_stdout(struct container *container);
handle_t container_take_stderr(struct container *container);
void container_wait(struct container *container, container_done_fn done, void *context);
void container_signal(struct container *container, uint32_t number);
void container_kill(struct container *container);
// The size of its terminal, from now on.
void container_resize(struct container *container, uint16_t rows, uint16_t columns);
// Waits for the end of a container that was started, and gives its output. Blocks: not from a
// callback. Errors: ERR_BAD_STATE.
__must_check error_t container_wait_with_output(struct container *container,
                                                struct command_output *out);

// A connection to a TCP port of the container. The channel (the callback's) is a socket as tcpip's
// are: MSG_DATA and MSG_END both ways. HANDLE_NONE, with an error and what went wrong, when there
// is none. `done` comes once, from the loop.
typedef void (*container_connect_fn)(void *context, handle_t channel, error_t error,
                                     const char *text);
// Connects as soon as the container runs. Errors: ERR_NO_MEMORY, ERR_BAD_STATE (it was not started,
// or has ended).
__must_check error_t container_connect(struct container *container, uint16_t port,
                                       container_connect_fn done, void *context);

// A further process in a container that runs, as docker exec starts one: it has the container's
// files, network, limits and, unless said otherwise, environment, user and working directory; and
// its own streams and status. Many may run at once (CONTAINER_MAX_EXECS).
//
//	static const char *const args[] = { "cat", "/etc/hostname", NULL };
//	struct container_exec exec = { .args = args };
//
//	if (container_exec_output(container, &exec, &out) == 0 && out.status == 0)
//		...
//	command_output_deinit(&out);
struct container_process;

#define CONTAINER_MAX_EXECS 64u

// What to execute. Only `args` must be there; nothing of it is needed after the call.
struct container_exec {
	const char *const *args;  // the last one is followed by NULL
	const char *const *env;   // NAME=VALUE, beside the container's own; likewise, or NULL
	const char *workdir;
	const char *user;
	bool terminal;  // of `rows` and `columns`, if they are not 0; all output is stdout's
	uint16_t rows, columns;
	struct span input;  // what it reads on stdin, then end of file
	// `input` is not all: container_process_write goes on
	bool keeps_stdin;
	// Takes output, and returns how many bytes; after fewer than all the app calls
	// container_process_resume. May not call anything about the container. NULL: output is
	// collected, as much as COMMAND_COLLECT_MAX bytes of each stream, and the rest dropped.
	size_t (*output)(void *context, bool of_stderr, struct span bytes);
	// container_process_write took less than all before and is worth another try; or NULL.
	void (*input_ready)(void *context);
	// It has ended and its output was taken; from the loop. `status` and `error` are as
	// command_done_fn's: 126 and 127 when it was not executed, 137 when the container ended.
	// It may be freed from here. Or NULL.
	void (*done)(void *context, struct container_process *process, int status,
	             const char *error);
	void *context;
};

// Starts a process. Errors: ERR_BAD_STATE (the container does not run), ERR_LIMIT, ERR_INVALID (no
// args, or an env without '='), ERR_TOO_LARGE (1 MiB of them), ERR_NO_MEMORY. What goes wrong later
// is told by `done`.
__must_check error_t container_exec(struct container *container, const struct container_exec *exec,
                                    struct container_process **out);
// The same, waiting for the end; `out` is as container_wait_with_output's. Blocks: not from a
// callback.
__must_check error_t container_exec_output(struct container *container,
                                           const struct container_exec *exec,
                                           struct command_output *out);
// Waits until the container's process runs. Blocks. Errors: ERR_BAD_STATE (it was not started, or
// has ended).
__must_check error_t container_wait_started(struct container *container);
// Gives more input. Returns how many bytes were taken; after fewer than all, `input_ready` comes.
size_t container_process_write(struct container_process *process, struct span bytes);
// End of file after that.
void container_process_close_stdin(struct container_process *process);
// `output` takes bytes again.
void container_process_resume(struct container_process *process, bool of_stderr);
// Sends Linux's signal `number`; sets the size of its terminal.
void container_process_signal(struct container_process *process, uint32_t number);
void container_process_resize(struct container_process *process, uint16_t rows, uint16_t columns);
// Frees it; one that runs is killed, and `done` does not come.
void container_process_free(struct container_process *process);
