// SPDX-License-Identifier: MIT
//
// What is mounted into the container, from flags and variables.
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image/pack/packed_image.h"
#include "tools/run/settings/numbers.h"
#include "tools/run/settings/settings.h"
#include "tools/run/settings/volume_words.h"

static int flags_take(struct settings *settings, struct error *err)
{
	const struct option_list *lists = settings->options.lists;
	struct volumes *volumes = &settings->volumes;
	size_t i;

	for (i = 0; i < lists[LIST_VOLUME].count; i++)
		if (volumes_add(volumes, lists[LIST_VOLUME].items[i], false, "--volume", err) < 0)
			return -1;
	for (i = 0; i < lists[LIST_MOUNT].count; i++)
		if (volumes_add_mount(volumes, lists[LIST_MOUNT].items[i], "--mount", err) < 0)
			return -1;
	for (i = 0; i < lists[LIST_TMPFS].count; i++)
		if (volumes_add_tmpfs(volumes, lists[LIST_TMPFS].items[i], false, "--tmpfs", err) <
		    0)
			return -1;
	return 0;
}

// A variable stands for its flags: it counts when there is none of them.
static int variables_take(struct settings *settings, struct error *err)
{
	const struct option_list *lists = settings->options.lists;
	const struct option *list = &settings->options.values[OPTION_VOLUMES];
	const struct option *tmpfs = &settings->options.values[OPTION_TMPFS];
	struct volumes *volumes = &settings->volumes;

	if (list->value && lists[LIST_VOLUME].count + lists[LIST_MOUNT].count == 0 &&
	    volumes_add(volumes, list->value, true, list->name, err) < 0)
		return -1;
	if (tmpfs->value && lists[LIST_TMPFS].count == 0)
		return volumes_add_tmpfs(volumes, tmpfs->value, true, tmpfs->name, err);
	return 0;
}

static int shm_size_read(struct settings *settings, struct error *err)
{
	const struct option *option = &settings->options.values[OPTION_SHM_SIZE];
	uint64_t size;

	if (!option->value)
		return 0;
	if (option->value[0] == '-')
		return error_set(err, "%s: SHM size can not be less than 0", option_text(option));
	if (!size_parse(option->value, &size))
		return error_set(err, "%s is not a size; write for example 256m",
		                 option_text(option));
	// As for docker, 0 is as when nothing is said.
	if (size > 0)
		arguments_add(&settings->config_options, "--annotation=dev.starina.shm_size=%llu",
		              (unsigned long long)size);
	return 0;
}

// Volumes without a name get one.
static int names_make(struct volumes *volumes, struct error *err)
{
	for (unsigned i = 0; i < volumes->count; i++) {
		struct volume *volume = &volumes->items[i];

		if (volume->kind != VOLUME_ANONYMOUS)
			continue;
		volume->source = calloc(1, VOLUME_NAME_MADE + 1);
		if (!volume->source)
			return error_set(err, "out of memory");
		if (volume_name_make(volume->source, err) < 0)
			return -1;
	}
	return 0;
}

static unsigned count_host(const struct volumes *volumes)
{
	unsigned count = 0;

	for (unsigned i = 0; i < volumes->count; i++)
		count += volumes->items[i].kind == VOLUME_HOST;
	return count;
}

// What bootd is told: the number of each share, and each tmpfs's options, by where it is mounted
// (guest/bootd/config.h). The host's folders come first, so that their numbers are those that the
// host's server knows them by, and tells changes by.
static void mounts_pass_on(struct settings *settings)
{
	unsigned host = 0;
	unsigned volume_share = count_host(&settings->volumes);

	for (unsigned i = 0; i < settings->volumes.count; i++) {
		const struct volume *volume = &settings->volumes.items[i];
		bool copy = volume->kind != VOLUME_HOST && !volume->no_copy;

		if (volume->kind == VOLUME_TMPFS)
			arguments_add(&settings->config_options, "--mount=tmpfs:%s%s",
			              volume->source, volume->container);
		else
			arguments_add(&settings->config_options, "--mount=share:%u%s%s%s",
			              volume->kind == VOLUME_HOST ? host++ : volume_share++,
			              volume->read_only ? ":ro" : "", copy ? ":copy" : "",
			              volume->container);
	}
}

// What linuxrun is told: which shares these are, and which volumes go with the container
// (apps/linuxrun/shares.h, volumes.h).
static int shares_pass_on(struct settings *settings, struct error *err)
{
	char *shares = NULL, *removed = NULL;
	size_t shares_size, removed_size;
	FILE *list = open_memstream(&shares, &shares_size);
	FILE *removal = open_memstream(&removed, &removed_size);
	bool remove = option_is_on(&settings->options, OPTION_RM);
	unsigned num_host = count_host(&settings->volumes);

	for (unsigned i = 0; list && i < num_host; i++)
		fprintf(list, " host/%u", i);
	for (unsigned i = 0; list && removal && i < settings->volumes.count; i++) {
		const struct volume *volume = &settings->volumes.items[i];

		if (volume->kind != VOLUME_HOST && volume->kind != VOLUME_TMPFS)
			fprintf(list, " %s/%s",
			        !volume->read_only        ? "all"
			                : volume->no_copy ? "ro"
			                                  : "fill",
			        volume->source);
		if (volume->kind == VOLUME_ANONYMOUS && remove)
			fprintf(removal, " %s", volume->source);
	}
	if (!list || !removal || fclose(list) != 0 || fclose(removal) != 0)
		return error_set(err, "out of memory");
	if (shares[0])
		arguments_add(&settings->config_options, "--annotation=dev.starina.shares=%s",
		              shares + 1);
	if (removed[0])
		arguments_add(&settings->config_options, "--annotation=dev.starina.remove=%s",
		              removed + 1);
	free(shares);
	free(removed);
	return 0;
}

int volume_settings_read(struct settings *settings, struct error *err)
{
	if (flags_take(settings, err) < 0 || variables_take(settings, err) < 0)
		return -1;
	return shm_size_read(settings, err);
}

// --- With the image ------------------------------------------------------------------------------

// The image's own volumes, where nothing else is. One that is not a place for a volume is bootd's
// to refuse.
static int image_volumes_add(struct volumes *volumes, const json_t *config, struct error *err)
{
	const char *path;
	json_t *value;

	json_object_foreach(json_object_get(json_object_get(config, "config"), "Volumes"), path,
	                    value)
	{
		struct volume volume = { .kind = VOLUME_ANONYMOUS, .name = "the image's volumes" };
		char rooted[PATH_MAX];
		struct error ignored;

		if (snprintf(rooted, sizeof(rooted), "/%s", path) >= (int)sizeof(rooted) ||
		    place_check(rooted, &ignored) < 0)
			continue;
		if (volume_take(volumes, &volume, rooted, err) < 0)
			return error_prefix(err, "%s", volume.name);
	}
	return 0;
}

int volume_settings_finish(struct settings *settings, const char *image, struct error *err)
{
	struct volumes *volumes = &settings->volumes;
	char path[PATH_MAX];
	json_t *config = NULL;
	int result = 0;

	// Without a state disk they are folders of the container's layer.
	if (image && volumes_need_state(volumes) &&
	    snprintf(path, sizeof(path), "%s/" PACK_CONFIG, image) < (int)sizeof(path))
		config = json_load_file(path, 0, NULL);
	if (config)
		result = image_volumes_add(volumes, config, err);
	json_decref(config);
	if (result < 0 || names_make(volumes, err) < 0)
		return -1;
	volumes_sort(volumes);
	mounts_pass_on(settings);
	return shares_pass_on(settings, err);
}
