// SPDX-License-Identifier: MIT
#include "tools/run/hostfs/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// --- Landlock ------------------------------------------------------------------------------------

// The kernel's interface (Documentation/userspace-api/landlock.rst), for headers that are older
// than it.
#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#define GET_VERSION 1u
#define PATH_BENEATH 1

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_BLOCK = 1 << 11,
	FS_TRUNCATE = 1 << 14,
};

struct ruleset_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct __attribute__((packed)) path_beneath {
	uint64_t allowed;
	int32_t parent;
};

// All that each version knows of. In the first one no file can be linked or moved to another
// folder, so it is not used.
static const struct {
	struct ruleset_attr all;
	size_t size;
} versions[SANDBOX_LANDLOCK_MAX + 1] = {
	[2] = { { .fs = 0x3fff }, 8 },                          // REFER
	[3] = { { .fs = 0x7fff }, 8 },                          // TRUNCATE
	[4] = { { .fs = 0x7fff, .net = 3 }, 16 },               // TCP
	[5] = { { .fs = 0xffff, .net = 3 }, 16 },               // IOCTL_DEV
	[6] = { { .fs = 0xffff, .net = 3, .scoped = 3 }, 24 },  // abstract sockets, signals
};

static bool allow(int ruleset, const struct hostfs_share *share, uint64_t handled)
{
	struct path_beneath rule = { .parent = share->fd };
	struct stat st;

	if (fstat(share->fd, &st) < 0)
		return false;
	if (share->read_only)
		rule.allowed = FS_READ_FILE | FS_READ_DIR;
	else
		rule.allowed = handled & ~(uint64_t)(FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_BLOCK);
	if (!S_ISDIR(st.st_mode))
		rule.allowed &= FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE;
	return syscall(ADD_RULE, ruleset, PATH_BENEATH, &rule, 0) == 0;
}

static bool landlock_enter(const struct hostfs_share *shares, unsigned count, int newest)
{
	long version = syscall(CREATE_RULESET, NULL, 0, GET_VERSION);
	bool done = true;
	int ruleset;

	version = version < newest ? version : newest;
	if (version < 2)
		return false;
	version = version < SANDBOX_LANDLOCK_MAX ? version : SANDBOX_LANDLOCK_MAX;
	ruleset = (int)syscall(CREATE_RULESET, &versions[version].all, versions[version].size, 0);
	if (ruleset < 0)
		return false;
	for (unsigned i = 0; done && i < count; i++)
		done = allow(ruleset, &shares[i], versions[version].all.fs);
	// With a share that no rule can be made for, none would be reached.
	done = done && syscall(RESTRICT_SELF, ruleset, 0) == 0;
	close(ruleset);
	return done;
}

// --- System calls --------------------------------------------------------------------------------

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCH AUDIT_ARCH_RISCV64
#endif

// What leads from one process into another, into the kernel, or round Landlock where there is none.
static const uint32_t refused[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kill,
	SYS_tkill,
	SYS_tgkill,
	SYS_rt_sigqueueinfo,
	SYS_rt_tgsigqueueinfo,
	SYS_pidfd_open,
	SYS_open_by_handle_at,
	SYS_socket,
	SYS_connect,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_mount,
	SYS_umount2,
	SYS_io_uring_setup,
	SYS_userfaultfd,
	SYS_pivot_root,
	SYS_chroot,
	SYS_unshare,
	SYS_setns,
	SYS_init_module,
	SYS_finit_module,
	SYS_keyctl,
	SYS_add_key,
	SYS_open_tree,
	SYS_move_mount,
	SYS_fsopen,
	SYS_kexec_load,
};

#define NUM_REFUSED (sizeof(refused) / sizeof(refused[0]))

// A list of what is refused, for what libraries use besides is not ours to know.
static void calls_refuse(void)
{
#ifdef OUR_ARCH
	struct sock_filter code[NUM_REFUSED + 6];
	struct sock_fprog program = { .filter = code };
	unsigned at = 0;

	// Numbers of another architecture's are other calls.
	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                          offsetof(struct seccomp_data, arch));
	code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 0,
	                                          NUM_REFUSED + 3);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                          offsetof(struct seccomp_data, nr));
	code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000,
	                                          NUM_REFUSED + 1, 0);
	for (unsigned i = 0; i < NUM_REFUSED; i++)
		code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i],
		                                          (uint8_t)(NUM_REFUSED - i), 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	program.len = (unsigned short)at;
	(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}

// --- Privileges ----------------------------------------------------------------------------------

// Root's, when run.sh is root's: those over files stay.
static void privileges_drop(void)
{
	const uint32_t kept = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER |
		1u << CAP_FSETID | 1u << CAP_SYS_RESOURCE;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective &= i == 0 ? kept : 0;
		data[i].permitted &= i == 0 ? kept : 0;
		data[i].inheritable = 0;
	}
	(void)syscall(SYS_capset, &header, data);
}

bool sandbox_enter(const struct hostfs_share *shares, unsigned count, int landlock)
{
	bool held;

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	held = landlock_enter(shares, count, landlock);
	privileges_drop();
	calls_refuse();
	return held;
}
