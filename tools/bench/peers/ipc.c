// SPDX-License-Identifier: MIT
//
// What apps/bench measures, on Linux: instructions, the least of 32 rounds. Needs
// kernel.perf_user_access=2, or reading the counter faults. One hart.
#include <linux/unistd.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 32
#define WARM_UP 200  // caches, and the scheduler's idea of who is interactive
#define MAX_BYTES 4096
#define TIMER_DELAY 2000000ull

static uint64_t instret(void)
{
	uint64_t value;

	__asm__ volatile("csrr %0, instret" : "=r"(value)::"memory");
	return value;
}

static void check(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

// Two file descriptors there, two back, and how many bytes travel.
struct pair {
	int out[2];
	int in[2];
	size_t len;
	bool polled;  // each side waits in epoll before it reads
};

static void transfer(int fd, size_t len, bool write_side)
{
	static char bytes[MAX_BYTES] = { 1 };  // one, as an eventfd reads it
	size_t done = 0;

	while (done < len) {
		ssize_t n = write_side ? write(fd, bytes, len - done) : read(fd, bytes, len - done);

		check(n > 0, "transfer");
		done += (size_t)n;
	}
}

static int poll_on(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	check(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll");
	return epoll;
}

static void receive(const struct pair *p, int fd, int epoll)
{
	struct epoll_event event;

	if (p->polled)
		check(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
	transfer(fd, p->len, false);
}

static void *answer(void *arg)
{
	struct pair *p = arg;
	int epoll = poll_on(p->out[0]);

	for (int round = 0; round < WARM_UP + ROUNDS; round++) {
		receive(p, p->out[0], epoll);
		transfer(p->in[1], p->len, true);
	}
	return NULL;
}

static void round_trips(const char *name, struct pair *p, bool threads)
{
	uint64_t best = UINT64_MAX;
	int epoll = poll_on(p->in[0]);
	pthread_t thread;
	pid_t child = 0;

	if (threads) {
		check(pthread_create(&thread, NULL, answer, p) == 0, "pthread_create");
	} else {
		child = fork();
		check(child >= 0, "fork");
		if (child == 0) {
			answer(p);
			_exit(0);
		}
	}
	for (int round = 0; round < WARM_UP + ROUNDS; round++) {
		uint64_t start = instret();

		transfer(p->out[1], p->len, true);
		receive(p, p->in[0], epoll);
		start = instret() - start;
		if (round >= WARM_UP && start < best)
			best = start;
	}
	if (threads)
		pthread_join(thread, NULL);
	else
		waitpid(child, NULL, 0);
	printf("figure %s %lu\n", name, (unsigned long)best);
	close(epoll);
}

static void pipes(const char *name, size_t len, bool threads, bool polled)
{
	struct pair p = { .len = len, .polled = polled };

	check(pipe(p.out) == 0 && pipe(p.in) == 0, "pipe");
	round_trips(name, &p, threads);
	for (int i = 0; i < 2; i++) {
		close(p.out[i]);
		close(p.in[i]);
	}
}

static void eventfds(const char *name, bool threads)
{
	struct pair p = { .len = 8 };
	int there = eventfd(0, 0), back = eventfd(0, 0);

	check(there >= 0 && back >= 0, "eventfd");
	p.out[0] = p.out[1] = there;
	p.in[0] = p.in[1] = back;
	round_trips(name, &p, threads);
	close(there);
	close(back);
}

// The nearest to a channel with a poll: whole messages, an event queue on each side.
static void sockets(const char *name, size_t len)
{
	struct pair p = { .len = len, .polled = true };
	int ends[2];

	check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0, "socketpair");
	p.out[1] = p.in[0] = ends[0];
	p.out[0] = p.in[1] = ends[1];
	round_trips(name, &p, false);
	close(ends[0]);
	close(ends[1]);
}

static void null_call(void)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < WARM_UP + ROUNDS; round++) {
		uint64_t start = instret();

		syscall(__NR_getppid);
		start = instret() - start;
		best = start < best ? start : best;
	}
	printf("figure null_call %lu\n", (unsigned long)best);
}

static void pages(void)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < WARM_UP + ROUNDS; round++) {
		uint64_t start = instret();
		char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		                  -1, 0);

		check(page != MAP_FAILED, "mmap");
		*(volatile char *)page = 1;
		munmap(page, 4096);
		start = instret() - start;
		best = start < best ? start : best;
	}
	printf("figure page %lu\n", (unsigned long)best);
}

static volatile bool stop;

static void *yielder(void *arg)
{
	while (!stop)
		sched_yield();
	return arg;
}

static void switches(void)
{
	uint64_t best = UINT64_MAX;
	pthread_t thread;

	check(pthread_create(&thread, NULL, yielder, NULL) == 0, "pthread_create");
	for (int round = 0; round < WARM_UP + ROUNDS; round++) {
		uint64_t start = instret();

		sched_yield();
		start = instret() - start;
		if (round >= WARM_UP && start < best)
			best = start;
	}
	stop = true;
	pthread_join(thread, NULL);
	printf("figure thread_switch %lu\n", (unsigned long)best / 2);
}

// From a timerfd's deadline, from idle, to the return of epoll_wait. With icount the counter and
// the clock both count nanoseconds; the clock's steps are of 100.
static void timer(void)
{
	uint64_t best = UINT64_MAX;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	int epoll = poll_on(fd);

	for (int round = 0; round < ROUNDS; round++) {
		struct itimerspec at = { 0 };
		struct epoll_event event;
		uint64_t now, counter, expirations;

		clock_gettime(CLOCK_MONOTONIC, &at.it_value);
		counter = instret();
		now = (uint64_t)at.it_value.tv_sec * 1000000000u + (uint64_t)at.it_value.tv_nsec +
			TIMER_DELAY;
		at.it_value.tv_sec = (time_t)(now / 1000000000u);
		at.it_value.tv_nsec = (long)(now % 1000000000u);
		check(timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) == 0, "timerfd_settime");
		check(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
		counter = instret() - counter - TIMER_DELAY;
		best = counter < best ? counter : best;
		check(read(fd, &expirations, sizeof(expirations)) == sizeof(expirations),
		      "timerfd");
	}
	printf("figure timer_to_app %lu\n", (unsigned long)best);
}

int main(void)
{
	null_call();
	pipes("pipe_processes_1", 1, false, false);
	pipes("pipe_processes_64", 64, false, false);
	pipes("pipe_processes_4096", 4096, false, false);
	pipes("pipe_threads_1", 1, true, false);
	pipes("pipe_epoll_processes_64", 64, false, true);
	eventfds("eventfd_processes", false);
	eventfds("eventfd_threads", true);
	sockets("seqpacket_epoll_64", 64);
	sockets("seqpacket_epoll_4096", 4096);
	switches();
	pages();
	timer();
	printf("figures done\n");
	return 0;
}
