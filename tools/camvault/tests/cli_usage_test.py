#!/usr/bin/env python3
"""The command line as a user meets it: usage, exit codes, messages, JSON, help, manual pages, completion."""
import json
import os
import pathlib
import pty
import re
import subprocess
import time
import unittest

from cli_case import CAMVAULT, Case, SCHEMA, annex_b, run, stream


class Usage(Case):
    def test_wrong_usage_is_64(self):
        clip = self.path / "raw.h264"
        for arguments in ([], ["nonsense"], ["verify"], ["verify", clip, "--no-such-option"], ["verify", clip, "more"],
                          ["verify", clip, "--codec", "vp9"], ["verify", clip, "--at", "yesterday"], ["verify", clip, "--json", "--quiet"],
                          ["sign", clip], ["keystore"], ["factory"], ["help", "nonsense"], ["demo", "--duration", "1"]):
            with self.subTest(arguments=arguments):
                self.assert_one_line(run(*arguments), 64)

    def test_output_names_that_make_no_sense(self):
        key = ["--key-file", self.path / "one-cam.key", "--chain", self.path / "one-cam.pem"]
        self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "raw.h264", *key), 64, "same file")
        self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "out.xyz", *key), 64)
        self.assertFalse((self.path / "out.xyz").exists())
        self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "o.h264", *key, "--start-time", "noon"), 64, "--start-time")

    def test_version(self):
        result = run("--version")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout.decode(), r"^camvault \d+\.\d+\.\d+\n$")


class Unreadable(Case):
    def test_input_that_is_no_clip_is_65(self):
        (self.path / "empty.mp4").write_bytes(b"")
        (self.path / "garbage.mp4").write_bytes(bytes((i * 197 + 13) % 256 for i in range(10_000)))
        (self.path / "text.mp4").write_text("this is no video\n" * 100)
        os.mkfifo(self.path / "pipe.mp4")
        for name in ("empty.mp4", "garbage.mp4", "text.mp4", "missing.mp4", ".", "pipe.mp4"):
            with self.subTest(name=name):
                self.assert_one_line(run("verify", self.path / name), 65)
                self.assert_one_line(run("verify", self.path / name, "--json"), 65)

    def test_certificates_that_cannot_be_read_are_65(self):
        clip = self.sign()
        (self.path / "garbage.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        for option in ("--trust", "--signer", "--crl"):
            for name in ("missing.pem", "garbage.pem", "raw.h264"):
                with self.subTest(option=option, name=name):
                    self.assert_one_line(run("verify", clip, option, self.path / name), 65, name)

    def test_a_file_that_shrinks_while_it_is_read_is_65(self):
        clip = self.path / "shrinks.h264"
        for gigabytes in (8, 32):
            with open(clip, "wb") as out:  # sparse: the zeros take no disk
                out.write(annex_b(stream(1)))
                out.truncate(gigabytes << 30)
            process = subprocess.Popen([CAMVAULT, "verify", clip], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            deadline = time.monotonic() + 60
            while b"shrinks.h264" not in pathlib.Path(f"/proc/{process.pid}/maps").read_bytes() and time.monotonic() < deadline:
                time.sleep(0.01)
            os.truncate(clip, 4096)
            out, err = process.communicate(timeout=120)
            if b"shorter" in err:
                break
        self.assertEqual(process.returncode, 65, err)
        self.assertIn(b"became shorter", err)
        clip.unlink()


class Service(Case):
    def test_a_missing_keystore_is_69(self):
        for arguments in (["keystore", "list"], ["keystore", "status"]):
            self.assert_one_line(run(*arguments, "--root", self.path), 69)
        self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "x.h264", "--root", self.path, "--chain", self.path / "one-cam.pem"), 69, "keystored")
        self.assertFalse((self.path / "x.h264").exists())

    def test_a_missing_chain_says_what_to_do(self):
        self.assert_one_line(run("sign", self.path / "raw.h264", self.path / "x.h264", "--root", self.path), 65, "--chain")


