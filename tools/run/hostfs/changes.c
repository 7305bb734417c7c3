// SPDX-License-Identifier: MIT
//
// What others have changed and the guest has not been told. A name has one entry at a time, or two:
// that it went, and that it came again.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/run/hostfs/changes.h"

// What comes when there are so many is not told.
#define MAX_CHANGES 4096u
#define MAX_DEPTH 128u

struct entry {
	struct files_change change;
	uint32_t hash;
	bool is_new;  // the guest knows nothing of that name
	int64_t due;  // milliseconds of the monotonic clock
	char *path;
};

struct changes {
	bool waited_for;
	uint64_t unique;  // of the read that waits
	uint32_t size;
	uint32_t count;
	struct entry all[MAX_CHANGES];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int changes_start(struct hostfs *fs)
{
	fs->changes = calloc(1, sizeof(*fs->changes));
	return fs->changes ? 0 : -ENOMEM;
}

void changes_stop(struct hostfs *fs)
{
	for (uint32_t i = 0; fs->changes && i < fs->changes->count; i++)
		free(fs->changes->all[i].path);
	free(fs->changes);
	fs->changes = NULL;
}

// --- Paths ---------------------------------------------------------------------------------------

// Writes the path of an entry from its share on. Returns false when it is too long, or not known.
static bool path_of(const struct node *node, const char *name, char out[FILES_CHANGE_MAX_PATH + 1])
{
	const struct node *chain[MAX_DEPTH];
	unsigned depth = 0;
	int length;

	for (; !node->is_share; node = node->parent) {
		if (depth == MAX_DEPTH || !node->name)
			return false;
		chain[depth++] = node;
	}
	length = snprintf(out, FILES_CHANGE_MAX_PATH, "%u", node->share);
	while (depth > 0 || name) {
		const char *part = depth > 0 ? chain[--depth]->name : name;
		size_t room = FILES_CHANGE_MAX_PATH + 1 - (size_t)length;
		int written = snprintf(out + length, room, "/%s", part);

		if (part == name)
			name = NULL;
		if (written < 0 || (size_t)written >= room)
			return false;
		length += written;
	}
	return true;
}

static uint32_t hash_of(const char *path)
{
	uint32_t hash = 2166136261u;

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * 16777619u;
	return hash;
}

// --- What is to be told --------------------------------------------------------------------------

static void entry_drop(struct changes *changes, uint32_t index)
{
	struct entry *entry = &changes->all[index];

	free(entry->path);
	changes->count--;
	memmove(entry, entry + 1, (changes->count - index) * sizeof(*entry));
}

// Whether the change is told by what is there already.
static bool merge(struct changes *changes, uint32_t index, const struct entry *new)
{
	struct entry *entry = &changes->all[index];
	const unsigned before = entry->change.kind;
	const unsigned kind = new->change.kind;

	if (before == FILES_REMOVED)
		return kind == FILES_REMOVED;
	if (kind == FILES_REMOVED && before == FILES_CREATED && entry->is_new) {
		entry_drop(changes, index);
		return true;
	}
	// What is written to a new file is told with it.
	if (kind == FILES_REMOVED || kind == FILES_CREATED ||
	    (kind == FILES_WRITTEN && before == FILES_ATTRIBUTES)) {
		entry->change = new->change;
		entry->is_new = entry->is_new && kind == FILES_CREATED;
	}
	if (new->due < entry->due && kind != FILES_ATTRIBUTES)
		entry->due = new->due;
	return true;
}

void change_add(struct hostfs *fs, const struct node *node, const char *name,
                struct files_change change, unsigned delay, bool is_new)
{
	struct changes *changes = fs->changes;
	char path[FILES_CHANGE_MAX_PATH + 1];
	struct entry new = { .change = change, .is_new = is_new, .due = now_ms() + delay };

	if (!path_of(node, name, path))
		return;
	new.hash = hash_of(path);
	new.change.length = (uint16_t)strlen(path);
	new.is_new = change.kind == FILES_CREATED &&delay > 0;
	for (uint32_t i = changes->count; i-- > 0;) {
		const struct entry *entry = &changes->all[i];

		if (entry->hash != new.hash || strcmp(entry->path, path) != 0)
			continue;
		if (merge(changes, i, &new))
			return;
		break;
	}
	if (changes->count < MAX_CHANGES && (new.path = strdup(path)))
		changes->all[changes->count++] = new;
}

// Puts what is due into a reply. Returns its length, and in how many milliseconds there is more.
static size_t changes_put(struct changes *changes, uint8_t *out, size_t room, int *wait_ms)
{
	const int64_t now = now_ms();
	size_t length = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < changes->count; i++) {
		struct entry entry = changes->all[i];
		size_t size = sizeof(entry.change) + entry.change.length;

		if (entry.due > now || size > room - length) {
			int64_t wait = entry.due > now ? entry.due - now : 0;

			if (*wait_ms < 0 || wait < *wait_ms)
				*wait_ms = (int)wait;
			changes->all[kept++] = entry;
			continue;
		}
		memcpy(out + length, &entry.change, sizeof(entry.change));
		memcpy(out + length + sizeof(entry.change), entry.path, entry.change.length);
		length += size;
		free(entry.path);
	}
	changes->count = kept;
	return length;
}

int changes_park(struct call *call, uint32_t size)
{
	struct changes *changes = call->fs->changes;

	if (!changes || size < sizeof(struct files_change) + FILES_CHANGE_MAX_PATH)
		return -EINVAL;
	// It may be asked again, with all that has no answer.
	if (changes->waited_for && changes->unique != call->in.unique)
		return -EBUSY;
	changes->waited_for = true;
	changes->unique = call->in.unique;
	changes->size = size < 65536 ? size : 65536;
	return CALL_PARKED;
}

void hostfs_changes_unask(struct hostfs *fs)
{
	if (fs->changes)
		fs->changes->waited_for = false;
}

size_t hostfs_changes(struct hostfs *fs, void *reply, int *wait_ms)
{
	struct changes *changes = fs->changes;
	struct fuse_out_header header = { 0 };
	size_t length;

	*wait_ms = -1;
	watches_take(fs, NULL);
	if (!changes || !changes->waited_for)
		return 0;
	length = changes_put(changes, (uint8_t *)reply + sizeof(header), changes->size, wait_ms);
	if (length == 0)
		return 0;
	header.unique = changes->unique;
	header.len = (uint32_t)(sizeof(header) + length);
	memcpy(reply, &header, sizeof(header));
	changes->waited_for = false;
	*wait_ms = -1;
	return header.len;
}
