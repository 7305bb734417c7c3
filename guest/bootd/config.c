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
	{ "/proc", "proc", "proc", NOSUID_NOEXEC_NODEV, NULL },
	{ "/dev", "tmpfs", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts", MS_NOSUID | MS_NOEXEC,
	  "newinstance,ptmxmode=0666,mode=0620,gid=5" },
	{ "/sys", "sysfs", "sysfs", NOSUID_NOEXEC_NODEV | MS_RDONLY, NULL },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", NOSUID_NOEXEC_NODEV | MS_RDONLY, NULL },
	{ "/dev/mqueue", "mqueue", "mqueue", NOSUID_NOEXEC_NODEV, NULL },
	{ "/dev/shm", "tmpfs", "shm", NOSUID_NOEXEC_NODEV, "mode=1777,size=65536k" },
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

static const struct {
	const char *name;
	unsigned long set;
	unsigned long clear;
} mount_options[] = {
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },
	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "bind", MS_BIND, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
	// One mount namespace that shares nothing: propagation has no meaning in the guest.
	{ "private", 0, 0 },
	{ "rprivate", 0, 0 },
	{ "slave", 0, 0 },
	{ "rslave", 0, 0 },
	{ "defaults", 0, 0 },
};

// Takes a generic option into the flags. Returns false when it is one of the file system's own.
static bool apply_option(const char *option, unsigned long *flags)
{
	for (size_t i = 0; i < sizeof(mount_options) / sizeof(mount_options[0]); i++) {
		if (strcmp(option, mount_options[i].name) == 0) {
			*flags = (*flags & ~mount_options[i].clear) | mount_options[i].set;
			return true;
		}
	}
	return false;
}

static int read_mount_options(struct config_reader *reader, const struct config_strings *options,
                              struct config_mount *mount)
{
	size_t size = 1;

	for (size_t i = 0; i < options->count; i++)
		size += strlen(options->items[i]) + 1;
	if (size > 4096)
		return failure_set(
			reader->failure, FAILURE_SETUP, -EINVAL,
			"config.json: mounts[].options for '%.200s' are longer than 4096 bytes",
			mount->destination);

	char *data = config_alloc(reader, size, 1);
	if (data == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < options->count; i++) {
		if (apply_option(options->items[i], &mount->flags))
			continue;
		if (data[0] != '\0')
			strcat(data, ",");
		strcat(data, options->items[i]);
	}
	mount->data = data[0] != '\0' ? data : NULL;
	return 0;
}

static int read_mount(struct config_reader *reader, const cJSON *item, struct config_mount *mount)
{
	struct config_strings options = { 0 };
	int error;

	if (!cJSON_IsObject(item))
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: mounts must be an array of objects");
	mount->destination = "";
	mount->type = "none";
	mount->source = "none";
	if ((error = json_string(reader, item, "mounts[].", "destination", &mount->destination)) !=
	            0 ||
	    (error = json_string(reader, item, "mounts[].", "type", &mount->type)) != 0 ||
	    (error = json_string(reader, item, "mounts[].", "source", &mount->source)) != 0 ||
	    (error = json_strings(reader, item, "mounts[].", "options", &options)) != 0)
		return error;
	if (mount->destination[0] != '/')
		return failure_set(
			reader->failure, FAILURE_SETUP, -EINVAL,
			"config.json: mounts[].destination '%.200s' must be an absolute path",
			mount->destination);
	error = read_mount_options(reader, &options, mount);
	if (error != 0)
		return error;
	if ((mount->flags & MS_BIND) != 0)
		return failure_set(
			reader->failure, FAILURE_SETUP, -ENOTSUP,
			"config.json: mounts: %.200s is a bind mount, but the guest shares no "
			"folders with its host",
			mount->destination);
	return 0;
}

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
		error = read_mount(reader, item, &config->mounts[config->num_mounts]);
		if (error != 0)
			return error;
		config->num_mounts++;
	}
	return 0;
}

// Members of an object whose key starts with `prefix`, as (rest of the key, value).
static int read_pairs(struct config_reader *reader, const cJSON *object, const char *path,
                      const char *prefix, struct config_pair **out, size_t *count)
{
	const cJSON *item;

	*out = config_alloc(reader, (size_t)cJSON_GetArraySize(object), sizeof(**out));
	if (*out == NULL)
		return -ENOMEM;
	cJSON_ArrayForEach(item, object)
	{
		if (strncmp(item->string, prefix, strlen(prefix)) != 0)
			continue;
		if (!cJSON_IsString(item))
			return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
			                   "config.json: %s.%.100s must be a string", path,
			                   item->string);
		(*out)[*count].key = item->string + strlen(prefix);
		(*out)[*count].value = item->valuestring;
		(*count)++;
	}
	return 0;
}

static int read_files(struct config_reader *reader, const cJSON *annotations)
{
	struct config *config = reader->config;
	int error = read_pairs(reader, annotations, "annotations", CONFIG_FILE_ANNOTATION,
	                       &config->files, &config->num_files);

	if (error == 0)
		error = json_string(reader, annotations, "annotations.", CONFIG_HOSTS_ANNOTATION,
		                    &config->hosts);
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

// "3" or "3:ro".
static bool is_share(const char *value)
{
	size_t digits = strspn(value, "0123456789");

	return digits > 0 && digits < 6 &&
		(value[digits] == '\0' || strcmp(value + digits, ":ro") == 0);
}

static int read_shares(struct config_reader *reader, const cJSON *annotations)
{
	struct config *config = reader->config;
	int error = read_pairs(reader, annotations, "annotations", CONFIG_SHARE_ANNOTATION,
	                       &config->shares, &config->num_shares);

	for (size_t i = 0; error == 0 && i < config->num_shares; i++) {
		if (config->shares[i].key[0] != '/' || !is_share(config->shares[i].value))
			return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
			                   "config.json: annotations: '" CONFIG_SHARE_ANNOTATION
			                   "%.200s' must name an absolute path, and be \"N\" or "
			                   "\"N:ro\"",
			                   config->shares[i].key);
	}
	return error;
}

static int read_volumes(struct config_reader *reader, cJSON *annotations)
{
	struct config_strings *volumes = &reader->config->volumes;
	const char *text = NULL;
	cJSON *list;
	int error =
		json_string(reader, annotations, "annotations.", CONTROL_VOLUMES_ANNOTATION, &text);

	if (error != 0 || text == NULL)
		return error;
	error = json_parse(reader, text, strlen(text),
	                   "config.json: annotations." CONTROL_VOLUMES_ANNOTATION, &list);
	if (error != 0)
		return error;
	// The text goes; the list is in its place as long as the config is.
	if (!cJSON_ReplaceItemInObjectCaseSensitive(annotations, CONTROL_VOLUMES_ANNOTATION,
	                                            list)) {
		cJSON_Delete(list);
		return failure_set(reader->failure, FAILURE_SETUP, -ENOMEM,
		                   "config.json: the guest is out of memory");
	}
	error = json_strings(reader, annotations, "annotations.", CONTROL_VOLUMES_ANNOTATION,
	                     volumes);
	for (size_t i = 0; error == 0 && i < volumes->count; i++) {
		if (volumes->items[i][0] != '/')
			return failure_set(
				reader->failure, FAILURE_SETUP, -EINVAL,
				"config.json: annotations: the volume '%.200s' must be an absolute path",
				volumes->items[i]);
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
	if (error == 0)
		error = read_shares(reader, annotations);
	return error != 0 ? error : read_volumes(reader, annotations);
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
	error = read_pairs(reader, object, "linux.sysctl", "", &pairs, &config->num_sysctls);
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
