// SPDX-License-Identifier: MIT
#include "tools/run/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/common/process.h"

#define MIB ((uint64_t)1 << 20)
#define DEFAULT_MEMORY (512 * MIB)
#define DEFAULT_GUEST_MEMORY (128 * MIB)  // linuxrun's, for the check below
#define MIN_GUEST_MEMORY (32 * MIB)
#define OS_MEMORY (64 * MIB)  // what the OS keeps for itself
#define MAX_MEMORY ((uint64_t)1 << 40)
#define DEFAULT_SMP 2
#define MAX_GUEST_CPUS 4  // CONFIG_NR_CPUS of the guest kernel
#define MAX_SMP 16  // what the kernel uses (MAX_HARTS in kernel/sched/sched.h)
#define DEFAULT_HTTP_PORT 30080
#define MIN_QEMU_MAJOR 7
#define MIN_QEMU_MINOR 2

static const char *env_get(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

static const char *env_or(const char *name, const char *otherwise)
{
	const char *value = env_get(name);

	return value ? value : otherwise;
}

// A misspelt setting must not be one without effect.
static int unknown_settings_check(struct error *err)
{
	static const char *const known[] = {
		"IMAGE", "ENTRYPOINT", "ARGS",     "ENV",      "USER",
		"WORKDIR", "HOSTNAME", "READONLY", "MEMORY", "CPUS",
	};
	const size_t prefix = strlen("LINUXRUN_");

	for (char **entry = environ; *entry; entry++) {
		size_t length = strcspn(*entry, "=");
		bool found = false;

		if (strncmp(*entry, "LINUXRUN_", prefix) != 0)
			continue;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && !found; i++)
			found = strlen(known[i]) == length - prefix &&
				strncmp(*entry + prefix, known[i], length - prefix) == 0;
		if (!found)
			return error_set(err, "%.*s is no setting; ./run.sh --help lists them",
			                 (int)length, *entry);
	}
	return 0;
}

static bool number_parse(const char *text, unsigned long max, unsigned *number)
{
	unsigned long value;

	if (!text[0] || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text))
		return false;
	value = strtoul(text, NULL, 10);
	*number = (unsigned)value;
	return value <= max;
}

bool size_parse(const char *text, uint64_t *size)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t value;
	unsigned shift;

	if (digits == 0 || digits > 15)
		return false;
	value = strtoull(text, NULL, 10);
	switch (text[digits]) {
	case '\0': shift = 0; break;
	case 'k':
	case 'K': shift = 10; break;
	case 'm':
	case 'M': shift = 20; break;
	case 'g':
	case 'G': shift = 30; break;
	default: return false;
	}
	if (text[digits] && text[digits + 1])
		return false;
	if (value > MAX_MEMORY >> shift)
		return false;
	*size = value << shift;
	return true;
}

static int memory_read(const char *name, uint64_t *size, struct error *err)
{
	const char *value = env_get(name);

	if (value && !size_parse(value, size))
		return error_set(err, "%s=%s is no size; write for example 256M", name, value);
	return 0;
}

static int memory_check(const struct settings *settings, struct error *err)
{
	uint64_t guest = settings->guest_memory ? settings->guest_memory : DEFAULT_GUEST_MEMORY;

	if (guest < MIN_GUEST_MEMORY)
		return error_set(
			err, "LINUXRUN_MEMORY=%s is too little for Linux; give it at least %lluM",
			getenv("LINUXRUN_MEMORY"), (unsigned long long)(MIN_GUEST_MEMORY / MIB));
	if (settings->memory < guest + OS_MEMORY)
		return error_set(
			err,
			"a machine of %lluM (STARINA_MEMORY) is too small for a container of %lluM "
			"(LINUXRUN_MEMORY); set STARINA_MEMORY to %lluM or more",
			(unsigned long long)(settings->memory / MIB),
			(unsigned long long)(guest / MIB),
			(unsigned long long)((guest + OS_MEMORY) / MIB));
	return 0;
}

