// SPDX-License-Identifier: MIT
// A container's log on a disk that is slow, full, or loses its server.
#include "libs/logs/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libs/files/provider_fake.h"

static struct loop loop;
static struct provider_fake provider;
static struct log_writer writer;
static handle_t connector;
static unsigned num_room, num_finished;

static void room(void *context)
{
	assert_ptr_equal(context, &writer);
	num_room++;
}

static void written(void *context)
{
	(void)context;
}

static void finished(void *context)
{
	(void)context;
	num_finished++;
}

static const struct log_writer_ops ops = { .room = room, .written = written, .finished = finished };

static void settle(void)
{
	fake_time_pass(LOG_PAUSE);
	do
		fake_loop_settle(&loop);
	while (provider_fake_serve(&provider));
}

static void begin(uint64_t max_bytes, uint32_t max_files)
{
	num_room = num_finished = 0;
	memset(&writer, 0, sizeof(writer));
	assert_int_equal(log_writer_start(&writer, &loop, connector, "store:logs", "id", max_bytes,
	                                  max_files, &ops, &writer),
	                 0);
}

static void end(void)
{
	log_writer_finish(&writer);
	settle();
	assert_int_equal(num_finished, 1);
	log_writer_stop(&writer);
	settle();
	// The fake has one client at a time.
	provider_fake_die(&provider);
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	connector = fake_connector_create();
	if (loop_init(&loop) != 0)
		return -1;
	provider_fake_init(&provider, connector);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	settle();
	provider_fake_deinit(&provider);
	assert_int_equal(fake_num_allocated(), 0);
	loop_deinit(&loop);
	handle_close(connector);
	assert_int_equal(fake_num_handles(), 0);
	return 0;
}

static size_t say(enum log_stream stream, const char *text)
{
	return log_writer_take(&writer, stream, text_span(text));
}

static const struct fake_node *file(const char *name)
{
	uint32_t folder = provider_fake_find(&provider, 1, "id");
	uint32_t number = folder != 0 ? provider_fake_find(&provider, folder, name) : 0;

	return number != 0 ? &provider.nodes[number] : NULL;
}

// What lies in a file, without times: "o+one\n" for a whole line of stdout, "e-two\n" for what is
// not whole, "?\n" for what is no record.
static const char *content(const char *name)
{
	static char text[400000];
	const struct fake_node *node = file(name);
	struct span rest = { 0 };
	size_t len, used = 0;
	bool good;

	if (node != NULL)
		rest = (struct span){ node->data, node->size };
	while (rest.len > 0) {
		struct log_record record;

		len = log_record_read(rest, &record, &good);
		if (len == 0)
			break;
		text[used++] = !good ? '?' : record.stream == LOG_STDOUT ? 'o' : 'e';
		if (good) {
			text[used++] = record.whole ? '+' : '-';
			memcpy(text + used, record.text.data, record.text.len);
			used += record.text.len;
		}
		text[used++] = '\n';
		rest = (struct span){ rest.data + len, rest.len - len };
	}
	text[used] = '\0';
	return text;
}

static void test_lines(void **state)
{
	static char longer[LOG_TEXT_MAX + 3];

	(void)state;
	begin(0, 1);
	settle();
	assert_int_equal(say(LOG_STDOUT, "one\ntw"), 6);
	say(LOG_STDERR, "err\n");
	say(LOG_STDOUT, "o\n\nrest");
	settle();
	assert_string_equal(content("1"), "o+one\ne+err\no+two\no+\n");
	end();
	assert_string_equal(content("1"), "o+one\ne+err\no+two\no+\no-rest\n");
	// The next run goes on behind it. A line of 16 KiB is one record, a byte more makes two.
	memset(longer, 'x', sizeof(longer) - 1);
	longer[LOG_TEXT_MAX + 1] = '\n';
	begin(0, 1);
	say(LOG_STDOUT, longer);
	end();
	assert_int_equal(strlen(content("1")),
	                 strlen("o+one\ne+err\no+two\no+\no-rest\n") + LOG_TEXT_MAX + 3 + 4);
	assert_non_null(strstr(content("1"), "x\no+x\n"));
}

// What comes while a request is under way is one request.
static void test_batches(void **state)
{
	(void)state;
	begin(0, 1);
	settle();
	say(LOG_STDOUT, "first\n");
	settle();
	provider.num_requests = 0;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(say(LOG_STDOUT, "line\n"), 5);
	settle();
	assert_true(provider.num_requests <= 3);
	assert_int_equal(strlen(content("1")), 8 + 7000);
	// And what comes soon after one waits for more.
	provider.num_requests = 0;
	say(LOG_STDOUT, "soon\n");
	fake_loop_settle(&loop);
	(void)provider_fake_serve(&provider);
	assert_int_equal(provider.num_requests, 0);
	settle();
	assert_int_equal(strlen(content("1")), 8 + 7000 + 7);
	end();
}

static void put(const char *name, const char *text)
{
	uint32_t folder = provider_fake_find(&provider, 1, "id");

	if (folder == 0)
		folder = provider_fake_make(&provider, 1, "id", 040755, NULL, 0);
	provider_fake_make(&provider, folder, name, 0100644, text, strlen(text));
}

// A power cut has left a piece of a record; that is written over.
static void test_torn_end(void **state)
{
	(void)state;
	put("7",
	    "2025-11-29T06:41:41.000000007Z stdout F one\n2025-11-29T06:41:41.000000007Z stdout F torn aw");
	put("x", "no log");
	put("08", "no log");
	begin(0, 1);
	say(LOG_STDOUT, "two\n");
	end();
	assert_string_equal(content("7"), "o+one\no+two\n");
}

