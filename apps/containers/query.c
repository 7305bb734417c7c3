// SPDX-License-Identifier: MIT
#include "apps/containers/query.h"

#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Of a container; its guest takes no more.
#define MAX_QUERIES 48u

struct query {
	struct list entry;  // of the container's `queries`
	uint32_t id;
	struct client *client;
	uint32_t request;
	query_fn done;  // NULL: nobody wants to know
	void *context;
};

static void tell(struct container *c, struct query *q, struct query_answer *answer)
{
	list_remove(&q->entry);
	c->num_queries--;
	answer->c = c;
	answer->client = q->client;
	answer->request = q->request;
	if (q->done != NULL)
		q->done(q->context, answer);
	heap_free(q);
}

// `asker` says who wants to know.
static error_t ask(struct container *c, enum vmm_query what, int32_t value, struct span tail,
                   const struct query *asker)
{
	struct msg_vmm_query fixed = { .what = what, .value = value };
	struct message m;
	struct query *q;
	error_t err;

	if (c->vmm == NULL || !c->vmm->connected || !c->vmm->order_sent)
		return ERR_BAD_STATE;
	if (c->num_queries == MAX_QUERIES)
		return ERR_LIMIT;
	q = heap_alloc(sizeof(*q));
	if (q == NULL)
		return ERR_NO_MEMORY;
	fixed.id = ++c->all->last_query;
	*q = *asker;
	q->id = fixed.id;
	err = message_encode_vmm_query(&m, &fixed, tail.data, tail.len);
	assert(err == 0);
	if (!vmms_send(c->vmm, &m)) {
		heap_free(q);
		return ERR_BAD_STATE;
	}
	list_push_back(&c->queries, &q->entry);
	c->num_queries++;
	return 0;
}

error_t query_ask(struct container *c, enum vmm_query what, int32_t value, struct client *client,
                  uint32_t request, query_fn done, void *context)
{
	struct query asker = { .client = client,
		               .request = request,
		               .done = done,
		               .context = context };

	return ask(c, what, value, (struct span){ 0 }, &asker);
}

error_t query_limit(struct container *c, const struct control_limits *limits, struct client *client,
                    uint32_t request, query_fn done, void *context)
{
	struct query asker = { .client = client,
		               .request = request,
		               .done = done,
		               .context = context };

	return ask(c, VMM_QUERY_LIMIT, 0, (struct span){ (const uint8_t *)limits, sizeof(*limits) },
	           &asker);
}

static struct query *find(struct container *c, uint32_t id)
{
	list_for_each(entry, &c->queries) {
		struct query *q = container_of(entry, struct query, entry);

		if (q->id == id)
			return q;
	}
	return NULL;
}

void query_told(struct vmm_process *vmm, struct message *m)
{
	struct container *c = vmm->container;
	char text[MESSAGE_MAX_DATA + 1];
	struct query_answer answer = { .text = text };
	struct payload payload = { 0 };
	struct msg_vmm_query fixed;
	struct query *q = NULL;
	const uint8_t *tail;
	size_t len;

	if (message_decode_vmm_query(m, &fixed, &tail, &len) == 0 && c != NULL)
		q = find(c, fixed.id);
	if (q == NULL) {
		message_discard(m);
		return;
	}
	answer.error = fixed.value;
	answer.tail = (struct span){ tail, len };
	memcpy(text, tail, len);
	text[len] = '\0';
	if (m->num_handles > 0)
		answer.error = payload_open_folio(m->handles[0], 0, fixed.length, &payload);
	if (answer.error < 0 && text[0] == '\0')
		str_copy(text, error_text(answer.error), sizeof(text));
	answer.bytes = payload.bytes;
	tell(c, q, &answer);
	payload_release(&payload);
}

void query_forget(struct container *c, const void *context)
{
	list_for_each(entry, &c->queries) {
		struct query *q = container_of(entry, struct query, entry);

		if (q->context == context)
			q->done = NULL;
	}
}

void query_end_all(struct container *c)
{
	while (!list_is_empty(&c->queries)) {
		struct query *q = container_of(c->queries.next, struct query, entry);
		struct query_answer answer = { .error = ERR_PEER_CLOSED,
			                       .text = "the container has ended" };

		tell(c, q, &answer);
	}
}

void query_waiters_drop(struct container *c, const struct client *client, uint32_t id)
{
	list_for_each(entry, &c->queries) {
		struct query *q = container_of(entry, struct query, entry);

		if (q->client == client && (id == 0 || q->request == id))
			q->client = NULL;
	}
}
