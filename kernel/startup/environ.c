// SPDX-License-Identifier: MIT
#include "kernel/startup/environ.h"

#include "kernel/debug/log.h"
#include "kernel/object/folio.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/launcher.h"
#include "kernel/object/look.h"
#include "kernel/object/process.h"
#include "kernel/object/service.h"
#include "kernel/object/system.h"
#include "kernel/startup/device_quiesce.h"
#include "kernel/startup/devices.h"
#include "kernel/startup/table_sizes.h"
#include "libs/base/string.h"

static struct service *services[MAX_SERVICES];
static size_t num_services;
// Which app has a device: it keeps it over restarts.
static const struct app_spec *device_owners[MAX_DEVICES];
// Whose launcher it is, and what it has made, over restarts, too.
static struct {
	const struct app_spec *owner;
	struct launcher *launcher;
} launchers[MAX_LAUNCHERS];
// Kept memory, by the need that asks for it: a reference, for as long as the machine runs.
static struct {
	const struct app_need *need;
	struct folio *folio;
} kept[MAX_KEPT];

struct service *environ_find_service(const char *name)
{
	for (size_t i = 0; i < num_services; i++) {
		if (strcmp(services[i]->name, name) == 0)
			return services[i];
	}
	return NULL;
}

error_t environ_create_services(const struct app_spec *spec)
{
	for (size_t k = 0; k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++) {
		error_t error;

		if (num_services == MAX_SERVICES)
			return ERR_LIMIT;
		error = service_create(spec->provides[k], NULL, &services[num_services]);
		if (error != 0)
			return error;
		num_services++;
	}
	return 0;
}

void environ_open_services(const struct app_spec *spec, uint32_t provider)
{
	for (size_t k = 0; k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++)
		service_open(environ_find_service(spec->provides[k]), provider);
}

// The next entry, with its kind and name.
static error_t add_entry(struct process *process, enum env_kind kind, const char *name,
                         struct env_entry **out)
{
	struct environ *env = process->env;

	if (env->num_entries == ENV_MAX_ENTRIES) {
		kerror("%s: its environment would have more than %d entries", process->name,
		       ENV_MAX_ENTRIES);
		return ERR_LIMIT;
	}
	*out = &env->entries[env->num_entries++];
	(*out)->kind = (uint32_t)kind;
	str_copy((*out)->name, name, sizeof((*out)->name));
	return 0;
}

static error_t add_unmet(struct process *process, enum env_kind kind, const char *name)
{
	struct env_entry *entry;
	error_t error = add_entry(process, kind, name, &entry);

	if (error == 0)
		entry->unmet = 1;
	return error;
}

static error_t add_handle(struct process *process, enum env_kind kind, const char *name,
                          struct object *object)
{
	struct env_entry *entry;
	error_t error = add_entry(process, kind, name, &entry);

	return error != 0
		? error
		: handle_insert(&process->handles, object, object->ops->rights, &entry->handle);
}

static error_t add_device(struct process *process, const char *compatible, struct device *device)
{
	paddr_t start = device->reg_base & ~(paddr_t)(PAGE_SIZE - 1);
	paddr_t end = (device->reg_base + device->reg_size + PAGE_SIZE - 1) &
		~(paddr_t)(PAGE_SIZE - 1);
	struct env_entry *entry;
	struct interrupt *interrupt;
	struct folio *folio;
	error_t error = add_entry(process, ENV_DEVICE, compatible, &entry);

	if (error != 0)
		return error;
	entry->reg_offset = device->reg_base - start;
	entry->reg_size = device->reg_size;
	error = device_give(device, process);
	if (error != 0)
		return error;
	process->has_device = true;
	error = folio_device_create(start, end - start, &folio);
	if (error != 0)
		return error;
	folio->console = device->is_console;
	error = handle_insert(&process->handles, &folio->object,
	                      RIGHT_READ | RIGHT_WRITE | RIGHT_MAP, &entry->handle);
	object_put(&folio->object);
	if (error != 0 || device->irq == 0)
		return error;
	error = interrupt_object_create(device->irq, &interrupt);
	if (error != 0)
		return error;
	interrupt_set_owner(interrupt, process->id);
	error = handle_insert(&process->handles, interrupt_object(interrupt),
	                      interrupt_object(interrupt)->ops->rights, &entry->interrupt);
	object_put(interrupt_object(interrupt));
	return error;
}

static bool device_matches(const struct device *device, const char *compatible)
{
	for (uint32_t i = 0; i < device->num_compatible; i++) {
		if (strcmp(device->compatible[i], compatible) == 0)
			return true;
	}
	return false;
}

static error_t add_devices(struct process *process, const struct app_spec *spec,
                           const struct app_need *need)
{
	size_t found = 0;

	for (size_t i = 0; i < num_devices; i++) {
		struct device *device = &devices[i];
		error_t error;

		if (!device_matches(device, need->name) ||
		    (device->claimed && device_owners[i] != spec))
			continue;
		device->claimed = true;
		device_owners[i] = spec;
		error = add_device(process, need->name, device);
		if (error != 0)
			return error;
		found++;
	}
	if (found > 0)
		return 0;
	if (need->optional)
		return add_unmet(process, ENV_DEVICE, need->name);
	kerror("the app '%s' needs a device '%s', but another app has it", spec->name, need->name);
	return ERR_NOT_FOUND;
}

