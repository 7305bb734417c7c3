// SPDX-License-Identifier: MIT
//
// The file system of a container image, in memory: what its layers make when they are applied in
// order. Nothing here touches the host's file system, so nothing in an image can. All paths come
// from a hostile image; `..` in a symbolic link's target stops at the image's root as it does under
// chroot.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/common/error.h"

#define TREE_MAX_NAME 255
#define TREE_MAX_PATH 4095
#define TREE_MAX_SYMLINKS 40
#define TREE_NO_REFERENCE UINT64_MAX

struct tree_xattr {
	struct tree_xattr *next;
	char *name;
	size_t size;
	unsigned char value[];
};

// One file, whatever number of names it has.
struct tree_inode {
	unsigned links;
	mode_t mode;  // type and permissions
	uint32_t uid;
	uint32_t gid;
	uint32_t mtime;  // seconds since 1970, as squashfs keeps them
	uint32_t major;
	uint32_t minor;
	uint64_t size;              // of a regular file
	uint64_t spool_offset;      // where its content is in the spool
	char *target;               // of a symbolic link
	struct tree_xattr *xattrs;  // sorted by name
	uint32_t number;            // while the image is written: the inode's, 0: none yet
	uint64_t reference;         // the same: where its inode is, or TREE_NO_REFERENCE
};

// One name of a file.
struct tree_node {
	struct tree_node *parent;  // the root's is NULL
	struct tree_inode *inode;
	void *children;  // of a directory: search tree (tsearch) of tree_node, by name
	unsigned layer;  // the layer that last stated this entry
	unsigned path_length;
	char name[];
};

struct tree_limits {
	size_t memory;   // bytes of all names, inodes, targets and attributes
	size_t entries;  // names
};

struct tree {
	struct tree_node *root;
	struct tree_limits limits;
	size_t memory;
	size_t entries;
};

// Returns 0, or -1 with `err` when memory is short. `limits` NULL: the defaults.
int tree_init(struct tree *tree, const struct tree_limits *limits, struct error *err);
void tree_deinit(struct tree *tree);

// A new inode that no name refers to yet; the caller frees it with tree_inode_free() unless
// tree_put() took it. NULL with `err`.
struct tree_inode *tree_inode_create(struct tree *tree, mode_t mode, struct error *err);
void tree_inode_free(struct tree *tree, struct tree_inode *inode);
// Copies `target` (1 to TREE_MAX_PATH bytes).
int tree_inode_set_target(struct tree *tree, struct tree_inode *inode, const char *target,
                          struct error *err);
// Copies the attribute; one of the same name is replaced.
int tree_inode_set_xattr(struct tree *tree, struct tree_inode *inode, const char *name,
                         const void *value, size_t size, struct error *err);

// Writes `path` to `clean` (TREE_MAX_PATH + 1 bytes) without leading and doubled slashes, `.` and
// `..`, by its text alone. -1 with `err` when it is too long or leaves the root: a leading / is the
// root, above which there is nothing.
int tree_path_clean(const char *path, char *clean, struct error *err);

// Splits `path` (relative to the image's root; a leading / means nothing) into the directory that
// holds its last name and that name, following symbolic links of the directory part inside the
// image. With `create`, missing directories are made, as part of `layer`. `name` gets TREE_MAX_NAME
// + 1 bytes; it is empty for the root itself. Returns 0, 1 when the directory is not there (only
// without `create`), or -1 with `err` for a path that is refused: a `..`, a name that is too long,
// a file where a directory must be.
int tree_resolve_parent(struct tree *tree, const char *path, bool create, unsigned layer,
                        struct tree_node **dir, char *name, struct error *err);

// The entry `name` of `dir`, or NULL.
struct tree_node *tree_child(const struct tree_node *dir, const char *name);

// The file that `path` names, with all symbolic links followed, or NULL.
struct tree_node *tree_lookup(struct tree *tree, const char *path);

// Makes `name` in `dir` (or the root when `name` is empty) refer to `inode`, as part of `layer`. A
// directory over a directory changes its attributes and keeps its entries; all else replaces what
// was there. Consumes `inode` on success only, unless it has names already (a hard link), when it
// gains one.
int tree_put(struct tree *tree, struct tree_node *dir, const char *name, struct tree_inode *inode,
             unsigned layer, struct error *err);

// Removes `name` from `dir` as far as it comes from layers below `layer`. (OCI image spec,
// whiteouts)
void tree_whiteout(struct tree *tree, struct tree_node *dir, const char *name, unsigned layer);

// Removes all entries of `dir` as far as they come from layers below `layer`. (opaque whiteout)
void tree_make_opaque(struct tree *tree, struct tree_node *dir, unsigned layer);

// The entries of `dir`, sorted by the bytes of their names. The caller frees `nodes`.
struct tree_list {
	struct tree_node **nodes;
	size_t count;
	size_t room;
};
struct tree_list tree_children(const struct tree_node *dir);

// Calls `visit` for each name, parents first and names sorted by bytes; `path` is relative to the
// root, empty for the root. Stops at the first result that is not 0 and returns it.
typedef int tree_visit_fn(struct tree_node *node, const char *path, void *context);
int tree_walk(struct tree *tree, tree_visit_fn *visit, void *context);
