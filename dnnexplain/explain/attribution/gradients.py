"""Attribution by gradients, each method Captum's own; a function states only what it asks of Captum."""

from __future__ import annotations

import torch
from captum.attr import (
    DeepLift,
    GradientShap,
    InputXGradient,
    LayerAttribution,
    LayerConductance,
    LayerGradCam,
    NeuronConductance,
    NeuronGradient,
    NoiseTunnel,
    Saliency,
)
from torch import Tensor, nn

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.attribution.bent_path import COMPLETE_WITHIN
from dnnexplain.explain.attribution.captum_question import CaptumQuestion, Raw, quiet, seeded
from dnnexplain.explain.networks.hooks import layers, module_of

__all__ = [
    "convolution",
    "deeplift",
    "deeplift_raw",
    "grad_cam",
    "gradient_shap",
    "input_x_gradient",
    "layer_conductance",
    "neuron_conductance",
    "neuron_gradient",
    "saliency",
    "smoothgrad",
]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def saliency(p: CaptumQuestion) -> Raw:
    """The gradient, with its sign."""
    return Raw(Saliency(p.forward).attribute(p.leaf(), abs=False, additional_forward_args=(p.rows,)))


def input_x_gradient(p: CaptumQuestion) -> Raw:
    """The gradient times the input's distance from the reference (Captum's counts from zero)."""

    def forward(distance: Tensor, references: Tensor, rows: Tensor) -> Tensor:
        return p.forward(references + distance, rows)

    extra = (p.references, p.rows)
    return Raw(
        InputXGradient(forward).attribute((p.inputs - p.references).requires_grad_(), additional_forward_args=extra)
    )


def smoothgrad(p: CaptumQuestion) -> Raw:
    """The mean gradient under noise; its deviation is a part of the input's range (Smilkov et al., section 2)."""
    noise, samples = float(p.settings.get("noise", 0.1)), p.count("samples", 50)
    if not 0.0 < noise <= 0.1:
        msg = f"SmoothGrad's noise must be above 0 and at most 0.1 of the input's range (more swamps it), not {noise:g}"
        raise DnnExplainError(msg)
    spread = torch.cat([p.inputs, p.references])
    span = float(spread.max() - spread.min()) or 1.0
    tunnel = NoiseTunnel(Saliency(p.forward))
    options = {"nt_type": "smoothgrad", "nt_samples": samples, "stdevs": noise * span, "abs": False}
    with seeded(p.seed):
        attribution = tunnel.attribute(p.leaf(), additional_forward_args=(p.rows,), **options)
    return Raw(attribution, samples)


class _Scalar(nn.Module):
    """The network and its target as one module, which DeepLift needs."""

    def __init__(self, p: CaptumQuestion) -> None:
        super().__init__()
        self.network = p.module
        self.scalar = p.scalar

    def forward(self, inputs: Tensor, rows: Tensor) -> Tensor:
        return self.scalar(self.network(inputs), inputs, rows)


def deeplift_raw(p: CaptumQuestion) -> tuple[Tensor, Tensor]:
    """DeepLift's map and its delta ``[S]``, whatever the delta is.

    Raises:
        DnnExplainError: Captum cannot run it (a module used twice).
    """
    try:
        with quiet("Setting forward, backward hooks"):
            attribution, delta = DeepLift(_Scalar(p)).attribute(
                p.leaf(), p.references, additional_forward_args=(p.rows,), return_convergence_delta=True
            )
    except (AssertionError, AttributeError, RuntimeError, KeyError, IndexError) as error:
        msg = (
            "DeepLift cannot enter this network, most likely because forward() uses one activation module twice "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); give each use a module of its own"
        )
        raise DnnExplainError(msg) from None
    return attribution, p.by_state(delta)


