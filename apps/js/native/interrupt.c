// SPDX-License-Identifier: MIT
//
// Interrupts. One is raised, and stays so until it is done: then its line may raise it again. To
// wait for the next one says that the last is done, so that a driver cannot forget it.
#include "apps/js/native/interrupt.h"

#include "apps/js/runtime/waiters.h"
#include "libs/starina/syscall.h"

struct interrupt {
	struct js_handle h;
	struct source source;
	JSValue self;              // while it is waited for
	struct js_waiters waiter;  // one at most; key: whether it is of an iterator's next
	bool raised;
};

static void interrupt_made(struct js_handle *h, JSValueConst object)
{
	(void)object;
	js_waiters_init(&((struct interrupt *)h)->waiter);
}

// Nobody waits any more, once `waiter` is told.
static void wait_end(struct interrupt *irq)
{
	source_want_messages(&irq->source, false);
	js_watch_end();
}

static void interrupt_signalled(struct loop *loop, struct source *source)
{
	struct interrupt *irq = source->context;
	struct js_waiter *waiter = js_waiters_first(&irq->waiter);
	JSValue self = irq->self, value = JS_DupValue(js.ctx, self);

	(void)loop;
	wait_end(irq);
	irq->raised = true;
	js_waiter_resolve(js.ctx, waiter,
	                  waiter->key != 0 ? js_iteration(js.ctx, value, false) : value);
	js_run_jobs();
	JS_FreeValue(js.ctx, self);
}

static const struct source_ops interrupt_ops = { .signalled = interrupt_signalled };

// An iterator ends, and who waits otherwise is told.
static void interrupt_gone(JSContext *ctx, struct js_handle *h)
{
	struct interrupt *irq = (struct interrupt *)h;
	struct js_waiter *waiter = js_waiters_first(&irq->waiter);
	JSValue self = irq->self;

	loop_remove(&js.loop, &irq->source);
	if (waiter == NULL)
		return;
	wait_end(irq);
	if (waiter->key != 0)
		js_waiter_resolve(ctx, waiter, js_iteration(ctx, JS_UNDEFINED, true));
	else
		js_waiter_reject(
			ctx, waiter,
			js_error(ctx, ERR_BAD_HANDLE, "the interrupt was closed meanwhile"));
	JS_FreeValue(ctx, self);
}

static void interrupt_finalised(JSRuntime *rt, struct js_handle *h)
{
	struct interrupt *irq = (struct interrupt *)h;

	loop_remove(&js.loop, &irq->source);
	js_waiters_free(rt, &irq->waiter);
}

static struct js_handle_kind interrupt_kind = {
	.name = "Interrupt",
	.size = sizeof(struct interrupt),
	.made = interrupt_made,
	.gone = interrupt_gone,
	.finalise = interrupt_finalised,
};

// Says that what was raised is done. False: it threw.
static bool interrupt_end(JSContext *ctx, struct interrupt *irq)
{
	error_t err = irq->raised ? interrupt_ack(irq->h.handle) : 0;

	if (err != 0)
		js_throw(ctx, err, "cannot end the interrupt");
	else
		irq->raised = false;
	return err == 0;
}

static JSValue interrupt_done(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct interrupt *irq = js_handle_of(ctx, self, &interrupt_kind);

	(void)argc;
	(void)argv;
	return irq != NULL && interrupt_end(ctx, irq) ? JS_UNDEFINED : JS_EXCEPTION;
}

static JSValue interrupt_wait(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv,
                              int iterated)
{
	struct js_handle *h = js_handle_peek(self, &interrupt_kind);
	struct interrupt *irq;
	JSValue promise;

	(void)argc;
	(void)argv;
	if (iterated && h != NULL && h->handle == HANDLE_NONE)
		return js_resolved(ctx, js_iteration(ctx, JS_UNDEFINED, true));
	irq = js_handle_of(ctx, self, &interrupt_kind);
	if (irq == NULL)
		return JS_EXCEPTION;
	if (js_waiters_any(&irq->waiter))
		return js_throw(ctx, ERR_BAD_STATE, "the interrupt is waited for already");
	if (!interrupt_end(ctx, irq))
		return JS_EXCEPTION;
	promise = js_waiters_add(ctx, &irq->waiter, (uint64_t)iterated, NULL);
	if (JS_IsException(promise))
		return promise;
	irq->self = JS_DupValue(ctx, self);
	source_want_messages(&irq->source, true);
	js_watch_begin();
	return promise;
}

static JSValue interrupt_iterator(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)argc;
	(void)argv;
	return JS_DupValue(ctx, self);
}

static const JSCFunctionListEntry interrupt_functions[] = {
	JS_CFUNC_MAGIC_DEF("wait", 0, interrupt_wait, false),
	JS_CFUNC_MAGIC_DEF("next", 0, interrupt_wait, true),
	JS_CFUNC_DEF("[Symbol.asyncIterator]", 0, interrupt_iterator),
	JS_CFUNC_DEF("done", 0, interrupt_done),
};

JSValue js_interrupt_new(JSContext *ctx, handle_t handle)
{
	JSValue object = js_handle_new(ctx, &interrupt_kind, handle);
	struct interrupt *irq;
	error_t err;

	if (JS_IsException(object))
		return object;
	irq = js_handle_of(ctx, object, &interrupt_kind);
	err = loop_add(&js.loop, &irq->source, handle, &interrupt_ops, irq);
	if (err != 0) {
		JS_FreeValue(ctx, object);
		return js_throw(ctx, err, "cannot wait for the device's interrupt");
	}
	source_want_messages(&irq->source, false);
	return object;
}

int js_interrupt_init(JSContext *ctx)
{
	return js_handle_kind_init(
		ctx, &interrupt_kind, interrupt_functions,
		(int)(sizeof(interrupt_functions) / sizeof(interrupt_functions[0])));
}
