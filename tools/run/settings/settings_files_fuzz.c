// SPDX-License-Identifier: MIT
// Files that run.sh reads besides images: the host's resolv.conf, an --env-file, a --kernel. The
// first byte says which one the others are. What is made of a resolv.conf is one again, in
// printable text; what is refused says why.
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/run/settings/resolver.h"
#include "tools/run/settings/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text_check(const char *text)
{
	for (const char *c = text; *c; c++)
		assert((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void resolv_conf_read(const char *path)
{
	static struct options none;
	struct error err = { "" };
	char *rest = NULL;
	char *text = resolver_conf_make(&none, path, &err);

	assert(text && strstr(text, "nameserver "));
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		assert(strncmp(line, "nameserver ", 11) == 0 || strncmp(line, "search ", 7) == 0 ||
		       strncmp(line, "options ", 8) == 0);
		text_check(line);
	}
	free(text);
}

static void argument_read(const char *flag, char *path)
{
	char *arguments[] = { "run.sh", (char *)(uintptr_t)flag, path, "alpine", NULL };
	char *variables[] = { NULL };
	static struct settings settings;
	struct error err = { "" };

	environ = variables;
	if (settings_read(&settings, 4, arguments, &err) != 0) {
		assert(err.text[0]);
		text_check(err.text);
	}
	settings_deinit(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	char path[64];

	if (size == 0)
		return 0;
	if (file < 0)
		file = memfd_create("input", 0);
	assert(file >= 0 && ftruncate(file, 0) == 0);
	assert(pwrite(file, data + 1, size - 1, 0) == (ssize_t)size - 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (data[0] % 3 == 0)
		resolv_conf_read(path);
	else
		argument_read(data[0] % 3 == 1 ? "--env-file" : "--kernel", path);
	return 0;
}
