// SPDX-License-Identifier: MIT
// Command lines and variables: words that end with a NUL byte each; one that begins as a variable
// of ours does is set, the others are run.sh's arguments. What is taken is within its limits; what
// is refused says why, in printable text.
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/run/settings/settings.h"

#define MAX_WORDS 48

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void settings_check(const struct settings *settings)
{
	if (settings->help)
		return;
	assert(settings->smp >= 1 && settings->smp <= 16 && settings->guest_cpus <= 4);
	assert(settings->http_port <= 65535);
	assert(settings->guest_memory == 0 ||
	       (settings->guest_memory >= 32u << 20 && settings->guest_memory <= 8ull << 30));
	assert(settings->memory >= settings->guest_memory);
	assert(settings->ports.count <= PORTS_MAX);
	for (unsigned i = 0; i < settings->ports.count; i++)
		assert(settings->ports.items[i].container_port > 0);
	assert(!settings->image || strstr(settings->image, "://"));
	assert(settings->attached <= ATTACH_ALL);
}

static void error_check(const struct error *err)
{
	assert(err->text[0] && memchr(err->text, '\0', sizeof(err->text)));
	for (const char *c = err->text; *c; c++)
		assert((unsigned char)*c >= ' ' && *c != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);
	char *arguments[MAX_WORDS + 2] = { "run.sh" };
	char *variables[MAX_WORDS + 1] = { 0 };
	static struct settings settings;
	struct error err = { "" };
	int argc = 1;
	size_t num_variables = 0;

	assert(text);
	memcpy(text, data, size);
	for (char *word = text; word < text + size && argc + (int)num_variables < MAX_WORDS;
	     word += strlen(word) + 1) {
		bool ours = strncmp(word, "LINUXRUN_", 9) == 0 || strncmp(word, "STARINA_", 8) == 0;

		if (ours && strchr(word, '='))
			variables[num_variables++] = word;
		else
			arguments[argc++] = word;
	}
	environ = variables;
	if (settings_read(&settings, argc, arguments, &err) == 0 &&
	    volume_settings_finish(&settings, NULL, &err) == 0)
		settings_check(&settings);
	else
		error_check(&err);
	settings_deinit(&settings);
	free(text);
	return 0;
}
