// SPDX-License-Identifier: MIT
#include "kernel/startup/services.h"

#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/object/look.h"
#include "kernel/object/process.h"
#include "kernel/object/service.h"
#include "kernel/object/system.h"
#include "kernel/object/thread.h"
#include "kernel/object/trace.h"
#include "kernel/sched/work.h"
#include "kernel/startup/environ.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

// An app that ends again and again is started after 5 ms, 10 ms, ... 100 ms: often enough for its
// clients, seldom enough to leave the machine to the others. After a second of life it begins anew.
#define BACKOFF_FIRST (5 * NSEC_PER_MSEC)
#define BACKOFF_MAX (100 * NSEC_PER_MSEC)
#define BACKOFF_RESET NSEC_PER_SEC

struct app {
	const struct app_image *image;
	bool blocked;
	bool restarting;      // it has ended, and is to be started again; atomic
	error_t start_error;  // of the last start
	uint32_t last_end;    // enum look_end
	int32_t last_status;
	uint32_t restarts;
	nsec_t backoff;
	nsec_t started_at;
	struct timer_node restart_timer;
	struct work restart_work;
	// Guarded by services_lock.
	struct process *process;  // a reference; NULL: does not run
	bool busy;                // is being started
};

static struct spinlock services_lock = { .rank = LOCK_RANK_SERVICE };
static struct app apps[MAX_APPS];
static size_t num_apps;

static struct app *find_app(const char *name)
{
	for (size_t i = 0; i < num_apps; i++) {
		if (strcmp(apps[i].image->spec->name, name) == 0)
			return &apps[i];
	}
	return NULL;
}

static struct app *app_of(const struct process *process)
{
	for (size_t i = 0; i < num_apps; i++) {
		if (apps[i].image == process->image)
			return &apps[i];
	}
	return NULL;
}

// --- Ends and restarts ---

static bool wants_restart(const struct app *app, const struct process *process)
{
	bool failed = process->end != PROCESS_END_EXIT || process->status != 0;

	switch (app->image->spec->restart) {
	case RESTART_NEVER: return false;
	case RESTART_ON_FAULT: return failed;
	case RESTART_ALWAYS: return true;
	}
	return false;
}

// From the worker: the process has been taken apart.
static void app_ended(struct process *process)
{
	struct app *app = app_of(process);
	nsec_t now = arch_clock_now();

	spin_lock(&services_lock);
	app->process = NULL;
	spin_unlock(&services_lock);
	process_log_end(process);
	app->last_end = LOOK_END_EXIT + (uint32_t)process->end;
	app->last_status = process->status;
	if (wants_restart(app, process)) {
		if (now - app->started_at > BACKOFF_RESET || app->backoff == 0)
			app->backoff = BACKOFF_FIRST;
		else
			app->backoff = app->backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX
								      : app->backoff * 2;
		app->restarts++;
		kinfo("%s: to be started again in %lu ms", process->name,
		      (unsigned long)(app->backoff / NSEC_PER_MSEC));
		store_relaxed(&app->restarting, true);
		timer_node_arm(&app->restart_timer, now + app->backoff);
	}
	object_put(&process->object);
}

static void restart_due(struct timer_node *node)
{
	work_post(&container_of(node, struct app, restart_timer)->restart_work);
}

// --- Starting ---

static uint64_t limit_or(uint64_t value, uint64_t fallback)
{
	return value != 0 ? value : fallback;
}

static error_t launch(struct app *app, struct process **out)
{
	const struct app_spec *spec = app->image->spec;
	const struct app_spec *program = app_image_program(app->image)->spec;
	struct process *process;
	struct thread *thread;
	error_t error;

	if (app->image->user == NULL)
		app_image_restore(app->image);
	error = process_create(spec->name, app->image,
	                       (uint32_t)limit_or(spec->handle_limit, APP_DEFAULT_HANDLES),
	                       limit_or(spec->memory_limit, APP_DEFAULT_MEMORY), &process);
	if (error != 0)
		return error;
	process->restarts = app->restarts;
	process->last_end = app->last_end;
	process->last_status = app->last_status;
	error = environ_build(process, spec);
	if (error == 0)
		error = thread_create_app(process, (void (*)(void *))program->main,
		                          (void *)process->env_addr,
		                          limit_or(spec->stack_size, program->stack_size), &thread);
	if (error != 0) {
		// Without `ended`, so that it is not an end of the app.
		(void)process_end_begin(process, PROCESS_END_KILLED, 0);
		object_put(&process->object);
		return error;
	}
	process->env->stack_size = thread->app_stack_size;
	process->ended = app_ended;
	app->started_at = arch_clock_now();
	object_get(&process->object);
	spin_lock(&services_lock);
	app->process = process;
	spin_unlock(&services_lock);
	store_relaxed(&app->restarting, false);
	environ_open_services(spec, process->id);
	system_note_first_app();
	trace_seldom(LOOK_APP_START, process->id, 0);
	sched_wake(thread);
	*out = process;
	return 0;
}

