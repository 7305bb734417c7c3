// SPDX-License-Identifier: MIT
//
// Intrusive doubly linked list with a sentinel head. An entry that is in no list points to itself.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert_after(struct list *at, struct list *entry)
{
	entry->prev = at;
	entry->next = at->next;
	at->next->prev = entry;
	at->next = entry;
}

static inline void list_push_back(struct list *head, struct list *entry)
{
	list_insert_after(head->prev, entry);
}

static inline void list_push_front(struct list *head, struct list *entry)
{
	list_insert_after(head, entry);
}

// Takes the entry out of its list, if it is in one.
static inline void list_remove(struct list *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	list_init(entry);
}

// The first entry, taken out; NULL when the list is empty.
static inline struct list *list_pop_front(struct list *head)
{
	struct list *entry = head->next;

	if (entry == head)
		return NULL;
	list_remove(entry);
	return entry;
}

#define list_for_each(pos, head) \
	for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

// `pos` may be removed in the loop's body; nothing else may.
#define list_for_each_safe(pos, head)                                                 \
	for (struct list *pos = (head)->next, *pos##_next = pos->next; pos != (head); \
	     pos = pos##_next, pos##_next = pos->next)