static int environment_read(struct settings *settings, struct error *err)
{
	const char *port = env_get("STARINA_HTTP_PORT");
	const char *smp = env_get("STARINA_SMP");
	const char *cpus = env_get("LINUXRUN_CPUS");

	settings->root = env_or("STARINA_ROOT", ".");
	settings->build = env_or("STARINA_BUILD", "build");
	settings->qemu = env_or("QEMU", "qemu-system-riscv64");
	settings->cpu = env_or("STARINA_CPU", "rv64");
	settings->append = env_or("STARINA_APPEND", "");
	settings->qemu_args = env_or("STARINA_QEMU_ARGS", "");
	settings->image = env_get("LINUXRUN_IMAGE");
	settings->entrypoint = env_get("LINUXRUN_ENTRYPOINT");
	settings->args = env_get("LINUXRUN_ARGS");
	settings->env = env_get("LINUXRUN_ENV");
	settings->user = env_get("LINUXRUN_USER");
	settings->workdir = env_get("LINUXRUN_WORKDIR");
	settings->hostname = env_get("LINUXRUN_HOSTNAME");
	settings->readonly = env_get("LINUXRUN_READONLY");
	settings->http_port_given = port != NULL;
	if (port && !number_parse(port, 65535, &settings->http_port))
		return error_set(err,
		                 "STARINA_HTTP_PORT=%s is no port; choose 1 to 65535, or 0 for any",
		                 port);
	if (smp && (!number_parse(smp, MAX_SMP, &settings->smp) || settings->smp == 0))
		return error_set(err, "STARINA_SMP=%s: choose 1 to %d harts", smp, MAX_SMP);
	if (cpus && (!number_parse(cpus, MAX_GUEST_CPUS, &settings->guest_cpus) || settings->guest_cpus == 0))
		return error_set(err, "LINUXRUN_CPUS=%s: choose 1 to %d", cpus, MAX_GUEST_CPUS);
	if (memory_read("STARINA_MEMORY", &settings->memory, err) < 0 ||
	    memory_read("LINUXRUN_MEMORY", &settings->guest_memory, err) < 0)
		return -1;
	return memory_check(settings, err);
}

int settings_read(struct settings *settings, int argc, char **argv, struct error *err)
{
	static const struct option options[] = {
		{ "gdb", no_argument, NULL, 'g' },
		{ "smp", required_argument, NULL, 's' },
		{ "log", required_argument, NULL, 'l' },
		{ 0 },
	};
	int option;

	*settings = (struct settings){
		.smp = DEFAULT_SMP,
		.memory = DEFAULT_MEMORY,
		.http_port = DEFAULT_HTTP_PORT,
	};
	if (unknown_settings_check(err) < 0 || environment_read(settings, err) < 0)
		return -1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'g': settings->gdb = true; break;
		case 'l': settings->log_path = optarg; break;
		case 's':
			if (!number_parse(optarg, MAX_SMP, &settings->smp) || settings->smp == 0)
				return error_set(err, "--smp %s: choose 1 to %d harts", optarg,
				                 MAX_SMP);
			break;
		default:
			return error_set(
				err,
				"the option %s is unknown or lacks its value; see ./run.sh --help",
				argv[optind - 1]);
		}
	}
	if (optind < argc)
		return error_set(
			err,
			"\"%s\" is unexpected; the container is chosen with LINUXRUN_IMAGE, see "
			"./run.sh --help",
			argv[optind]);
	return 0;
}

int settings_check_qemu(const struct settings *settings, struct error *err)
{
	const char *argv[] = { settings->qemu, "--version", NULL };
	struct spawn spawn = { .argv = argv, .stdin_fd = -1, .stderr_fd = -1, .cwd_fd = -1 };
	char text[256];
	const char *version;
	ssize_t length;
	int fds[2];
	int major = 0;
	int minor = 0;
	pid_t pid;

	if (pipe(fds) < 0)
		return error_set_errno(err, errno, "cannot make a pipe");
	spawn.stdout_fd = fds[1];
	pid = process_spawn(&spawn, err);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return error_set(err, "%s; ./setup.sh installs QEMU, or let QEMU name one of yours",
		                 strdupa(err->text));
	}
	length = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	process_wait(pid);
	text[length > 0 ? length : 0] = '\0';
	version = strstr(text, "version ");
	if (!version || sscanf(version, "version %d.%d", &major, &minor) != 2)
		return error_set(err, "%s is no QEMU: it does not say its version", settings->qemu);
	if (major < MIN_QEMU_MAJOR || (major == MIN_QEMU_MAJOR && minor < MIN_QEMU_MINOR))
		return error_set(
			err,
			"%s is QEMU %d.%d, which is too old; %d.%d or newer is needed (./setup.sh "
			"installs it, or let QEMU name another)",
			settings->qemu, major, minor, MIN_QEMU_MAJOR, MIN_QEMU_MINOR);
	return 0;
}

int settings_check_port(struct settings *settings, struct error *err)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)settings->http_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;
	int result = 0;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot make a socket");
	// As QEMU does: a connection of a past run that lingers is no obstacle.
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	result = bind(fd, (struct sockaddr *)&address, sizeof(address));
	if (result < 0 && errno == EADDRINUSE && settings->image && !settings->http_port_given) {
		// Who runs a container did not ask for a status page: it gives way.
		address.sin_port = 0;
		result = bind(fd, (struct sockaddr *)&address, sizeof(address));
	}
	if (result < 0 || listen(fd, 1) < 0)
		result = error_set(
			err,
			"port %u of 127.0.0.1, for the status page, cannot be used: %s; set "
			"STARINA_HTTP_PORT to another, or to 0 for any free one",
			settings->http_port, strerror(errno));
	else if (getsockname(fd, (struct sockaddr *)&address, &length) == 0)
		settings->http_port = ntohs(address.sin_port);
	close(fd);
	return result;
}
