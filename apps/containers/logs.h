// SPDX-License-Identifier: MIT
//
// The logs of containers. Each container's vmm writes its own (libs/logs, apps/vmm/log.c); they are
// read and removed here, over one session to the state disk.
#pragma once

#include "libs/abi/vmm.h"
#include "libs/files/files.h"
#include "libs/logs/remover.h"
#include "libs/requests/requests.h"

struct container;
struct containers;

struct logs {
	struct files files;
	bool connected;       // `files` is a session
	bool proven;          // and has answered
	unsigned deaths;      // of sessions that have not, one after the other
	struct list readers;  // struct log_client
	uint32_t num_readers;
	struct log_remover remover;
};

// What a container's vmm has said of its log.
struct log_watch {
	uint64_t known;  // bytes of this run
	bool asked;      // it is to say when there is more
};

// No log is read.
void logs_init(struct containers *all);
// Removes the logs of containers that are none any more; called once the records are known.
void logs_sweep(struct containers *all);
// GET /containers/NAME/logs: a transfer; 400 (no stream is asked for), 404, 501 (nothing is kept).
void operation_logs(struct request *request);
// The same of POST attach with `logs`: what was written goes to the request's channel, which is
// attached with `flags` then, unless they are 0. Returns false, and has answered, when that cannot
// be.
bool logs_attach(struct request *request, struct container *c, const struct msg_vmm_attach *order);
// Tells a container's vmm, before its start, whether and how it logs.
void logs_order(struct container *c);
// The vmm of a container is there, or is there again, and can be asked.
void logs_ready(struct container *c);
// Asks the vmm of a container to say when there is more.
void logs_ask(struct container *c);
// Its vmm has said that there is more.
void logs_told(struct container *c, const struct msg_vmm_logged *logged);
// The container has ended: so do those who follow it, once they have all.
void logs_ended(struct container *c);
// Removes the log of a container that is none any more.
void logs_discard(struct containers *all, const char *id_text);
// The container is removed, and its log with it.
void logs_remove(struct container *c);
