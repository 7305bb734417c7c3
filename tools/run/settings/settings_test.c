// SPDX-License-Identifier: MIT
// What a user may set, as variables and as flags: what is taken, and that all else is refused with
// its name and value.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/run/settings/numbers.h"
#include "tools/run/settings/settings_test.h"

#define HUGE_NUMBER "999999999999999999999999"
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_sizes(void **state)
{
	static const char *const bad[] = {
		"",      "M",        "12X", "12MM", "-1",  " 1",  "9223372036854775808",
		"1MBB",  "1bb",      "1M ", "0x10", "1e3", "+1",  HUGE_NUMBER,
		"1.5.5", "8388608T", ".",   ".G",   "1 ",  "1  M"
	};
	static const struct {
		const char *text;
		uint64_t size;
	} good[] = { { "4096", 4096 },
		     { "4096b", 4096 },
		     { "1k", 1024 },
		     { "128M", 128u << 20 },
		     { "128MB", 128u << 20 },
		     { "128mib", 128u << 20 },
		     { "1g", 1u << 30 },
		     { "1T", 1ull << 40 },
		     { "0", 0 },
		     { "0.5g", 512u << 20 },
		     { "1.5G", 3ull << 29 },
		     { ".5k", 512 },
		     { "1.m", 1u << 20 },
		     { "1 GB", 1u << 30 },
		     { "12.9b", 12 },
		     { "0.0000000001g", 0 },
		     { "3T", 3ull << 40 },
		     { "9223372036854775807", INT64_MAX } };
	uint64_t size = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(size_parse(good[i].text, &size));
		assert_int_equal(size, good[i].size);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(size_parse(bad[i], &size));
}

