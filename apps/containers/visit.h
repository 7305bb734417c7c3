// SPDX-License-Identifier: MIT
//
// A visit to a container that does not run: a virtual machine with its image and what it has
// written, in which nothing runs but what looks at its files. It is a container of its own that
// nobody sees (as jobs.h), and ends by itself a while after its last use.
#pragma once

#include <stdbool.h>

struct container;

// Whether it is one that nobody sees: a job, or a visit.
bool container_is_hidden(const struct container *c);
// The visit to a container, which is begun if there is none; NULL: there is no memory. Once its
// `started` is set it can be asked.
struct container *visit_get(struct container *c);
// It runs: what waits for it can be asked.
void visit_started(struct container *visit);
// Nothing is asked of it (any more): it ends unless something is, soon.
void visit_idle(struct container *visit);
// Whether the container is visited by nobody. A visit that there is ends, and container_order is
// called then if the container is to start.
bool visit_is_over(struct container *c);
// The visit has ended, and is removed.
void visit_ended(struct container *visit);
// The container is removed, or started: the visit is nobody's, and ends.
void visit_forget(struct container *c);
