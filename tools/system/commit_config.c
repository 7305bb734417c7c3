// SPDX-License-Identifier: MIT
#include "tools/system/commit_config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/image/config/environment.h"
#include "tools/image/json_input.h"
#include "tools/image/source/oci_select.h"
#include "tools/system/change.h"

static const char *const lists[] = { "Entrypoint", "Cmd", "Env", "Shell", "OnBuild" };
static const char *const objects[] = { "Labels", "Volumes", "ExposedPorts", "Healthcheck" };
static const char *const texts[] = { "User", "WorkingDir", "StopSignal" };
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// --- Reading -------------------------------------------------------------------------------------

// The keys of an object; a record has a list of them.
static json_t *object_take(const json_t *value)
{
	json_t *object, *item;
	size_t i;

	if (json_is_object(value))
		return json_deep_copy(value);
	if (!json_is_array(value))
		return NULL;
	object = json_object();
	json_array_foreach(value, i, item)
	{
		if (json_is_string(item))
			json_object_set_new(object, json_string_value(item), json_object());
	}
	return object;
}

// The last member whose name is `key` in any case of letters, as docker's API takes it.
static json_t *member_of(const json_t *from, const char *key)
{
	json_t *found = NULL, *value;
	const char *name;

	// jansson reads only, but does not say so.
	json_object_foreach((json_t *)(uintptr_t)from, name, value)
	{
		if (strcasecmp(name, key) == 0 && !json_is_null(value))
			found = value;
	}
	return found;
}

// A list of strings, or one string.
static void list_take(json_t *config, const char *key, json_t *value)
{
	json_object_set_new(config, key,
	                    json_is_string(value) ? json_pack("[O]", value) : json_incref(value));
	if (!json_get_strings(config, key))
		json_object_del(config, key);
}

static void text_take(json_t *config, const char *key, json_t *value)
{
	const char *text;

	json_object_set(config, key, value);
	text = json_get_string(config, key);
	if (!text || !text[0])
		json_object_del(config, key);
}

// What of a configuration is an image's, each of its right kind.
static json_t *config_take(const json_t *from)
{
	json_t *config = json_object();

	for (size_t i = 0; i < COUNT(lists); i++)
		list_take(config, lists[i], member_of(from, lists[i]));
	for (size_t i = 0; i < COUNT(objects); i++) {
		json_t *object = object_take(member_of(from, objects[i]));

		if (object)
			json_object_set_new(config, objects[i], object);
	}
	for (size_t i = 0; i < COUNT(texts); i++)
		text_take(config, texts[i], member_of(from, texts[i]));
	return config;
}

// --- Merging -------------------------------------------------------------------------------------

static bool is_empty(const json_t *list)
{
	// One empty word is docker's way to say so.
	return json_array_size(list) == 0 ||
		(json_array_size(list) == 1 && json_string_length(json_array_get(list, 0)) == 0);
}

static void command_merge(json_t *config, const json_t *base)
{
	const json_t *entrypoint = json_object_get(config, "Entrypoint");

	if (!is_empty(entrypoint))
		return;
	if (is_empty(json_object_get(config, "Cmd")) && !json_object_get(config, CHANGE_CMD_SET))
		json_object_set(config, "Cmd", json_object_get(base, "Cmd"));
	if (!entrypoint)
		json_object_set(config, "Entrypoint", json_object_get(base, "Entrypoint"));
}

static int environment_merge(json_t *config, const json_t *base, struct error *err)
{
	json_t *env = json_array(), *item;
	size_t i;
	int result = 0;

	json_array_foreach(json_object_get(base, "Env"), i, item)
	{
		if (result == 0)
			result = environment_set(env, json_string_value(item), err);
	}
	json_array_foreach(json_object_get(config, "Env"), i, item)
	{
		if (result == 0)
			result = environment_set(env, json_string_value(item), err);
	}
	json_object_set_new(config, "Env", env);
	return result;
}

// What `config` does not say is as in `base`, by docker's rules. OnBuild is the build's own.
static int config_merge(json_t *config, const json_t *base, struct error *err)
{
	command_merge(config, base);
	for (size_t i = 0; i < COUNT(objects); i++) {
		json_t *more = json_object_get(base, objects[i]);
		json_t *object = json_object_get(config, objects[i]);

		if (!object && more)
			json_object_set_new(config, objects[i], json_deep_copy(more));
		else if (more && strcmp(objects[i], "Healthcheck") != 0)
			json_object_update_missing(object, more);
	}
	for (size_t i = 0; i < COUNT(texts); i++)
		if (!json_object_get(config, texts[i]) && json_object_get(base, texts[i]))
			json_object_set(config, texts[i], json_object_get(base, texts[i]));
	if (!json_object_get(config, "Shell") && json_object_get(base, "Shell"))
		json_object_set(config, "Shell", json_object_get(base, "Shell"));
	return environment_merge(config, base, err);
}

