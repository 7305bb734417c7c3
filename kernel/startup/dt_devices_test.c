// SPDX-License-Identifier: MIT
//
// Interrupt controllers, buses and devices out of device trees of machines that QEMU does not make.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "kernel/debug/log.h"
#include "kernel/sched/sched.h"
#include "kernel/startup/device_tree.h"
#include "kernel/startup/device_tree_private.h"
#include "kernel/startup/devices.h"

#define INTC(hart) (10 + (hart))
#define CONTROLLER 1u
#define OTHER 2u
#define IMSIC_M 3u
#define IMSIC_S 4u

struct machine machine;
struct hart harts[MAX_HARTS];
uint32_t num_harts;

static uint8_t tree[8192];
static unsigned warnings;
// A virtio slot with a block device in it, whatever its address.
static uint32_t slot[64] = { [0] = 0x74726976u, [2] = 2 };

void *page_to_virt(paddr_t paddr)
{
	(void)paddr;
	return slot;
}

void klog(enum log_level level, const char *format, ...)
{
	(void)format;
	if (level <= LOG_WARN)
		warnings++;
}

static void cells(const char *name, unsigned count, const uint32_t *values)
{
	uint32_t big_endian[32];

	for (unsigned i = 0; i < count; i++)
		big_endian[i] = cpu_to_fdt32(values[i]);
	assert_int_equal(fdt_property(tree, name, big_endian, (int)count * 4), 0);
}

#define CELLS(name, ...) \
	cells(name, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, (uint32_t[]){ __VA_ARGS__ })

static void begin(const char *name)
{
	assert_int_equal(fdt_begin_node(tree, name), 0);
}

static void end(void)
{
	assert_int_equal(fdt_end_node(tree), 0);
}

static void string(const char *name, const char *value)
{
	assert_int_equal(fdt_property_string(tree, name, value), 0);
}

static void flag(const char *name)
{
	assert_int_equal(fdt_property(tree, name, "", 0), 0);
}

// The root, with `count` harts whose ids are 4, 5, 6...
static void begin_tree(uint32_t count)
{
	memset(&machine, 0, sizeof(machine));
	memset(harts, 0, sizeof(harts));
	num_devices = 0;
	warnings = 0;
	num_harts = count;
	assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
	assert_int_equal(fdt_finish_reservemap(tree), 0);
	begin("");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	begin("cpus");
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 0);
	for (uint32_t i = 0; i < count; i++) {
		char name[] = "cpu@4";

		name[4] = (char)('4' + i);
		harts[i].firmware_id = 4 + i;
		begin(name);
		CELLS("reg", 4 + i);
		begin("interrupt-controller");
		CELLS("phandle", INTC(i));
		end();
		end();
	}
	end();
}

static void end_tree(void)
{
	end();
	assert_int_equal(fdt_finish(tree), 0);
	assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
	dt_init_irq_chip(tree);
	dt_init_devices(tree);
}

static void add_plic(void)
{
	begin("plic@c000000");
	string("compatible", "sifive,plic-1.0.0");
	flag("interrupt-controller");
	CELLS("#interrupt-cells", 1);
	CELLS("reg", 0, 0xc000000, 0, 0x600000);
	CELLS("riscv,ndev", 95);
	CELLS("phandle", CONTROLLER);
	// Hart 4 has M-mode only; of hart 5 and 6 M and S.
	CELLS("interrupts-extended", INTC(0), 11, INTC(1), 11, INTC(1), 9, INTC(2), 11, INTC(2), 9);
	end();
}

// An APLIC whose registers are named to the byte, wired to hart 0.
static void read_small_aplic(uint32_t at)
{
	begin_tree(1);
	begin("aplic");
	string("compatible", "riscv,aplic");
	flag("interrupt-controller");
	CELLS("reg", 0, at, 0, 0x4020);
	CELLS("phandle", CONTROLLER);
	CELLS("riscv,num-sources", 60);
	CELLS("interrupts-extended", INTC(0), 9);
	end();
	end_tree();
}

