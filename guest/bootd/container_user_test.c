// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/bootd/container_user.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "broken line\n"
			     "evil:x:99999999999:0::/:\n"
			     "web:x:33:34:Web, the:/var/www:/bin/sh\n"
			     "1000:x:5:5::/:\n"
			     "last:x:40:41::/last";
static const char group[] =
	"root:x:0:\nstaff:x:50:root,web\nwebby:x:51:webb\nother:x:52:web\n2000:x:0:\n";

static struct user user;
static struct failure failure;

static int resolve(const char *spec, const char *passwd_text, const char *group_text)
{
	free(user.groups);
	user.groups = NULL;
	return user_resolve(spec, passwd_text, group_text, &user, &failure);
}

static void expect_user(const char *spec, uid_t uid, gid_t gid, size_t num_groups)
{
	assert_int_equal(resolve(spec, passwd, group), 0);
	assert_int_equal(user.uid, uid);
	assert_int_equal(user.gid, gid);
	assert_int_equal(user.num_groups, num_groups);
	assert_int_equal(user.groups[0], gid);
}

static void expect_failure(const char *spec, int error, const char *message)
{
	assert_int_equal(resolve(spec, passwd, group), error);
	user.groups = NULL;
	assert_int_equal(failure.status, FAILURE_SETUP);
	assert_string_equal(failure.message, message);
}

static void resolves_names_and_groups(void **state)
{
	(void)state;
	expect_user("web", 33, 34, 3);
	assert_int_equal(user.groups[1], 50);
	assert_int_equal(user.groups[2], 52);
	expect_user("last:staff", 40, 50, 1);
	expect_user("web:", 33, 34, 3);
}

static void takes_numbers(void **state)
{
	(void)state;
	expect_user("33", 33, 34, 3);
	expect_user("0033:0", 33, 0, 1);
	assert_int_equal(resolve("1234:77", "", ""), 0);
	assert_int_equal(user.uid, 1234);
	assert_int_equal(user.gid, 77);
	expect_user("1234", 1234, 0, 1);
	expect_user("2147483647:2147483647", 2147483647, 2147483647, 1);
}

// Docker's: all digits are a number, whatever has them for a name.
static void numbers_go_before_names(void **state)
{
	(void)state;
	expect_user("1000", 1000, 0, 1);
	expect_user("web:2000", 33, 2000, 1);
}

// Docker's: the user is root then.
static void takes_a_group_alone(void **state)
{
	(void)state;
	expect_user(":staff", 0, 50, 1);
	expect_user(":77", 0, 77, 1);
	expect_user(":0", 0, 0, 1);
	expect_user(":", 0, 0, 2);
	assert_int_equal(user.groups[1], 50);
	assert_int_equal(resolve(":", "", ""), 0);
	assert_int_equal(user.num_groups, 1);
}

static void names_what_is_wrong(void **state)
{
	static const char range[] = "uids and gids must be in range 0-2147483647";

	(void)state;
	expect_failure("nobody", -ENOENT,
	               "unable to find user nobody: no matching entries in passwd file");
	expect_failure("evil:staff", -ENOENT,
	               "unable to find user evil: no matching entries in passwd file");
	expect_failure("web:none", -ENOENT,
	               "unable to find group none: no matching entries in group file");
	expect_failure("web:staff:x", -ENOENT,
	               "unable to find group staff:x: no matching entries in group file");
	expect_failure("-1", -ENOENT, "unable to find user -1: no matching entries in passwd file");
	expect_failure("2147483648", -ERANGE, range);
	expect_failure("0:2147483648", -ERANGE, range);
	// These are 0 and 33 in 32 and 64 bits.
	expect_failure("4294967296", -ERANGE, range);
	expect_failure("18446744073709551649:0", -ERANGE, range);
	expect_failure("0:18446744073709551616", -ERANGE, range);
}

static void takes_many_groups(void **state)
{
	static const size_t count = 3000;
	char *text = calloc(count, 32);
	size_t used = 0;

	(void)state;
	for (size_t i = 0; i < count; i++)
		used += (size_t)sprintf(text + used, "g%zu:x:%zu:a,web,b\n", i, 1000 + i);
	assert_int_equal(resolve("web", passwd, text), 0);
	assert_int_equal(user.num_groups, count + 1);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(user.groups[i + 1], 1000 + i);
	free(text);
}

static void adds_groups(void **state)
{
	static const char *const names[] = { "staff", "1234" }, *const unknown[] = { "none" };

	(void)state;
	assert_int_equal(resolve("0:0", passwd, group), 0);
	assert_int_equal(user_add_groups(&user, names, 2, group, &failure), 0);
	assert_int_equal(user.num_groups, 3);
	assert_int_equal(user.groups[1], 50);
	assert_int_equal(user.groups[2], 1234);
	assert_int_equal(user_add_groups(&user, unknown, 1, group, &failure), -ENOENT);
	assert_string_equal(failure.message,
	                    "unable to find group none: no matching entries in group file");
	user.groups = NULL;
}

static void finds_home(void **state)
{
	size_t length;

	(void)state;
	assert_memory_equal(user_home(passwd, 0, &length), "/root", 5);
	assert_int_equal(length, 5);
	assert_memory_equal(user_home(passwd, 33, &length), "/var/www", 8);
	assert_int_equal(length, 8);
	assert_null(user_home(passwd, 1001, &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolves_names_and_groups),
		cmocka_unit_test(takes_numbers),
		cmocka_unit_test(numbers_go_before_names),
		cmocka_unit_test(takes_a_group_alone),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(takes_many_groups),
		cmocka_unit_test(adds_groups),
		cmocka_unit_test(finds_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