// Every variable with values that are malformed, negative, huge or contradictory.
static const struct {
	const char *name, *value, *said;
} bad_variables[] = {
	{ "STARINA_SMP", "0", "STARINA_SMP=0|1 to 16" },
	{ "STARINA_SMP", "17", "STARINA_SMP=17|1 to 16" },
	{ "STARINA_SMP", "-1", "STARINA_SMP=-1" },
	{ "STARINA_HTTP_PORT", "65536", "STARINA_HTTP_PORT=65536|65535" },
	{ "STARINA_HTTP_PORT", "80x", "STARINA_HTTP_PORT=80x" },
	{ "STARINA_APP_PORTS", "8080:0", "STARINA_APP_PORTS=8080:0|is not a port" },
	{ "STARINA_MEMORY", "much", "STARINA_MEMORY=much" },
	{ "STARINA_MEMORY", "64M", "STARINA_MEMORY|192M" },
	{ "STARINA_MEMORY", HUGE_NUMBER, "STARINA_MEMORY=999" },
	{ "LINUXRUN_IMAGE", "alpine", "LINUXRUN_IMAGE|\"alpine\" names no image|docker://" },
	{ "LINUXRUN_IMAGE", "docker://", "LINUXRUN_IMAGE=docker://" },
	{ "LINUXRUN_IMAGE", "docker://UPPER", "LINUXRUN_IMAGE=docker://UPPER|lower-case" },
	{ "LINUXRUN_IMAGE", "docker://a b", "LINUXRUN_IMAGE=docker://a b" },
	{ "LINUXRUN_IMAGE", "file://", "LINUXRUN_IMAGE" },
	{ "LINUXRUN_IMAGES", "alpine,,debian", "LINUXRUN_IMAGES=alpine,,debian|empty item" },
	{ "LINUXRUN_IMAGES", "alpine,", "LINUXRUN_IMAGES|empty item" },
	{ "LINUXRUN_IMAGES", "oci:///srv/x", "LINUXRUN_IMAGES|oci:///srv/x|NAME=oci:///srv/x" },
	{ "LINUXRUN_IMAGES", "=oci:///srv/x", "LINUXRUN_IMAGES|is not an image name" },
	{ "LINUXRUN_IMAGES", "UP=oci:///srv/x", "LINUXRUN_IMAGES|UP|lower-case" },
	{ "LINUXRUN_IMAGES", "x=docker://UP", "LINUXRUN_IMAGES|UP|lower-case" },
	{ "LINUXRUN_IMAGES", "http://x/y", "LINUXRUN_IMAGES|http://x/y" },
	{ "LINUXRUN_IMAGE", "http://x/y", "LINUXRUN_IMAGE|http://x/y" },
	{ "LINUXRUN_ENTRYPOINT", "a \"b", "LINUXRUN_ENTRYPOINT=a \"b|quote" },
	{ "LINUXRUN_ENTRYPOINT", "[\"a\"", "LINUXRUN_ENTRYPOINT|JSON" },
	{ "LINUXRUN_ENTRYPOINT", "\xff", "LINUXRUN_ENTRYPOINT|UTF-8" },
	{ "LINUXRUN_ARGS", "it's", "LINUXRUN_ARGS=it's|quote" },
	{ "LINUXRUN_ARGS", "[1]", "LINUXRUN_ARGS=[1]|strings" },
	{ "LINUXRUN_ENV", "=x", "LINUXRUN_ENV|\"=x\"" },
	{ "LINUXRUN_ENV", "A=1,=2", "LINUXRUN_ENV|\"=2\"" },
	{ "LINUXRUN_ENV", "A=\xff", "LINUXRUN_ENV|UTF-8" },
	{ "LINUXRUN_ENV_FILE", "/no/such/file", "LINUXRUN_ENV_FILE|/no/such/file" },
	{ "LINUXRUN_ENV_FILE", "/", "LINUXRUN_ENV_FILE|directory" },
	{ "LINUXRUN_MEMORY", "31M", "LINUXRUN_MEMORY=31M|32M" },
	{ "LINUXRUN_MEMORY", "-128M", "LINUXRUN_MEMORY=-128M|256M" },
	{ "LINUXRUN_MEMORY", "9G", "LINUXRUN_MEMORY=9G|8G" },
	{ "LINUXRUN_MEMORY", HUGE_NUMBER, "LINUXRUN_MEMORY=999|32M to 8G" },
	{ "LINUXRUN_CPUS", "5", "LINUXRUN_CPUS=5|0.01 to 4" },
	{ "LINUXRUN_CPUS", "4.001", "LINUXRUN_CPUS=4.001|0.01 to 4" },
	{ "LINUXRUN_CPUS", "0.001", "LINUXRUN_CPUS=0.001|0.01 to 4" },
	{ "LINUXRUN_CPUS", ".", "LINUXRUN_CPUS=.|0.01 to 4" },
	{ "LINUXRUN_CPUS", "1.5x", "LINUXRUN_CPUS=1.5x|0.01 to 4" },
	{ "LINUXRUN_HOSTNAME", "a..b", "LINUXRUN_HOSTNAME=a..b|dots" },
	{ "LINUXRUN_TMPFS", "/a:size=1m,mode=7x,/b", "LINUXRUN_TMPFS|mode=7x" },
	{ "LINUXRUN_TMPFS", "a", "LINUXRUN_TMPFS|'a' mount path must be absolute" },
	{ "LINUXRUN_VOLUMES", "/a:/b,/c:/b", "LINUXRUN_VOLUMES|Duplicate mount point: /b" },
	{ "LINUXRUN_VOLUMES", "a!:/b", "LINUXRUN_VOLUMES|invalid characters" },
	{ "LINUXRUN_SHM_SIZE", "much", "LINUXRUN_SHM_SIZE=much|256m" },
	{ "LINUXRUN_SHM_SIZE", "-1", "LINUXRUN_SHM_SIZE=-1|less than 0" },
	{ "LINUXRUN_DISK", "big", "LINUXRUN_DISK=big|1G" },
	{ "LINUXRUN_DISK", "0", "LINUXRUN_DISK=0|16M to 1T" },
	{ "LINUXRUN_DISK", "15M", "LINUXRUN_DISK=15M|16M to 1T" },
	{ "LINUXRUN_DISK", "-1G", "LINUXRUN_DISK=-1G|16M to 1T" },
	{ "LINUXRUN_DISK", "2T", "LINUXRUN_DISK=2T|16M to 1T" },
	{ "STARINA_MEMORY", "2T", "STARINA_MEMORY=2T|at most 1T" },
	{ "LINUXRUN_DISK", HUGE_NUMBER, "LINUXRUN_DISK=999" },
	{ "LINUXRUN_TTY", "x", "LINUXRUN_TTY=x|1 (yes)" },
	{ "LINUXRUN_TTY", "1", "LINUXRUN_TTY=1|no image" },
	{ "LINUXRUN_CPUS", "-1", "LINUXRUN_CPUS=-1|0.01 to 4" },
	{ "LINUXRUN_USER", "a b", "LINUXRUN_USER=a b|USER[:GROUP]" },
	{ "LINUXRUN_USER", "-1", "LINUXRUN_USER=-1|USER[:GROUP]" },
	{ "LINUXRUN_WORKDIR", "tmp", "LINUXRUN_WORKDIR=tmp|absolute" },
	{ "LINUXRUN_HOSTNAME", "a b", "LINUXRUN_HOSTNAME=a b|letters" },
	{ "LINUXRUN_HOSTNAME", "-a", "LINUXRUN_HOSTNAME=-a|letters" },
	{ "LINUXRUN_HOSTNAME", "a\nb", "LINUXRUN_HOSTNAME=a?b|letters" },
	{ "LINUXRUN_READONLY", "maybe", "LINUXRUN_READONLY=maybe|1 (yes)" },
	{ "LINUXRUN_READONLY", "2", "LINUXRUN_READONLY=2|1 (yes)" },
	{ "LINUXRUN_KERNEL", "/no/such/file", "LINUXRUN_KERNEL|/no/such/file" },
	{ "LINUXRUN_KERNEL", "/", "LINUXRUN_KERNEL|not a file" },
	{ "LINUXRUN_STOP_TIMEOUT", "-2", "LINUXRUN_STOP_TIMEOUT=-2|86400" },
	{ "LINUXRUN_STOP_TIMEOUT", "86401", "LINUXRUN_STOP_TIMEOUT=86401|86400" },
	{ "LINUXRUN_STOP_TIMEOUT", "10s", "LINUXRUN_STOP_TIMEOUT=10s|seconds" },
	{ "LINUXRUN_CPU", "2", "LINUXRUN_CPU is not a setting|did you mean LINUXRUN_CPUS?|--help" },
	{ "LINUXRUN_XYZ", "2", "LINUXRUN_XYZ is not a setting; ./run.sh --help" },
	{ "STARINA_MEMROY", "1G", "STARINA_MEMROY is not a setting|did you mean STARINA_MEMORY?" },
	{ "STARINA_HTTP", "1", "STARINA_HTTP is not a setting" },
	{ "STARINA_SPM", "1", "STARINA_SPM is not a setting|did you mean STARINA_SMP?" },
	{ "STARINA_QUIET", "x", "STARINA_QUIET=x|1 (yes)" },
	{ "LINUXRUN_CPUS", "0.0001", "LINUXRUN_CPUS=0.0001|0.01 to 4" },
	{ "LINUXRUN_HOSTNAME", ".a", "LINUXRUN_HOSTNAME=.a|begins" },
	{ "LINUXRUN_", "2", "LINUXRUN_ is not a setting" },
};

