# SPDX-License-Identifier: MIT
"""Tests of bootd: paths of an image that are not there, or are links; its volumes."""
import json

from bootd_cases import check, config, expect_failure, expect_run, test

HOSTS = {"dev.starina.file:/etc/hosts": "127.0.0.1 localhost\n"}

# Images with an /etc, and a /sys, that is not the directory it should be.
ROOTS = {"etc_loops": {"etc": ("link", "/etc")}, "etc_is_a_file": {"etc": b"x"},
         "etc_in_proc": {"etc": ("link", "/proc/self/fd")},
         "etc_hosts_is_a_directory": {"etc": ("dir", 0o755), "etc/hosts": ("dir", 0o755)},
         "etc_run": {"etc": ("dir", 0o755), "etc/hosts": ("link", "/run/none/hosts"),
                     "etc/mtab": ("link", "/none")},
         "sys_dangles": {"sys": ("link", "/none")}, "sys_file": {"sys": b"x"}}


def cwd(path):
    return config("/bin/probe", "cwd", process={"cwd": path})


def volumes(*paths, **more):
    return {**more, "annotations": {"org.starina.volumes": json.dumps(paths)}}


def working_directories(expected):
    """Tests of a working directory each, by the path that the process has it by."""
    for name, (path, real) in expected.items():
        def run(guest, path=path, real=real):
            expect_run(guest, cwd(path), 0, f"{real}\n".encode())
        run.__name__ = "workdir_" + name
        test("links")(run)


working_directories({
    "dangles": ("/work", "/var/lib/work"), "below_what_dangles": ("/below/a/b", "/var/below/a/b"),
    "out_of_the_root": ("/far", "/away/far"), "is_unclean": ("/none/../new//./dir/", "/new/dir"),
    "above_the_root": ("/../../srv", "/srv"), "goes_back_from_a_link": ("/work/../x", "/x")})


@test("links")
def prepared_workdir_dangles(guest):
    check(guest.prepare(), (0, ""))
    expect_run(guest, cwd("/work"), 0, b"/var/lib/work\n")


@test("links")
def workdir_loops(guest):
    expect_failure(guest, cwd("/loop/x"), 125, "^make the working directory /loop/x: Too many levels of symbolic links$")


@test("links")
def workdir_below_a_file(guest):
    expect_failure(guest, cwd("/file/x"), 125, "^make the working directory /file/x: Not a directory$")


@test("links")
def workdir_is_too_long(guest):
    expect_failure(guest, cwd("/x" + "y" * 255), 125, "File name too long$")


@test("links")
def workdir_by_a_link_to_proc(guest):
    expect_failure(guest, cwd("/stdin/x"), 125, "^make the working directory /stdin/x: Permission denied$")


@test("links")
def etc_dangles(guest):
    expect_run(guest, config("/bin/probe", "show", "/etc/hosts", "/usr/etc/hosts", annotations=HOSTS), 0,
               HOSTS["dev.starina.file:/etc/hosts"].encode() * 2)


@test("links")
def dev_dangles(guest):
    expect_run(guest, config("/bin/probe", "stat", "/run/dev/null", "/dev"), 0,
               b"/run/dev/null: 20666 0:0\n/dev: 120777 0:0\n")


def etc_tests(expected):
    """Tests of an image each."""
    for name, message in expected.items():
        def run(guest, message=message):
            expect_failure(guest, config("/bin/probe", annotations=HOSTS), 125, message)
        run.__name__ = "etc_" + name
        test(run.__name__)(run)


etc_tests({"loops": "^write /etc/hosts: Too many levels", "is_a_file": "^write /etc/hosts: Not a directory$",
           "in_proc": "^write /etc/hosts: ", "hosts_is_a_directory": "^write /etc/hosts: Is a directory$"})


@test("etc_run")
def etc_files_dangle(guest):
    """The runtime's are in place of the links; what the image has of its own stays."""
    expect_run(guest, config("/bin/probe", "stat", "/etc/hosts", "/run", "/etc/mtab", annotations=HOSTS), 1,
               b"/etc/hosts: 100644 0:0\n/run: No such file or directory\n/etc/mtab: 120777 0:0\n")


@test("sys_dangles")
def sys_is_a_link(guest):
    expect_failure(guest, config("/bin/probe"), 125, "mount sysfs: .* other than a directory at /sys")


@test("sys_file")
def sys_is_a_file(guest):
    expect_failure(guest, config("/bin/probe"), 125, "mount sysfs: .* other than a directory at /sys")


@test("links")
def volumes_of_the_image(guest):
    """Made or kept, with owner, mode and content; links are followed in the image."""
    wanted = config("/bin/probe", "stat", "/none", "/none/deep", "/full", "/full/inner", "/full/file", "/srv/data", "/var/lib/work/v",
                    **volumes("/none/deep", "/full/inner", "/full", "/data", "/work/v/"))
    expect_run(guest, wanted, 0, b"/none: 40755 0:0\n/none/deep: 40755 0:0\n/full: 41770 33:33\n/full/inner: 40700 34:34\n"
               b"/full/file: 100755 0:0\n/srv/data: 40755 0:0\n/var/lib/work/v: 40755 0:0\n")


def sealed_volumes(guest):
    """Of a sealed root, the volumes alone are writable."""
    wanted = config("/bin/probe", "write", "/full/x", "/full/file", "/full/inner/x", "/srv/data/x", "/srv/x", "cwd", "/new/y",
                    process={"cwd": "/new"}, **volumes("/full/inner", "/full", "/data", "/new"))
    expect_run(guest, wanted, 1, b"/full/x: written\n/full/file: written\n/full/inner/x: written\n/srv/data/x: written\n"
               b"/srv/x: Read-only file system\ncwd: written\n/new/y: written\n", flags=1)


@test("links")
def readonly_root_with_volumes(guest):
    sealed_volumes(guest)


@test("links")
def prepared_readonly_root_with_volumes(guest):
    check(guest.prepare(), (0, ""))
    sealed_volumes(guest)


def bad_volumes(expected):
    """Tests of a volume each that cannot be one."""
    for name, (path, message) in expected.items():
        def run(guest, path=path, message=message):
            expect_failure(guest, config("/bin/probe", **volumes(path)), 125, message)
        run.__name__ = "volume_" + name
        test("links")(run)


bad_volumes({"is_a_file": ("/file", "something other than a directory at its volume /file$"),
             "is_the_root": ("/x/..", "^the volume /x/.. is the root$"),
             "is_relative": ("data", "annotations: the volume 'data' must be an absolute path$"),
             "is_in_proc": ("/proc/x", "^make the volume /proc/x: No such file or directory$"),
             "loops": ("/loop", "^make the volume /loop: Too many levels of symbolic links$")})
