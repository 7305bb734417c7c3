// SPDX-License-Identifier: MIT
#include "tools/run/settings/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "LINUXRUN_"
#define MAX_SHOWN 200

static const char *const variables[NUM_OPTIONS] = {
	[OPTION_IMAGE] = PREFIX "IMAGE",
	[OPTION_IMAGES] = PREFIX "IMAGES",
	[OPTION_ENTRYPOINT] = PREFIX "ENTRYPOINT",
	[OPTION_ARGS] = PREFIX "ARGS",
	[OPTION_ENV] = PREFIX "ENV",
	[OPTION_ENV_FILE] = PREFIX "ENV_FILE",
	[OPTION_MEMORY] = PREFIX "MEMORY",
	[OPTION_CPUS] = PREFIX "CPUS",
	[OPTION_DISK] = PREFIX "DISK",
	[OPTION_DISK_FILE] = PREFIX "DISK_FILE",
	[OPTION_PORTS] = PREFIX "PORTS",
	[OPTION_USER] = PREFIX "USER",
	[OPTION_WORKDIR] = PREFIX "WORKDIR",
	[OPTION_HOSTNAME] = PREFIX "HOSTNAME",
	[OPTION_READONLY] = PREFIX "READONLY",
	[OPTION_TTY] = PREFIX "TTY",
	[OPTION_KERNEL] = PREFIX "KERNEL",
	[OPTION_STOP_TIMEOUT] = PREFIX "STOP_TIMEOUT",
	[OPTION_SMP] = "STARINA_SMP",
};

enum flag_kind {
	FLAG_VALUE,  // --flag VALUE sets an option
	FLAG_BOOL,  // --flag or --flag=true
	FLAG_ENV,
	FLAG_ENV_FILE,
	FLAG_PUBLISH,
	FLAG_LOG,
	FLAG_GDB,
	FLAG_HELP,
	FLAG_INTERACTIVE,
	FLAG_NOTHING,  // what docker has to be told is so here anyway
	FLAG_REFUSED,  // docker's, and without a meaning here
};

struct flag {
	const char *name;
	char letter;  // '\0': none
	enum flag_kind kind;
	enum option_id option;
	const char *why;  // FLAG_REFUSED
};

