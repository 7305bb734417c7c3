// SPDX-License-Identifier: MIT
//
// For tests of the app: the fake kernel, a disk in memory, and clients that ask and are answered.
// Include it once; it has the app's main.c in it.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "apps/fs/main.c"
#include "libs/starina/clients_fake.h"

#define DISK_BLOCKS 4096u
// Without a file system that uses its part of kept memory, that need not be there.
#ifndef KEPT_BYTES
#define KEPT_BYTES FS_KEPT_BYTES
#endif

static uint8_t disk_image[DISK_BLOCKS * EXT4_BLOCK_SIZE];
static uint64_t disk_bad_block = UINT64_MAX;
static bool disk_absent;
static uint32_t disk_rounds;  // of requests that came together
static handle_t service, own_service, store_service, unmount_service, disk_end;
static uint8_t *kept_memory;
static handle_t kept_folio;

// --- The disk ------------------------------------------------------------------------------------

static inline void disk_info(handle_t channel)
{
	struct msg_blkdev_info info = { .num_sectors = DISK_BLOCKS * 8, .serial = "state" };
	struct message m;

	if (message_encode_blkdev_info(&m, &info, NULL, 0) != 0)
		abort();
	fake_send(channel, &m);
}

static inline void disk_opens(void)
{
	handle_t provider = fake_provider_accept(fs.blkdev), none, ends[2];
	struct message m;

	if (provider == HANDLE_NONE)
		return;
	if (disk_absent) {
		if (!fake_take(provider, &m, &none) ||
		    error_send(provider, 1, ERR_NOT_FOUND, NULL) != 0)
			abort();
	} else if (fake_take(provider, &m, &none) && channel_create(ends) == 0) {
		disk_end = ends[0];
		disk_info(disk_end);
		if (open_reply_send(provider, 1, ends[1]) != 0)
			abort();
	}
	handle_close(provider);
}

static inline error_t disk_transfer(const struct msg_blkdev_request *request, bool write,
                                    handle_t folio)
{
	uint8_t *at = disk_image + request->sector * BLKDEV_SECTOR_SIZE;
	struct folio_info info;
	void *base;

	if (request->sector * BLKDEV_SECTOR_SIZE + request->length > sizeof(disk_image))
		abort();
	if (folio_info(folio, &info) != 0 ||
	    !range_within(request->offset, request->length, info.size))
		return ERR_RANGE;
	if (disk_bad_block >= request->sector / 8 &&
	    disk_bad_block < (request->sector * BLKDEV_SECTOR_SIZE + request->length) / 4096)
		return ERR_IO;
	if (folio_map(folio, write ? PROT_READ : PROT_READ | PROT_WRITE, &base) != 0)
		return ERR_ACCESS;
	if (write)
		memcpy(at, (uint8_t *)base + request->offset, request->length);
	else
		memcpy((uint8_t *)base + request->offset, at, request->length);
	return 0;
}

static inline void disk_answer(struct message *m)
{
	struct msg_blkdev_reply reply = { 0 };
	struct msg_blkdev_request request;
	handle_t folio = m->num_handles == 1 ? m->handles[0] : HANDLE_NONE;
	bool write = m->type == MSG_BLKDEV_WRITE;
	const uint8_t *tail;
	size_t len;

	memcpy(&reply.id, m->data, sizeof(reply.id));
	if (m->type != MSG_BLKDEV_FLUSH) {
		m->type = MSG_BLKDEV_READ;
		if (message_decode_blkdev_request(m, &request, &tail, &len) != 0)
			abort();
		reply.id = request.id;
		reply.status = disk_transfer(&request, write, folio);
	}
	if (message_encode_blkdev_reply(m, &reply, NULL, 0) != 0)
		abort();
	if (folio != HANDLE_NONE) {
		m->handles[0] = folio;
		m->num_handles = 1;
	}
	fake_send(disk_end, m);
}

// The disk answers all that it was asked.
static inline void disk_serves(void)
{
	struct message m;
	bool any = false;

	disk_opens();
	for (; disk_end != HANDLE_NONE && channel_recv(disk_end, &m) == 0; any = true)
		disk_answer(&m);
	disk_rounds += any;
}

// --- The app -------------------------------------------------------------------------------------

static inline void settle(void)
{
	for (int i = 0; i < 40; i++) {
		fake_loop_settle(&fs.loop);
		disk_serves();
	}
	fake_loop_settle(&fs.loop);
}

// The app begins, with what is in kept memory.
static inline void app_begin(void)
{
	memset(&fs, 0, sizeof(fs));
	disk_end = HANDLE_NONE;
	fake_while_waiting = disk_serves;
	service = fake_service_create();
	own_service = fake_service_create();
	store_service = fake_service_create();
	unmount_service = fake_service_create();
	fs.blkdev = fake_connector_create();
	if (folio_create(KEPT_BYTES, 0, &kept_folio) != 0 ||
	    folio_map(kept_folio, PROT_READ | PROT_WRITE, (void **)&kept_memory) != 0 ||
	    loop_init(&fs.loop) != 0)
		abort();
}

