// SPDX-License-Identifier: MIT
// The OCI `process` object.
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "guest/bootd/capability.h"
#include "guest/bootd/config_internal.h"
#include "libs/linux/vm/bootd_protocol.h"

#define PATH "process."
#define MAX_ID 4294967294  // (uid_t)-1 means "do not change" to the kernel

static const struct {
	const char *name;
	int resource;
} rlimit_names[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
};

const char *config_rlimit_name(int resource)
{
	for (size_t i = 0; i < sizeof(rlimit_names) / sizeof(rlimit_names[0]); i++) {
		if (rlimit_names[i].resource == resource)
			return rlimit_names[i].name;
	}
	return "?";
}

// What the Docker daemon's service unit gives it and its containers, and of pending signals more
// than the kernel derives from the guest's memory. Its defaults are Docker's for the rest.
static const struct config_rlimit default_rlimits[] = {
	{ RLIMIT_NOFILE, 1048576, 1048576 },
	{ RLIMIT_NPROC, UINT64_MAX, UINT64_MAX },
	{ RLIMIT_CORE, UINT64_MAX, UINT64_MAX },
	{ RLIMIT_SIGPENDING, UINT64_MAX, UINT64_MAX },
};

static int read_user(struct config_reader *reader, const cJSON *object)
{
	struct config_process *process = &reader->config->process;
	const cJSON *user;
	const cJSON *groups;
	const cJSON *group;
	int64_t uid = 0;
	int64_t gid = 0;
	int64_t mask = 022;
	int error;

	process->umask = 022;
	if ((error = json_object(reader, object, PATH, "user", &user)) != 0 || user == NULL)
		return error;
	if ((error = json_integer(reader, user, PATH "user.", "uid", 0, MAX_ID, &uid)) != 0 ||
	    (error = json_integer(reader, user, PATH "user.", "gid", 0, MAX_ID, &gid)) != 0 ||
	    (error = json_integer(reader, user, PATH "user.", "umask", 0, 0777, &mask)) != 0 ||
	    (error = json_string(reader, user, PATH "user.", "username", &process->username)) !=
	            0 ||
	    (error = json_strings(reader, user, PATH "user.", "groups", &process->group_names)) !=
	            0 ||
	    (error = json_array(reader, user, PATH "user.", "additionalGids", &groups)) != 0)
		return error;
	process->uid = (uid_t)uid;
	process->gid = (gid_t)gid;
	process->umask = (mode_t)mask;
	if (process->username != NULL && process->username[0] == '\0')
		process->username = NULL;
	if (groups == NULL)
		return 0;

	process->groups =
		config_alloc(reader, (size_t)cJSON_GetArraySize(groups), sizeof(*process->groups));
	if (process->groups == NULL)
		return -ENOMEM;
	cJSON_ArrayForEach(group, groups)
	{
		if (!cJSON_IsNumber(group) || !(group->valuedouble >= 0) ||
		    !(group->valuedouble <= (double)MAX_ID) ||
		    group->valuedouble != (double)(gid_t)group->valuedouble)
			return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
			                   "config.json: process.user.additionalGids must be an "
			                   "array of group numbers");
		process->groups[process->num_groups++] = (gid_t)group->valuedouble;
	}
	return 0;
}

static int read_capability_set(struct config_reader *reader, const cJSON *object, const char *key,
                               uint64_t *out)
{
	struct config_strings names = { 0 };
	int error = json_strings(reader, object, PATH "capabilities.", key, &names);

	*out = 0;
	for (size_t i = 0; error == 0 && i < names.count; i++) {
		int number = capability_from_name(names.items[i]);

		if (number < 0)
			return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
			                   "config.json: process.capabilities.%s: there is no "
			                   "capability %.40s",
			                   key, names.items[i]);
		*out |= UINT64_C(1) << number;
	}
	return error;
}

static int read_capabilities(struct config_reader *reader, const cJSON *object)
{
	struct config_process *process = &reader->config->process;
	struct config_capabilities *caps = &process->capabilities;
	const cJSON *sets;
	int error;

	process->capability_set = capability_default_set;
	if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(object, "capabilitySet"))) {
		error = read_capability_set(reader, object, "capabilitySet",
		                            &process->capability_set);
		if (error != 0)
			return error;
	}
	error = json_object(reader, object, PATH, "capabilities", &sets);
	if (error != 0 || sets == NULL)
		return error;
	process->has_capabilities = true;
	if ((error = read_capability_set(reader, sets, "bounding", &caps->bounding)) != 0 ||
	    (error = read_capability_set(reader, sets, "effective", &caps->effective)) != 0 ||
	    (error = read_capability_set(reader, sets, "permitted", &caps->permitted)) != 0 ||
	    (error = read_capability_set(reader, sets, "inheritable", &caps->inheritable)) != 0)
		return error;
	return read_capability_set(reader, sets, "ambient", &caps->ambient);
}

// RLIM_INFINITY is 2^64-1 in config.json, which a double holds only as 2^64.
static int read_rlimit_value(struct config_reader *reader, const cJSON *item, const char *key,
                             uint64_t *out)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, key);

	if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0))
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: process.rlimits[].%s must be a positive number",
		                   key);
	*out = value->valuedouble >= 18446744073709549568.0 ? UINT64_MAX
							    : (uint64_t)value->valuedouble;
	return 0;
}

