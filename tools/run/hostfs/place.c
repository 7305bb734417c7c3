// SPDX-License-Identifier: MIT
//
// Nodes may be more than the descriptors that a process may have: when there are none left, those
// that were used least recently lose theirs. Where such a node was, its parent and its name, is
// looked again when it is wanted: if that is another file by then, the node is stale.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

// Of nodes at a time, so that not every further one costs a search.
#define EVICT_COUNT 64u
// Of those least recently used that are looked at, once there is one that can go.
#define EVICT_TRIES 1024u
// Parents that may have to be found first.
#define MAX_DEPTH 128u

// Descriptors are the process's: so is the order of the nodes that have one, and the count of those
// that sessions keep.
static struct {
	struct node *newest, *oldest;
	uint32_t num_kept;
} fds;

static void unlist(struct node *node)
{
	if (node->newer)
		node->newer->older = node->older;
	else if (fds.newest == node)
		fds.newest = node->older;
	if (node->older)
		node->older->newer = node->newer;
	else if (fds.oldest == node)
		fds.oldest = node->newer;
	node->newer = node->older = NULL;
}

static void list_newest(struct node *node)
{
	unlist(node);
	node->older = fds.newest;
	if (fds.newest)
		fds.newest->newer = node;
	else
		fds.oldest = node;
	fds.newest = node;
}

void node_set_fd(struct node *node, int fd)
{
	if (node->fd >= 0 && node->fd != fd)
		close(node->fd);
	node->fd = fd;
	if (fd >= 0)
		list_newest(node);
	else
		unlist(node);
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

static bool is_idle(const struct node *node)
{
	return !node->is_share && node->pins == 0 && node->opens == 0;
}

// Whether a node can do without its descriptor: it has a name by which it is found again.
static bool can_go(const struct node *node)
{
	struct stat st;

	return is_idle(node) && node->name && fstat(node->fd, &st) == 0 && st.st_nlink > 0;
}

// Takes the descriptors of some nodes that were not used for long. Returns false when none can go.
static bool nodes_evict(bool (*may_go)(const struct node *node))
{
	const struct node *last = fds.newest;
	struct node *node = fds.oldest;
	unsigned count = 0;

	for (unsigned i = 0; node && count < EVICT_COUNT && (i < EVICT_TRIES || count == 0); i++) {
		struct node *newer = node == last ? NULL : node->newer;

		if (may_go(node)) {
			node_set_fd(node, -1);
			count++;
		} else {
			// It is not in the way the next time.
			list_newest(node);
		}
		node = newer;
	}
	return count > 0;
}

bool fds_are_short(int fd)
{
	int error = errno;
	// One that nobody has open and that has no name will not be missed as others would.
	bool again = fd < 0 && error == EMFILE && (nodes_evict(can_go) || nodes_evict(is_idle));

	errno = error;
	return again;
}

int fds_room(const struct hostfs *fs, uint32_t count)
{
	struct rlimit limit = { .rlim_cur = 0 };
	uint64_t room;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	// The rest is for nodes.
	room = limit.rlim_cur - limit.rlim_cur / 4;
	return fds.num_kept + fs->num_kept + count > room ? -ENFILE : 0;
}

int fds_keep(struct hostfs *fs, uint32_t count)
{
	int result = fds_room(fs, count);

	if (result < 0)
		return result;
	fs->num_kept += count;
	fds.num_kept += count;
	return 0;
}

void fds_drop(struct hostfs *fs, uint32_t count)
{
	fs->num_kept -= count;
	fds.num_kept -= count;
}

// Opens a node that lost its descriptor, by a parent that has one.
static int reopen(struct node *node)
{
	struct stat st;
	int fd = node_open_entry(node->parent, node->name);

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR ? -ESTALE : fd;
	if (fstat(fd, &st) < 0 || st.st_dev != node->dev || st.st_ino != node->ino ||
	    (st.st_mode & S_IFMT) != node->type) {
		close(fd);
		return -ESTALE;
	}
	node_set_fd(node, fd);
	return 0;
}

int node_use(struct node *node)
{
	struct node *chain[MAX_DEPTH];
	unsigned depth = 0;
	int result = 0;

	if (node->is_root)
		return 0;
	if (node->fd >= 0) {
		list_newest(node);
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

		result = reopen(at);
		at->parent->pins--;
		if (result == 0 && depth > 0)
			at->pins++;
	}
	return result;
}
