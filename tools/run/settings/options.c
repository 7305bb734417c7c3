// SPDX-License-Identifier: MIT
#include "tools/run/settings/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libs/base/closest.h"
#include "tools/run/settings/flags.h"

#define LINUXRUN "LINUXRUN_"
#define STARINA "STARINA_"
#define MAX_SHOWN 200

static const char *const variables[NUM_OPTIONS] = {
	[OPTION_IMAGE] = LINUXRUN "IMAGE",
	[OPTION_IMAGES] = LINUXRUN "IMAGES",
	[OPTION_ENTRYPOINT] = LINUXRUN "ENTRYPOINT",
	[OPTION_ARGS] = LINUXRUN "ARGS",
	[OPTION_ENV] = LINUXRUN "ENV",
	[OPTION_ENV_FILE] = LINUXRUN "ENV_FILE",
	[OPTION_MEMORY] = LINUXRUN "MEMORY",
	[OPTION_CPUS] = LINUXRUN "CPUS",
	[OPTION_DISK] = LINUXRUN "DISK",
	[OPTION_DISK_FILE] = LINUXRUN "DISK_FILE",
	[OPTION_PORTS] = LINUXRUN "PORTS",
	[OPTION_USER] = LINUXRUN "USER",
	[OPTION_WORKDIR] = LINUXRUN "WORKDIR",
	[OPTION_HOSTNAME] = LINUXRUN "HOSTNAME",
	[OPTION_READONLY] = LINUXRUN "READONLY",
	[OPTION_TTY] = LINUXRUN "TTY",
	[OPTION_KERNEL] = LINUXRUN "KERNEL",
	[OPTION_STOP_TIMEOUT] = LINUXRUN "STOP_TIMEOUT",
	[OPTION_VOLUMES] = LINUXRUN "VOLUMES",
	[OPTION_TMPFS] = LINUXRUN "TMPFS",
	[OPTION_SHM_SIZE] = LINUXRUN "SHM_SIZE",
	[OPTION_SMP] = STARINA "SMP",
	[OPTION_QUIET] = STARINA "QUIET",
	[OPTION_APP_PORTS] = STARINA "APP_PORTS",
};

// Variables that others read: settings.c, the image tool, setup.sh, the tests.
static const char *const other_variables[] = {
	STARINA "MEMORY",    STARINA "HTTP_PORT", STARINA "APPEND", STARINA "CPU",
	STARINA "QEMU_ARGS", STARINA "NO_BUILD",  STARINA "CACHE",  STARINA "MIRROR",
	STARINA "ROOT",      STARINA "BUILD",     STARINA "LOCK",   STARINA "TEST_CACHE",
	STARINA "MACHINE",   STARINA "DISK",      STARINA "SHARES", STARINA "KEEP",
	STARINA "CA",
};
#define NUM_OTHERS (sizeof(other_variables) / sizeof(other_variables[0]))

// --- Values -------------------------------------------------------------------------------------

const char *option_text(const struct option *option)
{
	static char text[64 + MAX_SHOWN];
	char value[MAX_SHOWN];

	error_printable(value, sizeof(value), option->value ? option->value : "");
	if (option->is_flag && strcmp(value, "true") == 0)
		return option->name;
	snprintf(text, sizeof(text), "%s%c%s", option->name, option->is_flag ? ' ' : '=', value);
	return text;
}

bool option_is_on(const struct options *options, enum option_id id)
{
	const char *value = options->values[id].value;

	return value && strcmp(value, "true") == 0;
}

// How the flag is written in errors: by its long name.
static const char *flag_text(const struct flag *flag)
{
	static char names[NUM_OPTIONS][32];
	char *name = names[flag->effect == FLAG_SETS ? flag->target : OPTION_PORTS];

	snprintf(name, sizeof(names[0]), "--%s", flag->name);
	return name;
}

static int list_add(struct option_list *list, const char *item, struct error *err)
{
	const char **grown = realloc(list->items, (list->count + 1) * sizeof(*grown));

	if (!grown)
		return error_set(err, "out of memory");
	list->items = grown;
	grown[list->count++] = item;
	return 0;
}

// The variable is one text with commas, so all flags together are one, too.
static int ports_add(struct options *options, const char *name, const char *value,
                     struct error *err)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", options->ports ? options->ports : "",
	             options->ports ? "," : "", value) < 0)
		return error_set(err, "out of memory");
	free(options->ports);
	options->ports = joined;
	options->values[OPTION_PORTS] =
		(struct option){ .value = joined, .name = name, .is_flag = true };
	return 0;
}

