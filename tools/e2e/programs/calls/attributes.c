// SPDX-License-Identifier: MIT
//
// Extended attributes.
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "calls.h"

static char value[70000], list[4096];

static void names(void)
{
	static const char *const wanted[] = {
		"user.a", "user.", "user", "", "system.a", "other.a"
	};
	static const char *const things[] = { "f", "d", "l", "p", "c" };

	for (unsigned i = 0; i < COUNT(wanted) * COUNT(things); i++) {
		const char *thing = things[i / COUNT(wanted)], *name = wanted[i % COUNT(wanted)];

		printf("%s, %s: ", thing, name);
		part(lsetxattr(thing, name, "val", 3, 0), "set");
		part(lgetxattr(thing, name, list, sizeof(list)), "get");
		part(llistxattr(thing, list, sizeof(list)), "list");
		call(lremovexattr(thing, name), "remove");
	}
}

static void sizes(void)
{
	static const unsigned wanted[] = { 0, 1, 100, 1000, 3000, 65537 };
	char name[300];

	for (unsigned i = 0; i < COUNT(wanted); i++) {
		part(setxattr("f", "user.big", value, wanted[i], 0), "%u bytes", wanted[i]);
		call(getxattr("f", "user.big", NULL, 0), "get");
		(void)!removexattr("f", "user.big");
	}
	for (unsigned length = 254; length <= 256; length++) {
		memset(name, 'n', sizeof(name));
		memcpy(name, "user.", 5);
		name[length] = 0;
		call(setxattr("f", name, "v", 1, 0), "a name of %u bytes", length);
	}
}

void calls_of_attributes(void)
{
	fresh("attributes");
	memset(value, 'v', sizeof(value));
	file_make("f", "f", 0644);
	must(symlink("f", "l") == 0 && mkdir("d", 0755) == 0 && mkfifo("p", 0644) == 0, "l");
	must(mknod("c", S_IFCHR | 0644, makedev(1, 3)) == 0, "c");
	names();
	sizes();
	call(setxattr("f", "user.r", "1", 1, XATTR_REPLACE), "REPLACE of none");
	call(setxattr("f", "user.r", "1", 1, XATTR_CREATE), "CREATE");
	call(setxattr("f", "user.r", "1", 1, XATTR_CREATE), "CREATE of one that is there");
	call(setxattr("f", "user.r", "22", 2, XATTR_REPLACE), "REPLACE");
	call(setxattr("f", "user.r", "1", 1, 4), "flag 4");
	call(getxattr("f", "user.r", value, 1), "a value that is too long");
	call(getxattr("f", "user.r", NULL, 0), "its length");
	call(listxattr("f", list, 3), "a list that is too long");
	call(setxattr("f", "user.e", "", 0, 0), "an empty value");
	call(getxattr("f", "user.e", value, 10), "its length");
	must(link("f", "g") == 0 && rename("g", "h") == 0, "g");
	call(getxattr("h", "user.r", value, 10), "by another name");
}
