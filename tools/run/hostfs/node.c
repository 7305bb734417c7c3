// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/run/hostfs/changes.h"
#include "tools/run/hostfs/internal.h"

// The low half of an id is the node's slot (from 2 on: 1 is the root), the high half counts its
// uses: an id that was forgotten is nobody else's.
#define FIRST_SLOT 2u
// Of all sessions together: each is 250 bytes of memory.
#ifndef MAX_NODES
#define MAX_NODES (8u * 1024 * 1024)
#endif
// An id has FILES_NODE_BITS (libs/abi/files.h).
#define MAX_GENERATIONS (1u << 24)

// The process's memory is for all of its sessions.
static uint32_t num_nodes;

int nodes_init(struct hostfs *fs)
{
	fs->root = (struct node){ .id = FUSE_ROOT_ID,
		                  .fd = -1,
		                  .type = S_IFDIR,
		                  .is_root = true,
		                  .is_share = true };
	for (unsigned i = 0; i < fs->num_shares; i++) {
		int result;
		int fd;

		do {
			fd = fcntl(fs->shares[i].fd, F_DUPFD_CLOEXEC, 0);
		} while (fds_are_short(fd));
		result = fd < 0 ? -errno : node_get(fs, i, fd, &fs->share_nodes[i]);
		if (result < 0)
			return result;
		fs->share_nodes[i]->is_share = true;
	}
	return 0;
}

void nodes_deinit(struct hostfs *fs)
{
	for (uint32_t i = FIRST_SLOT; i < fs->num_slots; i++) {
		if (!fs->slots[i])
			continue;
		node_set_fd(fs->slots[i], -1);
		host_locks_end(fs, fs->slots[i]);
		free(fs->slots[i]->name);
		free(fs->slots[i]);
	}
	num_nodes -= fs->num_nodes;
	free(fs->locks.entries);
	free(fs->slots);
	free(fs->generations);
	free(fs->free_slots);
}

static struct node **bucket_of(struct hostfs *fs, unsigned share, dev_t dev, ino_t ino)
{
	uint64_t hash = (ino * 0x9e3779b97f4a7c15ull) ^ (dev * 0xc2b2ae3d27d4eb4full) ^ share;

	return &fs->buckets[(hash ^ hash >> 32) % NODE_BUCKETS];
}

static int slots_grow(struct hostfs *fs)
{
	uint32_t wanted = fs->num_slots ? 2 * fs->num_slots : 64;
	struct node **slots;
	uint32_t *numbers;

	if (!(slots = realloc(fs->slots, wanted * sizeof(*slots))))
		return -ENOMEM;
	fs->slots = slots;
	if (!(numbers = realloc(fs->generations, wanted * sizeof(*numbers))))
		return -ENOMEM;
	fs->generations = numbers;
	if (!(numbers = realloc(fs->free_slots, wanted * sizeof(*numbers))))
		return -ENOMEM;
	fs->free_slots = numbers;
	for (uint32_t i = wanted; i-- > fs->num_slots;) {
		slots[i] = NULL;
		fs->generations[i] = 0;
		if (i >= FIRST_SLOT)
			fs->free_slots[fs->num_free++] = i;
	}
	fs->num_slots = wanted;
	return 0;
}

int node_room(const struct hostfs *fs)
{
	return num_nodes + fs->num_nodes >= MAX_NODES ? -ENFILE : 0;
}

static int node_make(struct hostfs *fs, unsigned share, int fd, const struct stat *st,
                     struct node **out)
{
	int result = fs->num_free > 0 ? 0 : slots_grow(fs);
	struct node **bucket = bucket_of(fs, share, st->st_dev, st->st_ino);
	struct node *node;
	uint32_t slot;

	if (result == 0)
		result = node_room(fs);
	if (result < 0)
		return result;
	if (!(node = calloc(1, sizeof(*node))))
		return -ENOMEM;
	slot = fs->free_slots[--fs->num_free];
	*node = (struct node){ .id = (uint64_t)fs->generations[slot] << 32 | slot,
		               .share = share,
		               .dev = st->st_dev,
		               .ino = st->st_ino,
		               .type = st->st_mode & S_IFMT,
		               .fd = -1,
		               .lookups = 1,
		               .next = *bucket };
	*bucket = node;
	fs->num_nodes++;
	num_nodes++;
	fs->slots[slot] = node;
	node_set_fd(node, fd);
	watch_begin(fs, node);
	*out = node;
	return 0;
}

