// SPDX-License-Identifier: MIT
//
// Requests that bring an app or start one: what is wrong with them is found before anything is
// done.
#include "apps/app_manager/apps_private.h"
#include "apps/app_manager/matching.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// --- What is there, for matching.c ---

static const struct settings *asked_settings;

static const char *find_provider(const char *service, int *runs)
{
	handle_t connector;

	list_for_each(pos, &manager_apps) {
		const struct app *app = container_of(pos, struct app, entry);

		if (app->of == NULL && match_is_provided(&app->program->file.spec, service)) {
			*runs = app->state == APPS_RUNNING || app->state == APPS_WAITING;
			return app->name;
		}
	}
	if (launcher_connector(manager_launcher, service, strlen(service), &connector) != 0)
		return NULL;
	handle_close(connector);
	*runs = 1;
	return "an app of the image";
}

static const char *find_service(size_t index)
{
	list_for_each(pos, &manager_apps) {
		const struct app *app = container_of(pos, struct app, entry);
		const struct app_spec *spec = &app->program->file.spec;

		for (size_t k = 0;
		     app->of == NULL && k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++) {
			if (index-- == 0)
				return spec->provides[k];
		}
	}
	return NULL;
}

static const char *find_config(const char *name)
{
	static char value[ENV_VALUE_MAX];

	return match_config_value(asked_settings->config, asked_settings->config_len, name, value,
	                          sizeof(value))
		? value
		: NULL;
}

static const struct match_world world = { .provider = find_provider,
	                                  .service = find_service,
	                                  .config = find_config };

static error_t check_start(const struct app_spec *spec, const struct settings *settings, char *text)
{
	error_t error =
		match_config(spec, settings->config, settings->config_len, text, APPS_TEXT_MAX);

	asked_settings = settings;
	return error != 0 ? error : match_needs(spec, &world, text, APPS_TEXT_MAX);
}

// --- Load ---

static error_t check_load(const struct program *program, const struct app *there, uint32_t flags,
                          const struct settings *settings, char *text)
{
	const struct app_spec *spec = &program->file.spec;
	bool starts = (flags & APPS_LOAD_START) != 0 || (there != NULL && app_runs(there));
	error_t error;

	if (there != NULL && (flags & APPS_LOAD_REPLACE) == 0) {
		fmt_write(text, APPS_TEXT_MAX,
		          "there is an app '%s' already: replace it, or unload it", spec->name);
		return ERR_EXISTS;
	}
	if (there != NULL && (there->stopping || there->unloading || there->replacing)) {
		fmt_write(text, APPS_TEXT_MAX, "'%s' is being stopped or replaced: try again",
		          spec->name);
		return ERR_BAD_STATE;
	}
	error = launch_check_runtime(program, text);
	if (error == 0)
		error = match_provides(spec, &world, text, APPS_TEXT_MAX);
	if (error == 0 && there != NULL)
		error = match_replaces(spec, &there->program->file.spec, text, APPS_TEXT_MAX);
	if (error == 0 && starts)
		error = check_start(spec,
		                    settings->config_len == 0 && there != NULL ? &there->settings
		                                                               : settings,
		                    text);
	return error;
}

// Makes the app of a name that is not there yet. NULL: `text` says why.
static struct app *add_app(struct program *program, const struct settings *settings, char *text)
{
	struct app *app = app_make(program->file.spec.name, program);

	if (app == NULL) {
		fmt_write(text, APPS_TEXT_MAX,
		          "there are %u apps already, or no memory for another", APPS_MAX);
		program_put(program);
		return NULL;
	}
	app->settings = *settings;
	if (launch_make_services(app, text) != 0) {
		app_free(app);
		return NULL;
	}
	keep_program(app);
	keep_services(app);
	app_set_state(app, APPS_LOADED, "loaded");
	log_info("%s: loaded, %lu bytes", app->name, (unsigned long)program->size);
	return app;
}

void apps_load(struct request asked, struct program *program, uint32_t flags,
               const struct settings *settings)
{
	struct app *app = apps_find(program->file.spec.name);
	char text[APPS_TEXT_MAX] = "";
	error_t error = check_load(program, app, flags, settings, text);

	if (error != 0) {
		request_answer(asked, error, program->file.spec.name, text);
		program_put(program);
		return;
	}
	if (app != NULL) {
		replace_begin(asked, app, program, (flags & APPS_LOAD_START) != 0, settings);
		return;
	}
	app = add_app(program, settings, text);
	if (app == NULL) {
		request_answer(asked, ERR_NO_MEMORY, "", text);
		return;
	}
	if ((flags & APPS_LOAD_START) == 0) {
		request_answer(asked, 0, app->name, "loaded");
		return;
	}
	error = app_start_now(app, text);
	request_answer(asked, error, app->name, error == 0 ? "loaded and started" : text);
	if (error != 0)
		app_free(app);
}

// --- Start ---

static struct app *add_instance(struct app *app)
{
	struct app *instance;
	char name[2 * APP_NAME_MAX];

	if (fmt_write(name, sizeof(name), "%s.%u", app->name, app->num_instances + 1) >=
	    APP_NAME_MAX)
		return NULL;
	instance = app_make(name, app->program);
	if (instance == NULL)
		return NULL;
	app->num_instances++;
	keep_save(app);
	app->program->users++;
	instance->of = app;
	keep_program(instance);
	return instance;
}

static error_t check_state(const struct app *app, bool instance, char *text)
{
	if (instance && app->program->file.spec.provides[0] != NULL) {
		fmt_write(text, APPS_TEXT_MAX,
		          "'%s' provides services, so it can run only once: start it without an "
		          "instance",
		          app->name);
		return ERR_NOT_SUPPORTED;
	}
	if (app->of != NULL || app->unloading || app->replacing != REPLACE_NOT ||
	    (!instance && (app->stopping || app_runs(app)))) {
		fmt_write(text, APPS_TEXT_MAX,
		          app->of != NULL         ? "'%s' is an instance: start its app"
		                  : app_runs(app) ? "'%s' runs already"
		                                  : "'%s' is being stopped or replaced: try again",
		          app->name);
		return ERR_BAD_STATE;
	}
	return 0;
}

static void give(struct app *app, const handle_t *given, uint32_t num_given)
{
	app->num_given = num_given;
	for (uint32_t k = 0; k < num_given; k++)
		app->given[k] = given[k];
}

void apps_start(struct request asked, struct app *app, bool instance,
                const struct settings *settings, const handle_t *given, uint32_t num_given)
{
	char text[APPS_TEXT_MAX] = "";
	struct app *started = app;
	error_t error = check_state(app, instance, text);

	if (error == 0)
		error = check_start(&app->program->file.spec, settings, text);
	if (error == 0 && instance) {
		started = add_instance(app);
		if (started == NULL) {
			error = ERR_LIMIT;
			fmt_write(
				text, sizeof(text),
				"no room for another instance of '%s': there are %u apps at most, "
				"with names of %d bytes",
				app->name, APPS_MAX, APP_NAME_MAX - 1);
		}
	}
	if (error != 0) {
		for (uint32_t k = 0; k < num_given; k++)
			handle_close(given[k]);
		request_answer(asked, error, app->name, text);
		return;
	}
	started->settings = *settings;
	started->restarts = 0;
	started->due = NSEC_NEVER;
	give(started, given, num_given);
	error = app_start_now(started, text);
	request_answer(asked, error, started->name, error == 0 ? "started" : text);
	app_drop_given(started);
	if (error != 0 && instance)
		app_free(started);
	else if (error != 0 && started->state == APPS_WAITING)
		app_set_due(started, apps_now() + started->backoff);
}
