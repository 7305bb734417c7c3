// SPDX-License-Identifier: MIT
//
// Renames and links of each kind of thing onto each, and those that have rules of their own.
#include "calls.h"
#include "kinds.h"

static void describe(const char *path)
{
	struct stat found;

	if (lstat(path, &found) == 0)
		printf("%s is %o, links %u; ", path, found.st_mode & S_IFMT,
		       (unsigned)found.st_nlink);
	else
		printf("%s is not there; ", path);
}

static void rename_each(unsigned flags)
{
	for (unsigned from = 0; from < COUNT(kinds); from++) {
		for (unsigned to = 0; to < COUNT(kinds); to++) {
			must(mkdir("above", 0755) == 0, "above");
			kind_make(kinds[from], "x");
			kind_make(kinds[to], "above/y");
			part(renameat2(AT_FDCWD, "x", AT_FDCWD, "above/y", flags),
			     "rename %s to %s, flags %u", kinds[from], kinds[to], flags);
			describe("x");
			describe("above/y");
			describe("above");
			describe(".");
			putchar('\n');
			kind_remove("x");
			clear("above");
		}
	}
}

static void link_each(void)
{
	for (unsigned from = 0; from < COUNT(kinds); from++) {
		for (unsigned to = 0; to < COUNT(kinds); to++) {
			kind_make(kinds[from], "x");
			kind_make(kinds[to], "y");
			part(link("x", "y"), "link %s to %s", kinds[from], kinds[to]);
			describe("x");
			describe("y");
			putchar('\n');
			kind_remove("y");
			kind_remove("x");
		}
	}
}

static void special(void)
{
	static const char *const pairs[][2] = {
		{ "a", "a/b" }, { "a", "a/b/c/d" }, { "a/b", "a" }, { ".", "x" },
		{ "a/.", "x" }, { "a/..", "x" },    { "a", "." },   { "a", "a/b/.." },
		{ "f/", "n" },  { "f", "n/" },      { "", "n" },    { "f", "" },
		{ "f", "g" },   { "e", "n/" },      { "n/", "e/" }, { "f", "none/f" }
	};

	fresh("special");
	must(mkdir("a", 0755) == 0 && mkdir("a/b", 0755) == 0 && mkdir("a/b/c", 0755) == 0, "a");
	must(mkdir("e", 0755) == 0, "e");
	file_make("f", "f", 0644);
	must(link("f", "g") == 0, "g");
	for (unsigned i = 0; i < COUNT(pairs); i++)
		call(rename(pairs[i][0], pairs[i][1]), "rename %s to %s", pairs[i][0], pairs[i][1]);
	call(renameat2(AT_FDCWD, "a", AT_FDCWD, "a/b/c", 2), "exchange with one below");
	call(renameat2(AT_FDCWD, "a/b/c", AT_FDCWD, "a", 2), "exchange with one above");
	call(rename("a/b/c", "c"), "out of a folder");
	describe("a/b");
	describe("f");
	call(rmdir("."), "rmdir of .");
	call(rmdir("c/."), "rmdir of c/.");
	call(rmdir("c/.."), "rmdir of c/..");
	call(unlink("c"), "unlink of a folder");
	call(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), "rmdir of a file");
	call(unlinkat(AT_FDCWD, "f", 1), "unlink, flag 1");
}

// A file and a folder that others have taken the names of, and that are open.
static void replaced(void)
{
	struct stat found;
	char content[16] = "";
	int file, folder;

	fresh("replaced");
	file_make("old", "old", 0644);
	file_make("new", "newer", 0600);
	file = open("old", O_RDWR);
	call(rename("new", "old"), "rename over an open file");
	call(pread(file, content, sizeof(content), 0), "read");
	call(fchmod(file, 0604), "fchmod");
	call(fchown(file, 3, 4), "fchown");
	call(futimens(file, NULL), "futimens");
	call(ftruncate(file, 2), "ftruncate");
	call(pwrite(file, "x", 1, 9), "pwrite");
	call(fsync(file), "fsync");
	part(fstat(file, &found), "fstat");
	printf("%o of %u, %lld bytes, %u links\n", found.st_mode, found.st_uid,
	       (long long)found.st_size, (unsigned)found.st_nlink);
	close(file);
	must(mkdir("d", 0755) == 0 && mkdir("e", 0755) == 0, "d");
	folder = open("e", O_RDONLY);
	call(rename("d", "e"), "rename over an open folder");
	part(fstat(folder, &found), "fstat");
	call(found.st_nlink, "its links");
	call(openat(folder, "f", O_CREAT | O_WRONLY, 0644), "a file in it");
	close(folder);
}

void calls_of_renames(void)
{
	static const unsigned flags[] = { 0, 1, 2, 3, 8 };

	fresh("renames");
	for (unsigned f = 0; f < COUNT(flags); f++)
		rename_each(flags[f]);
	fresh("links");
	link_each();
	special();
	replaced();
}
