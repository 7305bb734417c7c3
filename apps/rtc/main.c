// SPDX-License-Identifier: MIT
//
// Reads the goldfish real-time clock and tells the system what time it is.
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define COMPATIBLE "google,goldfish-rtc"

// Registers: nanoseconds since 1970. Reading the low half latches the high half.
#define RTC_TIME_LOW 0x00
#define RTC_TIME_HIGH 0x04
#define RTC_SIZE 0x08

static nsec_t rtc_read(const volatile uint8_t *regs)
{
	uint32_t low = *(const volatile uint32_t *)(const volatile void *)(regs + RTC_TIME_LOW);
	uint32_t high = *(const volatile uint32_t *)(const volatile void *)(regs + RTC_TIME_HIGH);

	return (nsec_t)high << 32 | low;
}

// Days since 1970-01-01 to a date of the proleptic Gregorian calendar: years counted from March
// have their leap day last, and 400 of them have 146097 days.
static void date_of_days(uint64_t days, unsigned int *year, unsigned int *month, unsigned int *day)
{
	uint64_t era_day, year_of_era, day_of_year, from_march;

	days += 719468;  // since 0000-03-01
	era_day = days % 146097;
	year_of_era = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
	day_of_year = era_day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	from_march = (5 * day_of_year + 2) / 153;
	*day = (unsigned int)(day_of_year - (153 * from_march + 2) / 5 + 1);
	*month = (unsigned int)(from_march < 10 ? from_march + 3 : from_march - 9);
	*year = (unsigned int)(days / 146097 * 400 + year_of_era + (*month <= 2 ? 1 : 0));
}

static void rtc_main(const struct environ *env)
{
	const struct env_entry *device = environ_device(env, COMPATIBLE, 0);
	unsigned int year, month, day;
	uint64_t seconds;
	void *base;
	nsec_t wall;
	error_t err;

	if (device == NULL || device->reg_size < RTC_SIZE) {
		log_error("the clock has no registers: the device tree is wrong");
		process_exit(1);
	}
	err = folio_map(device->handle, PROT_READ, &base);
	if (err == 0) {
		wall = rtc_read((const volatile uint8_t *)base + device->reg_offset);
		err = clock_set(environ_system(env), wall);
	}
	if (err != 0) {
		log_error("cannot set the wall clock: %s", error_text(err));
		process_exit(1);
	}
	seconds = wall / NSEC_PER_SEC;
	date_of_days(seconds / 86400, &year, &month, &day);
	log_info("it is %04u-%02u-%02u %02u:%02u:%02u UTC", year, month, day,
	         (unsigned int)(seconds / 3600 % 24), (unsigned int)(seconds / 60 % 60),
	         (unsigned int)(seconds % 60));
}

APP(rtc, .main = rtc_main, .restart = RESTART_ON_FAULT,
    .needs = { { .kind = NEED_DEVICE, .name = COMPATIBLE, .optional = 1 },
               { .kind = NEED_SYSTEM } });
