// SPDX-License-Identifier: MIT
#include "apps/containers/top.h"

#include "libs/abi/vmm.h"
#include "libs/base/date.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

#define CELL_MAX 64u
// Of a command line, as the guest cuts it.
#define COMMAND_MAX 1024u
#define DAY (86400 * NSEC_PER_SEC)
// Of Linux's terminals.
#define PTS_MAJOR 136u

static const struct {
	const char *name;
	const char *title;
	enum top_column column;
} known[] = {
	{ "pid", "PID", TOP_PID },
	{ "ppid", "PPID", TOP_PPID },
	{ "uid", "UID", TOP_UID },
	{ "user", "USER", TOP_UID },
	{ "c", "C", TOP_C },
	{ "pcpu", "%CPU", TOP_PCPU },
	{ "%cpu", "%CPU", TOP_PCPU },
	{ "stime", "STIME", TOP_STIME },
	{ "tty", "TT", TOP_TTY },
	{ "tt", "TT", TOP_TTY },
	{ "time", "TIME", TOP_TIME },
	{ "cputime", "TIME", TOP_TIME },
	{ "cmd", "CMD", TOP_CMD },
	{ "args", "COMMAND", TOP_CMD },
	{ "command", "COMMAND", TOP_CMD },
	{ "comm", "COMMAND", TOP_COMM },
	{ "pmem", "%MEM", TOP_PMEM },
	{ "%mem", "%MEM", TOP_PMEM },
	{ "vsz", "VSZ", TOP_VSZ },
	{ "rss", "RSS", TOP_RSS },
	{ "stat", "STAT", TOP_STAT },
	{ "s", "S", TOP_STAT },
	{ "start_time", "START", TOP_STIME },
};

// --- Columns -------------------------------------------------------------------------------------

static error_t add(struct top_columns *out, const char *name, size_t len)
{
	if (out->count == TOP_MAX_COLUMNS)
		return ERR_INVALID;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) != len || memcmp(known[i].name, name, len) != 0)
			continue;
		out->items[out->count] = known[i].column;
		out->titles[out->count++] = known[i].title;
		return 0;
	}
	return ERR_INVALID;
}

// "pid,cmd": up to a blank.
static error_t add_list(struct top_columns *out, const char **text)
{
	error_t err = 0;

	do {
		size_t len = 0;

		while ((*text)[len] != '\0' && (*text)[len] != ',' && (*text)[len] != ' ')
			len++;
		err = add(out, *text, len);
		*text += len;
	} while (err == 0 && *(*text)++ == ',');
	(*text)--;
	return err;
}

static void set_full(struct top_columns *out)
{
	static const struct top_columns full = {
		.items = { TOP_UID, TOP_PID, TOP_PPID, TOP_C, TOP_STIME, TOP_TTY, TOP_TIME,
		           TOP_CMD },
		.titles = { "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD" },
		.count = 8,
	};

	*out = full;
}

// BSD's options have no dash. Returns whether these are such.
static bool read_bsd(const char *arguments, struct top_columns *out)
{
	static const struct top_columns by_user = {
		.items = { TOP_UID, TOP_PID, TOP_PCPU, TOP_PMEM, TOP_VSZ, TOP_RSS, TOP_TTY,
		           TOP_STAT, TOP_STIME, TOP_MINUTES, TOP_CMD },
		.titles = { "USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START",
		            "TIME", "COMMAND" },
		.count = 11,
	};
	static const struct top_columns brief = {
		.items = { TOP_PID, TOP_TTY, TOP_STAT, TOP_MINUTES, TOP_CMD },
		.titles = { "PID", "TTY", "STAT", "TIME", "COMMAND" },
		.count = 5,
	};

	for (size_t i = 0; arguments[i] != '\0'; i++)
		if (strchr("auxw", arguments[i]) == NULL)
			return false;
	if (arguments[0] == '\0')
		return false;
	*out = strchr(arguments, 'u') != NULL ? by_user : brief;
	return true;
}

error_t top_columns_read(const char *arguments, struct top_columns *out)
{
	bool full = false, has_list = false;
	error_t err = 0;

	if (read_bsd(arguments, out))
		return 0;
	*out = (struct top_columns){ 0 };
	while (err == 0 && *arguments != '\0') {
		char c = *arguments++;

		if (c == ' ' || c == '-' || c == 'e')
			continue;
		if (c == 'f') {
			full = true;
		} else if (c == 'o') {
			while (*arguments == ' ')
				arguments++;
			has_list = true;
			err = add_list(out, &arguments);
		} else {
			err = ERR_INVALID;
		}
	}
	if (err == 0 && !has_list)
		set_full(out);
	return err < 0 || (full && has_list) ? ERR_INVALID : 0;
}

// --- Rows ----------------------------------------------------------------------------------------

static void write_start(const struct vmm_top_entry *e, nsec_t now, char out[static CELL_MAX])
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	char text[DATE_LENGTH + 1];
	size_t month;

	date_write(e->start_time_ns, text);
	month = (size_t)((text[5] - '0') * 10 + text[6] - '0');
	if (now < e->start_time_ns || now - e->start_time_ns < DAY)
		fmt_write(out, CELL_MAX, "%.5s", text + 11);
	else
		fmt_write(out, CELL_MAX, "%s%.2s",
		          month >= 1 && month <= 12 ? months[month - 1] : "?", text + 8);
}

