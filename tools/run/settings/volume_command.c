// SPDX-License-Identifier: MIT
#include "tools/run/settings/volume_command.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "tools/run/settings/volume_words.h"

static const struct {
	const char *name;
	const char *alias;
	const char *flags;  // letters that it takes
	size_t min, max;    // names
} commands[] = {
	{ "create", NULL, "", 0, 1 },         { "inspect", NULL, "", 1, SIZE_MAX },
	{ "ls", "list", "q", 0, 0 },          { "prune", NULL, "fa", 0, 0 },
	{ "rm", "remove", "f", 1, SIZE_MAX },
};
#define NUM_COMMANDS (sizeof(commands) / sizeof(commands[0]))

bool volume_command_is(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "volume") == 0;
}

static size_t command_find(const char *word)
{
	size_t i = 0;

	while (i < NUM_COMMANDS && strcmp(commands[i].name, word) != 0 &&
	       !(commands[i].alias && strcmp(commands[i].alias, word) == 0))
		i++;
	return i;
}

// A letter of a flag, as "-q", or its long name; '\0': it is neither.
static char flag_letter(const char *word)
{
	static const struct {
		const char *name;
		char letter;
	} names[] = { { "--quiet", 'q' }, { "--force", 'f' }, { "--all", 'a' }, { "--help", 'h' } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i].name) == 0)
			return names[i].letter;
	return '\0';
}

static int letter_apply(struct volume_command *command, char letter, const char *allowed,
                        const char *word, struct error *err)
{
	if (letter == 'h')
		command->help = true;
	else if (!letter || !strchr(allowed, letter))
		return error_set(err, "volume %s: unknown flag: %.100s; ./run.sh --help lists them",
		                 command->name, word);
	command->quiet |= letter == 'q';
	command->force |= letter == 'f';
	command->all |= letter == 'a';
	return 0;
}

static int flag_apply(struct volume_command *command, const char *word, const char *allowed,
                      struct error *err)
{
	if (word[1] == '-')
		return letter_apply(command, flag_letter(word), allowed, word, err);
	for (const char *letter = word + 1; *letter; letter++)
		if (letter_apply(command, *letter, allowed, word, err) < 0)
			return -1;
	return 0;
}

// A name that cannot be one is that of no volume.
static int name_check(const struct volume_command *command, const char *name, struct error *err)
{
	struct error why;

	if (volume_name_check(name, &why) == 0)
		return 0;
	if (strcmp(command->name, "create") == 0)
		return error_set(err, "%s", why.text);
	return error_set(err, "get %.100s: no such volume", name);
}

int volume_command_read(struct volume_command *command, int argc, char **argv, struct error *err)
{
	size_t found = argc > 2 ? command_find(argv[2]) : NUM_COMMANDS;
	bool flags = true;

	*command = (struct volume_command){ .name = "ls" };
	if (argc < 3 || strcmp(argv[2], "--help") == 0) {
		command->help = true;
		return 0;
	}
	if (found == NUM_COMMANDS)
		return error_set(err, "volume %.100s: there are create, inspect, ls, prune and rm",
		                 argv[2]);
	command->name = commands[found].name;
	command->names = argv + 3;
	// Names move to the front of the words.
	for (int i = 3; i < argc; i++) {
		if (flags && strcmp(argv[i], "--") == 0)
			flags = false;
		else if (flags && argv[i][0] == '-' && argv[i][1]) {
			if (flag_apply(command, argv[i], commands[found].flags, err) < 0)
				return -1;
		} else if (name_check(command, argv[i], err) < 0)
			return -1;
		else
			command->names[command->count++] = argv[i];
	}
	if (command->help)
		return 0;
	if (command->count < commands[found].min)
		return error_set(err, "volume %s requires at least 1 argument", command->name);
	if (command->count > commands[found].max)
		return error_set(err, "volume %s: accepts at most %zu arguments", command->name,
		                 commands[found].max);
	return strcmp(command->name, "create") == 0 && command->count == 0
		? volume_name_make(command->made_up, err)
		: 0;
}

int volume_name_make(char name[VOLUME_NAME_MADE + 1], struct error *err)
{
	unsigned char bytes[32];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return error_set_errno(err, errno, "cannot make a name for a volume");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(name + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

bool volume_command_confirm(const struct volume_command *command)
{
	char answer[16];

	if (strcmp(command->name, "prune") != 0 || command->force)
		return true;
	fprintf(stderr, "WARNING! This will remove %s.\nAre you sure you want to continue? [y/N] ",
	        command->all ? "all volumes" : "all volumes without a name");
	fflush(stderr);
	return fgets(answer, sizeof(answer), stdin) && strncasecmp(answer, "y", 1) == 0;
}

int volume_command_without(const struct volume_command *command)
{
	if (strcmp(command->name, "ls") == 0 && !command->quiet)
		puts("DRIVER    VOLUME NAME");
	if (strcmp(command->name, "prune") == 0)
		puts("Total reclaimed space: 0B");
	if (strcmp(command->name, "inspect") == 0)
		puts("[\n]");
	for (size_t i = 0; i < command->count && !command->force; i++)
		fprintf(stderr, "Error: get %s: no such volume\n", command->names[i]);
	return command->count > 0 && !command->force ? 1 : 0;
}

// The command as one text. NULL: out of memory.
static char *command_text(const struct volume_command *command)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	fprintf(stream, "%s -%s%s%s", command->name, command->quiet ? "q" : "",
	        command->force ? "f" : "", command->all ? "a" : "");
	for (size_t i = 0; i < command->count; i++)
		fprintf(stream, " %s", command->names[i]);
	if (command->made_up[0])
		fprintf(stream, " %s", command->made_up);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int volume_command_write(const struct volume_command *command, const char *path, struct error *err)
{
	char *text = command_text(command);
	json_t *config = text
		? json_pack("{s:{s:s}}", "annotations", VOLUME_COMMAND_ANNOTATION, text)
		: NULL;
	int result = config ? json_dump_file(config, path, JSON_COMPACT) : -1;

	json_decref(config);
	free(text);
	return result < 0 ? error_set_errno(err, errno, "cannot write %s", path) : 0;
}
