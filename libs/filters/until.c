// SPDX-License-Identifier: MIT
#include "libs/base/date.h"
#include "libs/base/string.h"
#include "libs/filters/filters.h"

// Some hundred years.
#define MAX_SECONDS 3153600000ull

// "1h30m", "10s", "500ms": how long that is.
static bool read_duration(const char *text, nsec_t *out)
{
	static const struct {
		const char *name;
		nsec_t length;
	} units[] = {
		{ "ms", NSEC_PER_MSEC },
		{ "h", 3600 * NSEC_PER_SEC },
		{ "m", 60 * NSEC_PER_SEC },
		{ "s", NSEC_PER_SEC },
	};
	nsec_t whole = 0;

	if (*text == '\0')
		return false;
	while (*text != '\0') {
		uint64_t number = 0;
		size_t i = 0, digits = 0;

		for (; *text >= '0' && *text <= '9' && digits < 12; text++, digits++)
			number = number * 10 + (uint64_t)(*text - '0');
		while (i < sizeof(units) / sizeof(units[0]) &&
		       strncmp(text, units[i].name, strlen(units[i].name)) != 0)
			i++;
		if (digits == 0 || i == sizeof(units) / sizeof(units[0]) ||
		    number > MAX_SECONDS * NSEC_PER_SEC / units[i].length)
			return false;
		whole += number * units[i].length;
		if (whole > MAX_SECONDS * NSEC_PER_SEC)
			return false;
		text += strlen(units[i].name);
	}
	*out = whole;
	return true;
}

// "2025-11-29", "2025-11-29T06:41", ..., in UTC, with or without a Z.
static bool read_date(const char *text, nsec_t *out)
{
	char whole[] = "0000-00-00T00:00:00.000000000Z";
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == 'Z')
		len--;
	if ((len != 10 && len != 13 && len != 16 && len != 19 && len < 21) || len >= DATE_LENGTH)
		return false;
	for (size_t i = 0; i < len; i++)
		whole[i] = text[i];
	return date_read((struct span){ .data = (const uint8_t *)whole, .len = DATE_LENGTH }, out);
}

error_t filters_until(const struct filters *filters, nsec_t now, nsec_t *out,
                      char error[static FILTERS_ERROR_MAX])
{
	const char *value = filters_value(filters, "until", 0);
	nsec_t ago;

	*out = NSEC_NEVER;
	if (value == NULL)
		return 0;
	if (filters_value(filters, "until", 1) == NULL) {
		if (read_duration(value, &ago)) {
			*out = now > ago ? now - ago : 0;
			return 0;
		}
		if (date_read_seconds(value, out) || read_date(value, out))
			return 0;
	}
	filters_refuse("until", value, error);
	return ERR_INVALID;
}
