// SPDX-License-Identifier: MIT
//
// One watch of inotify for each folder that the guest has looked at, and for each shared file.
// Those that were looked at least recently make way for others. What we change ourselves comes back
// as events, too: each request is served between two looks at them, and those in between that are
// of its names or its file are its own.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tools/run/hostfs/changes.h"

#define MAX_WATCHES 8192u
#define EVENTS                                                                              \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE | \
	 IN_ATTRIB | IN_EXCL_UNLINK)
// Writers are not done at their first write, and what they made has its content a little later.
#define WRITE_DELAY_MS 100u

struct watch {
	int wd;
	struct node *node;  // NULL: not in use
	bool looked_at;     // since the hand went by
	uint32_t next;      // of its bucket: index + 1
};

struct watches {
	int fd;
	uint32_t hand;
	uint32_t buckets[MAX_WATCHES];  // by wd; index + 1
	struct watch all[MAX_WATCHES];
};

static uint32_t *bucket_of(struct watches *watches, int wd)
{
	return &watches->buckets[(uint32_t)wd % MAX_WATCHES];
}

// Two nodes may have one: a folder that is shared twice.
static bool wd_is_used(struct watches *watches, int wd)
{
	uint32_t index = *bucket_of(watches, wd);

	while (index && watches->all[index - 1].wd != wd)
		index = watches->all[index - 1].next;
	return index != 0;
}

static void watch_remove(struct watches *watches, struct watch *watch, bool by_kernel)
{
	uint32_t *link = bucket_of(watches, watch->wd);
	uint32_t index = (uint32_t)(watch - watches->all) + 1;
	int wd = watch->wd;

	while (*link != index)
		link = &watches->all[*link - 1].next;
	*link = watch->next;
	watch->node->watch = 0;
	*watch = (struct watch){ 0 };
	if (!by_kernel && !wd_is_used(watches, wd))
		(void)inotify_rm_watch(watches->fd, wd);
}

// A place for another one.
static struct watch *watch_take(struct watches *watches)
{
	for (;;) {
		struct watch *watch = &watches->all[watches->hand];

		watches->hand = (watches->hand + 1) % MAX_WATCHES;
		if (watch->node && watch->looked_at) {
			watch->looked_at = false;
			continue;
		}
		if (watch->node)
			watch_remove(watches, watch, false);
		return watch;
	}
}

void watch_begin(struct hostfs *fs, struct node *node)
{
	struct watches *watches = fs->watches;
	struct watch *watch;
	uint32_t *bucket;
	int wd;

	if (!watches || (!S_ISDIR(node->type) && !node->is_share))
		return;
	if (node->watch) {
		watches->all[node->watch - 1].looked_at = true;
		return;
	}
	watch = watch_take(watches);
	wd = inotify_add_watch(watches->fd, node_path(node).text, EVENTS);
	if (wd < 0)
		return;
	bucket = bucket_of(watches, wd);
	*watch = (struct watch){ .wd = wd, .node = node, .looked_at = true, .next = *bucket };
	*bucket = node->watch = (uint32_t)(watch - watches->all) + 1;
}

void watch_end(struct hostfs *fs, struct node *node)
{
	if (node->watch)
		watch_remove(fs->watches, &fs->watches->all[node->watch - 1], false);
}

void watches_start(struct hostfs *fs)
{
	if (fs->watches || !(fs->watches = calloc(1, sizeof(*fs->watches))))
		return;
	fs->watches->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fs->watches->fd < 0 || changes_start(fs) < 0) {
		watches_stop(fs);
		return;
	}
	for (uint32_t i = 0; i < fs->num_slots; i++) {
		if (fs->slots[i] && fs->slots[i]->fd >= 0)
			watch_begin(fs, fs->slots[i]);
	}
}

void watches_stop(struct hostfs *fs)
{
	struct watches *watches = fs->watches;

	if (watches && watches->fd >= 0)
		close(watches->fd);
	free(watches);
	fs->watches = NULL;
	changes_stop(fs);
}

int hostfs_watch_fd(const struct hostfs *fs)
{
	return fs->watches ? fs->watches->fd : -1;
}

// --- Events --------------------------------------------------------------------------------------

// A name of the request's is the last thing in it, or followed by another one.
static bool call_has_name(const struct call *call, const char *name)
{
	switch (call->in.opcode) {
	case FUSE_SYMLINK:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_LINK:
	case FUSE_CREATE:
		return memmem(call->request, call->request_len, name, strlen(name) + 1) != NULL;
	default: return false;
	}
}

static bool is_own(const struct call *call, const struct stat *st, const char *name)
{
	if (!call)
		return false;
	for (unsigned i = 0; i < sizeof(call->changed) / sizeof(call->changed[0]); i++) {
		if (st->st_nlink > 0 && call->changed[i].dev == st->st_dev &&
		    call->changed[i].ino == st->st_ino)
			return true;
	}
	return name && call_has_name(call, name);
}

static void event_note(struct hostfs *fs, struct node *node, const struct inotify_event *event,
                       const struct call *call)
{
	const char *name = event->len > 0 ? event->name : NULL;
	struct files_change change = { .kind = FILES_ATTRIBUTES };
	struct stat st = { 0 };
	unsigned delay = 0;

	// Of a folder, its own attributes are its parent's to tell.
	if (!name && S_ISDIR(node->type))
		return;
	if (node_use(node) == 0 &&
	    fstatat(node->fd, name ? name : "", &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
		st = (struct stat){ .st_mode = S_IFREG };
	if (is_own(call, &st, name))
		return;
	change.type = event->mask & IN_ISDIR ? S_IFDIR : st.st_mode & S_IFMT;
	if (event->mask & (IN_DELETE | IN_MOVED_FROM)) {
		change.kind = FILES_REMOVED;
		change.type = event->mask & IN_ISDIR ? S_IFDIR : S_IFREG;
	} else if (event->mask & (IN_CREATE | IN_MOVED_TO)) {
		change.kind = FILES_CREATED;
		delay = (event->mask & IN_CREATE) && S_ISREG(change.type) ? WRITE_DELAY_MS : 0;
	} else if (event->mask & (IN_MODIFY | IN_CLOSE_WRITE)) {
		change.kind = FILES_WRITTEN;
		delay = event->mask & IN_MODIFY ? WRITE_DELAY_MS : 0;
	}
	change_add(fs, node, name, change, delay, event->mask & IN_CREATE);
}

static void event_take(struct hostfs *fs, const struct inotify_event *event,
                       const struct call *call)
{
	struct watches *watches = fs->watches;
	uint32_t index = event->wd >= 0 ? *bucket_of(watches, event->wd) : 0;

	while (index) {
		struct watch *watch = &watches->all[index - 1];

		index = watch->next;
		if (watch->wd != event->wd)
			continue;
		if (event->mask & IN_IGNORED)
			watch_remove(watches, watch, true);
		else if (event->mask & (EVENTS & ~IN_EXCL_UNLINK))
			event_note(fs, watch->node, event, call);
	}
}

void watches_take(struct hostfs *fs, const struct call *call)
{
	_Alignas(struct inotify_event) char buffer[16384];
	ssize_t length;

	if (!fs->watches)
		return;
	while ((length = read(fs->watches->fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < length;) {
			const struct inotify_event *event = (const void *)(buffer + at);

			event_take(fs, event, call);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}
