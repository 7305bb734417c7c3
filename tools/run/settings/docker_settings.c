// SPDX-License-Identifier: MIT
//
// What is docker's alone: flags without a variable, each checked as docker does.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/run/settings/numbers.h"
#include "tools/run/settings/resolver.h"
#include "tools/run/settings/settings.h"

#define CPU_PERIOD_DEFAULT 100000u  // microseconds; docker's
#define CPU_PERIOD_MIN 1000u        // the kernel's limits (Linux, sched-bwc.rst)
#define CPU_PERIOD_MAX 1000000u
#define CPU_QUOTA_MIN 1000u
#define MAX_CPU_QUOTA 4000000u
#define MAX_DOMAINNAME 64  // Linux's
#define MAX_PIDS 4194304u  // Linux's, of 64-bit machines
#define OOM_SCORE_MAX 1000u

static const struct option *option_get(const struct settings *settings, enum option_id id)
{
	return &settings->options.values[id];
}

static int refuse(const struct option *option, struct error *err, const char *why)
{
	return error_set(err, "%s: %s", option_text(option), why);
}

static int platform_read(struct settings *settings, struct error *err)
{
	static const char *const ours[] = { "linux/riscv64", "riscv64", "linux" };
	const struct option *platform = option_get(settings, OPTION_PLATFORM);

	for (size_t i = 0; platform->value && i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcasecmp(platform->value, ours[i]) == 0)
			return 0;
	if (!platform->value)
		return 0;
	return refuse(platform, err,
	              "the machine is linux/riscv64; images for others cannot be run on it");
}

static int network_read(struct settings *settings, struct error *err)
{
	const struct option *network = option_get(settings, OPTION_NETWORK);

	if (!network->value || strcmp(network->value, "bridge") == 0 ||
	    strcmp(network->value, "default") == 0)
		return 0;
	settings->no_network = strcmp(network->value, "none") == 0;
	if (settings->no_network)
		return 0;
	return refuse(
		network, err,
		"there are \"bridge\", which is the OS's own network, and \"none\"; a port of "
		"the host's loopback is at 10.0.2.2 for the container");
}

static int name_read(struct settings *settings, struct error *err)
{
	const struct option *name = option_get(settings, OPTION_NAME);
	const char *text = name->value;
	size_t length;

	if (!text)
		return 0;
	text += text[0] == '/';
	length = strlen(text);
	settings->name = text;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && (i == 0 || !strchr("_.-", text[i])))
			length = 0;
	if (length < 2 || length > 200)
		return refuse(name, err,
		              "a name has 2 to 200 letters, digits, _, . and -, and begins with a "
		              "letter or digit");
	return 0;
}

static int cidfile_read(struct settings *settings, struct error *err)
{
	const struct option *cidfile = option_get(settings, OPTION_CIDFILE);

	settings->cidfile = cidfile->value;
	if (cidfile->value && access(cidfile->value, F_OK) == 0)
		return refuse(cidfile, err,
		              "the file is there; end the run that made it, or remove the file");
	return 0;
}

// Security options that ask for what docker's defaults, or the lack of a filter, give anyway.
static int security_read(struct settings *settings, struct error *err)
{
	static const char *const nothing[] = {
		"seccomp=unconfined",      "seccomp:unconfined",     "apparmor=unconfined",
		"apparmor:unconfined",     "label=disable",          "label:disable",
		"no-new-privileges=false", "no-new-privileges:false"
	};
	static const char *const privileges[] = { "no-new-privileges", "no-new-privileges=true",
		                                  "no-new-privileges:true" };
	const struct option_list *list = &settings->options.lists[LIST_SECURITY];

	for (size_t i = 0; i < list->count; i++) {
		bool known = false;

		for (size_t j = 0; j < sizeof(nothing) / sizeof(nothing[0]); j++)
			known = known || strcmp(list->items[i], nothing[j]) == 0;
		for (size_t j = 0; j < sizeof(privileges) / sizeof(privileges[0]); j++) {
			if (strcmp(list->items[i], privileges[j]) != 0)
				continue;
			known = true;
			arguments_add(&settings->config_options, "--no-new-privileges");
		}
		if (!known)
			return error_set(err,
			                 "--security-opt %.200s is not possible here: there is "
			                 "no-new-privileges, and the guest has no filters "
			                 "(seccomp=unconfined, apparmor=unconfined)",
			                 list->items[i]);
	}
	return 0;
}

