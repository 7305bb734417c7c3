// SPDX-License-Identifier: MIT
// A registry that never ends what it sends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/system/remote.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static uint64_t read_bytes;
static bool finished;

int proxy_open(struct proxy *proxy, const char *location, bool without_tls, struct error *err)
{
	(void)proxy;
	(void)location;
	(void)without_tls;
	return error_set(err, "not of this test");
}

void proxy_close(struct proxy *proxy)
{
	(void)proxy;
}

json_t *proxy_manifest(struct proxy *proxy, struct error *err)
{
	(void)proxy;
	error_set(err, "not of this test");
	return NULL;
}

int proxy_blob_open(struct proxy *proxy, struct proxy_blob *blob, const char *digest, uint64_t size,
                    struct error *err)
{
	(void)proxy;
	(void)digest;
	(void)err;
	*blob = (struct proxy_blob){ .fd = -1, .size = size };
	return 0;
}

long proxy_blob_read(struct proxy_blob *blob, void *buffer, size_t size, struct error *err)
{
	(void)err;
	if (size > blob->size - blob->done)
		size = (size_t)(blob->size - blob->done);
	memset(buffer, 'x', size);
	blob->done += size;
	read_bytes += size;
	return (long)size;
}

int proxy_blob_finish(struct proxy *proxy, struct proxy_blob *blob, struct error *err)
{
	(void)proxy;
	(void)blob;
	finished = true;
	return error_set(err, "Digest did not match");
}

static void apply(unsigned long long size, struct error *err)
{
	struct remote remote;
	struct tree tree;
	struct spool spool;

	read_bytes = 0;
	assert_int_equal(remote_init(&remote, "/tmp", -1, err), 0);
	remote.name = "a";
	finished = false;
	remote.image.manifest =
		json_pack("{s:[{s:s, s:I}]}", "layers", "digest", DIGEST, "size", (json_int_t)size);
	remote.image.config = json_pack("{s:{s:[s]}}", "rootfs", "diff_ids", DIGEST);
	assert_int_equal(tree_init(&tree, NULL, err), 0);
	assert_int_equal(spool_init(&spool, "/tmp", err), 0);
	assert_int_equal(remote_apply(&remote, &tree, &spool, err), -1);
	spool_deinit(&spool);
	tree_deinit(&tree);
	remote_close(&remote);
}

static void too_large(void **state)
{
	struct error err;

	(void)state;
	apply(1ull << 62, &err);
	assert_string_equal(err.text, "a: its layer 1 is larger than 32768 MiB");
	assert_int_equal(read_bytes, 0);
}

// After an error the rest of a blob is read, for its digest, but not all that there may be.
static void rest(void **state)
{
	struct error err;

	(void)state;
	apply(1ull << 30, &err);
	assert_in_range(read_bytes, 64u << 20, 80u << 20);
	assert_false(finished);
	assert_null(strstr(err.text, "Digest"));
	apply(1u << 20, &err);
	assert_int_equal(read_bytes, 1u << 20);
	assert_true(finished);
	assert_non_null(strstr(err.text, "Digest did not match"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_large),
		cmocka_unit_test(rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