// --- Flags --------------------------------------------------------------------------------------

static int flag_refuse(const struct flag *flag, const char *value, struct error *err)
{
	char printable[MAX_SHOWN];

	if (flag_is_harmless(flag, value))
		return 0;
	error_printable(printable, sizeof(printable), value);
	if (flag->type == FLAG_SWITCH || !flag->harmless)
		return error_set(err, "--%s is not possible here: %s", flag->name, flag->why);
	return error_set(err, "--%s %s is not possible here: %s", flag->name, printable, flag->why);
}

static int flag_apply(struct options *options, const struct flag *flag, const char *value,
                      struct error *err)
{
	if (flag_value_check(flag, &value, err) < 0)
		return -1;
	switch (flag->effect) {
	case FLAG_ACCEPTED: return 0;
	case FLAG_REFUSED: return flag_refuse(flag, value, err);
	case FLAG_ADDS:
		if (flag->target == LIST_PUBLISH)
			return ports_add(options, flag_text(flag), value, err);
		return list_add(&options->lists[flag->target], value, err);
	case FLAG_SETS:
		// As for docker, an empty text is none. An empty entrypoint stands for itself.
		if (!value[0] && flag->type == FLAG_TEXT && flag->target != OPTION_ENTRYPOINT)
			value = NULL;
		options->values[flag->target] =
			(struct option){ .value = value, .name = flag_text(flag), .is_flag = true };
	}
	return 0;
}

static int unknown_flag(const char *word, struct error *err)
{
	char printable[MAX_SHOWN];
	const char *nearest = NULL;
	char name[MAX_SHOWN];

	error_printable(printable, sizeof(printable), word);
	if (word[1] == '-') {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(printable + 2, "="),
		         printable + 2);
		nearest = flag_nearest(name);
	}
	return error_set(err, "the option %s is unknown%s%s%s; ./run.sh --help lists them all",
	                 printable, nearest ? "; did you mean --" : "", nearest ? nearest : "",
	                 nearest ? "?" : "");
}

static int missing_value(const char *text, struct error *err)
{
	return error_set(err, "the option %s lacks its value; see ./run.sh --help", text);
}

// --NAME, --NAME=VALUE or --NAME VALUE at argv[*index], which is moved past it.
static int long_flag(struct options *options, char **argv, int *index, struct error *err)
{
	const char *word = argv[*index];
	size_t length = strcspn(word + 2, "=");
	const char *value = word[2 + length] ? word + 2 + length + 1 : NULL;
	const struct flag *flag = flag_find(word + 2, length);

	if (!flag)
		return unknown_flag(word, err);
	if (!value && flag->type == FLAG_SWITCH)
		value = "true";
	if (!value)
		value = argv[++*index];
	if (!value)
		return missing_value(word, err);
	++*index;
	return flag_apply(options, flag, value, err);
}

// -it, -t=false, -eK=V, -e K=V at argv[*index], which is moved past it.
static int short_flags(struct options *options, char **argv, int *index, struct error *err)
{
	const char *at = argv[*index] + 1;
	bool last = false;

	while (*at && !last) {
		const struct flag *flag = flag_find_letter(*at);
		const char text[] = { '-', *at, '\0' };
		const char *value = "true";

		if (!flag)
			return unknown_flag(argv[*index], err);
		last = at[1] == '=' || flag->type != FLAG_SWITCH;
		if (last) {
			value = at[1] ? at + 1 + (at[1] == '=') : argv[++*index];
			if (!value)
				return missing_value(text, err);
		}
		if (flag_apply(options, flag, value, err) < 0)
			return -1;
		at++;
	}
	++*index;
	return 0;
}

// --- The words that are not flags: IMAGE [COMMAND...] --------------------------------------------

// What somebody writes who takes run.sh for docker, or a switch's value for a word of its own.
static const char *image_hint(const char *word)
{
	static const char *const commands[] = {
		"attach",  "build", "builder", "buildx", "commit",  "compose", "container",
		"context", "cp",    "create",  "diff",   "events",  "exec",    "export",
		"history", "image", "images",  "import", "info",    "inspect", "kill",
		"load",    "login", "logout",  "logs",   "network", "pause",   "plugin",
		"port",    "ps",    "pull",    "push",   "rename",  "restart", "rm",
		"rmi",     "save",  "search",  "start",  "stats",   "stop",    "system",
		"tag",     "top",   "unpause", "update", "version", "wait",
	};

	if (strcmp(word, "run") == 0)
		return "run.sh is docker's `run` already: leave the word out, as in ./run.sh alpine";
	if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
		return "the value of an option such as --rm stands behind a \"=\": --rm=true";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(word, commands[i]) == 0)
			return "a command of docker's; run.sh only runs containers. If it is an image, "
			       "write docker:// before its name";
	return NULL;
}

