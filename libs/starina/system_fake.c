// SPDX-License-Identifier: MIT
#include "libs/starina/system_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/starina/alloc.h"
#include "libs/starina/system_objects_fake.h"

#define MAX_OBJECTS 4096u
#define ALL_RIGHTS                                                                              \
	(RIGHT_READ | RIGHT_WRITE | RIGHT_POLL | RIGHT_MAP | RIGHT_TRANSFER | RIGHT_DUPLICATE | \
	 RIGHT_CONTROL)

// Before each piece of the heap.
struct piece {
	struct list entry;
	size_t size;
} __attribute__((aligned(16)));

jmp_buf fake_exit;
static struct list pieces = { .next = &pieces, .prev = &pieces };
static struct fake_object objects[MAX_OBJECTS];
struct fake_slot fake_slots[FAKE_MAX_HANDLES];
size_t fake_slots_used = 1;
static size_t num_handles, num_allocated, bytes_allocated;
static unsigned allocations_left;

// --- Handles ---

struct fake_slot *fake_slot_of(handle_t h)
{
	struct fake_slot *slot = &fake_slots[(uint32_t)h % FAKE_MAX_HANDLES];

	if (h == HANDLE_NONE || slot->object == NULL || slot->travels ||
	    slot->generation != (uint32_t)h / FAKE_MAX_HANDLES)
		return NULL;
	return slot;
}

struct fake_object *fake_object_of(handle_t h, enum fake_kind kind)
{
	struct fake_slot *slot = fake_slot_of(h);

	if (slot == NULL || slot->object->kind != kind)
		abort();  // a handle that is not the caller's, or something else than it thinks
	return slot->object;
}

error_t fake_object_get(handle_t h, enum fake_kind kind, struct fake_object **out)
{
	struct fake_slot *slot = fake_slot_of(h);

	if (slot == NULL)
		abort();  // a handle that is not the caller's
	*out = slot->object;
	return slot->object->kind == kind ? 0 : ERR_WRONG_TYPE;
}

struct fake_object *fake_object_make(enum fake_kind kind)
{
	for (size_t i = 0; i < MAX_OBJECTS; i++) {
		struct fake_object *object = &objects[i];

		if (object->kind != FREE)
			continue;
		*object = (struct fake_object){ .kind = kind, .deadline = NSEC_NEVER };
		if (kind == CHANNEL || kind == SERVICE || kind == CONNECTOR)
			object->queue = malloc(FAKE_QUEUED_MAX * sizeof(struct message));
		return object;
	}
	abort();
}

handle_t fake_handle_make(struct fake_object *object)
{
	for (size_t index = 1; index < FAKE_MAX_HANDLES; index++) {
		struct fake_slot *slot = &fake_slots[index];

		if (slot->object != NULL)
			continue;
		if (index >= fake_slots_used)
			fake_slots_used = index + 1;
		*slot = (struct fake_slot){ .object = object,
			                    .rights = ALL_RIGHTS,
			                    .generation = (slot->generation + 1) % 1024 };
		object->refs++;
		num_handles++;
		return (handle_t)(slot->generation * FAKE_MAX_HANDLES + index);
	}
	abort();
}

static void slot_free(struct fake_slot *slot);

static void messages_free(struct fake_object *object)
{
	for (size_t i = 0; i < object->queued; i++) {
		for (size_t k = 0; k < object->queue[i].num_handles; k++)
			slot_free(&fake_slots[(uint32_t)object->queue[i].handles[k] %
			                      FAKE_MAX_HANDLES]);
	}
	object->queued = 0;
	free(object->queue);
}

static void object_put(struct fake_object *object)
{
	if (--object->refs > 0)
		return;
	if (object->peer != NULL)
		object->peer->peer = NULL;
	if (object->kind == CHANNEL || object->kind == SERVICE || object->kind == CONNECTOR)
		messages_free(object);
	// What was duplicated, nobody has written to.
	if (object->frozen != NULL && memcmp(object->bytes, object->frozen, object->size) != 0)
		abort();
	free(object->frozen);
	free(object->bytes);
	*object = (struct fake_object){ .kind = FREE };
}

static void slot_free(struct fake_slot *slot)
{
	struct fake_object *object = slot->object;

	slot->object = NULL;
	slot->poll = HANDLE_NONE;
	slot->other_poll = HANDLE_NONE;
	slot->travels = false;
	num_handles--;
	object_put(object);
}

error_t handle_close(handle_t h)
{
	struct fake_slot *slot = fake_slot_of(h);

	if (h == HANDLE_NONE)
		return ERR_BAD_HANDLE;
	if (slot == NULL)
		abort();
	for (size_t i = 0; slot->object->kind == POLL && i < fake_slots_used; i++) {
		if (fake_slots[i].poll != h)
			continue;
		fake_slots[i].poll = fake_slots[i].other_poll;
		fake_slots[i].interest = fake_slots[i].other_interest;
		fake_slots[i].cookie = fake_slots[i].other_cookie;
		fake_slots[i].other_poll = HANDLE_NONE;
	}
	slot_free(slot);
	return 0;
}

