// SPDX-License-Identifier: MIT
#include "tools/image/pack/index.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/image/config/bundle.h"
#include "tools/image/config/volumes.h"
#include "tools/image/digest.h"
#include "tools/image/json_input.h"
#include "tools/image/pack/host_network.h"
#include "tools/image/pack/packed_image.h"
#include "tools/image/source/reference.h"

#define SECTOR_SIZE 512
#define MAX_EXTENT_PATH 511  // of QEMU
// Less than IMAGE_INDEX_MAX_BYTES in libs/linux/image/image_index.h: apps/images tells more.
#define MAX_INDEX_SIZE (3u << 20)

struct index {
	json_t *images;
	char *extents;  // lines of the VMDK description
	size_t extents_size;
	FILE *stream;  // into it
	json_int_t next_sector;
};

// The keys of an object, as a list.
static json_t *keys_list(const json_t *object)
{
	json_t *array = json_array();
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		json_array_append_new(array, json_string(key));
	return array;
}

// What docker knows of a health check; NULL: there is none. (OCI image spec, config.md)
static json_t *health_take(const json_t *config)
{
	static const char *const numbers[] = { "Interval", "Timeout", "StartPeriod",
		                               "StartInterval", "Retries" };
	const json_t *health = json_object_get(config, "Healthcheck");
	json_t *out;

	if (!json_is_object(health))
		return NULL;
	out = json_object();
	if (json_get_strings(health, "Test"))
		json_object_set(out, "Test", json_object_get(health, "Test"));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (json_is_integer(json_object_get(health, numbers[i])))
			json_object_set(out, numbers[i], json_object_get(health, numbers[i]));
	return out;
}

// The labels that are strings; NULL: there are none.
static json_t *labels_take(const json_t *config)
{
	json_t *labels = json_object_get(config, "Labels"), *out, *value;
	const char *key;

	if (!json_is_object(labels))
		return NULL;
	out = json_object();
	json_object_foreach(labels, key, value)
	{
		if (json_is_string(value))
			json_object_set(out, key, value);
	}
	return out;
}

// Only values of the kinds that libs/linux/image/image_index.c reads: others would make the whole
// list of images unreadable.
json_t *index_config(const json_t *image)
{
	static const struct {
		const char *key;
		bool is_list,
			is_text;  // may be; a text in place of a list is one word, as of docker
	} members[] = { { "Entrypoint", true, true }, { "Cmd", true, true },
		        { "Env", true, false },       { "WorkingDir", false, true },
		        { "User", false, true },      { "StopSignal", false, true } };
	json_t *config = json_object_get(image, "config");
	json_t *out = json_object();
	json_t *health = health_take(config), *labels = labels_take(config);

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *key = members[i].key;
		json_t *value = json_object_get(config, key);

		if (members[i].is_list && members[i].is_text && json_get_string(config, key))
			json_object_set_new(out, key, json_pack("[O]", value));
		else if ((members[i].is_text && json_get_string(config, key)) ||
		         (members[i].is_list && json_get_strings(config, key)))
			json_object_set(out, key, value);
	}
	if (labels)
		json_object_set_new(out, "Labels", labels);
	if (health)
		json_object_set_new(out, "Healthcheck", health);
	json_object_set_new(out, "Volumes", volumes_list(config));
	json_object_set_new(out, "ExposedPorts",
	                    keys_list(json_object_get(config, "ExposedPorts")));
	return out;
}

// The caller frees it; NULL with `err`.
static char *name_make(const char *text, size_t length, struct error *err)
{
	char *name = strndup(text, length);
	char *full;

	if (!name) {
		error_set(err, "out of memory");
		return NULL;
	}
	if (strcmp(name, "builtin") == 0 || strcmp(name, "system") == 0)
		return name;
	full = reference_normalize(name, err);
	free(name);
	return full;
}

static void forget(json_t *images, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(images, i, item)
	{
		if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0) {
			json_array_remove(images, i);
			return;
		}
	}
}

static int extent_add(struct index *index, const char *directory, json_int_t *sectors,
                      struct error *err)
{
	char *path;
	struct stat status;
	int result = 0;

	if (asprintf(&path, "%s/" PACK_ROOT, directory) < 0)
		return error_set(err, "out of memory");
	if (stat(path, &status) < 0)
		result = error_set_errno(err, errno, "cannot use %s", path);
	else if (status.st_size == 0 || status.st_size % SECTOR_SIZE != 0)
		result = error_set(err, "%s is damaged: its size is not a multiple of %d", path,
		                   SECTOR_SIZE);
	else if (path[0] != '/' || strlen(path) > MAX_EXTENT_PATH || strpbrk(path, "\"\r\n"))
		result = error_set(
			err,
			"the path %.80s... is too long or has quotes in it; set STARINA_CACHE to another",
			path);
	else
		fprintf(index->stream, "RW %lld FLAT \"%s\" 0\n",
		        (long long)status.st_size / SECTOR_SIZE, path);
	*sectors = status.st_size / SECTOR_SIZE;
	free(path);
	return result;
}

