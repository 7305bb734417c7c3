// SPDX-License-Identifier: MIT
//
// GET /files/PATH: files of the share that httpd.files names, read-only, and lists of its folders.
// The client of "files" keeps paths within the share; what a file is can be anything, so a browser
// is told to run none of it.
#include "apps/httpd/files.h"

#include "apps/httpd/httpd.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define PIECE_BYTES (128u * 1024)
#define FIELDS_BYTES 640
#define SAFE                                  \
	"X-Content-Type-Options: nosniff\r\n" \
	"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; sandbox\r\n"

static void respond(struct http_exchange *exchange, unsigned status, const char *text)
{
	http_respond(exchange, status, "text/plain; charset=utf-8", text, strlen(text));
}

void files_refuse(struct files_job *job, error_t err)
{
	if (job->started)
		http_abort(job->exchange);
	else if (err == ERR_NOT_FOUND || err == ERR_NOT_FOLDER || err == ERR_CYCLE ||
	         err == ERR_INVALID || err == ERR_TOO_LARGE || err == ERR_NOT_SUPPORTED)
		respond(job->exchange, 404, "not found\n");
	else if (err == ERR_REFUSED)
		respond(job->exchange, 403, "forbidden\n");
	else if (err == ERR_PEER_CLOSED)
		respond(job->exchange, 503, "the files are away: try again\n");
	else
		respond(job->exchange, 500, "the file cannot be read\n");
}

// --- The body ------------------------------------------------------------------------------------

static void send_piece(struct files_job *job, error_t err, struct file_piece *piece)
{
	struct http_exchange *exchange = job->exchange;
	handle_t folio;
	size_t len;

	job->reading = false;
	// Fewer than there were: the file has become shorter, and its length was told.
	if (err < 0 || piece->bytes.len == 0) {
		http_abort(exchange);
		return;
	}
	len = piece->bytes.len;
	folio = piece->folio;
	piece->folio = HANDLE_NONE;
	job->offset += len;
	job->left -= len;
	err = folio == HANDLE_NONE ? http_send(exchange, piece->bytes.data, len)
				   : http_send_folio(exchange, folio, piece->offset, (uint32_t)len);
	if (err < 0)
		http_abort(exchange);
	else
		files_continue(exchange);
}

static void on_piece(void *context, error_t err, struct file_piece *piece)
{
	struct files_job *job = context;
	struct http_connection *connection = http_hold(job->exchange);

	send_piece(job, err, piece);
	http_let_go(connection);
}

void files_continue(struct http_exchange *exchange)
{
	struct files_job *job = exchange->user;
	uint32_t len = job->left < PIECE_BYTES ? (uint32_t)job->left : PIECE_BYTES;
	error_t err = ERR_PEER_CLOSED;

	if (!job->started || !http_can_send(exchange))
		return;
	if (job->is_list) {
		files_list_resume(&job->httpd->files, job);
		return;
	}
	if (job->reading || job->left == 0)
		return;
	if (job->file != NULL)
		err = file_read_piece(job->file, job->offset, len, on_piece, job);
	if (err < 0)
		http_abort(exchange);
	else
		job->reading = true;
}

// --- The head ------------------------------------------------------------------------------------

// Starts the response of the range in hand.
static error_t start(struct files_job *job, bool partial, const char *etag, const char *date)
{
	struct http_exchange *exchange = job->exchange;
	uint64_t size = job->info.size;
	char fields[FIELDS_BYTES], range[96] = "";
	size_t len;

	if (partial && job->left == 0) {
		len = fmt_write(fields, sizeof(fields), "Content-Range: bytes */%llu\r\n" SAFE,
		                (unsigned long long)size);
		return http_respond_fields(exchange, 416, (struct span){ (uint8_t *)fields, len },
		                           true, 0);
	}
	if (partial)
		fmt_write(range, sizeof(range), "Content-Range: bytes %llu-%llu/%llu\r\n",
		          (unsigned long long)job->offset,
		          (unsigned long long)(job->offset + job->left - 1),
		          (unsigned long long)size);
	len = fmt_write(fields, sizeof(fields),
	                "%sETag: %s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n%s" SAFE,
	                content_fields(job->path), etag, date, range);
	return http_respond_fields(exchange, partial ? 206 : 200,
	                           (struct span){ (uint8_t *)fields, len }, true, job->left);
}

