// SPDX-License-Identifier: MIT
//
// lwIP's view of the compiler and of what stands in for a C library.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libs/base/checksum.h"

#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_LIMITS_H 1
#define INT_MAX __INT_MAX__
#define LWIP_PROVIDE_ERRNO 1
#define X8_F "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "zu"

#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(text) lwip_port_assert_failed(text, __FILE__, __LINE__)
#define LWIP_RAND() lwip_port_random()

_Noreturn void lwip_port_assert_failed(const char *text, const char *file, int line);
uint32_t lwip_port_random(void);
