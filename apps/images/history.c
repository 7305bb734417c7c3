// SPDX-License-Identifier: MIT
//
// GET /images/NAME/history.
#include "apps/images/images.h"
#include "apps/images/show.h"
#include "libs/starina/alloc.h"

#define HISTORY_MAX 512u

struct history {
	struct span items[HISTORY_MAX];
	size_t count;
};

static void add_history(void *context, struct span element)
{
	struct history *history = context;

	if (history->count < HISTORY_MAX && element.data[0] == '{')
		history->items[history->count++] = element;
}

static bool is_empty_layer(struct span item)
{
	return span_is(record_member(item, "empty_layer"), "true");
}

// The newest first. Layers are one file system here: the newest that is not empty has all bytes.
static void write_history(struct json_writer *w, const struct images *images,
                          const struct image_entry *image, const struct history *history)
{
	bool first = true, sized = false;

	for (size_t i = history->count; i > 0; i--) {
		struct span item = history->items[i - 1];
		bool has_size = !sized && !is_empty_layer(item);
		struct span by = record_member(item, "created_by");
		struct span comment = record_member(item, "comment");

		json_write_raw(w, first ? "" : ",");
		show_string(w, "{\"Id\":", first ? image->id : "<missing>");
		show_number(w, ",\"Created\":", show_seconds(record_member(item, "created")));
		show_span(w, ",\"CreatedBy\":",
		          by.len > 0 && by.data[0] == '"' ? by : (struct span){ 0 }, "\"\"");
		json_write_raw(w, ",\"Tags\":");
		if (first)
			show_references(w, images, image, false, NULL);
		else
			json_write_raw(w, "null");
		show_number(w, ",\"Size\":", has_size ? (int64_t)image->size : 0);
		show_span(w, ",\"Comment\":",
		          comment.len > 0 && comment.data[0] == '"' ? comment : (struct span){ 0 },
		          "\"\"");
		json_write_raw(w, "}");
		sized = sized || has_size;
		first = false;
	}
}

void show_history(struct request *request)
{
	static const char nothing[] = "{}";
	struct history *history = heap_alloc(sizeof(*history));
	struct json_writer w = { 0 };
	struct record record;
	struct found found;

	if (history == NULL) {
		request_refuse(request, 500, "out of memory");
	} else if (catalog_find(request, request->target, &found) &&
	           image_record(found.image, &record) == 0) {
		record_elements(record.history, add_history, history);
		// An image of which only its file system is known.
		if (history->count == 0)
			history->items[history->count++] =
				(struct span){ (const uint8_t *)nothing, sizeof(nothing) - 1 };
		json_write_raw(&w, "[");
		write_history(&w, request->images, found.image, history);
		json_write_raw(&w, "]");
		reply_json(request->client, request->id, 200, &w);
	}
	heap_free(history);
}
