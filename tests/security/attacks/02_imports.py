"""2. Import what should be hidden, or find it among what is imported."""

import importlib
import sys

# --- import_it: refused
def reference(): return importlib.import_module("reference.attention.weights").NEEDLE
def hidden(): return importlib.import_module("graders.attention.weights.hidden").NEEDLE
def misconceptions(): return importlib.import_module("graders.attention.weights.misconceptions").NEEDLE
def reference_by_path():
    sys.path.insert(0, GOALS["course"])
    sys.path_importer_cache.clear()
    return importlib.import_module("reference.attention.weights").NEEDLE
def source_by_loader():
    return importlib.machinery.SourceFileLoader("found", GOALS["reference"]).load_module().NEEDLE
def run_it():
    import runpy
    return runpy.run_path(GOALS["hidden"])["NEEDLE"]
def among_the_modules():
    found = [name for name, module in sys.modules.items() if "NEEDLE" in vars(module) or "graders" in name]
    return found[0]
def the_next_exercise(): return importlib.import_module("attention.pooling")
def state_of_hypothesis():
    from hypothesis import control
    return control.current_build_context().data
def sources_of_the_finder():
    texts = [text for finder in sys.meta_path for text in getattr(finder, "_sources", {}).values()]
    return next(text for text in texts if b"need" + b"le-ref" in text)
