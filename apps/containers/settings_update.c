// SPDX-License-Identifier: MIT
//
// Texts are Docker's where it has some.
#include "apps/containers/settings_update.h"

#include "apps/containers/settings_check.h"
#include "apps/containers/settings_fields.h"
#include "apps/containers/settings_policy.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define NANO 1000000000ll
#define CPU_PERIOD 100000ll  // microseconds
#define CPU_QUOTA_MIN 1000ll

#define AT(member) offsetof(struct settings_update, member)
#define WARNED(name, kept, why)                                                           \
	{                                                                                 \
		name, FIELD_WARNED, AT(warnings), kept, NULL, name " has no effect: " why \
	}
#define NO_RIVAL "there is nobody in the container's virtual machine to share it with"

static const struct field policy_fields[] = {
	{ "Name", FIELD_STRING, AT(policy), 0, NULL, NULL },
	{ "MaximumRetryCount", FIELD_NUMBER, AT(policy_max), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static const struct field update_fields[] = {
	{ "Memory", FIELD_NUMBER, AT(memory), 0, NULL, NULL },
	{ "MemoryReservation", FIELD_NUMBER, AT(memory_reservation), 0, NULL, NULL },
	{ "MemorySwap", FIELD_NUMBER, AT(memory_swap), 0, NULL, NULL },
	{ "NanoCpus", FIELD_NUMBER, AT(nano_cpus), 0, NULL, NULL },
	{ "CpuQuota", FIELD_NUMBER, AT(cpu_quota), 0, NULL, NULL },
	{ "CpuPeriod", FIELD_NUMBER, AT(cpu_period), 0, NULL, NULL },
	{ "PidsLimit", FIELD_NUMBER, AT(pids), AT(has_pids), NULL, NULL },
	{ "RestartPolicy", FIELD_OBJECT, 0, 0, policy_fields, "RestartPolicy." },
	WARNED("BlkioWeight", AT(blkio_weight), NO_RIVAL),
	WARNED("CpuShares", AT(cpu_shares), NO_RIVAL),
	WARNED("KernelMemory", 0, "docker has given it up, too"),
	WARNED("KernelMemoryTCP", 0, "docker has given it up, too"),
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

error_t settings_update_parse(struct settings_update *update, struct span body,
                              char error[static SETTINGS_ERROR_MAX])
{
	error_t err;

	*update = (struct settings_update){ 0 };
	err = fields_read(update, update_fields, body, error);
	if (err == 0)
		err = settings_check_policy(update->policy, update->policy_max, error);
	if (err < 0)
		settings_update_deinit(update);
	return err;
}

void settings_update_deinit(struct settings_update *update)
{
	heap_free(update->policy);
	string_list_deinit(&update->warnings);
	*update = (struct settings_update){ 0 };
}

// --- What comes of it ----------------------------------------------------------------------------

static void change(int64_t *value, int64_t wanted)
{
	if (wanted != 0)
		*value = wanted;
}

static void change_limits(struct settings *s, const struct settings_update *update)
{
	change(&s->memory, update->memory);
	change(&s->nano_cpus, update->nano_cpus);
	change(&s->host.cpu_quota, update->cpu_quota);
	change(&s->host.cpu_period, update->cpu_period);
	change(&s->host.memory_swap, update->memory_swap);
	change(&s->host.memory_reservation, update->memory_reservation);
	change(&s->host.cpu_shares, update->cpu_shares);
	change(&s->host.blkio_weight, update->blkio_weight);
	if (update->has_pids)
		s->host.pids_limit = update->pids > 0 ? update->pids : 0;
}

// Numbers alone, to be looked at.
static struct settings changed(const struct settings *s, const struct settings_update *update)
{
	struct settings after = {
		.memory = s->memory,
		.nano_cpus = s->nano_cpus,
		.host = { .cpu_quota = s->host.cpu_quota,
		          .cpu_period = s->host.cpu_period,
		          .num_cpus = s->host.num_cpus,
		          .pids_limit = s->host.pids_limit,
		          .memory_swap = s->host.memory_swap,
		          .memory_reservation = s->host.memory_reservation },
	};

	change_limits(&after, update);
	return after;
}

static const char *find_conflict(const struct settings *s, const struct settings_update *update)
{
	if (update->nano_cpus != 0 && s->host.cpu_period > 0)
		return "Conflicting options: NanoCPUs cannot be updated as CPU Period has already "
		       "been set";
	if (update->nano_cpus != 0 && s->host.cpu_quota > 0)
		return "Conflicting options: NanoCPUs cannot be updated as CPU Quota has already "
		       "been set";
	if (update->cpu_period != 0 && s->nano_cpus > 0)
		return "Conflicting options: CPU Period cannot be updated as NanoCPUs has already "
		       "been set";
	if (update->cpu_quota != 0 && s->nano_cpus > 0)
		return "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already "
		       "been set";
	if (update->memory != 0 && update->memory_swap == 0 && s->host.memory_swap > 0 &&
	    update->memory > s->host.memory_swap)
		return "Memory limit should be smaller than already set memoryswap limit, update "
		       "the memoryswap at the same time";
	return NULL;
}

error_t settings_update_check(const struct settings *settings, const struct settings_update *update,
                              char error[static SETTINGS_ERROR_MAX])
{
	struct settings after = changed(settings, update);
	const char *conflict = find_conflict(settings, update);
	error_t err;

	if (conflict != NULL) {
		str_copy(error, conflict, SETTINGS_ERROR_MAX);
		return ERR_INVALID;
	}
	err = settings_check_limits(after.memory, after.nano_cpus, error);
	return err == 0 ? settings_check_resources(&after, error) : err;
}

struct control_limits settings_update_wanted(const struct settings *settings,
                                             const struct settings_update *update)
{
	struct settings after = changed(settings, update);
	int64_t quota = settings_nano_cpus(&after) / (NANO / CPU_PERIOD);
	struct control_limits limits = {
		.memory = (uint64_t)after.memory,
		.pids = after.host.pids_limit > 0 ? (uint64_t)after.host.pids_limit : 0,
	};

	if (quota > 0) {
		limits.cpu_quota = (uint64_t)(quota > CPU_QUOTA_MIN ? quota : CPU_QUOTA_MIN);
		limits.cpu_period = CPU_PERIOD;
	}
	return limits;
}

bool settings_update_limits(const struct settings *settings, const struct settings_update *update)
{
	static const struct settings_update nothing;
	struct control_limits before = settings_update_wanted(settings, &nothing);
	struct control_limits after = settings_update_wanted(settings, update);

	return before.memory != after.memory || before.pids != after.pids ||
		before.cpu_quota != after.cpu_quota;
}

void settings_update_apply(struct settings *settings, struct settings_update *update)
{
	if (update->policy != NULL && update->policy[0] != '\0') {
		heap_free(settings->restart_policy);
		settings->restart_policy = update->policy;
		settings->restart_max = update->policy_max;
		update->policy = NULL;
	}
	change_limits(settings, update);
	settings_update_deinit(update);
}
