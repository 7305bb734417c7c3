// SPDX-License-Identifier: MIT

#include "libs/linux/vm/vm_files.h"

#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define LINUX_ENOMEM 12
#define LINUX_ENOTCONN 107

// --- From the guest ------------------------------------------------------------------------------

static bool device_ready(void *context)
{
	struct vm_files *files = context;

	// What cannot be sent at all is taken, to be refused.
	return files->state != VM_FILES_OPENING && !files->holds;
}

// Puts the request into a message, or into a folio that the message carries. Errors: ERR_ADDRESS
// (the guest has taken it back), folio_create's.
static error_t request_encode(const struct fs_device_request *request, struct message *m)
{
	struct msg_files_fuse fuse = { .length = request->length };
	void *base;
	error_t err;

	if (request->length <= FILES_INLINE_MAX) {
		err = message_encode_files_fuse(m, &fuse, NULL, 0);
		m->len = (uint16_t)(m->len + request->length);
		if (err == 0 &&
		    !fs_device_take(request,
		                    (struct mut_span){ .data = m->data + sizeof(fuse),
		                                       .len = request->length }))
			err = ERR_ADDRESS;
		return err;
	}
	fuse.offset = FILES_HEADROOM;
	err = message_encode_files_fuse(m, &fuse, NULL, 0);
	if (err == 0)
		err = folio_create(FILES_HEADROOM + (size_t)request->length, FOLIO_CONTIGUOUS,
		                   &m->handles[0]);
	if (err < 0)
		return err;
	m->num_handles = 1;
	err = folio_map(m->handles[0], PROT_READ | PROT_WRITE, &base);
	if (err == 0 &&
	    !fs_device_take(request,
	                    (struct mut_span){ .data = (uint8_t *)base + FILES_HEADROOM,
	                                       .len = request->length }))
		err = ERR_ADDRESS;
	if (err < 0)
		message_discard(m);
	return err;
}

static bool device_request(void *context, struct fs_device_request *request)
{
	struct vm_files *files = context;
	struct message m;
	error_t err;

	if (files->state != VM_FILES_OPEN) {
		fs_device_fail(request, LINUX_ENOTCONN);
		return true;
	}
	err = request_encode(request, &m);
	// There may be memory once others are answered.
	if ((err == ERR_NO_MEMORY || err == ERR_LIMIT) &&
	    !fs_device_has_only(&files->device, request))
		return false;
	if (err < 0) {
		fs_device_fail(request, LINUX_ENOMEM);
		return true;
	}
	err = channel_send(files->session.handle, &m);
	if (err == ERR_FULL) {
		files->held = m;
		files->holds = true;
		source_want_writable(&files->session, true);
	} else if (err < 0) {
		message_discard(&m);  // the session is gone: its `closed` comes
	}
	return true;
}

// --- To the guest --------------------------------------------------------------------------------

static void session_lost(struct vm_files *files)
{
	if (files->state == VM_FILES_OPEN)
		loop_close(files->loop, &files->session);
	if (files->holds)
		message_discard(&files->held);
	files->holds = false;
	files->state = VM_FILES_LOST;
	machine_enter(files->machine);
	fs_device_fail_all(&files->device, LINUX_ENOTCONN);
	fs_device_resume(&files->device);
	machine_leave(files->machine);
}

static error_t reply_deliver(struct vm_files *files, struct message *m)
{
	struct payload payload = { 0 };
	struct msg_files_fuse fuse;
	const uint8_t *tail;
	size_t tail_len;
	error_t err = message_decode_files_fuse(m, &fuse, &tail, &tail_len);

	if (err < 0)
		return err;
	if (m->num_handles == 1) {
		m->num_handles = 0;
		err = payload_open_folio(m->handles[0], fuse.offset, fuse.length, &payload);
	} else {
		payload.bytes = (struct span){ .data = tail, .len = tail_len };
		err = tail_len == fuse.length ? 0 : ERR_PROTOCOL;
	}
	if (err < 0)
		return err;
	machine_enter(files->machine);
	err = fs_device_answer(&files->device, payload.bytes);
	machine_leave(files->machine);
	payload_release(&payload);
	return err;
}

static void session_message(struct loop *loop, struct source *source, struct message *m)
{
	struct vm_files *files = source->context;
	error_t err = reply_deliver(files, m);

	(void)loop;
	message_discard(m);
	if (err < 0) {
		log_warn("the guest's files are gone: what answers for them sent no reply (%s)",
		         error_text(err));
		session_lost(files);
	}
}

static void session_writable(struct loop *loop, struct source *source)
{
	struct vm_files *files = source->context;
	error_t err = channel_send(source->handle, &files->held);

	(void)loop;
	if (err == ERR_FULL)
		return;
	if (err < 0)
		message_discard(&files->held);
	files->holds = false;
	source_want_writable(source, false);
	machine_enter(files->machine);
	fs_device_resume(&files->device);
	machine_leave(files->machine);
}

static void session_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	log_warn("the guest's files are gone: what provides them has ended");
	session_lost(source->context);
}

static const struct source_ops session_ops = {
	.message = session_message,
	.writable = session_writable,
	.closed = session_closed,
};

// --- The session ---------------------------------------------------------------------------------

static void session_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct vm_files *files = opener->context;

	if (channel != HANDLE_NONE &&
	    loop_add(files->loop, &files->session, channel, &session_ops, files) < 0) {
		handle_close(channel);
		channel = HANDLE_NONE;
	}
	if (channel == HANDLE_NONE) {
		log_warn("the guest has no files: %s: %s (%s)", opener->uri, text,
		         error_text(error));
		session_lost(files);
		return;
	}
	files->state = VM_FILES_OPEN;
	machine_enter(files->machine);
	fs_device_resume(&files->device);
	machine_leave(files->machine);
}

error_t vm_files_create(struct vm_files *files, struct machine *machine)
{
	error_t err = machine_slot_create(machine, &files->device.mmio);

	if (err < 0)
		return err;
	files->machine = machine;
	files->device.ready = device_ready;
	files->device.request = device_request;
	files->device.context = files;
	str_copy(files->device.tag, VM_FILES_TAG, sizeof(files->device.tag));
	fs_device_init(&files->device);
	return machine_attach(machine, &files->device.mmio);
}

error_t vm_files_bind(struct vm_files *files, struct loop *loop, handle_t connector,
                      const char *uri)
{
	if (files->state != VM_FILES_UNBOUND)
		return ERR_EXISTS;
	files->loop = loop;
	files->state = VM_FILES_OPENING;
	opener_start(&files->opener, loop, connector, uri, session_opened, files);
	return 0;
}

void vm_files_deinit(struct vm_files *files)
{
	opener_stop(&files->opener);
	if (files->state == VM_FILES_OPEN)
		loop_close(files->loop, &files->session);
	if (files->holds)
		message_discard(&files->held);
	files->state = VM_FILES_LOST;
	files->holds = false;
}
