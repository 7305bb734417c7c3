// SPDX-License-Identifier: MIT
#include "apps/autotest/kernel/launch.h"

#include "libs/base/string.h"

#define ECALL 0x00000073u

const uint32_t program_exits[PROGRAM_MAX] = {
	0x000205b7,  // lui a1, 0x20
	0x0005a503,  // lw a0, 0(a1)
	0x01800893,  // li a7, process_exit
	ECALL,
};
const uint32_t program_faults[PROGRAM_MAX] = {
	0x00002023,  // sw zero, 0(zero)
};
const uint32_t program_writes_text[PROGRAM_MAX] = {
	0x000105b7,  // lui a1, 0x10
	0x0005a023,  // sw zero, 0(a1)
};
const uint32_t program_runs_data[PROGRAM_MAX] = {
	0x000205b7,  // lui a1, 0x20
	0x000580e7,  // jalr a1
};
const uint32_t program_waits[PROGRAM_MAX] = {
	0xfc010113,  // addi sp, sp, -64
	0x00010513,  // mv a0, sp
	0x00600893,  // li a7, poll_create
	ECALL,
	0x00012503,  // lw a0, 0(sp)
	0x01010593,  // addi a1, sp, 16
	0x00100613,  // li a2, 1
	0xfff00693,  // li a3, NSEC_NEVER
	0x00810713,  // addi a4, sp, 8
	0x00a00893,  // li a7, poll_wait
	ECALL,
	0x00300513,  // li a0, 3
	0x01800893,  // li a7, process_exit
	ECALL,
};
const uint32_t program_answers[PROGRAM_MAX] = {
	0xfc010113,  // addi sp, sp, -64
	0x00052a03,  // lw s4, 0(a0): the environment's number of entries, not used
	0x00010593,  // again: mv a1, sp
	0x000204b7,  // lui s1, 0x20
	0x0044a503,  // lw a0, 4(s1): the service's handle
	0x01c00893,  // li a7, service_accept
	ECALL,
	0x00050863,  // beqz a0, done
	0x03100893,  // li a7, thread_yield
	ECALL,
	0xfe1ff06f,  // j again
	0x00500513,  // done: li a0, 5
	0x01800893,  // li a7, process_exit
	ECALL,
};

handle_t launch_folio(struct autotest *t, const uint32_t *program)
{
	handle_t folio = HANDLE_NONE;
	handle_t read_only = HANDLE_NONE;
	void *bytes = NULL;

	bool mapped = folio_create(2 * PAGE_SIZE, FOLIO_CONTIGUOUS, &folio) == 0 &&
		folio_map(folio, PROT_READ | PROT_WRITE, &bytes) == 0;
	expect(t, mapped);
	if (!mapped)
		return HANDLE_NONE;
	memcpy(bytes, program, PROGRAM_MAX * sizeof(*program));
	// 77, and the handle of the first thing that the process is given.
	memcpy((uint8_t *)bytes + PAGE_SIZE, (const uint32_t[]){ 77, 0x10001 }, 8);
	expect(t, handle_duplicate(folio, RIGHTS_SAME, &read_only) == 0);
	handle_close(folio);
	return read_only;
}

handle_t launch_make(struct autotest *t, const char *name, handle_t folio)
{
	struct process_options options = { .memory_limit = 1 << 20 };
	struct process_segment text = { .address = PROGRAM_TEXT,
		                        .size = PAGE_SIZE,
		                        .length = PAGE_SIZE,
		                        .folio = folio,
		                        .prot = PROT_READ | PROT_EXEC };
	struct process_segment data = { .address = PROGRAM_DATA,
		                        .size = PAGE_SIZE,
		                        .offset = PAGE_SIZE,
		                        .length = 64,
		                        .folio = folio,
		                        .prot = PROT_READ | PROT_WRITE };
	handle_t process = HANDLE_NONE;

	str_copy(options.name, name, sizeof(options.name));
	expect(t, process_create(environ_launcher(t->env), &options, &process) == 0);
	expect(t, process_map(process, &text) == 0);
	expect(t, process_map(process, &data) == 0);
	return process;
}

error_t launch_start(handle_t process)
{
	static const struct environ env;
	const struct process_start start = { .entry = PROGRAM_TEXT };

	return process_start(process, &start, &env);
}

handle_t launch(struct autotest *t, const char *name, const uint32_t *program)
{
	handle_t folio = launch_folio(t, program);
	handle_t process = launch_make(t, name, folio);

	expect(t, launch_start(process) == 0);
	handle_close(folio);
	return process;
}

struct process_info launch_end(struct autotest *t, handle_t process)
{
	struct process_info info = { 0 };

	expect(t, handle_wait(process, READY_CLOSED, test_deadline()) == 0);
	expect(t, process_info(process, &info) == 0);
	handle_close(process);
	return info;
}
