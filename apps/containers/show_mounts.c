// SPDX-License-Identifier: MIT
//
// Mounts as JSON, in the forms of Docker's API and of the record.
#include "apps/containers/containers.h"
#include "apps/containers/settings_fields.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

static void key_string(struct json_writer *w, const char *key, const char *value)
{
	json_write_raw(w, key);
	json_write_string(w, value != NULL ? value : "");
}

void show_volume_place(struct json_writer *w, const char *key, const char *name)
{
	struct json_writer path = { 0 };

	json_write_raw(&path, "/volumes/");
	json_write_raw(&path, name);
	if (json_writer_text(&path) == NULL)
		w->bad = true;
	else
		key_string(w, key, path.text);
	json_writer_deinit(&path);
}

static void write_one(struct json_writer *w, const struct mount *mount)
{
	static const char *const types[] = { "bind", "volume", "tmpfs" };

	key_string(w, "{\"Type\":", types[mount->kind]);
	if (mount->kind == MOUNT_VOLUME) {
		key_string(w, ",\"Name\":", mount->source);
		show_volume_place(w, ",\"Source\":", mount->source);
		json_write_raw(w, ",\"Driver\":\"local\"");
	} else {
		key_string(w, ",\"Source\":", mount->source);
	}
	key_string(w, ",\"Destination\":", mount->target);
	key_string(w, ",\"Mode\":", mount->kind == MOUNT_TMPFS ? "" : mount->options);
	json_write_raw(w, mount->read_only ? ",\"RW\":false" : ",\"RW\":true");
	key_string(w, ",\"Propagation\":",
	           mount->kind != MOUNT_BIND            ? ""
	                   : mount->propagation != NULL ? mount->propagation
	                                                : "rprivate");
	json_write_raw(w, "}");
}

void show_mounts(struct json_writer *w, const struct container *c)
{
	bool first = true;

	json_write_raw(w, "[");
	for (size_t i = 0; i < c->mounts.count; i++) {
		if (c->mounts.items[i].kind == MOUNT_MEMORY)
			continue;
		json_write_raw(w, first ? "" : ",");
		write_one(w, &c->mounts.items[i]);
		first = false;
	}
	json_write_raw(w, "]");
}

static void write_paths(struct json_writer *w, const struct string_list *paths, bool *first)
{
	for (size_t i = 0; i < paths->count; i++) {
		json_write_raw(w, *first ? "" : ",");
		json_write_string(w, paths->items[i]);
		json_write_raw(w, ":{}");
		*first = false;
	}
}

void show_volumes_config(struct json_writer *w, const struct container *c)
{
	const struct image *image = container_image(c);
	bool first = true;

	json_write_raw(w, "{");
	write_paths(w, &c->settings.volumes, &first);
	if (image != NULL)
		write_paths(w, &image->volumes, &first);
	json_write_raw(w, "}");
}

// --- The record ----------------------------------------------------------------------------------

struct mount_record {
	int64_t kind;
	char *source;
	char *target;
	char *options;
	char *subpath;
	char *propagation;
	bool read_only;
	bool no_copy;
	bool must_exist;
	bool anonymous;
};

#define AT(member) offsetof(struct mount_record, member)

static const struct field fields[] = {
	{ "Kind", FIELD_NUMBER, AT(kind), 0, NULL, NULL },
	{ "Source", FIELD_STRING, AT(source), 0, NULL, NULL },
	{ "Target", FIELD_STRING, AT(target), 0, NULL, NULL },
	{ "Options", FIELD_STRING, AT(options), 0, NULL, NULL },
	{ "Subpath", FIELD_STRING, AT(subpath), 0, NULL, NULL },
	{ "Propagation", FIELD_STRING, AT(propagation), 0, NULL, NULL },
	{ "ReadOnly", FIELD_BOOL, AT(read_only), 0, NULL, NULL },
	{ "NoCopy", FIELD_BOOL, AT(no_copy), 0, NULL, NULL },
	{ "MustExist", FIELD_BOOL, AT(must_exist), 0, NULL, NULL },
	{ "Anonymous", FIELD_BOOL, AT(anonymous), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

void mounts_write_record(struct json_writer *w, const struct mount_list *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->items[i];

		json_write_raw(w, i > 0 ? ",{\"Kind\":" : "[{\"Kind\":");
		json_write_i64(w, mount->kind);
		key_string(w, ",\"Source\":", mount->source);
		key_string(w, ",\"Target\":", mount->target);
		key_string(w, ",\"Options\":", mount->options);
		if (mount->subpath != NULL)
			key_string(w, ",\"Subpath\":", mount->subpath);
		if (mount->propagation != NULL)
			key_string(w, ",\"Propagation\":", mount->propagation);
		json_write_raw(w, mount->read_only ? ",\"ReadOnly\":true" : "");
		json_write_raw(w, mount->no_copy ? ",\"NoCopy\":true" : "");
		json_write_raw(w, mount->must_exist ? ",\"MustExist\":true" : "");
		json_write_raw(w, mount->anonymous ? ",\"Anonymous\":true" : "");
		json_write_raw(w, "}");
	}
	json_write_raw(w, mounts->count > 0 ? "]" : "[]");
}

static error_t read_one(struct mount_list *mounts, struct span text)
{
	char error[SETTINGS_ERROR_MAX];
	struct mount_record record = { 0 };
	error_t err = fields_read(&record, fields, text, error);
	struct mount mount = {
		.kind = (enum mount_kind)record.kind,
		.source = record.source,
		.target = record.target,
		.options = record.options,
		.subpath = record.subpath,
		.read_only = record.read_only,
		.no_copy = record.no_copy,
		.must_exist = record.must_exist,
		.anonymous = record.anonymous,
	};

	if (record.propagation != NULL)
		mount.propagation =
			mount_propagation(record.propagation, strlen(record.propagation));
	heap_free(record.propagation);
	if (err == 0 &&
	    (record.kind < 0 || record.kind > MOUNT_MEMORY || mount.target == NULL ||
	     (mount.source == NULL && record.kind <= MOUNT_VOLUME)))
		err = ERR_PROTOCOL;
	if (err == 0)
		return mount_list_add(mounts, &mount);
	mount_free(&mount);
	return err;
}

void mounts_read_record(struct json_reader *r, struct mount_list *mounts)
{
	mount_list_deinit(mounts);
	json_enter_array(r);
	while (json_next_element(r)) {
		struct span text = json_take_raw(r);

		if (json_reader_status(r) == 0 && read_one(mounts, text) < 0)
			r->bad = true;
	}
}
