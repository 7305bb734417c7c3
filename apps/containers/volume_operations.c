// SPDX-License-Identifier: MIT
//
// What clients ask of volumes. Texts are Docker's: people search for them.
#include "apps/containers/containers.h"
#include "apps/containers/settings_fields.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/files/volume.h"
#include "libs/filters/filters.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define VOLUME_ID_SIZE 32u

static void fail(struct request *request, error_t err)
{
	reply_error(request->client, request->id, 500, "the volumes cannot be used: %s",
	            err == ERR_NOT_FOUND ? "there is no state disk" : error_text(err));
}

static bool refresh(struct request *request)
{
	error_t err = volumes_refresh(request->all);

	if (err < 0)
		fail(request, err);
	return err == 0;
}

// The one that the target names, or NULL, and the request was answered.
static struct volume *find(struct request *request)
{
	struct volume *volume = NULL;

	if (!refresh(request))
		return NULL;
	volume = volumes_find(request->all, request->target);
	if (volume == NULL)
		reply_error(request->client, request->id, 404, "get %s: no such volume",
		            request->target);
	return volume;
}

static bool is_used(struct containers *all, const struct volume *volume)
{
	list_for_each(entry, &all->containers)
		if (mounts_use(container_of(entry, struct container, entry), volume->name))
			return true;
	return false;
}

// All but the bracket at the end.
static void write_members(struct json_writer *w, const struct volume *volume)
{
	char created[TIME_TEXT_MAX];

	words_time(volume->created_at, created);
	json_write_raw(w, "{\"CreatedAt\":");
	json_write_string(w, created);
	json_write_raw(w, ",\"Driver\":\"local\",\"Labels\":");
	json_write_raw(w, volume->labels != NULL ? volume->labels : "null");
	show_volume_place(w, ",\"Mountpoint\":", volume->name);
	json_write_raw(w, ",\"Name\":");
	json_write_string(w, volume->name);
	json_write_raw(w, ",\"Options\":");
	json_write_raw(w, volume->options != NULL ? volume->options : "null");
	json_write_raw(w, ",\"Scope\":\"local\"");
}

static void write_volume(struct json_writer *w, const struct volume *volume)
{
	write_members(w, volume);
	json_write_raw(w, "}");
}

void show_volumes_usage(struct json_writer *w, struct containers *all)
{
	bool first = true;

	json_write_raw(w, "[");
	list_for_each(entry, &all->volumes) {
		const struct volume *volume = container_of(entry, struct volume, entry);
		int64_t users = 0;

		list_for_each(other, &all->containers)
			users += mounts_use(container_of(other, struct container, entry),
			                    volume->name);
		json_write_raw(w, first ? "" : ",");
		write_members(w, volume);
		json_write_raw(w, ",\"UsageData\":{\"Size\":");
		json_write_i64(w, volume_sizes_of(&all->sizes, volume->name));
		json_write_raw(w, ",\"RefCount\":");
		json_write_i64(w, users);
		json_write_raw(w, "}}");
		first = false;
	}
	json_write_raw(w, "]");
}

// Takes the filters of the query; false, and the request was answered, when they are none.
static bool take_filters(struct request *request, const char *const *known, struct filters *filters)
{
	char error[FILTERS_ERROR_MAX];
	char *text = query_take(request, "filters");
	error_t err = filters_parse(filters, text, known, error);

	heap_free(text);
	if (err < 0)
		reply_error(request->client, request->id, err == ERR_NO_MEMORY ? 500 : 400, "%s",
		            err == ERR_NO_MEMORY ? "out of memory" : error);
	return err == 0;
}

static bool has_labels(const struct filters *filters, const struct volume *volume)
{
	return filters_has_labels(filters, "label", volume->labels) &&
		filters_lacks_labels(filters, "label!", volume->labels);
}

// --- List and inspect ----------------------------------------------------------------------------