static const struct flag flags[] = {
	{ "env", 'e', FLAG_ENV, OPTION_ENV, NULL },
	{ "env-file", '\0', FLAG_ENV_FILE, OPTION_ENV_FILE, NULL },
	{ "publish", 'p', FLAG_PUBLISH, OPTION_PORTS, NULL },
	{ "memory", 'm', FLAG_VALUE, OPTION_MEMORY, NULL },
	{ "cpus", '\0', FLAG_VALUE, OPTION_CPUS, NULL },
	{ "user", 'u', FLAG_VALUE, OPTION_USER, NULL },
	{ "workdir", 'w', FLAG_VALUE, OPTION_WORKDIR, NULL },
	{ "hostname", 'h', FLAG_VALUE, OPTION_HOSTNAME, NULL },
	{ "entrypoint", '\0', FLAG_VALUE, OPTION_ENTRYPOINT, NULL },
	{ "disk", '\0', FLAG_VALUE, OPTION_DISK, NULL },
	{ "disk-file", '\0', FLAG_VALUE, OPTION_DISK_FILE, NULL },
	{ "kernel", '\0', FLAG_VALUE, OPTION_KERNEL, NULL },
	{ "stop-timeout", '\0', FLAG_VALUE, OPTION_STOP_TIMEOUT, NULL },
	{ "smp", '\0', FLAG_VALUE, OPTION_SMP, NULL },
	{ "read-only", '\0', FLAG_BOOL, OPTION_READONLY, NULL },
	{ "tty", 't', FLAG_BOOL, OPTION_TTY, NULL },
	{ "interactive", 'i', FLAG_INTERACTIVE, OPTION_TTY, NULL },
	{ "rm", '\0', FLAG_NOTHING, OPTION_IMAGE, NULL },
	{ "log", '\0', FLAG_LOG, OPTION_IMAGE, NULL },
	{ "gdb", '\0', FLAG_GDB, OPTION_IMAGE, NULL },
	{ "help", '\0', FLAG_HELP, OPTION_IMAGE, NULL },
	{ "volume", 'v', FLAG_REFUSED, OPTION_IMAGE,
	  "there are no shared folders yet; data is kept in a --disk-file" },
	{ "mount", '\0', FLAG_REFUSED, OPTION_IMAGE,
	  "there are no shared folders yet; data is kept in a --disk-file" },
	{ "detach", 'd', FLAG_REFUSED, OPTION_IMAGE,
	  "the container ends with run.sh; let the shell keep it in the background with &" },
	{ "name", '\0', FLAG_REFUSED, OPTION_IMAGE,
	  "containers have no names: each run is a machine of its own" },
	{ "network", '\0', FLAG_REFUSED, OPTION_IMAGE, "each container has one network, that of the OS" },
	{ "privileged", '\0', FLAG_REFUSED, OPTION_IMAGE, "capabilities are docker's default set" },
	{ "cap-add", '\0', FLAG_REFUSED, OPTION_IMAGE, "capabilities are docker's default set" },
	{ "cap-drop", '\0', FLAG_REFUSED, OPTION_IMAGE, "capabilities are docker's default set" },
	{ "platform", '\0', FLAG_REFUSED, OPTION_IMAGE, "it is linux/riscv64 always, so leave it out" },
	{ "restart", '\0', FLAG_REFUSED, OPTION_IMAGE, "a container runs once" },
	{ "net", '\0', FLAG_REFUSED, OPTION_IMAGE, "each container has one network, that of the OS" },
	{ "ip", '\0', FLAG_REFUSED, OPTION_IMAGE, "another address is had with STARINA_APPEND=linuxrun.address=A" },
	{ "dns", '\0', FLAG_REFUSED, OPTION_IMAGE, "names are resolved as the host resolves them" },
	{ "add-host", '\0', FLAG_REFUSED, OPTION_IMAGE, "/etc/hosts has the container's own name only" },
	{ "publish-all", 'P', FLAG_REFUSED, OPTION_IMAGE, "name each port with --publish" },
	{ "init", '\0', FLAG_REFUSED, OPTION_IMAGE, "the command is the container's first process" },
	{ "pull", '\0', FLAG_REFUSED, OPTION_IMAGE, "the registry is asked for the newest in each run, so leave it out" },
	{ "tmpfs", '\0', FLAG_REFUSED, OPTION_IMAGE, "without --disk all that is written is in memory" },
	{ "shm-size", '\0', FLAG_REFUSED, OPTION_IMAGE, "/dev/shm has 64 MiB" },
	{ "ulimit", '\0', FLAG_REFUSED, OPTION_IMAGE, "limits are docker's default ones" },
	{ "security-opt", '\0', FLAG_REFUSED, OPTION_IMAGE, "only no-new-privileges is there, and set for all users but root" },
	{ "device", '\0', FLAG_REFUSED, OPTION_IMAGE, "the container's machine has no other devices" },
	{ "gpus", '\0', FLAG_REFUSED, OPTION_IMAGE, "the container's machine has no other devices" },
};

// --- Values -------------------------------------------------------------------------------------

const char *option_text(const struct option *option)
{
	static char text[64 + MAX_SHOWN];
	char value[MAX_SHOWN];

	error_printable(value, sizeof(value), option->value ? option->value : "");
	snprintf(text, sizeof(text), "%s%c%s", option->name, option->is_flag ? ' ' : '=', value);
	return text;
}

static void option_set(struct options *options, const struct flag *flag, const char *name, const char *value)
{
	(void)name;
	options->values[flag->option] = (struct option){ .value = value, .name = name, .is_flag = true };
}

static int list_add(const char ***items, size_t *count, const char *item, struct error *err)
{
	const char **grown = realloc(*items, (*count + 1) * sizeof(*grown));

	if (!grown)
		return error_set(err, "out of memory");
	*items = grown;
	grown[(*count)++] = item;
	return 0;
}

static int ports_add(struct options *options, const struct flag *flag, const char *name, const char *value,
                     struct error *err)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", options->ports ? options->ports : "", options->ports ? "," : "", value) < 0)
		return error_set(err, "out of memory");
	free(options->ports);
	options->ports = joined;
	option_set(options, flag, name, joined);
	return 0;
}

// --- Flags --------------------------------------------------------------------------------------

static bool takes_value(const struct flag *flag)
{
	switch (flag->kind) {
	case FLAG_VALUE:
	case FLAG_ENV:
	case FLAG_ENV_FILE:
	case FLAG_PUBLISH:
	case FLAG_LOG: return true;
	default: return false;
	}
}

// Applies a flag that has its value, or none (NULL). `name` is how the flag is written.
static int flag_apply(struct options *options, const struct flag *flag, const char *name, const char *value,
                      struct error *err)
{
	switch (flag->kind) {
	case FLAG_VALUE:
	case FLAG_BOOL: option_set(options, flag, name, value ? value : "true"); break;
	case FLAG_ENV: return list_add(&options->env, &options->num_env, value, err);
	case FLAG_ENV_FILE: return list_add(&options->env_files, &options->num_env_files, value, err);
	case FLAG_PUBLISH: return ports_add(options, flag, name, value, err);
	case FLAG_LOG: options->log_path = value; break;
	case FLAG_GDB: options->gdb = true; break;
	case FLAG_HELP: options->help = true; break;
	case FLAG_INTERACTIVE: options->interactive = true; break;
	case FLAG_NOTHING: break;
	case FLAG_REFUSED: return error_set(err, "%s is not possible here: %s", name, flag->why);
	}
	return 0;
}