static inline void app_start(void)
{
	if (fs_init(&fs, kept_folio) != 0 ||
	    clients_init(&fs, service, own_service, store_service, unmount_service) != 0)
		abort();
	if (kept_awaited(&fs) > 0)
		fs_open(&fs);
	settle();
}

// The app's process ends in the midst of whatever it does, and the next one begins.
static inline void app_dies(void)
{
	static uint8_t kept_copy[KEPT_BYTES];

	memcpy(kept_copy, kept_memory, sizeof(kept_copy));
	fake_reset();
	app_begin();
	memcpy(kept_memory, kept_copy, sizeof(kept_copy));
	app_start();
}

// --- Clients -------------------------------------------------------------------------------------

struct answer {
	bool came;
	int error;
	uint32_t len;  // of the body
	uint64_t unique;
	uint64_t folio;  // bytes of the one that came: with the reply in it, or given back
	uint8_t body[FILES_MAX_BYTES];
};

static struct answer answer;
static uint64_t last_unique[FILES_MAX_REQUESTS];

static inline handle_t open_at(handle_t provider, const char *uri)
{
	handle_t client = fake_client_connect(provider), end = HANDLE_NONE;

	if (client == HANDLE_NONE || open_send(client, 1, uri) != 0)
		abort();
	settle();
	fake_take_all(client, &end, 1);
	handle_close(client);
	settle();
	return end;
}

static inline handle_t open_share(const char *uri)
{
	return open_at(service, uri);
}

static inline handle_t open_store(const char *uri)
{
	return open_at(store_service, uri);
}

// The own folder of the app of that name.
static inline handle_t open_own(const char *app)
{
	handle_t end;

	fake_app_name = app;
	end = open_at(own_service, FILES_OWN_FOLDER);
	fake_app_name = "app";
	return end;
}

static inline void send_key(handle_t session, uint64_t key)
{
	struct msg_files_session fixed = { .key = key };
	struct message m;

	if (message_encode_files_session(&m, &fixed, NULL, 0) != 0)
		abort();
	fake_send(session, &m);
}

// A request of a header, a struct and up to two more pieces, in a folio if it must be, there from
// `at` on.
struct request {
	uint32_t opcode;
	uint64_t node, unique;
	const void *fixed;
	size_t fixed_len;
	const void *tail, *tail2;
	size_t tail_len, tail2_len;
	uint32_t at;
	bool lends;  // a folio that had something before
};

static inline void lend(struct message *m)
{
	void *base;

	if (folio_create(FILES_LOAN_BYTES, FOLIO_CONTIGUOUS, &m->handles[0]) != 0 ||
	    folio_map(m->handles[0], PROT_READ | PROT_WRITE, &base) != 0)
		abort();
	memset(base, 0xee, FILES_LOAN_BYTES);
	m->num_handles = 1;
}

static inline void request_send(handle_t session, const struct request *r)
{
	static uint8_t bytes[FILES_MAX_BYTES];
	struct fuse_in_header in = {
		.len = (uint32_t)(sizeof(in) + r->fixed_len + r->tail_len + r->tail2_len),
		.opcode = r->opcode,
		.unique = r->unique,
		.nodeid = r->node,
		.uid = 3,
		.gid = 4,
	};
	struct msg_files_fuse fuse = { .length = in.len };
	uint8_t *to = bytes;
	struct message m;
	void *base = NULL;

	memcpy(to, &in, sizeof(in));
	to += sizeof(in);
	if (r->fixed_len > 0)
		memcpy(to, r->fixed, r->fixed_len);
	if (r->tail_len > 0)
		memcpy(to + r->fixed_len, r->tail, r->tail_len);
	if (r->tail2_len > 0)
		memcpy(to + r->fixed_len + r->tail_len, r->tail2, r->tail2_len);
	if (in.len <= FILES_INLINE_MAX && r->at == 0) {
		if (message_encode_files_fuse(&m, &fuse, bytes, in.len) != 0)
			abort();
		if (r->lends)
			lend(&m);
	} else {
		fuse.offset = r->at == 0 ? FILES_HEADROOM : r->at;
		if (message_encode_files_fuse(&m, &fuse, NULL, 0) != 0 ||
		    folio_create(fuse.offset + in.len, FOLIO_CONTIGUOUS, &m.handles[0]) != 0 ||
		    folio_map(m.handles[0], PROT_READ | PROT_WRITE, &base) != 0)
			abort();
		memcpy((uint8_t *)base + fuse.offset, bytes, in.len);
		m.num_handles = 1;
	}
	fake_send(session, &m);
}

