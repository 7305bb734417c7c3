// SPDX-License-Identifier: MIT
#include "kernel/startup/app_image.h"

#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "libs/base/string.h"

// All apps' .data as the image brought it, one after the other in the order of the table; NULL when
// there is none.
static uint8_t *pristine;

static size_t data_len(const struct app_image *image)
{
	return image->user != NULL ? 0 : (size_t)(image->data_end - image->data_start);
}

void app_image_save_pristine(void)
{
	size_t total = 0;

	for (size_t i = 0; i < num_app_images; i++)
		total += data_len(&app_images[i]);
	if (total == 0)
		return;
	pristine = kmalloc(total);
	if (pristine == NULL)
		panic("no memory for the copy of the apps' data (%zu bytes)", total);
	total = 0;
	for (size_t i = 0; i < num_app_images; i++) {
		memcpy(pristine + total, app_images[i].data_start, data_len(&app_images[i]));
		total += data_len(&app_images[i]);
	}
}

void app_image_restore(const struct app_image *image)
{
	size_t offset = 0;

	for (const struct app_image *i = app_images; i < image; i++)
		offset += data_len(i);
	if (data_len(image) > 0)
		memcpy(image->data_start, pristine + offset, data_len(image));
	memset(image->data_end, 0, (size_t)(image->bss_end - image->data_end));
}
