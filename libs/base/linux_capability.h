// SPDX-License-Identifier: MIT
//
// Linux's capabilities (capabilities(7)): which there are, and which of them docker gives to a
// container that asks for nothing. The host reads --cap-add and --cap-drop by it, and bootd
// config.json.
#pragma once

// X(name without CAP_, number, whether docker gives it), in the order of the numbers, without gaps.
#define LINUX_CAPABILITIES(X)      \
	X(CHOWN, 0, 1)             \
	X(DAC_OVERRIDE, 1, 1)      \
	X(DAC_READ_SEARCH, 2, 0)   \
	X(FOWNER, 3, 1)            \
	X(FSETID, 4, 1)            \
	X(KILL, 5, 1)              \
	X(SETGID, 6, 1)            \
	X(SETUID, 7, 1)            \
	X(SETPCAP, 8, 1)           \
	X(LINUX_IMMUTABLE, 9, 0)   \
	X(NET_BIND_SERVICE, 10, 1) \
	X(NET_BROADCAST, 11, 0)    \
	X(NET_ADMIN, 12, 0)        \
	X(NET_RAW, 13, 1)          \
	X(IPC_LOCK, 14, 0)         \
	X(IPC_OWNER, 15, 0)        \
	X(SYS_MODULE, 16, 0)       \
	X(SYS_RAWIO, 17, 0)        \
	X(SYS_CHROOT, 18, 1)       \
	X(SYS_PTRACE, 19, 0)       \
	X(SYS_PACCT, 20, 0)        \
	X(SYS_ADMIN, 21, 0)        \
	X(SYS_BOOT, 22, 0)         \
	X(SYS_NICE, 23, 0)         \
	X(SYS_RESOURCE, 24, 0)     \
	X(SYS_TIME, 25, 0)         \
	X(SYS_TTY_CONFIG, 26, 0)   \
	X(MKNOD, 27, 1)            \
	X(LEASE, 28, 0)            \
	X(AUDIT_WRITE, 29, 1)      \
	X(AUDIT_CONTROL, 30, 0)    \
	X(SETFCAP, 31, 1)          \
	X(MAC_OVERRIDE, 32, 0)     \
	X(MAC_ADMIN, 33, 0)        \
	X(SYSLOG, 34, 0)           \
	X(WAKE_ALARM, 35, 0)       \
	X(BLOCK_SUSPEND, 36, 0)    \
	X(AUDIT_READ, 37, 0)       \
	X(PERFMON, 38, 0)          \
	X(BPF, 39, 0)              \
	X(CHECKPOINT_RESTORE, 40, 0)
