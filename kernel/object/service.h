// SPDX-License-Identifier: MIT
//
// Services. The entry of an app of the image lives as long as the machine; the provider's process
// holds a service handle, clients hold connectors. Connecting makes a fresh channel and queues the
// provider's end; while the provider is not there it is ERR_NOT_READY.
#pragma once

#include "kernel/object/channel.h"
#include "kernel/object/handle.h"
#include "kernel/object/object.h"
#include "kernel/sched/spinlock.h"
#include "libs/abi/app.h"

#define SERVICE_MAX_PENDING 64

struct process;

struct service {
	struct object object;     // OBJECT_SERVICE, the provider's side
	struct object connector;  // OBJECT_CONNECTOR, the clients' side
	char name[ENV_NAME_MAX];
	struct spinlock lock;  // guards what follows
	bool open;             // a provider holds the service handle
	uint32_t provider;     // its process's id; 0: none, or not known

	// ring; each with a handle and a reference
	struct channel_end *pending[SERVICE_MAX_PENDING];
	uint32_t first;
	uint32_t num_pending;
	struct account *account;  // charged for it; NULL: it is of the image
	uint32_t id;
	struct list all_entry;  // in the list of all, guarded by that list's lock
};

// A service entry without a provider. It goes with the last reference to `connector`, which the
// caller has, and to `object`, of which `connector` has one. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t service_create(const char *name, struct account *account,
                                    struct service **out);
// A provider that has no handle yet is given one, in `table`, and connections are taken from now
// on. Errors: ERR_BAD_STATE (there is a provider), ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t service_give_provider(struct service *service, struct handle_table *table,
                                           handle_t *out);
// The process `provider` is about to start: connections are taken from now on. It ends with the
// last handle to the service.
void service_open(struct service *service, uint32_t provider);
// Says whose process has been given the service, for who looks.
void service_note_provider(struct service *service, uint32_t provider);
// Makes a channel charged to `account`; `*out` is the client's end, one reference, no handle yet.
// Errors: ERR_NOT_READY, ERR_FULL, ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t service_object_connect(struct service *service, struct account *account,
                                            struct channel_end **out);
// Takes the oldest connection: an end with a handle counted and a reference in it. Errors:
// ERR_EMPTY.
__must_check error_t service_object_accept(struct service *service, struct channel_end **out);

static inline struct service *service_from_object(struct object *object)
{
	return container_of(object, struct service, object);
}
static inline struct service *service_from_connector(struct object *object)
{
	return container_of(object, struct service, connector);
}
