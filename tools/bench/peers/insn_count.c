// SPDX-License-Identifier: MIT
//
// A QEMU plugin: how many instructions the machine has executed, in the first eight bytes of a file that others map or read while
// it runs. Unlike a clock under -icount it does not count the time that the machine sleeps. For one hart: the addition is not atomic.
//
//   -plugin insn_count.so,count=PATH[,at=ADDRESS,word=WORD]
//
// With `at` and `word` it counts how often the one instruction WORD at that virtual address is executed. (A guest's kernel has other
// instructions at the same address.)
//
// Debian packages no header for plugins, so what is used of it stands here (QEMU 7.2, include/qemu/qemu-plugin.h; version 1 of the
// interface. Later emulators want another version and do not load this).
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*tb_trans_cb)(uint64_t id, struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op, void *ptr, uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, enum qemu_plugin_op op, void *ptr, uint64_t imm);
int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv);

EXPORT int qemu_plugin_version = 1;

static uint64_t *executed;

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, executed, qemu_plugin_tb_n_insns(tb));
}

static uint64_t counted_address;
static uint32_t counted_word;

static bool is_counted(const struct qemu_plugin_insn *insn)
{
	return qemu_plugin_insn_vaddr(insn) == counted_address && qemu_plugin_insn_size(insn) == sizeof(counted_word) &&
	       memcmp(qemu_plugin_insn_data(insn), &counted_word, sizeof(counted_word)) == 0;
}

static void translated_at(uint64_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_counted(insn))
			qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, executed, 1);
	}
}

EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	bool at = argc == 3 && strncmp(argv[1], "at=", 3) == 0 && strncmp(argv[2], "word=", 5) == 0;
	int fd;

	(void)info;
	if (argc < 1 || (argc > 1 && !at) || strncmp(argv[0], "count=", 6) != 0)
		return -1;
	fd = open(argv[0] + 6, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*executed)) < 0)
		return -1;
	executed = mmap(NULL, sizeof(*executed), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (executed == MAP_FAILED)
		return -1;
	if (at) {
		counted_address = strtoull(argv[1] + 3, NULL, 0);
		counted_word = (uint32_t)strtoul(argv[2] + 5, NULL, 0);
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, at ? translated_at : translated);
	return 0;
}
