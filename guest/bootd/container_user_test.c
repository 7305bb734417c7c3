// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "guest/bootd/container_user.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "broken line\n"
			     "evil:x:99999999999:0::/:\n"
			     "web:x:33:34:Web, the:/var/www:/bin/sh\n"
			     "last:x:40:41::/last";
static const char group[] = "root:x:0:\nstaff:x:50:root,web\nwebby:x:51:webb\nother:x:52:web\n";

static struct user user;
static const char *missing;

static void resolves_names_and_groups(void **state)
{
	(void)state;
	assert_int_equal(user_resolve("web", passwd, group, &user, &missing), 0);
	assert_int_equal(user.uid, 33);
	assert_int_equal(user.gid, 34);
	assert_string_equal(user.home, "/var/www");
	assert_int_equal(user.num_groups, 3);
	assert_int_equal(user.groups[0], user.gid);
	assert_int_equal(user.groups[1], 50);
	assert_int_equal(user.groups[2], 52);

	assert_int_equal(user_resolve("last:staff", passwd, group, &user, &missing), 0);
	assert_int_equal(user.uid, 40);
	assert_int_equal(user.gid, 50);
	assert_int_equal(user.num_groups, 1);
	assert_int_equal(user.groups[0], user.gid);
}

static void takes_numbers(void **state)
{
	(void)state;
	assert_int_equal(user_resolve("33", passwd, group, &user, &missing), 0);
	assert_int_equal(user.gid, 34);
	assert_int_equal(user.num_groups, 3);
	assert_int_equal(user_resolve("1234:77", "", "", &user, &missing), 0);
	assert_int_equal(user.uid, 1234);
	assert_int_equal(user.gid, 77);
}

static void names_what_is_missing(void **state)
{
	(void)state;
	assert_int_equal(user_resolve("nobody", passwd, group, &user, &missing), -ENOENT);
	assert_string_equal(missing, "user");
	assert_int_equal(user_resolve("web:none", passwd, group, &user, &missing), -ENOENT);
	assert_string_equal(missing, "group");
	assert_int_equal(user_resolve("evil", passwd, group, &user, &missing), -ENOENT);
	assert_int_equal(user_resolve("4294967295", passwd, group, &user, &missing), -ENOENT);
	assert_int_equal(user_resolve("", passwd, group, &user, &missing), -EINVAL);
	assert_int_equal(user_resolve(":0", passwd, group, &user, &missing), -EINVAL);
}

static void finds_home(void **state)
{
	char home[8];

	(void)state;
	assert_true(user_home(passwd, 0, home, sizeof(home)));
	assert_string_equal(home, "/root");
	// Too long for the caller's buffer: none rather than a piece of it.
	assert_true(user_home(passwd, 33, home, sizeof(home)));
	assert_string_equal(home, "");
	assert_false(user_home(passwd, 1000, home, sizeof(home)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolves_names_and_groups),
		cmocka_unit_test(takes_numbers),
		cmocka_unit_test(names_what_is_missing),
		cmocka_unit_test(finds_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
