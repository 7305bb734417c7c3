// SPDX-License-Identifier: MIT
#include "tools/run/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/common/address_file.h"
#include "tools/run/qemu/boot_disk_file.h"
#include "tools/run/relay/app_port.h"
#include "tools/run/relay/terminal.h"
#include "tools/run/settings/image_apps.h"
#include "tools/run/settings/image_tool.h"
#include "tools/run/settings/images.h"

__attribute__((format(printf, 3, 4))) static int path_set(char path[PATH_MAX], struct error *err,
                                                          const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(path, PATH_MAX, format, args);
	va_end(args);
	if (length < 0 || length >= PATH_MAX)
		return error_set(err, "the path %.80s... is too long", path);
	return 0;
}

static int image_resolve(struct run *run, struct error *err)
{
	const char *argv[] = { run->image_tool, "resolve", run->settings.image, NULL };

	if (!run->settings.image)
		return path_set(run->image, err, "%s/image/default", run->settings.build);
	return image_tool_run(argv, run->image, err);
}

static int config_make(struct run *run, struct error *err)
{
	const struct arguments *options = &run->settings.config_options;
	struct arguments command = { 0 };
	unsigned columns = 0;
	unsigned rows = 0;
	int result;

	if (run->settings.engine)
		return 0;
	if (run->settings.volume.name)
		return volume_command_write(&run->settings.volume, run->config, err);
	if (volume_settings_finish(&run->settings, run->image, err) < 0)
		return -1;
	arguments_add(&command, "%s", run->image_tool);
	arguments_add(&command, "config");
	for (size_t i = 0; i < options->count; i++)
		arguments_add(&command, "%s", options->items[i]);
	if (run->settings.terminal) {
		terminal_size(&rows, &columns);
		arguments_add(&command, "--terminal=%ux%u", rows, columns);
	}
	arguments_add(&command, "%s", run->image);
	arguments_add(&command, "%s", run->config);
	result = command.failed ? error_set(err, "out of memory")
				: image_tool_run((const char *const *)command.items, NULL, err);
	arguments_deinit(&command);
	return result;
}

