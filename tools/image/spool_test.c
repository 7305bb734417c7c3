// SPDX-License-Identifier: MIT
#include "tools/image/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void write_part(struct spool *spool, uint64_t offset, const char *part)
{
	struct error err;

	assert_int_equal(spool_write(spool, offset, part, strlen(part), &err), 0);
}

static void assert_content(struct spool *spool, uint64_t offset, const char *content)
{
	char bytes[64] = "";
	struct error err;

	assert_int_equal(spool_read(spool, offset, bytes, strlen(content), &err), 0);
	assert_string_equal(bytes, content);
}

// The map of a sparse file in an archive may name its parts in any order. After the second part the
// next multiple of CONTENT_ALIGNMENT is where the third begins: this file's, and no other one's.
static void test_parts_of_a_file_in_any_order(void **state)
{
	uint64_t first, second;
	struct spool spool;
	struct error err;

	(void)state;
	assert_int_equal(spool_init(&spool, "/tmp", &err), 0);
	assert_int_equal(spool_reserve(&spool, 10, &first, &err), 0);
	write_part(&spool, first + 3, "lower");
	write_part(&spool, first, "top");
	write_part(&spool, first + 8, "..");
	assert_int_equal(spool_reserve(&spool, 4, &second, &err), 0);
	write_part(&spool, second, "next");
	assert_int_equal(spool_flush(&spool, &err), 0);
	assert_content(&spool, first, "toplower..");
	assert_content(&spool, second, "next");
	spool_deinit(&spool);
}

static void test_small_files_are_written_together(void **state)
{
	static const char *const contents[] = { "content", "of no", "round size" };
	uint64_t offsets[3];
	struct stat status;
	struct spool spool;
	struct error err;

	(void)state;
	assert_int_equal(spool_init(&spool, "/tmp", &err), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(spool_reserve(&spool, strlen(contents[i]), &offsets[i], &err), 0);
		assert_int_equal(offsets[i] % CONTENT_ALIGNMENT, 0);
		write_part(&spool, offsets[i], contents[i]);
	}
	assert_int_equal(fstat(spool.fd, &status), 0);
	assert_int_equal(status.st_size, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_content(&spool, offsets[i], contents[i]);
	spool_deinit(&spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_of_a_file_in_any_order),
		cmocka_unit_test(test_small_files_are_written_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