static int attach_read(struct settings *settings, struct error *err)
{
	static const char *const names[] = { "stdin", "stdout", "stderr" };
	const struct option_list *list = &settings->options.lists[LIST_ATTACH];

	settings->attached = list->count == 0 ? ATTACH_ALL : 0;
	for (size_t i = 0; i < list->count; i++) {
		unsigned found = 0;

		for (unsigned j = 0; j < 3; j++)
			if (strcasecmp(list->items[i], names[j]) == 0)
				found = 1u << j;
		if (!found)
			return error_set(err, "--attach %.100s: choose stdin, stdout or stderr",
			                 list->items[i]);
		settings->attached |= found;
	}
	return 0;
}

// A number from `min` to `max`. Returns -1 with `err`.
static int number_read(const struct option *option, unsigned min, unsigned max, unsigned *number,
                       struct error *err)
{
	if (number_parse(option->value, max, number) && *number >= min)
		return 0;
	return error_set(err, "%s: choose %u to %u", option_text(option), min, max);
}

// A quota of processor time in each period is so many CPUs.
static int cpu_quota_read(struct settings *settings, struct error *err)
{
	const struct option *quota = option_get(settings, OPTION_CPU_QUOTA);
	const struct option *period = option_get(settings, OPTION_CPU_PERIOD);
	const struct option *cpus = option_get(settings, OPTION_CPUS);
	unsigned period_us = CPU_PERIOD_DEFAULT;
	unsigned quota_us;

	if (period->value && strcmp(period->value, "0") != 0 &&
	    number_read(period, CPU_PERIOD_MIN, CPU_PERIOD_MAX, &period_us, err) < 0)
		return -1;
	// No limit.
	if (!quota->value || strcmp(quota->value, "0") == 0 || strcmp(quota->value, "-1") == 0)
		return 0;
	if (number_read(quota, CPU_QUOTA_MIN, MAX_CPU_QUOTA, &quota_us, err) < 0)
		return -1;
	if (cpus->value && cpus->is_flag)
		return refuse(quota, err, "--cpus says the same; leave one of them out");
	return cpu_share_set(settings, quota, (unsigned)(1000ull * quota_us / period_us), err);
}

// Of whichever option has the last word.
static void cpu_share_pass_on(struct settings *settings)
{
	if (settings->cpu_share > 0)
		arguments_add(&settings->config_options, "--cpu-share=%u.%03u",
		              settings->cpu_share / 1000, settings->cpu_share % 1000);
}

static int pids_read(struct settings *settings, struct error *err)
{
	const struct option *pids = option_get(settings, OPTION_PIDS_LIMIT);
	unsigned limit;

	if (!pids->value || strcmp(pids->value, "0") == 0 || strcmp(pids->value, "-1") == 0)
		return 0;
	if (number_read(pids, 1, MAX_PIDS, &limit, err) < 0)
		return -1;
	arguments_add(&settings->config_options, "--pids-limit=%u", limit);
	return 0;
}

static int oom_score_read(struct settings *settings, struct error *err)
{
	const struct option *score = option_get(settings, OPTION_OOM_SCORE_ADJ);
	unsigned number;
	bool negative;

	if (!score->value)
		return 0;
	negative = score->value[0] == '-';
	if (!number_parse(score->value + negative, OOM_SCORE_MAX, &number))
		return refuse(score, err, "choose -1000 to 1000");
	arguments_add(&settings->config_options, "--oom-score-adj=%s%u", negative ? "-" : "",
	              number);
	return 0;
}

static int domainname_read(struct settings *settings, struct error *err)
{
	const struct option *domain = option_get(settings, OPTION_DOMAINNAME);
	const char *text = domain->value;

	if (!text)
		return 0;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return refuse(domain, err,
			              "a domain name has letters, digits, -, _ and . only");
	if (strlen(text) > MAX_DOMAINNAME)
		return refuse(domain, err, "a domain name has at most 64 characters");
	arguments_add(&settings->config_options, "--domainname=%s", text);
	return 0;
}

