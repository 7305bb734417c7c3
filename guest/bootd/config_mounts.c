// SPDX-License-Identifier: MIT
// What config.json mounts: its `mounts`, and what annotations put over the image.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "guest/bootd/config_internal.h"
#include "libs/linux/vm/bootd_protocol.h"

// --- mounts[] ------------------------------------------------------------------------------------

static const struct {
	const char *name;
	unsigned long set;
	unsigned long clear;
} mount_options[] = {
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },
	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "atime", 0, MS_NOATIME },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "diratime", 0, MS_NODIRATIME },
	{ "relatime", MS_RELATIME, 0 },
	{ "norelatime", 0, MS_RELATIME },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "nostrictatime", 0, MS_STRICTATIME },
	{ "bind", MS_BIND, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
	// Nothing is mounted below these but by the container itself: propagation has no meaning.
	// A share has its own word for it.
	{ "private", 0, 0 },
	{ "rprivate", 0, 0 },
	{ "slave", 0, 0 },
	{ "rslave", 0, 0 },
	{ "defaults", 0, 0 },
};

// Takes a generic option into the flags. Returns false when it is one of the file system's own.
static bool apply_option(const char *option, unsigned long *flags)
{
	for (size_t i = 0; i < sizeof(mount_options) / sizeof(mount_options[0]); i++) {
		if (strcmp(option, mount_options[i].name) == 0) {
			*flags = (*flags & ~mount_options[i].clear) | mount_options[i].set;
			return true;
		}
	}
	return false;
}

static int read_mount_options(struct config_reader *reader, const struct config_strings *options,
                              struct config_mount *mount)
{
	size_t size = 1;

	for (size_t i = 0; i < options->count; i++)
		size += strlen(options->items[i]) + 1;
	if (size > 4096)
		return failure_set(
			reader->failure, FAILURE_SETUP, -EINVAL,
			"config.json: mounts[].options for '%.200s' are longer than 4096 bytes",
			mount->destination);

	char *data = config_alloc(reader, size, 1);
	if (data == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < options->count; i++) {
		if (apply_option(options->items[i], &mount->flags))
			continue;
		if (data[0] != '\0')
			strcat(data, ",");
		strcat(data, options->items[i]);
	}
	mount->data = data[0] != '\0' ? data : NULL;
	return 0;
}

int config_read_mount(struct config_reader *reader, const cJSON *item, struct config_mount *mount)
{
	struct config_strings options = { 0 };
	int error;

	if (!cJSON_IsObject(item))
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: mounts must be an array of objects");
	mount->destination = "";
	mount->type = "none";
	mount->source = "none";
	if ((error = json_string(reader, item, "mounts[].", "destination", &mount->destination)) !=
	            0 ||
	    (error = json_string(reader, item, "mounts[].", "type", &mount->type)) != 0 ||
	    (error = json_string(reader, item, "mounts[].", "source", &mount->source)) != 0 ||
	    (error = json_strings(reader, item, "mounts[].", "options", &options)) != 0)
		return error;
	if (mount->destination[0] != '/')
		return failure_set(
			reader->failure, FAILURE_SETUP, -EINVAL,
			"config.json: mounts[].destination '%.200s' must be an absolute path",
			mount->destination);
	error = read_mount_options(reader, &options, mount);
	if (error != 0)
		return error;
	if ((mount->flags & MS_BIND) != 0)
		return failure_set(
			reader->failure, FAILURE_SETUP, -ENOTSUP,
			"config.json: mounts: %.200s is a bind mount, but the guest shares no "
			"folders with its host",
			mount->destination);
	return 0;
}

// --- Annotations ---------------------------------------------------------------------------------

// Members of an object whose key starts with `prefix`, as (rest of the key, value).
int config_read_pairs(struct config_reader *reader, const cJSON *object, const char *path,
                      const char *prefix, struct config_pair **out, size_t *count)
{
	const cJSON *item;

	*out = config_alloc(reader, (size_t)cJSON_GetArraySize(object), sizeof(**out));
	if (*out == NULL)
		return -ENOMEM;
	cJSON_ArrayForEach(item, object)
	{
		if (strncmp(item->string, prefix, strlen(prefix)) != 0)
			continue;
		if (!cJSON_IsString(item))
			return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
			                   "config.json: %s.%.100s must be a string", path,
			                   item->string);
		(*out)[*count].key = item->string + strlen(prefix);
		(*out)[*count].value = item->valuestring;
		(*count)++;
	}
	return 0;
}

static int refuse(struct config_reader *reader, const char *prefix, const char *path,
                  const char *expected)
{
	return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
	                   "config.json: annotations: '%s%.200s' must name an absolute path, and "
	                   "be %s",
	                   prefix, path, expected);
}

// Takes a word that `value` begins with, and moves on.
static bool take_word(const char **value, const char *word)
{
	if (strncmp(*value, word, strlen(word)) != 0)
		return false;
	*value += strlen(word);
	return true;
}

// "3", and behind it ":ro", ":copy", ":shared" and ":in=" with a path in it.
static bool read_share(struct config_mount *mount, const char *value)
{
	size_t digits = strspn(value, "0123456789");

	mount->type = CONFIG_SHARE;
	mount->source = value;
	value += digits;
	if (take_word(&value, ":ro"))
		mount->flags |= MS_RDONLY;
	if (take_word(&value, ":copy"))
		mount->data = CONFIG_COPY;
	if (take_word(&value, ":shared"))
		mount->flags |= MS_SHARED;
	if (take_word(&value, ":in=")) {
		mount->subpath = value;
		return digits > 0 && digits < 6 && value[0] != '\0' && value[0] != '/';
	}
	return digits > 0 && digits < 6 && *value == '\0';
}

