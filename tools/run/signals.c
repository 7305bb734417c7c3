// SPDX-License-Identifier: MIT
#include "tools/run/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/common/subprocess.h"

#define NUM_SIGNALS 64
#define BIT(number) ((uint64_t)1 << ((number)-1))

static int signal_fd = -1;
static int ended_by;

// As the kernel has it: libc leaves two real-time signals out of its sets.
static uint64_t wanted_signals(void)
{
	uint64_t set = ~(BIT(SIGKILL) | BIT(SIGSTOP));
	struct sigaction action;

	for (int number = 1; number <= NUM_SIGNALS; number++) {
		// Writing to a closed pipe is an error for us, so SIGPIPE is ignored in any case.
		if (number != SIGPIPE && sigaction(number, NULL, &action) == 0 &&
		    action.sa_handler == SIG_IGN)
			set &= ~BIT(number);
	}
	return set;
}

void signals_block(void)
{
	uint64_t set = wanted_signals();

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, sizeof(set));
	signal_fd = (int)syscall(SYS_signalfd4, -1, &set, sizeof(set), SFD_NONBLOCK | SFD_CLOEXEC);
}

int signals_fd(void)
{
	return signal_fd;
}

bool signals_take(struct signalfd_siginfo *info)
{
	ssize_t length;

	do
		length = read(signal_fd, info, sizeof(*info));
	while (length < 0 && errno == EINTR);
	return length == (ssize_t)sizeof(*info);
}

static bool signal_stops(int number)
{
	return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

bool signal_ends(int number)
{
	return !signal_stops(number) && number != SIGCHLD && number != SIGCONT &&
		number != SIGURG && number != SIGWINCH;
}

void signal_obey_stop(int number)
{
	if (signal_stops(number))
		kill(getpid(), SIGSTOP);
}

bool signal_is_sent(const struct signalfd_siginfo *info)
{
	// A write to a closed pipe raises SIGPIPE in our own name.
	return info->ssi_code <= SI_USER && info->ssi_pid != (uint32_t)getpid();
}

static void take_while_waiting(pid_t pid)
{
	struct signalfd_siginfo info;

	while (signals_take(&info)) {
		int number = (int)info.ssi_signo;
		bool ends = signal_ends(number) && (number != SIGPIPE || signal_is_sent(&info));

		if (ends && ended_by == 0)
			ended_by = number;
		if (ends && pid > 0)
			kill(pid, SIGTERM);
		signal_obey_stop(number);
	}
}

void signals_wait_output(pid_t pid, int fd)
{
	struct pollfd entries[] = { { .fd = fd, .events = POLLIN },
		                    { .fd = signal_fd, .events = POLLIN } };

	while (poll(entries, 2, -1) >= 0 && entries[0].revents == 0)
		take_while_waiting(pid);
}

int signals_wait_child(pid_t pid)
{
	struct pollfd entry = { .fd = signal_fd, .events = POLLIN };
	int status;

	if (signal_fd < 0)
		return subprocess_wait(pid);
	// SIGCHLD is among the signals, and comes after the child has ended.
	while ((status = subprocess_poll(pid)) < 0) {
		poll(&entry, 1, -1);
		take_while_waiting(pid);
	}
	return status;
}

int signals_ended_by(void)
{
	if (signal_fd >= 0)
		take_while_waiting(-1);
	return ended_by;
}
