// SPDX-License-Identifier: MIT
//
// Who is connected to whom: services and channels.
#include "apps/httpd/api/look.h"
#include "libs/starina/alloc.h"

// All that both tell is made of.
struct wiring {
	struct look_buffer services, ends, processes;
};

static bool is_before(const struct look_channel_end *a, const struct look_channel_end *b)
{
	return a->channel != b->channel ? a->channel < b->channel : a->end < b->end;
}

// Moves the end at `at` down the heap of `count` ends.
static void sift(struct look_channel_end *ends, size_t at, size_t count)
{
	for (size_t child = 2 * at + 1; child < count; at = child, child = 2 * at + 1) {
		struct look_channel_end end = ends[at];

		if (child + 1 < count && is_before(&ends[child], &ends[child + 1]))
			child++;
		if (!is_before(&end, &ends[child]))
			return;
		ends[at] = ends[child];
		ends[child] = end;
	}
}

// By channel, and the two ends of one: a heap sort.
static void ends_sort(struct look_channel_end *ends, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift(ends, i, count);
	for (size_t i = count; i-- > 1;) {
		struct look_channel_end last = ends[i];

		ends[i] = ends[0];
		ends[0] = last;
		sift(ends, 0, i);
	}
}

static error_t wiring_fill(struct httpd *httpd, struct wiring *wiring)
{
	error_t err = snapshot(httpd, LOOK_SERVICES, 0, &wiring->services);

	if (err == 0)
		err = snapshot(httpd, LOOK_CHANNELS, 0, &wiring->ends);
	if (err == 0)
		err = snapshot(httpd, LOOK_PROCESSES, 0, &wiring->processes);
	if (err == 0)
		ends_sort(wiring->ends.bytes, wiring->ends.used / sizeof(struct look_channel_end));
	return err;
}

static void wiring_free(struct wiring *wiring)
{
	look_buffer_free(&wiring->services);
	look_buffer_free(&wiring->ends);
	look_buffer_free(&wiring->processes);
	heap_free(wiring);
}

// What was kept, or is now; wiring_put lets go of it.
static error_t wiring_take(struct httpd *httpd, struct wiring **out)
{
	struct wiring *wiring = httpd->wiring;
	error_t err = 0;

	if (wiring == NULL) {
		wiring = heap_alloc(sizeof(*wiring));
		if (wiring == NULL)
			return ERR_NO_MEMORY;
		err = wiring_fill(httpd, wiring);
	}
	if (err != 0) {
		wiring_free(wiring);
		return err;
	}
	httpd->wiring = wiring;
	*out = wiring;
	return 0;
}

static void wiring_put(struct httpd *httpd)
{
	if (httpd->wiring_stays || httpd->wiring == NULL)
		return;
	wiring_free(httpd->wiring);
	httpd->wiring = NULL;
}

void wiring_keep(struct httpd *httpd)
{
	httpd->wiring_stays = true;
}

void wiring_forget(struct httpd *httpd)
{
	httpd->wiring_stays = false;
	wiring_put(httpd);
}

// --- Services ------------------------------------------------------------------------------------

// Who has how many channels to the service; `counts` has a place for each process.
static void clients_write(struct json_writer *w, const struct wiring *wiring, uint32_t service,
                          uint32_t *counts)
{
	size_t num_ends, num_processes;
	const struct look_channel_end *ends = look_channel_end_records(&wiring->ends, &num_ends);
	const struct look_process *all = look_process_records(&wiring->processes, &num_processes);

	for (size_t i = 0; i < num_processes; i++)
		counts[i] = 0;
	for (size_t i = 0; i < num_ends; i++) {
		const struct look_process *process;

		if (ends[i].service != service || ends[i].end != 0)
			continue;
		process = look_find_process(&wiring->processes, ends[i].process);
		if (process != NULL)
			counts[process - all]++;
	}
	write_open(w, "clients", "[");
	for (size_t i = 0; i < num_processes; i++) {
		if (counts[i] == 0)
			continue;
		write_open(w, NULL, "{");
		write_number(w, "id", all[i].id);
		write_text(w, "name", all[i].name);
		write_number(w, "channels", counts[i]);
		write_close(w, "}");
	}
	write_close(w, "]");
}

