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

// A word and a handle, at each place of a word before and behind the end of a page.
static void results_are_written_anywhere(struct autotest *t)
{
	handle_t folio = HANDLE_NONE;
	uint8_t *p = NULL;

	expect(t, folio_create(2 * PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
	expect(t, folio_map(folio, PROT_READ | PROT_WRITE, (void **)&p) == 0);
	for (size_t i = 0; i <= 16 && !t->failed; i++) {
		uint8_t *at = p + PAGE_SIZE - 8 - 8 + i;
		handle_t event = HANDLE_NONE;
		void *word = NULL;

		memset(p + PAGE_SIZE - 32, 0xa5, 64);
		expect(t, folio_map(folio, PROT_READ, (void **)(uintptr_t)at) == 0);
		memcpy(&word, at, sizeof(word));
		expect(t, word == p && at[-1] == 0xa5 && at[8] == 0xa5);
		expect(t, event_create((handle_t *)(uintptr_t)at) == 0);
		memcpy(&event, at, sizeof(event));
		expect(t, handle_close(event) == 0);
		// What was there behind it.
		expect(t, memcmp(at + 4, (const uint8_t *)&word + 4, 4) == 0);
	}
	handle_close(folio);
}

// What a range of addresses showed before, nobody sees there again.
static void a_page_is_mapped_again_and_again(struct autotest *t)
{
	for (uint64_t i = 1; i <= 100 && !t->failed; i++) {
		uint32_t kind = i % 3 == 0 ? FOLIO_LAZY : FOLIO_CONTIGUOUS;
		volatile uint64_t *first = NULL;
		volatile uint64_t *second = NULL;
		handle_t folios[2] = { 0 };

		expect(t, folio_create(PAGE_SIZE, kind, &folios[0]) == 0);
		expect(t, folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folios[1]) == 0);
		expect(t, folio_map(folios[0], PROT_READ | PROT_WRITE, (void **)&first) == 0);
		if (t->failed)
			return;
		expect(t, *first == 0);
		*first = i;
		expect(t, folio_unmap(folios[0]) == 0);
		expect(t, folio_map(folios[1], PROT_READ | PROT_WRITE, (void **)&second) == 0);
		expect(t, folio_map(folios[0], PROT_READ, (void **)&first) == 0);
		if (t->failed)
			return;
		expect(t, *second == 0 && *first == i);
		handle_close(folios[0]);
		*second = i;
		expect(t, *second == i);
		handle_close(folios[1]);
	}
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

static void the_console_is_its_drivers_alone(struct autotest *t)
{
	static const char text[513] = "this is not to be seen";
	handle_t folio = HANDLE_NONE;

	expect(t, folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
	expect(t, console_put(folio, text, 22) == ERR_INVALID);
	expect(t, console_put(folio, text, sizeof(text)) == ERR_TOO_LARGE);
	expect(t, console_put(t->system, text, 22) == ERR_WRONG_TYPE);
	expect(t, console_put(HANDLE_NONE, text, 22) == ERR_BAD_HANDLE);
	handle_close(folio);
}

const struct test memory_tests[] = {
	{ "a folio is zeroed and moves in a message", a_folio_is_zeroed_and_moves },
	{ "a duplicated folio is read-only", a_duplicated_folio_is_read_only },
	{ "a lazy folio costs what is touched", a_lazy_folio_costs_what_is_touched },
	{ "results are written anywhere", results_are_written_anywhere },
	{ "a page is mapped again and again", a_page_is_mapped_again_and_again },
	{ "limits of memory hold", limits_hold },
	{ "random bytes differ", random_bytes_differ },
	{ "the console is its driver's alone", the_console_is_its_drivers_alone },
	{ 0 },
};
