"""`--tools`: the Tools of a Python file or module."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from scrimp.core.errors import InputError
from scrimp.core.tool import Tool


def load_tools(name: str) -> list[Tool]:
    """Every Tool at the top level of a Python file (`my_tools.py`) or an importable module (`package.tools`).

    The file is run, as any module is that one imports.

    Raises:
        InputError: there is no such file or module, it fails, or it holds no Tool.
    """
    module = _from_file(Path(name).expanduser()) if name.endswith(".py") else _imported(name, _module)
    found: dict[int, Tool] = {id(value): value for value in vars(module).values() if isinstance(value, Tool)}
    if not found:
        raise InputError(
            f"--tools {name} holds no tool", remedy="write @tool (from scrimp import tool) over a function"
        )
    return list(found.values())


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"--tools: there is no file {path}")
    return _imported(str(path), _file)


def _file(name: str) -> ModuleType:
    path = Path(name).resolve()
    spec = importlib.util.spec_from_file_location(f"scrimp_tools_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its type hints are looked up there
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)  # what stands beside the file can be imported, as when it is run
    spec.loader.exec_module(module)
    return module


def _module(name: str) -> ModuleType:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    return importlib.import_module(name)


def _imported(name: str, how: object) -> ModuleType:
    try:
        module = how(name)  # type: ignore[operator]
    except InputError as error:
        raise InputError(f"--tools {name}: {error.message}", remedy=error.remedy) from error
    except (Exception, SystemExit) as error:
        line = _line_in(error, name)
        said = " ".join(str(error).split())
        raise InputError(f"--tools {name} cannot be loaded: {type(error).__name__}: {said}{line}") from error
    assert isinstance(module, ModuleType)
    return module


def _line_in(error: BaseException, name: str) -> str:
    """Where in the user's file it happened."""
    trace, line = error.__traceback__, 0
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).name == Path(name).name:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}" if line else ""
