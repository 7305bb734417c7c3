// SPDX-License-Identifier: MIT
//
// What begins a job: a pull, or a load.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "apps/images/login.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/image/platform.h"
#include "libs/starina/alloc.h"

// Digests that a registry's answer is compared with.
#define KNOWN_MAX 32u

// Whether people mean all tags of an image: they name none, and no digest.
static bool means_all(const char *from, bool has_tag)
{
	const char *last = from;

	for (const char *p = from; *p != '\0'; p++)
		last = *p == '/' ? p : last;
	return !has_tag && strchr(last, ':') == NULL && strchr(last, '@') == NULL;
}

// The name that `fromImage` and `tag` make, which may end with ALL_TAGS; false, and the request was
// answered.
static bool read_name(struct request *request, char out[static IMAGE_NAME_MAX])
{
	char *from = query_take(request, "fromImage"), *tag = query_take(request, "tag");
	const char *text = "invalid reference format";
	bool has_tag = tag != NULL && tag[0] != '\0', good = false;
	char name[IMAGE_NAME_MAX];
	size_t repository;

	if (from != NULL && from[0] != '\0' && reference_parse(from, name, &text) == 0) {
		// The tag counts, and not one that the name has besides.
		repository = has_tag ? reference_repository(name) : strlen(name);
		good = fmt_write(out, IMAGE_NAME_MAX, "%.*s%s%s", (int)repository, name,
		                 !has_tag                                  ? ""
		                         : strncmp(tag, "sha256:", 7) == 0 ? "@"
		                                                           : ":",
		                 has_tag ? tag : "") < IMAGE_NAME_MAX &&
			reference_parse(out, name, &text) == 0;
	}
	if (good && means_all(from, has_tag))
		good = fmt_write(out, IMAGE_NAME_MAX, "%.*s" ALL_TAGS,
		                 (int)reference_repository(name), name) < IMAGE_NAME_MAX;
	else if (good)
		str_copy(out, name, IMAGE_NAME_MAX);
	if (!good)
		request_refuse(request, 400, "%s", text);
	heap_free(from);
	heap_free(tag);
	return good;
}

#define PLATFORM_SINCE 32u  // of the API's versions

// False, and the request was answered, when it is no platform.
static bool read_platform(struct request *request, char out[static 64])
{
	char *text = request->minor >= PLATFORM_SINCE ? query_take(request, "platform") : NULL;
	enum platform platform = platform_read(text);

	str_copy(out, platform == PLATFORM_OTHER ? text : PLATFORM_NAME, 64);
	if (platform == PLATFORM_UNKNOWN)
		request_refuse(
			request, 400,
			"\"%.64s\": unknown operating system or architecture: invalid argument",
			text);
	heap_free(text);
	return platform != PLATFORM_UNKNOWN;
}

// The digests of what is there of the name's repository.
static error_t add_known(struct job *job)
{
	size_t length = reference_repository(job->name), count = 0;
	error_t err = 0;

	list_for_each(entry, &job->images->references) {
		const struct reference *reference = container_of(entry, struct reference, entry);

		if (reference_has_digest(reference->name) &&
		    reference_repository(reference->name) == length &&
		    memcmp(reference->name, job->name, length) == 0 &&
		    catalog_by_id(job->images, reference->id) != NULL && err == 0 &&
		    count++ < KNOWN_MAX)
			err = job_add_argument(job, reference->name + length + 1);
	}
	return err;
}

static void pull(struct request *request, const char *name, const char *platform, char *login)
{
	struct job *job = job_make(request, JOB_PULL);
	error_t err;

	if (job == NULL) {
		heap_free(login);
		return;
	}
	str_copy(job->name, name, sizeof(job->name));
	str_copy(job->platform, platform, sizeof(job->platform));
	job->login = login;
	err = job_add_argument(job, "pull");
	if (err == 0)
		err = job_add_argument(job, name);
	if (err == 0)
		err = job_add_argument(job, platform);
	if (err == 0)
		err = add_known(job);
	// They are bounded well below the limit.
	if (err < 0)
		str_copy(job->error, "too many arguments", sizeof(job->error));
	job_go(job);
}

// Joins a pull of a name that is on its way, with the same login. Returns whether there is one; the
// request is its then.
static bool join(struct request *request, const char *name, const char *platform, const char *login)
{
	list_for_each(entry, &request->images->jobs) {
		struct job *job = container_of(entry, struct job, entry);

		if (job->kind != JOB_PULL || strcmp(job->name, name) != 0 ||
		    strcmp(job->platform, platform) != 0 || strcmp(job->login, login) != 0 ||
		    list_is_empty(&job->waiters))
			continue;
		(void)waiter_make(request, job);
		return true;
	}
	return false;
}

void operation_create(struct request *request)
{
	char name[IMAGE_NAME_MAX], platform[64], *login;
	char *source = query_take(request, "fromSrc");

	if (source != NULL && source[0] != '\0') {
		operation_import(request, source);
		heap_free(source);
		return;
	}
	heap_free(source);
	if (!read_name(request, name) || !read_platform(request, platform))
		return;
	login = login_read(request->body);
	if (login == NULL)
		request_refuse(request, 400, "X-Registry-Auth is not base64 of a JSON object");
	else if (join(request, name, platform, login))
		heap_free(login);
	else
		pull(request, name, platform, login);
}

void operation_load(struct request *request)
{
	struct job *job = job_make(request, JOB_LOAD);

	if (job == NULL)
		return;
	job->is_quiet = query_flag(request, "quiet");
	if (job_add_argument(job, "load") < 0)
		str_copy(job->error, "too many arguments", sizeof(job->error));
	job_go(job);
}
