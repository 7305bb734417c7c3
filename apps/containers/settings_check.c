// SPDX-License-Identifier: MIT
//
// Limits, names and privileges that a body asks for, checked as dockerd does, with its words where
// it has some.
#include "apps/containers/settings_check.h"

#include "apps/containers/settings_own.h"
#include "apps/containers/links_text.h"
#include "apps/containers/mac.h"
#include "apps/containers/signal_text.h"
#include "libs/base/linux_capability.h"

#define NANO 1000000000ll
#define MAX_CPUS 4
#define CPU_PERIOD_DEFAULT 100000ll  // microseconds
#define CPU_PERIOD_MIN 1000ll
#define CPU_PERIOD_MAX 1000000ll
#define CPU_QUOTA_MIN 1000ll
#define DOMAIN_MAX 64u
#define PIDS_MAX 4194304ll

// --- Words ---------------------------------------------------------------------------------------

static bool is_letter(char c, char last)
{
	return ascii_lower((uint8_t)c) >= 'a' && ascii_lower((uint8_t)c) <= last;
}

// Whether a word can stand in a line of hosts(5) or resolv.conf(5).
static bool is_word(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return text[0] != '\0';
}

// Of IPv4, or of what may be IPv6.
static bool is_address(const char *text)
{
	bool is_ipv6 = strchr(text, ':') != NULL;
	size_t dots = 0;

	for (const char *c = text; *c != '\0'; c++) {
		dots += *c == '.' ? 1 : 0;
		if (!(*c >= '0' && *c <= '9') && *c != '.' &&
		    !(is_ipv6 && (*c == ':' || is_letter(*c, 'f'))))
			return false;
	}
	return (is_ipv6 || dots == 3) && strlen(text) < 46;
}

static error_t check_words(const struct string_list *list, const char *name,
                           char error[static SETTINGS_ERROR_MAX])
{
	for (size_t i = 0; i < list->count; i++)
		if (!is_word(list->items[i]) || strlen(list->items[i]) > 255)
			return settings_refuse(error, "HostConfig.%s: \"%.64s\" is no word", name,
			                       list->items[i]);
	return 0;
}

// --- Names ---------------------------------------------------------------------------------------

