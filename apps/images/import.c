// SPDX-License-Identifier: MIT
//
// docker import: an image of an archive of a file system, which the client sends.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/http/target.h"
#include "libs/starina/alloc.h"

#define MESSAGE_MAX 1024u
#define URL_MAX 2048u

// Of characters that an address has (RFC 3986), without those that it would have to quote.
static bool is_address(const char *url)
{
	const char *colon = strchr(url, ':');

	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"<>\\^`{|}", *p) != NULL)
			return false;
	return colon != NULL && strlen(colon) > 3;
}

// Whether a source is the client's body, or an address: of a web server, without a scheme, too.
static bool read_source(struct request *request, const char *source, char url[static URL_MAX])
{
	const char *colon = strchr(source, ':');
	bool has_scheme = colon != NULL && strncmp(colon, "://", 3) == 0;
	struct span rest = text_span(source);

	url[0] = '\0';
	if (strcmp(source, "-") == 0)
		return true;
	if (has_scheme && !span_take_prefix_nocase(&rest, "http://") &&
	    !span_take_prefix_nocase(&rest, "https://")) {
		request_refuse(request, 500, "Get \"%s\": unsupported protocol scheme \"%.*s\"",
		               source, (int)(colon - source), source);
		return false;
	}
	if (fmt_write(url, URL_MAX, "%s%s", has_scheme ? "" : "http://", source) < URL_MAX &&
	    is_address(url))
		return true;
	request_refuse(request, 400, "%s is no address", source);
	return false;
}

// Adds the instructions that the image is to be like. Errors: ERR_INVALID (too many, or not to be
// decoded), job_add_argument's.
static error_t add_changes(struct job *job, struct span query)
{
	size_t size = query.len + 1;
	char *text = heap_alloc(size);
	error_t err = text != NULL ? 0 : ERR_NO_MEMORY;

	for (unsigned i = 0; err == 0; i++) {
		err = http_query_value(query, "changes", i, text, size);
		if (err == 0 && text[0] != '\0')
			err = job_add_argument(job, text);
	}
	heap_free(text);
	return err == ERR_NOT_FOUND ? 0 : err;
}

void operation_import(struct request *request, const char *source)
{
	char name[IMAGE_NAME_MAX], message[MESSAGE_MAX] = "", url[URL_MAX];
	struct job *job;
	char *text;
	bool fits;

	if (!read_source(request, source, url) ||
	    !operation_name(request, true, "cannot import digest reference", name))
		return;
	text = query_take(request, "message");
	fits = text == NULL || str_copy(message, text, sizeof(message)) < sizeof(message);
	heap_free(text);
	if (!fits) {
		request_refuse(request, 400, "the message is longer than %u bytes",
		               MESSAGE_MAX - 1);
		return;
	}
	job = job_make(request, JOB_IMPORT);
	if (job == NULL)
		return;
	str_copy(job->name, name, sizeof(job->name));
	if (job_add_argument(job, "import") < 0 || job_add_argument(job, name) < 0 ||
	    job_add_argument(job, message) < 0 || job_add_argument(job, url) < 0 ||
	    add_changes(job, request->query) < 0)
		str_copy(job->error, "too many arguments", sizeof(job->error));
	job_go(job);
}
