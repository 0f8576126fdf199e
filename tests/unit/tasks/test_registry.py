"""A wrong entry stops the boot with a message that names it and says what to write instead."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import offload
from offload import task
from offload.errors import BootError, TooExpensiveError
from offload.tasks.decorator import Limits, options_of
from offload.tasks.registry import RegistrySpec, load_registry
from tests.unit.tasks import functions
from tests.unit.tasks.building import MODULE, registry_of, users_task

APP = str(Path(offload.__file__).parents[1])
"""Where the package is installed."""


@pytest.mark.parametrize(
    ("attribute", "says"),
    [
        ("no_annotation", "`a` has no annotation; write one, such as `a: int`"),
        ("bare_progress", "such as `progress: Callable[[int, int], None]`"),
        ("star_args", "`*numbers: int`"),
        ("star_kwargs", "`**numbers: int`"),
        ("takes_bytes", "it takes bytes"),
        ("takes_nested_bytes", "it takes bytes"),
        ("returns_bytes", "it returns bytes"),
        ("takes_object", "parameters can't be described in JSON"),
        ("returns_object", "return annotation can't be described in JSON"),
        ("takes_callable", "`callback` is a Callable"),
        ("takes_secret", "take str"),
        ("underscored", "rename it"),
        ("unknown_name", "name 'Nowhere' is not defined"),
        ("with_wrong_cost", "its cost function must take the task's own parameters, `n`"),
        ("Kit.method", "`self` has no annotation"),
        ("not_a_function", "is of type int, not a function"),
        ("Order", "not a function"),
        ("nowhere", "there is no nowhere in "),
        ("Kit.nowhere", "there is no Kit.nowhere in "),
    ],
)
def test_a_function_that_can_not_be_a_task(attribute: str, says: str) -> None:
    entry = f"bad={MODULE}:{attribute}"
    with pytest.raises(BootError) as refused:
        registry_of(f"{MODULE}:add, {entry}")
    assert f'OFFLOAD_TASKS entry "{entry}"' in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("nothing", "not of the form module:function or name=module:function."),
        ("words.count_words", "Write words:count_words"),
        ("name=a.b.c", "Write name=a.b:c"),
        ("a=b=c:d", "not of the form"),
        (":f", "not of the form"),
        ("m:", "not of the form"),
        ("a=:f", "not of the form"),
        ("no.such.module:f", "No module named 'no'"),
        (f"Bad={MODULE}:add", f"Write my-task={MODULE}:add"),
        (f"={MODULE}:add", '"" is not a valid task name'),
        (f"-a={MODULE}:add", '"-a" is not a valid task name'),
        (f"a/b={MODULE}:add", '"a/b" is not a valid task name'),
        (f"{'a' * 64}={MODULE}:add", "at most 63"),
        (f"123e4567-e89b-12d3-a456-426614174000={MODULE}:add", "like a job's id"),
        (f"fibonacci={MODULE}:add", 'there already is a task "fibonacci"'),
        (f"file-digest={MODULE}:add", 'there already is a task "file-digest"'),
        (f"{MODULE}:Adder", "not a function"),
        (f"{MODULE}:adder", '"Adder" is not a valid task name'),
    ],
)
def test_an_entry_that_is_wrong(entry: str, says: str) -> None:
    with pytest.raises(BootError) as refused:
        registry_of(entry)
    assert f'OFFLOAD_TASKS entry "{entry}"' in str(refused.value)
    assert says in str(refused.value)


def test_a_name_taken_twice() -> None:
    with pytest.raises(BootError, match=r'"add=.*Kit.double": there already is a task "add"'):
        registry_of(f"{MODULE}:add, add={MODULE}:Kit.double")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("1/0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit('no licence')", "SystemExit: no licence"),
        ("def f(:", "SyntaxError"),
        (
            "from offload import task\n@task(timeout_s=-1)\ndef f() -> None: ...",
            "timeout_s is a number of seconds above 0, not -1",
        ),
    ],
)
def test_a_module_that_can_not_be_imported(source: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(source)
    shown = _load_in(tmp_path, "broken:f")
    assert 'BootError: OFFLOAD_TASKS entry "broken:f": importing broken failed' in shown
    assert says in shown


def test_modules_in_the_current_directory_are_found(tmp_path: Path) -> None:
    (tmp_path / "thumbs").mkdir()
    (tmp_path / "thumbs" / "work.py").write_text("def shrink(width: int) -> int:\n    return width // 2\n")
    assert _load_in(tmp_path, "thumbs.work:shrink").strip() == "['fibonacci', 'file-digest', 'shrink']"


def test_a_folder_called_offload_does_not_hide_the_package(tmp_path: Path) -> None:
    (tmp_path / "offload").mkdir()
    (tmp_path / "offload" / "__init__.py").write_text("raise RuntimeError('the wrong one')\n")
    (tmp_path / "work.py").write_text("def f() -> None: ...\n")
    after = "import importlib; del sys.modules['offload']; print(importlib.import_module('offload').__file__)"
    assert _load_in(tmp_path, "work:f", after).splitlines()[-1] == offload.__file__


def _load_in(directory: Path, tasks: str, after: str = "") -> str:
    """Returns what a new process prints. Its path is that of a console script: the package, not its directory."""
    program = (
        f"import sys; sys.path[:] = [p for p in sys.path if p] + {[APP, str(Path.cwd())]!r}\n"
        "from offload.tasks.registry import RegistrySpec, load_registry\n"
        f"print(list(load_registry(RegistrySpec(tasks={tasks!r}))))\n{after}"
    )
    done = subprocess.run(
        [sys.executable, "-E", "-c", program], cwd=directory, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def test_limits_and_cost() -> None:
    burn = users_task("burn")
    assert burn.limits == Limits(timeout_s=5, memory_mb=64, max_attempts=1)
    assert burn.cost(burn.parse(b'{"seconds":2,"cores":3}')) == 6.0
    with pytest.raises(TooExpensiveError, match="At most 100"):
        burn.cost(burn.parse(b'{"seconds":101}'))
    assert functions.burn(2.0, 3) == 6.0
    order = users_task("costly_order")
    assert order.cost(order.parse(b'{"item":"tea","amount":4}')) == 4.0
    assert users_task("Kit.limited").limits == Limits(timeout_s=7)
    assert users_task("add").limits == Limits()
    assert users_task("add").cost(users_task("add").parse(b'{"a":1}')) == 0.0


@pytest.mark.parametrize(
    "limits",
    [
        {"timeout_s": 0},
        {"timeout_s": float("nan")},
        {"timeout_s": float("inf")},
        {"timeout_s": "5"},
        {"timeout_s": True},
        {"memory_mb": 0},
        {"memory_mb": 1.5},
        {"max_attempts": 0},
        {"max_attempts": 11},
        {"max_attempts": True},
    ],
)
def test_limits_out_of_range_are_rejected_by_the_decorator(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(limits))} is a"):
        task(**limits)  # type: ignore[arg-type]  # what is wrong with them


def test_price_is_an_alias_of_cost() -> None:
    def one(n: int) -> float:  # noqa: ARG001  # the task's parameter
        return 1.0

    @task(price=one)
    def priced(n: int) -> int:
        return n

    assert options_of(priced).cost is one
    with pytest.raises(ValueError, match="two names of one option"):
        task(cost=one, price=one)


@pytest.mark.parametrize("name", ["cost", "price"])
def test_a_cost_that_can_not_be_called_is_rejected_by_the_decorator(name: str) -> None:
    with pytest.raises(TypeError, match="cost is a function"):
        task(**{name: 3})  # type: ignore[arg-type]  # not a function


def test_only_file_digest_examines_its_parameters() -> None:
    registry = registry_of(f"{MODULE}:add")
    assert [name for name, task in registry.items() if task.examine] == ["file-digest"]


def test_a_pickled_spec_makes_the_same_registry() -> None:
    spec = RegistrySpec(tasks=f"{MODULE}:add", fibonacci_max_n=10)
    again = load_registry(pickle.loads(pickle.dumps(spec)))  # noqa: S301  # our own
    assert {name: task.params_schema for name, task in again.items()} == {
        name: task.params_schema for name, task in load_registry(spec).items()
    }


def test_a_child_process_imports_no_web_framework() -> None:
    program = "import sys, offload.tasks.registry; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    unwanted = {"fastapi", "starlette", "uvicorn", "sqlite3", "structlog", "multiprocessing", "asyncio", "gmpy2"}
    assert not unwanted & set(modules)
