// SPDX-License-Identifier: MIT
//
// The service "apps", provided by the app manager: apps that are loaded, started, replaced and
// stopped while the system runs.
//
// A file (docs/app-format.md) is loaded under the name of its spec. The app of that name may run
// once as itself ("greeter"), and any number of times as instances ("greeter.1"), unless it
// provides services: then only as itself. Each request is answered by one apps_result (a list: by
// apps_listed, or apps_result when it failed) with its id. Answers may come in another order than
// requests.
#pragma once

#include "libs/abi/app.h"
#include "libs/abi/message.h"

// Loaded apps and instances, all together.
#define APPS_MAX 512u
// Of the text of an answer.
#define APPS_TEXT_MAX 208u
// Handles that are given to an instance at its start: all that fit into the request.
#define APPS_MAX_GIVEN 4u

// Started at once, as itself.
#define APPS_LOAD_START (1u << 0)
// An app of that name that is there already is replaced: the new version takes over its services,
// and runs if the old one did. If it ends before it first waits for something (but with status 0,
// when it provides nothing), or does not provide what the old one did, the old one is back, and the
// answer says why. Without this flag a name that is there is ERR_EXISTS.
#define APPS_LOAD_REPLACE (1u << 1)

// One handle: the folio with the file, at its start. The manager makes a copy.
// tail: configuration of its start, as of apps_start.
struct msg_apps_load {
	uint32_t id;
	uint32_t flags;  // APPS_LOAD_*
	uint64_t size;   // bytes of the file
};

// Started as an instance, NAME.N, whose name is in the answer.
#define APPS_START_INSTANCE (1u << 0)

// Handles: given to the app; its environment has them as ENV_GIVEN, named "0", "1", ... They are
// gone with its first run: one that is started again has none.
// tail: configuration, lines "NAME=VALUE"; what it does not name is as the spec says. The limits of
// 0 are the spec's; others may only be smaller.
struct msg_apps_start {
	uint32_t id;
	uint32_t flags;  // APPS_START_*
	char name[APP_NAME_MAX];
	uint64_t memory_limit;  // bytes of folios
	uint64_t kernel_limit;  // bytes of kernel memory
	uint32_t handle_limit;
	uint32_t thread_limit;
};

// Forgotten, too, with all its instances.
#define APPS_STOP_UNLOAD (1u << 0)

// Ends the app or instance; it is not started again. Answered once it has ended.
struct msg_apps_stop {
	uint32_t id;
	uint32_t flags;  // APPS_STOP_*
	char name[APP_NAME_MAX];
};

struct msg_apps_list {
	uint32_t id;
	uint32_t reserved;
};

enum apps_state {
	APPS_LOADED = 0,  // does not run: never started, stopped, or ended for good
	APPS_RUNNING = 1,
	APPS_WAITING = 2,  // ended, to be started again
	APPS_ENDING = 3,
};

struct apps_entry {
	char name[APP_NAME_MAX];
	uint32_t state;  // enum apps_state
	uint32_t restarts;
	uint32_t end;      // enum process_end, of the last run
	int32_t status;    // of the last run
	uint64_t memory;   // bytes of folios in use
	uint32_t handles;  // in use
	uint32_t threads;
	uint64_t file_size;
	char provides[APP_MAX_PROVIDES][ENV_NAME_MAX];
};

// One handle, unless `count` is 0: a folio of as many struct apps_entry.
struct msg_apps_listed {
	uint32_t id;
	uint32_t count;
};

// From now on each change of an app's state is told by apps_event.
struct msg_apps_watch {
	uint32_t id;
	uint32_t reserved;
};

// tail: what happened, for people; a client that does not take its events loses some.
struct msg_apps_event {
	uint32_t id;     // of apps_watch
	uint32_t state;  // enum apps_state
	char name[APP_NAME_MAX];
};

// tail: what is wrong and what to do, for people; or what was done.
struct msg_apps_result {
	uint32_t id;
	int32_t error;
	char name[APP_NAME_MAX];  // of the app or instance; may be ""
};

#define APPS_MESSAGES(X)                                         \
	X(APPS_LOAD, apps_load, 96, 1, UTF8)                     \
	X(APPS_START, apps_start, 97, MESSAGE_MAX_HANDLES, UTF8) \
	X(APPS_STOP, apps_stop, 98, 0, NONE)                     \
	X(APPS_LIST, apps_list, 99, 0, NONE)                     \
	X(APPS_LISTED, apps_listed, 100, 1, NONE)                \
	X(APPS_WATCH, apps_watch, 101, 0, NONE)                  \
	X(APPS_EVENT, apps_event, 102, 0, UTF8)                  \
	X(APPS_RESULT, apps_result, 103, 0, UTF8)

enum { APPS_MESSAGES(MESSAGE_NUMBER) };
APPS_MESSAGES(MESSAGE_DECODER)
APPS_MESSAGES(MESSAGE_ENCODER)
