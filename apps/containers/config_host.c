// SPDX-License-Identifier: MIT
//
// The parts of config.json that are a container's limits, names and privileges.
#include "apps/containers/config_host.h"

#include "apps/containers/settings_check.h"
#include "apps/containers/settings_networks.h"
#include "libs/base/fmt.h"
#include "libs/base/linux_capability.h"
#include "libs/base/string.h"
#include "libs/linux/vm/image_config.h"
#include "libs/starina/alloc.h"

#define NANO 1000000000ll
#define CPU_PERIOD 100000ll
// Of the machine's network: what the host is called, and who answers its names.
#define NAME_SERVER "10.0.2.15"
// 2^64 - 1: config.json's RLIM_INFINITY.
#define NO_LIMIT "18446744073709551615"

static void write_list(struct json_writer *w, const char *key, const struct string_list *list)
{
	json_write_raw(w, key);
	json_write_raw(w, "[");
	config_write_strings(w, list);
	json_write_raw(w, "]");
}

static void write_number(struct json_writer *w, const char *key, int64_t value)
{
	json_write_raw(w, key);
	json_write_i64(w, value);
}

// --- The process ---------------------------------------------------------------------------------

static void write_capabilities(struct json_writer *w, const struct host_settings *host, bool all)
{
	bool first = true;

	if (!all && !host->privileged && host->cap_add.count + host->cap_drop.count == 0)
		return;
	json_write_raw(w, ",\"capabilitySet\":[");
#define ROW(name, number, given)                                                       \
	if (all || settings_has_capability(host, #name, given)) {                      \
		json_write_raw(w, first ? "\"CAP_" #name "\"" : ",\"CAP_" #name "\""); \
		first = false;                                                         \
	}
	LINUX_CAPABILITIES(ROW)
#undef ROW
	json_write_raw(w, "]");
}

static void write_limit(struct json_writer *w, const char *name, int64_t soft, int64_t hard,
                        bool first)
{
	json_write_raw(w, first ? "{\"type\":\"" : ",{\"type\":\"");
	json_write_raw(w, name);
	json_write_raw(w, "\",\"soft\":");
	if (soft < 0)
		json_write_raw(w, NO_LIMIT);
	else
		json_write_i64(w, soft);
	json_write_raw(w, ",\"hard\":");
	if (hard < 0)
		json_write_raw(w, NO_LIMIT);
	else
		json_write_i64(w, hard);
	json_write_raw(w, "}");
}

static bool has_limit(const struct host_settings *host, const char *name)
{
	for (size_t i = 0; i < host->num_ulimits; i++)
		if (strcmp(host->ulimits[i].name, name) == 0)
			return true;
	return false;
}

// All that hold: a list in config.json stands for bootd's own.
static void write_limits(struct json_writer *w, const struct host_settings *host)
{
	static const struct ulimit defaults[] = {
		{ "RLIMIT_NOFILE", 1048576, 1048576 },
		{ "RLIMIT_NPROC", -1, -1 },
		{ "RLIMIT_CORE", -1, -1 },
		{ "RLIMIT_SIGPENDING", -1, -1 },
	};
	bool first = true;

	if (host->num_ulimits == 0)
		return;
	json_write_raw(w, ",\"rlimits\":[");
	for (size_t i = 0; i < host->num_ulimits; i++, first = false)
		write_limit(w, host->ulimits[i].name, host->ulimits[i].soft, host->ulimits[i].hard,
		            first);
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!has_limit(host, defaults[i].name))
			write_limit(w, defaults[i].name, defaults[i].soft, defaults[i].hard, false);
	json_write_raw(w, "]");
}

static bool gains_nothing(const struct host_settings *host)
{
	static const char *const words[] = { "no-new-privileges", "no-new-privileges=true",
		                             "no-new-privileges:true" };

	for (size_t i = 0; i < host->security.count; i++)
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
			if (strcmp(host->security.items[i], words[k]) == 0)
				return true;
	return false;
}

void config_write_user(struct json_writer *w, const struct host_settings *host, const char *user)
{
	// Root's groups are looked up like anybody's.
	if (user == NULL && host->groups.count > 0)
		user = "0";
	if (user == NULL)
		return;
	json_write_raw(w, ",\"user\":{\"username\":");
	json_write_string(w, user);
	if (host->groups.count > 0)
		write_list(w, ",\"groups\":", &host->groups);
	json_write_raw(w, "}");
}

void config_write_rights(struct json_writer *w, const struct host_settings *host,
                         bool is_privileged)
{
	if (gains_nothing(host))
		json_write_raw(w, ",\"noNewPrivileges\":true");
	if (host->oom_score_adj != 0)
		write_number(w, ",\"oomScoreAdj\":", host->oom_score_adj);
	write_capabilities(w, host, is_privileged);
	write_limits(w, host);
}

// --- The files that Docker writes ----------------------------------------------------------------

void config_write_text(struct json_writer *w, const char *key, struct json_writer *text)
{
	json_write_raw(w, key);
	if (json_writer_text(text) != NULL)
		json_write_string(w, json_writer_text(text));
	else
		w->bad = true;
	json_writer_deinit(text);
}

static void add_line(struct json_writer *text, const char *key, const struct string_list *words)
{
	if (words->count == 0)
		return;
	json_write_raw(text, key);
	for (size_t i = 0; i < words->count; i++) {
		json_write_raw(text, " ");
		json_write_raw(text, words->items[i]);
	}
	json_write_raw(text, "\n");
}

static void write_resolver(struct json_writer *w, const struct host_settings *host,
                           bool has_network)
{
	bool no_search = host->dns_search.count == 1 && strcmp(host->dns_search.items[0], ".") == 0;
	struct json_writer text = { 0 };

	for (size_t i = 0; i < host->dns.count; i++) {
		json_write_raw(&text, "nameserver ");
		json_write_raw(&text, host->dns.items[i]);
		json_write_raw(&text, "\n");
	}
	if (host->dns.count == 0 && has_network)
		json_write_raw(&text, "nameserver " NAME_SERVER "\n");
	if (!no_search)
		add_line(&text, "search", &host->dns_search);
	add_line(&text, "options", &host->dns_options);
	config_write_text(w, ",\"dev.starina.file:/etc/resolv.conf\":", &text);
}

void config_write_annotations(struct json_writer *w, const struct settings *s)
{
	const struct host_settings *host = &s->host;
	bool has_network = settings_has_network(s);

	if (host->init)
		json_write_raw(w, ",\"dev.starina.init\":\"1\"");
	// The image's own must not show through where bootd writes none.
	if (!has_network || host->dns.count + host->dns_search.count + host->dns_options.count > 0)
		write_resolver(w, host, has_network);
}

// --- Linux ---------------------------------------------------------------------------------------

// Of whole CPUs the machine has as many.
static bool is_share(int64_t nano_cpus)
{
	return nano_cpus % NANO != 0;
}

static void write_device(struct json_writer *w, const struct host_device *device)
{
	json_write_raw(w, device->type == 'b' ? ",\"type\":\"b\"" : ",\"type\":\"c\"");
	write_number(w, ",\"major\":", device->major);
	write_number(w, ",\"minor\":", device->minor);
}

static void write_devices(struct json_writer *w, const struct host_settings *host)
{
	json_write_raw(w, ",\"devices\":[");
	for (size_t i = 0; i < host->device_paths.count; i++) {
		json_write_raw(w, i > 0 ? ",{\"path\":" : "{\"path\":");
		json_write_string(w, host->device_paths.items[i]);
		write_device(w, &host->devices[i]);
		json_write_raw(w, "}");
	}
	json_write_raw(w, "]");
}

static void write_resources(struct json_writer *w, const struct settings *s)
{
	int64_t nano_cpus = settings_nano_cpus(s);

	json_write_raw(w, "\"resources\":{\"devices\":[");
	for (size_t i = 0; i < s->host.device_paths.count; i++) {
		json_write_raw(w, i > 0 ? "," : "");
		json_write_raw(w, "{\"allow\":true");
		write_device(w, &s->host.devices[i]);
		json_write_raw(w, ",\"access\":");
		json_write_string(w, s->host.devices[i].access);
		json_write_raw(w, "}");
	}
	json_write_raw(w, "]");
	if (s->host.pids_limit > 0) {
		write_number(w, ",\"pids\":{\"limit\":", s->host.pids_limit);
		json_write_raw(w, "}");
	}
	if (is_share(nano_cpus)) {
		int64_t quota = nano_cpus / (NANO / CPU_PERIOD);

		write_number(w, ",\"cpu\":{\"quota\":", quota > 1000 ? quota : 1000);
		write_number(w, ",\"period\":", CPU_PERIOD);
		json_write_raw(w, "}");
	}
	json_write_raw(w, "}");
}

// A list that was given stands for docker's own; one that is privileged has an empty one.
static void write_paths(struct json_writer *w, const char *key, const struct string_list *paths,
                        bool is_given, bool is_privileged)
{
	if (is_given || is_privileged)
		write_list(w, key, paths);
}

void config_write_linux(struct json_writer *w, const struct settings *s)
{
	const struct host_settings *host = &s->host;
	bool has_sysctls = host->sysctls != NULL && strcmp(host->sysctls, "{}") != 0;

	if (!has_sysctls && !host->privileged && !host->has_masked_paths &&
	    !host->has_readonly_paths && host->pids_limit <= 0 && host->device_paths.count == 0 &&
	    !is_share(settings_nano_cpus(s)))
		return;
	json_write_raw(w, ",\"linux\":{");
	write_resources(w, s);
	write_devices(w, host);
	write_paths(w, ",\"maskedPaths\":", &host->masked_paths, host->has_masked_paths,
	            host->privileged);
	write_paths(w, ",\"readonlyPaths\":", &host->readonly_paths, host->has_readonly_paths,
	            host->privileged);
	// Its own stand behind Docker's, and win.
	if (has_sysctls) {
		json_write_raw(w,
		               ",\"sysctl\":{\"net.ipv4.ip_unprivileged_port_start\":\"0\","
		               "\"net.ipv4.ping_group_range\":\"0 2147483647\",");
		json_write_raw(w, host->sysctls + 1);
	}
	json_write_raw(w, "}");
}
