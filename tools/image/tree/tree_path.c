// SPDX-License-Identifier: MIT
//
// Paths in an image's tree: symbolic links are followed within the tree, and no path leaves it.
#include <string.h>
#include <sys/stat.h>

#include "tools/image/tree/tree.h"

static struct tree_node *directory_add(struct tree *tree, struct tree_node *dir, const char *name,
                                       unsigned layer, struct error *err)
{
	struct tree_inode *inode = tree_inode_create(tree, S_IFDIR | 0755, err);

	if (!inode)
		return NULL;
	if (tree_put(tree, dir, name, inode, layer, err) < 0) {
		tree_inode_free(tree, inode);
		return NULL;
	}
	return tree_child(dir, name);
}

// Takes the next name off `*path` into `name`. Returns false at the end; a name that is too long
// gives one of TREE_MAX_NAME + 1 characters.
static bool next_name(const char **path, char name[TREE_MAX_NAME + 2])
{
	size_t length;

	*path += strspn(*path, "/");
	length = strcspn(*path, "/");
	if (length == 0)
		return false;
	size_t kept = length > TREE_MAX_NAME ? TREE_MAX_NAME + 1 : length;

	memcpy(name, *path, kept);
	name[kept] = '\0';
	*path += length;
	return true;
}

int tree_path_clean(const char *path, char *clean, struct error *err)
{
	bool absolute = path[0] == '/';
	size_t length = 0;

	for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
		size_t size = strcspn(path, "/");

		if (size == 2 && path[0] == '.' && path[1] == '.') {
			if (length == 0 && !absolute)
				return error_set(err, "a path with .. that leaves the image");
			while (length > 0 && clean[--length] != '/')
				;
		} else if (size != 1 || path[0] != '.') {
			if (length + size + 1 > TREE_MAX_PATH)
				return error_set(err, "a path longer than %d bytes", TREE_MAX_PATH);
			if (length > 0)
				clean[length++] = '/';
			memcpy(clean + length, path, size);
			length += size;
		}
		path += size;
	}
	clean[length] = '\0';
	return 0;
}

struct walk {
	struct tree *tree;
	bool create;
	bool from_link;  // `..` is followed only in a symbolic link's target
	unsigned layer;
	unsigned symlinks;
};

// A layer may have a directory as part of a path only. Where a lower layer has a file, the
// directory takes its place, as with an entry of its own.
static int lower_file_replace(struct walk *walk, struct tree_node **node, struct error *err)
{
	struct tree_node *dir = (*node)->parent;
	char name[TREE_MAX_NAME + 1];

	if ((*node)->layer >= walk->layer)
		return error_set(err, "a directory of its path is a file");
	strcpy(name, (*node)->name);
	*node = directory_add(walk->tree, dir, name, walk->layer, err);
	return *node ? 0 : -1;
}

// Follows `path` from `dir`; all of it must be, or become, directories (or, with `any_last`,
// anything). Recurses once for each symbolic link on the way, TREE_MAX_SYMLINKS at most.
static int walk_path(struct walk *walk, struct tree_node *dir, const char *path, bool any_last,
                     struct tree_node **result, struct error *err)
{
	char name[TREE_MAX_NAME + 2];

	if (*path == '/')
		dir = walk->tree->root;
	while (next_name(&path, name)) {
		struct tree_node *child;

		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			if (!walk->from_link)
				return error_set(err, "a path with .. in it");
			dir = dir->parent ? dir->parent : dir;
			continue;
		}
		if (strlen(name) > TREE_MAX_NAME)
			return error_set(err, "a name longer than %d bytes", TREE_MAX_NAME);
		child = tree_child(dir, name);
		if (!child && !walk->create)
			return 1;
		if (!child)
			child = directory_add(walk->tree, dir, name, walk->layer, err);
		if (!child)
			return -1;
		if (S_ISLNK(child->inode->mode)) {
			struct walk sub = *walk;
			int result_sub;

			if (++walk->symlinks > TREE_MAX_SYMLINKS)
				return error_set(err, "too many levels of symbolic links");
			sub.from_link = true;
			sub.symlinks = walk->symlinks;
			result_sub = walk_path(&sub, dir, child->inode->target,
			                       any_last && path[strspn(path, "/")] == '\0', &child,
			                       err);
			walk->symlinks = sub.symlinks;
			if (result_sub != 0)
				return result_sub;
		}
		bool last = path[strspn(path, "/")] == '\0';

		if (!S_ISDIR(child->inode->mode) && !(any_last && last)) {
			if (!walk->create)
				return 1;
			if (lower_file_replace(walk, &child, err) < 0)
				return -1;
		}
		dir = child;
	}
	*result = dir;
	return 0;
}

int tree_resolve_parent(struct tree *tree, const char *path, bool create, unsigned layer,
                        struct tree_node **dir, char *name, struct error *err)
{
	struct walk walk = { .tree = tree, .create = create, .layer = layer };
	char parent[TREE_MAX_PATH + 1];
	size_t length = strlen(path);
	size_t start;

	if (length > TREE_MAX_PATH)
		return error_set(err, "a path longer than %d bytes", TREE_MAX_PATH);
	// Trailing slashes and /. say nothing.
	for (;;) {
		while (length > 0 && path[length - 1] == '/')
			length--;
		if (length > 0 && path[length - 1] == '.' &&
		    (length == 1 || path[length - 2] == '/'))
			length--;
		else
			break;
	}
	for (start = length; start > 0 && path[start - 1] != '/'; start--)
		;
	if (length - start > TREE_MAX_NAME)
		return error_set(err, "a name longer than %d bytes", TREE_MAX_NAME);
	memcpy(name, path + start, length - start);
	name[length - start] = '\0';
	if (strcmp(name, "..") == 0)
		return error_set(err, "a path with .. in it");
	memcpy(parent, path, start);
	parent[start] = '\0';
	return walk_path(&walk, tree->root, parent, false, dir, err);
}

struct tree_node *tree_lookup(struct tree *tree, const char *path)
{
	struct walk walk = { .tree = tree };
	struct tree_node *node;
	struct error ignored;

	return walk_path(&walk, tree->root, path, true, &node, &ignored) == 0 ? node : NULL;
}
