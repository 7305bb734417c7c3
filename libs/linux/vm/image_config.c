// SPDX-License-Identifier: MIT

#include "libs/linux/vm/image_config.h"

#include "libs/linux/vm/bootd_protocol.h"

void config_write_strings(struct json_writer *w, const struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		json_write_string(w, list->items[i]);
}

error_t config_add_image_env(struct string_list *env, const struct image *image)
{
	error_t err = 0;

	for (size_t i = 0; i < image->env.count && err == 0; i++) {
		err = string_list_assign(env, image->env.items[i]);
		if (err == ERR_INVALID)
			err = 0;
	}
	return err;
}

// An annotation is text: the array in it is escaped.
void config_write_volumes(struct json_writer *w, const struct string_list *volumes)
{
	struct json_writer list = { 0 };
	const char *text;

	json_write_raw(&list, "[");
	config_write_strings(&list, volumes);
	json_write_raw(&list, "]");
	text = json_writer_text(&list);
	if (text == NULL) {
		w->bad = true;
	} else {
		json_write_raw(w, "\"" CONTROL_VOLUMES_ANNOTATION "\":");
		json_write_string(w, text);
	}
	json_writer_deinit(&list);
}
