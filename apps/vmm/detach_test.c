// SPDX-License-Identifier: MIT
// The keys by which a client leaves a terminal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/vmm/detach.h"

static enum detach_verdict judge(struct detach *detach, const char *text, uint32_t before)
{
	uint32_t num_before;
	enum detach_verdict verdict = detach_judge(detach, text_span(text), &num_before);

	assert_int_equal(num_before, before);
	return verdict;
}

static void leaves_by_keys(void **state)
{
	static const struct vmm_detach_keys keys = { .count = 2, .keys = { 16, 17 } };
	struct detach detach;

	(void)state;
	detach_init(&detach, &keys);
	assert_int_equal(judge(&detach, "\x10", 0), DETACH_HELD);
	assert_int_equal(judge(&detach, "\x11", 0), DETACH_LEAVE);
	detach_init(&detach, &keys);
	assert_int_equal(judge(&detach, "\x10\x11", 0), DETACH_LEAVE);
}

static void gives_back_what_it_held(void **state)
{
	static const struct vmm_detach_keys keys = { .count = 3, .keys = { 'a', 'b', 'c' } };
	struct detach detach;

	(void)state;
	detach_init(&detach, &keys);
	assert_int_equal(judge(&detach, "ab", 0), DETACH_HELD);
	assert_int_equal(judge(&detach, "x", 2), DETACH_PASS);
	assert_int_equal(judge(&detach, "a", 0), DETACH_HELD);
	assert_int_equal(judge(&detach, "a", 1), DETACH_PASS);
	assert_int_equal(judge(&detach, "", 0), DETACH_PASS);
	// Keys among other bytes are no keys.
	assert_int_equal(judge(&detach, "abcd", 0), DETACH_PASS);
	assert_int_equal(judge(&detach, "xabc", 0), DETACH_PASS);
}

static void has_no_keys(void **state)
{
	static const struct vmm_detach_keys none = { 0 };
	static const struct vmm_detach_keys bad = { .count = VMM_DETACH_KEYS_MAX + 1 };
	struct detach detach;

	(void)state;
	detach_init(&detach, &none);
	assert_int_equal(judge(&detach, "\x10", 0), DETACH_PASS);
	detach_init(&detach, &bad);
	assert_int_equal(judge(&detach, "\x10", 0), DETACH_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_by_keys),
		cmocka_unit_test(gives_back_what_it_held),
		cmocka_unit_test(has_no_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
