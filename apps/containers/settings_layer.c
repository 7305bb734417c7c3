// SPDX-License-Identifier: MIT
//
// HostConfig.StorageOpt: how much a container may write.
#include "apps/containers/settings_own.h"
#include "libs/base/fmt.h"
#include "libs/ext4/make.h"
#include "libs/starina/alloc.h"

#define MIN_SIZE (EXT4_MAKE_MIN * EXT4_BLOCK_SIZE)
#define MAX_SIZE (EXT4_MAKE_MAX * EXT4_BLOCK_SIZE)

// Bytes, as docker reads them: "10G", "512m", "1gib". 0: it is no such text, or out of range.
static uint64_t read_size(const char *text)
{
	static const char units[] = "bkmgt";
	uint64_t value = 0;
	const char *unit;

	if (*text < '0' || *text > '9')
		return 0;
	for (; *text >= '0' && *text <= '9' && value <= MAX_SIZE; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	unit = *text == '\0' ? units : strchr(units, *text | 0x20);
	if (unit == NULL || value > MAX_SIZE)
		return 0;
	if (*text != '\0')
		text++;
	if (unit != units && (*text | 0x20) == 'i')
		text++;
	if (unit != units && (*text | 0x20) == 'b')
		text++;
	for (; unit > units; unit--)
		value = value <= MAX_SIZE ? value * 1024 : value;
	return *text == '\0' && value <= MAX_SIZE ? value / EXT4_BLOCK_SIZE * EXT4_BLOCK_SIZE : 0;
}

error_t settings_take_storage(struct settings *settings, struct json_reader *r,
                              char error[static SETTINGS_ERROR_MAX])
{
	struct span key;

	settings->layer_size = 0;
	json_enter_object(r);
	while (json_next_member(r, &key)) {
		char *text = span_is(key, "size") ? json_take_string(r) : NULL;
		uint64_t size = text != NULL ? read_size(text) : 0;

		heap_free(text);
		if (json_reader_status(r) < 0)
			break;
		if (!span_is(key, "size")) {
			fmt_write(error, SETTINGS_ERROR_MAX, "Unknown option %.*s",
			          (int)(key.len < 64 ? key.len : 64), (const char *)key.data);
			return ERR_INVALID;
		}
		if (size < MIN_SIZE) {
			str_copy(error, "HostConfig.StorageOpt.size can be 16m to 256g",
			         SETTINGS_ERROR_MAX);
			return ERR_INVALID;
		}
		settings->layer_size = size;
	}
	return 0;
}
