// SPDX-License-Identifier: MIT
//
// The file system: opened before the first session, clean again after the last.
#include "apps/fs/fs.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define STATE_DISK "blk:state"
// 2026-01-01. A time of deletion near to 0 is something else to ext4.
#define NO_CLOCK 1767225600
#define FOLDER_MODE (LINUX_S_IFDIR | 0x1c9u)

uint64_t fs_seconds(void)
{
	nsec_t now = 0;

	return clock_get(CLOCK_MONOTONIC, &now) == 0 ? now / NSEC_PER_SEC : 0;
}

struct ext4_time fs_time(void)
{
	nsec_t now = 0;

	if (clock_get(CLOCK_WALL, &now) != 0)
		return (struct ext4_time){ .seconds = NO_CLOCK };
	return (struct ext4_time){ .seconds = (int64_t)(now / NSEC_PER_SEC),
		                   .nanoseconds = (uint32_t)(now % NSEC_PER_SEC) };
}

static void ticker_set(struct fs *fs, nsec_t deadline)
{
	error_t err = timer_set(fs->clock.handle, deadline);

	assert(err == 0);
}

// --- Folders that the shares are -----------------------------------------------------------------

static int folder_try(struct fs *fs, struct ext4_node dir, struct span name, bool make,
                      struct ext4_attr *out)
{
	const struct ext4_new what = { .mode = FOLDER_MODE };
	int result;

	ext4_set_time(fs->ext4, fs_time());
	result = update_begin(&fs->update, fs->ext4, make ? EXT4_CREDITS_NAMES : 0);
	if (result == 0)
		result = make ? ext4_create(&fs->update, dir, name, &what, out)
			      : ext4_lookup(&fs->update, dir, name, out);
	if (result == 0 && make)
		update_commit(&fs->update, NULL);
	else
		update_drop(&fs->update);
	return result;
}

// Finds or makes a folder. Blocks while the disk reads. Returns 0 or negative LINUX_E*.
static int folder_get(struct fs *fs, struct ext4_node dir, struct span name, struct ext4_node *out)
{
	struct ext4_device *device = &fs->disk.device;
	struct ext4_attr attr;
	int result;

	while ((result = folder_try(fs, dir, name, false, &attr)) == UPDATE_WAIT)
		device->wait(device);
	while (result == -LINUX_ENOENT || result == UPDATE_WAIT) {
		if (result == UPDATE_WAIT)
			device->wait(device);
		result = folder_try(fs, dir, name, true, &attr);
	}
	if (result == 0 && (attr.mode & LINUX_S_IFMT) != LINUX_S_IFDIR)
		result = -LINUX_ENOTDIR;
	if (result == 0)
		*out = attr.node;
	return result;
}

static const struct ext4_node root_node = { .inode = EXT4_ROOT_INODE };

error_t share_find_volumes(struct fs *fs, const char *uri, struct share *out)
{
	*out = (struct share){ .volumes = true,
		               .read_only = strcmp(uri, FILES_VOLUMES_READ_ONLY) == 0 };
	if (!out->read_only && strcmp(uri, FILES_VOLUMES) != 0)
		return ERR_NOT_FOUND;
	return folder_get(fs, root_node, text_span("volumes"), &out->root) == 0 ? 0 : ERR_IO;
}

// The folder `name` of a folder. Errors: ERR_INVALID (the name is none of a file), ERR_IO.
static error_t find_below(struct fs *fs, struct ext4_node folder, const char *name,
                          struct ext4_node *out)
{
	struct reader in = reader_make(name, strlen(name) + 1);
	struct span bytes;

	if (call_name(&in, &bytes) != 0)
		return ERR_INVALID;
	return folder_get(fs, folder, bytes, out) == 0 ? 0 : ERR_IO;
}

// The folder `parent`/`name` of the root. Errors: as find_below's.
static error_t find_folder(struct fs *fs, const char *parent, const char *name,
                           struct ext4_node *out)
{
	struct ext4_node folder;

