// SPDX-License-Identifier: MIT
//
// One virtual machine and the container in it, as a process: the app's state.
#pragma once

#include "apps/vmm/detach.h"
#include "apps/vmm/log.h"
#include "libs/abi/vmm.h"
#include "libs/base/list.h"
#include "libs/linux/run/guest_container.h"
#include "libs/linux/runtime.h"
#include "libs/starina/opener.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"

// Clients of a container's streams at the same time.
#define VMM_MAX_ATTACHED 16u

// Of output, in one message.
#define VMM_PIECE_MAX (32u * 1024)

struct vmm;

// A client of the container's streams.
struct attachment {
	struct vmm *vmm;
	bool used;
	uint32_t flags;  // VMM_ATTACH_*
	struct source source;
	bool gone;              // its client; what it has typed may be left
	bool output_over;       // MSG_END was sent, or nobody reads
	bool has_unsent;        // `unsent` waits for room
	struct message unsent;  // owns its handle
	bool input_over;        // MSG_END came
	struct detach detach;
	struct payload input;     // in hand
	struct message received;  // holds its bytes when they came inline
	size_t input_done;
};

// A disk of the container's virtual machine.
struct vmm_disk {
	struct opener opener;
	char uri[OPENER_URI_MAX];
	handle_t channel;  // until the container is made
};

struct vmm {
	const struct environ *env;
	struct loop loop;
	struct linux_runtime *runtime;
	uint64_t memory;
	uint64_t cpus;

	// To `containers`.
	struct service_client client;
	struct source link;
	bool linked;
	uint32_t num_links;  // connections so far
	bool told_end;       // of the container
	uint8_t token[VMM_TOKEN_SIZE];

	// What it is told of.
	enum vmm_state state;
	int status;
	bool failed;
	bool lacked_memory;
	char error[VM_ERROR_MAX];
	uint8_t id[VMM_ID_SIZE];

	// The container.
	struct netdev_networks networks;
	uint32_t flags;  // VMM_TTY to VMM_NETWORK
	struct disk_region root;
	struct vm_share shares[VM_MAX_SHARES];  // of the virtual machine
	size_t num_shares;
	char *config;  // heap, until the container is made
	size_t config_length;
	struct vmm_disk root_disk;
	struct vmm_disk layer_disk;
	struct guest_container *container;
	bool stdin_over;
	bool paused;   // its processes stand still
	bool killed;   // what its clients do not take is dropped
	bool leaving;  // `containers` has let it go: it ends once its clients have all output

	struct vmm_log log;

	struct attachment attached[VMM_MAX_ATTACHED];
	struct list execs;  // struct exec: processes that were added, or their clients
	uint32_t num_execs;
	handle_t retry_timer;
	struct source retry;
};

// --- input.c ---

// Opens what a client has typed, in `received`, with what was held of keys before it. Nothing is
// open but with DETACH_PASS; and nothing is there when memory is out.
enum detach_verdict input_open(struct detach *detach, struct message *received,
                               struct payload *input);
// What is left of it behind the first `done` bytes.
struct span input_rest(const struct payload *input, size_t done);

// --- link.c ---

// Connects to `containers`, now and whenever it is back.
void link_start(struct vmm *vmm);
// Tells it the state.
void link_tell(struct vmm *vmm);
// Tells it what has become of an added process; `error` may be NULL.
void link_tell_process(struct vmm *vmm, uint32_t number, enum vmm_state state, int status,
                       const char *error);
// Sends it something else, which may be lost with it.
void link_send(struct vmm *vmm, struct message *m);

// --- container.c ---

// Runs a container, of the image at this path of the store (empty: of the disk "images"). The folio
// with its configuration is consumed.
void container_start(struct vmm *vmm, const struct msg_vmm_start *start, struct span image,
                     handle_t folio);
// Its disks are open, or one of them is not to be had (`text`: the provider's words, or NULL).
void container_disks_opened(struct vmm *vmm);
void container_disks_missing(struct vmm *vmm, error_t error, const char *text);
// Nothing runs, and nothing will: `error` is what went wrong.
void container_failed(struct vmm *vmm, const char *error);
// What its virtual machine is in, from now on.
void container_set_networks(struct vmm *vmm, const struct netdev_networks *networks);
void container_signal(struct vmm *vmm, uint32_t number);
// Who the container is on the network, or the virtual machine that waits for one. Returns false as
// long as it is not known, and when there is none.
__must_check bool container_network(const struct vmm *vmm, struct netdev_network *out);
// Ends the container, by its guest or (at once, or the second time) with its virtual machine; the
// process too when there is none.
void container_kill(struct vmm *vmm, bool at_once);

// --- disks.c ---

// Opens the disks of the container, whose order the vmm has: container_disks_opened comes, or
// container_disks_missing.
void disks_open(struct vmm *vmm, struct span image);
// The disk's channel, which is the caller's then; HANDLE_NONE: it is not open.
handle_t disk_take(struct vmm_disk *disk);
// A disk's provider has died (callbacks of the container, with the vmm as context).
void disks_root_lost(void *context);
void disks_layer_lost(void *context);

// --- shares.c ---

// The container's next share, before its start.
void share_add(struct vmm *vmm, const struct msg_vmm_share *message, struct span name);

// --- attach.c ---

// Makes the timer that attachments need. Errors: as timer_create's and loop_add's.
__must_check error_t attach_init(struct vmm *vmm);
// A client of the streams; its channel is consumed.
void attach_add(struct vmm *vmm, const struct msg_vmm_attach *order, handle_t channel);
// Output of the container for all who are attached. Returns how many bytes were taken: all or none.
size_t attach_output(struct vmm *vmm, enum guest_stream stream, struct span bytes);
// The container's output is wanted again, if it is.
void attach_resume(struct vmm *vmm);
// The container takes input.
void attach_input(struct vmm *vmm);
// The container has ended: so do all streams.
void attach_end(struct vmm *vmm);
// Ends the process, once the clients have taken what was written, or have gone.
void attach_leave(struct vmm *vmm);
// The same, if there is nothing more to wait for.
void attach_leave_if_done(const struct vmm *vmm);
// Output is offered again soon: there was no memory for it.
void attach_retry_later(struct vmm *vmm);

// --- frame.c ---

// Output of at most VMM_PIECE_MAX bytes as it goes to clients; valid until the next call.
struct span frame_make(bool has_terminal, enum guest_stream stream, struct span piece);

// --- exec.c ---

// Adds a process to the container. Its configuration's folio and the channel of its client
// (HANDLE_NONE: there is none) are consumed. What goes wrong is told to both.
void exec_start(struct vmm *vmm, const struct msg_vmm_exec *fixed, handle_t folio, handle_t client);
// Nothing happens to one that has ended.
void exec_signal(struct vmm *vmm, uint32_t number, uint32_t signal);
void exec_resize(struct vmm *vmm, uint32_t number, uint16_t rows, uint16_t columns);
// Output of added processes is wanted again, if it is.
void exec_resume(struct vmm *vmm);
// Whether all clients of added processes have been sent all output, or have gone.
bool exec_all_have_output(const struct vmm *vmm);

// --- query.c ---

// Asks the container's guest; the answer goes to `containers`. `tail`: the question's.
void query_ask(struct vmm *vmm, const struct msg_vmm_query *question, struct span tail);
