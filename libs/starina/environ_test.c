// SPDX-License-Identifier: MIT
#include "libs/starina/environ.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/starina/log.h"

static const struct environ env = {
	.num_entries = 11,
	.app_name = "tested",
	.entries = {
		{.kind = ENV_CONNECTOR, .handle = 11, .name = "echo"},
		{.kind = ENV_SERVICE, .handle = 12, .name = "echo"},
		{.kind = ENV_DEVICE, .handle = 13, .name = "virtio,device2"},
		{.kind = ENV_DEVICE, .handle = 14, .name = "virtio,device2"},
		{.kind = ENV_SYSTEM, .handle = 15},
		{.kind = ENV_CONFIG, .name = "memory", .value = "128M"},
		{.kind = ENV_CONNECTOR, .unmet = 1, .name = "tcpip"},
		{.kind = ENV_DEVICE, .unmet = 1, .name = "acme,frob"},
		{.kind = ENV_CONFIG, .unmet = 1, .name = "missing"},
		{.kind = ENV_KEPT, .handle = 16, .name = "redo"},
		{.kind = ENV_KEPT, .unmet = 1, .name = "cache"},
		// Not counted in num_entries.
		{.kind = ENV_CONFIG, .name = "hidden", .value = "1"},
	},
};

// What environ.c says of an app that asks for what it does not declare.
static char logged[256];
static jmp_buf ended;

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;

	(void)level;
	va_start(args, format);
	vsnprintf(logged, sizeof(logged), format, args);
	va_end(args);
}

_Noreturn void assert_failed(const char *condition, const char *file, int line)
{
	(void)condition;
	(void)file;
	(void)line;
	longjmp(ended, 1);
}

static void ask_for(enum env_kind kind, const char *name)
{
	switch (kind) {
	case ENV_CONNECTOR: (void)environ_connector(&env, name); break;
	case ENV_SERVICE: (void)environ_service(&env, name); break;
	case ENV_DEVICE: (void)environ_device(&env, name, 0); break;
	case ENV_KEPT: (void)environ_kept(&env, name); break;
	default: (void)environ_config(&env, name); break;
	}
}

static void check_undeclared(enum env_kind kind, const char *name, const char *says)
{
	logged[0] = '\0';
	if (setjmp(ended) == 0) {
		ask_for(kind, name);
		fail_msg("%s was not declared, and given", name);
	}
	assert_string_equal(logged, says);
}

static void test_undeclared(void **state)
{
	(void)state;
	check_undeclared(
		ENV_CONFIG, "hidden",
		"tested asks for what it does not declare; add to .needs of its spec: NEED_CONFIG \"hidden\"");
	check_undeclared(
		ENV_CONNECTOR, "blkdev",
		"tested asks for what it does not declare; add to .needs of its spec: NEED_SERVICE \"blkdev\"");
	check_undeclared(
		ENV_SERVICE, "tcpip",
		"tested asks for what it does not declare; add to .provides of its spec: \"tcpip\"");
	check_undeclared(
		ENV_DEVICE, "acme,none",
		"tested asks for what it does not declare; add to .needs of its spec: NEED_DEVICE \"acme,none\"");
	check_undeclared(
		ENV_KEPT, "undo",
		"tested asks for what it does not declare; add to .needs of its spec: NEED_KEPT \"undo\"");
}

static void test_finds_by_kind_and_name(void **state)
{
	(void)state;
	assert_int_equal(environ_connector(&env, "echo"), 11);
	assert_int_equal(environ_service(&env, "echo"), 12);
	assert_int_equal(environ_system(&env), 15);
	assert_int_equal(environ_kept(&env, "redo"), 16);
	assert_int_equal(environ_kept(&env, "cache"), HANDLE_NONE);
	assert_int_equal(environ_connector(&env, "tcpip"), HANDLE_NONE);
	assert_int_equal(environ_device(&env, "virtio,device2", 0)->handle, 13);
	assert_int_equal(environ_device(&env, "virtio,device2", 1)->handle, 14);
	assert_null(environ_device(&env, "virtio,device2", 2));
	assert_string_equal(environ_config(&env, "memory"), "128M");
	assert_null(environ_config(&env, "missing"));
	assert_null(environ_device(&env, "acme,frob", 0));
	assert_true(environ_declares(&env, ENV_CONNECTOR, "tcpip"));
	assert_false(environ_declares(&env, ENV_CONFIG, "hidden"));
}

static void check_number(const char *text, error_t err, uint64_t expected)
{
	struct environ *e = calloc(1, sizeof(*e));
	uint64_t value = 99;

	e->num_entries = 1;
	e->entries[0].kind = ENV_CONFIG;
	e->entries[0].name[0] = 'n';
	for (size_t i = 0; text[i] != '\0'; i++)
		e->entries[0].value[i] = text[i];
	assert_int_equal(environ_config_u64(e, "n", &value), err);
	assert_true(value == (err == 0 ? expected : 99));
	free(e);
}

static void test_numbers(void **state)
{
	uint64_t value;

	(void)state;
	check_number("0", 0, 0);
	check_number("42", 0, 42);
	check_number("0x1F", 0, 31);
	check_number("128M", 0, 128ull << 20);
	check_number("4k", 0, 4096);
	check_number("0x10G", 0, 16ull << 30);
	check_number("18446744073709551615", 0, UINT64_MAX);
	check_number("18446744073709551616", ERR_INVALID, 0);
	check_number("17179869184G", ERR_INVALID, 0);
	check_number("", ERR_INVALID, 0);
	check_number("0x", ERR_INVALID, 0);
	check_number("M", ERR_INVALID, 0);
	check_number("12a", ERR_INVALID, 0);
	check_number("12MM", ERR_INVALID, 0);
	check_number("-1", ERR_INVALID, 0);
	assert_int_equal(environ_config_u64(&env, "missing", &value), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_by_kind_and_name),
		cmocka_unit_test(test_undeclared),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
