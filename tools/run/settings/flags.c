// SPDX-License-Identifier: MIT
#include "tools/run/settings/flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/base/closest.h"
#include "tools/run/settings/numbers.h"

#define SETS(name, letter, type, option)                          \
	{                                                         \
		name, letter, type, FLAG_SETS, option, NULL, NULL \
	}
#define ADDS(name, letter, list)                                     \
	{                                                            \
		name, letter, FLAG_TEXT, FLAG_ADDS, list, NULL, NULL \
	}
#define ACCEPTED(name, letter, type, why)                       \
	{                                                       \
		name, letter, type, FLAG_ACCEPTED, 0, NULL, why \
	}
#define REFUSED(name, letter, type, harmless, why)                 \
	{                                                          \
		name, letter, type, FLAG_REFUSED, 0, harmless, why \
	}

#define ALONE "only one container runs on the machine, so there is nobody to share it with"
#define NO_HOST_DISK "the container has no disk of the host's to limit"
#define WINDOWS "it is for Windows"
#define HEALTH "a container that runs in the foreground is asked for its health by nobody"
#define ONE_DRIVER "volumes lie on the machine's state disk, which is docker's \"local\""
#define NO_LISTS "labels are for lists of containers, and there is none"
#define NO_DEVICES "the container's machine has no other devices"
#define NO_SWAP "there is no swap space, so that it cannot be used"
#define NO_REAL_TIME "the guest kernel has no real-time group scheduling"
#define NO_OTHERS "there is no other container that would look for it"
#define NO_OTHER_VOLUMES "there is no other container that would have any"

