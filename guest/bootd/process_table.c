// SPDX-License-Identifier: MIT
#include "guest/bootd/process_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct added_process *find(const struct process_table *table, uint32_t number)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->items[i]->number == number)
			return table->items[i];
	}
	return NULL;
}

static int check_room(const struct process_table *table, uint32_t number, int init,
                      struct failure *failure)
{
	if (init < 0)
		return failure_set(failure, FAILURE_SETUP, -ESRCH, "the container is not running");
	if (find(table, number) != NULL)
		return failure_set(failure, FAILURE_SETUP, -EEXIST,
		                   "the container has a process %u already", number);
	if (table->count == CONTROL_MAX_ADDED)
		return failure_set(failure, FAILURE_SETUP, -EAGAIN,
		                   "the container has %u added processes, which is the most",
		                   CONTROL_MAX_ADDED);
	return 0;
}

int process_table_start(struct process_table *table, uint32_t number, int init, const uint8_t *text,
                        size_t size, struct failure *failure)
{
	struct added_process *process;
	struct config config;
	int error = check_room(table, number, init, failure);

	if (error != 0)
		return error;
	error = config_parse_process(&config, (const char *)text, size, failure);
	if (error != 0)
		return error;
	process = calloc(1, sizeof(*process));
	if (process == NULL)
		error = failure_set(failure, FAILURE_SETUP, -ENOMEM,
		                    "the guest has no memory for another process");
	else
		error = added_process_start(process, number, &config.process, init, failure);
	config_deinit(&config);
	if (error != 0)
		free(process);
	else
		table->items[table->count++] = process;
	return error;
}

int process_table_signal(const struct process_table *table, uint32_t number, int signal)
{
	const struct added_process *process = find(table, number);

	return process != NULL ? pidfd_signal(process->pidfd, signal) : -ESRCH;
}

int process_table_resize(const struct process_table *table, uint32_t number, uint16_t rows,
                         uint16_t columns)
{
	struct added_process *process = find(table, number);

	return process != NULL ? added_process_resize(process, rows, columns) : -ENOTTY;
}

static void remove_at(struct process_table *table, size_t i)
{
	free(table->items[i]);
	table->items[i] = table->items[--table->count];
}

// A window has become wider.
static void settle(struct process_table *table, const struct added_process *process,
                   struct control_out *out)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->items[i] == process && !added_process_settle(table->items[i], out)) {
			remove_at(table, i);
			return;
		}
	}
}

int process_table_stream(struct process_table *table, const struct control_header *header,
                         const uint8_t *body, struct control_out *out)
{
	struct added_process *process = find(table, header->process);
	struct control_stream stream;
	struct control_window window;

	memcpy(&stream, body, sizeof(stream));
	if (stream.stream > CONTROL_STDERR)
		return -EINVAL;
	if (process == NULL)
		return 0;
	switch (header->type) {
	case CONTROL_STREAM_DATA:
		if (stream.stream != CONTROL_STDIN ||
		    !added_process_input(process, body + sizeof(stream),
		                         header->length - sizeof(stream), out))
			return -EINVAL;
		return 0;
	case CONTROL_STREAM_END: added_process_end_stream(process, stream.stream); break;
	default:
		memcpy(&window, body, sizeof(window));
		if (stream.stream == CONTROL_STDIN ||
		    !added_process_widen(process, stream.stream, window.bytes))
			return -EINVAL;
		break;
	}
	settle(table, process, out);
	return 0;
}

size_t process_table_poll(const struct process_table *table, struct pollfd *entries)
{
	for (size_t i = 0; i < table->count; i++)
		added_process_poll(table->items[i], entries + i * ADDED_NUM_POLLS);
	return table->count * ADDED_NUM_POLLS;
}

void process_table_run(struct process_table *table, const struct pollfd *entries,
                       struct control_out *out)
{
	// From the last one on: the one that takes the place of one that goes was looked at.
	for (size_t i = table->count; i-- > 0;) {
		if (!added_process_run(table->items[i], entries + i * ADDED_NUM_POLLS, out))
			remove_at(table, i);
	}
}

void process_table_finish(struct process_table *table, struct control_out *out)
{
	while (table->count > 0) {
		added_process_finish(table->items[table->count - 1], out);
		remove_at(table, table->count - 1);
	}
}
