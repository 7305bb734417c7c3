// SPDX-License-Identifier: MIT
//
// Calls on files, each with what came of it, to be compared between file systems:
// PATH (of a folder) [PART...].
#include "calls.h"

#include <ftw.h>
#include <grp.h>
#include <stdarg.h>

const struct person people[4] = { { "root", 0, 0 },
	                          { "owner", OWNER, GROUP },
	                          { "member", OTHER, GROUP },
	                          { "other", OTHER, 0 } };

struct calls {
	const char *name;
	void (*run)(void);
};

static const struct calls parts[] = {
	{ "opens", calls_of_opens },           { "paths", calls_of_paths },
	{ "renames", calls_of_renames },       { "listings", calls_of_listings },
	{ "rights", calls_of_rights },         { "owners", calls_of_owners },
	{ "set-ids", calls_of_set_ids },       { "times", calls_of_times },
	{ "content", calls_of_content },       { "memory", calls_of_memory },
	{ "attributes", calls_of_attributes }, { "locks", calls_of_locks },
	{ "nameless", calls_of_nameless }
};

static const struct calls asked[] = { { "strangers-made", calls_of_strangers_made },
	                              { "strangers", calls_of_strangers } };

static void say(long returned, int error, const char *format, va_list arguments)
{
	vprintf(format, arguments);
	if (returned < 0)
		printf(": %s", strerrorname_np(error));
	else if (returned == 0)
		printf(": ok");
	else
		printf(": = %ld", returned);
}

void part(long returned, const char *format, ...)
{
	int error = errno;
	va_list arguments;

	va_start(arguments, format);
	say(returned, error, format, arguments);
	va_end(arguments);
	printf("; ");
}

void call(long returned, const char *format, ...)
{
	int error = errno;
	va_list arguments;

	va_start(arguments, format);
	say(returned, error, format, arguments);
	va_end(arguments);
	putchar('\n');
}

void must(bool condition, const char *what)
{
	if (condition)
		return;
	printf("%s: %s\n", what, strerrorname_np(errno));
	exit(1);
}

void become(const struct person *person)
{
	const gid_t groups[] = { person->group };

	must(seteuid(0) == 0, "seteuid(0)");
	must(setgroups(person->group != 0, groups) == 0, "setgroups");
	must(setegid(person->user) == 0 && seteuid(person->user) == 0, person->name);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)stat;
	(void)type;
	(void)walk;
	must(remove(path) == 0, path);
	return 0;
}

void clear(const char *path)
{
	if (remove(path) != 0 && errno != ENOENT)
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fresh(const char *name)
{
	static int home = -1;

	if (home < 0)
		home = open(".", O_RDONLY | O_DIRECTORY);
	become(&people[0]);
	umask(022);
	must(fchdir(home) == 0, "fchdir");
	clear(name);
	must(mkdir(name, 0755) == 0 && chdir(name) == 0, name);
	printf("[%s]\n", name);
}

void file_make(const char *path, const char *content, unsigned mode)
{
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	must(file >= 0 && write(file, content, strlen(content)) == (ssize_t)strlen(content), path);
	must(fchmod(file, mode) == 0 && close(file) == 0, path);
}

int open_once(const char *path, int flags)
{
	int file = open(path, flags | O_NONBLOCK, 0644);

	return file < 0 ? -1 : close(file);
}

void owners_part(const char *path)
{
	struct stat found;

	if (lstat(path, &found) == 0)
		printf("%s is %o of %u:%u; ", path, found.st_mode, found.st_uid, found.st_gid);
	else
		printf("%s is not there; ", path);
}

int main(int argc, char **argv)
{
	static char buffer[1 << 16];

	must(argc >= 2 && chdir(argv[1]) == 0, "PATH");
	setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
	for (unsigned i = 0; i < COUNT(parts); i++) {
		bool wanted = argc == 2;

		for (int a = 2; a < argc; a++)
			wanted = wanted || strcmp(argv[a], parts[i].name) == 0;
		if (wanted)
			parts[i].run();
	}
	for (unsigned i = 0; i < COUNT(asked); i++) {
		for (int a = 2; a < argc; a++) {
			if (strcmp(argv[a], asked[i].name) == 0)
				asked[i].run();
		}
	}
	return 0;
}
