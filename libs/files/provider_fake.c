// SPDX-License-Identifier: MIT
#include "libs/files/provider_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/files/internal.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"

#define FAKE_SIZE_MAX (16u << 20)

// A request in hand, and its reply.
struct exchange {
	struct fuse_in_header in;
	struct reader body;
	uint8_t *out;
	size_t len;
};

static uint8_t out[FILES_MAX_BYTES];

// --- The file system -----------------------------------------------------------------------------

uint32_t provider_fake_find(const struct provider_fake *p, uint32_t parent, const char *name)
{
	for (uint32_t i = 2; i < FAKE_NODES; i++) {
		if (p->nodes[i].used && p->nodes[i].parent == parent &&
		    strcmp(p->nodes[i].name, name) == 0)
			return i;
	}
	return 0;
}

// Whether it has neither a name nor a client that knows it.
static bool is_gone(const struct fake_node *node)
{
	return node->name[0] == 0 && node->lookups == 0;
}

uint32_t provider_fake_make(struct provider_fake *p, uint32_t parent, const char *name,
                            uint32_t mode, const void *data, size_t size)
{
	uint32_t i = 2;

	while (i < FAKE_NODES && p->nodes[i].used && !is_gone(&p->nodes[i]))
		i++;
	if (i == FAKE_NODES)
		return 0;
	free(p->nodes[i].data);
	p->nodes[i] = (struct fake_node){ .used = true, .parent = parent, .mode = mode };
	str_copy(p->nodes[i].name, name, FAKE_NAME_MAX);
	p->nodes[i].size = size;
	p->nodes[i].data = size > 0 ? malloc(size) : NULL;
	if (size > 0)
		memcpy(p->nodes[i].data, data, size);
	return i;
}

uint64_t provider_fake_lookups(const struct provider_fake *p)
{
	uint64_t sum = 0;

	for (uint32_t i = 2; i < FAKE_NODES; i++)
		sum += p->nodes[i].lookups;
	return sum;
}

static struct fuse_attr attr_of(const struct provider_fake *p, uint32_t i)
{
	return (struct fuse_attr){ .ino = i,
		                   .size = p->nodes[i].size,
		                   .mode = p->nodes[i].mode,
		                   .uid = p->nodes[i].uid,
		                   .gid = p->nodes[i].gid,
		                   .nlink = 1,
		                   .mtime = 7 };
}

static void resize(struct fake_node *node, size_t size)
{
	node->data = realloc(node->data, size + 1);
	if (size > node->size)
		memset(node->data + node->size, 0, size - node->size);
	node->size = size;
}

