// SPDX-License-Identifier: MIT
//
// Checks the app table and orders it. Changes nothing but the plan.
#include "kernel/debug/log.h"
#include "kernel/startup/devices.h"
#include "kernel/startup/services.h"
#include "libs/abi/folio.h"
#include "libs/base/closest.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

#define NO_APP SIZE_MAX

static const struct app_spec *spec_of(const struct app_image *images, size_t i)
{
	return images[i].spec;
}

// The app that provides `service`; NO_APP when none does.
static size_t find_provider(const struct app_image *images, size_t num_images, const char *service)
{
	for (size_t i = 0; i < num_images; i++) {
		const struct app_spec *spec = spec_of(images, i);

		for (size_t k = 0; k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++) {
			if (strcmp(spec->provides[k], service) == 0)
				return i;
		}
	}
	return NO_APP;
}

static const struct app_image *find_app(const struct app_image *images, size_t num_images,
                                        const char *name)
{
	for (size_t i = 0; i < num_images; i++) {
		if (strcmp(images[i].spec->name, name) == 0)
			return &images[i];
	}
	return NULL;
}

static bool name_fits(const char *name, size_t max)
{
	return name != NULL && name[0] != '\0' && strnlen(name, max) < max;
}

// The kept memory of need `k`: its size, its name, and that all of it fits into the app's limit.
static error_t check_kept(const struct app_spec *spec, size_t k, struct services_plan *plan)
{
	uint64_t limit = spec->memory_limit != 0 ? spec->memory_limit : APP_DEFAULT_MEMORY;
	const struct app_need *need = &spec->needs[k];
	uint64_t sum = 0;

	if (need->size == 0 || need->size > FOLIO_MAX_CONTIGUOUS) {
		fmt_write(
			plan->message, sizeof(plan->message),
			"the app '%s' asks for %u bytes of kept memory '%s': 1 to %lu are possible",
			spec->name, need->size, need->name, FOLIO_MAX_CONTIGUOUS);
		return ERR_INVALID;
	}
	for (size_t i = 0; i <= k; i++) {
		const struct app_need *other = &spec->needs[i];

		if (other->kind != NEED_KEPT)
			continue;
		sum += (other->size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
		if (i < k && strcmp(other->name, need->name) == 0) {
			fmt_write(plan->message, sizeof(plan->message),
			          "the app '%s' asks for the kept memory '%s' twice", spec->name,
			          need->name);
			return ERR_EXISTS;
		}
	}
	if (sum > limit) {
		fmt_write(plan->message, sizeof(plan->message),
		          "the kept memory of the app '%s' is larger than its limit of %lu bytes "
		          "(.memory_limit of its spec)",
		          spec->name, (unsigned long)limit);
		return ERR_INVALID;
	}
	return 0;
}

static error_t check_need_form(const struct app_spec *spec, size_t k, struct services_plan *plan)
{
	const struct app_need *need = &spec->needs[k];
	bool named = need->kind != NEED_SYSTEM && need->kind != NEED_LAUNCHER &&
		need->kind != NEED_LOOK;

	if (need->kind > NEED_LOOK || (named && !name_fits(need->name, ENV_NAME_MAX))) {
		fmt_write(plan->message, sizeof(plan->message),
		          "the app '%s' has an invalid need (number %zu of its spec)", spec->name,
		          k + 1);
		return ERR_INVALID;
	}
	return need->kind == NEED_KEPT ? check_kept(spec, k, plan) : 0;
}

static error_t check_spec(const struct app_spec *spec, struct services_plan *plan)
{
	if (spec->abi_version != APP_ABI_VERSION) {
		fmt_write(
			plan->message, sizeof(plan->message),
			"the app '%.24s' has spec version %u, this kernel knows %u: build it against this tree",
			spec->name, spec->abi_version, APP_ABI_VERSION);
		return ERR_NOT_SUPPORTED;
	}
	if (!name_fits(spec->name, APP_NAME_MAX) || (spec->runtime == NULL && spec->main == NULL)) {
		fmt_write(plan->message, sizeof(plan->message),
		          "the app '%.24s' needs a main and a name of 1 to %d bytes", spec->name,
		          APP_NAME_MAX - 1);
		return ERR_INVALID;
	}
	for (size_t k = 0; k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++) {
		error_t error = check_need_form(spec, k, plan);

		if (error != 0)
			return error;
	}
	for (size_t k = 0; k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++) {
		if (!name_fits(spec->provides[k], ENV_NAME_MAX)) {
			fmt_write(
				plan->message, sizeof(plan->message),
				"the app '%s' provides a service whose name is not 1 to %d bytes long",
				spec->name, ENV_NAME_MAX - 1);
			return ERR_INVALID;
		}
	}
	return 0;
}

// What a spec says of runtimes, and whether the app is what it says.
static error_t check_program(const struct app_image *image, struct services_plan *plan)
{
	const struct app_spec *spec = image->spec;
	const char *wrong = NULL;

	if (spec->is_runtime != 0 &&
	    (spec->runtime != NULL || image->user == NULL || spec->needs[0].kind != 0 ||
	     spec->provides[0] != NULL))
		wrong = "is a runtime: it is to be in user mode, with a program of its own, "
			"without needs and services";
	else if (spec->runtime != NULL &&
	         (!name_fits(spec->runtime, APP_NAME_MAX) || image->user == NULL ||
	          image->user->script_size == 0))
		wrong = "has a runtime, but no script for it";
	if (wrong == NULL)
		return 0;
	fmt_write(plan->message, sizeof(plan->message), "the app '%s' %s", spec->name, wrong);
	return ERR_INVALID;
}

static error_t check_names(const struct app_image *images, size_t num_images,
                           struct services_plan *plan)
{
	for (size_t i = 0; i < num_images; i++) {
		const struct app_spec *spec = spec_of(images, i);
		error_t error = check_spec(spec, plan);

		if (error == 0)
			error = check_program(&images[i], plan);
		if (error != 0)
			return error;
		for (size_t k = 0; k < i; k++) {
			if (strcmp(spec->name, spec_of(images, k)->name) == 0) {
				fmt_write(plan->message, sizeof(plan->message),
				          "two apps are named '%s': rename one", spec->name);
				return ERR_EXISTS;
			}
		}
		for (size_t k = 0; k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++) {
			size_t first = find_provider(images, num_images, spec->provides[k]);

			if (first != i) {
				fmt_write(
					plan->message, sizeof(plan->message),
					"the apps '%s' and '%s' both provide the service '%s': remove one of them from APPS",
					spec_of(images, first)->name, spec->name,
					spec->provides[k]);
				return ERR_EXISTS;
			}
		}
	}
	return 0;
}

// --- Order ---

struct walk {
	const struct app_image *images;
	size_t num_images;
	struct services_plan *plan;
	uint8_t state[MAX_APPS];  // 0 new, 1 on the path, 2 done
	size_t path[MAX_APPS];
	size_t path_len;
};

static void describe_cycle(struct walk *walk, size_t again)
{
	char *message = walk->plan->message;
	size_t size = sizeof(walk->plan->message);
	size_t len = fmt_write(message, size, "apps need each other in a cycle: ");
	size_t from = 0;

	while (walk->path[from] != again)
		from++;
	for (size_t i = from; i < walk->path_len && len < size; i++)
		len += fmt_write(message + len, size - len, "%s -> ",
		                 spec_of(walk->images, walk->path[i])->name);
	if (len < size)
		fmt_write(message + len, size - len, "%s", spec_of(walk->images, again)->name);
}

// Appends `app` after all that it needs. As deep as the longest chain of needs, MAX_APPS at most.
static error_t visit(struct walk *walk, size_t app)
{
	const struct app_spec *spec = spec_of(walk->images, app);

	if (walk->state[app] == 2)
		return 0;
	if (walk->state[app] == 1) {
		describe_cycle(walk, app);
		return ERR_CYCLE;
	}
	walk->state[app] = 1;
	walk->path[walk->path_len++] = app;
	for (size_t k = 0; k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++) {
		size_t provider;
		error_t error;

		if (spec->needs[k].kind != NEED_SERVICE)
			continue;
		provider = find_provider(walk->images, walk->num_images, spec->needs[k].name);
		if (provider == NO_APP)
			continue;
		error = visit(walk, provider);
		if (error != 0)
			return error;
	}
	walk->path_len--;
	walk->state[app] = 2;
	walk->plan->order[walk->plan->num_apps++] = app;
	return 0;
}

// --- What apps lack ---

static bool device_matches(const struct device *device, const char *compatible)
{
	for (uint32_t i = 0; i < device->num_compatible; i++) {
		if (strcmp(device->compatible[i], compatible) == 0)
			return true;
	}
	return false;
}

static bool device_is_there(const char *compatible)
{
	for (size_t i = 0; i < num_devices; i++) {
		if (device_matches(&devices[i], compatible))
			return true;
	}
	return false;
}

// Logs that nobody provides `need`, with the service that was probably meant.
static void log_no_provider(const struct walk *walk, const struct app_spec *spec,
                            const struct app_need *need)
{
	struct closest closest = { 0 };

	for (size_t i = 0; i < walk->num_images; i++) {
		const struct app_spec *other = spec_of(walk->images, i);

		for (size_t k = 0; k < APP_MAX_PROVIDES && other->provides[k] != NULL; k++)
			closest_offer(&closest, need->name, strlen(need->name), other->provides[k]);
	}
	klog(need->optional ? LOG_INFO : LOG_ERROR,
	     "the app '%s' needs the service '%s', which no app of this image provides: %s%s%s",
	     spec->name, need->name, closest.name != NULL ? "did you mean '" : "add one to APPS",
	     closest.name != NULL ? closest.name : "", closest.name != NULL ? "'?" : "");
}

// Why a need is not met; NULL when it is. Logs the line that says so.
static const char *check_need(const struct walk *walk, const struct app_spec *spec,
                              const struct app_need *need)
{
	char value[ENV_VALUE_MAX];
	size_t provider;

	switch (need->kind) {
	case NEED_SERVICE:
		provider = find_provider(walk->images, walk->num_images, need->name);
		if (provider == NO_APP) {
			log_no_provider(walk, spec, need);
			return "service";
		}
		if (walk->plan->blocked[provider] != NULL) {
			klog(need->optional ? LOG_INFO : LOG_ERROR,
			     "the app '%s' needs the service '%s' of the app '%s', which is not started",
			     spec->name, need->name, spec_of(walk->images, provider)->name);
			return "provider";
		}
		return NULL;
	case NEED_DEVICE:
		if (device_is_there(need->name))
			return NULL;
		if (!need->optional)
			kerror("the app '%s' needs a device '%s', which this machine does not have",
			       spec->name, need->name);
		return "device";
	case NEED_CONFIG:
		if (need->fallback != NULL ||
		    boot_arg_find(spec->name, need->name, value, sizeof(value)))
			return NULL;
		if (!need->optional)
			kerror("the app '%s' needs the boot argument %s.%s=VALUE, which is not set",
			       spec->name, spec->name, need->name);
		return "config";
	case NEED_SYSTEM:
	case NEED_LAUNCHER:
	case NEED_KEPT:
	case NEED_LOOK: break;
	}
	return NULL;
}

// Logs the line that says that the app's runtime is not there; false when it is.
static bool lacks_runtime(const struct walk *walk, const struct app_spec *spec)
{
	const struct app_image *runtime;

	if (spec->runtime == NULL)
		return false;
	runtime = find_app(walk->images, walk->num_images, spec->runtime);
	if (runtime != NULL && runtime->spec->is_runtime != 0)
		return false;
	kerror("the app '%s' is a script for the runtime '%s', which %s: add one to APPS",
	       spec->name, spec->runtime,
	       runtime == NULL ? "this image does not have" : "is another kind of app");
	return true;
}

static const char *check_app(const struct walk *walk, size_t app)
{
	const struct app_spec *spec = spec_of(walk->images, app);

	if (spec->is_runtime != 0 || lacks_runtime(walk, spec))
		return "runtime";
	for (size_t k = 0; k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++) {
		const char *why = check_need(walk, spec, &spec->needs[k]);

		if (why != NULL && !spec->needs[k].optional)
			return why;
	}
	return NULL;
}

error_t services_make_plan(const struct app_image *images, size_t num_images,
                           struct services_plan *plan)
{
	static struct walk walk;
	error_t error;

	*plan = (struct services_plan){ 0 };
	walk = (struct walk){ .images = images, .num_images = num_images, .plan = plan };
	if (num_images > MAX_APPS) {
		fmt_write(plan->message, sizeof(plan->message),
		          "%zu apps in the image, at most %d are possible: shorten APPS",
		          num_images, MAX_APPS);
		return ERR_TOO_LARGE;
	}
	error = check_names(images, num_images, plan);
	for (size_t i = 0; error == 0 && i < num_images; i++)
		error = visit(&walk, i);
	if (error != 0)
		return error;
	for (size_t i = 0; i < num_images; i++)
		plan->blocked[plan->order[i]] = check_app(&walk, plan->order[i]);
	return 0;
}
