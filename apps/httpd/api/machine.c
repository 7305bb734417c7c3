// SPDX-License-Identifier: MIT
//
// The machine: its harts, memory, interrupts and virtual machines.
#include "apps/httpd/api/look.h"
#include "libs/starina/syscall.h"

error_t harts_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	struct look_buffer buffer = { 0 };
	error_t err = snapshot(httpd, LOOK_HARTS, 0, &buffer);
	size_t count = 0;
	const struct look_hart *all = look_hart_records(&buffer, &count);
	nsec_t now = 0;

	if (err == 0)
		err = clock_get(CLOCK_MONOTONIC, &now);
	if (err == 0) {
		write_open(w, name, "[");
		for (size_t i = 0; i < count; i++) {
			const struct look_hart *h = &all[i];

			write_open(w, NULL, "{");
			write_number(w, "id", h->id);
			write_number(w, "idle_ns", h->idle_ns);
			write_number(w, "busy_ns", now > h->idle_ns ? now - h->idle_ns : 0);
			write_number(w, "switches", h->switches);
			write_number(w, "wakeups", h->wakeups);
			write_number(w, "interrupts", h->interrupts);
			write_close(w, "}");
		}
		write_close(w, "]");
	}
	look_buffer_free(&buffer);
	return err;
}

error_t memory_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	struct look_buffer buffer = { 0 };
	error_t err = snapshot(httpd, LOOK_MEMORY, 0, &buffer);
	size_t count = 0;
	const struct look_memory *m = look_memory_records(&buffer, &count);

	if (err == 0 && count != 1)
		err = ERR_PROTOCOL;
	if (err == 0) {
		write_open(w, name, "{");
		write_number(w, "total", m->total);
		write_number(w, "free", m->free);
		write_number(w, "kernel", m->kernel);
		write_number(w, "folios", m->folios);
		write_number(w, "objects", m->objects);
		write_number(w, "handles", m->handles);
		write_close(w, "}");
	}
	look_buffer_free(&buffer);
	return err;
}

error_t interrupts_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	struct look_buffer buffer = { 0 }, processes = { 0 };
	error_t err = snapshot(httpd, LOOK_INTERRUPTS, 0, &buffer);
	size_t count = 0;
	const struct look_interrupt *all = look_interrupt_records(&buffer, &count);

	if (err == 0)
		err = snapshot(httpd, LOOK_PROCESSES, 0, &processes);
	if (err == 0) {
		write_open(w, name, "[");
		for (size_t i = 0; i < count; i++) {
			write_open(w, NULL, "{");
			write_number(w, "line", all[i].line);
			write_number(w, "process", all[i].process);
			write_text(w, "name", process_name(&processes, all[i].process));
			write_number(w, "count", all[i].count);
			write_close(w, "}");
		}
		write_close(w, "]");
	}
	look_buffer_free(&processes);
	look_buffer_free(&buffer);
	return err;
}

// --- Virtual machines ----------------------------------------------------------------------------

static uint64_t thread_time(const struct look_buffer *threads, uint32_t id)
{
	size_t count;
	const struct look_thread *all = look_thread_records(threads, &count);

	for (size_t i = 0; i < count; i++) {
		if (all[i].id == id)
			return all[i].cpu_ns;
	}
	return 0;
}

static void vcpu_write(struct json_writer *w, const struct look_vcpu *v,
                       const struct look_buffer *threads)
{
	static const char *const causes[LOOK_NUM_EXITS] = {
		[LOOK_EXIT_INTERRUPT] = "interrupt", [LOOK_EXIT_FAULT] = "fault",
		[LOOK_EXIT_MMIO_READ] = "mmio_read", [LOOK_EXIT_MMIO_WRITE] = "mmio_write",
		[LOOK_EXIT_NOTIFY] = "notify",       [LOOK_EXIT_SBI_TIME] = "sbi_time",
		[LOOK_EXIT_SBI_OTHER] = "sbi_other", [LOOK_EXIT_WFI] = "wfi",
		[LOOK_EXIT_OTHER] = "other",
	};

	write_open(w, NULL, "{");
	write_number(w, "id", v->vcpu);
	write_number(w, "thread", v->thread);
	write_flag(w, "in_guest", v->in_guest != 0);
	write_number(w, "cpu_ns", thread_time(threads, v->thread));
	write_open(w, "exits", "{");
	for (size_t i = 0; i < LOOK_NUM_EXITS; i++)
		write_number(w, causes[i], v->exits[i]);
	write_close(w, "}}");
}

// The records of one VM follow each other.
static void vms_list(struct json_writer *w, const struct look_buffer *vcpus,
                     const struct look_buffer *threads, const struct look_buffer *processes)
{
	size_t count;
	const struct look_vcpu *all = look_vcpu_records(vcpus, &count);

	for (size_t i = 0; i < count; i++) {
		if (i == 0 || all[i].vm != all[i - 1].vm) {
			write_open(w, NULL, "{");
			write_number(w, "id", all[i].vm);
			write_number(w, "process", all[i].process);
			write_text(w, "name", process_name(processes, all[i].process));
			write_number(w, "memory", all[i].memory);
			write_open(w, "vcpus", "[");
		}
		vcpu_write(w, &all[i], threads);
		if (i + 1 == count || all[i + 1].vm != all[i].vm)
			write_close(w, "]}");
	}
}

error_t vms_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	struct look_buffer vcpus = { 0 }, threads = { 0 }, processes = { 0 };
	error_t err = snapshot(httpd, LOOK_VCPUS, 0, &vcpus);

	if (err == 0)
		err = snapshot(httpd, LOOK_THREADS, 0, &threads);
	if (err == 0)
		err = snapshot(httpd, LOOK_PROCESSES, 0, &processes);
	if (err == 0) {
		write_open(w, name, "[");
		vms_list(w, &vcpus, &threads, &processes);
		write_close(w, "]");
	}
	look_buffer_free(&processes);
	look_buffer_free(&threads);
	look_buffer_free(&vcpus);
	return err;
}