// Takes one reply, if there is one.
static inline bool reply_take(handle_t session, struct answer *out)
{
	struct payload payload = { 0 };
	struct msg_files_fuse fuse;
	struct fuse_out_header head;
	const uint8_t *tail;
	struct message m;
	size_t len;

	out->came = false;
	if (channel_recv(session, &m) != 0)
		return false;
	if (message_decode_files_fuse(&m, &fuse, &tail, &len) != 0)
		abort();
	out->folio = 0;
	if (m.num_handles == 1) {
		struct folio_info info;

		if (folio_info(m.handles[0], &info) != 0)
			abort();
		out->folio = info.size;
	}
	if (m.num_handles == 1 && len > 0) {
		handle_close(m.handles[0]);
	} else if (m.num_handles == 1) {
		if (payload_open_folio(m.handles[0], fuse.offset, fuse.length, &payload) != 0)
			abort();
		tail = payload.bytes.data;
		len = payload.bytes.len;
	}
	if (len != fuse.length || len < sizeof(head))
		abort();
	memcpy(&head, tail, sizeof(head));
	if (head.len != len)
		abort();
	out->came = true;
	out->error = head.error;
	out->unique = head.unique;
	out->len = (uint32_t)(len - sizeof(head));
	memcpy(out->body, tail + sizeof(head), out->len);
	payload_release(&payload);
	return true;
}

// Asks and waits. Returns the reply's error; its body is in `answer`.
static inline int ask(handle_t session, struct request r)
{
	if (r.unique == 0)
		r.unique = last_unique[7] += FILES_MAX_REQUESTS;
	request_send(session, &r);
	for (int i = 0; i < 4000; i++) {
		fake_loop_settle(&fs.loop);
		if (reply_take(session, &answer))
			return answer.unique == r.unique ? answer.error : -1000;
		disk_serves();
	}
	return -1001;
}

static inline int init_session(handle_t session, uint32_t flags)
{
	struct fuse_init_in in = { .major = 7, .minor = 38, .flags = flags };

	return ask(session,
	           (struct request){ .opcode = FUSE_INIT, .fixed = &in, .fixed_len = sizeof(in) });
}

static inline handle_t begin_session(const char *uri)
{
	handle_t session = open_share(uri);

	if (session == HANDLE_NONE || init_session(session, ~0u) != 0)
		abort();
	return session;
}

static inline int ask_name(handle_t session, uint32_t opcode, uint64_t node, const char *name)
{
	return ask(session,
	           (struct request){ .opcode = opcode,
	                             .node = node,
	                             .tail = name,
	                             .tail_len = strlen(name) + 1 });
}

static inline uint64_t entry_node(void)
{
	struct fuse_entry_out out;

	memcpy(&out, answer.body, sizeof(out));
	return out.nodeid;
}

static inline int ask_mkdir(handle_t session, uint64_t node, const char *name)
{
	struct fuse_mkdir_in in = { .mode = 0x1ed };

	return ask(session,
	           (struct request){ .opcode = FUSE_MKDIR,
	                             .node = node,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in),
	                             .tail = name,
	                             .tail_len = strlen(name) + 1 });
}

static inline int ask_create(handle_t session, uint64_t node, const char *name)
{
	struct fuse_create_in in = { .flags = 0x80, .mode = 0x81a4 };

	return ask(session,
	           (struct request){ .opcode = FUSE_CREATE,
	                             .node = node,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in),
	                             .tail = name,
	                             .tail_len = strlen(name) + 1 });
}

static inline int ask_write(handle_t session, uint64_t node, uint64_t offset, const void *data,
                            size_t len, uint32_t at)
{
	struct fuse_write_in in = { .offset = offset, .size = (uint32_t)len };

	return ask(session,
	           (struct request){ .opcode = FUSE_WRITE,
	                             .node = node,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in),
	                             .tail = data,
	                             .tail_len = len,
	                             .at = at });
}

// With a folio for the reply.
static inline int ask_read_lending(handle_t session, uint64_t node, uint64_t offset, uint32_t len)
{
	struct fuse_read_in in = { .offset = offset, .size = len };

	return ask(session,
	           (struct request){ .opcode = FUSE_READ,
	                             .node = node,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in),
	                             .lends = true });
}

static inline int ask_read(handle_t session, uint64_t node, uint64_t offset, uint32_t len)
{
	struct fuse_read_in in = { .offset = offset, .size = len };

	return ask(session,
	           (struct request){ .opcode = FUSE_READ,
	                             .node = node,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in) });
}

static inline int ask_truncate(handle_t session, uint64_t node, uint64_t size)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = size };

	return ask(session,
	           (struct request){ .opcode = FUSE_SETATTR,
	                             .node = node,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in) });
}

static inline int ask_fallocate(handle_t session, uint64_t node, uint64_t offset, uint64_t len,
                                uint32_t mode)
{
	struct fuse_fallocate_in in = { .offset = offset, .length = len, .mode = mode };

	return ask(session,
	           (struct request){ .opcode = FUSE_FALLOCATE,
	                             .node = node,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in) });
}

static inline void send_forget(handle_t session, uint64_t node, uint64_t lookups)
{
	struct fuse_forget_in in = { .nlookup = lookups };

	request_send(session,
	             &(struct request){ .opcode = FUSE_FORGET,
	                                .node = node,
	                                .fixed = &in,
	                                .fixed_len = sizeof(in) });
	settle();
}