static const struct flag flags[] = {
	ADDS("add-host", 0, LIST_ADD_HOST),
	ADDS("annotation", 0, LIST_ANNOTATION),
	ADDS("app", 0, LIST_APP),
	SETS("app-ports", 0, FLAG_TEXT, OPTION_APP_PORTS),
	ADDS("attach", 'a', LIST_ATTACH),
	ACCEPTED("blkio-weight", 0, FLAG_NUMBER, ALONE),
	REFUSED("blkio-weight-device", 0, FLAG_TEXT, NULL, NO_HOST_DISK),
	ADDS("cap-add", 0, LIST_CAP_ADD),
	ADDS("cap-drop", 0, LIST_CAP_DROP),
	REFUSED("cgroup-parent", 0, FLAG_TEXT, "",
	        "the container's control group is in its own virtual machine"),
	REFUSED("cgroupns", 0, FLAG_TEXT, "|private",
	        "the container has a cgroup namespace of its own, in its own virtual machine"),
	SETS("cidfile", 0, FLAG_TEXT, OPTION_CIDFILE),
	REFUSED("cpu-count", 0, FLAG_NUMBER, "0", WINDOWS),
	REFUSED("cpu-percent", 0, FLAG_NUMBER, "0", WINDOWS),
	SETS("cpu-period", 0, FLAG_NUMBER, OPTION_CPU_PERIOD),
	SETS("cpu-quota", 0, FLAG_NUMBER, OPTION_CPU_QUOTA),
	REFUSED("cpu-rt-period", 0, FLAG_NUMBER, "0", NO_REAL_TIME),
	REFUSED("cpu-rt-runtime", 0, FLAG_NUMBER, "0", NO_REAL_TIME),
	ACCEPTED("cpu-shares", 'c', FLAG_NUMBER, ALONE),
	SETS("cpus", 0, FLAG_DECIMAL, OPTION_CPUS),
	REFUSED("cpuset-cpus", 0, FLAG_TEXT, "",
	        "the CPUs are those of the container's own virtual machine; --cpus says how many"),
	REFUSED("cpuset-mems", 0, FLAG_TEXT, "|0",
	        "the container's virtual machine has one memory node"),
	REFUSED("detach", 'd', FLAG_SWITCH, "false",
	        "the container ends with run.sh; let the shell keep it in the background with &"),
	REFUSED("detach-keys", 0, FLAG_TEXT, "|ctrl-p,ctrl-q",
	        "the keys are Ctrl-P Ctrl-Q, and end the container"),
	REFUSED("device", 0, FLAG_TEXT, NULL, NO_DEVICES),
	REFUSED("device-cgroup-rule", 0, FLAG_TEXT, NULL, NO_DEVICES),
	REFUSED("device-read-bps", 0, FLAG_TEXT, NULL, NO_HOST_DISK),
	REFUSED("device-read-iops", 0, FLAG_TEXT, NULL, NO_HOST_DISK),
	REFUSED("device-write-bps", 0, FLAG_TEXT, NULL, NO_HOST_DISK),
	REFUSED("device-write-iops", 0, FLAG_TEXT, NULL, NO_HOST_DISK),
	ACCEPTED("disable-content-trust", 0, FLAG_SWITCH,
	         "every blob is checked against its digest, and nobody's signature is asked for"),
	SETS("disk", 0, FLAG_SIZE, OPTION_DISK),
	SETS("disk-file", 0, FLAG_TEXT, OPTION_DISK_FILE),
	ADDS("dns", 0, LIST_DNS),
	ADDS("dns-opt", 0, LIST_DNS_OPTION),
	ADDS("dns-option", 0, LIST_DNS_OPTION),
	ADDS("dns-search", 0, LIST_DNS_SEARCH),
	SETS("domainname", 0, FLAG_TEXT, OPTION_DOMAINNAME),
	SETS("engine", 0, FLAG_SWITCH, OPTION_ENGINE),
	SETS("entrypoint", 0, FLAG_TEXT, OPTION_ENTRYPOINT),
	ADDS("env", 'e', LIST_ENV),
	ADDS("env-file", 0, LIST_ENV_FILE),
	ACCEPTED("expose", 0, FLAG_TEXT,
	         "all ports of the container can be reached by who is on its network"),
	SETS("gdb", 0, FLAG_SWITCH, OPTION_GDB),
	REFUSED("gpus", 0, FLAG_TEXT, NULL, NO_DEVICES),
	REFUSED("group-add", 0, FLAG_TEXT, NULL,
	        "the groups are --user's and those that the image's /etc/group lists the user in"),
	ACCEPTED("health-cmd", 0, FLAG_TEXT, HEALTH),
	ACCEPTED("health-interval", 0, FLAG_DURATION, HEALTH),
	ACCEPTED("health-retries", 0, FLAG_NUMBER, HEALTH),
	ACCEPTED("health-start-interval", 0, FLAG_DURATION, HEALTH),
	ACCEPTED("health-start-period", 0, FLAG_DURATION, HEALTH),
	ACCEPTED("health-timeout", 0, FLAG_DURATION, HEALTH),
	SETS("help", 0, FLAG_SWITCH, OPTION_HELP),
	SETS("hostname", 'h', FLAG_TEXT, OPTION_HOSTNAME),
	SETS("init", 0, FLAG_SWITCH, OPTION_INIT),
	SETS("interactive", 'i', FLAG_SWITCH, OPTION_INTERACTIVE),
	REFUSED("io-maxbandwidth", 0, FLAG_SIZE, "0", WINDOWS),
	REFUSED("io-maxiops", 0, FLAG_NUMBER, "0", WINDOWS),
	REFUSED("ip", 0, FLAG_TEXT, "|10.0.2.100",
	        "another address is had with STARINA_APPEND=linuxrun.address=A"),
	REFUSED("ip6", 0, FLAG_TEXT, "", "IPv6 addresses come by the router's advertisements"),
	REFUSED("ipc", 0, FLAG_TEXT, "|private|shareable",
	        "the container has an IPC namespace of its own, in its own virtual machine"),
	REFUSED("isolation", 0, FLAG_TEXT, "|default",
	        "each container has a virtual machine of its own"),
	SETS("kernel", 0, FLAG_TEXT, OPTION_KERNEL),
	ACCEPTED(
		"kernel-memory", 0, FLAG_SIZE,
		"docker has given it up, too: --memory limits all of the container's virtual machine"),
	ACCEPTED("label", 'l', FLAG_TEXT, NO_LISTS),
	ACCEPTED("label-file", 0, FLAG_TEXT, NO_LISTS),
	REFUSED("link", 0, FLAG_TEXT, NULL, "there is no other container to link to"),
	REFUSED("link-local-ip", 0, FLAG_TEXT, NULL,
	        "the container has the one address that the switch gives it"),
	SETS("log", 0, FLAG_TEXT, OPTION_LOG),
	REFUSED("log-driver", 0, FLAG_TEXT, "|none|local|json-file",
	        "the container's output goes to run.sh's stdout and stderr, and nowhere else"),
	ACCEPTED("log-opt", 0, FLAG_TEXT, "the container's output is not kept"),
	REFUSED("mac-address", 0, FLAG_TEXT, "",
	        "the container's MAC address follows from its IP address"),
	SETS("memory", 'm', FLAG_SIZE, OPTION_MEMORY),
	ACCEPTED("memory-reservation", 0, FLAG_SIZE, ALONE),
	ACCEPTED("memory-swap", 0, FLAG_SIZE, NO_SWAP),
	ACCEPTED("memory-swappiness", 0, FLAG_NUMBER, NO_SWAP),
	ADDS("mount", 0, LIST_MOUNT),
	SETS("name", 0, FLAG_TEXT, OPTION_NAME),
	SETS("net", 0, FLAG_TEXT, OPTION_NETWORK),
	REFUSED("net-alias", 0, FLAG_TEXT, NULL, NO_OTHERS),
	SETS("network", 0, FLAG_TEXT, OPTION_NETWORK),
	REFUSED("network-alias", 0, FLAG_TEXT, NULL, NO_OTHERS),
	ACCEPTED("no-healthcheck", 0, FLAG_SWITCH, HEALTH),
	REFUSED("oom-kill-disable", 0, FLAG_SWITCH, "false",
	        "a container that waits for memory for ever can only be ended by force"),
	SETS("oom-score-adj", 0, FLAG_NUMBER, OPTION_OOM_SCORE_ADJ),
	REFUSED("pid", 0, FLAG_TEXT, "|private",
	        "the container has a PID namespace of its own, in its own virtual machine"),
	SETS("pids-limit", 0, FLAG_NUMBER, OPTION_PIDS_LIMIT),
	SETS("platform", 0, FLAG_TEXT, OPTION_PLATFORM),
	REFUSED("privileged", 0, FLAG_SWITCH, "false",
	        "a container has docker's default capabilities at most"),
	ADDS("publish", 'p', LIST_PUBLISH),
	REFUSED("publish-all", 'P', FLAG_SWITCH, "false", "name each port with --publish"),
	REFUSED("pull", 0, FLAG_TEXT, "|always|missing",
	        "a registry is asked what a name means; what runs without one is file://PATH or oci://PATH"),
	SETS("quiet", 'q', FLAG_SWITCH, OPTION_QUIET),
	SETS("read-only", 0, FLAG_SWITCH, OPTION_READONLY),
	REFUSED("restart", 0, FLAG_TEXT, "|no",
	        "a container runs once; run.sh may be called again"),
	SETS("rm", 0, FLAG_SWITCH, OPTION_RM),
	REFUSED("runtime", 0, FLAG_TEXT, "|runc|io.containerd.runc.v2",
	        "containers are run by the OS in a virtual machine each"),
	ADDS("security-opt", 0, LIST_SECURITY),
	ADDS("share", 0, LIST_SHARE),
	SETS("shm-size", 0, FLAG_SIZE, OPTION_SHM_SIZE),
	REFUSED("sig-proxy", 0, FLAG_SWITCH, "true",
	        "signals are all that run.sh can tell a container by"),
	SETS("smp", 0, FLAG_NUMBER, OPTION_SMP),
	ACCEPTED(
		"stop-signal", 0, FLAG_TEXT,
		"nobody can call `docker stop`: a signal to run.sh is the one that the container gets"),
	SETS("stop-timeout", 0, FLAG_NUMBER, OPTION_STOP_TIMEOUT),
	REFUSED("storage-opt", 0, FLAG_TEXT, NULL,
	        "the size of the writable layer is --disk's, or half of the memory's"),
	REFUSED("sysctl", 0, FLAG_TEXT, NULL, "the guest's settings are docker's default ones"),
	ADDS("tmpfs", 0, LIST_TMPFS),
	SETS("tty", 't', FLAG_SWITCH, OPTION_TTY),
	ADDS("ulimit", 0, LIST_ULIMIT),
	REFUSED("use-api-socket", 0, FLAG_SWITCH, "false", "there is no such socket"),
	SETS("user", 'u', FLAG_TEXT, OPTION_USER),
	REFUSED("userns", 0, FLAG_TEXT, "|host",
	        "there are no user namespaces: the container has a virtual machine of its own"),
	REFUSED("uts", 0, FLAG_TEXT, "|private",
	        "the container has a UTS namespace of its own, in its own virtual machine"),
	ADDS("volume", 'v', LIST_VOLUME),
	REFUSED("volume-driver", 0, FLAG_TEXT, "|local", ONE_DRIVER),
	REFUSED("volumes-from", 0, FLAG_TEXT, NULL, NO_OTHER_VOLUMES),
	SETS("workdir", 'w', FLAG_TEXT, OPTION_WORKDIR),
};

