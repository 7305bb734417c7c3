// SPDX-License-Identifier: MIT
//
// top: two views of the processes, and what each used between them; again and again.
#include "apps/shell/shell.h"
#include "libs/base/decimal.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define INTERVAL (2 * NSEC_PER_SEC)
#define SHOWN_MAX 20u

enum { TOP_ID, TOP_NAME, TOP_CPU, TOP_MEMORY };

static const struct column columns[] = {
	{ "ID", "id", COLUMN_NUMBER },
	{ "NAME", "name", COLUMN_TEXT },
	{ "CPU", "cpu_ns", COLUMN_NUMBER },
	{ "MEMORY", "memory", COLUMN_SIZE },
};

static void ask(struct shell *shell)
{
	shell->answer_len = 0;
	request_start(&shell->request, "GET", "/processes", NULL, 0);
}

void top_stop(struct shell *shell)
{
	loop_close(&shell->loop, &shell->timer);
	shell->timer = (struct source){ 0 };
}

static void timer_fired(struct loop *loop, struct source *source)
{
	struct shell *shell = source->context;

	top_stop(shell);
	(void)loop;
	ask(shell);
}

static const struct source_ops timer_ops = { .signalled = timer_fired };

static void wait(struct shell *shell, nsec_t now)
{
	handle_t timer;
	error_t err = timer_create(&timer);

	if (err == 0) {
		err = loop_add(&shell->loop, &shell->timer, timer, &timer_ops, shell);
		if (err != 0)
			handle_close(timer);
	}
	if (err == 0)
		err = timer_set(timer, now + INTERVAL);
	if (err != 0) {
		sink_format(&shell->sink, "there is no timer\n");
		command_stop(shell);
	}
}

static uint64_t number_of(const char *text)
{
	struct span cell = text_span(text);
	uint64_t value;

	return decimal_take(&cell, UINT64_MAX, &value) ? value : 0;
}

// What the process used since the last view.
static uint64_t used_by(const struct shell *shell, const struct top_process *process)
{
	for (size_t i = 0; i < shell->num_top; i++) {
		if (shell->top[i].id == process->id && shell->top[i].cpu_ns <= process->cpu_ns)
			return process->cpu_ns - shell->top[i].cpu_ns;
	}
	return 0;
}

struct view {
	struct top_process now[TOP_PROCESSES_MAX];
	uint64_t used[TOP_PROCESSES_MAX];
	size_t count;
};

// The one that used most and was not shown.
static size_t next_of(const struct view *view, const bool *shown)
{
	size_t best = view->count;

	for (size_t i = 0; i < view->count; i++) {
		if (!shown[i] && (best == view->count || view->used[i] > view->used[best]))
			best = i;
	}
	return best;
}

static void view_write(struct shell *shell, const struct table *table, const struct view *view,
                       nsec_t passed)
{
	static bool shown[TOP_PROCESSES_MAX];

	memset(shown, 0, sizeof(shown));
	sink_format(&shell->sink, "    ID   CPU %%   MEMORY  NAME\n");
	for (size_t n = 0; n < SHOWN_MAX && n < view->count; n++) {
		size_t i = next_of(view, shown);
		uint64_t tenths = view->used[i] * 1000 / (passed != 0 ? passed : 1);

		shown[i] = true;
		sink_format(&shell->sink, "%6llu  %4llu.%llu  %7s  %s\n",
		            (unsigned long long)view->now[i].id, (unsigned long long)(tenths / 10),
		            (unsigned long long)(tenths % 10), table_cell(table, i, TOP_MEMORY),
		            table_cell(table, i, TOP_NAME));
	}
}

static void view_take(const struct shell *shell, const struct table *table, struct view *view)
{
	size_t count = table->num_rows < TOP_PROCESSES_MAX ? table->num_rows : TOP_PROCESSES_MAX;

	view->count = count;
	for (size_t i = 0; i < count; i++) {
		view->now[i].id = number_of(table_cell(table, i, TOP_ID));
		view->now[i].cpu_ns = number_of(table_cell(table, i, TOP_CPU));
		view->used[i] = used_by(shell, &view->now[i]);
	}
}

void top_show(struct shell *shell, struct span json)
{
	static struct view view;
	struct table table = { .columns = columns,
		               .num_columns = sizeof(columns) / sizeof(columns[0]) };
	struct json_reader r = json_reader_make(json);
	nsec_t now = 0;

	if (table_read(&table, &r) != 0 || clock_get(CLOCK_MONOTONIC, &now) != 0) {
		sink_format(&shell->sink, "the answer is not what the API tells\n");
		table_deinit(&table);
		command_stop(shell);
		return;
	}
	view_take(shell, &table, &view);
	if (shell->top_time != 0)
		view_write(shell, &table, &view, now - shell->top_time);
	table_deinit(&table);
	memcpy(shell->top, view.now, sizeof(shell->top));
	shell->num_top = view.count;
	shell->top_time = now;
	wait(shell, now);
}

void top_start(struct shell *shell, const struct arguments *arguments)
{
	if (arguments->count != 1) {
		sink_format(&shell->sink, "usage: top\n");
		command_end(shell);
		return;
	}
	shell->top_time = 0;
	shell->num_top = 0;
	ask(shell);
}
