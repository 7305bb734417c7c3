// SPDX-License-Identifier: MIT
//
// From a path to a node, one LOOKUP a name. The provider never sees ".." or a path: the walk keeps
// the nodes on its way, and goes back along them.
#include "libs/base/string.h"
#include "libs/files/internal.h"
#include "libs/starina/alloc.h"

static struct node *last_node(const struct walk *walk)
{
	return list_is_empty(&walk->nodes) ? NULL
					   : container_of(walk->nodes.prev, struct node, entry);
}

uint64_t walk_node(const struct walk *walk)
{
	const struct node *last = last_node(walk);

	return last == NULL ? FUSE_ROOT_ID : last->id;
}

bool walk_is_folder(const struct walk *walk)
{
	const struct node *last = last_node(walk);

	return last == NULL || (last->mode & MODE_TYPE) == MODE_FOLDER;
}

struct node *walk_take(struct walk *walk)
{
	struct node *last = last_node(walk);

	if (last != NULL) {
		list_remove(&last->entry);
		walk->depth--;
	}
	walk->looked_up = false;
	return last;
}

static void go_back(struct walk *walk)
{
	struct node *last = walk_take(walk);

	if (last != NULL)
		node_forget(walk->op.files, last);
}

static void go_up_to(struct walk *walk, uint32_t depth)
{
	while (walk->depth > depth)
		go_back(walk);
}

static void go_to_root(struct walk *walk)
{
	go_up_to(walk, 0);
}

// To the parent. Once a link was followed, what the path says is somebody else's.
static void go_to_parent(struct walk *walk)
{
	if (walk->num_links == 0 || walk->depth > walk->op.files->link_depth)
		go_back(walk);
}

void walk_end(struct walk *walk)
{
	go_to_root(walk);
	heap_free(walk->found);
	heap_free(walk->path);
	operation_end(&walk->op);
}

// --- The path ------------------------------------------------------------------------------------

static error_t set_path(struct walk *walk, const char *path)
{
	if (strnlen(path, FILES_PATH_MAX) == FILES_PATH_MAX)
		return ERR_TOO_LARGE;
	if (path[0] == '\0')
		return ERR_INVALID;
	if (walk->path == NULL)
		walk->path = heap_alloc(FILES_PATH_MAX);
	if (walk->path == NULL)
		return ERR_NO_MEMORY;
	str_copy(walk->path, path, FILES_PATH_MAX);
	walk->rest = walk->path;
	walk->at_parent = false;
	return 0;
}

// Takes the next name. Returns false when there is none. Errors in `*err`: ERR_TOO_LARGE.
static bool next_name(struct walk *walk, error_t *err)
{
	const char *name = walk->rest;
	size_t len = 0;

	while (*name == '/')
		name++;
	while (name[len] != '\0' && name[len] != '/')
		len++;
	walk->rest = name + len;
	*err = len > FILES_NAME_MAX ? ERR_TOO_LARGE : 0;
	if (len == 0 || *err < 0)
		return false;
	memcpy(walk->name, name, len);
	walk->name[len] = '\0';
	return true;
}

// Whether the name in hand is the path's last; a "/" behind it says that it is a folder.
static bool is_last(struct walk *walk)
{
	const char *rest = walk->rest;

	while (*rest == '/')
		rest++;
	walk->must_be_folder = *rest == '\0' && *walk->rest == '/';
	return *rest == '\0';
}

// Puts a link's target before what is left of the path. Errors: ERR_CYCLE, ERR_TOO_LARGE,
// ERR_PROTOCOL (what no target can be).
static error_t follow(struct walk *walk, struct span target)
{
	size_t rest_len = strlen(walk->rest);

	if (++walk->num_links > FILES_LINKS_MAX)
		return ERR_CYCLE;
	if (target.len == 0 || memchr(target.data, 0, target.len) != NULL)
		return ERR_PROTOCOL;
	if (target.len + rest_len >= FILES_PATH_MAX)
		return ERR_TOO_LARGE;
	if (target.data[0] == '/')
		go_up_to(walk, walk->op.files->link_depth);
	// What is left begins with "/", or is empty.
	memmove(walk->path + target.len, walk->rest, rest_len + 1);
	memcpy(walk->path, target.data, target.len);
	walk->rest = walk->path;
	return 0;
}

// --- The steps -----------------------------------------------------------------------------------

