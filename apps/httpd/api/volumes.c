// SPDX-License-Identifier: MIT
//
// Files of the state disk's volumes, /VOLUME/NAME..., and of the host's folders that are shared,
// /@SHARE/NAME... (places.h); libs/files keeps paths within them, and symbolic links within their
// volume.
// Volumes themselves are made and removed by who keeps account of them (the host, the engine).
#include "apps/httpd/api/volumes.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define BODY_MAX 8192u
#define ENTRIES_MAX 10000u

// --- The session ---------------------------------------------------------------------------------

static void session_open(struct httpd *httpd, struct file_place *place)
{
	bool is_share = place->share[0] != '\0';
	char uri[OPENER_URI_MAX] = FILES_VOLUMES;

	if (place->started && place->files.error == 0)
		return;
	// Their files go with the session.
	list_for_each(entry, &place->jobs) {
		struct volume_job *v = container_of(entry, struct volume_job, entry);

		file_close(v->file);
		v->file = NULL;
	}
	files_stop(&place->files);
	if (is_share)
		fmt_write(uri, sizeof(uri), FILES_HOST_PREFIX "%s", place->share);
	files_start(&place->files, &httpd->loop,
	            environ_connector(httpd->env, is_share ? "files" : "volumes"), uri);
	// What has one volume makes links in it, and leads nobody into another.
	place->files.link_depth = is_share ? 0 : 1;
	place->started = true;
}

// Goes to the place of the job's path. Returns false when there is none; that was answered.
static bool volume_enter(struct volume_job *v)
{
	struct httpd *httpd = v->job.httpd;

	list_remove(&v->entry);
	v->place = place_find(&httpd->places, v->path, &v->inner);
	if (v->place == NULL) {
		api_error(v->job.exchange, 404, "not_found",
		          "%.64s: the host shares no folder by that name: ./run.sh --share "
		          "NAME=DIR does",
		          v->path);
		return false;
	}
	session_open(httpd, v->place);
	list_push_back(&v->place->jobs, &v->entry);
	return true;
}

void volume_refuse(struct volume_job *v, error_t error)
{
	const struct files *files = &v->place->files;

	if (v->started)
		http_abort(v->job.exchange);
	else if (files->error != 0 && files->text[0] != '\0')
		api_failed(v->job.exchange, files->error, files->text);
	else
		api_failed(v->job.exchange, error, v->path);
}

void volume_done(void *context, error_t error)
{
	struct volume_job *v = context;
	struct http_connection *connection = http_hold(v->job.exchange);

	if (error == 0)
		api_reply_empty(v->job.exchange);
	else
		volume_refuse(v, error);
	http_let_go(connection);
}

// --- Folders -------------------------------------------------------------------------------------

static const char *skip(const char *path, bool slashes)
{
	while (*path != '\0' && (*path == '/') == slashes)
		path++;
	return path;
}

static const char *kind_of(const struct file_entry *entry)
{
	switch (entry->type) {
	case FILE_TYPE_FOLDER: return "folder";
	case FILE_TYPE_LINK: return "link";
	case FILE_TYPE_FILE: return "file";
	default: return "other";
	}
}

static void list_entry(void *context, const struct file_entry *entry)
{
	struct volume_job *v = context;

	if (++v->num_entries > ENTRIES_MAX)
		return;
	write_open(&v->w, NULL, "{");
	write_text(&v->w, "name", entry->name);
	write_text(&v->w, "kind", kind_of(entry));
	write_number(&v->w, "size", entry->has_info ? entry->info.size : 0);
	write_signed(&v->w, "modified_ms", entry->has_info ? entry->info.modified * 1000 : 0);
	write_close(&v->w, "}");
}

// The host's folders are beside the volumes.
static void list_shares(struct volume_job *v)
{
	const struct file_places *places = &v->job.httpd->places;

	for (unsigned i = 1; i < places->count; i++) {
		struct file_entry entry = { .type = FILE_TYPE_FOLDER };

		fmt_write(entry.name, sizeof(entry.name), "@%s", places->all[i].share);
		list_entry(v, &entry);
	}
}

static void list_done(void *context, error_t error)
{
	struct volume_job *v = context;
	struct http_connection *connection = http_hold(v->job.exchange);

	if (v->place->share[0] == '\0' && *skip(v->path, true) == '\0') {
		list_shares(v);
		// Without a disk there are no volumes, which is no fault; what is shared is there.
		if (error == ERR_NOT_FOUND || v->job.httpd->places.count > 1)
			error = 0;
	}
	write_close(&v->w, "]");
	write_flag(&v->w, "more", v->num_entries > ENTRIES_MAX);
	write_close(&v->w, "}");
	if (error == 0)
		api_reply(v->job.exchange, 200, &v->w);
	else
		volume_refuse(v, error);
	http_let_go(connection);
}

static void volume_list(struct volume_job *v)
{
	error_t err;

	write_open(&v->w, NULL, "{");
	write_text(&v->w, "path", v->path);
	write_open(&v->w, "entries", "[");
	err = files_list(&v->place->files, v->inner, list_entry, list_done, v);
	if (err != 0)
		list_done(v, err);
}

