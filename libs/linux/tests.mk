# SPDX-License-Identifier: MIT
HOST_TESTS += $(addprefix libs/linux/,machine/plic_test machine/mmio_bus_test machine/guest_fdt_test vm/control_link_test \
	disk/disk_cache_test disk/disk_pump_test)
plic_test_SRCS := libs/linux/machine/plic.c
mmio_bus_test_SRCS := libs/linux/machine/mmio_bus.c
guest_fdt_test_SRCS := libs/linux/machine/guest_fdt.c libs/linux/machine/kernel_image.c libs/base/fmt.c libs/base/span.c \
	$(patsubst %,third_party/libfdt/%.c,fdt fdt_ro fdt_sw fdt_strerror fdt_wip fdt_check)
guest_fdt_test_CFLAGS := -Wno-conversion -Wno-sign-conversion -Wno-shadow
control_link_test_SRCS := libs/linux/vm/control_link.c libs/base/span.c libs/starina/heap_fake.c
disk_pump_test_SRCS := libs/linux/disk/disk_fake.c libs/linux/disk/disk_pump.c
disk_cache_test_SRCS := libs/linux/disk/disk_fake.c libs/linux/disk/disk_cache.c libs/linux/machine/loader.c
# A container over fakes of the machine and the guest.
GUEST_CONTAINER_SRCS := $(patsubst %,libs/linux/%.c,run/guest_fake vm/vm_fake run/guest_container run/guest_container_end run/guest_container_control run/guest_process run/guest_process_streams run/guest_query vm/vm vm/vm_end vm/vm_boot \
	vm/vm_root vm/vm_writable vm/vm_console vm/control_link machine/kernel_image) \
	$(patsubst %,libs/virtio/%.c,device_queue device_mmio device_console device_blk device_rng device_balloon device_net \
		device_net_header) \
	libs/base/span.c libs/base/fmt.c libs/base/string.c $(patsubst %,libs/starina/%.c,log log_fake heap_fake)
HOST_TESTS += $(patsubst %,libs/linux/run/%_test,guest_container guest_container_network guest_container_disk guest_container_warm guest_process guest_query)
guest_container_test_SRCS := $(GUEST_CONTAINER_SRCS)
guest_container_network_test_SRCS := $(GUEST_CONTAINER_SRCS)
guest_container_disk_test_SRCS := $(GUEST_CONTAINER_SRCS)
guest_container_warm_test_SRCS := $(GUEST_CONTAINER_SRCS)
guest_process_test_SRCS := $(GUEST_CONTAINER_SRCS)
guest_query_test_SRCS := $(GUEST_CONTAINER_SRCS)
HOST_TESTS += libs/linux/pool/pool_test
pool_test_SRCS := $(patsubst %,libs/linux/%.c,pool/pool pool/warm_vm pool/vm_supply vm/control_link) libs/base/span.c libs/base/fmt.c libs/base/string.c \
	$(patsubst %,libs/starina/%.c,log log_fake heap_fake)
HOST_TESTS += libs/linux/vm/vm_net_test
vm_net_test_SRCS := libs/linux/vm/vm_net_fake.c libs/linux/vm/vm_net.c \
	$(patsubst %,libs/virtio/%.c,device_queue device_mmio device_net device_net_header) \
	libs/base/span.c libs/base/fmt.c libs/base/string.c $(patsubst %,libs/starina/%.c,payload log log_fake)
HOST_TESTS += libs/linux/image/image_index_test
image_index_test_SRCS := libs/json/json.c $(patsubst %,libs/linux/%.c,image/image_index image/image_name image/platform image/string_list) libs/base/span.c libs/base/string.c libs/starina/heap_fake.c
HOST_FUZZERS += libs/linux/image/image_index_fuzz
image_index_fuzz_SRCS := $(image_index_test_SRCS)
HOST_TESTS += libs/linux/api/socket_relay_test
socket_relay_test_SRCS := libs/linux/api/socket_relay.c
HOST_FUZZERS += libs/linux/api/socket_relay_fuzz
socket_relay_fuzz_SRCS := libs/linux/api/socket_relay.c $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,string fmt span)
HOST_FUZZERS += libs/linux/machine/plic_fuzz libs/linux/machine/guest_fdt_fuzz libs/linux/vm/control_link_fuzz
plic_fuzz_SRCS := libs/linux/machine/plic.c libs/linux/machine/mmio_bus.c libs/base/span.c
guest_fdt_fuzz_SRCS := $(guest_fdt_test_SRCS)
guest_fdt_fuzz_CFLAGS := $(guest_fdt_test_CFLAGS)
guest_fdt_fuzz_SLOWER := 4
control_link_fuzz_SRCS := $(filter-out %_fake.c,$(control_link_test_SRCS))
HOST_FUZZERS += libs/linux/vm/vm_net_fuzz
vm_net_fuzz_SRCS := $(vm_net_test_SRCS) libs/virtio/second_hart_fake.c
vm_net_fuzz_LIBS := -lcmocka
HOST_FUZZERS += libs/linux/disk/disk_device_fuzz
disk_device_fuzz_SRCS := $(patsubst %,libs/linux/disk/%.c,disk_fake disk_pump disk_cache) libs/base/span.c \
	$(patsubst %,libs/virtio/%.c,device_queue device_mmio device_blk second_hart_fake)
disk_device_fuzz_LIBS := -lcmocka
HOST_FUZZERS += libs/linux/run/guest_container_fuzz
guest_container_fuzz_SRCS := $(GUEST_CONTAINER_SRCS)
guest_container_fuzz_LIBS := -lcmocka
guest_container_fuzz_SLOWER := 5
HOST_TESTS += libs/linux/api/task_streams_test
task_streams_test_SRCS := libs/linux/api/task_streams.c $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,string fmt span)
HOST_FUZZERS += libs/linux/vm/boot_disk_fuzz
boot_disk_fuzz_SRCS := $(patsubst %,libs/linux/%.c,disk/disk machine/loader vm/boot_disk) $(patsubst %,libs/boot_files/%.c,ustar boot_disk_fake) $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,string fmt span)
HOST_TESTS += libs/linux/vm/boot_disk_test
boot_disk_test_SRCS := $(boot_disk_fuzz_SRCS)
VM_FILES_SRCS := $(patsubst %,libs/linux/vm/%.c,vm_files vm_files_ahead vm_files_forget vm_files_ids vm_files_later vm_files_loan vm_files_nodes vm_files_reply vm_files_root vm_files_session vm_files_timer) libs/starina/opener.c $(patsubst %,libs/virtio/%.c,device_queue device_mmio device_fs second_hart_fake) \
	$(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
HOST_FUZZERS += libs/linux/vm/vm_files_fuzz
vm_files_fuzz_SRCS := $(VM_FILES_SRCS)
HOST_TESTS += $(patsubst %,libs/linux/vm/vm_files_%,test ahead_test session_test nodes_test)
vm_files_nodes_test_SRCS := libs/linux/vm/vm_files_nodes.c
vm_files_test_SRCS := $(VM_FILES_SRCS)
vm_files_ahead_test_SRCS := $(VM_FILES_SRCS)
vm_files_session_test_SRCS := $(VM_FILES_SRCS)
HOST_TESTS += libs/linux/api/container_exec_test
container_exec_test_SRCS := libs/linux/api/container_exec.c $(patsubst %,libs/%.c,json/json starina/heap_fake base/fmt base/span base/string)