static int read_rlimit(struct config_reader *reader, const cJSON *item, struct config_rlimit *out)
{
	const char *type = "";
	int error;

	if (!cJSON_IsObject(item))
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: process.rlimits must be an array of objects");
	if ((error = json_string(reader, item, PATH "rlimits[].", "type", &type)) != 0 ||
	    (error = read_rlimit_value(reader, item, "soft", &out->soft)) != 0 ||
	    (error = read_rlimit_value(reader, item, "hard", &out->hard)) != 0)
		return error;
	for (size_t i = 0; i < sizeof(rlimit_names) / sizeof(rlimit_names[0]); i++) {
		if (strcmp(type, rlimit_names[i].name) == 0) {
			out->resource = rlimit_names[i].resource;
			return 0;
		}
	}
	return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
	                   "config.json: process.rlimits: there is no limit '%.40s'", type);
}

static int read_rlimits(struct config_reader *reader, const cJSON *object)
{
	struct config_process *process = &reader->config->process;
	const cJSON *array;
	const cJSON *item;
	int error = json_array(reader, object, PATH, "rlimits", &array);

	if (error != 0)
		return error;
	if (array == NULL) {
		process->rlimits = default_rlimits;
		process->num_rlimits = sizeof(default_rlimits) / sizeof(default_rlimits[0]);
		return 0;
	}
	struct config_rlimit *limits =
		config_alloc(reader, (size_t)cJSON_GetArraySize(array), sizeof(*limits));

	if (limits == NULL)
		return -ENOMEM;
	process->rlimits = limits;
	cJSON_ArrayForEach(item, array)
	{
		error = read_rlimit(reader, item, &limits[process->num_rlimits]);
		if (error != 0)
			return error;
		process->num_rlimits++;
	}
	return 0;
}

static int read_terminal(struct config_reader *reader, const cJSON *object)
{
	struct config_process *process = &reader->config->process;
	const cJSON *size;
	int64_t rows = 0;
	int64_t columns = 0;
	int error;

	if ((error = json_bool(reader, object, PATH, "terminal", &process->terminal)) != 0 ||
	    (error = json_object(reader, object, PATH, "consoleSize", &size)) != 0 || size == NULL)
		return error;
	if ((error = json_integer(reader, size, PATH "consoleSize.", "height", 0, 65535, &rows)) !=
	    0)
		return error;
	error = json_integer(reader, size, PATH "consoleSize.", "width", 0, 65535, &columns);
	process->rows = (uint16_t)rows;
	process->columns = (uint16_t)columns;
	return error;
}

static int read_command(struct config_reader *reader, const cJSON *object)
{
	struct config_process *process = &reader->config->process;
	int error;

	process->cwd = "/";
	if ((error = json_strings(reader, object, PATH, "args", &process->args)) != 0 ||
	    (error = json_strings(reader, object, PATH, "env", &process->env)) != 0 ||
	    (error = json_string(reader, object, PATH, "cwd", &process->cwd)) != 0)
		return error;
	if (process->args.count == 0)
		return failure_set(
			reader->failure, FAILURE_SETUP, -EINVAL,
			"config.json: process.args is empty: the image names no command, "
			"so one has to be given");
	if (process->cwd[0] != '/')
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: process.cwd '%.200s' must be an absolute path",
		                   process->cwd);
	if (process->env.items == NULL) {
		process->env.items = config_alloc(reader, 1, sizeof(*process->env.items));
		if (process->env.items == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int read_builtin(struct config_reader *reader, const cJSON *object)
{
	struct config_process *process = &reader->config->process;
	const char *name = NULL;
	int error = json_string(reader, object, PATH, CONTROL_BUILTIN, &name);

	if (error != 0 || name == NULL)
		return error;
	if (strcmp(name, "archive") == 0)
		process->builtin = BUILTIN_ARCHIVE;
	else if (strcmp(name, "layer") == 0)
		process->builtin = BUILTIN_LAYER;
	else if (strcmp(name, "layer-frozen") == 0)
		process->builtin = BUILTIN_FROZEN;
	else if (strcmp(name, "pause") == 0)
		process->builtin = BUILTIN_PAUSE;
	else
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: process." CONTROL_BUILTIN " is not '%.40s'", name);
	return 0;
}

int config_read_process(struct config_reader *reader, const cJSON *object)
{
	struct config_process *process = &reader->config->process;
	int64_t oom_score_adj = -1001;
	int error;

	process->has_no_new_privileges =
		cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(object, "noNewPrivileges"));
	if ((error = read_builtin(reader, object)) != 0 ||
	    (error = read_command(reader, object)) != 0 ||
	    (error = read_terminal(reader, object)) != 0 ||
	    (error = read_user(reader, object)) != 0 ||
	    (error = read_capabilities(reader, object)) != 0 ||
	    (error = read_rlimits(reader, object)) != 0 ||
	    (error = json_bool(reader, object, PATH, "noNewPrivileges",
	                       &process->no_new_privileges)) != 0 ||
	    (error = json_integer(reader, object, PATH, "oomScoreAdj", -1000, 1000,
	                          &oom_score_adj)) != 0)
		return error;
	process->has_oom_score_adj = oom_score_adj >= -1000;
	process->oom_score_adj = (int)oom_score_adj;
	return 0;
}

const char *config_env_get(const struct config_strings *env, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], name, length) == 0 && env->items[i][length] == '=')
			return env->items[i] + length + 1;
	}
	return NULL;
}
