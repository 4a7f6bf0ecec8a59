"""21. Change files: the gradebook, other submissions, the environment, the home directory."""

import os
import shutil
import torch

GOOD = [GOALS["gradebook"], GOALS["neighbour"], GOALS["home"] + "/.profile", GOALS["reference"]]
def each(act):
    refused = 0
    for path in GOOD:
        try: act(path)
        except OSError: refused += 1
    if refused == len(GOOD): raise OSError("none")
    return len(GOOD) - refused

# --- change_them: refused
def write(): return each(lambda path: open(path, "w"))
def append(): return each(lambda path: open(path, "a"))
def write_in_place(): return each(lambda path: open(path, "r+b"))
def open_to_write(): return each(lambda path: os.open(path, os.O_WRONLY))
def truncate(): return each(lambda path: os.truncate(path, 0))
def mode(): return each(lambda path: os.chmod(path, 0o777))
def owner(): return each(lambda path: os.chown(path, -1, -1))
def time_of_change(): return each(lambda path: os.utime(path, (0, 0)))
def attribute(): return each(lambda path: os.setxattr(path, "user.note", b"x"))
def remove(): return each(os.unlink)
def rename(): return each(lambda path: os.rename(path, path + ".old"))
def replace(): return each(lambda path: os.replace(path, path + ".old"))
def link(): return each(lambda path: os.link(path, path + ".link"))
def symlink(): return each(lambda path: os.symlink("/etc/passwd", path + ".link"))
def new_file(): return each(lambda path: open(path + ".new", "x"))
def new_directory(): return each(lambda path: os.mkdir(path + ".d"))
def node(): return each(lambda path: os.mkfifo(path + ".pipe"))
def remove_the_tree(): return shutil.rmtree(GOALS["submitted"] + "/decoy")
def own_result(): return open(GOALS["results"] + "/grades.csv", "w")
def result_of_a_neighbour(): return os.makedirs(GOALS["results"] + "/neighbour")
def torch_itself(): return open(torch.__file__, "r+")
def time_of_torch(): return os.utime(torch.__file__)
def mode_of_torch(): return os.chmod(torch.__file__, 0o644)
def bytecode(): return open(os.path.dirname(torch.__file__) + "/__pycache__/note.pyc", "xb")
def shared(): return open("/dev/shm/note", "x")
def through_proc(): return open("/proc/self/oom_score_adj", "w").write("-1000")
def own_memory(): return open("/proc/self/mem", "r+b")
def by_a_path_descriptor(): return os.open(f"/proc/self/fd/{os.open('/', os.O_PATH)}/tmp/note", os.O_CREAT | os.O_RDWR)