static error_t add_config(struct process *process, const struct app_spec *spec,
                          const struct app_need *need)
{
	char value[ENV_VALUE_MAX];
	struct env_entry *entry;
	error_t error;

	if (!boot_arg_find(spec->name, need->name, value, sizeof(value))) {
		if (need->fallback == NULL)
			// optional, as the plan has seen
			return add_unmet(process, ENV_CONFIG, need->name);
		str_copy(value, need->fallback, sizeof(value));
	}
	error = add_entry(process, ENV_CONFIG, need->name, &entry);
	if (error == 0)
		memcpy(entry->value, value, sizeof(value));
	return error;
}

static error_t add_launcher(struct process *process, const struct app_spec *spec)
{
	for (size_t i = 0; i < MAX_LAUNCHERS; i++) {
		error_t error;

		if (launchers[i].owner != NULL && launchers[i].owner != spec)
			continue;
		error = launchers[i].owner == NULL ? launcher_create(&launchers[i].launcher) : 0;
		if (error != 0)
			return error;
		launchers[i].owner = spec;
		return add_handle(process, ENV_LAUNCHER, "launcher",
		                  &launchers[i].launcher->object);
	}
	kerror("the app '%s' needs a launcher, but %d other apps have one", spec->name,
	       MAX_LAUNCHERS);
	return ERR_LIMIT;
}

// The folio of `need`, which is made when it is asked for first.
static error_t find_kept(const struct app_need *need, struct folio **out)
{
	size_t i = 0;
	error_t error;

	while (i < MAX_KEPT && kept[i].need != NULL && kept[i].need != need)
		i++;
	if (i == MAX_KEPT)
		return ERR_LIMIT;
	if (kept[i].need == NULL) {
		error = folio_object_create(need->size, FOLIO_CONTIGUOUS, NULL, &kept[i].folio);
		if (error != 0)
			return error;
		kept[i].folio->kept = true;
		kept[i].need = need;
	}
	*out = kept[i].folio;
	return 0;
}

// Each process is charged anew, for the folio outlives it and its account.
static error_t add_kept(struct process *process, const struct app_need *need)
{
	struct env_entry *entry;
	struct folio *folio;
	error_t error = find_kept(need, &folio);

	if (error == 0)
		error = account_charge_folio(process->account, folio->size);
	if (error == 0)
		error = add_entry(process, ENV_KEPT, need->name, &entry);
	return error != 0 ? error
			  : handle_insert(&process->handles, &folio->object,
	                                  RIGHT_READ | RIGHT_WRITE | RIGHT_MAP, &entry->handle);
}

// Each process has a look of its own.
static error_t add_look(struct process *process)
{
	struct look *look;
	error_t error = look_object_create(process->account, &look);

	if (error != 0)
		return error;
	error = add_handle(process, ENV_LOOK, "look", &look->object);
	object_put(&look->object);
	return error;
}

static error_t add_need(struct process *process, const struct app_spec *spec,
                        const struct app_need *need)
{
	struct service *service;

	switch (need->kind) {
	case NEED_SERVICE:
		service = environ_find_service(need->name);
		if (service == NULL)
			return add_unmet(process, ENV_CONNECTOR, need->name);
		return add_handle(process, ENV_CONNECTOR, need->name, &service->connector);
	case NEED_DEVICE: return add_devices(process, spec, need);
	case NEED_CONFIG: return add_config(process, spec, need);
	case NEED_SYSTEM: return add_handle(process, ENV_SYSTEM, "system", system_object());
	case NEED_LAUNCHER: return add_launcher(process, spec);
	case NEED_KEPT: return add_kept(process, need);
	case NEED_LOOK: return add_look(process);
	}
	return ERR_INVALID;
}

static error_t add_script(struct process *process, const struct user_image *script)
{
	struct env_entry *entry;
	error_t error = add_entry(process, ENV_SCRIPT, "script", &entry);

	if (error != 0)
		return error;
	entry->reg_offset = script->rodata_address;
	entry->reg_size = script->script_size;
	return 0;
}

error_t environ_build(struct process *process, const struct app_spec *spec)
{
	error_t error = 0;

	process->env->restarts = process->restarts;
	str_copy(process->env->app_name, spec->name, sizeof(process->env->app_name));
	for (size_t k = 0; error == 0 && k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++)
		error = add_handle(process, ENV_SERVICE, spec->provides[k],
		                   &environ_find_service(spec->provides[k])->object);
	for (size_t k = 0; error == 0 && k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++)
		error = add_need(process, spec, &spec->needs[k]);
	if (error == 0 && spec->runtime != NULL)
		error = add_script(process, process->image->user);
	return error;
}
