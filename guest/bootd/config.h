// SPDX-License-Identifier: MIT
// The container's configuration: what bootd uses of an OCI runtime-spec config.json.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "guest/bootd/failure.h"

// Annotations with this prefix give files that the runtime writes into the container, as Docker
// does with /etc/hosts and the like: "dev.starina.file:/etc/resolv.conf": "nameserver 10.0.2.3\n".
#define CONFIG_FILE_ANNOTATION "dev.starina.file:"

// Annotations with this prefix give which shares are mounted where: "dev.starina.share:/src": "0"
// is the share 0 of the VM's file system device; with ":ro" behind it nothing is written to it,
// with ":copy" an empty one is filled with what the image has there, with ":shared" what is mounted
// below it spreads to other mount namespaces of the guest, and with ":in=PATH" only what PATH leads
// to in it is mounted. In this order.
#define CONFIG_SHARE_ANNOTATION "dev.starina.share:"

// Annotations with this prefix give where a tmpfs is mounted, and its options:
// "dev.starina.tmpfs:/run": "noexec,size=64m".
#define CONFIG_TMPFS_ANNOTATION "dev.starina.tmpfs:"
#define CONFIG_MAX_ADDED 64

// The size of /dev/shm, in bytes.
#define CONFIG_SHM_SIZE_ANNOTATION "dev.starina.shm_size"

// Further lines of /etc/hosts, and all of it, of who knows the container's addresses.
#define CONFIG_HOSTS_ANNOTATION "dev.starina.hosts"
#define CONFIG_WHOLE_HOSTS_ANNOTATION "dev.starina.hosts.whole"

// Whether there is a process before the container's own (init_process.h): any value.
#define CONFIG_INIT_ANNOTATION "dev.starina.init"

struct cJSON;
struct control_network;

struct config_strings {
	const char **items;  // NULL-terminated, so that it can be handed to execve
	size_t count;
};

struct config_rlimit {
	int resource;
	uint64_t soft;
	uint64_t hard;
};

struct config_mount {
	const char *destination;
	const char *type;
	const char *source;
	unsigned long flags;  // MS_*
	const char *data;     // the file system's own options, or NULL
	const char *subpath;  // of CONFIG_SHARE: what of it, or NULL: all
};

#define CONFIG_TMPFS "tmpfs"
#define CONFIG_SHARE "virtiofs"
#define CONFIG_COPY "copy"

struct config_pair {
	const char *key;
	const char *value;
};

struct config_capabilities {
	uint64_t bounding;
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
	uint64_t ambient;
};

// What to execute and as whom: the OCI `process` object.
// What runs in the place of a program.
enum config_builtin {
	BUILTIN_NONE = 0,
	BUILTIN_ARCHIVE,  // archive_run, with args
	BUILTIN_LAYER,    // layer_run, with args, beside the container
	BUILTIN_FROZEN,   // the same, while all processes of the container stand still
	BUILTIN_PAUSE,    // nothing, until it is killed
};

struct config_process {
	enum config_builtin builtin;
	struct config_strings args;  // at least one
	struct config_strings env;
	const char *cwd;
	bool terminal;
	uint16_t rows;  // 0: not given
	uint16_t columns;
	const char *username;  // "user[:group]" to look up in the image, or NULL: take the numbers
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t num_groups;
	struct config_strings group_names;  // further ones, numbers too, to look up in the image
	mode_t umask;
	struct config_capabilities capabilities;
	bool has_capabilities;  // else those of the set, as Docker gives them: by the user
	uint64_t capability_set;
	bool no_new_privileges;
	bool has_no_new_privileges;  // else as the user asks for it: set for all but root
	const struct config_rlimit *rlimits;
	size_t num_rlimits;
	bool has_oom_score_adj;
	int oom_score_adj;
};

struct config_device {
	const char *path;  // in the container
	bool is_block;
	unsigned int major;
	unsigned int minor;
	mode_t mode;
};

// Limits of the container's control group; 0: none.
struct config_resources {
	uint64_t memory;      // bytes
	uint64_t pids;        // processes and threads
	uint64_t cpu_quota;   // microseconds of processor time in each cpu_period
	uint64_t cpu_period;  // microseconds
	// Rules of devices that may be opened besides docker's, as "c 10:229 rwm".
	struct config_strings devices;
};

struct config {
	struct config_process process;
	struct config_resources resources;
	bool default_view;  // mounts and everything of `linux` are as when they are absent
	bool readonly;
	const char *hostname;    // or NULL
	const char *domainname;  // or NULL
	struct config_mount *mounts;
	size_t num_mounts;
	struct config_pair *files;  // absolute path, contents
	size_t num_files;
	// Over the image and what is above, in this order: of type CONFIG_TMPFS; or CONFIG_SHARE,
	// whose source begins with its number, and whose data is CONFIG_COPY or NULL.
	struct config_mount *added;
	size_t num_added;
	uint64_t shm_size;                    // bytes of /dev/shm; 0: docker's 64 MiB
	const char *hosts;                    // lines that are added to /etc/hosts, or NULL
	const char *whole_hosts;              // all of /etc/hosts on a network, or NULL
	const char *init;                     // not NULL: with a process before the container's own
	struct config_strings volumes;        // absolute paths; writable, though the root is not
	const struct config_device *devices;  // besides docker's
	size_t num_devices;
	const struct config_pair *sysctls;
	size_t num_sysctls;
	struct config_strings masked_paths;
	struct config_strings readonly_paths;
	const struct control_network *network;  // not of config.json; NULL: there is none

	// Own the memory that the strings and arrays above point to.
	struct cJSON *json;
	void **allocations;
	size_t num_allocations;
};

// Parses a config.json of `size` bytes that nobody has checked. Docker's defaults stand in for
// absent capabilities, limits, mounts, sysctls, masked and read-only paths. Returns 0 and a config
// that config_deinit frees, or a negative errno with `failure` naming the offending member; then
// nothing needs to be freed.
int config_parse(struct config *config, const char *text, size_t size, struct failure *failure);

// Parses a lone OCI `process` object (an added process) into config->process. As config_parse.
int config_parse_process(struct config *config, const char *text, size_t size,
                         struct failure *failure);

// What config.json calls the limit `resource` of setrlimit(2), "RLIMIT_NOFILE"; it is one that the
// parser knows.
const char *config_rlimit_name(int resource);

// Frees what config_parse allocated. All strings of the config become invalid.
void config_deinit(struct config *config);

// Returns the value of `name` in an environment of "NAME=value" strings, or NULL.
const char *config_env_get(const struct config_strings *env, const char *name);