static void name_of(struct exchange *e, char name[FAKE_NAME_MAX])
{
	const uint8_t *end = memchr(e->body.rest.data, 0, e->body.rest.len);

	if (end == NULL)
		abort();
	str_copy(name, (const char *)e->body.rest.data, FAKE_NAME_MAX);
	reader_skip(&e->body, (size_t)(end - e->body.rest.data) + 1);
	if (name[0] == 0 || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		abort();  // none of these is ever sent
}

static void put(struct exchange *e, const void *data, size_t len)
{
	if (len > 0)
		memcpy(e->out + e->len, data, len);
	e->len += len;
}

static void put_entry(struct provider_fake *p, struct exchange *e, uint32_t i)
{
	struct fuse_entry_out entry = { .nodeid = i, .attr = attr_of(p, i) };

	p->nodes[i].lookups++;
	put(e, &entry, sizeof(entry));
}

static void put_open(struct provider_fake *p, struct exchange *e)
{
	struct fuse_open_out open = { .fh = 5 };

	p->num_open++;
	put(e, &open, sizeof(open));
}

// --- Operations: all return 0 or Linux's number --------------------------------------------------

static uint32_t make(struct provider_fake *p, struct exchange *e, uint32_t mode)
{
	uint32_t parent = (uint32_t)e->in.nodeid;
	char name[FAKE_NAME_MAX];
	char target[4096] = "";
	uint32_t i;

	name_of(e, name);
	if (mode == MODE_LINK)
		str_copy(target, (const char *)e->body.rest.data, sizeof(target));
	if (provider_fake_find(p, parent, name) != 0)
		return LINUX_EEXIST;
	i = provider_fake_make(p, parent, name, mode, target, strlen(target));
	if (i == 0)
		return LINUX_ENOSPC;
	put_entry(p, e, i);
	return 0;
}

static uint32_t take_away(struct provider_fake *p, struct exchange *e, bool folder)
{
	char name[FAKE_NAME_MAX];
	uint32_t i;

	name_of(e, name);
	i = provider_fake_find(p, (uint32_t)e->in.nodeid, name);
	if (i == 0)
		return LINUX_ENOENT;
	if (folder != ((p->nodes[i].mode & MODE_TYPE) == MODE_FOLDER))
		return folder ? LINUX_ENOTDIR : LINUX_EISDIR;
	for (uint32_t k = 2; k < FAKE_NODES; k++) {
		if (p->nodes[k].used && p->nodes[k].parent == i)
			return LINUX_ENOTEMPTY;
	}
	p->nodes[i].name[0] = 0;
	p->nodes[i].parent = 0;
	return 0;
}

static uint32_t rename_entry(struct provider_fake *p, struct exchange *e)
{
	uint32_t to_parent = (uint32_t)reader_le64(&e->body);
	uint32_t flags = 0;
	char from[FAKE_NAME_MAX], to[FAKE_NAME_MAX];
	uint32_t i, old;

	if (e->in.opcode == FUSE_RENAME2)
		flags = (uint32_t)reader_le64(&e->body);
	name_of(e, from);
	name_of(e, to);
	i = provider_fake_find(p, (uint32_t)e->in.nodeid, from);
	old = provider_fake_find(p, to_parent, to);
	if (i == 0)
		return LINUX_ENOENT;
	if (old != 0 && (flags & FUSE_RENAME_NOREPLACE) != 0)
		return LINUX_EEXIST;
	p->nodes[old].name[0] = 0;
	p->nodes[i].parent = to_parent;
	str_copy(p->nodes[i].name, to, FAKE_NAME_MAX);
	return 0;
}

static uint32_t read_file(struct provider_fake *p, struct exchange *e)
{
	const struct fake_node *node = &p->nodes[e->in.nodeid];
	struct fuse_read_in in;

	reader_copy(&e->body, &in, sizeof(in));
	if (in.size > FILES_PIECE_MAX)
		abort();
	if (in.offset < node->size) {
		size_t left = node->size - in.offset;

		put(e, node->data + in.offset, left < in.size ? left : in.size);
	}
	return 0;
}

static uint32_t write_file(struct provider_fake *p, struct exchange *e)
{
	struct fake_node *node = &p->nodes[e->in.nodeid];
	struct fuse_write_out written = { 0 };
	struct fuse_write_in in;
	size_t end;

	reader_copy(&e->body, &in, sizeof(in));
	if (in.size != e->body.rest.len)
		abort();
	if ((in.flags & O_APPEND) != 0)
		in.offset = node->size;
	written.size = in.size < p->max_write ? in.size : (uint32_t)p->max_write;
	end = in.offset + written.size;
	if (end > p->capacity)
		return LINUX_ENOSPC;
	if (end > node->size)
		resize(node, end);
	if (written.size > 0)
		memcpy(node->data + in.offset, e->body.rest.data, written.size);
	put(e, &written, sizeof(written));
	return 0;
}

static uint32_t read_folder(struct provider_fake *p, struct exchange *e)
{
	static const uint8_t zeros[8];
	bool plus = e->in.opcode == FUSE_READDIRPLUS;
	struct fuse_read_in in;
	uint32_t added = 0;

	if (plus && p->no_readdirplus)
		return LINUX_ENOSYS;
	reader_copy(&e->body, &in, sizeof(in));
	// "." has the offset 1, and of each reply three entries are enough.
	for (uint32_t i = (uint32_t)in.offset; i < FAKE_NODES && added < 3; i++) {
		const char *name = i == 0 ? "." : i == 1 ? ".." : p->nodes[i].name;
		struct fuse_dirent entry = { .ino = i,
			                     .off = p->circle > 0 ? (i + 1) % p->circle : i + 1,
			                     .namelen = (uint32_t)strlen(name) };

		if (i >= 2 && (!p->nodes[i].used || p->nodes[i].parent != e->in.nodeid))
			continue;
		entry.type = p->nodes[i < 2 ? 1 : i].mode >> 12;
		if (plus && i >= 2) {
			put_entry(p, e, i);
		} else if (plus) {
			put(e, &(struct fuse_entry_out){ 0 }, sizeof(struct fuse_entry_out));
		}
		put(e, &entry, sizeof(entry));
		put(e, name, entry.namelen);
		put(e, zeros, FUSE_DIRENT_ALIGN(entry.namelen) - entry.namelen);
		added++;
	}
	return 0;
}

static uint32_t create_file(struct provider_fake *p, struct exchange *e)
{
	struct fuse_create_in in;
	uint32_t error;

	reader_copy(&e->body, &in, sizeof(in));
	error = make(p, e, MODE_FILE | (in.mode & 0777));
	if (error == 0)
		put_open(p, e);
	return error;
}

static uint32_t set_attributes(struct provider_fake *p, struct exchange *e)
{
	struct fake_node *node = &p->nodes[e->in.nodeid];
	struct fuse_attr_out attr = { 0 };
	struct fuse_setattr_in in;

	reader_copy(&e->body, &in, sizeof(in));
	// Of what is larger there are no bytes: it would be a hole.
	if ((in.valid & FATTR_SIZE) != 0 && in.size <= FAKE_SIZE_MAX)
		resize(node, in.size);
	if ((in.valid & FATTR_MODE) != 0)
		node->mode = (node->mode & MODE_TYPE) | (in.mode & 07777);
	if ((in.valid & FATTR_UID) != 0)
		node->uid = in.uid;
	if ((in.valid & FATTR_GID) != 0)
		node->gid = in.gid;
	attr.attr = attr_of(p, (uint32_t)e->in.nodeid);
	put(e, &attr, sizeof(attr));
	return 0;
}

static uint32_t look_up(struct provider_fake *p, struct exchange *e)
{
	char name[FAKE_NAME_MAX];
	uint32_t i;

	if ((p->nodes[e->in.nodeid].mode & MODE_TYPE) != MODE_FOLDER)
		return LINUX_ENOTDIR;
	name_of(e, name);
	i = provider_fake_find(p, (uint32_t)e->in.nodeid, name);
	if (i != 0)
		put_entry(p, e, i);
	return i == 0 ? LINUX_ENOENT : 0;
}

static uint32_t operate(struct provider_fake *p, struct exchange *e)
{
	const struct fake_node *node = &p->nodes[e->in.nodeid];
	struct fuse_init_out init = { .major = FUSE_VERSION_MAJOR,
		                      .minor = FUSE_VERSION_MINOR,
		                      .max_write = 256 * 1024 };
	struct fuse_attr_out attr = { .attr = attr_of(p, (uint32_t)e->in.nodeid) };
	struct fuse_kstatfs space = { .blocks = 10, .bavail = 4, .frsize = 4096, .ffree = 3 };

	if (p->fails != 0 && e->in.opcode != FUSE_LOOKUP && e->in.opcode != FUSE_INIT)
		return p->fails;
	switch (e->in.opcode) {
	case FUSE_INIT: put(e, &init, sizeof(init)); return 0;
	case FUSE_LOOKUP: return look_up(p, e);
	case FUSE_GETATTR: put(e, &attr, sizeof(attr)); return 0;
	case FUSE_SETATTR: return set_attributes(p, e);
	case FUSE_READLINK: put(e, node->data, node->size); return 0;
	case FUSE_SYMLINK: return make(p, e, MODE_LINK);
	case FUSE_MKDIR: reader_skip(&e->body, 8); return make(p, e, MODE_FOLDER);
	case FUSE_UNLINK:
	case FUSE_RMDIR: return take_away(p, e, e->in.opcode == FUSE_RMDIR);
	case FUSE_RENAME:
	case FUSE_RENAME2: return rename_entry(p, e);
	case FUSE_OPEN:
	case FUSE_OPENDIR: put_open(p, e); return 0;
	case FUSE_CREATE: return create_file(p, e);
	case FUSE_READ: return read_file(p, e);
	case FUSE_WRITE: return write_file(p, e);
	case FUSE_READDIR:
	case FUSE_READDIRPLUS: return read_folder(p, e);
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR: p->num_open--; return 0;
	case FUSE_STATFS: put(e, &space, sizeof(space)); return 0;
	case FUSE_FSYNC: p->num_syncs++; return 0;
	case FUSE_DESTROY:
	case FUSE_SYNCFS: return 0;
	default: return LINUX_ENOSYS;
	}
}

// --- The session ---------------------------------------------------------------------------------

static void forget(struct provider_fake *p, struct exchange *e)
{
	uint64_t count = reader_le64(&e->body);

	for (uint64_t i = 0; i < count; i++) {
		uint64_t node = reader_le64(&e->body);
		uint64_t lookups = reader_le64(&e->body);

		if (node < 2 || node >= FAKE_NODES || p->nodes[node].lookups < lookups) {
			if (!p->hostile)
				abort();  // it forgets what it does not have
			continue;
		}
		p->nodes[node].lookups -= lookups;
	}
}

static void send_reply(struct provider_fake *p, struct exchange *e, uint32_t error)
{
	struct fuse_out_header header = { .unique = e->in.unique };
	struct msg_files_fuse fuse = { 0 };
	handle_t folio = HANDLE_NONE;
	struct message m;

	header.len = (uint32_t)e->len;
	memcpy(e->out, &header, sizeof(header));
	if (error == 0 && e->len > FILES_INLINE_MAX && payload_copy(e->out, e->len, &folio) < 0)
		error = LINUX_ENOMEM;
	if (error != 0) {
		e->len = header.len = sizeof(header);
		header.error = -(int32_t)error;
		memcpy(e->out, &header, sizeof(header));
	}
	fuse.length = header.len;
	if (message_encode_files_fuse(&m, &fuse, e->out, folio == HANDLE_NONE ? e->len : 0) < 0)
		abort();
	if (folio != HANDLE_NONE) {
		m.handles[0] = folio;
		m.num_handles = 1;
	}
	fake_send(p->session, &m);
}

static void answer(struct provider_fake *p, struct message *m)
{
	struct exchange e = { .out = out, .len = sizeof(struct fuse_out_header) };
	struct payload payload = { 0 };
	struct msg_files_fuse fuse;
	const uint8_t *tail;
	size_t tail_len;

	if (message_decode_files_fuse(m, &fuse, &tail, &tail_len) < 0)
		abort();
	payload.bytes = (struct span){ .data = tail, .len = tail_len };
	if (m->num_handles == 1 &&
	    (fuse.offset < FILES_HEADROOM ||
	     payload_open_folio(m->handles[0], fuse.offset, fuse.length, &payload) < 0))
		abort();
	e.body = reader_make(payload.bytes.data, payload.bytes.len);
	reader_copy(&e.body, &e.in, sizeof(e.in));
	if (e.in.len != fuse.length || payload.bytes.len != fuse.length)
		abort();
	if (e.in.opcode == FUSE_BATCH_FORGET) {
		forget(p, &e);
	} else {
		if (e.in.opcode == FUSE_INIT)
			e.in.nodeid = 1;
		p->num_requests++;
		if (e.in.nodeid != 0 && e.in.nodeid < FAKE_NODES)
			send_reply(p, &e, operate(p, &e));
		else if (p->hostile)
			send_reply(p, &e, LINUX_ESTALE);
		else
			abort();
	}
	payload_release(&payload);
}

static bool open_session(struct provider_fake *p)
{
	handle_t ends[2], none;
	struct message m;

	if (!fake_take(p->client, &m, &none))
		return false;
	if (p->refuses || channel_create(ends) < 0) {
		error_send(p->client, 1, ERR_NOT_FOUND, "there is no such share");
		return true;
	}
	p->session = ends[0];
	if (open_reply_send(p->client, 1, ends[1]) < 0) {
		// It has gone meanwhile.
		handle_close(ends[1]);
		provider_fake_die(p);
	}
	return true;
}

bool provider_fake_serve(struct provider_fake *p)
{
	uint32_t waiting = 0;
	struct message m[CHANNEL_MAX_QUEUED];
	handle_t handle;

	if (p->client == HANDLE_NONE)
		p->client = fake_provider_accept(p->connector);
	if (p->client != HANDLE_NONE && p->session == HANDLE_NONE)
		return open_session(p);
	while (p->session != HANDLE_NONE && waiting < CHANNEL_MAX_QUEUED &&
	       fake_take(p->session, &m[waiting], &handle)) {
		m[waiting].handles[0] = handle;
		m[waiting].num_handles = handle != HANDLE_NONE;
		waiting++;
	}
	if (waiting > p->most_waiting)
		p->most_waiting = waiting;
	for (uint32_t i = 0; i < waiting; i++)
		answer(p, &m[i]);
	return waiting > 0;
}

void provider_fake_die(struct provider_fake *p)
{
	fake_close(&p->session);
	fake_close(&p->client);
}

void provider_fake_init(struct provider_fake *p, handle_t connector)
{
	*p = (struct provider_fake){ .connector = connector,
		                     .max_write = SIZE_MAX,
		                     .capacity = UINT64_MAX };
	p->nodes[1] = (struct fake_node){ .used = true, .mode = MODE_FOLDER | 0755 };
}

void provider_fake_deinit(struct provider_fake *p)
{
	provider_fake_die(p);
	for (uint32_t i = 0; i < FAKE_NODES; i++)
		free(p->nodes[i].data);
}
