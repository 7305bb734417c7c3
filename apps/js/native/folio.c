// SPDX-License-Identifier: MIT
//
// native:folio: folio(size, options), folioWith(bytes), and payload(folio, offset, length).
#include "apps/js/native/folio.h"

#include "apps/js/native/native.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// Garbage is collected once so many bytes of folios have come since it was last: the engine knows
// nothing of them, and waits for its own heap to fill.
#define GARBAGE_BYTES (2ul * 1024 * 1024)

struct view;

struct js_folio {
	struct js_handle h;
	struct view *view;  // NULL: it is not mapped
	JSValue buffer;     // the view's ArrayBuffer
	bool pinned;        // a device may know its address
};

// What an ArrayBuffer over a folio's memory refers to. It outlives the object when the script holds
// the buffer alone; then the handle is its own.
struct view {
	struct js_folio *folio;  // NULL: the object is gone
	handle_t handle;
};

static size_t bytes_since_collection;

static bool folio_accepts(handle_t handle)
{
	struct folio_info info;

	return folio_info(handle, &info) == 0;
}

// Also called for a buffer that is detached already: then there are no bytes.
static void view_free(JSRuntime *rt, void *opaque, void *bytes)
{
	struct view *view = opaque;

	if (bytes == NULL)
		return;
	if (view->folio != NULL)
		view->folio->view = NULL;
	else if (view->handle != HANDLE_NONE)
		handle_close(view->handle);
	js_free_rt(rt, view);
}

static void folio_gone(JSContext *ctx, struct js_handle *h)
{
	struct js_folio *folio = (struct js_folio *)h;

	if (folio->view == NULL)
		return;
	JS_DetachArrayBuffer(ctx, folio->buffer);
	JS_FreeValue(ctx, folio->buffer);
}

static void folio_finalised(JSRuntime *rt, struct js_handle *h)
{
	struct js_folio *folio = (struct js_folio *)h;

	if (folio->view != NULL) {
		folio->view->folio = NULL;
		folio->view->handle = folio->pinned ? HANDLE_NONE : h->handle;
		h->handle = HANDLE_NONE;
		JS_FreeValueRT(rt, folio->buffer);
	} else if (folio->pinned) {
		// The device may still write to it: it goes with the process.
		h->handle = HANDLE_NONE;
	}
}

static void folio_mark(JSRuntime *rt, struct js_handle *h, JS_MarkFunc *mark)
{
	struct js_folio *folio = (struct js_folio *)h;

	if (folio->view != NULL)
		JS_MarkValue(rt, folio->buffer, mark);
}

static struct js_handle_kind folio_kind = {
	.name = "Folio",
	.size = sizeof(struct js_folio),
	.accepts = folio_accepts,
	.gone = folio_gone,
	.finalise = folio_finalised,
	.mark = folio_mark,
};

// --- What it is ----------------------------------------------------------------------------------

static struct js_folio *folio_of(JSContext *ctx, JSValueConst self, struct folio_info *info)
{
	struct js_folio *folio = js_handle_of(ctx, self, &folio_kind);
	error_t err;

	if (folio == NULL)
		return NULL;
	err = folio_info(folio->h.handle, info);
	if (err != 0) {
		js_throw(ctx, err, "cannot look at the folio");
		return NULL;
	}
	return folio;
}

static JSValue folio_size(JSContext *ctx, JSValueConst self)
{
	struct folio_info info;

	return folio_of(ctx, self, &info) != NULL ? JS_NewInt64(ctx, (int64_t)info.size)
						  : JS_EXCEPTION;
}

static JSValue folio_read_only(JSContext *ctx, JSValueConst self)
{
	struct folio_info info;

	return folio_of(ctx, self, &info) != NULL
		? JS_NewBool(ctx, (info.flags & FOLIO_READ_ONLY) != 0)
		: JS_EXCEPTION;
}

