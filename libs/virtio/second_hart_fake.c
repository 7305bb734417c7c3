// SPDX-License-Identifier: MIT
#include "libs/virtio/second_hart_fake.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static uint8_t *ring_memory;  // NULL: it rests; atomic
static uint32_t seed;         // atomic
static bool busy;             // atomic

static void change(uint8_t *memory, uint32_t random)
{
	// A queue's descriptors, available and used ring are 4096 bytes apart from the next one's.
	size_t at = (random >> 8) % 4 * 4096 + (random >> 12) % 2304;

	__atomic_store_n(&memory[at], (uint8_t)(random >> 24), __ATOMIC_RELAXED);
}

static void *run(void *arg)
{
	uint32_t random = 1;

	(void)arg;
	for (;;) {
		uint8_t *memory;

		// Said before the look: second_hart_stop sees it, or this sees that it is to stop.
		__atomic_store_n(&busy, true, __ATOMIC_SEQ_CST);
		memory = __atomic_load_n(&ring_memory, __ATOMIC_SEQ_CST);
		random += __atomic_load_n(&seed, __ATOMIC_RELAXED);
		for (uint32_t i = 0; memory != NULL && i < 16; i++) {
			random = random * 1664525 + 1013904223;
			change(memory, random);
		}
		__atomic_store_n(&busy, false, __ATOMIC_SEQ_CST);
		if (memory == NULL)
			usleep(100);
	}
	return NULL;
}

void second_hart_start(uint8_t *memory, uint32_t s)
{
	static bool started;
	pthread_t thread;

	if (!started && pthread_create(&thread, NULL, run, NULL) != 0)
		abort();
	started = true;
	__atomic_store_n(&seed, s, __ATOMIC_RELAXED);
	__atomic_store_n(&ring_memory, memory, __ATOMIC_SEQ_CST);
}

void second_hart_stop(void)
{
	__atomic_store_n(&ring_memory, NULL, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&busy, __ATOMIC_SEQ_CST))
		;
}
