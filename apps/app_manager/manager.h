// SPDX-License-Identifier: MIT
//
// The app manager's parts, and what they share. libs/abi/apps.h is the service.
//
// An app is loaded under its name; it may run once as itself, and in instances. What must outlive
// the manager is kept by the kernel (keep.c).
#pragma once

#include <stdbool.h>

#include "libs/abi/apps.h"
#include "libs/abi/launcher.h"
#include "libs/base/list.h"
#include "libs/loader/loader.h"
#include "libs/starina/loop.h"

#define CONFIG_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_apps_load))

// --- Programs (program.c) ---

// A version of an app: the file, and what was read in it.
struct program {
	uint32_t users;
	handle_t folio;  // read-only
	uint64_t size;   // of the file
	const uint8_t *bytes;
	struct app_file file;
};

// Makes one of the first `size` bytes of `folio` (consumed), of which it makes a copy. `text`
// (APPS_TEXT_MAX) says what is wrong. Errors: app_file_read's, ERR_NO_MEMORY, ERR_LIMIT,
// ERR_TOO_LARGE.
__must_check error_t program_load(handle_t folio, uint64_t size, struct program **out, char *text);
// One of a folio that program_load made before (consumed). Errors: as above.
__must_check error_t program_reload(handle_t folio, uint64_t size, struct program **out,
                                    char *text);
// One user less; NULL is fine.
void program_put(struct program *program);

// --- Apps (apps.c) ---

// Who waits for an answer. `client` NULL: nobody.
struct request {
	struct client *client;
	uint32_t id;
};

struct settings {
	uint64_t memory_limit;  // 0: the spec's, as for the others
	uint64_t kernel_limit;
	uint32_t handle_limit;
	uint32_t thread_limit;
	char config[CONFIG_MAX];  // lines NAME=VALUE
	uint32_t config_len;
};

// A service of an app.
struct provided {
	char name[ENV_NAME_MAX];  // "": none
	handle_t connector;       // with CONTROL
};

enum replace_step {
	REPLACE_NOT = 0,
	REPLACE_ENDING_OLD,  // `next` is started when that has ended
	REPLACE_SETTLING,    // the new version runs, and `old` is there
};

// An app, or an instance of one.
struct app {
	struct list entry;
	uint32_t index;  // of its kept places
	char name[APP_NAME_MAX];
	struct app *of;  // of an instance: the app; else NULL
	struct program *program;
	struct provided provided[APP_MAX_PROVIDES];
	struct settings settings;
	handle_t given[APPS_MAX_GIVEN];  // until it is started
	uint32_t num_given;
	uint32_t num_instances;  // made so far

	enum apps_state state;
	bool stopping;  // it is not to be started again when it has ended
	bool unloading;
	handle_t process;
	struct source source;  // the process's end
	nsec_t started_at;
	nsec_t due;  // when it is to be looked at again: a restart, a settling; NSEC_NEVER
	nsec_t backoff;
	uint32_t restarts;
	uint32_t end;  // enum process_end
	int32_t status;

	enum replace_step replacing;
	struct program *old;
	struct settings old_settings;
	bool old_ran;
	struct request asked;  // the stop or replacement under way
};

extern struct loop manager_loop;
extern handle_t manager_launcher;
extern struct list manager_apps;  // struct app

// Errors: as timer_create's.
__must_check error_t apps_init(void);
// NULL: there is none of that name.
struct app *apps_find(const char *name);
// Each of these answers `asked`, now or later. `program` is consumed.
void apps_load(struct request asked, struct program *program, uint32_t flags,
               const struct settings *settings);
void apps_start(struct request asked, struct app *app, bool instance,
                const struct settings *settings, const handle_t *given, uint32_t num_given);
void apps_stop(struct request asked, struct app *app, bool unload);
// A client is gone: nobody waits for its answers.
void apps_forget_client(const struct client *client);
// For keep.c: an app as it was, in the list. NULL: no memory.
struct app *apps_restored(const char *name, uint32_t index);
// Once the fields of all that were restored are filled.
void apps_resume(void);

// --- Starting (launch.c) ---

// Starts app->program with app->settings; app->process is the process. `text` says why not. Errors:
// those of the calls.
__must_check error_t launch(struct app *app, char *text);
// Whether the image has the runtime of the program, if that is a script. Errors: ERR_NOT_FOUND (it
// has none; `text` says so).
__must_check error_t launch_check_runtime(const struct program *program, char *text);
// Ends its process, if that has not ended by itself.
void launch_kill(const struct app *app);
// Makes the services that app->program provides, and that it has not yet. Errors: those of the
// calls.
__must_check error_t launch_make_services(struct app *app, char *text);
// Takes away those that app->program does not provide.
void launch_drop_services(struct app *app);

// --- What is kept (keep.c) ---

#define KEEP_NO_INDEX UINT32_MAX

// A free index; KEEP_NO_INDEX: there are APPS_MAX.
uint32_t keep_new_index(void);
// Keeps what is known of the app. What cannot be kept is logged, and lost with the manager.
void keep_save(struct app *app);
// As it says, and the next two.
void keep_process(const struct app *app);
// See keep_process.
void keep_program(const struct app *app);
// See keep_process.
void keep_services(const struct app *app);
// Nothing of the app is kept any more.
void keep_forget(const struct app *app);
// Finds what an earlier run of the manager has kept.
void keep_restore(void);

// --- Clients (requests.c) ---

// Errors: service_listen's.
__must_check error_t requests_init(handle_t service);
// Answers; `text` may be NULL.
void request_answer(struct request asked, error_t error, const char *name, const char *text);
// Tells who watches.
void request_tell(const struct app *app, const char *text);
