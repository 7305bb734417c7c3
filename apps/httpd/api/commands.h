// SPDX-License-Identifier: MIT
//
// The service "commands" (libs/abi/commands.h), as its client.
#pragma once

#include "apps/httpd/api/client.h"
#include "libs/abi/commands.h"
#include "libs/base/list.h"

struct httpd;
struct command_run;

struct command_run_ops {
	// It has begun; the streams are the callback's: stdin, stdout, and stderr without a
	// terminal.
	void (*started)(struct command_run *run, const handle_t *streams, size_t count);
	// It has ended, or could not be started; `error` says why, or is "". Nothing comes after.
	void (*ended)(struct command_run *run, int status, const char *error);
};

// A command that was asked for and has not ended. Storage is the owner's.
struct command_run {
	const struct command_run_ops *ops;
	struct httpd *httpd;
	struct list entry;
	uint32_t id;
};

struct commands_client {
	struct api_client client;
	uint32_t last_id;
	unsigned num_runs;
	struct list runs;
};

// What a command is.
struct command_words {
	uint8_t *text;  // heap: COMMANDS_TEXT_MAX bytes, as msg_commands_run has them
	size_t len;
	uint16_t num_args, num_env;
	uint64_t memory;
	uint32_t flags;
	uint16_t rows, columns;
};

// Connects, if the image has the service.
void commands_client_start(struct httpd *httpd);
// Begins a run, whose `ops` is set. `ended` does not come from within. Errors: ERR_LIMIT,
// ERR_NO_MEMORY, ERR_NOT_READY, ERR_FULL.
__must_check error_t command_run_begin(struct httpd *httpd, struct command_run *run,
                                       const struct command_words *words);
// Ends a run, if it has not ended: no callback comes.
void command_run_stop(struct command_run *run);
void command_run_resize(const struct command_run *run, uint16_t rows, uint16_t columns);
