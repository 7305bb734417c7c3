// SPDX-License-Identifier: MIT
#include "libs/ext4/journal/revoked.h"

#include "libs/abi/linux_error.h"
#include "libs/starina/alloc.h"

int revoked_init(struct revoked *revoked, uint32_t capacity)
{
	*revoked = (struct revoked){ .capacity = capacity };
	if (capacity == 0)
		return 0;
	revoked->revokes = heap_alloc((size_t)capacity * sizeof(struct revoke));
	return revoked->revokes == NULL ? -LINUX_ENOMEM : 0;
}

void revoked_deinit(struct revoked *revoked)
{
	heap_free(revoked->revokes);
	*revoked = (struct revoked){ 0 };
}

bool revoked_add(struct revoked *revoked, uint64_t block, uint32_t transaction)
{
	if (revoked->count == revoked->capacity)
		return false;
	revoked->revokes[revoked->count++] =
		(struct revoke){ .block = block, .transaction = transaction };
	return true;
}

static bool is_less(const struct revoke *a, const struct revoke *b)
{
	return a->block != b->block ? a->block < b->block : a->transaction < b->transaction;
}

static void swap(struct revoke *a, struct revoke *b)
{
	struct revoke old = *a;

	*a = *b;
	*b = old;
}

// Lets an element sink in a heap with the largest on top.
static void sink(struct revoke *revokes, uint32_t at, uint32_t count)
{
	for (;;) {
		uint64_t child = (uint64_t)at * 2 + 1;

		if (child >= count)
			return;
		if (child + 1 < count && is_less(&revokes[child], &revokes[child + 1]))
			child++;
		if (!is_less(&revokes[at], &revokes[child]))
			return;
		swap(&revokes[at], &revokes[child]);
		at = (uint32_t)child;
	}
}

void revoked_sort(struct revoked *revoked)
{
	for (uint32_t i = revoked->count / 2; i-- > 0;)
		sink(revoked->revokes, i, revoked->count);
	for (uint32_t left = revoked->count; left > 1;) {
		left--;
		swap(&revoked->revokes[0], &revoked->revokes[left]);
		sink(revoked->revokes, 0, left);
	}
}

bool revoked_has(const struct revoked *revoked, uint64_t block, uint32_t transaction)
{
	struct revoke wanted = { .block = block, .transaction = transaction };
	uint32_t low = 0;
	uint32_t high = revoked->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (is_less(&revoked->revokes[middle], &wanted))
			low = middle + 1;
		else
			high = middle;
	}
	return low < revoked->count && revoked->revokes[low].block == block;
}
