// SPDX-License-Identifier: MIT
#include "tools/run/settings/shares.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_ONLY ":ro"

// Letters, digits, "_", "." and "-", the first a letter: so none is a number, "." or "..".
static bool is_name(const char *text, size_t length)
{
	if (length == 0 || length > HOSTFS_NAME_MAX || !isalpha((unsigned char)text[0]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("_.-", text[i]))
			return false;
	return true;
}

static int add_one(struct shares *shares, const char *text, size_t length, const char *setting,
                   struct error *err)
{
	const char *equals = memchr(text, '=', length);
	size_t name_length = equals ? (size_t)(equals - text) : 0;
	size_t path_length = equals ? length - name_length - 1 : 0;
	struct share share = { .fd = -1 };

	if (!equals || !is_name(text, name_length))
		return error_set(
			err,
			"%s: %.*s is not NAME=DIR; a name begins with a letter and has up to %u "
			"letters, digits, \"_\", \".\" and \"-\"",
			setting, (int)(length < 200 ? length : 200), text, HOSTFS_NAME_MAX);
	if (path_length > strlen(READ_ONLY) &&
	    memcmp(text + length - strlen(READ_ONLY), READ_ONLY, strlen(READ_ONLY)) == 0) {
		share.read_only = true;
		path_length -= strlen(READ_ONLY);
	}
	memcpy(share.name, text, name_length);
	if (path_length == 0)
		return error_set(err, "%s: %s has no folder; write %s=DIR", setting, share.name,
		                 share.name);
	for (unsigned i = 0; i < shares->count; i++)
		if (strcmp(shares->items[i].name, share.name) == 0)
			return error_set(err, "%s: there are two shares %s", setting, share.name);
	if (shares->count == SHARES_MAX)
		return error_set(err, "%s: these are more than %u shares", setting, SHARES_MAX);
	share.path = strndup(equals + 1, path_length);
	if (!share.path)
		return error_set(err, "out of memory");
	shares->items[shares->count++] = share;
	return 0;
}

int shares_add(struct shares *shares, const char *text, bool is_list, const char *setting,
               struct error *err)
{
	for (;;) {
		size_t length = is_list ? strcspn(text, ",") : strlen(text);

		if (add_one(shares, text, length, setting, err) < 0)
			return -1;
		text += length;
		if (!*text)
			return 0;
		text++;
	}
}

int shares_open(struct shares *shares, struct error *err)
{
	for (unsigned i = 0; i < shares->count; i++) {
		struct share *share = &shares->items[i];

		if (share->fd >= 0)
			continue;
		share->fd = open(share->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (share->fd < 0)
			return error_set_errno(err, errno, "cannot share the folder %s (%s)",
			                       share->path, share->name);
	}
	return 0;
}

void shares_deinit(struct shares *shares)
{
	for (unsigned i = 0; i < shares->count; i++) {
		free(shares->items[i].path);
		if (shares->items[i].fd >= 0)
			close(shares->items[i].fd);
	}
	shares->count = 0;
}