static void service_write(struct json_writer *w, const struct wiring *wiring,
                          const struct look_service *service, uint32_t *counts)
{
	write_open(w, NULL, "{");
	write_number(w, "id", service->id);
	write_text(w, "name", service->name);
	write_text(w, "state", service->provider != 0 ? "ready" : "away");
	if (service->provider != 0) {
		write_open(w, "provider", "{");
		write_number(w, "id", service->provider);
		write_text(w, "name", process_name(&wiring->processes, service->provider));
		write_close(w, "}");
	} else {
		write_null(w, "provider");
	}
	write_number(w, "waiting", service->waiting);
	clients_write(w, wiring, service->id, counts);
	write_close(w, "}");
}

error_t services_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	struct wiring *wiring;
	error_t err = wiring_take(httpd, &wiring);
	size_t count, num_processes;
	const struct look_service *all;
	uint32_t *counts;

	if (err != 0)
		return err;
	all = look_service_records(&wiring->services, &count);
	look_process_records(&wiring->processes, &num_processes);
	counts = heap_alloc((num_processes + 1) * sizeof(*counts));
	if (counts != NULL) {
		write_open(w, name, "[");
		for (size_t i = 0; i < count; i++)
			service_write(w, wiring, &all[i], counts);
		write_close(w, "]");
	} else {
		err = ERR_NO_MEMORY;
	}
	heap_free(counts);
	wiring_put(httpd);
	return err;
}

// --- Channels ------------------------------------------------------------------------------------

static const char *service_name(const struct wiring *wiring, uint32_t id)
{
	size_t count;
	const struct look_service *all = look_service_records(&wiring->services, &count);

	for (size_t i = 0; i < count; i++) {
		if (all[i].id == id)
			return all[i].name;
	}
	return NULL;
}

// The end of a channel that a process has, or null: it lies in a message, or is closed.
static void end_write(struct json_writer *w, const struct wiring *wiring,
                      const struct look_channel_end *end)
{
	if (end == NULL) {
		write_null(w, NULL);
		return;
	}
	write_open(w, NULL, "{");
	write_number(w, "process", end->process);
	write_text(w, "name", process_name(&wiring->processes, end->process));
	write_signed(w, "handle", end->handle);
	write_number(w, "queued", end->queued);
	write_number(w, "capacity", end->capacity);
	write_number(w, "sent", end->sent);
	write_flag(w, "closed", end->closed != 0);
	write_close(w, "}");
}

// A channel has one or two records. Returns how many were its.
static size_t channel_write(struct json_writer *w, const struct wiring *wiring,
                            const struct look_channel_end *ends, size_t count)
{
	const struct look_channel_end *both[2] = { NULL, NULL };
	const char *service = NULL;
	size_t taken = 0;

	for (; taken < count && ends[taken].channel == ends[0].channel; taken++) {
		both[ends[taken].end & 1] = &ends[taken];
		if (ends[taken].service != 0)
			service = service_name(wiring, ends[taken].service);
	}
	write_open(w, NULL, "{");
	write_number(w, "id", ends[0].channel);
	if (service != NULL)
		write_text(w, "service", service);
	else
		write_null(w, "service");
	write_open(w, "ends", "[");
	end_write(w, wiring, both[0]);
	end_write(w, wiring, both[1]);
	write_close(w, "]}");
	return taken;
}

error_t channels_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	struct wiring *wiring;
	error_t err = wiring_take(httpd, &wiring);
	const struct look_channel_end *ends;
	size_t count;

	if (err != 0)
		return err;
	ends = look_channel_end_records(&wiring->ends, &count);
	write_open(w, name, "[");
	for (size_t i = 0; i < count;)
		i += channel_write(w, wiring, ends + i, count - i);
	write_close(w, "]");
	wiring_put(httpd);
	return 0;
}
