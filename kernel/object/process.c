// SPDX-License-Identifier: MIT
#include "kernel/object/process.h"

#include "kernel/arch/arch.h"
#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/object/folio.h"
#include "kernel/object/launcher.h"
#include "kernel/object/space.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/work.h"
#include "libs/abi/poll.h"
#include "libs/base/string.h"

static struct spinlock all_lock = { .rank = LOCK_RANK_PROCESS };
static struct list all_processes = { &all_processes, &all_processes };
static uint32_t num_processes;
static uint32_t next_id;

uint32_t process_count(void)
{
	return __atomic_load_n(&num_processes, __ATOMIC_RELAXED);
}

static unsigned env_order(void)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < sizeof(struct environ))
		order++;
	return order;
}

static size_t env_size(void)
{
	return PAGE_SIZE << env_order();
}

static error_t alloc_env(struct process *process)
{
	error_t error = account_charge(process->account, env_size());
	paddr_t env;

	if (error != 0)
		return error;
	error = page_alloc(env_order(), &env);
	if (error != 0) {
		account_uncharge(process->account, env_size());
		return error;
	}
	process->env = page_to_virt(env);
	process->env_addr = (uintptr_t)process->env;
	return 0;
}

// The address space of a user-mode process, with its environment.
static error_t make_space(struct process *process)
{
	error_t error = space_create(process->account, &process->space);

	if (error != 0)
		return error;
	process->handles.space = process->space;
	return space_map_pages(process->space, page_from_virt(process->env), env_size(),
	                       &process->env_addr);
}

static error_t load_image(struct process *process, const struct user_image *user)
{
	process->code = (struct process_code){ .thread_return = user->thread_return,
		                               .text_address = user->text_address,
		                               .text_size = user->text_size,
		                               .symbols = user->symbols,
		                               .symbols_size = SIZE_MAX };
	return space_load(process->space, user);
}

static uint32_t process_readiness(struct object *object)
{
	struct process *process = process_from_object(object);
	uint32_t ready;

	spin_lock(&process->end_lock);
	ready = process->state == PROCESS_ENDED ? READY_CLOSED : 0;
	spin_unlock(&process->end_lock);
	return ready;
}

static void process_destroy(struct object *object)
{
	struct process *process = process_from_object(object);
	struct account *account = process->account;

	if (process->handles.slots != NULL)
		handle_table_deinit(&process->handles);
	if (process->space != NULL)
		space_destroy(process->space);
	if (process->env != NULL) {
		page_free(page_from_virt(process->env), env_order());
		account_uncharge(account, env_size());
	}
	if (process->code.folio != NULL)
		object_put(&process->code.folio->object);
	object_free(object);
	account_release(account);
}

// A process that was not started and that nobody can start ends.
static void process_unnamed(struct object *object)
{
	struct process *process = process_from_object(object);

	if (process->launcher != NULL && __atomic_load_n(&process->started, __ATOMIC_ACQUIRE) == 0)
		(void)process_end_begin(process, PROCESS_END_KILLED, 0);
}

static const struct object_ops process_ops = {
	.type = OBJECT_PROCESS,
	.rights = RIGHT_READ | RIGHT_POLL | RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.readiness = process_readiness,
	.last_handle = process_unnamed,
	.destroy = process_destroy,
};

static void take_apart(struct work *work);

static error_t create(const struct process_options *options, bool user, struct process **out)
{
	struct account *account = account_create(options->kernel_limit, options->memory_limit);
	struct process *process;
	error_t error;

	if (account == NULL)
		return ERR_NO_MEMORY;
	error = object_alloc(&process_ops, sizeof(*process), account, &process);
	if (error != 0) {
		account_release(account);
		return error;
	}
	process->account = account;
	process->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	process->thread_limit = options->thread_limit;
	str_copy(process->name, options->name, sizeof(process->name));
	spinlock_init(&process->lock, LOCK_RANK_PROCESS);
	spinlock_init(&process->end_lock, LOCK_RANK_OBJECT);
	list_init(&process->threads);
	list_init(&process->all_entry);
	list_init(&process->made_entry);
	work_init(&process->work, take_apart);
	error = handle_table_init(&process->handles, options->handle_limit, account);
	if (error == 0)
		error = alloc_env(process);
	if (error == 0 && user)
		error = make_space(process);
	if (error != 0)
		object_put(&process->object);
	else
		*out = process;
	return error;
}

