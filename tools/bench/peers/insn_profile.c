// SPDX-License-Identifier: MIT
//
// A QEMU plugin: how many instructions each translated block has executed, in a file of pairs
// (address, instructions) that others read while it runs. See insn_count.c for the interface, and
// ../profile.py for the reader.
//
//   -plugin insn_profile.so,count=PATH
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define MAX_BLOCKS (1u << 20)

struct qemu_plugin_tb;
struct qemu_info;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*tb_trans_cb)(uint64_t id, struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
                                              void *ptr, uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv);

EXPORT int qemu_plugin_version = 1;

static struct block {
	uint64_t address;
	uint64_t executed;
} * blocks;
static uint32_t num_blocks;

// A block that is translated again gets another pair; the reader adds them up. The last one takes
// what does not fit.
static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	uint32_t index = __atomic_fetch_add(&num_blocks, 1, __ATOMIC_RELAXED);
	struct block *block = &blocks[index < MAX_BLOCKS ? index : MAX_BLOCKS - 1];

	(void)id;
	block->address = index < MAX_BLOCKS - 1 ? qemu_plugin_tb_vaddr(tb) : 0;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &block->executed,
	                                         qemu_plugin_tb_n_insns(tb));
}

EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	int fd;

	(void)info;
	if (argc != 1 || strncmp(argv[0], "count=", 6) != 0)
		return -1;
	fd = open(argv[0] + 6, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, MAX_BLOCKS * sizeof(*blocks)) < 0)
		return -1;
	blocks =
		mmap(NULL, MAX_BLOCKS * sizeof(*blocks), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (blocks == MAP_FAILED)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
