// SPDX-License-Identifier: MIT
#include "libs/base/string.h"
#include "libs/files/volume.h"

bool volume_name_is_good(const char *name)
{
	size_t len = strlen(name);

	if (len < 2 || len > FILES_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') &&
		    (i == 0 || (c != '_' && c != '.' && c != '-')))
			return false;
	}
	return true;
}

bool volume_is_anonymous(const char *name)
{
	size_t len = 0;

	while ((name[len] >= '0' && name[len] <= '9') || (name[len] >= 'a' && name[len] <= 'f'))
		len++;
	return len == 64 && name[len] == '\0';
}
