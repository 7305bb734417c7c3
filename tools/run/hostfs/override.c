// SPDX-License-Identifier: MIT
//
// Owners and modes. The user who runs us is the container's root; nobody else is there on the host
// for it. What it cannot have is text in an extended attribute, "UID:GID:MODE:TYPE", as other
// programs that run containers without root write it; TYPE is "file", "dir", "pipe", "socket",
// "block-MAJOR-MINOR" or "char-MAJOR-MINOR". The host's inode has neither setuid nor setgid.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

#define NOBODY 65534u
#define SETID (S_ISUID | S_ISGID)
#define MAX_TEXT 80

static bool is_device(mode_t mode)
{
	return S_ISCHR(mode) || S_ISBLK(mode);
}

// What an empty file of the host may stand for.
static bool is_special(mode_t mode)
{
	return is_device(mode) || S_ISFIFO(mode) || S_ISSOCK(mode);
}

// Of the mode's bits, those that the host's inode has: nothing executes a FIFO or a socket, which
// has no attributes, either.
static mode_t host_bits(mode_t type)
{
	return S_ISFIFO(type) || S_ISSOCK(type) ? 07777 : 01777;
}

mode_t ownership_host_mode(mode_t mode)
{
	mode_t permissions = mode & host_bits(mode);

	// A directory has to be one that we can use.
	return S_ISDIR(mode) ? permissions | 0700 : permissions;
}

static bool override_parse(const char *text, struct ownership *out)
{
	unsigned mode = 0;
	char type[MAX_TEXT] = "";

	*out = (struct ownership){ 0 };
	if (sscanf(text, "%u:%u:%o:%79s", &out->uid, &out->gid, &mode, type) < 3)
		return false;
	out->mode = mode & 07777;
	if (sscanf(type, "char-%u-%u", &out->major, &out->minor) == 2)
		out->mode |= S_IFCHR;
	else if (sscanf(type, "block-%u-%u", &out->major, &out->minor) == 2)
		out->mode |= S_IFBLK;
	else if (strcmp(type, "pipe") == 0)
		out->mode |= S_IFIFO;
	else if (strcmp(type, "socket") == 0)
		out->mode |= S_IFSOCK;
	return true;
}

static bool override_read(const struct node *node, struct ownership *out)
{
	char text[MAX_TEXT];
	ssize_t length;

	// Others have no such attributes.
	if (!S_ISREG(node->type) && !S_ISDIR(node->type))
		return false;
	length = getxattr(node_path(node).text, HOSTFS_OVERRIDE, text, sizeof(text) - 1);
	if (length < 0)
		return false;
	text[length] = '\0';
	return override_parse(text, out);
}

unsigned char ownership_entry_type(const struct node *dir, const struct dirent64 *entry)
{
	char path[sizeof(struct proc_path) + sizeof(entry->d_name)];
	struct ownership kept;
	char text[MAX_TEXT];
	ssize_t length;

	if (entry->d_type != DT_REG)
		return entry->d_type;
	snprintf(path, sizeof(path), "%s/%s", node_path(dir).text, entry->d_name);
	length = lgetxattr(path, HOSTFS_OVERRIDE, text, sizeof(text) - 1);
	if (length < 0)
		return DT_REG;
	text[length] = '\0';
	if (!override_parse(text, &kept) || !is_special(kept.mode))
		return DT_REG;
	return (unsigned char)(kept.mode >> 12);
}

static int override_set(const struct node *node, const char *text)
{
	if (!S_ISREG(node->type) && !S_ISDIR(node->type))
		return -EPERM;
	if (setxattr(node_path(node).text, HOSTFS_OVERRIDE, text, strlen(text), 0) == 0)
		return 0;
	return errno == ENOSPC || errno == EDQUOT ? -errno : -EPERM;
}

// Leaves the mode as it is in `st`, which may not let its owner write.
static int override_remove(const struct node *node, const struct stat *st)
{
	struct proc_path path = node_path(node);
	int result;

	if (!S_ISREG(node->type) && !S_ISDIR(node->type))
		return 0;
	result = removexattr(path.text, HOSTFS_OVERRIDE) < 0 ? -errno : 0;
	if (result == -EACCES && chmod(path.text, (st->st_mode & 07777) | 0600) == 0) {
		result = removexattr(path.text, HOSTFS_OVERRIDE) < 0 ? -errno : 0;
		(void)!chmod(path.text, st->st_mode & 07777);
	}
	return result == -ENODATA || result == -EOPNOTSUPP || result == -ENOSYS ? 0 : result;
}

