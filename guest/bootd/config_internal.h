// SPDX-License-Identifier: MIT
// Shared by config.c (the config as a whole), config_process.c and config_json.c only.
#pragma once

#include <cJSON.h>

#include "guest/bootd/config.h"

struct config_reader {
	struct config *config;
	struct failure *failure;
};

// Memory that lives as long as the config, zeroed. Returns NULL (failure set) when there is none.
void *config_alloc(struct config_reader *reader, size_t count, size_t size);

// Parses text into *out, which the caller owns, refusing NULs (raw or escaped), which C strings
// would hide. Errors name it as `what`. Returns 0 or a negative errno with the failure set.
int json_parse(struct config_reader *reader, const char *text, size_t size, const char *what,
               cJSON **out);

// Member access: each returns 0 with *out set (to a default when the member is absent or null), or
// -EINVAL with the failure naming `path`, which is the object's name in messages.
int json_object(struct config_reader *reader, const cJSON *object, const char *path,
                const char *key, const cJSON **out);
int json_array(struct config_reader *reader, const cJSON *object, const char *path, const char *key,
               const cJSON **out);
int json_string(struct config_reader *reader, const cJSON *object, const char *path,
                const char *key, const char **out);
int json_bool(struct config_reader *reader, const cJSON *object, const char *path, const char *key,
              bool *out);
int json_integer(struct config_reader *reader, const cJSON *object, const char *path,
                 const char *key, int64_t min, int64_t max, int64_t *out);
int json_strings(struct config_reader *reader, const cJSON *object, const char *path,
                 const char *key, struct config_strings *out);

// Reads an OCI `process` object into config->process. Returns 0 or -EINVAL with the failure set.
int config_read_process(struct config_reader *reader, const cJSON *process);

// Reads one of `mounts` into *mount. Returns 0 or a negative errno with the failure set.
int config_read_mount(struct config_reader *reader, const cJSON *item, struct config_mount *mount);

// Members of an object whose key starts with `prefix`, as (rest of the key, value). As above.
int config_read_pairs(struct config_reader *reader, const cJSON *object, const char *path,
                      const char *prefix, struct config_pair **out, size_t *count);

// Reads the devices of `linux` and of linux.resources. As above.
int config_read_devices(struct config_reader *reader, const cJSON *linux_object);
int config_read_device_rules(struct config_reader *reader, const cJSON *resources);

// Reads what annotations mount: config->added, volumes and shm_size. As above.
int config_read_added(struct config_reader *reader, cJSON *annotations);
