// SPDX-License-Identifier: MIT
//
// The table of apps, and what becomes of them: starts, ends, restarts, replacements.
#include "apps/app_manager/apps_private.h"
#include "apps/app_manager/matching.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// As the kernel restarts apps of the image.
#define BACKOFF_FIRST (5 * NSEC_PER_MSEC)
#define BACKOFF_MAX (100 * NSEC_PER_MSEC)
#define BACKOFF_RESET NSEC_PER_SEC

struct list manager_apps = { &manager_apps, &manager_apps };

static handle_t timer;
static struct source timer_source;

nsec_t apps_now(void)
{
	nsec_t now = 0;

	assert(clock_get(CLOCK_MONOTONIC, &now) == 0);
	return now;
}

struct app *apps_find(const char *name)
{
	list_for_each(pos, &manager_apps) {
		struct app *app = container_of(pos, struct app, entry);

		if (strcmp(app->name, name) == 0)
			return app;
	}
	return NULL;
}

bool app_runs(const struct app *app)
{
	return app->process != HANDLE_NONE;
}

// --- The timer: the next of all apps' ---

static void arm_timer(void)
{
	nsec_t next = NSEC_NEVER;

	list_for_each(pos, &manager_apps) {
		const struct app *app = container_of(pos, struct app, entry);

		if (app->due < next)
			next = app->due;
	}
	assert(timer_set(timer, next) == 0);
}

void app_set_due(struct app *app, nsec_t due)
{
	app->due = due;
	arm_timer();
}

static void timer_expired(struct loop *loop, struct source *source)
{
	nsec_t now = apps_now();

	(void)loop;
	(void)source;
	list_for_each_safe(pos, &manager_apps)
	{
		struct app *app = container_of(pos, struct app, entry);

		if (app->due > now)
			continue;
		app->due = NSEC_NEVER;
		if (app->replacing == REPLACE_SETTLING)
			replace_look(app);
		else if (app->state == APPS_WAITING)
			(void)app_start_again(app);
	}
	arm_timer();
}

static const struct source_ops timer_ops = { .signalled = timer_expired };

error_t apps_init(void)
{
	error_t error = timer_create(&timer);

	return error != 0 ? error : loop_add(&manager_loop, &timer_source, timer, &timer_ops, NULL);
}

// --- Apps come and go ---

struct app *app_make(const char *name, struct program *program)
{
	struct app *app = heap_alloc(sizeof(*app));
	uint32_t index = app != NULL ? keep_new_index() : KEEP_NO_INDEX;

	if (index == KEEP_NO_INDEX) {
		heap_free(app);
		return NULL;
	}
	app->index = index;
	app->due = NSEC_NEVER;
	app->program = program;
	str_copy(app->name, name, sizeof(app->name));
	list_push_back(&manager_apps, &app->entry);
	return app;
}

struct app *apps_restored(const char *name, uint32_t index)
{
	struct app *app = heap_alloc(sizeof(*app));

	if (app == NULL)
		return NULL;
	app->index = index;
	app->due = NSEC_NEVER;
	str_copy(app->name, name, sizeof(app->name));
	list_push_back(&manager_apps, &app->entry);
	return app;
}

void app_drop_given(struct app *app)
{
	for (uint32_t k = 0; k < app->num_given; k++)
		handle_close(app->given[k]);
	app->num_given = 0;
}

void app_free(struct app *app)
{
	keep_forget(app);
	list_remove(&app->entry);
	for (uint32_t k = 0; k < APP_MAX_PROVIDES; k++)
		handle_close(app->provided[k].connector);
	app_drop_given(app);
	program_put(app->program);
	program_put(app->old);
	heap_free(app);
}

void app_set_state(struct app *app, enum apps_state state, const char *text)
{
	app->state = state;
	keep_save(app);
	request_tell(app, text);
}

// --- Starts ---

static void process_closed(struct loop *loop, struct source *source);
static const struct source_ops process_ops = { .closed = process_closed };