// A file whose end is no log's is left, and the next one begun.
static void test_strange_end(void **state)
{
	static char text[LOG_RECORD_MAX + 10];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	put("7", text);
	begin(0, 5);
	say(LOG_STDOUT, "two\n");
	end();
	assert_string_equal(content("7"), "");
	assert_string_equal(content("8"), "o+two\n");
}

static void test_rotation(void **state)
{
	(void)state;
	// Two records of one letter a file.
	begin(2 * (LOG_HEAD_LENGTH + 2), 2);
	say(LOG_STDOUT, "a\nb\nc\nd\ne\n");
	settle();
	assert_null(file("1"));
	assert_string_equal(content("2"), "o+c\no+d\n");
	assert_string_equal(content("3"), "o+e\n");
	// One that is larger than a file has one of its own.
	say(LOG_STDOUT, "f\n");
	say(LOG_STDOUT,
	    "this one is longer than two records can be, for it has more than seventy letters\ng\n");
	end();
	assert_null(file("3"));
	assert_int_equal(strlen(content("4")), 83);
	assert_string_equal(content("5"), "o+g\n");
	assert_int_equal(writer.number, 5);
}

// Numbers that a hostile disk has do not lead to where none follows.
static void test_highest_number(void **state)
{
	(void)state;
	put("999999999", "no log");
	put("499999999", "");
	begin(LOG_HEAD_LENGTH + 2, 2);
	say(LOG_STDOUT, "a\nb\nc\n");
	end();
	assert_string_equal(content("500000001"), "o+c\n");
	assert_null(file("499999999"));
	begin(LOG_HEAD_LENGTH + 2, 2);
	say(LOG_STDOUT, "a\nb\nc\nd\ne\n");
	end();
	assert_string_equal(content("5"), "o+e\n");
	assert_null(file("4"));
}

static void test_server_dies(void **state)
{
	char line[16], wanted[20000] = "";
	size_t used = 0;

	(void)state;
	begin(0, 1);
	for (unsigned i = 0; i < 1000; i++) {
		used += (size_t)snprintf(wanted + used, sizeof(wanted) - used, "o+%u\n", i);
		snprintf(line, sizeof(line), "%u\n", i);
		assert_int_equal(say(LOG_STDOUT, line), strlen(line));
		if (i % 7 == 0) {
			fake_loop_settle(&loop);
			(void)provider_fake_serve(&provider);
		}
		// Before and after it has done what it was asked for.
		if (i % 50 == 0)
			provider_fake_die(&provider);
	}
	end();
	assert_string_equal(content("1"), wanted);
}

// The container waits for a disk that is slow, and not for ever.
static void test_slow_disk(void **state)
{
	static char line[1001];
	size_t taken = 0, more;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 2] = '\n';
	begin(0, 1);
	settle();
	for (unsigned i = 0; i < 300; i++) {
		more = say(LOG_STDOUT, line);
		taken += more;
		if (more < sizeof(line) - 1)
			break;
		fake_loop_settle(&loop);
	}
	assert_true(taken < (size_t)3 * LOG_BUFFER);
	assert_int_equal(num_room, 0);
	settle();
	assert_int_equal(num_room, 1);
	assert_int_equal(say(LOG_STDOUT, line), 1000);
	settle();
	// It hangs.
	while (say(LOG_STDOUT, line) == sizeof(line) - 1)
		fake_loop_settle(&loop);
	fake_time_pass(LOG_PATIENCE - 1);
	fake_loop_settle(&loop);
	assert_int_equal(num_room, 1);
	fake_time_pass(2);
	fake_loop_settle(&loop);
	assert_int_equal(num_room, 2);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(say(LOG_STDOUT, line), 1000);
	// It answers, and the log says what it lacks.
	settle();
	say(LOG_STDOUT, "on\n");
	end();
	assert_non_null(
		strstr(content("1"), "e+[starina: 10000 bytes of output are not in this log: "));
	assert_string_equal(content("1") + strlen(content("1")) - 5, "o+on\n");
}

static void test_full_disk(void **state)
{
	static char line[1001];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 2] = '\n';
	begin(0, 1);
	settle();
	provider.capacity = 5000;
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(say(LOG_STDOUT, line), 1000);
		settle();
	}
	// There is room again.
	provider.capacity = 1u << 20;
	fake_time_pass(2 * NSEC_PER_SEC);
	say(LOG_STDOUT, "on\n");
	settle();
	say(LOG_STDOUT, "and on\n");
	end();
	assert_non_null(strstr(content("1"), "e+[starina: "));
	assert_string_equal(content("1") + strlen(content("1")) - 9, "o+and on\n");
	// Every line that is there is whole.
	assert_null(strstr(content("1"), "?"));
}

// A disk that never answers keeps nobody from its end.
static void test_end_without_a_disk(void **state)
{
	(void)state;
	begin(0, 1);
	say(LOG_STDOUT, "one\n");
	log_writer_finish(&writer);
	fake_loop_settle(&loop);
	assert_int_equal(num_finished, 0);
	fake_time_pass(LOG_PATIENCE + 1);
	fake_loop_settle(&loop);
	assert_int_equal(num_finished, 1);
	log_writer_stop(&writer);
	provider_fake_die(&provider);
	// And one that refuses.
	provider.refuses = true;
	begin(0, 1);
	say(LOG_STDOUT, "one\n");
	settle();
	provider_fake_die(&provider);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strange_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_highest_number, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_without_a_disk, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
