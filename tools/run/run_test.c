// SPDX-License-Identifier: MIT
// What run.sh reads: the lines of the control port, the OS's log; and the boot disk it writes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "tools/run/qemu/boot_disk_file.h"
#include "tools/run/relay/uart_log.h"
#include "tools/run/relay/control_line.h"
#include "tools/run/relay/terminal.h"

static void push(struct control_line *control, const char *text)
{
	control_line_push(control, text, strlen(text));
}

static void test_control(void **state)
{
	static const char *const no_status[] = { "exit\n",     "exit \n",   "exit x\n",
		                                 "exit 256\n", "exit -1\n", "exit 0007\n",
		                                 "exit 7 \n",  "Exit 7\n" };
	struct control_line control;

	(void)state;
	control_line_init(&control);
	push(&control, "starina-cont");
	assert_false(control.ready);
	push(&control, "rol 1\nsomething new\nstarted\nerror no disk\nexit 2");
	assert_true(control.ready && control.started);
	assert_string_equal(control.error, "no disk");
	assert_int_equal(control.status, -1);
	push(&control, "55\n");
	assert_int_equal(control.status, 255);
	for (size_t i = 0; i < sizeof(no_status) / sizeof(no_status[0]); i++) {
		control_line_init(&control);
		push(&control, no_status[i]);
		assert_int_equal(control.status, -1);
	}
}

static void test_control_overlong(void **state)
{
	struct control_line control;

	(void)state;
	control_line_init(&control);
	for (int i = 0; i < 5000; i++)
		push(&control, "x");
	push(&control, "exit 1\nexit 7\n");
	assert_int_equal(control.status, 7);
}

// Pushes `text` byte by byte, which must give the same as all at once.
static void check_uart_log(const char *text, const char *shown)
{
	static char out[UART_LOG_MAX_HELD + 4096];
	static struct uart_log log;
	size_t length = 0;

	memset(&log, 0, sizeof(log));
	for (size_t i = 0; text[i]; i++)
		length += uart_log_push(&log, text + i, 1, out + length);
	assert_int_equal(length, strlen(shown));
	assert_memory_equal(out, shown, length);
	memset(&log, 0, sizeof(log));
	length = uart_log_push(&log, text, strlen(text), out);
	assert_int_equal(length, strlen(shown));
	assert_memory_equal(out, shown, length);
}

static void test_uart_log(void **state)
{
	(void)state;
	check_uart_log("OpenSBI\r\nbanner [kernel\r\n[kernel ] hi\r\nmore\n",
	               "[kernel ] hi\nmore\n");
	check_uart_log("[kernel ] first\n", "[kernel ] first\n");
	check_uart_log("only firmware\r\n", "");
}

static void test_uart_log_gives_up(void **state)
{
	static char text[3 * UART_LOG_MAX_HELD];
	static char out[UART_LOG_MAX_HELD + sizeof(text)];
	static struct uart_log log;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(uart_log_push(&log, text, sizeof(text), out), sizeof(text));
	assert_memory_equal(out, text, sizeof(text));
	memset(&log, 0, sizeof(log));
	assert_int_equal(uart_log_push(&log, "last words", 10, out), 0);
	assert_int_equal(uart_log_release(&log, out), 10);
	assert_memory_equal(out, "last words", 10);
}