static void test_registers_are_whole_pages(void **state)
{
	(void)state;
	read_small_aplic(0xd000000);
	assert_int_equal(machine.irq_chip.kind, IRQ_CHIP_APLIC);
	assert_int_equal(machine.irq_chip.base, 0xd000000);
	assert_int_equal(machine.irq_chip.size, 0x5000);
	// There is no such APLIC.
	read_small_aplic(0xd000800);
	assert_int_equal(machine.irq_chip.kind, IRQ_CHIP_NONE);
}

static void begin_bus(const char *name)
{
	begin(name);
	string("compatible", "simple-bus");
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 1);
}

static void add_virtio(const char *name, uint32_t at, uint32_t irq)
{
	begin(name);
	string("compatible", "virtio,mmio");
	CELLS("reg", at, 0x200);
	CELLS("interrupts", irq);
	end();
}

static void test_plic_contexts(void **state)
{
	(void)state;
	begin_tree(3);
	add_plic();
	end_tree();
	assert_int_equal(machine.irq_chip.kind, IRQ_CHIP_PLIC);
	assert_int_equal(machine.irq_chip.base, 0xc000000);
	assert_int_equal(machine.irq_chip.num_irqs, 95);
	assert_false(harts[0].arch.has_irq_target);
	assert_true(harts[1].arch.has_irq_target && harts[2].arch.has_irq_target);
	assert_int_equal(harts[1].arch.irq_target, 2);
	assert_int_equal(harts[2].arch.irq_target, 4);
	// No app is given the controller.
	assert_int_equal(num_devices, 1);
	assert_true(devices[0].claimed);
}

static void test_no_controller(void **state)
{
	(void)state;
	begin_tree(1);
	end_tree();
	assert_int_equal(machine.irq_chip.kind, IRQ_CHIP_NONE);
	assert_int_equal(warnings, 1);
}

static void add_imsic(const char *name, uint32_t at, uint32_t interrupt, uint32_t phandle,
                      uint32_t num_ids)
{
	begin(name);
	string("compatible", "riscv,imsics");
	flag("interrupt-controller");
	CELLS("phandle", phandle);
	CELLS("riscv,num-ids", num_ids);
	CELLS("riscv,guest-index-bits", 1);
	CELLS("riscv,hart-index-bits", 2);
	CELLS("riscv,group-index-bits", 1);
	CELLS("riscv,group-index-shift", 24);
	// Two groups: the first of two harts (with a guest's file each), the second of one.
	CELLS("reg", 0, at, 0, 0x4000, 0, at + 0x1000000, 0, 0x2000);
	CELLS("interrupts-extended", INTC(0), interrupt, INTC(1), interrupt, INTC(2), interrupt);
	end();
}

static void add_aplic(const char *name, uint32_t at, uint32_t imsic, uint32_t phandle)
{
	begin(name);
	string("compatible", "riscv,aplic");
	flag("interrupt-controller");
	CELLS("reg", 0, at, 0, 0x8000);
	CELLS("phandle", phandle);
	CELLS("#interrupt-cells", 2);
	CELLS("riscv,num-sources", 60);
	CELLS("msi-parent", imsic);
	end();
}

// There are no more interrupt identities than an IMSIC has registers for.
static void test_imsic_of_too_many(void **state)
{
	(void)state;
	begin_tree(3);
	add_imsic("imsics@28000000", 0x28000000, 9, IMSIC_S, UINT32_MAX);
	add_aplic("aplic@d000000", 0xd000000, IMSIC_S, CONTROLLER);
	end_tree();
	assert_int_equal(machine.irq_chip.kind, IRQ_CHIP_APLIC_MSI);
	assert_int_equal(machine.irq_chip.num_ids, 2047);
}

static void test_imsics_in_groups(void **state)
{
	(void)state;
	begin_tree(3);
	add_imsic("imsics@24000000", 0x24000000, 11, IMSIC_M, 127);
	add_imsic("imsics@28000000", 0x28000000, 9, IMSIC_S, 127);
	// M-mode's domain comes first, and is not taken.
	add_aplic("aplic@c000000", 0xc000000, IMSIC_M, OTHER);
	add_aplic("aplic@d000000", 0xd000000, IMSIC_S, CONTROLLER);
	end_tree();
	assert_int_equal(machine.irq_chip.kind, IRQ_CHIP_APLIC_MSI);
	assert_int_equal(machine.irq_chip.base, 0xd000000);
	assert_int_equal(machine.irq_chip.phandle, CONTROLLER);
	assert_int_equal(machine.irq_chip.num_ids, 127);
	assert_int_equal(harts[0].arch.irq_target, 0);
	assert_int_equal(harts[1].arch.irq_target, 1);
	// Hart 0 of group 1.
	assert_int_equal(harts[2].arch.irq_target, 1 << 2);
}

