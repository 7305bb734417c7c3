// SPDX-License-Identifier: MIT
//
// What a job's container reads on stdin: from the client that loads, or what it needs to log in.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

bool input_send(struct job *job, struct message *m)
{
	error_t err = job->stream_open ? channel_send(job->stream.handle, m) : ERR_PEER_CLOSED;

	if (err == ERR_FULL) {
		job->unsent = *m;
		job->has_unsent = true;
		source_want_writable(&job->stream, true);
		return false;
	}
	// A container that reads no more ends, and says why.
	if (err < 0)
		message_discard(m);
	return true;
}

static void send_answers(struct job *job)
{
	struct message m;

	if (job->answers_length == 0 || job->has_unsent)
		return;
	// Without memory the container waits until its clients leave.
	if (payload_make(&m, job->answers, job->answers_length) < 0)
		return;
	job->answers_length = 0;
	(void)input_send(job, &m);
}

error_t input_answer(struct job *job, const char *word)
{
	size_t len = strlen(word);

	if (len + 1 > sizeof(job->answers) - job->answers_length)
		return ERR_TOO_LARGE;
	memcpy(job->answers + job->answers_length, word, len);
	job->answers[job->answers_length + len] = '\n';
	job->answers_length += len + 1;
	send_answers(job);
	return 0;
}

void input_begin(struct job *job)
{
	if (job->has_unsent)
		return;
	list_for_each(entry, &job->waiters) {
		struct job_waiter *waiter = container_of(entry, struct job_waiter, entry);

		source_want_messages(&waiter->source, true);
	}
}

void input_go_on(struct job *job)
{
	idle_heard(job);
	source_want_writable(&job->stream, false);
	if (job->has_unsent) {
		job->has_unsent = false;
		if (!input_send(job, &job->unsent))
			return;
	}
	send_answers(job);
	input_begin(job);
}
