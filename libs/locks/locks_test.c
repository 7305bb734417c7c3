// SPDX-License-Identifier: MIT
#include "libs/locks/locks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define CAPACITY 12u

struct fixture {
	struct lock_table table;
	struct lock entries[CAPACITY];
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	locks_init(&f->table, f->entries, CAPACITY, 6);
}

static struct lock of(uint32_t session, uint64_t owner, uint32_t type, uint64_t start, uint64_t end)
{
	return (struct lock){ .file = 7,
		              .session = session,
		              .owner = owner,
		              .type = type,
		              .start = start,
		              .end = end };
}

static enum locks_result set(struct fixture *f, struct lock lock)
{
	return locks_set(&f->table, &lock);
}

static unsigned count(const struct fixture *f)
{
	unsigned num = 0;

	for (unsigned i = 0; i < CAPACITY; i++)
		num += f->entries[i].type != LOCKS_NONE;
	return num;
}

static void test_who_excludes_whom(void **state)
{
	struct fixture f;
	struct lock probe = of(2, 1, LOCKS_READ, 0, LOCKS_END);

	(void)state;
	begin(&f);
	assert_int_equal(set(&f, of(1, 1, LOCKS_READ, 10, 19)), LOCKS_DONE);
	assert_int_equal(set(&f, of(2, 1, LOCKS_READ, 10, 19)), LOCKS_DONE);
	// The same number means another owner in another session.
	assert_int_equal(set(&f, of(1, 1, LOCKS_WRITE, 10, 19)), LOCKS_HELD);
	assert_int_equal(set(&f, of(2, 1, LOCKS_NONE, 0, LOCKS_END)), LOCKS_DONE);
	assert_int_equal(set(&f, of(1, 1, LOCKS_WRITE, 10, 19)), LOCKS_DONE);
	assert_int_equal(set(&f, of(1, 2, LOCKS_READ, 19, 19)), LOCKS_HELD);
	assert_int_equal(set(&f, of(1, 2, LOCKS_READ, 20, 20)), LOCKS_DONE);
	assert_int_equal(locks_find(&f.table, &probe)->start, 10);
	probe.flock = 1;
	probe.type = LOCKS_WRITE;
	assert_null(locks_find(&f.table, &probe));
	probe.flock = 0;
	probe.file = 8;
	assert_null(locks_find(&f.table, &probe));
}

static void test_ranges_join_and_split(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(set(&f, of(1, 1, LOCKS_WRITE, 0, 9)), LOCKS_DONE);
	assert_int_equal(set(&f, of(1, 1, LOCKS_WRITE, 20, LOCKS_END)), LOCKS_DONE);
	assert_int_equal(count(&f), 2);
	assert_int_equal(set(&f, of(1, 1, LOCKS_WRITE, 10, 19)), LOCKS_DONE);
	assert_int_equal(count(&f), 1);
	assert_int_equal(set(&f, of(1, 1, LOCKS_READ, 5, 6)), LOCKS_DONE);
	assert_int_equal(count(&f), 3);
	assert_int_equal(set(&f, of(2, 1, LOCKS_READ, 5, 6)), LOCKS_DONE);
	assert_int_equal(set(&f, of(2, 1, LOCKS_READ, 4, 4)), LOCKS_HELD);
	assert_int_equal(set(&f, of(2, 1, LOCKS_READ, 7, 7)), LOCKS_HELD);
	assert_int_equal(set(&f, of(1, 1, LOCKS_NONE, 0, LOCKS_END)), LOCKS_DONE);
	assert_int_equal(count(&f), 1);
}

// All or nothing: also where the change would need two entries and there is one.
static void test_a_session_has_its_share(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(set(&f, of(1, 1, LOCKS_WRITE, 10 * i, 10 * i + 4)), LOCKS_DONE);
	assert_int_equal(set(&f, of(1, 1, LOCKS_READ, 1, 2)), LOCKS_FULL);
	assert_int_equal(set(&f, of(2, 1, LOCKS_READ, 1, 2)), LOCKS_HELD);
	assert_int_equal(set(&f, of(1, 1, LOCKS_NONE, 1, 2)), LOCKS_DONE);
	assert_int_equal(set(&f, of(1, 1, LOCKS_NONE, 11, 12)), LOCKS_FULL);
	assert_int_equal(set(&f, of(1, 1, LOCKS_WRITE, 100, 100)), LOCKS_FULL);
	// What it has it may have again.
	assert_int_equal(set(&f, of(1, 1, LOCKS_WRITE, 10, 12)), LOCKS_DONE);
	assert_int_equal(set(&f, of(2, 1, LOCKS_WRITE, 100, 100)), LOCKS_DONE);
	assert_int_equal(set(&f, of(2, 1, LOCKS_WRITE, 200, 200)), LOCKS_DONE);
	assert_int_equal(set(&f, of(2, 1, LOCKS_WRITE, 300, 300)), LOCKS_DONE);
	// As many as it has are left, for others.
	assert_int_equal(set(&f, of(2, 1, LOCKS_WRITE, 400, 400)), LOCKS_FULL);
	assert_int_equal(set(&f, of(3, 1, LOCKS_WRITE, 400, 400)), LOCKS_DONE);
	locks_drop_session(&f.table, 1);
	assert_int_equal(count(&f), 4);
	locks_drop_file(&f.table, 7);
	assert_int_equal(count(&f), 0);
}

static void test_gaps(void **state)
{
	struct fixture f;
	uint64_t start = 0, end = LOCKS_END;

	(void)state;
	begin(&f);
	assert_int_equal(locks_strongest(&f.table, 7, false), LOCKS_NONE);
	assert_int_equal(set(&f, of(1, 2, LOCKS_READ, 10, 19)), LOCKS_DONE);
	assert_int_equal(set(&f, of(1, 1, LOCKS_READ, 0, 9)), LOCKS_DONE);
	assert_int_equal(set(&f, of(1, 1, LOCKS_READ, 40, LOCKS_END)), LOCKS_DONE);
	assert_int_equal(locks_strongest(&f.table, 7, false), LOCKS_READ);
	assert_true(locks_gap(&f.table, 7, false, &start, &end));
	assert_true(start == 20 && end == 39);
	start = 5;
	end = 19;
	assert_false(locks_gap(&f.table, 7, false, &start, &end));
	start = 50;
	end = LOCKS_END;
	assert_false(locks_gap(&f.table, 7, false, &start, &end));
	assert_true(locks_gap(&f.table, 7, true, &start, &end));
	assert_true(start == 50 && end == LOCKS_END);
}

// The entries are all that there is: another table takes them up.
static void test_entries_are_taken_up(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(set(&f, of(1, 1, LOCKS_WRITE, 0, 9)), LOCKS_DONE);
	assert_int_equal(set(&f, of(1, 2, LOCKS_WRITE, 10, 19)), LOCKS_DONE);
	assert_int_equal(set(&f, of(1, 1, LOCKS_NONE, 0, 9)), LOCKS_DONE);
	locks_init(&f.table, f.entries, CAPACITY, 6);
	assert_int_equal(set(&f, of(2, 1, LOCKS_READ, 19, 30)), LOCKS_HELD);
	assert_int_equal(set(&f, of(2, 1, LOCKS_READ, 20, 30)), LOCKS_DONE);
	assert_int_equal(count(&f), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_excludes_whom),
		cmocka_unit_test(test_ranges_join_and_split),
		cmocka_unit_test(test_a_session_has_its_share),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_entries_are_taken_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
