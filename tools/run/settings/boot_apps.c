// SPDX-License-Identifier: MIT
#include "tools/run/settings/boot_apps.h"

#include <stdlib.h>
#include <string.h>

#include "tools/push/app_bytes.h"
#include "tools/run/settings/image_apps.h"

// That nobody else has this name: `names` are those of the files before it.
static int name_check(const char *name, const char *path, const struct option_list *paths,
                      char (*names)[APP_NAME_MAX], size_t count, const char *build,
                      struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return error_set(err, "--app: %s and %s are both the app %s",
			                 paths->items[i], path, name);
	}
	if (image_has_app(build, name))
		return error_set(err,
		                 "--app %s: the image has an app %s already; leave it out of APPS",
		                 path, name);
	return 0;
}

int boot_apps_read(struct boot_apps *apps, const struct option_list *paths, const char *build,
                   struct error *err)
{
	char(*names)[APP_NAME_MAX];
	int result = 0;

	*apps = (struct boot_apps){ 0 };
	if (paths->count == 0)
		return 0;
	if (!image_has_app(build, "push"))
		return error_set(err,
		                 "--app: this image takes no apps from the host; add "
		                 "app_manager and push to APPS");
	apps->items = calloc(paths->count, sizeof(*apps->items));
	names = calloc(paths->count, sizeof(*names));
	if (!apps->items || !names)
		result = error_set(err, "out of memory");
	for (size_t i = 0; result == 0 && i < paths->count; i++) {
		struct app_bytes app;

		if (app_bytes_read(&app, paths->items[i], err) < 0) {
			result = error_prefix(err, "--app");
			break;
		}
		result = name_check(app.name, paths->items[i], paths, names, i, build, err);
		memcpy(names[i], app.name, sizeof(app.name));
		apps->items[apps->count++] = (struct boot_app){
			.path = paths->items[i],
			.bytes = app.bytes,
			.size = app.size,
		};
	}
	free(names);
	return result;
}

void boot_apps_deinit(struct boot_apps *apps)
{
	for (size_t i = 0; i < apps->count; i++)
		free(apps->items[i].bytes);
	free(apps->items);
	*apps = (struct boot_apps){ 0 };
}
