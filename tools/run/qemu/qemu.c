// SPDX-License-Identifier: MIT
#include "tools/run/qemu/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/abi/engine.h"
#include "libs/abi/files_port.h"
#include "tools/common/subprocess.h"
#include "tools/run/hostfs/server.h"
#include "tools/run/settings/settings.h"

#define MAX_ARGS 256

struct command {
	char *argv[MAX_ARGS + 1];
	unsigned count;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct command *command, const char *format,
                                                      ...)
{
	va_list args;
	int length;

	if (command->count == MAX_ARGS) {
		command->failed = true;
		return;
	}
	va_start(args, format);
	length = vasprintf(&command->argv[command->count], format, args);
	va_end(args);
	if (length < 0)
		command->failed = true;
	else
		command->count++;
}

static void command_free(struct command *command)
{
	for (unsigned i = 0; i < command->count; i++)
		free(command->argv[i]);
}

// In QEMU's options a comma within a value is written twice. The caller frees the result.
static char *comma_escape(const char *text)
{
	char *escaped = malloc(2 * strlen(text) + 1);
	char *out = escaped;

	for (; escaped && *text; text++) {
		if (*text == ',')
			*out++ = ',';
		*out++ = *text;
	}
	if (escaped)
		*out = '\0';
	return escaped;
}

// `options` go to -drive besides, each with a comma before it.
static void add_disk(struct command *command, const char *id, const char *format, const char *path,
                     const char *options)
{
	char *escaped = comma_escape(path);

	if (!escaped) {
		command->failed = true;
		return;
	}
	add(command, "-drive");
	// A full disk of the host is an error of one write. QEMU would stop the machine otherwise.
	add(command, "file=%s,format=%s,if=none,id=%s,werror=report%s", escaped, format, id,
	    options);
	add(command, "-device");
	add(command, "virtio-blk-device,drive=%s,serial=%s", id, id);
	free(escaped);
}

// Memory of the file server's, by the NBD protocol.
static void add_window(struct command *command, int remote)
{
	add(command, "-drive");
	add(command,
	    "driver=nbd,server.type=fd,server.str=%d,if=none,id=" FILES_WINDOW ",cache=writeback",
	    remote);
	add(command, "-device");
	add(command, "virtio-blk-device,drive=" FILES_WINDOW ",serial=" FILES_WINDOW);
}

static void add_ports(struct command *command, const int remote[QEMU_NUM_CHANNELS])
{
	static const char *const names[QEMU_WINDOW] = {
		"uart", "stdin", "stdout", "stderr", "control", "apps", "files", "host", "monitor",
	};

	for (unsigned i = 0; i < QEMU_WINDOW; i++) {
		if (remote[i] < 0)
			continue;
		add(command, "-chardev");
		add(command, "socket,id=%s,fd=%d", names[i], remote[i]);
	}
	add(command, "-serial");
	add(command, "chardev:uart");
	add(command, "-device");
	add(command, "virtio-serial-device,id=ports");
	for (unsigned i = QEMU_STDIN; i < QEMU_MONITOR; i++) {
		if (remote[i] < 0)
			continue;
		add(command, "-device");
		// Port 0 is for a console; ours have names.
		add(command, "virtserialport,bus=ports.0,nr=%u,chardev=%s,name=org.starina.%s", i,
		    names[i], names[i]);
	}
	if (remote[QEMU_MONITOR] >= 0) {
		add(command, "-mon");
		add(command, "chardev=%s,mode=control", names[QEMU_MONITOR]);
	}
}

// `address`: of the guest; "": of the OS.
static void write_forwards(FILE *text, const struct published_ports *ports, const char *address)
{
	for (unsigned i = 0; i < ports->count; i++) {
		const struct published_port *port = &ports->items[i];

		fprintf(text, ",hostfwd=%s:%s:%u-%s:%u", port->udp ? "udp" : "tcp", port->host,
		        port->host_port, address, port->container_port);
	}
}

// The status page's port, the engine's and those of apps go to the OS, the published ones straight
// to the container's address.
static void add_network(struct command *command, const struct settings *settings,
                        const struct qemu_files *files)
{
	char *forwards = NULL;
	size_t length;
	FILE *text = open_memstream(&forwards, &length);

	if (text) {
		write_forwards(text, &settings->ports, QEMU_CONTAINER_ADDRESS);
		write_forwards(text, &settings->app_ports, "");
	}
	if (text && files->engine_port)
		fprintf(text, ",hostfwd=tcp:127.0.0.1:%u-:%u", files->engine_port, ENGINE_PORT);
	if (!text || fclose(text) != 0) {
		command->failed = true;
		free(forwards);
		return;
	}
	add(command, "-netdev");
	add(command, "user,id=net0,hostfwd=tcp:127.0.0.1:%u-:80%s", settings->http_port, forwards);
	add(command, "-device");
	add(command, "virtio-net-device,netdev=net0");
	free(forwards);
}

