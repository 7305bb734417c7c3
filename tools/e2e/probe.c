// SPDX-License-Identifier: MIT
//
// The static program of the test images: does one small thing, by its first argument.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

// Writes its lines with pauses, so that a test can see them come one by one.
static int tick(int count)
{
	for (int i = 0; i < count; i++) {
		printf("tick %d\n", i);
		fflush(stdout);
		usleep(300 * 1000);
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

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	puts("waiting");
	fflush(stdout);
	while (!caught)
		pause();
	printf("signal %d\n", (int)caught);
	return 40 + caught;
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
	else if (strcmp(command, "tick") == 0)
		return tick(number);
	else if (strcmp(command, "wait") == 0)
		return await_signal();
	else
		return 64;
	return 0;
}
