// SPDX-License-Identifier: MIT
//
// Folios for the data of reads and writes, which go to the provider and come back
// (libs/abi/files.h): a fresh one would have to be zeroed. They are a session's own, so that no
// provider sees another's data. What nobody has used for a second is closed.
#include "libs/linux/vm/vm_files_private.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define KEPT_FOR NSEC_PER_SEC

void files_loans_close(struct files_session *session)
{
	while (session->num_loans > 0)
		handle_close(session->loans[--session->num_loans]);
}

static error_t timer_start(struct vm_files *files)
{
	nsec_t now;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	files->loans_used = false;
	if (err == 0)
		err = timer_set(files->loan_timer, now + KEPT_FOR);
	files->loan_timer_runs = err == 0;
	return err;
}

static void timer_due(struct loop *loop, struct source *source)
{
	struct vm_files *files = source->context;
	error_t err;

	(void)loop;
	if (files->loans_used && timer_start(files) == 0)
		return;
	err = timer_set(files->loan_timer, NSEC_NEVER);
	assert(err == 0);
	files->loan_timer_runs = false;
	for (uint32_t i = 0; i < files->num_sessions; i++)
		files_loans_close(&files->sessions[i]);
}

static const struct source_ops timer_ops = { .signalled = timer_due };

// Errors: timer_create's, loop_add's, timer_set's.
static error_t timer_want(struct vm_files *files)
{
	error_t err = 0;

	files->loans_used = true;
	if (files->loan_timer_runs)
		return 0;
	if (files->loan_timer == HANDLE_NONE) {
		err = timer_create(&files->loan_timer);
		if (err < 0)
			return err;
		err = loop_add(files->loop, &files->loan_timer_source, files->loan_timer,
		               &timer_ops, files);
		if (err < 0) {
			handle_close(files->loan_timer);
			files->loan_timer = HANDLE_NONE;
			return err;
		}
	}
	return timer_start(files);
}

void files_loans_deinit(struct vm_files *files)
{
	for (uint32_t i = 0; i < files->num_sessions; i++)
		files_loans_close(&files->sessions[i]);
	if (files->loan_timer != HANDLE_NONE)
		loop_close(files->loop, &files->loan_timer_source);
	files->loan_timer = HANDLE_NONE;
	files->loan_timer_runs = false;
}

error_t files_loan_take(struct files_session *session, handle_t *out)
{
	if (session->num_loans == 0)
		return folio_create(FILES_LOAN_BYTES, FOLIO_CONTIGUOUS, out);
	*out = session->loans[--session->num_loans];
	return 0;
}

bool files_lends(const struct files_session *session)
{
	return session->num_lent < 2 * FILES_MAX_REQUESTS;
}

void files_loan_back(struct files_session *session, handle_t folio)
{
	struct folio_info info;

	// Others may have one that is read-only.
	if (folio_info(folio, &info) < 0 || info.flags != FOLIO_CONTIGUOUS ||
	    info.size != FILES_LOAN_BYTES) {
		handle_close(folio);
		return;
	}
	session->num_lent = 0;
	if (session->num_loans == VM_FILES_MAX_LOANS || session->state != FILES_SESSION_OPEN ||
	    timer_want(session->files) < 0)
		handle_close(folio);
	else
		session->loans[session->num_loans++] = folio;
}
