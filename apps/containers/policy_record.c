// SPDX-License-Identifier: MIT
//
// What of a container's restarts lies in its record: its policy and limits, for they may have
// changed since it was created, and how often it was started again.
#include "apps/containers/containers.h"
#include "apps/containers/settings_fields.h"
#include "apps/containers/settings_policy.h"
#include "apps/containers/settings_update.h"
#include "libs/base/string.h"

static void write_member(struct json_writer *w, const char *key, int64_t value)
{
	json_write_raw(w, key);
	json_write_i64(w, value);
}

void policy_write_record(struct json_writer *w, const struct container *c)
{
	const struct settings *s = &c->settings;

	json_write_raw(w, ",\"Restarts\":{\"Policy\":");
	json_write_string(w, s->restart_policy != NULL ? s->restart_policy : "");
	write_member(w, ",\"Max\":", s->restart_max);
	write_member(w, ",\"Count\":", c->restart_count);
	write_member(w, ",\"Stopped\":", c->stopped_by_user ? 1 : 0);
	write_member(w, ",\"LackedMemory\":", c->lacked_memory ? 1 : 0);
	write_member(w, ",\"Memory\":", s->memory);
	write_member(w, ",\"NanoCpus\":", s->nano_cpus);
	write_member(w, ",\"CpuQuota\":", s->host.cpu_quota);
	write_member(w, ",\"CpuPeriod\":", s->host.cpu_period);
	write_member(w, ",\"Pids\":", s->host.pids_limit);
	write_member(w, ",\"MemorySwap\":", s->host.memory_swap);
	write_member(w, ",\"MemoryReservation\":", s->host.memory_reservation);
	write_member(w, ",\"CpuShares\":", s->host.cpu_shares);
	write_member(w, ",\"BlkioWeight\":", s->host.blkio_weight);
	json_write_raw(w, "}");
}

// A limit that may have changed since the container was created.
static bool read_limit(struct json_reader *r, struct span key, struct settings_update *update)
{
	const struct {
		const char *name;
		int64_t *value;
	} members[] = {
		{ "Memory", &update->memory },
		{ "NanoCpus", &update->nano_cpus },
		{ "CpuQuota", &update->cpu_quota },
		{ "CpuPeriod", &update->cpu_period },
		{ "MemorySwap", &update->memory_swap },
		{ "Pids", &update->pids },
		{ "MemoryReservation", &update->memory_reservation },
		{ "CpuShares", &update->cpu_shares },
		{ "BlkioWeight", &update->blkio_weight },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!span_is(key, members[i].name))
			continue;
		*members[i].value = fields_take_number(r);
		update->has_pids = update->has_pids || members[i].value == &update->pids;
		return true;
	}
	return false;
}

void policy_read_record(struct json_reader *r, struct container *c)
{
	struct settings_update update = { 0 };
	char error[SETTINGS_ERROR_MAX];
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		if (span_is(key, "Policy") && update.policy == NULL)
			update.policy = json_take_string(r);
		else if (span_is(key, "Max"))
			update.policy_max = (int64_t)json_take_u64(r);
		else if (span_is(key, "Count"))
			c->restart_count = (uint32_t)json_take_u64(r);
		else if (span_is(key, "Stopped"))
			c->stopped_by_user = json_take_u64(r) != 0;
		else if (span_is(key, "LackedMemory"))
			c->lacked_memory = json_take_u64(r) != 0;
		else if (!read_limit(r, key, &update))
			json_skip(r);
	}
	// The body comes first: what has changed since is laid over it.
	if (c->body == NULL || settings_check_policy(update.policy, update.policy_max, error) < 0 ||
	    settings_update_check(&c->settings, &update, error) < 0)
		r->bad = true;
	else
		settings_update_apply(&c->settings, &update);
	settings_update_deinit(&update);
}
