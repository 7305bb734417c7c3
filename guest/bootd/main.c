// SPDX-License-Identifier: MIT
// bootd: PID 1 of the guest. It waits for the VMM's requests on the control port, sets up one
// container, and relays its stdio until it ends. Anything it cannot go on without powers the guest
// off.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <syslog.h>
#include <unistd.h>

#include "guest/bootd/control_session.h"
#include "guest/bootd/guest_limits.h"
#include "guest/bootd/kernel_log.h"
#include "guest/bootd/shares.h"

static _Noreturn void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

// With no control port there is only the kernel's log to speak to.
static _Noreturn void die(const char *what, int error)
{
	kernel_log(LOG_EMERG, what, error);
	power_off();
}

// The kernel leaves 0, 1 and 2 closed when it has no console: they must not become something else.
static void fill_stdio(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
		;
	if (fd >= 0)
		close(fd);
}

static void run(struct session *session)
{
	static struct pollfd entries[SESSION_MAX_POLLS];

	while (!session->shut_down) {
		session_flush(session);
		size_t count = session_poll(session, entries);

		if (poll(entries, count, session_pause(session)) >= 0)
			session_run(session, entries);
	}
	session_flush(session);
}

int main(void)
{
	static struct session session;

	// An image's command may name /proc/self/exe: only the first process of the guest is bootd.
	if (getpid() != 1 ||
	    mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, NULL) != 0) {
		static const char message[] = "bootd: runs as the guest's first process only\n";

		(void)!write(2, message, sizeof(message) - 1);
		return 125;
	}
	fill_stdio();
	int error = session_init(&session);
	if (error != 0)
		die("open the control port /dev/vport0p3", -error);
	guest_limits_lift();
	kernel_log_hide();
	// The VMM goes on meanwhile.
	session_flush(&session);
	(void)shares_mount();
	run(&session);
	power_off();
}
