// SPDX-License-Identifier: MIT
//
// What the host is told, and the end.
#include "apps/linuxrun/linuxrun.h"

#include <stdarg.h>

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// How long the end waits for the state disk.
#define PATIENCE (10 * NSEC_PER_SEC)

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

static void power_off(struct linuxrun *run)
{
	error_t err = system_power_off(run->system, 0);

	if (err < 0)
		log_error("cannot power off (%s)", error_text(err));
}

static void volumes_are_synced(void *context, error_t error)
{
	if (error < 0)
		log_warn("the volumes cannot be synced: %s", error_text(error));
	power_off(context);
}

static void patience_is_over(struct loop *loop, struct source *source)
{
	(void)loop;
	log_warn("the volumes are not synced in time: the disk's journal has the rest");
	power_off(source->context);
}

static const struct source_ops patience_ops = { .signalled = patience_is_over };

// Errors: as timer_create's, loop_add's and clock_get's.
static error_t patience_start(struct linuxrun *run)
{
	nsec_t now;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (err == 0)
		err = timer_create(&run->patience_timer);
	if (err == 0)
		err = timer_set(run->patience_timer, now + PATIENCE);
	return err < 0
		? err
		: loop_add(&run->loop, &run->patience, run->patience_timer, &patience_ops, run);
}

static bool has_volumes(const struct linuxrun *run)
{
	for (uint32_t i = 0; i < run->num_shares; i++) {
		const char *uri = run->shares[i].uri;

		if (strcmp(uri, FILES_VOLUMES) == 0 || strcmp(uri, FILES_VOLUMES_READ_ONLY) == 0)
			return true;
	}
	return false;
}

// The container's machine is gone, and with it who used the state disk. What is not on it yet goes
// there, so that nothing is left in its journal.
static void finish(struct linuxrun *run)
{
	if (!run->power_off)
		return;
	if (!has_volumes(run) || patience_start(run) < 0) {
		power_off(run);
		return;
	}
	files_start(&run->volumes, &run->loop, environ_connector(run->env, "volumes"),
	            FILES_VOLUMES_READ_ONLY);
	if (files_finish(&run->volumes, volumes_are_synced, run) < 0)
		power_off(run);
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
