// SPDX-License-Identifier: MIT
//
// What outlives the manager: of each app a record, its program, its process, and the connectors of
// its services, at places of the launcher.
#include "apps/app_manager/manager.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define RECORD_VERSION 1u

enum place {
	PLACE_RECORD,
	PLACE_PROGRAM,
	PLACE_PROCESS,
	PLACE_CONNECTOR,
	NUM_PLACES = 16,
};
_Static_assert(PLACE_CONNECTOR + APP_MAX_PROVIDES <= NUM_PLACES, "a place for each");
_Static_assert(NUM_PLACES *APPS_MAX <= LAUNCHER_MAX_KEPT, "a place for each");

// Only the manager writes them, and of an image all runs of it are the same.
struct record {
	uint32_t version;
	uint32_t state;  // enum apps_state
	char name[APP_NAME_MAX];
	char of[APP_NAME_MAX];
	uint64_t file_size;
	struct settings settings;
	char provided[APP_MAX_PROVIDES][ENV_NAME_MAX];
	uint32_t num_instances;
	uint32_t restarts;
	uint32_t end;
	int32_t status;
	uint32_t replacing;
	uint32_t old_ran;
};

static uint8_t used[APPS_MAX];

uint32_t keep_new_index(void)
{
	for (uint32_t i = 0; i < APPS_MAX; i++) {
		if (used[i] == 0) {
			used[i] = 1;
			return i;
		}
	}
	return KEEP_NO_INDEX;
}

static uint32_t place_of(const struct app *app, uint32_t place)
{
	return app->index * NUM_PLACES + place;
}

static void log_lost(const struct app *app, error_t error)
{
	log_warn("%s: will not be found again if the app manager ends: %s", app->name,
	         error_text(error));
}

// Keeps another handle to what `handle` names; HANDLE_NONE: nothing.
static void keep_copy(const struct app *app, uint32_t place, handle_t handle)
{
	handle_t copy = HANDLE_NONE;
	error_t error = handle != HANDLE_NONE ? handle_duplicate(handle, RIGHTS_SAME, &copy) : 0;

	if (error == 0)
		error = launcher_keep(manager_launcher, place_of(app, place), copy);
	if (error != 0) {
		handle_close(copy);
		log_lost(app, error);
	}
}

void keep_process(const struct app *app)
{
	keep_copy(app, PLACE_PROCESS, app->process);
}

void keep_program(const struct app *app)
{
	keep_copy(app, PLACE_PROGRAM, app->program->folio);
}

void keep_services(const struct app *app)
{
	for (uint32_t k = 0; k < APP_MAX_PROVIDES; k++) {
		// The same object with the same rights: provided again after a restart.
		keep_copy(app, PLACE_CONNECTOR + k, app->provided[k].connector);
	}
}

static void fill_record(const struct app *app, struct record *record)
{
	const struct program *program = app->old != NULL ? app->old : app->program;

	*record = (struct record){
		.version = RECORD_VERSION,
		.state = app->stopping ? APPS_LOADED : app->state,
		.file_size = program->size,
		.settings = app->old != NULL ? app->old_settings : app->settings,
		.num_instances = app->num_instances,
		.restarts = app->restarts,
		.end = app->end,
		.status = app->status,
		.replacing = app->replacing,
		.old_ran = app->old_ran,
	};
	str_copy(record->name, app->name, sizeof(record->name));
	str_copy(record->of, app->of != NULL ? app->of->name : "", sizeof(record->of));
	for (uint32_t k = 0; k < APP_MAX_PROVIDES; k++)
		str_copy(record->provided[k], app->provided[k].name, sizeof(record->provided[k]));
}

void keep_save(struct app *app)
{
	struct record *record;
	handle_t folio;
	error_t error = folio_create(sizeof(*record), FOLIO_CONTIGUOUS, &folio);
	void *at;

	if (error != 0) {
		log_lost(app, error);
		return;
	}
	error = folio_map(folio, PROT_READ | PROT_WRITE, &at);
	if (error == 0) {
		record = at;
		fill_record(app, record);
		error = launcher_keep(manager_launcher, place_of(app, PLACE_RECORD), folio);
	}
	if (error != 0) {
		handle_close(folio);
		log_lost(app, error);
	}
}

static void forget(uint32_t index)
{
	for (uint32_t k = 0; k < PLACE_CONNECTOR + APP_MAX_PROVIDES; k++) {
		error_t error =
			launcher_keep(manager_launcher, index * NUM_PLACES + k, HANDLE_NONE);

		if (error != 0)
			log_warn("place %u of app %u is not given back: %s", k, index,
			         error_text(error));
	}
	used[index] = 0;
}

void keep_forget(const struct app *app)
{
	forget(app->index);
}

// --- Finding it again ---

static handle_t find(uint32_t index, uint32_t place)
{
	handle_t handle;

	return launcher_kept(manager_launcher, index * NUM_PLACES + place, &handle) == 0
		? handle
		: HANDLE_NONE;
}

static bool read_record(uint32_t index, struct record *record)
{
	handle_t folio = find(index, PLACE_RECORD);
	void *at;
	bool good = false;

	if (folio == HANDLE_NONE)
		return false;
	if (folio_map(folio, PROT_READ, &at) == 0) {
		memcpy(record, at, sizeof(*record));
		good = record->version == RECORD_VERSION;
	}
	handle_close(folio);
	return good;
}

static void take_record(struct app *app, const struct record *record)
{
	app->state = (enum apps_state)record->state;
	app->settings = record->settings;
	app->num_instances = record->num_instances;
	app->restarts = record->restarts;
	app->end = record->end;
	app->status = record->status;
	app->replacing = (enum replace_step)record->replacing;
	app->old_ran = record->old_ran != 0;
	for (uint32_t k = 0; k < APP_MAX_PROVIDES; k++) {
		if (record->provided[k][0] == '\0')
			continue;
		app->provided[k].connector = find(app->index, PLACE_CONNECTOR + k);
		if (app->provided[k].connector != HANDLE_NONE)
			str_copy(app->provided[k].name, record->provided[k],
			         sizeof(app->provided[k].name));
	}
	app->process = find(app->index, PLACE_PROCESS);
}

// Nobody would ever end its process, whose name stays taken.
static void lose(uint32_t index, const char *name)
{
	handle_t process = find(index, PLACE_PROCESS);

	log_error("%s: lost with the app manager's end", name);
	// It may have ended already.
	if (process != HANDLE_NONE && process_kill(process) != 0)
		log_info("%s: has ended", name);
	handle_close(process);
	forget(index);
}

// Apps first, then what is an instance of them.
static void restore_one(uint32_t index, bool instances)
{
	char text[APPS_TEXT_MAX];
	struct record record;
	struct program *program;
	struct app *of;
	struct app *app;

	if (!read_record(index, &record) || (record.of[0] != '\0') != instances)
		return;
	used[index] = 1;
	of = instances ? apps_find(record.of) : NULL;
	if ((instances && of == NULL) ||
	    program_reload(find(index, PLACE_PROGRAM), record.file_size, &program, text) != 0) {
		lose(index, record.name);
		return;
	}
	app = apps_restored(record.name, index);
	if (app == NULL) {
		program_put(program);
		lose(index, record.name);
		return;
	}
	app->of = of;
	app->program = program;
	take_record(app, &record);
}

void keep_restore(void)
{
	for (uint32_t i = 0; i < APPS_MAX; i++)
		restore_one(i, false);
	for (uint32_t i = 0; i < APPS_MAX; i++)
		restore_one(i, true);
	apps_resume();
}
