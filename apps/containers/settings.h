// SPDX-License-Identifier: MIT
//
// What a container is asked to be: the body of Docker's POST /containers/create.
#pragma once

#include <stddef.h>

#include "apps/containers/mount_list.h"
#include "apps/containers/port_list.h"
#include "apps/containers/settings_host.h"
#include "libs/base/span.h"
#include "libs/linux/image/string_list.h"

#define SETTINGS_ERROR_MAX 256u

struct settings {
	// All strings are heap memory, NULL when they are not set.
	char *image;
	char *hostname;
	char *user;
	char *workdir;
	char *stop_signal;
	char *network_mode;
	char *restart_policy;
	char *healthcheck;  // JSON; health_settings.h
	struct string_list entrypoint;
	struct string_list cmd;
	struct string_list env;
	bool has_entrypoint;
	bool has_cmd;
	bool tty;
	bool open_stdin;
	bool stdin_once;
	bool attach_stdin;
	bool attach_stdout;
	bool attach_stderr;
	bool read_only;
	bool auto_remove;
	bool has_stop_timeout;
	int64_t stop_timeout;  // seconds
	int64_t memory;        // bytes; 0: the default
	uint64_t layer_size;   // bytes; 0: the default
	int64_t nano_cpus;     // 10^-9 CPUs; 0: the default
	int64_t restart_max;
	bool publish_all;
	struct port_list exposed;
	struct port_list ports;  // to be published
	struct mount_list mounts;
	struct string_list volumes;       // where there are to be volumes without a name
	struct string_list volumes_from;  // containers, as "NAME" or "NAME:ro"
	char *volume_driver;
	int64_t shm_size;   // bytes; 0: the default
	char *labels;       // JSON
	char *host_config;  // JSON, as it came
	struct host_settings host;
	char *networking;  // NetworkingConfig, JSON, as it came
	char *log_type;
	char *log_options;  // JSON
};

// Reads a body. Errors: ERR_PROTOCOL, ERR_INVALID, with a text for people in `error`, and
// ERR_NO_MEMORY; *settings is empty then.
__must_check error_t settings_parse(struct settings *settings, struct span body,
                                    char error[static SETTINGS_ERROR_MAX]);
// The same of a container that is made; those of before are there with what was not refused then.
__must_check error_t settings_parse_new(struct settings *settings, struct span body,
                                        char error[static SETTINGS_ERROR_MAX]);
// Writes why something is refused, for people. Returns ERR_INVALID.
__attribute__((format(printf, 2, 3))) error_t settings_refuse(char error[static SETTINGS_ERROR_MAX],
                                                              const char *format, ...);
// Frees it; it is empty then.
void settings_deinit(struct settings *settings);
