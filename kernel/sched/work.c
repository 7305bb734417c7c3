// SPDX-License-Identifier: MIT
#include "kernel/sched/work.h"

#include "kernel/debug/panic.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

static struct spinlock work_lock = { .rank = LOCK_RANK_SERVICE };
static struct list work_list = { &work_list, &work_list };
static struct list dead_threads = { &dead_threads, &dead_threads };
static struct wait_queue worker_queue = { { &worker_queue.threads, &worker_queue.threads } };

void work_init(struct work *work, void (*run)(struct work *work))
{
	list_init(&work->entry);
	work->run = run;
}

void work_post(struct work *work)
{
	spin_lock(&work_lock);
	if (list_is_empty(&work->entry))
		list_push_back(&work_list, &work->entry);
	wait_queue_wake_one(&worker_queue);
	spin_unlock(&work_lock);
}

void work_post_thread(struct thread *thread)
{
	spin_lock(&work_lock);
	list_push_back(&dead_threads, &thread->reap_entry);
	wait_queue_wake_one(&worker_queue);
	spin_unlock(&work_lock);
}

static struct list *take(struct list *list)
{
	struct list *entry;

	spin_lock(&work_lock);
	entry = list_pop_front(list);
	spin_unlock(&work_lock);
	return entry;
}

// Frees the dead threads that have left their harts; the others stay. Returns whether any stayed.
static bool reap_threads(void)
{
	struct list stay;
	struct list *entry;
	bool any;

	list_init(&stay);
	while ((entry = take(&dead_threads)) != NULL) {
		struct thread *thread = container_of(entry, struct thread, reap_entry);

		if (sched_has_left(thread))
			thread_reap(thread);
		else
			list_push_back(&stay, entry);
	}
	any = !list_is_empty(&stay);
	spin_lock(&work_lock);
	while ((entry = list_pop_front(&stay)) != NULL)
		list_push_back(&dead_threads, entry);
	spin_unlock(&work_lock);
	return any;
}

// Does what is posted now.
static void run_posted(void)
{
	struct list *entry;

	(void)reap_threads();
	while ((entry = take(&work_list)) != NULL) {
		struct work *work = container_of(entry, struct work, entry);

		work->run(work);
		sched_send_kicks();
	}
}

static void worker_main(void *arg)
{
	(void)arg;
	sched_started();
	for (;;) {
		run_posted();
		spin_lock(&work_lock);
		if (!list_is_empty(&work_list)) {
			spin_unlock(&work_lock);
		} else if (!list_is_empty(&dead_threads)) {
			// Somebody is on the way out: look again soon.
			(void)wait_queue_wait(&worker_queue, &work_lock,
			                      arch_clock_now() + NSEC_PER_MSEC);
		} else {
			(void)wait_queue_wait(&worker_queue, &work_lock, NSEC_NEVER);
		}
	}
}

void work_start(void)
{
	struct thread *worker;

	if (thread_create_kernel(worker_main, NULL, &worker) != 0)
		panic("no memory for the worker thread");
	sched_wake(worker);
}
