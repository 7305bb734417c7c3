// SPDX-License-Identifier: MIT
#include "guest/bootd/container_init.h"

#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/bootd/added_mounts.h"
#include "guest/bootd/cgroup.h"
#include "guest/bootd/control_frame.h"
#include "guest/bootd/init_process.h"
#include "guest/bootd/mount.h"
#include "guest/bootd/network.h"
#include "guest/bootd/shares.h"

static int set_names(const struct config *config, struct failure *failure)
{
	if (config->hostname != NULL &&
	    sethostname(config->hostname, strlen(config->hostname)) != 0)
		return failure_errno(failure, "set the host name '%.100s'", config->hostname);
	if (config->domainname != NULL &&
	    setdomainname(config->domainname, strlen(config->domainname)) != 0)
		return failure_errno(failure, "set the domain name '%.100s'", config->domainname);
	return 0;
}

// What the process sees.
static int set_up_view(const struct config *config, struct failure *failure)
{
	int error;

	setsid();
	umask(0);
	shares_remember();
	if ((error = cgroup_enter(failure)) != 0 || (error = mount_enter(failure)) != 0 ||
	    (error = mount_all(config, failure)) != 0)
		return error;
	umask(022);
	return 0;
}

// What it may not touch.
static int seal_view(const struct config *config, struct failure *failure)
{
	int error = mount_write_sysctls(config, failure);

	return error != 0 ? error : mount_seal(config, failure);
}

// What is the process's own.
static int set_up_process(const struct container_args *args, int *master, int *shares,
                          char program[PATH_MAX], struct failure *failure)
{
	struct config *config = args->config;
	struct config_process *process = &config->process;
	int error;

	if ((error = mount_volumes(config, failure)) != 0 ||
	    (error = mount_write_files(config, failure)) != 0 ||
	    (config->network != NULL && (error = network_write_files(config, failure)) != 0) ||
	    (error = set_names(config, failure)) != 0 ||
	    (error = process_init_streams(process, args->stdio, true, master, failure)) != 0 ||
	    (error = added_mounts_make(config, shares, failure)) != 0 ||
	    (error = process_init_place(process, true, failure)) != 0)
		return error;
	// The default view, which is sealed ahead, hides and seals nothing of what is written
	// above.
	if (args->order == NULL && (error = seal_view(config, failure)) != 0)
		return error;
	if ((args->readonly_root || config->readonly) && (error = mount_seal_root(failure)) != 0)
		return error;
	return process_init_user(process, program, failure);
}

// Says that all but the order is there, and waits for it.
static int take_order(struct container_args *args, struct failure *failure)
{
	const struct container_order *order = args->order;
	struct report prepared = { .kind = REPORT_PREPARED };
	char record;
	int error = seal_view(args->config, failure);

	if (error != 0)
		return error;
	if (send(args->socket, &prepared, sizeof(prepared), MSG_NOSIGNAL) < 0 ||
	    recv(args->socket, &record, sizeof(record), 0) <= 0)
		_exit(FAILURE_SETUP);  // nobody wants it any more
	error = config_parse(args->config, order->text, order->size, failure);
	args->config->network = order->has_network ? &order->network : NULL;
	args->readonly_root = order->readonly_root;
	return error;
}

// Waits for bootd's word and announces the start. The control port is blocking: the write is whole.
static void wait_and_announce(const struct container_args *args)
{
	uint8_t frames[CONTAINER_MAX_GO + sizeof(struct control_header)];
	struct control_header started = { .type = CONTROL_EVENT_STARTED, .process = args->process };
	ssize_t got = recv(args->socket, frames, CONTAINER_MAX_GO, 0);
	size_t used = got > 0 ? (size_t)got : 0;

	// bootd is gone, and with it the guest.
	if (got <= 0)
		_exit(FAILURE_SETUP);
	// The first byte is there to make the record more than empty.
	(void)!frame_append(frames, sizeof(frames), &used, &started, NULL, 0, NULL, 0);
	(void)!write(args->control, frames + 1, used - 1);
}

_Noreturn void container_run(struct container_args *args)
{
	struct config_process *process = &args->config->process;
	struct failure failure;
	char program[PATH_MAX];
	int shares = -1;
	int master;

	if (set_up_view(args->config, &failure) != 0 ||
	    (args->order != NULL && take_order(args, &failure) != 0) ||
	    set_up_process(args, &master, &shares, program, &failure) != 0)
		process_fail(args->socket, &failure);
	process_report_created(args->socket, master, shares);
	wait_and_announce(args);
	if (args->config->init != NULL)
		init_process_begin();
	process_execute(process, program, args->socket);
}
