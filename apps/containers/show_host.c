// SPDX-License-Identifier: MIT
//
// HostConfig in inspect: what the client has sent, with what has changed since, and what it has
// left out that clients read.
#include "apps/containers/containers.h"
#include "apps/containers/links_text.h"
#include "apps/containers/settings_fields.h"
#include "apps/containers/settings_own.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

// What is written here and not as it came.
static bool is_ours(struct span key)
{
	static const char *const ours[] = { "RestartPolicy",     "NetworkMode", "Memory",
		                            "NanoCpus",          "LogConfig",   "CpuQuota",
		                            "CpuPeriod",         "PidsLimit",   "MemorySwap",
		                            "MemoryReservation", "Links",       "CpuShares",
		                            "BlkioWeight",       NULL };

	for (size_t i = 0; ours[i] != NULL; i++)
		if (field_is(key, ours[i]))
			return true;
	return false;
}

// What inspect says of what was not sent. `replaces`: also of what was sent as "" or 0.
static const struct {
	const char *name;
	const char *json;
	bool replaces;
} defaults[] = {
	{ "Binds", "null", false },
	{ "ContainerIDFile", "\"\"", false },
	{ "PortBindings", "{}", false },
	{ "AutoRemove", "false", false },
	{ "VolumeDriver", "\"\"", false },
	{ "VolumesFrom", "null", false },
	{ "ConsoleSize", "[0,0]", false },
	{ "CapAdd", "null", false },
	{ "CapDrop", "null", false },
	{ "CgroupnsMode", "\"private\"", true },
	{ "Dns", "null", false },
	{ "DnsOptions", "null", false },
	{ "DnsSearch", "null", false },
	{ "ExtraHosts", "null", false },
	{ "GroupAdd", "null", false },
	{ "IpcMode", "\"private\"", true },
	{ "Cgroup", "\"\"", false },
	{ "OomScoreAdj", "0", false },
	{ "PidMode", "\"\"", false },
	{ "Privileged", "false", false },
	{ "PublishAllPorts", "false", false },
	{ "ReadonlyRootfs", "false", false },
	{ "SecurityOpt", "null", false },
	{ "UTSMode", "\"\"", false },
	{ "UsernsMode", "\"\"", false },
	{ "ShmSize", "67108864", true },
	{ "Runtime", "\"runc\"", true },
	{ "Isolation", "\"\"", false },
	{ "CgroupParent", "\"\"", false },
	{ "BlkioWeightDevice", "null", false },
	{ "BlkioDeviceReadBps", "null", false },
	{ "BlkioDeviceReadIOps", "null", false },
	{ "BlkioDeviceWriteBps", "null", false },
	{ "BlkioDeviceWriteIOps", "null", false },
	{ "CpuCount", "0", false },
	{ "CpuPercent", "0", false },
	{ "CpuRealtimePeriod", "0", false },
	{ "CpuRealtimeRuntime", "0", false },
	{ "IOMaximumBandwidth", "0", false },
	{ "IOMaximumIOps", "0", false },
	{ "CpusetCpus", "\"\"", false },
	{ "CpusetMems", "\"\"", false },
	{ "Devices", "null", false },
	{ "DeviceCgroupRules", "null", false },
	{ "DeviceRequests", "null", false },
	{ "MemorySwappiness", "null", false },
	{ "OomKillDisable", "null", false },
	{ "Ulimits", "null", false },
	// What guest/bootd/config.c hides, and seals.
	{ "MaskedPaths",
	  "[\"/proc/asound\",\"/proc/acpi\",\"/proc/interrupts\",\"/proc/kcore\",\"/proc/keys\","
	  "\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\","
	  "\"/proc/sched_debug\",\"/proc/scsi\",\"/sys/firmware\","
	  "\"/sys/devices/virtual/powercap\"]",
	  true },
	{ "ReadonlyPaths",
	  "[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\",\"/proc/sysrq-trigger\"]",
	  true },
};

#define NUM_DEFAULTS (sizeof(defaults) / sizeof(defaults[0]))

// Notes that a member was sent. Returns whether it is shown as it came.
static bool is_kept(bool sent[static NUM_DEFAULTS], struct span key, struct span value)
{
	for (size_t i = 0; i < NUM_DEFAULTS; i++) {
		if (!field_is(key, defaults[i].name))
			continue;
		sent[i] = !defaults[i].replaces ||
			!(span_is(value, "\"\"") || span_is(value, "0") || span_is(value, "null"));
		return sent[i];
	}
	return true;
}

// Of a privileged container nothing is hidden or sealed.
static bool is_lifted(const char *name, bool is_privileged)
{
	return is_privileged &&
		(strcmp(name, "MaskedPaths") == 0 || strcmp(name, "ReadonlyPaths") == 0);
}

