// SPDX-License-Identifier: MIT

#include "libs/linux/vm/vm_files_ids.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"

#define BODY sizeof(struct fuse_in_header)

static int32_t translate(const struct files_nodes *nodes, struct mut_span request, size_t offset,
                         uint32_t slot)
{
	uint64_t id;

	if (!range_within(offset, sizeof(id), request.len))
		return LINUX_EINVAL;
	memcpy(&id, request.data + offset, sizeof(id));
	if (files_id_slot(id) != slot)
		return LINUX_EXDEV;
	if ((id & FILES_ID_MASK) <= FUSE_ROOT_ID || !files_nodes_has(nodes, id))
		return LINUX_ESTALE;
	id &= FILES_ID_MASK;
	memcpy(request.data + offset, &id, sizeof(id));
	return 0;
}

int32_t files_request_ids(const struct files_nodes *nodes, struct mut_span request, uint32_t slot)
{
	struct fuse_in_header in;
	int32_t error = translate(nodes, request, offsetof(struct fuse_in_header, nodeid), slot);

	if (error != 0 || request.len < sizeof(in))
		return error != 0 ? error : LINUX_EINVAL;
	memcpy(&in, request.data, sizeof(in));
	switch (in.opcode) {
	case FUSE_RENAME: return translate(nodes, request, BODY, slot);   // fuse_rename_in.newdir
	case FUSE_RENAME2: return translate(nodes, request, BODY, slot);  // fuse_rename2_in.newdir
	case FUSE_LINK: return translate(nodes, request, BODY, slot);     // fuse_link_in.oldnodeid
	case FUSE_COPY_FILE_RANGE:
		return translate(nodes, request,
		                 BODY + offsetof(struct fuse_copy_file_range_in, nodeid_out), slot);
	default: return 0;
	}
}

struct visitor {
	struct span reply;
	void (*visit)(void *context, size_t offset, uint64_t id);
	void *context;
};

static error_t visit_id(const struct visitor *v, size_t offset)
{
	uint64_t id;

	memcpy(&id, v->reply.data + offset, sizeof(id));
	if (id > FILES_ID_MASK)
		return ERR_PROTOCOL;
	if (id != 0 && v->visit != NULL)
		v->visit(v->context, offset, id);
	return 0;
}

static error_t visit_entries(const struct visitor *v, size_t offset)
{
	struct fuse_dirent entry;
	size_t size;

	for (; v->reply.len - offset >= sizeof(struct fuse_direntplus); offset += size) {
		error_t err = visit_id(v, offset);

		if (err < 0)
			return err;
		memcpy(&entry, v->reply.data + offset + offsetof(struct fuse_direntplus, dirent),
		       sizeof(entry));
		size = FUSE_DIRENT_ALIGN(sizeof(struct fuse_direntplus) + (size_t)entry.namelen);
		if (size > v->reply.len - offset)
			return ERR_PROTOCOL;
	}
	return 0;
}

error_t files_reply_ids(uint32_t opcode, struct span reply,
                        void (*visit)(void *context, size_t offset, uint64_t id), void *context)
{
	const struct visitor v = { .reply = reply, .visit = visit, .context = context };
	struct fuse_out_header out;

	if (reply.len < sizeof(out))
		return ERR_PROTOCOL;
	memcpy(&out, reply.data, sizeof(out));
	if (out.error != 0)
		return 0;
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		if (reply.len < sizeof(out) + sizeof(struct fuse_entry_out))
			return ERR_PROTOCOL;
		return visit_id(&v, sizeof(out));
	case FUSE_READDIRPLUS: return visit_entries(&v, sizeof(out));
	default: return 0;
	}
}