static error_t respond_unchanged(struct files_job *job, const char *etag)
{
	char fields[FIELDS_BYTES];
	size_t len = fmt_write(fields, sizeof(fields), "ETag: %s\r\n" SAFE, etag);

	return http_respond_fields(job->exchange, 304, (struct span){ (uint8_t *)fields, len },
	                           true, 0);
}

static void respond_file(struct files_job *job, error_t err, const struct file_info *info)
{
	struct http_exchange *exchange = job->exchange;
	char etag[ETAG_BYTES], date[HTTP_DATE_BYTES];
	bool has_body = !exchange->head_request, partial;

	if (err < 0) {
		files_refuse(job, err);
		return;
	}
	job->info = *info;
	etag_write(etag, info);
	http_date_write(date, info->modified);
	job->started = true;
	if (is_unchanged(&job->asked, etag, date)) {
		has_body = false;
		err = respond_unchanged(job, etag);
	} else {
		partial = range_apply(&job->asked, etag, info->size, &job->offset, &job->left);
		has_body = has_body && job->left > 0;
		err = start(job, partial, etag, date);
	}
	if (err < 0)
		http_abort(exchange);
	else if (!has_body)
		job->left = 0;
	else
		files_continue(exchange);
}

static void on_info(void *context, error_t err, const struct file_info *info)
{
	struct files_job *job = context;
	struct http_connection *connection = http_hold(job->exchange);

	respond_file(job, err, info);
	http_let_go(connection);
}

static void on_open(void *context, error_t err, struct file *file)
{
	struct files_job *job = context;
	struct http_connection *connection = http_hold(job->exchange);

	job->file = file;
	if (err == 0)
		err = file_stat(file, on_info, job);
	if (err == ERR_IS_FOLDER)
		list_start(job);
	else if (err < 0)
		files_refuse(job, err);
	http_let_go(connection);
}

// --- The session ---------------------------------------------------------------------------------

// Opens it, or opens it again when it was lost.
static void session_open(struct httpd *httpd)
{
	char uri[OPENER_URI_MAX];

	if (httpd->files_started && httpd->files.error == 0)
		return;
	// Their files go with the session.
	list_for_each(entry, &httpd->files_jobs) {
		struct files_job *job = container_of(entry, struct files_job, entry);

		file_close(job->file);
		job->file = NULL;
	}
	files_stop(&httpd->files);
	fmt_write(uri, sizeof(uri), FILES_HOST_PREFIX "%s", httpd->share);
	files_start(&httpd->files, &httpd->loop, environ_connector(httpd->env, "files"), uri);
	httpd->files_started = true;
}

void files_init(struct httpd *httpd)
{
	list_init(&httpd->files_jobs);
	httpd->share = environ_config(httpd->env, "files");
	if (httpd->share == NULL)
		return;
	if (strlen(httpd->share) + sizeof(FILES_HOST_PREFIX) > OPENER_URI_MAX) {
		log_error("httpd.files=%s is too long for the name of a share", httpd->share);
		httpd->share = NULL;
		return;
	}
	log_info("/files/ has the files of the share %s", httpd->share);
}

void files_request(struct httpd *httpd, struct http_exchange *exchange,
                   const struct http_request_head *head, struct span target)
{
	struct files_job *job;
	error_t err;

	if (httpd->share == NULL) {
		respond(exchange, 404, "not found\n");
		return;
	}
	job = heap_alloc(sizeof(*job));
	if (job == NULL) {
		http_abort(exchange);
		return;
	}
	job->kind = JOB_FILES;
	job->exchange = exchange;
	list_push_back(&httpd->files_jobs, &job->entry);
	job->httpd = httpd;
	exchange->user = job;
	if (!path_decode(target, job->path, sizeof(job->path))) {
		respond(exchange, 400, "this is not a path\n");
		return;
	}
	asked_read(&job->asked, head);
	session_open(httpd);
	// The share itself is a folder.
	if (job->path[0] == '\0') {
		str_copy(job->path, "/", sizeof(job->path));
		list_start(job);
		return;
	}
	err = files_open(&httpd->files, job->path, FILE_READ, on_open, job);
	if (err < 0)
		files_refuse(job, err);
}

void files_gone(struct http_exchange *exchange)
{
	struct files_job *job = exchange->user;

	files_cancel(&job->httpd->files, job);
	file_close(job->file);
	list_remove(&job->entry);
}
