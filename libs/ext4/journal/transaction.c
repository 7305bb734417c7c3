// SPDX-License-Identifier: MIT
#include "libs/ext4/journal/transaction.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

struct transaction *transaction_create(uint32_t id)
{
	struct transaction *t = heap_alloc(sizeof(*t));

	if (t == NULL)
		return NULL;
	*t = (struct transaction){ .id = id };
	list_init(&t->entry);
	list_init(&t->versions);
	held_init(&t->held);
	return t;
}

void transaction_destroy(struct transaction *t)
{
	if (t == NULL)
		return;
	list_remove(&t->entry);
	while (!list_is_empty(&t->versions))
		transaction_forget(container_of(t->versions.next, struct version, entry));
	held_clear(&t->held);
	heap_free(t->freed);
	heap_free(t);
}

int transaction_reserve_freed(struct transaction *t, uint32_t pending, uint64_t block,
                              uint32_t count)
{
	uint32_t needed = t->num_freed + pending + 1;

	if (needed > t->max_freed) {
		uint32_t max = needed + needed / 2 + 8;
		struct update_freed *more = heap_alloc(max * sizeof(*more));

		if (more == NULL)
			return -LINUX_ENOMEM;
		if (t->num_freed > 0)
			memcpy(more, t->freed, t->num_freed * sizeof(*more));
		heap_free(t->freed);
		t->freed = more;
		t->max_freed = max;
	}
	return held_reserve(&t->held, block, count);
}

void transaction_forget(struct version *version)
{
	struct transaction *t = version->transaction;

	list_remove(&version->entry);
	version->transaction = NULL;
	t->num_versions--;
	version->cached->num_changes--;
	version_put(version);
}

void transaction_add(struct transaction *t, struct cached *entry, struct version *version)
{
	struct version *old = entry->current;

	if (old != NULL && old->transaction == t)
		transaction_forget(old);
	version->transaction = t;
	version->cached = entry;
	entry->num_changes++;
	list_push_back(&t->versions, &version->entry);
	t->num_versions++;
	cache_set_current(entry, version_get(version));
}

void transaction_add_freed(struct transaction *t, const struct update_freed *freed)
{
	assert(t->num_freed < t->max_freed);
	t->freed[t->num_freed++] = *freed;
	t->num_revoked += freed->metadata ? freed->count : 0;
	held_add(&t->held, freed->block, freed->count);
}