static error_t check_domain(const struct host_settings *host, char error[static SETTINGS_ERROR_MAX])
{
	const char *text = host->domainname;

	if (text == NULL)
		return 0;
	for (const char *c = text; *c != '\0'; c++)
		if (!(is_letter(*c, 'z') || (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' ||
		      *c == '.'))
			return settings_refuse(
				error,
				"Domainname: a domain name has letters, digits, -, _ and . only");
	return strlen(text) <= DOMAIN_MAX
		? 0
		: settings_refuse(error, "Domainname: a domain name has at most %u characters",
	                          DOMAIN_MAX);
}

static error_t check_hosts(const struct host_settings *host, char error[static SETTINGS_ERROR_MAX])
{
	for (size_t i = 0; i < host->extra_hosts.count; i++) {
		const char *text = host->extra_hosts.items[i], *colon = strchr(text, ':');

		if (colon == NULL || colon == text || !is_word(text) || strlen(text) > 255)
			return settings_refuse(error, "bad format for add-host: \"%.64s\"", text);
		if (!is_address(colon + 1) && strcmp(colon + 1, "host-gateway") != 0)
			return settings_refuse(error, "invalid IP address in add-host: \"%.64s\"",
			                       colon + 1);
	}
	return 0;
}

static error_t check_resolver(const struct host_settings *host,
                              char error[static SETTINGS_ERROR_MAX])
{
	error_t err = check_words(&host->dns_search, "DnsSearch", error);

	if (err == 0)
		err = check_words(&host->dns_options, "DnsOptions", error);
	for (size_t i = 0; err == 0 && i < host->dns.count; i++)
		if (!is_address(host->dns.items[i]))
			err = settings_refuse(error, "HostConfig.Dns: \"%.64s\" is not an address",
			                      host->dns.items[i]);
	return err;
}

// --- Privileges ----------------------------------------------------------------------------------

static const char *const capabilities[] = {
#define ROW(name, number, given) #name,
	LINUX_CAPABILITIES(ROW)
#undef ROW
};
#define NUM_CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

static struct span without_prefix(const char *text)
{
	struct span name = text_span(text);

	(void)span_take_prefix_nocase(&name, "CAP_");
	return name;
}

static bool has_name(const struct string_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (span_equals_nocase(without_prefix(list->items[i]), name))
			return true;
	return false;
}

// As for docker, what is named counts more than ALL, and what is added more than what is dropped.
bool settings_has_capability(const struct host_settings *host, const char *name, bool is_default)
{
	if (host->privileged || has_name(&host->cap_add, name))
		return true;
	if (has_name(&host->cap_drop, name))
		return false;
	if (has_name(&host->cap_add, "ALL"))
		return true;
	return is_default && !has_name(&host->cap_drop, "ALL");
}

static error_t check_list(const struct string_list *list, const char *key,
                          char error[static SETTINGS_ERROR_MAX])
{
	for (size_t i = 0; i < list->count; i++) {
		struct span name = without_prefix(list->items[i]);
		bool known = span_equals_nocase(name, "ALL");

		for (size_t k = 0; k < NUM_CAPABILITIES && !known; k++)
			known = span_equals_nocase(name, capabilities[k]);
		if (!known)
			return settings_refuse(error, "invalid %s: unknown capability: \"%.40s\"",
			                       key, list->items[i]);
	}
	return 0;
}

static error_t check_capabilities(const struct host_settings *host,
                                  char error[static SETTINGS_ERROR_MAX])
{
	error_t err = check_list(&host->cap_add, "CapAdd", error);

	return err < 0 ? err : check_list(&host->cap_drop, "CapDrop", error);
}

// Those that ask for what is so anyway, and the one that there is.
static error_t check_security(const struct host_settings *host,
                              char error[static SETTINGS_ERROR_MAX])
{
	static const char *const known[] = {
		"seccomp=unconfined",      "seccomp:unconfined",      "apparmor=unconfined",
		"apparmor:unconfined",     "label=disable",           "label:disable",
		"no-new-privileges",       "no-new-privileges=true",  "no-new-privileges:true",
		"no-new-privileges=false", "no-new-privileges:false",
	};

	for (size_t i = 0; i < host->security.count; i++) {
		bool found = false;

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			found = found || strcmp(host->security.items[i], known[k]) == 0;
		if (!found)
			return settings_refuse(
				error,
				"HostConfig.SecurityOpt: %.64s is not possible here: there is "
				"no-new-privileges, and the guest has no filters "
				"(seccomp=unconfined, apparmor=unconfined)",
				host->security.items[i]);
	}
	return 0;
}

// Those that are a namespace's, as docker has it.
static error_t check_sysctls(const struct settings *s, char error[static SETTINGS_ERROR_MAX])
{
	static const char *const good[] = { "net.",          "fs.mqueue.",    "kernel.msgmax",
		                            "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
		                            "kernel.shm" };
	struct json_reader r;
	struct span key;

	if (s->host.sysctls == NULL)
		return 0;
	r = json_reader_make(text_span(s->host.sysctls));
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		bool found = false;

		json_skip(&r);
		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
			found = found ||
				(key.len >= strlen(good[i]) &&
			         memcmp(key.data, good[i], strlen(good[i])) == 0);
		if (!found)
			return settings_refuse(
				error, "sysctl \"%.*s\" is not in a separate kernel namespace",
				(int)(key.len < 64 ? key.len : 64), (const char *)key.data);
	}
	return 0;
}

// --- Limits --------------------------------------------------------------------------------------

int64_t settings_nano_cpus(const struct settings *settings)
{
	int64_t period = settings->host.cpu_period > 0 ? settings->host.cpu_period
						       : CPU_PERIOD_DEFAULT;

	int64_t share = settings->nano_cpus, most = settings->host.num_cpus * NANO;

	if (settings->host.cpu_quota > 0)
		share = settings->host.cpu_quota * (NANO / 1000) / period * 1000;
	return most > 0 && (share <= 0 || share > most) ? most : share;
}

