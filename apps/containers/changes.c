// SPDX-License-Identifier: MIT
#include "apps/containers/changes.h"

#include "apps/containers/containers.h"
#include "libs/linux/vm/bootd_protocol.h"

// Docker has them in a layer of its own, below the container's.
static const char *const always_hidden[] = {
	"/dev", "/proc", "/sys", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab",
};

static void write_paths(struct json_writer *w, const struct string_list *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		json_write_string(w, paths->items[i]);
}

void changes_write_process(const struct container *c, const char *what, bool is_frozen,
                           struct json_writer *w)
{
	const struct image *image = container_image(c);

	json_write_raw(w, "{\"" CONTROL_BUILTIN "\":");
	json_write_string(w, is_frozen ? "layer-frozen" : "layer");
	json_write_raw(w, ",\"cwd\":\"/\",\"args\":[");
	json_write_string(w, what);
	for (size_t i = 0; i < sizeof(always_hidden) / sizeof(always_hidden[0]); i++)
		json_write_string(w, always_hidden[i]);
	for (size_t i = 0; i < c->mounts.count; i++)
		json_write_string(w, c->mounts.items[i].target);
	write_paths(w, &c->settings.volumes);
	if (image != NULL)
		write_paths(w, &image->volumes);
	json_write_raw(w, "]}");
}
