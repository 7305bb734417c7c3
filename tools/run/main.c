// SPDX-License-Identifier: MIT
//
// starina-run: boots Starina in QEMU with a container, and is that container to whoever called
// run.sh.
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/address_file.h"
#include "tools/common/inherited.h"
#include "tools/common/log.h"
#include "tools/run/prepare.h"
#include "tools/run/qemu/qemu.h"
#include "tools/run/relay/app_port.h"
#include "tools/run/relay/relay.h"
#include "tools/run/relay/terminal.h"
#include "tools/run/settings/image_apps.h"
#include "tools/run/signals.h"

#define EXIT_ERROR 125
#define EXIT_VOLUME_ERROR 1  // of `docker volume`, which runs nothing
#define REACH_MAX 256
#define LISTEN_MS 5000  // QEMU is ready for a debugger by then

// Says so once QEMU listens, or would have if it were well.
static void debugger_announce(const struct run *run)
{
	uint64_t end = clock_ms() + LISTEN_MS;

	while (access(run->gdb_socket, F_OK) < 0 && clock_ms() < end)
		usleep(10000);
	log_info("waiting for a debugger: run ./debug.sh in another terminal");
}

// Those that run.sh chose.
static void ports_announce(const struct published_ports *ports, const char *whose)
{
	for (unsigned i = 0; i < ports->count; i++) {
		const struct published_port *port = &ports->items[i];

		if (port->chosen)
			log_info("port %u/%s of %s is port %u of %s", port->container_port,
			         port->udp ? "udp" : "tcp", whose, port->host_port, port->host);
	}
}

// Whether the OS outlives what it is booted for.
static bool stays_up(const struct run *run)
{
	return !run->settings.image && !run->settings.volume.name;
}

// Where an OS that stays up is reached, and how it is ended.
static void reach_text(const struct run *run, char *text, size_t size)
{
	const struct settings *settings = &run->settings;
	// Only for a person's eyes: logs are kept, and read by others.
	const char *token = isatty(STDERR_FILENO) ? strchr(run->web.url, '#') : NULL;
	const char *end = settings->engine ? "Ctrl-C or Ctrl-A X stops the containers and the OS"
					   : "Ctrl-C or Ctrl-A X ends the OS";

	if (image_has_app(settings->build, "httpd"))
		snprintf(text, size, "status page: http://127.0.0.1:%u/%s; %s", settings->http_port,
		         token ? token : "", end);
	else if (image_has_app(settings->build, "tcpip"))
		snprintf(text, size, "http://127.0.0.1:%u/ is port 80 of the OS; %s",
		         settings->http_port, end);
	else
		snprintf(text, size, "%s", end);
}

// What the user can do with an OS that stays up.
static void boot_announce(const struct run *run)
{
	const struct settings *settings = &run->settings;
	char reach[REACH_MAX];

	reach_text(run, reach, sizeof(reach));
	log_info("%s", reach);
	if (terminal_is_ours() && image_has_app(settings->build, "shell"))
		log_info("what is typed goes to the OS's shell: help lists its commands");
}

// Runs the machine until it ends. Says what keeps it from running.
static int machine_run(struct run *run, const struct qemu_files *files, struct relay_result *result)
{
	struct engine *engine = run->settings.engine ? &run->engine : NULL;
	char reach[REACH_MAX], runs_on[REACH_MAX + 32] = "";
	struct app_port apps;
	struct qemu machine;
	struct error err;

	if (qemu_start(&machine, &run->settings, files, &err) < 0) {
		log_error("%s", err.text);
		return -1;
	}
	if (run->settings.gdb)
		debugger_announce(run);
	app_port_init(&apps, machine.channels[QEMU_APPS], run->apps_fd);
	apps.absent = !image_has_app(run->settings.build, "push");
	apps.apps = run->boot_apps.items;
	apps.num_apps = run->boot_apps.count;
	if (engine && engine_begin(engine, &machine, &err) < 0) {
		log_error("%s", err.text);
		qemu_stop(&machine);
		return -1;
	}
	if (stays_up(run) && !engine) {
		reach_text(run, reach, sizeof(reach));
		snprintf(runs_on, sizeof(runs_on), "the OS runs on; %s", reach);
	}
	*result = relay_run(&machine, &run->settings, &apps, engine, run->log_fd,
	                    runs_on[0] != '\0' ? runs_on : NULL);
	engine_end(&run->engine);
	app_port_deinit(&apps);
	qemu_stop(&machine);
	return 0;
}

