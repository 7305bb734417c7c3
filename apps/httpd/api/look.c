// SPDX-License-Identifier: MIT
#include "apps/httpd/api/look.h"

#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

const struct look_process *process_by_id(const struct look_buffer *processes, uint32_t id)
{
	size_t count;
	const struct look_process *all = look_process_records(processes, &count);
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (all[middle].id == id)
			return &all[middle];
		if (all[middle].id < id)
			low = middle + 1;
		else
			count = middle;
	}
	return NULL;
}

const char *process_name(const struct look_buffer *processes, uint32_t id)
{
	const struct look_process *process = process_by_id(processes, id);

	return process != NULL ? process->name : "";
}

void write_end(struct json_writer *w, const char *name, uint32_t end, int32_t status)
{
	static const char *const hows[] = { [LOOK_END_EXIT] = "exit",
		                            [LOOK_END_FAULT] = "fault",
		                            [LOOK_END_KILLED] = "killed" };

	if (end == LOOK_END_NONE || end >= sizeof(hows) / sizeof(hows[0])) {
		write_null(w, name);
		return;
	}
	write_open(w, name, "{");
	write_text(w, "how", hows[end]);
	write_signed(w, "status", status);
	write_close(w, "}");
}

void watch_update(const struct httpd *httpd)
{
	uint64_t watches = (httpd->num_lives > 0 ? LOOK_COUNT : 0) |
		(httpd->num_tracers > 0 ? LOOK_TRACE_EVENTS : 0);

	if (httpd->look != HANDLE_NONE && look_watch(httpd->look, watches) != 0)
		log_warn("what is looked at cannot be counted");
}

error_t snapshot(struct httpd *httpd, enum look_kind kind, uint64_t argument,
                 struct look_buffer *buffer)
{
	return httpd->look == HANDLE_NONE ? ERR_NOT_SUPPORTED
					  : look_take(httpd->look, kind, argument, buffer);
}
