// SPDX-License-Identifier: MIT
#include "libs/ext4/xattr_list.h"

#include "libs/base/string.h"
#include "libs/ext4/format.h"

#define END_SIZE 4u

static uint32_t round_up(size_t len)
{
	return (uint32_t)(len + 3) & ~3u;
}

static uint32_t entry_size(size_t name_len)
{
	return round_up(sizeof(struct disk_xattr) + name_len);
}

// The mark behind the last entry: four bytes of zeroes.
static bool is_end(struct span place, uint32_t at)
{
	uint32_t word;

	memcpy(&word, place.data + at, sizeof(word));
	return word == 0;
}

bool xattr_decode(struct span place, uint32_t first, struct xattr_list *out)
{
	uint32_t at = first;

	out->count = 0;
	for (;;) {
		const struct disk_xattr *e = (const void *)(place.data + at);
		struct xattr_item item;

		if (!range_within(at, END_SIZE, place.len))
			return false;
		// Values that lie over each other may be more than can be written again.
		if (is_end(place, at))
			return xattr_size(out) <= place.len - first;
		if (!range_within(at, sizeof(*e), place.len) ||
		    !range_within(at, entry_size(e->name_len), place.len) || e->value_inode != 0 ||
		    out->count == XATTR_MAX_LISTED ||
		    (e->value_size > 0 && !range_within(e->value_offset, e->value_size, place.len)))
			return false;
		item.index = e->index;
		item.name = (struct span){ e->name, e->name_len };
		item.value = (struct span){ place.data + e->value_offset, e->value_size };
		if (e->value_size == 0)
			item.value.data = e->name;
		out->items[out->count++] = item;
		at += entry_size(e->name_len);
	}
}

static int compare(const struct xattr_item *a, uint8_t index, struct span name)
{
	if (a->index != index)
		return a->index < index ? -1 : 1;
	if (a->name.len != name.len)
		return a->name.len < name.len ? -1 : 1;
	return memcmp(a->name.data, name.data, name.len);
}

uint32_t xattr_search(const struct xattr_list *list, uint8_t index, struct span name)
{
	uint32_t i = 0;

	while (i < list->count && compare(&list->items[i], index, name) != 0)
		i++;
	return i;
}

bool xattr_insert(struct xattr_list *list, struct xattr_item item)
{
	uint32_t at = 0;

	if (list->count == XATTR_MAX_LISTED)
		return false;
	while (at < list->count && compare(&list->items[at], item.index, item.name) < 0)
		at++;
	memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof(item));
	list->items[at] = item;
	list->count++;
	return true;
}

void xattr_erase(struct xattr_list *list, uint32_t at)
{
	list->count--;
	memmove(&list->items[at], &list->items[at + 1],
	        (list->count - at) * sizeof(list->items[0]));
}

uint32_t xattr_size(const struct xattr_list *list)
{
	uint32_t size = END_SIZE;

	for (uint32_t i = 0; i < list->count; i++)
		size += entry_size(list->items[i].name.len) + round_up(list->items[i].value.len);
	return size;
}

// Of a name and its value, which is filled up with zeroes to whole words.
static uint32_t hash_item(const struct xattr_item *item)
{
	uint32_t hash = 0;

	for (size_t i = 0; i < item->name.len; i++)
		hash = (hash << 5) ^ (hash >> 27) ^ item->name.data[i];
	for (size_t i = 0; i < item->value.len; i += 4) {
		size_t len = item->value.len - i < 4 ? item->value.len - i : 4;
		uint32_t word = 0;

		memcpy(&word, item->value.data + i, len);
		hash = (hash << 16) ^ (hash >> 16) ^ word;
	}
	return hash;
}

uint32_t xattr_encode(const struct xattr_list *list, struct mut_span place, uint32_t first)
{
	uint32_t at = first, end = (uint32_t)place.len, hash = 0;
	bool all_hashed = true;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct xattr_item *item = &list->items[i];
		struct disk_xattr *e = (void *)(place.data + at);

		*e = (struct disk_xattr){ .name_len = (uint8_t)item->name.len,
			                  .index = item->index,
			                  .value_size = (uint32_t)item->value.len,
			                  .hash = hash_item(item) };
		memcpy(e->name, item->name.data, item->name.len);
		if (item->value.len > 0) {
			end -= round_up(item->value.len);
			memcpy(place.data + end, item->value.data, item->value.len);
			e->value_offset = (uint16_t)end;
		}
		at += entry_size(item->name.len);
		all_hashed = all_hashed && e->hash != 0;
		hash = (hash << 16) ^ (hash >> 16) ^ e->hash;
	}
	return all_hashed ? hash : 0;
}
