"""24. Find what the process inherited: descriptors, secrets of the environment, arguments, a directory."""

import os
import sys

def is_open(number):
    try: os.fstat(number)
    except OSError: return False
    return True

# --- look: refused
def secret(): return os.environ["HEADCHECK_SECRET"]
def paths(): return next(value for value in os.environ.values() if GOALS["world"] in value)
def arguments(): return next(value for value in [*sys.argv, *sys.orig_argv] if GOALS["world"] in value)
def search_path(): return next(value for value in sys.path if GOALS["world"] in value)
def descriptors(): return [number for number in range(4, 4096) if is_open(number)][0]
def own_environment(): return next(line for line in open("/proc/self/environ") if "HEADCHECK_SECRET" in line)
def directory(): return {True: 1}[os.getcwd() != "/"]
def terminal(): return os.ttyname(0)
def login(): return os.getlogin()
def home(): return {True: 1}[GOALS["world"] in os.path.expanduser("~")]