#define NUM_FLAGS (sizeof(flags) / sizeof(flags[0]))

const struct flag *flags_all(size_t *count)
{
	*count = NUM_FLAGS;
	return flags;
}

const struct flag *flag_find(const char *name, size_t length)
{
	for (size_t i = 0; i < NUM_FLAGS; i++)
		if (strlen(flags[i].name) == length && strncmp(flags[i].name, name, length) == 0)
			return &flags[i];
	return NULL;
}

const struct flag *flag_find_letter(char letter)
{
	for (size_t i = 0; letter && i < NUM_FLAGS; i++)
		if (flags[i].letter == letter)
			return &flags[i];
	return NULL;
}

const char *flag_nearest(const char *name)
{
	struct closest closest = { 0 };

	for (size_t i = 0; i < NUM_FLAGS; i++)
		closest_offer(&closest, name, strlen(name), flags[i].name);
	return closest.name;
}

// --- Values -------------------------------------------------------------------------------------

// As Go's strconv.ParseBool() has it, and so docker. NULL: it is none.
static const char *switch_value(const char *text)
{
	static const char *const words[][2] = {
		{ "1", "true" },      { "t", "true" },      { "T", "true" },
		{ "true", "true" },   { "TRUE", "true" },   { "True", "true" },
		{ "0", "false" },     { "f", "false" },     { "F", "false" },
		{ "false", "false" }, { "FALSE", "false" }, { "False", "false" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i][0]) == 0)
			return words[i][1];
	return NULL;
}