static error_t watch_process(struct app *app)
{
	return loop_add(&manager_loop, &app->source, app->process, &process_ops, app);
}

error_t app_start_now(struct app *app, char *text)
{
	error_t error = launch(app, text);

	if (error != 0)
		return error;
	error = watch_process(app);
	if (error != 0) {
		// It would never be seen to end.
		launch_kill(app);
		handle_close(app->process);
		app->process = HANDLE_NONE;
		fmt_write(text, APPS_TEXT_MAX, "no memory to watch '%s'", app->name);
		return error;
	}
	app->num_given = 0;
	app->started_at = apps_now();
	app_set_state(app, APPS_RUNNING, "started");
	return 0;
}

error_t app_start_again(struct app *app)
{
	char text[APPS_TEXT_MAX];
	error_t error = app_start_now(app, text);

	if (error != 0) {
		// Out of memory, which others may give back.
		log_warn("%s", text);
		app->backoff = BACKOFF_MAX;
		app_set_due(app, apps_now() + BACKOFF_MAX);
	}
	return error;
}

// --- Ends ---

const char *app_describe_end(const struct app *app, char *text, size_t size)
{
	if (app->end == PROCESS_END_FAULT)
		fmt_write(text, size, "a fault; the log has its backtrace");
	else if (app->end == PROCESS_END_KILLED)
		fmt_write(text, size, "killed");
	else
		fmt_write(text, size, "it ended with status %d", app->status);
	return text;
}

static bool wants_restart(const struct app *app)
{
	bool failed = app->end != PROCESS_END_EXIT || app->status != 0;

	switch (app->program->file.spec.restart) {
	case RESTART_NEVER: return false;
	case RESTART_ON_FAULT: return failed;
	case RESTART_ALWAYS: return true;
	}
	return false;
}

static void wait_for_restart(struct app *app)
{
	nsec_t now = apps_now();

	if (now - app->started_at > BACKOFF_RESET || app->backoff == 0)
		app->backoff = BACKOFF_FIRST;
	else
		app->backoff = app->backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX : app->backoff * 2;
	app->restarts++;
	app_set_due(app, now + app->backoff);
	app_set_state(app, APPS_WAITING, "ended, to be started again");
}

// Of an app that is unloaded nothing is left once neither it nor its instances run.
static void finish_unload(struct app *app)
{
	struct request asked = app->asked;
	char name[APP_NAME_MAX];

	if (!app->unloading || app_runs(app) || apps_has_instances(app))
		return;
	str_copy(name, app->name, sizeof(name));
	app_set_state(app, APPS_LOADED, "unloaded");
	app_free(app);
	request_answer(asked, 0, name, "unloaded");
}

// It is not to be started again; an instance is gone then.
static void settle_end(struct app *app)
{
	struct app *of = app->of;
	struct request asked = app->asked;

	app->stopping = false;
	app_set_state(app, APPS_LOADED, "ended");
	if (app->unloading) {
		finish_unload(app);
		return;
	}
	app->asked.client = NULL;
	request_answer(asked, 0, app->name, "stopped");
	if (of != NULL) {
		app_free(app);
		finish_unload(of);
	}
}

static void process_closed(struct loop *loop, struct source *source)
{
	struct app *app = source->context;
	struct process_info info = { 0 };

	if (process_info(app->process, &info) != 0)
		info.end = PROCESS_END_KILLED;
	app->end = info.end;
	app->status = info.status;
	loop_close(loop, source);
	app->process = HANDLE_NONE;
	keep_process(app);
	if (app->replacing == REPLACE_ENDING_OLD)
		replace_old_ended(app);
	else if (app->replacing == REPLACE_SETTLING)
		replace_new_ended(app);
	else if (!app->stopping && wants_restart(app))
		wait_for_restart(app);
	else
		settle_end(app);
}

bool apps_has_instances(const struct app *app)
{
	list_for_each(pos, &manager_apps) {
		if (container_of(pos, struct app, entry)->of == app)
			return true;
	}
	return false;
}

