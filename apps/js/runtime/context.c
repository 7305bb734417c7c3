// SPDX-License-Identifier: MIT
#include "apps/js/runtime/internal.h"
#include "apps/js/runtime/memory.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// What is left of the stack for C below JavaScript: natives, formatting, a backtrace.
#define STACK_RESERVE (24u * 1024)
// Memory that is given back when an app fails, for the report.
#define MEMORY_RESERVE (16ul * 1024)

struct js js;

void js_start(const struct environ *env)
{
	error_t err;

	js.env = env;
	if (env->stack_size < JS_MIN_STACK) {
		log_error("a stack of %llu bytes is too small for a script: %u are the least",
		          (unsigned long long)env->stack_size, JS_MIN_STACK);
		process_exit(1);
	}
	err = loop_init(&js.loop);
	js.rt = err == 0 ? JS_NewRuntime2(&js_memory, NULL) : NULL;
	js.ctx = js.rt != NULL ? JS_NewContext(js.rt) : NULL;
	if (js.ctx == NULL) {
		log_error("there is not enough memory for a script");
		process_exit(1);
	}
	JS_SetMaxStackSize(js.rt, env->stack_size - STACK_RESERVE);
	js.reserve = heap_alloc(MEMORY_RESERVE);
	js_modules_init();
	js_jobs_init();
}

void js_watch_begin(void)
{
	js.num_watched++;
}

void js_watch_end(void)
{
	assert(js.num_watched > 0);
	js.num_watched--;
}

void js_run(void)
{
	js_run_jobs();
	for (;;) {
		nsec_t deadline = js_timers_next();

		if (js.num_watched == 0 && deadline == NSEC_NEVER)
			return;
		// What waits for a free slot of the handle table may wait for those of garbage,
		// which the engine does not look for while the script does nothing.
		if (js.loop.num_starved > 0)
			JS_RunGC(js.rt);
		// It may be due while others keep the loop busy.
		loop_turn(&js.loop, deadline);
		if (js.has_calls) {
			js.has_calls = false;
			js_run_jobs();
		}
		js_timers_run();
	}
}
