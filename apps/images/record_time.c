// SPDX-License-Identifier: MIT
#include "apps/images/record.h"
#include "libs/base/date.h"
#include "libs/base/string.h"

nsec_t record_time(struct span text)
{
	static const char form[] = "0000-00-00T00:00:00.000000000Z";
	const size_t whole = 19;
	char date[DATE_LENGTH + 1];
	nsec_t time;

	if (text.len < whole + 2)
		return 0;
	str_copy(date, form, sizeof(date));
	memcpy(date, text.data + 1, whole);
	// A fraction has up to nine digits.
	for (size_t i = whole + 1; i < DATE_LENGTH - 1 && i + 1 < text.len; i++) {
		if (text.data[whole + 1] != '.' || text.data[i + 1] < '0' || text.data[i + 1] > '9')
			break;
		date[i] = (char)text.data[i + 1];
	}
	return date_read((struct span){ (const uint8_t *)date, DATE_LENGTH }, &time) ? time : 0;
}