// What Docker calls the image's ID: the digest of its configuration.
static int id_make(const json_t *image, char id[DIGEST_TEXT_SIZE], struct error *err)
{
	char *text = json_dumps(image, JSON_COMPACT | JSON_SORT_KEYS);
	int result;

	if (!text)
		return error_set(err, "out of memory");
	result = digest_of(text, strlen(text), id, err);
	free(text);
	return result;
}

// The container that pulls does it as the host's user would.
static int config_add_network(json_t *config, struct error *err)
{
	json_t *environment = json_copy(json_object_get(config, "Env"));
	int result;

	if (!environment)
		environment = json_array();
	result = host_network_add(environment, err);
	json_object_set_new(config, "Env", environment);
	return result;
}

static int image_add(struct index *index, const char *assignment, struct error *err)
{
	const char *equals = strchr(assignment, '=');
	json_int_t sectors = 0;
	char id[DIGEST_TEXT_SIZE];
	json_t *image;
	json_t *config;
	char *name;

	if (!equals)
		return error_set(err, "\"%.200s\" is not NAME=DIRECTORY", assignment);
	name = name_make(assignment, (size_t)(equals - assignment), err);
	if (!name)
		return -1;
	image = image_config_read(equals + 1, err);
	if (!image || id_make(image, id, err) < 0 ||
	    extent_add(index, equals + 1, &sectors, err) < 0) {
		json_decref(image);
		free(name);
		return -1;
	}
	config = index_config(image);
	if (strcmp(name, "system") == 0 && config_add_network(config, err) < 0) {
		json_decref(config);
		json_decref(image);
		free(name);
		return -1;
	}
	forget(index->images, name);
	json_array_append_new(index->images,
	                      json_pack("{s:s, s:s, s:I, s:I, s:o}", "name", name, "id", id,
	                                "first_sector", index->next_sector, "num_sectors", sectors,
	                                "config", config));
	index->next_sector += sectors;
	json_decref(image);
	free(name);
	return 0;
}

static int file_write(const char *output, const char *name, const char *text, struct error *err)
{
	char *path;
	FILE *file;
	int result = 0;

	if (asprintf(&path, "%s/%s", output, name) < 0)
		return error_set(err, "out of memory");
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		result = error_set_errno(err, errno, "cannot write %s", path);
	free(path);
	return result;
}

// What every virtual machine may know: nothing of users' images, nor of the host's network.
static int builtin_write(const struct index *index, const char *output, struct error *err)
{
	json_t *images = json_array(), *item, *document;
	char *text;
	int result;
	size_t i;

	json_array_foreach(index->images, i, item)
	{
		if (strcmp(json_string_value(json_object_get(item, "name")), "builtin") == 0)
			json_array_append(images, item);
	}
	document = json_pack("{s:o}", "images", images);
	text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	result = text ? file_write(output, INDEX_BUILTIN, text, err)
		      : error_set(err, "out of memory");
	free(text);
	json_decref(document);
	return result;
}

static int files_write(const struct index *index, const char *output, struct error *err)
{
	json_t *document = json_pack("{s:O}", "images", index->images);
	char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	char *disk = NULL;
	int result = -1;

	json_decref(document);
	if (!text ||
	    asprintf(&disk,
	             "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
	             "createType=\"twoGbMaxExtentFlat\"\n%sddb.adapterType = \"ide\"\n",
	             index->extents) < 0)
		error_set(err, "out of memory");
	else if (strlen(text) > MAX_INDEX_SIZE)
		error_set(
			err,
			"the configurations of the images (environment, command) are larger than %u bytes",
			MAX_INDEX_SIZE);
	else if (file_write(output, INDEX_FILE, text, err) == 0 &&
	         builtin_write(index, output, err) == 0)
		result = file_write(output, INDEX_DISK, disk, err);
	free(disk);
	free(text);
	return result;
}

int index_write(const char *output, char *const *images, unsigned count, struct error *err)
{
	struct index index = { .images = json_array() };
	int result = 0;

	index.stream = open_memstream(&index.extents, &index.extents_size);
	if (!index.stream)
		return error_set(err, "out of memory");
	for (unsigned i = 0; i < count && result == 0; i++)
		result = image_add(&index, images[i], err);
	if (fclose(index.stream) != 0 && result == 0)
		result = error_set(err, "out of memory");
	if (result == 0)
		result = files_write(&index, output, err);
	free(index.extents);
	json_decref(index.images);
	return result;
}