static JSValue folio_address(JSContext *ctx, JSValueConst self)
{
	struct folio_info info;
	struct js_folio *folio = folio_of(ctx, self, &info);

	if (folio == NULL)
		return JS_EXCEPTION;
	if ((info.flags & FOLIO_LAZY) != 0)
		return js_throw(ctx, ERR_NOT_SUPPORTED,
		                "a folio that is not contiguous has no address");
	if (info.paddr == 0)
		return js_throw(ctx, ERR_ACCESS,
		                "addresses are for apps whose spec needs a device");
	folio->pinned = true;
	return JS_NewBigUint64(ctx, info.paddr);
}

// --- Its memory ----------------------------------------------------------------------------------

// Nobody can write to the folio any more, and an ArrayBuffer can be written to.
static JSValue folio_copy(JSContext *ctx, struct js_folio *folio, const struct folio_info *info)
{
	JSValue copy;
	void *base;
	error_t err = folio_map(folio->h.handle, PROT_READ, &base);

	if (err != 0)
		return js_throw(ctx, err, "cannot map the folio");
	copy = JS_NewArrayBufferCopy(ctx, base, info->size);
	folio_unmap(folio->h.handle);
	return copy;
}

static JSValue view_new(JSContext *ctx, struct js_folio *folio, void *base, size_t size)
{
	struct view *view = js_mallocz(ctx, sizeof(*view));

	if (view == NULL)
		return JS_EXCEPTION;
	view->folio = folio;
	folio->buffer = JS_NewArrayBuffer(ctx, base, size, view_free, view, false);
	if (JS_IsException(folio->buffer)) {
		js_free(ctx, view);
		return JS_EXCEPTION;
	}
	folio->view = view;
	return JS_DupValue(ctx, folio->buffer);
}

static JSValue folio_to_buffer(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct folio_info info;
	struct js_folio *folio = folio_of(ctx, self, &info);
	JSValue buffer;
	void *base;
	error_t err;

	(void)argc;
	(void)argv;
	if (folio == NULL)
		return JS_EXCEPTION;
	if (folio->view != NULL)
		return JS_DupValue(ctx, folio->buffer);
	if ((info.flags & FOLIO_READ_ONLY) != 0)
		return folio_copy(ctx, folio, &info);
	err = folio_map(folio->h.handle, PROT_READ | PROT_WRITE, &base);
	if (err == ERR_ACCESS)
		return folio_copy(ctx, folio, &info);
	if (err != 0)
		return js_throw(ctx, err, "cannot map the folio");
	buffer = view_new(ctx, folio, base, info.size);
	if (JS_IsException(buffer))
		folio_unmap(folio->h.handle);
	return buffer;
}

// --- The class ----------------------------------------------------------------------------------

static JSValue folio_contiguous(JSContext *ctx, JSValueConst self)
{
	struct folio_info info;

	return folio_of(ctx, self, &info) != NULL ? JS_NewBool(ctx, (info.flags & FOLIO_LAZY) == 0)
						  : JS_EXCEPTION;
}

static const JSCFunctionListEntry folio_functions[] = {
	JS_CGETSET_DEF("size", folio_size, NULL),
	JS_CGETSET_DEF("contiguous", folio_contiguous, NULL),
	JS_CGETSET_DEF("readOnly", folio_read_only, NULL),
	JS_CGETSET_DEF("address", folio_address, NULL),
	JS_CFUNC_DEF("map", 0, folio_to_buffer),
};

#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))

int js_folio_init(JSContext *ctx)
{
	return js_handle_kind_init(ctx, &folio_kind, folio_functions, COUNT(folio_functions));
}

// --- Making them ---------------------------------------------------------------------------------

static void count_bytes(JSContext *ctx, size_t bytes)
{
	bytes_since_collection += bytes;
	if (bytes_since_collection < GARBAGE_BYTES)
		return;
	bytes_since_collection = 0;
	JS_RunGC(JS_GetRuntime(ctx));
}

JSValue js_folio_new(JSContext *ctx, handle_t folio)
{
	if (js_folio_init(ctx) != 0) {
		handle_close(folio);
		return JS_EXCEPTION;
	}
	return js_handle_new(ctx, &folio_kind, folio);
}

