"""22. Fill whatever may be written."""

import os
import tempfile

# --- fill: refused
def temporary_file(): return tempfile.TemporaryFile()
def named_file(): return tempfile.NamedTemporaryFile()
def directory(): return tempfile.mkdtemp()
def here(): return open("note", "x")
def home(): return open(os.path.expanduser("~/note"), "x")
def many_files(): return [open(f"/tmp/{n}", "x") for n in range(9)]
def many_directories(): return os.makedirs("/tmp/" + "d/" * 20)
def many_links(): return [os.symlink("x", f"/tmp/{n}") for n in range(9)]
def run(): return open("/run/note", "x")
def var(): return open("/var/tmp/note", "x")
def root(): return open("/note", "x")
def devices(): return os.mknod("/tmp/disk", 0o060666, os.makedev(8, 0))