error_t handle_duplicate(handle_t h, rights_t rights, handle_t *out)
{
	struct fake_slot *slot = fake_slot_of(h);

	if (h == HANDLE_NONE)
		return ERR_BAD_HANDLE;
	if (slot == NULL)
		abort();
	if (slot->object->kind == FOLIO && slot->object->frozen == NULL) {
		slot->object->frozen = malloc(slot->object->size);
		memcpy(slot->object->frozen, slot->object->bytes, slot->object->size);
	}
	*out = fake_handle_make(slot->object);
	fake_slot_of(*out)->rights = rights == RIGHTS_SAME ? slot->rights : slot->rights & rights;
	return 0;
}

// --- Memory ---

bool fake_memory_fails(void)
{
	return allocations_left > 0 && --allocations_left == 0;
}

void *heap_alloc(size_t size)
{
	struct piece *piece;

	if (fake_memory_fails())
		return NULL;
	piece = calloc(1, sizeof(*piece) + size);
	piece->size = size;
	list_push_back(&pieces, &piece->entry);
	num_allocated++;
	bytes_allocated += size;
	return piece + 1;
}

void heap_free(void *ptr)
{
	struct piece *piece;

	if (ptr == NULL)
		return;
	piece = (struct piece *)ptr - 1;
	list_remove(&piece->entry);
	num_allocated--;
	bytes_allocated -= piece->size;
	free(piece);
}

error_t folio_create(size_t size, uint32_t flags, handle_t *out)
{
	struct fake_object *object;

	(void)flags;
	if (size == 0 || size > FOLIO_MAX_CONTIGUOUS)
		return ERR_TOO_LARGE;
	if (fake_memory_fails())
		return ERR_LIMIT;
	object = fake_object_make(FOLIO);
	object->size = (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
	object->bytes = calloc(1, object->size);
	*out = fake_handle_make(object);
	return 0;
}

error_t folio_create_with(const void *bytes, size_t len, handle_t *out)
{
	error_t error = len == 0 || len > FOLIO_MAX_COPIED
		? ERR_INVALID
		: folio_create(len, FOLIO_CONTIGUOUS, out);

	if (error == 0)
		memcpy(fake_slot_of(*out)->object->bytes, bytes, len);
	return error;
}

// What comes in a message need not be a folio.
static struct fake_object *folio_of(handle_t h)
{
	struct fake_slot *slot = fake_slot_of(h);

	if (slot == NULL)
		abort();
	return slot->object->kind == FOLIO ? slot->object : NULL;
}

error_t folio_map(handle_t h, uint32_t prot, void **out)
{
	struct fake_object *folio = folio_of(h);

	if (folio == NULL)
		return ERR_WRONG_TYPE;
	if ((prot & PROT_WRITE) != 0 &&
	    (folio->frozen != NULL || (fake_slot_of(h)->rights & RIGHT_WRITE) == 0))
		return ERR_ACCESS;
	*out = folio->bytes;
	return 0;
}

// What is mapped stays so for the other users of the folio.
error_t folio_unmap(handle_t h)
{
	return folio_of(h) != NULL ? 0 : ERR_WRONG_TYPE;
}

error_t folio_info(handle_t h, struct folio_info *out)
{
	struct fake_object *folio = folio_of(h);

	if (folio == NULL)
		return ERR_WRONG_TYPE;
	*out = (struct folio_info){ .size = folio->size,
		                    .paddr = (uintptr_t)folio->bytes,
		                    .flags = folio->frozen != NULL ? FOLIO_READ_ONLY : 0 };
	return 0;
}

// --- The test's side ---

void fake_memory_fail(unsigned n)
{
	allocations_left = n;
}

size_t fake_num_handles(void)
{
	return num_handles;
}

size_t fake_num_allocated(void)
{
	return num_allocated;
}

size_t fake_bytes_allocated(void)
{
	return bytes_allocated;
}

_Noreturn void process_exit(int status)
{
	(void)status;
	longjmp(fake_exit, 1);
}

void fake_reset(void)
{
	for (size_t i = 0; i < fake_slots_used; i++) {
		if (fake_slots[i].object != NULL && !fake_slots[i].travels)
			slot_free(&fake_slots[i]);
	}
	// What waited in channels that only waited in each other.
	for (size_t i = 0; i < fake_slots_used; i++) {
		if (fake_slots[i].object != NULL)
			slot_free(&fake_slots[i]);
	}
	while (!list_is_empty(&pieces))
		heap_free(container_of(pieces.next, struct piece, entry) + 1);
	allocations_left = 0;
	fake_random = 4;
}
