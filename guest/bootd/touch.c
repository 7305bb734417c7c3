// SPDX-License-Identifier: MIT
#include "guest/bootd/touch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/bootd/shares.h"
#include "libs/abi/files_change.h"

#define BUFFER_SIZE 16384

// Where a change was: an entry of a folder.
struct place {
	int folder;
	const char *name;
	mode_t type;
};

static void act_as(unsigned kind)
{
	setfsgid(FILES_TOUCH_GID + kind);
}

// What Linux knows of it becomes what it is.
static int look_again(const struct place *place, struct statx *status)
{
	return statx(place->folder, place->name, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC,
	             STATX_BASIC_STATS, status);
}

static void touch_attributes(const struct place *place)
{
	struct statx status;

	act_as(FILES_ATTRIBUTES);
	if (look_again(place, &status) != 0)
		return;
	const struct timespec times[2] = {
		{ .tv_sec = status.stx_atime.tv_sec, .tv_nsec = status.stx_atime.tv_nsec },
		{ .tv_sec = status.stx_mtime.tv_sec, .tv_nsec = status.stx_mtime.tv_nsec },
	};
	(void)!utimensat(place->folder, place->name, times, AT_SYMLINK_NOFOLLOW);
}

static void touch_written(const struct place *place)
{
	struct statx status;
	int file = -1;

	act_as(FILES_WRITTEN);
	if (look_again(place, &status) == 0 && S_ISREG(status.stx_mode))
		file = openat(place->folder, place->name,
		              O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0) {
		touch_attributes(place);  // one that is being executed, say
		return;
	}
	(void)!ftruncate(file, (off_t)status.stx_size);
	close(file);
}

static void touch_removed(const struct place *place)
{
	if (S_ISDIR(place->type)) {
		// Linux marks the folder that it knows as removed, and that may only have moved.
		act_as(FILES_DROP);
		(void)!unlinkat(place->folder, place->name, AT_REMOVEDIR);
		act_as(FILES_REMOVED_FOLDER);
		(void)!unlinkat(place->folder, place->name, AT_REMOVEDIR);
	} else {
		act_as(FILES_REMOVED);
		(void)!unlinkat(place->folder, place->name, 0);
	}
}

static int make(const struct place *place)
{
	act_as(FILES_CREATED);
	if (S_ISDIR(place->type))
		return mkdirat(place->folder, place->name, 0755);
	if (S_ISLNK(place->type))
		return symlinkat("-", place->folder, place->name);
	return mknodat(place->folder, place->name, place->type | 0644, 0);
}

static void touch_created(const struct place *place)
{
	act_as(FILES_REPLACED);
	(void)!unlinkat(place->folder, place->name, 0);
	(void)!make(place);
	if (S_ISREG(place->type))
		touch_written(place);
}

static void touch(int shares, const struct files_change *change, char *path)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	char *slash = strrchr(path, '/');
	struct place place = { .folder = shares, .name = path, .type = change->type & S_IFMT };

	act_as(0);
	if (slash != NULL) {
		*slash = '\0';
		place.name = slash + 1;
		place.folder = (int)syscall(SYS_openat2, shares, path, &how, sizeof(how));
	}
	if (place.folder < 0)
		return;
	switch (change->kind) {
	case FILES_CREATED: touch_created(&place); break;
	case FILES_REMOVED: touch_removed(&place); break;
	case FILES_WRITTEN: touch_written(&place); break;
	default: touch_attributes(&place); break;
	}
	act_as(0);
	if (place.folder != shares)
		close(place.folder);
}

static void touch_all(int shares, const uint8_t *records, size_t size)
{
	while (size >= sizeof(struct files_change)) {
		char path[FILES_CHANGE_MAX_PATH + 1];
		struct files_change change;

		memcpy(&change, records, sizeof(change));
		records += sizeof(change);
		size -= sizeof(change);
		if (change.length > size || change.length > FILES_CHANGE_MAX_PATH)
			return;
		memcpy(path, records, change.length);
		path[change.length] = '\0';
		records += change.length;
		size -= change.length;
		touch(shares, &change, path);
	}
}

// What the process tells bootd: that it does nothing but hold the root.
static struct {
	atomic_bool holds;
} * holder;
static pid_t child = -1;

static _Noreturn void run(int shares)
{
	static uint8_t records[BUFFER_SIZE];
	int changes = openat(shares, FILES_CHANGES, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	(void)prctl(PR_SET_NAME, "bootd-touch");
	umask(0);
	while (changes >= 0 &&
	       ((got = read(changes, records, sizeof(records))) > 0 || (got < 0 && errno == EINTR)))
		touch_all(shares, records, got > 0 ? (size_t)got : 0);
	// With the device's root Linux ends what writes back dirty pages, of all shares: who writes
	// to mapped memory would wait for ever. So the root stays.
	if (holder != NULL)
		atomic_store(&holder->holds, true);
	for (;;)
		pause();
}

void touch_begin(int shares)
{
	if (shares < 0)
		return;
	holder = mmap(NULL, sizeof(*holder), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	if (holder == MAP_FAILED)
		holder = NULL;
	child = fork();
	if (child == 0) {
		// What is bootd's is closed when bootd closes it.
		if (shares != 3 && dup3(shares, 3, O_CLOEXEC) < 0)
			_exit(1);
		close_range(4, ~0U, 0);
		run(3);
	}
	close(shares);
}

void touch_end(void)
{
	if (child <= 0)
		return;
	// One that waits for changes waits in a request, and no signal ends that.
	if (holder != NULL && atomic_load(&holder->holds)) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = -1;
	shares_unmount();
}
