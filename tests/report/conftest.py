import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sample():
    """The module that makes result documents as `compare` writes them."""
    spec = importlib.util.spec_from_file_location("report_sample", Path(__file__).with_name("sample.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def document(sample):
    return sample.document(n=60)
