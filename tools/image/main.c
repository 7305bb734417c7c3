// SPDX-License-Identifier: MIT
//
// starina-image: container images for Starina's VMs.
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/inherited.h"
#include "tools/common/log.h"
#include "tools/common/workdir.h"
#include "tools/image/config/bundle.h"
#include "tools/image/cache.h"
#include "tools/image/config/environment.h"
#include "tools/image/pack/index.h"
#include "tools/image/source/oci.h"
#include "tools/image/pack/pack.h"

#define EXIT_ERROR 125
#define CONFIG_MOUNT_ANNOTATION "dev.starina."

static const char usage_text[] =
	"usage: starina-image resolve REFERENCE\n"
	"         prints the directory of the packed image, from the cache or made now;\n"
	"         REFERENCE is docker://NAME, file://PATH or oci://PATH[:NAME]\n"
	"       starina-image pack LAYOUT OUTPUT\n"
	"         packs an OCI layout directory into the directory OUTPUT\n"
	"       starina-image index OUTPUT [NAME=IMAGE...]\n"
	"         writes " INDEX_FILE " and " INDEX_DISK
	", one disk of the packed images, into the directory OUTPUT\n"
	"       starina-image config [OPTION...] IMAGE FILE\n"
	"         writes the container's config.json for the packed image IMAGE\n"
	"         --entrypoint=WORDS or --entrypoint-word=WORD, --args=WORDS or --arg=WORD...\n"
	"         --env=K=V,... --env-item=K=V --env-file=PATH, in their order\n"
	"         --user=USER[:GROUP] --workdir=DIR --hostname=NAME --readonly\n"
	"         --cpu-share=CPUS, such as 1.5; --pids-limit=N\n"
	"         --domainname=NAME --annotation=KEY=VALUE... --mount=KIND:VALUE/PATH...\n"
	"         --no-new-privileges --oom-score-adj=N\n"
	"         --ulimit=NAME=SOFT:HARD... --capabilities=CAP_NAME,...\n"
	"         --terminal=ROWSxCOLUMNS\n";

static int fail(const struct error *err)
{
	log_error("%s", err->text);
	return EXIT_ERROR;
}

static int usage(void)
{
	fputs(usage_text, stderr);
	return EXIT_ERROR;
}

static int command_resolve(const char *reference)
{
	struct error err;
	char *cache = cache_directory(&err);
	char *image = cache ? cache_resolve(cache, reference, &err) : NULL;

	free(cache);
	if (!image)
		return fail(&err);
	puts(image);
	free(image);
	return fflush(stdout) == 0 ? 0 : EXIT_ERROR;
}

static int command_pack(const char *path, const char *output)
{
	struct oci_layout layout;
	struct oci_image image;
	struct error err;
	int result = -1;

	if (directory_create(output, &err) < 0 || oci_open(&layout, path, path, &err) < 0)
		return fail(&err);
	if (oci_select(&layout, NULL, &image, &err) == 0) {
		result = pack_image(&layout, &image, output, output, &err);
		oci_image_deinit(&image);
	}
	oci_close(&layout);
	return result < 0 ? fail(&err) : 0;
}

// "1.500" CPUs: microseconds of processor time in each CPU_PERIOD.
static bool cpu_share_parse(const char *text, unsigned *quota)
{
	unsigned whole, thousandths;
	char end;

	if (sscanf(text, "%2u.%3u%c", &whole, &thousandths, &end) != 2 ||
	    strlen(text) - strcspn(text, ".") != 4)
		return false;
	*quota = (whole * 1000 + thousandths) * (CPU_PERIOD / 1000);
	return *quota > 0;
}

// KEY=VALUE.
static int annotation_add(json_t *annotations, const char *text, struct error *err)
{
	const char *equals = strchr(text, '=');
	char *key = equals ? strndup(text, (size_t)(equals - text)) : NULL;
	int result = key ? json_object_set_new(annotations, key, json_string(equals + 1)) : -1;

	free(key);
	return result < 0 ? error_set(err, "the annotation \"%.100s\" is not valid UTF-8", text)
			  : 0;
}

// KIND:VALUE/PATH: what is mounted at a path of the container, as bootd has it
// (guest/bootd/config.h).
static int mount_add(json_t *annotations, const char *text, struct error *err)
{
	size_t kind = strcspn(text, ":");
	size_t value = strcspn(text, "/");
	json_t *string = kind < value ? json_stringn(text + kind + 1, value - kind - 1) : NULL;
	char *key = NULL;
	int result = -1;

	if (string &&
	    asprintf(&key, CONFIG_MOUNT_ANNOTATION "%.*s:%s", (int)kind, text, text + value) >= 0)
		result = json_object_set(annotations, key, string);
	free(key);
	json_decref(string);
	return result < 0 ? error_set(err, "the path \"%.100s\" is not valid UTF-8", text + value)
			  : 0;
}