// "noexec,size=64m".
static int read_tmpfs(struct config_reader *reader, struct config_mount *mount, const char *value)
{
	struct config_strings options = { .count = 1 };
	char *copy = config_alloc(reader, strlen(value) + 1, 1);
	const char **items;

	for (const char *c = value; *c != '\0'; c++)
		options.count += *c == ',';
	items = config_alloc(reader, options.count, sizeof(*items));
	if (copy == NULL || items == NULL)
		return -ENOMEM;
	strcpy(copy, value);
	for (size_t i = 0; i < options.count; i++)
		items[i] = strsep(&copy, ",");
	options.items = items;
	mount->type = mount->source = CONFIG_TMPFS;
	return read_mount_options(reader, &options, mount);
}

static int read_added_one(struct config_reader *reader, const struct config_pair *pair, bool share,
                          struct config_mount *mount)
{
	int error = 0;

	mount->destination = pair->key;
	if (!share)
		error = read_tmpfs(reader, mount, pair->value);
	else if (!read_share(mount, pair->value))
		return refuse(reader, CONFIG_SHARE_ANNOTATION, pair->key,
		              "\"N[:ro][:copy][:shared][:in=PATH]\"");
	if (error == 0 && pair->key[0] != '/')
		return refuse(reader, share ? CONFIG_SHARE_ANNOTATION : CONFIG_TMPFS_ANNOTATION,
		              pair->key, share ? "a share" : "a tmpfs");
	return error;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct config_mount *)a)->destination,
	              ((const struct config_mount *)b)->destination);
}

static int read_added(struct config_reader *reader, const cJSON *annotations)
{
	struct config *config = reader->config;
	struct config_pair *shares = NULL;
	struct config_pair *tmpfs = NULL;
	size_t num_shares = 0;
	size_t num_tmpfs = 0;
	int error = config_read_pairs(reader, annotations, "annotations", CONFIG_SHARE_ANNOTATION,
	                              &shares, &num_shares);

	if (error == 0)
		error = config_read_pairs(reader, annotations, "annotations",
		                          CONFIG_TMPFS_ANNOTATION, &tmpfs, &num_tmpfs);
	if (error != 0)
		return error;
	if (num_shares + num_tmpfs > CONFIG_MAX_ADDED)
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: annotations: more than %d shares and tmpfs",
		                   CONFIG_MAX_ADDED);
	config->added = config_alloc(reader, num_shares + num_tmpfs, sizeof(*config->added));
	if (config->added == NULL)
		return -ENOMEM;
	for (size_t i = 0; error == 0 && i < num_shares + num_tmpfs; i++) {
		bool share = i < num_shares;

		error = read_added_one(reader, share ? &shares[i] : &tmpfs[i - num_shares], share,
		                       &config->added[config->num_added]);
		config->num_added += error == 0;
	}
	// A folder's path is the beginning of what lies in it, and so smaller.
	if (error == 0)
		qsort(config->added, config->num_added, sizeof(*config->added), compare);
	return error;
}

static int read_shm_size(struct config_reader *reader, const cJSON *annotations)
{
	const char *text = NULL;
	int error =
		json_string(reader, annotations, "annotations.", CONFIG_SHM_SIZE_ANNOTATION, &text);

	if (error != 0 || text == NULL)
		return error;
	if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 18 || text[0] == '\0')
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: annotations." CONFIG_SHM_SIZE_ANNOTATION
		                   " must be a number of bytes");
	reader->config->shm_size = strtoull(text, NULL, 10);
	return 0;
}

static int read_volumes(struct config_reader *reader, cJSON *annotations)
{
	struct config_strings *volumes = &reader->config->volumes;
	const char *text = NULL;
	cJSON *list;
	int error =
		json_string(reader, annotations, "annotations.", CONTROL_VOLUMES_ANNOTATION, &text);

	if (error != 0 || text == NULL)
		return error;
	error = json_parse(reader, text, strlen(text),
	                   "config.json: annotations." CONTROL_VOLUMES_ANNOTATION, &list);
	if (error != 0)
		return error;
	// The text goes; the list is in its place as long as the config is.
	if (!cJSON_ReplaceItemInObjectCaseSensitive(annotations, CONTROL_VOLUMES_ANNOTATION,
	                                            list)) {
		cJSON_Delete(list);
		return failure_set(reader->failure, FAILURE_SETUP, -ENOMEM,
		                   "config.json: the guest is out of memory");
	}
	error = json_strings(reader, annotations, "annotations.", CONTROL_VOLUMES_ANNOTATION,
	                     volumes);
	for (size_t i = 0; error == 0 && i < volumes->count; i++) {
		if (volumes->items[i][0] != '/')
			return failure_set(
				reader->failure, FAILURE_SETUP, -EINVAL,
				"config.json: annotations: the volume '%.200s' must be an absolute path",
				volumes->items[i]);
	}
	return error;
}

int config_read_added(struct config_reader *reader, cJSON *annotations)
{
	int error = read_added(reader, annotations);

	if (error == 0)
		error = read_shm_size(reader, annotations);
	return error != 0 ? error : read_volumes(reader, annotations);
}
