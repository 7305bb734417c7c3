// SPDX-License-Identifier: MIT
//
// Listings, long names and chains of links, and a folder that is gone.
#include <dirent.h>
#include <limits.h>

#include "calls.h"
#include "kinds.h"

#define MANY 1000u

static void types(void)
{
	struct dirent *entry;
	struct stat found;
	DIR *folder;

	fresh("types");
	for (unsigned k = 1; k < COUNT(kinds); k++)
		kind_make(kinds[k], kinds[k]);
	folder = opendir(".");
	for (unsigned k = 1; k < COUNT(kinds); k++) {
		rewinddir(folder);
		while ((entry = readdir(folder)) != NULL) {
			if (strcmp(entry->d_name, kinds[k]) != 0)
				continue;
			call(entry->d_type, "type of a %s", kinds[k]);
			call(lstat(entry->d_name, &found) == 0 && found.st_ino == entry->d_ino,
			     "its inode number is that of lstat");
		}
	}
	closedir(folder);
}

static void many(void)
{
	static struct {
		long at;
		char name[64];
	} seen[MANY + 3];
	struct dirent *entry;
	char name[64];
	unsigned count = 0, wrong = 0;
	DIR *folder;

	fresh("many");
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "a-rather-long-name-of-a-file-%u", i);
		must(mknod(name, S_IFREG | 0644, 0) == 0, name);
	}
	folder = opendir(".");
	while (seen[count].at = telldir(folder), (entry = readdir(folder)) != NULL)
		snprintf(seen[count++].name, sizeof(name), "%.63s", entry->d_name);
	call(count, "entries");
	for (unsigned i = 0; i < count; i += 37) {
		seekdir(folder, seen[i].at);
		entry = readdir(folder);
		wrong += entry == NULL || strcmp(entry->d_name, seen[i].name) != 0;
	}
	call(wrong, "seeks that lead elsewhere");
	rewinddir(folder);
	for (count = 0; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.' && unlink(entry->d_name) == 0;
	call(count, "removed while listed");
	rewinddir(folder);
	for (count = 0; readdir(folder) != NULL;)
		count++;
	call(count, "left");
	closedir(folder);
}

static void long_names(void)
{
	static const unsigned lengths[] = { 1, 254, 255, 256, 1000 };
	char text[5000];

	fresh("long");
	for (unsigned i = 0; i < COUNT(lengths); i++) {
		memset(text, 'n', lengths[i]);
		text[lengths[i]] = 0;
		printf("%u bytes: ", lengths[i]);
		part(access(text, F_OK), "access");
		part(mkdir(text, 0755), "mkdir");
		part(rmdir(text), "rmdir");
		part(symlink("t", text), "symlink");
		part(rename(text, "second"), "rename");
		part(link("second", text), "link");
		call(unlink(text), "unlink");
		clear("second");
	}
	call(mkdir("\xff\xfe\x80", 0755), "a name that is no text");
	call(mkdir("\001\n\033 \\\"", 0755), "control characters");
	call(symlink("", "s"), "a link to nothing");
	for (unsigned length = 4093; length <= 4097; length++) {
		memset(text, 't', length);
		text[length] = 0;
		part(symlink(text, "s"), "a link of %u bytes", length);
		call(readlink("s", text, sizeof(text)), "read");
		clear("s");
		memset(text, '/', length);
		memcpy(text, ".", 1);
		memcpy(text + length - 1, "f", 2);
		call(access(text, F_OK), "a path of %u bytes", length);
	}
}

static void chains(void)
{
	char from[16], to[16];

	fresh("chains");
	file_make("l0", "end", 0644);
	for (unsigned i = 1; i <= 42; i++) {
		snprintf(from, sizeof(from), "l%u", i);
		snprintf(to, sizeof(to), "l%u", i - 1);
		must(symlink(to, from) == 0, from);
		if (i >= 39)
			call(access(from, R_OK), "%u links", i);
	}
	must(symlink("deep", "d") == 0, "d");
	call(mkdir("d", 0755), "mkdir through a link to nothing");
	call(open_once("d", O_CREAT | O_WRONLY), "creat through it");
	call(access("deep", F_OK), "what that made");
}

static void removed(void)
{
	struct stat found;
	char path[PATH_MAX];
	int folder, file;

	fresh("removed");
	must(mkdir("d", 0755) == 0 && chdir("d") == 0, "d");
	folder = open(".", O_RDONLY | O_DIRECTORY);
	file = open("f", O_RDWR | O_CREAT, 0644);
	must(unlink("f") == 0, "f");
	call(rmdir("../d"), "rmdir of the working folder");
	call(fstat(folder, &found), "fstat");
	call(found.st_nlink, "its links");
	call(openat(folder, "n", O_CREAT | O_WRONLY, 0644), "creat");
	call(mkdirat(folder, "n", 0755), "mkdir");
	call(symlinkat("t", folder, "n"), "symlink");
	call(mkfifoat(folder, "n", 0644), "mkfifo");
	call(open(".", O_TMPFILE | O_RDWR, 0644), "O_TMPFILE");
	call(fstatat(folder, "n", &found, 0), "stat of none");
	call(getcwd(path, sizeof(path)) == NULL ? -1 : 0, "getcwd");
	call(stat("..", &found), "stat of the one above");
	call(fchmod(folder, 0700), "fchmod");
	call(futimens(folder, NULL), "futimens");
	errno = 0;
	call(readdir(fdopendir(folder)) != NULL, "entries");
	call(errno, "errno");
	call(write(file, "abc", 3), "write to its file");
	call(fchmod(file, 0600), "fchmod of it");
	call(ftruncate(file, 1), "ftruncate of it");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	call(open_once(path, O_RDWR), "opened again");
	call(linkat(AT_FDCWD, path, AT_FDCWD, "../again", AT_SYMLINK_FOLLOW), "linked again");
	close(file);
}

void calls_of_listings(void)
{
	types();
	many();
	long_names();
	chains();
	removed();
}
