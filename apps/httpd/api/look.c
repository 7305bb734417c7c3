// SPDX-License-Identifier: MIT
#include "apps/httpd/api/look.h"

#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

const char *process_name(const struct look_buffer *processes, uint32_t id)
{
	const struct look_process *process = look_find_process(processes, id);

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
	error_t err;

	if (httpd->look == HANDLE_NONE)
		return ERR_NOT_SUPPORTED;
	look_buffer_reserve(buffer, httpd->look_sizes[kind]);
	err = look_take(httpd->look, kind, argument, buffer);
	httpd->look_sizes[kind] = buffer->used;
	return err;
}
