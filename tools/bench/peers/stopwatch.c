// SPDX-License-Identifier: MIT
//
// stopwatch TEXT COMMAND...: runs the command, passes its output on, and tells the nanoseconds from
// just before the fork to the first TEXT in the output, by the monotonic clock: instructions, under
// icount. Then it ends the command.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	char seen[65536];
	size_t len = 0;
	long long start;
	int out[2];
	pid_t child;

	if (argc < 3 || pipe(out) < 0)
		return 2;
	start = now();
	child = fork();
	if (child == 0) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		close(out[0]);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	close(out[1]);
	for (;;) {
		ssize_t n = read(out[0], seen + len, sizeof(seen) - 1 - len);

		if (n <= 0)
			break;
		if (write(1, seen + len, (size_t)n) < n)
			return 1;
		len += (size_t)n;
		seen[len] = '\0';
		if (strstr(seen, argv[1]) != NULL) {
			printf("\nstopwatch %lld ns\n", now() - start);
			kill(child, SIGKILL);
			wait(NULL);
			return 0;
		}
		if (len > sizeof(seen) / 2) {
			memmove(seen, seen + len - strlen(argv[1]), strlen(argv[1]) + 1);
			len = strlen(argv[1]);
		}
	}
	wait(NULL);
	return 1;
}
