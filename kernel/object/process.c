// SPDX-License-Identifier: MIT
#include "kernel/object/process_private.h"

#include "kernel/arch/arch.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/object/folio.h"
#include "kernel/object/space.h"
#include "kernel/object/thread.h"
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

// The program of the image, and its script if it is one.
static error_t load_image(struct process *process, const struct app_image *image)
{
	const struct user_image *user = app_image_program(image)->user;
	error_t error;

	process->code = (struct process_code){ .thread_return = user->thread_return,
		                               .text_address = user->text_address,
		                               .text_size = user->text_size,
		                               .symbols = user->symbols,
		                               .symbols_size = SIZE_MAX };
	error = space_load(process->space, user);
	if (error == 0 && user != image->user)
		error = space_load(process->space, image->user);
	return error;
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

static error_t create(const struct process_options *options, bool user, struct process **out)
{
	struct account *account =
		account_create(options->name, options->kernel_limit, options->memory_limit);
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
	process->made_at = arch_clock_now();
	str_copy(process->name, options->name, sizeof(process->name));
	spinlock_init(&process->lock, LOCK_RANK_PROCESS);
	spinlock_init(&process->end_lock, LOCK_RANK_OBJECT);
	list_init(&process->threads);
	list_init(&process->all_entry);
	list_init(&process->made_entry);
	work_init(&process->work, process_take_apart);
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

// Two that are made at once may come in another order than their numbers.
static struct list *last_before_locked(uint32_t id)
{
	struct list *at = all_processes.prev;

	while (at != &all_processes && container_of(at, struct process, all_entry)->id > id)
		at = at->prev;
	return at;
}

// Errors: ERR_EXISTS (it is a launcher's, and its name is taken).
static error_t enlist(struct process *process)
{
	error_t error = 0;

	spin_lock(&all_lock);
	if (process->launcher != NULL && name_is_taken_locked(process->name)) {
		error = ERR_EXISTS;
	} else {
		list_insert_after(last_before_locked(process->id), &process->all_entry);
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
	error = user != NULL ? load_image(process, image) : 0;
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
	// Its maker's handle: whoever finds it in the list, and closes it again, does not end it.
	(*out)->object.handles = 1;
	error = enlist(*out);
	if (error != 0)
		object_put(&(*out)->object);
	return error;
}

void process_unlist(struct process *process)
{
	spin_lock(&all_lock);
	list_remove(&process->all_entry);
	num_processes--;
	spin_unlock(&all_lock);
}

size_t process_collect(uint32_t id, struct process **out, size_t max)
{
	size_t count = 0;

	spin_lock(&all_lock);
	list_for_each(pos, &all_processes) {
		struct process *process = container_of(pos, struct process, all_entry);

		if (process->id < id)
			continue;
		if (count == max)
			break;
		object_get(&process->object);
		out[count++] = process;
	}
	spin_unlock(&all_lock);
	return count;
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
	process_take_apart_if_over(process);
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
