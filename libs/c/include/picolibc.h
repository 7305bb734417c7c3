// SPDX-License-Identifier: MIT
//
// How picolibc is configured: what its own build would find out and write.
#pragma once

#define __PICOLIBC__ 1
#define __PICOLIBC_MINOR__ 8
#define __PICOLIBC_PATCHLEVEL__ 10
#define __PICOLIBC_VERSION__ "1.8.10"
#define __NEWLIB__ 4
#define __NEWLIB_MINOR__ 3
#define __NEWLIB_PATCHLEVEL__ 0
#define _NEWLIB_VERSION "4.3.0"
#define __NEWLIB_VERSION__ "4.3.0"

// The compiler.
#define __HAVE_BITFIELDS_IN_PACKED_STRUCTS 1
#define __HAVE_BUILTIN_ADD_OVERFLOW 1
#define __HAVE_BUILTIN_ALLOCA 1
#define __HAVE_BUILTIN_COMPLEX 1
#define __HAVE_BUILTIN_COPYSIGN 1
#define __HAVE_BUILTIN_COPYSIGNL 1
#define __HAVE_BUILTIN_CTZ 1
#define __HAVE_BUILTIN_CTZL 1
#define __HAVE_BUILTIN_CTZLL 1
#define __HAVE_BUILTIN_EXPECT 1
#define __HAVE_BUILTIN_FFS 1
#define __HAVE_BUILTIN_FFSL 1
#define __HAVE_BUILTIN_FFSLL 1
#define __HAVE_BUILTIN_FINITEL 1
#define __HAVE_BUILTIN_ISFINITE 1
#define __HAVE_BUILTIN_ISINF 1
#define __HAVE_BUILTIN_ISINFL 1
#define __HAVE_BUILTIN_ISNAN 1
#define __HAVE_BUILTIN_ISNANL 1
#define __HAVE_BUILTIN_MUL_OVERFLOW 1
#define __HAVE_CC_INHIBIT_LOOP_TO_LIBCALL 1
#define __HAVE_COMPLEX 1

// One thread of an app uses this library (docs/porting.md): no locks, one errno.
#define __SINGLE_THREAD 1
#define __GLOBAL_ERRNO 1

// A failed assertion says where it is.
#define __ASSERT_VERBOSE 1

// Numbers are printed and read exactly; no wide characters, no long double.
#define __TINY_STDIO 1
#define __IO_C99_FORMATS 1
#define __IO_DEFAULT 'd'
#define __IO_FLOATING_POINT 1
#define __IO_FLOAT_EXACT 1
#define __IO_LONG_LONG 1
#define __IO_POS_ARGS 1

// The newer, faster and more exact exp, log and pow. No function of <math.h> sets errno.
#define __IEEE_LIBM 1
#define __OBSOLETE_MATH 0
#define __OBSOLETE_MATH_DOUBLE 0
#define __OBSOLETE_MATH_FLOAT 0
