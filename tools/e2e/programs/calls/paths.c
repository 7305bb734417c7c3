// SPDX-License-Identifier: MIT
//
// What each call says of each kind of thing that may be at a path.
#include "calls.h"
#include "kinds.h"

static const struct {
	const char *name;
	int flags;
} ways[] = { { "RDONLY", O_RDONLY },
	     { "WRONLY", O_WRONLY },
	     { "RDWR", O_RDWR },
	     { "CREAT", O_WRONLY | O_CREAT },
	     { "CREAT|EXCL", O_WRONLY | O_CREAT | O_EXCL },
	     { "TRUNC", O_WRONLY | O_TRUNC },
	     { "RDONLY|TRUNC", O_RDONLY | O_TRUNC },
	     { "CREAT|TRUNC", O_WRONLY | O_CREAT | O_TRUNC },
	     { "APPEND", O_WRONLY | O_APPEND },
	     { "DIRECTORY", O_RDONLY | O_DIRECTORY },
	     { "DIRECTORY|WRONLY", O_WRONLY | O_DIRECTORY },
	     { "CREAT|DIRECTORY", O_RDONLY | O_CREAT | O_DIRECTORY },
	     { "NOFOLLOW", O_RDONLY | O_NOFOLLOW },
	     { "CREAT|NOFOLLOW", O_WRONLY | O_CREAT | O_NOFOLLOW },
	     { "PATH", O_PATH },
	     { "PATH|NOFOLLOW", O_PATH | O_NOFOLLOW },
	     { "DIRECT", O_RDONLY | O_DIRECT },
	     { "NOATIME", O_RDONLY | O_NOATIME },
	     { "TMPFILE", O_RDWR | O_TMPFILE },
	     { "TMPFILE|RDONLY", O_RDONLY | O_TMPFILE },
	     { "access 3", 3 } };

void calls_of_opens(void)
{
	struct stat found;

	fresh("opens");
	for (unsigned k = 0; k < COUNT(kinds); k++) {
		for (unsigned w = 0; w < COUNT(ways); w++) {
			kind_make(kinds[k], "x");
			part(open_once("x", ways[w].flags), "open %s %s", kinds[k], ways[w].name);
			call(stat("x", &found) == 0 && S_ISREG(found.st_mode) ? found.st_size : -1,
			     "size then");
			kind_remove("x");
		}
	}
}

static const struct timespec times[2] = { { 1, 2 }, { 3, 4 } };
static char buffer[64];
static int here;

static long try_names(unsigned which, const char *path)
{
	switch (which) {
	case 0: return unlink(path);
	case 1: return rmdir(path);
	case 2: return mkdir(path, 0755);
	case 3: return mkfifo(path, 0644);
	case 4: return mknod(path, S_IFREG | 0644, 0);
	case 5: return symlink("to", path);
	case 6: return link(path, "other");
	case 7: return linkat(AT_FDCWD, path, AT_FDCWD, "other", AT_SYMLINK_FOLLOW);
	case 8: return rename(path, "other");
	case 9: return rename(path, path);
	case 10: return open_once(path, O_WRONLY | O_CREAT);
	default: return chdir(path) == 0 ? fchdir(here) : -1;
	}
}

static long try_inodes(unsigned which, const char *path)
{
	struct stat found;

	switch (which) {
	case 0: return stat(path, &found);
	case 1: return lstat(path, &found);
	case 2: return truncate(path, 3);
	case 3: return chmod(path, 0600);
	case 4: return chown(path, 5, 6);
	case 5: return lchown(path, 5, 6);
	case 6: return utimensat(AT_FDCWD, path, times, 0);
	case 7: return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
	case 8: return readlink(path, buffer, sizeof(buffer));
	default: return access(path, R_OK | W_OK | X_OK);
	}
}

static const char *const names[] = { "unlink",           "rmdir",          "mkdir",
	                             "mkfifo",           "mknod",          "symlink",
	                             "link from",        "link, followed", "rename from",
	                             "rename to itself", "creat",          "chdir" };
static const char *const inodes[] = {
	"stat",   "lstat",     "truncate",        "chmod",    "chown",
	"lchown", "utimensat", "utimensat, link", "readlink", "access"
};

void calls_of_paths(void)
{
	static const char *const forms[] = { "x", "x/", "x/.", "x/..", "x/y", "x/y/z" };

	fresh("paths");
	here = open(".", O_PATH);
	for (unsigned k = 0; k < COUNT(kinds); k++) {
		for (unsigned f = 0; f < COUNT(forms); f++) {
			for (unsigned n = 0; n < COUNT(names); n++) {
				kind_make(kinds[k], "x");
				call(try_names(n, forms[f]), "%s %s of a %s", names[n], forms[f],
				     kinds[k]);
				kind_remove("x");
				clear("other");
			}
			kind_make(kinds[k], "x");
			for (unsigned i = 0; i < COUNT(inodes); i++)
				call(try_inodes(i, forms[f]), "%s %s of a %s", inodes[i], forms[f],
				     kinds[k]);
			kind_remove("x");
		}
	}
	close(here);
}
