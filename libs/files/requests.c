// SPDX-License-Identifier: MIT
//
// Requests go out as the provider's limit allows.
#include "libs/base/string.h"
#include "libs/files/internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

// As many as an inline message has room for.
#define FORGET_MAX                                           \
	((FILES_INLINE_MAX - sizeof(struct fuse_in_header) - \
	  sizeof(struct fuse_batch_forget_in)) /             \
	 sizeof(struct fuse_forget_one))

// Writes header and parts to `out`, which has room.
static void write_parts(uint8_t *out, uint32_t opcode, uint64_t node, uint64_t unique,
                        uint32_t length, const struct span *parts, size_t num_parts)
{
	struct fuse_in_header header = { .len = length,
		                         .opcode = opcode,
		                         .unique = unique,
		                         .nodeid = node };

	memcpy(out, &header, sizeof(header));
	out += sizeof(header);
	for (size_t i = 0; i < num_parts; i++) {
		if (parts[i].len > 0)
			memcpy(out, parts[i].data, parts[i].len);
		out += parts[i].len;
	}
}

static size_t parts_length(const struct span *parts, size_t num_parts)
{
	size_t length = sizeof(struct fuse_in_header);

	for (size_t i = 0; i < num_parts; i++)
		length += parts[i].len;
	return length;
}

error_t request_encode(struct message *m, uint32_t opcode, uint64_t node, uint64_t unique,
                       const struct span *parts, size_t num_parts)
{
	size_t length = parts_length(parts, num_parts);
	struct msg_files_fuse fuse = { .length = (uint32_t)length };
	void *base;
	error_t err;

	if (length > FILES_MAX_BYTES)
		return ERR_TOO_LARGE;
	if (length <= FILES_INLINE_MAX) {
		err = message_encode_files_fuse(m, &fuse, NULL, 0);
		m->len = (uint16_t)(m->len + length);
		write_parts(m->data + sizeof(fuse), opcode, node, unique, fuse.length, parts,
		            num_parts);
		return err;
	}
	fuse.offset = FILES_HEADROOM;
	err = message_encode_files_fuse(m, &fuse, NULL, 0);
	if (err == 0)
		err = folio_create(FILES_HEADROOM + length, FOLIO_CONTIGUOUS, &m->handles[0]);
	if (err < 0)
		return err;
	err = folio_map(m->handles[0], PROT_READ | PROT_WRITE, &base);
	if (err < 0) {
		handle_close(m->handles[0]);
		return err;
	}
	m->num_handles = 1;
	write_parts((uint8_t *)base + FILES_HEADROOM, opcode, node, unique, fuse.length, parts,
	            num_parts);
	return 0;
}

// Tells of nodes that are not used, as many as fit into one message. Returns false when the channel
// does not take it.
static bool send_forgotten(struct files *files)
{
	struct fuse_forget_one ones[FORGET_MAX];
	struct fuse_batch_forget_in in = { 0 };
	struct message m;
	struct span parts[2];

	list_for_each(entry, &files->forgotten) {
		if (in.count == FORGET_MAX)
			break;
		ones[in.count++] = (struct fuse_forget_one){
			.nodeid = container_of(entry, struct node, entry)->id,
			.nlookup = 1
		};
	}
	parts[0] = PART(in);
	parts[1] =
		(struct span){ .data = (const uint8_t *)ones, .len = in.count * sizeof(ones[0]) };
	if (request_encode(&m, FUSE_BATCH_FORGET, 0, ++files->last_unique, parts, 2) < 0 ||
	    channel_send(files->session.handle, &m) < 0)
		return false;
	for (uint32_t i = 0; i < in.count; i++) {
		heap_free(container_of(list_pop_front(&files->forgotten), struct node, entry));
		files->num_forgotten--;
	}
	return true;
}

void requests_pump(struct files *files, bool all_forgotten)
{
	bool full = false;

	if (files->state != FILES_OPEN)
		return;
	while (!full && !list_is_empty(&files->waiting) && files->num_sent < FILES_MAX_REQUESTS) {
		struct request *request = container_of(files->waiting.next, struct request, entry);

		if (channel_send(files->session.handle, &request->m) < 0) {
			full = true;
			break;
		}
		request->m.num_handles = 0;
		list_remove(&request->entry);
		list_push_back(&files->sent, &request->entry);
		files->num_sent++;
	}
	while (!full &&
	       (files->num_forgotten >= FORGET_MAX || (all_forgotten && files->num_forgotten > 0)))
		full = !send_forgotten(files);
	source_want_writable(&files->session, full);
}

static void enqueue(struct files *files, struct request *request)
{
	request->files = files;
	list_push_back(&files->waiting, &request->entry);
	requests_pump(files, false);
}

error_t request_send(struct files *files, struct request *request, uint32_t opcode, uint64_t node,
                     const struct span *parts, size_t num_parts)
{
	error_t err = session_error(files);

	if (err == 0)
		err = request_encode(&request->m, opcode, node, ++files->last_unique, parts,
		                     num_parts);
	if (err < 0)
		return err;
	request->unique = files->last_unique;
	enqueue(files, request);
	return 0;
}

error_t request_send_folio(struct files *files, struct request *request, uint32_t opcode,
                           uint64_t node, struct span part, handle_t folio, uint32_t start,
                           uint32_t len)
{
	uint32_t before = (uint32_t)parts_length(&part, 1);
	struct msg_files_fuse fuse = { .offset = start - before, .length = before + len };
	struct folio_info info;
	void *base;
	error_t err = session_error(files);

	if (err == 0)
		err = folio_info(folio, &info);
	if (err != 0)
		return err;
	if (info.flags != FOLIO_CONTIGUOUS || start < before + FILES_HEADROOM ||
	    !range_within(start, len, info.size) || fuse.length > FILES_MAX_BYTES)
		return ERR_RANGE;
	err = folio_map(folio, PROT_READ | PROT_WRITE, &base);
	if (err == 0)
		err = message_encode_files_fuse(&request->m, &fuse, NULL, 0);
	if (err < 0)
		return err;
	request->unique = ++files->last_unique;
	write_parts((uint8_t *)base + fuse.offset, opcode, node, request->unique, fuse.length,
	            &part, 1);
	request->m.handles[0] = folio;
	request->m.num_handles = 1;
	enqueue(files, request);
	return 0;
}

void node_forget(struct files *files, struct node *node)
{
	if (files == NULL || files->state != FILES_OPEN) {
		heap_free(node);
		return;
	}
	list_push_back(&files->forgotten, &node->entry);
	if (++files->num_forgotten >= FORGET_MAX)
		requests_pump(files, false);
}
