import pytest

from fedaffect.models.fusions.main_modality import main_modality


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["audio", "text"], "text"),
        (["text", "text_minilm"], "text"),
        (["audio", "text_minilm"], "text_minilm"),
        (["video", "audio"], "audio"),
    ],
)
def test_the_named_one_or_its_like_or_the_first(names, found):
    assert main_modality(names, "text") == found
