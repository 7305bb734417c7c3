// SPDX-License-Identifier: MIT
//
// A guest kernel that is hostile: any requests, of any length, for nodes and handles that it has,
// had or never got. What lies beside the share, and in one that is read-only, stays as it is.
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/base/span.h"
#include "libs/abi/files_change.h"
#include "tools/run/hostfs/hostfs_test.h"

#define MAX_STEPS 100u
#define MAX_KNOWN 16u
#define MAX_FILES 24u  // so that nodes lose their descriptors

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char top_path[64];
static struct hostfs_share shares[2];
static struct test_client client;
static uint64_t known[MAX_KNOWN];  // what replies began with: nodes and handles
static unsigned num_known, next_known;

static void put_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || write(fd, "sealed", 6) != 6 || close(fd) < 0)
		abort();
}

static void check_file(int dir, const char *name)
{
	char text[16];
	int fd = openat(dir, name, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text)) != 6 || memcmp(text, "sealed", 6) != 0)
		abort();
	close(fd);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int open_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)flag;
	(void)ftw;
	return S_ISDIR(st->st_mode) ? chmod(path, 0700) : 0;
}

static void remove_top(void)
{
	nftw(top_path, open_one, 8, FTW_PHYS);
	nftw(top_path, remove_one, 8, FTW_PHYS | FTW_DEPTH);
}

static void make_top(void)
{
	static bool prepared;
	int top;

	if (!prepared) {
		const struct rlimit limit = { 1 << 20, 1 << 20 };
		const struct rlimit few = { MAX_FILES, MAX_FILES };

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		setrlimit(RLIMIT_NOFILE, &few);
		umask(0);
		atexit(remove_top);
		prepared = true;
	}
	// In memory, where there is such a place.
	snprintf(top_path, sizeof(top_path), "%s/hostfs_fuzz.XXXXXX",
	         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(top_path))
		abort();
	top = open(top_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(top, "share", 0755) < 0 || mkdirat(top, "sealed", 0755) < 0)
		abort();
	put_file(top, "secret");
	put_file(top, "sealed/file");
	shares[0].fd = openat(top, "share", O_PATH | O_CLOEXEC);
	shares[1] = (struct hostfs_share){ .fd = openat(top, "sealed", O_PATH | O_CLOEXEC),
		                           .read_only = true };
	close(top);
}

