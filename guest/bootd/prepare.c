// SPDX-License-Identifier: MIT
#include "guest/bootd/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "guest/bootd/cgroup.h"
#include "guest/bootd/wall_clock.h"
#include "guest/bootd/config.h"
#include "guest/bootd/kernel_log.h"
#include "guest/bootd/linger.h"
#include "guest/bootd/network.h"
#include "guest/bootd/console_port.h"
#include "guest/bootd/process_ends.h"
#include "guest/bootd/rehearsal_disk.h"
#include "guest/bootd/rootfs.h"
#include "guest/bootd/shares.h"

static const char config_text[] =
	"{\"process\":{\"args\":[\"true\"],\"env\":[\"PATH=/bin:/usr/bin\"],"
	"\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"/\"},\"hostname\":\"rehearsal\"}";

// Such a configuration as the engine's containers have.
static const char engine_text[] =
	"{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"true\"],\"env\":[\"PATH=/bin:/usr/bin\"],"
	"\"user\":{\"username\":\"0\"},\"cwd\":\"/\",\"rlimits\":["
	"{\"type\":\"RLIMIT_NOFILE\",\"soft\":1048576,\"hard\":1048576},"
	"{\"type\":\"RLIMIT_CORE\",\"soft\":18446744073709551615,\"hard\":18446744073709551615}]},"
	"\"hostname\":\"rehearsal\",\"annotations\":{"
	"\"dev.starina.file:/etc/hostname\":\"rehearsal\\n\","
	"\"dev.starina.hosts.whole\":\"127.0.0.1\\tlocalhost\\n\","
	"\"dev.starina.file:/etc/resolv.conf\":\"nameserver 10.0.2.15\\n\","
	"\"" CONFIG_SHARE_ANNOTATION "/rehearsal\":\"0:copy\"},"
	"\"root\":{\"path\":\"rootfs\"}}";

// What CONFIGURE does, with what is so already.
static void rehearse_configure(void)
{
	struct timespec now;
	uint8_t entropy[32];

	network_loopback_up();
	if (clock_gettime(CLOCK_REALTIME, &now) == 0 &&
	    getrandom(entropy, sizeof(entropy), 0) == sizeof(entropy))
		clock_and_entropy_set((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
		                      entropy, sizeof(entropy));
}

static void run(struct process *process)
{
	struct pollfd entries[PROCESS_NUM_POLLS];

	while (process->state != PROCESS_FAILED && !container_process_finished(process)) {
		container_process_poll(process, entries);
		if (poll(entries, PROCESS_NUM_POLLS, -1) < 0)
			return;
		container_process_run(process, entries);
	}
}

// In the mount namespace of the rehearsal, whose end unmounts all. Containers that have a disk of
// their own rehearse with one. Returns whether there is a layer.
static bool mount_layers(bool on_disk)
{
	struct failure failure = { 0 };
	int disk = on_disk ? rehearsal_disk_make() : -1;
	bool mounted;

	if (on_disk && disk < 0)
		kernel_log(LOG_ERR, "a rehearsal has its layer in memory", errno);
	mounted = rootfs_mount_layers(disk >= 0 ? LAYER_DISK : LAYER_MEMORY, REHEARSAL_DISK,
	                              &failure) == 0;
	if (disk >= 0)
		close(disk);
	return mounted;
}

// As at the end of a container whose layer is kept. Not all file systems: the shares answer only
// when there is a container.
static void write_out(void)
{
	int upper = open(ROOTFS_UPPER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (upper < 0)
		return;
	(void)syncfs(upper);
	close(upper);
}

// An image without a program "true" is rehearsed up to execve.
static _Noreturn void rehearse_child(struct config *config, bool on_disk, int control)
{
	static struct process process;
	struct failure failure = { 0 };
	struct linger_wait linger = { 0 };

	rehearse_configure();
	if (!shares_are_mounted())
		config->num_added = 0;
	if (unshare(CLONE_NEWNS) == 0 && mount_layers(on_disk) &&
	    container_process_create(&process, config, false, control, &failure) == 0) {
		// Nobody waits for changes of the rehearsal's share.
		fds_close(&process.shares, 1);
		if (container_process_go(&process, NULL, 0) == 0)
			run(&process);
	}
	if (process.pidfd > 0)
		container_process_discard(&process);  // execve failed
	(void)linger_goes_on(&linger);
	if (on_disk)
		write_out();
	cgroup_remove();
	_exit(0);
}

// The container's shares are of another connection. Without them the machine is of no use.
static int mount_shares_anew(struct failure *failure)
{
	if (!shares_are_mounted())
		return 0;
	shares_unmount();
	return shares_mount() ? 0 : failure_errno(failure, "mount the shares after a rehearsal");
}

static int rehearse(struct config *config, bool on_disk, int control, struct failure *failure)
{
	pid_t pid = fork();

	if (pid == 0)
		rehearse_child(config, on_disk, control);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	cgroup_allow_all();
	if (!on_disk)
		return 0;
	rehearsal_disk_remove();
	return mount_shares_anew(failure);
}

static int mount_and_rehearse(struct config *config, uint64_t root_sectors, bool on_disk,
                              const struct control_network *network, int control,
                              struct failure *failure)
{
	const char *text = on_disk ? engine_text : config_text;
	int error = config_parse(config, text, strlen(text), failure);

	if (error != 0)
		return error;
	config->network = network;
	error = rootfs_mount_image(root_sectors, failure);
	return error == 0 ? rehearse(config, on_disk, control, failure) : error;
}

// Whatever is wrong with a port is found out again when it is used.
static void open_ports(void)
{
	for (enum guest_port port = GUEST_PORT_STDIN; port <= GUEST_PORT_STDERR; port++)
		(void)console_port_open(port, O_NONBLOCK);
}

int prepare_container(struct process *process, uint64_t root_sectors,
                      const struct control_network *network, int control, struct failure *failure)
{
	struct config config = { 0 };
	int error = mount_and_rehearse(&config, root_sectors, false, network, control, failure);

	if (error == 0)
		error = rootfs_mount_layers(LAYER_MEMORY, ROOTFS_WRITABLE_DISK, failure);
	if (error == 0)
		error = container_process_prepare(process, &config, control, failure);
	if (error == 0)
		open_ports();
	config_deinit(&config);
	return error;
}

int prepare_rehearsal(uint64_t root_sectors, const struct control_network *network, int control,
                      struct failure *failure)
{
	struct config config = { 0 };
	int error = mount_and_rehearse(&config, root_sectors, true, network, control, failure);

	if (error == 0)
		error = rootfs_unmount_image(failure);
	if (error == 0)
		open_ports();
	config_deinit(&config);
	return error;
}
