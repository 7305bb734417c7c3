# SPDX-License-Identifier: MIT
HOST_TESTS += libs/linux/plic_test libs/linux/mmio_bus_test libs/linux/guest_fdt_test libs/linux/control_link_test \
	libs/linux/disk_cache_test libs/linux/disk_pump_test
plic_test_SRCS := libs/linux/plic.c
mmio_bus_test_SRCS := libs/linux/mmio_bus.c
guest_fdt_test_SRCS := libs/linux/guest_fdt.c libs/linux/kernel_image.c libs/base/fmt.c libs/base/span.c \
	$(patsubst %,third_party/libfdt/%.c,fdt fdt_ro fdt_sw fdt_strerror fdt_wip fdt_check)
guest_fdt_test_CFLAGS := -Wno-conversion -Wno-sign-conversion -Wno-shadow
control_link_test_SRCS := libs/linux/control_link.c libs/base/span.c
disk_pump_test_SRCS := libs/linux/disk_fake.c libs/linux/disk_pump.c
disk_cache_test_SRCS := libs/linux/disk_fake.c libs/linux/disk_cache.c libs/linux/loader.c
# A container over fakes of the machine and the guest.
GUEST_CONTAINER_SRCS := $(patsubst %,libs/linux/%.c,guest_fake vm_fake guest_container guest_container_control vm vm_boot vm_root vm_writable \
	vm_ports control_link kernel_image) \
	$(patsubst %,libs/virtio/%.c,device_queue device_mmio device_console device_blk device_rng device_balloon device_net \
		device_net_header) \
	libs/base/span.c libs/base/fmt.c libs/base/string.c libs/starina/log.c
HOST_TESTS += $(patsubst %,libs/linux/%_test,guest_container guest_container_network guest_container_disk guest_container_warm)
guest_container_test_SRCS := $(GUEST_CONTAINER_SRCS)
guest_container_network_test_SRCS := $(GUEST_CONTAINER_SRCS)
guest_container_disk_test_SRCS := $(GUEST_CONTAINER_SRCS)
guest_container_warm_test_SRCS := $(GUEST_CONTAINER_SRCS)
HOST_TESTS += libs/linux/pool_test
pool_test_SRCS := $(patsubst %,libs/linux/%.c,pool warm_vm control_link) libs/base/span.c libs/base/fmt.c libs/base/string.c \
	libs/starina/log.c
HOST_TESTS += libs/linux/vm_net_test
vm_net_test_SRCS := libs/linux/vm_net_fake.c libs/linux/vm_net.c \
	$(patsubst %,libs/virtio/%.c,device_queue device_mmio device_net device_net_header) \
	libs/base/span.c libs/base/fmt.c libs/base/string.c libs/starina/payload.c libs/starina/log.c
HOST_TESTS += libs/linux/image_index_test
image_index_test_SRCS := $(patsubst %,libs/linux/%.c,image_index image_name json string_list) libs/base/span.c libs/base/string.c
HOST_FUZZERS += libs/linux/image_index_fuzz
image_index_fuzz_SRCS := $(image_index_test_SRCS)
