// SPDX-License-Identifier: MIT

#include "libs/linux/machine/guest_fdt.h"

#include <libfdt.h>

#include "libs/abi/system.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

#define PHANDLE_PLIC 1u
#define PHANDLE_CPU_INTC(cpu) (2u + (cpu))
#define IRQ_S_EXTERNAL 9u
#define MAX_CPUS 8u

// libfdt's errors are collected: its calls refuse to go on after the first one anyway.
struct tree {
	void *fdt;
	int error;
};

static void check(struct tree *t, int result)
{
	if (t->error == 0)
		t->error = result;
}

static void node_begin(struct tree *t, const char *name)
{
	check(t, fdt_begin_node(t->fdt, name));
}

static void node_begin_at(struct tree *t, const char *name, uint64_t unit)
{
	char full[48];

	fmt_write(full, sizeof(full), "%s@%llx", name, (unsigned long long)unit);
	node_begin(t, full);
}

static void node_end(struct tree *t)
{
	check(t, fdt_end_node(t->fdt));
}

static void prop_u32(struct tree *t, const char *name, uint32_t value)
{
	check(t, fdt_property_u32(t->fdt, name, value));
}

static void prop_u64(struct tree *t, const char *name, uint64_t value)
{
	check(t, fdt_property_u64(t->fdt, name, value));
}

static void prop_str(struct tree *t, const char *name, const char *value)
{
	check(t, fdt_property(t->fdt, name, value, (int)strlen(value) + 1));
}

// A stringlist: `bytes` holds the strings, each with its NUL.
static void prop_bytes(struct tree *t, const char *name, const void *bytes, size_t len)
{
	check(t, fdt_property(t->fdt, name, bytes, (int)len));
}

static void prop_empty(struct tree *t, const char *name)
{
	check(t, fdt_property(t->fdt, name, "", 0));
}

static void prop_reg(struct tree *t, uint64_t start, uint64_t size)
{
	fdt64_t reg[2] = { cpu_to_fdt64(start), cpu_to_fdt64(size) };

	prop_bytes(t, "reg", reg, sizeof(reg));
}

static void write_chosen(struct tree *t, const struct guest_fdt_config *config)
{
	node_begin(t, "chosen");
	prop_str(t, "bootargs", config->bootargs);
	if (config->initrd_end > config->initrd_start) {
		prop_u64(t, "linux,initrd-start", config->initrd_start);
		prop_u64(t, "linux,initrd-end", config->initrd_end);
	}
	if (config->rng_seed.len > 0)
		prop_bytes(t, "rng-seed", config->rng_seed.data, config->rng_seed.len);
	node_end(t);
}

// The names, each with its NUL, one after the other; returns their length.
static size_t write_extensions(uint32_t features, char *out, size_t size)
{
	static const struct {
		uint32_t feature;
		const char *name;
	} optional[] = {
		{ HART_SSTC, "sstc" },
		{ HART_SVVPTC, "svvptc" },
	};
	static const char always[] = "i\0m\0a\0f\0d\0c\0zicsr\0zifencei\0zicntr";
	size_t len = sizeof(always);

	memcpy(out, always, len);
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		if (features & optional[i].feature)
			len += fmt_write(out + len, size - len, "%s", optional[i].name) + 1;
	return len;
}

static void write_cpu(struct tree *t, const struct guest_fdt_config *config, uint32_t cpu)
{
	char extensions[96];
	size_t len = write_extensions(config->hart_features, extensions, sizeof(extensions));

	node_begin_at(t, "cpu", cpu);
	prop_str(t, "device_type", "cpu");
	prop_str(t, "compatible", "riscv");
	prop_u32(t, "reg", cpu);
	prop_str(t, "status", "okay");
	prop_str(t, "mmu-type", "riscv,sv39");
	// The old form for kernels before 6.7, the new one for those without RISCV_ISA_FALLBACK.
	prop_str(t, "riscv,isa",
	         config->hart_features & HART_SSTC ? "rv64imafdc_zicsr_zifencei_sstc"
	                                           : "rv64imafdc_zicsr_zifencei");
	prop_str(t, "riscv,isa-base", "rv64i");
	prop_bytes(t, "riscv,isa-extensions", extensions, len);
	node_begin(t, "interrupt-controller");
	prop_u32(t, "#interrupt-cells", 1);
	prop_empty(t, "interrupt-controller");
	prop_str(t, "compatible", "riscv,cpu-intc");
	prop_u32(t, "phandle", PHANDLE_CPU_INTC(cpu));
	node_end(t);
	node_end(t);
}

