// SPDX-License-Identifier: MIT
//
// HostConfig.Devices: [{"PathOnHost":"/dev/fuse","PathInContainer":"","CgroupPermissions":"rwm"}].
// The host is the container's virtual machine, of whose devices these mean something.
#include "apps/containers/mount_list.h"
#include "apps/containers/settings_fields.h"
#include "apps/containers/settings_own.h"
#include "libs/base/fmt.h"
#include "libs/linux/image/string_list.h"
#include "libs/starina/alloc.h"

// Of Linux's admin-guide/devices.txt.
static const struct {
	const char *path;
	char type;
	uint32_t major;
	uint32_t minor;
} devices[] = {
	{ "/dev/null", 'c', 1, 3 },    { "/dev/zero", 'c', 1, 5 },
	{ "/dev/full", 'c', 1, 7 },    { "/dev/random", 'c', 1, 8 },
	{ "/dev/urandom", 'c', 1, 9 }, { "/dev/tty", 'c', 5, 0 },
	{ "/dev/fuse", 'c', 10, 229 }, { "/dev/loop-control", 'c', 10, 237 },
	{ "/dev/loop0", 'b', 7, 0 },   { "/dev/loop1", 'b', 7, 1 },
	{ "/dev/loop2", 'b', 7, 2 },   { "/dev/loop3", 'b', 7, 3 },
};

struct device_body {
	char *on_host;
	char *in_container;
	char *access;
};

#define AT(member) offsetof(struct device_body, member)

static const struct field fields[] = {
	{ "PathOnHost", FIELD_STRING, AT(on_host), 0, NULL, NULL },
	{ "PathInContainer", FIELD_STRING, AT(in_container), 0, NULL, NULL },
	{ "CgroupPermissions", FIELD_STRING, AT(access), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static void body_free(struct device_body *body)
{
	heap_free(body->on_host);
	heap_free(body->in_container);
	heap_free(body->access);
}

// Some of "r", "w" and "m", each once.
static bool take_access(const char *text, char out[static HOST_DEVICE_ACCESS_MAX])
{
	size_t len = 0;

	for (; text[len] != '\0'; len++) {
		if (len == HOST_DEVICE_ACCESS_MAX - 1 || strchr("rwm", text[len]) == NULL ||
		    memchr(text, text[len], len) != NULL)
			return false;
		out[len] = text[len];
	}
	out[len] = '\0';
	return true;
}

static error_t refuse(const char *path, const char *why, char error[static SETTINGS_ERROR_MAX])
{
	fmt_write(error, SETTINGS_ERROR_MAX,
	          "error gathering device information while adding custom device \"%.80s\": %s",
	          path, why);
	return ERR_INVALID;
}

static bool find(const char *path, struct host_device *device)
{
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (strcmp(devices[i].path, path) != 0)
			continue;
		device->type = devices[i].type;
		device->major = devices[i].major;
		device->minor = devices[i].minor;
		return true;
	}
	return false;
}

static error_t take_one(struct string_list *paths, struct host_device *device,
                        const struct device_body *body, char error[static SETTINGS_ERROR_MAX])
{
	const char *path = body->on_host != NULL ? body->on_host : "";
	const char *target = body->in_container != NULL && body->in_container[0] != '\0'
		? body->in_container
		: path;
	char clean[MOUNT_TARGET_MAX];
	const char *access = body->access != NULL && body->access[0] != '\0' ? body->access : "rwm";

	if (!find(path, device))
		return refuse(path,
		              "no such file or directory: the container's machine has null, zero, "
		              "full, random, urandom, tty, fuse, loop-control, loop0 to loop3",
		              error);
	if (!take_access(access, device->access))
		return refuse(path, "the permissions are some of r, w and m", error);
	if (str_copy(clean, target, sizeof(clean)) >= sizeof(clean) || !mount_path_clean(clean))
		return refuse(path, "its path in the container is not absolute, or too long",
		              error);
	return string_list_add(paths, clean);
}

error_t settings_take_devices(struct settings *settings, struct json_reader *r,
                              char error[static SETTINGS_ERROR_MAX])
{
	struct host_settings *host = &settings->host;
	error_t err = 0;

	string_list_deinit(&host->device_paths);
	json_enter_array(r);
	while (err == 0 && json_next_element(r)) {
		struct device_body body = { 0 };
		struct span text = json_take_raw(r);

		err = json_reader_status(r);
		if (err == 0 && host->device_paths.count == HOST_MAX_DEVICES) {
			fmt_write(error, SETTINGS_ERROR_MAX,
			          "HostConfig.Devices: there are at most %u", HOST_MAX_DEVICES);
			err = ERR_INVALID;
		}
		if (err == 0)
			err = fields_read(&body, fields, text, error);
		if (err == 0)
			err = take_one(&host->device_paths,
			               &host->devices[host->device_paths.count], &body, error);
		body_free(&body);
	}
	return err;
}
