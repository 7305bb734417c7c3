// SPDX-License-Identifier: MIT
//
// Runs the container of the boot disk: the host's ports are its streams, its exit status goes to
// the host.

#include "apps/linuxrun/linuxrun.h"
#include "apps/linuxrun/shares.h"
#include "apps/linuxrun/volumes.h"
#include "libs/abi/app.h"
#include "libs/abi/console.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define DEFAULT_MEMORY "128M"
// Left to the rest of the system when a guest's memory is full.
#define MEMORY_RESERVE (16ull * 1024 * 1024)
#define MIB (1024ull * 1024)

static struct linuxrun linuxrun_state;

// --- The container -------------------------------------------------------------------------------

static void log_exits(struct guest_container *c, const char *when)
{
	struct vcpu_stats s;

	guest_container_stats(c, &s);
	log_debug(
		"VM exits %s: %llu total, %llu page fault, %llu mmio read, %llu mmio write, %llu notify, "
		"%llu sbi time, %llu sbi other, %llu wfi, %llu host interrupt, %llu other",
		when, (unsigned long long)s.exits, (unsigned long long)s.page_fault,
		(unsigned long long)s.mmio_read, (unsigned long long)s.mmio_write,
		(unsigned long long)s.notify, (unsigned long long)s.sbi_time,
		(unsigned long long)s.sbi_other, (unsigned long long)s.wfi,
		(unsigned long long)s.host_interrupt, (unsigned long long)s.other);
}

static void container_started(void *context, nsec_t start_ns)
{
	struct linuxrun *run = context;
	nsec_t now = 0;

	if (clock_get(CLOCK_MONOTONIC, &now) < 0)
		now = 0;
	log_info("container started in %u ms (%u ms after power-on)",
	         (unsigned int)(start_ns / NSEC_PER_MSEC), (unsigned int)(now / NSEC_PER_MSEC));
	log_exits(run->container, "until the start");
	linuxrun_tell(run, "started");
}

static size_t container_output(void *context, enum guest_stream stream, struct span bytes)
{
	struct linuxrun *run = context;
	nsec_t now;

	if (!run->had_output && clock_get(CLOCK_MONOTONIC, &now) == 0)
		log_debug("first output %u ms after the run call",
		          (unsigned int)((now - run->run_time) / NSEC_PER_MSEC));
	run->had_output = true;
	return out_port_write(stream == GUEST_STDOUT ? &run->out : &run->err, bytes);
}

static void container_input_ready(void *context)
{
	linuxrun_stdin_pump(context);
}

static void container_ended(void *context, int status, const char *error)
{
	struct linuxrun *run = context;

	log_exits(run->container, "in all");
	// Its VM is gone, and with it who had the volumes. The error's text is the container's.
	if (run->volumes_to_remove != NULL)
		volumes_remove(run, run->volumes_to_remove);
	linuxrun_end(run, status, error);
	guest_container_destroy(run->container);
	run->container = NULL;
}

static void disk_reopened(struct opener *opener, handle_t channel, error_t error, const char *text);

// The driver died: the kernel starts it again, and the connector waits for that.
static void disk_reopen(struct linuxrun *run, struct opener *opener, const char *uri)
{
	opener_start(opener, &run->loop, environ_connector(run->env, "blkdev"), uri, disk_reopened,
	             run);
}

static void disk_reopened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct linuxrun *run = opener->context;
	bool is_root = opener == &run->open_root;

	if (channel == HANDLE_NONE)
		log_error("%s: %s (%s)", opener->uri, text, error_text(error));
	if (run->container != NULL && is_root)
		guest_container_root_reopened(run->container, channel);
	else if (run->container != NULL)
		guest_container_writable_reopened(run->container, channel);
	else if (channel != HANDLE_NONE)
		handle_close(channel);
}

static void container_root_lost(void *context)
{
	struct linuxrun *run = context;

	log_warn("the driver of the root image's disk is gone: the container waits for its return");
	disk_reopen(run, &run->open_root, "blk:root");
}

static void container_writable_lost(void *context)
{
	struct linuxrun *run = context;

	log_warn(
		"the driver of the container's writable disk is gone: the container waits for its return");
	disk_reopen(run, &run->open_writable, "blk:writable");
}

static const struct guest_container_ops container_callbacks = {
	.root_lost = container_root_lost,
	.writable_lost = container_writable_lost,
	.started = container_started,
	.output = container_output,
	.input_ready = container_input_ready,
	.ended = container_ended,
};

