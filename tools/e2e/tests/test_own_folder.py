# SPDX-License-Identifier: MIT
"""apps/counter (docs/tutorial-files.md), which counts its starts in its own folder of the state disk, or in one of the host."""

from test_apps import Running, Tree

from harness import ROOT, check, check_equal, test


def counter(tree, name, *changes):
    """The app by another name, for the objects of counter itself are the build's; with changes to its source."""
    source = (ROOT / "apps/counter/main.c").read_text(encoding="utf-8")
    for old, new in (("APP(counter,", f"APP({name},"), *changes):
        check(old in source, old)
        source = source.replace(old, new)
    tree.source(name, source)
    (tree.path / "apps" / name / "app.mk").write_text(f"APP_{name}_LIBS := files\n")
    return tree.app(name)


def start(context, app, *arguments, **settings):
    """What the app says of its start, with the number of it."""
    with Running(context, *arguments, "--app", str(app), **settings) as log:
        return log.wait_for(rf"\[{app.stem} +\] [A-Z]+ +(.*)")[1]


@test
def an_app_counts_its_starts(context):
    app = counter(Tree(context), "tally")
    disk = context.scratch / "state.img"
    for number in (1, 2, 3):
        check_equal(start(context, app, STARINA_KEEP="1", STARINA_DISK=str(disk)), f"start {number}")
    # Another disk is another count; without one, the log says what is missing.
    check_equal(start(context, app, STARINA_KEEP="1", STARINA_DISK=str(context.scratch / "other.img")), "start 1")
    said = start(context, app)
    check("the app's own folder: " in said and "there is no state disk" in said, said)


@test
def no_app_has_the_folder_of_another(context):
    """fs hears from the kernel who asks. What an app says of itself changes nothing."""
    tree = Tree(context)
    settings = {"STARINA_KEEP": "1", "STARINA_DISK": str(context.scratch / "state.img")}
    tally = counter(tree, "tally")
    check_equal(start(context, tally, **settings), "start 1")
    check_equal(start(context, counter(tree, "other"), **settings), "start 1")
    include = ('#include "libs/starina/alloc.h"', '#include "libs/starina/alloc.h"\n#include "libs/starina/environ.h"')
    for number, uri in enumerate(("own:tally", "volumes:app/tally", "volumes:all")):
        thief = counter(tree, f"thief{number}", include,
                        ("folder_open_own(env, ", f'folder_open(environ_connector(env, "own"), "{uri}", '))
        said = start(context, thief, **settings)
        check("there is no such share" in said, said)
    check_equal(start(context, tally, **settings), "start 2")


@test
def the_same_in_a_folder_of_the_host(context):
    """What the page says of --share: another need, another call."""
    app = counter(Tree(context), "sharer",
                  ("folder_open_own(env, ", 'folder_open(environ_connector(env, "files"), FILES_HOST_PREFIX "notes", '),
                  ("{ FILES_OWN }", '{ { .kind = NEED_SERVICE, .name = "files" } }'),
                  ('#include "libs/starina/alloc.h"', '#include "libs/starina/alloc.h"\n#include "libs/starina/environ.h"'))
    share = context.scratch / "notes"
    share.mkdir()
    for number in (1, 2):
        check_equal(start(context, app, "--share", f"notes={share}"), f"start {number}")
    check_equal([(path.name, path.read_text()) for path in share.iterdir()], [("count", "2")])