static void write_cpus(struct tree *t, const struct guest_fdt_config *config)
{
	node_begin(t, "cpus");
	prop_u32(t, "#address-cells", 1);
	prop_u32(t, "#size-cells", 0);
	prop_u32(t, "timebase-frequency", (uint32_t)config->timebase_hz);
	for (uint32_t i = 0; i < config->num_cpus; i++)
		write_cpu(t, config, i);
	node_end(t);
}

static void write_plic(struct tree *t, const struct guest_fdt_config *config)
{
	static const char compatible[] = "starina,plic\0sifive,plic-1.0.0\0riscv,plic0";
	fdt32_t extended[2 * MAX_CPUS];

	for (uint32_t i = 0; i < config->num_cpus; i++) {
		extended[2 * i] = cpu_to_fdt32(PHANDLE_CPU_INTC(i));
		extended[2 * i + 1] = cpu_to_fdt32(IRQ_S_EXTERNAL);
	}
	node_begin_at(t, "plic", config->plic_start);
	prop_bytes(t, "compatible", compatible, sizeof(compatible));
	prop_reg(t, config->plic_start, config->plic_size);
	prop_u32(t, "#interrupt-cells", 1);
	prop_u32(t, "#address-cells", 0);
	prop_empty(t, "interrupt-controller");
	prop_bytes(t, "interrupts-extended", extended, config->num_cpus * 2 * sizeof(extended[0]));
	prop_u32(t, "riscv,ndev", config->plic_sources);
	prop_u32(t, "phandle", PHANDLE_PLIC);
	node_end(t);
}

// Right beneath the root, without a bus: a guest looks through the tree some forty times byte by
// byte before it has unpacked it, and makes a device of each node, so that short names and few
// nodes and properties pay.
static void write_devices(struct tree *t, const struct guest_fdt_config *config)
{
	write_plic(t, config);
	for (uint32_t i = 0; i < config->num_virtio; i++) {
		uint64_t start = config->virtio_start + config->virtio_stride * i;

		node_begin_at(t, "virtio", start);
		prop_str(t, "compatible", "virtio,mmio");
		prop_reg(t, start, config->virtio_size);
		prop_u32(t, "interrupts", i + 1);
		prop_u32(t, "interrupt-parent", PHANDLE_PLIC);
		node_end(t);
	}
}

error_t guest_fdt_write(const struct guest_fdt_config *config, struct mut_span out, size_t *size)
{
	struct tree t = { .fdt = out.data };

	if (config->num_cpus == 0 || config->num_cpus > MAX_CPUS)
		return ERR_TOO_LARGE;
	// What libfdt has not begun it must not look at.
	if (out.len > INT32_MAX || fdt_create(t.fdt, (int)out.len) != 0)
		return ERR_TOO_LARGE;
	check(&t, fdt_finish_reservemap(t.fdt));
	node_begin(&t, "");
	prop_u32(&t, "#address-cells", 2);
	prop_u32(&t, "#size-cells", 2);
	prop_str(&t, "compatible", "starina,vm");
	prop_str(&t, "model", "starina,vm");
	write_chosen(&t, config);
	write_cpus(&t, config);
	node_begin_at(&t, "memory", config->memory_start);
	prop_str(&t, "device_type", "memory");
	prop_reg(&t, config->memory_start, config->memory_size);
	node_end(&t);
	write_devices(&t, config);
	node_end(&t);
	check(&t, fdt_finish(t.fdt));
	if (t.error != 0)
		return ERR_TOO_LARGE;
	*size = fdt_totalsize(t.fdt);
	return 0;
}
