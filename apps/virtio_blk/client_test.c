// SPDX-License-Identifier: MIT
//
// What a disk's clients may ask for, and how it is answered when they do not read.
#include "apps/virtio_blk/blk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define CHANNEL 7
#define FOLIO 9
#define LAZY_FOLIO 10
#define FOLIO_BYTES 8192u
#define FOLIO_PADDR 0x80000000ul
#define SECTORS 1000u

// --- Fakes: the disk, one channel, a folio ---

static struct disk disk;
static struct disk_client *client;
static struct request slots[BLKDEV_MAX_REQUESTS + 1];
static size_t num_submitted;
static uint32_t last_type;
static uint64_t last_paddr;
static uint64_t last_sector;
static size_t num_freed;
static size_t num_closed;
static size_t num_settled;
static struct message sent;
static size_t num_sent;
static error_t send_error;
static bool wants_writable;

static void request_done(struct request *request)
{
	request->client->done(request);
}

void disk_submit(struct disk *d, struct disk_client *c, uint32_t type,
                 const struct msg_blkdev_request *request, handle_t folio, uint64_t paddr)
{
	assert_ptr_equal(d, &disk);
	slots[num_submitted++] = (struct request){ .client = c, .folio = folio, .id = request->id };
	c->in_flight++;
	last_type = type;
	last_paddr = paddr;
	last_sector = request->sector;
}

void disk_kick(struct disk *d)
{
	(void)d;
}

void disk_request_free(struct disk *d, struct request *request)
{
	(void)d;
	if (request->folio != HANDLE_NONE)
		handle_close(request->folio);
	num_freed++;
}

error_t channel_send(handle_t channel, const struct message *m)
{
	assert_int_equal(channel, CHANNEL);
	if (send_error != 0)
		return send_error;
	sent = *m;
	num_sent++;
	return 0;
}

static uint64_t folio_flags;

error_t folio_info(handle_t folio, struct folio_info *out)
{
	if (folio != FOLIO && folio != LAZY_FOLIO)
		return ERR_WRONG_TYPE;
	*out = (struct folio_info){ .size = FOLIO_BYTES,
		                    .paddr = folio == FOLIO ? FOLIO_PADDR : 0,
		                    .flags = folio_flags };
	return 0;
}

error_t handle_close(handle_t h)
{
	assert_true(h == FOLIO || h == LAZY_FOLIO || h == CHANNEL);
	num_closed += h != CHANNEL;
	return 0;
}

void message_discard(struct message *m)
{
	for (size_t i = 0; i < m->num_handles; i++)
		handle_close(m->handles[i]);
	m->num_handles = 0;
}

error_t error_send(handle_t channel, uint32_t id, error_t error, const char *text)
{
	struct msg_error fixed = { .id = id, .error = error };
	struct message m;

	assert_non_null(text);
	assert_int_equal(message_encode_error(&m, &fixed, NULL, 0), 0);
	return channel_send(channel, &m);
}

error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	*source = (struct source){ .handle = handle, .ops = ops, .context = context, .loop = loop };
	return 0;
}

void loop_close(struct loop *loop, struct source *source)
{
	(void)loop;
	handle_close(source->handle);
}

error_t handle_wait(handle_t h, uint32_t interest, nsec_t deadline)
{
	assert_int_equal(h, CHANNEL);
	assert_int_equal(interest, READY_CLOSED);
	assert_int_equal(deadline, 0);
	return ERR_TIMED_OUT;
}

void disk_settled(struct disk *d)
{
	assert_ptr_equal(d, &disk);
	num_settled++;
}

void source_want_writable(struct source *source, bool want)
{
	(void)source;
	wants_writable = want;
}

void source_want_messages(struct source *source, bool want)
{
	(void)source;
	(void)want;
}

void *heap_alloc(size_t size)
{
	return test_calloc(1, size);
}

void heap_free(void *p)
{
	test_free(p);
}

static struct blk blk;

static int setup(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	disk.blk = &blk;
	disk.info.num_sectors = SECTORS;
	list_init(&disk.clients);
	send_error = 0;
	num_submitted = num_freed = num_closed = num_sent = num_settled = 0;
	wants_writable = false;
	if (disk_client_create(&disk, 0, "app", CHANNEL) != 0 || num_sent != 1 ||
	    sent.type != MSG_BLKDEV_INFO)
		return -1;
	client = container_of(disk.clients.next, struct disk_client, entry);
	num_sent = 0;
	return 0;
}

static void client_end(void)
{
	client->source.ops->closed(&blk.loop, &client->source);
}