static int boot(struct run *run)
{
	struct qemu_files files = {
		.kernel = run->kernel,
		.boot_disk = run->boot_disk,
		.root_image = run->root_image,
		.writable_disk = run->disk.path[0] ? run->disk.path : NULL,
		.writable_disk_kept = run->disk.kept,
		.state_disk = run->state_disk.path[0] ? run->state_disk.path : NULL,
		.images_disk = run->images_disk,
		.has_linuxrun = image_has_app(run->settings.build, "linuxrun"),
		.has_httpd = image_has_app(run->settings.build, "httpd"),
		.gdb_socket = run->gdb_socket[0] ? run->gdb_socket : NULL,
		.engine_port = run->settings.engine ? run->engine.port : 0,
		.bind_root = run->bind_root,
		.bind_path = run->bind_path,
	};
	struct relay_result result = { .end = RELAY_SILENT };

	if (stays_up(run))
		boot_announce(run);
	ports_announce(&run->settings.ports, "the container");
	ports_announce(&run->settings.app_ports, "apps");
	settings_release_ports(&run->settings);
	engine_release_port(&run->engine);
	for (int attempt = 0; attempt < 2 && result.end == RELAY_SILENT; attempt++) {
		if (attempt > 0)
			log_warn(
				"QEMU has not said anything, which happens once in a while; starting it again");
		if (machine_run(run, &files, &result) < 0)
			return EXIT_ERROR;
	}
	if (result.end == RELAY_SILENT) {
		log_error(
			"QEMU has not said anything, twice; try it by hand: %s -M virt -nographic",
			run->settings.qemu);
		return EXIT_ERROR;
	}
	return result.status;
}

// Returns the exit status.
static int container_run(struct run *run, struct error *err)
{
	int result = run_prepare(run, err);
	int number = signals_ended_by();

	if (number != 0) {
		log_warn("stopped by signal %d (%s) before the OS was booted", number,
		         strsignal(number));
		return 128 + number;
	}
	if (result == 0)
		return boot(run);
	if (err->text[0])
		log_error("%s", err->text);
	return EXIT_ERROR;
}

// Does what is wanted of the volumes. Without a disk there are none, and nothing is booted.
static int volume_run(struct run *run, struct error *err)
{
	const struct volume_command *command = &run->settings.volume;
	char path[PATH_MAX];
	int status;

	err->text[0] = '\0';
	if (!volume_command_confirm(command))
		return 0;
	if (run_check_volumes(&run->settings, err) < 0 || state_disk_path(path, err) < 0) {
		log_error("%s", err->text);
		return EXIT_VOLUME_ERROR;
	}
	if (strcmp(command->name, "create") != 0 && access(path, F_OK) < 0)
		return volume_command_without(command);
	status = container_run(run, err);
	return status == EXIT_ERROR ? EXIT_VOLUME_ERROR : status;
}

static int help_show(struct run *run, struct error *err)
{
	char path[PATH_MAX];
	char block[4096];
	size_t length;
	FILE *file;

	err->text[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/tools/run/usage.txt", run->settings.root) >=
	            (int)sizeof(path) ||
	    !(file = fopen(path, "re"))) {
		log_error("cannot open tools/run/usage.txt");
		return EXIT_ERROR;
	}
	while ((length = fread(block, 1, sizeof(block), file)) > 0)
		fwrite(block, 1, length, stdout);
	fclose(file);
	return fflush(stdout) == 0 ? 0 : EXIT_ERROR;
}

int main(int argc, char **argv)
{
	static struct run run;
	struct error err;
	int status = EXIT_ERROR;

	run.engine = ENGINE_NONE;
	inherited_mend();
	log_init("run");
	signals_block();
	signal(SIGPIPE, SIG_IGN);
	if (settings_read(&run.settings, argc, argv, &err) < 0) {
		log_error("%s", err.text);
		settings_deinit(&run.settings);
		return volume_command_is(argc, argv) ? EXIT_VOLUME_ERROR : EXIT_ERROR;
	}
	if (run.settings.quiet) {
		log_quiet();
		setenv("STARINA_QUIET", "1", 1);  // for the image tool
	}
	if (run.settings.help)
		status = help_show(&run, &err);
	else if (run.settings.volume.name)
		status = volume_run(&run, &err);
	else
		status = container_run(&run, &err);
	settings_release_ports(&run.settings);
	engine_close(&run.engine);
	web_close(&run.web);
	if (run.gdb_socket[0])
		address_file_remove(run.gdb_address, run.gdb_socket);
	if (run.apps_socket[0])
		address_file_remove(run.apps_address, run.apps_socket);
	boot_apps_deinit(&run.boot_apps);
	workdir_destroy(&run.workdir);
	writable_disk_release(&run.disk);
	writable_disk_release(&run.state_disk);
	settings_deinit(&run.settings);
	return status;
}