	if (folder_get(fs, root_node, text_span(parent), &folder) != 0)
		return ERR_IO;
	return find_below(fs, folder, name, out);
}

// The same of two names with "/" between them, each made when it is not there.
static error_t find_folder_path(struct fs *fs, const char *parent, const char *path,
                                struct ext4_node *out)
{
	const char *slash = strchr(path, '/');
	char name[EXT4_NAME_MAX + 1];
	struct reader in;
	struct span child;
	error_t err;

	if (slash == NULL)
		return find_folder(fs, parent, path, out);
	in = reader_make(slash + 1, strlen(slash + 1) + 1);
	if ((size_t)(slash - path) >= sizeof(name) || call_name(&in, &child) != 0)
		return ERR_INVALID;
	str_copy(name, path, (size_t)(slash - path) + 1);
	err = find_folder(fs, parent, name, out);
	return err == 0 ? find_below(fs, *out, slash + 1, out) : err;
}

bool share_cut_child(char *uri, char only[EXT4_NAME_MAX + 1])
{
	size_t len = strlen(uri), start;

	only[0] = '\0';
	if (len == 0 || uri[len - 1] != '/')
		return true;
	for (start = len - 1; start > 0 && uri[start - 1] != '/';)
		start--;
	if (start == 0 || start == len - 1 || len - 1 - start > EXT4_NAME_MAX)
		return false;
	str_copy(only, uri + start, len - start);
	uri[start - 1] = '\0';
	return !call_is_dots(text_span(only));
}

error_t share_find_own(struct fs *fs, const char *app, const char *uri, struct share *out)
{
	*out = (struct share){ 0 };
	if (strcmp(uri, FILES_OWN_FOLDER) != 0)
		return ERR_NOT_FOUND;
	return find_folder(fs, "apps", app, &out->root);
}

// The rest of a URI that begins so; NULL: it does not.
static const char *after(const char *uri, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(uri, prefix, len) == 0 ? uri + len : NULL;
}

// The regular file at `path`, whose folders are there. Errors: ERR_INVALID (a name is none),
// ERR_NOT_FOUND, ERR_NOT_SUPPORTED (it is something else), ERR_IO.
static error_t find_file(struct fs *fs, const char *path, struct ext4_attr *out)
{
	struct ext4_device *device = &fs->disk.device;
	struct ext4_node dir = root_node;
	int result = 0;

	while (result == 0 && path != NULL) {
		const char *slash = strchr(path, '/');
		struct span name = { .data = (const uint8_t *)path,
			             .len = slash != NULL ? (size_t)(slash - path) : strlen(path) };

		if (name.len == 0 || name.len > EXT4_NAME_MAX || call_is_dots(name))
			return ERR_INVALID;
		while ((result = folder_try(fs, dir, name, false, out)) == UPDATE_WAIT)
			device->wait(device);
		dir = out->node;
		path = slash != NULL ? slash + 1 : NULL;
	}
	if (result != 0)
		return result == -LINUX_ENOENT || result == -LINUX_ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
	return (out->mode & LINUX_S_IFMT) == LINUX_S_IFREG ? 0 : ERR_NOT_SUPPORTED;
}

// A file of a folder of "engine" as a disk.
static error_t find_disk(struct fs *fs, const char *path, bool read_only, struct share *out)
{
	char whole[EXT4_NAME_MAX + sizeof("engine/")];
	struct ext4_attr attr = { 0 };
	error_t err;

	if (fmt_write(whole, sizeof(whole), "engine/%s", path) >= sizeof(whole))
		return ERR_TOO_LARGE;
	err = find_file(fs, whole, &attr);
	*out = (struct share){ .root = attr.node,
		               .read_only = read_only,
		               .is_disk = true,
		               .size = attr.size };
	return err;
}

