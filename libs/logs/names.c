// SPDX-License-Identifier: MIT
#include "libs/logs/names.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"

#define MAX_DIGITS 9u

uint32_t log_number(const char *name)
{
	size_t len = strlen(name);
	uint32_t number = 0;

	if (len == 0 || len > MAX_DIGITS || name[0] == '0')
		return 0;
	for (; *name != '\0'; name++) {
		if (*name < '0' || *name > '9')
			return 0;
		number = number * 10 + (uint32_t)(*name - '0');
	}
	return number;
}

void log_path(const char *folder, uint32_t number, char out[static LOG_PATH_MAX])
{
	fmt_write(out, LOG_PATH_MAX, "%s/%u", folder, number);
}
