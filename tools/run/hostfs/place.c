// SPDX-License-Identifier: MIT
//
// Nodes may be more than the descriptors that a process may have: when there are none left, those
// that were used least recently lose theirs. Where such a node was, its parent and its name, is
// looked again when it is wanted: if that is another file by then, the node is stale.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

// Of nodes at a time, so that not every further one costs a search.
#define EVICT_COUNT 64u
// Of those least recently used that are looked at, once there is one that can go.
#define EVICT_TRIES 1024u
// Parents that may have to be found first.
#define MAX_DEPTH 128u

static void unlist(struct hostfs *fs, struct node *node)
{
	if (node->newer)
		node->newer->older = node->older;
	else if (fs->newest == node)
		fs->newest = node->older;
	if (node->older)
		node->older->newer = node->newer;
	else if (fs->oldest == node)
		fs->oldest = node->newer;
	node->newer = node->older = NULL;
}

static void list_newest(struct hostfs *fs, struct node *node)
{
	unlist(fs, node);
	node->older = fs->newest;
	if (fs->newest)
		fs->newest->newer = node;
	else
		fs->oldest = node;
	fs->newest = node;
}

void node_set_fd(struct hostfs *fs, struct node *node, int fd)
{
	if (node->fd >= 0 && node->fd != fd)
		close(node->fd);
	node->fd = fd;
	if (fd >= 0)
		list_newest(fs, node);
	else
		unlist(fs, node);
}

static struct node **place_bucket(struct hostfs *fs, const struct node *parent, const char *name)
{
	uint64_t hash = parent->id * 0x9e3779b97f4a7c15ull;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3ull;
	return &fs->places[(hash ^ hash >> 32) % NODE_BUCKETS];
}

struct node *node_at(struct hostfs *fs, const struct node *parent, const char *name)
{
	struct node *node = *place_bucket(fs, parent, name);

	while (node && (node->parent != parent || strcmp(node->name, name) != 0))
		node = node->next_place;
	return node;
}

void node_unplace(struct hostfs *fs, struct node *node)
{
	struct node **link;

	if (!node->name)
		return;
	link = place_bucket(fs, node->parent, node->name);
	while (*link != node)
		link = &(*link)->next_place;
	*link = node->next_place;
	free(node->name);
	node->name = NULL;
}

int node_place(struct hostfs *fs, struct node *node, struct node *parent, const char *name)
{
	struct node *before = node->parent;
	struct node **bucket;
	char *copy;

	if (node->is_share || parent == node ||
	    (before == parent && node->name && strcmp(node->name, name) == 0))
		return 0;
	if (!(copy = strdup(name)))
		return -ENOMEM;
	node_unplace(fs, node);
	bucket = place_bucket(fs, parent, copy);
	node->name = copy;
	node->parent = parent;
	node->next_place = *bucket;
	*bucket = node;
	parent->children++;
	if (before) {
		before->children--;
		node_release(fs, before);
	}
	return 0;
}

// Whether a node can do without its descriptor: it has a name by which it is found again.
static bool can_go(const struct node *node)
{
	struct stat st;

	return !node->is_share && node->pins == 0 && node->opens == 0 && node->name &&
		fstat(node->fd, &st) == 0 && st.st_nlink > 0;
}

bool nodes_evict(struct hostfs *fs)
{
	const struct node *last = fs->newest;
	struct node *node = fs->oldest;
	unsigned count = 0;

	for (unsigned i = 0; node && count < EVICT_COUNT && (i < EVICT_TRIES || count == 0); i++) {
		struct node *newer = node == last ? NULL : node->newer;

		if (can_go(node)) {
			node_set_fd(fs, node, -1);
			count++;
		} else {
			// It is not in the way the next time.
			list_newest(fs, node);
		}
		node = newer;
	}
	return count > 0;
}

bool fds_are_short(struct hostfs *fs, int fd)
{
	int error = errno;
	bool again = fd < 0 && error == EMFILE && nodes_evict(fs);

	errno = error;
	return again;
}

// Opens a node that lost its descriptor, by a parent that has one.
static int reopen(struct hostfs *fs, struct node *node)
{
	struct stat st;
	int fd = node_open_entry(fs, node->parent, node->name);

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR ? -ESTALE : fd;
	if (fstat(fd, &st) < 0 || st.st_dev != node->dev || st.st_ino != node->ino ||
	    (st.st_mode & S_IFMT) != node->type) {
		close(fd);
		return -ESTALE;
	}
	node_set_fd(fs, node, fd);
	return 0;
}

int node_use(struct hostfs *fs, struct node *node)
{
	struct node *chain[MAX_DEPTH];
	unsigned depth = 0;
	int result = 0;

	if (node->is_root)
		return 0;
	if (node->fd >= 0) {
		list_newest(fs, node);
		return 0;
	}
	for (struct node *at = node; at->fd < 0; at = at->parent) {
		if (depth == MAX_DEPTH || !at->name)
			return -ESTALE;
		chain[depth++] = at;
	}
	// What is found is pinned until the next one is.
	chain[depth - 1]->parent->pins++;
	while (result == 0 && depth > 0) {
		struct node *at = chain[--depth];

		result = reopen(fs, at);
		at->parent->pins--;
		if (result == 0 && depth > 0)
			at->pins++;
	}
	return result;
}
