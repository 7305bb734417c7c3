// SPDX-License-Identifier: MIT
//
// docker commit: the system container makes an image of what a container's virtual machine writes.
// `containers` asks for it, and answers the client.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/base/string.h"
#include "libs/http/target.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"

#define TEXT_MAX 4096u
// Texts of instructions that there may be.
#define CHANGES_MAX 256u
// The length of a frame, and of the one that ends the description.
#define FRAME_HEAD 4u

// Whether a text fits; otherwise the request was answered.
static bool check_text(struct request *request, const char *parameter)
{
	char *text = query_take(request, parameter);
	bool fits = text == NULL || strlen(text) <= TEXT_MAX;

	heap_free(text);
	if (!fits)
		request_refuse(request, 400, "the %s is longer than %u bytes", parameter, TEXT_MAX);
	return fits;
}

static void write_text(struct json_writer *w, const struct request *request, const char *key)
{
	char *text = query_take(request, key);

	json_write_raw(w, ",\"");
	json_write_raw(w, key);
	json_write_raw(w, "\":");
	json_write_string(w, text != NULL ? text : "");
	heap_free(text);
}

// Errors: ERR_NO_MEMORY, ERR_INVALID (too many, or not to be decoded).
static error_t write_changes(struct json_writer *w, const struct request *request)
{
	size_t size = request->query.len + 1;
	char *text = heap_alloc(size);
	error_t err = text != NULL ? 0 : ERR_NO_MEMORY;
	unsigned count = 0;

	json_write_raw(w, ",\"changes\":[");
	while (err == 0 && count <= CHANGES_MAX) {
		err = http_query_value(request->query, "changes", count, text, size);
		if (err == 0) {
			json_write_string(w, text);
			count++;
		}
	}
	json_write_raw(w, "]");
	heap_free(text);
	if (err == ERR_NOT_FOUND)
		return 0;
	return err == ERR_NO_MEMORY ? err : ERR_INVALID;
}

static void write_member(struct json_writer *w, struct span body, const char *key)
{
	struct span value = record_member(body, key);

	json_write_raw(w, ",\"");
	json_write_raw(w, key);
	json_write_raw(w, "\":");
	if (value.len > 0)
		json_write_span(w, value);
	else
		json_write_raw(w, "null");
}

// What the image is to be (tools/system/commit_config.h).
static error_t describe(struct json_writer *w, const struct request *request,
                        const struct image_entry *parent)
{
	error_t err;

	json_write_raw(w, "{\"parent\":");
	json_write_raw(w, parent->record);
	write_member(w, request->body, "created_by");
	write_member(w, request->body, "container_id");
	write_member(w, request->body, "container");
	write_member(w, request->body, "config");
	write_text(w, request, "comment");
	write_text(w, request, "author");
	err = write_changes(w, request);
	json_write_raw(w, "}");
	return err == 0 && json_writer_text(w) == NULL ? ERR_NO_MEMORY : err;
}

// A text as a frame, and the end of its part.
static error_t frame(struct job *job, const struct json_writer *w)
{
	job->prefix_length = w->len + (size_t)2 * FRAME_HEAD;
	job->prefix = heap_alloc(job->prefix_length);
	if (job->prefix == NULL)
		return ERR_NO_MEMORY;
	for (unsigned i = 0; i < FRAME_HEAD; i++)
		job->prefix[i] = (uint8_t)(w->len >> (24 - 8 * i));
	memcpy(job->prefix + FRAME_HEAD, w->text, w->len);
	memset(job->prefix + FRAME_HEAD + w->len, 0, FRAME_HEAD);
	return 0;
}

static const struct image_entry *find_parent(struct request *request)
{
	struct json_reader r = json_reader_make(record_member(request->body, "parent"));
	char *id = json_take_string(&r);
	const struct image_entry *parent =
		id != NULL && record_is_digest(id) ? catalog_by_id(request->images, id) : NULL;

	heap_free(id);
	if (parent == NULL || parent->is_going || parent->record == NULL) {
		request_refuse(request, 404, "the container's image is not there any more");
		return NULL;
	}
	return parent;
}

void operation_commit(struct request *request)
{
	const struct image_entry *parent = find_parent(request);
	struct json_writer w = { 0 };
	char name[IMAGE_NAME_MAX];
	struct job *job = NULL;
	error_t err;

	if (parent == NULL ||
	    !operation_name(request, true, "refusing to create a tag with a digest reference",
	                    name) ||
	    !check_text(request, "comment") || !check_text(request, "author"))
		return;
	err = describe(&w, request, parent);
	if (err < 0)
		request_refuse(request, err == ERR_INVALID ? 400 : 500, "%s",
		               err == ERR_INVALID ? "the changes are malformed, or more than 256"
		                                  : "out of memory");
	else
		job = job_make(request, JOB_COMMIT);
	if (job != NULL) {
		job->client = request->client;
		job->request = request->id;
		job->is_quiet = true;
		str_copy(job->name, name, sizeof(job->name));
		if (job_add_argument(job, "commit") < 0 || job_add_argument(job, name) < 0 ||
		    frame(job, &w) < 0)
			str_copy(job->error, "out of memory", sizeof(job->error));
		job_go(job);
	}
	json_writer_deinit(&w);
}

error_t commit_begun(struct job *job)
{
	struct message m;
	error_t err = payload_make(&m, job->prefix, job->prefix_length);

	if (err < 0)
		return err;
	(void)input_send(job, &m);
	reply_empty(job->client, job->request, CONTAINERS_ACCEPTED, 0);
	return 0;
}

bool commit_is_refused(const char *error)
{
	static const char no_change[] = " is not a valid change command";
	size_t len = strlen(error), tail = sizeof(no_change) - 1;

	return strncmp(error, "dockerfile parse error", 22) == 0 ||
		(len > tail && strcmp(error + len - tail, no_change) == 0);
}

void commit_finish(const struct job *job, uint32_t status)
{
	struct json_writer w = { 0 };

	if (job->error[0] != '\0') {
		reply_error(job->client, job->request, status, "%s", job->error);
		return;
	}
	json_write_raw(&w, "{\"Id\":");
	json_write_string(&w, job->image_id);
	json_write_raw(&w, "}");
	reply_json(job->client, job->request, 201, &w);
}
