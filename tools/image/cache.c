// SPDX-License-Identifier: MIT
#include "tools/image/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/common/workdir.h"
#include "tools/image/source/oci.h"
#include "tools/image/pack/pack.h"
#include "tools/image/source/source.h"

// Part of each image's name: raise it when what pack.c writes changes.
#define CACHE_FORMAT "v4"

char *cache_directory(struct error *err)
{
	const char *cache = getenv("STARINA_CACHE");
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char *path = NULL;
	int result = 0;

	if (cache && cache[0])
		result = asprintf(&path, "%s/images", cache);
	else if (xdg && xdg[0] == '/')
		result = asprintf(&path, "%s/starina/images", xdg);
	else if (home && home[0] == '/')
		result = asprintf(&path, "%s/.cache/starina/images", home);
	else {
		error_set(err, "there is no place for the image cache: set STARINA_CACHE or HOME");
		return NULL;
	}
	if (result < 0) {
		error_set(err, "out of memory");
		return NULL;
	}
	return path;
}

static bool is_complete(const char *image)
{
	char *root;
	bool complete;

	if (asprintf(&root, "%s/" PACK_ROOT, image) < 0)
		return false;
	complete = access(root, R_OK) == 0;
	free(root);
	return complete;
}

// Fetches and packs into `scratch`/packed, which is then renamed.
static int image_make(const struct source *source, const char *scratch, const char *image,
                      struct error *err)
{
	const char *ref;
	char *layout_path = source_fetch(source, scratch, &ref, err);
	struct oci_layout layout = { .fd = -1 };
	struct oci_image selected = { 0 };
	char *packed = NULL;
	int result = -1;

	if (!layout_path)
		return -1;
	if (asprintf(&packed, "%s/packed", scratch) < 0) {
		packed = NULL;
		error_set(err, "out of memory");
		goto out_free;
	}
	if (directory_create(packed, err) < 0 ||
	    oci_open(&layout, layout_path, source->reference, err) < 0 ||
	    oci_select(&layout, ref, &selected, err) < 0)
		goto out_free;
	if (pack_image(&layout, &selected, packed, scratch, err) < 0) {
		if (!strstr(err->text, source->reference))
			error_prefix(err, "%s", source->reference);
		goto out_free;
	}
	// What has the name but is not complete was damaged by other hands.
	directory_remove(image);
	if (rename(packed, image) < 0)
		error_set_errno(err, errno, "cannot create %s", image);
	else
		result = 0;
out_free:
	oci_image_deinit(&selected);
	oci_close(&layout);
	free(packed);
	free(layout_path);
	return result;
}

// One maker for each image: the others wait here and find it done.
static int image_lock(const char *cache, const char *hex, struct error *err)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/locks/%s", cache, hex) < 0)
		return error_set(err, "out of memory");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		log_info("waiting for another run that is making the same image");
		if (flock(fd, LOCK_EX) < 0) {
			close(fd);
			fd = -1;
		}
	}
	if (fd < 0)
		error_set_errno(err, errno, "cannot lock %s", path);
	free(path);
	return fd;
}

static int cache_prepare(const char *cache, struct error *err)
{
	static const char *const names[] = { "locks", "files" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path;
		int result;

		if (asprintf(&path, "%s/%s", cache, names[i]) < 0)
			return error_set(err, "out of memory");
		result = directory_create(path, err);
		free(path);
		if (result < 0)
			return -1;
	}
	return 0;
}

// The directory for the image, or NULL with `err`; `*complete`: it is there.
static char *image_path(const char *cache, const struct source *source, bool *complete,
                        struct error *err)
{
	char *image;

	if (asprintf(&image, "%s/" CACHE_FORMAT "-%s", cache, source->key + strlen("sha256:")) <
	    0) {
		error_set(err, "out of memory");
		return NULL;
	}
	*complete = is_complete(image);
	return image;
}

static char *resolve_source(const char *cache, struct source *source, const char *scratch,
                            struct error *err)
{
	bool complete;
	char *image = image_path(cache, source, &complete, err);
	int lock;

	if (!image || complete)
		return image;
	free(image);
	if (source_verify(source, scratch, err) < 0)
		return NULL;
	image = image_path(cache, source, &complete, err);
	if (!image || complete)
		return image;
	lock = image_lock(cache, source->key + strlen("sha256:"), err);
	if (lock >= 0 && (is_complete(image) || image_make(source, scratch, image, err) == 0)) {
		close(lock);
		return image;
	}
	if (lock >= 0)
		close(lock);
	free(image);
	return NULL;
}

char *cache_resolve(const char *cache, const char *reference, struct error *err)
{
	static struct workdir scratch;
	struct source source;
	char *staging;
	char *real;
	char *image = NULL;

	if (cache_prepare(cache, err) < 0)
		return NULL;
	real = realpath(cache, NULL);
	if (!real || asprintf(&staging, "%s/staging", real) < 0) {
		error_set_errno(err, errno, "cannot use %s", cache);
		free(real);
		return NULL;
	}
	if (workdir_create(&scratch, staging, err) == 0) {
		workdir_remove_at_exit(&scratch);
		if (source_identify(&source, reference, real, scratch.path, err) == 0)
			image = resolve_source(real, &source, scratch.path, err);
		source_deinit(&source);
		workdir_destroy(&scratch);
	}
	free(staging);
	free(real);
	return image;
}
