// SPDX-License-Identifier: MIT
//
// A hash table with linear probing. A free place ends each run of places, so that what is removed
// leaves no mark: the rest of its run moves up.
#include "libs/linux/vm/vm_files_nodes.h"

#include "libs/starina/alloc.h"

#define FIRST_PLACES 64u

// Where the search for the id begins.
static size_t home_of(const struct files_nodes *nodes, uint64_t id)
{
	uint64_t hash = (id ^ nodes->salt) * 0x9e3779b97f4a7c15u;

	hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
	return (size_t)(hash ^ hash >> 32) & (nodes->num_places - 1);
}

// The node's place, or the free one where it would be. There are places.
static struct files_node *place_of(const struct files_nodes *nodes, uint64_t id)
{
	size_t at = home_of(nodes, id);

	while (nodes->places[at].id != 0 && nodes->places[at].id != id)
		at = (at + 1) & (nodes->num_places - 1);
	return &nodes->places[at];
}

static bool grow(struct files_nodes *nodes)
{
	struct files_nodes larger = *nodes;

	larger.num_places = nodes->num_places > 0 ? nodes->num_places * 2 : FIRST_PLACES;
	larger.places = heap_alloc(larger.num_places * sizeof(*larger.places));
	if (larger.places == NULL)
		return false;
	for (size_t i = 0; i < nodes->num_places; i++) {
		if (nodes->places[i].id != 0)
			*place_of(&larger, nodes->places[i].id) = nodes->places[i];
	}
	heap_free(nodes->places);
	*nodes = larger;
	return true;
}

bool files_nodes_give(struct files_nodes *nodes, uint64_t id)
{
	struct files_node *place;

	if (nodes->num_nodes * 4 >= nodes->num_places * 3 && !grow(nodes))
		return false;
	place = place_of(nodes, id);
	if (place->id == 0) {
		if (nodes->num_nodes == FILES_MAX_NODES)
			return false;
		nodes->num_nodes++;
		place->id = id;
		place->count = 0;
	}
	place->count++;
	return true;
}

bool files_nodes_has(const struct files_nodes *nodes, uint64_t id)
{
	return nodes->num_places > 0 && place_of(nodes, id)->id == id;
}

// Whether `at` lies in the run of places from `from` on, up to and with `to`.
static bool is_between(size_t from, size_t at, size_t to)
{
	return from <= to ? from < at && at <= to : from < at || at <= to;
}

static void remove_place(struct files_nodes *nodes, size_t hole)
{
	size_t at = hole;

	for (;;) {
		at = (at + 1) & (nodes->num_places - 1);
		if (nodes->places[at].id == 0)
			break;
		// One that begins behind the hole is found without it.
		if (is_between(hole, home_of(nodes, nodes->places[at].id), at))
			continue;
		nodes->places[hole] = nodes->places[at];
		hole = at;
	}
	nodes->places[hole] = (struct files_node){ 0 };
	nodes->num_nodes--;
}

uint64_t files_nodes_forget(struct files_nodes *nodes, uint64_t id, uint64_t count)
{
	struct files_node *place;

	if (!files_nodes_has(nodes, id))
		return 0;
	place = place_of(nodes, id);
	if (count > place->count)
		count = place->count;
	place->count -= count;
	if (place->count == 0)
		remove_place(nodes, (size_t)(place - nodes->places));
	return count;
}

void files_nodes_clear(struct files_nodes *nodes)
{
	heap_free(nodes->places);
	nodes->places = NULL;
	nodes->num_places = nodes->num_nodes = 0;
}