// A number of a list; -1: there is none.
static int take_cpu(const char **text)
{
	int number = -1;

	for (; **text >= '0' && **text <= '9'; (*text)++)
		if (number < MAX_CPUS)
			number = (number < 0 ? 0 : number) * 10 + (**text - '0');
	return number;
}

// The CPUs of a list as "0-1,3", a bit each. Errors: ERR_INVALID, with a text.
static error_t read_cpuset(const char *list, uint32_t *out, char error[static SETTINGS_ERROR_MAX])
{
	const char *text = list;

	*out = 0;
	do {
		int first = take_cpu(&text), last = first;

		if (*text == '-') {
			text++;
			last = take_cpu(&text);
		}
		if (first < 0 || last < first || (*text != '\0' && *text != ','))
			return settings_refuse(error, "Invalid value %.64s for cpuset cpus", list);
		if (last >= MAX_CPUS)
			return settings_refuse(
				error,
				"Requested CPUs are not available - requested %.64s, "
				"available: 0-%d",
				list, MAX_CPUS - 1);
		for (int cpu = first; cpu <= last; cpu++)
			*out |= 1u << cpu;
	} while (*text++ == ',');
	return 0;
}

// Which of the machine's CPUs run a virtual machine's nobody can say: there are as many.
static error_t check_cpuset(struct host_settings *host, char error[static SETTINGS_ERROR_MAX])
{
	uint32_t cpus;
	error_t err;

	if (host->cpuset == NULL || host->cpuset[0] == '\0')
		return 0;
	err = read_cpuset(host->cpuset, &cpus, error);
	for (; err == 0 && cpus != 0; cpus &= cpus - 1)
		host->num_cpus++;
	return err;
}