static bool name_is_taken_locked(const char *name)
{
	list_for_each(pos, &all_processes) {
		const struct process *process = container_of(pos, struct process, all_entry);

		if (process->launcher != NULL && strcmp(process->name, name) == 0)
			return true;
	}
	return false;
}

// Errors: ERR_EXISTS (it is a launcher's, and its name is taken).
static error_t enlist(struct process *process)
{
	error_t error = 0;

	spin_lock(&all_lock);
	if (process->launcher != NULL && name_is_taken_locked(process->name)) {
		error = ERR_EXISTS;
	} else {
		list_push_back(&all_processes, &process->all_entry);
		num_processes++;
	}
	spin_unlock(&all_lock);
	return error;
}

error_t process_create(const char *name, const struct app_image *image, uint32_t handle_limit,
                       uint64_t memory_limit, struct process **out)
{
	struct process_options options = {
		.memory_limit = memory_limit,
		.kernel_limit = memory_limit > KERNEL_MEMORY_MIN ? memory_limit : KERNEL_MEMORY_MIN,
		.handle_limit = handle_limit,
		.thread_limit = PROCESS_MAX_THREADS,
	};
	const struct user_image *user = image != NULL ? image->user : NULL;
	struct process *process;
	error_t error;

	str_copy(options.name, name, sizeof(options.name));
	error = create(&options, user != NULL, &process);
	if (error != 0)
		return error;
	process->image = image;
	error = user != NULL ? load_image(process, user) : 0;
	if (error == 0)
		error = enlist(process);
	if (error != 0)
		object_put(&process->object);
	else
		*out = process;
	return error;
}

error_t process_create_empty(const struct process_options *options, struct launcher *launcher,
                             struct process **out)
{
	error_t error = create(options, true, out);

	if (error != 0)
		return error;
	(*out)->launcher = launcher;
	error = enlist(*out);
	if (error != 0)
		object_put(&(*out)->object);
	return error;
}

bool process_name_is_taken(const char *name)
{
	bool taken;

	spin_lock(&all_lock);
	taken = name_is_taken_locked(name);
	spin_unlock(&all_lock);
	return taken;
}

struct process *process_current(void)
{
	struct thread *thread = arch_current_thread();

	return thread != NULL ? thread->process : NULL;
}

static void post_take_apart(struct process *process)
{
	if (__atomic_exchange_n(&process->apart, 1u, __ATOMIC_SEQ_CST) != 0)
		return;
	object_get(&process->object);
	work_post(&process->work);
}

// Whether nobody is left who uses what it has.
static bool is_over_locked(const struct process *process)
{
	return process_is_ending(process) && process->num_threads == 0 && process->builders == 0;
}

static void take_apart_if_over(struct process *process)
{
	bool over;

	spin_lock(&process->lock);
	over = is_over_locked(process);
	spin_unlock(&process->lock);
	if (over)
		post_take_apart(process);
}

error_t process_build_begin(struct process *process)
{
	bool can;

	spin_lock(&process->lock);
	can = process->launcher != NULL && !process_is_ending(process) &&
		__atomic_load_n(&process->started, __ATOMIC_ACQUIRE) == 0;
	if (can)
		process->builders++;
	spin_unlock(&process->lock);
	return can ? 0 : ERR_BAD_STATE;
}

error_t process_build_last(struct process *process)
{
	bool alone;

	spin_lock(&process->lock);
	// What another one gives it could be taken back while it runs.
	alone = process->builders == 1;
	if (alone)
		__atomic_store_n(&process->started, 1u, __ATOMIC_SEQ_CST);
	spin_unlock(&process->lock);
	return alone ? 0 : ERR_BAD_STATE;
}

