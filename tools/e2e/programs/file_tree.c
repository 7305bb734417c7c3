// SPDX-License-Identifier: MIT
//
// Folders, files, links and names that are made, moved, exchanged and removed in random order,
// compared with a model in memory: PATH (of a folder that it makes) SEED STEPS. Ends with "ok".
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "file_stress.h"

#define FOLDERS 12u
#define NAMES 10u
#define INODES 256u
#define MAX_CONTENT 300u

struct inode {
	char type;  // 'f', 'd', 'l'; 0: it is none
	unsigned links;
	unsigned mode;
	size_t size;
	unsigned char content[MAX_CONTENT];
	unsigned attribute;  // 0: none
	int open;            // -1: not
	// Of a folder.
	int entries[NAMES];  // -1: none
	int parent;
};

static struct inode inodes[INODES];
static bool has_attributes = true;

static int inode_new(char type)
{
	for (int i = 0; i < (int)INODES; i++) {
		if (inodes[i].type != 0 || inodes[i].links > 0)
			continue;
		inodes[i] = (struct inode){ .type = type, .links = 1, .open = -1, .mode = 0644 };
		for (unsigned n = 0; n < NAMES; n++)
			inodes[i].entries[n] = -1;
		return i;
	}
	return -1;
}

static void inode_drop(int index)
{
	struct inode *inode = &inodes[index];

	if (--inode->links == 0 && inode->open < 0)
		inode->type = 0;
}

// A folder by number; they are found from the root by the model.
static int any_folder(void)
{
	int found[INODES];
	unsigned count = 0;

	for (int i = 0; i < (int)INODES; i++) {
		if (inodes[i].type == 'd')
			found[count++] = i;
	}
	return found[any(count)];
}

static void folder_path(int folder, char *out)
{
	char above[PATH_MAX];
	int parent = inodes[folder].parent;

	if (folder == 0) {
		strcpy(out, ".");
		return;
	}
	folder_path(parent, above);
	for (unsigned n = 0; n < NAMES; n++) {
		if (inodes[parent].entries[n] == folder)
			MUST(snprintf(out, PATH_MAX, "%s/n%u", above, n) < PATH_MAX);
	}
}

struct place {
	int folder;
	unsigned name;
	int index;  // what is there; -1: nothing
	char path[PATH_MAX + 16];
};

static struct place any_place(void)
{
	struct place place = { .folder = any_folder(), .name = any(NAMES) };
	char folder[PATH_MAX];

	folder_path(place.folder, folder);
	place.index = inodes[place.folder].entries[place.name];
	snprintf(place.path, sizeof(place.path), "%s/n%u", folder, place.name);
	return place;
}

static void check_inode(const char *path, const struct inode *inode)
{
	unsigned char content[MAX_CONTENT + 1] = { 0 };
	unsigned attribute = 0;
	struct stat status;
	int file;

	MUST(lstat(path, &status) == 0);
	if (inode->type == 'd') {
		MUST(S_ISDIR(status.st_mode));
		return;
	}
	if (inode->type == 'l') {
		MUST(S_ISLNK(status.st_mode));
		MUST(readlink(path, (char *)content, MAX_CONTENT) == (ssize_t)inode->size);
		MUST(memcmp(content, inode->content, inode->size) == 0);
		return;
	}
	if (!S_ISREG(status.st_mode) || status.st_nlink != inode->links ||
	    (size_t)status.st_size != inode->size || (status.st_mode & 07777) != inode->mode)
		FAIL("%s: mode %o, %u links, size %lld; wanted %o, %u, %zu", path, status.st_mode,
		     (unsigned)status.st_nlink, (long long)status.st_size, inode->mode,
		     inode->links, inode->size);
	file = open(path, O_RDONLY);
	MUST(file >= 0);
	MUST(read(file, content, sizeof(content)) == (ssize_t)inode->size);
	MUST(memcmp(content, inode->content, inode->size) == 0);
	if (has_attributes) {
		ssize_t got = fgetxattr(file, "user.tree", &attribute, sizeof(attribute));

		MUST(got == sizeof(attribute) || (got < 0 && errno == ENODATA));
		MUST(attribute == inode->attribute);
	}
	MUST(close(file) == 0);
}

