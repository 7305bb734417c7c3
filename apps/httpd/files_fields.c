// SPDX-License-Identifier: MIT
#include "apps/httpd/files.h"
#include "libs/base/decimal.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/http/target.h"

#define TEXT "Content-Type: text/plain; charset=utf-8\r\n"
#define OTHER "Content-Type: application/octet-stream\r\n"
#define ATTACHMENT "Content-Disposition: attachment\r\n"
#define SECONDS_PER_DAY 86400

// --- Paths ---------------------------------------------------------------------------------------

bool path_decode(struct span target, char *path, size_t size)
{
	const uint8_t *end = target.len > 0 ? memchr(target.data, '?', target.len) : NULL;
	size_t len;

	if (end != NULL)
		target.len = (size_t)(end - target.data);
	// A "/" that is none is in no name.
	for (size_t i = 0; i + 2 < target.len; i++) {
		if (memcmp(target.data + i, "%2", 2) == 0 && (target.data[i + 2] | 0x20) == 'f')
			return false;
	}
	return http_percent_decode(target, false, path, size, &len) == 0;
}

static const struct {
	const char *extension;
	const char *fields;
} types[] = {
	{ "txt", TEXT },
	{ "md", TEXT },
	{ "log", TEXT },
	{ "csv", TEXT },
	{ "json", TEXT },
	{ "c", TEXT },
	{ "h", TEXT },
	{ "py", TEXT },
	{ "png", "Content-Type: image/png\r\n" },
	{ "jpg", "Content-Type: image/jpeg\r\n" },
	{ "jpeg", "Content-Type: image/jpeg\r\n" },
	{ "gif", "Content-Type: image/gif\r\n" },
	{ "webp", "Content-Type: image/webp\r\n" },
	// What a browser would run.
	{ "html", "Content-Type: text/html; charset=utf-8\r\n" ATTACHMENT },
	{ "htm", "Content-Type: text/html; charset=utf-8\r\n" ATTACHMENT },
	{ "svg", "Content-Type: image/svg+xml\r\n" ATTACHMENT },
	{ "js", "Content-Type: text/javascript; charset=utf-8\r\n" ATTACHMENT },
	{ "xml", "Content-Type: text/xml\r\n" ATTACHMENT },
	{ "pdf", "Content-Type: application/pdf\r\n" ATTACHMENT },
};

const char *content_fields(const char *path)
{
	const char *extension = NULL;

	for (; *path != '\0'; path++)
		extension = *path == '.' ? path + 1 : *path == '/' ? NULL : extension;
	for (size_t i = 0; extension != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].extension, extension) == 0)
			return types[i].fields;
	}
	return OTHER ATTACHMENT;
}

// --- Dates and tags ------------------------------------------------------------------------------

void etag_write(char out[ETAG_BYTES], const struct file_info *info)
{
	fmt_write(out, ETAG_BYTES, "\"%llx-%llx-%llx\"", (unsigned long long)info->size,
	          (unsigned long long)info->modified, (unsigned long long)info->modified_ns);
}

void http_date_write(char out[HTTP_DATE_BYTES], int64_t seconds)
{
	static const char days[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
	const int64_t max = 253402300799;  // 9999-12-31
	uint64_t at = seconds < 0 ? 0 : (uint64_t)(seconds < max ? seconds : max);
	uint64_t day = at / SECONDS_PER_DAY, second = at % SECONDS_PER_DAY;
	// Years begin with March, and 400 of them are an era: a leap day is the last of its year.
	uint64_t since = day + 719468, of_era = since % 146097;
	uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint64_t month = (5 * of_year + 2) / 153;
	uint64_t year = since / 146097 * 400 + year_of_era + (month >= 10);

	fmt_write(out, HTTP_DATE_BYTES, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
	          days + day % 7 * 3, (unsigned)(of_year - (153 * month + 2) / 5 + 1),
	          months + month * 3, (unsigned)year, (unsigned)(second / 3600),
	          (unsigned)(second / 60 % 60), (unsigned)(second % 60));
}

static void copy_field(const struct http_request_head *head, const char *name, char *out,
                       size_t size)
{
	const struct http_field *field = http_field_find(head, name);

	out[0] = '\0';
	if (field == NULL || field->value.len >= size)
		return;
	memcpy(out, field->value.data, field->value.len);
	out[field->value.len] = '\0';
}

bool is_unchanged(const struct asked *asked, const char *etag, const char *date)
{
	size_t len = strlen(etag);

	if (asked->if_none_match[0] == '\0')
		return strcmp(asked->if_modified_since, date) == 0;
	if (strcmp(asked->if_none_match, "*") == 0)
		return true;
	for (const char *at = asked->if_none_match; *at != '\0'; at++) {
		if (strncmp(at, etag, len) == 0)
			return true;
	}
	return false;
}

// --- Ranges --------------------------------------------------------------------------------------

static void range_read(struct asked *asked, struct span text)
{
	bool has_first, has_last;

	if (!span_take_prefix(&text, "bytes="))
		return;
	has_first = decimal_take(&text, INT64_MAX, &asked->first);
	if (!span_take_prefix(&text, "-"))
		return;
	has_last = decimal_take(&text, INT64_MAX, &asked->last);
	// What is not one range is as if it were not there.
	if (text.len > 0 || (!has_first && !has_last) ||
	    (has_first && has_last && asked->last < asked->first))
		return;
	if (!has_first)
		asked->first = UINT64_MAX;
	if (!has_last)
		asked->last = UINT64_MAX;
	asked->has_range = true;
}

void asked_read(struct asked *asked, const struct http_request_head *head)
{
	const struct http_field *range = http_field_find(head, "Range");

	copy_field(head, "If-None-Match", asked->if_none_match, sizeof(asked->if_none_match));
	copy_field(head, "If-Modified-Since", asked->if_modified_since,
	           sizeof(asked->if_modified_since));
	copy_field(head, "If-Range", asked->if_range, sizeof(asked->if_range));
	// If-Range that is too long to be ours matches nothing.
	if (range != NULL &&
	    (http_field_find(head, "If-Range") == NULL || asked->if_range[0] != '\0'))
		range_read(asked, range->value);
}

bool range_apply(const struct asked *asked, const char *etag, uint64_t size, uint64_t *offset,
                 uint64_t *left)
{
	*offset = 0;
	*left = size;
	if (!asked->has_range || (asked->if_range[0] != '\0' && strcmp(asked->if_range, etag) != 0))
		return false;
	if (asked->first == UINT64_MAX) {
		*left = asked->last < size ? asked->last : size;
		*offset = size - *left;
		return true;
	}
	*offset = asked->first < size ? asked->first : size;
	*left = size - *offset;
	if (asked->last != UINT64_MAX && *left > 0 && asked->last - *offset < *left)
		*left = asked->last - *offset + 1;
	return true;
}