// --- Changes -------------------------------------------------------------------------------------

// Whether it is something in a volume; if not, it was answered.
static bool is_inside(struct volume_job *v, const char *path)
{
	if (path[0] == '/' && *skip(skip(skip(path, true), false), true) != '\0')
		return true;
	api_error(
		v->job.exchange, 400, "invalid",
		"%.64s: the path has to be /VOLUME/NAME or /@SHARE/NAME; volumes are made and removed "
		"by ./run.sh volume, or docker volume",
		path);
	return false;
}

static void volume_remove(struct volume_job *v)
{
	error_t err;

	if (!is_inside(v, v->path))
		return;
	err = files_remove(&v->place->files, v->inner, volume_done, v);
	if (err != 0)
		volume_refuse(v, err);
}

static void volume_put(struct volume_job *v)
{
	if (is_inside(v, v->path))
		volume_write(v);
}

// The members `from` and `to` of the body, or `path` alone. Returns false when they are not there;
// that was answered.
static bool paths_take(struct volume_job *v, char *to, size_t size)
{
	struct json_reader r = json_reader_make(http_body(v->job.exchange));
	bool good = true;
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		char *value = json_take_string(&r);
		bool is_to = span_is(key, "to");

		if (value != NULL && is_to)
			good = str_copy(to, value, size) < size && good;
		else if (value != NULL)
			good = str_copy(v->path, value, sizeof(v->path)) < sizeof(v->path) && good;
		heap_free(value);
	}
	if (good && json_reader_status(&r) == 0 && json_at_end(&r))
		return is_inside(v, v->path) && volume_enter(v);
	api_error(v->job.exchange, 400, "invalid", "the body has to be {path} or {from, to}");
	return false;
}

static void volume_rename(struct volume_job *v)
{
	char to[VOLUME_PATH_BYTES] = "";
	const char *inner;
	error_t err;

	if (!paths_take(v, to, sizeof(to)) || !is_inside(v, to))
		return;
	if (place_find(&v->job.httpd->places, to, &inner) != v->place) {
		api_error(v->job.exchange, 400, "invalid",
		          "%.64s is in another place: copy it, and remove it here", to);
		return;
	}
	err = files_rename(&v->place->files, v->inner, inner, true, volume_done, v);
	if (err != 0)
		volume_refuse(v, err);
}

static void volume_mkdir(struct volume_job *v)
{
	char to[VOLUME_PATH_BYTES] = "";
	error_t err;

	if (!paths_take(v, to, sizeof(to)))
		return;
	err = files_make_folder(&v->place->files, v->inner, volume_done, v);
	if (err != 0)
		volume_refuse(v, err);
}

// --- Requests ------------------------------------------------------------------------------------

static void job_body_end(struct api_job *job)
{
	struct volume_job *v = (struct volume_job *)job;

	if (volume_enter(v))
		v->start(v);
}

static void job_writable(struct api_job *job)
{
	volume_read_on((struct volume_job *)job);
}

static void job_gone(struct api_job *job)
{
	struct volume_job *v = (struct volume_job *)job;

	if (v->place != NULL)
		files_cancel(&v->place->files, v);
	file_close(v->file);
	volume_write_gone(v);
	list_remove(&v->entry);
	json_writer_deinit(&v->w);
}

static const struct api_job_ops job_ops = { .body_end = job_body_end,
	                                    .writable = job_writable,
	                                    .gone = job_gone };

static void job_start(struct httpd *httpd, struct http_exchange *exchange,
                      const struct http_match *match, void (*start)(struct volume_job *v),
                      size_t body_max)
{
	struct volume_job *v = api_job_create(httpd, exchange, sizeof(*v), &job_ops);
	error_t err;

	if (v == NULL)
		return;
	list_init(&v->entry);
	v->start = start;
	err = http_query_value(match->query, "path", 0, v->path, sizeof(v->path));
	if (err == ERR_NOT_FOUND)
		str_copy(v->path, "/", sizeof(v->path));
	else if (err != 0) {
		api_failed(exchange, err, "the path");
		return;
	}
	http_collect_body(exchange, body_max);
}

#define VOLUME_ROUTE(name, start, body_max)                           \
	API_START(name)                                               \
	{                                                             \
		(void)head;                                           \
		job_start(context, exchange, match, start, body_max); \
	}

VOLUME_ROUTE(volume_list_get, volume_list, BODY_MAX)
VOLUME_ROUTE(volume_file_get, volume_read, BODY_MAX)
VOLUME_ROUTE(volume_file_put, volume_put, VOLUME_FILE_MAX)
VOLUME_ROUTE(volume_file_delete, volume_remove, BODY_MAX)
VOLUME_ROUTE(volume_rename_post, volume_rename, BODY_MAX)
VOLUME_ROUTE(volume_mkdir_post, volume_mkdir, BODY_MAX)
