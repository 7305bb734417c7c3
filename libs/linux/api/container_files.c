// SPDX-License-Identifier: MIT
//
// What a container has of the host's folders and of the volumes.
#include "libs/base/string.h"
#include "libs/linux/api/container_internal.h"
#include "libs/linux/vm/vm_share.h"
#include "libs/starina/alloc.h"

// Whether it is a path for a mount: absolute, not the root itself.
static bool is_mount_path(const char *path)
{
	return path[0] == '/' && path[1] != '\0' && strlen(path) < LINUX_ERROR_MAX;
}

// Keeps the mounts in the order of their paths: what lies in another's folder comes after it.
static void insert(struct task *task, struct task_mount *mount)
{
	uint32_t at = task->num_mounts++;

	for (; at > 0 && strcmp(task->mounts[at - 1]->path, mount->path) > 0; at--)
		task->mounts[at] = task->mounts[at - 1];
	task->mounts[at] = mount;
}

// A mount at `path`. NULL: there is none, which the builder keeps.
static struct task_mount *mount_add(struct container *container, const char *path, handle_t service)
{
	struct task *task = &container->task;
	struct task_mount *mount = NULL;

	if (!is_mount_path(path)) {
		task_builder_error(task, ERR_INVALID);
	} else if (task->num_mounts == TASK_MAX_MOUNTS) {
		task_builder_error(task, ERR_LIMIT);
	} else if (service == HANDLE_NONE) {
		task_builder_error(task, ERR_NOT_FOUND);
	} else {
		mount = heap_alloc(sizeof(*mount));
		if (mount == NULL)
			task_builder_error(task, ERR_NO_MEMORY);
	}
	if (mount == NULL)
		return NULL;
	str_copy(mount->path, path, sizeof(mount->path));
	insert(task, mount);
	return mount;
}

void container_bind(struct container *container, const char *share, const char *path,
                    bool read_only)
{
	struct task_mount *mount;

	if (container == NULL)
		return;
	mount = mount_add(container, path, container->task.runtime->supply.files);
	if (mount == NULL)
		return;
	mount->read_only = read_only;
	if (vm_share_set_host(&mount->share, container->task.runtime->supply.files, share,
	                      read_only) < 0)
		task_builder_error(&container->task, ERR_INVALID);
}

void container_volume(struct container *container, const char *name, const char *path,
                      uint32_t flags)
{
	struct task_mount *mount;

	if (container == NULL)
		return;
	mount = mount_add(container, path, container->task.runtime->supply.volumes);
	if (mount == NULL)
		return;
	mount->read_only = (flags & VOLUME_READ_ONLY) != 0;
	mount->copy = (flags & (VOLUME_READ_ONLY | VOLUME_NO_COPY)) == 0;
	if (vm_share_set_volume(&mount->share, container->task.runtime->supply.volumes, name,
	                        mount->read_only) < 0 ||
	    (flags & ~(VOLUME_READ_ONLY | VOLUME_NO_COPY)) != 0)
		task_builder_error(&container->task, ERR_INVALID);
}
