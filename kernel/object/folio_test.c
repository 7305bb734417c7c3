// SPDX-License-Identifier: MIT
#include "kernel/object/folio.h"

#include "kernel/object/all_test.h"
#include "kernel/object/channel_message.h"
#include "kernel/object/test_support.h"

static struct folio *folio_of(handle_t handle)
{
	struct object *object;

	assert_int_equal(handle_lookup(&self->handles, handle, OBJECT_FOLIO, 0, &object), 0);
	object_put(object);
	return folio_from_object(object);
}

static void a_contiguous_folio_takes_just_its_pages(void **state)
{
	uint64_t pages = page_free_count();
	struct folio_info info;
	handle_t folio;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(CALL_3(folio_create, 5 * PAGE_SIZE - 100, FOLIO_CONTIGUOUS, &folio), 0);
	assert_int_equal(page_free_count(), pages - 5);
	assert_int_equal(CALL_2(folio_info, folio, &info), 0);
	assert_int_equal(info.size, 5 * PAGE_SIZE);
	// Only who has a device needs to know.
	assert_int_equal(info.paddr, 0);
	self->has_device = true;
	assert_int_equal(CALL_2(folio_info, folio, &info), 0);
	assert_int_equal(info.paddr, folio_of(folio)->paddr);
	assert_int_equal(CALL_3(folio_map, folio, PROT_READ | PROT_WRITE, &bytes), 0);
	for (size_t i = 0; i < info.size; i++)
		assert_int_equal(bytes[i], 0);
	memset(bytes, 0xff, info.size);
	assert_int_equal(CALL_1(handle_close, folio), 0);
	assert_int_equal(page_free_count(), pages);
}

static void the_console_is_written_by_who_has_its_registers(void **state)
{
	char text[] = "starina> ";
	handle_t folio, other;

	(void)state;
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, FOLIO_CONTIGUOUS, &other), 0);
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, FOLIO_CONTIGUOUS, &folio), 0);
	folio_of(folio)->console = true;
	assert_int_equal(CALL_3(console_put, other, text, 3), ERR_INVALID);
	assert_int_equal(CALL_3(console_put, HANDLE_NONE, text, 3), ERR_BAD_HANDLE);
	assert_int_equal(CALL_3(console_put, folio, NULL, 3), ERR_ADDRESS);
	assert_int_equal(CALL_3(console_put, folio, text, 513), ERR_TOO_LARGE);
	assert_string_equal(host_log(), "");
	assert_int_equal(CALL_3(console_put, folio, text, strlen(text)), 0);
	assert_string_equal(host_log(), text);
	assert_int_equal(CALL_1(handle_close, folio), 0);
	assert_int_equal(CALL_1(handle_close, other), 0);
}

static void a_folio_may_be_made_with_its_bytes(void **state)
{
	static uint8_t bytes[FOLIO_MAX_COPIED + 1];
	uint64_t pages = page_free_count();
	handle_t folio = HANDLE_NONE;
	struct folio_info info;
	uint8_t *at;

	(void)state;
	memset(bytes, 0xa5, sizeof(bytes));
	for (size_t len = 1; len <= FOLIO_MAX_COPIED; len += FOLIO_MAX_COPIED - 1) {
		assert_int_equal(CALL_3(folio_create_with, bytes, len, &folio), 0);
		assert_int_equal(CALL_2(folio_info, folio, &info), 0);
		assert_int_equal(info.size, PAGE_SIZE);
		assert_int_equal(info.flags, FOLIO_CONTIGUOUS);
		assert_int_equal(CALL_3(folio_map, folio, PROT_READ | PROT_WRITE, &at), 0);
		assert_memory_equal(at, bytes, len);
		// The rest of its page is nobody's old data.
		for (size_t i = len; i < PAGE_SIZE; i++)
			assert_int_equal(at[i], 0);
		assert_int_equal(CALL_1(handle_close, folio), 0);
	}
	folio = HANDLE_NONE;
	assert_int_equal(CALL_3(folio_create_with, bytes, 0, &folio), ERR_INVALID);
	assert_int_equal(CALL_3(folio_create_with, bytes, FOLIO_MAX_COPIED + 1, &folio),
	                 ERR_INVALID);
	assert_int_equal(CALL_3(folio_create_with, bytes, SIZE_MAX, &folio), ERR_INVALID);
	assert_int_equal(CALL_3(folio_create_with, 24, 16, &folio), ERR_ADDRESS);
	assert_int_equal(CALL_3(folio_create_with, bytes, 16, 24), ERR_ADDRESS);
	test_limits(64, PAGE_SIZE / 2);
	assert_int_equal(CALL_3(folio_create_with, bytes, 16, &folio), ERR_LIMIT);
	assert_int_equal(folio, HANDLE_NONE);
	assert_int_equal(page_free_count(), pages);
}

