// SPDX-License-Identifier: MIT
#include "libs/requests/outbox.h"

#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

struct waiting {
	struct list entry;
	struct message m;  // owns its handles
};

void outbox_init(struct outbox *box, struct source *source)
{
	box->source = source;
	list_init(&box->messages);
}

error_t outbox_send(struct outbox *box, struct message *m)
{
	error_t err = list_is_empty(&box->messages) ? channel_send(box->source->handle, m)
						    : ERR_FULL;
	struct waiting *waiting = err == ERR_FULL ? heap_alloc(sizeof(*waiting)) : NULL;

	if (waiting != NULL) {
		waiting->m = *m;
		list_push_back(&box->messages, &waiting->entry);
		source_want_writable(box->source, true);
		return 0;
	}
	if (err < 0)
		message_discard(m);
	return err == ERR_FULL ? ERR_NO_MEMORY : err;
}

void outbox_writable(struct outbox *box)
{
	while (!list_is_empty(&box->messages)) {
		struct waiting *waiting = container_of(box->messages.next, struct waiting, entry);
		error_t err = channel_send(box->source->handle, &waiting->m);

		if (err == ERR_FULL)
			return;
		if (err < 0)
			message_discard(&waiting->m);
		list_remove(&waiting->entry);
		heap_free(waiting);
	}
	source_want_writable(box->source, false);
}

void outbox_drop(struct outbox *box)
{
	struct list *entry;

	while ((entry = list_pop_front(&box->messages)) != NULL) {
		struct waiting *waiting = container_of(entry, struct waiting, entry);

		message_discard(&waiting->m);
		heap_free(waiting);
	}
}
