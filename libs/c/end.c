// SPDX-License-Identifier: MIT
//
// How code written for a C library ends its app: a failed assertion and abort() are faults of it.
#include <stdio.h>
#include <stdlib.h>

#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// What picolibc's assert() calls.
_Noreturn void __assert_func(const char *file, int line, const char *function,
                             const char *expression);
_Noreturn void __assert_func(const char *file, int line, const char *function,
                             const char *expression)
{
	(void)function;
	assert_failed(expression, file, line);
}

_Noreturn void abort(void)
{
	fflush(stdout);
	log_error("abort() was called");
	__builtin_trap();
}

// Nothing is left to be done at the end: no files are open, and handles are closed by the kernel.
_Noreturn void _Exit(int status)
{
	process_exit(status);
}

_Noreturn void exit(int status)
{
	fflush(stdout);
	_Exit(status);
}

// picolibc asks for words about errors that it does not know.
char *_user_strerror(int number, int internal, int *error);
char *_user_strerror(int number, int internal, int *error)
{
	(void)number;
	(void)internal;
	(void)error;
	return NULL;
}
