// SPDX-License-Identifier: MIT
//
// PUT files/content. The bytes go to a file of another name beside the one that is wanted, which
// takes its place once all of them lie on the disk: whoever is killed meanwhile, there is the old
// file or the new one. A file that has several names, or is reached by a symbolic link, has to stay
// the same one and is written in place.
#include "apps/httpd/api/volumes.h"

#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define NEW_PREFIX ".new-"
#define PERMISSIONS 0777u  // what runs as another user does not, once it is written anew

// A callback of a step: a job that is not answered yet goes on with `next`.
static void step(struct volume_job *v, error_t err, error_t (*next)(struct volume_job *v))
{
	struct http_connection *connection = http_hold(v->job.exchange);

	if (err == 0)
		err = v->file != NULL ? next(v) : ERR_PEER_CLOSED;
	if (err != 0)
		volume_refuse(v, err);
	http_let_go(connection);
}

// --- The bytes -----------------------------------------------------------------------------------

static error_t write_on(struct volume_job *v);
static error_t write_end(struct volume_job *v);

static void on_written(void *context, error_t err, size_t count)
{
	struct volume_job *v = context;

	v->offset += count;
	v->left -= count;
	if (err == 0 && count == 0)
		err = ERR_IO;
	step(v, err, write_on);
}

static error_t write_on(struct volume_job *v)
{
	size_t len = v->left < FILES_PIECE_MAX ? (size_t)v->left : FILES_PIECE_MAX;

	if (v->left == 0)
		return write_end(v);
	return file_write(v->file, v->offset, http_body(v->job.exchange).data + v->offset, len,
	                  on_written, v);
}

static error_t write_begin(struct volume_job *v)
{
	v->left = http_body(v->job.exchange).len;
	return write_on(v);
}

static void on_opened(void *context, error_t err, struct file *file)
{
	struct volume_job *v = context;

	v->file = file;
	step(v, err, write_begin);
}

// --- All of them were written --------------------------------------------------------------------

static void on_renamed(void *context, error_t err)
{
	struct volume_job *v = context;

	if (err == 0)
		v->beside[0] = '\0';
	volume_done(v, err);
}

static error_t put_in_place(struct volume_job *v)
{
	return files_rename(&v->place->files, v->beside, v->inner, false, on_renamed, v);
}

static void on_synced(void *context, error_t err)
{
	step(context, err, put_in_place);
}

static error_t sync_new(struct volume_job *v)
{
	return file_sync(v->file, on_synced, v);
}

static void on_access_set(void *context, error_t err)
{
	step(context, err, sync_new);
}

static error_t write_end(struct volume_job *v)
{
	if (v->beside[0] == '\0')
		return file_truncate(v->file, v->offset, volume_done, v);
	if (!v->replaces)
		return sync_new(v);
	return file_set_access(v->file, v->old.mode & PERMISSIONS, v->old.uid, v->old.gid,
	                       on_access_set, v);
}

// --- Where they go -------------------------------------------------------------------------------

// A name in the folder of the job's path that nothing has.
static error_t name_beside(struct volume_job *v)
{
	size_t folder = strlen(v->inner);
	uint8_t number[8];
	char text[HEX_SIZE(sizeof(number))];
	error_t err = random_get(number, sizeof(number));

	if (err != 0)
		return err;
	while (folder > 0 && v->inner[folder - 1] != '/')
		folder--;
	if (v->inner[folder] == '\0')
		return ERR_INVALID;
	hex_write(number, sizeof(number), text);
	fmt_write(v->beside, sizeof(v->beside), "%.*s" NEW_PREFIX "%s", (int)folder, v->inner,
	          text);
	return 0;
}

static error_t open_for_write(struct volume_job *v, error_t err, const struct file_info *info)
{
	struct files *files = &v->place->files;

	if (err != 0 && err != ERR_NOT_FOUND)
		return err;
	if (err == 0 && (info->type == FILE_TYPE_LINK || info->num_links > 1))
		return files_open(files, v->inner, FILE_WRITE | FILE_CREATE, on_opened, v);
	if (err == 0 && info->type != FILE_TYPE_FILE)
		return info->type == FILE_TYPE_FOLDER ? ERR_IS_FOLDER : ERR_INVALID;
	v->replaces = err == 0;
	if (v->replaces)
		v->old = *info;
	err = name_beside(v);
	if (err != 0)
		return err;
	return files_open(files, v->beside, FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, on_opened,
	                  v);
}

static void on_looked(void *context, error_t err, const struct file_info *info)
{
	struct volume_job *v = context;
	struct http_connection *connection = http_hold(v->job.exchange);

	err = open_for_write(v, err, info);
	if (err != 0)
		volume_refuse(v, err);
	http_let_go(connection);
}

void volume_write(struct volume_job *v)
{
	error_t err = files_stat_link(&v->place->files, v->inner, on_looked, v);

	if (err != 0)
		volume_refuse(v, err);
}

static void on_beside_removed(void *context, error_t err)
{
	(void)context;
	(void)err;  // it was not there yet, or its disk is gone
}

void volume_write_gone(struct volume_job *v)
{
	if (v->beside[0] != '\0')
		(void)!files_remove(&v->place->files, v->beside, on_beside_removed, NULL);
}
