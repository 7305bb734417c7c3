// SPDX-License-Identifier: MIT
//
// The signals that run.sh gets: all that can be blocked, so that each is taken where the program
// can act on it, and nothing is left behind. One set a program.
#pragma once

#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/types.h>

// Blocks all signals but those that were ignored when the program started, as nohup has it: these
// stay ignored. Called once, before other descriptors are opened for it and before children, which
// start with none blocked.
void signals_block(void);

// A descriptor that signals_take() reads, for poll(2); valid after signals_block().
int signals_fd(void);

// Takes one signal. Returns false when there is none. Never blocks.
bool signals_take(struct signalfd_siginfo *info);

// Whether a signal that nobody handles ends a process.
bool signal_ends(int number);

// Stops this program when `number` is a signal that does so to one that does not handle it
// (SIGTSTP, SIGTTIN, SIGTTOU).
void signal_obey_stop(int number);

// Whether another process sent it, not the terminal or an event of our own.
bool signal_is_sent(const struct signalfd_siginfo *info);

// Blocks until the child `pid` ends, and returns its status as subprocess_wait() does. A signal
// that would end this program is passed on to the child as SIGTERM, and kept for
// signals_ended_by(). Before signals_block() it is subprocess_wait().
int signals_wait_child(pid_t pid);

// Blocks until `fd`, the read end of a pipe that the child `pid` writes to, has something to read
// or is at its end. Signals are taken as by signals_wait_child().
void signals_wait_output(pid_t pid, int fd);

// The signal that asked for the end while a child was waited for, or one that waits to be taken and
// does; 0: none.
int signals_ended_by(void);