static void bad_folios_are_refused(void **state)
{
	handle_t folio;

	(void)state;
	assert_int_equal(CALL_3(folio_create, 0, 0, &folio), ERR_INVALID);
	assert_int_equal(CALL_3(folio_create, FOLIO_MAX_CONTIGUOUS + 1, 0, &folio), ERR_INVALID);
	assert_int_equal(CALL_3(folio_create, SIZE_MAX, FOLIO_LAZY, &folio), ERR_INVALID);
	assert_int_equal(CALL_3(folio_create, 4096, 2, &folio), ERR_INVALID);
	assert_int_equal(CALL_3(folio_create, 1ul << 40, FOLIO_LAZY, &folio), ERR_LIMIT);
}

static void the_memory_limit_holds(void **state)
{
	handle_t folios[3];

	(void)state;
	// So large that the sum wraps around.
	test_limits(64, 2 * BLOCK_SIZE);
	assert_int_equal(CALL_3(folio_create, 2 * BLOCK_SIZE, FOLIO_LAZY, &folios[0]), 0);
	assert_int_equal(
		CALL_3(folio_create, SIZE_MAX - BLOCK_SIZE - PAGE_SIZE, FOLIO_LAZY, &folios[1]),
		ERR_LIMIT);

	test_limits(64, 4 * PAGE_SIZE);
	assert_int_equal(CALL_3(folio_create, 2 * PAGE_SIZE, 0, &folios[0]), 0);
	assert_int_equal(CALL_3(folio_create, 2 * PAGE_SIZE, FOLIO_LAZY, &folios[1]), 0);
	assert_int_equal(CALL_3(folio_create, 1, 0, &folios[2]), ERR_LIMIT);
	assert_int_equal(CALL_1(handle_close, folios[0]), 0);
	assert_int_equal(CALL_3(folio_create, 2 * PAGE_SIZE, 0, &folios[2]), 0);
}

static void mapping_needs_rights(void **state)
{
	handle_t folio;
	handle_t reader;
	void *at;

	(void)state;
	assert_int_equal(CALL_3(folio_create, 4096, 0, &folio), 0);
	assert_int_equal(CALL_3(handle_duplicate, folio, RIGHT_READ | RIGHT_MAP, &reader), 0);
	assert_int_equal(CALL_3(folio_map, reader, PROT_READ | PROT_WRITE, &at), ERR_ACCESS);
	assert_int_equal(CALL_3(folio_map, reader, PROT_READ, &at), 0);
	assert_int_equal(CALL_3(folio_map, reader, PROT_READ | PROT_EXEC, &at), ERR_INVALID);
	assert_int_equal(CALL_3(folio_discard, folio, 0, 4096), ERR_NOT_SUPPORTED);
}

static void what_is_duplicated_is_not_written(void **state)
{
	handle_t folio;
	handle_t second;
	void *at;

	(void)state;
	assert_int_equal(CALL_3(folio_create, BLOCK_SIZE, FOLIO_LAZY, &folio), 0);
	assert_int_equal(CALL_3(folio_map, folio, PROT_READ | PROT_WRITE, &at), 0);
	assert_int_equal(CALL_3(handle_duplicate, folio, RIGHTS_SAME, &second), 0);
	assert_int_equal(CALL_3(folio_map, second, PROT_READ | PROT_WRITE, &at), ERR_ACCESS);
	assert_int_equal(CALL_3(folio_map, folio, PROT_READ | PROT_WRITE, &at), ERR_ACCESS);
	assert_int_equal(CALL_3(folio_map, second, PROT_READ, &at), 0);
	assert_int_equal(CALL_3(folio_discard, folio, 0, PAGE_SIZE), ERR_ACCESS);
	assert_int_equal(CALL_1(handle_close, folio), 0);
	assert_int_equal(CALL_3(folio_map, second, PROT_READ | PROT_WRITE, &at), ERR_ACCESS);
}