static void add_words(struct command *command, const char *words)
{
	while (*(words += strspn(words, " \t\n"))) {
		size_t length = strcspn(words, " \t\n");

		add(command, "%.*s", (int)length, words);
		words += length;
	}
}

// Whether folders of the host are shared with the container.
static bool has_host_volumes(const struct settings *settings)
{
	return volumes_count(&settings->volumes, VOLUME_HOST) > 0;
}

// Whether any are.
static bool has_shares(const struct settings *settings)
{
	return has_host_volumes(settings) || settings->shares.count > 0 || settings->engine;
}

// For httpd, the names of the shares of apps, which its API has beside the volumes.
// "": there are none.
static void shares_argument(const struct settings *settings, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < settings->shares.count; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s",
		                        i == 0 ? "httpd.shares=" : ",",
		                        settings->shares.items[i].name);
	if (len > 0)
		snprintf(text + len, size - len, " ");
}

#define EMULATOR "kernel.emulator=qemu "

// Boot arguments of the OS's own; what the container is told travels in config.json only.
static void add_boot_arguments(struct command *command, const struct settings *settings,
                               const struct qemu_files *files)
{
	char memory[48] = "";
	char cpus[32] = "";
	char closed[48] = "";
	char shares[SHARES_MAX * (HOSTFS_NAME_MAX + 1) + 32] = "";

	if (files->has_httpd)
		shares_argument(settings, shares, sizeof(shares));
	add(command, "-append");
	if (files->engine_port)
		snprintf(closed, sizeof(closed), "netswitch.closed=%u ", files->engine_port);
	if (!files->has_linuxrun) {
		add(command, EMULATOR "%s%s%s", closed, shares, settings->append);
		return;
	}
	if (settings->guest_memory)
		snprintf(memory, sizeof(memory), " linuxrun.memory=%lluK",
		         (unsigned long long)settings->guest_memory >> 10);
	if (settings->guest_cpus)
		snprintf(cpus, sizeof(cpus), " linuxrun.cpus=%u", settings->guest_cpus);
	add(command,
	    EMULATOR "%s%slinuxrun.poweroff=%d linuxrun.address=" QEMU_CONTAINER_ADDRESS
	             "%s%s%s%s %s",
	    closed, shares, settings->image != NULL || settings->volume.name != NULL, memory, cpus,
	    files->writable_disk ? " linuxrun.disk=1" : "",
	    settings->no_network ? " linuxrun.network=0" : "", settings->append);
}

static void add_boot(struct command *command, const struct settings *settings,
                     const struct qemu_files *files)
{
	add(command, "-bios");
	add(command, "default");
	add(command, "-kernel");
	add(command, "%s", files->kernel);
	add_boot_arguments(command, settings, files);
}

static void command_make(struct command *command, const struct settings *settings,
                         const struct qemu_files *files, const int remote[QEMU_NUM_CHANNELS])
{
	add(command, "%s", settings->qemu);
	// Seen in the host's list of processes.
	if (settings->name) {
		add(command, "-name");
		add(command, "%s", settings->name);
	}
	add(command, "-nodefaults");
	add(command, "-no-user-config");
	add(command, "-no-reboot");
	add(command, "-display");
	add(command, "none");
	add(command, "-monitor");
	add(command, "none");
	add(command, "-M");
	add(command, "%s", settings->machine);
	add(command, "-cpu");
	add(command, "%s", settings->cpu);
	add(command, "-smp");
	add(command, "%u", settings->smp);
	add(command, "-m");
	add(command, "%lluM", (unsigned long long)settings->memory >> 20);
	add(command, "-global");
	add(command, "virtio-mmio.force-legacy=false");
	add_boot(command, settings, files);
	add_disk(command, "boot", "raw", files->boot_disk, ",readonly=on");
	add_disk(command, "root", "raw", files->root_image, ",readonly=on");
	add_disk(command, "images", "vmdk", files->images_disk, ",readonly=on");
	if (files->writable_disk)
		add_disk(command, "writable", "raw", files->writable_disk,
		         files->writable_disk_kept ? ",cache=writeback" : ",cache=unsafe");
	if (files->state_disk)
		add_disk(command, "state", "raw", files->state_disk, ",cache=writeback");
	if (remote[QEMU_WINDOW] >= 0)
		add_window(command, remote[QEMU_WINDOW]);
	add_network(command, settings, files);
	add(command, "-device");
	add(command, "virtio-rng-device");
	add_ports(command, remote);
	if (files->gdb_socket) {
		char *escaped = comma_escape(files->gdb_socket);

		add(command, "-gdb");
		add(command, "unix:%s,server=on,wait=off", escaped ? escaped : "");
		free(escaped);
	}
	if (settings->gdb)
		add(command, "-S");
	add_words(command, settings->qemu_args);
}