// A stand-in for addr2line, first in PATH, that says which file and address it was asked for.
static void addr2line_fake(const char *answer)
{
	static char directory[] = "/tmp/run_test.XXXXXX";
	static char path[sizeof(directory) + 64];
	FILE *script;

	if (path[0] == '\0') {
		assert_non_null(mkdtemp(directory));
		snprintf(path, sizeof(path), "%s:/usr/bin:/bin", directory);
		setenv("PATH", path, 1);
		snprintf(path, sizeof(path), "%s/riscv64-linux-gnu-addr2line", directory);
	}
	script = fopen(path, "w");
	assert_non_null(script);
	fprintf(script, "#!/bin/sh\necho \"%s\"\n", answer);
	assert_int_equal(fclose(script), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void check_source(bool quiet, const char *line, const char *shown)
{
	static char out[UART_LOG_EXTRA + 4096];
	static struct uart_log log;
	size_t length;

	log = (struct uart_log){ .passing = true,
		                 .quiet = quiet,
		                 .raw = quiet,
		                 .source = { .image = "os.elf", .root = "/src" } };
	length = uart_log_push(&log, line, strlen(line), out);
	out[length] = '\0';
	assert_string_equal(out, shown);
}

#define FRAME "[hello       ] ERROR    "

static void test_source_lines(void **state)
{
	(void)state;
	addr2line_fake("/src/./kernel/$2:$3 (discriminator 1)");
	check_source(false, FRAME "#0 0xffffffff80001234 main+0x2\n",
	             FRAME "#0 0xffffffff80001234 main+0x2 at kernel/os.elf:0xffffffff80001234\n");
	check_source(false, FRAME "#1 0xffffffff80001234 main+0x2\n",
	             FRAME "#1 0xffffffff80001234 main+0x2 at kernel/os.elf:0xffffffff80001233\n");
	check_source(true, FRAME "#0 0xffffffff80001234 main+0x2\n",
	             FRAME
	             "#0 0xffffffff80001234 main+0x2 at kernel/os.elf:0xffffffff80001234\r\n");
	check_source(false, FRAME "#x\n", FRAME "#x\n");
	check_source(false, "[hello       ] INFO     #0 0xffffffff80001234 main\n",
	             "[hello       ] INFO     #0 0xffffffff80001234 main\n");
	addr2line_fake("/src/kernel/$2:1");
	check_source(false, FRAME "#0 0xffffffff80001234 main+0x2\n",
	             FRAME "#0 0xffffffff80001234 main+0x2 at kernel/os.elf:1\n");
	// An app in user mode has a file of its own; so have its instances.
	addr2line_fake("/src/$2:$3");
	check_source(false, FRAME "#1 0x10042 main+0x2\n",
	             FRAME "#1 0x10042 main+0x2 at apps/hello.elf:0x10041\n");
	check_source(false, "[    1.5] [x.3] ERROR    #0 0x10042 main+0x2\n",
	             "[    1.5] [x.3] ERROR    #0 0x10042 main+0x2 at apps/x.elf:0x10042\n");
	check_source(false, "[../x] ERROR    #0 0x10042 main+0x2\n",
	             "[../x] ERROR    #0 0x10042 main+0x2 at apps/.elf:0x10042\n");
	addr2line_fake("??:0");
	check_source(false, FRAME "#0 0xffffffff80001234 main+0x2\n",
	             FRAME "#0 0xffffffff80001234 main+0x2\n");
}

static void check_quiet(const char *text, const char *shown)
{
	static char out[UART_LOG_MAX_HELD + 4096];
	static struct uart_log log;
	size_t length = 0;

	memset(&log, 0, sizeof(log));
	length = uart_log_push(&log, "[kernel ] INFO start\n", 21, out);
	log.quiet = log.raw = true;
	length = 0;
	for (size_t i = 0; text[i]; i++)
		length += uart_log_push(&log, text + i, 1, out + length);
	assert_int_equal(length, strlen(shown));
	assert_memory_equal(out, shown, length);
}

// Who types at the console is answered at once, however quiet the log is.
static void test_uart_log_console(void **state)
{
	static const char text[] = "star\n[a ] INFO x\n[b ] WARN y\nina> ";
	static const char shown[] = "star\n[b ] WARN y\nina> ";
	static char out[UART_LOG_EXTRA + sizeof(text)];
	static struct uart_log log = { .passing = true, .quiet = true, .console = true };
	size_t length = 0;

	(void)state;
	for (size_t i = 0; text[i]; i++)
		length += uart_log_push(&log, text + i, 1, out + length);
	assert_int_equal(length, strlen(shown));
	assert_memory_equal(out, shown, length);
}

// A line of the log takes the place of what is typed: it is known for one, and the return is kept.
static void test_uart_log_in_place(void **state)
{
	static const char text[] = "\r\nina> x\r\x1b[K[a ] INFO y\r\nina> x\r\x1b[K[b ] WARN z\r\n";
	static const char all[] = "\nina> x\r\x1b[K[a ] INFO y\nina> x\r\x1b[K[b ] WARN z\n";
	static const char important[] = "\nina> x\r\x1b[Kina> x\r\x1b[K[b ] WARN z\n";
	static char out[UART_LOG_EXTRA + sizeof(text)];

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		for (int quiet = 0; quiet < 2; quiet++) {
			static struct uart_log log;
			const char *shown = quiet ? important : all;
			size_t length = 0;

			log = (struct uart_log){ .passing = true, .quiet = quiet, .console = true };
			for (size_t i = 0; i < strlen(text); i += piece) {
				size_t left = strlen(text) - i;

				length += uart_log_push(&log, text + i, left < piece ? left : piece,
				                        out + length);
				if (piece == 1 && text[i] == 'y')
					assert_true(uart_log_in_line(&log));
				if (piece == 1 && text[i] == '>')
					assert_false(uart_log_in_line(&log));
			}
			assert_int_equal(length, strlen(shown));
			assert_memory_equal(out, shown, length);
		}
	}
}

// While the terminal is the container's, only what is of importance is shown, in whole lines.
static void test_uart_log_quiet(void **state)
{
	char line[2 * UART_LOG_MAX_LINE] = "[a ] ERROR ";

	(void)state;
	check_quiet("[a ] INFO x\n[b ] WARN y\n[c ] DEBUG WARN\n[d ] ERROR z\nrest",
	            "[b ] WARN y\r\n[d ] ERROR z\r\n");
	memset(line + strlen(line), 'x', sizeof(line) - strlen(line) - 2);
	line[sizeof(line) - 2] = '\n';
	line[sizeof(line) - 1] = '\0';
	{
		char shown[UART_LOG_MAX_LINE + 3];

		memcpy(shown, line, UART_LOG_MAX_LINE - 1);
		strcpy(shown + UART_LOG_MAX_LINE - 1, "\r\n");
		check_quiet(line, shown);
	}
}

// Quiet from the start: nothing of the firmware, and no line of the OS's that tells nothing bad.
static void test_uart_log_quiet_from_the_start(void **state)
{
	static const char text[] = "OpenSBI ] ERROR x\n[kernel ] INFO a\n[b ] WARN y\n";
	static char out[UART_LOG_MAX_HELD + sizeof(text)];
	static struct uart_log log;
	size_t length = 0;

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		memset(&log, 0, sizeof(log));
		log.quiet = true;
		length = 0;
		for (size_t i = 0; i < sizeof(text) - 1; i += step) {
			size_t rest = sizeof(text) - 1 - i;

			length += uart_log_push(&log, text + i, rest < step ? rest : step,
			                        out + length);
		}
		assert_int_equal(length, 12);
		assert_memory_equal(out, "[b ] WARN y\n", 12);
	}
}