static void forget_nothing(struct folio_user *user, size_t offset, size_t length)
{
	(void)user;
	(void)offset;
	(void)length;
}

static void lose_nothing(struct folio_user *user)
{
	(void)user;
}

// One that a guest has stays with its only handle; one that was duplicated has no such.
static void what_a_guest_has_stays(void **state)
{
	struct folio_user guest = { .discard = forget_nothing, .lost = lose_nothing };
	struct message message;
	handle_t ends[2];
	handle_t folio;
	handle_t second;

	(void)state;
	assert_int_equal(CALL_1(channel_create, ends), 0);
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, FOLIO_LAZY, &folio), 0);
	message = test_message(1, folio);
	for (unsigned i = 0; i < 2; i++) {
		struct folio *object = folio_of(folio);

		folio_add_user(object, &guest);
		assert_int_equal(folio_pin(object, PROT_READ | PROT_WRITE), 0);
		assert_int_equal(CALL_2(channel_send, ends[0], &message), ERR_BAD_STATE);
		assert_int_equal(CALL_3(handle_duplicate, folio, RIGHTS_SAME, &second),
		                 ERR_BAD_STATE);
		folio_unpin(object);
		assert_int_equal(CALL_2(channel_send, ends[0], &message), ERR_BAD_STATE);
		folio_remove_user(object, &guest);
		assert_int_equal(CALL_2(channel_send, ends[0], &message), 0);
		assert_int_equal(CALL_2(channel_recv, ends[1], &message), 0);
		folio = message.handles[0];
	}
	assert_int_equal(CALL_3(handle_duplicate, folio, RIGHTS_SAME, &second), 0);
	assert_int_equal(folio_pin(folio_of(folio), PROT_READ | PROT_WRITE), ERR_ACCESS);
	assert_int_equal(folio_pin(folio_of(folio), PROT_READ), 0);
	assert_int_equal(CALL_2(channel_send, ends[0], &message), 0);
	folio_unpin(folio_of(second));
}

// Nor does it go back with a message that cannot be written to its receiver.
static void what_a_guest_got_meanwhile_is_not_taken_back(void **state)
{
	struct channel_message *received;
	struct message message;
	handle_t ends[2];
	handle_t folio;
	bool more;

	(void)state;
	assert_int_equal(CALL_1(channel_create, ends), 0);
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, FOLIO_LAZY, &folio), 0);
	message = test_message(1, folio);
	assert_int_equal(CALL_2(channel_send, ends[0], &message), 0);
	assert_int_equal(channel_recv_on(&self->handles, ends[1], &received, &more), 0);
	folio = received->header.handles[0];
	assert_int_equal(folio_pin(folio_of(folio), PROT_READ | PROT_WRITE), 0);
	assert_int_equal(channel_unrecv_on(&self->handles, ends[1], received), ERR_ADDRESS);
	assert_int_equal(CALL_2(channel_recv, ends[1], &message), 0);
	assert_int_equal(message.num_handles, 0);
	folio_unpin(folio_of(folio));
	assert_int_equal(CALL_1(handle_close, folio), 0);
}

static void a_lazy_folio_is_populated_by_blocks_then_pages(void **state)
{
	uint64_t pages = page_free_count();
	size_t size = 2 * BLOCK_SIZE + 3 * PAGE_SIZE;
	struct folio_info info;
	handle_t handle;
	struct folio *folio;
	paddr_t paddr;
	size_t block_size;

	(void)state;
	assert_int_equal(CALL_3(folio_create, size, FOLIO_LAZY, &handle), 0);
	folio = folio_of(handle);
	assert_int_equal(page_free_count(), pages);
	assert_int_equal(folio_populate(folio, BLOCK_SIZE + 5000, &paddr, &block_size), 0);
	assert_int_equal(block_size, BLOCK_SIZE);
	assert_int_equal(paddr % BLOCK_SIZE, 0);
	assert_int_equal(page_free_count(), pages - BLOCK_SIZE / PAGE_SIZE);
	// The tail is not a whole block.
	assert_int_equal(folio_populate(folio, 2 * BLOCK_SIZE + 2 * PAGE_SIZE, &paddr, &block_size),
	                 0);
	assert_int_equal(block_size, PAGE_SIZE);
	assert_int_equal(page_free_count(), pages - BLOCK_SIZE / PAGE_SIZE - 1);
	assert_int_equal(CALL_2(folio_info, handle, &info), 0);
	assert_int_equal(info.populated, BLOCK_SIZE + PAGE_SIZE);
	assert_int_equal(CALL_3(folio_discard, handle, BLOCK_SIZE, BLOCK_SIZE), 0);
	assert_int_equal(CALL_2(folio_info, handle, &info), 0);
	assert_int_equal(info.populated, PAGE_SIZE);
	assert_int_equal(folio_populate(folio, size, &paddr, &block_size), ERR_RANGE);
	assert_int_equal(CALL_1(handle_close, handle), 0);
	assert_int_equal(page_free_count(), pages);
}

