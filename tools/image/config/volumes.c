// SPDX-License-Identifier: MIT
#include "tools/image/config/volumes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image/tree/tree.h"

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *volumes_list(const json_t *config)
{
	json_t *volumes = json_object_get(config, "Volumes");
	char **paths = calloc(json_object_size(volumes) + 1, sizeof(*paths));
	json_t *array = json_array();
	size_t count = 0;
	const char *key;
	json_t *value;

	json_object_foreach(volumes, key, value)
	{
		char clean[TREE_MAX_PATH + 1];
		struct error ignored;
		char *rooted;

		if (!paths || asprintf(&rooted, "/%s", key) < 0)
			break;
		// The root itself is writable, or sealed because the user said so.
		if (tree_path_clean(rooted, clean, &ignored) == 0 && clean[0] &&
		    asprintf(&paths[count], "/%s", clean) >= 0)
			count++;
		free(rooted);
	}
	if (paths)
		qsort(paths, count, sizeof(*paths), compare_texts);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || strcmp(paths[i], paths[i - 1]) != 0)
			json_array_append_new(array, json_string(paths[i]));
	}
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	return array;
}
