// SPDX-License-Identifier: MIT
//
// The containers of the machine: the app's state (containers.h: what its parts do with it).
#pragma once

#include "apps/containers/archive.h"
#include "apps/containers/commit.h"
#include "apps/containers/events.h"
#include "apps/containers/exec_settings.h"
#include "apps/containers/grants.h"
#include "apps/containers/export.h"
#include "apps/containers/health.h"
#include "apps/containers/jobs.h"
#include "apps/containers/layers.h"
#include "apps/containers/links_text.h"
#include "apps/containers/logs.h"
#include "apps/containers/networks.h"
#include "apps/containers/provision.h"
#include "apps/containers/query.h"
#include "apps/containers/settings.h"
#include "apps/containers/visit.h"
#include "apps/containers/vmms_leaving.h"
#include "apps/containers/volume_sizes.h"
#include "apps/containers/volumes.h"
#include "libs/abi/containers.h"
#include "libs/abi/vmm.h"
#include "libs/base/hex.h"
#include "libs/base/list.h"
#include "libs/host/host.h"
#include "libs/json/json.h"
#include "libs/linux/image/image_index.h"
#include "libs/linux/vm/boot_disk.h"
#include "libs/requests/requests.h"
#include "libs/starina/opener.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define CONTAINER_ID_TEXT HEX_SIZE(VMM_ID_SIZE)
// Of the first 12 digits of an id.
#define SHORT_ID_TEXT 13u
#define CONTAINER_NAME_MAX 129u
#define CONTAINERS_MAX 1024u
#define CONTAINER_ERROR_MAX 256u
#define MAX_PENDING_ATTACHES 16u
#define DEFAULT_MEMORY (512ull * 1024 * 1024)
#define DEFAULT_STOP_SECONDS 10

struct containers;
struct vmm_process;

enum container_state {
	CONTAINER_CREATED = 0,
	CONTAINER_RUNNING = 1,  // from start on
	CONTAINER_EXITED = 2,
};

// Of the API's versions: answers to a wait said before that there was no error.
#define NO_ERROR_SINCE 42u

// Which end a wait is for.
enum wait_condition {
	WAIT_NOT_RUNNING = 0,
	WAIT_NEXT_EXIT = 1,
	WAIT_REMOVED = 2,
};

enum waiter_kind {
	WAITER_WAIT,   // POST wait
	WAITER_START,  // the answer to start: it runs, or what went wrong
	WAITER_STOP,   // to stop, restart and a forced removal
	WAITER_KILL,   // to kill, that is sure to end it
};

// A request that is answered later.
struct waiter {
	struct list entry;  // of the container's list
	struct client *client;
	uint32_t id;
	uint32_t minor;  // of the API's version that the client speaks
	enum waiter_kind kind;
	enum wait_condition condition;
	bool removes;   // WAITER_STOP: the container goes then
	bool restarts;  // WAITER_STOP: it is started again then
};

// Streams that wait for the container's start.
struct pending_attach {
	handle_t channel;
	struct msg_vmm_attach order;
};

struct container {
	struct containers *all;
	struct list entry;
	uint8_t id[VMM_ID_SIZE];
	char id_text[CONTAINER_ID_TEXT];
	char name[CONTAINER_NAME_MAX];
	char *body;  // heap: what it was created with, JSON
	struct settings settings;
	uint32_t job;  // of "images", which has it run; 0: it is a user's
	char job_folder[IMAGES_FILE_MAX];
	bool job_sees_layers;
	char image_id[IMAGE_ID_MAX];  // what its image's name meant; "": it is not known
	enum container_state state;
	bool started;          // its process runs
	bool start_failed;     // the last one: `error` has been told to who asked for it
	uint64_t due_signals;  // bit per number less 1: those it gets once its process runs
	bool is_stop_due;      // its time begins then, too
	int64_t due_stop_seconds;
	bool killed;          // its vmm was told to end it
	bool killed_at_once;  // with its machine; else its guest was to kill it
	nsec_t created_at;    // CLOCK_WALL
	nsec_t started_at;    // 0: never
	nsec_t starts_at;     // from when it is about to run until it runs; else 0
	nsec_t finished_at;
	int exit_code;
	char error[CONTAINER_ERROR_MAX];
	uint8_t address[4];
	uint8_t mac[NETDEV_MAC_LEN];  // that it asked for, while it runs; all zero: none
	struct string_list link_env;  // of links.c, since its start
	struct list endpoints;        // struct endpoint
	bool has_endpoints;           // its record says which
	struct port_list ports;       // of the host that lead to it, or are to
	struct provision provision;
	struct layer layer;
	struct list archives;       // struct archive: on their way
	struct container *visitor;  // while it does not run: looks at its files; NULL: none
	// Of a visit.
	bool is_visit;
	uint32_t export_number;     // export.c: it is an image only
	struct container *visited;  // NULL: it is removed
	struct source visit_source;
	struct mount_list mounts;
	bool removes_volumes;     // when it is removed: those without a name
	struct vmm_process *vmm;  // NULL: none
	struct list waiters;
	struct pending_attach attaches[MAX_PENDING_ATTACHES];
	size_t num_attaches;
	struct log_watch log;
	struct list execs;  // struct exec, oldest first
	uint32_t num_execs;
	struct health health;
	struct list queries;  // query.c
	uint32_t num_queries;
	bool paused;          // its vmm says so
	bool is_pausing;      // that was asked for
	bool is_updating;     // its guest was told of other limits, and has not answered
	handle_t stop_timer;  // HANDLE_NONE: it is not being stopped
	struct source stop_source;

