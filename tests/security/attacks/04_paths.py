"""4. Read the reference and the graders by their paths, and by those that the kernel offers."""

import glob
import os

# --- open_them: refused
def reference(): return open(GOALS["reference"]).read()
def hidden(): return open(GOALS["hidden"]).read()
def by_dots(): return open("/tmp/.." + GOALS["reference"]).read()
def by_a_descriptor(): return os.read(os.open(GOALS["reference"], os.O_RDONLY), 4096)
def by_a_path_descriptor(): return open(f"/proc/self/fd/{os.open(GOALS['reference'], os.O_PATH)}").read()
def another_submission(): return open(GOALS["neighbour"]).read()
def gradebook(): return open(GOALS["gradebook"]).read()
def results(): return glob.glob(GOALS["results"] + "/*/*.json")[0]
def list_the_course(): return os.listdir(GOALS["course"])
def password_file(): return open("/etc/passwd").read()
def directories_of_others():
    return [open(path + "/reference/attention/weights.py").read() for path in glob.glob("/proc/[0-9]*/cwd")][0]
def roots_of_others():
    return [open(path + GOALS["reference"]).read() for path in glob.glob("/proc/[0-9]*/root") if "/1/" in path][0]
def files_of_others(): return [open(path).read(64) for path in glob.glob(f"/proc/{os.getppid()}/fd/*")][0]
def environment_of_others(): return open(f"/proc/{os.getppid()}/environ").read()
def grader(): return open(f"/proc/{GOALS['grader']}/environ").read()
def its_directory(): return os.readlink(f"/proc/{GOALS['grader']}/cwd")
