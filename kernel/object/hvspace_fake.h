// SPDX-License-Identifier: MIT
//
// What is around guest-physical address spaces in their test: one folio, one event, and counts.
#pragma once

#include "kernel/mm/page_fake.h"
#include "kernel/object/event.h"
#include "kernel/object/folio.h"

extern struct folio folio;
extern struct event event;
extern uint8_t *ram;
extern bool lazy_pages;  // the folio has single pages only
extern int objects_out;
extern uint32_t fences;
extern uint32_t users;
extern uint32_t signals;
extern uint32_t kicked_hart;
extern void (*in_populate)(void);  // what another hart does meanwhile
