// SPDX-License-Identifier: MIT
//
// Compiles the modules of the API to bytecode: compile_lib FOLDER/NAME.js... >lib.c
//
// Built for the host of the same QuickJS that reads it in the OS: bytecode is of one version.
#include <quickjs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void fail(JSContext *ctx, const char *path)
{
	JSValue error = JS_GetException(ctx), stack = JS_GetPropertyStr(ctx, error, "stack");
	const char *text = JS_ToCString(ctx, error), *where = JS_ToCString(ctx, stack);

	fprintf(stderr, "%s: %s\n%s", path, text != NULL ? text : "cannot be compiled",
	        where != NULL ? where : "");
	exit(1);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

// What is imported is looked for in the OS: here an empty module stands for it.
static int init_nothing(JSContext *ctx, JSModuleDef *module)
{
	(void)ctx;
	(void)module;
	return 0;
}

static JSModuleDef *load_nothing(JSContext *ctx, const char *name, void *opaque)
{
	(void)opaque;
	return JS_NewCModule(ctx, name, init_nothing);
}

static char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "r");
	size_t size = 1u << 20;
	char *text = malloc(size);

	if (file == NULL || text == NULL) {
		perror(path);
		exit(1);
	}
	*len = fread(text, 1, size, file);
	if (*len == size || ferror(file) != 0) {
		fprintf(stderr, "%s: it cannot be read, or has 1 MiB and more\n", path);
		exit(1);
	}
	text[*len] = '\0';
	fclose(file);
	return text;
}

static void compile(JSContext *ctx, const char *path, int number)
{
	size_t len, size;
	char *text = read_file(path, &len);
	JSValue module = JS_Eval(ctx, text, len, base_name(path),
	                         JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
	uint8_t *bytes = JS_IsException(module)
		? NULL
		: JS_WriteObject(ctx, &size, module, JS_WRITE_OBJ_BYTECODE);

	if (bytes == NULL)
		fail(ctx, path);
	printf("static const uint8_t lib_%d[] = {", number);
	for (size_t i = 0; i < size; i++)
		printf("%s%u,", i % 32 == 0 ? "\n\t" : "", bytes[i]);
	printf("\n};\n\n");
	js_free(ctx, bytes);
	free(text);
}

int main(int argc, char **argv)
{
	JSRuntime *rt = JS_NewRuntime();
	JSContext *ctx = rt != NULL ? JS_NewContext(rt) : NULL;

	if (ctx == NULL) {
		fprintf(stderr, "compile_lib: there is not enough memory\n");
		return 1;
	}
	JS_SetStripInfo(rt, JS_STRIP_SOURCE | JS_STRIP_DEBUG);
	JS_SetModuleLoaderFunc(rt, NULL, load_nothing, NULL);
	printf("#include \"apps/js/runtime/lib.h\"\n\n");
	for (int i = 1; i < argc; i++)
		compile(ctx, argv[i], i);
	printf("const struct js_lib js_libs[] = {\n");
	for (int i = 1; i < argc; i++)
		printf("\t{\"%s\", lib_%d, sizeof(lib_%d)},\n", base_name(argv[i]), i, i);
	printf("};\nconst size_t js_num_libs = sizeof(js_libs) / sizeof(js_libs[0]);\n");
	// Modules that were compiled and not run are nobody's: the end of this process frees them.
	return fflush(stdout) == 0 ? 0 : 1;
}
