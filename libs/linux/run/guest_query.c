// SPDX-License-Identifier: MIT

#include "libs/linux/run/guest_query.h"

#include "libs/base/string.h"
#include "libs/linux/run/guest_query_internal.h"
#include "libs/linux/vm/control_link.h"
#include "libs/starina/alloc.h"

#define MAX_QUERIES 64u
// Of a list of processes: some thousands of them. No honest guest has more to say.
#define MAX_LIST ((size_t)1024 * 1024)

struct query {
	struct list entry;  // of the container's `queries`, in the order of their requests
	enum control_type type;
	uint32_t request;  // the one that waits for its reply
	guest_done_fn done;
	guest_stats_fn stats;
	guest_top_fn top;
	void *context;
	uint8_t *list;  // heap: entries of all pages so far
	size_t list_len;
	size_t count;
	uint32_t last_key;
};

static struct query *query_of(struct list *entry)
{
	return container_of(entry, struct query, entry);
}

static error_t send(struct guest_container *c, struct query *q, struct span body)
{
	return vm_request(c->vm, q->type, CONTROL_PROCESS_INIT, body, span_make(NULL, 0),
	                  &q->request);
}

// Sends the request, and keeps `what` until its reply.
static error_t begin(struct guest_container *c, const struct query *what, struct span body)
{
	struct query *q;
	error_t err;

	if (c->state != CONTAINER_RUNNING)
		return ERR_BAD_STATE;
	if (c->num_queries == MAX_QUERIES)
		return ERR_LIMIT;
	q = heap_alloc(sizeof(*q));
	if (q == NULL)
		return ERR_NO_MEMORY;
	*q = *what;
	err = send(c, q, body);
	if (err < 0) {
		heap_free(q);
		return err;
	}
	list_push_back(&c->queries, &q->entry);
	c->num_queries++;
	return 0;
}

error_t guest_container_read_stats(struct guest_container *c, guest_stats_fn done, void *context)
{
	struct query q = { .type = CONTROL_STATS, .stats = done, .context = context };

	return begin(c, &q, span_make(NULL, 0));
}

error_t guest_container_list(struct guest_container *c, guest_top_fn done, void *context)
{
	struct query q = { .type = CONTROL_TOP, .top = done, .context = context };
	struct control_top body = { .after = 0 };

	return begin(c, &q, span_make(&body, sizeof(body)));
}

error_t guest_container_freeze(struct guest_container *c, bool frozen, guest_done_fn done,
                               void *context)
{
	struct query q = { .type = CONTROL_FREEZE, .done = done, .context = context };
	struct control_freeze body = { .frozen = frozen ? 1 : 0 };

	return begin(c, &q, span_make(&body, sizeof(body)));
}

error_t guest_container_keep(struct guest_container *c, guest_done_fn done, void *context)
{
	struct query q = { .type = CONTROL_KEEP, .done = done, .context = context };

	return begin(c, &q, span_make(NULL, 0));
}

error_t guest_container_limit(struct guest_container *c, const struct control_limits *limits,
                              guest_done_fn done, void *context)
{
	struct query q = { .type = CONTROL_LIMIT, .done = done, .context = context };

	return begin(c, &q, span_make(limits, sizeof(*limits)));
}

// --- Answers -------------------------------------------------------------------------------------

// Ends a query that has no result.
static void finish(struct guest_container *c, struct query *q, error_t error, const char *text)
{
	list_remove(&q->entry);
	c->num_queries--;
	switch (q->type) {
	case CONTROL_STATS: q->stats(q->context, error, text, NULL); break;
	case CONTROL_TOP: q->top(q->context, error, text, NULL, 0); break;
	default: q->done(q->context, error, text); break;
	}
	heap_free(q->list);
	heap_free(q);
}

static error_t take_stats(struct guest_container *c, struct query *q, struct span rest)
{
	struct reader r = reader_make(rest.data, rest.len);
	struct control_stats stats;
	struct query told = *q;

	reader_copy(&r, &stats, sizeof(stats));
	if (reader_status(&r) < 0 || r.rest.len > 0)
		return ERR_PROTOCOL;
	list_remove(&q->entry);
	c->num_queries--;
	heap_free(q);
	told.stats(told.context, 0, NULL, &stats);
	return 0;
}

