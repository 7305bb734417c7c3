// SPDX-License-Identifier: MIT
//
// Between the files that move apps from state to state.
#pragma once

#include "apps/app_manager/manager.h"

// CLOCK_MONOTONIC.
nsec_t apps_now(void);
// Whether it has a process, which may have ended a moment ago.
bool app_runs(const struct app *app);
// An app of the name, in the list. `program` is taken. NULL: no memory, or there are APPS_MAX.
struct app *app_make(const char *name, struct program *program);
// Closes what it was to be given.
void app_drop_given(struct app *app);
// Forgets it; it does not run.
void app_free(struct app *app);
// When the timer is to look at it again.
void app_set_due(struct app *app, nsec_t due);
// Changes it, keeps it, and tells who watches.
void app_set_state(struct app *app, enum apps_state state, const char *text);
// Starts it; `text` says why not. Errors: launch's.
__must_check error_t app_start_now(struct app *app, char *text);
// The same, tried again later when it fails.
error_t app_start_again(struct app *app);
// Has it end.
void app_end(struct app *app);
// How it has ended, for people.
const char *app_describe_end(const struct app *app, char *text, size_t size);
// Whether instances of it are there.
bool apps_has_instances(const struct app *app);

// --- Replacement (replace.c) ---

// The version that was to be replaced has ended.
void replace_old_ended(struct app *app);
// The new one has, before it was taken for good.
void replace_new_ended(struct app *app);
// Whether the new one can be taken for good now.
void replace_look(struct app *app);
// Puts `program` (consumed) in the place of what `app` is. Answers `asked`.
void replace_begin(struct request asked, struct app *app, struct program *program, bool start,
                   const struct settings *settings);
