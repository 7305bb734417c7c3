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

#define MAX_FILE (1024 * 1024)

// Reads a file of the image: "" when it is absent, no regular file or absurdly long. The caller frees it.
static char *read_image_file(const char *path)
{
	struct stat status;
	size_t used = 0;
	// A hostile image may have a pipe here: do not wait for its writer.
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	bool usable = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		      status.st_size <= MAX_FILE;
	size_t size = usable ? (size_t)status.st_size : 0;
	char *text = malloc(size + 1);

	while (text != NULL && used < size) {
		ssize_t got = read(fd, text + used, size - used);

		if (got <= 0)
			break;
		used += (size_t)got;
	}
	if (text != NULL)
		text[used] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static int resolve_user(struct config_process *process, const char *passwd, struct failure *failure)
{
	static struct user user;
	const char *missing = "user";
	char *group = read_image_file("/etc/group");

	if (group == NULL)
		return failure_set(failure, FAILURE_SETUP, -ENOMEM, "out of memory");
	int error = user_resolve(process->username, passwd, group, &user, &missing);
	free(group);
	if (error != 0)
		return failure_set(failure, FAILURE_SETUP, error,
				   "unable to find %s %.100s: no matching entries in %s file", missing,
				   process->username,
				   strcmp(missing, "group") == 0 ? "group" : "passwd");
	process->uid = user.uid;
	process->gid = user.gid;
	process->groups = user.groups;
	process->num_groups = user.num_groups;
	return 0;
}

static int add_home(struct config_process *process, const char *passwd, struct failure *failure)
{
	static char variable[sizeof("HOME=") + 256] = "HOME=/";
	const char **items = calloc(process->env.count + 2, sizeof(*items));

	if (items == NULL)
		return failure_set(failure, FAILURE_SETUP, -ENOMEM, "out of memory");
	if (!user_home(passwd, process->uid, variable + 5, sizeof(variable) - 5) ||
	    variable[5] == '\0')
		strcpy(variable + 5, "/");
	memcpy(items, process->env.items, process->env.count * sizeof(*items));
	items[process->env.count] = variable;
	process->env.items = items;
	process->env.count++;
	return 0;
}

// Docker's, where the config leaves it open: only root has capabilities from the start, and only root may get more by
// executing a file.
static void add_privileges(struct config_process *process)
{
	bool root = process->uid == 0;

	if (!process->has_capabilities) {
		process->capabilities.bounding = capability_default_set;
		process->capabilities.permitted = root ? capability_default_set : 0;
		process->capabilities.effective = process->capabilities.permitted;
	}
	if (!process->has_no_new_privileges)
		process->no_new_privileges = !root;
}

// Looks up what the config names, or leaves out, in the image's files.
static int look_up(struct config_process *process, struct failure *failure)
{
	bool need_home = config_env_get(&process->env, "HOME") == NULL;
	int error = 0;

	if (process->username == NULL && !need_home)
		return 0;

	char *passwd = read_image_file("/etc/passwd");
	if (passwd == NULL)
		return failure_set(failure, FAILURE_SETUP, -ENOMEM, "out of memory");
	if (process->username != NULL)
		error = resolve_user(process, passwd, failure);
	if (error == 0 && need_home)
		error = add_home(process, passwd, failure);
	free(passwd);
	return error;
}

int credentials_resolve(struct config_process *process, struct failure *failure)
{
	int error = look_up(process, failure);

	if (error == 0)
		add_privileges(process);
	return error;
}

static int set_rlimits(const struct config_process *process, struct failure *failure)
{
	for (size_t i = 0; i < process->num_rlimits; i++) {
		const struct config_rlimit *limit = &process->rlimits[i];
		struct rlimit value = { limit->soft, limit->hard };

		if (setrlimit((__rlimit_resource_t)limit->resource, &value) != 0)
			return failure_errno(failure, "set resource limit %d to %llu/%llu",
					     limit->resource, (unsigned long long)limit->soft,
					     (unsigned long long)limit->hard);
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
		{ (uint32_t)caps->effective, (uint32_t)caps->permitted, (uint32_t)caps->inheritable },
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
	if (setgroups(process->num_groups, process->groups) != 0 ||
	    setresgid(process->gid, process->gid, process->gid) != 0 ||
	    setresuid(process->uid, process->uid, process->uid) != 0)
		return failure_errno(failure, "become user %u:%u", process->uid, process->gid);
	if ((error = set_capabilities(&process->capabilities, failure)) != 0)
		return error;
	if (process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return failure_errno(failure, "set no_new_privs");
	umask(process->umask);
	return 0;
}