// Keys byte by byte must give the same as all at once.
static void check_keys(const char *keys, const char *passed, unsigned escapes)
{
	struct terminal terminal = { 0 };
	unsigned escaped = 0;
	char out[64];
	size_t length = terminal_filter(&terminal, keys, strlen(keys), out, &escaped);

	assert_int_equal(escaped, escapes);
	assert_int_equal(length, strlen(passed));
	assert_memory_equal(out, passed, length);
	terminal = (struct terminal){ 0 };
	escaped = 0;
	length = 0;
	for (size_t i = 0; keys[i]; i++)
		length += terminal_filter(&terminal, keys + i, 1, out + length, &escaped);
	assert_int_equal(escaped, escapes);
	assert_int_equal(length, strlen(passed));
	assert_memory_equal(out, passed, length);
}

static void test_escape_keys(void **state)
{
	(void)state;
	check_keys("abc\x03\x11", "abc\x03\x11", 0);
	check_keys("a\x10"
	           "b",
	           "a\x10"
	           "b",
	           0);
	check_keys("a\x10", "a", 0);
	check_keys("a\x10\x10"
	           "b",
	           "a\x10\x10"
	           "b",
	           0);
	check_keys("a\x10\x11"
	           "b",
	           "ab", 1);
	check_keys("\x10\x10\x11", "\x10", 1);
	check_keys("\x10\x11x\x10\x11", "x", 2);
}

