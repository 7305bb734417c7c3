// SPDX-License-Identifier: MIT
//
// Between the files of the fake machine.
#pragma once

void host_memory_init(void);
void host_log_init(void);
