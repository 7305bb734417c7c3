// SPDX-License-Identifier: MIT
//
// The end. QEMU's test device (binding sifive,test1) can pass on a code, the firmware (SBI SRST)
// cannot.
#include "kernel/arch/riscv64/power.h"

#include "kernel/arch/arch.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/vmap.h"
#include "kernel/arch/riscv64/machine.h"

#define TEST_FAIL 0x3333u
#define TEST_PASS 0x5555u

static volatile uint32_t *test_device;

void sbi_must(struct sbi_result result, const char *what)
{
	if (result.error != 0)
		panic("the firmware refuses a %s: SBI error %ld", what, result.error);
}

void power_init(void)
{
	uintptr_t virt;

	if (machine.power == 0)
		return;
	if (vmap_reserve(PAGE_SIZE, PAGE_SIZE, &virt) != 0 ||
	    vmap_map(virt, machine.power & ~(PAGE_SIZE - 1), PAGE_SIZE,
	             VMAP_READ | VMAP_WRITE | VMAP_DEVICE) != 0) {
		kwarn("power: no memory to map the test device: exit codes are lost");
		return;
	}
	test_device = (volatile uint32_t *)(virt + (machine.power & (PAGE_SIZE - 1)));
}

void arch_power_off(int code)
{
	uint32_t status = code == 0 ? 0 : (code > 0 && code < 256 ? (uint32_t)code : 1);

	if (status != 0 && test_device != NULL)
		*test_device = status << 16 | TEST_FAIL;
	sbi_shutdown(status != 0);
	if (test_device != NULL)
		*test_device = TEST_PASS;
	for (;;)
		__asm__ volatile("wfi");
}
