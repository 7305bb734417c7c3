// SPDX-License-Identifier: MIT
// What bootd holds of a process of the container: descriptors of it, and of its streams.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "guest/bootd/process_init.h"
#include "libs/linux/vm/bootd_protocol.h"

#define PROCESS_NUM_STREAMS 3u

// Closes those that are not -1, and makes them so.
void fds_close(int *fds, size_t count);

// Makes the pipes of stdin, stdout and stderr, close-on-exec: bootd's ends, of which that of stdin
// does not block, and the process's. With a terminal all are -1. Returns 0, or -1 with errno and
// what was made in both arrays.
int pipes_make(int ours[PROCESS_NUM_STREAMS], int theirs[PROCESS_NUM_STREAMS], bool terminal);

// Receives a report and the descriptors that came with it, which are left alone when none did.
// Returns recvmsg(2)'s result.
ssize_t report_receive(int socket, int flags, struct report *report, int *master, int *shares);

// Waits for the process's end and closes its descriptor. Returns what a shell would say.
uint32_t pidfd_reap(int *pidfd);

// Sends a signal. Returns 0 or a negative errno (-ESRCH when the process has ended).
int pidfd_signal(int pidfd, int signal);
