// SPDX-License-Identifier: MIT
//
// PID 1 of a guest that is measured: tells how old the guest's clock is, and goes.
#include <stdio.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	dprintf(1, "guest init after %lld ns\n", (long long)now.tv_sec * 1000000000 + now.tv_nsec);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
