// SPDX-License-Identifier: MIT
#include "guest/bootd/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/bootd/capability.h"
#include "guest/bootd/container_user.h"
#include "guest/bootd/procfs.h"

#define MAX_FILE (8 * 1024 * 1024)

// Reads all of a regular file. Returns text that the caller frees, or NULL with errno.
static char *read_regular(int fd)
{
	struct stat status;
	size_t used = 0;
	ssize_t got = 1;

	if (fstat(fd, &status) != 0)
		return NULL;
	if (!S_ISREG(status.st_mode) || status.st_size > MAX_FILE) {
		errno = S_ISREG(status.st_mode) ? EFBIG : EINVAL;
		return NULL;
	}
	size_t size = (size_t)status.st_size;
	char *text = calloc(1, size + 1);

	while (text != NULL && used < size && (got = read(fd, text + used, size - used)) > 0)
		used += (size_t)got;
	if (got < 0) {
		free(text);
		return NULL;
	}
	return text;
}

// Reads a file of the image: "" when it is absent. Never a part of it: no user or group is to be
// overlooked. Returns text that the caller frees, or NULL with the failure set.
static char *read_image_file(const char *path, struct failure *failure)
{
	// A hostile image may have a pipe here: do not wait for its writer.
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char *text = NULL;

	if (fd >= 0)
		text = read_regular(fd);
	else if (errno == ENOENT || errno == ENOTDIR)
		text = strdup("");
	if (text == NULL)
		failure_errno(failure, "read the image's %s", path);
	if (fd >= 0)
		close(fd);
	return text;
}

static int resolve_user(struct config_process *process, const char *passwd, struct failure *failure)
{
	struct user user;
	char *group = read_image_file("/etc/group", failure);

	if (group == NULL)
		return failure->error;
	int error = user_resolve(process->username, passwd, group, &user, failure);
	if (error == 0)
		error = user_add_groups(&user, process->group_names.items,
		                        process->group_names.count, group, failure);
	free(group);
	if (error != 0)
		return error;
	process->uid = user.uid;
	process->gid = user.gid;
	process->groups = user.groups;
	process->num_groups = user.num_groups;
	return 0;
}

// One that is there, and empty, is replaced.
static int set_home(struct config_process *process, const char *passwd, struct failure *failure)
{
	size_t length = 0;
	size_t at = 0;
	const char *home = user_home(passwd, process->uid, &length);
	char *variable;
	const char **items = calloc(process->env.count + 2, sizeof(*items));

	if (items == NULL ||
	    asprintf(&variable, "HOME=%.*s", length > 0 ? (int)length : 1,
	             length > 0 ? home : "/") < 0)
		return failure_set(failure, FAILURE_SETUP, -ENOMEM, "out of memory");
	memcpy(items, process->env.items, process->env.count * sizeof(*items));
	while (at < process->env.count && strncmp(items[at], "HOME=", 5) != 0)
		at++;
	items[at] = variable;
	process->env.count += at == process->env.count;
	process->env.items = items;
	return 0;
}

// Docker's, where the config leaves it open: only root has capabilities from the start, and only
// root may get more by executing a file.
static void add_privileges(struct config_process *process)
{
	bool root = process->uid == 0;

	if (!process->has_capabilities) {
		process->capabilities.bounding = process->capability_set;
		process->capabilities.permitted = root ? process->capability_set : 0;
		process->capabilities.effective = process->capabilities.permitted;
	}
	if (!process->has_no_new_privileges)
		process->no_new_privileges = !root;
}

// Looks up what the config names, or leaves out, in the image's files.
static int look_up(struct config_process *process, struct failure *failure)
{
	const char *home = config_env_get(&process->env, "HOME");
	bool need_home = home == NULL || home[0] == '\0';
	int error = 0;

	if (process->username == NULL && !need_home)
		return 0;

	char *passwd = read_image_file("/etc/passwd", failure);
	if (passwd == NULL)
		return failure->error;
	if (process->username != NULL)
		error = resolve_user(process, passwd, failure);
	if (error == 0 && need_home)
		error = set_home(process, passwd, failure);
	free(passwd);
	return error;
}