// What the machine has, as far as we are told.
static bool check_machine(struct linuxrun *run, struct guest_container_config *config)
{
	struct system_info info;

	if (run->system == HANDLE_NONE || system_info(run->system, &info) < 0)
		return true;
	config->boot.hart_features = info.hart_features;
	config->boot.timebase_hz = info.timebase_hz;
	if (info.has_hypervisor == 0) {
		linuxrun_end(
			run, GUEST_STATUS_FAILED,
			"this machine has no hypervisor extension (H), so it cannot run Linux containers: "
			"start QEMU with a CPU that has it (-cpu rv64,h=true)");
		return false;
	}
	if (run->memory + MEMORY_RESERVE > info.free_pages * PAGE_SIZE) {
		log_error("%u MiB are free, %u MiB are wanted for the guest",
		          (unsigned int)(info.free_pages * PAGE_SIZE / MIB),
		          (unsigned int)(run->memory / MIB));
		linuxrun_end(
			run, GUEST_STATUS_FAILED,
			"too little memory for the guest: lower LINUXRUN_MEMORY or give the machine more");
		return false;
	}
	return true;
}

// Reads what config.json says to us. Returns false when the run has ended because of it.
static bool read_annotations(struct linuxrun *run, struct span config)
{
	char *shares = annotation_read(config, SHARES_ANNOTATION);
	const char *error = shares_read(run, shares);

	heap_free(shares);
	run->volumes_to_remove = annotation_read(config, VOLUMES_REMOVE_ANNOTATION);
	if (error != NULL)
		linuxrun_end(run, GUEST_STATUS_FAILED, error);
	return error == NULL;
}

static void run_container(struct linuxrun *run)
{
	struct guest_container_config config = {
		.boot = {
			.memory = run->memory,
			.cpus = (uint32_t)run->cpus,
			.log_console = run->log_guest,
			.boot_disk = &run->disk,
			.kernel = run->boot.kernel,
			.initramfs = run->boot.initramfs,
		},
		.root_disk = run->root_channel,
		.writable_disk = run->writable_channel,
		.config = {.data = run->config_data, .len = (size_t)run->boot.config.size},
		.network = run->wants_network ? environ_connector(run->env, "vmnet") : HANDLE_NONE,
		.shares = run->shares,
	};
	error_t err;

	if (run->ended || !check_machine(run, &config) || !read_annotations(run, config.config))
		return;
	config.num_shares = run->num_shares;
	memcpy(config.address, run->address, sizeof(config.address));
	if (config.network == HANDLE_NONE && run->wants_network)
		log_info("this image has no switch (netswitch): the container has no network");
	run->writable_channel = HANDLE_NONE;
	err = guest_container_create(&run->loop, &config, &container_callbacks, run,
	                             &run->container);
	if (err < 0) {
		log_error("guest_container_create: %s", error_text(err));
		linuxrun_end(
			run, GUEST_STATUS_FAILED,
			"the container could not be made: linuxrun.memory is 32M to 8G, linuxrun.cpus is 1 to 4");
		return;
	}
	run->root_channel = HANDLE_NONE;
	heap_free(run->config_data);
	run->config_data = NULL;
	if (run->out_closed)
		guest_container_output_close(run->container, GUEST_STDOUT);
	if (run->err_closed)
		guest_container_output_close(run->container, GUEST_STDERR);
	if (clock_get(CLOCK_MONOTONIC, &run->run_time) < 0)
		run->run_time = 0;
	guest_container_start(run->container);
	linuxrun_stdin_pump(run);
}

// --- Start ---------------------------------------------------------------------------------------

static void config_read(void *context, error_t status)
{
	struct linuxrun *run = context;
	struct span config;
	char *command;

	if (!run->disk.ready)
		return;  // disk_has_failed comes
	if (status < 0) {
		linuxrun_end(run, GUEST_STATUS_FAILED,
		             "config.json could not be read from the boot disk");
		return;
	}
	config.len = (size_t)run->boot.config.size;
	config.data = run->config_data;
	command = annotation_read(config, VOLUME_COMMAND_ANNOTATION);
	if (command != NULL)
		volume_command_run(run, command);
	else
		run_container(run);
	heap_free(command);
}

