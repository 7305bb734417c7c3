# SPDX-License-Identifier: MIT
"""Apps that come while the system runs: --app, make push, make new-app."""

import shutil
import subprocess

from harness import ROOT, Log, Result, check, check_equal, check_refused, test

NOT_COPIED = {"build", "third_party", ".git"}
# Environment that belongs to the make that runs this.
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "APPS", "ISOLATION")


class Tree:
    """A copy of the source tree to make apps in. It builds with the objects that are there."""

    def __init__(self, context):
        context.own_build()
        self.context, self.path = context, context.scratch / "tree"
        shutil.copytree(ROOT, self.path, symlinks=True,
                        ignore=lambda folder, names: NOT_COPIED & set(names) if folder == str(ROOT) else ())
        (self.path / "third_party").symlink_to(ROOT / "third_party")
        # In a build of one isolation this is a link to the build's.
        made = (context.suite.build / "host").resolve().parent
        (context.build / "apps").unlink()  # tests at the same time make apps of the same names
        for name in ("gen", "libs", "apps"):
            shutil.copytree(made / name, context.build / name, symlinks=True)
        for folder in ("", "apps"):  # what is compiled goes beside what is there, not into it
            (context.build / "obj" / folder).mkdir()
            for path in (made / "obj" / folder).iterdir():
                if path.name != "apps":
                    (context.build / "obj" / folder / path.name).symlink_to(path)

    def make(self, *arguments):
        """make ARGUMENTS in the tree. The flags of the compiler name the tree that the objects were made in."""
        env = {key: value for key, value in self.context.environment({}).items() if key not in OF_MAKE}
        done = subprocess.run(["make", "--no-print-directory", "-C", self.path, f"CURDIR={ROOT}", *arguments], env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def source(self, name, text):
        folder = self.path / "apps" / name
        folder.mkdir(exist_ok=True)
        (folder / "main.c").write_text(text, encoding="utf-8")

    def app(self, name):
        """The file of an app, which is built."""
        result = self.make(f"{self.context.build}/apps/{name}.app")
        check(result.status == 0, result)
        return self.context.build / f"apps/{name}.app"


def parrot(begins):
    """An app like echo, with its service "parrot"; it begins with the statement."""
    source = (ROOT / "apps/echo/main.c").read_text(encoding="utf-8")
    for old, new in (("APP(echo,", "APP(parrot,"), ('"echo"', '"parrot"'), ("error_t err = loop_init(&app.loop);",
                                                                          f"error_t err = loop_init(&app.loop);\n\n\t{begins}")):
        check(old in source, old)
        source = source.replace(old, new)
    return source


class Running:
    """./run.sh with its log, until the test is left."""

    def __init__(self, context, *arguments, **settings):
        self.context = context
        self.process = context.start(*arguments, **settings)
        self.log = Log(self.process.stderr)

    def __enter__(self):
        return self.log

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


@test
def a_new_app_of_the_command_line(context):
    tree = Tree(context)
    result = tree.make("new-app", "NAME=fresh", "NEEDS=echo")
    check(result.status == 0 and b"made apps/fresh/main.c" in result.stdout, result)
    with Running(context, "--app", str(tree.app("fresh"))) as log:
        log.wait_for(r"\[fresh +\] INFO   good morning")
        log.wait_for(r"\[fresh +\] INFO   connected to echo")
        log.wait_for(r"\[run +\] INFO   .*fresh\.app: loaded and started")


@test
def apps_that_cannot_be_started(context):
    tree = Tree(context)
    tree.source("parrot", parrot('log_info("here");'))
    app = tree.app("parrot")
    check_refused(context.run("--app", "nothing.app"), "--app: cannot open nothing.app", "No such file")
    check_refused(context.run("--app", str(ROOT / "README.md")), "README.md is not an app: it is not an ELF file")
    check_refused(context.run("--app", str(app), "--app", str(app)), "are both the app parrot")
    cut = context.scratch / "cut.app"
    cut.write_bytes(app.read_bytes()[:-100])
    check_refused(context.run("--app", str(cut)), "cut.app is not an app: ", "the file has")


@test
def pushed_apps(context):
    tree = Tree(context)
    tree.source("parrot", parrot('log_info("version 1");'))
    check_equal(tree.make("new-app", "NAME=asker", "NEEDS=parrot").status, 0)
    with Running(context, "--app", str(tree.app("parrot")), "--app", str(tree.app("asker"))) as log:
        log.wait_for(r"\[parrot +\] INFO   version 1")
        log.wait_for("connected to parrot")
        tree.source("parrot", parrot('log_info("version 2");'))
        result = tree.make("push", "APP=parrot")
        check(result.status == 0 and "parrot: replaced" in result.stderr, result)
        log.wait_for(r"\[parrot +\] INFO   version 2")
        log.wait_for("connected to parrot", 2)
        # One that faults at once is taken back: the old one serves again.
        tree.source("parrot", parrot("__builtin_trap();"))
        result = tree.make("push", "APP=parrot")
        check(result.status != 0 and "parrot: the new version was taken back" in result.errors(), result)
        log.wait_for(r"\[parrot +\] INFO   version 2", 2)
        log.wait_for("connected to parrot", 3)
        # So is one that does not provide what the old one did.
        tree.source("parrot", (ROOT / "apps/hello/main.c").read_text(encoding="utf-8").replace("APP(hello,", "APP(parrot,"))
        result = tree.make("push", "APP=parrot")
        check(result.status != 0 and "parrot" in result.errors(), result)
        # One that ends well has done what it is for.
        once = (ROOT / "apps/hello/main.c").read_text(encoding="utf-8").replace("APP(hello,", "APP(once,")
        for text, said in (("once 1", "once: loaded and started"), ("once 2", "once: replaced")):
            tree.source("once", once.replace("Hello World!", text))
            result = tree.make("push", "APP=once")
            check(result.status == 0 and said in result.stderr, result)
            log.wait_for(rf"\[once +\] INFO   {text}")
        # One that is not there yet is started; one of the image stays.
        check_equal(tree.make("new-app", "NAME=fresh").status, 0)
        result = tree.make("push", "APP=fresh")
        check(result.status == 0 and "fresh: loaded and started" in result.stderr, result)
        result = tree.make("push", "APP=hello")
        check(result.status != 0 and "an app of the image has that name" in result.errors(), result)


@test
def a_push_without_a_system(context):
    tree = Tree(context)
    tree.source("parrot", parrot('log_info("here");'))
    result = tree.make("push", "APP=parrot")
    check(result.status != 0 and "no Starina runs here" in result.errors(), result)
    # One that was killed leaves its address behind.
    running = Running(context)
    running.log.wait_for("Booting Starina")
    running.process.kill()
    running.process.wait()
    result = tree.make("push", "APP=parrot")
    check(result.status != 0 and "the Starina that ran here is gone" in result.errors(), result)
