// SPDX-License-Identifier: MIT
//
// What the user gave, as text: LINUXRUN_ variables and the flags that mean the same, which are those of `docker run`.
// settings.c tells whether it makes sense.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/error.h"

enum option_id {
	OPTION_IMAGE,
	OPTION_IMAGES,
	OPTION_ENTRYPOINT,
	OPTION_ARGS,
	OPTION_ENV,
	OPTION_ENV_FILE,
	OPTION_MEMORY,
	OPTION_CPUS,
	OPTION_DISK,
	OPTION_DISK_FILE,
	OPTION_PORTS,
	OPTION_USER,
	OPTION_WORKDIR,
	OPTION_HOSTNAME,
	OPTION_READONLY,
	OPTION_TTY,
	OPTION_KERNEL,
	OPTION_STOP_TIMEOUT,
	// Of the machine: STARINA_ variables.
	OPTION_SMP,
	NUM_OPTIONS,
};

// A setting's value and where it comes from.
struct option {
	const char *value;  // NULL: not given
	const char *name;  // "LINUXRUN_MEMORY" or "--memory", for errors
	bool is_flag;
};

struct options {
	struct option values[NUM_OPTIONS];
	const char **env;  // --env, in order
	size_t num_env;
	const char **env_files;  // --env-file
	size_t num_env_files;
	char *ports;  // all --publish, joined by commas
	char *image;  // the image of the command line as a reference
	char **command;  // what follows the image; NULL: nothing
	size_t num_command;
	const char *log_path;  // --log
	bool interactive;  // --interactive
	bool gdb;
	bool help;
};

// Reads `argv` and the environment; a flag wins over its variable. The strings are theirs. Released by options_deinit(), also after
// -1 with `err`: an unknown flag or LINUXRUN_ variable, a value that is missing, a flag of docker's that has no meaning here.
int options_read(struct options *options, int argc, char **argv, struct error *err);
void options_deinit(struct options *options);

// "LINUXRUN_MEMORY=4M" or "--memory 4M", printable and not too long. The result is valid until the next call.
const char *option_text(const struct option *option);
