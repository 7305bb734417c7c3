// SPDX-License-Identifier: MIT
//
// The static program of the test images: does one small thing, by its first argument.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

// Bytes that look random and are the same each time: xorshift64*.
static int write_bytes(unsigned long count)
{
	uint64_t state = 88172645463325252ull;

	for (unsigned long i = 0; i < count; i++) {
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		putchar((int)((state * 2685821657736338717ull) >> 56));
	}
	fprintf(stderr, "wrote %lu bytes\n", count);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int copy_input(void)
{
	char block[4096];
	ssize_t length;

	while ((length = read(STDIN_FILENO, block, sizeof(block))) > 0)
		if (write(STDOUT_FILENO, block, (size_t)length) != length)
			return 1;
	return 0;
}

static int show_environment(void)
{
	char cwd[4096];

	for (char **entry = environ; *entry; entry++)
		puts(*entry);
	printf("cwd=%s\nuid=%d\ngid=%d\n", getcwd(cwd, sizeof(cwd)), (int)getuid(), (int)getgid());
	return 0;
}

// Waits for a byte of stdin after each line.
static int step(int count)
{
	char byte;

	for (int i = 0; i < count; i++) {
		printf("step %d\n", i);
		fflush(stdout);
		if (read(STDIN_FILENO, &byte, 1) != 1)
			return 1;
	}
	return 0;
}

// Writes until it cannot.
static int flood(void)
{
	while (puts("flood") >= 0 && fflush(stdout) == 0)
		;
	return 65;
}

static int show_files(char **paths)
{
	char block[4096];
	size_t length;

	for (; *paths; paths++) {
		FILE *file = fopen(*paths, "r");

		while (file && (length = fread(block, 1, sizeof(block), file)) > 0)
			fwrite(block, 1, length, stdout);
		if (!file || fclose(file) != 0)
			printf("%s: %s\n", *paths, strerror(errno));
	}
	return 0;
}

// Takes memory until there is none.
static int hoard(void)
{
	for (;;) {
		char *block = malloc(1 << 20);

		if (!block)
			return 66;
		memset(block, 1, 1 << 20);
	}
}

// Takes `count` MiB and keeps them until stdin ends.
static int hold(int count)
{
	for (int i = 0; i < count; i++) {
		char *block = malloc(1 << 20);

		if (!block)
			return 66;
		memset(block, 1, 1 << 20);
	}
	puts("holding");
	fflush(stdout);
	return copy_input();
}

static int write_file(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs("text", file) < 0 || fclose(file) != 0) {
		perror(path);
		return 1;
	}
	return 0;
}

static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
	caught = number;
}

static int await_signal(void)
{
	struct sigaction action = { .sa_handler = catch_signal };
	sigset_t both, before;

	// Blocked but while it waits: one that comes between the look and the wait is not missed.
	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, &before);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	puts("waiting");
	fflush(stdout);
	while (!caught)
		sigsuspend(&before);
	printf("signal %d\n", (int)caught);
	return 40 + caught;
}

// Tells of each signal that can be blocked, the two real-time ones too that libc keeps for itself.
// SIGTERM is the last.
static int tell_signals(void)
{
	uint64_t all = UINT64_MAX;
	int number;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(all));
	puts("waiting");
	do {
		fflush(stdout);
		number = (int)syscall(SYS_rt_sigtimedwait, &all, NULL, NULL, sizeof(all));
		printf("signal %d\n", number);
	} while (number != SIGTERM);
	return 40 + number;
}

// Each way of the kernel to a program's memory, to a place that is not for it. Counts those that
// do not end with EFAULT.
static int reach(void *place)
{
	int wrong = 0, zero = open("/dev/zero", O_RDONLY);

	if (zero < 0)
		return 100;
	wrong += read(zero, place, 64) != -1 || errno != EFAULT;
	wrong += syscall(SYS_uname, place) != -1 || errno != EFAULT;
	wrong += syscall(SYS_getcpu, place, NULL, NULL) != -1 || errno != EFAULT;
	return wrong;
}

static int reach_for_reading(const void *place)
{
	int wrong = 0, pipes[2];

	if (pipe(pipes) < 0)
		return 100;
	wrong += write(pipes[1], place, 64) != -1 || errno != EFAULT;
	wrong += syscall(SYS_openat, AT_FDCWD, place, O_RDONLY) != -1 || errno != EFAULT;
	wrong += syscall(SYS_futex, place, FUTEX_WAIT, 1, NULL, NULL, 0) != -1 || errno != EFAULT;
	return wrong;
}

// Addresses that no call takes, and what the kernel says of its harts.
static int try_addresses(char **files)
{
	char *pages = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *none[] = { (void *)8, pages, (void *)(~0ul << 31), (void *)-4096l };
	int wrong = 0;

	if (pages == MAP_FAILED)
		return 100;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		wrong += reach(none[i]) + reach_for_reading(none[i]);
	mprotect(pages, 4096, PROT_READ);
	wrong += reach(pages);
	mprotect(pages, 4096, PROT_READ | PROT_WRITE);
	wrong += syscall(SYS_getcpu, pages, NULL, NULL) != 0;
	wrong += reach(pages + 4096) + reach_for_reading(pages + 4096);
	show_files(files);
	return wrong;
}

// A variable, lest the compiler see what comes.
static const int *volatile nowhere = (const int *)8;

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "hello";
	int number = argc > 2 ? atoi(argv[2]) : 0;

	if (strcmp(command, "hello") == 0)
		puts("hello from a static program");
	else if (strcmp(command, "args") == 0)
		for (int i = 0; i < argc; i++)
			printf("%d: %s\n", i, argv[i]);
	else if (strcmp(command, "exit") == 0)
		return number;
	else if (strcmp(command, "crash") == 0)
		return *nowhere;
	else if (strcmp(command, "bytes") == 0)
		return write_bytes(strtoul(argv[2], NULL, 10));
	else if (strcmp(command, "cat") == 0)
		return copy_input();
	else if (strcmp(command, "env") == 0)
		return show_environment();
	else if (strcmp(command, "step") == 0)
		return step(number);
	else if (strcmp(command, "flood") == 0)
		return flood();
	else if (strcmp(command, "show") == 0)
		return show_files(argv + 2);
	else if (strcmp(command, "addresses") == 0)
		return try_addresses(argv + 2);
	else if (strcmp(command, "hoard") == 0)
		return hoard();
	else if (strcmp(command, "hold") == 0)
		return hold(number);
	else if (strcmp(command, "write") == 0)
		return write_file(argv[2]);
	else if (strcmp(command, "signals") == 0)
		return tell_signals();
	else if (strcmp(command, "wait") == 0)
		return await_signal();
	else
		return 64;
	return 0;
}