static void test_bad_variables(void **state)
{
	char long_user[400];

	(void)state;
	for (size_t i = 0; i < sizeof(bad_variables) / sizeof(bad_variables[0]); i++) {
		setenv(bad_variables[i].name, bad_variables[i].value, 1);
		assert_refused(read_words(NULL), bad_variables[i].said);
		unsetenv(bad_variables[i].name);
	}
	memset(long_user, 'u', sizeof(long_user) - 1);
	long_user[sizeof(long_user) - 1] = '\0';
	assert_refused(READ("--user", long_user), "--user uuu");
	assert_refused(READ("--hostname", long_user), "--hostname uuu|64");
	setenv("LINUXRUN_MEMORY", "600M", 1);
	setenv("STARINA_MEMORY", "512M", 1);
	assert_refused(read_words(NULL), "STARINA_MEMORY|600M|664M");
	unsetenv("STARINA_MEMORY");
	unsetenv("LINUXRUN_MEMORY");
}

// What --help lists is a setting.
static void test_variables_of_the_help_text(void **state)
{
	FILE *file = fopen("tools/run/usage.txt", "re");
	unsigned found = 0;
	char line[256];

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *name = strstr(line, "STARINA_") ? strstr(line, "STARINA_")
						      : strstr(line, "LINUXRUN_");

		if (!name)
			continue;
		name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")] = '\0';
		// No value of anything, but the name is known.
		setenv(name, "~", 1);
		if (read_words(NULL) < 0 && strstr(err.text, "is not a setting"))
			fail_msg("%s", err.text);
		unsetenv(name);
		found++;
	}
	fclose(file);
	assert_true(found > 20);
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(read_words(NULL), 0);
	assert_null(settings.image);
	assert_int_equal(settings.smp, 2);
	assert_int_equal(settings.memory, 512u << 20);
	assert_int_equal(settings.http_port, 30080);
	assert_int_equal(settings.guest_memory, 0);
	assert_int_equal(settings.stop_timeout, 10);
	// But for the host's name servers.
	assert_int_equal(settings.config_options.count, 1);
	assert_int_equal(settings.ports.count, 0);
}