// `*out` is a reference for the caller.
static error_t start_app(struct app *app, struct process **out)
{
	error_t error = 0;

	spin_lock(&services_lock);
	if (app->process != NULL || app->busy || app->blocked)
		error = ERR_BAD_STATE;
	else
		app->busy = true;
	spin_unlock(&services_lock);
	if (error != 0)
		return error;
	error = launch(app, out);
	// Tried again and again, it says the same only once.
	if (error != 0 && error != app->start_error)
		kerror("%s: cannot be started: error %d", app->image->spec->name, error);
	app->start_error = error;
	spin_lock(&services_lock);
	app->busy = false;
	spin_unlock(&services_lock);
	return error;
}

static void restart(struct work *work)
{
	struct app *app = container_of(work, struct app, restart_work);
	struct process *process;
	error_t error = start_app(app, &process);

	if (error == 0) {
		object_put(&process->object);
	} else if (error != ERR_BAD_STATE) {
		// Out of memory, which others may give back. ERR_BAD_STATE: somebody else has
		// started it.
		app->backoff = BACKOFF_MAX;
		timer_node_arm(&app->restart_timer, arch_clock_now() + app->backoff);
	}
}

error_t services_start_app(const char *name, struct process **out)
{
	struct app *app = find_app(name);

	return app == NULL ? ERR_NOT_FOUND : start_app(app, out);
}

error_t services_find_process(const char *name, struct process **out)
{
	struct app *app = find_app(name);
	error_t error = ERR_NOT_FOUND;

	if (app == NULL)
		return error;
	spin_lock(&services_lock);
	if (app->process != NULL) {
		object_get(&app->process->object);
		*out = app->process;
		error = 0;
	}
	spin_unlock(&services_lock);
	return error;
}

// Who runs in user mode.
static void log_isolation(void)
{
	char names[256];
	size_t len = 0;

	for (size_t i = 0; i < num_app_images && len < sizeof(names); i++) {
		if (app_images[i].user != NULL && app_images[i].spec->is_runtime == 0)
			len += fmt_write(names + len, sizeof(names) - len, "%s%s",
			                 len > 0 ? ", " : "", app_images[i].spec->name);
	}
	if (len > 0)
		kinfo("in user mode: %s", names);
}

void services_start(void)
{
	static struct services_plan plan;
	struct process *process;

	if (services_make_plan(app_images, num_app_images, &plan) != 0)
		panic("%s", plan.message);
	num_apps = plan.num_apps;
	log_isolation();
	for (size_t i = 0; i < num_apps; i++) {
		apps[i] =
			(struct app){ .image = &app_images[i], .blocked = plan.blocked[i] != NULL };
		timer_node_init(&apps[i].restart_timer, restart_due);
		work_init(&apps[i].restart_work, restart);
		if (!apps[i].blocked && environ_create_services(app_images[i].spec) != 0)
			panic("no memory for the app '%s'", app_images[i].spec->name);
	}
	for (size_t i = 0; i < num_apps; i++) {
		struct app *app = &apps[plan.order[i]];

		if (!app->blocked && start_app(app, &process) == 0)
			object_put(&process->object);
	}
}

// --- Looking ---

static void describe_app(struct app *app, struct look_app *record)
{
	const struct app_spec *spec = app->image->spec;

	*record = (struct look_app){
		.flags = app->image->user != NULL ? LOOK_USER_MODE : 0,
		.restart = (uint32_t)spec->restart,
		.restarts = app->restarts,
		.last_end = app->last_end,
		.last_status = app->last_status,
		.handle_limit = (uint32_t)limit_or(spec->handle_limit, APP_DEFAULT_HANDLES),
		.memory_limit = limit_or(spec->memory_limit, APP_DEFAULT_MEMORY),
	};
	str_copy(record->name, spec->name, sizeof(record->name));
	for (size_t k = 0; k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++)
		str_copy(record->provides[k], spec->provides[k], sizeof(record->provides[k]));
	for (size_t k = 0; k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++) {
		record->needs[k].kind = (uint32_t)spec->needs[k].kind;
		record->needs[k].optional = spec->needs[k].optional != 0 ? 1 : 0;
		if (spec->needs[k].name != NULL)
			str_copy(record->needs[k].name, spec->needs[k].name,
			         sizeof(record->needs[k].name));
	}
	spin_lock(&services_lock);
	record->process = app->process != NULL ? app->process->id : 0;
	spin_unlock(&services_lock);
	if (record->process != 0)
		record->state = LOOK_APP_RUNNING;
	else if (app->blocked)
		record->state = LOOK_APP_BLOCKED;
	else
		record->state = __atomic_load_n(&app->restarting, __ATOMIC_RELAXED)
			? LOOK_APP_RESTARTING
			: LOOK_APP_ENDED;
}

error_t look_tell_apps(uint64_t argument, struct look_out *out)
{
	error_t error = argument != 0 ? ERR_RANGE : 0;

	for (size_t i = 0; i < num_apps && error == 0; i++) {
		struct look_app record;

		if (apps[i].image->spec->is_runtime != 0)
			continue;
		describe_app(&apps[i], &record);
		error = look_put(out, &record, sizeof(record));
	}
	return error;
}
