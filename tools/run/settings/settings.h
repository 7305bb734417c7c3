// SPDX-License-Identifier: MIT
//
// What the user asked for, from the command line and the environment, checked before anything
// starts.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/common/error.h"
#include "tools/run/settings/arguments.h"
#include "tools/run/settings/options.h"
#include "tools/run/settings/published_ports.h"
#include "tools/run/settings/shares.h"
#include "tools/run/settings/volume_command.h"
#include "tools/run/settings/volumes.h"

#define STOP_FOREVER UINT32_MAX

// The container's streams that are ours.
#define ATTACH_STDIN 1u
#define ATTACH_STDOUT 2u
#define ATTACH_STDERR 4u
#define ATTACH_ALL 7u

struct settings {
	struct options options;  // what they were read from; the strings below are its
	const char *root;        // STARINA_ROOT: the source tree
	const char *build;       // STARINA_BUILD: where the build's output is
	const char *qemu;        // QEMU
	const char *machine;     // STARINA_MACHINE
	const char *cpu;         // STARINA_CPU
	const char *append;      // STARINA_APPEND: further boot arguments
	const char *qemu_args;   // STARINA_QEMU_ARGS
	const char *log_path;    // --log; NULL: the OS's log goes to stderr
	unsigned smp;            // harts
	uint64_t memory;         // bytes of the machine
	unsigned http_port;      // on 127.0.0.1
	bool http_port_given;    // by the user: no other will do
	struct shares shares;    // of apps; opened by shares_open()
	bool engine;             // serve docker's clients instead of running a container
	const char *bind_root;   // below which these may bind; NULL: the current folder
	bool gdb;                // wait for a debugger
	bool help;
	bool quiet;  // warnings and errors only

	struct volume_command volume;  // of `volume`: what is done instead of running a container

	// The container.
	const char *image;   // a reference (tools/image/source/source.h); NULL: the built-in one
	const char *images;  // LINUXRUN_IMAGES: those that apps may run; NULL: none
	struct arguments config_options;  // of `starina-image config`
	uint64_t guest_memory;            // bytes of its VM; 0: the OS's default
	unsigned guest_cpus;              // of its VM; 0: the OS's default
	unsigned cpu_share;               // of these, in thousandths of one; 0: all
	struct published_ports ports;
	struct published_ports app_ports;  // of apps of the OS
	struct volumes volumes;            // opened by volumes_open()
	uint64_t disk;          // bytes of the disk with the writable layer; 0: not given
	const char *disk_file;  // where it is kept; NULL: it is not
	bool terminal;          // the container gets one
	bool terminal_input;    // and ours is its other end
	const char *kernel;     // another guest kernel; NULL: ours

	// seconds from the first signal to SIGKILL, or STOP_FOREVER
	uint32_t stop_timeout;
	const char *name;     // of the container; NULL: none
	const char *cidfile;  // gets the container's id; NULL: none
	bool no_network;      // but the loopback interface
	unsigned attached;    // ATTACH_
};

// Reads `argv` and the environment. The strings are theirs. Released by settings_deinit(), also
// after -1 with `err`, which names the setting that is wrong, its value and what is allowed.
int settings_read(struct settings *settings, int argc, char **argv, struct error *err);
void settings_deinit(struct settings *settings);

// What is the container's own (container_settings.c, volume_settings.c, docker_settings.c,
// capability_settings.c); part of settings_read().
int container_settings_read(struct settings *settings, struct error *err);
int volume_settings_read(struct settings *settings, struct error *err);
int docker_settings_read(struct settings *settings, struct error *err);
int capability_settings_read(struct settings *settings, struct error *err);

// --engine, and what cannot be beside it (engine_settings.c); part of settings_read().
int engine_settings_read(struct settings *settings, struct error *err);

// Adds the volumes of the packed image in the directory `image` (NULL: none) if there is to be a
// state disk, and says what is mounted where to `config_options`. Once, after settings_read(). -1
// with `err`.
int volume_settings_finish(struct settings *settings, const char *image, struct error *err);

// Gives the container a number of CPUs, in thousandths, that `option` asks for. -1 with `err`.
int cpu_share_set(struct settings *settings, const struct option *option, unsigned thousandths,
                  struct error *err);

// Takes the host's ports for the container and for apps (ports_reserve() in
// tools/run/settings/published_ports.h), until settings_release_ports().
int settings_reserve_ports(struct settings *settings, struct error *err);
void settings_release_ports(struct settings *settings);

// Checks that the emulator is there and new enough.
int settings_check_qemu(const struct settings *settings, struct error *err);

// Checks that the host port is free; 0 is replaced by a free one.
int settings_check_port(struct settings *settings, struct error *err);
