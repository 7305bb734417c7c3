# SPDX-License-Identifier: MIT
"""--tmpfs, --mount type=tmpfs and --shm-size, as docker has them."""

from harness import check, check_equal, check_refused, test


def userland(context):
    """A shell and busybox's commands: the built-in userland."""
    return f"oci://{context.build.resolve()}/image/userland-layout"


def shell(context, script, *flags, **settings):
    return context.run(*flags, userland(context), "sh", "-c", script, **settings)


def mounted(*paths):
    """Shell words that print the type and the options of what is mounted at these paths."""
    return "; ".join(f"grep ' {path} ' /proc/mounts | cut -d' ' -f3,4" for path in paths)


@test
def options(context):
    """docker's defaults, and what is said otherwise; a missing folder is made, one of the image keeps its mode."""
    result = shell(context, mounted("/a", "/run/b", "/c", "/etc") + "; stat -c %a /a /run/b /c /etc; ls /etc; echo x > /a/f && cat /a/f; "
                   "(echo x > /c/f) 2>&1 | grep -o 'Read-only.*'; for f in /run/b/f /etc/f; do head -c 200000 /dev/zero > $f 2>/dev/null || stat -c %s $f; done; "
                   "stat -c '%u %g' /run/b",
                   "--tmpfs", "/a", "--tmpfs", "/run/b:size=64k,mode=1750,uid=7,gid=8,exec,nr_inodes=10", "--mount",
                   "type=tmpfs,dst=/c,readonly,tmpfs-mode=700", "--tmpfs=/etc:size=4k")
    check_equal(result.stdout.decode().splitlines(), [
        "tmpfs rw,nosuid,nodev,noexec,relatime", "tmpfs rw,nosuid,nodev,relatime,size=64k,nr_inodes=10,mode=1750,uid=7,gid=8",
        "tmpfs ro,nosuid,nodev,noexec,relatime,mode=700", "tmpfs rw,nosuid,nodev,noexec,relatime,size=4k,mode=755",
        "1777", "1750", "700", "755", "x", "Read-only file system", "65536", "4096", "7 8"], result)


@test
def variables(context):
    result = shell(context, mounted("/a", "/b", "/dev/shm") + "; df -k /dev/shm | tail -1 | grep -o '^shm *[0-9]*'",
                   LINUXRUN_TMPFS="/a:size=1m,mode=700,/b", LINUXRUN_SHM_SIZE="100m", LINUXRUN_READONLY="1")
    check_equal(result.stdout.decode().splitlines()[:3], [
        "tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k,mode=700", "tmpfs rw,nosuid,nodev,noexec,relatime",
        "tmpfs rw,nosuid,nodev,noexec,relatime,size=102400k"], result)


@test
def among_folders_of_the_host(context):
    """What lies in another's folder is mounted after it, whichever kind it is and in whichever order it was said."""
    share = context.scratch / "share"
    (share / "in").mkdir(parents=True)
    (share / "in/file").write_text("host\n")
    result = shell(context, "cat /t/src/in/file; ls -A /t /t/src/in/deep; echo new > /t/src/in/deep/x; echo kept > /t/src/in/new",
                   "--tmpfs", "/t/src/in/deep", "-v", f"{share}:/t/src", "--tmpfs", "/t")
    check_equal((result.status, result.stdout), (0, b"host\n/t:\nsrc\n\n/t/src/in/deep:\n"), result)
    check_equal((share / "in/new").read_text(), "kept\n")
    check_equal(list((share / "in/deep").iterdir()), [])


@test
def over_all_of_dev(context):
    """Shares are found although what they are staged in is covered."""
    share = context.scratch / "share"
    share.mkdir()
    (share / "file").write_text("host\n")
    result = shell(context, "cat /src/file /dev/x/file; ls -A /dev", "--tmpfs", "/dev", "-v", f"{share}:/src", "-v", f"{share}:/dev/x")
    check_equal((result.status, result.stdout), (0, b"host\nhost\nx\n"), result)


@test
def over_a_file(context):
    """What only the image can tell."""
    result = shell(context, "true", "--tmpfs", "/bin/busybox")
    check(result.status == 125 and "/bin/busybox" in result.errors() and "Not a directory" in result.errors(), result)


@test
def refused(context):
    """Before anything is booted, in docker's words where it has some."""
    check_refused(context.run("--tmpfs", "a", "x"), "--tmpfs", "'a' mount path must be absolute")
    check_refused(context.run("--tmpfs", "/a:huge=on", "x"), "--tmpfs", "Invalid tmpfs option [\"huge\" \"on\"]")
    check_refused(context.run("--tmpfs", "/a", "-v", "/tmp:/a", "x"), "Duplicate mount point: /a")
    check_refused(context.run("--shm-size", "-1", "x"), "SHM size can not be less than 0")
    check_refused(context.run("--mount", "type=tmpfs,source=x,target=/a", "x"), "field Source must not be specified")
    check_refused(context.run("x", LINUXRUN_TMPFS="/a:size=big"), "LINUXRUN_TMPFS", "size=big")
