import dataclasses
import json
import math
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.results import Question, Result, array_field, differences, plain_field, register, same
from tests.fakes import FakeChoice


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample(Result):
    values: np.ndarray = array_field("row", "column", unit="steps")
    question: Question = field(default_factory=lambda: Question("fake"))
    state: State | None = None
    name: str = "x"
    number: float = 1.0
    parts: tuple = ()
    named: dict = field(default_factory=dict)
    plain: dict = plain_field(default_factory=dict)
    milliseconds: float = field(default=0.0, compare=False)


DTYPES = st.sampled_from([np.float32, np.float64, np.int8, np.int64, np.uint8, np.bool_, "<U5", ">f4"])
ARRAYS = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, max_side=9)))


@given(ARRAYS, st.floats(), st.text())
def test_every_number_comes_back_to_the_bit(array, number, text):
    before = Sample(values=array, number=number, name=text, parts=(1, ("a", None), array), named={"k": array})
    after = Sample.from_json(before.to_json())
    assert after.values.dtype == array.dtype.newbyteorder("=")
    assert after.values.shape == array.shape
    assert after.values.tobytes() == array.astype(after.values.dtype).tobytes()
    assert np.float64(after.number).tobytes() == np.float64(number).tobytes() or np.isnan(number)
    assert after == before


def test_states_with_backgrounds_travel_inside_a_result():
    state = State(np.array([1.0, np.pi]), np.random.default_rng(0).random((30, 40)).astype(np.float32))
    after = Sample.from_json(Sample(values=np.zeros(2), state=state).to_json())
    assert after.state == state
    assert not after.values.flags.writeable


def test_axes_and_units_are_written_beside_the_array():
    data = json.loads(Sample(values=np.zeros((2, 3))).to_json())
    assert data["values"]["axes"] == ["row", "column"]
    assert data["values"]["unit"] == "steps"


def test_plain_json_keeps_its_lists():
    plain = {"slots": [{"length": 3}], "names": ["a"]}
    assert Sample.from_json(Sample(values=np.zeros(1), plain=plain).to_json()).plain == plain


def test_a_number_of_plain_json_that_is_not_finite_is_null():
    plain = {"rows": [{"bound": math.inf, "gap": (math.nan, 1.5)}], "best": -math.inf, "count": 3}
    after = Sample.from_json(Sample(values=np.zeros(1), plain=plain).to_json()).plain
    assert after == {"rows": [{"bound": None, "gap": [None, 1.5]}], "best": None, "count": 3}


def test_equality_is_by_value_and_leaves_times_out():
    one = Sample(values=np.array([1.0, np.nan]), milliseconds=1.0)
    assert one == Sample(values=np.array([1.0, np.nan]), milliseconds=9.0)
    assert one != Sample(values=np.array([1.0, 2.0]))
    assert one != dataclasses.replace(one, name="y")
    assert one != "something else"


def test_close_to_forgives_rounding_and_nothing_more():
    one, other = Sample(values=np.array([1.0, 0.0])), Sample(values=np.array([1.0 + 1e-9, 0.0]))
    assert one != other
    assert one.close_to(other)
    assert not one.close_to(Sample(values=np.array([1.001, 0.0])))
    assert one.close_to(Sample(values=np.array([1.001, 0.0])), rtol=0.01)