void app_end(struct app *app)
{
	app->due = NSEC_NEVER;
	launch_kill(app);
	app_set_state(app, APPS_ENDING, "is ended");
}

// Ends it, or sees that it has: it is not started again.
static void stop_one(struct app *app)
{
	app->stopping = true;
	if (app_runs(app))
		app_end(app);
	else
		settle_end(app);
}

// --- After the manager was restarted ---

static void resume(struct app *app)
{
	bool was_replaced = app->replacing != REPLACE_NOT;

	app->replacing = REPLACE_NOT;
	app->started_at = apps_now();
	if (app_runs(app) && watch_process(app) != 0)
		log_error("%s: no memory to watch it", app->name);
	// Of a replacement only the old version was kept. It runs again if it did.
	if (was_replaced) {
		launch_drop_services(app);
		keep_services(app);
	}
	if (was_replaced && !app->old_ran) {
		app->state = APPS_LOADED;
	} else if (was_replaced && app_runs(app)) {
		app->replacing = REPLACE_ENDING_OLD;
		app->old = app->program;
		app->old_settings = app->settings;
		app->program->users++;
		app_end(app);
		return;
	}
	if (app->of != NULL && !app_runs(app) && app->state == APPS_LOADED) {
		// It had ended for good.
		app_free(app);
	} else if (app_runs(app) && app->state == APPS_LOADED) {
		// It was being stopped.
		app->stopping = true;
		app_end(app);
	} else if (!app_runs(app) && app->state != APPS_LOADED) {
		app->state = APPS_WAITING;
		app_set_due(app, apps_now());
	}
}

void apps_resume(void)
{
	size_t count = 0;

	list_for_each_safe(pos, &manager_apps)
	{
		count++;
		resume(container_of(pos, struct app, entry));
	}
	if (count > 0)
		log_info("found %zu apps that an earlier run had loaded", count);
}

// --- Stop ---

// An app that runs and needs a service of this one. NULL: none.
static const struct app *find_dependent(const struct app *app)
{
	list_for_each(pos, &manager_apps) {
		const struct app *other = container_of(pos, struct app, entry);
		const struct app_spec *spec = &other->program->file.spec;

		for (size_t k = 0; k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++) {
			if (other != app && app_runs(other) && !spec->needs[k].optional &&
			    spec->needs[k].kind == NEED_SERVICE &&
			    match_is_provided(&app->program->file.spec, spec->needs[k].name))
				return other;
		}
	}
	return NULL;
}

static void stop_instances(struct app *app)
{
	list_for_each_safe(pos, &manager_apps)
	{
		struct app *instance = container_of(pos, struct app, entry);

		if (instance->of == app && !instance->stopping)
			stop_one(instance);
	}
}

void apps_stop(struct request asked, struct app *app, bool unload)
{
	const struct app *dependent = unload ? find_dependent(app) : NULL;
	char text[APPS_TEXT_MAX];

	if (app->stopping || app->unloading || app->replacing != REPLACE_NOT) {
		request_answer(asked, ERR_BAD_STATE, app->name,
		               "it is being stopped or replaced: try again");
		return;
	}
	if (dependent != NULL) {
		fmt_write(text, sizeof(text), "the app '%s' needs a service of '%s': stop it first",
		          dependent->name, app->name);
		request_answer(asked, ERR_BAD_STATE, app->name, text);
		return;
	}
	app->asked = asked;
	if (!unload || app->of != NULL) {
		stop_one(app);
		return;
	}
	app->stopping = true;
	app_set_due(app, NSEC_NEVER);
	stop_instances(app);
	if (app_runs(app))
		app_end(app);
	// From now on the last end of these is its own.
	app->unloading = true;
	finish_unload(app);
}

void apps_forget_client(const struct client *client)
{
	list_for_each(pos, &manager_apps) {
		struct app *app = container_of(pos, struct app, entry);

		if (app->asked.client == client)
			app->asked.client = NULL;
	}
}