static void test_machine_flags(void **state)
{
	(void)state;
	assert_int_equal(READ("--smp", "4", "--log", "file", "--gdb"), 0);
	assert_int_equal(settings.smp, 4);
	assert_string_equal(settings.log_path, "file");
	assert_true(settings.gdb);
	// The machine is as large as its container needs it.
	assert_int_equal(READ("-m", "1g", "--cpus=4"), 0);
	assert_int_equal(settings.guest_memory, 1u << 30);
	assert_true(settings.memory > 1u << 30);
	assert_int_equal(settings.smp, 4);
	assert_int_equal(READ("--cpus=1.5"), 0);
	assert_int_equal(settings.guest_cpus, 2);
	assert_true(passes_on("--cpu-share=1.500"));
	assert_int_equal(READ("--cpus=.25"), 0);
	assert_int_equal(settings.guest_cpus, 1);
	assert_true(passes_on("--cpu-share=0.250"));
	assert_int_equal(READ("--cpus=2.0"), 0);
	assert_int_equal(settings.guest_cpus, 2);
	assert_false(passes_on("--cpu-share=2.000"));
	// As for docker, 0 is as when nothing is said, and more places than we can tell apart are
	// rounded up.
	assert_int_equal(READ("--cpus", "0", "-m", "0"), 0);
	assert_int_equal(settings.guest_cpus, 0);
	assert_int_equal(settings.guest_memory, 0);
	assert_int_equal(READ("--cpus", "1.0000"), 0);
	assert_int_equal(settings.guest_cpus, 1);
	assert_int_equal(READ("--cpus", "0.12345", "-m=0.5g"), 0);
	assert_true(passes_on("--cpu-share=0.124"));
	assert_int_equal(settings.guest_memory, 512u << 20);
	assert_int_equal(READ("--cpu-quota", "50000"), 0);
	assert_true(passes_on("--cpu-share=0.500"));
	assert_int_equal(READ("--cpu-quota=30000", "--cpu-period=10000"), 0);
	assert_int_equal(settings.guest_cpus, 3);
	// The flag has the last word.
	setenv("LINUXRUN_CPUS", "1.5", 1);
	assert_int_equal(READ("--cpu-quota=200000"), 0);
	assert_int_equal(settings.guest_cpus, 2);
	assert_false(passes_on("--cpu-share=1.500"));
	unsetenv("LINUXRUN_CPUS");
	assert_int_equal(READ("--cpu-quota=-1", "--cpu-period=0"), 0);
	assert_int_equal(settings.guest_cpus, 0);
	assert_int_equal(READ("--stop-timeout", "-1"), 0);
	assert_int_equal(settings.stop_timeout, STOP_FOREVER);
	assert_int_equal(READ("-h"), 0);
	assert_true(settings.help);
	assert_int_equal(READ("--help"), 0);
	assert_true(settings.help);
}

