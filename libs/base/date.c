// SPDX-License-Identifier: MIT
#include "libs/base/date.h"

#include "libs/base/fmt.h"

#define DAY 86400u
// Of a century of 400 years, and from 0000-03-01 to 1970-01-01.
#define DAYS_OF_400_YEARS 146097u
#define DAYS_TO_1970 719468u
#define FRACTION_DIGITS 9u

// Days since 1970-01-01 as a date of the Gregorian calendar; a year begins in March here, so that a
// leap day is its last.
static void date_of(uint64_t days, uint32_t *year, uint32_t *month, uint32_t *day)
{
	uint64_t since = days + DAYS_TO_1970;
	uint64_t era = since / DAYS_OF_400_YEARS, in_era = since % DAYS_OF_400_YEARS;
	uint64_t in_era_years = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint64_t in_year = in_era - (365 * in_era_years + in_era_years / 4 - in_era_years / 100);
	uint64_t from_march = (5 * in_year + 2) / 153;

	*day = (uint32_t)(in_year - (153 * from_march + 2) / 5 + 1);
	*month = (uint32_t)(from_march < 10 ? from_march + 3 : from_march - 9);
	*year = (uint32_t)(era * 400 + in_era_years + (*month <= 2 ? 1 : 0));
}

// The other way; the month and the day are within their bounds, the year is 1 at least.
static uint64_t days_of(uint64_t year, uint64_t month, uint64_t day)
{
	uint64_t from_march = month > 2 ? month - 3 : month + 9;
	uint64_t years = month > 2 ? year : year - 1, in_era_years = years % 400;

	return years / 400 * DAYS_OF_400_YEARS + in_era_years * 365 + in_era_years / 4 -
		in_era_years / 100 + (153 * from_march + 2) / 5 + day - 1 - DAYS_TO_1970;
}

void date_write(nsec_t time, char out[static DATE_LENGTH + 1])
{
	uint64_t seconds = time / NSEC_PER_SEC, rest = seconds % DAY;
	uint32_t year, month, day;

	date_of(seconds / DAY, &year, &month, &day);
	fmt_write(out, DATE_LENGTH + 1, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ", year, month, day,
	          (unsigned int)(rest / 3600), (unsigned int)(rest / 60 % 60),
	          (unsigned int)(rest % 60), (unsigned int)(time % NSEC_PER_SEC));
}

// The text is as the pattern says, where '0' stands for any digit. The numbers go to `out`.
static bool read_pattern(struct span text, const char *pattern, uint64_t *out)
{
	bool in_number = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (pattern[i] != '0') {
			if (c != (uint8_t)pattern[i])
				return false;
			if (in_number)
				out++;
			in_number = false;
			continue;
		}
		if (c < '0' || c > '9')
			return false;
		*out = (in_number ? *out * 10 : 0) + (uint64_t)(c - '0');
		in_number = true;
	}
	return true;
}

static bool make_time(uint64_t seconds, uint64_t nanoseconds, nsec_t *out)
{
	if (seconds > (UINT64_MAX - nanoseconds) / NSEC_PER_SEC)
		return false;
	*out = seconds * NSEC_PER_SEC + nanoseconds;
	return true;
}

bool date_read(struct span text, nsec_t *out)
{
	uint64_t n[7] = { 0 };  // year, month, day, hour, minute, second, nanoseconds
	uint32_t year, month, day;
	uint64_t days;

	if (text.len != DATE_LENGTH || !read_pattern(text, "0000-00-00T00:00:00.000000000Z", n) ||
	    n[0] < 1970 || n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 23 ||
	    n[4] > 59 || n[5] > 59)
		return false;
	days = days_of(n[0], n[1], n[2]);
	date_of(days, &year, &month, &day);
	// A month that has no such day.
	if (month != n[1])
		return false;
	return make_time(days * DAY + n[3] * 3600 + n[4] * 60 + n[5], n[6], out);
}

bool date_read_seconds(const char *text, nsec_t *out)
{
	uint64_t seconds = 0, nanoseconds = 0, unit = NSEC_PER_SEC;
	size_t digits = 0;

	for (; *text >= '0' && *text <= '9'; text++, digits++) {
		if (seconds > UINT64_MAX / 20)
			return false;
		seconds = seconds * 10 + (uint64_t)(*text - '0');
	}
	if (digits == 0)
		return false;
	if (*text == '.') {
		text++;
		for (digits = 0; *text >= '0' && *text <= '9' && digits < FRACTION_DIGITS;
		     text++, digits++) {
			unit /= 10;
			nanoseconds += (uint64_t)(*text - '0') * unit;
		}
		if (digits == 0)
			return false;
	}
	return *text == '\0' && make_time(seconds, nanoseconds, out);
}
