// SPDX-License-Identifier: MIT
#include "libs/logs/names.h"

#include "libs/base/decimal.h"
#include "libs/base/fmt.h"

#define MAX_NUMBER 999999999u

uint32_t log_number(const char *name)
{
	uint64_t number;

	if (name[0] == '0' || !decimal_read(text_span(name), MAX_NUMBER, &number))
		return 0;
	return (uint32_t)number;
}

void log_path(const char *folder, uint32_t number, char out[static LOG_PATH_MAX])
{
	fmt_write(out, LOG_PATH_MAX, "%s/%u", folder, number);
}
