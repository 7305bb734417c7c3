// SPDX-License-Identifier: MIT
//
// Files as block devices, of which clients ask anything, on the file system in memory. At the end
// nothing is left: no call, no session, no block that is reserved.
#include "apps/fs/fs_fixture.h"

#include <setjmp.h>

#include "apps/fs/ext4_fake.h"

#define DISKS 3
#define FILE_SIZE (64u * 1024)

static handle_t store, client;
static handle_t disks[DISKS];
static bool may_exit;

static void begin(void)
{
	fake_reset();
	ext4_fake_reset();
	ext4_fake_waits = 32;
	srand(1);
	memset(disks, 0, sizeof(disks));
	memset(disk_image, 0, 8 * EXT4_BLOCK_SIZE);
	disk_bad_block = UINT64_MAX;
	may_exit = false;
	client = HANDLE_NONE;
	app_begin();
	app_start();
	store = open_at(store_service, FILES_STORE_PREFIX "a");
	if (init_session(store, ~0u) != 0 || ask_create(store, FUSE_ROOT_ID, "f") != 0 ||
	    ask_truncate(store, entry_node(), FILE_SIZE) != 0)
		abort();
}

static const char *const names[] = { FILES_STORE_DISK "a/f", FILES_STORE_DISK_READ_ONLY "a/f",
	                             FILES_STORE_DISK "a/f", FILES_STORE_DISK "a/../f" };

static void opens(uint8_t how)
{
	if (client == HANDLE_NONE)
		client = fake_client_connect(store_service);
	if (client != HANDLE_NONE)
		(void)open_send(client, how, names[how % 4]);
}

// A request whose fields fit, as a rule.
static void asks(handle_t disk, uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_blkdev_request request = { .length = 512 };
	struct message m;

	if (disk == HANDLE_NONE || len < 4)
		return;
	request.id = data[0];
	request.sector = data[1] * (how & 1 ? 1u : 8u);
	request.offset = data[2] % 16 * (how & 2 ? 512u : 4096u);
	request.length = data[3] % 64 * (how & 1 ? 512u : 4096u) + (how >= 250);
	if (message_encode_blkdev_request(&m, &request, NULL, 0) != 0)
		abort();
	if (how & 4)
		m.type = MSG_BLKDEV_WRITE;
	if (how & 8 && data[0] % 4 == 0)
		m.type = MSG_BLKDEV_FLUSH;
	else if (folio_create(data[2] & 0x80 ? 4096 : 256 * 1024, FOLIO_CONTIGUOUS,
	                      &m.handles[0]) == 0)
		m.num_handles = 1;
	fake_send(disk, &m);
}

static void says(handle_t disk, uint8_t how, const uint8_t *data, size_t len)
{
	if (len > 0)
		fake_say(disk, how & 8 ? data[0] : MSG_BLKDEV_READ + data[0] % 4, data, len,
		         fake_cargo((how & 2) != 0, (how & 4) != 0), 8192);
}

// Another name for the file, or none.
static void changes(uint8_t how)
{
	struct request r = { .opcode = FUSE_UNLINK,
		             .node = FUSE_ROOT_ID,
		             .unique = how,
		             .tail = "f",
		             .tail_len = 2 };

	if (store != HANDLE_NONE)
		request_send(store, &r);
}

enum { OPEN, ASK, ASK_MORE, SAY, DISK, TAKE, CLOSE, CHANGE, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *end = &disks[how % DISKS];

	switch (what) {
	case OPEN: opens(how); break;
	case ASK:
	case ASK_MORE: asks(*end, how, data, len); break;
	case SAY: says(*end, how, data, len); break;
	case DISK:
		disk_bad_block = how >= 250 ? how - 248u : UINT64_MAX;
		disk_serves();
		break;
	case TAKE: fake_take_all(how & 1 ? client : *end, disks, DISKS); break;
	case CLOSE: fake_close(how & 64 ? &client : end); break;
	case CHANGE: changes(how); break;
	default:
		may_exit = true;
		fake_memory_fail(how);
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
	for (size_t i = 0; i < DISKS; i++)
		fake_close(&disks[i]);
	fake_close(&client);
	fake_close(&store);
	settle();
	for (int i = 0; i < 100 && fs.num_calls > 0; i++)
		settle();
	if (fs.num_sessions != 0 || fs.num_disks != 0 || fs.num_calls != 0 ||
	    ext4_fake_reserved() != 0)
		abort();
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
