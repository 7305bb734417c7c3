// SPDX-License-Identifier: MIT
//
// Tests of the app manager from within, one after the other. The last line tells the sum, then the
// machine goes off.
#pragma once

#include "libs/abi/apps.h"
#include "libs/base/span.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

struct tester {
	const struct environ *env;
	handle_t system;
	handle_t apps;  // the channel to the manager
	bool failed;    // the running test
	unsigned num_passed;
	unsigned num_failed;
	uint32_t next_id;
};

struct test {
	const char *name;
	void (*run)(struct tester *t);
};

extern const struct test load_tests[];
extern const struct test replace_tests[];
extern const struct test manager_tests[];
extern const struct test chance_tests[];

// The running test fails: logs what is not so, and where. For expect().
void test_failed(struct tester *t, const char *what, const char *file, int line);

// A condition that must hold for the test to pass; the test goes on.
#define expect(t, condition)                                            \
	do {                                                            \
		if (!(condition))                                       \
			test_failed(t, #condition, __FILE__, __LINE__); \
	} while (0)

// A deadline that is only reached when something is broken.
nsec_t test_deadline(void);

enum file { FILE_MANAGED, FILE_MANAGED_USER };
// Its bytes.
struct span file_of(enum file file);

// What the manager answered last.
extern struct msg_apps_result answer;
extern char answer_text[APPS_TEXT_MAX + 1];
// Whether its text has these words in it.
bool answer_says(const char *words);
// Connects to the manager, anew if need be.
void connect_apps(struct tester *t);
// Each asks, and waits for the answer. Returns its error.
error_t apps_load(struct tester *t, struct span file, uint32_t flags, const char *config);
// The same, again and again while the app is being stopped or replaced.
error_t apps_load_patiently(struct tester *t, struct span file, uint32_t flags);
error_t apps_start(struct tester *t, const char *name, uint32_t flags, const char *config,
                   const handle_t *given, uint32_t num_given);
error_t apps_stop(struct tester *t, const char *name, uint32_t flags);
// The entry of `name`; false: there is none. Of all, `*count` (may be NULL) are there.
bool apps_list(struct tester *t, const char *name, struct apps_entry *out, uint32_t *count);
// A version of "managed": the last byte of its version. In memory that the next call changes.
struct span managed_version(char letter);
// The same, whose spec names another service than "managed".
struct span managed_without_service(void);
// What "managed" says of itself, through the app "managed_user", whose instance is ended again.
void expect_managed_says(struct tester *t, const char *text);
// Unloads all, in the order of the tests' needs.
void unload_all(struct tester *t);
