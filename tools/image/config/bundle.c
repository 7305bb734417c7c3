// SPDX-License-Identifier: MIT
#include "tools/image/config/bundle.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image/config/environment.h"
#include "tools/image/json_input.h"
#include "tools/image/pack/packed_image.h"
#include "tools/image/config/image_user.h"
#include "tools/image/config/volumes.h"
#include "tools/image/config/words.h"
#include "libs/linux/vm/bootd_protocol.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define DEFAULT_TERM "xterm"  // as docker's
#define DEFAULT_HOSTNAME "starina"
#define HOSTS_ANNOTATION \
	"dev.starina.hosts"  // lines that are added to /etc/hosts; CONFIG_HOSTS_ANNOTATION of bootd
// It must fit into one frame of the guest's control port.
#define MAX_BUNDLE_SIZE (CONTROL_MAX_BODY - 4096)

// Neither capabilities, limits, mounts nor masked paths are named: bootd (guest/bootd/config.c)
// then takes what `docker run` gives a container, some of which depends on the user. The virtual
// machine stands for the network namespace.
static const char template_json[] =
	"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"linux\":{\"namespaces\":["
	"{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"uts\"},{\"type\":\"ipc\"},{\"type\":\"cgroup\"}]}}";

json_t *image_config_read(const char *directory, struct error *err)
{
	char *path;
	char *text = malloc(JSON_MAX_SIZE);
	FILE *file = NULL;
	json_t *document = NULL;
	size_t length;

	if (!text || asprintf(&path, "%s/" PACK_CONFIG, directory) < 0) {
		free(text);
		error_set(err, "out of memory");
		return NULL;
	}
	file = fopen(path, "re");
	if (!file) {
		error_set(err, "%s is missing: %s is not a packed image", path, directory);
	} else {
		length = fread(text, 1, JSON_MAX_SIZE, file);
		document = json_parse(text, length, path, err);
		fclose(file);
	}
	free(path);
	free(text);
	return document;
}

static int words_extend(json_t *args, const char *text, const char *setting, struct error *err)
{
	json_t *words = words_split(text, err);

	if (!words)
		return error_prefix(err, "%s", setting);
	json_array_extend(args, words);
	json_decref(words);
	return 0;
}

// Appends a word as it is; an empty one stands for none.
static int word_append(json_t *args, const char *word, struct error *err)
{
	if (word[0] && json_array_append_new(args, json_string(word)) < 0)
		return error_set(err, "the entrypoint \"%.100s\" is not valid UTF-8", word);
	return 0;
}

static int image_words_extend(json_t *args, const json_t *config, const char *key,
                              struct error *err)
{
	json_t *value = json_object_get(config, key);
	json_t *words = json_get_strings(config, key);
	const char *word = json_get_string(config, key);

	// As docker reads it, a string is one word, not a line for a shell.
	if (word)
		return word_append(args, word, err);
	if (value && !json_is_null(value) && !words)
		return error_set(err, "the image's %s is not a list of strings", key);
	if (words)
		json_array_extend(args, words);
	return 0;
}

// Docker's way to say that there is none.
static bool is_empty_word(const json_t *words)
{
	const char *word = json_array_size(words) == 1 ? json_string_value(json_array_get(words, 0))
						       : NULL;

	return word && !word[0];
}

// Entrypoint and Cmd, or what stands for them.
static json_t *args_make(const json_t *config, const struct bundle_options *options,
                         struct error *err)
{
	json_t *args = json_array();
	int result;

	if (options->entrypoint_word)
		result = word_append(args, options->entrypoint_word, err);
	else if (options->entrypoint)
		result = words_extend(args, options->entrypoint, "LINUXRUN_ENTRYPOINT", err);
	else if (is_empty_word(json_object_get(config, "Entrypoint")))
		result = 0;
	else
		result = image_words_extend(args, config, "Entrypoint", err);
	if (result == 0 && options->command)
		json_array_extend(args, (json_t *)(uintptr_t)options->command);
	else if (result == 0 && options->args)
		result = words_extend(args, options->args, "LINUXRUN_ARGS", err);
	else if (result == 0 && !options->entrypoint && !options->entrypoint_word)
		result = image_words_extend(args, config, "Cmd", err);
	if (result == 0 && json_array_size(args) == 0)
		result = error_set(
			err,
			"there is nothing to run: the image has no Entrypoint and no Cmd; "
			"give a command after the image, or set LINUXRUN_ENTRYPOINT");
	if (result < 0) {
		json_decref(args);
		return NULL;
	}
	return args;
}

