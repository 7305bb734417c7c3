// SPDX-License-Identifier: MIT
//
// The app between clients that say anything and a disk that answers when the input says so. An
// input is a list of steps: what, how, a length, and so many bytes. The app's end in the midst of
// all that is a step, too. At the end everybody leaves, and nothing may be left.
#define KEPT_BYTES (768u * 1024)
#include "apps/fs/ext4_fake.h"
#include "apps/fs/fs_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SESSIONS 3u

static handle_t client, sessions[SESSIONS];
static bool may_exit;

static void begin(void)
{
	fake_reset();
	ext4_fake_reset();
	ext4_fake_waits = 32;
	srand(1);
	memset(sessions, 0, sizeof(sessions));
	memset(disk_image, 0, 8 * EXT4_BLOCK_SIZE);
	disk_bad_block = UINT64_MAX;
	may_exit = false;
	client = HANDLE_NONE;
	app_begin();
	app_start();
}

static const char *const shares[] = { FILES_VOLUMES,          FILES_VOLUMES_READ_ONLY,
	                              FILES_OWN_FOLDER,       FILES_OWN_FOLDER "a",
	                              FILES_STORE_PREFIX "a", FILES_STORE_PREFIX "..",
	                              "volumes:all/vol/",     "" };

static void opens(uint8_t how)
{
	handle_t services[] = { service, service, own_service, store_service };

	if (client == HANDLE_NONE)
		client = fake_client_connect(services[how >> 5 & 3]);
	if (client != HANDLE_NONE)
		(void)open_send(client, how, shares[how % 8]);
}

static const uint32_t opcodes[] = {
	FUSE_INIT,    FUSE_LOOKUP,      FUSE_FORGET,   FUSE_GETATTR,  FUSE_SETATTR,
	FUSE_SYMLINK, FUSE_MKNOD,       FUSE_MKDIR,    FUSE_UNLINK,   FUSE_RMDIR,
	FUSE_RENAME,  FUSE_LINK,        FUSE_OPEN,     FUSE_READ,     FUSE_WRITE,
	FUSE_STATFS,  FUSE_SETXATTR,    FUSE_GETXATTR, FUSE_READDIR,  FUSE_BATCH_FORGET,
	FUSE_CREATE,  FUSE_READDIRPLUS, FUSE_TMPFILE,  FUSE_READLINK, FUSE_FALLOCATE,
	FUSE_LSEEK,   FUSE_RENAME2,     FUSE_SYNCFS,   FUSE_FSYNC,    FUSE_LISTXATTR,
	FUSE_DESTROY, FUSE_INTERRUPT,
};

// The nodes that a file system of these inputs has, and others.
static uint64_t any_node(uint8_t how)
{
	uint64_t inode = 2 + how % 6;

	return how % 8 == 7 ? FUSE_ROOT_ID
			    : (inode | ((inode - 1) * 77773 & 0xffffff) << 32) + (how >> 7);
}

// A request of some operation, whose body is the input's bytes. With `how`, a few of its structs'
// fields are made to fit.
static void asks(handle_t session, uint8_t how, const uint8_t *data, size_t len)
{
	struct request r = { .at = how & 64 ? EXT4_BLOCK_SIZE - 80u : 0 };
	struct fuse_write_in write = { 0 };
	struct fuse_init_in init = { .major = 7, .minor = 38, .flags = ~0u };
	struct fuse_lk_in lock = { 0 };

	if (session == HANDLE_NONE || len < 3)
		return;
	r.opcode = data[0] % 33 == 32 ? data[1] : opcodes[data[0] % 33 % 32];
	r.node = any_node(data[1]);
	r.unique = data[2];
	r.tail = data + 3;
	r.tail_len = len - 3;
	if (r.opcode == FUSE_INIT && (how & 32) == 0) {
		r.fixed = &init;
		r.fixed_len = sizeof(init);
	}
	if (r.opcode == FUSE_WRITE && (how & 32) == 0 && len >= 7) {
		write.offset = (uint64_t)data[3] * (data[4] & 1 ? 4096 : 100);
		write.size = (uint32_t)(data[5] * 1024u + (data[4] & 2 ? data[6] : 0));
		r.fixed = &write;
		r.fixed_len = sizeof(write);
		r.tail = disk_image;
		r.tail_len = write.size;
	}
	if ((r.opcode == FUSE_SETLK || r.opcode == FUSE_GETLK) && (how & 32) == 0 && len >= 7) {
		lock.owner = data[3] % 3;
		lock.lk.type = data[4] % 4;
		lock.lk.start = data[5];
		lock.lk.end = data[6];
		lock.lk_flags = (data[3] & 0x40u) >> 6 | (data[3] & 0x80u) << 24;
		r.fixed = &lock;
		r.fixed_len = sizeof(lock);
	}
	request_send(session, &r);
}

// Anything as a message.
static void says(handle_t session, uint8_t how, const uint8_t *data, size_t len)
{
	if (len > 0)
		fake_say(session, how & 1 ? MSG_FILES_FUSE : data[0], data, len,
		         fake_cargo((how & 2) != 0, (how & 4) != 0), 8192);
}

enum { OPEN, KEY, ASK, ASK_MORE, ASK_AGAIN, SAY, DISK, TAKE, CLOSE, MEMORY, DIE, TIME, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *end = &sessions[how % SESSIONS];

	switch (what) {
	case OPEN: opens(how); break;
	case KEY:
		if (*end != HANDLE_NONE)
			send_key(*end, how % 5);
		break;
	case ASK:
	case ASK_MORE:
	case ASK_AGAIN: asks(*end, how, data, len); break;
	case SAY: says(*end, how, data, len); break;
	case DISK:
		disk_bad_block = how >= 250 ? how - 248u : UINT64_MAX;
		disk_serves();
		break;
	case TAKE: fake_take_all(how & 1 ? client : *end, sessions, SESSIONS); break;
	case CLOSE: fake_close(how & 64 ? &client : end); break;
	case MEMORY:
		may_exit = true;
		fake_memory_fail(how);
		break;
	case TIME: fake_time_pass(how * NSEC_PER_SEC); break;
	default:
		fake_memory_fail(0);
		memset(sessions, 0, sizeof(sessions));
		client = HANDLE_NONE;
		app_dies();
		break;
	}
}

static void turn(void)
{
	fake_loop_settle(&fs.loop);
}

static void end(void)
{
	fake_memory_fail(0);
	disk_bad_block = UINT64_MAX;
	for (size_t i = 0; i < SESSIONS; i++)
		fake_close(&sessions[i]);
	fake_close(&client);
	settle();
	// What waits for those who do not come back.
	fake_time_pass(2 * FS_RETURN_SECONDS * NSEC_PER_SEC);
	for (int i = 0; i < 100 && fs.num_calls > 0; i++)
		settle();
	if (fs.num_sessions != 0 || fs.num_calls != 0 || fs.num_returned != 0 ||
	    fs.num_nameless != 0 || fs.locks.high != 0 || ext4_fake_reserved() != 0)
		abort();
	for (size_t i = 0; i < NODE_BUCKETS; i++) {
		if (fs.refs[i] != NULL)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (setjmp(fake_exit) != 0) {
		if (!may_exit)
			abort();
		return 0;
	}
	begin();
	fake_steps(data, size, NUM_STEPS, step, turn);
	end();
	return 0;
}
