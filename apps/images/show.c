// SPDX-License-Identifier: MIT
//
// Images in the forms of Docker's API.
#include "apps/images/show.h"

#include "apps/images/images.h"
#include "libs/base/date.h"
#include "libs/base/string.h"
#include "libs/filters/filters.h"
#include "libs/http/head.h"
#include "libs/starina/alloc.h"

void show_string(struct json_writer *w, const char *key, const char *value)
{
	json_write_raw(w, key);
	json_write_string(w, value);
}

void show_number(struct json_writer *w, const char *key, int64_t value)
{
	json_write_raw(w, key);
	json_write_i64(w, value);
}

void show_span(struct json_writer *w, const char *key, struct span value, const char *otherwise)
{
	json_write_raw(w, key);
	if (value.len > 0)
		json_write_span(w, value);
	else
		json_write_raw(w, otherwise);
}

int64_t show_seconds(struct span text)
{
	return (int64_t)(record_time(text) / NSEC_PER_SEC);
}

// A reference as docker's filter has it: a name, with or without its tag, in which "*" stands for
// anything but "/".
static bool fits(const char *pattern, const char *text)
{
	for (; *pattern != '\0' && *pattern != '*'; pattern++, text++)
		if (*pattern != *text && !(*pattern == '?' && *text != '\0' && *text != '/'))
			return false;
	if (*pattern == '\0')
		return *text == '\0';
	for (;; text++) {
		if (fits(pattern + 1, text))
			return true;
		if (*text == '\0' || *text == '/')
			return false;
	}
}

// Whether a name is one that is asked for; `filters` NULL: all are.
static bool reference_fits(const struct filters *filters, const char *name)
{
	const char *familiar = reference_familiar(name), *pattern;
	char repository[IMAGE_NAME_MAX];
	size_t stars;

	str_copy(repository, familiar, sizeof(repository));
	repository[reference_repository(name) - (size_t)(familiar - name)] = '\0';
	if (filters == NULL || filters_value(filters, "reference", 0) == NULL)
		return true;
	for (size_t i = 0; (pattern = filters_value(filters, "reference", i)) != NULL; i++) {
		stars = 0;
		for (const char *p = pattern; *p != '\0'; p++)
			stars += *p == '*' ? 1 : 0;
		// More of them would take long.
		if (stars <= 3 && (fits(pattern, familiar) || fits(pattern, repository)))
			return true;
	}
	return false;
}

void show_references(struct json_writer *w, const struct images *images,
                     const struct image_entry *image, bool digests, const struct filters *filters)
{
	json_write_raw(w, "[");
	list_for_each(entry, &images->references) {
		const struct reference *reference = container_of(entry, struct reference, entry);

		if (reference_counts(images, reference, image) &&
		    reference_has_digest(reference->name) == digests &&
		    reference_fits(filters, reference->name))
			json_write_string(w, reference_familiar(reference->name));
	}
	json_write_raw(w, "]");
}

static bool has_references(const struct images *images, const struct image_entry *image)
{
	list_for_each(entry, &images->references) {
		const struct reference *reference = container_of(entry, struct reference, entry);

		if (reference_counts(images, reference, image))
			return true;
	}
	return false;
}

// --- The list ------------------------------------------------------------------------------------

struct list_query {
	struct filters filters;
	nsec_t before, since;  // times of images; 0: not asked for
	nsec_t until;          // NSEC_NEVER: not asked for
	bool dangling, has_dangling;
	bool all;  // also those without a name that others were made of
	bool with_shared;
	uint32_t minor;  // of the API's version
};

// Of the API's versions: those before had a parameter for what is a filter, said that there is no
// name, and told an image's size twice.
#define FILTER_UNTIL 41u
#define SHARED_SINCE 42u
#define NO_NAME_UNTIL 43u
#define VIRTUAL_SIZE_UNTIL 44u
// An image without a time had the oldest, and one of a container said which.
#define NO_TIME_SINCE 44u
#define NO_CONTAINER_SINCE 45u

