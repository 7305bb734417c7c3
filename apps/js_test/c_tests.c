// SPDX-License-Identifier: MIT
//
// The C library in the OS: what ported code uses of it (docs/porting.md).
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "apps/js_test/js_test.h"

static bool prints(const char *wanted, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static bool prints(const char *wanted, const char *format, ...)
{
	char text[100];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return len == (int)strlen(wanted) && strcmp(text, wanted) == 0;
}

static void test_numbers(void)
{
	char *end;

	expect(prints("0.1 1e+21 -0 0.30000000000000004", "%.17g %g %g %.17g", 0.1, 1e21, -0.0,
	              0.1 + 0.2));
	expect(prints("  +42|ff|0x1f|00007|18446744073709551615", "%+5d|%x|%#x|%05d|%llu", 42, 255,
	              31, 7, ~0ull));
	expect(prints("ab|  abc|c", "%.2s|%5s|%c", "abc", "abc", 'c'));
	expect(strtod("179769313486231570000e288x", &end) == 1.7976931348623157e308 && *end == 'x');
	errno = 0;
	expect(strtol("99999999999999999999", NULL, 10) == LONG_MAX && errno == ERANGE);
	expect(strtoul("0x1F", &end, 0) == 31 && *end == '\0');
}

static void test_math(void)
{
	expect(sqrt(2) * sqrt(2) > 1.9999999 && floor(-1.5) == -2 && trunc(-1.5) == -1);
	expect(pow(2, 0.5) == sqrt(2) && exp(0) == 1 && log(1) == 0 && cbrt(27) == 3);
	expect(fabs(sin(M_PI)) < 1e-15 && cos(0) == 1 && atan2(0, -1) == M_PI);
	// cppcheck-suppress [invalidFunctionArg, wrongmathcall]; what has no remainder is tested.
	expect(fmod(-7, 3) == -1 && isnan(fmod(1, 0)) && isinf(exp(1000)) && signbit(-0.0));
	expect(lrint(2.5) == 2 && hypot(3, 4) == 5 && ldexp(1, 10) == 1024);
}

static void test_memory(void)
{
	volatile size_t huge = 1ul << 40;
	char *p = malloc(10), *q = calloc(1000, 10), *larger;
	void *refused[2];

	expect(p != NULL && malloc_usable_size(p) >= 10);
	expect(q != NULL && q[0] == 0 && q[9999] == 0);
	if (p != NULL)
		memcpy(p, "123456789", 10);
	larger = realloc(p, 100000);
	expect(larger != NULL && strcmp(larger, "123456789") == 0);
	free(larger);
	free(q);
	free(NULL);
	errno = 0;
	refused[0] = malloc(1ul << 50);
	refused[1] = calloc(huge, huge);
	expect(refused[0] == NULL && refused[1] == NULL && errno == ENOMEM);
	free(refused[0]);
	free(refused[1]);
}

static int descending(const void *a, const void *b)
{
	return *(const int *)b - *(const int *)a;
}

static void test_strings(void)
{
	char text[] = "one two  three", *rest, *copy = strdup("copy");
	int numbers[] = { 3, 1, 2, 5, 4 };

	expect(strcmp(strtok_r(text, " ", &rest), "one") == 0);
	expect(strcmp(strtok_r(NULL, " ", &rest), "two") == 0);
	expect(strcmp(strtok_r(NULL, " ", &rest), "three") == 0);
	expect(strtok_r(NULL, " ", &rest) == NULL);
	expect(strcmp(copy, "copy") == 0 && strcasecmp("Copy", copy) == 0);
	expect(strcmp(strstr("a needle", "need"), "needle") == 0 &&
	       strrchr("a/b/c", '/')[1] == 'c');
	expect(isalpha('x') && !isalpha('1') && toupper('x') == 'X');
	expect(strcmp(strerror(ENOMEM), "") != 0);
	qsort(numbers, 5, sizeof(numbers[0]), descending);
	expect(numbers[0] == 5 && numbers[4] == 1);
	free(copy);
}

static void test_time(void)
{
	time_t moment = 1709210096;  // 2024-02-29 12:34:56
	struct timespec before, after;
	struct timeval now;
	char text[40];
	struct tm tm;

	expect(gmtime_r(&moment, &tm) != NULL && mktime(&tm) == moment);
	expect(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S %a", &tm) == 23);
	expect(strcmp(text, "2024-02-29T12:34:56 Thu") == 0);
	expect(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
	expect(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
	expect(after.tv_sec > before.tv_sec ||
	       (after.tv_sec == before.tv_sec && after.tv_nsec >= before.tv_nsec));
	expect(gettimeofday(&now, NULL) == 0 && now.tv_usec < 1000000);
}

#define NO_JUMP 100

static jmp_buf place;

static __attribute__((noinline)) double jump(unsigned int depth, int status)
{
	if (depth > 0)
		return jump(depth - 1, status) * sqrt(depth);
	if (status != NO_JUMP)
		longjmp(place, status);
	return -1;
}

// What setjmp says second, from below some calls whose registers were others.
static __attribute__((noinline)) int jump_back(int status, double kept)
{
	volatile unsigned int returns = 0;
	int said = setjmp(place);

	if (returns++ == 0)
		expect(said == 0 && jump(20, status) < 0);
	expect(returns == 2 && kept == 1.5);
	return said;
}

static void test_jumps(void)
{
	expect(jump_back(7, 1.5) == 7 && jump_back(-1, 1.5) == -1);
	expect(jump_back(0, 1.5) == 1 && jump(1, NO_JUMP) == -1);
}

const struct test c_tests[] = {
	{ "c.numbers", test_numbers },
	{ "c.math", test_math },
	{ "c.memory", test_memory },
	{ "c.strings", test_strings },
	{ "c.time", test_time },
	{ "c.jumps", test_jumps },
	{ 0 },
};
