// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "libs/c/system.h"
#include "libs/starina/log.h"

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
	(void)attr;
	mutex->held = 0;
	return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	(void)mutex;
	return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	assert(!mutex->held);
	mutex->held = 1;
	return 0;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	if (mutex->held)
		return EBUSY;
	mutex->held = 1;
	return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	mutex->held = 0;
	return 0;
}

int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
	(void)cond;
	(void)attr;
	return 0;
}

int pthread_cond_destroy(pthread_cond_t *cond)
{
	(void)cond;
	return 0;
}

int pthread_cond_signal(pthread_cond_t *cond)
{
	(void)cond;
	return 0;
}

int pthread_cond_broadcast(pthread_cond_t *cond)
{
	(void)cond;
	return 0;
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	(void)cond;
	(void)mutex;
	assert_failed("a condition that nobody can signal", __FILE__, __LINE__);
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *deadline)
{
	struct timespec now;

	(void)cond;
	(void)mutex;
	do {
		system_yield();
		if (clock_gettime(CLOCK_REALTIME, &now) != 0)
			return EINVAL;
	} while (now.tv_sec < deadline->tv_sec ||
	         (now.tv_sec == deadline->tv_sec && now.tv_nsec < deadline->tv_nsec));
	return ETIMEDOUT;
}
