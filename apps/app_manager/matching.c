// SPDX-License-Identifier: MIT
#include "apps/app_manager/matching.h"

#include "libs/base/closest.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

int match_is_provided(const struct app_spec *spec, const char *service)
{
	for (size_t k = 0; k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++) {
		if (strcmp(spec->provides[k], service) == 0)
			return 1;
	}
	return 0;
}

uint64_t match_limit(uint64_t asked, uint64_t spec, uint64_t usual)
{
	uint64_t most = spec != 0 ? spec : usual;

	return asked != 0 && asked < most ? asked : most;
}

// --- Needs ---

static error_t no_provider(const struct app_spec *spec, const char *service,
                           const struct match_world *world, char *text, size_t size)
{
	struct closest closest = { 0 };
	const char *name;

	for (size_t i = 0; (name = world->service(i)) != NULL; i++)
		closest_offer(&closest, service, strlen(service), name);
	fmt_write(text, size, "the app '%s' needs the service '%s', which no app provides%s%s%s",
	          spec->name, service,
	          closest.name != NULL ? "; did you mean '" : ": load one that does first",
	          closest.name != NULL ? closest.name : "", closest.name != NULL ? "'?" : "");
	return ERR_NOT_FOUND;
}

static error_t match_service(const struct app_spec *spec, const char *service,
                             const struct match_world *world, char *text, size_t size)
{
	int runs = 0;
	const char *provider;

	if (match_is_provided(spec, service)) {
		fmt_write(text, size,
		          "the app '%s' needs the service '%s', which it provides itself",
		          spec->name, service);
		return ERR_CYCLE;
	}
	provider = world->provider(service, &runs);
	if (provider == NULL)
		return no_provider(spec, service, world, text, size);
	if (runs)
		return 0;
	fmt_write(
		text, size,
		"the app '%s' needs the service '%s' of the app '%s', which does not run: start it "
		"first",
		spec->name, service, provider);
	return ERR_NOT_READY;
}

static error_t match_need(const struct app_spec *spec, const struct app_need *need,
                          const struct match_world *world, char *text, size_t size)
{
	switch (need->kind) {
	case NEED_SERVICE: return match_service(spec, need->name, world, text, size);
	case NEED_CONFIG:
		if (need->fallback != NULL || world->config(need->name) != NULL)
			return 0;
		fmt_write(text, size,
		          "the app '%s' needs the configuration %s=VALUE, which is not set",
		          spec->name, need->name);
		return ERR_NOT_FOUND;
	case NEED_DEVICE:
	case NEED_SYSTEM:
	case NEED_LAUNCHER:
	case NEED_KEPT:
	case NEED_LOOK: break;
	}
	fmt_write(
		text, size,
		"the app '%s' needs %s, which only an app of the image can have: link it into the "
		"image (APPS)",
		spec->name,
		need->kind == NEED_DEVICE           ? "a device"
			: need->kind == NEED_SYSTEM ? "the system handle"
			: need->kind == NEED_KEPT   ? "kept memory"
			: need->kind == NEED_LOOK   ? "a look at the system"
						    : "the launcher");
	return ERR_NOT_SUPPORTED;
}

error_t match_needs(const struct app_spec *spec, const struct match_world *world, char *text,
                    size_t size)
{
	for (size_t k = 0; k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++) {
		error_t error;

		if (spec->needs[k].optional)
			continue;
		error = match_need(spec, &spec->needs[k], world, text, size);
		if (error != 0)
			return error;
	}
	return 0;
}

// --- What it provides ---

error_t match_provides(const struct app_spec *spec, const struct match_world *world, char *text,
                       size_t size)
{
	for (size_t k = 0; k < APP_MAX_PROVIDES && spec->provides[k] != NULL; k++) {
		int runs;
		const char *other = world->provider(spec->provides[k], &runs);

		if (other == NULL || strcmp(other, spec->name) == 0)
			continue;
		fmt_write(text, size,
		          "%s and the app '%s' both provide the service '%s': unload one", other,
		          spec->name, spec->provides[k]);
		return ERR_EXISTS;
	}
	return 0;
}

error_t match_replaces(const struct app_spec *spec, const struct app_spec *old, char *text,
                       size_t size)
{
	for (size_t k = 0; k < APP_MAX_PROVIDES && old->provides[k] != NULL; k++) {
		if (match_is_provided(spec, old->provides[k]))
			continue;
		fmt_write(
			text, size,
			"the new version of '%s' does not provide the service '%s', which the old "
			"one does: the old one stays",
			spec->name, old->provides[k]);
		return ERR_NOT_SUPPORTED;
	}
	return 0;
}

// --- Configuration ---

// The line at `lines`, without its end; `*len` is what is left behind it.
static size_t line_length(const char *lines, size_t len)
{
	size_t n = 0;

	while (n < len && lines[n] != '\n')
		n++;
	return n;
}

static int line_is_of(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len > n && strncmp(line, name, n) == 0 && line[n] == '=';
}

static int line_is_known(const struct app_spec *spec, const char *line, size_t len)
{
	for (size_t k = 0; k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++) {
		if (spec->needs[k].kind == NEED_CONFIG &&
		    line_is_of(line, len, spec->needs[k].name))
			return 1;
	}
	return 0;
}

error_t match_config(const struct app_spec *spec, const char *lines, size_t len, char *text,
                     size_t size)
{
	while (len > 0) {
		size_t n = line_length(lines, len);
		size_t step = n < len ? n + 1 : n;
		char shown[ENV_NAME_MAX];

		str_copy(shown, "", sizeof(shown));
		for (size_t i = 0; i < n && i < sizeof(shown) - 1; i++) {
			shown[i] = lines[i];
			shown[i + 1] = '\0';
		}
		if (n > 0 && !line_is_known(spec, lines, n)) {
			fmt_write(
				text, size,
				"the app '%s' reads no configuration '%s': it is to be NAME=VALUE, "
				"with a NAME of its spec",
				spec->name, shown);
			return ERR_NOT_FOUND;
		}
		if (n >= ENV_VALUE_MAX) {
			fmt_write(text, size, "the configuration '%s' is too long", shown);
			return ERR_INVALID;
		}
		lines += step;
		len -= step;
	}
	return 0;
}

int match_config_value(const char *lines, size_t len, const char *name, char *value, size_t size)
{
	while (len > 0) {
		size_t n = line_length(lines, len);
		size_t step = n < len ? n + 1 : n;

		if (line_is_of(lines, n, name)) {
			size_t skip = strlen(name) + 1;
			size_t bytes = n - skip < size - 1 ? n - skip : size - 1;

			memcpy(value, lines + skip, bytes);
			value[bytes] = '\0';
			return 1;
		}
		lines += step;
		len -= step;
	}
	return 0;
}
