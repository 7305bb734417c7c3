// SPDX-License-Identifier: MIT
//
// The pool and its VMs, over fakes of the VM.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/linux/machine/machine.h"
#include "libs/linux/pool/pool.h"
#include "libs/linux/pool/warm_vm.h"
#include "libs/linux/vm/control_link.h"
#include "libs/starina/syscall.h"

#define MEMORY (64ull << 20)
#define IMAGE_SECTORS 80
#define WALL_TIME 12345

struct vm {
	const struct vm_ops *ops;
	void *context;
	bool ready;
	bool stopped;
	uint32_t last_request;
	bool root_dropped;
	bool files_rehearsed;
	struct control_prepare prepare;
};

static struct vm_supply supply;
static struct pool pool;
static const struct image image = { .num_sectors = IMAGE_SECTORS };
static struct vm *vm;  // the last that was made
static struct opener *opener;
static bool stops_at_once;
static uint32_t num_vms, disks_closed;
static nsec_t timer;

// --- The kernel and the loop ---------------------------------------------------------------------

error_t timer_create(handle_t *out)
{
	*out = 1;
	return 0;
}

error_t timer_set(handle_t handle, nsec_t deadline)
{
	(void)handle;
	timer = deadline;
	return 0;
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	*out = clock == CLOCK_WALL ? WALL_TIME : 1000;
	return 0;
}

error_t handle_close(handle_t handle)
{
	(void)handle;
	disks_closed++;
	return 0;
}

error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	(void)loop;
	*source = (struct source){ .handle = handle, .ops = ops, .context = context };
	return 0;
}

void loop_close(struct loop *loop, struct source *source)
{
	(void)loop;
	(void)source;
}

// The pool's timer fires, if it is set.
static void turn(void)
{
	while (timer != NSEC_NEVER)
		pool.turn.ops->signalled(NULL, &pool.turn);
}

error_t loop_turn(struct loop *loop, nsec_t deadline)
{
	(void)loop;
	(void)deadline;
	turn();
	return 0;
}

void opener_start(struct opener *o, struct loop *loop, handle_t connector, const char *uri,
                  void (*done)(struct opener *opener, handle_t channel, error_t error,
                               const char *text),
                  void *context)
{
	(void)loop;
	(void)connector;
	assert_string_equal(uri, "blk:images");
	o->done = done;
	o->context = context;
	opener = o;
}

// --- The VM --------------------------------------------------------------------------------------

error_t vm_create(struct loop *loop, const struct vm_config *config, const struct vm_ops *ops,
                  void *context, struct vm **out)
{
	(void)loop;
	assert_int_equal(config->memory, MEMORY);
	vm = *out = calloc(1, sizeof(*vm));
	vm->ops = ops;
	vm->context = context;
	num_vms++;
	return 0;
}

void vm_boot(struct vm *v)
{
	(void)v;
}

void vm_destroy(struct vm *v)
{
	assert_true(v->stopped);
	num_vms--;
	free(v);
}

void vm_set_owner(struct vm *v, const struct vm_ops *ops, void *context)
{
	v->ops = ops;
	v->context = context;
}

bool vm_is_ready(const struct vm *v)
{
	return v->ready;
}

bool vm_stop(struct vm *v)
{
	v->stopped = stops_at_once;
	return stops_at_once;
}

uint64_t vm_root_sectors(const struct vm *v)
{
	(void)v;
	return IMAGE_SECTORS;
}

bool vm_waits_for_network(const struct vm *v)
{
	(void)v;
	return false;
}

bool vm_address(const struct vm *v, struct guest_address *out)
{
	(void)v;
	(void)out;
	return false;
}

void vm_be_patient(struct vm *v, const char *what)
{
	(void)v;
	(void)what;
}

error_t vm_request(struct vm *v, enum control_type type, uint32_t process, struct span fixed,
                   struct span tail, uint32_t *request)
{
	(void)process;
	(void)tail;
	assert_int_equal(type, CONTROL_PREPARE);
	assert_int_equal(fixed.len, sizeof(v->prepare));
	memcpy(&v->prepare, fixed.data, fixed.len);
	*request = ++v->last_request;
	return 0;
}