static void check_top(void)
{
	int top = open(top_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check_file(top, "secret");
	check_file(top, "sealed/file");
	if (faccessat(top, "sealed/a", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    faccessat(top, "a", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		abort();
	close(top);
}

static uint64_t any_number(struct reader *r)
{
	uint8_t choice = reader_u8(r);

	if (choice < 128 && num_known > 0)
		return known[choice % num_known];
	return choice < 250 ? choice % 4 : reader_le64(r);
}

static void any_name(struct reader *r)
{
	static const char *const names[] = {
		"a",         "b", "c",      "d",
		"../secret", ".", "..",     "",
		"a/b",       "/", "secret", "file",
		"0",         "1", "user.x", "user.containers.override_stat"
	};

	test_add_name(&client, names[reader_u8(r) % 16]);
}

// Operations' structs are numbers, of which some are nodes and handles, and then come names.
static void any_body(struct reader *r)
{
	uint8_t shape = reader_u8(r);

	for (unsigned i = 0; i < (shape & 15); i++) {
		uint64_t number = any_number(r);

		test_add(&client, &number, (shape & 16) != 0 && i % 2 == 0 ? 4 : 8);
	}
	for (unsigned i = 0; i < shape >> 6; i++)
		any_name(r);
	if ((shape & 32) != 0) {
		uint64_t odd = reader_le64(r);

		test_add(&client, &odd, reader_u8(r) % 9);
	}
}

// One node in several places, and places that change.
static void move_around(struct reader *r, unsigned choice)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	static const uint32_t opcodes[] = { FUSE_LINK, FUSE_RENAME2, FUSE_FORGET };
	uint64_t nodes[2] = { any_number(r), any_number(r) }, once = 1;
	struct fuse_rename2_in in = { .newdir = nodes[1], .flags = reader_u8(r) % 3 };
	uint8_t which = reader_u8(r);

	test_begin(&client, opcodes[choice], nodes[0]);
	if (choice == 1)
		test_add(&client, &in, sizeof(in));
	else
		test_add(&client, choice == 0 ? &nodes[1] : &once, 8);
	if (choice < 2)
		test_add_name(&client, names[which % 4]);
	if (choice == 1)
		test_add_name(&client, names[which / 4 % 4]);
	(void)test_send(&client);
}

// Others change the share.
static void others_change(struct reader *r)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	uint8_t which = reader_u8(r);
	const char *name = names[which % 4];
	int top = open(top_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int share = openat(top, "share", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int file;

	switch (which / 16 % 4) {
	case 0:
		file = openat(share, name, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0644);
		if (file >= 0)
			close(file);
		break;
	case 1: (void)!mkdirat(share, name, 0755); break;
	case 2: (void)!renameat(share, name, share, names[which / 4 % 4]); break;
	default: (void)!unlinkat(share, name, which & 64 ? AT_REMOVEDIR : 0); break;
	}
	close(share);
	close(top);
}

// Takes what is told now: whole records of paths in a share.
static void hear_changes(void)
{
	struct fuse_out_header out;
	struct files_change change;
	int wait;
	size_t length = hostfs_changes(client.fs, client.reply, &wait);

	if (length == 0)
		return;
	memcpy(&out, client.reply, sizeof(out));
	if (out.len != length || out.error != 0)
		abort();
	for (size_t at = sizeof(out); at < length; at += sizeof(change) + change.length) {
		memcpy(&change, client.reply + at, sizeof(change));
		if (change.kind < FILES_CREATED || change.kind > FILES_ATTRIBUTES ||
		    change.length == 0 || change.length > length - at - sizeof(change) ||
		    client.reply[at + sizeof(change)] > '1')
			abort();
	}
}

static void ask_for_changes(void)
{
	uint64_t node = (uint64_t)test_lookup(&client, FUSE_ROOT_ID, FILES_CHANGES);
	uint64_t fh;

	if (test_open(&client, FUSE_OPEN, node, O_RDONLY, &fh) == 0)
		(void)test_read(&client, FUSE_READ, node, fh, 0, 4096);
}

// Makes what most other requests need.
static void well_formed(struct reader *r)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	const char *name = names[reader_u8(r) % 4];
	uint64_t parent = any_number(r), node, fh;
	struct fuse_mkdir_in in = { .mode = 0755 };
	uint8_t choice = reader_u8(r) % 10;

	switch (choice) {
	case 0: (void)test_create(&client, parent, name, O_RDWR, 0644, &node, &fh); break;
	case 1:
		test_begin(&client, FUSE_MKDIR, parent);
		test_add(&client, &in, sizeof(in));
		test_add_name(&client, name);
		(void)test_send(&client);
		break;
	case 2:
		test_begin(&client, FUSE_SYMLINK, parent);
		test_add_name(&client, name);
		test_add_name(&client, "..");
		(void)test_send(&client);
		break;
	case 3: (void)test_lookup(&client, parent, name); break;
	case 7: ask_for_changes(); break;
	case 8: others_change(r); break;
	case 9: hear_changes(); break;
	default: move_around(r, choice - 4u); break;
	}
}

static void step(struct reader *r)
{
	uint8_t how = reader_u8(r);
	uint8_t group = reader_u8(r);
	int result = 0;

	client.uid = how >> 6;
	client.gid = group < 64 ? FILES_TOUCH_GID + group % 9 : 0;
	if ((how & 3) == 0) {
		well_formed(r);
	} else {
		test_begin(&client, how & 63, any_number(r));
		any_body(r);
		result = test_send(&client);
		if (result == 2)
			abort();
	}
	if (result == 0 && client.reply_len >= 8)
		memcpy(&known[next_known++ % MAX_KNOWN], test_body(&client), 8);
	num_known = next_known < MAX_KNOWN ? next_known : MAX_KNOWN;
}

// The privileges of nobody, as most users have them, while the input runs.
static void privileges_set(uid_t uid)
{
	if (getuid() != 0)
		return;
	if ((uid == 0 && seteuid(0) < 0) || setegid(uid) < 0 || (uid != 0 && seteuid(uid) < 0))
		abort();
	// For the leak checker.
	prctl(PR_SET_DUMPABLE, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_make(data, size);

	privileges_set(1234);
	make_top();
	client.fs = hostfs_create(shares, 2);
	next_known = 0;
	(void)test_init(&client);
	known[next_known++] = (uint64_t)test_lookup(&client, FUSE_ROOT_ID, "0");
	known[next_known++] = (uint64_t)test_lookup(&client, FUSE_ROOT_ID, "1");
	num_known = next_known;
	for (unsigned i = 0; i < MAX_STEPS && r.rest.len > 0 && reader_status(&r) == 0; i++)
		step(&r);
	hostfs_destroy(client.fs);
	close(shares[0].fd);
	close(shares[1].fd);
	check_top();
	remove_top();
	privileges_set(0);
	return 0;
}
