// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest/bootd/layer.h"

bool layer_is_hidden(const struct layer_view *view, const char *path)
{
	for (size_t i = 0; view->hidden[i] != NULL; i++) {
		const char *hidden = view->hidden[i] + 1;
		size_t len = strlen(hidden);

		if (len > 0 && strncmp(path, hidden, len) == 0 &&
		    (path[len] == '\0' || path[len] == '/'))
			return true;
	}
	return false;
}

static int add(struct layer_names *names, const char *name)
{
	if (names->count == names->room) {
		size_t room = names->room == 0 ? 16 : 2 * names->room;
		char **items = realloc(names->items, room * sizeof(*items));

		if (items == NULL)
			return -1;
		names->items = items;
		names->room = room;
	}
	names->items[names->count] = strdup(name);
	if (names->items[names->count] == NULL)
		return -1;
	names->count++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int layer_names_read(int fd, struct layer_names *names)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	int error = 0;

	if (folder == NULL) {
		error = errno;
		if (copy >= 0)
			close(copy);
		errno = error;
		return -1;
	}
	errno = 0;
	while (error == 0 && (entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    add(names, entry->d_name) != 0)
			error = ENOMEM;
	}
	if (error == 0)
		error = errno;
	closedir(folder);
	if (names->count > 1)
		qsort(names->items, names->count, sizeof(*names->items), compare);
	errno = error;
	return error == 0 ? 0 : -1;
}

void layer_names_free(struct layer_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct layer_names){ 0 };
}
