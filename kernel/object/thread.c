// SPDX-License-Identifier: MIT
#include "kernel/object/thread.h"

#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/vmap.h"
#include "kernel/object/process.h"
#include "kernel/object/space.h"
#include "libs/abi/poll.h"

static uint32_t next_id;
// Of threads of the kernel, and of those that are gone.
static const bool never_ending;
const struct handle_table thread_waits_for_guest;

static uint32_t thread_readiness(struct object *object)
{
	const struct thread *thread = container_of(object, struct thread, object);

	return __atomic_load_n(&thread->state, __ATOMIC_ACQUIRE) == THREAD_DEAD ? READY_CLOSED : 0;
}

// The kernel memory that a thread with an app stack of `stack_size` bytes takes.
static size_t kernel_memory(size_t stack_size)
{
	return sizeof(struct thread) + KERNEL_STACK_SIZE + vmap_tables_size(stack_size);
}

static void thread_destroy(struct object *object)
{
	struct thread *thread = container_of(object, struct thread, object);
	size_t charge = kernel_memory(thread->app_stack_size);
	struct account *account = object->account;

	object_forget(object);
	kfree(thread);
	account_uncharge(account, charge);
}

static const struct object_ops thread_ops = {
	.type = OBJECT_THREAD,
	.rights = RIGHT_READ | RIGHT_POLL | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.readiness = thread_readiness,
	.destroy = thread_destroy,
};

static void wait_timed_out(struct timer_node *node)
{
	(void)thread_unblock(container_of(node, struct thread, wait_timer), ERR_TIMED_OUT);
}

static void thread_init(struct thread *thread)
{
	object_init(&thread->object, &thread_ops);
	thread->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	thread->state = THREAD_NEW;
	thread->ending = &never_ending;
	thread->fresh = true;
	thread->hart = arch_this_hart() != NULL ? arch_this_hart()->id : 0;
	list_init(&thread->run_entry);
	list_init(&thread->process_entry);
	list_init(&thread->wait_entry);
	list_init(&thread->reap_entry);
	timer_node_init(&thread->wait_timer, wait_timed_out);
}

void thread_init_boot(struct thread *thread)
{
	thread_init(thread);
	thread->state = THREAD_RUNNING;
	thread->fresh = false;
}

error_t thread_create_kernel(void (*entry)(void *arg), void *arg, struct thread **out)
{
	struct thread *thread = kmalloc(sizeof(*thread));
	error_t error;

	if (thread == NULL)
		return ERR_NO_MEMORY;
	error = vmap_alloc_stack(KERNEL_STACK_SIZE, &thread->kernel_stack_top);
	if (error != 0) {
		kfree(thread);
		return error;
	}
	thread_init(thread);
	arch_thread_init(thread, entry, arg, 0, NULL);
	*out = thread;
	return 0;
}

// Two that are made at once may come in another order than their numbers.
static struct list *last_before_locked(struct process *process, uint32_t id)
{
	struct list *at = process->threads.prev;

	while (at != &process->threads && container_of(at, struct thread, process_entry)->id > id)
		at = at->prev;
	return at;
}

// Makes it one of the process's, unless that is ending.
static error_t process_adopt(struct process *process, struct thread *thread)
{
	error_t error = 0;

	spin_lock(&process->lock);
	if (process_is_ending(process)) {
		error = ERR_BAD_STATE;
	} else if (process->num_threads >= process->thread_limit) {
		error = ERR_LIMIT;
	} else {
		thread->process = process;
		thread->ending = &process->ending;
		object_get(&process->object);
		list_insert_after(last_before_locked(process, thread->id), &thread->process_entry);
		process->num_threads++;
		if (process->space != NULL && process->num_threads > 1)
			arch_space_set_shared(&process->space->arch, true);
	}
	spin_unlock(&process->lock);
	return error;
}

static error_t alloc_app_stack(struct process *process, struct thread *thread)
{
	uintptr_t bottom;
	error_t error;

	if (process->space == NULL)
		return vmap_alloc_stack(thread->app_stack_size, &thread->app_stack_top);
	error = space_map_zeroed(process->space, thread->app_stack_size, &bottom);
	if (error == 0)
		thread->app_stack_top = bottom + thread->app_stack_size;
	return error;
}

static void free_app_stack(struct process *process, struct thread *thread)
{
	if (process == NULL || process->space == NULL)
		vmap_free_stack(thread->app_stack_top, thread->app_stack_size);
	else
		space_unmap(process->space, thread->app_stack_top - thread->app_stack_size);
}

static void free_stacks(struct process *process, struct thread *thread)
{
	if (thread->kernel_stack_top != 0)
		vmap_free_stack(thread->kernel_stack_top, KERNEL_STACK_SIZE);
	if (thread->app_stack_top != 0)
		free_app_stack(process, thread);
	thread->kernel_stack_top = 0;
	thread->app_stack_top = 0;
}

error_t thread_create_app(struct process *process, void (*entry)(void *arg), void *arg,
                          size_t stack_size, struct thread **out)
{
	struct arch_user user;
	struct thread *thread;
	size_t charge;
	error_t error;

	if (stack_size == 0)
		stack_size = APP_DEFAULT_STACK;
	stack_size = (stack_size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	charge = kernel_memory(stack_size);
	error = account_charge(process->account, charge);
	if (error != 0)
		return error;
	error = account_charge_folio(process->account, stack_size);
	if (error != 0)
		goto out_uncharge;
	thread = kmalloc(sizeof(*thread));
	error = ERR_NO_MEMORY;
	if (thread == NULL)
		goto out_uncharge_folio;
	error = vmap_alloc_stack(KERNEL_STACK_SIZE, &thread->kernel_stack_top);
	if (error != 0)
		goto out_free;
	thread->app_stack_size = stack_size;
	error = alloc_app_stack(process, thread);
	if (error != 0) {
		thread->app_stack_top = 0;
		goto out_stacks;
	}
	thread_init(thread);
	thread->object.account = process->account;
	if (process->space != NULL)
		user = (struct arch_user){ &process->space->arch, process->code.thread_return };
	arch_thread_init(thread, entry, arg, thread->app_stack_top,
	                 process->space != NULL ? &user : NULL);
	error = process_adopt(process, thread);
	if (error != 0)
		goto out_arch;
	*out = thread;
	return 0;

out_arch:
	arch_thread_deinit(thread);
	thread->object.refs = 0;
	object_forget(&thread->object);
out_stacks:
	free_stacks(process, thread);
out_free:
	kfree(thread);
out_uncharge_folio:
	account_uncharge_folio(process->account, stack_size);
out_uncharge:
	account_uncharge(process->account, charge);
	return error;
}

void thread_reap(struct thread *thread)
{
	struct process *process = thread->process;
	size_t stack_size = thread->app_stack_size;

	timer_node_cancel(&thread->wait_timer);
	arch_thread_deinit(thread);
	free_stacks(process, thread);
	if (process != NULL) {
		account_uncharge_folio(process->account, stack_size);
		object_notify(&thread->object, READY_CLOSED);
		process_thread_gone(process, thread);
		thread->process = NULL;
		thread->ending = &never_ending;
		object_put(&process->object);
	}
	object_put(&thread->object);
}

// Asked at each VM exit: no frame of its own.
__attribute__((optimize("omit-frame-pointer"))) bool thread_should_end(void)
{
	const struct thread *thread = arch_current_thread();

	return thread != NULL && thread_is_ending(thread);
}
