// SPDX-License-Identifier: MIT
//
// What a process that is added to a container is asked to be: the body of Docker's POST
// /containers/NAME/exec.
#pragma once

#include "apps/containers/settings.h"
#include "libs/abi/vmm.h"

struct exec_settings {
	// Strings are heap memory, NULL when they are not set.
	char *user;
	char *workdir;
	char *detach_keys;
	struct vmm_detach_keys keys;  // the same, read
	struct string_list cmd;
	struct string_list env;
	bool tty;
	bool privileged;
	bool attach_stdin;
	bool attach_stdout;
	bool attach_stderr;
	uint16_t console_size[2];  // rows, columns
};

// What POST /exec/ID/start says.
struct exec_start {
	bool detach;
	bool tty;
	uint16_t console_size[2];
};

// Reads keys as clients write them ("ctrl-p,ctrl-q", "a,ctrl-["); NULL or empty: docker's default.
// False: they are none, or too many.
__must_check bool detach_keys_read(const char *text, struct vmm_detach_keys *out);
// Reads a body of create. Errors: as settings_parse's; *settings is empty then.
__must_check error_t exec_settings_parse(struct exec_settings *settings, struct span body,
                                         char error[static SETTINGS_ERROR_MAX]);
// Frees it; it is empty then.
void exec_settings_deinit(struct exec_settings *settings);
// Reads a body of start, or none. Errors: as settings_parse's.
__must_check error_t exec_start_parse(struct exec_start *start, struct span body,
                                      char error[static SETTINGS_ERROR_MAX]);
