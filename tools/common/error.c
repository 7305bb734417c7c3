// SPDX-License-Identifier: MIT
#include "tools/common/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libs/base/text.h"

int error_set(struct error *err, const char *format, ...)
{
	char text[ERROR_MAX_TEXT];
	va_list args;

	// Formatted aside first: an argument may be the old text.
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error_printable(err->text, sizeof(err->text), text);
	return -1;
}

int error_prefix(struct error *err, const char *format, ...)
{
	char prefix[ERROR_MAX_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	return error_set(err, "%s: %s", prefix, err->text);
}

int error_set_errno(struct error *err, int error_number, const char *format, ...)
{
	char context[ERROR_MAX_TEXT];
	const char *hint = "";
	va_list args;

	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	if (error_number == ENOSPC || error_number == EDQUOT)
		hint = "; free some space there, or let STARINA_CACHE name a directory on another disk";
	return error_set(err, "%s: %s%s", context, strerror(error_number), hint);
}

void error_printable(char *out, unsigned long size, const char *text)
{
	size_t length = strlen(text);

	if (size == 0)
		return;
	text_copy_visible(out, text, length < size ? length : size - 1);
}
