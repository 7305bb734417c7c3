// SPDX-License-Identifier: MIT
#include "libs/linux/image/platform.h"

#include <stdbool.h>
#include <stddef.h>

#include "libs/base/string.h"

static const char *const others[] = {
	"386",     "amd64",   "x86_64",  "arm",     "armhf",    "armel",   "arm64",   "aarch64",
	"loong64", "mips",    "mips64",  "mipsle",  "mips64le", "ppc64",   "ppc64le", "s390x",
	"wasm",    "aix",     "android", "darwin",  "freebsd",  "illumos", "ios",     "js",
	"netbsd",  "openbsd", "plan9",   "solaris", "wasip1",   "windows",
};

static bool is_other(const char *word)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(word, others[i]) == 0)
			return true;
	return false;
}

enum platform platform_read(const char *text)
{
	size_t len = sizeof(PLATFORM_NAME) - 1;

	if (text == NULL || text[0] == '\0' || strcmp(text, "linux") == 0 ||
	    strcmp(text, "riscv64") == 0)
		return PLATFORM_OURS;
	// A variant of it has what it is called here.
	if (strncmp(text, PLATFORM_NAME, len) == 0 && (text[len] == '\0' || text[len] == '/'))
		return PLATFORM_OURS;
	if (strchr(text, '/') != NULL)
		return PLATFORM_OTHER;
	return is_other(text) ? PLATFORM_OTHER : PLATFORM_UNKNOWN;
}
