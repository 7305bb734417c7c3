// SPDX-License-Identifier: MIT
#include "kernel/object/process_build.h"

#include "kernel/arch/arch.h"
#include "kernel/object/folio.h"
#include "kernel/object/space.h"
#include "kernel/object/thread.h"
#include "kernel/object/trace.h"
#include "kernel/sched/sched.h"
#include "libs/base/span.h"

error_t folio_check_source(const struct folio *folio, uint64_t offset, uint64_t len)
{
	if (folio->device || (folio->flags & FOLIO_LAZY) != 0)
		return ERR_NOT_SUPPORTED;
	// Once set, it stays.
	if (!__atomic_load_n(&folio->read_only, __ATOMIC_ACQUIRE))
		return ERR_ACCESS;
	return range_within(offset, len, folio->size) ? 0 : ERR_RANGE;
}

static error_t add_data(struct process *process, const struct process_segment *segment,
                        const struct folio *folio)
{
	const uint8_t *bytes = folio != NULL
		? (const uint8_t *)page_to_virt(folio->paddr) + segment->offset
		: NULL;
	error_t error;

	if (segment->length > segment->size)
		return ERR_INVALID;
	if (segment->size > PROCESS_DATA_MAX)
		return ERR_TOO_LARGE;
	if (folio == NULL && segment->length != 0)
		return ERR_BAD_HANDLE;
	error = account_charge_folio(process->account, segment->size);
	if (error != 0)
		return error;
	error = space_map_data(process->space, segment->address, segment->size, bytes,
	                       segment->length);
	if (error != 0)
		account_uncharge_folio(process->account, segment->size);
	return error;
}

static error_t add_shared(struct process *process, const struct process_segment *segment,
                          struct folio *folio)
{
	uint32_t prot = SPACE_READ;

	if (folio == NULL)
		return ERR_BAD_HANDLE;
	if (segment->length != segment->size || segment->offset % PAGE_SIZE != 0)
		return ERR_INVALID;
	if ((segment->prot & PROT_EXEC) != 0) {
		prot |= SPACE_EXECUTE;
		arch_space_fence_code();
	}
	return space_map_segment(process->space, segment->address, segment->size, prot, folio,
	                         segment->offset);
}

error_t process_add_segment(struct process *process, const struct process_segment *segment,
                            struct folio *folio)
{
	if (folio != NULL) {
		error_t error = folio_check_source(folio, segment->offset, segment->length);

		if (error != 0)
			return error;
	}
	switch (segment->prot) {
	case PROT_READ:
	case PROT_READ | PROT_EXEC: return add_shared(process, segment, folio);
	case PROT_READ | PROT_WRITE: return add_data(process, segment, folio);
	default: return ERR_INVALID;
	}
}

error_t process_add_runtime(struct process *process, const struct app_image *runtime)
{
	const struct user_image *program = runtime->user;
	error_t error = account_charge_folio(process->account, program->data_total);

	if (error != 0)
		return error;
	error = space_map_image(process->space, program);
	if (error != 0)
		account_uncharge_folio(process->account, program->data_total);
	else
		process->runtime = program;
	return error;
}

// --- Starting ---

static error_t check_start(const struct process_start *start, const struct folio *symbols)
{
	if (start->stack_size > APP_DEFAULT_MEMORY)
		return ERR_LIMIT;
	if (start->entry == 0 || start->entry >= USER_END || start->thread_return >= USER_END ||
	    start->text_address >= USER_END || start->text_size > USER_END - start->text_address)
		return ERR_RANGE;
	if (symbols == NULL)
		return 0;
	if (start->symbols_offset % 8 != 0)
		return ERR_INVALID;
	return folio_check_source(symbols, start->symbols_offset, start->symbols_size);
}

static void take_code(struct process *process, const struct process_start *start,
                      struct folio *symbols)
{
	process->code = (struct process_code){ .thread_return = start->thread_return,
		                               .text_address = start->text_address,
		                               .text_size = start->text_size };
	if (symbols == NULL && process->runtime != NULL) {
		process->code.text_address = process->runtime->text_address;
		process->code.text_size = process->runtime->text_size;
		process->code.symbols = process->runtime->symbols;
		process->code.symbols_size = SIZE_MAX;
	}
	if (symbols == NULL)
		return;
	process->code.symbols =
		(const uint8_t *)page_to_virt(symbols->paddr) + start->symbols_offset;
	process->code.symbols_size = start->symbols_size;
	process->code.folio = symbols;
	object_get(&symbols->object);
}

error_t process_begin(struct process *process, const struct process_start *start,
                      struct folio *symbols)
{
	struct thread *thread;
	error_t error = check_start(start, symbols);

	if (error != 0)
		return error;
	take_code(process, start, symbols);
	process->restarts = start->restarts;
	// NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the process's own
	error = thread_create_app(process, (void (*)(void *))start->entry,
	                          (void *)process->env_addr, start->stack_size, &thread);
	if (error != 0) {
		if (symbols != NULL)
			object_put(&symbols->object);
		process->code = (struct process_code){ 0 };
		return error;
	}
	process->env->stack_size = thread->app_stack_size;
	process->ended = (void (*)(struct process *))process_log_end;
	trace_seldom(LOOK_APP_START, process->id, 0);
	sched_wake(thread);
	return 0;
}