// The container's own: what it was created with, over its image's.
static json_t *container_config(const json_t *wanted, struct error *err)
{
	json_t *image = config_take(json_object_get(json_object_get(wanted, "parent"), "config"));
	json_t *config = config_take(json_object_get(wanted, "container"));
	int result;

	json_object_del(config, "OnBuild");
	result = config_merge(config, image, err);
	json_decref(image);
	if (result == 0)
		return config;
	json_decref(config);
	return NULL;
}

static json_t *config_make(const json_t *wanted, struct error *err)
{
	json_t *given = json_object_get(wanted, "config");
	json_t *base = container_config(wanted, err);
	json_t *config, *change;
	size_t i;
	int result = 0;

	if (!base)
		return NULL;
	config = json_is_object(given) ? config_take(given) : json_deep_copy(base);
	json_array_foreach(json_get_strings(wanted, "changes"), i, change)
	{
		if (result == 0)
			result = change_apply(config, json_string_value(change), err);
	}
	if (result == 0)
		result = config_merge(config, base, err);
	json_object_del(config, CHANGE_CMD_SET);
	json_decref(base);
	if (result == 0)
		return config;
	json_decref(config);
	return NULL;
}

// --- The image -----------------------------------------------------------------------------------

static bool is_layer(const json_t *step)
{
	return !json_is_true(json_object_get(step, "empty_layer"));
}

// The steps of the image's history, if they are as many as its layers; else one for each of these.
static json_t *history_take(const json_t *parent, const json_t *diff_ids)
{
	json_t *history = json_object_get(parent, "history");
	json_t *created = json_object_get(parent, "created");
	json_t *step;
	size_t i, count = 0;

	json_array_foreach(history, i, step) count += is_layer(step);
	if (json_is_array(history) && count == json_array_size(diff_ids))
		return json_deep_copy(history);
	history = json_array();
	for (i = 0; i < json_array_size(diff_ids); i++)
		json_array_append_new(history,
		                      json_is_string(created)
		                              ? json_pack("{s:O}", "created", created)
		                              : json_object());
	return history;
}

static void text_copy(json_t *to, const char *key, const json_t *from)
{
	const char *text = json_get_string(from, key);

	if (text && text[0])
		json_object_set(to, key, json_object_get(from, key));
}

static json_t *step_make(const json_t *wanted, const char *created)
{
	json_t *step = json_pack("{s:s}", "created", created);

	text_copy(step, "created_by", wanted);
	text_copy(step, "author", wanted);
	text_copy(step, "comment", wanted);
	return step;
}

json_t *commit_config_make(const json_t *wanted, time_t now, struct error *err)
{
	const json_t *parent = json_object_get(wanted, "parent");
	json_t *diff_ids = json_get_strings(parent, "layers");
	json_t *config = config_make(wanted, err);
	json_t *image, *history;
	struct tm when;
	char created[64];

	if (!config)
		return NULL;
	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &when));
	diff_ids = diff_ids ? json_copy(diff_ids) : json_array();
	history = history_take(parent, diff_ids);
	json_array_append_new(history, step_make(wanted, created));
	image = json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:o}, s:o}", "architecture",
	                  OCI_ARCHITECTURE, "os", OCI_OS, "created", created, "config", config,
	                  "rootfs", "type", "layers", "diff_ids", diff_ids, "history", history);
	if (!image) {
		error_set(err, "out of memory");
		return NULL;
	}
	text_copy(image, "architecture", parent);
	text_copy(image, "os", parent);
	text_copy(image, "variant", parent);
	text_copy(image, "author", wanted);
	text_copy(image, "comment", wanted);
	return image;
}

void commit_config_add_layer(json_t *config, const char *base, const char *layer)
{
	json_t *diff_ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	json_t *history = json_object_get(config, "history");

	if (json_array_size(diff_ids) == 0) {
		json_array_append_new(diff_ids, json_string(base));
		json_array_insert_new(history, 0, json_object());
	}
	json_array_append_new(diff_ids, json_string(layer));
}