static void give(struct message *m)
{
	client->source.ops->message(&blk.loop, &client->source, m);
}

static void ask(uint32_t type, struct msg_blkdev_request request, handle_t folio)
{
	struct message m;

	request.id = 5;
	assert_int_equal(message_encode_blkdev_request(&m, &request, NULL, 0), 0);
	m.type = type;
	m.handles[0] = folio;
	m.num_handles = folio != HANDLE_NONE;
	give(&m);
}

// The last answer was a reply with this status and the folio.
static void expect_refusal(error_t status, handle_t folio)
{
	struct msg_blkdev_reply reply;
	const uint8_t *tail;
	size_t tail_len;

	assert_int_equal(num_submitted, 0);
	assert_int_equal(num_sent, 1);
	assert_int_equal(message_decode_blkdev_reply(&sent, &reply, &tail, &tail_len), 0);
	assert_int_equal(reply.status, status);
	assert_int_equal(reply.id, 5);
	assert_int_equal(sent.num_handles, 1);
	assert_int_equal(sent.handles[0], folio);
	num_sent = 0;
}

static void test_good_transfers(void **state)
{
	(void)state;
	ask(MSG_BLKDEV_READ,
	    (struct msg_blkdev_request){ .sector = SECTORS - 16, .length = FOLIO_BYTES }, FOLIO);
	assert_int_equal(num_submitted, 1);
	assert_int_equal(last_type, VIRTIO_BLK_T_IN);
	assert_int_equal(last_paddr, FOLIO_PADDR);
	ask(MSG_BLKDEV_WRITE,
	    (struct msg_blkdev_request){ .offset = FOLIO_BYTES - 512, .length = 512 }, FOLIO);
	assert_int_equal(num_submitted, 2);
	assert_int_equal(last_type, VIRTIO_BLK_T_OUT);
	assert_int_equal(last_paddr, FOLIO_PADDR + FOLIO_BYTES - 512);
	assert_int_equal(num_sent, 0);
	request_done(&slots[0]);
	request_done(&slots[1]);
	assert_int_equal(num_sent, 2);
	assert_int_equal(num_closed, 0);  // they went with the answers
	client_end();
}

static void test_refusals(void **state)
{
	static const struct {
		error_t status;
		struct msg_blkdev_request request;
	} bad[] = {
		{ ERR_INVALID, { .length = 0 } },
		{ ERR_INVALID, { .length = 511 } },
		{ ERR_INVALID, { .offset = 1, .length = 512 } },
		{ ERR_TOO_LARGE, { .length = BLKDEV_MAX_BYTES + 512 } },
		{ ERR_RANGE, { .sector = SECTORS, .length = 512 } },
		{ ERR_RANGE, { .sector = SECTORS - 1, .length = 1024 } },
		{ ERR_RANGE, { .sector = UINT64_MAX, .length = 512 } },
		{ ERR_RANGE, { .sector = UINT64_MAX - 1, .length = 1024 } },
		{ ERR_RANGE, { .offset = FOLIO_BYTES, .length = 512 } },
		{ ERR_RANGE, { .offset = FOLIO_BYTES - 512, .length = 1024 } },
		{ ERR_RANGE, { .offset = UINT32_MAX - 511, .length = 512 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ask(MSG_BLKDEV_READ, bad[i].request, FOLIO);
		expect_refusal(bad[i].status, FOLIO);
	}
	ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .length = 512 }, LAZY_FOLIO);
	expect_refusal(ERR_NOT_SUPPORTED, LAZY_FOLIO);
	ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .length = 512 }, CHANNEL);
	expect_refusal(ERR_WRONG_TYPE, CHANNEL);
	// What others have too, stays as it is.
	folio_flags = FOLIO_READ_ONLY;
	ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .length = 512 }, FOLIO);
	folio_flags = 0;
	expect_refusal(ERR_ACCESS, FOLIO);
	disk.info.flags = BLKDEV_READ_ONLY;
	ask(MSG_BLKDEV_WRITE, (struct msg_blkdev_request){ .length = 512 }, FOLIO);
	expect_refusal(ERR_ACCESS, FOLIO);
	disk.info.flags = 0;
	// Who does not read refusals loses the folio.
	send_error = ERR_FULL;
	ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .length = 0 }, FOLIO);
	assert_int_equal(num_closed, 1);
	client_end();
}

