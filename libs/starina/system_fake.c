// SPDX-License-Identifier: MIT
#include "libs/starina/system_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/abi/message.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"

#define MAX_HANDLES 4096u
#define MAX_OBJECTS 4096u
#define QUEUED_MAX CHANNEL_MAX_QUEUED
#define ALL_RIGHTS                                                                              \
	(RIGHT_READ | RIGHT_WRITE | RIGHT_POLL | RIGHT_MAP | RIGHT_TRANSFER | RIGHT_DUPLICATE | \
	 RIGHT_CONTROL)

enum kind { FREE, FOLIO, CHANNEL, POLL, TIMER, EVENT, SERVICE, CONNECTOR };

struct object {
	enum kind kind;
	unsigned refs;
	// Folio.
	uint8_t *bytes;
	size_t size;
	// A channel's end: its peer, NULL when that is gone, and what waits here. A service:
	// channels that wait, as messages.
	struct object *peer;
	struct message *queue;
	size_t queued;
	// Timer, event.
	nsec_t deadline;
	uint64_t count;
};

struct slot {
	struct object *object;  // NULL: free
	rights_t rights;
	uint32_t generation;
	bool travels;  // it is in a message

	// Its entry in a poll.
	handle_t poll;  // HANDLE_NONE: it is in none
	uint32_t interest;
	uint64_t cookie;
};

// Before each piece of the heap.
struct piece {
	struct list entry;
} __attribute__((aligned(16)));

jmp_buf fake_exit;
void (*fake_while_waiting)(void);
static struct list pieces = { .next = &pieces, .prev = &pieces };
static struct object objects[MAX_OBJECTS];
static struct slot slots[MAX_HANDLES];
// the first `slots_used` slots have been in use
static size_t slots_used = 1, next_polled, num_handles, num_allocated;
static unsigned allocations_left;
static nsec_t now = NSEC_PER_SEC;

// --- Handles ---

static struct slot *slot_of(handle_t h)
{
	struct slot *slot = &slots[(uint32_t)h % MAX_HANDLES];

	if (h == HANDLE_NONE || slot->object == NULL || slot->travels ||
	    slot->generation != (uint32_t)h / MAX_HANDLES)
		return NULL;
	return slot;
}

static struct object *object_of(handle_t h, enum kind kind)
{
	struct slot *slot = slot_of(h);

	if (slot == NULL || slot->object->kind != kind)
		abort();  // a handle that is not the caller's, or something else than it thinks
	return slot->object;
}

static struct object *object_make(enum kind kind)
{
	for (size_t i = 0; i < MAX_OBJECTS; i++) {
		struct object *object = &objects[i];

		if (object->kind != FREE)
			continue;
		*object = (struct object){ .kind = kind, .deadline = NSEC_NEVER };
		if (kind == CHANNEL || kind == SERVICE || kind == CONNECTOR)
			object->queue = malloc(QUEUED_MAX * sizeof(struct message));
		return object;
	}
	abort();
}

static handle_t handle_make(struct object *object)
{
	for (size_t index = 1; index < MAX_HANDLES; index++) {
		struct slot *slot = &slots[index];

		if (slot->object != NULL)
			continue;
		if (index >= slots_used)
			slots_used = index + 1;
		*slot = (struct slot){ .object = object,
			               .rights = ALL_RIGHTS,
			               .generation = (slot->generation + 1) % 1024 };
		object->refs++;
		num_handles++;
		return (handle_t)(slot->generation * MAX_HANDLES + index);
	}
	abort();
}

static void slot_free(struct slot *slot);

static void messages_free(struct object *object)
{
	for (size_t i = 0; i < object->queued; i++) {
		for (size_t k = 0; k < object->queue[i].num_handles; k++)
			slot_free(&slots[(uint32_t)object->queue[i].handles[k] % MAX_HANDLES]);
	}
	object->queued = 0;
	free(object->queue);
}

static void object_put(struct object *object)
{
	if (--object->refs > 0)
		return;
	if (object->peer != NULL)
		object->peer->peer = NULL;
	if (object->kind == CHANNEL || object->kind == SERVICE || object->kind == CONNECTOR)
		messages_free(object);
	free(object->bytes);
	*object = (struct object){ .kind = FREE };
}

