// SPDX-License-Identifier: MIT
//
// What is said of volumes, as text: {"NAME":{"CreatedUs":1,"Labels":{"a":"b"},"Options":{}}}.
#include "apps/containers/settings_fields.h"
#include "apps/containers/volumes.h"
#include "libs/base/string.h"
#include "libs/files/volume.h"
#include "libs/starina/alloc.h"

struct volume_fields {
	char *labels;
	char *options;
	int64_t created_us;
};

static const struct field fields[] = {
	{ "CreatedUs", FIELD_NUMBER, offsetof(struct volume_fields, created_us), 0, NULL, NULL },
	{ "Labels", FIELD_LABELS, offsetof(struct volume_fields, labels), 0, NULL, NULL },
	{ "Options", FIELD_LABELS, offsetof(struct volume_fields, options), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

void volume_free(struct volume *volume)
{
	heap_free(volume->name);
	heap_free(volume->labels);
	heap_free(volume->options);
	volume_backing_deinit(&volume->backing);
	heap_free(volume);
}

void volumes_write_text(struct json_writer *w, const struct list *list)
{
	bool first = true;

	json_write_raw(w, "{");
	list_for_each(entry, list) {
		const struct volume *volume = container_of(entry, struct volume, entry);

		// A name has nothing that would be escaped.
		json_write_raw(w, first ? "\"" : ",\"");
		json_write_raw(w, volume->name);
		json_write_raw(w, "\":{\"CreatedUs\":");
		json_write_i64(w, (int64_t)(volume->created_at / NSEC_PER_USEC));
		json_write_raw(w, ",\"Labels\":");
		json_write_raw(w, volume->labels != NULL ? volume->labels : "null");
		if (volume->options != NULL) {
			json_write_raw(w, ",\"Options\":");
			json_write_raw(w, volume->options);
		}
		json_write_raw(w, "}");
		first = false;
	}
	json_write_raw(w, "}\n");
}

static bool read_one(struct volume *volume, struct span key, struct span text)
{
	struct volume_fields f = { 0 };
	char error[SETTINGS_ERROR_MAX];
	bool good = fields_read(&f, fields, text, error) == 0 && f.created_us >= 0;

	volume->name = heap_alloc(key.len + 1);
	volume->labels = f.labels;
	volume->options = f.options;
	good = good && volume_backing_read(&volume->backing, f.options, error) == 0;
	if (!good || volume->name == NULL)
		return false;
	memcpy(volume->name, key.data, key.len);
	volume->created_at = (nsec_t)f.created_us * NSEC_PER_USEC;
	return volume_name_is_good(volume->name);
}

void volumes_read_text(struct json_reader *r, struct list *list)
{
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		struct volume *volume = heap_alloc(sizeof(*volume));
		struct span text = json_take_raw(r);

		if (volume != NULL && json_reader_status(r) == 0 && read_one(volume, key, text)) {
			list_push_back(list, &volume->entry);
			continue;
		}
		r->bad = true;
		if (volume != NULL)
			volume_free(volume);
	}
}