static bool is_listed(struct containers *all, const struct filters *filters, bool is_dangling,
                      const struct volume *volume)
{
	return has_labels(filters, volume) && filters_match(filters, "name", volume->name) &&
		filters_equal(filters, "driver", "local") &&
		(filters_value(filters, "dangling", 0) == NULL ||
	         is_used(all, volume) != is_dangling);
}

void volume_list(struct request *request)
{
	static const char *const known[] = { "dangling", "driver", "label", "name", NULL };
	char error[FILTERS_ERROR_MAX];
	struct json_writer w = { 0 };
	struct filters filters;
	bool is_dangling = false, first = true;

	if (!take_filters(request, known, &filters))
		return;
	if (filters_switch(&filters, "dangling", false, &is_dangling, error) < 0) {
		reply_error(request->client, request->id, 400, "%s", error);
	} else if (refresh(request)) {
		json_write_raw(&w, "{\"Volumes\":[");
		list_for_each(entry, &request->all->volumes) {
			const struct volume *volume = container_of(entry, struct volume, entry);

			if (!is_listed(request->all, &filters, is_dangling, volume))
				continue;
			json_write_raw(&w, first ? "" : ",");
			write_volume(&w, volume);
			first = false;
		}
		json_write_raw(&w, "],\"Warnings\":null}");
		reply_json(request->client, request->id, 200, &w);
	}
	filters_deinit(&filters);
}

void volume_inspect(struct request *request)
{
	const struct volume *volume = find(request);
	struct json_writer w = { 0 };

	if (volume == NULL)
		return;
	write_volume(&w, volume);
	reply_json(request->client, request->id, 200, &w);
}

// --- Create --------------------------------------------------------------------------------------

struct volume_body {
	char *name;
	char *driver;
	char *labels;
	char *options;
};

