// SPDX-License-Identifier: MIT
#include "apps/commands/commands.h"
#include "libs/base/string.h"

// The string at `*rest`, which then begins behind it. NULL: there is none.
static char *take(char **rest, size_t *length)
{
	char *word = *rest;
	size_t size = 0;

	while (size < *length && word[size] != '\0')
		size++;
	if (size == *length)
		return NULL;
	*rest += size + 1;
	*length -= size + 1;
	return word;
}

static error_t take_variable(char **rest, size_t *length, const char **name)
{
	char *word = take(rest, length);
	char *equals = word != NULL ? strchr(word, '=') : NULL;

	if (word == NULL)
		return ERR_PROTOCOL;
	if (equals == NULL || equals == word)
		return ERR_INVALID;
	*equals = '\0';
	*name = word;
	return 0;
}

error_t run_request_read(const struct msg_commands_run *run, char *bytes, size_t length,
                         struct run_request *out)
{
	*out = (struct run_request){ .num_args = run->num_args, .num_env = run->num_env };
	if (run->num_args > RUN_WORDS_MAX || run->num_env > RUN_WORDS_MAX)
		return ERR_TOO_LARGE;
	out->image = take(&bytes, &length);
	out->workdir = take(&bytes, &length);
	out->user = take(&bytes, &length);
	if (out->image == NULL || out->workdir == NULL || out->user == NULL)
		return ERR_PROTOCOL;
	for (size_t i = 0; i < out->num_args; i++) {
		out->args[i] = take(&bytes, &length);
		if (out->args[i] == NULL)
			return ERR_PROTOCOL;
	}
	for (size_t i = 0; i < out->num_env; i++) {
		error_t err = take_variable(&bytes, &length, &out->env[i]);

		if (err < 0)
			return err;
	}
	return length == 0 ? 0 : ERR_PROTOCOL;
}
