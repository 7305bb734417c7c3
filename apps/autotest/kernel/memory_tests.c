// SPDX-License-Identifier: MIT
#include "apps/autotest/autotest.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

static void a_folio_is_zeroed_and_moves(struct autotest *t)
{
	struct folio_info info;
	handle_t ends[2] = { 0 };
	handle_t folio = HANDLE_NONE;
	struct message m;
	uint8_t *p = NULL;
	uint8_t *q = NULL;

	expect(t, folio_create(5000, FOLIO_CONTIGUOUS, &folio) == 0);
	expect(t,
	       folio_info(folio, &info) == 0 && info.size == 2 * PAGE_SIZE &&
	               info.flags == FOLIO_CONTIGUOUS && info.paddr == 0);
	expect(t,
	       folio_map(folio, PROT_READ | PROT_WRITE, (void **)&p) == 0 &&
	               is_zero(p, 2 * PAGE_SIZE));
	if (t->failed)
		return;
	p[4999] = 5;
	expect(t, channel_create(ends) == 0);
	message_init(&m, 100);
	m.handles[0] = folio;
	m.num_handles = 1;
	expect(t, channel_send(ends[0], &m) == 0);
	expect(t, folio_info(folio, &info) == ERR_BAD_HANDLE);
	expect(t, channel_recv(ends[1], &m) == 0);
	expect(t, folio_map(m.handles[0], PROT_READ, (void **)&q) == 0 && q[4999] == 5);
	handle_close(m.handles[0]);
	handle_close(ends[0]);
	handle_close(ends[1]);
}

// The same in both modes; that a write faults in user mode is apps/adversary's.
static void a_duplicated_folio_is_read_only(struct autotest *t)
{
	struct folio_info info;
	handle_t second = HANDLE_NONE;
	handle_t folio = HANDLE_NONE;
	uint8_t *p = NULL;
	void *at = NULL;

	expect(t, folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
	expect(t, folio_map(folio, PROT_READ | PROT_WRITE, (void **)&p) == 0);
	if (t->failed)
		return;
	p[7] = 5;
	expect(t, handle_duplicate(folio, RIGHTS_SAME, &second) == 0 && p[7] == 5);
	expect(t, folio_map(folio, PROT_READ | PROT_WRITE, &at) == ERR_ACCESS);
	expect(t, folio_map(second, PROT_READ | PROT_WRITE, &at) == ERR_ACCESS);
	expect(t, folio_map(second, PROT_READ, &at) == 0 && at == p);
	expect(t, folio_info(folio, &info) == 0 && info.flags == FOLIO_READ_ONLY);
	handle_close(folio);
	expect(t, folio_map(second, PROT_READ | PROT_WRITE, &at) == ERR_ACCESS && p[7] == 5);
	handle_close(second);
}

static void a_lazy_folio_costs_what_is_touched(struct autotest *t)
{
	struct system_info before = test_system_info(t);
	struct system_info after;
	handle_t folio = HANDLE_NONE;
	uint8_t *p = NULL;

	expect(t, folio_create(48ul << 20, FOLIO_LAZY, &folio) == 0);
	expect(t, folio_map(folio, PROT_READ | PROT_WRITE, (void **)&p) == 0);
	if (t->failed)
		return;
	after = test_system_info(t);
	expect(t, after.free_pages + 64 > before.free_pages);
	p[40ul << 20] = 1;
	expect(t, p[(40ul << 20) + 1] == 0);
	expect(t, random_get(p + (44ul << 20), 32) == 0);  // populated by a copy inside a call
	after = test_system_info(t);
	expect(t, after.free_pages + 64 + 3 * 512 > before.free_pages);
	expect(t, folio_discard(folio, 40ul << 20, 2ul << 20) == 0);
	expect(t, p[40ul << 20] == 0);
	handle_close(folio);
	after = test_system_info(t);
	expect(t, after.free_pages + 64 > before.free_pages);
}

static void limits_hold(struct autotest *t)
{
	handle_t folio = HANDLE_NONE;
	void *p;

	expect(t, folio_create(0, FOLIO_CONTIGUOUS, &folio) == ERR_INVALID);
	expect(t, folio_create(FOLIO_MAX_CONTIGUOUS + 1, FOLIO_CONTIGUOUS, &folio) != 0);
	expect(t, folio_create(1ul << 40, FOLIO_LAZY, &folio) != 0);
	p = heap_alloc(100000);
	expect(t, p != NULL && is_zero(p, 100000));
	heap_free(p);
	expect(t, heap_alloc(1ul << 40) == NULL);
}

static void random_bytes_differ(struct autotest *t)
{
	uint8_t a[32] = { 0 };
	uint8_t b[32] = { 0 };

	expect(t, random_get(a, sizeof(a)) == 0 && random_get(b, sizeof(b)) == 0);
	expect(t, !is_zero(a, sizeof(a)) && memcmp(a, b, sizeof(a)) != 0);
	expect(t,
	       random_get(a, 5000) == ERR_RANGE || random_get(a, 5000) == ERR_TOO_LARGE ||
	               random_get(a, 5000) == ERR_INVALID);
}

const struct test memory_tests[] = {
	{ "a folio is zeroed and moves in a message", a_folio_is_zeroed_and_moves },
	{ "a duplicated folio is read-only", a_duplicated_folio_is_read_only },
	{ "a lazy folio costs what is touched", a_lazy_folio_costs_what_is_touched },
	{ "limits of memory hold", limits_hold },
	{ "random bytes differ", random_bytes_differ },
	{ 0 },
};
