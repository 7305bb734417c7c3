// SPDX-License-Identifier: MIT
//
// An example: counts its starts in a file of its own folder (docs/tutorial-files.md).
#include "libs/abi/app.h"
#include "libs/base/fmt.h"
#include "libs/files/simple.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define COUNT_FILE "count"
#define COUNT_MAX 20  // bytes

// The number in the file; 0 when there is no file yet.
static error_t read_count(struct folder *folder, uint64_t *count)
{
	uint8_t *bytes;
	size_t len;
	error_t error = folder_read(folder, COUNT_FILE, COUNT_MAX, &bytes, &len);

	*count = 0;
	if (error == ERR_NOT_FOUND)
		return 0;
	if (error < 0)
		return error;
	for (size_t i = 0; i < len && bytes[i] >= '0' && bytes[i] <= '9'; i++)
		*count = *count * 10 + (uint64_t)(bytes[i] - '0');
	heap_free(bytes);
	return 0;
}

static void counter_main(const struct environ *env)
{
	struct folder *folder;
	char text[COUNT_MAX + 1];
	uint64_t count;
	size_t len;
	error_t error = folder_open_own(env, &folder);

	if (error < 0)
		process_exit(1);  // the log says why
	error = read_count(folder, &count);
	if (error == 0) {
		len = fmt_write(text, sizeof(text), "%llu", (unsigned long long)count + 1);
		error = folder_write(folder, COUNT_FILE, text, len);
	}
	if (error < 0)
		log_error("%s: %s", COUNT_FILE, error_text(error));
	else
		log_info("start %s", text);
	folder_close(folder);
}

APP(counter, .main = counter_main, .needs = { FILES_OWN });
