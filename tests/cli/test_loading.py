"""Finding the Offload that somebody names."""

import sys
from pathlib import Path

import pytest

from offload.errors import ConfigError
from offload.loading import load

TASKS = """
from offload import Offload
app = Offload()

@app.task
def mow() -> None: ...
"""


def write(file: Path, source: str = TASKS) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source)
    return file


def refusal(named: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(named)
    return str(caught.value)


@pytest.mark.parametrize(
    "named", ["garden.py", "./garden.py", "garden", "garden.py:app", "garden:app"]
)
def test_a_file_and_a_module_in_the_working_directory(tmp_path: Path, named: str) -> None:
    write(tmp_path / "garden.py")

    assert load(named).registry.names() == ("mow",)


def test_a_file_elsewhere_finds_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path / "far" / "garden.py", "import shed\n" + TASKS)
    write(tmp_path / "far" / "shed.py", "")

    load(str(tmp_path / "far" / "garden.py"))

    assert sys.path[0] == str(tmp_path / "far")


def test_a_file_in_a_package_is_imported_as_a_part_of_it(tmp_path: Path) -> None:
    write(tmp_path / "estate" / "__init__.py", "")
    write(tmp_path / "estate" / "north" / "__init__.py", "")
    write(tmp_path / "estate" / "shed.py", "")
    write(tmp_path / "estate" / "north" / "garden.py", "from .. import shed\n" + TASKS)

    load("estate/north/garden.py")

    assert "estate.north.garden" in sys.modules


def test_a_package_itself_can_hold_the_tasks(tmp_path: Path) -> None:
    write(tmp_path / "estate" / "__init__.py")

    assert load("estate/__init__.py") is load("estate")


def test_one_of_several_is_named(tmp_path: Path) -> None:
    write(tmp_path / "garden.py", TASKS + "other = Offload()\n")

    assert load("garden.py:other").registry.names() == ()
    assert refusal("garden.py") == (
        "garden.py has several Offloads; name one: garden.py:app or garden.py:other"
    )


def test_two_names_of_one_offload_are_no_choice(tmp_path: Path) -> None:
    write(tmp_path / "garden.py", TASKS + "application = app\n")

    assert load("garden.py").registry.names() == ("mow",)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal("garden.py") == f"there is no file garden.py in {tmp_path}"
    assert refusal("/nowhere/garden.py") == "there is no file /nowhere/garden.py"


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path / "estate" / "__init__.py", "")
    looked = f"looked in {tmp_path} and where this Python has its packages"

    assert refusal("garden") == f"there is no module 'garden'; {looked}"
    assert refusal("estate.garden") == f"there is no module 'estate.garden'; {looked}"
    assert refusal("park.garden") == (
        f"there is no module 'park.garden': there is no package 'park'; {looked}"
    )


def test_what_is_neither(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").touch()

    assert refusal("./folder") == "./folder is a folder; name a Python file in it, or a module"
    assert refusal("./notes.txt") == "./notes.txt is no Python file; its name must end in .py"
    assert refusal("my tasks") == "'my tasks' is neither a Python file nor the name of a module"


def test_a_module_that_is_missing_in_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "garden.py", "import os\nimport no_such_tool\n" + TASKS)

    assert refusal("garden.py") == (
        f"garden.py cannot be imported: {file}, line 2: No module named 'no_such_tool'; "
        "install it, or mend its name"
    )


def test_a_module_that_is_missing_further_down_is_found_there(tmp_path: Path) -> None:
    shed = write(tmp_path / "shed.py", "\n\nimport no_such_tool\n")
    write(tmp_path / "garden.py", "import shed\n" + TASKS)

    assert f"{shed}, line 3: No module named 'no_such_tool'" in refusal("garden")


def test_an_exception_while_it_is_imported(tmp_path: Path) -> None:
    file = write(tmp_path / "garden.py", "def dig():\n    return 1 / 0\n\ndig()\n")

    assert refusal("garden.py") == (
        f"garden.py cannot be imported: {file}, line 2: ZeroDivisionError: division by zero"
    )


def test_an_exception_in_a_library_is_shown_where_we_call_it(tmp_path: Path) -> None:
    file = write(tmp_path / "garden.py", "import json\n\njson.loads('{')\n")

    assert f"{file}, line 3: json.decoder.JSONDecodeError: " in refusal("garden.py")


def test_a_task_that_cannot_be_one(tmp_path: Path) -> None:
    file = write(tmp_path / "garden.py", TASKS + "\n@app.task\ndef grow(): yield\n")

    said = refusal("garden.py")

    assert said.startswith(f"garden.py cannot be imported: {file}, line 8: ")
    assert "'grow' cannot be a task: it is a generator" in said


def test_a_syntax_error(tmp_path: Path) -> None:
    file = write(tmp_path / "garden.py", "x = 1\nif x\n    pass\n")

    assert refusal("garden.py") == (
        f"garden.py cannot be imported: {file}, line 2: SyntaxError: expected ':'"
    )


def test_a_script_that_ends_the_program(tmp_path: Path) -> None:
    file = write(tmp_path / "garden.py", "import sys\nsys.exit(3)\n")

    assert refusal("garden.py") == (
        f"garden.py cannot be imported: {file}, line 2: it ends the program; put that under "
        '`if __name__ == "__main__":`'
    )


def test_no_offload_in_it(tmp_path: Path) -> None:
    write(tmp_path / "garden.py", "number = 3\n")

    assert refusal("garden.py") == (
        "garden.py has no Offload; add `app = Offload()` and register tasks with it"
    )
    assert refusal("garden.py:number") == "'number' in garden.py is no Offload (its type is int)"
    assert refusal("garden.py:app") == "garden.py has no name 'app'"


def test_a_wrong_name_beside_a_right_one(tmp_path: Path) -> None:
    write(tmp_path / "garden.py")

    assert refusal("garden.py:ap") == "garden.py has no name 'ap'; there is app"


def test_a_file_with_the_name_of_another_module(tmp_path: Path) -> None:
    write(tmp_path / "queue.py")

    said = refusal("queue.py")

    assert said.startswith("queue.py has the name of another module, 'queue' (")
    assert said.endswith("; rename it")


def test_a_file_whose_name_cannot_be_imported(tmp_path: Path) -> None:
    write(tmp_path / "my-garden.py")

    assert refusal("my-garden.py") == (
        "my-garden.py cannot be imported under the name 'my-garden'; rename it, with letters, "
        "digits and _ only"
    )