static void write_terminal(uint32_t device, char out[static CELL_MAX])
{
	uint32_t major = device >> 8 & 0xfff, minor = (device & 0xff) | (device >> 12 & 0xfff00);

	if (major >= PTS_MAJOR && major < PTS_MAJOR + 8)
		fmt_write(out, CELL_MAX, "pts/%u", (major - PTS_MAJOR) * 256 + minor);
	else
		str_copy(out, "?", CELL_MAX);
}

// Of a whole processor, in tenths of a per cent.
static uint32_t cpu_share(const struct vmm_top_entry *e, nsec_t now)
{
	uint64_t age_us = now > e->start_time_ns ? (now - e->start_time_ns) / NSEC_PER_USEC : 0;
	uint64_t share = age_us >= 1000 ? e->cpu_time_ns / (age_us) : 0;

	return share < 100000 ? (uint32_t)share : 100000;
}

// In tenths of a per cent.
static uint32_t memory_share(const struct vmm_top_entry *e, uint64_t memory)
{
	uint64_t share = memory >= 1000 ? e->resident_bytes / (memory / 1000) : 0;

	return share < 1000 ? (uint32_t)share : 1000;
}

static void write_memory(const struct vmm_top_entry *e, enum top_column column,
                         const struct top_host *host, char out[static CELL_MAX])
{
	uint64_t bytes = column == TOP_VSZ ? e->virtual_bytes : e->resident_bytes;
	uint32_t share = memory_share(e, host->memory);

	if (column == TOP_PMEM)
		fmt_write(out, CELL_MAX, "%u.%u", share / 10, share % 10);
	else
		fmt_write(out, CELL_MAX, "%llu", (unsigned long long)(bytes / 1024));
}

static void write_cell(const struct vmm_top_entry *e, enum top_column column,
                       const struct top_host *host, char out[static CELL_MAX])
{
	bool is_state = (e->state >= 'A' && e->state <= 'Z') || e->state == 't';
	nsec_t now = host->now;
	uint64_t seconds = e->cpu_time_ns / NSEC_PER_SEC;
	uint32_t share = cpu_share(e, now);

	switch (column) {
	case TOP_UID: fmt_write(out, CELL_MAX, "%u", e->uid); break;
	case TOP_PID: fmt_write(out, CELL_MAX, "%u", e->pid); break;
	case TOP_PPID: fmt_write(out, CELL_MAX, "%u", e->parent); break;
	case TOP_C: fmt_write(out, CELL_MAX, "%u", share / 10); break;
	case TOP_PCPU: fmt_write(out, CELL_MAX, "%u.%u", share / 10, share % 10); break;
	case TOP_STIME: write_start(e, now, out); break;
	case TOP_TTY: write_terminal(e->terminal, out); break;
	case TOP_TIME:
		fmt_write(out, CELL_MAX, "%02llu:%02u:%02u", (unsigned long long)(seconds / 3600),
		          (unsigned int)(seconds / 60 % 60), (unsigned int)(seconds % 60));
		break;
	case TOP_MINUTES:
		fmt_write(out, CELL_MAX, "%llu:%02u", (unsigned long long)(seconds / 60),
		          (unsigned int)(seconds % 60));
		break;
	case TOP_STAT: fmt_write(out, CELL_MAX, "%c", is_state ? (char)e->state : '?'); break;
	case TOP_PMEM:
	case TOP_VSZ:
	case TOP_RSS: write_memory(e, column, host, out); break;
	case TOP_CMD:
	case TOP_COMM: out[0] = '\0'; break;
	}
}

// Any bytes, as text that a document may have.
static void copy_command(struct span command, bool first_word, char out[static COMMAND_MAX + 1])
{
	size_t len = command.len < COMMAND_MAX ? command.len : COMMAND_MAX, used = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = command.data[i];

		if (first_word && c == ' ')
			break;
		if (first_word && c == '/')
			used = 0;
		else
			out[used++] = c < ' ' || c >= 0x7f ? '?' : (char)c;
	}
	out[used] = '\0';
}

static void write_row(const struct top_columns *columns, const struct vmm_top_entry *e,
                      struct span command, const struct top_host *host, struct json_writer *w)
{
	char text[COMMAND_MAX + 1];

	json_write_raw(w, "[");
	for (size_t i = 0; i < columns->count; i++) {
		enum top_column column = columns->items[i];

		if (column == TOP_CMD || column == TOP_COMM)
			copy_command(command, column == TOP_COMM, text);
		else
			write_cell(e, column, host, text);
		json_write_string(w, text);
	}
	json_write_raw(w, "]");
}

error_t top_write(const struct top_columns *columns, struct span entries,
                  const struct top_host *host, struct json_writer *w)
{
	struct reader r = reader_make(entries.data, entries.len);
	struct vmm_top_entry entry;
	bool first = true;

	json_write_raw(w, "{\"Titles\":[");
	for (size_t i = 0; i < columns->count; i++)
		json_write_string(w, columns->titles[i]);
	json_write_raw(w, "],\"Processes\":[");
	while (r.rest.len > 0) {
		struct span command;

		reader_copy(&r, &entry, sizeof(entry));
		command = reader_bytes(&r, entry.length);
		if (reader_status(&r) < 0)
			return ERR_PROTOCOL;
		json_write_raw(w, first ? "" : ",");
		write_row(columns, &entry, command, host, w);
		first = false;
	}
	json_write_raw(w, "]}");
	return w->bad ? ERR_NO_MEMORY : 0;
}
