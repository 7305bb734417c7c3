// SPDX-License-Identifier: MIT
#include "apps/containers/mount_list.h"

#include "libs/base/string.h"
#include "libs/linux/image/string_list.h"
#include "libs/starina/alloc.h"

void mount_free(struct mount *mount)
{
	heap_free(mount->source);
	heap_free(mount->target);
	heap_free(mount->options);
	heap_free(mount->labels);
	heap_free(mount->subpath);
	heap_free(mount->driver_options);
	heap_free(mount->memory);
	*mount = (struct mount){ 0 };
}

error_t mount_list_add(struct mount_list *list, const struct mount *mount)
{
	struct mount taken = *mount;
	struct mount *items = NULL;

	if (taken.target != NULL && list->count < MOUNT_LIST_MAX)
		items = heap_alloc((list->count + 1) * sizeof(*items));
	if (items == NULL) {
		mount_free(&taken);
		return list->count == MOUNT_LIST_MAX ? ERR_LIMIT : ERR_NO_MEMORY;
	}
	if (list->count > 0)
		memcpy(items, list->items, list->count * sizeof(*items));
	items[list->count++] = taken;
	heap_free(list->items);
	list->items = items;
	return 0;
}

// Returns false when memory is out; *text is NULL then.
static bool copy_text(char **text)
{
	bool is_set = *text != NULL;

	*text = is_set ? string_copy(*text) : NULL;
	return !is_set || *text != NULL;
}

error_t mount_list_copy(struct mount_list *list, const struct mount *mount)
{
	struct mount copy = *mount;
	bool copied = copy_text(&copy.source);

	copy.memory = NULL;
	copy.is_bound = copy.is_bound_only = false;
	copied = copy_text(&copy.target) && copied;
	copied = copy_text(&copy.options) && copied;
	copied = copy_text(&copy.labels) && copied;
	copied = copy_text(&copy.subpath) && copied;
	copied = copy_text(&copy.driver_options) && copied;
	if (copied)
		return mount_list_add(list, &copy);
	mount_free(&copy);
	return ERR_NO_MEMORY;
}

struct mount *mount_list_find(const struct mount_list *list, const char *target)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].target, target) == 0)
			return &list->items[i];
	return NULL;
}

void mount_list_deinit(struct mount_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		mount_free(&list->items[i]);
	heap_free(list->items);
	*list = (struct mount_list){ 0 };
}

const char *mount_propagation(const char *word, size_t len)
{
	static const char *const words[] = { "private", "rprivate", "slave",
		                             "rslave",  "shared",   "rshared" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
			return words[i];
	return NULL;
}

bool mount_is_shared(const struct mount *mount)
{
	return mount->propagation != NULL &&
		(strcmp(mount->propagation, "shared") == 0 ||
	         strcmp(mount->propagation, "rshared") == 0);
}

bool mount_path_is_local(const char *path)
{
	size_t depth = 0;

	if (path[0] == '/' || path[0] == '\0')
		return false;
	while (*path != '\0') {
		size_t len = 0;

		while (path[len] != '\0' && path[len] != '/')
			len++;
		if (len == 2 && path[0] == '.' && path[1] == '.') {
			if (depth == 0)
				return false;
			depth--;
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			depth++;
		}
		path += path[len] == '/' ? len + 1 : len;
	}
	return true;
}

bool mount_path_clean(char *path)
{
	size_t out = 0, at = 0;

	if (path[0] != '/')
		return false;
	while (path[at] != '\0') {
		size_t len = 0;

		while (path[at] == '/')
			at++;
		while (path[at + len] != '\0' && path[at + len] != '/')
			len++;
		if (len == 2 && path[at] == '.' && path[at + 1] == '.') {
			while (out > 0 && path[--out] != '/')
				continue;
		} else if (len > 0 && !(len == 1 && path[at] == '.')) {
			path[out++] = '/';
			memmove(path + out, path + at, len);
			out += len;
		}
		at += len;
	}
	path[out] = '\0';
	return out > 0;
}
