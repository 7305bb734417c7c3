// SPDX-License-Identifier: MIT
//
// Interrupts. One is raised, and stays so until it is done: then its line may raise it again. To
// wait for the next one says that the last is done, so that a driver cannot forget it.
#include "apps/js/native/interrupt.h"

#include "libs/starina/syscall.h"

struct interrupt {
	struct js_handle h;
	struct source source;
	JSValue self;  // while it is waited for
	JSValue resolve, reject;
	bool waited_for;
	bool iterated;  // the promise is of an iterator's next
	bool raised;
};

// What an iterator's next gives: the interrupt, or the end.
static JSValue iterator_result(JSContext *ctx, JSValueConst value, bool done)
{
	JSValue result = JS_NewObject(ctx);

	if (JS_IsException(result))
		return result;
	JS_SetPropertyStr(ctx, result, "value", JS_DupValue(ctx, value));
	JS_SetPropertyStr(ctx, result, "done", JS_NewBool(ctx, done));
	return result;
}

// Nobody waits any more. Returns who is to be told, `fn`, and frees the rest.
static JSValue wait_end(JSContext *ctx, struct interrupt *irq, JSValue *fn)
{
	JSValue told = JS_DupValue(ctx, *fn);

	source_want_messages(&irq->source, false);
	irq->waited_for = false;
	JS_FreeValue(ctx, irq->resolve);
	JS_FreeValue(ctx, irq->reject);
	js_watch_end();
	return told;
}

static void interrupt_signalled(struct loop *loop, struct source *source)
{
	struct interrupt *irq = source->context;
	JSValue self = irq->self;
	JSValue resolve = wait_end(js.ctx, irq, &irq->resolve);
	JSValue value = irq->iterated ? iterator_result(js.ctx, self, false)
				      : JS_DupValue(js.ctx, self);

	(void)loop;
	irq->raised = true;
	js_call(resolve, 1, &value);
	JS_FreeValue(js.ctx, value);
	JS_FreeValue(js.ctx, resolve);
	JS_FreeValue(js.ctx, self);
}

static const struct source_ops interrupt_ops = { .signalled = interrupt_signalled };

// An iterator ends, and who waits otherwise is told.
static void interrupt_gone(JSContext *ctx, struct js_handle *h)
{
	struct interrupt *irq = (struct interrupt *)h;
	JSValue self = irq->self;
	JSValue function, value;

	loop_remove(&js.loop, &irq->source);
	if (!irq->waited_for)
		return;
	function = wait_end(ctx, irq, irq->iterated ? &irq->resolve : &irq->reject);
	if (irq->iterated) {
		value = iterator_result(ctx, JS_UNDEFINED, true);
	} else {
		value = js_error(ctx, ERR_BAD_HANDLE, "the interrupt was closed meanwhile");
	}
	JS_FreeValue(ctx, JS_Call(ctx, function, JS_UNDEFINED, 1, &value));
	JS_FreeValue(ctx, value);
	JS_FreeValue(ctx, function);
	JS_FreeValue(ctx, self);
}

// Nobody waits for it then: who does keeps it.
static void interrupt_finalised(JSRuntime *rt, struct js_handle *h)
{
	(void)rt;
	loop_remove(&js.loop, &((struct interrupt *)h)->source);
}

static struct js_handle_kind interrupt_kind = {
	.name = "Interrupt",
	.size = sizeof(struct interrupt),
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
	JSValue promise, functions[2];

	(void)argc;
	(void)argv;
	if (iterated && h != NULL && h->handle == HANDLE_NONE)
		return iterator_result(ctx, JS_UNDEFINED, true);
	irq = js_handle_of(ctx, self, &interrupt_kind);
	if (irq == NULL)
		return JS_EXCEPTION;
	if (irq->waited_for)
		return js_throw(ctx, ERR_BAD_STATE, "the interrupt is waited for already");
	if (!interrupt_end(ctx, irq))
		return JS_EXCEPTION;
	promise = JS_NewPromiseCapability(ctx, functions);
	if (JS_IsException(promise))
		return promise;
	irq->resolve = functions[0];
	irq->reject = functions[1];
	irq->self = JS_DupValue(ctx, self);
	irq->waited_for = true;
	irq->iterated = iterated;
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