static void slot_free(struct slot *slot)
{
	struct object *object = slot->object;

	slot->object = NULL;
	slot->poll = HANDLE_NONE;
	slot->travels = false;
	num_handles--;
	object_put(object);
}

error_t handle_close(handle_t h)
{
	struct slot *slot = slot_of(h);

	if (h == HANDLE_NONE)
		return ERR_BAD_HANDLE;
	if (slot == NULL)
		abort();
	for (size_t i = 0; slot->object->kind == POLL && i < slots_used; i++) {
		if (slots[i].poll == h)
			slots[i].poll = HANDLE_NONE;
	}
	slot_free(slot);
	return 0;
}

error_t handle_duplicate(handle_t h, rights_t rights, handle_t *out)
{
	struct slot *slot = slot_of(h);

	if (h == HANDLE_NONE)
		return ERR_BAD_HANDLE;
	if (slot == NULL)
		abort();
	*out = handle_make(slot->object);
	slot_of(*out)->rights = rights == RIGHTS_SAME ? slot->rights : slot->rights & rights;
	return 0;
}

// --- Memory ---

static bool memory_fails(void)
{
	return allocations_left > 0 && --allocations_left == 0;
}

void *heap_alloc(size_t size)
{
	struct piece *piece;

	if (memory_fails())
		return NULL;
	piece = calloc(1, sizeof(*piece) + size);
	list_push_back(&pieces, &piece->entry);
	num_allocated++;
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
	free(piece);
}

