// SPDX-License-Identifier: MIT
//
// What happens while the machine runs: bytes go both ways, signals are passed on, the exit status
// comes.
#pragma once

#include <stdbool.h>

struct app_port;
struct engine;
struct qemu;
struct settings;

enum relay_end {
	RELAY_STATUS,  // `status` is run.sh's exit status
	RELAY_SILENT,  // QEMU never said anything: worth another try
};

struct relay_result {
	enum relay_end end;
	int status;
};

// Relays until the machine ends or is given up; `apps` brings it apps, `engine` (NULL: there is
// none) docker's clients, `log_fd` gets the OS's log. `runs_on` is said after the end of a
// container that the OS outlives (NULL: there is none). Takes the program's signals
// (signals_block()). The caller stops the machine.
struct relay_result relay_run(struct qemu *machine, const struct settings *settings,
                              struct app_port *apps, struct engine *engine, int log_fd,
                              const char *runs_on);
