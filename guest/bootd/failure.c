// SPDX-License-Identifier: MIT
#include "guest/bootd/failure.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int failure_set(struct failure *failure, int status, int error, const char *format, ...)
{
	va_list args;

	failure->status = status;
	failure->error = error;
	va_start(args, format);
	vsnprintf(failure->message, sizeof(failure->message), format, args);
	va_end(args);
	return error;
}

const char *failure_words(int error)
{
	static char words[96];

	// Go has Linux's own, in small letters.
	snprintf(words, sizeof(words), "%s", strerror(error));
	words[0] = (char)tolower((unsigned char)words[0]);
	return words;
}

int failure_errno(struct failure *failure, const char *format, ...)
{
	int error = errno;
	va_list args;

	failure->status = FAILURE_SETUP;
	failure->error = -error;
	va_start(args, format);
	vsnprintf(failure->message, sizeof(failure->message), format, args);
	va_end(args);

	size_t used = strlen(failure->message);
	snprintf(failure->message + used, sizeof(failure->message) - used, ": %s", strerror(error));
	return -error;
}