static struct node *find_inode(struct hostfs *fs, unsigned share, const struct stat *st)
{
	struct node *node = *bucket_of(fs, share, st->st_dev, st->st_ino);

	// A node without a descriptor may be of a file that is gone, whose number another has.
	while (node &&
	       (node->share != share || node->dev != st->st_dev || node->ino != st->st_ino ||
	        node->type != (st->st_mode & S_IFMT)))
		node = node->next;
	return node;
}

int node_get(struct hostfs *fs, unsigned share, int fd, struct node **out)
{
	struct node *node;
	struct stat st;
	int result;

	if (fstat(fd, &st) < 0) {
		result = -errno;
		close(fd);
		return result;
	}
	// The descriptor of a node keeps its inode number from being used again.
	node = find_inode(fs, share, &st);
	if (node) {
		// One that has none gets this.
		if (node->fd < 0)
			node_set_fd(node, fd);
		else
			close(fd);
		node->lookups++;
		watch_begin(fs, node);
		*out = node;
		return 0;
	}
	result = node_make(fs, share, fd, &st, out);
	if (result < 0)
		close(fd);
	return result;
}

static int open_beneath(int parent, const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	int fd = (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));

	// A kernel, or a filter of one, without that call: a name of one component that is not ".."
	// leads nowhere else either, as long as it is not followed.
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

int node_open_entry(const struct node *parent, const char *name)
{
	int fd;

	do {
		fd = open_beneath(parent->fd, name);
	} while (fds_are_short(fd));
	return fd < 0 ? -errno : fd;
}

struct node *node_peek(struct hostfs *fs, const struct node *parent, const char *name)
{
	struct stat st;

	if (fstatat(parent->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return NULL;
	return find_inode(fs, parent->share, &st);
}

static int share_lookup(struct hostfs *fs, const char *name, struct node **out)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (*name < '0' || *name > '9' || *end || (*name == '0' && name[1]) ||
	    number >= fs->num_shares)
		return -ENOENT;
	*out = fs->share_nodes[number];
	(*out)->lookups++;
	return 0;
}

int node_lookup(struct hostfs *fs, struct node *parent, const char *name, struct node **out)
{
	int result;
	int fd;

	if (parent->is_root)
		return share_lookup(fs, name, out);
	if (!S_ISDIR(parent->type))
		return -ENOTDIR;
	fd = node_open_entry(parent, name);
	result = fd < 0 ? fd : node_get(fs, parent->share, fd, out);
	if (result < 0)
		return result;
	result = node_place(fs, *out, parent, name);
	if (result < 0)
		node_forget(fs, *out, 1);
	return result;
}

struct node *node_find(struct hostfs *fs, uint64_t id)
{
	uint32_t slot = (uint32_t)id;
	struct node *node;