static void boot_read(void *context, const char *error)
{
	struct linuxrun *run = context;
	error_t err = 0;

	if (!run->disk.ready)
		return;  // disk_has_failed comes
	if (error == NULL)
		err = boot_disk_read_file(&run->boot, &run->boot.config, CONTROL_MAX_BODY,
		                          &run->config_data, config_read, run);
	if (err == ERR_NOT_FOUND && !run->power_off) {
		log_debug("the boot disk has no config.json: no container to run");
		return;
	}
	if (err == ERR_NOT_FOUND)
		error = "the boot disk has no config.json";
	else if (err == ERR_TOO_LARGE)
		error = "config.json on the boot disk is larger than 1 MiB";
	else if (err < 0)
		error = "config.json could not be read from the boot disk";
	if (error != NULL)
		linuxrun_end(run, GUEST_STATUS_FAILED, error);
}

static void disk_is_ready(void *context)
{
	struct linuxrun *run = context;

	// A VM that was reading it reads again by itself.
	if (run->container == NULL && !run->ended)
		boot_disk_read(&run->boot, &run->disk, boot_read, run);
}

static void boot_reopened(struct opener *opener, handle_t channel, error_t error, const char *text);

static void disk_has_failed(void *context, error_t error)
{
	struct linuxrun *run = context;

	log_warn("the boot disk is gone (%s)", error_text(error));
	if (run->container == NULL) {
		heap_free(run->config_data);
		run->config_data = NULL;
	}
	// Its driver restarts: the disk is back soon.
	if (error == ERR_PEER_CLOSED)
		opener_start(&run->open_boot, &run->loop, environ_connector(run->env, "blkdev"),
		             "blk:boot", boot_reopened, run);
	else if (run->container == NULL)
		linuxrun_end(run, GUEST_STATUS_FAILED, "the boot disk is gone");
}

static const struct disk_ops disk_callbacks = { .ready = disk_is_ready, .failed = disk_has_failed };

static void boot_reopened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct linuxrun *run = opener->context;

	if (channel != HANDLE_NONE &&
	    disk_init(&run->disk, &run->loop, channel, &disk_callbacks, run) == 0)
		return;
	if (channel != HANDLE_NONE)
		handle_close(channel);
	log_warn("%s: %s (%s)", opener->uri, text, error_text(error));
	if (run->container == NULL)
		linuxrun_end(run, GUEST_STATUS_FAILED, "the boot disk is gone");
}

static void all_opened(struct linuxrun *run)
{
	linuxrun_tell(run, "starina-control 1");
	if (run->boot_channel == HANDLE_NONE && run->power_off) {
		linuxrun_end(run, GUEST_STATUS_FAILED,
		             "there is no boot disk: a disk with serial \"boot\" is missing");
		return;
	}
	if (run->boot_channel == HANDLE_NONE) {
		log_info("no boot disk (a disk with serial \"boot\"): no container to run");
		return;
	}
	if (run->root_channel == HANDLE_NONE) {
		linuxrun_end(run, GUEST_STATUS_FAILED,
		             "there is no root image: a disk with serial \"root\" is missing");
		return;
	}
	if (run->wants_writable && run->writable_channel == HANDLE_NONE) {
		linuxrun_end(
			run, GUEST_STATUS_FAILED,
			"the disk with serial \"writable\", for the writable layer, cannot be used");
		return;
	}
	if (disk_init(&run->disk, &run->loop, run->boot_channel, &disk_callbacks, run) < 0)
		linuxrun_end(run, GUEST_STATUS_FAILED, "the boot disk could not be used");
}

static void opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct linuxrun *run = opener->context;

	if (channel == HANDLE_NONE)
		log_debug("%s: %s (%s)", opener->uri, text, error_text(error));
	if (opener == &run->open_boot)
		run->boot_channel = channel;
	else if (opener == &run->open_root)
		run->root_channel = channel;
	else if (opener == &run->open_writable)
		run->writable_channel = channel;
	else
		linuxrun_stdin_open(run, channel);
	if (--run->opening == 0)
		all_opened(run);
}

static void port_opened(void *context, struct out_port *port)
{
	struct linuxrun *run = context;

	(void)port;
	if (--run->opening == 0)
		all_opened(run);
}

// The host closed its end of stdout or stderr: the container hears of it.
static void port_hung_up(void *context, struct out_port *port)
{
	struct linuxrun *run = context;

	*(port == &run->out ? &run->out_closed : &run->err_closed) = true;
	if (run->container != NULL)
		guest_container_output_close(run->container,
		                             port == &run->out ? GUEST_STDOUT : GUEST_STDERR);
}

static void port_writable(void *context, struct out_port *port)
{
	struct linuxrun *run = context;

	volume_command_resume(run);
	if (run->container != NULL)
		guest_container_output_resume(run->container,
		                              port == &run->out ? GUEST_STDOUT : GUEST_STDERR);
}

