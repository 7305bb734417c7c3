// SPDX-License-Identifier: MIT
//
// Modules: the script is one; it imports "starina", which is made of the modules of apps/js/lib,
// compiled to bytecode at the build; these import natives.
#include <string.h>

#include "apps/js/native/native.h"
#include "apps/js/runtime/internal.h"
#include "apps/js/runtime/lib.h"
#include "libs/starina/log.h"

#define NATIVE_PREFIX "native:"
#define API_NAME "starina"
#define API_MODULE "starina.js"

static const struct js_lib *lib_find(const char *name)
{
	for (size_t i = 0; i < js_num_libs; i++) {
		if (strcmp(js_libs[i].name, name) == 0)
			return &js_libs[i];
	}
	return NULL;
}

// The API's modules import natives and each other as "./NAME.js"; the script imports the API.
static char *normalize(JSContext *ctx, const char *base, const char *name, void *opaque)
{
	(void)opaque;
	if (lib_find(base) != NULL) {
		if (strncmp(name, "./", 2) == 0)
			name += 2;
		return js_strdup(ctx, name);
	}
	if (strcmp(name, API_NAME) == 0)
		return js_strdup(ctx, API_MODULE);
	JS_ThrowReferenceError(ctx, "there is no module '%s'", name);
	return NULL;
}

static int native_init(JSContext *ctx, JSModuleDef *m)
{
	JSAtom atom = JS_GetModuleName(ctx, m);
	const char *name = JS_AtomToCString(ctx, atom);
	const struct js_native *native;

	JS_FreeAtom(ctx, atom);
	if (name == NULL)
		return -1;
	native = js_native_find(name + strlen(NATIVE_PREFIX));
	JS_FreeCString(ctx, name);
	if (native->init != NULL && native->init(ctx) != 0)
		return -1;
	return JS_SetModuleExportList(ctx, m, native->entries, native->num_entries);
}

static JSModuleDef *load_native(JSContext *ctx, const char *name)
{
	const struct js_native *native = js_native_find(name + strlen(NATIVE_PREFIX));
	JSModuleDef *m = native != NULL ? JS_NewCModule(ctx, name, native_init) : NULL;

	if (m == NULL || JS_AddModuleExportList(ctx, m, native->entries, native->num_entries) != 0)
		return NULL;
	return m;
}

static JSValue read_lib(JSContext *ctx, const char *name)
{
	const struct js_lib *lib = lib_find(name);

	if (lib == NULL)
		return JS_ThrowReferenceError(ctx, "there is no module '%s'", name);
	return JS_ReadObject(ctx, lib->bytecode, lib->size,
	                     JS_READ_OBJ_BYTECODE | JS_READ_OBJ_ROM_DATA);
}

JSValue js_lib_module(JSContext *ctx, const char *name)
{
	JSValue module = read_lib(ctx, name);

	if (JS_IsException(module) || JS_ResolveModule(ctx, module) != 0)
		js_fail_pending("the modules of the API cannot be read");
	return module;
}

static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque)
{
	JSValue module;
	JSModuleDef *m;

	(void)opaque;
	if (strncmp(name, NATIVE_PREFIX, strlen(NATIVE_PREFIX)) == 0)
		return load_native(ctx, name);
	module = read_lib(ctx, name);
	if (JS_IsException(module))
		return NULL;
	m = JS_VALUE_GET_PTR(module);
	JS_FreeValue(ctx, module);
	return m;
}

// load("NAME.js"): the exports of a module of the API that is not read before it is used. Its top
// level does not wait.
static JSValue load_lib(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const char *name = JS_ToCString(ctx, argv[0]);
	JSValue module = name != NULL ? read_lib(ctx, name) : JS_EXCEPTION, done;
	JSModuleDef *m;

	(void)self;
	(void)argc;
	JS_FreeCString(ctx, name);
	if (JS_IsException(module))
		return module;
	m = JS_VALUE_GET_PTR(module);
	if (JS_ResolveModule(ctx, module) != 0) {
		JS_FreeValue(ctx, module);
		return JS_EXCEPTION;
	}
	done = JS_EvalFunction(ctx, module);
	if (JS_IsException(done))
		return done;
	JS_FreeValue(ctx, done);
	return JS_GetModuleNamespace(ctx, m);
}

static const JSCFunctionListEntry entries[] = {
	JS_CFUNC_DEF("load", 1, load_lib),
};

const struct js_native js_native_modules = {
	.name = "modules",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
};

void js_modules_init(void)
{
	JS_SetModuleLoaderFunc(js.rt, normalize, load, NULL);
}
