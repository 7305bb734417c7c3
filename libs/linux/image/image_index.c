// SPDX-License-Identifier: MIT

#include "libs/linux/image/image_index.h"

#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"

#define IMAGE_MIN_PREFIX 4u

static void replace(char **target, char *text)
{
	heap_free(*target);
	*target = text;
}

static void read_strings(struct json_reader *r, struct string_list *list)
{
	string_list_deinit(list);
	if (json_take_null(r))
		return;
	json_enter_array(r);
	while (json_next_element(r)) {
		if (string_list_take(list, json_take_string(r)) < 0)
			r->bad = true;
	}
}

// An object as it stands there, in fresh heap memory; NULL: it is another value.
static char *take_object(struct json_reader *r)
{
	struct span raw;
	char *text;

	if (json_take_null(r))
		return NULL;
	raw = json_take_raw(r);
	if (raw.len == 0 || raw.data[0] != '{')
		return NULL;
	text = heap_alloc(raw.len + 1);
	if (text == NULL)
		r->bad = true;
	else
		memcpy(text, raw.data, raw.len);
	return text;
}

// A string; NULL: it is another value.
static char *take_text(struct json_reader *r)
{
	struct span raw = json_take_raw(r);
	struct json_reader value = json_reader_make(raw);
	char *text;

	if (raw.len == 0 || raw.data[0] != '"')
		return NULL;
	text = json_take_string(&value);
	if (text == NULL)
		r->bad = true;
	return text;
}

// An object's members that are strings, as an object of its own; NULL: it is another value.
static char *take_labels(struct json_reader *r)
{
	struct json_writer w = { 0 };
	struct span key, value;
	char *object = take_object(r), *labels = NULL;
	struct json_reader members = json_reader_make(
		(struct span){ (const uint8_t *)object, object != NULL ? strlen(object) : 0 });

	if (object == NULL)
		return NULL;
	json_write_raw(&w, "{");
	json_enter_object(&members);
	while (json_next_member(&members, &key)) {
		value = json_take_raw(&members);
		if (value.len == 0 || value.data[0] != '"')
			continue;
		json_write_raw(&w, w.len > 1 ? ",\"" : "\"");
		json_write_span(&w, key);
		json_write_raw(&w, "\":");
		json_write_span(&w, value);
	}
	json_write_raw(&w, "}");
	if (json_writer_text(&w) != NULL)
		labels = heap_alloc(w.len + 1);
	if (labels != NULL)
		memcpy(labels, w.text, w.len);
	else
		r->bad = true;
	json_writer_deinit(&w);
	heap_free(object);
	return labels;
}

bool image_index_takes(struct span key)
{
	static const char *const keys[] = { "Entrypoint",   "Cmd",        "Env",    "Volumes",
		                            "ExposedPorts", "WorkingDir", "Labels", "Healthcheck",
		                            "User",         "StopSignal" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (span_is(key, keys[i]))
			return true;
	return false;
}

// Members of image_index_takes().
static void read_config(struct json_reader *r, struct image *image)
{
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		if (span_is(key, "Entrypoint"))
			read_strings(r, &image->entrypoint);
		else if (span_is(key, "Cmd"))
			read_strings(r, &image->cmd);
		else if (span_is(key, "Env"))
			read_strings(r, &image->env);
		else if (span_is(key, "Volumes"))
			read_strings(r, &image->volumes);
		else if (span_is(key, "ExposedPorts"))
			read_strings(r, &image->exposed);
		else if (span_is(key, "WorkingDir"))
			replace(&image->workdir, json_take_null(r) ? NULL : json_take_string(r));
		else if (span_is(key, "Healthcheck"))
			replace(&image->healthcheck, take_object(r));
		else if (span_is(key, "User"))
			replace(&image->user, json_take_null(r) ? NULL : json_take_string(r));
		else if (span_is(key, "Labels"))
			replace(&image->labels, take_labels(r));
		else if (span_is(key, "StopSignal"))
			replace(&image->stop_signal, take_text(r));
		else
			json_skip(r);
	}
}

// A string that fits.
static void read_text(struct json_reader *r, char *out, size_t size)
{
	char *text = json_take_string(r);

	if (text != NULL && str_copy(out, text, size) >= size)
		r->bad = true;
	heap_free(text);
}

