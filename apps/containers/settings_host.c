// SPDX-License-Identifier: MIT
//
// The rows of Config and HostConfig that are about limits, names and privileges.
#include "apps/containers/settings_host.h"

#include "apps/containers/settings_fields.h"
#include "libs/starina/alloc.h"

#define AT(member) offsetof(struct settings, host.member)
#define END                                       \
	{                                         \
		NULL, FIELD_ANY, 0, 0, NULL, NULL \
	}
#define CHOICE(name)                              \
	{                                         \
		name, FIELD_ANY, 0, 0, NULL, NULL \
	}

#define REFUSED(name, why)                                                   \
	{                                                                    \
		name, FIELD_REFUSED, 0, 0, NULL, "HostConfig." name ": " why \
	}
#define CHOSEN(name, choices, why)                                             \
	{                                                                      \
		name, FIELD_CHOICE, 0, 0, choices, "HostConfig." name ": " why \
	}
#define WARNED(name, kept, why)                                   \
	{                                                         \
		name, FIELD_WARNED, AT(warnings), kept, NULL,     \
			"HostConfig." name " has no effect: " why \
	}

#define OWN_MACHINE "in its own virtual machine"
#define NO_DISK "the container has no disk of the host's to limit"
#define NO_DEVICES "the container's machine has no other devices"
#define NO_RIVAL "there is nobody in its virtual machine to share it with"
#define FOR_WINDOWS "it is for Windows"

static const struct field runtimes[] = { CHOICE("runc"), CHOICE("io.containerd.runc.v2"), END };

const struct field settings_config_rows[] = {
	{ "Domainname", FIELD_STRING, AT(domainname), 0, NULL, NULL },
	{ "NetworkDisabled", FIELD_BOOL, AT(no_network), 0, NULL, NULL },
	{ "MacAddress", FIELD_STRING, AT(mac), 0, NULL, NULL },
	// docker-py puts it here as well.
	{ "Runtime", FIELD_CHOICE, 0, 0, runtimes,
	  "Runtime: containers are run in a virtual machine each" },
	// Of an image's build.
	{ "ArgsEscaped", FIELD_ANY, 0, 0, NULL, NULL },
	{ "OnBuild", FIELD_ANY, 0, 0, NULL, NULL },
	{ "Shell", FIELD_ANY, 0, 0, NULL, NULL },
	END,
};

// The namespace of the virtual machine, which is the container's alone.
#define OF_HOST(name)                                                     \
	{                                                                 \
		"host", FIELD_WARNED, AT(warnings), 0, NULL,              \
			"HostConfig." name " host has no effect: "        \
			"the host is the container's own virtual machine" \
	}

static const struct field cgroupns_modes[] = { CHOICE("private"), OF_HOST("CgroupnsMode"), END };
static const struct field pid_modes[] = { CHOICE("private"), OF_HOST("PidMode"), END };
static const struct field uts_modes[] = { CHOICE("private"), OF_HOST("UTSMode"), END };
static const struct field ipc_modes[] = { CHOICE("private"), CHOICE("shareable"),
	                                  OF_HOST("IpcMode"), END };
static const struct field isolations[] = { CHOICE("default"), END };
static const struct field userns_modes[] = { CHOICE("host"), END };
static const struct field first_node[] = { CHOICE("0"), END };
static const struct field none[] = { END };