	if (id == FUSE_ROOT_ID)
		return fs->is_rooted ? fs->share_nodes[0] : &fs->root;
	if (slot < FIRST_SLOT || slot >= fs->num_slots)
		return NULL;
	node = fs->slots[slot];
	// One that is kept for others only is not the guest's.
	return node && node->id == id && (node->lookups > 0 || node->is_share) ? node : NULL;
}

void node_release(struct hostfs *fs, struct node *node)
{
	while (node && node->lookups == 0 && node->children == 0 && node->opens == 0 &&
	       node->pins == 0 && !node->is_share) {
		uint32_t slot = (uint32_t)node->id;
		struct node *parent = node->parent;
		struct node **link = bucket_of(fs, node->share, node->dev, node->ino);

		while (*link != node)
			link = &(*link)->next;
		*link = node->next;
		fs->slots[slot] = NULL;
		fs->generations[slot] = (fs->generations[slot] + 1) % MAX_GENERATIONS;
		fs->free_slots[fs->num_free++] = slot;
		node_set_fd(node, -1);
		node_unplace(fs, node);
		watch_end(fs, node);
		host_locks_end(fs, node);
		free(node);
		fs->num_nodes--;
		num_nodes--;
		if (parent)
			parent->children--;
		node = parent;
	}
}

void node_forget(struct hostfs *fs, struct node *node, uint64_t lookups)
{
	node->lookups -= lookups < node->lookups ? lookups : node->lookups;
	node_release(fs, node);
}

struct proc_path node_path(const struct node *node)
{
	struct proc_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", node->fd);
	return path;
}

// Opens what a node's descriptor stands for.
static int open_again(struct node *node, int flags)
{
	struct proc_path path = node_path(node);
	int fd;

	node->pins++;
	do {
		fd = open(path.text, flags);
	} while (fds_are_short(fd));
	node->pins--;
	return fd;
}

int node_open(struct hostfs *fs, struct node *node, int flags)
{
	struct proc_path path = node_path(node);
	struct stat st;
	int error;
	int fd;

	// Others block, or do something, by being opened.
	if (!S_ISREG(node->type) && !S_ISDIR(node->type))
		return -ENXIO;
	flags = (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	fd = open_again(node, flags);
	if (fd >= 0 || errno != EACCES)
		return fd < 0 ? -errno : fd;
	// The container's root may open what it may not read by its mode; the user who owns it may
	// not, but may change the mode, unless nothing may be changed.
	if (fs->shares[node->share].read_only)
		return -EACCES;
	if (fstat(node->fd, &st) < 0 || st.st_uid != geteuid() || !S_ISREG(st.st_mode) ||
	    chmod(path.text, (st.st_mode & 07777) | 0600) < 0)
		return -EACCES;
	fd = open_again(node, flags);
	error = errno;
	(void)!chmod(path.text, st.st_mode & 07777);
	return fd < 0 ? -error : fd;
}

uint64_t node_number(const struct hostfs *fs, const struct node *node, ino_t ino)
{
	const struct node *share = fs->share_nodes[node->share];
	uint64_t device = node->dev;

	return !share || device == share->dev ? ino : ino ^ device * 0xc2b2ae3d27d4eb4full;
}

int node_attr(struct hostfs *fs, const struct node *node, struct fuse_attr *attr)
{
	struct ownership shown;
	struct stat st;

	if (node->is_root) {
		*attr = (struct fuse_attr){ .ino = FUSE_ROOT_ID,
			                    .mode = S_IFDIR | 0555,
			                    .nlink = 2,
			                    .blksize = 4096 };
		return 0;
	}
	if (fstat(node->fd, &st) < 0)
		return -errno;
	ownership_read(fs, node, &st, &shown);
	*attr = (struct fuse_attr){
		.ino = node_number(fs, node, st.st_ino),
		.size = (uint64_t)st.st_size,
		.blocks = (uint64_t)st.st_blocks,
		.atime = (uint64_t)st.st_atim.tv_sec,
		.mtime = (uint64_t)st.st_mtim.tv_sec,
		.ctime = (uint64_t)st.st_ctim.tv_sec,
		.atimensec = (uint32_t)st.st_atim.tv_nsec,
		.mtimensec = (uint32_t)st.st_mtim.tv_nsec,
		.ctimensec = (uint32_t)st.st_ctim.tv_nsec,
		.mode = shown.mode,
		.nlink = (uint32_t)st.st_nlink,
		.uid = shown.uid,
		.gid = shown.gid,
		// Linux's own encoding of a device number in 32 bits.
		.rdev = (shown.minor & 0xff) | (shown.major & 0xfff) << 8 |
			(shown.minor & ~0xffu) << 12,
		.blksize = (uint32_t)st.st_blksize,
		.flags = node->is_share && S_ISDIR(node->type) ? FUSE_ATTR_SUBMOUNT : 0,
	};
	return 0;
}

int node_entry(struct hostfs *fs, const struct node *node, struct fuse_entry_out *entry)
{
	*entry = (struct fuse_entry_out){ .nodeid = node->id,
		                          .entry_valid = VALID_SECONDS,
		                          .attr_valid = VALID_SECONDS };
	return node_attr(fs, node, &entry->attr);
}
