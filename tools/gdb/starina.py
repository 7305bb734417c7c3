# SPDX-License-Identifier: MIT
"""GDB commands that show the state of a running Starina kernel: `starina`, and what `help starina` lists.

They read the kernel's own structures (kernel/object/*.h, kernel/sched/sched.h) while the machine is stopped; nothing is
called or changed in it. Memory may be damaged when one debugs, so lists are followed with a limit and what cannot be read
is reported in place.
"""

import os
import pathlib
import re

import gdb

LIST_LIMIT = 100000
STACK_LIMIT = 64
QUEUE_SHOWN = 8


def value(expression):
    """The value of an expression; an error that says what is missing when the kernel does not have it."""
    try:
        return gdb.parse_and_eval(expression)
    except gdb.error as error:
        raise gdb.GdbError(f"cannot read {expression}: {error} (is this a Starina kernel with debug information?)")


def address(pointer):
    return int(pointer) & 0xFFFFFFFFFFFFFFFF


def container(entry, struct_type, member):
    """The struct that holds the list entry at address `entry`."""
    offset = next(f.bitpos // 8 for f in struct_type.fields() if f.name == member)
    return gdb.Value(entry - offset).cast(struct_type.pointer()).dereference()


def walk(head, struct_type, member):
    """The structs in an intrusive list with a sentinel."""
    start = address(head.address)
    entry = address(head["next"])
    for _ in range(LIST_LIMIT):
        if entry in (start, 0):
            return
        item = container(entry, struct_type, member)
        yield item
        entry = address(item[member]["next"])
    print(f"  (list at {start:#x} does not end: damaged?)")


def kernel_type(name):
    """A type as kernel/object/ knows it (an app may have one of the same name)."""
    for function in ("object_free", "kmain"):
        symbol = gdb.lookup_global_symbol(function)
        if symbol is not None:
            try:
                return gdb.lookup_type(name, symbol.symtab.static_block())
            except gdb.error:
                pass
    try:
        return gdb.lookup_type(name)
    except gdb.error:
        raise gdb.GdbError(f"there is no {name}: is this a Starina kernel with debug information?")


def enum_name(v, prefix):
    text = str(v)
    return text[len(prefix):].lower().replace("_", " ") if text.startswith(prefix) else text


def text(v):
    try:
        return v.string(errors="replace")
    except (gdb.error, UnicodeError):
        return "?"


def rights(bits):
    names = ("read", "write", "poll", "map", "transfer", "duplicate", "control")
    return " ".join(n for i, n in enumerate(names) if bits & (1 << i)) or "none"


def where(pc):
    """`function+offset (file:line)` of an address."""
    name = "?"
    try:
        info = gdb.execute(f"info symbol {pc:#x}", to_string=True).strip()
        if not info.startswith("No symbol"):
            name = info.split(" in section")[0].replace(" + ", "+")
    except gdb.error:
        pass
    line = gdb.find_pc_line(pc)
    return f"{name} ({line.symtab.filename}:{line.line})" if line.symtab else name


# --- Walking the kernel's structures ---


def processes():
    process = kernel_type("struct process")
    yield from walk(value("all_processes"), process, "all_entry")


def find_process(argument):
    """A process by id or name."""
    found = [p for p in processes() if argument in (str(int(p["id"])), text(p["name"]))]
    if not found:
        raise gdb.GdbError(f"no process '{argument}'; see: starina processes")
    return found[-1]


def threads_of(process):
    yield from walk(process["threads"], kernel_type("struct thread"), "process_entry")


def harts():
    table = value("harts")
    for index in range(int(value("num_harts"))):
        yield table[index]


def handles_of(process):
    """(handle, slot) of each handle in use."""
    table = process["handles"]
    capacity = int(table["capacity"])
    if not address(table["slots"]):
        return
    for index in range(1, min(capacity, 65536)):
        slot = table["slots"][index]
        if address(slot["object"]):
            yield index | int(slot["generation"]) << 16, slot


# --- Backtraces ---


class Registers:
    """pc and frame pointer of each hart, by the thread that its tp points to."""

    def __init__(self):
        self.by_tp = {}
        selected = gdb.selected_thread()
        frame = gdb.selected_frame()
        for hart in gdb.selected_inferior().threads():
            hart.switch()
            newest = gdb.newest_frame()
            tp, pc, fp, ra = (address(newest.read_register(r)) for r in ("tp", "pc", "fp", "ra"))
            self.by_tp[tp] = (hart.num, pc, fp, ra)
        if selected:
            selected.switch()
            frame.select()

    def of(self, thread):
        return self.by_tp.get(address(thread.address))


def read_word(at):
    data = gdb.selected_inferior().read_memory(at, 8)
    return int.from_bytes(bytes(data), "little")


def backtrace(pc, fp, ra=0, indent="      "):
    """Prints the chain of frame pointers that starts at (pc, fp); the kernel and the apps are built with them.

    A function that calls nothing saves no return address, just the frame pointer, in its place: with `ra` given, the
    first frame may be one of these."""
    for depth in range(STACK_LIMIT):
        # A return address is after its call; the call is what one wants to see.
        print(f"{indent}#{depth:<2} {pc:#018x} {where(pc - (1 if depth else 0))}")
        if fp == 0 or fp % 8 != 0:
            return
        try:
            pc, next_fp = read_word(fp - 8), read_word(fp - 16)
            if depth == 0 and ra and fp <= pc < fp + 65536:
                pc, next_fp = ra, pc
        except gdb.MemoryError:
            print(f"{indent}    (frame at {fp:#x} cannot be read)")
            return
        if pc == 0 or next_fp == fp:
            return
        fp = next_fp
    print(f"{indent}    (more than {STACK_LIMIT} frames)")


def show_thread(thread, registers, frames):
    state = enum_name(thread["state"], "THREAD_")
    running = registers.of(thread)
    hart = f"hart {int(thread['hart'])}"
    print(f"  thread {int(thread['id'])}  {state}, {hart}  (struct thread *){address(thread.address):#x}")
    if not frames:
        return
    if running:
        number, pc, fp, ra = running
        print(f"      running now; gdb thread {number}")
        backtrace(pc, fp, ra)
    elif state == "running":
        print("      running in a guest, the firmware or a trap: see gdb's `info threads`")
    elif bool(thread["fresh"]):
        print("      has not run yet")
    elif state != "dead":
        context = thread["arch"]["context"]
        backtrace(address(context["ra"]), address(context["fp"]))


# --- Objects ---


def object_type(obj):
    return enum_name(obj["ops"]["type"], "OBJECT_")


def message_names():
    """Number to name, from the tables of message types in libs/abi/."""
    names = {}
    root = pathlib.Path(os.environ.get("STARINA_ROOT", "."))  # debug.sh sets it
    for header in sorted((root / "libs" / "abi").glob("*.h")):
        rows = re.findall(r"\bX\((\w+),\s*\w+,\s*(\d+),\s*\w+,\s*\w+\)", header.read_text())
        names.update({int(number): name.lower() for name, number in rows})
    return names


def owners():
    """For each object's address, the handles that name it: (process name, handle)."""
    found = {}
    for process in processes():
        for handle, slot in handles_of(process):
            found.setdefault(address(slot["object"]), []).append((text(process["name"]), handle))
    return found


def owner_text(obj, found):
    names = [f"{name}:{handle:#x}" for name, handle in found.get(address(obj.address), [])]
    return ", ".join(names) or "no process"


def show_queue(end, names):
    """The messages that this end will receive, oldest first."""
    message = end["head"]
    for count in range(LIST_LIMIT):
        if not address(message):
            return
        if count == QUEUE_SHOWN:
            print(f"        ... {int(end['queued']) - count} more")
            return
        header = message["header"]
        kind, length = int(header["type"]), int(header["len"])
        shown = min(length, 32)
        data = bytes(int(message["data"][i]) for i in range(shown))
        tail = "..." if length > shown else ""
        handles = int(header["num_handles"])
        print(f"        {names.get(kind, 'type')} ({kind}), {length} bytes, {handles} handles: {data!r}{tail}")
        message = message["next"]


def show_channel(end, found, names):
    peer = end["peer"].dereference()
    print(f"  channel (struct channel *){address(end['channel']):#x}")
    for side in (end, peer):
        state = "closed" if bool(side["closed"]) else "open"
        owner, queued = owner_text(side["object"], found), int(side["queued"])
        print(f"    end {address(side.address):#x}  {state}, held by {owner}; {queued} queued for it")
        show_queue(side, names)


# --- Commands ---


class Starina(gdb.Command):
    """State of the Starina kernel: processes, threads, handles, channels, harts; symbols of apps in user mode."""

    def __init__(self):
        super().__init__("starina", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class Processes(gdb.Command):
    """List the processes: id, name, state, threads, handles, kernel memory, restarts.

Usage: starina processes"""

    def __init__(self):
        super().__init__("starina processes", gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        print(f"  {'id':>4}  {'name':<16} {'state':<10} {'threads':>7} {'handles':>7} {'kernel bytes':>12} {'restarts':>8}")
        for p in processes():
            state = "ending" if bool(p["ending"]) else enum_name(p["state"], "PROCESS_")
            used = int(p["account"]["kernel_used"]) if address(p["account"]) else 0
            print(
                f"  {int(p['id']):>4}  {text(p['name']):<16} {state:<10} {int(p['num_threads']):>7} "
                f"{int(p['handles']['used']):>7} {used:>12} {int(p['restarts']):>8}"
            )


class Threads(gdb.Command):
    """List the threads with their backtraces.

Usage: starina threads [PROCESS]
PROCESS is an id or a name. Without it, all processes' threads and what each hart runs are shown."""

    def __init__(self):
        super().__init__("starina threads", gdb.COMMAND_STACK, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        registers = Registers()
        chosen = [find_process(argument)] if argument else processes()
        for process in chosen:
            print(f"{text(process['name'])} (process {int(process['id'])})")
            for thread in threads_of(process):
                show_thread(thread, registers, True)
        if argument:
            return
        print("kernel threads on the harts")
        for hart in harts():
            shown = set()
            for member in ("current", "idle"):
                thread = hart[member]
                if address(thread) and not address(thread["process"]) and address(thread) not in shown:
                    shown.add(address(thread))
                    show_thread(thread.dereference(), registers, True)


class Handles(gdb.Command):
    """List the handles of a process: object type, rights, references, and for a channel who holds the other end.

Usage: starina handles PROCESS
PROCESS is an id or a name."""

    def __init__(self):
        super().__init__("starina handles", gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("which process? usage: starina handles PROCESS")
        process = find_process(argument)
        found = owners()
        for handle, slot in handles_of(process):
            obj = slot["object"].dereference()
            kind = object_type(obj)
            more = ""
            if kind == "channel":
                end = obj.address.cast(kernel_type("struct channel_end").pointer())
                more = f"  peer held by {owner_text(end['peer']['object'], found)}, {int(end['queued'])} queued"
            refs, allowed = int(obj["refs"]), rights(int(slot["rights"]))
            print(f"  {handle:#10x}  {kind:<10} {address(obj.address):#x}  refs {refs}  {allowed}{more}")


class Channels(gdb.Command):
    """List the channels that processes hold, who holds each end, and the messages queued for it.

Usage: starina channels [PROCESS]"""

    def __init__(self):
        super().__init__("starina channels", gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        found, names, shown = owners(), message_names(), set()
        end_type = kernel_type("struct channel_end").pointer()
        for process in [find_process(argument)] if argument else processes():
            for _, slot in handles_of(process):
                if object_type(slot["object"]) != "channel":
                    continue
                end = slot["object"].cast(end_type).dereference()
                if address(end["channel"]) not in shown:
                    shown.add(address(end["channel"]))
                    show_channel(end, found, names)


class Harts(gdb.Command):
    """List the harts: what each runs, and how much waits in its run queue.

Usage: starina harts"""

    def __init__(self):
        super().__init__("starina harts", gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        for hart in harts():
            thread = hart["current"]
            what = "nothing"
            if address(thread):
                process = thread["process"]
                name = text(process["name"]) if address(process) else "kernel"
                what = "idle" if address(thread) == address(hart["idle"]) else f"{name}, thread {int(thread['id'])}"
            print(
                f"  hart {int(hart['id'])}  {what}; {int(hart['num_runnable'])} waiting, "
                f"{int(hart['context_switches'])} switches, {int(hart['idle_wakeups'])} idle wake-ups"
            )


class Symbols(gdb.Command):
    """Load the symbols of an app that runs in user mode, in place of another's.

Usage: starina symbols APP
All of them are linked at the same addresses, each for an address space of its own: gdb knows one at a time, and a
breakpoint in it stops whatever app gets to that address. Symbols of apps in the kernel are those of the image."""

    def __init__(self):
        super().__init__("starina symbols", gdb.COMMAND_FILES, gdb.COMPLETE_NONE)
        self.loaded = None

    def invoke(self, argument, from_tty):
        table = value("app_images")
        images = [table[i] for i in range(int(value("num_app_images")))]
        isolated = {text(image["spec"]["name"]): address(image["user"]) != 0 for image in images}
        if argument not in isolated:
            raise gdb.GdbError(f"there is no app '{argument}'; in user mode: "
                               f"{', '.join(name for name in isolated if isolated[name]) or 'none'}")
        if not isolated[argument]:
            raise gdb.GdbError(f"{argument} runs in the kernel: its symbols are there already")
        path = pathlib.Path(gdb.current_progspace().filename).parent / "apps" / f"{argument}.elf"
        if not path.is_file():
            raise gdb.GdbError(f"there is no {path}; to build it, run: make")
        if self.loaded is not None:
            gdb.execute(f"remove-symbol-file {self.loaded}", to_string=True)
            self.loaded = None
        gdb.execute(f"add-symbol-file {path}", to_string=True)
        self.loaded = path
        print(f"  symbols of {path}")


for command in (Starina, Processes, Threads, Handles, Channels, Harts, Symbols):
    command()
