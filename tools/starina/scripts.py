# SPDX-License-Identifier: MIT
"""Apps in TypeScript: from a source to the file that the system loads (ts/tool), and again when a source changes."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .client import Failure

TOOL = Path(__file__).resolve().parent.parent.parent / "ts" / "tool" / "main.mjs"
SUFFIXES = (".ts", ".mts", ".js", ".mjs", ".json")
LOOK_EVERY_S = 0.05

NEW = """// What this app does.
import { app, log } from "starina";

export default app({
	name: "NAME",
	main() {
		log.info("good morning");
	},
});
"""


def is_source(path):
    """Whether it is a folder or a file that an app is made of."""
    return path.is_dir() or path.suffix in SUFFIXES[:4]


class Source:
    """What an app is made of. `name` and `app`, its file, are those of the last build that went well."""

    def __init__(self, path):
        self.path = path
        self.name = self.app = None
        self.inputs = set()

    def build(self):
        """A Failure with the errors, a line each, if it cannot be made."""
        node = shutil.which("node")
        if node is None:
            raise Failure("apps in TypeScript need node, which is not there: run ./setup.sh")
        with tempfile.TemporaryDirectory(prefix="starina-push.") as folder:
            app, inputs = Path(folder) / "app", Path(folder) / "inputs"
            done = subprocess.run([node, TOOL, self.path, "--app", app, "--inputs", inputs], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Failure(done.stderr.strip() or f"ts/tool ended with status {done.returncode}")
            self.name, self.app = done.stdout.strip(), app.read_bytes()
            self.inputs = {Path(line) for line in inputs.read_text(encoding="utf-8").splitlines()}

    def state(self):
        """What changes when a source does. New files beside the app count, too: an error may be that they are not there."""
        folder = self.path if self.path.is_dir() else self.path.parent
        found = {}
        for path in self.inputs | {path for path in folder.iterdir() if path.suffix in SUFFIXES}:
            try:
                stat = path.stat()
                found[path] = (stat.st_mtime_ns, stat.st_size)
            except OSError:
                found[path] = None
        return found

    def wait_for_change(self, before):
        """Until something is not as the state `before` has it."""
        while all(path in before and before[path] == state for path, state in self.state().items()):
            time.sleep(LOOK_EVERY_S)


def make_new(name):
    """A folder of the name with an app that runs, and what an editor needs to know its types."""
    folder = Path(name)
    if not folder.name.isidentifier() or not folder.name.isascii() or len(folder.name) > 23:
        raise Failure(f"{folder.name!r} is not a name for an app: letters, digits and _ make one, at most 23, and no digit begins it")
    types = os.path.relpath(TOOL.parent.parent, folder.resolve())
    try:
        folder.mkdir(parents=True)
        (folder / "main.ts").write_text(NEW.replace("NAME", folder.name), encoding="utf-8")
        (folder / "tsconfig.json").write_text(f'{{ "extends": "{types}/tsconfig.json", "include": ["*.ts", "{types}/*.d.ts"] }}\n',
                                              encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot make {folder}: {error.strerror}") from error
    return folder
