// SPDX-License-Identifier: MIT
//
// Volumes of the state disk, in containers.
#include "apps/linux_test/linux_test.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"

#define BOTH 30  // folders that both want

static struct container *pair_start(struct linux_test *t, const char *me, const char *other,
                                    const char *first)
{
	struct container *container = container_new(t->runtime, "hello:1");

	container_entrypoint(container, "/bin/sh");
	container_args(container, "/volume_pair.sh", me, other, first, NULL);
	container_volume(container, "both", "/v", 0);
	container_timeout(container, 200 * NSEC_PER_SEC);
	if (container_run(container) == 0)
		return container;
	container_free(container);
	return NULL;
}

// How many folders one has made first; -1: it failed.
static int pair_end(struct container *container)
{
	struct command_output out;
	int won = -1;

	if (container_wait_with_output(container, &out) < 0)
		return -1;
	for (int i = 0; out.status == 0 && i <= BOTH; i++) {
		char text[16];

		fmt_write(text, sizeof(text), "ok %d\n", i);
		if (span_is(out.stdout, text))
			won = i;
	}
	if (won < 0)
		log_error("status %d, %s: %.*s%.*s", out.status, out.error, (int)out.stdout.len,
		          (const char *)out.stdout.data, (int)out.stderr.len,
		          (const char *)out.stderr.data);
	command_output_deinit(&out);
	return won;
}

// Two VMs work on one volume at the same time (tools/e2e/programs/volume_pair.sh).
bool test_two_on_a_volume(struct linux_test *t)
{
	struct container *a = pair_start(t, "a", "b", "1");
	struct container *b = pair_start(t, "b", "a", "0");
	int won_a, won_b;

	CHECK(a && b);
	won_a = pair_end(a);
	won_b = pair_end(b);
	container_free(a);
	container_free(b);
	CHECK(won_a >= 0 && won_b >= 0);
	CHECK(won_a + won_b == BOTH);
	return true;
}