JSValue js_folio_with(JSContext *ctx, const uint8_t *bytes, size_t len)
{
	handle_t folio;
	error_t err;

	if (len > FOLIO_MAX_CONTIGUOUS)
		return js_throw(ctx, ERR_TOO_LARGE, "a folio has at most 4 MiB");
	err = payload_copy(bytes, len, &folio);
	if (js_handle_retry(ctx, err))
		err = payload_copy(bytes, len, &folio);
	if (err != 0)
		return js_throw(ctx, err, "cannot make a folio");
	count_bytes(ctx, len);
	return js_folio_new(ctx, folio);
}

// Whether the options of folio() ask for contiguous memory, which is what they do when they say
// nothing. -1: it threw.
static int wants_contiguous(JSContext *ctx, JSValueConst options)
{
	JSValue value;
	int wanted;

	if (JS_IsUndefined(options))
		return 1;
	value = JS_GetPropertyStr(ctx, options, "contiguous");
	if (JS_IsException(value))
		return -1;
	wanted = JS_IsUndefined(value) ? 1 : JS_ToBool(ctx, value);
	JS_FreeValue(ctx, value);
	return wanted;
}

static JSValue native_folio(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	int contiguous = wants_contiguous(ctx, argv[1]);
	handle_t folio;
	int64_t size;
	error_t err;

	(void)self;
	(void)argc;
	if (contiguous < 0)
		return JS_EXCEPTION;
	if (!JS_IsNumber(argv[0]) || JS_ToInt64(ctx, &size, argv[0]) != 0 || size <= 0)
		return js_throw(ctx, ERR_INVALID, "a folio's size is a number of bytes");
	if (size > (contiguous ? (int64_t)FOLIO_MAX_CONTIGUOUS : INT32_MAX))
		return js_throw(ctx, ERR_TOO_LARGE,
		                contiguous ? "a contiguous folio has at most 4 MiB"
		                           : "a folio has less than 2 GiB");
	err = folio_create((size_t)size, contiguous ? FOLIO_CONTIGUOUS : FOLIO_LAZY, &folio);
	if (js_handle_retry(ctx, err))
		err = folio_create((size_t)size, contiguous ? FOLIO_CONTIGUOUS : FOLIO_LAZY,
		                   &folio);
	if (err != 0)
		return js_throw(ctx, err, "cannot make a folio");
	count_bytes(ctx, (size_t)size);
	return js_folio_new(ctx, folio);
}

static JSValue native_folio_with(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct span bytes;

	(void)self;
	(void)argc;
	if (js_get_bytes(ctx, argv[0], &bytes) != 0)
		return JS_EXCEPTION;
	if (bytes.len == 0)
		return js_throw(ctx, ERR_INVALID, "a folio has at least a byte");
	return js_folio_with(ctx, bytes.data, bytes.len);
}

// The range of a folio that a message means, as a Uint8Array on it. The folio is closed when the
// range is not in it.
static JSValue native_payload(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct folio_info info;
	struct js_folio *folio = folio_of(ctx, argv[0], &info);
	JSValue args[3] = { JS_UNDEFINED, argv[1], argv[2] };
	JSValue array;
	uint32_t offset, len;

	(void)self;
	(void)argc;
	if (folio == NULL || js_to_u32(ctx, argv[1], UINT32_MAX, &offset) != 0 ||
	    js_to_u32(ctx, argv[2], UINT32_MAX, &len) != 0)
		return JS_EXCEPTION;
	if (!range_within(offset, len, info.size)) {
		js_handle_close(ctx, &folio->h);
		return js_throw(ctx, ERR_PROTOCOL, "the bytes are not in the message's folio");
	}
	args[0] = folio_to_buffer(ctx, argv[0], 0, NULL);
	if (JS_IsException(args[0]))
		return JS_EXCEPTION;
	array = JS_NewTypedArray(ctx, 3, args, JS_TYPED_ARRAY_UINT8);
	JS_FreeValue(ctx, args[0]);
	return array;
}

static const JSCFunctionListEntry native_entries[] = {
	JS_CFUNC_DEF("payload", 3, native_payload),
	JS_CFUNC_DEF("folio", 2, native_folio),
	JS_CFUNC_DEF("folioWith", 1, native_folio_with),
};

const struct js_native js_native_folio = {
	.name = "folio",
	.entries = native_entries,
	.num_entries = COUNT(native_entries),
	.init = js_folio_init,
};
