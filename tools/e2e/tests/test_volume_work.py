# SPDX-License-Identifier: MIT
"""Real work in folders of the host: compilers, package managers, dev servers, several containers, and programs that compare all with a model."""

import json
import os

import debian
import file_programs
import software
from harness import Log, check, check_equal, test
from oci import write_layout

# `make test-hostfs-work` runs all in full, and the programs with a model for so many seconds.
FULL = "HOSTFS_STRESS_SECONDS" in os.environ
STRESS_SECONDS = int(os.environ.get("HOSTFS_STRESS_SECONDS", "0"))
C_FILES = 200 if FULL else 8
PACKAGES = 400 if FULL else 20
GCC = software.Software("gcc", ["gcc", "libc6-dev", "make"])


def image(context):
    path = context.once("work-image", lambda directory: write_layout(directory, debian.image())).path
    return f"oci://{path}"


def folder(context, name="share"):
    path = context.scratch / name
    path.mkdir()
    return path


def start(context, program, argv, share, **settings):
    return context.start(**software.settings(context, program), LINUXRUN_ENTRYPOINT=json.dumps(argv), LINUXRUN_VOLUMES=f"{share}:/src", **settings)


@test
def content_by_a_model(context):
    """Reads, writes, mapped memory, holes and copies in one file, all compared."""
    file_programs.stress(context, "file_content", folder(context), 20000 if FULL else 600, STRESS_SECONDS)


@test
def tree_by_a_model(context):
    """Names, links, folders, modes and attributes, all compared."""
    file_programs.stress(context, "file_tree", folder(context), 50000 if FULL else 1500, STRESS_SECONDS)


def write_c_program(folder, count):
    """Of so many small sources, with a Makefile."""
    for i in range(count):
        (folder / f"f{i}.c").write_text(f'#include "all.h"\nint f{i}(void) {{ return {i}; }}\n')
    (folder / "all.h").write_text("".join(f"int f{i}(void);\n" for i in range(count)))
    (folder / "main.c").write_text('#include <stdio.h>\n#include "all.h"\nint main(void) { printf("%d\\n", '
                                   + " + ".join(f"f{i}()" for i in range(count)) + "); }\n")
    (folder / "Makefile").write_text("objects := $(patsubst %.c,%.o,$(wildcard *.c))\nprogram: $(objects)\n\tgcc -o $@ $^\n%.o: %.c all.h\n\tgcc -c -o $@ $<\n")


def made(count):
    """What the program says, and how many commands make has left when one source is touched."""
    return f"{count * (count - 1) // 2}\n2\n"


@test
def make_of_a_c_program(context):
    """By gcc and make -j2; then nothing is left to do, and one touched file is one to compile."""
    share = folder(context)
    write_c_program(share, C_FILES)
    script = "cd /src; make -s -j2 && ./program && make -q && touch f7.c && make -n | wc -l"
    result = software.run(context, GCC, "sh", "-c", script, LINUXRUN_VOLUMES=f"{share}:/src", LINUXRUN_MEMORY="256M", LINUXRUN_CPUS="2")
    check_equal((result.status, result.stdout.decode()), (0, made(C_FILES)), result)
    check_equal(len(list(share.glob("*.o"))), C_FILES + 1)


@test
def thousands_of_files(context):
    """As a package manager makes them: into a new tree, which is then moved, walked, read and removed."""
    share = folder(context)
    script = f"""
import os
for p in range({PACKAGES}):
    d = f'/src/tmp/p{{p}}/lib'
    os.makedirs(d)
    for i in range(50):
        with open(f'{{d}}/{{i}}.js', 'w') as file: file.write(f'{{p}} {{i}}\\n')
os.rename('/src/tmp', '/src/node_modules')
files = [os.path.join(r, n) for r, _, f in os.walk('/src/node_modules') for n in f]
print(len(files), sum(os.path.getsize(f) for f in files), flush=True)
os.system('cd /src/node_modules; rm -rf p*[02468]')
print(sum(len(f) for _, _, f in os.walk('/src')))
"""
    result = context.run("-v", f"{share}:/src", image(context), "python3", "-c", script)
    size = sum(len(f"{p} {i}\n") for p in range(PACKAGES) for i in range(50))
    check_equal((result.status, result.stdout.decode()), (0, f"{PACKAGES * 50} {size}\n{PACKAGES * 25}\n"), result)
    check_equal(sum(len(files) for _, _, files in os.walk(share)), PACKAGES * 25)


SERVER = """
const fs = require('fs'), path = '/src/app';
let load = () => { delete require.cache[require.resolve(path + '/page.js')]; try { return require(path + '/page.js'); } catch (e) { return 'none'; } };
let shown = load();
console.log(shown);
fs.watch(path, (event, name) => {
  if (name !== 'page.js') return;
  const next = load();
  if (next !== shown) console.log(shown = next);
  if (shown === 'last') process.exit(0);
});
console.log('ready');
"""


@test
def a_dev_server_reloads(context):
    """Node's fs.watch on a folder, of which the host writes a file, replaces it, and removes it."""
    share = folder(context)
    (share / "app").mkdir()
    page = share / "app/page.js"
    page.write_text("module.exports = 'first'")
    process = start(context, software.NODE, ["node", "-e", SERVER], share, LINUXRUN_MEMORY="256M")
    log = Log(process.stdout)
    log.wait_for("^ready$")
    page.write_text("module.exports = 'second'")
    log.wait_for("^second$")
    (share / "app/new").write_text("module.exports = 'third'")
    os.rename(share / "app/new", page)
    log.wait_for("^third$")
    page.unlink()
    log.wait_for("^none$")
    page.write_text("module.exports = 'last'")
    log.wait_for("^last$")
    check_equal(process.wait(), 0, process.stderr.read())


@test
def two_containers(context):
    """What one writes the other reads, and is woken for; names that both want go to one of them."""
    share = folder(context)
    script = """
import os, sys, time
me, other = sys.argv[1:]
os.makedirs('/src/both', exist_ok=True)
won = 0
for i in range(40):
    try: os.mkdir(f'/src/both/{i}'); won += 1
    except FileExistsError: pass
with open(f'/src/{me}.tmp', 'w') as file: file.write(me * 5000)
os.rename(f'/src/{me}.tmp', f'/src/{me}')
while not os.path.exists(f'/src/{other}'): time.sleep(0.2)
assert open(f'/src/{other}').read() == other * 5000
print(won)
"""
    both = [context.start("-v", f"{share}:/src", image(context), "python3", "-c", script, *names) for names in (("a", "b"), ("b", "a"))]
    ends = [(process.communicate(), process.returncode) for process in both]
    check([code for _, code in ends] == [0, 0], ends)
    check_equal(sum(int(stdout) for (stdout, _), _ in ends), 40)
