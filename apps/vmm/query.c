// SPDX-License-Identifier: MIT
//
// What `containers` asks of the container's guest, and the answers.
#include "libs/linux/run/guest_query.h"

#include "apps/vmm/vmm.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

struct query {
	struct vmm *vmm;
	struct msg_vmm_query question;
	uint32_t link;  // it was asked over this one of the connections
};

static void send(struct vmm *vmm, const struct msg_vmm_query *question, error_t error,
                 struct span tail, handle_t folio, size_t length)
{
	struct msg_vmm_query fixed = { .id = question->id,
		                       .what = question->what,
		                       .value = error,
		                       .length = (uint32_t)length };
	size_t room = MESSAGE_MAX_DATA - sizeof(fixed);
	struct message m;
	error_t err =
		message_encode_vmm_query(&m, &fixed, tail.data, tail.len < room ? tail.len : room);

	assert(err == 0);
	if (folio != HANDLE_NONE) {
		m.handles[0] = folio;
		m.num_handles = 1;
	}
	link_send(vmm, &m);
}

// Answers the question, with the folio of `length` bytes unless that is HANDLE_NONE, and frees it.
static void answer(struct query *q, error_t error, struct span tail, handle_t folio, size_t length)
{
	if (q->link == q->vmm->num_links)
		send(q->vmm, &q->question, error, tail, folio, length);
	else if (folio != HANDLE_NONE)
		handle_close(folio);
	heap_free(q);
}

static void fail(struct query *q, error_t error, const char *text)
{
	const char *words = text != NULL && text[0] != '\0' ? text : error_text(error);

	answer(q, error, text_span(words), HANDLE_NONE, 0);
}

static void stats_told(void *context, error_t error, const char *text,
                       const struct control_stats *stats)
{
	struct query *q = context;

	if (error < 0)
		fail(q, error, text);
	else
		answer(q, 0, (struct span){ (const uint8_t *)stats, sizeof(*stats) }, HANDLE_NONE,
		       0);
}

static void write_entry(struct writer *w, const struct guest_top_entry *from)
{
	struct vmm_top_entry entry = { .pid = from->pid,
		                       .parent = from->parent,
		                       .uid = from->uid,
		                       .terminal = from->terminal,
		                       .length = (uint32_t)from->command.len,
		                       .start_time_ns = from->start_time_ns,
		                       .cpu_time_ns = from->cpu_time_ns,
		                       .virtual_bytes = from->virtual_bytes,
		                       .resident_bytes = from->resident_bytes,
		                       .state = from->state };

	writer_bytes(w, &entry, sizeof(entry));
	writer_bytes(w, from->command.data, from->command.len);
}

static void top_told(void *context, error_t error, const char *text,
                     const struct guest_top_entry *entries, size_t count)
{
	struct query *q = context;
	handle_t folio = HANDLE_NONE;
	struct writer w;
	uint8_t *bytes;
	size_t size = 0;

	if (error < 0) {
		fail(q, error, text);
		return;
	}
	for (size_t i = 0; i < count; i++)
		size += sizeof(struct vmm_top_entry) + entries[i].command.len;
	bytes = heap_alloc(size + 1);
	w = writer_make(bytes, bytes != NULL ? size : 0);
	for (size_t i = 0; i < count; i++)
		write_entry(&w, &entries[i]);
	error = writer_status(&w) < 0 ? ERR_NO_MEMORY : 0;
	if (error == 0 && size > 0)
		error = payload_copy(bytes, size, &folio);
	heap_free(bytes);
	if (error < 0)
		fail(q, error, NULL);
	else
		answer(q, 0, (struct span){ 0 }, folio, size);
}

static void freeze_done(void *context, error_t error, const char *text)
{
	struct query *q = context;

	if (error < 0) {
		fail(q, error, text);
		return;
	}
	q->vmm->paused = q->question.value != 0;
	link_tell(q->vmm);
	answer(q, 0, (struct span){ 0 }, HANDLE_NONE, 0);
}

static void is_done(void *context, error_t error, const char *text)
{
	struct query *q = context;

	if (error < 0)
		fail(q, error, text);
	else
		answer(q, 0, (struct span){ 0 }, HANDLE_NONE, 0);
}

// What the virtual machine has bounds what its container can be given.
static error_t limit(struct query *q, struct span tail)
{
	const struct vmm *vmm = q->vmm;
	struct control_limits limits;

	if (tail.len != sizeof(limits))
		return ERR_PROTOCOL;
	memcpy(&limits, tail.data, sizeof(limits));
	if (limits.memory > vmm->memory || limits.cpu_quota > vmm->cpus * limits.cpu_period)
		return ERR_TOO_LARGE;
	// All of its processors need no turns.
	if (limits.cpu_quota == vmm->cpus * limits.cpu_period)
		limits.cpu_quota = 0;
	return guest_container_limit(vmm->container, &limits, is_done, q);
}

static error_t ask(struct query *q, struct span tail)
{
	struct guest_container *container = q->vmm->container;

	if (q->question.what == VMM_QUERY_SYNC) {
		answer(q, 0, (struct span){ 0 }, HANDLE_NONE, 0);
		return 0;
	}
	if (container == NULL)
		return ERR_BAD_STATE;
	switch (q->question.what) {
	case VMM_QUERY_STATS: return guest_container_read_stats(container, stats_told, q);
	case VMM_QUERY_TOP: return guest_container_list(container, top_told, q);
	case VMM_QUERY_FREEZE:
		return guest_container_freeze(container, q->question.value != 0, freeze_done, q);
	case VMM_QUERY_LIMIT: return limit(q, tail);
	case VMM_QUERY_KEEP: return guest_container_keep(container, is_done, q);
	default: return ERR_NOT_SUPPORTED;
	}
}

static void refuse(struct query *q, error_t error)
{
	char text[VM_ERROR_MAX];

	if (error != ERR_TOO_LARGE) {
		fail(q, error, error == ERR_BAD_STATE ? "the container does not run" : NULL);
		return;
	}
	fmt_write(text, sizeof(text),
	          "its virtual machine has %llu MiB of memory and %u CPUs as long as it runs: stop "
	          "the container, update it, and start it again",
	          (unsigned long long)(q->vmm->memory >> 20), (unsigned int)q->vmm->cpus);
	fail(q, error, text);
}

void query_ask(struct vmm *vmm, const struct msg_vmm_query *question, struct span tail)
{
	struct query *q = heap_alloc(sizeof(*q));
	error_t err;

	if (q == NULL) {
		send(vmm, question, ERR_NO_MEMORY, (struct span){ 0 }, HANDLE_NONE, 0);
		return;
	}
	*q = (struct query){ .vmm = vmm, .question = *question, .link = vmm->num_links };
	err = ask(q, tail);
	if (err < 0)
		refuse(q, err);
}
