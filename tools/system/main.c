// SPDX-License-Identifier: MIT
//
// /system, the program of the system container: it brings images into the folder /incoming.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/inherited.h"
#include "tools/common/log.h"
#include "tools/common/workdir.h"
#include "tools/system/commit.h"
#include "tools/system/import.h"
#include "tools/system/incoming.h"
#include "tools/system/load.h"
#include "tools/system/login.h"
#include "tools/system/network.h"
#include "tools/system/pull.h"
#include "tools/system/report.h"

#define EXIT_USAGE 125

static const char usage_text[] =
	"usage: system load\n"
	"         an archive of images on stdin\n"
	"       system pull REFERENCE [PLATFORM [DIGEST...]]\n"
	"         credentials on stdin: X-Registry-Auth, decoded, or {}; DIGEST: what is there\n"
	"       system login HOST\n"
	"         {\"username\":NAME,\"password\":TEXT} on stdin: does the registry take them?\n"
	"       system import REFERENCE [MESSAGE [URL [CHANGE...]]]\n"
	"         a file system's archive on stdin, or at the URL; CHANGE: of a Dockerfile\n"
	"       system commit [REFERENCE]\n"
	"         what the image is to be, and a container's files, in frames on stdin\n"
	"The images come into the folder /incoming (SYSTEM_INCOMING: another). docs/engine.md\n";

static int import_run(int argc, char **argv, const char *directory, struct error *err)
{
	const struct import_wanted wanted = {
		.reference = argv[2],
		.message = argc > 3 ? argv[3] : "",
		.url = argc > 4 ? argv[4] : "",
		.changes = (const char *const *)argv + (argc > 5 ? 5 : argc),
	};

	return import(STDIN_FILENO, &wanted, directory, err);
}

static int command_run(int argc, char **argv, const char *directory, struct error *err)
{
	if (strcmp(argv[1], "load") == 0)
		return load(STDIN_FILENO, directory, err);
	if (strcmp(argv[1], "import") == 0)
		return import_run(argc, argv, directory, err);
	if (strcmp(argv[1], "login") == 0)
		return login(STDIN_FILENO, argv[2], directory, err);
	if (strcmp(argv[1], "commit") == 0)
		return commit(STDIN_FILENO, argc > 2 ? argv[2] : "", directory, err);
	return pull(argv[2], argc > 3 ? argv[3] : "", (const char *const *)argv + 4,
	            argc > 4 ? (unsigned)argc - 4 : 0, directory, err);
}

int main(int argc, char **argv)
{
	const char *directory = getenv("SYSTEM_INCOMING");
	struct error err;
	char *work;
	int result;

	inherited_mend();
	// No setlocale(): see apply_all() in layer.c.
	log_init("system");
	log_quiet();
	signal(SIGPIPE, SIG_IGN);
	if (!(argc == 2 && strcmp(argv[1], "load") == 0) &&
	    !(argc >= 3 && strcmp(argv[1], "import") == 0) &&
	    !(argc >= 2 && argc <= 3 && strcmp(argv[1], "commit") == 0) &&
	    !(argc == 3 && strcmp(argv[1], "login") == 0) &&
	    !(argc >= 3 && strcmp(argv[1], "pull") == 0)) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	if (!directory)
		directory = "/incoming";
	if (asprintf(&work, "%s/" INCOMING_WORK, directory) < 0)
		return report_error("out of memory");
	directory_remove(work);
	result = directory_create(work, &err);
	if (result == 0)
		result = network_prepare(&err);
	if (result == 0)
		result = command_run(argc, argv, directory, &err);
	network_forget();
	directory_remove(work);
	free(work);
	return result < 0 ? report_error(err.text) : 0;
}
