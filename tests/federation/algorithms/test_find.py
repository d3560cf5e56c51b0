"""Algorithms by name, the house's and one's own."""

import pytest

from fedaffect import registry
from fedaffect.errors import UserError
from fedaffect.experiment import Algorithm as Section
from fedaffect.federation.algorithms import find
from fedaffect.federation.algorithms.base import Algorithm
from fedaffect.federation.algorithms.fedavg import FedAvg
from fedaffect.federation.algorithms.fedproto import FedProto

MINE = '''
"""FedAvg in which the server takes only half a step."""

from pydantic import Field

from fedaffect.experiment import Section
from fedaffect.federation.algorithms.base import Algorithm
from fedaffect.federation.algorithms.fedavg import FedAvg


class HalfStep(FedAvg):
    class Settings(Section):
        step: float = Field(0.5, gt=0)

    def initial(self, context):
        return {**super().initial(context), "server/steps": context.initial["model/reduce/text/bias"] * 0}

    def server_round(self, state, aggregate, context):
        moved = {
            n: (state[n] + self.settings.step * (new - state[n])).astype(new.dtype)
            for n, new in aggregate.tensors.items()
        }
        return {**state, **moved, "server/steps": state["server/steps"] + 1}

    def measures(self, state, context):
        return {"steps": float(state["server/steps"][0])}
'''


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "my_federation.py").write_text(MINE)
    (tmp_path / "my_broken.py").write_text("import a_module_that_is_not_there")
    (tmp_path / "my_unfinished.py").write_text(
        "from fedaffect.federation.algorithms.base import Algorithm\n"
        "class Unfinished(Algorithm):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_what_comes_with_the_package():
    assert registry.names("algorithm") == [
        *("centralised", "fedavg", "feddyn", "fedmpd", "fedncm", "fednova", "fedper", "fedproto"),
        *("fedprox", "fedtgp_style", "forest", "local", "moon", "scaffold", "server_optimiser"),
    ]
    for name in registry.names("algorithm"):
        algorithm = find(Section(name=name))
        assert isinstance(algorithm, Algorithm)
        assert type(algorithm).__module__ == f"fedaffect.federation.algorithms.{name}"


def test_settings_reach_the_class():
    algorithm = find(Section(name="fedproto", lambda_=3))
    assert isinstance(algorithm, FedProto)
    assert algorithm.settings.lambda_ == 3


def test_one_of_ones_own(own_module):
    algorithm = find(Section(name="my_federation:HalfStep", step=0.25))
    assert isinstance(algorithm, FedAvg)
    assert algorithm.settings.step == 0.25


def test_one_of_ones_own_runs(own_module, tiny, simulate):
    """And its `server/...` tensors stay with the server, through a checkpoint too."""
    done = simulate(tiny("my_federation:HalfStep", "rounds.count=2", "rounds.selection=last"))
    assert done.outcome.state["server/steps"].tolist() == [2.0] * 8
    assert [e["measures"] for e in done.of_kind("round_finished")] == [{"steps": 1}, {"steps": 2}]


def test_a_step_of_one_is_fedavg(own_module, tiny, simulate):
    """For one round: Adam would make more of the last bit in a second."""
    mine = tiny("my_federation:HalfStep", "algorithm.step=1.0", "rounds.count=1")
    whole = simulate(tiny("fedavg", "rounds.count=1"), "fedavg").outcome.state
    state = simulate(mine, "mine").outcome.state
    for name, array in whole.items():
        assert abs(state[name] - array).max() < 1e-6


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "fedavgg",
            r"algorithm.name: no algorithm `fedavgg`; did you mean `fedavg`\? Known: centralised, fedavg",
        ),
        ("base", r"no algorithm `base`"),
        ("prototypes", r"no algorithm `prototypes`"),
        ("../fedavg", r"no algorithm"),
        ("my_absent:Mine", r"cannot import `my_absent`"),
        ("my_broken:Mine", r"cannot import `my_broken`: No module named 'a_module"),
        ("my_federation:Missing", r"names no single algorithm"),
        ("my_federation:Field", r"names no single algorithm"),
        ("my_federation:Algorithm", r"names no single algorithm"),
        ("my_unfinished:Unfinished", r"names no single algorithm"),
        (":Mine", r"cannot import ``"),
        (".relative:Mine", r"cannot import `.relative`"),
    ],
)
def test_what_is_no_algorithm_is_named(own_module, name, message):
    with pytest.raises(UserError, match=message):
        find(Section(name=name))


def test_settings_that_an_algorithm_does_not_have():
    with pytest.raises(UserError, match="algorithm fedavg: mu: no such setting"):
        find(Section(name="fedavg", mu=1))