// A folder lists what it has, once each.
static void check_folder(const char *path, const struct inode *folder)
{
	unsigned seen = 0, wanted = 0;
	struct dirent *entry;
	DIR *dir = opendir(path);

	MUST(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		unsigned name = (unsigned)strtoul(entry->d_name + 1, NULL, 10);

		if (entry->d_name[0] == '.')
			continue;
		MUST(name < NAMES && folder->entries[name] >= 0 && !(seen & 1u << name));
		seen |= 1u << name;
	}
	MUST(closedir(dir) == 0);
	for (unsigned n = 0; n < NAMES; n++)
		wanted |= folder->entries[n] >= 0 ? 1u << n : 0;
	MUST(seen == wanted);
}

static void check_all(int folder, const char *path)
{
	check_folder(path, &inodes[folder]);
	for (unsigned n = 0; n < NAMES; n++) {
		int index = inodes[folder].entries[n];
		char name[PATH_MAX + 16];
		struct stat status;

		snprintf(name, sizeof(name), "%s/n%u", path, n);
		if (index < 0) {
			MUST(lstat(name, &status) < 0 && errno == ENOENT);
			continue;
		}
		check_inode(name, &inodes[index]);
		if (inodes[index].type == 'd')
			check_all(index, name);
	}
}

static bool is_empty(int folder)
{
	for (unsigned n = 0; n < NAMES; n++) {
		if (inodes[folder].entries[n] >= 0)
			return false;
	}
	return true;
}

static bool is_within(int folder, int above)
{
	for (; folder != above; folder = inodes[folder].parent) {
		if (folder == 0)
			return false;
	}
	return true;
}

static unsigned count_type(char type)
{
	unsigned count = 0;

	for (unsigned i = 0; i < INODES; i++)
		count += inodes[i].type == type;
	return count;
}

static void content_change(struct inode *inode, int file)
{
	inode->size = any(MAX_CONTENT);
	for (size_t i = 0; i < inode->size; i++)
		inode->content[i] = (unsigned char)any(256);
	MUST(ftruncate(file, 0) == 0);
	MUST(pwrite(file, inode->content, inode->size, 0) == (ssize_t)inode->size);
}

static void make_file(struct place *at)
{
	int file = open(at->path, O_RDWR | O_CREAT | O_EXCL, 0644);
	int index;

	if (at->index >= 0) {
		MUST(file < 0 && errno == EEXIST);
		return;
	}
	MUST(file >= 0);
	index = inode_new('f');
	MUST(index >= 0);
	inodes[at->folder].entries[at->name] = index;
	content_change(&inodes[index], file);
	MUST(close(file) == 0);
}

static void make_folder(struct place *at)
{
	if (at->index < 0 && count_type('d') >= FOLDERS)
		return;
	if (mkdir(at->path, 0755) < 0) {
		MUST(at->index >= 0 && errno == EEXIST);
		return;
	}
	MUST(at->index < 0);
	at->index = inode_new('d');
	inodes[at->index].parent = at->folder;
	inodes[at->folder].entries[at->name] = at->index;
}

static void make_link(struct place *at)
{
	char text[MAX_CONTENT];
	int index;

	snprintf(text, sizeof(text), "to/%u", any(1000000));
	if (symlink(text, at->path) < 0) {
		MUST(at->index >= 0 && errno == EEXIST);
		return;
	}
	MUST(at->index < 0);
	index = inode_new('l');
	inodes[index].size = strlen(text);
	memcpy(inodes[index].content, text, strlen(text));
	inodes[at->folder].entries[at->name] = index;
}

static void hard_link(struct place *from, struct place *to)
{
	if (from->index < 0 || inodes[from->index].type != 'f')
		return;
	if (link(from->path, to->path) < 0) {
		MUST(to->index >= 0 && errno == EEXIST);
		return;
	}
	MUST(to->index < 0);
	inodes[to->folder].entries[to->name] = from->index;
	inodes[from->index].links++;
}

