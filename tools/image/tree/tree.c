// SPDX-License-Identifier: MIT
#include "tools/image/tree/tree.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct tree_limits default_limits = {
	.memory = (size_t)1 << 30,
	.entries = 2000000,
};

static int memory_charge(struct tree *tree, size_t size, struct error *err)
{
	if (size > tree->limits.memory - tree->memory)
		return error_set(
			err,
			"the image's file tree is too large (over %zu MiB of names and attributes)",
			tree->limits.memory >> 20);
	tree->memory += size;
	return 0;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct tree_node *x = a;
	const struct tree_node *y = b;

	return strcmp(x->name, y->name);
}

static size_t node_size(size_t name_length)
{
	// The search tree's own node is some 32 bytes.
	return sizeof(struct tree_node) + name_length + 1 + 32;
}

static struct tree_node *node_create(struct tree *tree, struct tree_node *parent, const char *name,
                                     struct error *err)
{
	size_t length = strlen(name);
	size_t path_length = parent ? parent->path_length + 1 + length : 0;
	struct tree_node *node;

	if (path_length > TREE_MAX_PATH) {
		error_set(err, "a path in the image is longer than %d bytes", TREE_MAX_PATH);
		return NULL;
	}
	if (tree->entries >= tree->limits.entries) {
		error_set(err, "the image holds more than %zu files", tree->limits.entries);
		return NULL;
	}
	if (memory_charge(tree, node_size(length), err) < 0)
		return NULL;
	node = calloc(1, sizeof(*node) + length + 1);
	if (!node) {
		tree->memory -= node_size(length);
		error_set(err, "out of memory");
		return NULL;
	}
	memcpy(node->name, name, length + 1);
	node->parent = parent;
	node->path_length = (unsigned)path_length;
	tree->entries++;
	return node;
}

static void node_free(struct tree *tree, struct tree_node *node)
{
	tree->memory -= node_size(strlen(node->name));
	tree->entries--;
	if (node->inode && --node->inode->links == 0)
		tree_inode_free(tree, node->inode);
	free(node);
}

struct tree_inode *tree_inode_create(struct tree *tree, mode_t mode, struct error *err)
{
	struct tree_inode *inode;

	if (memory_charge(tree, sizeof(*inode), err) < 0)
		return NULL;
	inode = calloc(1, sizeof(*inode));
	if (!inode) {
		tree->memory -= sizeof(*inode);
		error_set(err, "out of memory");
		return NULL;
	}
	inode->mode = mode;
	inode->reference = TREE_NO_REFERENCE;
	return inode;
}

static void xattr_free(struct tree *tree, struct tree_xattr *xattr)
{
	tree->memory -= sizeof(*xattr) + xattr->size + strlen(xattr->name) + 1;
	free(xattr->name);
	free(xattr);
}

static void xattrs_free(struct tree *tree, struct tree_inode *inode)
{
	while (inode->xattrs) {
		struct tree_xattr *xattr = inode->xattrs;

		inode->xattrs = xattr->next;
		xattr_free(tree, xattr);
	}
}

void tree_inode_free(struct tree *tree, struct tree_inode *inode)
{
	if (!inode)
		return;
	xattrs_free(tree, inode);
	if (inode->target)
		tree->memory -= strlen(inode->target) + 1;
	tree->memory -= sizeof(*inode);
	free(inode->target);
	free(inode);
}

int tree_inode_set_target(struct tree *tree, struct tree_inode *inode, const char *target,
                          struct error *err)
{
	size_t length = strlen(target);

	if (length == 0 || length > TREE_MAX_PATH)
		return error_set(err,
		                 "a symbolic link's target has %zu bytes; 1 to %d are possible",
		                 length, TREE_MAX_PATH);
	if (memory_charge(tree, length + 1, err) < 0)
		return -1;
	inode->target = strdup(target);
	if (!inode->target) {
		tree->memory -= length + 1;
		return error_set(err, "out of memory");
	}
	return 0;
}

int tree_inode_set_xattr(struct tree *tree, struct tree_inode *inode, const char *name,
                         const void *value, size_t size, struct error *err)
{
	size_t charge = sizeof(struct tree_xattr) + size + strlen(name) + 1;
	struct tree_xattr **link = &inode->xattrs;
	struct tree_xattr *xattr;

	if (memory_charge(tree, charge, err) < 0)
		return -1;
	xattr = malloc(sizeof(*xattr) + size);
	if (xattr)
		xattr->name = strdup(name);
	if (!xattr || !xattr->name) {
		free(xattr);
		tree->memory -= charge;
		return error_set(err, "out of memory");
	}
	xattr->size = size;
	if (size > 0)
		memcpy(xattr->value, value, size);
	while (*link && strcmp((*link)->name, name) < 0)
		link = &(*link)->next;
	xattr->next = *link;
	if (*link && strcmp((*link)->name, name) == 0) {
		xattr->next = (*link)->next;
		xattr_free(tree, *link);
	}
	*link = xattr;
	return 0;
}

int tree_init(struct tree *tree, const struct tree_limits *limits, struct error *err)
{
	*tree = (struct tree){ .limits = limits ? *limits : default_limits };
	tree->root = node_create(tree, NULL, "", err);
	if (!tree->root)
		return -1;
	tree->root->inode = tree_inode_create(tree, S_IFDIR | 0755, err);
	if (!tree->root->inode) {
		node_free(tree, tree->root);
		return -1;
	}
	tree->root->inode->links = 1;
	return 0;
}

static bool is_directory(const struct tree_node *node)
{
	return S_ISDIR(node->inode->mode);
}

