// SPDX-License-Identifier: MIT
// A log that is written while its server dies, fails, hangs or is full, and restarts of the
// writer: what a container has said is there once, in its order, or the log says that it is not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/files/provider_fake.h"
#include "libs/logs/reader.h"
#include "libs/logs/writer.h"

#define EIO 5u

static struct loop loop;
static struct provider_fake provider;
static struct log_writer writer;
static handle_t connector;
static unsigned said;  // lines so far
static bool holds, finished, lossy;
static char pending[300];
static size_t pending_len, pending_done;

static void check(bool good)
{
	if (!good)
		abort();
}

// The container writes the rest of its line, and waits when it is not taken.
static void say_on(void)
{
	struct span rest = { (const uint8_t *)pending + pending_done, pending_len - pending_done };

	if (rest.len > 0)
		pending_done += log_writer_take(&writer, LOG_STDOUT, rest);
	holds = pending_done < pending_len;
}

static void room(void *context)
{
	(void)context;
	holds = false;
}

static void written(void *context)
{
	(void)context;
}

static void done(void *context)
{
	(void)context;
	check(!finished);
	finished = true;
}

static const struct log_writer_ops ops = { .room = room, .written = written, .finished = done };

static void start(uint64_t max_bytes)
{
	memset(&writer, 0, sizeof(writer));
	finished = false;
	check(log_writer_start(&writer, &loop, connector, "store:logs", "id", max_bytes, 1000, &ops,
	                       NULL) == 0);
}

static void settle(void)
{
	fake_time_pass(LOG_PAUSE);
	do
		fake_loop_settle(&loop);
	while (provider_fake_serve(&provider));
}

static void say(unsigned length)
{
	if (!holds && pending_done == pending_len) {
		int len = snprintf(pending, sizeof(pending), "%u ", ++said);

		memset(pending + len, 'x', length);
		pending_len = (size_t)len + length;
		pending[pending_len++] = '\n';
		pending_done = 0;
	}
	if (!holds)
		say_on();
}

// The run ends, with all that was taken; then comes the next one.
static void restart(uint64_t max_bytes)
{
	provider.fails = 0;
	provider.capacity = UINT64_MAX;
	while (pending_done < pending_len) {
		settle();
		fake_time_pass(2 * NSEC_PER_SEC);
		say_on();
	}
	fake_time_pass(2 * NSEC_PER_SEC);
	log_writer_finish(&writer);
	settle();
	check(finished);
	log_writer_stop(&writer);
	settle();
	provider_fake_die(&provider);
	start(max_bytes);
}

static void step(uint8_t what, uint8_t how, uint64_t max_bytes)
{
	switch (what % 8) {
	case 0:
	case 1: say(how); break;
	case 2:
		for (unsigned i = 0; i < how; i++)
			say(200);
		break;
	case 3:
		fake_loop_settle(&loop);
		(void)provider_fake_serve(&provider);
		break;
	case 4: settle(); break;
	case 5:
		// After so many in a row it is said to be broken.
		lossy = lossy || writer.deaths >= 3;
		provider_fake_die(&provider);
		break;
	case 6:
		// An error, or time in which nobody answers: something may be lost.
		lossy = true;
		if (how % 4 == 0)
			provider.fails = how % 8 == 0 ? EIO : 0;
		else if (how % 4 == 1)
			provider.capacity = how % 8 == 1 ? how * 100u : UINT64_MAX;
		else
			fake_time_pass((nsec_t)how * NSEC_PER_SEC / 16);
		fake_loop_settle(&loop);
		break;
	default: restart(max_bytes); break;
	}
}

// Reads the files in their order. Returns the last line's number.
static unsigned check_file(const struct fake_node *file, unsigned last, bool *noted)
{
	struct span rest = { file->data, file->size };
	struct log_record record;
	size_t len;
	bool good;

	while (rest.len > 0 && (len = log_record_read(rest, &record, &good)) > 0) {
		check(good);
		if (record.stream == LOG_STDERR) {
			*noted = true;
		} else {
			char text[16];
			unsigned number;

			snprintf(text, sizeof(text), "%.*s", (int)record.text.len,
			         (const char *)record.text.data);
			number = (unsigned)atoi(text);
			check(record.whole && number > last && number <= said);
			check(number == last + 1 || lossy);
			last = number;
		}
		rest = (struct span){ rest.data + len, rest.len - len };
	}
	return last;
}

static struct files files;
static struct log_reader reader;
static unsigned num_read, num_ends;

static bool take(void *context, const struct log_record *record)
{
	(void)context;
	num_read += record->whole ? 1 : 0;
	return true;
}

static void at_end(void *context)
{
	(void)context;
	num_ends++;
}

static void read_failed(void *context, error_t error)
{
	(void)context;
	check(error == ERR_PEER_CLOSED);
}

// Reads so many lines; the server may die in the midst of it. Returns how many there were.
static unsigned read_lines(uint64_t lines, unsigned turns)
{
	static const struct log_reader_ops reading = { .record = take,
		                                       .end = at_end,
		                                       .failed = read_failed };

	num_read = num_ends = 0;
	files_start(&files, &loop, connector, "store:logs");
	check(log_reader_start(&reader, &files, "id", lines, &reading, NULL) == 0);
	for (unsigned i = 0; i < turns; i++) {
		fake_loop_settle(&loop);
		(void)provider_fake_serve(&provider);
	}
	if (turns > 0 && num_ends == 0) {
		provider_fake_die(&provider);
		fake_loop_settle(&loop);
		log_reader_lost(&reader);
		files_stop(&files);
		files_start(&files, &loop, connector, "store:logs");
		log_reader_resume(&reader);
	}
	settle();
	// It may have been at the end when the server died.
	check(num_ends > 0);
	log_reader_stop(&reader);
	settle();
	files_stop(&files);
	provider_fake_die(&provider);
	return num_read;
}

// What is read is what lies there.
static void check_reading(uint8_t how)
{
	unsigned all = read_lines(LOG_ALL, 0);

	check(read_lines(LOG_ALL, how % 16) == all);
	check(read_lines(how, how / 16) == (how < all ? how : all));
}

static void check_log(void)
{
	uint32_t folder = provider_fake_find(&provider, 1, "id");
	unsigned last = 0;
	bool noted = false;

	for (unsigned i = 1; i < FAKE_NODES && folder != 0; i++) {
		char name[16];
		uint32_t number;

		snprintf(name, sizeof(name), "%u", i);
		number = provider_fake_find(&provider, folder, name);
		if (number != 0)
			last = check_file(&provider.nodes[number], last, &noted);
	}
	check(lossy || (last == said && !noted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t max_bytes;

	if (size < 1 || size > 400)
		return 0;
	fake_reset();
	connector = fake_connector_create();
	check(loop_init(&loop) == 0);
	provider_fake_init(&provider, connector);
	said = 0;
	pending_len = pending_done = 0;
	holds = lossy = false;
	// The fake has few nodes: files are large.
	max_bytes = data[0] < 128 ? 0 : 8000u + data[0] * 200u;
	start(max_bytes);
	for (size_t i = 1; i + 1 < size && said < 1500; i += 2)
		step(data[i], data[i + 1], max_bytes);
	restart(max_bytes);
	log_writer_stop(&writer);
	settle();
	provider_fake_die(&provider);
	check_log();
	check_reading(data[size - 1]);
	provider_fake_deinit(&provider);
	loop_deinit(&loop);
	handle_close(connector);
	check(fake_num_allocated() == 0 && fake_num_handles() == 0);
	return 0;
}
