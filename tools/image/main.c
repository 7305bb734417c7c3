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

#include "tools/common/log.h"
#include "tools/common/workdir.h"
#include "tools/image/bundle.h"
#include "tools/image/cache.h"
#include "tools/image/oci.h"
#include "tools/image/pack.h"

#define EXIT_ERROR 125

static const char usage_text[] =
	"usage: starina-image resolve REFERENCE\n"
	"         prints the directory of the packed image, from the cache or made now;\n"
	"         REFERENCE is docker://NAME, file://PATH or oci://PATH[:NAME]\n"
	"       starina-image pack LAYOUT OUTPUT\n"
	"         packs an OCI layout directory into the directory OUTPUT\n"
	"       starina-image config [OPTION...] IMAGE FILE\n"
	"         writes the container's config.json for the packed image IMAGE\n"
	"         --entrypoint=WORDS --args=WORDS --env=K=V,... --user=USER[:GROUP]\n"
	"         --workdir=DIR --hostname=NAME --readonly\n";

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

static int command_config(int argc, char **argv)
{
	static const struct option options[] = {
		{ "entrypoint", required_argument, NULL, 'e' },
		{ "args", required_argument, NULL, 'a' },
		{ "env", required_argument, NULL, 'v' },
		{ "user", required_argument, NULL, 'u' },
		{ "workdir", required_argument, NULL, 'w' },
		{ "hostname", required_argument, NULL, 'h' },
		{ "readonly", no_argument, NULL, 'r' },
		{ 0 },
	};
	struct bundle_options bundle = { 0 };
	struct error err;
	FILE *file;
	char *text;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'e': bundle.entrypoint = optarg; break;
		case 'a': bundle.args = optarg; break;
		case 'v': bundle.env = optarg; break;
		case 'u': bundle.user = optarg; break;
		case 'w': bundle.workdir = optarg; break;
		case 'h': bundle.hostname = optarg; break;
		case 'r': bundle.readonly = true; break;
		default: return usage();
		}
	}
	if (argc - optind != 2)
		return usage();
	text = bundle_make(argv[optind], &bundle, &err);
	if (!text)
		return fail(&err);
	file = fopen(argv[optind + 1], "we");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
		error_set_errno(&err, errno, "cannot write %s", argv[optind + 1]);
		free(text);
		return fail(&err);
	}
	free(text);
	return 0;
}

int main(int argc, char **argv)
{
	// No setlocale(): see apply_all() in layer.c.
	log_init("image");
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && strcmp(argv[1], "resolve") == 0)
		return command_resolve(argv[2]);
	if (argc == 4 && strcmp(argv[1], "pack") == 0)
		return command_pack(argv[2], argv[3]);
	if (argc >= 2 && strcmp(argv[1], "config") == 0)
		return command_config(argc - 1, argv + 1);
	return usage();
}
