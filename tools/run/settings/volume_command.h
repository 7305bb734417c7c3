// SPDX-License-Identifier: MIT
//
// ./run.sh volume ...: what to do with the volumes of the state disk, in docker's words.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/error.h"

#define VOLUME_NAME_MADE 64  // characters of a name that is made up

struct volume_command {
	const char *name;  // "create", "inspect", "ls", "prune" or "rm"; NULL: a container is run
	bool help;
	bool quiet;    // ls: names only
	bool force;    // rm: also what is not there; prune: without asking
	bool all;      // prune: those with names, too
	char **names;  // the caller's
	size_t count;
	char made_up[VOLUME_NAME_MADE + 1];  // create: a name, when none is given
};

// Whether the words of a command line are such a command.
bool volume_command_is(int argc, char **argv);

// Reads it; the words stay the caller's, and are in use. -1 with `err`.
int volume_command_read(struct volume_command *command, int argc, char **argv, struct error *err);

// The name of a volume that nobody has named: 64 hexadecimal digits. -1 with `err`.
int volume_name_make(char name[VOLUME_NAME_MADE + 1], struct error *err);

// Asks at the terminal before much is removed. false: the user does not want it.
bool volume_command_confirm(const struct volume_command *command);

// Says what there is to say when there is no state disk, and so no volume. Returns the exit status.
int volume_command_without(const struct volume_command *command);

// Writes what the OS is told (config.json, with the annotation VOLUME_COMMAND_ANNOTATION) to
// `path`. -1 with `err`.
int volume_command_write(const struct volume_command *command, const char *path, struct error *err);

// The value is the command's name, its flags as "-qfa", and names, with blanks between them.
#define VOLUME_COMMAND_ANNOTATION "dev.starina.volume"
