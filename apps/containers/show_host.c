// SPDX-License-Identifier: MIT
//
// HostConfig in inspect: what the client has sent, with what has changed since, and what it has
// left out that clients read.
#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

// What is written here and not as it came.
static bool is_ours(struct span key)
{
	static const char *const ours[] = { "RestartPolicy",     "NetworkMode", "Memory",
		                            "NanoCpus",          "LogConfig",   "CpuQuota",
		                            "CpuPeriod",         "PidsLimit",   "MemorySwap",
		                            "MemoryReservation", NULL };

	for (size_t i = 0; ours[i] != NULL; i++)
		if (key.len == strlen(ours[i]) && memcmp(key.data, ours[i], key.len) == 0)
			return true;
	return false;
}

static void write_span(struct json_writer *w, struct span text)
{
	char *copy = heap_alloc(text.len + 1);

	if (copy == NULL) {
		w->bad = true;
		return;
	}
	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	json_write_raw(w, copy);
	heap_free(copy);
}

// Members that stand as they came.
static void write_sent(struct json_writer *w, const char *host_config)
{
	struct json_reader r;
	struct span key, value;

	if (host_config == NULL)
		return;
	r = json_reader_make(
		(struct span){ .data = (const uint8_t *)host_config, .len = strlen(host_config) });
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		value = r.rest;
		json_skip(&r);
		value.len -= r.rest.len;
		if (is_ours(key) || json_reader_status(&r) < 0)
			continue;
		json_write_raw(w, ",\"");
		write_span(w, key);
		json_write_raw(w, "\":");
		write_span(w, value);
	}
}

static void write_number(struct json_writer *w, const char *key, int64_t value)
{
	json_write_raw(w, key);
	json_write_i64(w, value);
}

// Those that may have been updated.
static void write_limits(struct json_writer *w, const struct settings *s)
{
	write_number(w, ",\"Memory\":", s->memory);
	write_number(w, ",\"MemoryReservation\":", s->host.memory_reservation);
	write_number(w, ",\"MemorySwap\":", s->host.memory_swap);
	write_number(w, ",\"NanoCpus\":", s->nano_cpus);
	write_number(w, ",\"CpuQuota\":", s->host.cpu_quota);
	write_number(w, ",\"CpuPeriod\":", s->host.cpu_period);
	if (s->host.pids_limit > 0)
		write_number(w, ",\"PidsLimit\":", s->host.pids_limit);
	else
		json_write_raw(w, ",\"PidsLimit\":null");
}

void show_host_config(struct json_writer *w, const struct container *c)
{
	const struct settings *s = &c->settings;
	const char *policy = s->restart_policy, *mode = s->network_mode;

	if (mode == NULL || mode[0] == '\0' || strcmp(mode, "default") == 0)
		mode = "bridge";
	json_write_raw(w, "{\"RestartPolicy\":{\"Name\":");
	json_write_string(w, policy != NULL && policy[0] != '\0' ? policy : "no");
	write_number(w, ",\"MaximumRetryCount\":", s->restart_max);
	json_write_raw(w, "},\"NetworkMode\":");
	json_write_string(w, mode);
	write_limits(w, s);
	json_write_raw(w, ",\"LogConfig\":{\"Type\":");
	json_write_string(
		w, s->log_type != NULL && s->log_type[0] != '\0' ? s->log_type : "json-file");
	json_write_raw(w, ",\"Config\":");
	json_write_raw(w, s->log_options != NULL ? s->log_options : "{}");
	json_write_raw(w, "}");
	write_sent(w, s->host_config);
	json_write_raw(w, "}");
}
