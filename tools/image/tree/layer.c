// SPDX-License-Identifier: MIT
#include "tools/image/tree/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/common/log.h"
#include "tools/image/digest.h"

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_META_PREFIX ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define AUFS_LINKS ".wh..wh.plnk"  // AUFS keeps files of several names here
#define TAR_BLOCK 512
#define BUFFER_SIZE 65536
#define MAX_XATTRS 256
#define MAX_XATTR_SIZE 65536  // Linux's limit, XATTR_SIZE_MAX

// The way of a layer's bytes: source -> `raw` (decompression) -> digest -> `tar` -> tree.
struct layer {
	struct tree *tree;
	struct spool *spool;
	struct layer_source *source;
	unsigned number;
	struct archive *raw;
	struct archive *tar;
	struct digest digest;
	uint64_t uncompressed;
	struct error *err;
	uint64_t compressed;  // bytes that came of it
	bool ended;           // and no more come
	bool failed;          // a callback left its error in `err`
	bool empty;           // there is not one byte of it
	bool padded;          // the missing padding behind its last byte has been supplied
	bool has_aufs_links;  // AUFS_LINKS is in the tree, to be taken out again
	char compressed_buffer[BUFFER_SIZE];
	char tar_buffer[BUFFER_SIZE];
};

static la_ssize_t read_compressed(struct archive *archive, void *context, const void **buffer)
{
	struct layer *layer = context;
	long length = layer->source->read(layer->source, layer->compressed_buffer, BUFFER_SIZE,
	                                  layer->err);

	*buffer = layer->compressed_buffer;
	if (length < 0) {
		layer->failed = true;
		archive_set_error(archive, EIO, "%s", layer->err->text);
		return length;
	}
	layer->compressed += (uint64_t)length;
	layer->ended = length == 0;
	return length;
}

// Whoever decompresses wanted more than there is, or has met what cannot be.
static int decompression_failed(struct layer *layer)
{
	const char *reason = archive_error_string(layer->raw);

	if (layer->failed)
		return -1;
	layer->failed = true;
	if (layer->ended)
		return error_set(layer->err,
		                 "it cannot be decompressed: it ends too early, after %llu bytes",
		                 (unsigned long long)layer->compressed);
	return error_set(layer->err, "it cannot be decompressed: %s",
	                 reason ? reason : "its data are damaged");
}

// The zeros that an archive lacks to be whole blocks.
static la_ssize_t read_padding(struct layer *layer)
{
	size_t length = (TAR_BLOCK - layer->uncompressed % TAR_BLOCK) % TAR_BLOCK;

	if (layer->padded)
		return 0;
	layer->padded = true;
	memset(layer->tar_buffer, 0, length);
	return (la_ssize_t)length;
}

static la_ssize_t read_tar(struct archive *archive, void *context, const void **buffer)
{
	struct layer *layer = context;
	la_ssize_t length =
		layer->empty ? 0 : archive_read_data(layer->raw, layer->tar_buffer, BUFFER_SIZE);

	*buffer = layer->tar_buffer;
	if (length == 0)
		return read_padding(layer);
	if (length < 0) {
		decompression_failed(layer);
		archive_set_error(archive, EIO, "%s", layer->err->text);
		return -1;
	}
	if (layer->digest.hash)
		digest_update(&layer->digest, layer->tar_buffer, (size_t)length);
	layer->uncompressed += (uint64_t)length;
	if (layer->uncompressed > layer->spool->limit) {
		error_set(layer->err, "it holds more than %llu MiB uncompressed",
		          (unsigned long long)(layer->spool->limit >> 20));
		layer->failed = true;
		archive_set_error(archive, EIO, "%s", layer->err->text);
		return -1;
	}
	return length;
}

static int archive_failed(struct layer *layer, const char *what)
{
	const char *reason = archive_error_string(layer->tar);

	if (layer->failed)
		return -1;
	return error_set(layer->err, "%s: %s", what, reason ? reason : "its data are damaged");
}

