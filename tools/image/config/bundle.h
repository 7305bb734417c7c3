// SPDX-License-Identifier: MIT
//
// The container's configuration, as OCI's runtime specification has it (config.json), from the
// image's own and what the user wants otherwise.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "tools/common/error.h"

// What a quota of processor time refers to, in microseconds; Docker's.
#define CPU_PERIOD 100000

// What the user wants otherwise; NULL: as the image says.
struct bundle_options {
	const char *entrypoint;       // words; drops the image's Cmd
	const char *entrypoint_word;  // the same as one word, as it is; "" stands for no Entrypoint
	const char *args;             // words; in place of the image's Cmd
	const json_t *command;        // the same as an array
	const json_t *env;            // changes (environment.h) to the image's; they win
	const char *user;
	const char *workdir;
	const char *hostname;
	const char *domainname;     // NULL: none
	const json_t *annotations;  // an object of texts; win over the image's
	bool readonly;
	const char *
		capabilities;  // "CAP_KILL,CAP_CHOWN", in place of Docker's default set; NULL: that
	bool no_new_privileges;  // for root, too
	bool has_oom_score_adj;
	int oom_score_adj;
	unsigned pids_limit;  // 0: none
	const json_t
		*rlimits;  // of config.json, in place of Docker's of the same type; empty: Docker's
	unsigned cpu_quota;  // microseconds of processor time in each 100 ms; 0: no limit
	bool terminal;
	unsigned rows;  // of the terminal; 0: not known
	unsigned columns;
};

// Adds NAME=SOFT:HARD to an array for `rlimits`, as "nofile=1024:-1"; -1 is no limit. The last one
// of a name holds. -1 when it is none.
int bundle_rlimit_add(json_t *rlimits, const char *text);

// Makes config.json from `image`, an image configuration (OCI image spec, config.md); `directory`
// is where its passwd and group are. The caller frees the text; NULL with `err`.
char *bundle_from_image(const json_t *image, const char *directory,
                        const struct bundle_options *options, struct error *err);

// Makes config.json for the packed image in `directory` (pack.h). The caller frees the text; NULL
// with `err`.
char *bundle_make(const char *directory, const struct bundle_options *options, struct error *err);

// The configuration (OCI image spec, config.md) of the packed image in `directory`. The caller
// releases it; NULL with `err`.
json_t *image_config_read(const char *directory, struct error *err);
