// SPDX-License-Identifier: MIT
//
// config.json, and passwd and group of an image, of hostile origin.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guest/bootd/config.h"
#include "guest/bootd/container_user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

// What the rest of bootd relies on.
static void check_process(const struct config_process *process)
{
	check(process->args.count > 0 && process->args.items[process->args.count] == NULL);
	check(process->env.items != NULL && process->env.items[process->env.count] == NULL);
	check(process->cwd[0] == '/');
	check(process->uid != (uid_t)-1 && process->gid != (gid_t)-1);
	for (size_t i = 0; i < process->num_groups; i++)
		check(process->groups[i] != (gid_t)-1);
	(void)config_env_get(&process->env, "PATH");
}

static void check_config(const struct config *config)
{
	for (size_t i = 0; i < config->num_mounts; i++)
		check(config->mounts[i].destination[0] == '/' && config->mounts[i].type != NULL);
	for (size_t i = 0; i < config->num_files; i++)
		check(config->files[i].key[0] == '/' && config->files[i].value != NULL);
	for (size_t i = 0; i < config->num_added; i++)
		check(config->added[i].destination[0] == '/' &&
		      (strcmp(config->added[i].type, CONFIG_TMPFS) == 0 ||
		       (config->added[i].source[0] >= '0' && config->added[i].source[0] <= '9')));
	for (size_t i = 0; i < config->volumes.count; i++)
		check(config->volumes.items[i][0] == '/');
	for (size_t i = 0; i < config->masked_paths.count; i++)
		check(config->masked_paths.items[i] != NULL);
}

static void fuzz_config(const char *text, size_t size)
{
	struct config config;
	struct failure failure = { 0 };

	if (config_parse(&config, text, size, &failure) == 0) {
		check_process(&config.process);
		check_config(&config);
		config_deinit(&config);
	} else {
		check(failure.error < 0 && failure.message[0] != '\0');
	}
	if (config_parse_process(&config, text, size, &failure) == 0) {
		check_process(&config.process);
		config_deinit(&config);
	}
}

// Three texts with a byte of 1 between them: who is asked for, passwd, group.
static void fuzz_user(const char *text, size_t size)
{
	const char *parts[3] = { "", "", "" };
	struct failure failure;
	struct user user;
	size_t length;
	char *copy = strndup(text, size);
	char *rest = copy;

	for (size_t i = 0; i < 3 && rest != NULL; i++)
		parts[i] = strsep(&rest, "\1");
	if (user_resolve(parts[0], parts[1], parts[2], &user, &failure) == 0) {
		check(user.uid != (uid_t)-1 && user.gid != (gid_t)-1 && user.num_groups > 0);
		check(user.groups[0] == user.gid);
		const char *home = user_home(parts[1], user.uid, &length);

		check(home == NULL || length <= strlen(home));
		free(user.groups);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// Of its exact size, so that a read past the end is seen.
	char *text = malloc(size > 0 ? size : 1);

	memcpy(text, data, size);
	fuzz_config(text, size);
	fuzz_user(text, size);
	free(text);
	return 0;
}