def test_differences_say_where():
    one = Sample(values=np.zeros(2), parts=(1, 2), named={"a": 1.0})
    other = Sample(values=np.ones(2), parts=(1, 3), named={"a": 2.0})
    assert differences(one, other) == [".values", ".parts[1]", ".named['a']"]
    assert differences(one, Question("fake")) == [""]
    assert same((1, [2]), (1, (2,)))
    assert not same({"a": 1}, {"b": 1})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"__kind__": "Nothing"}, "kind 'Nothing', written by dnnexplain 0.1.0"),
        ({"__version__": 2}, "has format 2"),
        ({"surprise": 1}, "does not know: surprise"),
        ({"values": {"__array__": "<f8", "shape": [2], "base64": "AAAA"}}, "damaged"),
        ({"values": {"__array__": "|O", "shape": [1], "values": [1]}}, "not read from files"),
        ({"values": {"__array__": "<f8", "shape": [3], "values": [1.0]}}, "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(change, message):
    data = json.loads(Sample(values=np.zeros(1)).to_json()) | change
    with pytest.raises(DnnExplainError, match=message):
        Sample.from_json(json.dumps(data))


def test_an_incomplete_file_and_another_kind_are_refused():
    data = json.loads(Sample(values=np.zeros(1)).to_json())
    del data["values"]
    with pytest.raises(DnnExplainError, match="incomplete"):
        Sample.from_json(json.dumps(data))
    with pytest.raises(DnnExplainError, match="not valid JSON"):
        Result.from_json("{")
    with pytest.raises(DnnExplainError, match="the text is no saved Sample but other JSON"):
        Sample.from_json("{}")


def test_what_cannot_be_saved_is_refused():
    with pytest.raises(DnnExplainError, match="array of object"):
        Sample(values=np.array([object()])).to_json()
    with pytest.raises(DnnExplainError, match="a set cannot"):
        Sample(values=np.zeros(1), parts={1}).to_json()
    with pytest.raises(DnnExplainError, match="text keys"):
        Sample(values=np.zeros(1), named={"__kind__": 1}).to_json()


def test_save_writes_all_or_nothing(tmp_path):
    result = Sample(values=np.arange(500.0))
    path = result.save(tmp_path / "result.json")
    assert Result.load(path) == result
    with pytest.raises(DnnExplainError, match="cannot be written"):
        result.save(tmp_path / "missing" / "result.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DnnExplainError, match="cannot be written"):
        result.save(tmp_path / "folder")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder", "result.json"]
    with pytest.raises(DnnExplainError, match="cannot be read"):
        Result.load(tmp_path / "none.json")


def test_two_kinds_cannot_share_a_name():
    with pytest.raises(DnnExplainError, match="exists already"):
        register(type("State", (), {}))


def test_a_question_names_system_policy_and_versions():
    system = FakeChoice(max_steps=7)
    question = Question.about(system, system.rules()["longest"], State(np.array([1.0, 2.0])), method="saliency", seed=3)
    assert question.parameters == {"max_steps": 7}
    assert question.state == {"left queue": 1.0, "right queue": 2.0}
    assert (question.policy, question.checkpoint, question.seed) == ("longest", "", 3)
    assert set(question.versions) == {"dnnexplain", "torch", "captum", "numpy"}
    assert question == dataclasses.replace(question, versions={})


def test_a_table_can_become_a_data_frame():
    frame = Sample(values=np.zeros(1), name="here").frame()
    assert frame["name"].tolist() == ["here"]


def test_reading_a_result_imports_its_module_and_no_torch():
    script = (
        "import sys, dnnexplain.explain\n"
        "from dnnexplain.results import Result\n"
        "print(type(Result.from_json(sys.stdin.read())).__name__)\n"
        "assert not {'torch', 'captum', 'pandas', 'scipy'} & set(sys.modules)\n"
    )
    from dnnexplain.explain.attribution.maps import GroupSum, UnitAttribution

    assert GroupSum(2.0, -1.0).net == 1.0
    from dnnexplain.contract import Decision

    decision = Decision(State(np.zeros(2)), np.zeros(3), None, np.ones(3, bool), None)
    result = UnitAttribution(
        question=Question("fake"), decision=decision, target="t", baseline="b", layer="1",
        values=np.ones(2), explained=2.0, completeness_error=0.0,
    )  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", script], input=result.to_json(), capture_output=True, text=True, check=False
    )
    assert (ran.stdout.strip(), ran.stderr) == ("UnitAttribution", "")
