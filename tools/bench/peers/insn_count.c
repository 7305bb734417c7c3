// SPDX-License-Identifier: MIT
//
// A QEMU plugin: how many instructions the machine has executed, in the first eight bytes of a file that others map or read while
// it runs. Unlike a clock under -icount it does not count the time that the machine sleeps. For one hart: the addition is not atomic.
//
//   -plugin insn_count.so,count=PATH
//
// Debian packages no header for plugins, so what is used of it stands here (QEMU 7.2, include/qemu/qemu-plugin.h; version 1 of the
// interface. Later emulators want another version and do not load this).
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_info;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*tb_trans_cb)(uint64_t id, struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op, void *ptr, uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv);

EXPORT int qemu_plugin_version = 1;

static uint64_t *executed;

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, executed, qemu_plugin_tb_n_insns(tb));
}

EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	int fd;

	(void)info;
	if (argc != 1 || strncmp(argv[0], "count=", 6) != 0)
		return -1;
	fd = open(argv[0] + 6, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*executed)) < 0)
		return -1;
	executed = mmap(NULL, sizeof(*executed), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (executed == MAP_FAILED)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