error_t folio_create(size_t size, uint32_t flags, handle_t *out)
{
	struct object *object;

	(void)flags;
	if (size == 0 || size > FOLIO_MAX_CONTIGUOUS)
		return ERR_TOO_LARGE;
	if (memory_fails())
		return ERR_LIMIT;
	object = object_make(FOLIO);
	object->size = (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
	object->bytes = calloc(1, object->size);
	*out = handle_make(object);
	return 0;
}

// What comes in a message need not be a folio.
static struct object *folio_of(handle_t h)
{
	struct slot *slot = slot_of(h);

	if (slot == NULL)
		abort();
	return slot->object->kind == FOLIO ? slot->object : NULL;
}

error_t folio_map(handle_t h, uint32_t prot, void **out)
{
	struct object *folio = folio_of(h);

	if (folio == NULL)
		return ERR_WRONG_TYPE;
	if ((prot & PROT_WRITE) != 0 && (slot_of(h)->rights & RIGHT_WRITE) == 0)
		return ERR_ACCESS;
	*out = folio->bytes;
	return 0;
}

error_t folio_info(handle_t h, struct folio_info *out)
{
	struct object *folio = folio_of(h);

	if (folio == NULL)
		return ERR_WRONG_TYPE;
	*out = (struct folio_info){ .size = folio->size, .paddr = (uintptr_t)folio->bytes };
	return 0;
}

// --- Channels ---

error_t channel_create(handle_t out[2])
{
	struct object *a, *b;

	if (memory_fails())
		return ERR_NO_MEMORY;
	a = object_make(CHANNEL);
	b = object_make(CHANNEL);
	a->peer = b;
	b->peer = a;
	out[0] = handle_make(a);
	out[1] = handle_make(b);
	return 0;
}

error_t channel_send(handle_t channel, const struct message *m)
{
	struct object *end = object_of(channel, CHANNEL);

	if (m->len > MESSAGE_MAX_DATA || m->num_handles > MESSAGE_MAX_HANDLES)
		abort();
	for (size_t i = 0; i < m->num_handles; i++) {
		if (slot_of(m->handles[i]) == NULL)
			abort();
	}
	if (end->peer == NULL)
		return ERR_PEER_CLOSED;
	if (end->peer->queued == QUEUED_MAX)
		return ERR_FULL;
	for (size_t i = 0; i < m->num_handles; i++) {
		slot_of(m->handles[i])->poll = HANDLE_NONE;
		slot_of(m->handles[i])->travels = true;
	}
	end->peer->queue[end->peer->queued++] = *m;
	return 0;
}

static void message_take(struct object *end, struct message *m)
{
	*m = end->queue[0];
	memmove(end->queue, end->queue + 1, --end->queued * sizeof(*m));
	for (size_t i = 0; i < m->num_handles; i++)
		slots[(uint32_t)m->handles[i] % MAX_HANDLES].travels = false;
}

error_t channel_recv(handle_t channel, struct message *m)
{
	struct object *end = object_of(channel, CHANNEL);

	if (end->queued == 0)
		return end->peer == NULL ? ERR_PEER_CLOSED : ERR_EMPTY;
	message_take(end, m);
	return 0;
}

// --- Waiting ---

static uint32_t ready(const struct object *object)
{
	switch (object->kind) {
	case CHANNEL:
		return (object->queued > 0 ? READY_READABLE : 0) |
			(object->peer == NULL ? READY_CLOSED : 0) |
			(object->peer != NULL && object->peer->queued < QUEUED_MAX ? READY_WRITABLE
		                                                                   : 0);
	case SERVICE: return object->queued > 0 ? READY_READABLE : 0;
	case CONNECTOR: return READY_READABLE;
	case TIMER: return object->deadline <= now ? READY_READABLE : 0;
	case EVENT: return object->count > 0 ? READY_READABLE : 0;
	default: return 0;
	}
}

error_t poll_create(handle_t *out)
{
	*out = handle_make(object_make(POLL));
	return 0;
}

error_t poll_add(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie)
{
	struct slot *slot = slot_of(h);

	(void)object_of(poll, POLL);
	if (slot == NULL || slot->poll != HANDLE_NONE)
		abort();
	if (memory_fails())
		return ERR_NO_MEMORY;
	slot->poll = poll;
	slot->interest = interest;
	slot->cookie = cookie;
	return 0;
}

error_t poll_update(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie)
{
	struct slot *slot = slot_of(h);

	if (slot == NULL || slot->poll != poll)
		return ERR_NOT_FOUND;
	slot->interest = interest;
	slot->cookie = cookie;
	return 0;
}

error_t poll_remove(handle_t poll, handle_t h)
{
	struct slot *slot = slot_of(h);

	if (slot == NULL || slot->poll != poll)
		return ERR_NOT_FOUND;
	slot->poll = HANDLE_NONE;
	return 0;
}

error_t poll_recv(handle_t poll, struct poll_event *events, size_t max, nsec_t deadline,
                  size_t *num_events, struct message *m)
{
	size_t n = 0, start = next_polled;

	(void)deadline;
	(void)object_of(poll, POLL);
	for (size_t i = 0; i < slots_used && n < max; i++) {
		struct slot *slot = &slots[(start + i) % slots_used];
		uint32_t is;

		if (slot->object == NULL || slot->poll != poll)
			continue;
		is = ready(slot->object) & slot->interest;
		if (is == 0)
			continue;
		events[n] = (struct poll_event){ .cookie = slot->cookie, .ready = is };
		if (n == 0 && m != NULL && slot->object->kind == CHANNEL &&
		    (is & READY_READABLE) != 0) {
			message_take(slot->object, m);
			events[n].received = 1;
			events[n].ready = ready(slot->object) & slot->interest;
		}
		next_polled = (start + i + 1) % slots_used;
		n++;
	}
	*num_events = n;
	return n > 0 ? 0 : ERR_TIMED_OUT;
}

error_t poll_wait(handle_t poll, struct poll_event *events, size_t max, nsec_t deadline,
                  size_t *num_events)
{
	if (fake_while_waiting != NULL)
		fake_while_waiting();
	return poll_recv(poll, events, max, deadline, num_events, NULL);
}

error_t timer_create(handle_t *out)
{
	*out = handle_make(object_make(TIMER));
	return 0;
}

error_t timer_set(handle_t timer, nsec_t deadline)
{
	object_of(timer, TIMER)->deadline = deadline;
	return 0;
}

error_t event_create(handle_t *out)
{
	*out = handle_make(object_make(EVENT));
	return 0;
}

error_t event_signal(handle_t event, uint64_t n)
{
	object_of(event, EVENT)->count += n;
	return 0;
}

error_t event_take(handle_t event, uint64_t *count)
{
	struct object *object = object_of(event, EVENT);

	*count = object->count;
	object->count = 0;
	return *count > 0 ? 0 : ERR_EMPTY;
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = now;
	return 0;
}

error_t random_get(void *buf, size_t len)
{
	memset(buf, 4, len);
	return 0;
}

// --- Services ---

handle_t fake_service_create(void)
{
	return handle_make(object_make(SERVICE));
}

handle_t fake_connector_create(void)
{
	return handle_make(object_make(CONNECTOR));
}

// Queues one end of a fresh channel; `*other` is the other.
static error_t connection_queue(struct object *object, handle_t *other)
{
	struct message *m = &object->queue[object->queued];
	handle_t ends[2];

	if (object->queued == QUEUED_MAX || channel_create(ends) != 0)
		return ERR_LIMIT;
	message_init(m, 0);
	m->handles[0] = ends[0];
	m->num_handles = 1;
	slot_of(ends[0])->travels = true;
	object->queued++;
	*other = ends[1];
	return 0;
}

static error_t connection_take(struct object *object, handle_t *out)
{
	struct message m;

	if (object->queued == 0)
		return ERR_EMPTY;
	message_take(object, &m);
	*out = m.handles[0];
	return 0;
}

error_t service_connect(handle_t connector, handle_t *out)
{
	return connection_queue(object_of(connector, CONNECTOR), out);
}

error_t service_accept(handle_t service, handle_t *out)
{
	return connection_take(object_of(service, SERVICE), out);
}

handle_t fake_client_connect(handle_t service)
{
	handle_t end = HANDLE_NONE;

	return connection_queue(object_of(service, SERVICE), &end) == 0 ? end : HANDLE_NONE;
}

handle_t fake_provider_accept(handle_t connector)
{
	handle_t end = HANDLE_NONE;

	return connection_take(object_of(connector, CONNECTOR), &end) == 0 ? end : HANDLE_NONE;
}

// --- The test's side ---

void fake_loop_settle(struct loop *loop)
{
	unsigned turns = 0;

	while (loop_turn(loop, 0) == 0) {
		if (++turns > 100000)
			abort();  // it spins
	}
}

void fake_send(handle_t channel, struct message *m)
{
	if (channel_send(channel, m) != 0)
		message_discard(m);
}

bool fake_take(handle_t channel, struct message *m, handle_t *handle)
{
	*handle = HANDLE_NONE;
	if (channel_recv(channel, m) != 0)
		return false;
	for (size_t i = 1; i < m->num_handles; i++)
		handle_close(m->handles[i]);
	if (m->num_handles > 0)
		*handle = m->handles[0];
	return true;
}

void fake_time_pass(nsec_t ns)
{
	now += ns;
}

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

error_t log_write(enum log_level level, const char *line, size_t len)
{
	(void)level;
	(void)line;
	(void)len;
	return 0;
}

_Noreturn void process_exit(int status)
{
	(void)status;
	longjmp(fake_exit, 1);
}

handle_t fake_interrupt_create(void)
{
	return handle_make(object_make(EVENT));
}

void fake_interrupt_raise(handle_t interrupt)
{
	object_of(interrupt, EVENT)->count = 1;
}

error_t interrupt_ack(handle_t interrupt)
{
	object_of(interrupt, EVENT)->count = 0;
	return 0;
}

void fake_reset(void)
{
	for (size_t i = 0; i < slots_used; i++) {
		if (slots[i].object != NULL && !slots[i].travels)
			slot_free(&slots[i]);
	}
	// What waited in channels that only waited in each other.
	for (size_t i = 0; i < slots_used; i++) {
		if (slots[i].object != NULL)
			slot_free(&slots[i]);
	}
	while (!list_is_empty(&pieces))
		heap_free(container_of(pieces.next, struct piece, entry) + 1);
	allocations_left = 0;
}
