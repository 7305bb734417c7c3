// SPDX-License-Identifier: MIT
//
// Nodes in use. An id that a client gets is the inode's number and 24 bits of its generation, so it
// is good for the next instance, too. A session may use nodes only that it was given: in an
// instance that it has returned to, any whose number fits.
#include "apps/fs/fs.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

#define GENERATION_MASK 0xffffffu
#define RELEASES_AT_ONCE 32u

uint64_t node_id(const struct session *session, struct ext4_node node)
{
	if (node.inode == session->root.inode)
		return FUSE_ROOT_ID;
	return node.inode | (uint64_t)(node.generation & GENERATION_MASK) << 32;
}

static bool id_fits(uint64_t id, struct ext4_node node)
{
	return id == (node.inode | (uint64_t)(node.generation & GENERATION_MASK) << 32);
}

static struct node **node_place(struct fs *fs, uint32_t inode)
{
	struct node **place = &fs->nodes[inode % NODE_BUCKETS];

	while (*place != NULL && (*place)->id.inode != inode)
		place = &(*place)->next;
	return place;
}

static struct ref **ref_place(const struct session *session, uint32_t inode)
{
	struct ref **place = &session->fs->refs[(inode + session->salt) % NODE_BUCKETS];

	while (*place != NULL &&
	       ((*place)->session != session || (*place)->node->id.inode != inode))
		place = &(*place)->next;
	return place;
}

struct node *node_peek(struct fs *fs, struct ext4_node id)
{
	struct node *node = *node_place(fs, id.inode);

	return node != NULL && node->id.generation == id.generation ? node : NULL;
}

struct node *node_get(struct fs *fs, struct ext4_node id)
{
	struct node **place = node_place(fs, id.inode);
	struct node *node = *place;

	if (node == NULL) {
		node = heap_alloc(sizeof(*node));
		if (node == NULL)
			return NULL;
		list_init(&node->waiting);
		*place = node;
	}
	// One of an inode that was there before, and whose number is used again.
	node->id = id;
	return node;
}

// --- Nodes without a name ------------------------------------------------------------------------

// Who has the node has one without a name more, or less.
static void set_nameless(struct fs *fs, struct node *node, bool nameless)
{
	uint32_t left = node->nameless != nameless ? node->refs : 0;

	node->nameless = nameless;
	for (struct list *entry = fs->sessions.next; left > 0; entry = entry->next) {
		struct session *session = container_of(entry, struct session, entry);

		if (*ref_place(session, node->id.inode) == NULL)
			continue;
		session->num_nameless += nameless ? 1 : -1u;
		fs->num_nameless += nameless ? 1 : -1u;
		left--;
	}
}

// --- Release -------------------------------------------------------------------------------------

static void release_next(struct fs *fs);

static int release_run(struct call *call)
{
	struct fs *fs = call->fs;
	int result = call_begin(call, EXT4_CREDITS_TRUNCATE);

	if (result == 0)
		result = ext4_release(&fs->update, call->node->id);
	result = call_end_part(call, result);
	if (result == CALL_WAIT || result == CALL_MORE)
		return result;
	if (result < 0 && result != -LINUX_ESTALE)
		log_warn("inode %u is not freed: errno %d of Linux", call->node->id.inode, -result);
	// One that forgot it too early may have asked for it since.
	set_nameless(fs, call->node, false);
	fs->num_releases--;
	fs->num_releasing--;
	release_next(fs);
	calls_resume(fs);
	return 0;
}

// A session that ends may leave more nodes than there is memory for calls: few at a time have one.
static void release_next(struct fs *fs)
{
	while (fs->release_first != NULL && fs->num_releasing < RELEASES_AT_ONCE) {
		struct call *call = call_create(fs, release_run);
		struct node *node = fs->release_first;

		// One that runs comes here again.
		if (call == NULL && fs->num_releasing > 0)
			return;
		fs->release_first = node->next_release;
		if (call == NULL) {
			log_warn("no memory to free inode %u: the next start does it",
			         node->id.inode);
			node->from_before = true;
			node->pins--;
			fs->num_releases--;
			continue;
		}
		call->node = node;
		fs->num_releasing++;
		call_continue(call);
	}
}