static void test_malformed(void **state)
{
	struct message m;

	(void)state;
	ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .length = 512 }, HANDLE_NONE);
	assert_int_equal(sent.type, MSG_ERROR);
	message_init(&m, MSG_BLKDEV_WRITE);
	m.handles[0] = FOLIO;
	m.num_handles = 1;
	give(&m);
	assert_int_equal(sent.type, MSG_ERROR);
	assert_int_equal(num_closed, 1);
	message_init(&m, MSG_BLKDEV_FLUSH);
	give(&m);
	message_init(&m, MSG_CONNECT);
	m.handles[0] = FOLIO;
	m.num_handles = 1;
	give(&m);
	assert_int_equal(num_closed, 2);
	assert_int_equal(num_sent, 4);
	assert_int_equal(num_submitted, 0);
	client_end();
}

static void test_limit_and_flush(void **state)
{
	struct msg_blkdev_flush flush = { .id = 6 };
	struct message m;

	(void)state;
	// Without the feature a flush is done at once.
	assert_int_equal(message_encode_blkdev_flush(&m, &flush, NULL, 0), 0);
	give(&m);
	assert_int_equal(sent.type, MSG_BLKDEV_REPLY);
	disk.device.features = VIRTIO_BLK_F_FLUSH;
	give(&m);
	assert_int_equal(num_submitted, 1);
	assert_int_equal(last_type, VIRTIO_BLK_T_FLUSH);
	while (num_submitted < BLKDEV_MAX_REQUESTS)
		ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .length = 512 }, FOLIO);
	num_sent = 0;
	ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .length = 512 }, FOLIO);
	assert_int_equal(num_submitted, BLKDEV_MAX_REQUESTS);
	num_submitted = 0;
	expect_refusal(ERR_FULL, FOLIO);
	for (size_t i = 0; i < BLKDEV_MAX_REQUESTS; i++)
		request_done(&slots[i]);
	client_end();
}

// Answers wait for room; with the client gone they are dropped, and the client lives until the
// device is done.
static void test_unread_answers(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .length = 512 }, FOLIO);
	send_error = ERR_FULL;
	request_done(&slots[0]);
	request_done(&slots[1]);
	assert_true(wants_writable);
	assert_int_equal(num_freed, 0);
	send_error = 0;
	client->source.ops->writable(&blk.loop, &client->source);
	assert_int_equal(num_sent, 2);
	assert_int_equal(num_freed, 2);
	assert_false(wants_writable);
	send_error = ERR_FULL;
	request_done(&slots[2]);
	client_end();
	assert_int_equal(num_freed, 3);
	assert_int_equal(num_closed, 1);
	// The last one is still with the device, so the client must be there, and nobody else is
	// let in.
	assert_int_equal(disk_clients_settle(&disk), ERR_NOT_READY);
	assert_int_equal(num_settled, 0);
	request_done(&slots[3]);
	assert_int_equal(num_settled, 1);
	assert_int_equal(disk_clients_settle(&disk), 0);
	assert_int_equal(num_freed, 4);
	assert_int_equal(num_closed, 2);
}

// Of a disk that begins behind others' sectors, nothing before them is reached.
static void test_first_sector(void **state)
{
	struct msg_blkdev_info info;
	const uint8_t *tail;
	size_t tail_len;

	(void)state;
	client_end();
	assert_int_equal(disk_client_create(&disk, 900, "app", CHANNEL), 0);
	assert_int_equal(message_decode_blkdev_info(&sent, &info, &tail, &tail_len), 0);
	assert_int_equal(info.num_sectors, SECTORS - 900);
	client = container_of(disk.clients.next, struct disk_client, entry);
	num_sent = 0;
	for (uint64_t sector = UINT64_MAX - 900; sector != 0; sector++) {
		ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .sector = sector, .length = 512 },
		    FOLIO);
		expect_refusal(ERR_RANGE, FOLIO);
	}
	ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .sector = 100, .length = 512 }, FOLIO);
	expect_refusal(ERR_RANGE, FOLIO);
	ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .sector = 99, .length = 1024 }, FOLIO);
	expect_refusal(ERR_RANGE, FOLIO);
	ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .length = 512 }, FOLIO);
	assert_int_equal(last_sector, 900);
	ask(MSG_BLKDEV_READ, (struct msg_blkdev_request){ .sector = 99, .length = 512 }, FOLIO);
	assert_int_equal(last_sector, SECTORS - 1);
	request_done(&slots[0]);
	request_done(&slots[1]);
	client_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_good_transfers, setup),
		cmocka_unit_test_setup(test_refusals, setup),
		cmocka_unit_test_setup(test_malformed, setup),
		cmocka_unit_test_setup(test_limit_and_flush, setup),
		cmocka_unit_test_setup(test_unread_answers, setup),
		cmocka_unit_test_setup(test_first_sector, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
