// SPDX-License-Identifier: MIT
//
// A guest kernel that means harm to its VMM, by all that a guest has: SBI calls, registers of all
// devices, queues in any state, page tables, fetches, all of its memory, and a second hart that
// changes the rings meanwhile. It begins alike in each run, and goes on as long as it has time. It
// says "attack done" and powers off at its end. tools/e2e/tests/test_attack.py links it to where
// the VMM loads a kernel.
#include <stdint.h>

// Of the timebase of QEMU's machine, 10 MHz: time enough for others to look whether the OS answers.
#define LEAST_TIME (8ul * 10000000)
// A slow machine has them done before the VMM takes it for a guest that does not boot.
#define LEAST_ROUNDS 4
#define RAM 0x80000000ul
#define RAM_SIZE (64ul << 20)
#define PLIC 0x0c000000ul
#define VIRTIO 0x10001000ul
#define NUM_SLOTS 8u
// Rings and buffers of the attacks, behind the program.
#define RINGS (RAM + (16ul << 20))
#define RINGS_SIZE (1ul << 20)

#define SBI_HSM 0x48534dul
#define SBI_SRST 0x53525354ul
#define SBI_DBCN 0x4442434eul

__asm__(".pushsection .head, \"ax\"\n"
        "	j start\n"
        "	.balign 8\n"
        "	.dword 0x200000, 0x200000, 0\n"  // text offset, image size, flags
        "	.word 2, 0\n"
        "	.dword 0\n"
        "	.ascii \"RISCV\\0\\0\\0RSC\\5\"\n"
        "	.word 0\n"
        "start:	la sp, stack_top\n"
        "	tail attack\n"
        "second:	la sp, second_stack_top\n"
        "	tail attack_rings\n"
        ".popsection\n"
        ".pushsection .bss\n"
        "	.balign 16\n"
        "	.skip 8192\n"
        "stack_top:	.skip 8192\n"
        "second_stack_top:\n"
        ".popsection\n");

extern char second[];

static uint64_t random_state = 88172645463325252ul;
static unsigned long resume;  // where a fetch that fails goes on

