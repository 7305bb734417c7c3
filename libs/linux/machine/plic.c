// SPDX-License-Identifier: MIT

#include "libs/linux/machine/plic.h"

#include "libs/base/string.h"

// Chapter 3, memory map.
#define PRIORITY_BASE 0x0u
#define PENDING_BASE 0x1000u
#define ENABLE_BASE 0x2000u
#define ENABLE_STRIDE 0x80u
// Where the enable bits of contexts that do not exist would be.
#define POSTED_BASE 0x2800u
#define POSTED_STRIDE 0x80u
#define CONTEXT_BASE 0x200000u
#define CONTEXT_STRIDE 0x1000u
#define CONTEXT_THRESHOLD 0x0u
#define CONTEXT_CLAIM 0x4u
#define CONTEXT_POSTED 0x8u

_Static_assert(ENABLE_BASE + ENABLE_STRIDE * PLIC_MAX_CONTEXTS <= POSTED_BASE &&
                       POSTED_BASE + POSTED_STRIDE * PLIC_MAX_CONTEXTS <= PLIC_READABLE_SIZE,
               "the counts have a place of their own");

static uint32_t page_load(const struct plic *plic, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, plic->page + offset, sizeof(value));
	return value;
}

static void page_store(struct plic *plic, uint32_t offset, uint32_t value)
{
	__atomic_store_n((uint32_t *)(void *)(plic->page + offset), value, __ATOMIC_RELEASE);
}

static uint32_t source_mask(const struct plic *plic)
{
	return (uint32_t)((1ull << (plic->num_sources + 1)) - 2);
}

// The source that `context` would claim now: of the highest priority above its threshold, ties to
// the lowest number.
static uint32_t best_source(const struct plic *plic, uint32_t context)
{
	uint32_t candidates = plic->pending &
		page_load(plic, ENABLE_BASE + ENABLE_STRIDE * context);
	uint32_t best = 0, best_priority = plic->contexts[context].threshold;

	for (; candidates != 0; candidates &= candidates - 1) {
		uint32_t source = (uint32_t)__builtin_ctz(candidates);
		uint32_t priority = page_load(plic, PRIORITY_BASE + 4 * source);

		if (priority > best_priority) {
			best = source;
			best_priority = priority;
		}
	}
	return best;
}

// Hands a context all that it would claim.
static void post(struct plic *plic, uint32_t context)
{
	uint32_t counts = POSTED_BASE + POSTED_STRIDE * context;
	bool posted = false;
	uint32_t source;

	while ((source = best_source(plic, context)) != 0) {
		plic->pending &= ~(1u << source);
		// What the device has written comes first; pairs with the driver's smp_rmb.
		page_store(plic, counts + 4 * source, page_load(plic, counts + 4 * source) + 1);
		posted = true;
	}
	if (posted)
		plic->ring(plic->line_context, context);
}

static void update_lines(struct plic *plic)
{
	for (uint32_t i = 0; i < plic->num_contexts; i++)
		if (plic->contexts[i].posted)
			post(plic, i);
	page_store(plic, PENDING_BASE, plic->pending);
	for (uint32_t i = 0; i < plic->num_contexts; i++) {
		bool level = best_source(plic, i) != 0;

		if (level == plic->contexts[i].level)
			continue;
		plic->contexts[i].level = level;
		plic->set_line(plic->line_context, i, level);
	}
}

void plic_set_source(struct plic *plic, uint32_t source, bool level)
{
	uint32_t bit;

	if (source == 0 || source > plic->num_sources)
		return;
	bit = 1u << source;
	if (level)
		plic->levels |= bit;
	else
		plic->levels &= ~bit;
	// The gateway of a level-triggered source forwards one request until it is completed
	// (section 1.4). A request that was not claimed yet goes away with the level, which saves
	// the guest a claim for nothing; not where it may stand for an edge.
	if (level && (plic->in_service & bit) == 0)
		plic->pending |= bit;
	else if (!level && !plic->posts)
		plic->pending &= ~bit;
	update_lines(plic);
}

bool plic_post(struct plic *plic, uint32_t source)
{
	if (!plic->posts || source == 0 || source > plic->num_sources)
		return false;
	plic->pending |= 1u << source;
	update_lines(plic);
	return true;
}

static uint32_t claim(struct plic *plic, uint32_t context)
{
	uint32_t source = best_source(plic, context);

	if (source != 0) {
		plic->pending &= ~(1u << source);
		plic->in_service |= 1u << source;
		plic->contexts[context].claimed |= 1u << source;
		update_lines(plic);
	}
	return source;
}

static void complete(struct plic *plic, uint32_t context, uint32_t source)
{
	uint32_t bit;

	// A completion by a context that has not claimed, or of a source that it has not enabled,
	// is ignored (chapter 9).
	if (source == 0 || source > plic->num_sources)
		return;
	bit = 1u << source;
	if ((plic->contexts[context].claimed & bit) == 0)
		return;
	plic->contexts[context].claimed &= ~bit;
	plic->in_service &= ~bit;
	if ((plic->levels & bit) != 0)
		plic->pending |= bit;
	update_lines(plic);
}

uint64_t plic_read(struct plic *plic, uint64_t offset, uint32_t width)
{
	uint64_t context;

	if (width != 4 || offset % 4 != 0)
		return 0;
	if (offset <= PLIC_READABLE_SIZE - 4)
		return page_load(plic, (uint32_t)offset);
	if (offset < CONTEXT_BASE)
		return 0;
	context = (offset - CONTEXT_BASE) / CONTEXT_STRIDE;
	if (context >= plic->num_contexts)
		return 0;
	switch (offset % CONTEXT_STRIDE) {
	case CONTEXT_THRESHOLD: return plic->contexts[context].threshold;
	case CONTEXT_CLAIM: return claim(plic, (uint32_t)context);
	case CONTEXT_POSTED: return plic->contexts[context].posted;
	default: return 0;
	}
}

static void write_context(struct plic *plic, uint64_t offset, uint32_t value)
{
	uint64_t context = (offset - CONTEXT_BASE) / CONTEXT_STRIDE;

	if (context >= plic->num_contexts)
		return;
	switch (offset % CONTEXT_STRIDE) {
	case CONTEXT_THRESHOLD:
		plic->contexts[context].threshold = value & PLIC_MAX_PRIORITY;
		update_lines(plic);
		break;
	case CONTEXT_CLAIM: complete(plic, (uint32_t)context, value); break;
	case CONTEXT_POSTED:
		// There is no way back: an edge that nobody has taken would be forgotten.
		if (value != 1)
			break;
		plic->posts = true;
		plic->contexts[context].posted = true;
		update_lines(plic);
		break;
	default: break;
	}
}

void plic_write(struct plic *plic, uint64_t offset, uint32_t width, uint64_t data)
{
	uint32_t value = (uint32_t)data;

	if (width != 4 || offset % 4 != 0)
		return;
	if (offset >= CONTEXT_BASE) {
		write_context(plic, offset, value);
	} else if (offset >= ENABLE_BASE) {
		uint64_t context = (offset - ENABLE_BASE) / ENABLE_STRIDE;

		if (context >= plic->num_contexts || offset % ENABLE_STRIDE != 0)
			return;
		page_store(plic, (uint32_t)offset, value & source_mask(plic));
		update_lines(plic);
	} else if (offset >= 4 && offset <= 4 * (uint64_t)plic->num_sources) {
		page_store(plic, (uint32_t)offset, value & PLIC_MAX_PRIORITY);
		update_lines(plic);
	}
}
