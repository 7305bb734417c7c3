// SPDX-License-Identifier: MIT
//
// A device interrupt's way to the app: the alarm of the goldfish real-time clock, which QEMU's
// `virt` machine always has.
#include "apps/bench/bench.h"

// Google's "Goldfish virtual hardware", section RTC. Reading the low half of the time latches the
// high half.
#define RTC_TIME_LOW 0x00u
#define RTC_TIME_HIGH 0x04u
#define RTC_ALARM_LOW 0x08u
#define RTC_ALARM_HIGH 0x0cu
#define RTC_IRQ_ENABLED 0x10u
#define RTC_CLEAR_INTERRUPT 0x1cu
#define RTC_SIZE 0x20u
#define ALARM_DELAY 200000u

static volatile uint32_t *rtc_register(uint8_t *base, size_t offset)
{
	return (volatile uint32_t *)(void *)(base + offset);
}

// Sets an alarm ALARM_DELAY nanoseconds from now; returns what the instruction counter will read
// then, for with icount both count nanoseconds.
static uint64_t set_alarm(uint8_t *base)
{
	uint64_t counter, alarm;

	counter = instret();
	alarm = *rtc_register(base, RTC_TIME_LOW);
	alarm |= (uint64_t)*rtc_register(base, RTC_TIME_HIGH) << 32;
	alarm += ALARM_DELAY;
	*rtc_register(base, RTC_ALARM_HIGH) = (uint32_t)(alarm >> 32);
	*rtc_register(base, RTC_ALARM_LOW) = (uint32_t)alarm;
	return counter + ALARM_DELAY;
}

void bench_device(struct bench *b)
{
	const struct env_entry *device = environ_device(b->env, BENCH_RTC, 0);
	uint64_t best = UINT64_MAX;
	struct poll_event event;
	uint8_t *base;
	void *folio;
	handle_t poll;
	size_t n;

	if (device == NULL || device->reg_size < RTC_SIZE || device->interrupt == HANDLE_NONE)
		return;
	assert(folio_map(device->handle, PROT_READ | PROT_WRITE, &folio) == 0);
	base = (uint8_t *)folio + device->reg_offset;
	assert(poll_create(&poll) == 0);
	assert(poll_add(poll, device->interrupt, READY_READABLE, 0) == 0);
	*rtc_register(base, RTC_IRQ_ENABLED) = 1;
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		uint64_t raised = set_alarm(base);

		assert(poll_wait(poll, &event, 1, NSEC_NEVER, &n) == 0);
		best = bench_min(best, instret() - raised);
		*rtc_register(base, RTC_CLEAR_INTERRUPT) = 1;
		assert(interrupt_ack(device->interrupt) == 0);
	}
	*rtc_register(base, RTC_IRQ_ENABLED) = 0;
	bench_report("interrupt_to_app", best);
	handle_close(poll);
}