static int command_take(struct options *options, char **words, int count, struct error *err)
{
	struct option *image = &options->values[OPTION_IMAGE];
	char printable[MAX_SHOWN];

	if (count == 0)
		return 0;
	error_printable(printable, sizeof(printable), words[0]);
	if (image_hint(words[0]))
		return error_set(err, "\"%s\" is not an image: %s", printable,
		                 image_hint(words[0]));
	if (words[0][0] == '/' || words[0][0] == '.')
		return error_set(
			err,
			"\"%s\" is not an image name; write file://PATH for a `docker save` "
			"archive or oci://PATH for an OCI layout",
			printable);
	// As docker has it: a name alone is one of a registry.
	if (asprintf(&options->image, "%s%s", strstr(words[0], "://") ? "" : "docker://",
	             words[0]) < 0) {
		options->image = NULL;
		return error_set(err, "out of memory");
	}
	*image = (struct option){ .value = options->image, .name = "the image", .is_flag = true };
	if (count > 1) {
		options->command = words + 1;
		options->num_command = (size_t)count - 1;
	}
	return 0;
}

static int flags_read(struct options *options, int argc, char **argv, struct error *err)
{
	int index = 1;

	// Alone, -h asks for help: as docker's, it needs a name.
	if (argc == 2 && strcmp(argv[1], "-h") == 0) {
		options->values[OPTION_HELP].value = "true";
		return 0;
	}
	while (index < argc && argv[index][0] == '-' && argv[index][1]) {
		if (strcmp(argv[index], "--") == 0) {
			index++;
			break;
		}
		if (argv[index][1] == '-' ? long_flag(options, argv, &index, err) < 0
		                          : short_flags(options, argv, &index, err) < 0)
			return -1;
	}
	return command_take(options, argv + index, argc - index, err);
}

// --- Variables ----------------------------------------------------------------------------------

// The variable number `i` of NUM_OPTIONS + NUM_OTHERS; NULL: that option has none.
static const char *variable_at(size_t i)
{
	return i < NUM_OPTIONS ? variables[i] : other_variables[i - NUM_OPTIONS];
}

// Only what stands behind the prefix can be mistyped: all have that in common.
static int variable_refuse(const char *name, size_t prefix, struct error *err)
{
	struct closest closest = { 0 };

	for (size_t i = 0; i < NUM_OPTIONS + NUM_OTHERS; i++)
		if (variable_at(i) && strncmp(variable_at(i), name, prefix) == 0)
			closest_offer(&closest, name + prefix, strlen(name + prefix),
			              variable_at(i) + prefix);
	return error_set(err, "%s is not a setting%s%.*s%s%s; ./run.sh --help lists them", name,
	                 closest.name ? "; did you mean " : "", closest.name ? (int)prefix : 0,
	                 name, closest.name ? closest.name : "", closest.name ? "?" : "");
}

// A misspelt setting must not be one without effect.
static int variable_check(const char *entry, struct error *err)
{
	char name[MAX_SHOWN];
	size_t prefix = 0;

	if (strncmp(entry, LINUXRUN, strlen(LINUXRUN)) == 0)
		prefix = strlen(LINUXRUN);
	else if (strncmp(entry, STARINA, strlen(STARINA)) == 0)
		prefix = strlen(STARINA);
	if (prefix == 0)
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(entry, "="), entry);
	for (size_t i = 0; i < NUM_OPTIONS + NUM_OTHERS; i++)
		if (variable_at(i) && strcmp(variable_at(i), name) == 0)
			return 0;
	return variable_refuse(name, prefix, err);
}

int options_read(struct options *options, int argc, char **argv, struct error *err)
{
	*options = (struct options){ 0 };
	for (char **entry = environ; *entry; entry++)
		if (variable_check(*entry, err) < 0)
			return -1;
	for (size_t i = 0; i < NUM_OPTIONS; i++) {
		const char *value = variables[i] ? getenv(variables[i]) : NULL;

		options->values[i].name = variables[i];
		if (value && value[0])
			options->values[i].value = value;
	}
	return flags_read(options, argc, argv, err);
}

void options_deinit(struct options *options)
{
	for (size_t i = 0; i < NUM_LISTS; i++)
		free(options->lists[i].items);
	free(options->ports);
	free(options->image);
	*options = (struct options){ 0 };
}
