// SPDX-License-Identifier: MIT

#include "libs/linux/lock.h"

#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

enum { LOCK_FREE = 0, LOCK_HELD = 1, LOCK_WAITED = 2 };

error_t lock_init(struct lock *lock)
{
	error_t err;

	*lock = (struct lock){0};
	err = event_create(&lock->event);
	if (err < 0)
		return err;
	err = poll_create(&lock->poll);
	if (err < 0)
		goto out_event;
	err = poll_add(lock->poll, lock->event, READY_READABLE, 0);
	if (err < 0)
		goto out_poll;
	return 0;

out_poll:
	handle_close(lock->poll);
out_event:
	handle_close(lock->event);
	return err;
}

void lock_deinit(struct lock *lock)
{
	handle_close(lock->poll);
	handle_close(lock->event);
}

void lock_acquire(struct lock *lock)
{
	uint32_t expected = LOCK_FREE;
	struct poll_event ready;
	uint64_t count;
	size_t n;

	if (__atomic_compare_exchange_n(&lock->state, &expected, LOCK_HELD, false, __ATOMIC_ACQUIRE,
	                                __ATOMIC_RELAXED))
		return;
	// Whoever had to wait takes the lock as WAITED: it cannot know that it was the last one. The event is counting,
	// so a release between our exchange and our wait is not lost, and a spurious wake-up is only another round.
	while (__atomic_exchange_n(&lock->state, LOCK_WAITED, __ATOMIC_ACQUIRE) != LOCK_FREE) {
		error_t err = poll_wait(lock->poll, &ready, 1, NSEC_NEVER, &n);

		assert(err == 0);
		err = event_take(lock->event, &count);
		assert(err == 0 || err == ERR_EMPTY);
	}
}

void lock_release(struct lock *lock)
{
	if (__atomic_exchange_n(&lock->state, LOCK_FREE, __ATOMIC_RELEASE) == LOCK_WAITED) {
		error_t err = event_signal(lock->event, 1);

		assert(err == 0);
	}
}
