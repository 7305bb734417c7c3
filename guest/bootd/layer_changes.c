// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "guest/bootd/archive.h"
#include "guest/bootd/layer.h"

#define CAPABILITY "security.capability"
#define CAPABILITY_MAX 64

// The API's numbers.
enum kind {
	KIND_MODIFIED = 0,
	KIND_ADDED = 1,
	KIND_DELETED = 2,
};

// A folder on the way down to what is being looked at.
struct folder {
	struct folder *parent;
	size_t len;  // of its path
	int upper;   // descriptors; -1: the lower one has no such folder
	int lower;
	enum kind kind;  // what it is told as
	bool is_opaque;
	bool is_told;
	bool has_hidden;  // something in it is not told of
};

struct differ {
	const struct layer_view *view;
	FILE *out;
	int error;
	bool has_told;  // of any
	char path[TAR_NAME_MAX];
};

// --- What is told --------------------------------------------------------------------------------

// The bytes of a UTF-8 sequence; 0: it is none. (RFC 3629, section 4)
static size_t sequence_length(const uint8_t *at)
{
	size_t len = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

	if (at[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return len;
}

// Bytes that are no text are told as Go's JSON does, by U+FFFD.
static void put_text(FILE *out, const char *text)
{
	const uint8_t *at = (const uint8_t *)text;

	while (*at != '\0') {
		size_t len = sequence_length(at);

		if (len == 0)
			fputs("\\ufffd", out);
		else if (*at < 0x20 || *at == '"' || *at == '\\' || *at == 0x7f)
			fprintf(out, "\\u%04x", *at);
		else
			fwrite(at, 1, len, out);
		at += len > 0 ? len : 1;
	}
}

static void tell_path(struct differ *d, enum kind kind)
{
	fputs(d->has_told ? ",{\"Path\":\"/" : "{\"Path\":\"/", d->out);
	put_text(d->out, d->path);
	fprintf(d->out, "\",\"Kind\":%d}", (int)kind);
	d->has_told = true;
}

// What changes in a folder changes it.
static void tell_parents(struct differ *d, struct folder *folder)
{
	char end;

	if (folder == NULL || folder->is_told)
		return;
	tell_parents(d, folder->parent);
	folder->is_told = true;
	// The root is never told of.
	if (folder->len == 0)
		return;
	end = d->path[folder->len];
	d->path[folder->len] = '\0';
	tell_path(d, folder->kind);
	d->path[folder->len] = end;
}

static void tell(struct differ *d, struct folder *parent, enum kind kind)
{
	tell_parents(d, parent);
	tell_path(d, kind);
}

// --- What is different ---------------------------------------------------------------------------

static ssize_t capability(int dir, const char *name, char value[CAPABILITY_MAX])
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t size = fd >= 0 ? fgetxattr(fd, CAPABILITY, value, CAPABILITY_MAX) : -1;

	if (fd >= 0)
		close(fd);
	return size > 0 ? size : 0;
}

// As dockerd compares files: a folder's time and size say nothing of it.
static bool is_different(const struct folder *folder, const char *name, const struct stat *upper,
                         const struct stat *lower)
{
	char ours[CAPABILITY_MAX], theirs[CAPABILITY_MAX];
	ssize_t size;

	if (upper->st_mode != lower->st_mode || upper->st_uid != lower->st_uid ||
	    upper->st_gid != lower->st_gid)
		return true;
	if ((S_ISCHR(upper->st_mode) || S_ISBLK(upper->st_mode)) &&
	    upper->st_rdev != lower->st_rdev)
		return true;
	if (S_ISDIR(upper->st_mode))
		return false;
	if (upper->st_size != lower->st_size || upper->st_mtim.tv_sec != lower->st_mtim.tv_sec ||
	    upper->st_mtim.tv_nsec != lower->st_mtim.tv_nsec)
		return true;
	if (!S_ISREG(upper->st_mode))
		return false;
	size = capability(folder->upper, name, ours);
	return size != capability(folder->lower, name, theirs) ||
		memcmp(ours, theirs, (size_t)size) != 0;
}

// --- The walk ------------------------------------------------------------------------------------

// The name of an entry is behind the folder's path then. False, with an error: it is too long.
static bool set_name(struct differ *d, const struct folder *folder, const char *name)
{
	size_t at = folder->len + (folder->len > 0), len = strlen(name);

	if (len >= sizeof(d->path) - at) {
		d->error = ENAMETOOLONG;
		return false;
	}
	if (folder->len > 0)
		d->path[folder->len] = '/';
	memcpy(d->path + at, name, len + 1);
	return true;
}

static bool has_name(const struct layer_names *names, const char *name)
{
	size_t low = 0, high = names->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(names->items[middle], name);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void look_into(struct differ *d, struct folder *folder);

// A new folder in which there is nothing but what is hidden was made for that.
static void look_into_child(struct differ *d, struct folder *folder, const char *name,
                            bool has_lower)
{
	const struct folder *parent = folder->parent;
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	folder->len = strlen(d->path);
	folder->upper = openat(parent->upper, name, flags);
	folder->lower = has_lower ? openat(parent->lower, name, flags) : -1;
	if (folder->upper >= 0) {
		folder->is_opaque = layer_is_opaque(folder->upper);
		look_into(d, folder);
		close(folder->upper);
	} else if (errno != ENOENT && errno != ENOTDIR) {
		d->error = errno;
	}
	if (folder->lower >= 0)
		close(folder->lower);
	if (folder->kind == KIND_ADDED && !folder->has_hidden && d->error == 0)
		tell_parents(d, folder);
}

// An entry of the upper folder, whose path is d->path.
static void look_at(struct differ *d, struct folder *folder, const char *name)
{
	struct stat upper, lower;
	struct folder child = { .parent = folder };
	bool has_lower;

	if (fstatat(folder->upper, name, &upper, AT_SYMLINK_NOFOLLOW) != 0) {
		d->error = errno == ENOENT ? 0 : errno;
		return;
	}
	has_lower = folder->lower >= 0 &&
		fstatat(folder->lower, name, &lower, AT_SYMLINK_NOFOLLOW) == 0;
	if (layer_is_whiteout(&upper)) {
		if (has_lower)
			tell(d, folder, KIND_DELETED);
		return;
	}
	child.kind = has_lower ? KIND_MODIFIED : KIND_ADDED;
	child.is_told = has_lower && is_different(folder, name, &upper, &lower);
	if (child.is_told || (!has_lower && !S_ISDIR(upper.st_mode)))
		tell(d, folder, child.kind);
	if (S_ISDIR(upper.st_mode))
		look_into_child(d, &child, name, has_lower && S_ISDIR(lower.st_mode));
}

// Nothing of the lower folder is seen: what the upper one has not got is gone.
static void tell_gone(struct differ *d, struct folder *folder, const struct layer_names *upper)
{
	struct layer_names lower = { 0 };

	if (layer_names_read(folder->lower, &lower) != 0)
		d->error = errno;
	for (size_t i = 0; i < lower.count && d->error == 0; i++) {
		if (!has_name(upper, lower.items[i]) && set_name(d, folder, lower.items[i]))
			tell(d, folder, KIND_DELETED);
	}
	layer_names_free(&lower);
}

static void look_into(struct differ *d, struct folder *folder)
{
	struct layer_names names = { 0 };

	if (layer_names_read(folder->upper, &names) != 0)
		d->error = errno;
	if (d->error == 0 && folder->is_opaque && folder->lower >= 0)
		tell_gone(d, folder, &names);
	for (size_t i = 0; i < names.count && d->error == 0; i++) {
		if (!set_name(d, folder, names.items[i]))
			break;
		if (layer_is_hidden(d->view, d->path))
			folder->has_hidden = true;
		else
			look_at(d, folder, names.items[i]);
	}
	d->path[folder->len] = '\0';
	layer_names_free(&names);
}

int layer_changes(const struct layer_view *view, int out)
{
	struct folder root = { .upper = view->upper, .lower = view->lower };
	struct differ *d = calloc(1, sizeof(*d));
	int copy = dup(out);
	int error = ENOMEM;

	if (d != NULL)
		d->out = copy >= 0 ? fdopen(copy, "w") : NULL;
	if (d != NULL && d->out != NULL) {
		d->view = view;
		fputc('[', d->out);
		look_into(d, &root);
		fputs("]\n", d->out);
		error = d->error;
		if (fclose(d->out) != 0 && error == 0)
			error = errno;
	} else if (copy >= 0) {
		close(copy);
	}
	free(d);
	return archive_status_of(error);
}