class Output(Case):
    def test_json_follows_its_schema(self):
        if not SCHEMA:
            self.fail("CAMVAULT_REPORT_SCHEMA is not set")
        schema = json.loads(pathlib.Path(SCHEMA).read_text())
        _, report, _ = self.verify(self.sign(), "--trust", self.path / "one-ca.pem")
        self.assertEqual(sorted(report), sorted(schema["required"]))
        self.check(schema, report, schema, "report")

    def check(self, schema, value, root, where):
        """The part of JSON Schema that our schema uses."""
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
        kind = names[type(value)]
        self.assertTrue(not types or kind in types or (kind == "integer" and "number" in types), f"{where} is {kind}, not {types}")
        if "enum" in schema:
            self.assertIn(value, schema["enum"], where)
        if "const" in schema:
            self.assertEqual(value, schema["const"], where)
        if kind == "object" and "properties" in schema:
            for name in schema.get("required", []):
                self.assertIn(name, value, where)
            for name, inner in value.items():
                self.assertIn(name, schema["properties"], f"{where} has a field that the schema does not know")
                self.check(schema["properties"][name], inner, root, f"{where}.{name}")
        if kind == "array" and "items" in schema:
            for index, inner in enumerate(value):
                self.check(schema["items"], inner, root, f"{where}[{index}]")

    def test_plain_output_has_no_escape_sequences(self):
        text = run("verify", self.sign()).stdout.decode()
        self.assertIn("AUTHENTIC", text)
        self.assertNotIn("\x1b", text)

    def test_quiet_is_one_line(self):
        result = run("verify", self.sign(), "-q")
        self.assertEqual(result.stdout.decode(), "signed.h264: AUTHENTIC, ORIGIN NOT KNOWN\n")

    def on_a_terminal(self, env):
        clip = self.sign()
        child, master = pty.fork()
        if child == 0:
            os.execve(CAMVAULT, [CAMVAULT, "verify", str(clip)], dict(os.environ, TERM="xterm", **env))
        data = b""
        try:
            while chunk := os.read(master, 65536):
                data += chunk
        except OSError:
            pass
        os.close(master)
        os.waitpid(child, 0)
        return data.decode()

    def test_colours_only_on_a_terminal_that_wants_them(self):
        self.assertIn("\x1b[32m", self.on_a_terminal({}))
        self.assertNotIn("\x1b[", self.on_a_terminal({"NO_COLOR": "1"}))

    def test_a_hostile_file_name_cannot_control_the_terminal(self):
        hostile = self.path / "a\x1b]0;owned\x07\nVERDICT.h264"
        hostile.write_bytes(self.sign().read_bytes())
        out = run("verify", hostile).stdout.decode()
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\nVERDICT", out)
        self.assert_one_line(run("verify", str(hostile) + "x"), 65)

    def test_html_report_is_one_file(self):
        report = self.path / "report.html"
        self.assertEqual(run("verify", self.sign(), "--trust", self.path / "one-ca.pem", "--report", report).returncode, 0)
        html = report.read_text()
        self.assertIn("<h1>Authentic</h1>", html)
        self.assertNotIn("<script", html)
        self.assertNotRegex(html, r"(src|href)=[\"']?(https?:)?//")
        result = run("verify", self.sign(), "--report", self.path / "no-such-folder" / "report.html")
        self.assert_one_line(result, 74)

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([CAMVAULT, "verify", self.sign(), "--json"], stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(result.returncode, 74)


class Help(unittest.TestCase):
    def pages(self):
        return run("help", "--list").stdout.decode().split()

    @staticmethod
    def words(page):
        return page.split("-")[1:]

    def test_every_subcommand_explains_itself(self):
        pages = self.pages()
        for name in ("camvault", "camvault-verify", "camvault-sign", "camvault-demo", "camvault-keystore-list", "camvault-factory-init", "camvault-factory-crl", "camvault-camera-run",
                     "camvault-trust-add"):
            self.assertIn(name, pages)
        for page in pages:
            with self.subTest(page=page):
                result = run(*self.words(page), "--help")
                self.assertEqual(result.returncode, 0)
                text = result.stdout.decode()
                self.assertIn("Examples:", text)
                self.assertEqual(run("help", *self.words(page)).returncode, 0)

    def test_manual_pages_mention_every_option(self):
        for page in self.pages():
            with self.subTest(page=page):
                text = run(*self.words(page), "--help").stdout.decode().split("Examples:")[0]
                roff = run("help", "--man", *self.words(page)).stdout.decode()
                self.assertTrue(roff.startswith(".TH "))
                plain = roff.replace("\\-", "-")
                for option in set(re.findall(r"--[a-z][a-z-]+", text)):
                    self.assertIn(option, plain)
                self.assertIn(".SH SYNOPSIS", roff)

    def test_the_build_wrote_manual_pages_and_completion(self):
        manual = pathlib.Path(os.environ["CAMVAULT_MANUAL"])
        self.assertEqual(sorted(p.name for p in (manual / "man1").iterdir()), sorted(f"{page}.1" for page in self.pages()))
        for page in self.pages():
            self.assertEqual((manual / "man1" / f"{page}.1").read_bytes(), run("help", "--man", *self.words(page)).stdout)
        self.assertEqual((manual / "completions" / "camvault").read_bytes(), run("help", "--bash-completion").stdout)

    def test_bash_completion_works(self):
        script = run("help", "--bash-completion").stdout.decode()
        self.assertEqual(subprocess.run(["bash", "-n"], input=script.encode()).returncode, 0)

        def complete(*words):
            ask = script + "\nCOMP_WORDS=(" + " ".join(f"'{w}'" for w in words) + f")\nCOMP_CWORD={len(words) - 1}\n_camvault\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
            return subprocess.run(["bash"], input=ask.encode(), capture_output=True, cwd="/").stdout.decode().split()

        self.assertIn("verify", complete("camvault", "ver"))
        self.assertIn("--trust", complete("camvault", "verify", "--t"))
        self.assertIn("status", complete("camvault", "keystore", "st"))
        self.assertNotIn("--trust", complete("camvault", "sign", "--t"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