static uint64_t any(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

// Numbers as checks fear them.
static uint64_t nasty(void)
{
	switch (any() % 6) {
	case 0: return any() % 16;
	case 1: return ~0ul - any() % 16;
	case 2: return 1ul << any() % 64;
	case 3: return RINGS + any() % RINGS_SIZE;
	case 4: return VIRTIO + any() % 0x8000;
	default: return any();
	}
}

static long sbi(unsigned long extension, unsigned long function, unsigned long arg0,
                unsigned long arg1, unsigned long arg2)
{
	register unsigned long a0 __asm__("a0") = arg0;
	register unsigned long a1 __asm__("a1") = arg1;
	register unsigned long a2 __asm__("a2") = arg2;
	register unsigned long a6 __asm__("a6") = function;
	register unsigned long a7 __asm__("a7") = extension;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
	return (long)a0;
}

static void say(const char *text)
{
	while (*text != '\0')
		sbi(SBI_DBCN, 2, (unsigned char)*text++, 0, 0);
}

// Goes on behind what failed.
__attribute__((interrupt("supervisor"), aligned(4))) static void trapped(void)
{
	unsigned long cause, pc;

	__asm__ volatile("csrr %0, scause\n\tcsrr %1, sepc" : "=r"(cause), "=r"(pc));
	if (cause == 1 || cause == 12)
		pc = resume;
	else
		pc += (*(volatile uint16_t *)pc & 3) == 3 ? 4 : 2;
	__asm__ volatile("csrw sepc, %0" ::"r"(pc));
}

static void calls(unsigned count)
{
	static const unsigned long extensions[] = {
		0x10, 0x54494d45, 0x735049, 0x52464e43, SBI_HSM, SBI_SRST,   SBI_DBCN, 0, 1, 2, 3,
		4,    5,          6,        7,          9,       0x53555350, 0x504d55
	};

	for (unsigned i = 0; i < count; i++) {
		unsigned long extension = any() % 8 == 0 ? nasty() : extensions[any() % 18];
		unsigned long function = any() % 8 == 0 ? nasty() : any() % 8;
		unsigned long arg = nasty();

		// It is to go on: no stop, no suspend, no power-off.
		if (extension == 8 || (extension == SBI_HSM && (function == 1 || function == 3)) ||
		    (extension == SBI_SRST && (uint32_t)arg <= 2) ||
		    (extension == SBI_DBCN && function != 1) || extension == 1)
			continue;
		sbi(extension, function, arg, nasty(), nasty());
	}
}

static void touch(unsigned long address, unsigned how)
{
	unsigned long value = nasty();

	switch (how % 8) {
	case 0: __asm__ volatile("lb x0, (%0)" ::"r"(address)); break;
	case 1: __asm__ volatile("lhu x0, (%0)" ::"r"(address)); break;
	case 2: __asm__ volatile("lw x0, (%0)" ::"r"(address)); break;
	case 3: __asm__ volatile("ld x0, (%0)" ::"r"(address)); break;
	case 4: __asm__ volatile("sb %1, (%0)" ::"r"(address), "r"(value) : "memory"); break;
	case 5: __asm__ volatile("sd %1, (%0)" ::"r"(address), "r"(value) : "memory"); break;
	case 6:
		__asm__ volatile("amoswap.w x0, %1, (%0)" ::"r"(address), "r"(value) : "memory");
		break;
	default: __asm__ volatile("sw %1, (%0)" ::"r"(address), "r"(value) : "memory"); break;
	}
}

static void registers(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		switch (any() % 4) {
		case 0: touch(PLIC + any() % 0x400000, (unsigned)any()); break;
		case 1: touch(nasty() & 0x7ffffffful, (unsigned)any()); break;
		default:
			touch(VIRTIO + any() % NUM_SLOTS * 0x1000 + any() % 0x140, (unsigned)any());
			break;
		}
	}
}

// A fetch from what is not memory.
static void fetches(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		__asm__ volatile("	la t0, 1f\n	sd t0, %0\n	jalr ra, %1\n1:"
		                 : "=m"(resume)
		                 : "r"(VIRTIO + any() % NUM_SLOTS * 0x1000 + any() % 0x100)
		                 : "t0", "t1", "ra", "memory");
}

// Walks of page tables that lie anywhere. The program itself is in a leaf of its own.
static void walks(unsigned count)
{
	uint64_t *root = (uint64_t *)(RINGS + RINGS_SIZE);

	root[2] = RAM >> 12 << 10 | 0xcf;
	for (unsigned i = 0; i < count; i++) {
		unsigned long address = any() % (1ul << 31);

		root[address >> 30] = nasty() >> 12 << 10 | 1;
		__asm__ volatile(
			"csrw satp, %0\n\tsfence.vma" ::"r"(8ul << 60 | (unsigned long)root >> 12)
			: "memory");
		touch(any() % 2 ? address : (address & ~0xffful) | (address >> 21 & 511) * 8,
		      (unsigned)any());
	}
	__asm__ volatile("csrw satp, x0\n\tsfence.vma" ::: "memory");
}

static void reg(unsigned slot, unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(VIRTIO + slot * 0x1000 + offset) = value;
}

