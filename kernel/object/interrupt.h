// SPDX-License-Identifier: MIT
//
// Interrupt lines that apps handle. When one fires it is masked at the controller and the object is
// READABLE until interrupt_ack unmasks it.
#pragma once

#include "kernel/object/object.h"

#define INTERRUPT_MAX 1024  // PLIC and APLIC have at most 1023 lines

struct interrupt;

// At most one object a line. Errors: ERR_EXISTS, ERR_RANGE, ERR_NO_MEMORY.
__must_check error_t interrupt_object_create(uint32_t irq, struct interrupt **out);
void interrupt_object_ack(struct interrupt *interrupt);
// Says which process has it, for who looks.
void interrupt_set_owner(struct interrupt *interrupt, uint32_t process);
struct object *interrupt_object(struct interrupt *interrupt);
struct interrupt *interrupt_from_object(struct object *object);
// From the architecture's interrupt handler, no lock held: line `irq` fired and is masked now.
void interrupt_fired(uint32_t irq);
