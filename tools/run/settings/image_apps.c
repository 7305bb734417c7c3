// SPDX-License-Identifier: MIT
#include "tools/run/settings/image_apps.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

bool image_has_app(const char *build, const char *app)
{
	char path[PATH_MAX];
	char word[64];
	bool found = false;
	FILE *file;

	if (snprintf(path, sizeof(path), "%s/gen/starina/apps", build) >= (int)sizeof(path))
		return true;
	file = fopen(path, "re");
	if (!file)
		return true;
	while (!found && fscanf(file, "%63s", word) == 1)
		found = strcmp(word, app) == 0;
	fclose(file);
	return found;
}