error_t share_find_store(struct fs *fs, const char *uri, struct share *out)
{
	const char *rest = after(uri, FILES_STORE_DISK);

	if (rest != NULL)
		return find_disk(fs, rest, false, out);
	rest = after(uri, FILES_STORE_DISK_READ_ONLY);
	if (rest != NULL)
		return find_disk(fs, rest, true, out);
	*out = (struct share){ .volumes = true };
	rest = after(uri, FILES_STORE_PREFIX);
	if (rest == NULL) {
		rest = after(uri, FILES_STORE_READ_ONLY);
		out->read_only = true;
	}
	return rest != NULL ? find_folder_path(fs, "engine", rest, &out->root) : ERR_NOT_FOUND;
}

// --- The mount -----------------------------------------------------------------------------------

// A truncate that an instance before did not end.
static int finish_truncate(struct call *call)
{
	struct update *u = &call->fs->update;
	struct ext4_attr attr;
	int result = call_lock(call, LOCK_EXCLUSIVE);

	if (result != 0)
		return result;
	result = call_begin(call, EXT4_CREDITS_TRUNCATE);
	if (result == 0)
		result = ext4_getattr(u, call->node->id, &attr);
	if (result == 0)
		result = ext4_truncate(u, call->node->id, attr.size);
	return call_end_part(call, result);
}

struct orphans {
	struct fs *fs;
	uint32_t num;
};

static void orphan_found(void *context, struct ext4_node id, bool named)
{
	struct orphans *orphans = context;
	struct fs *fs = orphans->fs;
	struct node *node = node_get(fs, id);
	struct call *call;

	if (node == NULL)
		return;
	// It is looked at when all were found.
	node->from_before = true;
	node->nameless = !named;
	orphans->num++;
	if (named && (call = call_create(fs, finish_truncate)) != NULL) {
		if (node_pin(call, id) == 0)
			call_continue(call);
		else
			call_free(call);
	}
}

static void orphans_find(struct fs *fs)
{
	struct orphans orphans = { .fs = fs };

	ext4_orphans(fs->ext4, orphan_found, &orphans);
	if (orphans.num > 0)
		log_info("%u files that were open or being cut when the disk was used last",
		         orphans.num);
	nodes_settle(fs);
}

static void mount_failed(struct fs *fs, error_t error)
{
	fs->state = fs->ahead ? FS_CLOSED : FS_FAILED;
	fs->error = error;
	if (!fs->ahead)
		log_warn("no volumes: %s", fs->why);
	disk_close(&fs->disk);
}

static void disk_batch_end(void *context)
{
	calls_run(context);
}

static void disk_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct fs *fs = opener->context;
	struct ext4_options options = { .device = &fs->disk.device,
		                        .cache_blocks = FS_CACHE_BLOCKS,
		                        .deferred = fs->ahead,
		                        .redo = kept_redo(fs),
		                        .resume = calls_resume,
		                        .context = fs };

	if (channel == HANDLE_NONE) {
		fmt_write(fs->why, sizeof(fs->why), "there is no state disk (%s: %s)", STATE_DISK,
		          text[0] != 0 ? text : error_text(error));
		mount_failed(fs, ERR_NOT_FOUND);
		goto out;
	}
	fs->disk.batch_end = disk_batch_end;
	fs->disk.context = fs;
	error = disk_open(&fs->disk, &fs->loop, channel);
	if (error != 0) {
		handle_close(channel);
		fmt_write(fs->why, sizeof(fs->why), "the state disk does not answer: %s",
		          error_text(error));
		mount_failed(fs, ERR_IO);
		goto out;
	}
	options.read_only = fs->disk.device.read_only;
	if (ext4_mount(&options, &fs->ext4, fs->why, sizeof(fs->why)) != 0) {
		mount_failed(fs, ERR_NOT_SUPPORTED);
		goto out;
	}
	fs->state = FS_MOUNTED;
	kept_mounted(fs);
	fs->num_awaited = kept_awaited(fs);
	fs->awaited_until = fs_seconds() + FS_RETURN_SECONDS;
	fs->ahead = ext4_is_deferred(fs->ext4);
	if (!fs->ahead)
		ticker_set(fs, 0);
	orphans_find(fs);
