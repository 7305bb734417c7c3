// SPDX-License-Identifier: MIT
//
// Between the files of processes: what is made (process.c) and how it ends (process_end.c).
#pragma once

#include "kernel/object/process.h"

// Has the worker take the process apart if it is ending and nobody is left who uses what it has:
// neither threads nor calls that build it. No lock is held.
void process_take_apart_if_over(struct process *process);
// The work of a process: closes its handles, frees its memory, and tells of its end. Consumes a
// reference. Context: the worker, once.
void process_take_apart(struct work *work);
// It is none of all processes from now on, and its name is free. No lock is held.
void process_unlist(struct process *process);
