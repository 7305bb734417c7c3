// SPDX-License-Identifier: MIT
//
// HostConfig.Mounts: what `docker run --mount` sends.
#include "apps/containers/settings_fields.h"
#include "apps/containers/settings_mounts.h"
#include "apps/containers/settings_own.h"
#include "apps/containers/settings_volume.h"
#include "libs/base/fmt.h"
#include "libs/linux/image/string_list.h"
#include "libs/starina/alloc.h"

#define TMPFS_OPTIONS_MAX 96u

struct mount_body {
	char *type;
	char *source;
	char *target;
	char *propagation;
	char *driver;
	char *labels;
	char *driver_options;
	char *subpath;
	bool read_only;
	bool no_copy;
	bool create;
	int64_t tmpfs_size;
	int64_t tmpfs_mode;
};

#define AT(member) offsetof(struct mount_body, member)
#define END                                       \
	{                                         \
		NULL, FIELD_ANY, 0, 0, NULL, NULL \
	}

static const struct field bind_fields[] = {
	{ "Propagation", FIELD_STRING, AT(propagation), 0, NULL, NULL },
	{ "CreateMountpoint", FIELD_BOOL, AT(create), 0, NULL, NULL },
	// What is mounted below a folder of the host is in it.
	{ "NonRecursive", FIELD_ANY, 0, 0, NULL, NULL },
	{ "ReadOnlyNonRecursive", FIELD_ANY, 0, 0, NULL, NULL },
	{ "ReadOnlyForceRecursive", FIELD_ANY, 0, 0, NULL, NULL },
	END,
};

static const struct field driver_fields[] = {
	{ "Name", FIELD_STRING, AT(driver), 0, NULL, NULL },
	{ "Options", FIELD_LABELS, AT(driver_options), 0, NULL, NULL },
	END,
};

static const struct field volume_fields[] = {
	{ "NoCopy", FIELD_BOOL, AT(no_copy), 0, NULL, NULL },
	{ "Labels", FIELD_LABELS, AT(labels), 0, NULL, NULL },
	{ "Subpath", FIELD_STRING, AT(subpath), 0, NULL, NULL },
	{ "DriverConfig", FIELD_OBJECT, 0, 0, driver_fields,
	  "HostConfig.Mounts.VolumeOptions.DriverConfig." },
	END,
};

static const struct field tmpfs_fields[] = {
	{ "SizeBytes", FIELD_NUMBER, AT(tmpfs_size), 0, NULL, NULL },
	{ "Mode", FIELD_NUMBER, AT(tmpfs_mode), 0, NULL, NULL },
	END,
};

static const struct field mount_fields[] = {
	{ "Type", FIELD_STRING, AT(type), 0, NULL, NULL },
	{ "Source", FIELD_STRING, AT(source), 0, NULL, NULL },
	{ "Target", FIELD_STRING, AT(target), 0, NULL, NULL },
	{ "ReadOnly", FIELD_BOOL, AT(read_only), 0, NULL, NULL },
	{ "Consistency", FIELD_ANY, 0, 0, NULL, NULL },
	{ "BindOptions", FIELD_OBJECT, 0, 0, bind_fields, "HostConfig.Mounts.BindOptions." },
	{ "VolumeOptions", FIELD_OBJECT, 0, 0, volume_fields, "HostConfig.Mounts.VolumeOptions." },
	{ "TmpfsOptions", FIELD_OBJECT, 0, 0, tmpfs_fields, "HostConfig.Mounts.TmpfsOptions." },
	END,
};

static void body_free(struct mount_body *b)
{
	heap_free(b->type);
	heap_free(b->source);
	heap_free(b->target);
	heap_free(b->propagation);
	heap_free(b->driver);
	heap_free(b->labels);
	heap_free(b->subpath);
	heap_free(b->driver_options);
}

static char *take(char **text)
{
	char *taken = *text;

	*text = NULL;
	return taken;
}

static error_t refuse(const struct mount_body *b, const char *why,
                      char error[static SETTINGS_ERROR_MAX])
{
	fmt_write(error, SETTINGS_ERROR_MAX, "invalid mount config for type \"%.20s\": %s",
	          b->type != NULL ? b->type : "", why);
	return ERR_INVALID;
}

