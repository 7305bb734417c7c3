// SPDX-License-Identifier: MIT
//
// From the first call that makes a process to that process's first instruction.
#include "apps/bench/bench.h"
#include "libs/base/string.h"
#include "libs/starina/service.h"

#define TEXT 0x10000u
#define DATA 0x20000u

// Ends with what the counter was when it began.
static const uint32_t program[] = {
	0xc0202573,  // csrr a0, instret
	0x01800893,  // li a7, process_exit
	0x00000073,  // ecall
};

// A folio with the program, to which nobody can write again.
static handle_t make_folio(void)
{
	handle_t folio;
	handle_t read_only;
	void *at;

	assert(folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0);
	assert(folio_map(folio, PROT_READ | PROT_WRITE, &at) == 0);
	memcpy(at, program, sizeof(program));
	assert(handle_duplicate(folio, RIGHTS_SAME, &read_only) == 0);
	handle_close(folio);
	return read_only;
}

// Returns how many instructions it took, modulo 2^32.
static uint32_t start_one(handle_t launcher, handle_t folio)
{
	static const struct process_options options = { .name = "made" };
	static const struct environ env;
	const struct process_start how = { .entry = TEXT };
	const struct process_segment text = { .address = TEXT,
		                              .size = PAGE_SIZE,
		                              .length = PAGE_SIZE,
		                              .folio = folio,
		                              .prot = PROT_READ | PROT_EXEC };
	const struct process_segment data = { .address = DATA,
		                              .size = PAGE_SIZE,
		                              .length = sizeof(program),
		                              .folio = folio,
		                              .prot = PROT_READ | PROT_WRITE };
	uint64_t begin = instret();
	struct process_info info;
	handle_t process;

	assert(process_create(launcher, &options, &process) == 0);
	assert(process_map(process, &text) == 0);
	assert(process_map(process, &data) == 0);
	assert(process_start(process, &how, &env) == 0);
	assert(handle_wait(process, READY_CLOSED, NSEC_NEVER) == 0);
	assert(process_info(process, &info) == 0);
	handle_close(process);
	return (uint32_t)info.status - (uint32_t)begin;
}

void bench_launch(struct bench *b)
{
	handle_t folio = make_folio();
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < BENCH_ROUNDS; round++)
		best = bench_min(best, start_one(environ_launcher(b->env), folio));
	bench_report("process_start", best);
	handle_close(folio);
}
