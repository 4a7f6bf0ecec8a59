"""5. Learn at least that something exists. At level strong this is not prevented, and documented."""

import os

# --- look: refused
def stat(): return os.stat(GOALS["reference"]).st_size
def access(): return os.access(GOALS["reference"], os.F_OK) or 1 / 0
def list_it(): return os.listdir(os.path.dirname(GOALS["reference"]))
def walk(): return next(os.walk(GOALS["course"]))
def grader(): return os.stat(f"/proc/{GOALS['grader']}/cwd/.") and os.getpgid(GOALS["grader"])