static void test_buses_translate(void **state)
{
	(void)state;
	begin_tree(3);
	add_plic();
	begin_bus("bus@10000000");
	CELLS("interrupt-parent", CONTROLLER);
	CELLS("ranges", 0x1000, 0, 0x10001000, 0x1000, 0x8000, 0, 0x20000000, 0x1000);
	add_virtio("virtio@1000", 0x1000, 7);
	add_virtio("virtio@8e00", 0x8e00, 8);
	add_virtio("virtio@8f00", 0x8f00, 9);    // reaches past the range
	add_virtio("virtio@30000", 0x30000, 9);  // in none
	begin_bus("bus@8000");
	flag("ranges");
	add_virtio("virtio@8200", 0x8200, 10);
	end();
	begin_bus("closed");
	add_virtio("virtio@8400", 0x8400, 11);  // passes nothing on
	end();
	end();
	end_tree();
	assert_int_equal(num_devices, 4);
	assert_int_equal(devices[1].reg_base, 0x10001000);
	assert_int_equal(devices[1].irq, 7);
	assert_string_equal(devices[1].compatible[0], "virtio,device2");
	assert_int_equal(devices[2].reg_base, 0x20000e00);
	assert_int_equal(devices[3].reg_base, 0x20000200);
	assert_int_equal(devices[3].irq, 10);
}

static void test_interrupts_of_others(void **state)
{
	(void)state;
	begin_tree(3);
	add_plic();
	begin_bus("bus@0");
	flag("ranges");
	CELLS("interrupt-parent", OTHER);
	add_virtio("virtio@1000", 0x1000, 7);
	begin("virtio@2000");
	string("compatible", "virtio,mmio");
	CELLS("reg", 0x2000, 0x200);
	CELLS("interrupts-extended", CONTROLLER, 12);
	end();
	end();
	end_tree();
	assert_int_equal(num_devices, 3);
	assert_int_equal(devices[1].irq, 0);
	assert_int_equal(devices[2].irq, 12);
}

static void test_dma_past_the_caches(void **state)
{
	(void)state;
	begin_tree(3);
	add_plic();
	begin_bus("bus@0");
	flag("ranges");
	flag("dma-noncoherent");
	add_virtio("virtio@1000", 0x1000, 7);
	begin("rtc@3000");
	string("compatible", "google,goldfish-rtc");
	CELLS("reg", 0x3000, 0x200);
	end();
	end();
	end_tree();
	// What reaches no memory by itself may be there.
	assert_int_equal(num_devices, 2);
	assert_string_equal(devices[1].compatible[0], "google,goldfish-rtc");
	assert_int_equal(warnings, 1);
}

// An app may read what is typed at a UART with registers of a byte side by side, and at no other
// that the log goes to.
static void test_consoles(void **state)
{
	(void)state;
	for (uint32_t shift = 0; shift <= 2; shift += 2) {
		begin_tree(1);
		begin("serial");
		string("compatible", "ns16550a");
		CELLS("reg", 0, 0x10000000, 0, 0x100);
		end();
		machine.uart = 0x10000000;
		machine.uart_io_width = 1;
		machine.uart_reg_shift = shift;
		end_tree();
		assert_int_equal(num_devices, 1);
		assert_string_equal(devices[0].compatible[0], "ns16550a");
		assert_int_equal(devices[0].claimed, shift != 0);
		assert_true(devices[0].is_console);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plic_contexts),
		cmocka_unit_test(test_no_controller),
		cmocka_unit_test(test_registers_are_whole_pages),
		cmocka_unit_test(test_imsic_of_too_many),
		cmocka_unit_test(test_imsics_in_groups),
		cmocka_unit_test(test_buses_translate),
		cmocka_unit_test(test_interrupts_of_others),
		cmocka_unit_test(test_dma_past_the_caches),
		cmocka_unit_test(test_consoles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
