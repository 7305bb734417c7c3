#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of services.py on tables made here; no image is needed."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import services  # noqa: E402


def app(name, needs=(), provides=(), optional=(), isolation="kernel"):
    return {"name": name, "isolation": isolation, "restart": "never", "memory_limit": 0, "handle_limit": 0,
            "needs": [{"kind": "service", "name": need, "fallback": None, "optional": need in optional}
                      for need in needs],
            "provides": list(provides)}


class Order(unittest.TestCase):
    def test_providers_come_first(self):
        table = services.Table([app("httpd", ["tcpip"]), app("tcpip", ["netdev"], ["tcpip"]),
                                app("net", [], ["netdev"])])
        self.assertEqual(table.order, ["net", "tcpip", "httpd"])
        self.assertEqual(table.fatal, [])

    def test_cycle_is_named(self):
        table = services.Table([app("a", ["y"], ["x"]), app("b", ["x"], ["y"])])
        self.assertEqual(table.fatal, ["apps need each other in a cycle: a -> b -> a"])

    def test_two_providers_are_named(self):
        table = services.Table([app("a", [], ["x"]), app("b", [], ["x"])])
        self.assertEqual(len(table.fatal), 1)
        self.assertIn("'a' and 'b' both provide the service 'x'", table.fatal[0])

    def test_unmet_need(self):
        table = services.Table([app("a", ["x", "z"], optional=["z"])])
        self.assertEqual(table.fatal, [])
        self.assertIn("'x'", table.problems[0])
        self.assertIn("is not started", table.problems[0])
        self.assertIn("starts without it", table.problems[1])


    def test_unmet_need_names_who_provides_it(self):
        table = services.Table([app("a", ["blkdev", "ehco"]), app("echo", [], ["echo"])], {"blkdev": "virtio_blk"})
        self.assertTrue(table.problems[0].endswith("it is not started; virtio_blk provides it: add it to APPS"))
        self.assertTrue(table.problems[1].endswith("it is not started; did you mean 'echo'?"))
        self.assertEqual(table.unmet, table.problems)

    def test_a_script_needs_its_runtime(self):
        script, other = app("script", isolation="user") | {"runtime": "js"}, app("js", isolation="user")
        for apps in ([script], [script, other]):
            table = services.Table(apps)
            self.assertIn("the runtime 'js', which this image does not have: it is not started", table.unmet[0])
        table = services.Table([script, other | {"is_runtime": True}])
        self.assertEqual(table.unmet + table.problems, [])
        text = "\n".join(services.render_text(table, "image"))
        self.assertIn("script  (user, a script of js; restart", text)
        self.assertIn("js  (a runtime of scripts; not started by itself)", text)

    def test_providers_of_this_tree(self):
        known = services.providers_in_tree(services.HERE.parents[1])
        self.assertEqual(known["blkdev"], "virtio_blk")
        self.assertEqual(known["vmnet"], "netswitch")


class Picture(unittest.TestCase):
    def test_chain(self):
        table = services.Table([app("net", [], ["netdev"]), app("tcpip", ["netdev"], ["tcpip"], ["netdev"]),
                                app("httpd", ["tcpip"]), app("hello")])
        self.assertEqual(services.draw_picture(table),
                         ["net -- netdev ..> tcpip -- tcpip --> httpd",
                          "neither use nor provide a service: hello"])

    def test_branches_and_a_shared_user(self):
        table = services.Table([app("echo", [], ["echo"]), app("one", ["echo"], ["s"]), app("two", ["echo", "s"])])
        self.assertEqual(services.draw_picture(table),
                         ["echo +- echo --> one -- s --> two",
                          "     +- echo --> two"])

    def test_unused_service_shows(self):
        self.assertEqual(services.draw_picture(services.Table([app("echo", [], ["echo"])])), ["echo -- echo -- (nobody)"])

    def test_every_app_is_in_every_format(self):
        table = services.Table([app("a", [], ["x"]), app("b", ["x"]), app("c")])
        for render in services.RENDERERS.values():
            text = "\n".join(render(table, "image"))
            for name in ("a", "b", "c"):
                self.assertIn(name, text)

    def test_who_runs_how_is_said(self):
        table = services.Table([app("a", [], ["x"]), app("b", ["x"], isolation="user")])
        text = "\n".join(services.render_text(table, "image"))
        self.assertIn("Apps in user mode: 1; in the kernel: 1.", text)
        self.assertIn("a  (kernel; restart", text)
        self.assertIn("b  (user; restart", text)
        self.assertIn("  style b stroke-width", "\n".join(services.render_mermaid(table, "image")))
        self.assertIn('"b" [style=bold];', "\n".join(services.render_dot(table, "image")))


if __name__ == "__main__":
    result = unittest.TextTestRunner(verbosity=0).run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    bad = len(result.failures) + len(result.errors)
    print(f"services: {result.testsRun - bad} passed, {bad} failed")
    sys.exit(bad != 0)