static void close_all(int fds[QEMU_NUM_CHANNELS])
{
	for (unsigned i = 0; i < QEMU_NUM_CHANNELS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

// The machine has places for eight devices: with both other disks that may be there, it is full.
static bool has_window(const struct settings *settings, const struct qemu_files *files)
{
	return has_shares(settings) && !(files->writable_disk && files->state_disk);
}

static bool has_channel(const struct settings *settings, const struct qemu_files *files,
                        unsigned channel)
{
	switch (channel) {
	case QEMU_FILES: return has_shares(settings);
	case QEMU_WINDOW: return has_window(settings, files);
	case QEMU_HOST:
	case QEMU_MONITOR: return settings->engine;
	default: return true;
	}
}

static int channels_open(struct qemu *machine, int remote[QEMU_NUM_CHANNELS],
                         const struct settings *settings, const struct qemu_files *files,
                         struct error *err)
{
	for (unsigned i = 0; i < QEMU_NUM_CHANNELS; i++)
		machine->channels[i] = remote[i] = -1;
	for (unsigned i = 0; i < QEMU_NUM_CHANNELS; i++) {
		int pair[2];

		if (!has_channel(settings, files, i))
			continue;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
			error_set_errno(err, errno, "cannot make a socket");
			close_all(machine->channels);
			close_all(remote);
			return -1;
		}
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
		machine->channels[i] = pair[0];
		remote[i] = pair[1];
	}
	return 0;
}

// Hands our end of the files' channel to a server of the volumes, and of the apps' shares.
static int file_server_start(struct qemu *machine, const struct settings *settings,
                             const struct qemu_files *files, struct error *err)
{
	struct hostfs_binding binding = { .root = files->bind_root, .path = files->bind_path };
	int binds[2] = { -1, -1 };
	const struct volumes *volumes = &settings->volumes;
	struct hostfs_share shares[HOSTFS_MAX_SHARES + SHARES_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < volumes->count; i++)
		if (volumes->items[i].kind == VOLUME_HOST)
			shares[count++] =
				(struct hostfs_share){ .fd = volumes->items[i].fd,
				                       .read_only = volumes->items[i].read_only };
	for (unsigned i = 0; i < settings->shares.count; i++)
		shares[count++] =
			(struct hostfs_share){ .fd = settings->shares.items[i].fd,
			                       .read_only = settings->shares.items[i].read_only,
			                       .name = settings->shares.items[i].name };
	if (settings->engine && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, binds) < 0)
		return error_set_errno(err, errno, "cannot make a socket");
	machine->binds = binds[0];
	binding.socket = binds[1];
	machine->file_server = hostfs_server_start(machine->channels[QEMU_FILES],
	                                           machine->channels[QEMU_WINDOW], shares, count,
	                                           settings->engine ? &binding : NULL, err);
	if (binds[1] >= 0)
		close(binds[1]);
	for (unsigned i = 0; i < QEMU_NUM_CHANNELS; i++) {
		if ((i != QEMU_FILES && i != QEMU_WINDOW) || machine->channels[i] < 0)
			continue;
		close(machine->channels[i]);
		machine->channels[i] = -1;
	}
	return machine->file_server < 0 ? -1 : 0;
}

int qemu_start(struct qemu *machine, const struct settings *settings,
               const struct qemu_files *files, struct error *err)
{
	int remote[QEMU_NUM_CHANNELS];
	int passed[QEMU_NUM_CHANNELS];
	struct command command = { 0 };
	struct spawn spawn = {
		.stdin_fd = -1,
		.stdout_fd = STDERR_FILENO,
		.stderr_fd = -1,
		.cwd_fd = -1,
		.own_group = true,
		.pass_fds = passed,
	};

	machine->file_server = 0;
	machine->binds = -1;
	if (channels_open(machine, remote, settings, files, err) < 0)
		return -1;
	for (unsigned i = 0; i < QEMU_NUM_CHANNELS; i++)
		if (remote[i] >= 0)
			passed[spawn.num_pass_fds++] = remote[i];
	command_make(&command, settings, files, remote);
	spawn.argv = (const char *const *)command.argv;
	if (command.failed)
		machine->pid = error_set(err, "QEMU's command line is too long");
	else if (has_shares(settings) && file_server_start(machine, settings, files, err) < 0)
		machine->pid = -1;
	else
		machine->pid = subprocess_spawn(&spawn, err);
	command_free(&command);
	close_all(remote);
	if (machine->pid < 0)
		qemu_stop(machine);
	return machine->pid < 0 ? -1 : 0;
}

void qemu_stop(struct qemu *machine)
{
	if (machine->pid > 0) {
		kill(machine->pid, SIGKILL);
		subprocess_wait(machine->pid);
	}
	machine->pid = -1;
	if (machine->file_server > 0) {
		kill(machine->file_server, SIGKILL);
		subprocess_wait(machine->file_server);
	}
	machine->file_server = 0;
	if (machine->binds >= 0)
		close(machine->binds);
	machine->binds = -1;
	close_all(machine->channels);
}
