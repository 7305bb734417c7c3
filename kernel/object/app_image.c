// SPDX-License-Identifier: MIT
#include "kernel/object/app_image.h"

#include "kernel/debug/panic.h"
#include "libs/base/string.h"

const struct app_image *app_image_find(const char *name)
{
	for (size_t i = 0; i < num_app_images; i++) {
		if (strcmp(app_images[i].spec->name, name) == 0)
			return &app_images[i];
	}
	return NULL;
}

const struct app_image *app_image_find_runtime(const char *name)
{
	const struct app_image *image = app_image_find(name);

	return image != NULL && image->spec->is_runtime != 0 && image->user != NULL ? image : NULL;
}

const struct app_image *app_image_program(const struct app_image *image)
{
	const struct app_image *runtime;

	if (image->spec->runtime == NULL)
		return image;
	runtime = app_image_find_runtime(image->spec->runtime);
	kassert(runtime != NULL);
	return runtime;
}