static void release_start(struct fs *fs, struct node *node)
{
	node->pins++;
	node->next_release = NULL;
	if (fs->release_first == NULL)
		fs->release_first = node;
	else
		fs->release_last->next_release = node;
	fs->release_last = node;
	fs->num_releases++;
	release_next(fs);
}

void node_unused(struct fs *fs, struct node *node)
{
	struct node **place;

	if (node->refs > 0 || node->pins > 0 || node->from_before)
		return;
	// Sessions of an instance before may have it, and nobody knows.
	if (node->nameless && (fs->num_returned > 0 || fs->num_awaited > 0)) {
		node->from_before = true;
		return;
	}
	if (node->nameless) {
		release_start(fs, node);
		return;
	}
	place = node_place(fs, node->id.inode);
	assert(*place == node);
	*place = node->next;
	heap_free(node);
}

int session_nameless_room(const struct session *session)
{
	const struct fs *fs = session->fs;

	return session->num_nameless < fs->max_nameless - fs->num_nameless ? 0 : -LINUX_ENFILE;
}

int node_nameless_room(struct fs *fs, struct ext4_node id)
{
	const struct node *node = node_peek(fs, id);

	if (node == NULL || node->refs == 0)
		return 0;
	list_for_each(entry, &fs->sessions) {
		const struct session *session = container_of(entry, struct session, entry);

		if (*ref_place(session, id.inode) != NULL && session_nameless_room(session) != 0)
			return -LINUX_ENFILE;
	}
	return 0;
}

void node_named(struct fs *fs, struct ext4_node id)
{
	struct node *node = node_peek(fs, id);

	if (node != NULL)
		set_nameless(fs, node, false);
}

void node_nameless(struct fs *fs, struct ext4_node id)
{
	struct node *node = node_get(fs, id);

	if (node == NULL) {
		log_warn("no memory to free inode %u: the next start does it", id.inode);
		return;
	}
	set_nameless(fs, node, true);
	node_unused(fs, node);
}

void nodes_settle(struct fs *fs)
{
	if (fs->num_returned > 0 || fs->num_awaited > 0)
		return;
	for (size_t i = 0; i < NODE_BUCKETS; i++) {
		for (struct node *node = fs->nodes[i], *next; node != NULL; node = next) {
			next = node->next;
			if (!node->from_before)
				continue;
			node->from_before = false;
			node_unused(fs, node);
		}
	}
}

// --- Pins ----------------------------------------------------------------------------------------

int node_pin(struct call *call, struct ext4_node id)
{
	struct node *node = node_get(call->fs, id);

	if (node == NULL)
		return -LINUX_ENOMEM;
	node->pins++;
	call->node = node;
	return 0;
}

void node_unpin(struct fs *fs, struct node *node)
{
	node->pins--;
	node_unused(fs, node);
}

// --- What sessions have --------------------------------------------------------------------------

int node_room(const struct session *session)
{
	const struct fs *fs = session->fs;

	return session->num_refs < fs->max_refs - fs->num_refs ? 0 : -LINUX_ENFILE;
}

int node_ref(struct session *session, struct ext4_node id)
{
	struct ref **place;
	struct node *node;
	struct ref *ref;

	if (id.inode == session->root.inode)
		return 0;
	place = ref_place(session, id.inode);
	ref = *place;
	if (ref == NULL) {
		int result = node_room(session);

		if (result != 0)
			return result;
		node = node_get(session->fs, id);
		ref = node == NULL ? NULL : heap_alloc(sizeof(*ref));
		if (ref == NULL) {
			if (node != NULL)
				node_unused(session->fs, node);
			return -LINUX_ENOMEM;
		}
		ref->session = session;
		ref->node = node;
		list_push_back(&session->refs, &ref->entry);
		session->num_refs++;
		session->fs->num_refs++;
		*place = ref;
		node->was_shared |= ++node->refs > 1;
		session->num_nameless += node->nameless;
		session->fs->num_nameless += node->nameless;
	}
	ref->node->id = id;
	ref->lookups++;
	return 0;
}

