// SPDX-License-Identifier: MIT
#include "apps/httpd/api/look.h"
#include "libs/base/string.h"

static const char *manager_state(uint32_t state)
{
	static const char *const names[] = { [APPS_LOADED] = "loaded",
		                             [APPS_RUNNING] = "running",
		                             [APPS_WAITING] = "restarting",
		                             [APPS_ENDING] = "ending" };

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static void entry_write(struct json_writer *w, const struct apps_entry *e)
{
	write_open(w, NULL, "{");
	write_bytes(w, "name",
	            (struct span){ (const uint8_t *)e->name, strnlen(e->name, sizeof(e->name)) });
	write_text(w, "origin", "loaded");
	write_text(w, "state", manager_state(e->state));
	write_number(w, "restarts", e->restarts);
	write_number(w, "memory", e->memory);
	write_number(w, "handles", e->handles);
	write_number(w, "threads", e->threads);
	write_number(w, "file_size", e->file_size);
	write_open(w, "provides", "[");
	for (size_t i = 0; i < APP_MAX_PROVIDES && e->provides[i][0] != '\0'; i++)
		write_bytes(w, NULL,
		            (struct span){ (const uint8_t *)e->provides[i],
		                           strnlen(e->provides[i], ENV_NAME_MAX) });
	write_close(w, "]}");
}

static const char *image_state(uint32_t state)
{
	static const char *const names[] = { [LOOK_APP_RUNNING] = "running",
		                             [LOOK_APP_ENDED] = "ended",
		                             [LOOK_APP_RESTARTING] = "restarting",
		                             [LOOK_APP_BLOCKED] = "blocked" };

	return state > 0 && state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static void needs_write(struct json_writer *w, const struct look_app *a)
{
	static const char *const kinds[] = {
		[NEED_SERVICE] = "service", [NEED_DEVICE] = "device",     [NEED_CONFIG] = "config",
		[NEED_SYSTEM] = "system",   [NEED_LAUNCHER] = "launcher", [NEED_KEPT] = "kept",
		[NEED_LOOK] = "look"
	};

	write_open(w, "needs", "[");
	for (size_t i = 0; i < APP_MAX_NEEDS && a->needs[i].kind != 0; i++) {
		uint32_t kind = a->needs[i].kind;

		write_open(w, NULL, "{");
		write_text(w, "kind",
		           kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind] : "unknown");
		write_text(w, "name", a->needs[i].name);
		write_flag(w, "optional", a->needs[i].optional != 0);
		write_close(w, "}");
	}
	write_close(w, "]");
}

static void image_app_write(struct json_writer *w, const struct look_app *a)
{
	write_open(w, NULL, "{");
	write_text(w, "name", a->name);
	write_text(w, "origin", "image");
	write_text(w, "state", image_state(a->state));
	write_number(w, "process", a->process);
	write_text(w, "mode", (a->flags & LOOK_USER_MODE) != 0 ? "user" : "kernel");
	write_number(w, "restarts", a->restarts);
	write_end(w, "last_end", a->last_end, a->last_status);
	write_number(w, "memory_limit", a->memory_limit);
	write_number(w, "handle_limit", a->handle_limit);
	write_open(w, "provides", "[");
	for (size_t i = 0; i < APP_MAX_PROVIDES && a->provides[i][0] != '\0'; i++)
		write_text(w, NULL, a->provides[i]);
	write_close(w, "]");
	needs_write(w, a);
	write_close(w, "}");
}

void apps_list_answer(struct httpd *httpd, struct http_exchange *exchange,
                      const struct apps_entry *entries, size_t num_entries)
{
	struct look_buffer image = { 0 };
	struct json_writer w = { 0 };
	error_t err = snapshot(httpd, LOOK_APPS, 0, &image);
	size_t count = 0;
	const struct look_app *all = look_app_records(&image, &count);

	write_open(&w, NULL, "[");
	for (size_t i = 0; err == 0 && i < count; i++)
		image_app_write(&w, &all[i]);
	for (size_t i = 0; i < num_entries; i++)
		entry_write(&w, &entries[i]);
	write_close(&w, "]");
	look_buffer_free(&image);
	api_reply(exchange, 200, &w);
}
