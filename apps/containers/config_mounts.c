// SPDX-License-Identifier: MIT
//
// The annotations of a container's config.json: what is mounted, for bootd.
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/vm/bootd_protocol.h"
#include "libs/linux/vm/image_config.h"
#include "libs/linux/vm/vm_share.h"

static void begin(struct json_writer *w, bool *first)
{
	json_write_raw(w, *first ? "" : ",");
	*first = false;
}

static char job_folder[] = JOB_FOLDER, job_layers[] = JOB_LAYERS;

// Shares have their numbers in this order.
static void write_share(struct json_writer *w, bool *first, uint32_t *number,
                        const struct mount *mount)
{
	const struct vm_share_mount share = { .path = mount->target,
		                              .number = *number,
		                              .read_only = mount_is_read_only(mount),
		                              .copy = mount->fills,
		                              .shared = mount_is_shared(mount),
		                              .subpath = mount->subpath };

	begin(w, first);
	vm_share_write(w, &share);
	++*number;
}

static void write_tmpfs(struct json_writer *w, bool *first, const struct mount *mount)
{
	const char *options = mount->memory != NULL ? mount->memory : mount->options;
	struct json_writer key = { 0 };

	begin(w, first);
	json_write_raw(&key, CONTROL_TMPFS_ANNOTATION);
	json_write_raw(&key, mount->target);
	if (json_writer_text(&key) == NULL) {
		w->bad = true;
	} else {
		json_write_string(w, key.text);
		json_write_raw(w, ":");
		json_write_string(w, options != NULL ? options : "");
	}
	json_writer_deinit(&key);
}

static void write_shm(struct json_writer *w, int64_t size)
{
	char text[24];

	fmt_write(text, sizeof(text), "%lld", (long long)size);
	json_write_raw(w, "\"" CONTROL_SHM_SIZE_ANNOTATION "\":");
	json_write_string(w, text);
}

// What the image, or the container, calls a volume and is none: a folder that may be written to.
static error_t add_folders(const struct container *c, const struct string_list *paths,
                           struct string_list *out)
{
	error_t err = 0;

	for (size_t i = 0; i < paths->count && err == 0; i++)
		if (mount_list_find(&c->mounts, paths->items[i]) == NULL)
			err = string_list_add(out, paths->items[i]);
	return err;
}

error_t config_write_mounts(const struct container *c, const struct image *image,
                            struct json_writer *w, bool *first)
{
	struct string_list folders = { 0 };
	uint32_t number = 0;
	error_t err = add_folders(c, &image->volumes, &folders);

	if (err == 0)
		err = add_folders(c, &c->settings.volumes, &folders);
	if (err == 0 && folders.count > 0) {
		begin(w, first);
		config_write_volumes(w, &folders);
	}
	string_list_deinit(&folders);
	// Which has no mounts of its own.
	if (c->job != 0)
		write_share(w, first, &number, &(struct mount){ .target = job_folder });
	if (c->job_sees_layers)
		write_share(w, first, &number,
		            &(struct mount){ .target = job_layers, .read_only = true });
	for (size_t i = 0; i < c->mounts.count; i++) {
		if (mount_is_memory(&c->mounts.items[i]))
			write_tmpfs(w, first, &c->mounts.items[i]);
		else
			write_share(w, first, &number, &c->mounts.items[i]);
	}
	if (c->settings.shm_size > 0) {
		begin(w, first);
		write_shm(w, c->settings.shm_size);
	}
	return err;
}
