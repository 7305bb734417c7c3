// SPDX-License-Identifier: MIT
//
// Owners and modes: who may change them, when setuid and setgid go, and what new things get.
#include <sys/mman.h>
#include <sys/xattr.h>

#include "calls.h"

static void chowns(void)
{
	static const int ids[][2] = { { -1, -1 },       { OWNER, -1 }, { -1, OWNER }, { -1, GROUP },
		                      { OWNER, GROUP }, { OTHER, -1 }, { -1, OTHER }, { 0, 0 } };
	static const char *const things[] = { "f", "d", "l", "p" };

	fresh("owners");
	for (unsigned i = 0; i < COUNT(things) * COUNT(ids) * COUNT(people); i++) {
		const char *thing = things[i % COUNT(things)];
		const int *id = ids[i / COUNT(things) % COUNT(ids)];
		const struct person *person = &people[i / COUNT(things) / COUNT(ids)];

		become(&people[0]);
		if (thing[0] == 'f')
			file_make("f", "f", 0644);
		else if (thing[0] == 'd')
			must(mkdir("d", 0755) == 0, "d");
		else
			must((thing[0] == 'l' ? symlink("to", "l") : mkfifo("p", 0644)) == 0,
			     thing);
		must(lchown(thing, OWNER, OWNER) == 0, thing);
		must(thing[0] == 'l' || chmod(thing, 06755) == 0, thing);
		become(person);
		part(lchown(thing, (uid_t)id[0], (gid_t)id[1]), "chown to %d, %d by %s", id[0],
		     id[1], person->name);
		owners_part(thing);
		putchar('\n');
		become(&people[0]);
		clear(thing);
	}
}

static int write_once(int flags)
{
	int file = open("f", O_WRONLY | flags);
	long done = file < 0 ? -1 : write(file, "w", 1);

	close(file);
	return done < 0 ? -1 : 0;
}

static int write_mapped(int file)
{
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	if (at == MAP_FAILED)
		return -1;
	at[0] = 'm';
	return msync(at, 4096, MS_SYNC) == 0 ? munmap(at, 4096) : -1;
}

static int copy_into(int file)
{
	int from = open("source", O_RDONLY);
	long done = copy_file_range(from, NULL, file, NULL, 3, 0);

	close(from);
	return done < 0 ? -1 : 0;
}

static const char *const steps[] = { "write",     "append",      "open",          "open TRUNC",
	                             "truncate",  "same size",   "ftruncate",     "fallocate",
	                             "punch",     "copy",        "write nothing", "pwrite behind",
	                             "map",       "chown -1 -1", "chgrp",         "link",
	                             "utimensat", "setxattr",    "write SYNC" };

static int with_file(unsigned step)
{
	int file = open("f", O_RDWR);
	int result;

	if (file < 0)
		return -1;
	switch (step) {
	case 6: result = ftruncate(file, 1); break;
	case 7: result = fallocate(file, 0, 0, 100); break;
	case 8: result = fallocate(file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 2); break;
	case 9: result = copy_into(file); break;
	case 10: result = write(file, "", 0) < 0 ? -1 : 0; break;
	case 11: result = pwrite(file, "p", 1, 10) < 0 ? -1 : 0; break;
	default: result = write_mapped(file); break;
	}
	close(file);
	return result;
}

static int step_run(unsigned step)
{
	switch (step) {
	case 0: return write_once(0);
	case 1: return write_once(O_APPEND);
	case 2: return open_once("f", O_WRONLY);
	case 3: return open_once("f", O_WRONLY | O_TRUNC);
	case 4: return truncate("f", 1);
	case 5: return truncate("f", 7);
	case 13: return chown("f", (uid_t)-1, (gid_t)-1);
	case 14: return chown("f", (uid_t)-1, GROUP);
	case 15: return link("f", "g");
	case 16: return utimensat(AT_FDCWD, "f", NULL, 0);
	case 17: return setxattr("f", "user.x", "1", 1, 0);
	case 18: return write_once(O_SYNC);
	default: return with_file(step);
	}
}

static void set_ids(void)
{
	static const unsigned modes[] = { 04777, 02777, 06777, 02767, 06711, 02644, 01777 };

	fresh("set-ids");
	must(chmod(".", 0777) == 0, ".");
	file_make("source", "source", 0644);
	for (unsigned i = 0; i < COUNT(modes) * COUNT(steps) * COUNT(people); i++) {
		unsigned mode = modes[i / COUNT(people) / COUNT(steps)];
		unsigned step = i / COUNT(people) % COUNT(steps);

		become(&people[0]);
		file_make("f", "content", 0644);
		must(chown("f", OWNER, GROUP) == 0 && chmod("f", mode) == 0, "f");
		become(&people[i % COUNT(people)]);
		part(step_run(step), "%s of %04o by %s", steps[step], mode,
		     people[i % COUNT(people)].name);
		owners_part("f");
		putchar('\n');
		become(&people[0]);
		clear("f");
		clear("g");
	}
}

static void chmods(void)
{
	static const unsigned modes[] = { 0, 01644, 02755, 04755, 07777, 02644 };

	fresh("chmods");
	must(chmod(".", 0777) == 0, ".");
	for (unsigned i = 0; i < COUNT(modes) * COUNT(people) * 4; i++) {
		unsigned mode = modes[i / COUNT(people) / 4];

		become(&people[0]);
		if (i % 2 == 0)
			file_make("f", "", 0600);
		else
			must(mkdir("f", 0700) == 0, "f");
		must(chown("f", OWNER, i / 2 % 2 == 0 ? OTHER : GROUP) == 0, "f");
		become(&people[i / 4 % COUNT(people)]);
		part(chmod("f", mode), "chmod %o by %s", mode, people[i / 4 % COUNT(people)].name);
		owners_part("f");
		putchar('\n');
		become(&people[0]);
		clear("f");
	}
}

static void made_part(void)
{
	static const char *const names[] = { "f", "x", "s", "d", "p", "l", "n", "o" };

	close(open("f", O_CREAT | O_WRONLY, 0666));
	close(open("x", O_CREAT | O_WRONLY, 02775));
	close(open("s", O_CREAT | O_WRONLY, 06777));
	part(mkdir("d", 0777), "mkdir");
	part(mkfifo("p", 0666), "mkfifo");
	part(symlink("t", "l"), "symlink");
	part(mknod("n", S_IFREG | 02771, 0), "mknod");
	part(mkdir("o", 07777), "mkdir");
	for (unsigned n = 0; n < COUNT(names); n++)
		owners_part(names[n]);
	putchar('\n');
}

static void made(void)
{
	static const unsigned masks[] = { 0, 022, 0777 }, folders[] = { 0777, 02777, 02755 };

	for (unsigned i = 0; i < COUNT(masks) * COUNT(folders) * COUNT(people); i++) {
		unsigned mask = masks[i / COUNT(people) % COUNT(masks)];
		unsigned mode = folders[i / COUNT(people) / COUNT(masks)];

		fresh("made");
		must(mkdir("d", 0777) == 0 && chown("d", OWNER, GROUP) == 0, "d");
		must(chmod("d", mode) == 0 && chdir("d") == 0, "d");
		become(&people[i % COUNT(people)]);
		umask(mask);
		printf("%s in %04o, umask %03o: ", people[i % COUNT(people)].name, mode, mask);
		made_part();
	}
}

void calls_of_owners(void)
{
	chowns();
	chmods();
}

void calls_of_set_ids(void)
{
	set_ids();
	made();
}