error_t vm_request_network(struct vm *v, uint32_t process, const struct guest_address *address)
{
	(void)v;
	(void)process;
	(void)address;
	return 0;
}

error_t vm_bind_root(struct vm *v, handle_t channel, struct disk_region region)
{
	(void)v;
	(void)channel;
	assert_int_equal(region.num_sectors, IMAGE_SECTORS);
	return 0;
}

void vm_rehearse_files(struct vm *v)
{
	v->files_rehearsed = true;
}

void vm_drop_root(struct vm *v)
{
	v->root_dropped = true;
}

void vm_set_networks(struct vm *v, const struct netdev_networks *networks)
{
	(void)v;
	(void)networks;
}

error_t vm_bind_network(struct vm *v, handle_t connector, const uint8_t address[4])
{
	(void)v;
	(void)connector;
	(void)address;
	return 0;
}

error_t system_info(handle_t handle, struct system_info *out)
{
	(void)handle;
	*out = (struct system_info){ .free_pages = 1 << 20 };
	return 0;
}

// --- Steps ---------------------------------------------------------------------------------------

static void vm_gets_ready(void)
{
	vm->ready = true;
	vm->ops->ready(vm->context);
	opener->done(opener, 9, 0, "");
	vm->ops->root_ready(vm->context);
	assert_int_equal(vm->prepare.root_sectors, IMAGE_SECTORS);
	assert_int_equal(vm->prepare.wall_time_ns, WALL_TIME);
}

static void vm_is_prepared(int32_t status)
{
	struct control_reply body = { .status = status };
	struct control_header header = { .type = CONTROL_REPLY, .request = vm->last_request };

	assert_int_equal(vm->ops->frame(vm->context, &header,
	                                (struct span){ .data = (const uint8_t *)&body,
	                                               .len = sizeof(body) }),
	                 0);
}

static void keep(uint32_t count)
{
	assert_int_equal(pool_keep(&pool, MEMORY, 1, count), 0);
}