// Errors: ERR_NOT_FOUND, and the request was answered; ERR_INVALID, with a text.
static error_t read_image_filter(struct request *request, const struct filters *filters,
                                 const char *key, nsec_t *out, char error[static FILTERS_ERROR_MAX])
{
	const char *name = filters_value(filters, key, 0);
	struct record record;
	struct found found;

	*out = 0;
	if (name == NULL)
		return 0;
	if (!catalog_find(request, name, &found))
		return ERR_NOT_FOUND;
	if (image_record(found.image, &record) < 0) {
		filters_refuse(key, name, error);
		return ERR_INVALID;
	}
	*out = record_time(record.created);
	return 0;
}

// Errors: ERR_NO_MEMORY.
static error_t add_old_filter(struct request *request, struct filters *filters)
{
	char *name = query_take(request, "filter");
	error_t err = 0;

	if (name != NULL && name[0] != '\0')
		err = filters_add(filters, "reference", name);
	heap_free(name);
	return err;
}

// Errors: as read_image_filter's, and ERR_NO_MEMORY, with a text.
static error_t read_query(struct request *request, struct list_query *query,
                          char error[static FILTERS_ERROR_MAX])
{
	static const char *const known[] = { "dangling", "label", "label!", "reference",
		                             "before",   "since", "until",  NULL };
	nsec_t now = 0;
	char *text = query_take(request, "filters");
	error_t err = filters_parse(&query->filters, text, known, error);

	query->minor = request->minor;
	query->all = query_flag(request, "all");
	query->with_shared = request->minor >= SHARED_SINCE && query_flag(request, "shared-size");
	if (err == 0 && request->minor < FILTER_UNTIL)
		err = add_old_filter(request, &query->filters);
	query->has_dangling = err == 0 && filters_value(&query->filters, "dangling", 0) != NULL;
	if (err == 0)
		err = filters_switch(&query->filters, "dangling", false, &query->dangling, error);
	if (err == 0)
		err = read_image_filter(request, &query->filters, "before", &query->before, error);
	if (err == 0)
		err = read_image_filter(request, &query->filters, "since", &query->since, error);
	if (err == 0)
		err = clock_get(CLOCK_WALL, &now);
	if (err == 0)
		err = filters_until(&query->filters, now, &query->until, error);
	heap_free(text);
	return err;
}

static bool is_listed(const struct images *images, const struct image_entry *image,
                      const struct record *record, const struct list_query *query)
{
	bool named = false, fitting = filters_value(&query->filters, "reference", 0) == NULL;
	nsec_t created = record_time(record->created);
	char *labels;
	bool labelled;

	list_for_each(entry, &images->references) {
		const struct reference *reference = container_of(entry, struct reference, entry);

		if (!reference_counts(images, reference, image))
			continue;
		named = named || !reference_has_digest(reference->name);
		fitting = fitting || reference_fits(&query->filters, reference->name);
	}
	if (!named && (!query->all || query->has_dangling) &&
	    image_child(images, image, NULL) != NULL)
		return false;
	if (!fitting || (query->has_dangling && query->dangling == named) ||
	    (query->before != 0 && created >= query->before) ||
	    (query->since != 0 && created <= query->since) || created >= query->until)
		return false;
	if (filters_value(&query->filters, "label", 0) == NULL &&
	    filters_value(&query->filters, "label!", 0) == NULL)
		return true;
	labels = record_text(record_member(record->config, "Labels"));
	labelled = filters_has_labels(&query->filters, "label", labels) &&
		filters_lacks_labels(&query->filters, "label!", labels);
	heap_free(labels);
	return labelled;
}

