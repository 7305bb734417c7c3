// SPDX-License-Identifier: MIT
// What config.json says of device nodes: linux.devices, and linux.resources.devices. (OCI runtime
// spec, config-linux.md)
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/bootd/config_internal.h"

#define MAX_DEVICES 64
#define MAX_NUMBER ((1 << 20) - 1)  // of a minor
#define RULE_SIZE 32

static int refuse(struct config_reader *reader, const char *path, const char *why)
{
	return failure_set(reader->failure, FAILURE_SETUP, -EINVAL, "config.json: %s %s", path,
	                   why);
}

// Type and numbers, which a node and a rule have in common.
static int read_one(struct config_reader *reader, const cJSON *item, const char *path,
                    struct config_device *device)
{
	const char *type = "";
	int64_t major = 0, minor = 0;
	int error;

	if ((error = json_string(reader, item, path, "type", &type)) != 0 ||
	    (error = json_integer(reader, item, path, "major", 0, MAX_NUMBER, &major)) != 0 ||
	    (error = json_integer(reader, item, path, "minor", 0, MAX_NUMBER, &minor)) != 0)
		return error;
	if (strcmp(type, "b") != 0 && strcmp(type, "c") != 0)
		return refuse(reader, path, "must have the type \"b\" or \"c\"");
	device->is_block = type[0] == 'b';
	device->major = (unsigned int)major;
	device->minor = (unsigned int)minor;
	return 0;
}

// The elements of an array that may be absent: objects.
static int find(struct config_reader *reader, const cJSON *object, const char *parent,
                const char *path, const cJSON **array, size_t *count)
{
	int error = json_array(reader, object, parent, "devices", array);
	const cJSON *item;

	*count = error == 0 && *array != NULL ? (size_t)cJSON_GetArraySize(*array) : 0;
	if (error != 0 || *count == 0)
		return error;
	if (*count > MAX_DEVICES)
		return refuse(reader, path, "are more than 64");
	cJSON_ArrayForEach(item, *array)
	{
		if (!cJSON_IsObject(item))
			return refuse(reader, path, "must be objects");
	}
	return 0;
}

int config_read_devices(struct config_reader *reader, const cJSON *linux_object)
{
	static const char path[] = "linux.devices[].";
	struct config *config = reader->config;
	struct config_device *devices;
	const cJSON *array;
	const cJSON *item;
	size_t count;
	int error = find(reader, linux_object, "linux.", path, &array, &count);

	if (error != 0 || count == 0)
		return error;
	devices = config_alloc(reader, count, sizeof(*devices));
	if (devices == NULL)
		return -ENOMEM;
	config->devices = devices;
	cJSON_ArrayForEach(item, array)
	{
		struct config_device *device = &devices[config->num_devices];
		int64_t mode = 0666;

		if ((error = read_one(reader, item, path, device)) != 0 ||
		    (error = json_string(reader, item, path, "path", &device->path)) != 0 ||
		    (error = json_integer(reader, item, path, "fileMode", 0, 0777, &mode)) != 0)
			return error;
		if (device->path == NULL || device->path[0] != '/')
			return refuse(reader, path, "must have an absolute path");
		device->mode = (mode_t)mode;
		config->num_devices++;
	}
	return 0;
}

static int read_rule(struct config_reader *reader, const cJSON *item, const char *path,
                     struct config_strings *rules, const char **items)
{
	struct config_device device = { 0 };
	const char *access = "rwm";
	bool allow = false;
	char *rule;
	int error = json_bool(reader, item, path, "allow", &allow);

	// What is not allowed is denied anyway.
	if (error != 0 || !allow)
		return error;
	if ((error = read_one(reader, item, path, &device)) != 0 ||
	    (error = json_string(reader, item, path, "access", &access)) != 0)
		return error;
	if (strspn(access, "rwm") != strlen(access) || strlen(access) > 3 || access[0] == '\0')
		return refuse(reader, path, "must have as access some of r, w and m");
	rule = config_alloc(reader, RULE_SIZE, 1);
	if (rule == NULL)
		return -ENOMEM;
	snprintf(rule, RULE_SIZE, "%c %u:%u %s", device.is_block ? 'b' : 'c', device.major,
	         device.minor, access);
	items[rules->count++] = rule;
	return 0;
}

int config_read_device_rules(struct config_reader *reader, const cJSON *resources)
{
	static const char path[] = "linux.resources.devices[].";
	struct config_strings *rules = &reader->config->resources.devices;
	const char **items;
	const cJSON *array;
	const cJSON *item;
	size_t count;
	int error = find(reader, resources, "linux.resources.", path, &array, &count);

	if (error != 0 || count == 0)
		return error;
	items = config_alloc(reader, count, sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	rules->items = items;
	cJSON_ArrayForEach(item, array)
	{
		if ((error = read_rule(reader, item, path, rules, items)) != 0)
			return error;
	}
	return 0;
}