int credentials_find(const char *spec, uid_t *uid, gid_t *gid, struct failure *failure)
{
	char *passwd = read_image_file("/etc/passwd", failure);
	char *group = passwd != NULL ? read_image_file("/etc/group", failure) : NULL;
	struct user user;
	int error = group != NULL ? user_resolve(spec, passwd, group, &user, failure)
				  : failure->error;

	free(passwd);
	free(group);
	if (error != 0)
		return error;
	*uid = user.uid;
	*gid = user.gid;
	free(user.groups);
	return 0;
}

int credentials_resolve(struct config_process *process, struct failure *failure)
{
	int error = look_up(process, failure);

	if (error == 0)
		add_privileges(process);
	return error;
}

// The kernel does not say what was too much.
static int rlimit_failed(const struct config_rlimit *limit, struct failure *failure)
{
	const char *name = config_rlimit_name(limit->resource);
	int error = errno;
	char most[32];

	if (limit->resource == RLIMIT_NOFILE && error == EPERM &&
	    procfs_read("sys/fs/nr_open", most, sizeof(most))[0] != '\0')
		return failure_set(failure, FAILURE_SETUP, -error,
		                   "the limit %s of %llu is too large: it is at most %.*s "
		                   "(fs.nr_open of the guest's kernel)",
		                   name, (unsigned long long)limit->hard, (int)strcspn(most, "\n"),
		                   most);
	errno = error;
	return failure_errno(failure, "set the limit %s to %llu:%llu", name,
	                     (unsigned long long)limit->soft, (unsigned long long)limit->hard);
}

static int set_rlimits(const struct config_process *process, struct failure *failure)
{
	for (size_t i = 0; i < process->num_rlimits; i++) {
		const struct config_rlimit *limit = &process->rlimits[i];
		struct rlimit value = { limit->soft, limit->hard };

		if (setrlimit((__rlimit_resource_t)limit->resource, &value) != 0)
			return rlimit_failed(limit, failure);
	}
	return 0;
}

static int drop_bounding(uint64_t keep, struct failure *failure)
{
	for (int i = 0; i <= CAPABILITY_LAST; i++) {
		if ((keep & (UINT64_C(1) << i)) == 0 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0)
			return failure_errno(failure, "drop capability %d", i);
	}
	return 0;
}

static int set_capabilities(const struct config_capabilities *caps, struct failure *failure)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)caps->effective, (uint32_t)caps->permitted,
		  (uint32_t)caps->inheritable },
		{ (uint32_t)(caps->effective >> 32), (uint32_t)(caps->permitted >> 32),
		  (uint32_t)(caps->inheritable >> 32) },
	};

	if (syscall(SYS_capset, &header, data) != 0)
		return failure_errno(failure, "set capabilities");
	for (int i = 0; i <= CAPABILITY_LAST; i++) {
		if ((caps->ambient & (UINT64_C(1) << i)) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) != 0)
			return failure_errno(failure, "raise ambient capability %d", i);
	}
	return 0;
}

int credentials_apply(const struct config_process *process, struct failure *failure)
{
	int error;

	if ((error = set_rlimits(process, failure)) != 0 ||
	    (error = drop_bounding(process->capabilities.bounding, failure)) != 0)
		return error;
	// Without this, leaving uid 0 clears the permitted set before capset can choose from it.
	if (process->uid != 0 && process->capabilities.permitted != 0 &&
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return failure_errno(failure, "keep capabilities");
	if (setgroups(process->num_groups, process->groups) != 0)
		return failure_errno(failure, "take %zu groups", process->num_groups);
	if (setresgid(process->gid, process->gid, process->gid) != 0 ||
	    setresuid(process->uid, process->uid, process->uid) != 0)
		return failure_errno(failure, "become user %u:%u", process->uid, process->gid);
	if ((error = set_capabilities(&process->capabilities, failure)) != 0)
		return error;
	if (process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return failure_errno(failure, "set no_new_privs");
	umask(process->umask);
	return 0;
}
