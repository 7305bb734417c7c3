// SPDX-License-Identifier: MIT
#include "apps/containers/settings_volume.h"

#include "apps/containers/settings_tmpfs.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/linux/image/string_list.h"
#include "libs/starina/alloc.h"

enum option { OPTION_TYPE, OPTION_DEVICE, OPTION_O, OPTION_SIZE, NUM_OPTIONS };

static const char *const names[NUM_OPTIONS] = { "type", "device", "o", "size" };

// NULL: it was not said.
struct local {
	char *options[NUM_OPTIONS];  // heap
};

static void local_deinit(struct local *local)
{
	for (size_t i = 0; i < NUM_OPTIONS; i++)
		heap_free(local->options[i]);
}

static error_t local_read(struct local *local, const char *text,
                          char error[static SETTINGS_ERROR_MAX])
{
	struct json_reader r = json_reader_make(text_span(text));
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		size_t i = 0;

		while (i < NUM_OPTIONS && !span_is(key, names[i]))
			i++;
		if (i == NUM_OPTIONS)
			return settings_refuse(error, "invalid option: \"%.*s\"",
			                       (int)(key.len < 64 ? key.len : 64),
			                       (const char *)key.data);
		heap_free(local->options[i]);
		local->options[i] = json_take_string(&r);
	}
	if (json_at_end(&r))
		return 0;
	return json_reader_status(&r) == ERR_NO_MEMORY
		? ERR_NO_MEMORY
		: settings_refuse(error, "the options of the volume are no object of strings");
}

// What cannot be said without what.
static error_t check_all(const struct local *local, char error[static SETTINGS_ERROR_MAX])
{
	bool has_type = local->options[OPTION_TYPE] != NULL;
	bool has_device = local->options[OPTION_DEVICE] != NULL;

	if (local->options[OPTION_SIZE] != NULL)
		return settings_refuse(error, "quota size requested but no quota support");
	if (has_type && has_device)
		return 0;
	if (has_type || (!has_device && local->options[OPTION_O] != NULL))
		return settings_refuse(error, "missing required option: \"device\"");
	return has_device ? settings_refuse(error, "missing required option: \"type\"") : 0;
}

// --- A folder of the host ------------------------------------------------------------------------

// mount(8)'s words that are so anyway, or mean what a bind can do.
static error_t read_bind(struct volume_backing *out, struct local *local,
                         char error[static SETTINGS_ERROR_MAX])
{
	static const char *const binds[] = { "bind", "rbind", NULL };
	static const char *const known[] = { "",         "rw",    "defaults", "private",
		                             "rprivate", "slave", "rslave",   NULL };
	const char *rest = local->options[OPTION_O] != NULL ? local->options[OPTION_O] : "";
	bool is_bind = false;

	while (*rest != '\0') {
		struct span word = option_next(&rest);

		if (option_is_one_of(word, binds))
			is_bind = true;
		else if (span_is(word, "ro"))
			out->read_only = true;
		else if (!option_is_one_of(word, known))
			return settings_refuse(
				error, "o: \"%.*s\" is not supported for a folder of the host",
				(int)(word.len < 64 ? word.len : 64), (const char *)word.data);
	}
	if (!is_bind)
		return settings_refuse(error,
		                       "type \"none\" is a folder of the host, and needs o=bind");
	if (local->options[OPTION_DEVICE][0] != '/')
		return settings_refuse(
			error, "device \"%.64s\": a folder of the host has an absolute path",
			local->options[OPTION_DEVICE]);
	out->kind = VOLUME_BIND;
	out->device = local->options[OPTION_DEVICE];
	local->options[OPTION_DEVICE] = NULL;
	return 0;
}

// --- Which ---------------------------------------------------------------------------------------

static error_t read_type(struct volume_backing *out, struct local *local,
                         char error[static SETTINGS_ERROR_MAX])
{
	const char *type = local->options[OPTION_TYPE];

	if (type == NULL)
		return 0;
	if (type[0] == '\0' || strcmp(type, "none") == 0 || strcmp(type, "bind") == 0)
		return read_bind(out, local, error);
	if (strcmp(type, "tmpfs") != 0)
		return settings_refuse(
			error,
			"type \"%.32s\" is not supported: containers' virtual machines mount "
			"neither network file systems nor disks; mount it on the host, and "
			"name its folder (type=none, o=bind, device=/PATH)",
			type);
	out->kind = VOLUME_TMPFS;
	out->options = local->options[OPTION_O] != NULL ? local->options[OPTION_O]
							: string_copy("");
	local->options[OPTION_O] = NULL;
	return out->options != NULL ? 0 : ERR_NO_MEMORY;
}

error_t volume_backing_read(struct volume_backing *out, const char *options,
                            char error[static SETTINGS_ERROR_MAX])
{
	struct local local = { 0 };
	error_t err = 0;

	*out = (struct volume_backing){ 0 };
	if (options == NULL)
		return 0;
	err = local_read(&local, options, error);
	if (err == 0)
		err = check_all(&local, error);
	if (err == 0)
		err = read_type(out, &local, error);
	local_deinit(&local);
	if (err < 0)
		volume_backing_deinit(out);
	return err;
}

error_t volume_options_check(const char *options, char error[static SETTINGS_ERROR_MAX])
{
	struct volume_backing backing;
	error_t err = volume_backing_read(&backing, options, error);

	if (err == 0 && backing.kind == VOLUME_TMPFS)
		err = tmpfs_options_check(backing.options, error);
	volume_backing_deinit(&backing);
	return err;
}

void volume_backing_deinit(struct volume_backing *backing)
{
	heap_free(backing->device);
	heap_free(backing->options);
	*backing = (struct volume_backing){ 0 };
}