static int layer_open(struct layer *layer)
{
	struct archive_entry *entry;
	int result;

	layer->raw = archive_read_new();
	layer->tar = archive_read_new();
	if (!layer->raw || !layer->tar)
		return error_set(layer->err, "out of memory");
	archive_read_support_filter_gzip(layer->raw);
	archive_read_support_filter_bzip2(layer->raw);
	archive_read_support_filter_xz(layer->raw);
	archive_read_support_filter_zstd(layer->raw);
	archive_read_support_format_raw(layer->raw);
	archive_read_support_format_empty(layer->raw);
	if (archive_read_open(layer->raw, layer, NULL, read_compressed, NULL) != ARCHIVE_OK)
		return decompression_failed(layer);
	result = archive_read_next_header(layer->raw, &entry);
	if (result != ARCHIVE_OK && result != ARCHIVE_EOF)
		return decompression_failed(layer);
	layer->empty = result == ARCHIVE_EOF;
	archive_read_support_format_tar(layer->tar);
	archive_read_support_format_empty(layer->tar);
	if (archive_read_open(layer->tar, layer, NULL, read_tar, NULL) != ARCHIVE_OK)
		return archive_failed(layer, "it is not a tar archive");
	return 0;
}

static uint32_t clamp_time(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

// An id of 32 bits; archivers also write those of 2^31 and more as negative numbers.
static bool id_is_possible(int64_t id)
{
	return id >= INT32_MIN && id <= UINT32_MAX;
}

// (uid_t)-1 stands for no user. To chown(), and so to Docker, it says: as it is, which is root's.
static uint32_t id_read(int64_t id)
{
	return (uint32_t)id == UINT32_MAX ? 0 : (uint32_t)id;
}

static int entry_owner(struct archive_entry *entry, struct tree_inode *inode, struct error *err)
{
	int64_t uid = archive_entry_uid(entry);
	int64_t gid = archive_entry_gid(entry);

	if (!id_is_possible(uid) || !id_is_possible(gid))
		return error_set(err, "its owner %lld:%lld is not a user and group id",
		                 (long long)uid, (long long)gid);
	inode->uid = id_read(uid);
	inode->gid = id_read(gid);
	return 0;
}

// Attributes that squashfs and the guest can hold. Overlayfs's own would steer the guest's overlay.
static bool xattr_is_kept(const char *name)
{
	if (strncmp(name, "trusted.overlay.", 16) == 0)
		return false;
	return strncmp(name, "user.", 5) == 0 || strncmp(name, "security.", 9) == 0 ||
		strncmp(name, "trusted.", 8) == 0;
}

static int entry_xattrs(struct layer *layer, struct archive_entry *entry, struct tree_inode *inode)
{
	const char *name;
	const void *value;
	size_t size;
	int count = 0;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (!name || !xattr_is_kept(name))
			continue;
		if (++count > MAX_XATTRS || size > MAX_XATTR_SIZE || strlen(name) > TREE_MAX_NAME)
			return error_set(layer->err,
			                 "its extended attributes are too many or too large");
		if (tree_inode_set_xattr(layer->tree, inode, name, value, size, layer->err) < 0)
			return -1;
	}
	return 0;
}

// Whether what has been read of the archive ends at most `padding` bytes behind its last true byte.
static int is_whole(struct layer *layer, uint64_t padding)
{
	uint64_t position = (uint64_t)archive_filter_bytes(layer->tar, 0);

	if (position > layer->uncompressed && position - layer->uncompressed > padding)
		return error_set(layer->err, "the archive ends in the middle of it");
	return 0;
}

static int entry_content(struct layer *layer, struct archive_entry *entry, struct tree_inode *inode)
{
	int64_t size = archive_entry_size(entry);
	const void *block;
	size_t length;
	la_int64_t offset;
	int result;

	if (size < 0)
		return error_set(layer->err, "its size is negative");
	inode->size = (uint64_t)size;
	if (spool_reserve(layer->spool, inode->size, &inode->spool_offset, layer->err) < 0)
		return -1;
	while ((result = archive_read_data_block(layer->tar, &block, &length, &offset)) ==
	       ARCHIVE_OK) {
		if (offset < 0 || (uint64_t)offset > inode->size ||
		    length > inode->size - (uint64_t)offset)
			return error_set(layer->err, "its content is longer than its size");
		if (spool_write(layer->spool, inode->spool_offset + (uint64_t)offset, block, length,
		                layer->err) < 0)
			return -1;
	}
	if (result != ARCHIVE_EOF)
		return archive_failed(layer, "its content cannot be read");
	// Of a sparse file, less is in the archive than its size says.
	return is_whole(layer,
	                archive_entry_sparse_count(entry) > 0 ? 0 : -inode->size % TAR_BLOCK);
}