static error_t make_tmpfs(const struct mount_body *b, struct mount *mount,
                          char error[static SETTINGS_ERROR_MAX])
{
	char text[TMPFS_OPTIONS_MAX];
	size_t len = fmt_write(text, sizeof(text), "noexec,nosuid,nodev");

	if (b->source != NULL && b->source[0] != '\0')
		return refuse(b, "field Source must not be specified", error);
	if (b->tmpfs_size < 0 || b->tmpfs_mode < 0 || b->tmpfs_mode > 07777)
		return refuse(b, "the size or the mode is none", error);
	if (b->read_only)
		len += fmt_write(text + len, sizeof(text) - len, ",ro");
	if (b->tmpfs_size > 0)
		len += fmt_write(text + len, sizeof(text) - len, ",size=%lld",
		                 (long long)b->tmpfs_size);
	// fmt_write has no octal numbers.
	if (b->tmpfs_mode > 0)
		fmt_write(text + len, sizeof(text) - len, ",mode=%u%u%u%u",
		          (unsigned)(b->tmpfs_mode >> 9), (unsigned)(b->tmpfs_mode >> 6) & 7u,
		          (unsigned)(b->tmpfs_mode >> 3) & 7u, (unsigned)b->tmpfs_mode & 7u);
	mount->kind = MOUNT_TMPFS;
	mount->options = string_copy(text);
	return mount->options != NULL ? 0 : ERR_NO_MEMORY;
}

static error_t make_bind(struct mount_body *b, struct mount *mount,
                         char error[static SETTINGS_ERROR_MAX])
{
	char why[80];

	if (b->source == NULL || b->source[0] == '\0')
		return refuse(b, "field Source must not be empty", error);
	mount->kind = MOUNT_BIND;
	mount->must_exist = !b->create;
	mount->source = take(&b->source);
	if (b->propagation == NULL || b->propagation[0] == '\0')
		return 0;
	mount->propagation = mount_propagation(b->propagation, strlen(b->propagation));
	if (mount->propagation != NULL)
		return 0;
	fmt_write(why, sizeof(why), "invalid propagation mode: %.40s", b->propagation);
	return refuse(b, why, error);
}

static error_t make_volume(struct mount_body *b, struct mount *mount,
                           char error[static SETTINGS_ERROR_MAX])
{
	bool has_name = b->source != NULL && b->source[0] != '\0';
	bool is_part = b->subpath != NULL && b->subpath[0] != '\0';
	char why[SETTINGS_ERROR_MAX];
	error_t err;

	if (!has_name && is_part)
		return refuse(b, "must not set Subpath when using anonymous volumes", error);
	if (is_part && !mount_path_is_local(b->subpath))
		return refuse(b, "subpath must be a relative path within the volume", error);
	if (is_part && strlen(b->subpath) >= MOUNT_TARGET_MAX)
		return refuse(b, "the subpath is too long", error);
	if (b->driver != NULL && b->driver[0] != '\0' && strcmp(b->driver, "local") != 0)
		return refuse(b, "there is only the volume driver local", error);
	err = volume_options_check(b->driver_options, why);
	if (err == ERR_INVALID)
		return refuse(b, why, error);
	if (err < 0)
		return err;
	mount->kind = MOUNT_VOLUME;
	mount->no_copy = b->no_copy;
	mount->labels = take(&b->labels);
	mount->driver_options = take(&b->driver_options);
	if (has_name)
		mount->source = take(&b->source);
	if (is_part)
		mount->subpath = take(&b->subpath);
	return 0;
}

static error_t add(struct settings *settings, struct mount_body *b,
                   char error[static SETTINGS_ERROR_MAX])
{
	struct mount mount = { .read_only = b->read_only };
	error_t err;

	if (b->target == NULL || b->target[0] == '\0')
		return refuse(b, "field Target must not be empty", error);
	if (b->type != NULL && strcmp(b->type, "bind") == 0)
		err = make_bind(b, &mount, error);
	else if (b->type != NULL && strcmp(b->type, "volume") == 0)
		err = make_volume(b, &mount, error);
	else if (b->type != NULL && strcmp(b->type, "tmpfs") == 0)
		err = make_tmpfs(b, &mount, error);
	else
		err = refuse(b, "mount type unknown: there are bind, volume and tmpfs", error);
	if (err < 0) {
		mount_free(&mount);
		return err;
	}
	mount.target = take(&b->target);
	return settings_add_mount(settings, &mount, error);
}

error_t settings_take_mounts(struct settings *settings, struct json_reader *r,
                             char error[static SETTINGS_ERROR_MAX])
{
	error_t err = 0;

	json_enter_array(r);
	while (err == 0 && json_next_element(r)) {
		struct mount_body body = { 0 };
		struct span text = json_take_raw(r);

		err = json_reader_status(r);
		if (err == 0)
			err = fields_read(&body, mount_fields, text, error);
		if (err == 0)
			err = add(settings, &body, error);
		body_free(&body);
	}
	return err;
}