static void write_defaults(struct json_writer *w, const bool sent[static NUM_DEFAULTS],
                           bool is_privileged)
{
	for (size_t i = 0; i < NUM_DEFAULTS; i++) {
		if (sent[i])
			continue;
		json_write_raw(w, ",\"");
		json_write_raw(w, defaults[i].name);
		json_write_raw(w, "\":");
		json_write_raw(
			w, is_lifted(defaults[i].name, is_privileged) ? "null" : defaults[i].json);
	}
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

// A member's name as the API has it: clients may have sent other letters in capitals. NULL: it is
// none of the API's.
static const char *name_of(struct span key)
{
	const struct field *f = settings_body_fields;

	while (f->name != NULL && strcmp(f->name, "HostConfig") != 0)
		f++;
	for (f = f->fields; f != NULL; f = f->fields)
		for (; f->name != NULL; f++)
			if (field_is(key, f->name))
				return f->name;
	return NULL;
}

// Of members that were sent more than once, in letters of another case maybe, the last one that is
// not null counts.
#define NAMES_MAX 128u

struct counting {
	struct {
		const char *name;
		struct span value;
	} items[NAMES_MAX];
	size_t count;
};

static void count_member(struct counting *c, const char *name, struct span value)
{
	size_t i = 0;

	while (i < c->count && c->items[i].name != name)
		i++;
	if (i == NAMES_MAX || (i < c->count && span_is(value, "null")))
		return;
	c->count += i == c->count ? 1 : 0;
	c->items[i].name = name;
	c->items[i].value = value;
}

static void count_members(struct counting *c, struct json_reader r)
{
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		const char *name = name_of(key);
		struct span value = json_take_raw(&r);

		if (name != NULL && json_reader_status(&r) == 0)
			count_member(c, name, value);
	}
}

static bool does_count(const struct counting *c, const char *name, struct span value)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].name == name)
			return c->items[i].value.data == value.data;
	return true;
}

// Members that stand as they came, and those that did not come.
static void write_sent(struct json_writer *w, const char *host_config, bool is_privileged)
{
	const char *text = host_config != NULL ? host_config : "{}";
	struct json_reader r = json_reader_make(text_span(text));
	bool sent[NUM_DEFAULTS] = { false };
	struct counting counting = { .count = 0 };
	struct span key, value;
	const char *name;

	count_members(&counting, r);
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		value = json_take_raw(&r);
		name = name_of(key);
		if (is_ours(key) || json_reader_status(&r) < 0 ||
		    !does_count(&counting, name, value) || !is_kept(sent, key, value))
			continue;
		json_write_raw(w, ",\"");
		if (name != NULL)
			json_write_raw(w, name);
		else
			write_span(w, key);
		json_write_raw(w, "\":");
		write_span(w, value);
	}
	write_defaults(w, sent, is_privileged);
}

void show_annotations(struct json_writer *w, const struct container *c)
{
	const char *text = c->settings.host_config != NULL ? c->settings.host_config : "{}";
	struct json_reader r = json_reader_make(text_span(text));
	struct span key, value, annotations = { 0 };

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		value = json_take_raw(&r);
		if (field_is(key, "Annotations") && json_reader_status(&r) == 0)
			annotations = value;
	}
	if (annotations.len == 0 || span_is(annotations, "null") || span_is(annotations, "{}"))
		return;
	json_write_raw(w, ",\"Annotations\":");
	write_span(w, annotations);
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
	write_number(w, ",\"CpuShares\":", s->host.cpu_shares);
	write_number(w, ",\"BlkioWeight\":", s->host.blkio_weight);
	if (s->host.pids_limit > 0)
		write_number(w, ",\"PidsLimit\":", s->host.pids_limit);
	else
		json_write_raw(w, ",\"PidsLimit\":null");
}

// As docker tells them: on the bridge by the names of both containers, elsewhere as they came.
static void write_links(struct json_writer *w, const struct container *c)
{
	bool on_bridge = strcmp(settings_network(&c->settings), "bridge") == 0;
	const struct string_list *links = on_bridge ? links_on_bridge(c) : &c->settings.host.links;
	char alias[LINK_NAME_MAX], text[4 * LINK_NAME_MAX];
	const char *separator = "[";

	json_write_raw(w, ",\"Links\":");
	for (size_t i = 0; links != NULL && i < links->count; i++) {
		const struct container *target = link_target(c->all, links->items[i], alias);

		if (on_bridge && target == NULL)
			continue;
		fmt_write(text, sizeof(text), "/%s:/%s/%s", target != NULL ? target->name : "",
		          c->name, alias);
		json_write_raw(w, separator);
		json_write_string(w, on_bridge ? text : links->items[i]);
		separator = ",";
	}
	json_write_raw(w, separator[0] == '[' ? "null" : "]");
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
	write_links(w, c);
	write_sent(w, s->host_config, s->host.privileged);
	json_write_raw(w, "}");
}