static void test_image_and_command(void **state)
{
	(void)state;
	assert_int_equal(READ("alpine"), 0);
	assert_string_equal(settings.image, "docker://alpine");
	assert_int_equal(READ("--rm", "-i", "file:///x.tar", "ls", "-l", "--help"), 0);
	assert_string_equal(settings.image, "file:///x.tar");
	assert_false(settings.help);
	assert_true(passes_on("--arg=ls") && passes_on("--arg=-l") && passes_on("--arg=--help"));
	setenv("LINUXRUN_IMAGE", "docker://debian", 1);
	setenv("LINUXRUN_ARGS", "a b", 1);
	assert_int_equal(read_words(NULL), 0);
	assert_string_equal(settings.image, "docker://debian");
	assert_true(passes_on("--args=a b"));
	assert_int_equal(READ("--", "alpine", "sh"), 0);
	assert_string_equal(settings.image, "docker://alpine");
	assert_true(passes_on("--arg=sh"));
	assert_false(passes_on("--args=a b"));
	unsetenv("LINUXRUN_IMAGE");
	unsetenv("LINUXRUN_ARGS");
	assert_refused(READ("run", "alpine"), "\"run\" is not an image|leave the word out");
	assert_refused(READ("ps"), "\"ps\" is not an image|command of docker's|docker://");
	assert_refused(READ("pull", "alpine"), "\"pull\"|command of docker's");
	assert_refused(READ("--tty", "true", "alpine"), "\"true\" is not an image|--rm=true");
	assert_int_equal(READ("docker://run"), 0);
	assert_refused(READ("./x.tar"), "\"./x.tar\" is not an image name|file://");
	assert_refused(READ("Alpine"), "the image docker://Alpine|lower-case");
}

static void test_container_flags(void **state)
{
	(void)state;
	setenv("LINUXRUN_USER", "env", 1);
	setenv("LINUXRUN_READONLY", "1", 1);
	assert_int_equal(READ("-u", "1:2", "-w/srv", "-h", "box", "--read-only=false",
	                      "--entrypoint=a b", "x"),
	                 0);
	assert_true(passes_on("--user=1:2"));
	assert_false(passes_on("--user=env"));
	assert_true(passes_on("--workdir=/srv") && passes_on("--hostname=box") &&
	            passes_on("--entrypoint-word=a b"));
	assert_false(passes_on("--readonly"));
	unsetenv("LINUXRUN_READONLY");
	unsetenv("LINUXRUN_USER");
	assert_int_equal(READ("--read-only"), 0);
	assert_true(passes_on("--readonly"));
	setenv("LINUXRUN_ENTRYPOINT", "a b", 1);
	assert_int_equal(read_words(NULL), 0);
	assert_true(passes_on("--entrypoint=a b"));
	unsetenv("LINUXRUN_ENTRYPOINT");
}

static void env_file_write(char path[], const char *text, size_t size)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	close(fd);
}

static void test_env(void **state)
{
	char good[] = "/tmp/settings_test.XXXXXX";
	char nul[] = "/tmp/settings_test.XXXXXX";
	char blank[] = "/tmp/settings_test.XXXXXX";
	char piped[32];
	int fds[2];

	(void)state;
	env_file_write(good,
	               "\xef\xbb\xbf# comment\n\nA=1,2 \"x\"\n  B=2\nHOME\nno_such_variable_here",
	               56);
	env_file_write(nul, "A=1\nB=\0\n", 8);
	env_file_write(blank, "A=1\n\nA B=1\n", 11);
	assert_int_equal(READ("--env-file", good, "-e", "A=x,y\nz", "--env=C"), 0);
	assert_true(passes_on("--env-item=A=x,y\nz") && passes_on("--env-item=C"));
	assert_true(passes_on("--env-item=A=1,2 \"x\"") && passes_on("--env-item=B=2"));
	// A pipe can be read only once; a file without an end is not read for ever.
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "PIPED=1\r\n", 9), 9);
	close(fds[1]);
	snprintf(piped, sizeof(piped), "/dev/fd/%d", fds[0]);
	assert_int_equal(READ("--env-file", piped), 0);
	assert_true(passes_on("--env-item=PIPED=1"));
	close(fds[0]);
	assert_refused(READ("--env-file", "/dev/zero"),
	               "--env-file|/dev/zero is larger than 1 MiB");
	assert_refused(READ("--env-file", nul), "--env-file|line 2|NUL");
	setenv("LINUXRUN_ENV_FILE", blank, 1);
	assert_refused(read_words(NULL), "LINUXRUN_ENV_FILE|line 3|\"A B=1\"|blanks");
	unsetenv("LINUXRUN_ENV_FILE");
	unlink(good);
	unlink(nul);
	unlink(blank);
}