// Applies `changes` to `env`. `whose` names them in errors.
static int env_apply(json_t *env, const json_t *changes, const char *whose, struct error *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(changes, i,
	                   item) if (environment_set(env, json_string_value(item), err) <
	                             0) return error_prefix(err, "%s", whose);
	return 0;
}

// The image's variables; one that is not an assignment is left out, as docker does.
static int env_apply_image(json_t *env, const json_t *config, struct error *err)
{
	json_t *list = json_get_strings(config, "Env");
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(item);

		if (text[0] != '=' && strchr(text, '=') && environment_set(env, text, err) < 0)
			return error_prefix(err, "the image's environment");
	}
	return 0;
}

static json_t *env_make(const json_t *config, const struct bundle_options *options,
                        const char *home, const char *hostname, struct error *err)
{
	json_t *env = json_array();

	if (environment_set_pair(env, "PATH", DEFAULT_PATH, err) < 0 ||
	    environment_set_pair(env, "HOSTNAME", hostname, err) < 0 ||
	    (options->terminal && environment_set_pair(env, "TERM", DEFAULT_TERM, err) < 0) ||
	    env_apply_image(env, config, err) < 0 ||
	    env_apply(env, options->env, "the environment", err) < 0 ||
	    (!environment_has(env, "HOME") && environment_set_pair(env, "HOME", home, err) < 0)) {
		json_decref(env);
		return NULL;
	}
	return env;
}

static json_t *user_make(const struct user *user)
{
	json_t *groups = json_array();
	json_t *object;

	// The primary one too: so no setgid program can leave it. (As docker does.)
	json_array_append_new(groups, json_integer(user->gid));
	for (size_t i = 0; i < user->num_groups; i++)
		if (user->groups[i] != user->gid)
			json_array_append_new(groups, json_integer(user->groups[i]));
	object = json_pack("{s:I, s:I, s:o}", "uid", (json_int_t)user->uid, "gid",
	                   (json_int_t)user->gid, "additionalGids", groups);
	return object;
}

static json_t *rlimit_value(long long limit)
{
	// RLIM_INFINITY, which JSON's integers do not hold.
	return limit < 0 ? json_real(18446744073709551615.0) : json_integer(limit);
}

static void rlimit_put(json_t *rlimits, const char *type, long long soft, long long hard,
                       bool replace)
{
	json_t *limit;
	size_t i;

	json_array_foreach(rlimits, i, limit)
	{
		if (strcmp(json_string_value(json_object_get(limit, "type")), type) != 0)
			continue;
		if (!replace)
			return;
		json_array_remove(rlimits, i);
		break;
	}
	json_array_append_new(rlimits,
	                      json_pack("{s:s, s:o, s:o}", "type", type, "soft", rlimit_value(soft),
	                                "hard", rlimit_value(hard)));
}

int bundle_rlimit_add(json_t *rlimits, const char *text)
{
	char name[16];
	char type[32] = "RLIMIT_";
	long long soft, hard;

	if (sscanf(text, "%15[a-z]=%18lld:%18lld", name, &soft, &hard) != 3)
		return -1;
	for (size_t i = 0; name[i]; i++)
		type[7 + i] = (char)toupper((unsigned char)name[i]);
	rlimit_put(rlimits, type, soft, hard, true);
	return 0;
}

