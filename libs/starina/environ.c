// SPDX-License-Identifier: MIT
#include "libs/starina/environ.h"

#include <stdbool.h>

#include "libs/base/string.h"
#include "libs/starina/log.h"

static bool entry_matches(const struct env_entry *entry, enum env_kind kind, const char *name)
{
	return entry->kind == (uint32_t)kind && (name == NULL || strcmp(entry->name, name) == 0);
}

bool environ_declares(const struct environ *env, enum env_kind kind, const char *name)
{
	for (size_t i = 0; i < env->num_entries && i < ENV_MAX_ENTRIES; i++) {
		if (entry_matches(&env->entries[i], kind, name))
			return true;
	}
	return false;
}

// An app that asks for what its spec does not declare has an error that no run of it may pass over.
static void check_declared(const struct environ *env, enum env_kind kind, const char *name)
{
	static const char *const fields[] = {
		[ENV_CONNECTOR] = ".needs of its spec: NEED_SERVICE",
		[ENV_SERVICE] = ".provides of its spec:",
		[ENV_DEVICE] = ".needs of its spec: NEED_DEVICE",
		[ENV_CONFIG] = ".needs of its spec: NEED_CONFIG",
		[ENV_SYSTEM] = ".needs of its spec: NEED_SYSTEM",
		[ENV_LAUNCHER] = ".needs of its spec: NEED_LAUNCHER",
		[ENV_KEPT] = ".needs of its spec: NEED_KEPT",
		[ENV_LOOK] = ".needs of its spec: NEED_LOOK",
	};

	if (environ_declares(env, kind, name))
		return;
	log_error("%s asks for what it does not declare; add to %s \"%s\"", env->app_name,
	          fields[kind], name != NULL ? name : "system");
	assert_failed("it is declared in the app's spec", __FILE__, __LINE__);
}

static const struct env_entry *entry_find(const struct environ *env, enum env_kind kind,
                                          const char *name, size_t index)
{
	check_declared(env, kind, name);
	for (size_t i = 0; i < env->num_entries && i < ENV_MAX_ENTRIES; i++) {
		const struct env_entry *entry = &env->entries[i];

		if (!entry_matches(entry, kind, name) || entry->unmet != 0)
			continue;
		if (index-- == 0)
			return entry;
	}
	return NULL;
}

static handle_t entry_handle(const struct environ *env, enum env_kind kind, const char *name)
{
	const struct env_entry *entry = entry_find(env, kind, name, 0);

	return entry != NULL ? entry->handle : HANDLE_NONE;
}

handle_t environ_connector(const struct environ *env, const char *service)
{
	return entry_handle(env, ENV_CONNECTOR, service);
}

handle_t environ_service(const struct environ *env, const char *service)
{
	return entry_handle(env, ENV_SERVICE, service);
}

handle_t environ_system(const struct environ *env)
{
	return entry_handle(env, ENV_SYSTEM, NULL);
}

handle_t environ_launcher(const struct environ *env)
{
	return entry_handle(env, ENV_LAUNCHER, NULL);
}

handle_t environ_look(const struct environ *env)
{
	return entry_handle(env, ENV_LOOK, NULL);
}

handle_t environ_kept(const struct environ *env, const char *name)
{
	return entry_handle(env, ENV_KEPT, name);
}

const struct env_entry *environ_device(const struct environ *env, const char *compatible,
                                       size_t index)
{
	return entry_find(env, ENV_DEVICE, compatible, index);
}

handle_t environ_given(const struct environ *env, size_t index)
{
	for (size_t i = 0; i < env->num_entries && i < ENV_MAX_ENTRIES; i++) {
		const struct env_entry *entry = &env->entries[i];

		if (entry->kind == ENV_GIVEN && index-- == 0)
			return entry->handle;
	}
	return HANDLE_NONE;
}

const void *environ_script(const struct environ *env, size_t *size)
{
	for (size_t i = 0; i < env->num_entries && i < ENV_MAX_ENTRIES; i++) {
		const struct env_entry *entry = &env->entries[i];

		if (entry->kind != ENV_SCRIPT)
			continue;
		*size = entry->reg_size;
		// NOLINTNEXTLINE(performance-no-int-to-ptr): memory of the process's own
		return (const void *)(uintptr_t)entry->reg_offset;
	}
	return NULL;
}

const char *environ_config(const struct environ *env, const char *name)
{
	const struct env_entry *entry = entry_find(env, ENV_CONFIG, name, 0);

	return entry != NULL ? entry->value : NULL;
}

// The value of one digit; 255 when it is none.
static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 255;
}

// log2 of what a size suffix stands for; -1 when it is none.
static int suffix_shift(char c)
{
	switch (c) {
	case 'k':
	case 'K': return 10;
	case 'm':
	case 'M': return 20;
	case 'g':
	case 'G': return 30;
	default: return -1;
	}
}

static error_t number_parse(const char *text, uint64_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	const char *p = digits;
	uint64_t value = 0;

	for (; digit_value(*p) < (hex ? 16u : 10u); p++) {
		if (__builtin_mul_overflow(value, hex ? 16u : 10u, &value) ||
		    __builtin_add_overflow(value, digit_value(*p), &value))
			return ERR_INVALID;
	}
	if (p == digits)
		return ERR_INVALID;
	if (*p != '\0') {
		int shift = suffix_shift(*p++);

		if (shift < 0 || *p != '\0' || value > UINT64_MAX >> shift)
			return ERR_INVALID;
		value <<= shift;
	}
	*out = value;
	return 0;
}

error_t environ_config_u64(const struct environ *env, const char *name, uint64_t *out)
{
	const char *text = environ_config(env, name);

	return text != NULL ? number_parse(text, out) : ERR_NOT_FOUND;
}