static void write_summary(struct json_writer *w, const struct images *images,
                          const struct image_entry *image, const struct record *record,
                          const struct list_query *form)
{
	show_string(w, "{\"Id\":", image->id);
	show_span(w, ",\"ParentId\":", record->parent, "\"\"");
	if (form->minor < NO_NAME_UNTIL && !has_references(images, image)) {
		json_write_raw(w, ",\"RepoTags\":[\"<none>:<none>\"]");
		json_write_raw(w, ",\"RepoDigests\":[\"<none>@<none>\"]");
	} else {
		json_write_raw(w, ",\"RepoTags\":");
		show_references(w, images, image, false, &form->filters);
		json_write_raw(w, ",\"RepoDigests\":");
		show_references(w, images, image, true, &form->filters);
	}
	show_number(w, ",\"Created\":", show_seconds(record->created));
	show_number(w, ",\"Size\":", (int64_t)image->size);
	if (form->minor < VIRTUAL_SIZE_UNTIL)
		show_number(w, ",\"VirtualSize\":", (int64_t)image->size);
	// Images share no bytes of their file systems.
	json_write_raw(w, form->with_shared ? ",\"SharedSize\":0" : ",\"SharedSize\":-1");
	show_span(w, ",\"Containers\":-1,\"Labels\":", record_member(record->config, "Labels"),
	          "null");
	json_write_raw(w, "}");
}

void show_all(struct request *request)
{
	const struct images *images = request->images;
	char error[FILTERS_ERROR_MAX] = "out of memory";
	struct list_query query = { 0 };
	struct json_writer w = { 0 };
	error_t err = read_query(request, &query, error);
	bool first = true;

	if (err < 0) {
		filters_deinit(&query.filters);
		if (err != ERR_NOT_FOUND)
			request_refuse(request, err == ERR_NO_MEMORY ? 500 : 400, "%s", error);
		return;
	}
	json_write_raw(&w, "[");
	list_for_each(entry, &images->images) {
		const struct image_entry *image = container_of(entry, struct image_entry, entry);
		struct record record;

		if (image->is_going || !image_is_shown(images, image) ||
		    image_record(image, &record) < 0 || !is_listed(images, image, &record, &query))
			continue;
		json_write_raw(&w, first ? "" : ",");
		write_summary(&w, images, image, &record, &query);
		first = false;
	}
	json_write_raw(&w, "]");
	filters_deinit(&query.filters);
	reply_json(request->client, request->id, 200, &w);
}

// --- One image -----------------------------------------------------------------------------------

// Volumes and ports are lists in a record, and the keys of an object for clients.
static void write_key(void *context, struct span element)
{
	struct json_writer *w = context;

	if (w->text[w->len - 1] != '{')
		json_write_raw(w, ",");
	show_span(w, "", element, "");
	json_write_raw(w, ":{}");
}

struct config_walk {
	struct json_writer *w;
	bool first;
};

static void write_config_member(void *context, struct span key, struct span value)
{
	struct config_walk *walk = context;
	struct json_writer *w = walk->w;

	json_write_raw(w, walk->first ? "\"" : ",\"");
	json_write_span(w, key);
	json_write_raw(w, "\":");
	walk->first = false;
	if ((!span_is(key, "Volumes") && !span_is(key, "ExposedPorts")) || value.len == 0 ||
	    value.data[0] != '[') {
		show_span(w, "", value, "null");
		return;
	}
	json_write_raw(w, "{");
	record_elements(value, write_key, w);
	json_write_raw(w, "}");
}

void show_config(struct json_writer *w, const struct record *record)
{
	struct config_walk walk = { .w = w, .first = true };

	json_write_raw(w, "{");
	record_members(record->config, write_config_member, &walk);
	json_write_raw(w, "}");
}

// The configuration of the container that an image was made of.
static void show_container_config(struct json_writer *w, const struct record *record)
{
	struct config_walk walk = { .w = w, .first = record->container_image.len == 0 };

	json_write_raw(w, "{");
	if (!walk.first)
		show_span(w, "\"Image\":", record->container_image, "");
	record_members(record->config, write_config_member, &walk);
	json_write_raw(w, "}");
}

static void take_comment(void *context, struct span step)
{
	*(struct span *)context = record_member(step, "comment");
}

// An image that has none has its last step's, as with docker.
static struct span comment_of(const struct record *record)
{
	struct span comment = record->comment;

	if (comment.len == 0 || span_is(comment, "\"\""))
		record_elements(record->history, take_comment, &comment);
	return comment.len > 0 && comment.data[0] == '"' ? comment : (struct span){ 0 };
}

