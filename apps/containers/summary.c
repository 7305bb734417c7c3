// SPDX-License-Identifier: MIT
#include "apps/containers/summary.h"

#include "apps/containers/containers.h"
#include "libs/base/string.h"

static void add_word(struct json_writer *line, const char *word)
{
	bool is_quoted = line->len > 0 && strchr(word, ' ') != NULL;

	json_write_raw(line, line->len > 0 ? " " : "");
	json_write_raw(line, is_quoted ? "'" : "");
	json_write_raw(line, word);
	json_write_raw(line, is_quoted ? "'" : "");
}

void summary_command(struct json_writer *w, const struct command *command)
{
	const struct string_list *const lists[2] = { command->entrypoint, command->cmd };
	struct json_writer line = { 0 };

	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < lists[i]->count; k++)
			add_word(&line, lists[i]->items[k]);
	if (json_writer_text(&line) != NULL)
		json_write_string(w, json_writer_text(&line));
	else
		w->bad = true;
	json_writer_deinit(&line);
}

const char *summary_image(const struct container *c)
{
	const struct image *named = image_index_find(&c->all->images, c->settings.image);

	if (c->image_id[0] == '\0' || (named != NULL && strcmp(named->id, c->image_id) == 0))
		return c->settings.image;
	return c->image_id;
}
