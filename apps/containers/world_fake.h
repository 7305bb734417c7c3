// SPDX-License-Identifier: MIT
//
// Those around the app `containers` for its fuzzer, over system_fake.h: the app manager, processes
// with virtual machines, `images`, the host, the servers of names and files, disks. Each plays well
// until it is told otherwise.
#pragma once

#include "libs/abi/vmm.h"
#include "libs/files/provider_fake.h"

enum world_service {
	WORLD_APPS,
	WORLD_BLKDEV,
	WORLD_HOST,
	WORLD_NAMES,
	WORLD_IMAGES,
	WORLD_VOLUMES,
	WORLD_OWN,
	WORLD_STORE,
	WORLD_SERVICES
};

#define WORLD_FILES 7u
#define WORLD_PROCESSES 4u
#define WORLD_STREAMS 8u

// A process with a virtual machine, which was asked for.
struct world_process {
	bool used;
	uint8_t token[VMM_TOKEN_SIZE];
	char app[APP_NAME_MAX];
	handle_t link, grant;
	uint8_t container[VMM_ID_SIZE];  // of its order
	struct msg_vmm_query query;      // that it was asked last
	uint32_t added;                  // process that was added last
};

struct world {
	handle_t connectors[WORLD_SERVICES];
	handle_t vmm, grants;  // services of the app
	handle_t apps, host, names, images;
	handle_t disks[2];  // sessions that the app has opened for others
	// Channels that came with messages, or went with them; the oldest are closed.
	handle_t streams[WORLD_STREAMS];
	unsigned num_streams;
	struct world_process processes[WORLD_PROCESSES];
	unsigned num_processes;
	struct provider_fake files[WORLD_FILES];
	uint32_t commit;  // id of a commit that `images` was asked for
	bool manager_refuses, host_refuses, disks_refuse;
};

extern struct world world;

// Fresh connectors. The disks stay as they are, unless `all` is to be new.
void world_begin(bool all);
// The files' servers answer. Returns whether they had something to do.
bool world_files_serve(void);
// All take what was sent to them, and answer what is to be answered.
void world_serve(void);
// What they do by themselves.
void world_images_act(uint8_t how, const uint8_t *data, size_t len);
void world_manager_acts(uint8_t how, const uint8_t *data, size_t len);
void world_vmm_acts(uint8_t how, const uint8_t *data, size_t len);
void world_grant_acts(uint8_t how, const uint8_t *data, size_t len, const char *id);
void world_host_acts(uint8_t how, const uint8_t *data, size_t len);
void world_files_act(uint8_t how);
// Somebody has the other end of a channel.
void world_keep_stream(handle_t channel);
// What is said over one of these channels; 0: over the last one.
void world_stream_says(uint8_t how, const uint8_t *data, size_t len);
// Everybody leaves.
void world_leave(void);

// --- Between its files ---

// Keeps the channels of a message; closes the rest.
void world_keep_handles(const struct message *m);
// Sends a message with a folio of these bytes as its first handle.
void world_send_with(handle_t to, struct message *m, const void *bytes, size_t len);
// What a process was sent.
void world_vmm_takes(struct world_process *process);
