// SPDX-License-Identifier: MIT
#include "apps/containers/event.h"

#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/linux/image/string_list.h"
#include "libs/starina/alloc.h"

const char *const event_filters[] = { "config", "container", "daemon", "event",  "image",
	                              "label",  "network",   "node",   "plugin", "scope",
	                              "secret", "service",   "type",   "volume", NULL };

// --- Attributes ----------------------------------------------------------------------------------

// The value of an attribute in fresh heap memory; NULL: there is none.
static char *attribute_take(const char *attributes, const char *name)
{
	struct json_reader r = json_reader_make(text_span(attributes));
	char *value = NULL;
	struct span key;

	json_enter_object(&r);
	while (value == NULL && json_next_member(&r, &key)) {
		if (span_is(key, name))
			value = json_take_string(&r);
		else
			json_skip(&r);
	}
	return value;
}

// --- Making it -----------------------------------------------------------------------------------

static void key_string(struct json_writer *w, const char *key, const char *value)
{
	json_write_raw(w, key);
	json_write_string(w, value);
}

static bool write_text(struct event *event)
{
	bool is_container = strcmp(event->type, "container") == 0;
	struct json_writer w = { 0 };
	char *image = is_container ? attribute_take(event->attributes, "image") : NULL;

	json_write_raw(&w, "{");
	// What older clients read.
	if (is_container || strcmp(event->type, "image") == 0) {
		key_string(&w, "\"status\":", event->action);
		key_string(&w, ",\"id\":", event->id);
		if (image != NULL)
			key_string(&w, ",\"from\":", image);
		json_write_raw(&w, ",");
	}
	key_string(&w, "\"Type\":", event->type);
	key_string(&w, ",\"Action\":", event->action);
	key_string(&w, ",\"Actor\":{\"ID\":", event->id);
	json_write_raw(&w, ",\"Attributes\":");
	json_write_raw(&w, event->attributes);
	json_write_raw(&w, "},\"scope\":\"local\",\"time\":");
	json_write_i64(&w, (int64_t)(event->time / NSEC_PER_SEC));
	json_write_raw(&w, ",\"timeNano\":");
	json_write_i64(&w, (int64_t)event->time);
	json_write_raw(&w, "}\n");
	heap_free(image);
	event->text = json_writer_text(&w) != NULL ? string_copy(w.text) : NULL;
	event->length = w.len;
	json_writer_deinit(&w);
	return event->text != NULL;
}

struct event *event_make(const char *type, const char *action, const char *id,
                         const char *attributes, nsec_t time)
{
	struct event *event = heap_alloc(sizeof(*event));

	if (event == NULL)
		return NULL;
	*event =
		(struct event){ .time = time,
		                .type = string_copy(type),
		                .action = string_copy(action),
		                .id = string_copy(id),
		                .attributes = string_copy(attributes != NULL ? attributes : "{}") };
	list_init(&event->entry);
	if (event->type != NULL && event->action != NULL && event->id != NULL &&
	    event->attributes != NULL && write_text(event))
		return event;
	event_free(event);
	return NULL;
}

void event_free(struct event *event)
{
	if (event == NULL)
		return;
	heap_free(event->type);
	heap_free(event->action);
	heap_free(event->id);
	heap_free(event->attributes);
	heap_free(event->text);
	heap_free(event);
}

// --- Filters -------------------------------------------------------------------------------------

static bool starts_with(const char *text, const char *start)
{
	return text != NULL && strncmp(text, start, strlen(start)) == 0;
}

// An id or a name, or the beginning of one. A filter that is not there fits.
static bool names(const struct filters *filters, const char *key, const char *id, const char *name)
{
	const char *value = filters_value(filters, key, 0);

	if (value == NULL)
		return true;
	for (size_t i = 0; value != NULL; value = filters_value(filters, key, ++i))
		if (starts_with(id, value) || starts_with(name, value))
			return true;
	return false;
}

// "exec_start" means "exec_start: sh" as well.
static bool names_action(const struct filters *filters, const char *action)
{
	const char *value = filters_value(filters, "event", 0);

	if (value == NULL)
		return true;
	for (size_t i = 0; value != NULL; value = filters_value(filters, "event", ++i)) {
		size_t len = strlen(value);

		if (starts_with(action, value) && (action[len] == '\0' || action[len] == ':'))
			return true;
	}
	return false;
}

// An image by its id or its name, with a tag or without.
static bool names_image(const struct filters *filters, const char *id, const char *image)
{
	const char *value = filters_value(filters, "image", 0);

	if (value == NULL)
		return true;
	for (size_t i = 0; value != NULL; value = filters_value(filters, "image", ++i)) {
		size_t len = strlen(value);

		if (id != NULL && strcmp(id, value) == 0)
			return true;
		if (starts_with(image, value) && (image[len] == '\0' || image[len] == ':'))
			return true;
	}
	return false;
}

static bool is_none_of(const struct filters *filters, const char *key)
{
	return filters_value(filters, key, 0) == NULL;
}

bool event_fits(const struct event *event, const struct filters *filters)
{
	char *name = attribute_take(event->attributes, "name");
	char *image = attribute_take(event->attributes, "image");
	// Of the last ones there are no events.
	static const char *const things[] = { "container", "volume",  "network", "plugin",
		                              "node",      "service", "secret",  "config" };
	bool is_image = strcmp(event->type, "image") == 0;
	bool fits = filters_equal(filters, "type", event->type) &&
		filters_equal(filters, "scope", "local") && is_none_of(filters, "daemon") &&
		names_action(filters, event->action) &&
		filters_has_labels(filters, "label", event->attributes) &&
		names_image(filters, is_image ? event->id : NULL, is_image ? name : image);

	// What asks for a container wants no other's events.
	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
		fits = fits &&
			(is_none_of(filters, things[i]) ||
		         (strcmp(event->type, things[i]) == 0 &&
		          names(filters, things[i], event->id, name)));
	heap_free(name);
	heap_free(image);
	return fits;
}