static void open_all(struct linuxrun *run)
{
	handle_t console = environ_connector(run->env, "console");
	handle_t blkdev = environ_connector(run->env, "blkdev");

	run->opening = run->wants_writable ? 7 : 6;
	out_port_open(&run->control, &run->loop, console, "console:" CONSOLE_PORT_CONTROL);
	out_port_open(&run->out, &run->loop, console, "console:" CONSOLE_PORT_STDOUT);
	out_port_open(&run->err, &run->loop, console, "console:" CONSOLE_PORT_STDERR);
	opener_start(&run->open_stdin, &run->loop, console, "console:" CONSOLE_PORT_STDIN, opened,
	             run);
	opener_start(&run->open_boot, &run->loop, blkdev, "blk:boot", opened, run);
	opener_start(&run->open_root, &run->loop, blkdev, "blk:root", opened, run);
	if (run->wants_writable)
		opener_start(&run->open_writable, &run->loop, blkdev, "blk:writable", opened, run);
}

// "10.0.2.100"; "0.0.0.0" is any.
static bool parse_address(const char *text, uint8_t out[4])
{
	const char *p = text != NULL ? text : "";

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t value = 0, digits = 0;

		for (; *p >= '0' && *p <= '9' && digits < 4; digits++)
			value = value * 10 + (uint32_t)(*p++ - '0');
		if (digits == 0 || value > 255 || *p != (i < 3 ? '.' : '\0'))
			return false;
		out[i] = (uint8_t)value;
		p++;
	}
	return true;
}

static void linuxrun_main(const struct environ *env)
{
	struct linuxrun *run = &linuxrun_state;
	uint64_t power_off = 0, log_guest = 0, disk = 0, network = 1;
	error_t err;

	run->env = env;
	run->system = environ_system(env);
	run->stdin_eof = UINT64_MAX;
	run->out.opened = run->err.opened = run->control.opened = port_opened;
	run->out.writable = run->err.writable = run->control.writable = port_writable;
	run->out.flushed = run->err.flushed = run->control.flushed = linuxrun_port_flushed;
	run->out.hung_up = run->err.hung_up = port_hung_up;
	run->out.context = run->err.context = run->control.context = run;
	run->control.input = linuxrun_control_input;
	err = loop_init(&run->loop);
	assert(err == 0);
	if (environ_config_u64(env, "memory", &run->memory) < 0 ||
	    environ_config_u64(env, "cpus", &run->cpus) < 0 ||
	    environ_config_u64(env, "poweroff", &power_off) < 0 ||
	    environ_config_u64(env, "log", &log_guest) < 0 ||
	    environ_config_u64(env, "disk", &disk) < 0 ||
	    environ_config_u64(env, "network", &network) < 0 || run->cpus > UINT32_MAX) {
		log_error(
			"linuxrun.memory, .cpus, .disk, .network, .poweroff and .log are numbers, as 128M or 1");
		process_exit(1);
	}
	if (!parse_address(environ_config(env, "address"), run->address)) {
		log_error("linuxrun.address=%s is not an IPv4 address, as 10.0.2.100",
		          environ_config(env, "address"));
		process_exit(1);
	}
	run->power_off = power_off != 0 && run->system != HANDLE_NONE;
	run->log_guest = log_guest != 0;
	run->wants_writable = disk != 0;
	run->wants_network = network != 0;
	open_all(run);
	loop_run(&run->loop);
}

APP(linuxrun, .main = linuxrun_main, .memory_limit = 16ul * 1024 * 1024 * 1024,
    .needs = {
	    { NEED_SERVICE, "console", NULL, 1 },
	    { NEED_SERVICE, "blkdev", NULL, 1 },
	    { NEED_SERVICE, "vmnet", NULL, 1 },
	    { NEED_SERVICE, "files", NULL, 1 },
	    { NEED_SERVICE, "volumes", NULL, 1 },
	    { NEED_SYSTEM, "system", NULL, 0 },
	    { NEED_CONFIG, "memory", DEFAULT_MEMORY, 0 },
	    { NEED_CONFIG, "cpus", "1", 0 },
	    { NEED_CONFIG, "poweroff", "0", 0 },
	    { NEED_CONFIG, "log", "0", 0 },
	    { NEED_CONFIG, "disk", "0", 0 },
	    { NEED_CONFIG, "address", "0.0.0.0", 0 },
	    { NEED_CONFIG, "network", "1", 0 },
    });
