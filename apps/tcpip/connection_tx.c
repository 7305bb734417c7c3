// SPDX-License-Identifier: MIT
//
// From the client to the network: its payloads are referenced until they are acknowledged, small
// ones are copied. No message is taken from the channel while something of an earlier one is still
// unwritten.
#include "apps/tcpip/connection_tx.h"

#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

// Its headers, and what refers to its data.
#define BUFFERS_OF_SEGMENT 2u
_Static_assert(SHARE_QUEUED_OWED >= BUFFERS_OF_SEGMENT, "a segment at a time goes on");

void connection_mark_dirty(struct connection *c)
{
	if (list_is_empty(&c->dirty))
		list_push_back(&c->tcpip->dirty, &c->dirty);
}

// How many bytes fit into what the connection's share has room for.
static size_t share_room(const struct connection *c)
{
	return (size_t)share_may_queue(c->member) / BUFFERS_OF_SEGMENT * tcp_mss(c->pcb);
}

// tcp_write. Returns whether lwIP took it.
static bool write_bytes(struct connection *c, const uint8_t *bytes, size_t len, u8_t flags)
{
	if (tcp_write(c->pcb, bytes, (u16_t)len, flags) != ERR_OK)
		return false;
	share_count_queued(c->member);
	connection_mark_dirty(c);
	return true;
}

// Gives lwIP as much of the chunk as it takes. Returns whether all of it is written.
static bool write_chunk(struct connection *c, struct chunk *chunk)
{
	while (chunk->written < chunk->length) {
		size_t len = chunk->length - chunk->written;
		size_t room = tcp_sndbuf(c->pcb), share = share_room(c);

		if (len > room)
			len = room;
		if (len > share)
			len = share;
		if (len > 16 * TCP_MSS)
			len = 16 * TCP_MSS;
		if (len == 0 || !write_bytes(c, chunk->payload.bytes.data + chunk->written, len, 0))
			return false;
		chunk->written += len;
	}
	return true;
}

void tx_shut(struct connection *c)
{
	if (!c->tx_end || c->tx_shut || c->pcb == NULL)
		return;
	c->tx_shut = true;
	tcp_nagle_disable(c->pcb);
	if (tcp_shutdown(c->pcb, 0, 1) != ERR_OK)
		c->tx_shut = false;  // out of memory: tried again at the next poll
}

void tx_push(struct connection *c)
{
	bool all = true;

	if (c->pcb == NULL || c->tx_shut)
		return;
	list_for_each(entry, &c->chunks) {
		struct chunk *chunk = container_of(entry, struct chunk, entry);

		if (chunk->written < chunk->length && !write_chunk(c, chunk)) {
			all = false;
			break;
		}
	}
	if (!all)
		return;
	if (c->tx_end)
		tx_shut(c);
	else if (!c->client_gone)
		source_want_messages(&c->channel, tcp_sndbuf(c->pcb) > MSG_DATA_INLINE_MAX);
}

static struct chunk *chunk_add(struct connection *c, size_t length)
{
	struct chunk *chunk = heap_alloc(sizeof(*chunk));

	if (chunk == NULL)
		return NULL;
	chunk->length = length;
	list_push_back(&c->chunks, &chunk->entry);
	return chunk;
}

// Small data is copied by lwIP; it is accounted in the last chunk when that is of the same kind.
static bool send_copied(struct connection *c, struct span bytes)
{
	struct chunk *chunk = NULL;

	if (!list_is_empty(&c->chunks)) {
		struct chunk *last = container_of(c->chunks.prev, struct chunk, entry);

		if (last->payload.bytes.data == NULL)
			chunk = last;
	}
	if (chunk == NULL)
		chunk = chunk_add(c, 0);
	if (chunk == NULL || bytes.len > tcp_sndbuf(c->pcb) || bytes.len > share_room(c) ||
	    !write_bytes(c, bytes.data, bytes.len, TCP_WRITE_FLAG_COPY))
		return false;
	chunk->length += bytes.len;
	chunk->written += bytes.len;
	return true;
}

// Data that lwIP had no room to copy waits in memory of ours.
static bool send_later(struct connection *c, struct span bytes)
{
	struct payload payload;
	struct chunk *chunk;
	handle_t folio;
	void *copy;

	if (folio_create(bytes.len, FOLIO_CONTIGUOUS, &folio))
		return false;
	if (folio_map(folio, PROT_READ | PROT_WRITE, &copy)) {
		handle_close(folio);
		return false;
	}
	memcpy(copy, bytes.data, bytes.len);
	if (payload_open_folio(folio, 0, (uint32_t)bytes.len, &payload))
		return false;
	chunk = chunk_add(c, bytes.len);
	if (chunk == NULL) {
		payload_release(&payload);
		return false;
	}
	chunk->payload = payload;
	return true;
}

bool tx_send(struct connection *c, struct message *m)
{
	struct payload payload;
	struct chunk *chunk;

	if (payload_open(m, &payload))
		return false;
	if (payload.bytes.len == 0) {
		payload_release(&payload);
		return true;
	}
	if (payload.folio == HANDLE_NONE)
		return send_copied(c, payload.bytes) || send_later(c, payload.bytes);
	chunk = chunk_add(c, payload.bytes.len);
	if (chunk == NULL) {
		payload_release(&payload);
		return false;
	}
	chunk->payload = payload;
	return true;
}

void tx_acknowledged(struct connection *c, size_t acked)
{
	share_count_queued(c->member);
	while (acked > 0 && !list_is_empty(&c->chunks)) {
		struct chunk *chunk = container_of(c->chunks.next, struct chunk, entry);
		size_t n = chunk->written - chunk->acked;

		if (n > acked)
			n = acked;
		chunk->acked += n;
		acked -= n;
		if (chunk->acked < chunk->length)
			break;
		link_flush(&c->tcpip->link);
		list_remove(&chunk->entry);
		payload_release(&chunk->payload);
		heap_free(chunk);
	}
}

bool tx_waits(const struct connection *c)
{
	const struct chunk *last = container_of(c->chunks.prev, struct chunk, entry);

	return c->pcb != NULL && !list_is_empty(&c->chunks) && last->written < last->length;
}
