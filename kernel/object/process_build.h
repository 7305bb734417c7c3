// SPDX-License-Identifier: MIT
//
// How a launcher fills a process and starts it, between process_build_begin and process_build_end.
// libs/starina/syscall.h says what each does.
#pragma once

#include "kernel/object/process.h"

// What process_map asks for, decoded: `folio` NULL is none. Errors: as process_map.
__must_check error_t process_add_segment(struct process *process,
                                         const struct process_segment *segment,
                                         struct folio *folio);
// Maps the program of a runtime (app_image_find_runtime). Errors: as process_map_runtime.
__must_check error_t process_add_runtime(struct process *process, const struct app_image *runtime);
// Starts it; process->env is filled. `symbols` NULL: none. Errors: as process_start.
__must_check error_t process_begin(struct process *process, const struct process_start *start,
                                   struct folio *symbols);
// Whether [offset, offset + len) of the folio can be a part of a program: it lies in it, is there,
// and never changes. Errors: ERR_NOT_SUPPORTED, ERR_ACCESS, ERR_RANGE.
__must_check error_t folio_check_source(const struct folio *folio, uint64_t offset, uint64_t len);