// Counts the entries of a page. Errors: ERR_PROTOCOL.
static error_t check_page(struct query *q, struct span page)
{
	struct reader r = reader_make(page.data, page.len);
	struct control_top_entry entry;

	while (r.rest.len > 0) {
		reader_copy(&r, &entry, sizeof(entry));
		if (reader_status(&r) < 0 || entry.length > CONTROL_TOP_MAX_COMMAND ||
		    entry.key <= q->last_key)
			return ERR_PROTOCOL;
		reader_skip(&r, entry.length);
		if (reader_status(&r) < 0)
			return ERR_PROTOCOL;
		q->last_key = entry.key;
		q->count++;
	}
	return 0;
}

static error_t append_page(struct query *q, struct span page)
{
	uint8_t *list;

	if (page.len > MAX_LIST - q->list_len)
		return ERR_TOO_LARGE;
	list = heap_alloc(q->list_len + page.len + 1);
	if (list == NULL)
		return ERR_NO_MEMORY;
	if (q->list_len > 0)
		memcpy(list, q->list, q->list_len);
	if (page.len > 0)
		memcpy(list + q->list_len, page.data, page.len);
	heap_free(q->list);
	q->list = list;
	q->list_len += page.len;
	return 0;
}

// All pages were checked.
static void tell_list(struct guest_container *c, struct query *q)
{
	struct reader r = reader_make(q->list, q->list_len);
	struct guest_top_entry *entries = heap_alloc((q->count + 1) * sizeof(*entries));
	struct control_top_entry entry;

	if (entries == NULL) {
		finish(c, q, ERR_NO_MEMORY, "there is no memory for the list of processes");
		return;
	}
	for (size_t i = 0; i < q->count; i++) {
		reader_copy(&r, &entry, sizeof(entry));
		entries[i] = (struct guest_top_entry){
			.pid = entry.pid,
			.parent = entry.parent,
			.uid = entry.uid,
			.terminal = entry.terminal,
			.start_time_ns = entry.start_time_ns,
			.cpu_time_ns = entry.cpu_time_ns,
			.virtual_bytes = entry.virtual_bytes,
			.resident_bytes = entry.resident_bytes,
			.state = entry.state,
			.command = reader_bytes(&r, entry.length),
		};
	}
	list_remove(&q->entry);
	c->num_queries--;
	q->top(q->context, 0, NULL, entries, q->count);
	heap_free(entries);
	heap_free(q->list);
	heap_free(q);
}

static error_t take_page(struct guest_container *c, struct query *q, struct span rest)
{
	struct reader r = reader_make(rest.data, rest.len);
	uint32_t more = reader_le32(&r);
	size_t before = q->count;
	struct control_top next;
	error_t err;

	if (reader_status(&r) < 0 || more > 1 || check_page(q, r.rest) < 0 ||
	    (more == 1 && q->count == before))
		return ERR_PROTOCOL;
	err = append_page(q, r.rest);
	if (err == 0 && more == 0) {
		tell_list(c, q);
		return 0;
	}
	next.after = q->last_key;
	if (err == 0)
		err = send(c, q, span_make(&next, sizeof(next)));
	if (err < 0) {
		finish(c, q, err, "the list of processes is too long");
		return 0;
	}
	// Requests are answered in their order.
	list_remove(&q->entry);
	list_push_back(&c->queries, &q->entry);
	return 0;
}

static error_t error_of(int32_t status)
{
	switch (control_linux_error(status)) {
	case 3: return ERR_BAD_STATE;  // ESRCH: it is not running
	case 22: return ERR_INVALID;   // EINVAL
	default: return ERR_IO;
	}
}

error_t guest_query_reply(struct guest_container *c, uint32_t request, int32_t status,
                          struct span rest, bool *mine)
{
	struct query *q = list_is_empty(&c->queries) ? NULL : query_of(c->queries.next);
	char text[CONTROL_TEXT_MAX];

	*mine = q != NULL && q->request == request;
	if (!*mine)
		return 0;
	if (status != 0) {
		control_text(text, rest);
		finish(c, q, error_of(status), text);
		return 0;
	}
	switch (q->type) {
	case CONTROL_STATS: return take_stats(c, q, rest);
	case CONTROL_TOP: return take_page(c, q, rest);
	default: finish(c, q, 0, NULL); return 0;
	}
}

void guest_queries_end(struct guest_container *c)
{
	while (!list_is_empty(&c->queries))
		finish(c, query_of(c->queries.next), ERR_PEER_CLOSED, "the container has ended");
}