static void without_free_blocks_pages_serve(void **state)
{
	static paddr_t blocks[64];
	handle_t handle;
	struct folio *folio;
	unsigned n = 0;
	paddr_t paddr;
	size_t block_size;

	(void)state;
	// The process's own pages have broken one block.
	while (n < 64 && page_alloc(BLOCK_ORDER, &blocks[n]) == 0)
		n++;
	assert_true(page_free_count() > 0);
	assert_int_equal(CALL_3(folio_create, BLOCK_SIZE, FOLIO_LAZY, &handle), 0);
	folio = folio_of(handle);
	assert_int_equal(folio_populate(folio, 4 * PAGE_SIZE, &paddr, &block_size), 0);
	assert_int_equal(block_size, PAGE_SIZE);
	while (n > 0)
		page_free(blocks[--n], BLOCK_ORDER);
	// It stays with pages where it has some.
	assert_int_equal(folio_populate(folio, 5 * PAGE_SIZE, &paddr, &block_size), 0);
	assert_int_equal(block_size, PAGE_SIZE);
}

// What the kernel keeps for a lazy folio is its owner's: the parts, the addresses of single pages,
// the page tables of its mapping.
static void what_a_lazy_folio_takes_is_charged(void **state)
{
	size_t size = 8 * BLOCK_SIZE;
	uint64_t before = self->account->kernel_used;
	uint64_t used;
	handle_t handle;
	size_t block_size;
	uintptr_t at;
	paddr_t paddr;

	(void)state;
	assert_int_equal(CALL_3(folio_create, size - PAGE_SIZE, FOLIO_LAZY, &handle), 0);
	used = before + sizeof(struct folio) + 8 * sizeof(struct folio_part);
	assert_int_equal(self->account->kernel_used, used);
	// The tail is not a whole block: it has single pages.
	assert_int_equal(folio_populate(folio_of(handle), size - BLOCK_SIZE, &paddr, &block_size),
	                 0);
	used += PAGE_SIZE;
	assert_int_equal(self->account->kernel_used, used);
	assert_int_equal(CALL_3(folio_map, handle, PROT_READ, &at), 0);
	assert_int_equal(self->account->kernel_used, used + 7 * PAGE_SIZE);
	assert_int_equal(CALL_3(folio_discard, handle, size - BLOCK_SIZE, BLOCK_SIZE - PAGE_SIZE),
	                 0);
	assert_int_equal(CALL_1(handle_close, handle), 0);
	assert_int_equal(self->account->kernel_used, before);

	// Beyond the limit there are no pages for it.
	assert_int_equal(CALL_3(folio_create, BLOCK_SIZE / 2, FOLIO_LAZY, &handle), 0);
	self->account->kernel_limit = self->account->kernel_used;
	assert_int_equal(folio_populate(folio_of(handle), 0, &paddr, &block_size), ERR_NO_MEMORY);
	assert_int_equal(CALL_1(handle_close, handle), 0);
}

static void an_app_touches_a_lazy_folio(void **state)
{
	handle_t handle;
	struct folio *folio;
	uint8_t *at;
	paddr_t paddr;
	size_t block_size;

	(void)state;
	assert_int_equal(CALL_3(folio_create, BLOCK_SIZE + PAGE_SIZE, FOLIO_LAZY, &handle), 0);
	folio = folio_of(handle);
	assert_int_equal(CALL_3(folio_map, handle, PROT_READ | PROT_WRITE, &at), 0);
	assert_int_equal((uintptr_t)at % BLOCK_SIZE, 0);
	assert_int_equal(vmap_fault((uintptr_t)at + BLOCK_SIZE + 10, true), 0);
	assert_int_equal(vmap_fault((uintptr_t)at + BLOCK_SIZE + PAGE_SIZE, true), ERR_ADDRESS);
	at[BLOCK_SIZE + 10] = 99;
	// A guest that has it mapped sees the same memory.
	assert_int_equal(folio_populate(folio, BLOCK_SIZE, &paddr, &block_size), 0);
	assert_int_equal(((uint8_t *)page_to_virt(paddr))[10], 99);
}

