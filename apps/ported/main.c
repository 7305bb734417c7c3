// SPDX-License-Identifier: MIT
//
// The example of docs/porting.md, which shows this file: code that was written for a C library.
#include <ctype.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/abi/app.h"

static jmp_buf failed;

// A copy in capitals. Leaves by longjmp when there is no memory, as old code likes to.
static char *shout(const char *words)
{
	char *text = strdup(words);

	if (text == NULL)
		longjmp(failed, 1);
	for (char *p = text; *p != '\0'; p++)
		*p = (char)toupper(*p);
	return text;
}

static void ported_main(const struct environ *env)
{
	char *text;

	(void)env;
	if (setjmp(failed) != 0) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	text = shout("ported code");
	printf("%s, %.2f\n", text, 3.14159);
	free(text);
}

APP(ported, .main = ported_main);
