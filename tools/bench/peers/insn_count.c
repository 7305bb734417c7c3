// SPDX-License-Identifier: MIT
//
// A QEMU plugin: how many instructions the machine has executed, in the first eight bytes of a file
// that others map or read while it runs, and in the next eight how many of them may flush the TLB:
// writes of satp, and fences of translations. Unlike a clock under -icount it does not count the
// time that the machine sleeps. For one hart: the addition is not atomic.
//
//   -plugin insn_count.so,count=PATH[,mark=ADDRESS:WORD]...
//
// A mark is the one instruction WORD at that virtual address. (A guest's kernel has other
// instructions at the same address.) The file goes on with two numbers for each: how many
// instructions had been executed when the mark was first, or 0, and how often it was.
//
// A block of instructions counts whole when it is entered, so one that a fault or a mark cuts
// counts some too many; the same in each run.
//
// Debian packages no header for plugins, so what is used of it stands here (QEMU 7.2,
// include/qemu/qemu-plugin.h; version 1 of the interface. Later emulators want another version and
// do not load this).
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
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

typedef void (*tb_trans_cb)(uint64_t id, struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
                                              void *ptr, uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
typedef void (*exec_cb)(unsigned int vcpu, void *context);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
                                                enum qemu_plugin_op op, void *ptr, uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb cb,
                                            enum qemu_plugin_cb_flags flags, void *context);
int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv);

EXPORT int qemu_plugin_version = 1;

#define MAX_MARKS 16

// Privileged architecture, "CSR Instructions" and "Supervisor Memory-Management Instructions".
#define OPCODE_SYSTEM 0x73U
#define CSR_SATP 0x180U
#define FUNCT7_SFENCE_VMA 0x09U
#define FUNCT7_HFENCE_VVMA 0x11U
#define FUNCT7_HFENCE_GVMA 0x31U

static struct counts {
	uint64_t executed;
	uint64_t flushes;
	struct {
		uint64_t first;
		uint64_t times;
	} marks[MAX_MARKS];
} * counts;

static struct mark {
	uint64_t address;
	uint32_t word;
} marks[MAX_MARKS];
static uint32_t num_marks;

static void mark_executed(unsigned int vcpu, void *context)
{
	struct mark *mark = context;
	long index = mark - marks;

	(void)vcpu;
	if (counts->marks[index].times++ == 0)
		counts->marks[index].first = counts->executed;
}

static bool is_mark(const struct qemu_plugin_insn *insn, const struct mark *mark)
{
	return qemu_plugin_insn_vaddr(insn) == mark->address &&
		memcmp(qemu_plugin_insn_data(insn), &mark->word, qemu_plugin_insn_size(insn)) == 0;
}

static bool may_flush(const struct qemu_plugin_insn *insn)
{
	uint32_t word;
	uint32_t funct3;
	uint32_t funct7;

	if (qemu_plugin_insn_size(insn) != sizeof(word))
		return false;
	memcpy(&word, qemu_plugin_insn_data(insn), sizeof(word));
	if ((word & 0x7f) != OPCODE_SYSTEM)
		return false;
	funct3 = word >> 12 & 7;
	funct7 = word >> 25;
	if (funct3 == 0)
		return funct7 == FUNCT7_SFENCE_VMA || funct7 == FUNCT7_HFENCE_VVMA ||
			funct7 == FUNCT7_HFENCE_GVMA;
	// csrrs and csrrc with no bits only read.
	return word >> 20 == CSR_SATP && ((funct3 & 3) == 1 || (word >> 15 & 31) != 0);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t length = qemu_plugin_tb_n_insns(tb);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &counts->executed,
	                                         length);
	for (size_t i = 0; i < length; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (may_flush(insn))
			qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
			                                           &counts->flushes, 1);
		for (uint32_t m = 0; m < num_marks; m++) {
			if (is_mark(insn, &marks[m]))
				qemu_plugin_register_vcpu_insn_exec_cb(
					insn, mark_executed, QEMU_PLUGIN_CB_NO_REGS, &marks[m]);
		}
	}
}

static bool take_mark(const char *text)
{
	char *end;

	if (strncmp(text, "mark=", 5) != 0 || num_marks == MAX_MARKS)
		return false;
	marks[num_marks].address = strtoull(text + 5, &end, 0);
	if (*end != ':')
		return false;
	marks[num_marks++].word = (uint32_t)strtoul(end + 1, &end, 0);
	return *end == '\0';
}

EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	int fd;

	(void)info;
	if (argc < 1 || strncmp(argv[0], "count=", 6) != 0)
		return -1;
	for (int i = 1; i < argc; i++) {
		if (!take_mark(argv[i]))
			return -1;
	}
	fd = open(argv[0] + 6, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*counts)) < 0)
		return -1;
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (counts == MAP_FAILED)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
