// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

// The node has one, too.
#define HANDLE_FDS 2u

static void handle_close(struct hostfs *fs, struct handle *handle)
{
	struct node *node = handle->node;

	close(handle->fd);
	listing_drop(handle);
	*handle = (struct handle){ 0 };
	fds_drop(fs, HANDLE_FDS);
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

int handle_room(const struct hostfs *fs)
{
	return fds_room(fs, HANDLE_FDS);
}

int handle_add(struct hostfs *fs, struct node *node, int fd, uint64_t *fh)
{
	struct handle handle = { .used = true,
		                 .is_dir = S_ISDIR(node->type),
		                 .node = node,
		                 .fd = fd };
	uint32_t index = 0;
	int result = fds_keep(fs, HANDLE_FDS);

	if (result < 0) {
		close(fd);
		return result;
	}
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

// What may be done to a file is asked of the request's node: no handle stands for another one.
static struct handle *handle_find(struct hostfs *fs, const struct node *node, uint64_t fh)
{
	struct handle *handle = fh < fs->num_handles ? &fs->handles[fh] : NULL;

	return handle && handle->used && handle->node == node ? handle : NULL;
}

struct handle *handle_file(struct hostfs *fs, const struct node *node, uint64_t fh)
{
	struct handle *handle = handle_find(fs, node, fh);

	return handle && !handle->is_dir ? handle : NULL;
}

struct handle *handle_dir(struct hostfs *fs, const struct node *node, uint64_t fh)
{
	struct handle *handle = handle_find(fs, node, fh);

	return handle && handle->is_dir ? handle : NULL;
}

void handle_drop(struct hostfs *fs, const struct node *node, uint64_t fh)
{
	struct handle *handle = handle_find(fs, node, fh);

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
	listings_deinit(fs);
}
