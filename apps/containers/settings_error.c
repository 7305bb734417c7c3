// SPDX-License-Identifier: MIT
#include <stdarg.h>

#include "apps/containers/settings.h"
#include "libs/base/fmt.h"

error_t settings_refuse(char error[static SETTINGS_ERROR_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vwrite(error, SETTINGS_ERROR_MAX, format, args);
	va_end(args);
	return ERR_INVALID;
}