// Whether it is the name of a child of a folder, or none.
static bool is_file(const char *name)
{
	return name[0] != '.' && strchr(name, '/') == NULL;
}

static void read_image(struct json_reader *r, struct image *image)
{
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		if (span_is(key, "name")) {
			read_text(r, image->name, sizeof(image->name));
		} else if (span_is(key, "id")) {
			read_text(r, image->id, sizeof(image->id));
		} else if (span_is(key, "first_sector")) {
			image->first_sector = json_take_u64(r);
		} else if (span_is(key, "created_s")) {
			image->created_s = json_take_u64(r);
		} else if (span_is(key, "num_sectors")) {
			image->num_sectors = json_take_u64(r);
		} else if (span_is(key, "names")) {
			read_strings(r, &image->names);
		} else if (span_is(key, "file")) {
			read_text(r, image->file, sizeof(image->file));
		} else if (span_is(key, "config")) {
			read_config(r, image);
		} else {
			json_skip(r);
		}
	}
	// An image of no sectors would be the whole disk.
	if ((image->name[0] == '\0' && image->id[0] == '\0') || image->num_sectors == 0 ||
	    !is_file(image->file))
		r->bad = true;
}

error_t image_index_parse(struct image_index *index, struct span text)
{
	struct json_reader r = json_reader_make(text);
	struct span key;

	*index = (struct image_index){ .images =
		                               heap_alloc(IMAGE_INDEX_MAX * sizeof(struct image)) };
	if (index->images == NULL)
		return ERR_NO_MEMORY;
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (!span_is(key, "images")) {
			json_skip(&r);
			continue;
		}
		json_enter_array(&r);
		while (json_next_element(&r)) {
			if (index->count == IMAGE_INDEX_MAX) {
				r.bad = true;
				break;
			}
			read_image(&r, &index->images[index->count++]);
		}
	}
	if (json_at_end(&r))
		return 0;
	image_index_deinit(index);
	return ERR_PROTOCOL;
}

static const struct image *find_id(const struct image_index *index, const char *text)
{
	static const char prefix[] = "sha256:";
	const struct image *found = NULL;
	size_t len;

	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		text += sizeof(prefix) - 1;
	len = strlen(text);
	if (len < IMAGE_MIN_PREFIX || index->images == NULL)
		return NULL;
	for (size_t i = 0; i < index->count; i++) {
		const struct image *image = &index->images[i];

		if (image->id[0] == '\0' || strncmp(image->id + sizeof(prefix) - 1, text, len) != 0)
			continue;
		if (found != NULL && strcmp(found->id, image->id) != 0)
			return NULL;
		found = image;
	}
	return found;
}

static bool has_name(const struct image *image, const char *name)
{
	if (strcmp(image->name, name) == 0)
		return true;
	for (size_t i = 0; i < image->names.count; i++) {
		if (strcmp(image->names.items[i], name) == 0)
			return true;
	}
	return false;
}

const struct image *image_index_exact(const struct image_index *index, const char *name)
{
	for (size_t i = 0; i < index->count; i++) {
		if (has_name(&index->images[i], name))
			return &index->images[i];
	}
	return NULL;
}

const struct image *image_index_find(const struct image_index *index, const char *name)
{
	char full[IMAGE_NAME_MAX];

	const struct image *found;

	if (strcmp(name, IMAGE_BUILTIN) == 0)
		str_copy(full, name, sizeof(full));
	else if (image_name_normalise(name, full) < 0)
		return find_id(index, name);
	found = image_index_exact(index, full);
	return found != NULL ? found : find_id(index, name);
}

void image_index_deinit(struct image_index *index)
{
	for (size_t i = 0; i < index->count; i++) {
		struct image *image = &index->images[i];

		string_list_deinit(&image->names);
		string_list_deinit(&image->entrypoint);
		string_list_deinit(&image->cmd);
		string_list_deinit(&image->env);
		string_list_deinit(&image->volumes);
		string_list_deinit(&image->exposed);
		heap_free(image->workdir);
		heap_free(image->user);
		heap_free(image->healthcheck);
		heap_free(image->labels);
		heap_free(image->stop_signal);
	}
	heap_free(index->images);
	*index = (struct image_index){ 0 };
}