static void ref_drop(struct ref **place)
{
	struct ref *ref = *place;
	struct node *node = ref->node;

	*place = ref->next;
	list_remove(&ref->entry);
	ref->session->num_refs--;
	ref->session->fs->num_refs--;
	ref->session->num_nameless -= node->nameless;
	ref->session->fs->num_nameless -= node->nameless;
	node->refs--;
	node_unused(ref->session->fs, node);
	heap_free(ref);
}

// A session that may have had the node before has it no more.
static void forget_from_before(struct session *session, struct node *node)
{
	struct fs *fs = session->fs;

	if (!session->returned || fs->num_returned > 1 || fs->num_awaited > 0 || !node->from_before)
		return;
	node->from_before = false;
	if (node->nameless && node->refs == 0 && node->pins == 0)
		release_start(fs, node);
}

void node_forget(struct session *session, uint64_t id, uint64_t lookups)
{
	struct ref **place = ref_place(session, (uint32_t)id);
	struct node *node = *node_place(session->fs, (uint32_t)id);

	if (node == NULL || !id_fits(id, node->id))
		return;
	if (*place != NULL) {
		struct ref *ref = *place;

		ref->lookups = lookups < ref->lookups ? ref->lookups - lookups : 0;
		if (ref->lookups > 0)
			return;
		node->pins++;
		ref_drop(place);
		node->pins--;
	}
	forget_from_before(session, node);
	node_unused(session->fs, node);
}

void session_forget_all(struct session *session)
{
	while (!list_is_empty(&session->refs)) {
		struct ref *ref = container_of(session->refs.next, struct ref, entry);

		ref_drop(ref_place(session, ref->node->id.inode));
	}
}

// The session has returned: it may have any node that there is.
static int find_from_before(struct call *call, uint64_t id, struct ext4_node *out)
{
	struct session *session = call->session;
	struct ext4_attr attr = { 0 };
	int result = call_begin(call, 0);

	if (result == 0)
		result = ext4_node_of(&call->fs->update, (uint32_t)id, &attr);
	result = call_end_read(call, result);
	if (result != 0)
		return result == CALL_WAIT ? result : -LINUX_ESTALE;
	if (!id_fits(id, attr.node))
		return -LINUX_ESTALE;
	*out = attr.node;
	result = node_ref(session, attr.node);
	if (result == 0)
		(*ref_place(session, attr.node.inode))->lookups = 0;
	return result;
}

int node_find(struct call *call, uint64_t id, struct ext4_node *out)
{
	const struct session *session = call->session;
	struct ref *ref;

	if (id == FUSE_ROOT_ID) {
		*out = session->root;
		return 0;
	}
	if ((uint32_t)id <= FUSE_ROOT_ID || (uint32_t)id == session->root.inode)
		return -LINUX_ESTALE;
	ref = *ref_place(session, (uint32_t)id);
	if (ref != NULL && id_fits(id, ref->node->id)) {
		*out = ref->node->id;
		return 0;
	}
	// One that has ended has nothing any more, though calls of it go on.
	if (ref != NULL || !session->returned || session->ended)
		return -LINUX_ESTALE;
	return find_from_before(call, id, out);
}

bool node_is_shared(const struct session *session, struct ext4_node id)
{
	const struct node *node = node_peek(session->fs, id);

	if (session->fs->num_returned > 0 || session->fs->num_awaited > 0)
		return session->fs->num_sessions + session->fs->num_awaited > 1;
	// A session that is to be given the node has it already, or will be one more.
	return node != NULL && node->refs > (*ref_place(session, id.inode) != NULL ? 1u : 0u);
}

uint64_t node_valid(const struct session *session, struct ext4_node id)
{
	return node_is_shared(session, id) ? FS_VALID_SHARED : FS_VALID_ALONE;
}
