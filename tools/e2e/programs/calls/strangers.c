// SPDX-License-Identifier: MIT
//
// Names that another machine made: Linux does not know yet what they are when an open that may make
// a file comes to them.
#include "calls.h"
#include "kinds.h"

static const struct {
	const char *name;
	unsigned mode;
} folders[] = { { "all", 0777 }, { "sticky", 01777 }, { "roots", 0755 } };

static const struct {
	const char *name;
	int flags;
} ways[] = { { "O_RDONLY", O_RDONLY },
	     { "O_WRONLY", O_WRONLY },
	     { "O_TRUNC", O_RDWR | O_TRUNC },
	     { "O_EXCL", O_WRONLY | O_EXCL },
	     { "O_NOFOLLOW", O_WRONLY | O_NOFOLLOW } };

static const struct person *const openers[] = { &people[0], &people[3] };

typedef void (*visit_t)(const char *path, const char *kind, unsigned way, unsigned opener);

static void visit_folder(const char *folder, visit_t visit)
{
	char path[64];

	for (unsigned k = 0; k < COUNT(kinds); k++) {
		for (unsigned w = 0; w < COUNT(ways); w++) {
			for (unsigned p = 0; p < COUNT(openers); p++) {
				snprintf(path, sizeof(path), "%s/%s-%u%u", folder, kinds[k], w, p);
				visit(path, kinds[k], w, p);
			}
		}
	}
}

// A link leads to a name beside it, so this is made in the folder.
static void make_one(const char *path, const char *kind, unsigned way, unsigned opener)
{
	(void)way;
	(void)opener;
	kind_make(kind, strchr(path, '/') + 1);
}

void calls_of_strangers_made(void)
{
	fresh("strangers");
	for (unsigned i = 0; i < COUNT(folders); i++) {
		const char *name = folders[i].name;

		must(mkdir(name, 0700) == 0 && chmod(name, folders[i].mode) == 0, name);
		must(chdir(name) == 0, name);
		visit_folder(name, make_one);
		must(chdir("..") == 0, "..");
	}
}

static void open_one(const char *path, const char *kind, unsigned way, unsigned opener)
{
	struct stat found = { 0 };
	char nowhere[64];
	int file;

	become(openers[opener]);
	file = open(path, O_CREAT | ways[way].flags | O_NONBLOCK, 0644);
	if (file >= 0)
		fstat(file, &found);
	part(file < 0 ? -1 : close(file), "open %s of %s in %s by %s", ways[way].name, kind, path,
	     openers[opener]->name);
	call(found.st_size, "size");
	become(&people[0]);
	snprintf(nowhere, sizeof(nowhere), "%.*s/nowhere", (int)(strchr(path, '/') - path), path);
	clear(nowhere);
}

void calls_of_strangers(void)
{
	must(chdir("strangers") == 0, "strangers");
	for (unsigned i = 0; i < COUNT(folders); i++)
		visit_folder(folders[i].name, open_one);
}