void process_build_end(struct process *process)
{
	spin_lock(&process->lock);
	process->builders--;
	spin_unlock(&process->lock);
	take_apart_if_over(process);
}

bool process_end_begin(struct process *process, enum process_end end, int32_t status)
{
	spin_lock(&process->lock);
	if (process_is_ending(process)) {
		spin_unlock(&process->lock);
		return false;
	}
	process->end = end;
	process->status = status;
	__atomic_store_n(&process->ending, true, __ATOMIC_SEQ_CST);
	list_for_each(pos, &process->threads)
		(void)thread_unblock(container_of(pos, struct thread, process_entry),
		                     ERR_BAD_STATE);
	// One without threads has nobody to tell that it has ended.
	if (process->num_threads == 0) {
		spin_unlock(&process->lock);
		take_apart_if_over(process);
		return true;
	}
	spin_unlock(&process->lock);

	sched_check_ending();
	// Threads of it that run the app on other harts are brought into the kernel, whose exit
	// they will not pass.
	for (uint32_t i = 0; i < num_harts; i++) {
		if (&harts[i] != arch_this_hart() &&
		    __atomic_load_n(&harts[i].online, __ATOMIC_ACQUIRE))
			arch_hart_kick(i);
	}
	return true;
}

void process_fault(const char *cause, uintptr_t address, uintptr_t pc, uintptr_t fp, uintptr_t ra)
{
	struct process *process = process_current();

	kassert(process != NULL);
	if (process_end_begin(process, PROCESS_END_FAULT, 0)) {
		klog(LOG_ERROR, "%s: %s at address 0x%lx, pc 0x%lx: the app is ended",
		     process->name, cause, (unsigned long)address, (unsigned long)pc);
		if (process->space != NULL)
			process_log_backtrace(process, pc, fp, ra);
		else
			backtrace_log(process->name, pc, fp, ra);
	}
	sched_exit_current();
}

void process_thread_gone(struct process *process, struct thread *thread)
{
	bool last;

	spin_lock(&process->lock);
	list_remove(&thread->process_entry);
	process->num_threads--;
	last = process->num_threads == 0;
	if (process->space != NULL && process->num_threads == 1)
		arch_space_set_shared(&process->space->arch, false);
	spin_unlock(&process->lock);
	if (!last)
		return;
	// The end of the last thread is the end of the process, if it was not ending before.
	(void)process_end_begin(process, PROCESS_END_EXIT, 0);
	take_apart_if_over(process);
}

// A device that does not stop may write to any folio of the process, so these are never freed.
static void keep_folios(struct handle_table *table)
{
	for (uint32_t i = 1; i < table->capacity; i++) {
		if (table->slots[i].object != NULL &&
		    table->slots[i].object->ops->type == OBJECT_FOLIO)
			object_get(table->slots[i].object);
	}
}

// The worker's part: no thread is left.
static void take_apart(struct work *work)
{
	struct process *process = container_of(work, struct process, work);
	void (*ended)(struct process *) = process->ended;

	if (process->quiesce != NULL && !process->quiesce(process))
		keep_folios(&process->handles);
	handle_table_deinit(&process->handles);
	if (process->space != NULL)
		space_destroy(process->space);
	process->space = NULL;
	spin_lock(&all_lock);
	list_remove(&process->all_entry);
	num_processes--;
	spin_unlock(&all_lock);
	if (process->launcher != NULL)
		launcher_process_gone(process);
	// Before anybody else is told: who waited for the end may start the app again at once.
	if (ended != NULL)
		ended(process);
	spin_lock(&process->end_lock);
	process->state = PROCESS_ENDED;
	spin_unlock(&process->end_lock);
	object_notify(&process->object, READY_CLOSED);
	object_put(&process->object);
}

