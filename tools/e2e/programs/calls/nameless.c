// SPDX-License-Identifier: MIT
//
// Files without a name, or of which only the place is known, and sockets, FIFOs and devices.
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "calls.h"

static void made_without(void)
{
	char path[64];
	struct stat found;
	int file, folder;

	fresh("nameless");
	file = open(".", O_TMPFILE | O_RDWR, 0640);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	call(write(file, "hidden", 6), "write");
	call(fstat(file, &found), "fstat");
	call(found.st_nlink, "links");
	call(linkat(AT_FDCWD, path, AT_FDCWD, "a", AT_SYMLINK_FOLLOW), "link");
	call(linkat(AT_FDCWD, path, AT_FDCWD, "b", AT_SYMLINK_FOLLOW), "link");
	call(linkat(file, "", AT_FDCWD, "c", AT_EMPTY_PATH), "link by AT_EMPTY_PATH");
	close(file);
	file = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	call(linkat(AT_FDCWD, path, AT_FDCWD, "x", AT_SYMLINK_FOLLOW), "link of an exclusive one");
	close(file);
	folder = open(".", O_DIRECTORY);
	file = openat(folder, ".", O_TMPFILE | O_WRONLY, 0600);
	call(file < 0 ? -1 : close(file), "O_TMPFILE by a descriptor");
	close(folder);
	file_make("u", "unlinked", 0644);
	file = open("u", O_RDWR);
	must(unlink("u") == 0, "u");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	call(linkat(AT_FDCWD, path, AT_FDCWD, "v", AT_SYMLINK_FOLLOW),
	     "link of one that had a name");
	call(truncate(path, 3), "truncate");
	call(chmod(path, 0600), "chmod");
	call(open_once(path, O_RDWR), "open");
	close(file);
}

static void places(void)
{
	int file = open("a", O_PATH);
	struct stat found;
	char bytes[16];

	call(read(file, bytes, 1), "read of O_PATH");
	call(fchmod(file, 0600), "fchmod");
	call(fchown(file, 1, 1), "fchown");
	call(futimens(file, NULL), "futimens");
	call(fgetxattr(file, "user.a", bytes, 1), "fgetxattr");
	call(fstat(file, &found), "fstat");
	call(fsync(file), "fsync");
	call(fchownat(file, "", 2, 2, AT_EMPTY_PATH), "fchownat");
	close(file);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int end = socket(AF_UNIX, SOCK_STREAM, 0);
	int result;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	result = connect(end, (struct sockaddr *)&address, sizeof(address));
	close(end);
	return result;
}

static void special(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "s" };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), both;
	char bytes[4];

	fresh("sockets");
	call(bind(server, (struct sockaddr *)&address, sizeof(address)), "bind");
	call(listen(server, 8), "listen");
	call(connect_to("s"), "connect");
	call(bind(server, (struct sockaddr *)&address, sizeof(address)), "bind again");
	call(chmod("s", 0700), "chmod");
	call(chown("s", 5, 5), "chown");
	owners_part("s");
	call(rename("s", "t"), "rename");
	call(connect_to("t"), "connect by the new name");
	call(link("t", "hard"), "link");
	call(unlink("t"), "unlink");
	call(connect_to("hard"), "connect by the link");
	close(server);
	call(connect_to("hard"), "connect to nobody");
	call(mkfifo("p", 0600), "mkfifo");
	call(open("p", O_WRONLY | O_NONBLOCK), "write without a reader");
	both = open("p", O_RDWR | O_NONBLOCK);
	call(write(both, "abc", 3), "write");
	call(read(both, bytes, sizeof(bytes)), "read");
	close(both);
	call(mknod("big", S_IFCHR | 0666, makedev(300, 70000)), "mknod of a device");
	call(mknod("block", S_IFBLK | 0600, makedev(7, 0)), "mknod of a block device");
	call(mknod("m", S_IFDIR | 0755, 0), "mknod of a folder");
	call(mknod("n", 0644, 0), "mknod of no type");
	become(&people[3]);
	call(mknod("m", S_IFCHR | 0644, makedev(1, 3)), "mknod by a user");
	become(&people[0]);
}

void calls_of_nameless(void)
{
	made_without();
	places();
	special();
}