static struct tree_node *first_child(const struct tree_node *dir)
{
	// A tsearch tree is a pointer to its top node, which begins with a pointer to the key.
	return dir->children ? *(struct tree_node **)dir->children : NULL;
}

static void detach(struct tree_node *node)
{
	tdelete(node, &node->parent->children, compare_nodes);
}

// Frees `node` with all below it. Depth is not a problem for the stack: it is walked, not recursed.
static void subtree_free(struct tree *tree, struct tree_node *node)
{
	struct tree_node *current = node;

	for (;;) {
		struct tree_node *child = first_child(current);
		struct tree_node *parent = current->parent;

		if (child) {
			current = child;
			continue;
		}
		if (current == node)
			break;
		detach(current);
		node_free(tree, current);
		current = parent;
	}
	if (node->parent)
		detach(node);
	node_free(tree, node);
}

void tree_deinit(struct tree *tree)
{
	if (tree->root)
		subtree_free(tree, tree->root);
	tree->root = NULL;
}

struct tree_node *tree_child(const struct tree_node *dir, const char *name)
{
	// compare_nodes() needs a node for the key.
	union {
		struct tree_node node;
		char space[sizeof(struct tree_node) + TREE_MAX_NAME + 1];
	} key;
	void *found;

	if (strlen(name) > TREE_MAX_NAME)
		return NULL;
	strcpy(key.space + offsetof(struct tree_node, name), name);
	found = tfind(&key.node, &dir->children, compare_nodes);
	return found ? *(struct tree_node **)found : NULL;
}

static int node_insert(struct tree_node *dir, struct tree_node *node, struct error *err)
{
	if (!tsearch(node, &dir->children, compare_nodes))
		return error_set(err, "out of memory");
	return 0;
}

// A directory over a directory: the attributes are the new ones, the entries stay.
static void directory_update(struct tree *tree, struct tree_node *node, struct tree_inode *inode,
                             unsigned layer)
{
	tree_inode_free(tree, node->inode);  // a directory has one name only
	inode->links = 1;
	node->inode = inode;
	node->layer = layer;
}

int tree_put(struct tree *tree, struct tree_node *dir, const char *name, struct tree_inode *inode,
             unsigned layer, struct error *err)
{
	struct tree_node *old = name[0] ? tree_child(dir, name) : tree->root;
	struct tree_node *node;

	if (old && old->inode == inode)
		return 0;  // a hard link to itself
	if (old && is_directory(old) && S_ISDIR(inode->mode)) {
		directory_update(tree, old, inode, layer);
		return 0;
	}
	if (!name[0])
		return error_set(err, "the image's root is not a directory");
	node = node_create(tree, dir, name, err);
	if (!node)
		return -1;
	node->layer = layer;
	inode->links++;
	if (old)
		subtree_free(tree, old);
	if (node_insert(dir, node, err) < 0) {
		node_free(tree, node);
		return -1;
	}
	node->inode = inode;
	return 0;
}

static void collect_one(const void *nodep, VISIT which, void *context)
{
	struct tree_list *collected = context;

	if (which != postorder && which != leaf)
		return;
	if (collected->count == collected->room) {
		size_t room = collected->room ? collected->room * 2 : 16;
		struct tree_node **nodes = reallocarray(collected->nodes, room, sizeof(*nodes));

		if (!nodes)
			abort();  // a handful of pointers: the host is out of memory altogether
		collected->nodes = nodes;
		collected->room = room;
	}
	collected->nodes[collected->count++] = *(struct tree_node *const *)nodep;
}

struct tree_list tree_children(const struct tree_node *dir)
{
	struct tree_list collected = { 0 };

	twalk_r(dir->children, collect_one, &collected);
	return collected;
}

// Removes what comes from below `layer`. A lower directory that has entries of this layer stays,
// with those. Recursion is as deep as the tree: TREE_MAX_PATH / 2 at most, with small frames.
static void lower_remove(struct tree *tree, struct tree_node *node, unsigned layer)
{
	if (is_directory(node)) {
		struct tree_list children = tree_children(node);

		for (size_t i = 0; i < children.count; i++)
			lower_remove(tree, children.nodes[i], layer);
		free(children.nodes);
	}
	if (node->layer < layer && !node->children)
		subtree_free(tree, node);
}

void tree_whiteout(struct tree *tree, struct tree_node *dir, const char *name, unsigned layer)
{
	struct tree_node *node = tree_child(dir, name);

	if (node)
		lower_remove(tree, node, layer);
}

void tree_make_opaque(struct tree *tree, struct tree_node *dir, unsigned layer)
{
	struct tree_list children = tree_children(dir);

	for (size_t i = 0; i < children.count; i++)
		lower_remove(tree, children.nodes[i], layer);
	free(children.nodes);
}

static int walk_below(struct tree_node *dir, char *path, size_t length, tree_visit_fn *visit,
                      void *context)
{
	struct tree_list children = tree_children(dir);
	int result = 0;

	for (size_t i = 0; i < children.count && result == 0; i++) {
		struct tree_node *child = children.nodes[i];
		size_t end = length;

		if (length > 0)
			path[end++] = '/';
		strcpy(path + end, child->name);
		end += strlen(child->name);
		result = visit(child, path, context);
		if (result == 0 && is_directory(child))
			result = walk_below(child, path, end, visit, context);
	}
	free(children.nodes);
	return result;
}

int tree_walk(struct tree *tree, tree_visit_fn *visit, void *context)
{
	char path[TREE_MAX_PATH + TREE_MAX_NAME + 2] = "";
	int result = visit(tree->root, path, context);

	return result != 0 ? result : walk_below(tree->root, path, 0, visit, context);
}
