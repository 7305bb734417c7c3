// SPDX-License-Identifier: MIT
//
// From a program to a process that runs. The environment is made as the kernel makes that of an app
// of the image: what it provides first, then what it needs, in the order of its spec.
#include "apps/app_manager/manager.h"
#include "apps/app_manager/matching.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// As of a process whose options say 0.
#define KERNEL_MEMORY_MIN (4ul * 1024 * 1024)

// --- Services ---

static struct provided *find_provided(struct app *app, const char *service)
{
	for (size_t k = 0; k < APP_MAX_PROVIDES; k++) {
		if (strcmp(app->provided[k].name, service) == 0)
			return &app->provided[k];
	}
	return NULL;
}

error_t launch_make_services(struct app *app, char *text)
{
	const struct app_spec *spec = &app->program->file.spec;

	for (size_t k = 0; k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++) {
		const char *name = spec->provides[k];
		struct provided *provided = find_provided(app, name);
		error_t error;

		if (provided != NULL)
			continue;
		provided = find_provided(app, "");
		assert(provided != NULL);  // a spec names APP_MAX_PROVIDES at most
		error = service_create(manager_launcher, name, strlen(name), &provided->connector);
		if (error != 0) {
			fmt_write(text, APPS_TEXT_MAX,
			          "the service '%s' of '%s' cannot be made: %s", name, app->name,
			          error_text(error));
			return error;
		}
		str_copy(provided->name, name, sizeof(provided->name));
	}
	return 0;
}

void launch_drop_services(struct app *app)
{
	for (size_t k = 0; k < APP_MAX_PROVIDES; k++) {
		struct provided *provided = &app->provided[k];

		if (provided->name[0] == '\0' ||
		    match_is_provided(&app->program->file.spec, provided->name))
			continue;
		handle_close(provided->connector);
		*provided = (struct provided){ 0 };
	}
}

// A connector to the service, for a process to have. Errors: ERR_NOT_FOUND, those of the calls.
static error_t make_connector(const char *service, handle_t *out)
{
	list_for_each(pos, &manager_apps) {
		struct app *app = container_of(pos, struct app, entry);
		const struct provided *provided = find_provided(app, service);

		// Without CONTROL: it connects, and does not provide.
		if (provided != NULL)
			return handle_duplicate(
				provided->connector,
				RIGHT_READ | RIGHT_POLL | RIGHT_TRANSFER | RIGHT_DUPLICATE, out);
	}
	return launcher_connector(manager_launcher, service, strlen(service), out);
}

// --- The environment ---

static error_t add_entry(struct environ *env, enum env_kind kind, const char *name,
                         struct env_entry **out)
{
	if (env->num_entries == ENV_MAX_ENTRIES)
		return ERR_LIMIT;
	*out = &env->entries[env->num_entries++];
	(*out)->kind = (uint32_t)kind;
	str_copy((*out)->name, name, sizeof((*out)->name));
	return 0;
}

static error_t add_provided(const struct app *app, const struct provided *provided,
                            struct environ *env)
{
	struct env_entry *entry;
	error_t error = add_entry(env, ENV_SERVICE, provided->name, &entry);

	return error != 0 ? error
			  : service_provide(provided->connector, app->process, &entry->handle);
}

// A handle moves into the process, or is closed.
static error_t add_handle(const struct app *app, struct environ *env, enum env_kind kind,
                          const char *name, handle_t handle)
{
	struct env_entry *entry;
	error_t error = add_entry(env, kind, name, &entry);

	if (error == 0)
		error = process_grant(app->process, handle, &entry->handle);
	if (error != 0)
		handle_close(handle);
	return error;
}

static error_t add_config(const struct app *app, const struct app_need *need, struct environ *env)
{
	struct env_entry *entry;
	error_t error = add_entry(env, ENV_CONFIG, need->name, &entry);

	if (error != 0)
		return error;
	if (match_config_value(app->settings.config, app->settings.config_len, need->name,
	                       entry->value, sizeof(entry->value)))
		return 0;
	if (need->fallback != NULL)
		str_copy(entry->value, need->fallback, sizeof(entry->value));
	else
		entry->unmet = 1;
	return 0;
}

