// SPDX-License-Identifier: MIT
//
// The end: clients end what they have, the state disk is written out, the machine goes off.
#include "apps/hostctl/hostctl.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void power_off(struct hostctl *ctl)
{
	error_t err = system_power_off(ctl->system, 0);

	log_error("cannot power off: %s", error_text(err));
}

// Without a state disk there is nothing to write out.
static void written_out(void *context, error_t error)
{
	struct hostctl *ctl = context;

	if (error != 0 && ctl->files.error == 0)
		log_error("the state disk was not written out: %s", error_text(error));
	power_off(ctl);
}

void power_advance(struct hostctl *ctl)
{
	error_t err;

	if (!ctl->stopping || !clients_have_stopped(ctl))
		return;
	log_info("all has ended: powering off");
	ctl->stopping = false;
	if (ctl->volumes == HANDLE_NONE) {
		power_off(ctl);
		return;
	}
	files_start(&ctl->files, &ctl->loop, ctl->volumes, FILES_VOLUMES);
	err = files_sync(&ctl->files, written_out, ctl);
	if (err != 0)
		written_out(ctl, err);
}

void power_stop(struct hostctl *ctl)
{
	if (ctl->stopping)
		return;
	ctl->stopping = true;
	clients_stop(ctl);
	power_advance(ctl);
}
