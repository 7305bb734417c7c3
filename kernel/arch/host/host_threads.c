// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "kernel/arch/host/host_threads.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

uintptr_t host_thread_start(void *(*entry)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, entry, arg) != 0)
		abort();
	return (uintptr_t)thread;
}

void host_thread_join(uintptr_t thread)
{
	if (pthread_join((pthread_t)thread, NULL) != 0)
		abort();
}

void host_futex_wait(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

void host_futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void host_thread_pause(void)
{
	usleep(20);
}