static void override_print(char text[MAX_TEXT], const struct ownership *wanted)
{
	const char *type = S_ISDIR(wanted->mode) ? "dir"
		: S_ISFIFO(wanted->mode)         ? "pipe"
		: S_ISSOCK(wanted->mode)         ? "socket"
						 : "file";
	int len = snprintf(text, MAX_TEXT, "%u:%u:0%o:", wanted->uid, wanted->gid,
	                   wanted->mode & 07777);

	if (is_device(wanted->mode))
		snprintf(text + len, MAX_TEXT - (size_t)len, "%s-%u-%u",
		         S_ISCHR(wanted->mode) ? "char" : "block", wanted->major, wanted->minor);
	else
		snprintf(text + len, MAX_TEXT - (size_t)len, "%s", type);
}

// The host's mode of a node that the container sees with `mode`. Only who may read and write a file
// has its attribute.
static mode_t host_mode(const struct node *node, mode_t mode, bool has_override)
{
	mode_t host = ownership_host_mode((mode & 07777) | node->type);

	return has_override && S_ISREG(node->type) ? host | 0600 : host;
}

void ownership_read(const struct hostfs *fs, const struct node *node, const struct stat *st,
                    struct ownership *out)
{
	mode_t host = st->st_mode & host_bits(node->type);
	struct ownership kept;

	*out = (struct ownership){ .uid = st->st_uid,
		                   .gid = st->st_gid,
		                   .mode = (st->st_mode & S_IFMT) | host,
		                   .major = major(st->st_rdev),
		                   .minor = minor(st->st_rdev) };
	if (!fs->privileged) {
		out->uid = st->st_uid == fs->uid ? 0 : NOBODY;
		out->gid = st->st_gid == fs->gid ? 0 : NOBODY;
	}
	if (!override_read(node, &kept))
		return;
	out->uid = kept.uid;
	out->gid = kept.gid;
	if (S_ISREG(node->type) && is_special(kept.mode)) {
		out->mode = kept.mode & S_IFMT;
		out->major = kept.major;
		out->minor = kept.minor;
	}
	// Somebody changed the mode on the host since: that is what it is, then.
	if (host_mode(node, kept.mode, true) == host || host_mode(node, kept.mode, false) == host)
		out->mode = (out->mode & S_IFMT) | (kept.mode & 07777);
	else
		out->mode = (out->mode & S_IFMT) | host | (kept.mode & SETID);
}

static bool needs_override(const struct hostfs *fs, const struct node *node,
                           const struct ownership *wanted)
{
	if ((wanted->mode & S_IFMT) != node->type)
		return true;
	if (wanted->mode & SETID & ~host_bits(node->type))
		return true;
	if (S_ISDIR(wanted->mode) && (wanted->mode & 0700) != 0700)
		return true;
	return !fs->privileged && (wanted->uid != 0 || wanted->gid != 0);
}

int ownership_write(const struct hostfs *fs, const struct node *node, const struct stat *st,
                    const struct ownership *wanted)
{
	const bool has_override = needs_override(fs, node, wanted);
	mode_t host = host_mode(node, wanted->mode, has_override);
	char text[MAX_TEXT];
	int result;

	// What is somebody else's on the host is not ours to give away, or to claim.
	if (!fs->privileged && st->st_uid != fs->uid)
		return -EPERM;
	if (fs->privileged && (wanted->uid != st->st_uid || wanted->gid != st->st_gid) &&
	    fchownat(node->fd, "", wanted->uid, wanted->gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) <
	            0)
		return -errno;
	// Another group of the user's, as a setgid folder gives it, shows as nobody's. It becomes
	// the container's root's when that is asked for.
	if (!fs->privileged && wanted->gid == 0 && st->st_gid != fs->gid &&
	    fchownat(node->fd, "", (uid_t)-1, fs->gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	// A link has no attributes. Nobody asks for its mode, and nothing hangs on its owner: all
	// of `chown -R` would fail for it.
	if (S_ISLNK(node->type))
		return 0;
	result = has_override ? 0 : override_remove(node, st);
	if (result == 0 && (st->st_mode & 07777) != host && chmod(node_path(node).text, host) < 0)
		result = -errno;
	if (result < 0 || !has_override)
		return result;
	override_print(text, wanted);
	result = override_set(node, text);
	if (result < 0)
		(void)!chmod(node_path(node).text, st->st_mode & 07777);
	return result;
}

int ownership_kill_setid(const struct hostfs *fs, const struct node *node)
{
	struct ownership shown;
	struct stat st;

	if (!S_ISREG(node->type))
		return 0;
	if (fstat(node->fd, &st) < 0)
		return -errno;
	ownership_read(fs, node, &st, &shown);
	if (!(shown.mode & SETID))
		return 0;
	// Without execution by the group, setgid means something else and stays.
	shown.mode &= ~(mode_t)(S_ISUID | (shown.mode & S_IXGRP ? S_ISGID : 0));
	return ownership_write(fs, node, &st, &shown);
}
