// SPDX-License-Identifier: MIT
#include "apps/netswitch/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t any[4];
static struct pool pool;

static struct netdev_network network(uint8_t c, uint8_t d, uint32_t prefix_len)
{
	return (struct netdev_network){ .address = { 10, 0, c, d },
		                        .gateway = { 10, 0, c, 2 },
		                        .dns = { { 10, 0, c, 3 } },
		                        .prefix_len = prefix_len };
}

static void start(const char *range, uint8_t own, uint32_t prefix_len)
{
	struct netdev_network n = network(2, own, prefix_len);

	assert_int_equal(pool_init(&pool, range), 0);
	assert_true(pool_network_is_valid(&n));
	pool_set_network(&pool, &n);
}

// The last byte of any address of the pool, or the error.
static int take_any(void)
{
	uint8_t out[4];
	error_t err = pool_take(&pool, any, out);

	if (err != 0)
		return err;
	assert_memory_equal(out, "\x0a\0\2", 3);
	return out[3];
}

static error_t take(uint8_t a, uint8_t c, uint8_t d)
{
	uint8_t wanted[4] = { a, 0, c, d }, out[4];
	error_t err = pool_take(&pool, wanted, out);

	if (err == 0)
		assert_memory_equal(out, wanted, 4);
	return err;
}

static void ranges(void **state)
{
	static const char *const bad[] = { NULL,     "",
		                           "100",    "100-",
		                           "-199",   "0-5",
		                           "5-4",    "1-1025",
		                           "a-b",    "1-2-3",
		                           " 1-2",   "1-2 ",
		                           "1,2",    "1-2x",
		                           "1--2",   "4294967297-4294967298",
		                           "-",      "1 -2",
		                           "x1-2",   "0",
		                           "00-001", "999999999-9999999999" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pool_init(&pool, bad[i]), ERR_INVALID);
	assert_int_equal(pool_init(&pool, "1-1024"), 0);
	assert_int_equal(pool_init(&pool, "7-7"), 0);
	assert_int_equal(take_any(), ERR_LIMIT);  // no network yet
	assert_int_equal(take(10, 2, 7), ERR_RANGE);
}

static void any_address(void **state)
{
	(void)state;
	start("100-103", 15, 24);
	assert_int_equal(take_any(), 101);
	assert_int_equal(take_any(), 102);
	assert_int_equal(take_any(), 103);
	// The first is for who asks for it.
	assert_int_equal(take_any(), ERR_LIMIT);
	assert_int_equal(take(10, 2, 100), 0);
	assert_int_equal(take(10, 2, 100), ERR_EXISTS);
	pool_give_back(&pool, (const uint8_t[]){ 10, 0, 2, 102 });
	assert_int_equal(take_any(), 102);
	// One that was given back rests as long as there are others.
	pool_give_back(&pool, (const uint8_t[]){ 10, 0, 2, 102 });
	pool_give_back(&pool, (const uint8_t[]){ 10, 0, 2, 103 });
	assert_int_equal(take_any(), 103);
	start("9-9", 15, 24);
	assert_int_equal(take_any(), 9);
}

static void a_wanted_address(void **state)
{
	(void)state;
	start("2-199", 15, 24);
	assert_int_equal(take(10, 2, 20), 0);
	assert_int_equal(take(10, 2, 20), ERR_EXISTS);
	assert_int_equal(take(10, 2, 200), ERR_RANGE);
	assert_int_equal(take(10, 2, 1), ERR_RANGE);
	assert_int_equal(take(10, 3, 20), ERR_RANGE);
	assert_int_equal(take(11, 2, 20), ERR_RANGE);
	// Of others: the gateway's, the DNS server's, our own.
	assert_int_equal(take(10, 2, 2), ERR_EXISTS);
	assert_int_equal(take(10, 2, 3), ERR_EXISTS);
	assert_int_equal(take(10, 2, 15), ERR_EXISTS);
}

static void small_networks(void **state)
{
	struct netdev_network bad = network(2, 1, 31);

	(void)state;
	start("100-199", 1, 28);
	assert_int_equal(take_any(), ERR_LIMIT);
	start("10-199", 1, 28);
	assert_int_equal(take_any(), 11);
	assert_int_equal(take_any(), 12);
	assert_int_equal(take_any(), 13);
	assert_int_equal(take_any(), 14);
	assert_int_equal(take_any(), ERR_LIMIT);  // 15 is the broadcast address
	assert_int_equal(take(10, 2, 15), ERR_RANGE);
	assert_false(pool_network_is_valid(&bad));
	bad.prefix_len = 0;
	assert_false(pool_network_is_valid(&bad));
	bad.prefix_len = 4000000000u;
	assert_false(pool_network_is_valid(&bad));
	bad = (struct netdev_network){ .prefix_len = 24 };
	assert_false(pool_network_is_valid(&bad));
}

static void another_network(void **state)
{
	struct netdev_network n = network(2, 15, 24);

	(void)state;
	start("100-101", 15, 24);
	assert_int_equal(take_any(), 101);
	// Only the DNS server is new: what is in use stays so.
	n.dns[1][0] = 8;
	pool_set_network(&pool, &n);
	assert_int_equal(take_any(), ERR_LIMIT);
	n = network(9, 15, 24);
	pool_set_network(&pool, &n);
	assert_int_equal(take(10, 9, 101), 0);
	assert_false(pool_mark(&pool, (const uint8_t[]){ 10, 0, 2, 100 }));
	assert_true(pool_mark(&pool, (const uint8_t[]){ 10, 0, 9, 100 }));
	assert_int_equal(take(10, 9, 100), ERR_EXISTS);
	// of the old network: nothing happens
	pool_give_back(&pool, (const uint8_t[]){ 10, 0, 2, 100 });
	assert_int_equal(take(10, 9, 100), ERR_EXISTS);
}

static void mac_addresses(void **state)
{
	uint8_t a[6], b[6];

	(void)state;
	pool_mac((const uint8_t[]){ 10, 0, 2, 100 }, a);
	pool_mac((const uint8_t[]){ 10, 0, 2, 101 }, b);
	assert_int_equal(a[0] & 3, 2);  // locally administered, of one station
	assert_memory_not_equal(a, b, 6);
}

static void addresses_of_the_pool(void **state)
{
	uint8_t in[6], out[6], elsewhere[6];

	(void)state;
	pool_mac((const uint8_t[]){ 10, 0, 2, 199 }, in);
	pool_mac((const uint8_t[]){ 10, 0, 2, 200 }, out);
	pool_mac((const uint8_t[]){ 10, 0, 3, 199 }, elsewhere);
	assert_int_equal(pool_init(&pool, "100-199"), 0);
	assert_true(pool_has_mac(&pool, in) && pool_has_mac(&pool, out));  // it may yet be
	assert_false(pool_has_mac(&pool, (const uint8_t[]){ 0x52, 0x55, 10, 0, 2, 199 }));
	pool_set_network(&pool,
	                 &(struct netdev_network){ .address = { 10, 0, 2, 15 }, .prefix_len = 24 });
	assert_true(pool_has_mac(&pool, in));
	assert_false(pool_has_mac(&pool, out) || pool_has_mac(&pool, elsewhere));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(any_address),
		cmocka_unit_test(a_wanted_address),
		cmocka_unit_test(small_networks),
		cmocka_unit_test(another_network),
		cmocka_unit_test(mac_addresses),
		cmocka_unit_test(addresses_of_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
