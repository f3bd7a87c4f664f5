"""The one table of attribution methods. To add a method, add an entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import torch

from dnnexplain.contract import Choice, Discrete, DnnExplainError, NetworkPolicy, Policy, System, Target, TargetKind
from dnnexplain.explain.attribution import gradients, removal
from dnnexplain.explain.attribution.baselines import Reference
from dnnexplain.explain.attribution.bent_path import integrated_gradients
from dnnexplain.explain.attribution.captum_question import CaptumQuestion, Raw, pose
from dnnexplain.explain.attribution.targets import component, contrast
from dnnexplain.explain.networks.hooks import private

__all__ = ["METHODS", "Measure", "Method", "fits", "method_named", "usual_method"]


class Measure(StrEnum):
    """What a number in a map is."""

    SLOPE = "slope"
    """Change of the target per unit of the input, here and now."""
    SHARE = "share"
    """A part of the difference between state and baseline."""
    SCORE = "score"
    """In the method's own units; only sign and order mean something."""


@dataclass(frozen=True, slots=True)
class Method:
    """An attribution method.

    Attributes:
        run: from a problem to a map.
        measure: what its numbers are.
        complete: whether the map's sum is to equal the difference explained.
        about: one sentence for a menu.
        source: the paper.
        heavy: whether it takes longer than a moving slider allows.
        conv: whether it needs a convolutional layer.
        neuron: whether it needs a layer and a neuron; ``units``: needs a layer, gives a value per unit.
        groupwise: whether it values knob groups and spreads them over their cells.
    """

    name: str
    title: str
    run: Callable[[CaptumQuestion], Raw]
    measure: Measure
    about: str
    source: str
    complete: bool = False
    heavy: bool = False
    conv: bool = False
    neuron: bool = False
    units: bool = False
    groupwise: bool = False

    @property
    def baseline(self) -> bool:
        """Whether the map depends on the baseline."""
        return self.measure is Measure.SHARE

    def apply(self, problem: CaptumQuestion) -> Raw:
        """Run the method: one map per state ``[S, ...]``, float64, averaged over the state's references.

        Raises:
            DnnExplainError: the method does not fit, or its values are not finite.
        """
        paired = problem if self.baseline else problem.first_pairs()
        raw = self.run(paired)
        maps = paired.by_state(raw.map)
        if not bool(maps.isfinite().all()):
            msg = f"{self.title} gave values that are not finite; does the network divide by zero or take the logarithm of 0?"
            raise DnnExplainError(msg)
        return Raw(maps, raw.steps, raw.notes)