static bool is_number(const char *text)
{
	size_t digits;

	text += *text == '-' || *text == '+';
	digits = strspn(text, "0123456789");
	return digits > 0 && digits < 19 && text[digits] == '\0';
}

static bool is_decimal(const char *text)
{
	size_t whole = strspn(text, "0123456789");
	size_t places = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;

	return whole + places > 0 && strlen(text) == whole + (text[whole] == '.') + places;
}

// "1h2m3.5s", "200ms", "0" (Go's time.ParseDuration()).
static bool is_duration(const char *text)
{
	static const char *const units[] = { "ns", "us", "ms", "s", "m", "h" };

	if (strcmp(text, "0") == 0)
		return true;
	do {
		size_t number = strspn(text, "0123456789.");
		size_t i = 0;

		if (strcspn(text, "0123456789") >= number)
			return false;
		text += number;
		while (i < sizeof(units) / sizeof(units[0]) &&
		       strncmp(text, units[i], strlen(units[i])) != 0)
			i++;
		if (i == sizeof(units) / sizeof(units[0]))
			return false;
		text += strlen(units[i]);
	} while (*text);
	return true;
}

int flag_value_check(const struct flag *flag, const char **value, struct error *err)
{
	static const char *const wanted[] = {
		[FLAG_SWITCH] = "true or false",           [FLAG_NUMBER] = "a number",
		[FLAG_DECIMAL] = "a number, such as 1.5",  [FLAG_SIZE] = "a size, such as 512m",
		[FLAG_DURATION] = "a time, such as 1m30s",
	};
	char printable[100];
	uint64_t size;
	bool good = true;

	switch (flag->type) {
	case FLAG_SWITCH:
		if (switch_value(*value)) {
			*value = switch_value(*value);
			return 0;
		}
		good = false;
		break;
	case FLAG_TEXT: return 0;
	case FLAG_NUMBER: good = is_number(*value); break;
	case FLAG_DECIMAL: good = is_decimal(*value); break;
	// -1 is docker's "unlimited", where there is such a thing.
	case FLAG_SIZE: good = size_parse(*value, &size) || strcmp(*value, "-1") == 0; break;
	case FLAG_DURATION: good = is_duration(*value); break;
	}
	if (good)
		return 0;
	error_printable(printable, sizeof(printable), *value);
	return error_set(err, "--%s=%s: it takes %s", flag->name, printable, wanted[flag->type]);
}

// Whether two sizes are the same, however they are written.
static bool same_size(const char *a, const char *b)
{
	uint64_t x, y;

	return size_parse(a, &x) && size_parse(b, &y) && x == y;
}

bool flag_is_harmless(const struct flag *flag, const char *value)
{
	const char *words = flag->harmless;
	char one[64];

	while (words) {
		size_t word = strcspn(words, "|");

		snprintf(one, sizeof(one), "%.*s", (int)word, words);
		if (strcmp(one, value) == 0 || (flag->type == FLAG_SIZE && same_size(one, value)))
			return true;
		words = words[word] ? words + word + 1 : NULL;
	}
	return false;
}
