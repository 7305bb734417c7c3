// SPDX-License-Identifier: MIT
//
// What the user gave, as text: variables and flags, which are those of `docker run` (flags.h).
// settings.c and container_settings.c tell whether it makes sense.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/error.h"
#include "tools/run/settings/flags.h"

// A setting's value and where it comes from.
struct option {
	const char *value;  // NULL: not given
	const char *name;   // "LINUXRUN_MEMORY" or "--memory", for errors
	bool is_flag;
};

struct option_list {
	const char **items;  // in order
	size_t count;
};

struct options {
	struct option values[NUM_OPTIONS];
	struct option_list lists[NUM_LISTS];
	char *ports;     // all --publish, joined by commas
	char *image;     // the image of the command line as a reference
	char **command;  // what follows the image; NULL: nothing
	size_t num_command;
};

// Reads `argv` and the environment; a flag wins over its variable. The strings are theirs. Released
// by options_deinit(), also after -1 with `err`: an unknown flag or variable of ours, a value that
// is missing or not of the flag's type, a flag of docker's that is not possible here.
int options_read(struct options *options, int argc, char **argv, struct error *err);
void options_deinit(struct options *options);

// "LINUXRUN_MEMORY=4M", "--memory 4M" or, of a switch, "--tty", printable and not too long. The
// result is valid until the next call.
const char *option_text(const struct option *option);

// Whether a switch is on.
bool option_is_on(const struct options *options, enum option_id id);
