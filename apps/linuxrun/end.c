// SPDX-License-Identifier: MIT
//
// What the host is told, and the end.
#include "apps/linuxrun/linuxrun.h"

#include <stdarg.h>

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

void linuxrun_tell(struct linuxrun *run, const char *format, ...)
{
	char line[320];
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vline(line, sizeof(line), format, args);
	va_end(args);
	// A few short lines: the port's queue is never full of them.
	if (out_port_write(&run->control,
	                   (struct span){ .data = (const uint8_t *)line, .len = len }) < len)
		log_warn("the host does not read its control port");
}

static void finish(struct linuxrun *run)
{
	if (!run->power_off)
		return;
	error_t err = system_power_off(run->system, 0);

	if (err < 0)
		log_error("cannot power off (%s)", error_text(err));
}

// The streams first, then the status: who reads the status knows that no output comes after it.
void linuxrun_port_flushed(void *context, struct out_port *port)
{
	struct linuxrun *run = context;

	(void)port;
	if (run->flushing == 0 || --run->flushing > 0)
		return;
	if (run->flushed_output) {
		finish(run);
		return;
	}
	run->flushed_output = true;
	if (run->failed)
		linuxrun_tell(run, "error %s", run->error);
	linuxrun_tell(run, "exit %d", run->status);
	run->flushing = 1;
	out_port_flush(&run->control);
}

void linuxrun_end(struct linuxrun *run, int status, const char *error)
{
	if (run->ended)
		return;
	run->ended = true;
	run->status = status;
	if (error != NULL) {
		run->failed = true;
		str_copy(run->error, error, sizeof(run->error));
		log_error("%s", error);
	}
	log_info("container ended with status %d", status);
	// One more than the two ports, so that a port that is flushed at once does not end the wait
	// for the other.
	run->flushing = 3;
	out_port_flush(&run->out);
	out_port_flush(&run->err);
	linuxrun_port_flushed(run, NULL);
}
