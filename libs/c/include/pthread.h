// SPDX-License-Identifier: MIT
//
// What code asks of POSIX threads that has locks but runs in one thread: a lock is free, or its
// holder waits for itself. There is nobody to make threads for, and nobody who would signal a
// condition.
#pragma once

#include <errno.h>
#include <time.h>

typedef struct {
	int held;
} pthread_mutex_t;
typedef struct {
	int unused;
} pthread_cond_t;
typedef int pthread_mutexattr_t;
typedef int pthread_condattr_t;

#define PTHREAD_MUTEX_INITIALIZER \
	{                         \
		0                 \
	}
#define PTHREAD_COND_INITIALIZER \
	{                        \
		0                \
	}

// As POSIX has them. A lock that is taken twice, and a wait for a condition, which nobody would
// end, are faults.
int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr);
int pthread_mutex_destroy(pthread_mutex_t *mutex);
int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_trylock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);
int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr);
int pthread_cond_destroy(pthread_cond_t *cond);
int pthread_cond_signal(pthread_cond_t *cond);
int pthread_cond_broadcast(pthread_cond_t *cond);
int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
// Waits until `deadline` on CLOCK_REALTIME. Errors: ETIMEDOUT, always.
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *deadline);
