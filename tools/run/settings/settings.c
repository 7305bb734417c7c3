// SPDX-License-Identifier: MIT
#include "tools/run/settings/settings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/common/subprocess.h"
#include "tools/run/settings/numbers.h"
#include "tools/run/signals.h"

#define MIB ((uint64_t)1 << 20)
#define DEFAULT_MEMORY (512 * MIB)
#define DEFAULT_GUEST_MEMORY (128 * MIB)  // linuxrun's, for the check below
#define OS_MEMORY (64 * MIB)              // what the OS keeps for itself
#define OS_MEMORY_AMPLE (128 * MIB)       // what it gets when the machine's size is ours to choose
#define MAX_MEMORY ((uint64_t)1 << 40)
#define DEFAULT_SMP 2
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

// The machine must be larger than the VM in it; unless told otherwise, it is.
static int memory_read(struct settings *settings, struct error *err)
{
	uint64_t guest = settings->guest_memory ? settings->guest_memory : DEFAULT_GUEST_MEMORY;
	const char *value = env_get("STARINA_MEMORY");

	settings->memory = guest + OS_MEMORY_AMPLE > DEFAULT_MEMORY ? guest + OS_MEMORY_AMPLE
								    : DEFAULT_MEMORY;
	if (value && !size_parse(value, &settings->memory))
		return error_set(err, "STARINA_MEMORY=%.100s is not a size; write for example 512M",
		                 value);
	if (settings->memory > MAX_MEMORY)
		return error_set(err, "STARINA_MEMORY=%.100s: a machine has at most 1T", value);
	if (settings->memory < guest + OS_MEMORY)
		return error_set(
			err,
			"a machine of %lluM (STARINA_MEMORY) is too small for a container of %lluM "
			"(LINUXRUN_MEMORY); set STARINA_MEMORY to %lluM or more",
			(unsigned long long)(settings->memory / MIB),
			(unsigned long long)(guest / MIB),
			(unsigned long long)((guest + OS_MEMORY + MIB - 1) / MIB));
	return 0;
}

static int smp_read(struct settings *settings, struct error *err)
{
	const struct option *smp = &settings->options.values[OPTION_SMP];

	settings->smp = settings->guest_cpus > DEFAULT_SMP ? settings->guest_cpus : DEFAULT_SMP;
	if (smp->value &&
	    (!number_parse(smp->value, MAX_SMP, &settings->smp) || settings->smp == 0))
		return error_set(err, "%s: choose 1 to %d harts", option_text(smp), MAX_SMP);
	return 0;
}

static int qemu_read(struct settings *settings, struct error *err)
{
	const char *port = env_get("STARINA_HTTP_PORT");

	settings->build = env_or("STARINA_BUILD", "build");
	settings->qemu = env_or("QEMU", "qemu-system-riscv64");
	settings->machine = env_or("STARINA_MACHINE", "virt");
	settings->cpu = env_or("STARINA_CPU", "rv64");
	settings->append = env_or("STARINA_APPEND", "");
	settings->qemu_args = env_or("STARINA_QEMU_ARGS", "");
	settings->http_port = DEFAULT_HTTP_PORT;
	settings->http_port_given = port != NULL;
	if (port && !number_parse(port, 65535, &settings->http_port))
		return error_set(
			err,
			"STARINA_HTTP_PORT=%.100s is not a port; choose 1 to 65535, or 0 for any",
			port);
	if (smp_read(settings, err) < 0)
		return -1;
	return memory_read(settings, err);
}

// The variable stands for the flags: it counts when there is none of them.
static int shares_read(struct settings *settings, struct error *err)
{
	const struct option_list *list = &settings->options.lists[LIST_SHARE];
	const char *variable = env_get("STARINA_SHARES");

	for (size_t i = 0; i < list->count; i++)
		// Without a name it is the engine's.
		if ((!settings->engine || strchr(list->items[i], '=')) &&
		    shares_add(&settings->shares, list->items[i], false, "--share", err) < 0)
			return -1;
	if (!variable || list->count > 0)
		return 0;
	return shares_add(&settings->shares, variable, true, "STARINA_SHARES", err);
}

// `volume`: the machine is as the variables say, and nothing of a container counts.
static int volume_read(struct settings *settings, int argc, char **argv, struct error *err)
{
	if (options_read(&settings->options, 1, argv, err) < 0 ||
	    volume_command_read(&settings->volume, argc, argv, err) < 0)
		return -1;
	settings->root = env_or("STARINA_ROOT", ".");
	settings->help = settings->volume.help;
	settings->quiet = true;
	settings->attached = ATTACH_ALL;
	settings->no_network = true;
	return settings->help ? 0 : qemu_read(settings, err);
}

int settings_read(struct settings *settings, int argc, char **argv, struct error *err)
{
	*settings = (struct settings){ 0 };
	if (volume_command_is(argc, argv))
		return volume_read(settings, argc, argv, err);
	if (options_read(&settings->options, argc, argv, err) < 0)
		return -1;
	settings->root = env_or("STARINA_ROOT", ".");
	settings->help = option_is_on(&settings->options, OPTION_HELP);
	if (settings->help)
		return 0;
	settings->gdb = option_is_on(&settings->options, OPTION_GDB);
	settings->log_path = settings->options.values[OPTION_LOG].value;
	if (engine_settings_read(settings, err) < 0 || container_settings_read(settings, err) < 0 ||
	    docker_settings_read(settings, err) < 0 ||
	    capability_settings_read(settings, err) < 0 || shares_read(settings, err) < 0)
		return -1;
	if (settings->config_options.failed)
		return error_set(err, "out of memory");
	return qemu_read(settings, err);
}

void settings_deinit(struct settings *settings)
{
	arguments_deinit(&settings->config_options);
	volumes_deinit(&settings->volumes);
	shares_deinit(&settings->shares);
	options_deinit(&settings->options);
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

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "cannot make a pipe");
	spawn.stdout_fd = fds[1];
	pid = subprocess_spawn(&spawn, err);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return error_set(err, "%s; ./setup.sh installs QEMU, or let QEMU name one of yours",
		                 strdupa(err->text));
	}
	signals_wait_output(pid, fds[0]);
	length = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	signals_wait_child(pid);
	text[length > 0 ? length : 0] = '\0';
	version = strstr(text, "version ");
	if (!version || sscanf(version, "version %d.%d", &major, &minor) != 2)
		return error_set(err, "%s is not QEMU: it does not say its version",
		                 settings->qemu);
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
	// As QEMU does: a connection of a past run that lingers is not an obstacle.
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	result = bind(fd, (struct sockaddr *)&address, sizeof(address));
	if (result < 0 && errno == EADDRINUSE &&
	    (settings->image || settings->volume.name || settings->engine) &&
	    !settings->http_port_given) {
		// Who runs containers did not ask for a status page: it gives way.
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
