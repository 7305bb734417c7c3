// SPDX-License-Identifier: MIT
#include "guest/bootd/archive.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int archive_status_of(int error)
{
	switch (error) {
	case 0: return ARCHIVE_OK;
	case ENOENT: return ARCHIVE_NOT_FOUND;
	case ENOTDIR: return ARCHIVE_NOT_FOLDER;
	case EROFS: return ARCHIVE_READ_ONLY;
	case ENOSPC:
	case EDQUOT: return ARCHIVE_NO_SPACE;
	default: return ARCHIVE_FAILED;
	}
}

int archive_run(char *const words[], unsigned uid, unsigned gid)
{
	const char *what = words[0];
	const char *path = what != NULL ? words[1] : NULL;

	if (path == NULL)
		return ARCHIVE_FAILED;
	if (strcmp(what, "stat") == 0)
		return archive_stat(path, STDOUT_FILENO);
	if (strcmp(what, "get") == 0)
		return archive_get(path, STDOUT_FILENO);
	if (strcmp(what, "export") == 0)
		return archive_export(path, STDOUT_FILENO);
	if (strcmp(what, "put") == 0 && words[2] != NULL) {
		struct archive_put how = { .keep_kinds = strchr(words[2], 'k') != NULL,
			                   .syncs = strchr(words[2], 's') != NULL,
			                   .has_owner = strchr(words[2], 'o') != NULL,
			                   .uid = uid,
			                   .gid = gid };

		return archive_put(path, &how, STDIN_FILENO);
	}
	return ARCHIVE_FAILED;
}
