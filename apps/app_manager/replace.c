// SPDX-License-Identifier: MIT
//
// A new version takes the place of an old one: that is ended, and its services go to the new one,
// so that clients see what they see at a restart. The new one is good once it waits for something;
// one that ends before is taken back, unless it has done its work.
#include "apps/app_manager/apps_private.h"
#include "apps/app_manager/matching.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// How often it is looked at, how old it is at least, and when it is good though it never waited.
#define LOOK_EVERY (2 * NSEC_PER_MSEC)
#define GOOD_AFTER (20 * NSEC_PER_MSEC)
#define GOOD_AT_LAST NSEC_PER_SEC

static void answer(struct app *app, error_t error, const char *text)
{
	struct request asked = app->asked;

	app->asked.client = NULL;
	request_answer(asked, error, app->name, text);
}

// --- Back ---

// All is as it was, but that the old version may not run.
static void put_back(struct app *app)
{
	program_put(app->program);
	app->program = app->old;
	app->settings = app->old_settings;
	app->old = NULL;
	app->replacing = REPLACE_NOT;
	launch_drop_services(app);
	keep_services(app);
}

static void take_back(struct app *app, error_t error, const char *why)
{
	char text[APPS_TEXT_MAX];

	put_back(app);
	fmt_write(text, sizeof(text), "the new version was taken back, the old one %s: %s",
	          app->old_ran ? "is there again" : "stays", why);
	log_warn("%s: %s", app->name, text);
	if (app->old_ran && app_start_again(app) != 0)
		app_set_state(app, APPS_WAITING, "to be started again");
	else if (!app->old_ran)
		app_set_state(app, APPS_LOADED, "the new version was taken back");
	answer(app, error, text);
}

// --- Forward ---

static void accept_new(struct app *app)
{
	program_put(app->old);
	app->old = NULL;
	app->replacing = REPLACE_NOT;
	keep_program(app);
	keep_save(app);
	log_info("%s: replaced", app->name);
	request_tell(app, "replaced");
	answer(app, 0, "replaced");
}

void replace_look(struct app *app)
{
	nsec_t age = apps_now() - app->started_at;
	struct process_info info = { 0 };

	if (process_info(app->process, &info) != 0 || info.state == PROCESS_ENDED)
		return;  // its end is on its way
	if ((age >= GOOD_AFTER && info.threads > 0 && info.waiting == info.threads) ||
	    age >= GOOD_AT_LAST)
		accept_new(app);
	else
		app_set_due(app, apps_now() + LOOK_EVERY);
}

// --- Its end ---

// An app that provides nothing may have done its work.
static bool has_done_well(const struct app *app)
{
	const struct app_spec *spec = &app->program->file.spec;

	return app->end == PROCESS_END_EXIT && app->status == 0 && spec->provides[0] == NULL &&
		spec->restart != RESTART_ALWAYS;
}

void replace_new_ended(struct app *app)
{
	char text[APPS_TEXT_MAX];

	if (has_done_well(app)) {
		accept_new(app);
		app_set_state(app, APPS_LOADED, "ended");
		return;
	}
	take_back(app, ERR_REFUSED, app_describe_end(app, text, sizeof(text)));
}

static void start_new(struct app *app)
{
	char text[APPS_TEXT_MAX];
	error_t error = app_start_now(app, text);

	if (error != 0) {
		take_back(app, error, text);
		return;
	}
	app_set_due(app, apps_now() + LOOK_EVERY);
}

void replace_old_ended(struct app *app)
{
	app->replacing = REPLACE_SETTLING;
	start_new(app);
}

// --- The beginning ---

void replace_begin(struct request asked, struct app *app, struct program *program, bool start,
                   const struct settings *settings)
{
	char text[APPS_TEXT_MAX];
	error_t error;

	app->asked = asked;
	app->old = app->program;
	app->old_settings = app->settings;
	app->old_ran = app_runs(app) || app->state == APPS_WAITING;
	app->program = program;
	error = launch_make_services(app, text);
	if (error != 0) {
		put_back(app);
		answer(app, error, text);
		return;
	}
	keep_services(app);
	if (settings->config_len > 0)
		app->settings = *settings;
	app->restarts = 0;
	if (app_runs(app)) {
		app->replacing = REPLACE_ENDING_OLD;
		app_end(app);
	} else if (start || app->old_ran) {
		app->replacing = REPLACE_SETTLING;
		app->due = NSEC_NEVER;
		start_new(app);
	} else {
		accept_new(app);
	}
}