static void file_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_boot_disk(void **state)
{
	// From the kernel on, what every virtual machine may read.
	static const char *const names[] = { "images.json", "config.json", "kernel",
		                             "initramfs.cpio", "builtin.json" };
	static const char *const texts[] = { "[]", "{}", "the kernel", "", "[1]" };
	struct boot_files files = { .images = names[0],
		                    .config = names[1],
		                    .kernel = names[2],
		                    .initramfs = names[3],
		                    .builtin = names[4] };
	char directory[] = "/tmp/run_test.XXXXXX";
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	struct error err;
	char text[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	for (size_t i = 0; i < 5; i++)
		file_write(names[i], texts[i]);
	assert_int_equal(boot_disk_write("disk", &files, &err), 0);
	archive_read_support_format_tar(archive);
	assert_int_equal(archive_read_open_filename(archive, "disk", 512), ARCHIVE_OK);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
		assert_string_equal(archive_entry_pathname(entry), names[i]);
		assert_int_equal(archive_read_data(archive, text, sizeof(text)), strlen(texts[i]));
		assert_memory_equal(text, texts[i], strlen(texts[i]));
	}
	assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_EOF);
	archive_read_free(archive);
	files.kernel = "absent";
	assert_int_equal(boot_disk_write("disk", &files, &err), -1);
	assert_non_null(strstr(err.text, "absent"));
	assert_int_equal(boot_disk_write("no/disk", &files, &err), -1);
	assert_non_null(strstr(err.text, "no/disk"));
	for (size_t i = 0; i < 5; i++)
		unlink(names[i]);
	unlink("disk");
	rmdir(directory);
}

// Secrets come first, then the page, as the apps expect them; nobody else can read the disk.
static void test_boot_secret(void **state)
{
	static const uint8_t bytes[32] = { 1, 2, 3, [31] = 9 };
	const struct boot_secret secrets[] = { { "engine.secret", bytes, sizeof(bytes) },
		                               { "web.token", bytes + 1, 31 } };
	struct boot_files files = { .secrets = secrets,
		                    .num_secrets = 2,
		                    .page = "kernel",
		                    .kernel = "kernel",
		                    .initramfs = "kernel",
		                    .images = "kernel",
		                    .builtin = "kernel",
		                    .app = "kernel" };
	char directory[] = "/tmp/run_test.XXXXXX";
	char blocks[6 * 512];
	struct stat stat_;
	struct error err;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	file_write("kernel", "the kernel");
	assert_int_equal(boot_disk_write("disk", &files, &err), 0);
	assert_int_equal(stat("disk", &stat_), 0);
	assert_int_equal(stat_.st_mode & 0777, 0600);
	file = fopen("disk", "r");
	assert_int_equal(fread(blocks, 1, sizeof(blocks), file), sizeof(blocks));
	fclose(file);
	assert_string_equal(blocks, "engine.secret");
	assert_memory_equal(blocks + 512, bytes, sizeof(bytes));
	assert_string_equal(blocks + 1024, "web.token");
	assert_memory_equal(blocks + 1536, bytes + 1, 31);
	assert_string_equal(blocks + 2048, "web.tar");
	assert_memory_equal(blocks + 2560, "the kernel", 10);
	unlink("kernel");
	unlink("disk");
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_control_overlong),
		cmocka_unit_test(test_uart_log),
		cmocka_unit_test(test_uart_log_gives_up),
		cmocka_unit_test(test_uart_log_quiet),
		cmocka_unit_test(test_uart_log_console),
		cmocka_unit_test(test_uart_log_in_place),
		cmocka_unit_test(test_source_lines),
		cmocka_unit_test(test_uart_log_quiet_from_the_start),
		cmocka_unit_test(test_escape_keys),
		cmocka_unit_test(test_boot_disk),
		cmocka_unit_test(test_boot_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
