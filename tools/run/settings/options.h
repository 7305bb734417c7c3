// SPDX-License-Identifier: MIT
//
// What the user gave, as text: variables and flags, which are those of `docker run` (flags.h).
// settings.c and container_settings.c tell whether it makes sense.
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
	OPTION_QUIET,
	// Flags without a variable.
	OPTION_CIDFILE,
	OPTION_CPU_PERIOD,
	OPTION_CPU_QUOTA,
	OPTION_DOMAINNAME,
	OPTION_GDB,
	OPTION_HELP,
	OPTION_INIT,
	OPTION_INTERACTIVE,
	OPTION_LOG,
	OPTION_NAME,
	OPTION_NETWORK,
	OPTION_OOM_SCORE_ADJ,
	OPTION_PIDS_LIMIT,
	OPTION_PLATFORM,
	NUM_OPTIONS,
};

// Flags that may be given several times.
enum option_list_id {
	LIST_ADD_HOST,
	LIST_ANNOTATION,
	LIST_ATTACH,
	LIST_CAP_ADD,
	LIST_CAP_DROP,
	LIST_DNS,
	LIST_DNS_OPTION,
	LIST_DNS_SEARCH,
	LIST_ENV,
	LIST_ENV_FILE,
	LIST_PUBLISH,
	LIST_SECURITY,
	LIST_ULIMIT,
	NUM_LISTS,
};

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
