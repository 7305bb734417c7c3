// SPDX-License-Identifier: MIT
//
// Linux commands, as simple as a process builder:
//
//	struct command *ls = command_new(runtime, "ls");
//	struct command_output out;
//
//	command_args(ls, "-la", "/usr/bin", NULL);
//	if (command_output(ls, &out) == 0)
//		log_info("%.*s", (int)out.stdout.len, (const char *)out.stdout.data);
//	command_output_deinit(&out);
//	command_free(ls);
//
// Each runs in a VM of its own, in the built-in userland (busybox) or in an image. The program
// "docker" is understood without a program of that name: `docker run [--rm] [-i] [-e NAME=VALUE]
// [-w DIR] [-u USER] IMAGE [ARGUMENT...]` runs the image; all else is an error that says so.
//
// Everything is asynchronous on the runtime's loop: command_spawn and command_wait. command_output
// and command_status turn the loop until the command has ended, so they are not for callbacks. What
// is wrong with a command (out of memory, a NAME without a value) is kept and is the error of
// command_spawn, so that calls before it need no checks.
#pragma once

#include "libs/base/span.h"
#include "libs/linux/outcome.h"
#include "libs/linux/runtime.h"

struct command;

// The command has ended. `status` is what a shell would say: the exit code, 128 + a signal;
// COMMAND_STATUS_FAILED, 126 or 127 when the program was not run. `error` tells what went wrong
// when the status is not the program's own, NULL else. `command` may be freed from here.
typedef void (*command_done_fn)(void *context, struct command *command, int status,
                                const char *error);

// A command; NULL when memory is out, which every function here takes.
struct command *command_new(struct linux_runtime *runtime, const char *program);
// Ends the command, if it still runs, and frees it: `done` does not come any more. What the VM
// still holds is freed later, by the loop.
void command_free(struct command *command);
// Appends an argument; or several, the last one followed by NULL.
void command_arg(struct command *command, const char *arg);
void command_args(struct command *command, ...) __attribute__((sentinel));
// Sets an environment variable of the program.
void command_env(struct command *command, const char *name, const char *value);
// The working directory, an absolute path. Otherwise the image's.
void command_cwd(struct command *command, const char *directory);
// The user: NAME[:GROUP] or numbers. Otherwise the image's.
void command_user(struct command *command, const char *user);
// The image that the program is in, by the name that docker has for it. Otherwise the built-in
// userland.
void command_image(struct command *command, const char *image);
// Limits of its VM; 0 stays as it is (COMMAND_MEMORY, one CPU).
void command_memory(struct command *command, uint64_t bytes);
void command_cpus(struct command *command, uint32_t cpus);
// From command_spawn on, so long: then it is killed.
void command_timeout(struct command *command, nsec_t duration);
// Where the streams go. Otherwise: COMMAND_INHERIT; with command_output: COMMAND_COLLECT.
void command_stdin(struct command *command, enum command_stdio stdio);
void command_stdout(struct command *command, enum command_stdio stdio);
void command_stderr(struct command *command, enum command_stdio stdio);
// What the program reads on stdin, then end of file. Copied.
void command_input(struct command *command, struct span bytes);

// Starts it, once. Errors: what was wrong with the calls before, ERR_BAD_STATE (was started),
// ERR_NO_MEMORY, ERR_LIMIT. What goes wrong later is told by command_wait.
__must_check error_t command_spawn(struct command *command);
// The app's end of a stream that is COMMAND_PIPED, after command_spawn: the caller's from now on;
// HANDLE_NONE when there is none (any more). stdin takes MSG_DATA, and MSG_END or closing it is the
// end of file; the others give MSG_DATA and are closed at their end.
handle_t command_take_stdin(struct command *command);
handle_t command_take_stdout(struct command *command);
handle_t command_take_stderr(struct command *command);
// Has `done` called from the loop when the command has ended, and its output was taken, or at once
// from the loop when it has.
void command_wait(struct command *command, command_done_fn done, void *context);
// Sends Linux's signal `number` to the program (9: ends the VM at once). Before it runs, a signal
// that would end it ends it.
void command_signal(struct command *command, uint32_t number);
void command_kill(struct command *command);
// What is left of the collected output, as it is now: the command's until it is freed.
struct span command_collected(const struct command *command, bool of_stderr);

// Starts the command and waits for its end. Blocks. Errors: as command_spawn's; what went wrong
// later is in `out`, which command_output_deinit frees, on errors too.
__must_check error_t command_output(struct command *command, struct command_output *out);
void command_output_deinit(struct command_output *out);
// The same for the status alone. Blocks.
__must_check error_t command_status(struct command *command, int *status);
