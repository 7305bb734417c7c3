// SPDX-License-Identifier: MIT
//
// docker import: an image of an archive of a file system, which the client sends.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define MESSAGE_MAX 1024u
#define STATUS_NOT_IMPLEMENTED 501

// What cannot be imported was answered.
static bool is_possible(struct request *request, const char *source)
{
	char *changes = query_take(request, "changes");
	bool has_changes = changes != NULL && changes[0] != '\0';

	heap_free(changes);
	if (strcmp(source, "-") != 0)
		refuse(request, STATUS_NOT_IMPLEMENTED,
		       "docker import takes an archive from the client (-, or a file), not from an address");
	else if (has_changes)
		refuse(request, STATUS_NOT_IMPLEMENTED,
		       "docker import --change is not supported: docker commit takes changes");
	else
		return true;
	return false;
}

void operation_import(struct request *request, const char *source)
{
	char name[IMAGE_NAME_MAX], message[MESSAGE_MAX];
	struct job *job;
	char *text;

	if (!is_possible(request, source) ||
	    !operation_name(request, true, "cannot import digest reference", name))
		return;
	text = query_take(request, "message");
	str_copy(message, text != NULL ? text : "", sizeof(message));
	heap_free(text);
	job = job_make(request, JOB_IMPORT);
	if (job == NULL)
		return;
	if (job_add_argument(job, "import") < 0 || job_add_argument(job, name) < 0 ||
	    job_add_argument(job, message) < 0)
		str_copy(job->error, "too many arguments", sizeof(job->error));
	job_go(job);
}