	// policy.c
	bool lacked_memory;  // at its last end: `OOMKilled`
	bool stopped_by_user;
	bool starts_itself;      // and its user has not asked for it
	uint32_t restart_count;  // without its user
	nsec_t restart_delay;    // of the last one; 0: none
	handle_t restart_timer;  // HANDLE_NONE: it does not wait for its next start
	struct source restart_source;
};

struct vmm_process {
	struct containers *all;
	struct list entry;
	uint32_t request;  // to the app manager, until it has answered; 0: none
	uint8_t token[VMM_TOKEN_SIZE];
	char app[APP_NAME_MAX];  // its instance
	uint64_t memory;
	uint32_t cpus;
	enum vmm_state vm;
	uint8_t address[4];  // of its virtual machine, and the network's; all zero: none
	uint8_t gateway[4];
	uint32_t prefix_len;
	bool connected;
	struct source link;
	struct container *container;  // NULL: it waits
	bool order_sent;
	bool expected;       // to come back
	bool has_clients;    // of its streams, or may have
	nsec_t quiet_until;  // of the monotonic clock: no other is booted before, while this runs
};

struct containers {
	const struct environ *env;
	struct loop loop;
	bool has_hypervisor;
	uint32_t hart_features;
	uint64_t timebase_hz;
	uint64_t pool_size;  // virtual machines that wait
	bool has_store;
	bool knows_records;  // which lie in the store
	bool lacks_records;  // some could not be read: what is theirs is not removed as nobody's
	bool restarted;      // this app, on a machine that runs: so may what it had started

	struct list containers;  // newest first
	struct list jobs;        // containers that are not seen
	struct list creations;   // create.c
	uint32_t num_containers;
	struct list networks;
	uint32_t num_networks;
	uint32_t last_network;  // the highest number of one
	struct service_client names_client;
	struct source names;
	bool has_names;
	uint16_t last_any_port;  // ports.c
	struct request_server server;
	struct list volumes;  // struct volume, as it was last looked at
	bool keeps_volumes;   // volumes.json could not be read: it is not replaced
	struct volume_sizes sizes;
	handle_t removal_timer;  // volumes.c
	struct source removal;
	bool serves;

	struct events events;
	struct layers layers;
	struct logs logs;

	// vmms.c
	struct service_listener vmm_listener;
	struct service_listener grant_listener;
	struct list grants;      // grants.c
	struct list vmm_guests;  // struct vmm_guest: connected, and not yet known
	struct list vmms;
	struct vmms_leaving leaving;
	struct service_client manager_client;
	struct source manager;
	bool has_manager;
	uint32_t manager_requests;
	handle_t retry_timer;
	nsec_t retries_at;  // NSEC_NEVER: it is not set
	struct source retry;
	handle_t expect_timer;
	struct source expect;

	// images_link.c
	struct service_client images_client;
	struct source images_link;
	struct outbox images_outbox;
	bool follows_images;
	bool has_images;  // it is connected
	struct image_index images;
	uint64_t layers_size;  // of the layers that `images` keeps

	struct list exports;  // export.c: containers that are none
	struct list commits;  // commit.c
	uint32_t num_commits;
	uint32_t last_commit;
	size_t exec_bytes;          // exec.c
	uint32_t last_query;        // query.c
	struct list stats_readers;  // stats.c
	uint32_t num_stats_readers;

	// shutdown.c
	struct host host;
	bool stopping;  // the machine goes off
	bool stopped;   // no container runs any more

	// boot.c
	struct opener opener;
	struct disk disk;
	struct boot_disk boot;
	uint64_t guest_sector;  // of the boot disk: what guests are made of is from there on
	uint8_t *app_data;      // heap, while it is being read
	handle_t app_file;      // a folio; HANDLE_NONE: not read, or handed over
	size_t app_size;        // 0: not read
};
