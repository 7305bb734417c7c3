// SPDX-License-Identifier: MIT
// The OCI runtime-spec config.json as a whole (https://github.com/opencontainers/runtime-spec).
#include "guest/bootd/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "guest/bootd/config_internal.h"
#include "libs/linux/vm/bootd_protocol.h"

#define NOSUID_NOEXEC_NODEV (MS_NOSUID | MS_NOEXEC | MS_NODEV)

// What Docker mounts into each container.
static const struct config_mount default_mounts[] = {
	{ "/proc", "proc", "proc", NOSUID_NOEXEC_NODEV, NULL, NULL },
	{ "/dev", "tmpfs", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k", NULL },
	{ "/dev/pts", "devpts", "devpts", MS_NOSUID | MS_NOEXEC,
	  "newinstance,ptmxmode=0666,mode=0620,gid=5", NULL },
	{ "/sys", "sysfs", "sysfs", NOSUID_NOEXEC_NODEV | MS_RDONLY, NULL, NULL },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", NOSUID_NOEXEC_NODEV | MS_RDONLY, NULL, NULL },
	{ "/dev/mqueue", "mqueue", "mqueue", NOSUID_NOEXEC_NODEV, NULL, NULL },
	{ "/dev/shm", "tmpfs", "shm", NOSUID_NOEXEC_NODEV, "mode=1777,size=65536k", NULL },
};

static const char *default_masked[] = {
	"/proc/asound",
	"/proc/acpi",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/sys/firmware",
	"/sys/devices/virtual/powercap",
	NULL,
};

static const char *default_readonly[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

// Docker's: a container's network is its own, so that its users may have all ports, and may ping.
static const struct config_pair default_sysctls[] = {
	{ "net.ipv4.ip_unprivileged_port_start", "0" },
	{ "net.ipv4.ping_group_range", "0 2147483647" },
};

static int read_mounts(struct config_reader *reader)
{
	struct config *config = reader->config;
	const cJSON *array;
	const cJSON *item;
	int error = json_array(reader, config->json, "", "mounts", &array);

	if (error != 0)
		return error;

	config->default_view = array == NULL;
	size_t count = array != NULL ? (size_t)cJSON_GetArraySize(array)
				     : sizeof(default_mounts) / sizeof(default_mounts[0]);
	config->mounts = config_alloc(reader, count, sizeof(*config->mounts));
	if (config->mounts == NULL)
		return -ENOMEM;
	if (array == NULL) {
		memcpy(config->mounts, default_mounts, sizeof(default_mounts));
		config->num_mounts = count;
		return 0;
	}
	cJSON_ArrayForEach(item, array)
	{
		error = config_read_mount(reader, item, &config->mounts[config->num_mounts]);
		if (error != 0)
			return error;
		config->num_mounts++;
	}
	return 0;
}

static int read_files(struct config_reader *reader, const cJSON *annotations)
{
	struct config *config = reader->config;
	int error = config_read_pairs(reader, annotations, "annotations", CONFIG_FILE_ANNOTATION,
	                              &config->files, &config->num_files);

	if (error == 0)
		error = json_string(reader, annotations, "annotations.", CONFIG_HOSTS_ANNOTATION,
		                    &config->hosts);
	if (error == 0)
		error = json_string(reader, annotations, "annotations.",
		                    CONFIG_WHOLE_HOSTS_ANNOTATION, &config->whole_hosts);
	if (error == 0)
		error = json_string(reader, annotations, "annotations.", CONFIG_INIT_ANNOTATION,
		                    &config->init);
	for (size_t i = 0; error == 0 && i < config->num_files; i++) {
		if (config->files[i].key[0] != '/')
			return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
			                   "config.json: annotations: '" CONFIG_FILE_ANNOTATION
			                   "%.200s' must name an absolute path",
			                   config->files[i].key);
	}
	return error;
}

static int read_annotations(struct config_reader *reader)
{
	cJSON *annotations;
	int error = json_object(reader, reader->config->json, "", "annotations",
	                        (const cJSON **)&annotations);

	if (error != 0 || annotations == NULL)
		return error;
	error = read_files(reader, annotations);
	return error != 0 ? error : config_read_added(reader, annotations);
}

// linux.resources: what has a meaning for the one container of a guest.
static int read_resources(struct config_reader *reader, const cJSON *linux_object)
{
	static const char path[] = "linux.resources.";
	struct config_resources *resources = &reader->config->resources;
	int64_t memory = 0;
	int64_t pids = 0;
	int64_t quota = 0;
	int64_t period = 100000;
	const cJSON *object;
	const cJSON *group;
	int error = json_object(reader, linux_object, "linux.", "resources", &object);

	if (error != 0 || object == NULL)
		return error;
	if ((error = json_object(reader, object, path, "memory", &group)) != 0 ||
	    (group != NULL &&
	     (error = json_integer(reader, group, "linux.resources.memory.", "limit", -1,
	                           INT64_MAX / 1024, &memory)) != 0) ||
	    (error = config_read_device_rules(reader, object)) != 0 ||
	    (error = json_object(reader, object, path, "pids", &group)) != 0 ||
	    (group != NULL &&
	     (error = json_integer(reader, group, "linux.resources.pids.", "limit", -1, INT32_MAX,
	                           &pids)) != 0) ||
	    (error = json_object(reader, object, path, "cpu", &group)) != 0 ||
	    (group != NULL &&
	     ((error = json_integer(reader, group, "linux.resources.cpu.", "quota", -1, INT32_MAX,
	                            &quota)) != 0 ||
	      (error = json_integer(reader, group, "linux.resources.cpu.", "period", 1000, 1000000,
	                            &period)) != 0)))
		return error;
	// The runtime spec has -1 for unlimited, as for absent.
	resources->memory = memory > 0 ? (uint64_t)memory : 0;
	resources->pids = pids > 0 ? (uint64_t)pids : 0;
	resources->cpu_quota = quota > 0 ? (uint64_t)quota : 0;
	resources->cpu_period = (uint64_t)period;
	return 0;
}

static int read_sysctls(struct config_reader *reader, const cJSON *linux_object)
{
	struct config *config = reader->config;
	struct config_pair *pairs = NULL;
	const cJSON *object;
	int error = json_object(reader, linux_object, "linux.", "sysctl", &object);

	if (error != 0 || object == NULL)
		return error;
	config->num_sysctls = 0;
	error = config_read_pairs(reader, object, "linux.sysctl", "", &pairs, &config->num_sysctls);
	config->sysctls = pairs;
	return error;
}

static int read_linux(struct config_reader *reader)
{
	struct config *config = reader->config;
	const cJSON *object;
	int error = json_object(reader, config->json, "", "linux", &object);

	config->masked_paths.items = default_masked;
	config->masked_paths.count = sizeof(default_masked) / sizeof(default_masked[0]) - 1;
	config->readonly_paths.items = default_readonly;
	config->readonly_paths.count = sizeof(default_readonly) / sizeof(default_readonly[0]) - 1;
	config->sysctls = default_sysctls;
	config->num_sysctls = sizeof(default_sysctls) / sizeof(default_sysctls[0]);
	if (error != 0 || object == NULL)
		return error;
	config->default_view = false;
	if ((error = json_strings(reader, object, "linux.", "maskedPaths",
	                          &config->masked_paths)) != 0 ||
	    (error = json_strings(reader, object, "linux.", "readonlyPaths",
	                          &config->readonly_paths)) != 0 ||
	    (error = config_read_devices(reader, object)) != 0 ||
	    (error = read_resources(reader, object)) != 0)
		return error;
	return read_sysctls(reader, object);
}

static int read_config(struct config_reader *reader)
{
	struct config *config = reader->config;
	const cJSON *object;
	int error;

	if (!cJSON_IsObject(config->json))
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: must be an object");
	if ((error = json_object(reader, config->json, "", "process", &object)) != 0)
		return error;
	if (object == NULL)
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: process is missing");
	if ((error = config_read_process(reader, object)) != 0)
		return error;
	if ((error = json_object(reader, config->json, "", "root", &object)) != 0)
		return error;
	if (object != NULL &&
	    (error = json_bool(reader, object, "root.", "readonly", &config->readonly)) != 0)
		return error;
	if ((error = json_string(reader, config->json, "", "hostname", &config->hostname)) != 0 ||
	    (error = json_string(reader, config->json, "", "domainname", &config->domainname)) !=
	            0 ||
	    (error = read_mounts(reader)) != 0 || (error = read_annotations(reader)) != 0)
		return error;
	return read_linux(reader);
}

int config_parse(struct config *config, const char *text, size_t size, struct failure *failure)
{
	struct config_reader reader = { config, failure };

	memset(config, 0, sizeof(*config));
	int error = json_parse(&reader, text, size, "config.json", &config->json);
	if (error == 0)
		error = read_config(&reader);
	if (error != 0)
		config_deinit(config);
	return error;
}

int config_parse_process(struct config *config, const char *text, size_t size,
                         struct failure *failure)
{
	struct config_reader reader = { config, failure };

	memset(config, 0, sizeof(*config));
	int error = json_parse(&reader, text, size, "config.json", &config->json);
	if (error == 0 && !cJSON_IsObject(config->json))
		error = failure_set(failure, FAILURE_SETUP, -EINVAL, "process must be an object");
	if (error == 0)
		error = config_read_process(&reader, config->json);
	if (error != 0)
		config_deinit(config);
	return error;
}

void config_deinit(struct config *config)
{
	for (size_t i = 0; i < config->num_allocations; i++)
		free(config->allocations[i]);
	free(config->allocations);
	cJSON_Delete(config->json);
	memset(config, 0, sizeof(*config));
}
