// SPDX-License-Identifier: MIT
//
// Processes that run the program of a runtime: of the image, and made by a launcher.
#include "kernel/object/runtime_test.h"

#include "kernel/object/all_test.h"
#include "kernel/object/launcher_test.h"
#include "kernel/startup/environ.h"

#define RODATA (TEXT + 2 * PAGE_SIZE)
#define OUT (DATA + 64)

static uint8_t initial[100];
static const uint8_t no_symbols[8];
static paddr_t segments;  // text, read-only data, a script

const struct app_spec runtime_spec = { .abi_version = APP_ABI_VERSION,
	                               .name = "runtime",
	                               .is_runtime = 1,
	                               .stack_size = 3 * PAGE_SIZE,
	                               .main = (void (*)(const struct environ *))(TEXT + 6) };
struct user_image runtime_program = {
	.text_address = TEXT,
	.text_size = 2 * PAGE_SIZE,
	.rodata_address = RODATA,
	.rodata_size = PAGE_SIZE,
	.data = initial,
	.data_address = DATA,
	.data_size = sizeof(initial),
	.data_total = 2 * PAGE_SIZE,
	.thread_return = TEXT + 4,
	.symbols = no_symbols,
};
static struct user_image script = { .rodata_address = SCRIPT_ADDRESS,
	                            .rodata_size = PAGE_SIZE,
	                            .script_size = 77 };
static const struct app_spec scripted_spec = { .abi_version = APP_ABI_VERSION,
	                                       .name = "scripted",
	                                       .runtime = "runtime" };
static const struct app_image scripted = { .spec = &scripted_spec, .user = &script };

static int setup(void **state)
{
	int failed = launcher_setup(state);

	assert_int_equal(page_alloc(2, &segments), 0);
	runtime_program.text = page_to_virt(segments);
	runtime_program.rodata = page_to_virt(segments + 2 * PAGE_SIZE);
	script.rodata = page_to_virt(segments + 3 * PAGE_SIZE);
	memset(page_to_virt(segments), 5, 2 * PAGE_SIZE);
	memset(page_to_virt(segments + 2 * PAGE_SIZE), 6, PAGE_SIZE);
	memset(page_to_virt(segments + 3 * PAGE_SIZE), 8, PAGE_SIZE);
	memset(initial, 7, sizeof(initial));
	return failed;
}

static int teardown(void **state)
{
	page_free(segments, 2);
	return test_teardown(state);
}

static error_t map_runtime(handle_t process, const char *name, struct process_runtime *out)
{
	return CALL_4(process_map_runtime, process, name, strlen(name), out);
}

static void expect_program(const struct process *process)
{
	uint8_t zero = 0;

	assert_int_equal(made_byte(process, TEXT), 5);
	assert_int_equal(made_byte(process, RODATA), 6);
	assert_int_equal(made_byte(process, DATA), 7);
	assert_int_equal(made_byte(process, DATA + sizeof(initial)), 0);
	assert_true(arch_space_executes(&process->space->arch, TEXT));
	assert_false(arch_space_executes(&process->space->arch, RODATA));
	assert_false(arch_space_executes(&process->space->arch, DATA));
	assert_int_equal(space_copy_to(process->space, TEXT, &zero, 1), ERR_ADDRESS);
	assert_int_equal(space_copy_to(process->space, RODATA, &zero, 1), ERR_ADDRESS);
	assert_int_equal(space_copy_to(process->space, DATA, &zero, 1), 0);
	assert_int_equal(initial[0], 7);
}

static void a_script_of_the_image_is_mapped_with_its_runtime(void **state)
{
	const struct env_entry *entry;
	struct process *process;
	uint8_t zero = 0;

	(void)state;
	assert_int_equal(process_create("scripted", &scripted, 16, 1 << 20, &process), 0);
	expect_program(process);
	assert_int_equal(made_byte(process, SCRIPT_ADDRESS + PAGE_SIZE - 1), 8);
	assert_false(arch_space_executes(&process->space->arch, SCRIPT_ADDRESS));
	assert_int_equal(space_copy_to(process->space, SCRIPT_ADDRESS, &zero, 1), ERR_ADDRESS);
	assert_ptr_equal(process->code.symbols, no_symbols);
	assert_int_equal(process->code.text_size, 2 * PAGE_SIZE);
	assert_int_equal(environ_build(process, &scripted_spec), 0);
	assert_int_equal(process->env->num_entries, 1);
	entry = &process->env->entries[0];
	assert_int_equal(entry->kind, ENV_SCRIPT);
	assert_int_equal(entry->reg_offset, SCRIPT_ADDRESS);
	assert_int_equal(entry->reg_size, 77);
	test_end(process);
}

