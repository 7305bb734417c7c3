// SPDX-License-Identifier: MIT
#include "libs/files/volume.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

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
	uint32_t moved;  // how many folders
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

// Removes a folder of the top: its files go, its folders move up. So no path is long, however deep
// the volume is.
static error_t remove_folder(struct removal *r, const char *path)
{
	char entry[FILES_PATH_MAX];
	error_t err;

	while ((err = list(r, path, &r->inner)) == 0 && r->inner.used > 0) {
		for (size_t at = 0; at < r->inner.used && err == 0;
		     at += strlen(r->inner.text + at) + 1) {
			fmt_write(entry, sizeof(entry), "%s/%s", path, r->inner.text + at + 1);
			err = r->inner.text[at] == 'd' ? move_up(r, entry)
						       : folder_remove(r->volumes, entry);
		}
		if (err < 0)
			return err;
	}
	return err < 0 ? err : folder_remove(r->volumes, path);
}

static error_t remove_top(struct removal *r)
{
	char entry[FILES_PATH_MAX];
	error_t err;

	while ((err = list(r, r->top, &r->outer)) == 0 && r->outer.used > 0) {
		for (size_t at = 0; at < r->outer.used && err == 0;
		     at += strlen(r->outer.text + at) + 1) {
			fmt_write(entry, sizeof(entry), "%s/%s", r->top, r->outer.text + at + 1);
			err = r->outer.text[at] == 'd' ? remove_folder(r, entry)
						       : folder_remove(r->volumes, entry);
		}
		if (err < 0)
			return err;
	}
	return err < 0 ? err : folder_remove(r->volumes, r->top);
}

// Gives it a name that is not a volume's: from here on it is none, whenever the machine ends.
static error_t hide(struct removal *r, const char *name)
{
	error_t err = folder_rename(r->volumes, name, r->top, true);

	// One that was removed before, and not wholly.
	if (err == ERR_EXISTS) {
		err = remove_top(r);
		if (err == 0)
			err = folder_rename(r->volumes, name, r->top, true);
	}
	return err;
}

error_t volume_remove(struct folder *volumes, const char *name)
{
	struct removal *r;
	error_t err = 0;

	if (strlen(name) >= FILES_NAME_MAX)
		return ERR_NOT_FOUND;
	r = heap_alloc(sizeof(*r));
	if (r == NULL)
		return ERR_NO_MEMORY;
	r->volumes = volumes;
	fmt_write(r->top, sizeof(r->top), "%s%s", name[0] == '.' ? "" : ".", name);
	if (name[0] != '.')
		err = hide(r, name);
	if (err == 0)
		err = remove_top(r);
	heap_free(r);
	return err;
}
