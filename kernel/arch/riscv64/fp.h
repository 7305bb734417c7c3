// SPDX-License-Identifier: MIT
//
// The floating-point unit. A thread's registers are saved when another thread or a guest gets the
// unit, if sstatus.FS says that they changed. A guest's are saved whenever it leaves the hart: its
// sstatus.FS is always Dirty, and vsstatus.FS, which is its own, says nothing to the host.
#pragma once

struct arch_fp;
struct hart;
struct thread;

// All registers to or from memory. sstatus.FS must not be Off; fp_restore leaves it Dirty.
void fp_save(struct arch_fp *fp);
void fp_restore(const struct arch_fp *fp);
// The thread's registers are saved, if they changed, and the unit belongs to nobody: before a guest
// uses it. What is running may use it again after fp_resume().
void fp_suspend(struct thread *thread);
// In place of what others left in the unit a thread of a user-mode process that never used it sees
// zeroes. After fp_resume.
void fp_hide(struct hart *hart);
// Loads the thread's registers, unless this hart holds them still.
void fp_resume(struct thread *thread);
