"""Which modality a model leans on, where it leans on one."""

from collections.abc import Iterable


def main_modality(modalities: Iterable[str], wanted: str) -> str:
    """The modality called `wanted`, or whose name begins so (`text_minilm`), or the first by name."""
    names = sorted(modalities)
    begun = [name for name in names if name.startswith(wanted)]
    return wanted if wanted in names else (begun or names)[0]