static int entry_fill(struct layer *layer, struct archive_entry *entry, struct tree_inode *inode)
{
	const char *target;

	inode->mtime = clamp_time(archive_entry_mtime(entry));
	if (entry_owner(entry, inode, layer->err) < 0 || entry_xattrs(layer, entry, inode) < 0)
		return -1;
	switch (inode->mode & S_IFMT) {
	case S_IFREG: return entry_content(layer, entry, inode);
	case S_IFLNK:
		target = archive_entry_symlink(entry);
		return tree_inode_set_target(layer->tree, inode, target ? target : "", layer->err);
	case S_IFCHR:
	case S_IFBLK:
		// Linux's device numbers: 12 and 20 bits.
		if (archive_entry_rdevmajor(entry) > 0xfff ||
		    archive_entry_rdevminor(entry) > 0xfffff)
			return error_set(layer->err, "its device number is too large");
		inode->major = (uint32_t)archive_entry_rdevmajor(entry);
		inode->minor = (uint32_t)archive_entry_rdevminor(entry);
		return 0;
	case S_IFDIR:
	case S_IFIFO: return 0;
	default: return error_set(layer->err, "it is of an unknown type");
	}
}

static int apply_hardlink(struct layer *layer, struct tree_node *dir, const char *name,
                          const char *target)
{
	char target_name[TREE_MAX_NAME + 1];
	struct tree_node *target_dir;
	struct tree_node *node = NULL;
	char clean[TREE_MAX_PATH + 1];
	int result = tree_path_clean(target, clean, layer->err);

	if (result == 0)
		result = tree_resolve_parent(layer->tree, clean, false, layer->number, &target_dir,
		                             target_name, layer->err);
	if (result < 0)
		return error_prefix(layer->err, "it is a hard link to %s", target);
	if (result == 0 && target_name[0])
		node = tree_child(target_dir, target_name);
	if (!node)
		return error_set(layer->err,
		                 "it is a hard link to %s, which the image does not have", target);
	if (S_ISDIR(node->inode->mode))
		return error_set(layer->err, "it is a hard link to the directory %s", target);
	return tree_put(layer->tree, dir, name, node->inode, layer->number, layer->err);
}

static int apply_node(struct layer *layer, struct archive_entry *entry, struct tree_node *dir,
                      const char *name)
{
	mode_t mode = archive_entry_filetype(entry) | (archive_entry_perm(entry) & 07777);
	struct tree_inode *inode = tree_inode_create(layer->tree, mode, layer->err);

	if (!inode)
		return -1;
	if (entry_fill(layer, entry, inode) < 0 ||
	    tree_put(layer->tree, dir, name, inode, layer->number, layer->err) < 0) {
		tree_inode_free(layer->tree, inode);
		return -1;
	}
	return 0;
}

// The layer has a directory of its own here. Where a lower one has something else, a link perhaps,
// that is hidden itself, and what it leads to is not.
static int apply_opaque(struct layer *layer, const char *path)
{
	char directory[TREE_MAX_PATH + 1], name[TREE_MAX_NAME + 1];
	const char *slash = strrchr(path, '/');
	struct tree_node *parent, *node;
	int result;

	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) : 0, path);
	result = tree_resolve_parent(layer->tree, directory, false, layer->number, &parent, name,
	                             layer->err);
	if (result != 0)
		return result < 0 ? -1 : 0;
	node = name[0] ? tree_child(parent, name) : layer->tree->root;
	if (node && S_ISDIR(node->inode->mode))
		tree_make_opaque(layer->tree, node, layer->number);
	else if (node)
		tree_whiteout(layer->tree, parent, name, layer->number);
	return 0;
}