// One option of `config`. Returns 0, or -1 with `err` (empty: the option is unknown).
static int config_option(struct bundle_options *bundle, json_t *command, json_t *env,
                         json_t *annotations, json_t *rlimits, int option, struct error *err)
{
	err->text[0] = '\0';
	switch (option) {
	case 'e': bundle->entrypoint = optarg; return 0;
	case 'E': bundle->entrypoint_word = optarg; return 0;
	case 'a': bundle->args = optarg; return 0;
	case 'A':
		bundle->command = command;
		if (json_array_append_new(command, json_string(optarg)) < 0)
			return error_set(err, "the argument \"%.100s\" is not valid UTF-8", optarg);
		return 0;
	case 'v': return environment_add_list(env, optarg, err);
	case 'i': return environment_add_item(env, optarg, err);
	case 'f': return environment_add_file(env, optarg, err);
	case 'u': bundle->user = optarg; return 0;
	case 'w': bundle->workdir = optarg; return 0;
	case 'h': bundle->hostname = optarg; return 0;
	case 'r': bundle->readonly = true; return 0;
	case 'c': return cpu_share_parse(optarg, &bundle->cpu_quota) ? 0 : -1;
	case 'd': bundle->domainname = optarg; return 0;
	case 'n': return annotation_add(annotations, optarg, err);
	case 'M': return mount_add(annotations, optarg, err);
	case 'p': bundle->no_new_privileges = true; return 0;
	case 'o':
		bundle->has_oom_score_adj = true;
		return sscanf(optarg, "%5d", &bundle->oom_score_adj) == 1 ? 0 : -1;
	case 'b': bundle->capabilities = optarg; return 0;
	case 'm': return bundle_rlimit_add(rlimits, optarg);
	case 'l': return sscanf(optarg, "%9u", &bundle->pids_limit) == 1 ? 0 : -1;
	case 't':
		bundle->terminal = true;
		return sscanf(optarg, "%5ux%5u", &bundle->rows, &bundle->columns) == 2 ? 0 : -1;
	default: return -1;
	}
}

// Writes config.json for the image to `path`.
static int config_write(const char *image, const char *path, const struct bundle_options *bundle)
{
	struct error err;
	char *text = bundle_make(image, bundle, &err);
	FILE *file;

	if (!text)
		return fail(&err);
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
		error_set_errno(&err, errno, "cannot write %s", path);
		free(text);
		return fail(&err);
	}
	free(text);
	return 0;
}

static int command_config(int argc, char **argv)
{
	static const struct option options[] = {
		{ "entrypoint", required_argument, NULL, 'e' },
		{ "entrypoint-word", required_argument, NULL, 'E' },
		{ "args", required_argument, NULL, 'a' },
		{ "arg", required_argument, NULL, 'A' },
		{ "env", required_argument, NULL, 'v' },
		{ "env-item", required_argument, NULL, 'i' },
		{ "env-file", required_argument, NULL, 'f' },
		{ "user", required_argument, NULL, 'u' },
		{ "workdir", required_argument, NULL, 'w' },
		{ "hostname", required_argument, NULL, 'h' },
		{ "readonly", no_argument, NULL, 'r' },
		{ "cpu-share", required_argument, NULL, 'c' },
		{ "domainname", required_argument, NULL, 'd' },
		{ "annotation", required_argument, NULL, 'n' },
		{ "mount", required_argument, NULL, 'M' },
		{ "no-new-privileges", no_argument, NULL, 'p' },
		{ "oom-score-adj", required_argument, NULL, 'o' },
		{ "pids-limit", required_argument, NULL, 'l' },
		{ "ulimit", required_argument, NULL, 'm' },
		{ "capabilities", required_argument, NULL, 'b' },
		{ "terminal", required_argument, NULL, 't' },
		{ 0 },
	};
	json_t *command = json_array();
	json_t *env = json_array();
	json_t *annotations = json_object();
	json_t *rlimits = json_array();
	struct bundle_options bundle = { .env = env,
		                         .annotations = annotations,
		                         .rlimits = rlimits };
	struct error err;
	int option;
	int status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (config_option(&bundle, command, env, annotations, rlimits, option, &err) < 0) {
			status = err.text[0] ? fail(&err) : usage();
			goto out;
		}
	}
	status = argc - optind == 2 ? config_write(argv[optind], argv[optind + 1], &bundle)
				    : usage();
out:
	json_decref(command);
	json_decref(env);
	json_decref(annotations);
	json_decref(rlimits);
	return status;
}

static int command_index(int argc, char **argv)
{
	struct error err;

	return index_write(argv[0], argv + 1, (unsigned)argc - 1, &err) < 0 ? fail(&err) : 0;
}

int main(int argc, char **argv)
{
	inherited_mend();
	// No setlocale(): see apply_all() in layer.c.
	log_init("image");
	// As run.sh says it (STARINA_QUIET in tools/run/settings/options.c).
	if (getenv("STARINA_QUIET") && strcmp(getenv("STARINA_QUIET"), "1") == 0)
		log_quiet();
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && strcmp(argv[1], "resolve") == 0)
		return command_resolve(argv[2]);
	if (argc == 4 && strcmp(argv[1], "pack") == 0)
		return command_pack(argv[2], argv[3]);
	if (argc >= 2 && strcmp(argv[1], "config") == 0)
		return command_config(argc - 1, argv + 1);
	if (argc >= 3 && strcmp(argv[1], "index") == 0)
		return command_index(argc - 2, argv + 2);
	return usage();
}
