// SPDX-License-Identifier: MIT
//
// The end: clients end what they have, the state disk is unmounted, the machine goes off.
#include "apps/hostctl/hostctl.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void power_off(struct hostctl *ctl)
{
	error_t err = system_power_off(ctl->system, 0);

	log_error("cannot power off: %s", error_text(err));
}

static void unmounted(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	if (channel != HANDLE_NONE)
		handle_close(channel);
	else
		log_error("the state disk was not unmounted: %s (%s)", text, error_text(error));
	power_off(opener->context);
}

void power_advance(struct hostctl *ctl)
{
	if (!ctl->stopping || !clients_have_stopped(ctl))
		return;
	log_info("all has ended: powering off");
	ctl->stopping = false;
	if (ctl->unmount == HANDLE_NONE)
		power_off(ctl);
	else
		opener_start(&ctl->end, &ctl->loop, ctl->unmount, FILES_UNMOUNT, unmounted, ctl);
}

void power_stop(struct hostctl *ctl)
{
	if (ctl->stopping)
		return;
	ctl->stopping = true;
	clients_stop(ctl);
	power_advance(ctl);
}
