// SPDX-License-Identifier: MIT
//
// Who may do what with files, with what is in folders, and in sticky ones.
#include <sys/xattr.h>

#include "calls.h"

static void of_files(void)
{
	static const unsigned modes[] = { 0,    0400, 0200, 0100, 0040, 0020, 0004,
		                          0002, 0001, 0644, 0755, 0111, 0070, 0007 };
	static const struct timespec set[2] = { { 7, 8 }, { 9, 10 } };
	static const struct timespec omitted[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	static const struct timespec half[2] = { { 0, UTIME_NOW }, { 0, UTIME_OMIT } };
	char value[8];

	fresh("files");
	must(chmod(".", 0777) == 0, ".");
	for (unsigned i = 0; i < COUNT(modes) * COUNT(people); i++) {
		const struct person *person = &people[i % COUNT(people)];

		become(&people[0]);
		clear("f");
		file_make("f", "#!/bin/true\n", 0644);
		must(chown("f", OWNER, GROUP) == 0 && chmod("f", modes[i / COUNT(people)]) == 0,
		     "f");
		become(person);
		printf("%s of %03o: ", person->name, modes[i / COUNT(people)]);
		part(open_once("f", O_RDONLY), "read");
		part(open_once("f", O_WRONLY), "write");
		part(open_once("f", O_RDWR), "both");
		part(open_once("f", O_RDONLY | O_NOATIME), "NOATIME");
		part(faccessat(AT_FDCWD, "f", X_OK, AT_EACCESS), "X_OK");
		part(truncate("f", 2), "truncate");
		part(utimensat(AT_FDCWD, "f", NULL, 0), "times now");
		part(utimensat(AT_FDCWD, "f", set, 0), "times set");
		part(utimensat(AT_FDCWD, "f", omitted, 0), "omitted");
		part(utimensat(AT_FDCWD, "f", half, 0), "half");
		part(setxattr("f", "user.a", "1", 1, 0), "setxattr");
		part(getxattr("f", "user.a", value, sizeof(value)), "getxattr");
		call(chmod("f", 0600), "chmod");
	}
}

static void folder_part(const struct person *person)
{
	become(person);
	part(access("d/f", F_OK), "access");
	part(open_once("d", O_RDONLY), "list");
	part(open_once("d/f", O_RDONLY), "open");
	part(open_once("d/f", O_WRONLY | O_CREAT | O_EXCL), "creat of one that is there");
	part(access("d/none", F_OK), "access of none");
	part(open_once("d/new", O_WRONLY | O_CREAT), "creat");
	part(mkdir("d/m", 0755), "mkdir");
	part(symlink("t", "d/s"), "symlink");
	part(mkfifo("d/p", 0644), "mkfifo");
	part(link("g", "d/g"), "link");
	part(link("d/f", "h"), "link out");
	part(rename("g", "d/i"), "rename in");
	part(rename("d/f", "j"), "rename out");
	part(rename("d/sub", "d/sub2"), "rename within");
	part(rmdir("d/sub"), "rmdir");
	part(unlink("d/f"), "unlink");
	call(open_once("d", O_RDWR | O_TMPFILE), "O_TMPFILE");
}

static void of_folders(void)
{
	for (unsigned i = 0; i < 8 * COUNT(people); i++) {
		const struct person *person = &people[i % COUNT(people)];
		unsigned mode = i / COUNT(people);

		fresh("folders");
		must(chmod(".", 0777) == 0 && mkdir("d", 0755) == 0 && mkdir("d/sub", 0755) == 0,
		     "d");
		file_make("d/f", "f", 0666);
		file_make("g", "g", 0666);
		must(chown("g", person->user, person->user) == 0, "g");
		must(chown("d/f", person->user, person->user) == 0, "d/f");
		must(chown("d", OWNER, GROUP) == 0 && chmod("d", mode * 0111) == 0, "d");
		printf("%s in %o: ", person->name, mode);
		folder_part(person);
	}
}

static void sticky(void)
{
	static const unsigned owners[] = { OWNER, OTHER, 0 };

	for (unsigned i = 0; i < 9 * COUNT(people); i++) {
		unsigned folder = owners[i % 3], file = owners[i / 3 % 3];

		fresh("sticky");
		must(mkdir("d", 0777) == 0 && mkdir("d/e", 0777) == 0, "d");
		file_make("d/f", "f", 0666);
		file_make("d/over", "f", 0666);
		must(chown("d/f", file, file) == 0 && chown("d/over", file, file) == 0, "d/f");
		must(chown("d/e", file, file) == 0 && chown("d", folder, folder) == 0, "d/e");
		must(chmod("d", 01777) == 0, "d");
		become(&people[i / 9]);
		file_make("d/mine", "", 0644);
		printf("%s, folder of %u, file of %u: ", people[i / 9].name, folder, file);
		part(rename("d/mine", "d/over"), "rename over");
		part(renameat2(AT_FDCWD, "d/f", AT_FDCWD, "d/e", 2), "exchange");
		part(rename("d/f", "d/g"), "rename");
		part(unlink("d/f"), "unlink");
		part(rmdir("d/e"), "rmdir");
		part(open_once("d/f", O_WRONLY), "write");
		call(link("d/over", "d/l"), "link");
	}
}

void calls_of_rights(void)
{
	of_files();
	of_folders();
	sticky();
}
