// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

static void handle_close(struct hostfs *fs, struct handle *handle)
{
	struct node *node = handle->node;

	if (handle->dir)
		closedir(handle->dir);
	else
		close(handle->fd);
	*handle = (struct handle){ 0 };
	node->opens--;
	host_locks_idle(fs, node);
	node_release(fs, node);
}

static int handles_grow(struct hostfs *fs)
{
	uint32_t wanted = fs->num_handles ? 2 * fs->num_handles : 64;
	struct handle *handles;

	if (wanted > MAX_HANDLES)
		return -ENFILE;
	handles = realloc(fs->handles, wanted * sizeof(*handles));
	if (!handles)
		return -ENOMEM;
	for (uint32_t i = fs->num_handles; i < wanted; i++)
		handles[i] = (struct handle){ 0 };
	fs->handles = handles;
	fs->num_handles = wanted;
	return 0;
}

int handle_add(struct hostfs *fs, struct node *node, int fd, DIR *dir, uint64_t *fh)
{
	struct handle handle = { .used = true, .node = node, .fd = fd, .dir = dir };
	uint32_t index = 0;
	int result;

	node->opens++;
	while (index < fs->num_handles && fs->handles[index].used)
		index++;
	result = index < fs->num_handles ? 0 : handles_grow(fs);
	if (result < 0) {
		handle_close(fs, &handle);
		return result;
	}
	fs->handles[index] = handle;
	*fh = index;
	return 0;
}

static struct handle *handle_find(struct hostfs *fs, uint64_t fh)
{
	return fh < fs->num_handles && fs->handles[fh].used ? &fs->handles[fh] : NULL;
}

struct handle *handle_file(struct hostfs *fs, uint64_t fh)
{
	struct handle *handle = handle_find(fs, fh);

	return handle && !handle->dir ? handle : NULL;
}

struct handle *handle_dir(struct hostfs *fs, uint64_t fh)
{
	struct handle *handle = handle_find(fs, fh);

	return handle && handle->dir ? handle : NULL;
}

void handle_drop(struct hostfs *fs, uint64_t fh)
{
	struct handle *handle = handle_find(fs, fh);

	if (handle)
		handle_close(fs, handle);
}

void handles_deinit(struct hostfs *fs)
{
	for (uint32_t i = 0; i < fs->num_handles; i++) {
		if (fs->handles[i].used)
			handle_close(fs, &fs->handles[i]);
	}
	free(fs->handles);
}
