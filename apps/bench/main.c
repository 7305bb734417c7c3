// SPDX-License-Identifier: MIT
#include "apps/bench/bench.h"

void bench_report(const char *name, uint64_t value)
{
	log_info("figure %s %lu", name, (unsigned long)value);
}

void bench_measure(struct bench *b, const char *name, void (*op)(void *arg),
                   void (*prepare)(void *arg), void *arg, uint64_t divisor)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < BENCH_ROUNDS; round++) {
		uint64_t start;

		if (prepare != NULL)
			prepare(arg);
		start = instret();
		op(arg);
		best = bench_min(best, instret() - start);
	}
	if (name == NULL)
		b->overhead = best;
	else
		bench_report(name, (best - b->overhead) / divisor);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void bench_main(const struct environ *env)
{
	struct bench bench = { .env = env, .system = environ_system(env) };
	struct system_info info;

	assert(system_info(bench.system, &info) == 0);
	bench_report("power_on_to_first_app", info.first_app_instret);
	// What a call through a pointer and reading the counter cost themselves.
	bench_measure(&bench, NULL, nothing, NULL, NULL, 1);
	bench_objects(&bench);
	bench_round_trips(&bench);
	bench_launch(&bench);
	bench_device(&bench);
	if (info.has_hypervisor != 0) {
		bench_vm();
		bench_vmm(info.hart_features);
	}
	log_info("bench: done");
	system_power_off(bench.system, 0);
}

APP(bench, .main = bench_main, .memory_limit = 64ul * 1024 * 1024,
    .needs = {
	    { NEED_SERVICE, "bench_peer", NULL, 0 },
	    { NEED_SYSTEM, "system", NULL, 0 },
	    { NEED_LAUNCHER, "launcher", NULL, 0 },
	    { NEED_DEVICE, BENCH_RTC, NULL, 1 },
    });
