// SPDX-License-Identifier: MIT
//
// What the user asked for, from the command line and the environment, checked before anything starts.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/common/error.h"

struct settings {
	const char *root;  // STARINA_ROOT: the source tree
	const char *build;  // STARINA_BUILD: where the build's output is
	const char *qemu;  // QEMU
	const char *cpu;  // STARINA_CPU
	const char *append;  // STARINA_APPEND: further boot arguments
	const char *qemu_args;  // STARINA_QEMU_ARGS
	const char *log_path;  // --log; NULL: the OS's log goes to stderr
	unsigned smp;  // harts
	uint64_t memory;  // bytes of the machine
	uint64_t guest_memory;  // bytes of the container's VM; 0: the OS's default
	unsigned guest_cpus;  // of the container's VM; 0: the OS's default
	unsigned http_port;  // on 127.0.0.1
	bool http_port_given;  // by the user: no other will do
	bool gdb;  // wait for a debugger
	// The container; NULL: as the image says.
	const char *image;
	const char *entrypoint;
	const char *args;
	const char *env;
	const char *user;
	const char *workdir;
	const char *hostname;
	const char *readonly;
};

// Reads `argv` and the environment. The strings are theirs. -1 with `err` names the setting that is wrong.
int settings_read(struct settings *settings, int argc, char **argv, struct error *err);

// Parses a size such as 512M or 1G (a plain number is bytes). Returns false when it is none.
bool size_parse(const char *text, uint64_t *size);

// Checks that the emulator is there and new enough.
int settings_check_qemu(const struct settings *settings, struct error *err);

// Checks that the host port is free; 0 is replaced by a free one.
int settings_check_port(struct settings *settings, struct error *err);
