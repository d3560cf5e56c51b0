"""How many faces a second nets of about 30 million multiplications learn from and predict, on one thread.

    python benchmarks/face_speed.py [--repeats 7]

The face model, the same with a stage less, and one of depthwise convolutions (in the manner of MobileNet,
Howard et al. 2017) with about as many parameters. A step: batches of 64 random images of 48 x 48, augmented,
forward, backward, Adam. Nets and precisions take turns; medians of CPU time. Needs no corpus. Writes
face-speed.{md,json}.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from measuring import clocked, interleaved, median, options, publish
from torch import Tensor, nn
from torch.nn import functional

from fedaffect.models import build
from fedaffect.models.face_cnn import FaceCNN, Residual

SIDE, CLASSES, BATCH = 48, 7, 64
COLUMNS = ["net", "million multiplications", "parameters", "learnt a second, float32", "bfloat16"]
COLUMNS += ["predicted a second, float32", "bfloat16 (prediction)"]


@dataclass(frozen=True)
class Speed:
    """Of one net: faces a second of CPU time."""

    net: str
    multiplications: int
    parameters: int
    learnt: float
    learnt_bfloat16: float
    predicted: float
    predicted_bfloat16: float


class Separable(nn.Module):
    """A depthwise convolution and a pointwise one, in place of a dense one."""

    def __init__(self, dense: nn.Conv2d) -> None:
        super().__init__()
        width, wider = dense.in_channels, dense.out_channels
        stride = dense.stride[0]
        self.depthwise = nn.Conv2d(width, width, 3, stride, 1, groups=width, bias=False)
        self.pointwise = nn.Conv2d(width, wider, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.pointwise(self.depthwise(x))
        return found


def face_cnn(**settings: object) -> FaceCNN:
    net = build("face_cnn", settings, modalities={"face": (SIDE, SIDE)}, roles=1, classes=CLASSES)
    assert isinstance(net, FaceCNN)
    return net


def separable() -> FaceCNN:
    net = face_cnn(widths=[64, 128, 256, 512])
    for block in net.stages:
        assert isinstance(block, Residual)
        block.first, block.second = Separable(block.first), Separable(block.second)
    return net


def multiplications(net: FaceCNN, faces: Tensor) -> int:
    """Of convolutions and linear maps, for one face."""
    count = 0

    def add(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal count
        filters = next(layer.parameters())
        count += output[0].numel() * filters[0].numel()

    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    net.classify(net.eval().embed(faces[:1]))
    for hook in hooks:
        hook.remove()
    return count


def learning(net: FaceCNN, faces: Tensor, label: Tensor, bfloat16: bool) -> Callable[[], None]:
    optimiser = torch.optim.Adam(net.parameters(), fused=True)

    def step() -> None:
        net.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            logits = net.classify(net.embed(faces)).float()
        optimiser.zero_grad()
        functional.cross_entropy(logits, label).backward()
        optimiser.step()

    return step


def predicting(net: FaceCNN, faces: Tensor, bfloat16: bool) -> Callable[[], None]:
    def predict() -> None:
        net.eval()
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            net.classify(net.embed(faces))

    return predict


def main() -> None:
    chosen = options(__doc__, repeats=7).parse_args()
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(0)
    faces = torch.randint(0, 256, (BATCH, SIDE, SIDE), generator=random, dtype=torch.uint8)
    label = torch.randint(0, CLASSES, (BATCH,), generator=random)
    nets = {
        "face_cnn": face_cnn(),
        "three stages, 32, 64, 128": face_cnn(widths=[32, 64, 128]),
        "depthwise, 64 to 512": separable(),
    }
    runs = {
        f"{name}/{kind}/{precision}": clocked(run)
        for name, net in nets.items()
        for precision in ("float32", "bfloat16")
        for kind, run in {
            "learning": learning(net, faces, label, precision == "bfloat16"),
            "predicting": predicting(net, faces, precision == "bfloat16"),
        }.items()
    }
    times = interleaved(runs, chosen.repeats)
    rate = {name: BATCH / median(found).cpu for name, found in times.items()}
    speeds = [
        Speed(
            name,
            multiplications(net, faces),
            sum(p.numel() for p in net.parameters()),
            *(
                rate[f"{name}/{k}/{p}"]
                for k in ("learning", "predicting")
                for p in ("float32", "bfloat16")
            ),
        )
        for name, net in nets.items()
    ]
    publish(
        chosen.out,
        "face-speed",
        "Faces a second",
        f"One thread, CPU time; batches of {BATCH}; medians of {chosen.repeats} interleaved steps.",
        COLUMNS,
        [row(speed) for speed in speeds],
        [asdict(speed) for speed in speeds],
    )


def row(speed: Speed) -> list[str]:
    rates = (speed.learnt, speed.learnt_bfloat16, speed.predicted, speed.predicted_bfloat16)
    return [
        speed.net,
        f"{speed.multiplications / 1e6:.1f}",
        f"{speed.parameters:,}",
        *(f"{figure:,.0f}" for figure in rates),
    ]


if __name__ == "__main__":
    main()
