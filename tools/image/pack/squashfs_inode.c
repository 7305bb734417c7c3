// SPDX-License-Identifier: MIT
#include "tools/image/pack/squashfs_inode.h"

#include <string.h>
#include <sys/stat.h>

#define EXTENDED 7  // from a basic inode's type to the extended one's
#define MAX_IDS 65535
#define MAX_BASIC_LISTING 65535
#define NO_FRAGMENT UINT32_MAX

enum { TYPE_DIR = 1, TYPE_FILE, TYPE_SYMLINK, TYPE_BLOCK, TYPE_CHAR, TYPE_FIFO, TYPE_SOCKET };

unsigned squashfs_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return TYPE_DIR;
	case S_IFLNK: return TYPE_SYMLINK;
	case S_IFBLK: return TYPE_BLOCK;
	case S_IFCHR: return TYPE_CHAR;
	case S_IFIFO: return TYPE_FIFO;
	case S_IFSOCK: return TYPE_SOCKET;
	default: return TYPE_FILE;
	}
}

static uint32_t id_at(const struct squashfs_image *image, uint32_t index)
{
	const unsigned char *bytes = image->ids.data + (size_t)index * 4;

	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
		(uint32_t)bytes[3] << 24;
}

// The index of `id` in the table, where it is put if it is new. -1 with `err`: there are too many.
static int id_index(struct squashfs_image *image, uint32_t id, struct error *err)
{
	uint32_t count = (uint32_t)(image->ids.size / 4);

	// Most files have the owner of the file before them.
	if (count > 0 && id_at(image, image->last_id) == id)
		return (int)image->last_id;
	for (uint32_t i = 0; i < count; i++)
		if (id_at(image, i) == id) {
			image->last_id = i;
			return (int)i;
		}
	if (count >= MAX_IDS)
		return error_set(err, "the image's files have more than %u different owners",
		                 MAX_IDS);
	squashfs_put32(&image->ids, id);
	image->last_id = count;
	return (int)count;
}

struct xattr_prefix {
	const char *text;
	unsigned type;
};

static const struct xattr_prefix *xattr_prefix(const char *name)
{
	static const struct xattr_prefix prefixes[] = { { "user.", 0 },
		                                        { "trusted.", 1 },
		                                        { "security.", 2 } };

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i].text, strlen(prefixes[i].text)) == 0)
			return &prefixes[i];
	return NULL;
}

// Adds the attributes; returns the number of their set. Names of other kinds than the format has
// are left out.
static uint32_t xattrs_add(struct squashfs_image *image, const struct tree_inode *inode)
{
	size_t start = image->xattrs.size;
	uint32_t count = 0;
	uint32_t size = 0;

	for (const struct tree_xattr *xattr = inode->xattrs; xattr; xattr = xattr->next) {
		const struct xattr_prefix *prefix = xattr_prefix(xattr->name);
		size_t skipped = prefix ? strlen(prefix->text) : 0;
		size_t length = strlen(xattr->name) - skipped;

		if (!prefix || length == 0)
			continue;
		squashfs_put16(&image->xattrs, prefix->type);
		squashfs_put16(&image->xattrs, (unsigned)length);
		squashfs_put(&image->xattrs, xattr->name + skipped, length);
		squashfs_put32(&image->xattrs, (uint32_t)xattr->size);
		squashfs_put(&image->xattrs, xattr->value, xattr->size);
		size += (uint32_t)(strlen(xattr->name) + 1 + xattr->size);
		count++;
	}
	if (count == 0)
		return SQUASHFS_NO_XATTRS;
	squashfs_put64(&image->xattr_sets, squashfs_reference(start));
	squashfs_put32(&image->xattr_sets, count);
	squashfs_put32(&image->xattr_sets, size);
	return (uint32_t)(image->xattr_sets.size / 16 - 1);
}

static void file_add(struct squashfs_bytes *out, const struct tree_inode *inode,
                     const struct squashfs_content *content, bool extended, uint32_t xattrs)
{
	if (extended) {
		squashfs_put64(out, content->start);
		squashfs_put64(out, inode->size);
		squashfs_put64(out, content->holes);
		squashfs_put32(out, inode->links);
	} else {
		squashfs_put32(out, (uint32_t)content->start);
	}
	squashfs_put32(out, NO_FRAGMENT);
	squashfs_put32(out, 0);  // offset in a fragment
	squashfs_put32(out, extended ? xattrs : (uint32_t)inode->size);
	squashfs_put(out, content->sizes.data, content->sizes.size);
}

static void directory_add(struct squashfs_bytes *out, const struct squashfs_listing *listing,
                          bool extended, uint32_t xattrs)
{
	uint64_t reference = squashfs_reference(listing->start);
	// As other writers have it: the size counts `.` and `..`, which are not stored, as 3 bytes.
	uint32_t size = listing->size + 3;

	if (extended) {
		squashfs_put32(out, listing->links);
		squashfs_put32(out, size);
		squashfs_put32(out, (uint32_t)(reference >> 16));
		squashfs_put32(out, listing->parent);
		squashfs_put16(out, listing->num_indexes);
		squashfs_put16(out, reference & 0xffff);
		squashfs_put32(out, xattrs);
		squashfs_put(out, listing->indexes.data, listing->indexes.size);
	} else {
		squashfs_put32(out, (uint32_t)(reference >> 16));
		squashfs_put32(out, listing->links);
		squashfs_put16(out, size);
		squashfs_put16(out, reference & 0xffff);
		squashfs_put32(out, listing->parent);
	}
}

static void other_add(struct squashfs_bytes *out, const struct tree_inode *inode)
{
	squashfs_put32(out, inode->links);
	if (S_ISLNK(inode->mode)) {
		squashfs_put32(out, (uint32_t)strlen(inode->target));
		squashfs_put(out, inode->target, strlen(inode->target));
	}
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		squashfs_put32(out,
		               (inode->minor & 0xff) | inode->major << 8 |
		                       (inode->minor & ~0xffu) << 12);
}

int squashfs_inode_add(struct squashfs_image *image, struct tree_inode *inode,
                       const struct squashfs_content *content,
                       const struct squashfs_listing *listing, struct error *err)
{
	struct squashfs_bytes *out = &image->inodes;
	int uid = id_index(image, inode->uid, err);
	int gid = uid < 0 ? -1 : id_index(image, inode->gid, err);
	uint32_t xattrs = xattrs_add(image, inode);
	bool extended = xattrs != SQUASHFS_NO_XATTRS;

	if (gid < 0)
		return -1;
	if (content)
		extended |= inode->links > 1 || content->holes > 0 || inode->size > UINT32_MAX ||
			content->start > UINT32_MAX;
	if (listing)
		extended |= listing->num_indexes > 0 || listing->size + 3 > MAX_BASIC_LISTING;
	inode->reference = squashfs_reference(out->size);
	squashfs_put16(out, squashfs_type(inode->mode) + (extended ? EXTENDED : 0));
	squashfs_put16(out, inode->mode & 07777);
	squashfs_put16(out, (unsigned)uid);
	squashfs_put16(out, (unsigned)gid);
	squashfs_put32(out, inode->mtime);
	squashfs_put32(out, inode->number);
	if (content)
		file_add(out, inode, content, extended, xattrs);
	else if (listing)
		directory_add(out, listing, extended, xattrs);
	else
		other_add(out, inode);
	if (extended && !content && !listing)
		squashfs_put32(out, xattrs);
	image->references[inode->number - 1] = inode->reference;
	return 0;
}
