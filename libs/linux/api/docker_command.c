// SPDX-License-Identifier: MIT

#include "libs/linux/api/docker_command.h"

#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define USAGE \
	"only `docker run [--rm] [-i] [-e NAME=VALUE] [-w DIR] [-u USER] [--entrypoint PROGRAM] IMAGE [ARGUMENT...]` is understood"

enum docker_option {
	DOCKER_NOTHING,  // it is so anyway
	DOCKER_ENV,
	DOCKER_WORKDIR,
	DOCKER_USER,
	DOCKER_ENTRYPOINT,
};

static const struct {
	const char *name;
	enum docker_option option;
} options[] = {
	{ "--rm", DOCKER_NOTHING },
	{ "-i", DOCKER_NOTHING },
	{ "--interactive", DOCKER_NOTHING },
	{ "-e", DOCKER_ENV },
	{ "--env", DOCKER_ENV },
	{ "-w", DOCKER_WORKDIR },
	{ "--workdir", DOCKER_WORKDIR },
	{ "-u", DOCKER_USER },
	{ "--user", DOCKER_USER },
	{ "--entrypoint", DOCKER_ENTRYPOINT },
};

static void set_env(struct task *task, const char *assignment)
{
	error_t err;

	// A NAME alone would take the value that it has here: apps have no environment, and docker
	// passes over it then.
	if (assignment[0] != '\0' && strchr(assignment, '=') == NULL)
		return;
	err = string_list_assign(&task->env, assignment);
	if (err == ERR_INVALID)
		task_fail(task, COMMAND_STATUS_FAILED, "docker: -e %.64s has no name", assignment);
	else if (err < 0)
		task_builder_error(task, err);
}

static void set_option(struct task *task, enum docker_option option, const char *value)
{
	switch (option) {
	case DOCKER_ENV: set_env(task, value); break;
	case DOCKER_WORKDIR: task_set_string(task, &task->workdir, value); break;
	case DOCKER_USER: task_set_string(task, &task->user, value); break;
	case DOCKER_ENTRYPOINT: task_set_string(task, &task->program, value); break;
	default: break;
	}
}

// Takes the option at args[*at], and its value: "-e A=1", "-eA=1" or "--env=A=1". Returns whether
// it is one.
static bool take_option(struct task *task, const struct string_list *args, size_t *at)
{
	const char *word = args->items[*at];

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		size_t len = strlen(options[i].name);
		bool is_long = options[i].name[1] == '-';

		if (strncmp(word, options[i].name, len) != 0)
			continue;
		if (options[i].option == DOCKER_NOTHING) {
			if (word[len] != '\0')
				continue;
		} else if (word[len] == '\0') {
			if (++*at == args->count) {
				task_fail(task, COMMAND_STATUS_FAILED, "docker: %s needs a value",
				          word);
				return true;
			}
			set_option(task, options[i].option, args->items[*at]);
		} else if (!is_long || word[len] == '=') {
			set_option(task, options[i].option, word + len + (is_long ? 1 : 0));
		} else {
			continue;
		}
		++*at;
		return true;
	}
	return false;
}

void docker_command_parse(struct task *task)
{
	struct string_list args = task->args;
	size_t at = 1;

	task->args = (struct string_list){ 0 };
	heap_free(task->program);
	task->program = NULL;
	if (args.count == 0 || strcmp(args.items[0], "run") != 0) {
		task_fail(task, COMMAND_STATUS_FAILED, "docker: " USAGE);
		goto out;
	}
	while (at < args.count && args.items[at][0] == '-' && !task->end_known) {
		if (!take_option(task, &args, &at))
			task_fail(task, COMMAND_STATUS_FAILED,
			          "docker: unknown option %.40s: " USAGE, args.items[at]);
	}
	if (task->end_known)
		goto out;
	if (at == args.count) {
		task_fail(task, COMMAND_STATUS_FAILED, "docker: there is no image: " USAGE);
		goto out;
	}
	task_set_string(task, &task->image, args.items[at]);
	for (at++; at < args.count; at++) {
		error_t err = string_list_add(&task->args, args.items[at]);

		if (err < 0)
			task_builder_error(task, err);
	}
out:
	string_list_deinit(&args);
}