void process_log_end(const struct process *process)
{
	if (process->end == PROCESS_END_EXIT)
		klog(process->status == 0 ? LOG_INFO : LOG_WARN, "%s: ended with status %d",
		     process->name, process->status);
	else if (process->end == PROCESS_END_KILLED)
		kinfo("%s: killed", process->name);
}

void process_get_info(struct process *process, struct process_info *out)
{
	*out = (struct process_info){ .id = process->id, .restarts = process->restarts };
	spin_lock(&process->lock);
	out->end = process->end;
	out->status = process->status;
	out->threads = process->num_threads;
	list_for_each(pos, &process->threads) {
		const struct thread *thread = container_of(pos, struct thread, process_entry);

		if (__atomic_load_n(&thread->blocked, __ATOMIC_RELAXED) != 0)
			out->waiting++;
	}
	spin_unlock(&process->lock);
	spin_lock(&process->end_lock);
	out->state = process->state;
	spin_unlock(&process->end_lock);
	out->handles = process->handles.used;
	out->memory = __atomic_load_n(&process->account->folio_used, __ATOMIC_RELAXED);
	// One byte stands for the process itself.
	out->kernel_memory = __atomic_load_n(&process->account->kernel_used, __ATOMIC_RELAXED) - 1;
	memcpy(out->name, process->name, sizeof(out->name));
}

// --- Whose memory is it (debug builds, logs) ---

static bool lies_within(uintptr_t addr, size_t len, uintptr_t start, uintptr_t end)
{
	return addr >= start && addr <= end && len <= end - addr;
}

static bool owns_stack(struct process *process, uintptr_t addr, size_t len)
{
	bool found = false;

	spin_lock(&process->lock);
	list_for_each(pos, &process->threads) {
		const struct thread *thread = container_of(pos, struct thread, process_entry);

		if (lies_within(addr, len, thread->app_stack_top - thread->app_stack_size,
		                thread->app_stack_top)) {
			found = true;
			break;
		}
	}
	spin_unlock(&process->lock);
	return found;
}

static bool owns_folio(struct process *process, uintptr_t addr, size_t len, bool write)
{
	uint32_t wanted = write ? PROT_WRITE : PROT_READ;
	bool found = false;

	spin_lock(&process->handles.lock);
	for (uint32_t i = 1; i < process->handles.capacity && !found; i++) {
		const struct handle_slot *slot = &process->handles.slots[i];
		uintptr_t start;

		if (slot->object == NULL || slot->object->ops->type != OBJECT_FOLIO ||
		    (slot->mapped & wanted) == 0)
			continue;
		// Mapped already, so this cannot fail.
		if (folio_object_map(folio_from_object(slot->object), &start) == 0)
			found = lies_within(addr, len, start,
			                    start + folio_from_object(slot->object)->size);
	}
	spin_unlock(&process->handles.lock);
	return found;
}

bool process_owns(struct process *process, uintptr_t addr, size_t len, bool write)
{
	const struct app_image *image = process->image;
	uintptr_t env = (uintptr_t)process->env;

	// Its own page table says what there is.
	if (process->space != NULL)
		return addr < USER_END && len <= USER_END - addr;
	if (image != NULL) {
		if (lies_within(addr, len, (uintptr_t)image->data_start, (uintptr_t)image->bss_end))
			return true;
		if (!write &&
		    lies_within(addr, len, (uintptr_t)image->rodata_start,
		                (uintptr_t)image->rodata_end))
			return true;
	}
	return owns_stack(process, addr, len) ||
		(!write && lies_within(addr, len, env, env + sizeof(struct environ))) ||
		owns_folio(process, addr, len, write);
}

const char *process_name_of_pc(uintptr_t pc)
{
	for (size_t i = 0; i < num_app_images; i++) {
		if (pc >= (uintptr_t)app_images[i].text_start &&
		    pc < (uintptr_t)app_images[i].text_end)
			return app_images[i].spec->name;
	}
	return NULL;
}
