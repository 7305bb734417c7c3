#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of apps in user mode as the build makes them: isolation_test.py BUILD, in which the image and all apps are built.

Images are linked in a build directory of their own, which has the objects of BUILD, so that nothing is compiled again.
"""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(ROOT / "tools/services")]

import app_file  # noqa: E402
import flatten_app  # noqa: E402
import new_app  # noqa: E402
import services  # noqa: E402
from elf_reader import PF_W, PF_X, PHDR, Elf, ElfError  # noqa: E402

PAGE = 4096


def can_be_either(app):
    settings = ROOT / "apps" / app / "app.mk"
    return not settings.exists() or f"APP_{app}_ONLY" not in settings.read_text(encoding="utf-8")


APPS = [app for app in sorted(path.parent.name for path in ROOT.glob("apps/*/main.c")) if can_be_either(app)]
# They handle bytes from outside, and are in user mode unless somebody says otherwise.
OUTWARD = ("app_manager", "gateway", "hostfs", "httpd", "linuxrun", "push", "tcpip")
USER_IMAGE = struct.Struct("<13Q")  # kernel/object/app_image.h
IMAGES = f"""
include Makefile
$(eval $(call image_rules,all-kernel,{' '.join(APPS)},kernel))
$(eval $(call image_rules,all-user,{' '.join(APPS)},user))
APP_hello_ISOLATION := user
APP_victim_ONLY := kernel
$(eval $(call image_rules,chosen,hello echo))
$(eval $(call image_rules,pinned-kernel,hello echo victim,kernel))
$(eval $(call image_rules,pinned-user,hello echo victim,user))
$(eval $(call image_rules,outward,{' '.join(OUTWARD)} virtio_net netswitch))
"""


def make(build, *arguments, makefile="Makefile", environment=None):
    """(exit status, what it says) of make, which knows nothing of the one that runs this."""
    env = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "ISOLATION")}
    result = subprocess.run(["make", "--no-print-directory", "-f", str(makefile), f"BUILD={build}", *arguments],
                            cwd=ROOT, env={**env, **(environment or {})}, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    return result.returncode, result.stdout


class Build:
    """A build directory with the objects of `made`, and the makefile IMAGES."""

    def __init__(self, made, folder):
        self.path = folder / "build"
        (self.path / "gen").mkdir(parents=True)
        for shared in ("obj", "libs"):
            (self.path / shared).symlink_to((made / shared).resolve())
        for copied in ("apps", "gen/flags", "gen/checked"):
            subprocess.run(["cp", "-a", made / copied, self.path / copied], check=True)
        self.makefile = folder / "images.mk"
        self.makefile.write_text(IMAGES, encoding="utf-8")

    def make(self, *arguments):
        status, said = make(self.path, *arguments, makefile=self.makefile)
        assert status == 0, said
        return said

    def image(self, name):
        return self.path / f"{name}.elf"

    def table(self, name):
        return services.read_table(str(self.image(name)), os.environ.get("GDB", "gdb-multiarch"))

    def times(self):
        files = [path for path in self.path.rglob("*") if path.suffix in (".elf", ".o") and not path.is_symlink()]
        return {str(path.relative_to(self.path)): path.stat().st_mtime_ns for path in files}


class Choice(unittest.TestCase):
    """Who says how an app runs, and what is not an answer."""

    def refused(self, *texts, arguments=(), environment=None, makefile="Makefile"):
        with tempfile.TemporaryDirectory() as build:
            status, said = make(build, "-n", *arguments, makefile=makefile, environment=environment)
        self.assertNotEqual(status, 0)
        for text in texts:
            self.assertIn(text, said)

    def test_an_unknown_value_is_named_with_what_can_be(self):
        allowed = 'it can be "user" or "kernel"'
        self.refused('ISOLATION (from the command line) is "usr"', allowed, arguments=["ISOLATION=usr"])
        self.refused('ISOLATION (from the command line) is ""', allowed, arguments=["ISOLATION="])
        self.refused('is "user kernel"', allowed, arguments=["ISOLATION=user kernel"])
        self.refused('ISOLATION (from the environment) is "User"', allowed, environment={"ISOLATION": "User"})
        self.refused('APP_echo_ISOLATION (from the command line) is "u"', allowed, arguments=["APP_echo_ISOLATION=u"])

    def test_an_app_that_is_not_there_is_named(self):
        for setting in ("ISOLATION", "ONLY"):
            self.refused(f"APP_ecco_{setting} (from the command line) names no app", "apps/ecco/main.c",
                         arguments=[f"APP_ecco_{setting}=user"])

    def test_an_app_that_can_be_one_only_is_named(self):
        self.refused('apps/adversary can run in "user" only', 'APP_adversary_ISOLATION is "kernel"',
                     arguments=["APP_adversary_ISOLATION=kernel"])
        self.refused('apps/adversary_test can run in "kernel" only', arguments=["APP_adversary_test_ISOLATION=user"])

    def test_an_unknown_value_of_an_image_is_named(self):
        with tempfile.NamedTemporaryFile("w", suffix=".mk") as makefile:
            makefile.write("include Makefile\n$(eval $(call image_rules,probe,hello,mine))\n")
            makefile.flush()
            self.refused('the isolation of the image probe is "mine"', makefile=makefile.name)


class Images(unittest.TestCase):
    """What is linked, and when."""

    def isolation(self, name):
        return {app["name"]: app["isolation"] for app in BUILD.table(name)}

    def build(self, *settings, images=("chosen", "pinned-kernel", "pinned-user")):
        BUILD.make(*settings, *[str(BUILD.image(name)) for name in images])

    def test_an_app_that_says_nothing_is_in_the_kernel(self):
        self.build(images=["chosen"])
        self.assertEqual(self.isolation("chosen"), {"hello": "user", "echo": "kernel"})

    def test_what_handles_bytes_from_outside_is_in_user_mode(self):
        self.build(images=["outward"])
        self.assertEqual(self.isolation("outward"), {**dict.fromkeys(OUTWARD, "user"), "virtio_net": "kernel",
                                                     "netswitch": "kernel"})

    def test_the_list_for_run_sh_has_names(self):
        self.build("APP_hello_ISOLATION=user", images=["chosen"])
        self.assertEqual((BUILD.path / "gen/chosen/apps").read_text(encoding="utf-8"), "hello echo\n")

    def test_an_app_is_before_the_setting_for_all(self):
        self.build("ISOLATION=user", images=["chosen"])
        self.assertEqual(self.isolation("chosen"), {"hello": "user", "echo": "user"})
        self.build("ISOLATION=kernel", images=["chosen"])
        self.assertEqual(self.isolation("chosen"), {"hello": "user", "echo": "kernel"})

    def test_an_image_is_before_its_apps(self):
        for setting in ("ISOLATION=user", "ISOLATION=kernel"):
            self.build(setting)
            self.assertEqual(self.isolation("pinned-kernel"), dict.fromkeys(("hello", "echo", "victim"), "kernel"))
            self.assertEqual(self.isolation("pinned-user"), {"hello": "user", "echo": "user", "victim": "kernel"})

    def test_the_command_line_is_before_the_image(self):
        self.build("APP_hello_ISOLATION=kernel", "APP_echo_ISOLATION=user")
        for name in ("chosen", "pinned-kernel", "pinned-user"):
            isolation = self.isolation(name)
            self.assertEqual((isolation["hello"], isolation["echo"]), ("kernel", "user"))

    def test_a_switch_links_what_depends_on_it(self):
        self.build()
        before = BUILD.times()
        self.build("ISOLATION=user")
        after = BUILD.times()
        changed = {path for path in before if before[path] != after[path]}
        self.assertEqual(changed, {"chosen.elf", "gen/chosen/app_table.o"})
        for path in ("apps/echo.o", "apps/echo.elf", "apps/echo.user.o"):
            self.assertIn(path, after)
        self.build("ISOLATION=user")
        self.assertEqual(BUILD.times(), after)
        self.build()
        self.assertEqual({path for path in after if BUILD.times()[path] != after[path]}, changed)


class Flattened(unittest.TestCase):
    """All apps of the tree in user mode, against the same in the kernel."""

    @classmethod
    def setUpClass(cls):
        BUILD.make(f"-j{os.cpu_count()}", *[str(BUILD.image(name)) for name in ("all-kernel", "all-user")])
        cls.image = Elf(BUILD.image("all-user").read_bytes())

    def user_image(self, app):
        names = ("text", "text_address", "text_size", "rodata", "rodata_address", "rodata_size", "script_size", "data",
                 "data_address", "data_size", "data_total", "thread_return", "symbols")
        address = self.image.address_of(f"user_image_{app}")
        return dict(zip(names, USER_IMAGE.unpack(self.image.read(address, USER_IMAGE.size, app))))

    def test_specs_are_the_same(self):
        in_kernel, in_user = BUILD.table("all-kernel"), BUILD.table("all-user")
        self.assertEqual([app["name"] for app in in_kernel], APPS)
        self.assertEqual([app.pop("isolation") for app in in_kernel], ["kernel"] * len(APPS))
        self.assertEqual([app.pop("isolation") for app in in_user], ["user"] * len(APPS))
        self.assertEqual(in_kernel, in_user)

    def test_nothing_is_writable_and_executable(self):
        for app in APPS:
            elf = Elf((BUILD.path / f"apps/{app}.elf").read_bytes())
            segments = flatten_app.sort_segments(elf)
            self.assertTrue(segments["text"].flags & PF_X, app)
            self.assertFalse(any(segment.flags & PF_W and segment.flags & PF_X for segment in elf.segments), app)
            self.assertGreaterEqual(min(segment.address for segment in elf.segments), 0x10000, app)

    def test_segments_are_whole_pages_of_the_kernels_read_only_data(self):
        first, last = (self.image.address_of(name) for name in ("__rodata_start", "__rodata_end"))
        pages = []
        for app in APPS:
            user = self.user_image(app)
            for part, size in (("text", "text_size"), ("rodata", "rodata_size"), ("data", "data_size")):
                self.assertEqual(user[part] % PAGE, 0, app)
                self.assertEqual(user[f"{part}_address"] % PAGE, 0, app)
                self.assertEqual(user[part] == 0, user[size] == 0, app)
                if user[size]:
                    self.assertTrue(first <= user[part] and user[part] + user[size] <= last, app)
                    pages += range(user[part], user[part] + user[size], PAGE)
            self.assertEqual(user["text_size"] % PAGE, 0, app)
            self.assertEqual(user["rodata_size"] % PAGE, 0, app)
            self.assertEqual(user["data_total"] % PAGE, 0, app)
            self.assertGreaterEqual(user["data_total"], user["data_size"], app)
        self.assertEqual(len(pages), len(set(pages)))
        for name in ("app_images", "__symbols_start", "__apps_rodata_end", *(f"app_spec_{app}" for app in APPS)):
            self.assertNotIn(self.image.address_of(name) & -PAGE, pages, name)

    def test_segments_hold_what_the_app_was_linked_to_be(self):
        for app in APPS:
            user, parts = self.user_image(app), flatten_app.sort_segments(Elf((BUILD.path / f"apps/{app}.elf").read_bytes()))
            for part, segment in parts.items():
                size = user[f"{part}_size"]
                self.assertEqual(user[f"{part}_address"], segment.address, app)
                if size:
                    expected = segment.data if part == "data" else segment.data.ljust(size, b"\0")
                    self.assertEqual(self.image.read(user[part], size, app), expected, f"{app} {part}")
            self.assertEqual(user["data_total"], flatten_app.whole_pages(parts["data"].size) if "data" in parts else 0)

    def test_functions_have_their_names(self):
        for app in APPS:
            user, elf = self.user_image(app), Elf((BUILD.path / f"apps/{app}.elf").read_bytes())
            count, _ = struct.unpack("<II", self.image.read(user["symbols"], 8, app))
            entries = list(struct.iter_unpack("<II", self.image.read(user["symbols"] + 8, 8 * count, app)))
            table = {self.image.read_text(user["symbols"] + name, app).decode(): offset for offset, name in entries}
            self.assertEqual([offset for offset, _ in entries], sorted({offset for offset, _ in entries}), app)
            self.assertLess(entries[-1][0], user["text_size"], app)
            for name in ("starina_syscall", "starina_thread_return"):
                self.assertEqual(user["text_address"] + table[name], elf.address_of(name), app)
            self.assertEqual(user["thread_return"], elf.address_of("starina_thread_return"), app)
            main = flatten_app.Spec(elf, app).number(flatten_app.MAIN_AT) - user["text_address"]
            self.assertIn(main, table.values(), app)


class AppFiles(unittest.TestCase):
    """build/apps/NAME.app of all apps, as libs/loader reads them."""

    @classmethod
    def setUpClass(cls):
        BUILD.make(f"-j{os.cpu_count()}", str(BUILD.path / "host/starina-push"), *map(str, map(cls.file, APPS)))

    @staticmethod
    def file(app):
        return BUILD.path / f"apps/{app}.app"

    def check(self, *files):
        return subprocess.run([BUILD.path / "host/starina-push", "--check", *files], capture_output=True, text=True, check=False)

    def test_all_are_read(self):
        result = self.check(*map(self.file, APPS))
        self.assertEqual((result.returncode, result.stdout.split()), (0, APPS), result.stderr)

    def test_they_hold_what_the_app_was_linked_to_be(self):
        for app in APPS:
            program = Elf((BUILD.path / f"apps/{app}.elf").read_bytes())
            elf = Elf(self.file(app).read_bytes())
            self.assertEqual([(s.address, s.flags, s.data, s.size) for s in elf.segments],
                             [(s.address, s.flags, s.data, s.size) for s in program.segments], app)
            self.assertTrue(all(segment.offset % PAGE == 0 for segment in elf.segments if segment.data), app)
            self.assertNotIn(b".debug_info", self.file(app).read_bytes(), app)

    def test_a_program_without_a_spec_is_none(self):
        result = self.check(BUILD.path / "apps/echo.elf")
        self.assertEqual(result.returncode, 1)
        self.assertIn("echo.elf is not an app: ", result.stderr)

    def test_what_no_file_can_be_made_of(self):
        (BUILD.path / "bad.elf").write_bytes((BUILD.path / "apps/echo.elf").read_bytes()[:100])
        result = subprocess.run([HERE / "app_file.py", "objcopy", "echo", BUILD.path / "bad.elf", BUILD.path / "bad.app"],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("bad.elf: no app file can be made of the app echo: ", result.stderr)
        self.assertFalse((BUILD.path / "bad.app").exists())

    def test_strings_are_there_once(self):
        strings = app_file.Strings(100)
        self.assertEqual([strings.add(text) for text in (b"echo", None, b"x", b"echo")], [100, 0, 105, 100])
        self.assertEqual(strings.data, b"echo\0x\0")

    def test_push_without_an_app(self):
        for arguments, text in ((["push"], "APP is not set. There are: adversary"), (["push", "APP=ekko"], "there is no app ekko")):
            status, said = make(BUILD.path, *arguments)
            self.assertNotEqual(status, 0)
            self.assertIn(text, said)


class NewApps(unittest.TestCase):
    """What `make new-app` makes."""

    def made(self, *arguments):
        return subprocess.run([HERE / "new_app.py", *arguments], capture_output=True, text=True, check=False)

    def test_names(self):
        for name, text in (("", "NAME is not set"), ("Greeter", "is not a name for an app"), ("a-b", "is not a name for an app"),
                           ("1a", "a letter first"), ("a" * 24, "at most 23"), ("../x", "is not a name"),
                           ("echo", "is an app echo already"), ("test_unmet", "already"), ("kernel", "boot arguments")):
            result = self.made(name)
            self.assertEqual((result.returncode, result.stdout), (1, ""), name)
            self.assertIn(text, result.stderr)

    def test_needs(self):
        result = self.made("zz_none", "ekko")
        self.assertEqual(result.returncode, 1)
        self.assertIn('no app provides the service "ekko"; there are: ', result.stderr)
        self.assertFalse((ROOT / "apps/zz_none").exists())

    def test_providers_and_theirs(self):
        self.assertEqual(new_app.all_providers(["tcpip", "echo"], new_app.providers()),
                         ["tcpip", "echo", "netswitch", "virtio_net"])

    def test_it_compiles_without_a_warning(self):
        flags = (BUILD.path / "gen/flags").read_text(encoding="utf-8").split()
        for needs in ([], ["echo"], ["tcpip", "console"]):
            source = BUILD.path / "new.c"
            source.write_text(new_app.main_c("fresh", needs), encoding="utf-8")
            result = subprocess.run([*flags, "-fsyntax-only", source], cwd=ROOT, capture_output=True, text=True, check=False)
            self.assertEqual((result.returncode, result.stderr), (0, ""))


class Refused(unittest.TestCase):
    """Programs that cannot be flattened: a good one with one thing changed."""

    @classmethod
    def setUpClass(cls):
        BUILD.make(str(BUILD.path / "apps/echo.elf"))
        cls.good = (BUILD.path / "apps/echo.elf").read_bytes()

    def refused(self, text, data):
        path = BUILD.path / "bad.elf"
        path.write_bytes(data)
        with self.assertRaisesRegex(ElfError, text):
            flatten_app.flatten("echo", str(path))

    def header(self, kind, field, value):
        """The good program with `field` of its `kind`th loaded segment changed."""
        data = bytearray(self.good)
        phoff, = struct.unpack_from("<Q", data, 32)
        phnum, = struct.unpack_from("<H", data, 56)
        loads = [at for at in range(phoff, phoff + phnum * PHDR.size, PHDR.size)
                 if struct.unpack_from("<I", data, at)[0] == 1]
        fields = list(PHDR.unpack_from(data, loads[kind]))
        fields[field] = value(fields[field])
        PHDR.pack_into(data, loads[kind], *fields)
        return bytes(data)

    def spec(self, offset, value):
        """The good program with a pointer of its spec changed."""
        elf, data = Elf(self.good), bytearray(self.good)
        segment, start = elf.find(elf.address_of("app_spec_echo"), flatten_app.SPEC_SIZE, "spec")
        struct.pack_into("<Q", data, segment.offset + start + offset, value)
        return bytes(data)

    def test_the_good_one_is_not(self):
        self.assertIn("user_image_echo", flatten_app.flatten("echo", str(BUILD.path / "apps/echo.elf")))

    def test_what_is_no_program(self):
        self.refused("its header is at", b"")
        self.refused("not a little-endian ELF", b"\x7fELF\x01" + self.good[5:])
        self.refused("not a linked RISC-V program", self.good[:16] + b"\x01" + self.good[17:])
        self.refused("the file has", self.good[:len(self.good) // 2])
        self.refused("the file has", self.good[:100])

    def test_segments(self):
        self.refused("writable and executable", self.header(0, 1, lambda flags: flags | PF_W))
        self.refused("permissions 0x1", self.header(0, 1, lambda flags: PF_X))
        self.refused("rodata twice", self.header(0, 1, lambda flags: 4))
        self.refused("has no text", self.header(0, 0, lambda kind: 0))
        self.refused("thread-local", self.header(1, 0, lambda kind: 7))
        self.refused("is to be on a page", self.header(1, 3, lambda address: address + 8))
        self.refused("not on the first", self.header(0, 3, lambda address: 0))
        self.refused("shares a page", self.header(1, 3, lambda address: 0x11000))
        self.refused("more bytes in the file", self.header(0, 6, lambda size: size - 1))
        self.refused("text is not in the file", self.header(0, 6, lambda size: size + 1))

    def test_specs(self):
        self.refused(".main of its spec is not in its text", self.spec(flatten_app.MAIN_AT, 0x20))
        self.refused("the name of its spec points to 0x20", self.spec(flatten_app.NAME_AT, 0x20))
        self.refused("a provided service of its spec points to", self.spec(flatten_app.PROVIDES_AT, 2**64 - 1))
        with self.assertRaisesRegex(ElfError, "defines no app_spec_other"):
            flatten_app.flatten("other", str(BUILD.path / "apps/echo.elf"))

    def test_a_command_says_which_app(self):
        (BUILD.path / "bad.elf").write_bytes(self.good[:100])
        result = subprocess.run([HERE / "flatten_app.py", "echo", BUILD.path / "bad.elf", BUILD.path / "bad.c"],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("bad.elf: the app echo cannot run in user mode: ", result.stderr)


if __name__ == "__main__":
    FOLDER = Path(tempfile.mkdtemp())
    try:
        BUILD = Build(Path(sys.argv[1]), FOLDER)
        result = unittest.TextTestRunner(verbosity=0).run(
            unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    finally:
        shutil.rmtree(FOLDER)
    bad = len(result.failures) + len(result.errors)
    print(f"isolation: {result.testsRun - bad} passed, {bad} failed")
    sys.exit(bad != 0)