// Where debug.sh finds the machine: in the run's directory, and, for the newest run, one above.
static int debugger_prepare(struct run *run, struct error *err)
{
	char path[PATH_MAX];

	if (path_set(run->gdb_socket, err, "%s/gdb.sock", run->workdir.path) < 0 ||
	    path_set(run->gdb_address, err, "%s/run/gdb.addr", run->settings.build) < 0 ||
	    path_set(path, err, "%s/gdb.addr", run->workdir.path) < 0)
		return -1;
	if (strlen(run->gdb_socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		if (run->settings.gdb)
			return error_set(
				err,
				"the path %s is too long for a debugger's socket; set BUILD to a "
				"shorter one",
				run->gdb_socket);
		run->gdb_socket[0] = '\0';
		return 0;
	}
	return address_file_write(path, run->gdb_socket, err) < 0
		? -1
		: address_file_write(run->gdb_address, run->gdb_socket, err);
}

// Where tools/push finds the machine, if it is the newest run.
static int apps_prepare(struct run *run, struct error *err)
{
	if (path_set(run->apps_address, err, "%s/run/apps.addr", run->settings.build) < 0 ||
	    path_set(run->apps_socket, err, "%s/apps.sock", run->workdir.path) < 0)
		return -1;
	run->apps_fd = app_socket_open(run->workdir.fd);
	if (run->apps_fd < 0)
		return error_set_errno(err, errno, "cannot make the socket %s", run->apps_socket);
	return address_file_write(run->apps_address, run->apps_socket, err);
}

// The disk that is kept, if one is wanted. One that is there is looked at before anything is
// fetched; one that is not is made once all else is there, so that a run that cannot be leaves none
// behind.
static int kept_disk_open(struct run *run, bool make, struct error *err)
{
	const struct settings *settings = &run->settings;

	if (!settings->disk_file || run->disk.path[0] ||
	    (!make && access(settings->disk_file, F_OK) < 0))
		return 0;
	if (writable_disk_open(&run->disk, settings->disk_file, settings->disk, err) < 0)
		return error_prefix(err, "%s", settings->options.values[OPTION_DISK_FILE].name);
	return 0;
}

// The state disk likewise, if a volume is to be on it, or the user wants it anyway.
static int state_open(struct run *run, bool make, struct error *err)
{
	bool needed = run->settings.volume.name || volumes_need_state(&run->settings.volumes) ||
		(run->settings.engine && !state_disk_is_refused()) || state_disk_is_wanted();

	if (!needed || run->state_disk.path[0])
		return 0;
	return state_disk_open(&run->state_disk, make, err);
}

static int disks_make(struct run *run, struct error *err)
{
	const struct settings *settings = &run->settings;

	if (state_open(run, true, err) < 0)
		return -1;
	if (settings->disk && !settings->disk_file)
		return writable_disk_make(&run->disk, run->workdir.path, settings->disk, err);
	return kept_disk_open(run, true, err);
}

// Writes the container's id, which nobody else has, as docker does.
static int cidfile_write(const struct run *run, struct error *err)
{
	unsigned char bytes[32];
	FILE *file;

	if (!run->settings.cidfile)
		return 0;
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return error_set_errno(err, errno, "cannot make an id for the container");
	file = fopen(run->settings.cidfile, "wxe");
	for (size_t i = 0; file && i < sizeof(bytes); i++)
		fprintf(file, "%02x", bytes[i]);
	if (!file || fclose(file) != 0)
		return error_set_errno(err, errno, "cannot write %s", run->settings.cidfile);
	return 0;
}

int run_check_volumes(const struct settings *settings, struct error *err)
{
	const char *why = "this image has no server of volumes (fs); add it to APPS";

	if (image_has_app(settings->build, "fs"))
		return 0;
	if (settings->volume.name)
		return error_set(err, "volume %s: %s", settings->volume.name, why);
	for (unsigned i = 0; i < settings->volumes.count; i++) {
		const struct volume *volume = &settings->volumes.items[i];

		if (volume->kind == VOLUME_NAMED || volume->kind == VOLUME_ANONYMOUS)
			return error_set(err, "%s: %s", volume->name, why);
	}
	return 0;
}

// The folder below which docker's clients may bind.
static int bind_root_open(struct run *run, struct error *err)
{
	const char *folder = run->settings.bind_root ? run->settings.bind_root : ".";

	if (!realpath(folder, run->bind_path))
		return error_set_errno(err, errno, "cannot share the folder %s", folder);
	run->bind_root = open(run->bind_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (run->bind_root < 0)
		return error_set_errno(err, errno, "cannot share the folder %s", folder);
	return 0;
}

// What is there before anything is fetched: a second engine of this build is refused.
static int engine_prepare_run(struct run *run, struct error *err)
{
	static const char *const apps[] = { "engine", "hostctl", "containers", "images" };
	char folder[PATH_MAX];

	if (!run->settings.engine)
		return 0;
	for (unsigned i = 0; i < sizeof(apps) / sizeof(apps[0]); i++)
		if (!image_has_app(run->settings.build, apps[i]))
			return error_set(err,
			                 "--engine: this image lacks the app %s; add it to APPS",
			                 apps[i]);
	if (path_set(folder, err, "%s/run", run->settings.build) < 0 ||
	    bind_root_open(run, err) < 0)
		return -1;
	return engine_open(&run->engine, folder, err);
}

// The token of the web shell, if the image has who serves it.
static int web_prepare(struct run *run, struct error *err)
{
	char folder[PATH_MAX];

	if (!image_has_app(run->settings.build, "httpd"))
		return 0;
	if (path_set(folder, err, "%s/run", run->settings.build) < 0)
		return -1;
	return web_open(&run->web, folder, run->workdir.path, run->settings.http_port, err);
}

static int boot_disk_make(struct run *run, const char *guest_kernel, const char *initramfs,
                          struct error *err)
{
	struct boot_secret secrets[2];
	struct boot_files files = {
		.kernel = guest_kernel,
		.initramfs = initramfs,
		.images = run->images_index,
		.builtin = run->images_builtin,
		.config = run->config,
	};
	char app[PATH_MAX], page[PATH_MAX];

	if (path_set(app, err, "%s/apps/vmm.app", run->settings.build) < 0 ||
	    path_set(page, err, "%s/web.img", run->settings.build) < 0)
		return -1;
	files.secrets = secrets;
	if (run->settings.engine) {
		secrets[files.num_secrets++] =
			(struct boot_secret){ .name = ENGINE_SECRET_FILE,
			                      .bytes = run->engine.secret,
			                      .size = sizeof(run->engine.secret) };
		files.config = NULL;
		files.app = app;
	}
	if (run->web.url[0]) {
		secrets[files.num_secrets++] = (struct boot_secret){ .name = WEB_TOKEN_FILE,
			                                             .bytes = run->web.token,
			                                             .size = WEB_TOKEN_SIZE };
		files.page = access(page, R_OK) == 0 ? page : NULL;
	}
	return boot_disk_write(run->boot_disk, &files, err);
}

int run_prepare(struct run *run, struct error *err)
{
	char guest_kernel[PATH_MAX];
	char initramfs[PATH_MAX];
	char parent[PATH_MAX];
	const char *build = run->settings.build;

	if (run_check_volumes(&run->settings, err) < 0 ||
	    image_tool_find(run->image_tool, err) < 0 ||
	    settings_check_qemu(&run->settings, err) < 0 ||
	    boot_apps_read(&run->boot_apps, &run->settings.options.lists[LIST_APP], build, err) <
	            0 ||
	    settings_reserve_ports(&run->settings, err) < 0 ||
	    settings_check_port(&run->settings, err) < 0 || kept_disk_open(run, false, err) < 0 ||
	    state_open(run, false, err) < 0 || shares_open(&run->settings.shares, err) < 0 ||
	    volumes_open(&run->settings.volumes, false, err) < 0 || image_resolve(run, err) < 0 ||
	    path_set(parent, err, "%s/run", build) < 0 ||
	    workdir_create(&run->workdir, parent, err) < 0 || engine_prepare_run(run, err) < 0 ||
	    web_prepare(run, err) < 0)
		return -1;
	if (path_set(run->config, err, "%s/config.json", run->workdir.path) < 0 ||
	    path_set(run->boot_disk, err, "%s/boot.disk", run->workdir.path) < 0 ||
	    path_set(run->root_image, err, "%s/root.squashfs", run->image) < 0 ||
	    path_set(run->kernel, err, "%s/starina.elf", build) < 0 ||
	    (run->settings.kernel ? path_set(guest_kernel, err, "%s", run->settings.kernel)
	                          : path_set(guest_kernel, err, "%s/third_party/guest-kernel/Image",
	                                     run->settings.root)) < 0 ||
	    path_set(initramfs, err, "%s/guest/initramfs.cpio", build) < 0)
		return -1;
	if (path_set(run->images_index, err, "%s/" IMAGES_INDEX, run->workdir.path) < 0 ||
	    path_set(run->images_builtin, err, "%s/" IMAGES_BUILTIN, run->workdir.path) < 0 ||
	    path_set(run->images_disk, err, "%s/" IMAGES_DISK, run->workdir.path) < 0 ||
	    config_make(run, err) < 0 ||
	    images_prepare(run->image_tool, build, run->settings.engine, run->settings.images,
	                   run->workdir.path, err) < 0 ||
	    boot_disk_make(run, guest_kernel, initramfs, err) < 0 || disks_make(run, err) < 0 ||
	    volumes_open(&run->settings.volumes, true, err) < 0)
		return -1;
	run->log_fd = STDERR_FILENO;
	if (run->settings.log_path)
		run->log_fd = open(run->settings.log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		                   0644);
	if (run->log_fd < 0)
		return error_set_errno(err, errno, "cannot write %s", run->settings.log_path);
	if (debugger_prepare(run, err) < 0 || apps_prepare(run, err) < 0)
		return -1;
	return cidfile_write(run, err);
}
