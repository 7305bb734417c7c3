# SPDX-License-Identifier: MIT
"""Apps in TypeScript: pushed, replaced, refused, killed, and what each of their ends looks like."""

import os
import re
import subprocess
import time

from harness import ROOT, Skip, check, check_equal, test
from test_apps import Running
from test_engine_containers import IMAGE, make_image

PATIENCE = 300

GOOD = """import { app, log } from "starina";

export default app({
	name: "good",
	main() {
		log.info("version VERSION");
		setInterval(() => {}, 60000);
	},
});
"""


class Scripts:
    """A system that runs, and folders of apps for it."""

    def __init__(self, context, *arguments, **settings):
        if not (ROOT / "third_party/web/tsc").exists():
            raise Skip("npm's packages could not be fetched: ./setup.sh says why")
        context.own_build()
        self.context = context
        (context.scratch / "apps").mkdir()
        self.running = Running(context, *arguments, **settings)
        self.log = self.running.log

    def __enter__(self):
        self.log.wait_for("serving tcp-listen:0.0.0.0:80")
        return self

    def __exit__(self, *_):
        self.running.__exit__()

    def write(self, name, text, file="main.ts"):
        """The source of an app."""
        folder = self.context.scratch / "apps" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
        return folder

    def starina(self, *words):
        """./starina WORDS, as a developer calls it: status and output."""
        done = subprocess.run([ROOT / "starina", *words], env={**os.environ, "BUILD": str(self.context.build)}, timeout=PATIENCE,
                              cwd=self.context.scratch / "apps", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, check=False)
        return done.returncode, done.stdout.decode()

    def push(self, name, text):
        """Writes the app and pushes it."""
        self.write(name, text)
        return self.starina("push", name)

    def push_good(self, name, text):
        """One that has to run."""
        status, output = self.push(name, text)
        check(status == 0 and f"{name}: runs" in output, output)

    def push_file(self, path):
        """As `make push` does: by the port for apps."""
        done = subprocess.run([self.context.build / "host/starina-push", self.context.build, path], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
        return done.returncode, done.stdout.decode()


def check_errors(scripts):
    """What the developer's side refuses: nothing reaches the system."""
    status, output = scripts.push("good", GOOD.replace("log.info(", "log.info = ("))
    check(status == 1 and re.search(r"^good/main\.ts:6:\d+: error TS\d+: ", output, re.M), output)
    status, output = scripts.push("good", GOOD.replace('"good"', '"go od"'))
    check(status == 1 and "is not a name for an app" in output, output)
    status, output = scripts.starina("push", "nothing.ts")
    check(status == 1 and "nothing" in output, output)


def check_replaced(scripts):
    """A new version takes the place of the old one; one that throws at its start does not."""
    scripts.push_good("good", GOOD.replace("VERSION", "1"))
    scripts.log.wait_for(r"\[good +\] INFO   version 1")
    scripts.push_good("good", GOOD.replace("VERSION", "2"))
    scripts.log.wait_for(r"\[good +\] INFO   version 2")
    throws = GOOD.replace('log.info("version VERSION");', 'throw new RangeError("too early");')
    status, output = scripts.push("good", throws)
    check(status == 1 and "the new version was taken back, the old one is there again" in output, output)
    scripts.log.wait_for(r"\[good +\] ERROR .*RangeError: too early")
    scripts.log.wait_for(r"\[good +\] ERROR .*main\.ts:6")
    scripts.log.wait_for(r"\[good +\] INFO   version 2", 2)
    # So does one whose promise fails, and one whose top level throws in the system only.
    status, output = scripts.push("good", throws.replace("main() {", "async main() {\n\t\tawait null;"))
    check(status == 1 and "taken back" in output, output)
    scripts.log.wait_for(r"\[good +\] INFO   version 2", 3)
    status, output = scripts.push("good", 'if (typeof (globalThis as any).process === "undefined")\n\tthrow new Error("here");\n' + GOOD)
    check(status == 1 and "taken back" in output, output)
    scripts.log.wait_for(r"\[good +\] ERROR .*main\.ts:2")
    scripts.log.wait_for(r"\[good +\] INFO   version 2", 4)


def check_garbage(scripts):
    """A file whose script is none, or is cut, is taken back; one that is no app file is refused."""
    scripts.write("good", GOOD.replace("VERSION", "3"))
    path = scripts.context.scratch / "good.app"
    subprocess.run([ROOT / "ts/tool/main.mjs", scripts.context.scratch / "apps/good", "--app", path], check=True,
                   stdout=subprocess.DEVNULL)
    whole = path.read_bytes()
    begin = whole.index(b"StJS"[::-1]) if whole.find(b"StJS") < 0 else whole.index(b"StJS")
    text = whole.index(b"version 3")
    runs = 4
    for name, changed in (("no magic", whole[:begin] + b"\xff" * 64 + whole[begin + 64:]),
                          ("a size of all memory", whole[:begin + 8] + b"\xff" * 4 + whole[begin + 12:]),
                          ("a text elsewhere", whole[:begin + 20] + b"\xf0\xff\xff\xff" + whole[begin + 24:]),
                          ("no JavaScript", whole[:text] + b'") }{ \xff\xfe ' + whole[text + 9:])):
        path.write_bytes(changed)
        status, output = scripts.push_file(path)
        check(status == 1 and "taken back" in output, f"{name}: {output}")
        runs += 1
        scripts.log.wait_for(r"\[good +\] INFO   version 2", runs)
    for size in (100, begin, len(whole) - 100):
        path.write_bytes(whole[:size])
        status, output = scripts.push_file(path)
        check(status == 1 and "is not an app" in output, output)
    path.write_bytes(whole.replace(b"\0js\0", b"\0jx\0"))
    status, output = scripts.push_file(path)
    check(status == 1 and "a script for the runtime 'jx', which this image does not have" in output, output)
    # That is said at once: the old one was never ended.
    check_equal(len([line for line in scripts.log.lines if re.search(r"\[good +\] INFO   version 2", line)]), runs)


@test
def scripts_are_pushed_and_replaced(context):
    with Scripts(context) as scripts:
        check_errors(scripts)
        check_replaced(scripts)
        check_garbage(scripts)
        # What is not there yet, in plain JavaScript with a module of its own; ended, it is started again by its rule.
        scripts.write("plain", 'export const text = "from afar";\n', "lib.js")
        folder = scripts.write("plain", 'import { app, log } from "starina";\nimport { text } from "./lib.js";\n'
                               'export default app({ name: "plain", main() { log.info(text); } });\n', "main.js")
        check_equal(scripts.starina("push", str(folder))[0], 0)
        scripts.log.wait_for(r"\[plain +\] INFO   from afar")
        scripts.log.wait_for(r"plain: ended with status 0")


@test
def scripts_that_do_harm_end_alone(context):
    with Scripts(context) as scripts:
        scripts.push_good("good", GOOD.replace("VERSION", "1"))
        # One that never gives its turn back, until it is killed.
        scripts.push_good("spins", GOOD.replace("good", "spins").replace("setInterval(() => {}, 60000)", "for (;;);"))
        check_equal(scripts.starina("kill", "spins")[0], 0)
        scripts.log.wait_for("spins: killed")
        # Memory without end: an exception, and the end of the app.
        scripts.push_good("eats", GOOD.replace("good", "eats").replace(
            "setInterval(() => {}, 60000)", "setTimeout(() => { const all = []; for (;;) all.push(new Uint8Array(65536)); }, 2000)"))
        scripts.log.wait_for(r"\[eats +\] ERROR .*out of memory")
        scripts.log.wait_for(r"eats: ended with status 1")
        # Calls without end.
        status, output = scripts.push("dives", GOOD.replace("good", "dives").replace(
            "setInterval(() => {}, 60000)", "const dive = (): number => dive() + 1;\n\t\tdive()"))
        check(status in (0, 1), output)
        scripts.log.wait_for(r"\[dives +\] ERROR .*stack overflow")
        scripts.log.wait_for(r"dives: ended with status 1")
        status, output = scripts.starina("ps")
        check(status == 0 and re.search(r"\bgood\b", output) and not re.search(r"\b(spins|eats|dives)\b", output), output)


@test
def a_source_that_is_saved_runs(context):
    with Scripts(context) as scripts:
        folder = scripts.write("good", GOOD.replace("VERSION", "1"))
        watching = context.watch(subprocess.Popen(
            [ROOT / "starina", "push", "--watch", folder], env={**os.environ, "BUILD": str(context.build)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        scripts.log.wait_for(r"\[good +\] INFO   version 1")
        check(b"good: runs" in watching.stdout.readline(), "the first push is told")
        begin = time.monotonic()
        scripts.write("good", GOOD.replace("VERSION", "2"))
        scripts.log.wait_for(r"\[good +\] INFO   version 2")
        print(f"save to running: {time.monotonic() - begin:.2f} s")
        check(b"good: runs" in watching.stdout.readline(), "so is the second")
        scripts.write("good", GOOD.replace("VERSION", '" + nothing + "'))
        check(re.match(rb"\S*main\.ts:6:\d+: error TS\d+", watching.stdout.readline()), "and an error")
        scripts.write("good", GOOD.replace("VERSION", "4"))
        scripts.log.wait_for(r"\[good +\] INFO   version 4")
        watching.terminate()
        watching.wait()


KEEPER = """import { app, files, log } from "starina";

export default app({
	name: "keeper",
	needs: [{ service: "own" }],
	async main() {
		const own = files.own();
		const runs = await own.readText("runs").catch(() => "");

		await own.write("runs", `${runs}1`);
		log.info(`${runs}1`);
	},
});
"""


@test
def files_in_typescript(context):
    share = context.scratch / "notes"
    share.mkdir()
    (share / "hello.txt").write_text("from the host: \u00fc\n", encoding="utf-8")
    (share / "hello.txt").chmod(0o644)
    os.utime(share / "hello.txt", (1_700_000_000, 1_700_000_000))
    (share / "link").symlink_to("hello.txt")
    with Scripts(context, "--share", f"notes={share}", STARINA_KEEP="1") as scripts:
        status, output = scripts.starina("push", str(ROOT / "ts/tests/files_ts"))
        check(status == 0, output)
        said = scripts.log.wait_for(r"\[files_ts +\] (INFO   all is well|ERROR  .*)")
        check_equal(said[1], "INFO   all is well")
        scripts.log.wait_for("files_ts: ended with status 0")
        for runs in (1, 2):
            check_equal(scripts.starina("push", str(ROOT / "ts/examples/diary"))[0], 0)
            scripts.log.wait_for(rf"\[diary +\] INFO   diary\.txt: file, {runs * 25} bytes")
            scripts.log.wait_for("diary: ended with status 0", runs)
        # Its own folder, which the next version of the app has as well.
        for runs in ("1", "11"):
            scripts.push_good("keeper", KEEPER)
            scripts.log.wait_for(rf"\[keeper +\] INFO   {runs}$")
            scripts.log.wait_for("keeper: ended with status 0", len(runs))
    check(re.fullmatch(r"(\d{4}-\d\d-\d\dT[0-9:.]{12}Z\n){2}", (share / "diary.txt").read_text(encoding="ascii")), "two entries")
    (share / "diary.txt").unlink()
    check_equal((share / "made.txt").read_text(encoding="utf-8"), "from the app: \u00fc\n")
    check_equal((share / "open").read_bytes(), bytes([1, 2, 9]))
    # What is written beside its place does not stay; where the session was closed it may.
    left = {path.name for path in share.iterdir() if not path.name.startswith("closed")}
    check_equal(left, {"hello.txt", "link", "made.txt", "big", "empty", "open"})


EXAMPLES = ROOT / "ts/examples"


@test
def examples_in_typescript(context):
    with Scripts(context) as scripts:
        status, output = scripts.starina("push", str(EXAMPLES / "hello_ts"))
        check(status == 0, output)
        scripts.log.wait_for(r"\[hello_ts +\] INFO   Hello from TypeScript")
        # A client goes on with the next version of its service.
        for name in ("parrot_ts", "parrot_client_ts"):
            status, output = scripts.starina("push", str(EXAMPLES / name))
            check(status == 0, output)
        scripts.log.wait_for(r"\[parrot_client_ts ?\] INFO   3 answers")
        for count in (2, 3):
            status, output = scripts.starina("push", str(EXAMPLES / "parrot_ts"))
            check(status == 0, output)
            scripts.log.wait_for(r"\[parrot_client_ts ?\] INFO   3 answers", count)
        # A rule for restarts that the app's spec does not have.
        status, output = scripts.starina("push", str(EXAMPLES / "supervisor"))
        check(status == 0, output)
        scripts.log.wait_for(r"\[supervisor +\] INFO   watching worker")
        scripts.push_good("worker", GOOD.replace("good", "worker").replace("setInterval(() => {}, 60000);", ""))
        scripts.log.wait_for(r"\[supervisor +\] WARN   worker has ended once too often")
        check_equal(len(re.findall(r"\[worker +\] INFO   version VERSION", "\n".join(scripts.log.lines))), 3)


@test
def linux_programs_from_typescript(context):
    with Scripts(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)}", STARINA_MEMORY="2G") as scripts:
        status, output = scripts.starina("push", str(EXAMPLES / "linux_ls_ts"))
        check(status == 0, output)
        for line in (r"INFO   l.* bin -> usr/bin", "INFO   apple", "INFO   sort has ended with status 0"):
            scripts.log.wait_for(rf"\[linux_ls_ts +\] {line}")
        scripts.log.wait_for("linux_ls_ts: ended with status 0")
        # Each property once; what does not hold is an exception.
        status, output = scripts.starina("push", str(ROOT / "ts/tests/linux_ts"))
        check(status == 0, output)
        scripts.log.wait_for("linux_ts: ended with status")
        log = "\n".join(scripts.log.lines)
        check(re.search(r"\[linux_ts +\] INFO   10 passed", log), "\n".join(line for line in scripts.log.lines if "linux_ts" in line))
        # Without the need there is no Linux, and the error says what to write.
        scripts.push("lonely", 'import { app, linux } from "starina";\n'
                     'export default app({ name: "lonely", async main() { await linux.command("ls").output(); } });\n')
        scripts.log.wait_for(r"\[lonely +\] ERROR .*TypeError: Linux programs come from the service .*needs: \[\{ service")