static error_t add_unmet(const struct app_need *need, struct environ *env)
{
	static const enum env_kind kinds[] = {
		[NEED_SERVICE] = ENV_CONNECTOR, [NEED_DEVICE] = ENV_DEVICE,
		[NEED_CONFIG] = ENV_CONFIG,     [NEED_SYSTEM] = ENV_SYSTEM,
		[NEED_LAUNCHER] = ENV_LAUNCHER, [NEED_KEPT] = ENV_KEPT,
		[NEED_LOOK] = ENV_LOOK
	};
	struct env_entry *entry;
	error_t error = add_entry(env, kinds[need->kind], need->name, &entry);

	if (error == 0)
		entry->unmet = 1;
	return error;
}

static error_t add_need(const struct app *app, const struct app_need *need, struct environ *env)
{
	handle_t connector;
	error_t error;

	if (need->kind == NEED_CONFIG)
		return add_config(app, need, env);
	if (need->kind != NEED_SERVICE)
		return add_unmet(need, env);
	error = make_connector(need->name, &connector);
	if (error == ERR_NOT_FOUND)
		return add_unmet(need, env);
	return error != 0 ? error : add_handle(app, env, ENV_CONNECTOR, need->name, connector);
}

static error_t add_script(const struct app_file *file, struct environ *env)
{
	struct env_entry *entry;
	error_t error = add_entry(env, ENV_SCRIPT, "script", &entry);

	if (error != 0)
		return error;
	entry->reg_offset = file->rodata.address;
	entry->reg_size = file->rodata.size;
	return 0;
}

static error_t make_environ(struct app *app, struct environ *env)
{
	const struct app_spec *spec = &app->program->file.spec;
	error_t error = 0;

	memset(env, 0, sizeof(*env));
	env->restarts = app->restarts;
	str_copy(env->app_name, app->name, sizeof(env->app_name));
	for (size_t k = 0; error == 0 && k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++)
		error = add_provided(app, find_provided(app, spec->provides[k]), env);
	for (size_t k = 0; error == 0 && k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++)
		error = add_need(app, &spec->needs[k], env);
	if (error == 0 && spec->runtime != NULL)
		error = add_script(&app->program->file, env);
	for (uint32_t k = 0; error == 0 && k < app->num_given; k++) {
		char name[ENV_NAME_MAX];
		handle_t given = app->given[k];

		fmt_write(name, sizeof(name), "%u", k);
		app->given[k] = HANDLE_NONE;
		error = add_handle(app, env, ENV_GIVEN, name, given);
	}
	return error;
}

// --- The process ---

static error_t make_process(struct app *app)
{
	const struct app_spec *spec = &app->program->file.spec;
	const struct settings *asked = &app->settings;
	uint64_t memory = match_limit(asked->memory_limit, spec->memory_limit, APP_DEFAULT_MEMORY);
	struct process_options options = {
		.memory_limit = memory,
		.kernel_limit =
			match_limit(asked->kernel_limit, 0,
		                    memory > KERNEL_MEMORY_MIN ? memory : KERNEL_MEMORY_MIN),
		.handle_limit = (uint32_t)match_limit(asked->handle_limit, spec->handle_limit,
		                                      APP_DEFAULT_HANDLES),
		.thread_limit = (uint32_t)match_limit(asked->thread_limit, 0, PROCESS_MAX_THREADS),
	};

	str_copy(options.name, app->name, sizeof(options.name));
	return process_create(manager_launcher, &options, &app->process);
}

static error_t map_segment(const struct app *app, const struct app_segment *segment, uint32_t prot)
{
	const struct program *program = app->program;
	struct process_segment to = { .address = segment->address,
		                      .size = app_segment_pages(segment),
		                      .prot = prot };

	if (segment->size == 0)
		return 0;
	to.length = (prot & PROT_WRITE) != 0 ? segment->bytes.len : to.size;
	if (to.length > 0) {
		to.folio = program->folio;
		to.offset = (uint64_t)(segment->bytes.data - program->bytes);
	}
	return process_map(app->process, &to);
}

// Piece by piece.
static error_t map_data(const struct app *app, const struct app_segment *segment)
{
	uint64_t size = app_segment_pages(segment);
	error_t error = 0;

	for (uint64_t done = 0; error == 0 && done < size; done += PROCESS_DATA_MAX) {
		struct app_segment piece = { .address = segment->address + done,
			                     .size = size - done };

		if (done < segment->bytes.len)
			piece.bytes = (struct span){ segment->bytes.data + done,
				                     segment->bytes.len - done };
		if (piece.size > PROCESS_DATA_MAX)
			piece.size = PROCESS_DATA_MAX;
		if (piece.bytes.len > piece.size)
			piece.bytes.len = piece.size;
		error = map_segment(app, &piece, PROT_READ | PROT_WRITE);
	}
	return error;
}