static const struct field fields[] = {
	{ "Name", FIELD_STRING, offsetof(struct volume_body, name), 0, NULL, NULL },
	{ "Driver", FIELD_STRING, offsetof(struct volume_body, driver), 0, NULL, NULL },
	{ "Labels", FIELD_LABELS, offsetof(struct volume_body, labels), 0, NULL, NULL },
	{ "DriverOpts", FIELD_LABELS, offsetof(struct volume_body, options), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static error_t choose_name(struct volume_body *body)
{
	uint8_t id[VOLUME_ID_SIZE];
	char text[HEX_SIZE(VOLUME_ID_SIZE)];
	error_t err;

	if (body->name != NULL && body->name[0] != '\0')
		return 0;
	err = random_get(id, sizeof(id));
	hex_write(id, sizeof(id), text);
	heap_free(body->name);
	body->name = string_copy(text);
	return err == 0 && body->name == NULL ? ERR_NO_MEMORY : err;
}

static void create(struct request *request, struct volume_body *body)
{
	const char *driver = body->driver;
	char why[SETTINGS_ERROR_MAX];
	struct json_writer w = { 0 };
	error_t err = choose_name(body);

	if (err == 0 && driver != NULL && driver[0] != '\0' && strcmp(driver, "local") != 0) {
		reply_error(request->client, request->id, 404,
		            "create %s: error looking up volume plugin %s: plugin \"%s\" not found",
		            body->name, driver, driver);
		return;
	}
	if (err == 0 &&
	    (!volume_name_is_good(body->name) || strlen(body->name) > CONTAINERS_TARGET_MAX)) {
		reply_error(
			request->client, request->id, 400,
			"create %s: \"%s\" includes invalid characters for a local volume name, "
			"only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed, 2 to %u",
			body->name, body->name, CONTAINERS_TARGET_MAX);
		return;
	}
	if (err == 0)
		err = volume_options_check(body->options, why);
	if (err == ERR_INVALID) {
		reply_error(request->client, request->id, 400, "create %s: %s", body->name, why);
		return;
	}
	if (err == 0)
		err = volumes_make(request->all, body->name, body->labels, body->options);
	if (err < 0) {
		fail(request, err);
		return;
	}
	write_volume(&w, volumes_find(request->all, body->name));
	reply_json(request->client, request->id, 201, &w);
}

void volume_create(struct request *request)
{
	struct volume_body body = { 0 };
	char error[SETTINGS_ERROR_MAX];
	error_t err = fields_read(&body, fields, request->body, error);

	if (err == 0)
		create(request, &body);
	else
		reply_error(request->client, request->id, err == ERR_NO_MEMORY ? 500 : 400, "%s",
		            err == ERR_NO_MEMORY ? "out of memory" : error);
	heap_free(body.name);
	heap_free(body.driver);
	heap_free(body.labels);
	heap_free(body.options);
}

// --- Remove --------------------------------------------------------------------------------------

static void refuse_used(struct request *request)
{
	char users[CONTAINER_ERROR_MAX];
	size_t len = 0;

	list_for_each(entry, &request->all->containers) {
		const struct container *c = container_of(entry, struct container, entry);

		if (mounts_use(c, request->target) && len < sizeof(users))
			len += fmt_write(users + len, sizeof(users) - len, "%s%s",
			                 len > 0 ? ", " : "", c->id_text);
	}
	reply_error(request->client, request->id, 409, "remove %s: volume is in use - [%s]",
	            request->target, users);
}

void volume_delete(struct request *request)
{
	struct volume *volume;
	error_t err;

	if (!refresh(request))
		return;
	volume = volumes_find(request->all, request->target);
	if (volume == NULL && !query_flag(request, "force")) {
		reply_error(request->client, request->id, 404, "get %s: no such volume",
		            request->target);
		return;
	}
	if (volume != NULL && is_used(request->all, volume)) {
		refuse_used(request);
		return;
	}
	err = volume != NULL ? volumes_remove(request->all, request->target) : 0;
	if (err < 0)
		fail(request, err);
	else
		reply_empty(request->client, request->id, 204, 0);
}

static void prune(struct request *request, const struct filters *filters, bool whole)
{
	uint64_t before = volumes_space(request->all), after;
	struct json_writer w = { 0 };

	json_write_raw(&w, "{\"VolumesDeleted\":[");
	list_for_each_safe(pos, &request->all->volumes)
	{
		struct volume *volume = container_of(pos, struct volume, entry);
		char *name;

		if ((!whole && !volume_is_anonymous(volume->name)) ||
		    is_used(request->all, volume) || !has_labels(filters, volume))
			continue;
		name = string_copy(volume->name);
		if (name != NULL && volumes_remove(request->all, name) == 0)
			json_write_string(&w, name);
		heap_free(name);
	}
	after = volumes_space(request->all);
	after = after > before ? after - before : 0;
	events_prune(request->all, "volume", after);
	json_write_raw(&w, "],\"SpaceReclaimed\":");
	json_write_i64(&w, (int64_t)after);
	json_write_raw(&w, "}");
	reply_json(request->client, request->id, 200, &w);
}

// The API's version since which volumes with a name stay.
#define PRUNES_NAMELESS_SINCE 42u

void volume_prune(struct request *request)
{
	static const char *const known[] = { "all", "label", "label!", NULL };
	char error[FILTERS_ERROR_MAX];
	struct filters filters;
	// Before, all of them went.
	bool whole = request->minor < PRUNES_NAMELESS_SINCE;

	if (!take_filters(request, known, &filters))
		return;
	if (filters_switch(&filters, "all", whole, &whole, error) < 0)
		reply_error(request->client, request->id, 400, "%s", error);
	else if (request->all->lacks_records)
		reply_error(request->client, request->id, 500,
		            "not all containers could be read from the state disk, so which "
		            "volumes have none is not known: remove volumes by name");
	else if (refresh(request))
		prune(request, &filters, whole);
	filters_deinit(&filters);
}