// A queue that may be right, with rings that mostly are, over each other now and then.
static void queue(unsigned slot, unsigned index)
{
	unsigned long at = RINGS + (slot * 16 + index) * 4096;
	uint16_t *avail = (uint16_t *)(at + 2048);

	for (unsigned i = 0; i < 8; i++) {
		uint64_t *desc = (uint64_t *)(at + 16 * i);

		desc[0] = any() % 8 == 0 ? nasty() : RINGS + any() % RINGS_SIZE;
		desc[1] = (any() % 8 == 0 ? any() : any() % 4096) & 0xffffffff;
		desc[1] |= (any() % 8) << 32 | (any() % 9) << 48;
		avail[2 + i] = (uint16_t)(any() % 9);
	}
	avail[1] = (uint16_t)(avail[1] + any() % 9);
	reg(slot, 0x30, index);
	reg(slot, 0x38, any() % 16 == 0 ? (uint32_t)nasty() : 8);
	reg(slot, 0x80, (uint32_t)at);
	reg(slot, 0x90, (uint32_t)at + 2048);
	reg(slot, 0xa0, (uint32_t)at + (any() % 8 == 0 ? 2048 : 3072));
	reg(slot, 0x44, any() % 16 != 0);
}

static void devices(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		unsigned slot = any() % NUM_SLOTS;

		if (any() % 4 == 0) {
			reg(slot, 0x70, 0);
			reg(slot, 0x70, 1);
			reg(slot, 0x70, 3);
			reg(slot, 0x24, 0);
			reg(slot, 0x20, (uint32_t)any());
			reg(slot, 0x24, 1);
			reg(slot, 0x20, 1);
			reg(slot, 0x70, 11);
		}
		queue(slot, any() % 16);
		reg(slot, 0x70, 15);
		for (unsigned kicks = any() % 8; kicks > 0; kicks--)
			reg(slot, 0x50, any() % 16);
		// Taken back with what is under way.
		if (any() % 4 == 0)
			reg(slot, 0x44, 0);
		reg(slot, 0x64, 3);
	}
}

// What interrupts which hart; claims and completions. In the end both harts have theirs posted,
// which there is no way back from.
static void interrupts(unsigned round)
{
	volatile uint32_t *plic = (volatile uint32_t *)PLIC;

	for (unsigned i = 0; i < 20; i++) {
		volatile uint32_t *context = plic + (0x200000 + any() % 2 * 0x1000) / 4;

		plic[any() % NUM_SLOTS + 1] = any() % 8;
		plic[(0x2000 + any() % 2 * 0x80) / 4] = (uint32_t)any();
		context[0] = any() % 4;
		context[1] = context[1];
		context[1] = (uint32_t)any() % 16;
		if (round > LEAST_ROUNDS / 2)
			context[2] = (uint32_t)any() % 2;
	}
}

// Queues of a console that nobody has started: what is in them nobody will take.
static void leave_output(void)
{
	reg(0, 0x70, 0);
	reg(0, 0x70, 3);
	for (unsigned index = 0; index < 16; index++)
		queue(0, index);
}

static void memory(void)
{
	for (unsigned long at = RINGS + 2 * RINGS_SIZE; at < RAM + RAM_SIZE - (4ul << 20);
	     at += 4096)
		*(volatile uint64_t *)at = at;
}

// The second hart: bytes of the rings, without end.
void attack_rings(void)
{
	uint64_t state = 1;

	for (;;) {
		state = state * 6364136223846793005ul + 1442695040888963407ul;
		*(volatile uint8_t *)(RINGS + (state >> 33) % (NUM_SLOTS * 16 * 4096)) =
			(uint8_t)(state >> 20);
	}
}

static unsigned long now(void)
{
	unsigned long ticks;

	__asm__ volatile("rdtime %0" : "=r"(ticks));
	return ticks;
}

void attack(void)
{
	unsigned long end = now() + LEAST_TIME;

	__asm__ volatile("csrw stvec, %0\n\tcsrw sie, x0" ::"r"(trapped));
	sbi(SBI_HSM, 0, 1, (unsigned long)second, 0);
	for (unsigned round = 0; round < LEAST_ROUNDS || now() < end; round++) {
		calls(500);
		registers(500);
		interrupts(round);
		devices(250);
		walks(50);
		fetches(12);
		memory();
		// What is the machine mode's.
		__asm__ volatile(".insn 4, 0x30200073");
	}
	leave_output();
	say("attack done\n");
	sbi(SBI_SRST, 0, 0, 0, 0);
	for (;;)
		;
}