// Maps what is executed: the app's own text, or the program of its runtime. `how` says where that
// begins. Errors: ERR_NOT_FOUND (no such runtime), those of the calls.
static error_t map_code(const struct app *app, struct process_start *how)
{
	const struct app_file *file = &app->program->file;
	const char *name = file->spec.runtime;
	struct process_runtime runtime;
	error_t error;

	*how = (struct process_start){ .entry = file->entry,
		                       .thread_return = file->thread_return,
		                       .stack_size = file->spec.stack_size,
		                       .text_address = file->text.address,
		                       .text_size = file->text.size,
		                       .restarts = app->restarts };
	if (name == NULL)
		return map_segment(app, &file->text, PROT_READ | PROT_EXEC);
	error = process_map_runtime(app->process, name, strlen(name), &runtime);
	if (error != 0)
		return error;
	how->entry = runtime.entry;
	how->thread_return = runtime.thread_return;
	how->text_address = runtime.text_address;
	how->text_size = runtime.text_size;
	if (how->stack_size == 0)
		how->stack_size = runtime.stack_size;
	return 0;
}

static error_t map_program(const struct app *app, struct process_start *how)
{
	const struct app_file *file = &app->program->file;
	error_t error = map_code(app, how);

	if (error == 0)
		error = map_segment(app, &file->rodata, PROT_READ);
	if (error == 0)
		error = map_data(app, &file->data);
	return error;
}

static error_t start(struct app *app, struct process_start *how, const struct environ *env)
{
	const struct program *program = app->program;
	const struct app_file *file = &program->file;
	uint64_t offset = (uint64_t)(file->symbols.data - program->bytes);

	// Files of our own build have them there.
	if (file->symbols.len > 0 && offset % 8 == 0) {
		how->symbols = program->folio;
		how->symbols_offset = offset;
		how->symbols_size = file->symbols.len;
	}
	return process_start(app->process, how, env);
}

void launch_kill(const struct app *app)
{
	error_t error = process_kill(app->process);

	// It may have ended already.
	if (error != 0 && error != ERR_BAD_STATE)
		log_error("%s: cannot be ended: %s", app->name, error_text(error));
}

error_t launch_check_runtime(const struct program *program, char *text)
{
	// A process that is never started, to have the runtime mapped into it. When none can be
	// made, the start will tell.
	static const struct process_options options = { .name = "app_manager.try",
		                                        .memory_limit = APP_DEFAULT_MEMORY,
		                                        .kernel_limit = KERNEL_MEMORY_MIN,
		                                        .handle_limit = APP_DEFAULT_HANDLES,
		                                        .thread_limit = 1 };
	const char *name = program->file.spec.runtime;
	struct process_runtime runtime;
	handle_t process;
	error_t error;

	if (name == NULL)
		return 0;
	error = process_create(manager_launcher, &options, &process);
	if (error == 0) {
		error = process_map_runtime(process, name, strlen(name), &runtime);
		handle_close(process);
	}
	if (error != ERR_NOT_FOUND)
		return 0;
	fmt_write(text, APPS_TEXT_MAX,
	          "'%s' is a script for the runtime '%s', which this image does not have",
	          program->file.spec.name, name);
	return error;
}

error_t launch(struct app *app, char *text)
{
	static struct environ env;
	struct process_start how;
	const char *step = "a process";
	error_t error = make_process(app);

	if (error != 0)
		goto out;
	step = "its program";
	error = map_program(app, &how);
	if (error == 0) {
		step = "its environment";
		error = make_environ(app, &env);
	}
	if (error == 0) {
		// What is kept is found again, also when it runs already.
		keep_process(app);
		step = "its first thread";
		error = start(app, &how, &env);
	}
	if (error == 0)
		return 0;
	launch_kill(app);
	handle_close(app->process);
	app->process = HANDLE_NONE;
	keep_process(app);
out:
	if (error == ERR_EXISTS)
		fmt_write(
			text, APPS_TEXT_MAX,
			"'%s' cannot be started: the kernel or an app of the image has that name, "
			"or a process that ends",
			app->name);
	else
		fmt_write(text, APPS_TEXT_MAX, "'%s' cannot be started: %s: %s", app->name, step,
		          error_text(error));
	return error;
}
