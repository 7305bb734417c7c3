# SPDX-License-Identifier: MIT
"""A guest that attacks its VMM by all that it has (programs/vm_attack.c): it ends itself alone, and the status page goes on answering."""

import http.client
import subprocess

from harness import ERROR_STATUS, ROOT, Log, Result, check, check_equal, free_port, test
from net_machine import get_status, wait_for_page
from oci import write_layout
from probe import probe_image

# Where the VMM loads a kernel whose header says 2 MiB.
LINKER_SCRIPT = """
SECTIONS {
	. = 0x80200000;
	.image : { *(.head) *(.text*) *(.rodata*) *(.srodata*) *(.data*) *(.sdata*) *(.bss*) *(.sbss*) }
	/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame*) *(.riscv.attributes) }
}
"""


def attack_kernel(context):
    script, elf, image = (context.scratch / name for name in ("attack.ld", "attack.elf", "Image"))
    script.write_text(LINKER_SCRIPT, encoding="ascii")
    subprocess.run(["riscv64-linux-gnu-gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-march=rv64gc",
                    "-ffreestanding", "-nostdlib", "-static", "-fno-pic", "-mcmodel=medany", "-mno-relax",
                    "-fno-stack-protector", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments", f"-Wl,-T,{script}",
                    "-o", elf, ROOT / "tools/e2e/programs/vm_attack.c"], check=True)
    subprocess.run(["riscv64-linux-gnu-objcopy", "-O", "binary", elf, image], check=True)
    return image


def answers(process, url):
    """How often the status page answers until run.sh ends. Each request has to be answered as long as it runs."""
    count = 0
    while process.poll() is None:
        try:
            get_status(url)
            count += 1
        except (OSError, http.client.HTTPException):  # gone with its machine
            process.wait()
    return count


@test
def a_guest_that_attacks(context):
    write_layout(context.scratch / "image", probe_image(context, "exit", 0))
    port = free_port()
    process = context.start(LINUXRUN_IMAGE="oci://image", LINUXRUN_KERNEL=attack_kernel(context), LINUXRUN_MEMORY="64M",
                            LINUXRUN_CPUS=2, STARINA_HTTP_PORT=port)
    log = Log(process.stderr)
    wait_for_page(log)
    count = answers(process, f"http://127.0.0.1:{port}/")
    result = Result(process.returncode, process.stdout.read(), log.whole().encode())
    check_equal(result.status, ERROR_STATUS, result)
    check("guest: attack done" in result.stderr, result)
    check("powered off before its container ended" in result.stderr, result)
    check("panic" not in result.stderr and "ended by a fault" not in result.stderr, result)
    check(count >= 5, f"the status page answered {count} times only\n{result}")