static int apply_whiteout(struct layer *layer, const char *path, const char *name)
{
	const char *hidden = name + strlen(WHITEOUT_PREFIX);
	char own_name[TREE_MAX_NAME + 1];
	struct tree_node *dir;
	int result;

	if (strcmp(hidden, "") == 0 || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return error_set(layer->err, "it is a whiteout of nothing");
	result = tree_resolve_parent(layer->tree, path, false, layer->number, &dir, own_name,
	                             layer->err);
	if (result != 0)
		return result < 0 ? -1 : 0;  // nothing is there that it could hide
	tree_whiteout(layer->tree, dir, hidden, layer->number);
	return 0;
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

// Whether a name of `path`, a clean one, before `end` begins with `prefix`.
static bool any_name_has_prefix(const char *path, const char *end, const char *prefix)
{
	for (const char *c = path; c < end; c++)
		if ((c == path || c[-1] == '/') && has_prefix(c, prefix))
			return true;
	return false;
}

// AUFS's own bookkeeping is not part of an image, but other entries may be hard links to files
// among it, as Docker has it: those are in the tree until the layer ends. 1: `path` is no such
// entry.
static int apply_aufs(struct layer *layer, struct archive_entry *entry, const char *path,
                      const char *last)
{
	char name[TREE_MAX_NAME + 1];
	struct tree_node *dir;

	if (!any_name_has_prefix(path, path + strlen(path), WHITEOUT_META_PREFIX) ||
	    (strcmp(last, WHITEOUT_OPAQUE) == 0 &&
	     !any_name_has_prefix(path, last, WHITEOUT_PREFIX)))
		return 1;
	if (!has_prefix(path, AUFS_LINKS "/") || archive_entry_hardlink(entry) ||
	    archive_entry_filetype(entry) != AE_IFREG)
		return 0;
	layer->has_aufs_links = true;
	if (tree_resolve_parent(layer->tree, path, true, layer->number, &dir, name, layer->err) !=
	    0)
		return -1;
	return apply_node(layer, entry, dir, name);
}

static int apply_path(struct layer *layer, struct archive_entry *entry, const char *path)
{
	const char *target = archive_entry_hardlink(entry);
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;
	char name[TREE_MAX_NAME + 1];
	struct tree_node *dir;
	int result = apply_aufs(layer, entry, path, last);

	if (result <= 0)
		return result;
	// Names like these are for whiteouts only; below one there can be nothing.
	if (any_name_has_prefix(path, last, WHITEOUT_PREFIX))
		return error_set(layer->err, "a directory of its path has the name of a whiteout");
	if (has_prefix(last, WHITEOUT_PREFIX)) {
		if (strlen(last) > TREE_MAX_NAME)
			return error_set(layer->err, "a name longer than %d bytes", TREE_MAX_NAME);
		return strcmp(last, WHITEOUT_OPAQUE) == 0 ? apply_opaque(layer, path)
							  : apply_whiteout(layer, path, last);
	}
	if (tree_resolve_parent(layer->tree, path, true, layer->number, &dir, name, layer->err) !=
	    0)
		return -1;
	return target ? apply_hardlink(layer, dir, name, target)
		      : apply_node(layer, entry, dir, name);
}

static int apply_entry(struct layer *layer, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	char clean[TREE_MAX_PATH + 1];

	if (!path || !path[0])
		return error_set(layer->err, "an entry without a name");
	if (is_whole(layer, 0) < 0 || tree_path_clean(path, clean, layer->err) < 0 ||
	    apply_path(layer, entry, clean) < 0)
		return layer->failed ? -1 : error_prefix(layer->err, "%s", path);
	return 0;
}

static int apply_all(struct layer *layer)
{
	struct archive_entry *entry;
	const void *buffer;
	int result;

	// A warning says that a name is not plain ASCII: in the C locale, which this program stays
	// in, libarchive then hands out its bytes as they are (in a UTF-8 locale it would normalise
	// them).
	while ((result = archive_read_next_header(layer->tar, &entry)) == ARCHIVE_OK ||
	       result == ARCHIVE_WARN)
		if (apply_entry(layer, entry) < 0)
			return -1;
	if (result != ARCHIVE_EOF)
		return archive_failed(layer, "it is not a sound tar archive");
	// What follows the end of the archive belongs to the digest too.
	while ((result = (int)read_tar(layer->tar, layer, &buffer)) > 0)
		;
	return result;
}

int layer_apply(struct tree *tree, struct spool *spool, struct layer_source *source,
                unsigned number, char *diff_id, struct error *err)
{
	struct layer layer = {
		.tree = tree,
		.spool = spool,
		.source = source,
		.number = number,
		.err = err,
	};
	int result = -1;

	if (diff_id && digest_init(&layer.digest, diff_id, err) < 0)
		return -1;
	if (layer_open(&layer) == 0)
		result = apply_all(&layer);
	if (layer.has_aufs_links)
		tree_whiteout(tree, tree->root, AUFS_LINKS, number + 1);
	if (result == 0 && diff_id)
		digest_finish(&layer.digest, diff_id);
	digest_abort(&layer.digest);
	archive_read_free(layer.tar);
	archive_read_free(layer.raw);
	return result;
}