_ENTRIES = (
    Method(
        "saliency", "Saliency", gradients.saliency, Measure.SLOPE,
        "The gradient with its sign: which small change of the input would move the target, and which way.",
        "Simonyan et al. 2014, arXiv 1312.6034",
    ),
    Method(
        "input-x-gradient", "Input x gradient", gradients.input_x_gradient, Measure.SHARE,
        "The gradient times the distance from the baseline: a first guess at each input's share.",
        "Shrikumar et al. 2016, arXiv 1605.01713",
    ),
    Method(
        "smoothgrad", "SmoothGrad", gradients.smoothgrad, Measure.SLOPE,
        "The mean of many gradients under a little noise: calmer than one gradient.",
        "Smilkov et al. 2017, arXiv 1706.03825",
    ),
    Method(
        "integrated-gradients", "Integrated gradients", integrated_gradients, Measure.SHARE,
        "Gradients summed on the way from the baseline to the state: shares that add up to the difference.",
        "Sundararajan et al. 2017, arXiv 1703.01365",
        complete=True,
    ),
    Method(
        "deeplift", "DeepLift", gradients.deeplift, Measure.SHARE,
        "Differences from the baseline carried back through each layer; refused where they do not add up.",
        "Shrikumar et al. 2017, arXiv 1704.02685",
        complete=True,
    ),
    Method(
        "gradient-shap", "GradientShap", gradients.gradient_shap, Measure.SHARE,
        "Integrated gradients averaged over random baselines and points: adds up only on average.",
        "Lundberg and Lee 2017, arXiv 1705.07874; Erion et al. 2021, arXiv 1906.10670",
        complete=True,
    ),
    Method(
        "feature-ablation", "Feature ablation", removal.feature_ablation, Measure.SHARE,
        "Puts one knob group back to the baseline at a time and sees what is lost.",
        "Captum's FeatureAblation; Zeiler and Fergus 2014, arXiv 1311.2901",
        groupwise=True,
    ),
    Method(
        "shapley", "Shapley values", removal.shapley, Measure.SHARE,
        "Each knob group's fair share over all orders of adding groups: exact for up to 12 groups, else sampled.",
        "Shapley 1953; Strumbelj and Kononenko 2010, JMLR 11",
        heavy=True,
        complete=True,
        groupwise=True,
    ),
    Method(
        "occlusion", "Occlusion", removal.occlusion, Measure.SHARE,
        "Puts a small sliding window back to the baseline and sees what is lost.",
        "Zeiler and Fergus 2014, arXiv 1311.2901",
        heavy=True,
    ),
    Method(
        "grad-cam", "Grad-CAM", gradients.grad_cam, Measure.SCORE,
        "Where the last convolution saw what speaks for the target (orange) or against it (blue).",
        "Selvaraju et al. 2017, arXiv 1610.02391, without its ReLU",
        conv=True,
    ),
    Method(
        "layer-conductance", "Layer conductance", gradients.layer_conductance, Measure.SHARE,
        "How much of the difference flows through each unit of a layer.",
        "Dhamdhere et al. 2018, arXiv 1805.12233",
        units=True,
        complete=True,
    ),
    Method(
        "neuron-gradient", "Neuron gradient", gradients.neuron_gradient, Measure.SLOPE,
        "The gradient of one neuron's activation: what it looks for here.",
        "Simonyan et al. 2014, arXiv 1312.6034",
        neuron=True,
    ),
    Method(
        "neuron-conductance", "Neuron conductance", gradients.neuron_conductance, Measure.SHARE,
        "The part of the difference that flows from each input through one neuron.",
        "Dhamdhere et al. 2018, arXiv 1805.12233",
        neuron=True,
    ),
)  # fmt: skip

METHODS: Mapping[str, Method] = MappingProxyType({method.name: method for method in _ENTRIES})


def method_named(name: str) -> Method:
    """An entry of the table.

    Raises:
        DnnExplainError: unknown name; lists what there is.
    """
    if name not in METHODS:
        raise Choice("attribution method", name, tuple(METHODS)).error()
    return METHODS[name]


def fits(method: str, policy: Policy, system: System) -> str | None:
    """Why a method cannot be used on a policy, in one sentence; ``None`` if it can.

    DeepLift is tried out: it runs silently wrong where activations are functions, and shows it in its
    delta alone.
    """
    entry = method_named(method)
    if not isinstance(policy, NetworkPolicy):
        return f"{entry.title} needs a torch network inside the policy, and {policy.name!r} has none"
    if entry.conv and gradients.convolution(policy.module, system.observation_shape) is None:
        return f"{entry.title} needs a convolutional layer, and the network of {policy.name!r} has none"
    if entry.name == "deeplift":
        return _deeplift_fails(policy, system)
    return None


def usual_method(policy: Policy) -> str:
    """The first method that anybody sees: one whose parts add up to what is explained; without a network, occlusion."""
    return "integrated-gradients" if isinstance(policy, NetworkPolicy) else "occlusion"


def _deeplift_fails(policy: NetworkPolicy, system: System) -> str | None:
    draw = torch.Generator().manual_seed(0)
    ends = torch.rand((8, *system.observation_shape), generator=draw).numpy()
    references = [Reference("probe", end[None]) for end in ends[4:]]
    problem = pose(private(policy.module), system, ends[:4], [_any_target(system)] * 4, references)
    try:
        gradients.deeplift(problem)
    except DnnExplainError as error:
        return str(error)
    return None


def _any_target(system: System) -> Target:
    output = system.output
    if isinstance(output, Discrete) and len(output.names) > 1:
        return contrast(output, 0, 1)
    targets = component(output, 0)
    return Target(targets.name, TargetKind.VALUE, targets.scalar, targets.index)