static size_t discarded_offset;
static size_t discarded_length;

static void note_discard(struct folio_user *user, size_t offset, size_t length)
{
	(void)user;
	discarded_offset = offset;
	discarded_length += length;
}

static void discarded_memory_is_given_back_and_zero(void **state)
{
	struct folio_user user = { .discard = note_discard };
	uint64_t pages = page_free_count();
	handle_t handle;
	struct folio *folio;
	paddr_t paddr;
	size_t block_size;

	(void)state;
	discarded_length = 0;
	assert_int_equal(CALL_3(folio_create, 2 * BLOCK_SIZE, FOLIO_LAZY, &handle), 0);
	folio = folio_of(handle);
	list_init(&user.entry);
	folio_add_user(folio, &user);
	for (size_t at = 0; at < 2 * BLOCK_SIZE; at += BLOCK_SIZE) {
		assert_int_equal(folio_populate(folio, at, &paddr, &block_size), 0);
		memset(page_to_virt(paddr), 0x55, BLOCK_SIZE);
	}
	assert_int_equal(CALL_3(folio_discard, handle, 100, PAGE_SIZE), ERR_RANGE);
	assert_int_equal(CALL_3(folio_discard, handle, BLOCK_SIZE, BLOCK_SIZE + PAGE_SIZE),
	                 ERR_RANGE);
	assert_int_equal(CALL_3(folio_discard, handle, SIZE_MAX & ~(PAGE_SIZE - 1), 2 * PAGE_SIZE),
	                 ERR_RANGE);
	// A part of a block only reads as zero; a whole one is freed, after its users have
	// forgotten it.
	assert_int_equal(CALL_3(folio_discard, handle, PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(discarded_length, 0);
	assert_int_equal(folio_populate(folio, 0, &paddr, &block_size), 0);
	assert_int_equal(((uint8_t *)page_to_virt(paddr))[PAGE_SIZE - 1], 0x55);
	assert_int_equal(((uint8_t *)page_to_virt(paddr))[PAGE_SIZE], 0);
	assert_int_equal(((uint8_t *)page_to_virt(paddr))[2 * PAGE_SIZE], 0x55);
	assert_int_equal(CALL_3(folio_discard, handle, BLOCK_SIZE, BLOCK_SIZE), 0);
	assert_int_equal(discarded_offset, BLOCK_SIZE);
	assert_int_equal(discarded_length, BLOCK_SIZE);
	assert_int_equal(page_free_count(), pages - BLOCK_SIZE / PAGE_SIZE);
	assert_int_equal(folio_populate(folio, BLOCK_SIZE, &paddr, &block_size), 0);
	assert_int_equal(((uint8_t *)page_to_virt(paddr))[0], 0);
	folio_remove_user(folio, &user);
}

static uint32_t times_lost;

static void note_lost(struct folio_user *user)
{
	(void)user;
	times_lost++;
}

// Memory that a guest has in pages goes page by page, or all of a part at once.
static void discarded_pages_are_given_back(void **state)
{
	static paddr_t blocks[64];
	struct folio_user user = { .discard = note_discard };
	handle_t handle;
	struct folio *folio;
	unsigned n = 0;
	uint64_t pages;
	paddr_t paddr;
	size_t block_size;

	(void)state;
	while (n < 64 && page_alloc(BLOCK_ORDER, &blocks[n]) == 0)
		n++;
	assert_int_equal(CALL_3(folio_create, 2 * BLOCK_SIZE, FOLIO_LAZY, &handle), 0);
	folio = folio_of(handle);
	// The array of addresses stays.
	assert_int_equal(folio_populate(folio, 0, &paddr, &block_size), 0);
	pages = page_free_count();
	for (size_t at = PAGE_SIZE; at <= 3 * PAGE_SIZE; at += PAGE_SIZE) {
		assert_int_equal(folio_populate(folio, at, &paddr, &block_size), 0);
		assert_int_equal(block_size, PAGE_SIZE);
		memset(page_to_virt(paddr), 0x55, PAGE_SIZE);
	}
	list_init(&user.entry);
	folio_add_user(folio, &user);
	discarded_length = 0;
	assert_int_equal(CALL_3(folio_discard, handle, 2 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
	assert_int_equal(discarded_offset, 2 * PAGE_SIZE);
	assert_int_equal(discarded_length, 2 * PAGE_SIZE);
	assert_int_equal(page_free_count(), pages - 1);
	folio_remove_user(folio, &user);
	assert_int_equal(folio_populate(folio, 2 * PAGE_SIZE, &paddr, &block_size), 0);
	assert_int_equal(((uint8_t *)page_to_virt(paddr))[0], 0);
	assert_int_equal(CALL_3(folio_discard, handle, 0, BLOCK_SIZE), 0);
	assert_true(page_free_count() > pages);
	while (n > 0)
		page_free(blocks[--n], BLOCK_ORDER);
	// A part that was given back whole may be a block again.
	assert_int_equal(folio_populate(folio, 0, &paddr, &block_size), 0);
	assert_int_equal(block_size, BLOCK_SIZE);
}

// A guest cannot take the last pages; its VMM, which touches what is not there, goes on, and the
// guest's space hears of it.
static void guests_leave_a_reserve(void **state)
{
	struct folio_user user = { .discard = note_discard, .lost = note_lost };
	uint64_t reserve = page_total_count() / 64;
	handle_t handle;
	handle_t other;
	struct folio *folio;
	size_t size = page_total_count() * PAGE_SIZE;
	size_t at = 0;
	uint8_t *mapped;
	paddr_t paddr;
	size_t block_size;
	error_t error;

	(void)state;
	assert_true(reserve > 0);
	test_limits(64, 2 * size);
	assert_int_equal(CALL_3(folio_create, size, FOLIO_LAZY, &handle), 0);
	folio = folio_of(handle);
	list_init(&user.entry);
	folio_add_user(folio, &user);
	assert_int_equal(CALL_3(folio_map, handle, PROT_READ | PROT_WRITE, &mapped), 0);
	while ((error = folio_populate(folio, at, &paddr, &block_size)) == 0)
		at += block_size;
	assert_int_equal(error, ERR_NO_MEMORY);
	assert_true(page_free_count() >= reserve);
	assert_true(page_free_count() < reserve + 8);
	assert_int_equal(times_lost, 0);
	// What is there is still served.
	assert_int_equal(folio_populate(folio, 0, &paddr, &block_size), 0);
	// All others may have the rest.
	assert_int_equal(CALL_3(folio_create, 4 * PAGE_SIZE, FOLIO_CONTIGUOUS, &other), 0);
	assert_int_equal(CALL_1(handle_close, other), 0);
	assert_int_equal(vmap_fault((uintptr_t)mapped + at, true), 0);
	assert_int_equal(vmap_fault((uintptr_t)mapped + at + 100 * PAGE_SIZE, true), 0);
	assert_true(page_free_count() >= reserve - 2);
	assert_int_equal(times_lost, 2);
	assert_int_equal(folio_populate(folio, at, &paddr, &block_size), ERR_NO_MEMORY);
	folio_remove_user(folio, &user);
	// Whoever maps it later is told, too.
	folio_add_user(folio, &user);
	assert_int_equal(times_lost, 3);
	folio_remove_user(folio, &user);
}

int test_folios(void)
{
	const struct CMUnitTest tests[] = {
		test_case(a_contiguous_folio_takes_just_its_pages),
		test_case(the_console_is_written_by_who_has_its_registers),
		test_case(a_folio_may_be_made_with_its_bytes),
		test_case(bad_folios_are_refused),
		test_case(the_memory_limit_holds),
		test_case(mapping_needs_rights),
		test_case(a_lazy_folio_is_populated_by_blocks_then_pages),
		test_case(without_free_blocks_pages_serve),
		test_case(what_a_lazy_folio_takes_is_charged),
		test_case(an_app_touches_a_lazy_folio),
		test_case(what_is_duplicated_is_not_written),
		test_case(what_a_guest_has_stays),
		test_case(what_a_guest_got_meanwhile_is_not_taken_back),
		test_case(discarded_memory_is_given_back_and_zero),
		test_case(discarded_pages_are_given_back),
		test_case(guests_leave_a_reserve),
	};

	return cmocka_run_group_tests_name("folios", tests, NULL, NULL);
}