static int setup(void **state)
{
	(void)state;
	supply = (struct vm_supply){ .ready = true, .builtin = &image };
	pool = (struct pool){ 0 };
	num_vms = disks_closed = 0;
	stops_at_once = true;
	timer = NSEC_NEVER;
	assert_int_equal(pool_init(&pool, &supply), 0);
	keep(1);
	turn();
	assert_int_equal(num_vms, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_deinit(&pool);
	assert_int_equal(num_vms, 0);
	return 0;
}

static void expect_kind(uint32_t vms, uint32_t ready)
{
	assert_int_equal(pool.kinds[0].num_vms, vms);
	assert_int_equal(pool.kinds[0].num_ready, ready);
	assert_int_equal(pool_has(&pool, MEMORY, 1), ready > 0);
}

// --- Tests ---------------------------------------------------------------------------------------

static void test_taken(void **state)
{
	struct warm_vm *warm;
	struct vm *taken;

	(void)state;
	vm_gets_ready();
	expect_kind(1, 0);
	assert_null(pool_take(&pool, MEMORY, 1));
	vm_is_prepared(0);
	expect_kind(1, 1);
	assert_null(pool_take(&pool, 2 * MEMORY, 1));
	warm = pool_take(&pool, MEMORY, 1);
	expect_kind(0, 0);
	taken = warm->vm;
	warm_vm_free(warm);
	taken->stopped = true;
	vm_destroy(taken);
	turn();
	pool_turn_later(&pool);
	turn();
	expect_kind(1, 0);  // the next boots
}

// Its container brings another root disk: the one of the rehearsal is gone before it is taken.
static void test_rehearsed(void **state)
{
	(void)state;
	vm_gets_ready();
	assert_int_equal(vm->prepare.flags, 0);
	assert_false(vm->files_rehearsed);
	vm_is_prepared(0);
	assert_false(vm->root_dropped);
	supply.only_rehearses = true;
	keep(2);
	turn();
	vm_gets_ready();
	assert_int_equal(vm->prepare.flags, CONTROL_REHEARSE);
	assert_true(vm->files_rehearsed);
	assert_false(vm->root_dropped);
	vm_is_prepared(0);
	assert_true(vm->root_dropped);
	expect_kind(2, 2);
}

static void test_given_up(void **state)
{
	struct warm_vm *warm;

	(void)state;
	vm_gets_ready();
	vm_is_prepared(0);
	warm = pool_take(&pool, MEMORY, 1);
	pool_give_up(&pool, warm);
	vm->ops->failed(vm->context, "it dies before its turn");
	expect_kind(0, 0);
	assert_false(pool.failed);
	turn();
	expect_kind(1, 0);
}

// The reply is on its way when the disk's driver dies: nobody gets this VM, and another is booted.
static void test_disk_lost_while_prepared(void **state)
{
	(void)state;
	vm_gets_ready();
	assert_false(vm->ops->root_lost(vm->context, ERR_PEER_CLOSED));
	vm_is_prepared(0);
	expect_kind(0, 0);
	assert_null(pool_take(&pool, MEMORY, 1));
	assert_false(pool.failed);  // it was not the VM's fault
	turn();
	expect_kind(1, 0);
	assert_int_equal(num_vms, 1);
}

static void test_shrunk_while_prepared(void **state)
{
	(void)state;
	vm_gets_ready();
	keep(0);
	turn();
	expect_kind(0, 0);
	assert_int_equal(num_vms, 0);
}

static void test_shrunk_and_stopping(void **state)
{
	(void)state;
	stops_at_once = false;
	vm_gets_ready();
	vm_is_prepared(0);
	keep(0);
	turn();
	expect_kind(0, 0);
	assert_int_equal(num_vms, 1);
	vm->ops->failed(vm->context, "while it stops");
	expect_kind(0, 0);
	vm->stopped = true;
	vm->ops->stopped(vm->context);
	turn();
	assert_int_equal(num_vms, 0);
	keep(1);
	turn();
	expect_kind(1, 0);
	stops_at_once = true;
}

// The disk is being opened when the VM is not wanted any more.
static void test_shrunk_while_opening(void **state)
{
	(void)state;
	vm->ready = true;
	vm->ops->ready(vm->context);
	keep(0);
	turn();
	assert_int_equal(num_vms, 1);  // its opener's answer is to come
	opener->done(opener, 9, 0, "");
	assert_int_equal(disks_closed, 1);
	turn();
	assert_int_equal(num_vms, 0);
}

static void test_not_prepared(void **state)
{
	(void)state;
	vm_gets_ready();
	vm_is_prepared(-12);
	expect_kind(0, 0);
	assert_true(pool.failed);
	assert_false(pool_is_full(&pool));
	turn();
	assert_int_equal(num_vms, 0);  // no second try until a container asks
	assert_null(pool_take(&pool, MEMORY, 1));
	pool_turn_later(&pool);
	turn();
	expect_kind(1, 0);
}

static void test_hostile(void **state)
{
	struct control_header header = { .type = CONTROL_EVENT_STARTED };

	(void)state;
	vm_gets_ready();
	assert_int_equal(vm->ops->frame(vm->context, &header, (struct span){ 0 }), ERR_PROTOCOL);
	header = (struct control_header){ .type = CONTROL_REPLY, .request = 1 };
	assert_int_equal(
		vm->ops->frame(vm->context, &header,
	                       (struct span){ .data = (const uint8_t *)"\0\0\0", .len = 3 }),
		ERR_PROTOCOL);
	vm_is_prepared(0);
	vm_is_prepared(0);  // once is enough
	expect_kind(1, 1);
}

#define pool_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pool_case(test_taken),
		pool_case(test_given_up),
		pool_case(test_rehearsed),
		pool_case(test_disk_lost_while_prepared),
		pool_case(test_shrunk_while_prepared),
		pool_case(test_shrunk_and_stopping),
		pool_case(test_shrunk_while_opening),
		pool_case(test_not_prepared),
		pool_case(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