out:
	clients_opened(fs);
	calls_run(fs);
}

static void open_disk(struct fs *fs)
{
	fs->state = FS_OPENING;
	opener_start(&fs->opener, &fs->loop, fs->blkdev, STATE_DISK, disk_opened, fs);
}

// The disk was only read until now.
static void begin_writing(struct fs *fs)
{
	if (ext4_begin(fs->ext4) == 0) {
		ticker_set(fs, 0);
		return;
	}
	(void)ext4_unmount(fs->ext4);
	fs->ext4 = NULL;
	str_copy(fs->why, "the state disk cannot be written", sizeof(fs->why));
	mount_failed(fs, ERR_IO);
}

void fs_open(struct fs *fs)
{
	bool was_ahead = fs->ahead;

	fs->ahead = false;
	if (fs->state == FS_MOUNTED && was_ahead)
		begin_writing(fs);
	else if (fs->state != FS_OPENING && fs->state != FS_MOUNTED)
		open_disk(fs);
}

void fs_open_ahead(struct fs *fs)
{
	fs->ahead = true;
	open_disk(fs);
}

void fs_idle(struct fs *fs)
{
	int result;

	if (fs->state != FS_MOUNTED || fs->num_awaited > 0 || (fs->ahead && !fs->ending))
		return;
	result = ext4_unmount(fs->ext4);
	if (result != 0)
		log_error("the state disk was not left clean: errno %d of Linux", -result);
	fs->ext4 = NULL;
	disk_close(&fs->disk);
	ticker_set(fs, NSEC_NEVER);
	fs->state = FS_CLOSED;
	if (fs->ending)
		clients_opened(fs);
}

void fs_end(struct fs *fs)
{
	fs->ending = true;
	list_for_each_safe(entry, &fs->sessions)
	{
		session_end(container_of(entry, struct session, entry));
	}
	// Those that an instance before had do not come back.
	if (fs->state == FS_MOUNTED && fs->num_awaited > 0) {
		kept_forget_awaited(fs);
		fs->num_awaited = 0;
		nodes_settle(fs);
	}
	calls_run(fs);
}

// --- The clock -----------------------------------------------------------------------------------

static void clock_ticks(struct loop *loop, struct source *source)
{
	struct fs *fs = source->context;
	uint64_t now = fs_seconds();

	(void)loop;
	ticker_set(fs, fs->state == FS_MOUNTED ? (now + 1) * NSEC_PER_SEC : NSEC_NEVER);
	if (fs->state != FS_MOUNTED)
		return;
	ext4_tick(fs->ext4, now);
	if (fs->num_awaited > 0 && now >= fs->awaited_until) {
		log_warn("%u sessions have not come back: what they had open is freed",
		         fs->num_awaited);
		kept_forget_awaited(fs);
		fs->num_awaited = 0;
		nodes_settle(fs);
	}
	calls_run(fs);
}

static const struct source_ops clock_ops = { .signalled = clock_ticks };

error_t fs_init(struct fs *fs, handle_t kept)
{
	void *bytes = NULL;
	handle_t timer;
	error_t err = kept == HANDLE_NONE ? 0 : folio_map(kept, PROT_READ | PROT_WRITE, &bytes);

	if (err != 0)
		return err;
	list_init(&fs->clients);
	list_init(&fs->sessions);
	fs->max_refs = FS_MAX_REFS;
	fs->max_nameless = FS_MAX_NAMELESS;
	kept_init(fs, bytes);
	err = calls_init(fs);
	if (err == 0)
		err = timer_create(&timer);
	return err != 0 ? err : loop_add(&fs->loop, &fs->clock, timer, &clock_ops, fs);
}