const struct field settings_host_rows[] = {
	{ "CapAdd", FIELD_STRINGS, AT(cap_add), 0, NULL, NULL },
	{ "CapDrop", FIELD_STRINGS, AT(cap_drop), 0, NULL, NULL },
	{ "ConsoleSize", FIELD_SIZE, AT(console_size), 0, NULL, NULL },
	{ "CpuPeriod", FIELD_NUMBER, AT(cpu_period), 0, NULL, NULL },
	{ "CpuQuota", FIELD_NUMBER, AT(cpu_quota), 0, NULL, NULL },
	{ "CpusetCpus", FIELD_STRING, AT(cpuset), 0, NULL, NULL },
	{ "Dns", FIELD_STRINGS, AT(dns), 0, NULL, NULL },
	{ "DnsOptions", FIELD_STRINGS, AT(dns_options), 0, NULL, NULL },
	{ "DnsSearch", FIELD_STRINGS, AT(dns_search), 0, NULL, NULL },
	{ "ExtraHosts", FIELD_STRINGS, AT(extra_hosts), 0, NULL, NULL },
	{ "GroupAdd", FIELD_STRINGS, AT(groups), 0, NULL, NULL },
	{ "Links", FIELD_STRINGS, AT(links), 0, NULL, NULL },
	{ "Init", FIELD_BOOL, AT(init), 0, NULL, NULL },
	{ "MaskedPaths", FIELD_STRINGS, AT(masked_paths), AT(has_masked_paths), NULL, NULL },
	{ "MemoryReservation", FIELD_NUMBER, AT(memory_reservation), 0, NULL, NULL },
	{ "MemorySwap", FIELD_NUMBER, AT(memory_swap), 0, NULL, NULL },
	{ "MemorySwappiness", FIELD_NUMBER, AT(memory_swappiness), AT(has_memory_swappiness), NULL,
	  NULL },
	{ "OomScoreAdj", FIELD_NUMBER, AT(oom_score_adj), 0, NULL, NULL },
	{ "PidsLimit", FIELD_NUMBER, AT(pids_limit), 0, NULL, NULL },
	{ "Privileged", FIELD_BOOL, AT(privileged), 0, NULL, NULL },
	{ "ReadonlyPaths", FIELD_STRINGS, AT(readonly_paths), AT(has_readonly_paths), NULL, NULL },
	{ "SecurityOpt", FIELD_STRINGS, AT(security), 0, NULL, NULL },
	{ "Sysctls", FIELD_LABELS, AT(sysctls), 0, NULL, NULL },
	// Of which only what is so anyway is to be had.
	CHOSEN("Cgroup", none, "the container has a control group of its own, " OWN_MACHINE),
	CHOSEN("CgroupnsMode", cgroupns_modes,
	       "the container has a cgroup namespace of its own, " OWN_MACHINE),
	CHOSEN("CpusetMems", first_node, "the container's virtual machine has one memory node"),
	CHOSEN("IpcMode", ipc_modes, "the container has an IPC namespace of its own, " OWN_MACHINE),
	CHOSEN("Isolation", isolations, "each container has a virtual machine of its own"),
	CHOSEN("PidMode", pid_modes, "the container has a PID namespace of its own, " OWN_MACHINE),
	CHOSEN("Runtime", runtimes, "containers are run in a virtual machine each"),
	CHOSEN("UTSMode", uts_modes, "the container has a UTS namespace of its own, " OWN_MACHINE),
	CHOSEN("UsernsMode", userns_modes,
	       "there are no user namespaces: the container has a virtual machine of its own"),
	REFUSED("BlkioDeviceReadBps", NO_DISK),
	REFUSED("BlkioDeviceReadIOps", NO_DISK),
	REFUSED("BlkioDeviceWriteBps", NO_DISK),
	REFUSED("BlkioDeviceWriteIOps", NO_DISK),
	REFUSED("BlkioWeightDevice", NO_DISK),
	REFUSED("CpuCount", FOR_WINDOWS),
	REFUSED("CpuPercent", FOR_WINDOWS),
	REFUSED("CpuRealtimePeriod", "the guest kernel has no real-time group scheduling"),
	REFUSED("CpuRealtimeRuntime", "the guest kernel has no real-time group scheduling"),
	REFUSED("DeviceRequests", NO_DEVICES),
	REFUSED("IOMaximumBandwidth", FOR_WINDOWS),
	REFUSED("IOMaximumIOps", FOR_WINDOWS),
	WARNED("BlkioWeight", AT(blkio_weight), NO_RIVAL),
	// A rule allows devices, of which the machine has none to allow.
	WARNED("DeviceCgroupRules", 0, NO_DEVICES),
	// buildx asks for one.
	WARNED("CgroupParent", 0, "the container's control group is " OWN_MACHINE),
	WARNED("CpuShares", AT(cpu_shares), NO_RIVAL),
	// With control groups of version 2 dockerd discards it as well.
	WARNED("OomKillDisable", 0,
	       "a container that waits for memory for ever can only be ended by force"),
	WARNED("KernelMemory", 0, "docker has given it up, too"),
	WARNED("KernelMemoryTCP", 0, "docker has given it up, too"),
	// The client's, or for inspect alone.
	{ "Annotations", FIELD_ANY, 0, 0, NULL, NULL },
	{ "ContainerIDFile", FIELD_ANY, 0, 0, NULL, NULL },
	END,
};

void host_settings_deinit(struct host_settings *host)
{
	struct string_list *const lists[] = {
		&host->cap_add,      &host->links,        &host->cap_drop,       &host->dns,
		&host->dns_options,  &host->dns_search,   &host->extra_hosts,    &host->groups,
		&host->security,     &host->masked_paths, &host->readonly_paths, &host->warnings,
		&host->device_paths,
	};

	heap_free(host->domainname);
	heap_free(host->mac);
	heap_free(host->cpuset);
	heap_free(host->sysctls);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		string_list_deinit(lists[i]);
	*host = (struct host_settings){ 0 };
}