static int annotations_read(struct settings *settings, struct error *err)
{
	const struct option_list *list = &settings->options.lists[LIST_ANNOTATION];

	if (option_is_on(&settings->options, OPTION_INIT))
		arguments_add(&settings->config_options, "--annotation=dev.starina.init=1");
	for (size_t i = 0; i < list->count; i++) {
		const char *equals = strchr(list->items[i], '=');

		if (!equals || equals == list->items[i])
			return error_set(err, "--annotation %.100s: it is KEY=VALUE",
			                 list->items[i]);
		arguments_add(&settings->config_options, "--annotation=%s", list->items[i]);
	}
	return 0;
}

// A limit: a number, or -1 for none.
static bool limit_parse(const char *text, size_t length, long long *limit)
{
	char number[20];

	if (length == 2 && strncmp(text, "-1", 2) == 0) {
		*limit = -1;
		return true;
	}
	if (length == 0 || length >= sizeof(number) - 1 || strspn(text, "0123456789") < length)
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)length, text);
	*limit = atoll(number);
	return true;
}

// NAME=SOFT[:HARD], as getrlimit(2) and config.json have it.
static int ulimit_read(struct settings *settings, const char *text, struct error *err)
{
	static const char *const names[] = {
		"core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
		"nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"
	};
	size_t name = strcspn(text, "=");
	const char *soft_text = text[name] ? text + name + 1 : "";
	size_t soft_length = strcspn(soft_text, ":");
	const char *hard_text = soft_text[soft_length] ? soft_text + soft_length + 1 : soft_text;
	long long soft, hard;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) != name || strncmp(names[i], text, name) != 0)
			continue;
		if (!limit_parse(soft_text, soft_length, &soft) ||
		    !limit_parse(hard_text, strlen(hard_text), &hard))
			break;
		if (hard != -1 && (soft == -1 || soft > hard))
			return error_set(
				err, "--ulimit %.100s: the soft limit is above the hard one", text);
		arguments_add(&settings->config_options, "--ulimit=%s=%lld:%lld", names[i], soft,
		              hard);
		return 0;
	}
	return error_set(err,
	                 "--ulimit %.100s: it is NAME=SOFT[:HARD], such as nofile=1024:2048; -1 is "
	                 "no limit",
	                 text);
}

static int ulimits_read(struct settings *settings, struct error *err)
{
	const struct option_list *list = &settings->options.lists[LIST_ULIMIT];

	for (size_t i = 0; i < list->count; i++)
		if (ulimit_read(settings, list->items[i], err) < 0)
			return -1;
	return 0;
}

// The container's resolv.conf, and what is added to its hosts.
static int resolver_read(struct settings *settings, struct error *err)
{
	char *conf = resolver_conf_make(&settings->options, RESOLVER_HOST_FILE, err);
	char *hosts = conf ? resolver_hosts_make(&settings->options, err) : NULL;

	if (hosts) {
		arguments_add(&settings->config_options,
		              "--annotation=dev.starina.file:/etc/resolv.conf=%s", conf);
		if (hosts[0])
			arguments_add(&settings->config_options,
			              "--annotation=dev.starina.hosts=%s", hosts);
	}
	free(conf);
	if (!hosts)
		return -1;
	free(hosts);
	return 0;
}

int docker_settings_read(struct settings *settings, struct error *err)
{
	if (platform_read(settings, err) < 0 || network_read(settings, err) < 0 ||
	    name_read(settings, err) < 0 || cidfile_read(settings, err) < 0 ||
	    security_read(settings, err) < 0 || attach_read(settings, err) < 0 ||
	    cpu_quota_read(settings, err) < 0 || pids_read(settings, err) < 0 ||
	    oom_score_read(settings, err) < 0 || domainname_read(settings, err) < 0 ||
	    resolver_read(settings, err) < 0 || ulimits_read(settings, err) < 0)
		return -1;
	cpu_share_pass_on(settings);
	return annotations_read(settings, err);
}
