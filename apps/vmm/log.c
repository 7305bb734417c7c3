// SPDX-License-Identifier: MIT
//
// The container's log: what it writes lies on the state disk, and `containers` is told when there
// is more, if it asks. The end of the container is told once its log is written.
#include "apps/vmm/log.h"

#include "apps/vmm/vmm.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"

static void tell(struct vmm *vmm)
{
	struct vmm_log *log = &vmm->log;
	struct msg_vmm_logged logged = { .total = log->writer.total, .file = log->writer.number };
	struct message m;
	error_t err;

	if (!log->is_watched || logged.total <= log->known)
		return;
	log->is_watched = false;
	err = message_encode_vmm_logged(&m, &logged, NULL, 0);
	assert(err == 0);
	link_send(vmm, &m);
}

static void written(void *context)
{
	tell(context);
}

static void room(void *context)
{
	attach_resume(context);
}

static void finished(void *context)
{
	struct vmm *vmm = context;

	vmm->log.is_ending = false;
	link_tell(vmm);
}

static const struct log_writer_ops ops = { .room = room, .written = written, .finished = finished };

void vmm_log_order(struct vmm *vmm, const struct msg_vmm_log *order)
{
	struct vmm_log *log = &vmm->log;

	if ((order->flags & VMM_LOG_KEEP) != 0) {
		log->is_kept = true;
		log->max_bytes = order->max_bytes;
		log->max_files = order->max_files;
	}
	if ((order->flags & VMM_LOG_WATCH) != 0) {
		log->is_watched = true;
		log->known = order->known;
		tell(vmm);
	}
}

void vmm_log_unwatch(struct vmm *vmm)
{
	vmm->log.is_watched = false;
}

void vmm_log_start(struct vmm *vmm)
{
	struct vmm_log *log = &vmm->log;
	char id[HEX_SIZE(VMM_ID_SIZE)];
	error_t err;

	if (!log->is_kept)
		return;
	hex_write(vmm->id, sizeof(vmm->id), id);
	fmt_write(log->uri, sizeof(log->uri), VMM_LOG_URI "%s", id);
	err = log_writer_start(&log->writer, &vmm->loop, environ_connector(vmm->env, "grants"),
	                       log->uri, "/", log->max_bytes, log->max_files, &ops, vmm);
	if (err < 0)
		log_warn("what the container writes is not logged: %s", error_text(err));
	log->runs = err == 0;
}

size_t vmm_log_output(struct vmm *vmm, enum guest_stream stream, struct span bytes)
{
	struct vmm_log *log = &vmm->log;
	size_t *logged = &log->logged[stream == GUEST_STDOUT ? 0 : 1], done;

	if (!log->runs)
		return attach_output(vmm, stream, bytes);
	// What was logged and not sent comes again.
	if (*logged < bytes.len)
		*logged += log_writer_take(
			&log->writer, stream == GUEST_STDOUT ? LOG_STDOUT : LOG_STDERR,
			(struct span){ bytes.data + *logged, bytes.len - *logged });
	done = *logged < bytes.len ? *logged : bytes.len;
	done = attach_output(vmm, stream, (struct span){ bytes.data, done });
	*logged -= done;
	return done;
}

void vmm_log_end(struct vmm *vmm)
{
	if (!vmm->log.runs || vmm->log.is_ending)
		return;
	vmm->log.is_ending = true;
	log_writer_finish(&vmm->log.writer);
}
