// SPDX-License-Identifier: MIT
//
// Every flag of `docker run`, and our own: what it takes, and what happens.
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
	OPTION_VOLUMES,
	OPTION_TMPFS,
	OPTION_SHM_SIZE,
	// Of the machine: STARINA_ variables.
	OPTION_SMP,
	OPTION_QUIET,
	OPTION_APP_PORTS,
	// Flags without a variable.
	OPTION_CIDFILE,
	OPTION_CPU_PERIOD,
	OPTION_CPU_QUOTA,
	OPTION_DOMAINNAME,
	OPTION_ENGINE,
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
	OPTION_RM,
	NUM_OPTIONS,
};

// Flags that may be given several times.
enum option_list_id {
	LIST_ADD_HOST,
	LIST_ANNOTATION,
	LIST_APP,
	LIST_ATTACH,
	LIST_CAP_ADD,
	LIST_CAP_DROP,
	LIST_DNS,
	LIST_DNS_OPTION,
	LIST_DNS_SEARCH,
	LIST_ENV,
	LIST_ENV_FILE,
	LIST_MOUNT,
	LIST_PUBLISH,
	LIST_SECURITY,
	LIST_TMPFS,
	LIST_ULIMIT,
	LIST_SHARE,
	LIST_VOLUME,
	NUM_LISTS,
};

enum flag_type {
	FLAG_SWITCH,  // nothing, or =true or =false
	FLAG_TEXT,
	FLAG_NUMBER,  // whole
	FLAG_DECIMAL,
	FLAG_SIZE,      // bytes, as 512m
	FLAG_DURATION,  // as 1m30s
};

enum flag_effect {
	FLAG_SETS,      // an option; the last one wins
	FLAG_ADDS,      // to a list
	FLAG_ACCEPTED,  // nothing: `why` says that it is so anyway, or why it does not matter
	FLAG_REFUSED,   // an error with `why`, but for the values in `harmless`
};

struct flag {
	const char *name;  // without its dashes
	char letter;       // '\0': none
	enum flag_type type;
	enum flag_effect effect;
	int target;            // enum option_id of FLAG_SETS, enum option_list_id of FLAG_ADDS
	const char *harmless;  // values that say what is so anyway, as "bridge|default"
	const char *why;
};

// The flags, sorted by name; sets `*count`.
const struct flag *flags_all(size_t *count);

// The flag of a name of `length` bytes, or NULL.
const struct flag *flag_find(const char *name, size_t length);

// The flag of a letter, or NULL.
const struct flag *flag_find_letter(char letter);

// The name that is most like `name`, for "did you mean"; NULL: none is.
const char *flag_nearest(const char *name);

// Checks `value` against the flag's type; the value of a switch becomes "true" or "false". Returns
// -1 with `err`.
int flag_value_check(const struct flag *flag, const char **value, struct error *err);

// Whether a value of a refused flag says what is so anyway.
bool flag_is_harmless(const struct flag *flag, const char *value);