static void remove_name(struct place *at)
{
	bool folder = at->index >= 0 && inodes[at->index].type == 'd';
	int result = folder ? rmdir(at->path) : unlink(at->path);

	if (at->index < 0 || (folder && !is_empty(at->index))) {
		MUST(result < 0 && errno == (at->index < 0 ? ENOENT : ENOTEMPTY));
		return;
	}
	MUST(result == 0);
	inodes[at->folder].entries[at->name] = -1;
	inode_drop(at->index);
}

// What rename says to two places.
static int rename_error(const struct place *from, const struct place *to)
{
	bool folder;

	if (from->index < 0)
		return ENOENT;
	folder = inodes[from->index].type == 'd';
	if (folder && is_within(to->folder, from->index))
		return EINVAL;
	if (to->index < 0 || to->index == from->index)
		return 0;
	if (inodes[to->index].type == 'd' && is_within(from->folder, to->index))
		return ENOTEMPTY;
	if (folder != (inodes[to->index].type == 'd'))
		return folder ? ENOTDIR : EISDIR;
	return folder && !is_empty(to->index) ? ENOTEMPTY : 0;
}

static void move(struct place *from, struct place *to)
{
	int wanted = rename_error(from, to);
	int result = rename(from->path, to->path);

	if (wanted != 0) {
		if (result == 0 || errno != wanted)
			FAIL("rename of %s to %s: %d, wanted errno %d", from->path, to->path,
			     result, wanted);
		return;
	}
	if (result != 0)
		FAIL("rename of %s to %s", from->path, to->path);
	if (from->index == to->index)
		return;
	if (to->index >= 0)
		inode_drop(to->index);
	inodes[from->folder].entries[from->name] = -1;
	inodes[to->folder].entries[to->name] = from->index;
	if (inodes[from->index].type == 'd')
		inodes[from->index].parent = to->folder;
}

static void change(struct place *at)
{
	struct inode *inode;
	int file;

	if (at->index < 0 || inodes[at->index].type != 'f')
		return;
	inode = &inodes[at->index];
	file = open(at->path, O_RDWR);
	MUST(file >= 0);
	switch (any(3)) {
	case 0: content_change(inode, file); break;
	case 1:
		inode->mode = any(2) ? 0600 : 0640;
		MUST(fchmod(file, inode->mode) == 0);
		break;
	default:
		if (!has_attributes)
			break;
		inode->attribute = 1 + any(100);
		if (fsetxattr(file, "user.tree", &inode->attribute, sizeof(unsigned), 0) < 0) {
			MUST(errno == EOPNOTSUPP);
			has_attributes = false;
		}
	}
	MUST(close(file) == 0);
}

// A file stays open while its names come and go.
static void keep_open(struct place *at)
{
	unsigned char content[MAX_CONTENT + 1];

	for (unsigned i = 0; i < INODES; i++) {
		struct inode *inode = &inodes[i];

		if (inode->type != 'f' || inode->open < 0 || any(2))
			continue;
		MUST(pread(inode->open, content, sizeof(content), 0) == (ssize_t)inode->size);
		MUST(memcmp(content, inode->content, inode->size) == 0);
		content_change(inode, inode->open);
		MUST(close(inode->open) == 0);
		inode->open = -1;
		if (inode->links == 0)
			inode->type = 0;
	}
	if (at->index >= 0 && inodes[at->index].type == 'f' && inodes[at->index].open < 0) {
		inodes[at->index].open = open(at->path, O_RDWR);
		MUST(inodes[at->index].open >= 0);
	}
}

static void one_step(void)
{
	struct place at = any_place(), other = any_place();

	switch (any(12)) {
	case 0:
	case 1: make_file(&at); break;
	case 2: make_folder(&at); break;
	case 3: make_link(&at); break;
	case 4: hard_link(&at, &other); break;
	case 5:
	case 6: remove_name(&at); break;
	case 7:
	case 8: move(&at, &other); break;
	case 9: keep_open(&at); break;
	default: change(&at); break;
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	MUST(mkdir(argv[1], 0755) == 0 && chdir(argv[1]) == 0);
	umask(022);
	random_state = strtoull(argv[2], NULL, 10);
	inode_new('d');
	for (step = 0; step < strtoul(argv[3], NULL, 10); step++) {
		one_step();
		if (step % 256 == 0)
			check_all(0, ".");
	}
	check_all(0, ".");
	puts("ok");
	return 0;
}