static void test_kernel_files(void **state)
{
	uint8_t image[64] = { 0 };
	static const struct {
		const char *bytes;
		const char *said;
	} bad[] = { { "\x7f"
		      "ELF",
		      "ELF|Image" },
		    { "\x1f\x8b", "compressed" },
		    { "MZ", "EFI" },
		    { "text", "not a RISC-V" } };
	char path[] = "/tmp/settings_test.XXXXXX";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(image, 0, sizeof(image));
		memcpy(image, bad[i].bytes, strlen(bad[i].bytes));
		strcpy(path + strlen(path) - 6, "XXXXXX");
		env_file_write(path, (char *)image, sizeof(image));
		assert_refused(READ("--kernel", path), bad[i].said);
		unlink(path);
	}
	memset(image, 0, sizeof(image));
	image[10] = 0x20;  // text_offset: 2 MiB
	memcpy(image + 48, "RISCV\0\0", 8);
	memcpy(image + 56, "RSC\5", 4);
	strcpy(path + strlen(path) - 6, "XXXXXX");
	env_file_write(path, (char *)image, sizeof(image));
	assert_int_equal(READ("--kernel", path), 0);
	assert_string_equal(settings.kernel, path);
	unlink(path);
	strcpy(path + strlen(path) - 6, "XXXXXX");
	env_file_write(path, (char *)image, 63);
	assert_refused(READ("--kernel", path), "--kernel|too short");
	unlink(path);
	image[8] = 1;
	strcpy(path + strlen(path) - 6, "XXXXXX");
	env_file_write(path, (char *)image, sizeof(image));
	assert_refused(READ("--kernel", path), "--kernel|damaged");
	unlink(path);
}

static void test_disk(void **state)
{
	(void)state;
	assert_int_equal(READ("--disk", "1g"), 0);
	assert_int_equal(settings.disk, 1u << 30);
	assert_null(settings.disk_file);
	assert_int_equal(READ("--disk-file=x"), 0);
	assert_int_equal(settings.disk, 0);
	assert_string_equal(settings.disk_file, "x");
}

static void test_terminal(void **state)
{
	int input = dup(STDIN_FILENO);

	(void)state;
	assert_non_null(freopen("/dev/null", "r", stdin));
	assert_refused(READ("-it", "x"), "--tty: |the input device is not a TTY");
	assert_refused(READ("-ti", "x"), "--tty: |the input device is not a TTY");
	setenv("LINUXRUN_TTY", "1", 1);
	assert_refused(READ("x"), "LINUXRUN_TTY=1|the input device is not a TTY");
	assert_int_equal(READ("--tty=false", "x"), 0);
	assert_false(settings.terminal);
	unsetenv("LINUXRUN_TTY");
	assert_int_equal(READ("-t", "x"), 0);
	assert_true(settings.terminal);
	assert_false(settings.terminal_input);
	dup2(input, STDIN_FILENO);
	close(input);
}

static int teardown(void **state)
{
	(void)state;
	settings_deinit(&settings);
	return 0;
}

static void test_ports(void **state)
{
	(void)state;
	assert_int_equal(READ("-p", "8080:80", "--publish=53:53/udp"), 0);
	assert_int_equal(settings.ports.count, 2);
	assert_true(settings.ports.items[1].udp);
	assert_refused(READ("-p", "8080:80", "-p", "8080:81"),
	               "--publish 8080:80,8080:81|port 8080/tcp of the host is published twice");
	setenv("LINUXRUN_PORTS", "8080:99999", 1);
	assert_refused(
		READ(NULL),
		"LINUXRUN_PORTS=8080:99999|\"99999\" is not a port of the container; choose 1 to 65535");
	setenv("LINUXRUN_PORTS", "127.0.0.1:8080:80", 1);
	assert_int_equal(READ(NULL), 0);
	assert_int_equal(settings.ports.count, 1);
	unsetenv("LINUXRUN_PORTS");
	assert_int_equal(READ("--app-ports", "8080:8080,127.0.0.1:53:53/udp"), 0);
	assert_int_equal(settings.app_ports.count, 2);
	assert_int_equal(settings.ports.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bad_variables),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_variables_of_the_help_text),
		cmocka_unit_test(test_machine_flags),
		cmocka_unit_test(test_image_and_command),
		cmocka_unit_test(test_container_flags),
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_kernel_files),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