// All that hold: a list in config.json stands for Docker's own (default_rlimits of bootd).
static json_t *rlimits_make(const json_t *wanted)
{
	json_t *rlimits = json_copy((json_t *)(uintptr_t)wanted);

	rlimit_put(rlimits, "RLIMIT_NOFILE", 1048576, 1048576, false);
	rlimit_put(rlimits, "RLIMIT_NPROC", -1, -1, false);
	rlimit_put(rlimits, "RLIMIT_CORE", -1, -1, false);
	rlimit_put(rlimits, "RLIMIT_SIGPENDING", -1, -1, false);
	return rlimits;
}

// As Docker has it: a user other than root may get them by a setuid program only.
static json_t *capabilities_make(const char *names, bool root)
{
	json_t *set = json_array();
	json_t *none = json_array();
	json_t *start = root ? set : none;
	json_t *object;

	while (*names) {
		size_t length = strcspn(names, ",");

		json_array_append_new(set, json_stringn(names, length));
		names += length + (names[length] == ',');
	}
	object = json_pack("{s:O, s:O, s:O}", "bounding", set, "permitted", start, "effective",
	                   start);
	json_decref(set);
	json_decref(none);
	return object;
}

// The working directory as JSON; NULL with `err`.
static json_t *cwd_make(const json_t *config, const struct bundle_options *options,
                        struct error *err)
{
	const char *cwd = options->workdir ? options->workdir
					   : json_get_string(config, "WorkingDir");
	json_t *text;

	if (!cwd || !cwd[0])
		cwd = "/";
	text = json_string(cwd);
	if (cwd[0] == '/' && text)
		return text;
	error_set(err, "the working directory \"%.200s\" is %s", cwd,
	          text ? "not absolute" : "not valid UTF-8");
	json_decref(text);
	return NULL;
}

static json_t *process_make(const json_t *config, const struct bundle_options *options,
                            const char *directory, const char *hostname, struct error *err)
{
	const char *user_text = options->user ? options->user : json_get_string(config, "User");
	struct user user;
	json_t *process = NULL;
	json_t *cwd = NULL;
	json_t *args = NULL;
	json_t *env = NULL;

	if (user_resolve(&user, user_text ? user_text : "", directory, err) == 0 &&
	    (cwd = cwd_make(config, options, err)) && (args = args_make(config, options, err)))
		env = env_make(config, options, user.home, hostname, err);
	if (env)
		process = json_pack("{s:b, s:{s:i, s:i}, s:o, s:O, s:O, s:O}", "terminal",
		                    options->terminal, "consoleSize", "height", (int)options->rows,
		                    "width", (int)options->columns, "user", user_make(&user),
		                    "args", args, "env", env, "cwd", cwd);
	if (process && options->no_new_privileges)
		json_object_set_new(process, "noNewPrivileges", json_true());
	if (process && options->capabilities)
		json_object_set_new(process, "capabilities",
		                    capabilities_make(options->capabilities, user.uid == 0));
	if (process && json_array_size(options->rlimits) > 0)
		json_object_set_new(process, "rlimits", rlimits_make(options->rlimits));
	if (process && options->has_oom_score_adj)
		json_object_set_new(process, "oomScoreAdj", json_integer(options->oom_score_adj));
	user_deinit(&user);
	json_decref(cwd);
	json_decref(args);
	json_decref(env);
	return process;
}

// The files that a runtime provides: bootd writes them over the image's (CONFIG_FILE_ANNOTATION in
// guest/bootd/config.h). On a network, bootd writes /etc/hosts itself, and /etc/resolv.conf if it
// is not among the annotations (network.c).
static void files_add(json_t *annotations, const char *hostname, const char *more_hosts)
{
	size_t domain = strcspn(hostname, ".");

	json_object_set_new(annotations, "dev.starina.file:/etc/hostname",
	                    json_sprintf("%s\n", hostname));
	// Without an address of its own to give it, the name is the loopback's, as Debian has it.
	json_object_set_new(annotations, "dev.starina.file:/etc/hosts",
	                    json_sprintf("127.0.0.1\tlocalhost\n"
	                                 "::1\tlocalhost ip6-localhost ip6-loopback\n"
	                                 "127.0.1.1\t%s%s%.*s\n%s",
	                                 hostname, hostname[domain] ? " " : "",
	                                 hostname[domain] ? (int)domain : 0, hostname,
	                                 more_hosts ? more_hosts : ""));
}

