// SPDX-License-Identifier: MIT
//
// What clients ask of a container's restarts and limits. Texts are Docker's.
#include "apps/containers/settings_policy.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"

#define MIN_MEMORY (32ll * 1024 * 1024)
#define MAX_MEMORY (8ll * 1024 * 1024 * 1024)
#define NANO 1000000000ll
#define MAX_CPUS 4
#define SHOWN_MAX 64

static bool is_policy(const char *name, const char *wanted)
{
	return name != NULL && strcmp(name, wanted) == 0;
}

enum restart_policy settings_policy(const char *name)
{
	if (is_policy(name, "always"))
		return POLICY_ALWAYS;
	if (is_policy(name, "unless-stopped"))
		return POLICY_UNLESS_STOPPED;
	return is_policy(name, "on-failure") ? POLICY_ON_FAILURE : POLICY_NO;
}

error_t settings_check_policy(const char *name, int64_t max, char error[static SETTINGS_ERROR_MAX])
{
	enum restart_policy policy = settings_policy(name);
	bool known = policy != POLICY_NO || name == NULL || name[0] == '\0' ||
		is_policy(name, "no");

	if (!known)
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "invalid restart policy: unknown policy '%.*s'; use one of 'no', "
		          "'always', 'on-failure', or 'unless-stopped'",
		          SHOWN_MAX, name);
	else if (policy == POLICY_ON_FAILURE && max < 0)
		str_copy(error, "invalid restart policy: maximum retry count cannot be negative",
		         SETTINGS_ERROR_MAX);
	else if (policy != POLICY_ON_FAILURE && max != 0)
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "invalid restart policy: maximum retry count can only be used with "
		          "'on-failure'%s",
		          max < 0 ? " and cannot be negative" : "");
	else
		return 0;
	return ERR_INVALID;
}

error_t settings_check_limits(int64_t memory, int64_t nano_cpus,
                              char error[static SETTINGS_ERROR_MAX])
{
	const char *wrong = NULL;

	if (memory != 0 && memory < MIN_MEMORY)
		wrong = "Minimum memory limit allowed is 32MB";
	else if (memory > MAX_MEMORY)
		wrong = "HostConfig.Memory: a virtual machine has at most 8 GiB";
	else if (nano_cpus < 0 || nano_cpus > MAX_CPUS * NANO)
		wrong = "Range of CPUs is from 0.01 to 4.00, as a virtual machine has at most 4 CPUs";
	if (wrong == NULL)
		return 0;
	str_copy(error, wrong, SETTINGS_ERROR_MAX);
	return ERR_INVALID;
}