def deeplift(p: CaptumQuestion) -> Raw:
    """DeepLift's rescale rule, refused where its delta says that it went wrong.

    Raises:
        DnnExplainError: the contributions do not add up to the difference.
    """
    attribution, delta = deeplift_raw(p)
    difference = p.by_state(p.explained())
    size = p.by_state(p.values(p.inputs, p.rows)).abs() + difference.abs()
    wrong = delta.abs() > COMPLETE_WITHIN * difference.abs() + 1e-5 * size + 1e-6
    if wrong.any():
        worst = int((delta.abs() * wrong).argmax())
        msg = (
            f"DeepLift is refused: its contributions miss the difference {float(difference[worst]):.3g} by "
            f"{float(delta[worst]):.3g}. The usual cause is an activation applied by a function (torch.relu, softmax) "
            "instead of a module of its own (nn.ReLU), or a target that is not linear in the outputs, such as a probability; "
            "integrated gradients do not mind"
        )
        raise DnnExplainError(msg)
    return Raw(attribution)


def gradient_shap(p: CaptumQuestion) -> Raw:
    """Expected gradients over random references and random points between (no noise added)."""
    samples = p.count("samples", 256)
    total = torch.zeros_like(p.inputs)
    with seeded(p.seed):
        for row in torch.unique(p.rows):
            mine = (p.rows == row).nonzero()[:, 0]
            item = mine[:1]
            method = GradientShap(p.forward)
            given = {"n_samples": samples, "additional_forward_args": (p.rows[item],)}
            total[mine] = method.attribute(p.inputs[item], p.references[mine], **given).to(total.dtype)
    return Raw(total, samples)


def convolution(module: nn.Module, observation_shape: tuple[int, ...]) -> str | None:
    """The last convolution that runs, by name; ``None`` if there is none."""
    names = [layer.weights for layer in layers(module, observation_shape)]
    convolutions = [name for name in names if isinstance(module_of(module, name), _CONVOLUTIONS)]
    return convolutions[-1] if convolutions else None


def grad_cam(p: CaptumQuestion) -> Raw:
    """Grad-CAM with its sign (no ReLU), enlarged to the input; axes before the picture share it evenly."""
    shape = tuple(p.inputs.shape[1:])
    name = p.layer or convolution(p.module, shape)
    if name is None:
        msg = "Grad-CAM needs a convolutional layer, and this network has none; use saliency or integrated gradients"
        raise DnnExplainError(msg)
    cam = LayerGradCam(p.forward, module_of(p.module, name))
    attribution = cam.attribute(p.leaf(), additional_forward_args=(p.rows,), relu_attributions=False)
    axes = attribution.ndim - 2
    if axes > len(shape):
        msg = f"the convolution {name!r} works on {axes} axes, the observation has {len(shape)}: Grad-CAM has no picture to lie on"
        raise DnnExplainError(msg)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[axes]
    large = LayerAttribution.interpolate(attribution, shape[-axes:], interpolate_mode=mode)[:, 0]
    lead = shape[: len(shape) - axes]
    share = large.reshape(len(large), *([1] * len(lead)), *shape[-axes:]).expand(-1, *shape)
    return Raw(share / max(1, int(torch.tensor(lead).prod())))


def layer_conductance(p: CaptumQuestion) -> Raw:
    """How much of the difference flows through each unit of a layer ``[P, units]``.

    The trapezoid's points include both ends; with others Captum's differences miss the path's first and last bit.
    """
    steps = p.count("steps", 128)
    attribution = LayerConductance(p.forward, module_of(p.module, p.layer)).attribute(
        p.inputs,
        p.references,
        additional_forward_args=(p.rows,),
        n_steps=steps,
        method="riemann_trapezoid",
        internal_batch_size=max(p.chunk, len(p.rows)),
    )
    return Raw(attribution.flatten(1), steps)


def neuron_gradient(p: CaptumQuestion) -> Raw:
    """The gradient of one neuron's activation, not of the decision."""
    method = NeuronGradient(p.forward, module_of(p.module, p.layer))
    return Raw(method.attribute(p.leaf(), p.neuron, additional_forward_args=(p.rows,)))


def neuron_conductance(p: CaptumQuestion) -> Raw:
    """The part of the difference that flows from each input through one neuron."""
    steps = p.count("steps", 128)
    attribution = NeuronConductance(p.forward, module_of(p.module, p.layer)).attribute(
        p.inputs,
        p.neuron,
        p.references,
        additional_forward_args=(p.rows,),
        n_steps=steps,
        method="riemann_middle",
        internal_batch_size=max(p.chunk, len(p.rows)),
    )
    return Raw(attribution, steps)
