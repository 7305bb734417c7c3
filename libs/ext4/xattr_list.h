// SPDX-License-Identifier: MIT
//
// The attributes of one place, the inode or its block, as a list; for xattr.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/base/span.h"
#include "libs/ext4/ext4.h"

#define XATTR_MAX_LISTED 204u  // the smallest take 20 bytes of a block

struct xattr_item {
	uint8_t index;  // of the prefix
	struct span name;
	struct span value;
};

struct xattr_list {
	uint32_t count;
	struct xattr_item items[XATTR_MAX_LISTED];
};

// Lists what is in a place, whose entries begin at `first`; the spans are within the place. Offsets
// of values are from the place's begin. False: it is not sound.
bool xattr_decode(struct span place, uint32_t first, struct xattr_list *out);
// The item's number; `count` when there is none.
uint32_t xattr_search(const struct xattr_list *list, uint8_t index, struct span name);
// Puts an item in where the order wants it. False: there are too many.
bool xattr_insert(struct xattr_list *list, struct xattr_item item);
// Takes one out.
void xattr_erase(struct xattr_list *list, uint32_t at);
// How many bytes the entries and values take, with the mark behind the last.
uint32_t xattr_size(const struct xattr_list *list);
// Writes them to a place of zeroes, into which they fit. Gives the hash of all (of a block's
// header).
uint32_t xattr_encode(const struct xattr_list *list, struct mut_span place, uint32_t first);