static void link_answered(struct request *request, error_t err, struct reply *reply)
{
	struct walk *walk = container_of(request, struct walk, op.request);

	if (err == 0)
		err = follow(walk, reply->body);
	if (err == 0)
		err = walk_go(walk);
	if (err < 0)
		walk->failed(walk, err);
}

// Reads the link that was found last, which is not on the way.
static error_t read_link(struct walk *walk)
{
	uint64_t id = walk_node(walk);

	go_back(walk);
	walk->op.request.answered = link_answered;
	return request_send(walk->op.files, &walk->op.request, FUSE_READLINK, id, NULL, 0);
}

static error_t arrive(struct walk *walk)
{
	if (walk->must_be_folder && !walk->at_parent && !walk_is_folder(walk))
		return ERR_NOT_FOLDER;
	return walk->arrived(walk);
}

static error_t entry_found(struct walk *walk, const struct fuse_entry_out *entry)
{
	struct node *node = walk->found;
	bool last;

	// The root's number is nobody else's.
	if (entry->nodeid == FUSE_ROOT_ID)
		return ERR_PROTOCOL;
	walk->found = NULL;
	*node = (struct node){ .id = entry->nodeid, .mode = entry->attr.mode };
	list_push_back(&walk->nodes, &node->entry);
	walk->depth++;
	walk->attr = entry->attr;
	walk->looked_up = true;
	last = is_last(walk);
	if ((node->mode & MODE_TYPE) == MODE_LINK && (!last || walk->mode != WALK_LINK))
		return read_link(walk);
	return last ? arrive(walk) : walk_go(walk);
}

static void lookup_answered(struct request *request, error_t err, struct reply *reply)
{
	struct walk *walk = container_of(request, struct walk, op.request);
	struct fuse_entry_out entry = { 0 };

	if (err == 0)
		err = reply_take(reply, &entry, sizeof(entry));
	if (err == 0 && entry.nodeid == 0)
		err = ERR_NOT_FOUND;
	if (err == 0) {
		err = entry_found(walk, &entry);
	} else if (err == ERR_NOT_FOUND && walk->mode == WALK_CREATE && is_last(walk)) {
		walk->at_parent = true;
		err = arrive(walk);
	}
	if (err < 0)
		walk->failed(walk, err);
}

// Asks for the name in the node where the walk is.
static error_t node_lookup(struct walk *walk)
{
	struct span name = { .data = (const uint8_t *)walk->name, .len = strlen(walk->name) + 1 };

	if (walk->found == NULL)
		walk->found = heap_alloc(sizeof(*walk->found));
	if (walk->found == NULL)
		return ERR_NO_MEMORY;
	walk->op.request.answered = lookup_answered;
	return request_send(walk->op.files, &walk->op.request, FUSE_LOOKUP, walk_node(walk), &name,
	                    1);
}

error_t walk_go(struct walk *walk)
{
	error_t err;

	while (next_name(walk, &err)) {
		if (!walk_is_folder(walk))
			return ERR_NOT_FOLDER;
		walk->looked_up = false;
		if (strcmp(walk->name, "..") == 0)
			go_to_parent(walk);
		if (strcmp(walk->name, "..") == 0 || strcmp(walk->name, ".") == 0)
			continue;
		if (walk->depth == FILES_DEPTH_MAX)
			return ERR_TOO_LARGE;
		if (walk->mode == WALK_PARENT && is_last(walk)) {
			walk->at_parent = true;
			return arrive(walk);
		}
		return node_lookup(walk);
	}
	if (err < 0)
		return err;
	// It ends at the root, in "." or in "..": not at a name that could be made or removed.
	return walk->mode == WALK_PARENT ? ERR_INVALID : arrive(walk);
}

error_t walk_begin(struct files *files, const char *path, enum walk_mode mode, size_t size,
                   void *context, void **out)
{
	struct walk *walk;
	void *memory = NULL;
	error_t err = operation_begin(files, NULL, size, context, &memory);

	if (err < 0)
		return err;
	walk = memory;
	list_init(&walk->nodes);
	walk->mode = mode;
	err = set_path(walk, path);
	if (err < 0)
		walk_end(walk);
	else
		*out = walk;
	return err;
}

error_t walk_restart(struct walk *walk, const char *path, enum walk_mode mode)
{
	go_to_root(walk);
	walk->mode = mode;
	walk->num_links = 0;
	return set_path(walk, path);
}

error_t walk_start(struct walk *walk)
{
	error_t err = walk_go(walk);

	if (err < 0)
		walk_end(walk);
	return err;
}
