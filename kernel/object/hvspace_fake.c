// SPDX-License-Identifier: MIT
#include "kernel/object/hvspace_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/vcpu.h"

struct folio folio;
struct event event;
uint8_t *ram;
bool lazy_pages;
int objects_out;
uint32_t fences;
uint32_t users;
uint32_t signals;
uint32_t kicked_hart;
void (*in_populate)(void);

void account_free(struct account *gone)
{
	(void)gone;
	fail();
}

error_t object_alloc(const struct object_ops *ops, size_t size, struct account *owner, void *out)
{
	struct object *object = calloc(1, size);

	object->ops = ops;
	object->refs = 1;
	object->account = owner;
	objects_out++;
	memcpy(out, &object, sizeof(object));
	return 0;
}

void object_free(struct object *object)
{
	objects_out--;
	free(object);
}

void object_unreferenced(struct object *object)
{
	object->ops->destroy(object);
}

void object_notify(struct object *object, uint32_t ready)
{
	(void)object;
	(void)ready;
}

void wait_queue_init(struct wait_queue *queue)
{
	(void)queue;
}

void wait_queue_wake_all(struct wait_queue *queue)
{
	(void)queue;
}

struct hart *arch_this_hart(void)
{
	static struct hart hart;

	return &hart;
}

void arch_hart_kick(uint32_t hart)
{
	kicked_hart = hart;
}

bool arch_has_hypervisor(void)
{
	return true;
}

bool hv_init_once(void)
{
	return true;
}

uint64_t hv_time(void)
{
	return 1000;
}

void hv_fence_gstage(void)
{
	fences++;
}

void hv_context_init(struct vcpu_context *context)
{
	memset(context, 0, sizeof(*context));
}

void hv_context_get(const struct vcpu_context *context, struct vcpu_state *out)
{
	memcpy(out->x, context->x, sizeof(out->x));
	out->pc = context->pc;
}

void hv_context_set(struct vcpu_context *context, const struct vcpu_state *state)
{
	memcpy(context->x, state->x, sizeof(state->x));
	context->pc = state->pc;
}

void hv_evict(struct vcpu *vcpu)
{
	(void)vcpu;
}

void hv_timer_init(struct vcpu *vcpu)
{
	(void)vcpu;
}

void folio_add_user(struct folio *f, struct folio_user *user)
{
	assert_ptr_equal(f, &folio);
	assert_non_null(user->discard);
	users++;
}

void folio_remove_user(struct folio *f, struct folio_user *user)
{
	(void)f;
	(void)user;
	users--;
}

error_t folio_populate(struct folio *f, size_t offset, paddr_t *out, size_t *block_size)
{
	assert_ptr_equal(f, &folio);
	assert_true(offset < f->size);
	*block_size = lazy_pages ? PAGE_SIZE : BLOCK_SIZE;
	*out = (paddr_t)(uintptr_t)(ram + (offset & ~(*block_size - 1)));
	if (in_populate != NULL)
		in_populate();
	return 0;
}

void event_object_signal(struct event *e, uint64_t n)
{
	assert_ptr_equal(e, &event);
	signals += (uint32_t)n;
}