// A string of JSON, or else what an image without one is for.
static char *text_or(struct span text, const char *otherwise)
{
	char *copy = record_text(text);
	struct json_reader r = json_reader_make(text_span(copy != NULL ? copy : ""));
	char *value = text.len > 0 ? json_take_string(&r) : string_copy(otherwise);

	heap_free(copy);
	return value;
}

// Whether the image is for the platform that the query names, if it does (JSON: "os" and
// "architecture"); the request was answered otherwise.
static bool fits_platform(struct request *request, const struct record *record)
{
	char *wanted = query_take(request, "platform");
	struct span text = wanted != NULL ? text_span(wanted) : (struct span){ 0 };
	char *os = text_or(record_member(text, "os"), "");
	char *arch = text_or(record_member(text, "architecture"), "");
	char *own_os = text_or(record->os, "linux");
	char *own_arch = text_or(record->architecture, "riscv64");
	bool fits = wanted == NULL ||
		(os != NULL && arch != NULL && own_os != NULL && own_arch != NULL &&
	         strcmp(os, own_os) == 0 && strcmp(arch, own_arch) == 0);

	if (!fits)
		request_refuse(request, 404,
		               "image with reference %s was found but its platform (%s/%s) does "
		               "not match the specified platform (%.64s/%.64s)",
		               request->target, own_os != NULL ? own_os : "",
		               own_arch != NULL ? own_arch : "", os != NULL ? os : "",
		               arch != NULL ? arch : "");
	heap_free(wanted);
	heap_free(os);
	heap_free(arch);
	heap_free(own_os);
	heap_free(own_arch);
	return fits;
}

void show_one(struct request *request)
{
	const struct images *images = request->images;
	struct json_writer w = { 0 };
	struct record record;
	struct found found;

	if (!catalog_find(request, request->target, &found))
		return;
	if (image_record(found.image, &record) < 0) {
		request_refuse(request, 500, "what is known of the image cannot be read");
		return;
	}
	if (!fits_platform(request, &record))
		return;
	show_string(&w, "{\"Id\":", found.image->id);
	json_write_raw(&w, ",\"RepoTags\":");
	show_references(&w, images, found.image, false, NULL);
	json_write_raw(&w, ",\"RepoDigests\":");
	show_references(&w, images, found.image, true, NULL);
	show_span(&w, ",\"Parent\":", record.parent, "\"\"");
	show_span(&w, ",\"Comment\":", comment_of(&record), "\"\"");
	show_span(&w, ",\"Created\":", record.created,
	          request->minor < NO_TIME_SINCE ? "\"0001-01-01T00:00:00Z\"" : "\"\"");
	if (request->minor < NO_CONTAINER_SINCE)
		show_span(&w, ",\"Container\":", record.container, "\"\"");
	show_span(&w, ",\"DockerVersion\":\"\",\"Author\":", record.author, "\"\"");
	json_write_raw(&w, ",\"Config\":");
	show_config(&w, &record);
	// docker-compose 1 looks for the volumes here.
	json_write_raw(&w, ",\"ContainerConfig\":");
	show_container_config(&w, &record);
	show_span(&w, ",\"Architecture\":", record.architecture, "\"riscv64\"");
	if (record.variant.len > 0)
		show_span(&w, ",\"Variant\":", record.variant, "");
	show_span(&w, ",\"Os\":", record.os, "\"linux\"");
	show_number(&w, ",\"Size\":", (int64_t)found.image->size);
	if (request->minor < VIRTUAL_SIZE_UNTIL)
		show_number(&w, ",\"VirtualSize\":", (int64_t)found.image->size);
	json_write_raw(&w, ",\"GraphDriver\":{\"Data\":null,\"Name\":\"starina\"}");
	show_span(&w, ",\"RootFS\":{\"Type\":\"layers\",\"Layers\":", record.layers, "[]");
	json_write_raw(&w, "},\"Metadata\":{\"LastTagTime\":\"0001-01-01T00:00:00Z\"}}");
	reply_json(request->client, request->id, 200, &w);
}
