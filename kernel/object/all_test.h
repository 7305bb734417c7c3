// SPDX-License-Identifier: MIT
#pragma once

// Each runs the tests of one file and returns how many failed.
int test_handles(void);
int test_channels(void);
int test_channel_transit(void);
int test_polls(void);
int test_poll_recv(void);
int test_poll_give(void);
int test_poll_pairs(void);
int test_timers(void);
int test_folios(void);
int test_processes(void);
int test_spaces(void);
int test_space_folios(void);
int test_space_ranges(void);
int test_preemption(void);
int test_launchers(void);
int test_launchers_giving(void);
int test_runtimes(void);
int test_looks(void);
int test_look_times(void);
int test_services_plan(void);
int test_services(void);
