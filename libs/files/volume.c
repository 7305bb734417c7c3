// SPDX-License-Identifier: MIT
#include "libs/files/volume.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

#define NAMES_SIZE (64u * 1024)  // bytes of names that are looked at in one go

static void see_entry(void *context, const struct file_entry *entry)
{
	(void)entry;
	*(bool *)context = false;
}

bool volume_is_empty(struct folder *volumes, const char *name)
{
	bool empty = true;

	return folder_list(volumes, name, see_entry, &empty) < 0 || empty;
}

// --- Removal -------------------------------------------------------------------------------------

// Names of a folder, each with a byte before it that tells folders, and a NUL behind it.
struct names {
	size_t used;
	char text[NAMES_SIZE];
};

struct removal {
	struct folder *volumes;
	char top[FILES_NAME_MAX + 1];
	uint32_t moved;  // number of the next folder that is moved
	uint32_t steps;  // that are left to do
	struct names outer, inner;
};

static void take_name(void *context, const struct file_entry *entry)
{
	struct names *names = context;
	size_t len = strlen(entry->name) + 1;

	if (names->used + 1 + len > sizeof(names->text))
		return;  // the next time
	names->text[names->used++] = entry->type == FILE_TYPE_FOLDER ? 'd' : 'f';
	memcpy(names->text + names->used, entry->name, len);
	names->used += len;
}

static error_t list(struct removal *r, const char *path, struct names *names)
{
	names->used = 0;
	return folder_list(r->volumes, path, take_name, names);
}

// Moves a folder to the top, under a name that nothing has there.
static error_t move_up(struct removal *r, const char *path)
{
	char to[FILES_PATH_MAX];
	error_t err;

	do {
		fmt_write(to, sizeof(to), "%s/%u", r->top, r->moved++);
		err = folder_rename(r->volumes, path, to, true);
	} while (err == ERR_EXISTS);
	return err;
}

// Makes room for one more step. Errors: ERR_LIMIT when there is none.
static error_t step(struct removal *r)
{
	if (r->steps == 0)
		return ERR_LIMIT;
	r->steps--;
	return 0;
}

// Removes what `names` lists of a folder: files go, folders as `folder` has it.
static error_t remove_names(struct removal *r, const char *path, const struct names *names,
                            error_t (*folder)(struct removal *r, const char *path))
{
	char entry[FILES_PATH_MAX];
	error_t err = 0;

	for (size_t at = 0; at < names->used && err == 0; at += strlen(names->text + at) + 1) {
		fmt_write(entry, sizeof(entry), "%s/%s", path, names->text + at + 1);
		err = step(r);
		if (err == 0)
			err = names->text[at] == 'd' ? folder(r, entry)
						     : folder_remove(r->volumes, entry);
	}
	return err;
}

// Removes a folder of the top: its files go, its folders move up. So no path is long, however deep
// the volume is.
static error_t remove_folder(struct removal *r, const char *path)
{
	error_t err;

	while ((err = list(r, path, &r->inner)) == 0 && r->inner.used > 0) {
		err = remove_names(r, path, &r->inner, move_up);
		if (err < 0)
			return err;
	}
	return err < 0 ? err : folder_remove(r->volumes, path);
}

static error_t remove_top(struct removal *r)
{
	error_t err;

	while ((err = list(r, r->top, &r->outer)) == 0 && r->outer.used > 0) {
		err = remove_names(r, r->top, &r->outer, remove_folder);
		if (err < 0)
			return err;
	}
	return err < 0 ? err : folder_remove(r->volumes, r->top);
}

// Gives it a name that is not a volume's, and that none which was removed before, and not wholly,
// has: from here on it is none, whenever the machine ends.
static error_t hide(struct removal *r, const char *name)
{
	char suffix[12] = "";
	error_t err;

	for (uint32_t i = 1;; i++) {
		fmt_write(r->top, sizeof(r->top), ".%.*s%s",
		          (int)(FILES_NAME_MAX - 1 - strlen(suffix)), name, suffix);
		err = folder_rename(r->volumes, name, r->top, true);
		if (err != ERR_EXISTS)
			return err;
		fmt_write(suffix, sizeof(suffix), ".%u", i);
	}
}

error_t volume_remove_some(struct folder *volumes, const char *name, uint32_t steps, bool *whole)
{
	struct removal *r;
	error_t err = 0;

	*whole = false;
	if (strlen(name) > FILES_NAME_MAX)
		return ERR_NOT_FOUND;
	r = heap_alloc(sizeof(*r));
	if (r == NULL)
		return ERR_NO_MEMORY;
	r->volumes = volumes;
	r->steps = steps;
	// Not the names that a removal before this one has given.
	if (random_get(&r->moved, sizeof(r->moved)) < 0)
		r->moved = 0;
	if (name[0] == '.')
		str_copy(r->top, name, sizeof(r->top));
	else
		err = hide(r, name);
	if (err == 0)
		err = remove_top(r);
	heap_free(r);
	*whole = err == 0;
	return err == ERR_LIMIT ? 0 : err;
}

error_t volume_remove(struct folder *volumes, const char *name)
{
	char left[FILES_NAME_MAX + 1];
	error_t err = 0;
	bool whole;

	// One of that name that was removed before, and not wholly.
	if (name[0] != '.' && fmt_write(left, sizeof(left), ".%s", name) < sizeof(left))
		err = volume_remove_some(volumes, left, UINT32_MAX, &whole);
	if (err < 0 && err != ERR_NOT_FOUND)
		return err;
	return volume_remove_some(volumes, name, UINT32_MAX, &whole);
}
