// SPDX-License-Identifier: MIT
//
// Folios for the data of reads and writes, which go to the provider and come back
// (libs/abi/files.h): a fresh one would have to be zeroed. They are a session's own, so that no
// provider sees another's data. What nobody has used for a second is closed.
#include "libs/linux/vm/vm_files_private.h"
#include "libs/starina/syscall.h"

#define KEPT_FOR NSEC_PER_SEC

void files_loans_close(struct files_session *session)
{
	while (session->num_loans > 0)
		handle_close(session->loans[--session->num_loans]);
}

static void timer_due(struct loop *loop, struct source *source);

static const struct source_ops timer_ops = { .signalled = timer_due };

static error_t timer_start(struct vm_files *files)
{
	files->loans_used = false;
	return files_timer_set(files, &files->loan_timer, &timer_ops, files, KEPT_FOR);
}

static void timer_due(struct loop *loop, struct source *source)
{
	struct vm_files *files = source->context;

	(void)loop;
	if (files->loans_used && timer_start(files) == 0)
		return;
	files_timer_stop(&files->loan_timer);
	for (uint32_t i = 0; i < files->num_sessions; i++)
		files_loans_close(&files->sessions[i]);
}

// Errors: files_timer_set's.
static error_t timer_want(struct vm_files *files)
{
	if (!files->loan_timer.runs)
		return timer_start(files);
	files->loans_used = true;
	return 0;
}

void files_loans_deinit(struct vm_files *files)
{
	for (uint32_t i = 0; i < files->num_sessions; i++)
		files_loans_close(&files->sessions[i]);
	files_timer_close(files, &files->loan_timer);
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