static void volumes_add(json_t *annotations, const json_t *config)
{
	json_t *volumes = volumes_list(config);
	char *text = json_array_size(volumes) > 0 ? json_dumps(volumes, JSON_COMPACT) : NULL;

	if (text)
		json_object_set_new(annotations, CONTROL_VOLUMES_ANNOTATION, json_string(text));
	free(text);
	json_decref(volumes);
}

// What does not decide how the process starts is kept as annotations. (OCI image spec,
// conversion.md)
static json_t *annotations_make(const json_t *config, const json_t *wanted, const char *hostname)
{
	json_t *annotations = json_object();
	const char *stop_signal = json_get_string(config, "StopSignal");

	files_add(annotations, hostname,
	          json_string_value(json_object_get(wanted, HOSTS_ANNOTATION)));
	volumes_add(annotations, config);
	json_object_set_new(annotations, "org.opencontainers.image.os", json_string("linux"));
	json_object_set_new(annotations, "org.opencontainers.image.architecture",
	                    json_string("riscv64"));
	if (stop_signal)
		json_object_set_new(annotations, "org.opencontainers.image.stopSignal",
		                    json_string(stop_signal));
	if (wanted)
		json_object_update(annotations, (json_t *)(uintptr_t)wanted);
	return annotations;
}

static json_t *resources_make(const struct bundle_options *options)
{
	json_t *resources = json_object();

	if (options->cpu_quota)
		json_object_set_new(resources, "cpu",
		                    json_pack("{s:i, s:i}", "quota", (int)options->cpu_quota,
		                              "period", CPU_PERIOD));
	if (options->pids_limit)
		json_object_set_new(resources, "pids",
		                    json_pack("{s:i}", "limit", (int)options->pids_limit));
	return resources;
}

static bool hostname_is_valid(const char *hostname)
{
	size_t length = strlen(hostname);

	for (const char *c = hostname; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return false;
	return length > 0 && length <= 64 && hostname[0] != '-';
}

char *bundle_from_image(const json_t *image, const char *directory,
                        const struct bundle_options *options, struct error *err)
{
	const char *hostname = options->hostname ? options->hostname : DEFAULT_HOSTNAME;
	const json_t *config = json_object_get(image, "config");
	json_t *bundle;
	json_t *process;
	char *text;

	if (!hostname_is_valid(hostname)) {
		error_set(
			err,
			"the host name \"%.100s\" is none: letters, digits, -, _ and . are possible, 64 at most",
			hostname);
		return NULL;
	}
	process = process_make(config, options, directory, hostname, err);
	if (!process)
		return NULL;
	bundle = json_loads(template_json, 0, NULL);
	json_object_set_new(bundle, "process", process);
	json_object_set_new(bundle, "hostname", json_string(hostname));
	json_object_set_new(bundle, "annotations",
	                    annotations_make(config, options->annotations, hostname));
	json_object_set_new(json_object_get(bundle, "root"), "readonly",
	                    json_boolean(options->readonly));
	if (options->domainname)
		json_object_set_new(bundle, "domainname", json_string(options->domainname));
	if (options->cpu_quota || options->pids_limit)
		json_object_set_new(json_object_get(bundle, "linux"), "resources",
		                    resources_make(options));
	text = json_dumps(bundle, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(bundle);
	if (!text) {
		error_set(err, "out of memory");
	} else if (strlen(text) > MAX_BUNDLE_SIZE) {
		error_set(err,
		          "arguments and environment are too large: config.json would have %zu "
		          "bytes, %u are possible",
		          strlen(text), MAX_BUNDLE_SIZE);
		free(text);
		text = NULL;
	}
	return text;
}

char *bundle_make(const char *directory, const struct bundle_options *options, struct error *err)
{
	json_t *image = image_config_read(directory, err);
	char *text = image ? bundle_from_image(image, directory, options, err) : NULL;

	json_decref(image);
	return text;
}
