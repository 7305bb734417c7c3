// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "kernel/arch/host/ram.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int file = -1;

static void *check(void *mapped)
{
	if (mapped == MAP_FAILED)
		abort();
	return mapped;
}

uint8_t *ram_create(size_t size)
{
	file = memfd_create("ram", 0);
	if (file < 0 || ftruncate(file, (off_t)size) != 0)
		abort();
	return check(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
}

uint8_t *ram_reserve(size_t size, size_t align)
{
	uint8_t *at =
		check(mmap(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	size_t before = (align - (uintptr_t)at % align) % align;

	if (before > 0)
		munmap(at, before);
	munmap(at + before + size, align - before);
	return at + before;
}

void ram_release(uintptr_t at, size_t size)
{
	munmap((void *)at, size);
}

void ram_map(uintptr_t at, size_t offset, size_t size)
{
	check(mmap((void *)at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
	           (off_t)offset));
}

void ram_unmap(uintptr_t at, size_t size)
{
	check(mmap((void *)at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

void ram_main_stack(void **bottom, size_t *size)
{
	pthread_attr_t attr;

	if (pthread_getattr_np(pthread_self(), &attr) != 0 ||
	    pthread_attr_getstack(&attr, bottom, size) != 0)
		abort();
	pthread_attr_destroy(&attr);
}
