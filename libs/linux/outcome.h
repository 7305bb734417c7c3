// SPDX-License-Identifier: MIT
//
// What commands and containers have in common: where their streams go, and what came of them.
#pragma once

#include "libs/base/span.h"

// Where a stream goes.
enum command_stdio {
	// stdout and stderr: the app's log, line by line; stdin: none (end of file at once)
	COMMAND_INHERIT,
	COMMAND_NULL,     // nowhere; stdin: end of file at once
	COMMAND_PIPED,    // a channel with MSG_DATA: command_take_stdin and the like
	COMMAND_COLLECT,  // stdout and stderr: kept, up to COMMAND_COLLECT_MAX bytes
};

// Of one stream; a command that writes more is killed.
#define COMMAND_COLLECT_MAX (8u * 1024 * 1024)

// The status of a command that could not be run, and of one that was killed (128 + SIGKILL).
#define COMMAND_STATUS_FAILED 125
#define COMMAND_STATUS_KILLED 137

struct command_output {
	int status;          // what a shell would say
	struct span stdout;  // heap; each with a NUL behind it that is not counted
	struct span stderr;
	char error[256];  // what went wrong, "" if nothing: the status is the program's own then
};