static error_t check_cpus(const struct settings *s, char error[static SETTINGS_ERROR_MAX])
{
	const struct host_settings *host = &s->host;

	if (s->nano_cpus > 0 && host->cpu_period > 0)
		return settings_refuse(
			error, "Conflicting options: Nano CPUs and CPU Period cannot both be set");
	if (s->nano_cpus > 0 && host->cpu_quota > 0)
		return settings_refuse(
			error, "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
	if (host->cpu_period != 0 &&
	    (host->cpu_period < CPU_PERIOD_MIN || host->cpu_period > CPU_PERIOD_MAX))
		return settings_refuse(
			error,
			"CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s "
			"(i.e. 1000000)");
	if (host->cpu_quota > 0 && host->cpu_quota < CPU_QUOTA_MIN)
		return settings_refuse(error, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
	if (host->cpu_quota > MAX_CPUS * CPU_PERIOD_MAX || settings_nano_cpus(s) > MAX_CPUS * NANO)
		return settings_refuse(error,
		                       "HostConfig.CpuQuota: a virtual machine has at most %d CPUs",
		                       MAX_CPUS);
	return 0;
}

static error_t check_memory(const struct settings *s, char error[static SETTINGS_ERROR_MAX])
{
	const struct host_settings *host = &s->host;

	if (host->memory_swap > 0 && s->memory == 0)
		return settings_refuse(
			error,
			"You should always set the Memory limit when using Memoryswap limit, "
			"see usage");
	if (host->memory_swap > 0 && host->memory_swap < s->memory)
		return settings_refuse(
			error,
			"Minimum memoryswap limit should be larger than memory limit, see usage");
	if (host->memory_reservation < 0 ||
	    (host->memory_reservation > 0 && s->memory > 0 && s->memory < host->memory_reservation))
		return settings_refuse(
			error,
			"Minimum memory limit can not be less than memory reservation limit, see "
			"usage");
	if (host->has_memory_swappiness &&
	    (host->memory_swappiness < -1 || host->memory_swappiness > 100))
		return settings_refuse(
			error, "Invalid value: %lld, valid memory swappiness range is 0-100",
			(long long)host->memory_swappiness);
	return 0;
}

error_t settings_check_resources(const struct settings *s, char error[static SETTINGS_ERROR_MAX])
{
	error_t err = check_cpus(s, error);

	if (err == 0)
		err = check_memory(s, error);
	if (err == 0 && s->host.pids_limit > PIDS_MAX)
		err = settings_refuse(error,
		                      "HostConfig.PidsLimit: Linux has at most %lld processes",
		                      (long long)PIDS_MAX);
	return err;
}

error_t settings_check_new(const struct settings *s, char error[static SETTINGS_ERROR_MAX])
{
	if (s->workdir != NULL && s->workdir[0] != '\0' && s->workdir[0] != '/')
		return settings_refuse(
			error,
			"the working directory '%.200s' is invalid, it needs to be an absolute path",
			s->workdir);
	if (s->stop_signal != NULL && s->stop_signal[0] != '\0' && signal_read(s->stop_signal) == 0)
		return settings_refuse(error, "invalid signal: %.64s", s->stop_signal);
	for (size_t i = 0; i < s->env.count; i++)
		if (s->env.items[i][0] == '\0' || s->env.items[i][0] == '=')
			return settings_refuse(error, "invalid environment variable: %.200s",
			                       s->env.items[i]);
	for (size_t i = 0; i < s->mounts.count; i++) {
		const struct mount *mount = &s->mounts.items[i];

		if (mount->kind == MOUNT_VOLUME && mount->source == NULL && mount->read_only)
			return settings_refuse(error,
			                       "invalid mount config for type \"volume\": must not "
			                       "set ReadOnly mode when using anonymous volumes");
	}
	return 0;
}

static error_t check_process(const struct host_settings *host,
                             char error[static SETTINGS_ERROR_MAX])
{
	if (host->oom_score_adj < -1000 || host->oom_score_adj > 1000)
		return settings_refuse(
			error, "Invalid value %lld, range for oom score adj is [-1000, 1000]",
			(long long)host->oom_score_adj);
	return check_words(&host->groups, "GroupAdd", error);
}

static error_t check_links(const struct settings *s, char error[static SETTINGS_ERROR_MAX])
{
	char target[LINK_NAME_MAX], alias[LINK_NAME_MAX];

	for (size_t i = 0; i < s->host.links.count; i++)
		if (!link_read(s->host.links.items[i], target, alias))
			return settings_refuse(error, "bad format for links: %.64s",
			                       s->host.links.items[i]);
	return 0;
}

static error_t warn(struct host_settings *host, const struct settings *s)
{
	error_t err = 0;

	if (host->memory_swap > s->memory || host->memory_swap == -1)
		err = string_list_add(
			&host->warnings,
			"HostConfig.MemorySwap has no effect: there is no swap space");
	if (err == 0 && host->num_cpus > 0)
		err = string_list_add(&host->warnings,
		                      "HostConfig.CpusetCpus says how many CPUs the virtual "
		                      "machine has, and not which");
	if (err == 0 && host->memory_swappiness > 0)
		err = string_list_add(
			&host->warnings,
			"HostConfig.MemorySwappiness has no effect: there is no swap space");
	if (err == 0 && host->memory_reservation > 0)
		err = string_list_add(&host->warnings,
		                      "HostConfig.MemoryReservation has no effect: the container's "
		                      "memory is its virtual machine's");
	return err;
}

error_t settings_check_host(struct settings *s, char error[static SETTINGS_ERROR_MAX])
{
	struct host_settings *host = &s->host;
	error_t err = check_domain(host, error);

	if (err == 0 && host->mac != NULL)
		err = mac_check(host->mac, error);
	if (err == 0)
		err = check_hosts(host, error);
	if (err == 0)
		err = check_resolver(host, error);
	if (err == 0)
		err = check_capabilities(host, error);
	if (err == 0)
		err = check_security(host, error);
	if (err == 0)
		err = check_sysctls(s, error);
	if (err == 0)
		err = check_cpuset(host, error);
	if (err == 0)
		err = settings_check_resources(s, error);
	if (err == 0)
		err = check_process(host, error);
	if (err == 0)
		err = check_links(s, error);
	return err == 0 ? warn(host, s) : err;
}
