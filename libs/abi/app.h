// SPDX-License-Identifier: MIT
//
// An app's spec: its whole wiring, one declaration at the end of its main.c. And the environment
// that the kernel makes of it. The build links each app with `ld -r` and keeps only its spec symbol
// global.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libs/abi/handle.h"
#include "libs/abi/time.h"

#define APP_ABI_VERSION 1u
#define APP_NAME_MAX 24  // with the terminating NUL, as all maxima here
#define ENV_NAME_MAX 32
#define ENV_VALUE_MAX 128
#define ENV_MAX_ENTRIES 32
#define APP_MAX_NEEDS 16
#define APP_MAX_PROVIDES 4

// Where a script lies in its process: above its runtime's segments.
#define SCRIPT_ADDRESS 0x10000000ul

enum app_need_kind {
	NEED_SERVICE = 1,  // by name; the environment holds a connector

	// by `compatible`; one entry for each matching device, none is an error unless optional.
	NEED_DEVICE = 2,
	// A virtio-mmio slot has, besides "virtio,mmio", "virtio,deviceN" (N:
	// virtio device id, lowercase hex), as the devicetree binding for virtio
	// devices names them.
	// a boot argument `APP.NAME=VALUE`; `fallback` is used without one, NULL makes it required
	NEED_CONFIG = 3,
	NEED_SYSTEM = 4,    // the system handle: power-off, starting and killing apps
	NEED_LAUNCHER = 5,  // the launcher: makes processes (libs/abi/launcher.h)
	// Kept memory by name: a contiguous folio of `size` bytes, zeroed at first, that belongs to
	// the app and not to its process. Each instance finds in it what the last one wrote, and
	// has it alone: it can be mapped, and neither sent, duplicated nor shown to a guest. It
	// counts to the memory limit. Only apps of the image have it, until the machine goes off.
	NEED_KEPT = 6,
	NEED_LOOK = 7,  // a look handle: what the system does (libs/abi/look.h), and no more
};

struct app_need {
	enum app_need_kind kind;
	const char *name;
	const char *fallback;  // NEED_CONFIG only
	int optional;          // unmet is not an error: its entry in the environment says so
	uint32_t size;         // NEED_KEPT only: bytes, 1 to FOLIO_MAX_CONTIGUOUS
};

enum app_restart {
	RESTART_NEVER = 0,
	RESTART_ON_FAULT = 1,  // fault, assertion, kill, or process_exit(not 0); with back-off
	RESTART_ALWAYS = 2,
};

struct environ;

struct app_spec {
	uint32_t abi_version;
	enum app_restart restart;
	const char *name;
	void (*main)(const struct environ *env);  // NULL with a runtime: it has the main
	size_t memory_limit;    // bytes of folios (heap included); 0 is APP_DEFAULT_MEMORY
	size_t stack_size;      // bytes; 0 is APP_DEFAULT_STACK
	uint32_t handle_limit;  // 0 is APP_DEFAULT_HANDLES
	// not 0: a runtime, in user mode, which runs others' scripts and is not started by itself
	uint32_t is_runtime;
	struct app_need needs[APP_MAX_NEEDS];    // ends at kind 0
	const char *provides[APP_MAX_PROVIDES];  // services by name; ends at NULL
	// The runtime of the image, by its name, whose program this app runs: all of its own is a
	// script. NULL: it has a program of its own.
	const char *runtime;
};

#define APP_DEFAULT_MEMORY (16ul * 1024 * 1024)
#define APP_DEFAULT_STACK (64ul * 1024)
#define APP_DEFAULT_HANDLES 1024u

// APP(echo, .main = echo_main, .provides = {"echo"});
#define APP(id, ...)                                                            \
	const struct app_spec app_spec_##id = { .abi_version = APP_ABI_VERSION, \
		                                .name = #id,                    \
		                                __VA_ARGS__ }

enum env_kind {
	ENV_CONNECTOR = 1,  // handle: connector to the needed service `name`
	ENV_SERVICE = 2,    // handle: the provided service `name`, to accept connections from

	// `name`: the `compatible`; handle: folio of its registers; interrupt: its interrupt
	ENV_DEVICE = 3,
	ENV_CONFIG = 4,    // value
	ENV_SYSTEM = 5,    // handle: the system
	ENV_LAUNCHER = 6,  // handle: the app's launcher
	ENV_GIVEN = 7,     // handle: from who had the app started; `name`: its number
	ENV_KEPT = 8,      // handle: the folio of the kept memory `name`
	ENV_LOOK = 9,      // handle: a look of its own at the system
	ENV_SCRIPT = 10,   // reg_offset: address of the script, which is read-only; reg_size: bytes
};

struct env_entry {
	uint32_t kind;
	handle_t handle;
	handle_t interrupt;  // HANDLE_NONE when the device has none

	// not 0: an optional need that is not met, of which only kind and name are there
	uint32_t unmet;
	// of a device's registers in the folio (its page may hold more than the device)
	uint64_t reg_offset;
	uint64_t reg_size;
	char name[ENV_NAME_MAX];
	char value[ENV_VALUE_MAX];
};

// Lies in the process's own memory for its whole life.
struct environ {
	uint32_t num_entries;
	uint32_t restarts;    // how often this app was restarted before
	uint64_t stack_size;  // of the first thread, in bytes; written by the kernel
	char app_name[APP_NAME_MAX];
	struct env_entry entries[ENV_MAX_ENTRIES];
};