static void a_launcher_maps_a_runtime(void **state)
{
	struct process_start start = { 0 };
	struct process_runtime mapped;
	handle_t folio = made_program();
	handle_t handle;
	const struct process *process;

	(void)state;
	assert_int_equal(made_create("made", &handle), 0);
	process = made_process(handle);
	assert_int_equal(map_runtime(handle, "runtime", &mapped), 0);
	expect_program(process);
	assert_int_equal(mapped.entry, TEXT + 6);
	assert_int_equal(mapped.thread_return, TEXT + 4);
	assert_int_equal(mapped.text_address, TEXT);
	assert_int_equal(mapped.text_size, 2 * PAGE_SIZE);
	assert_int_equal(mapped.stack_size, 3 * PAGE_SIZE);
	// Its text is nobody's, so that it counts once for all.
	assert_int_equal(made_info(handle).memory, 2 * PAGE_SIZE);
	assert_int_equal(made_map(handle, folio, SCRIPT_ADDRESS, PROT_READ), 0);
	start.entry = mapped.entry;
	start.thread_return = mapped.thread_return;
	assert_int_equal(CALL_3(process_start, handle, &start, &made_env), 0);
	assert_ptr_equal(process->code.symbols, no_symbols);
	assert_int_equal(process->code.text_address, TEXT);
	assert_int_equal(process->code.thread_return, TEXT + 4);
	assert_int_equal(map_runtime(handle, "runtime", &mapped), ERR_BAD_STATE);
	host_run(NSEC_NEVER);
	assert_int_equal(made_info(handle).status, 9);
}

static void what_is_wrong_maps_nothing(void **state)
{
	static const char *const wrong[] = { "", "nobody", "fails_once", "runtime2",
		                             "a-name-of-more-bytes-than-there-may-be" };
	struct process_runtime mapped = { .entry = 3 };
	handle_t folio = made_program();
	handle_t process;
	handle_t weak;

	(void)state;
	assert_int_equal(made_create("made", &process), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(map_runtime(process, wrong[i], &mapped), ERR_NOT_FOUND);
	assert_int_equal(CALL_4(process_map_runtime, process, NULL, 7, &mapped), ERR_ADDRESS);
	assert_int_equal(map_runtime(process, "runtime", NULL), ERR_ADDRESS);
	assert_int_equal(CALL_3(handle_duplicate, process, RIGHT_READ, &weak), 0);
	assert_int_equal(map_runtime(weak, "runtime", &mapped), ERR_ACCESS);
	assert_int_equal(map_runtime(test_holder, "runtime", &mapped), ERR_WRONG_TYPE);
	// What is in its way, wherever that is.
	assert_int_equal(made_map(process, folio, DATA + PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(map_runtime(process, "runtime", &mapped), ERR_EXISTS);
	assert_int_equal(made_info(process).memory, 0);
	assert_int_equal(made_map(process, folio, TEXT, PROT_READ), 0);
	assert_int_equal(made_map(process, folio, RODATA, PROT_READ), 0);
	assert_int_equal(mapped.entry, 3);
	assert_int_equal(CALL_1(process_kill, process), 0);
}

static void nothing_is_mapped_over_it(void **state)
{
	struct process_runtime mapped;
	handle_t folio = made_program();
	handle_t process;

	(void)state;
	assert_int_equal(made_create("made", &process), 0);
	assert_int_equal(map_runtime(process, "runtime", &mapped), 0);
	assert_int_equal(map_runtime(process, "runtime", &mapped), ERR_EXISTS);
	assert_int_equal(made_map(process, folio, TEXT + PAGE_SIZE, PROT_READ), ERR_EXISTS);
	assert_int_equal(made_map(process, folio, RODATA, PROT_READ), ERR_EXISTS);
	assert_int_equal(made_map(process, folio, DATA + PAGE_SIZE, PROT_READ), ERR_EXISTS);
	assert_int_equal(made_info(process).memory, 2 * PAGE_SIZE);
	assert_int_equal(CALL_1(process_kill, process), 0);
}

static void memory_and_limits_may_run_out(void **state)
{
	struct process_options options = { .name = "small", .memory_limit = PAGE_SIZE };
	struct process_runtime mapped;
	error_t error = ERR_NO_MEMORY;
	handle_t process;
	unsigned n;

	(void)state;
	assert_int_equal(CALL_3(process_create, test_holder, &options, &process), 0);
	assert_int_equal(map_runtime(process, "runtime", &mapped), ERR_LIMIT);
	assert_int_equal(made_info(process).memory, 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
	assert_int_equal(made_create("made", &process), 0);
	for (n = 1; error != 0; n++) {
		host_fail_kmalloc(n);
		error = map_runtime(process, "runtime", &mapped);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
	}
	assert_true(n > 3);
	host_fail_kmalloc(0);
	expect_program(made_process(process));
	assert_int_equal(CALL_1(process_kill, process), 0);
}

#define runtime_test_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int test_runtimes(void)
{
	const struct CMUnitTest tests[] = {
		runtime_test_case(a_script_of_the_image_is_mapped_with_its_runtime),
		runtime_test_case(a_launcher_maps_a_runtime),
		runtime_test_case(what_is_wrong_maps_nothing),
		runtime_test_case(nothing_is_mapped_over_it),
		runtime_test_case(memory_and_limits_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
