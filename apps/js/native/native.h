// SPDX-License-Identifier: MIT
//
// The natives: what apps/js/lib is made of, one area of the API a file.
#pragma once

#include "apps/js/runtime/js.h"

extern const struct js_native js_native_device;
extern const struct js_native js_native_errors;
extern const struct js_native js_native_files;
extern const struct js_native js_native_folio;
extern const struct js_native js_native_http;
extern const struct js_native js_native_jobs;
extern const struct js_native js_native_log;
extern const struct js_native js_native_modules;
extern const struct js_native js_native_process;
extern const struct js_native js_native_system;
extern const struct js_native js_native_text;
extern const struct js_native js_native_timers;
extern const struct js_native js_native_usage;