static int unknown_flag(const char *word, struct error *err)
{
	return error_set(err, "the option %s is unknown; ./run.sh --help lists them all", word);
}

// How the flag is written in errors: by its long name.
static const char *flag_name(const struct flag *flag)
{
	static char names[sizeof(flags) / sizeof(flags[0])][24];
	char *name = names[flag - flags];

	snprintf(name, sizeof(names[0]), "--%s", flag->name);
	return name;
}

// --NAME, --NAME=VALUE or --NAME VALUE at argv[*index], which is moved past it.
static int long_flag(struct options *options, char **argv, int *index, struct error *err)
{
	const char *word = argv[*index];
	size_t length = strcspn(word + 2, "=");
	const char *value = word[2 + length] ? word + 2 + length + 1 : NULL;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		const struct flag *flag = &flags[i];

		if (strlen(flag->name) != length || strncmp(flag->name, word + 2, length) != 0)
			continue;
		if (!value && takes_value(flag)) {
			value = argv[++*index];
			if (!value)
				return error_set(err, "the option --%s lacks its value; see ./run.sh --help", flag->name);
		} else if (value && !takes_value(flag) && flag->kind != FLAG_BOOL && flag->kind != FLAG_REFUSED) {
			return error_set(err, "the option --%s takes no value", flag->name);
		}
		++*index;
		return flag_apply(options, flag, flag_name(flag), value, err);
	}
	return unknown_flag(word, err);
}

static const struct flag *letter_find(char letter)
{
	for (size_t i = 0; letter && i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].letter == letter)
			return &flags[i];
	return NULL;
}

// -it, -eK=V, -e K=V at argv[*index], which is moved past it.
static int short_flags(struct options *options, char **argv, int *index, struct error *err)
{
	for (const char *at = argv[*index] + 1; *at; at++) {
		const struct flag *flag = letter_find(*at);
		const char *value = NULL;

		if (!flag)
			return unknown_flag(argv[*index], err);
		if (takes_value(flag)) {
			value = at[1] ? at + 1 + (at[1] == '=') : argv[++*index];
			if (!value)
				return error_set(err, "the option -%c lacks its value; see ./run.sh --help", *at);
		}
		if (flag_apply(options, flag, flag_name(flag), value, err) < 0)
			return -1;
		if (value)
			break;
	}
	++*index;
	return 0;
}

// The words that are no flags: IMAGE [COMMAND...].
static int command_take(struct options *options, char **words, int count, struct error *err)
{
	struct option *image = &options->values[OPTION_IMAGE];

	if (count == 0)
		return 0;
	if (words[0][0] == '/' || words[0][0] == '.')
		return error_set(err,
		                 "\"%s\" is no image name; write file://PATH for a `docker save` archive or oci://PATH for "
		                 "an OCI layout",
		                 words[0]);
	// As docker has it: a name alone is one of a registry.
	if (asprintf(&options->image, "%s%s", strstr(words[0], "://") ? "" : "docker://", words[0]) < 0) {
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
		options->help = true;
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

// A misspelt setting must not be one without effect.
static int unknown_variables_check(struct error *err)
{
	for (char **entry = environ; *entry; entry++) {
		size_t length = strcspn(*entry, "=");
		bool found = false;

		if (strncmp(*entry, PREFIX, strlen(PREFIX)) != 0)
			continue;
		for (size_t i = 0; i < NUM_OPTIONS && !found; i++)
			found = strlen(variables[i]) == length && strncmp(*entry, variables[i], length) == 0;
		if (!found)
			return error_set(err, "%.*s is no setting; ./run.sh --help lists them", (int)length, *entry);
	}
	return 0;
}

int options_read(struct options *options, int argc, char **argv, struct error *err)
{
	*options = (struct options){ 0 };
	if (unknown_variables_check(err) < 0)
		return -1;
	for (size_t i = 0; i < NUM_OPTIONS; i++) {
		const char *value = getenv(variables[i]);

		options->values[i].name = variables[i];
		if (value && value[0])
			options->values[i].value = value;
	}
	return flags_read(options, argc, argv, err);
}

void options_deinit(struct options *options)
{
	free(options->env);
	free(options->env_files);
	free(options->ports);
	free(options->image);
	*options = (struct options){ 0 };
}
