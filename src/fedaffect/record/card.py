"""The card beside a trained model: what it is, how well it did, and what it must not be used for."""

from typing import Any


def model_card(summary: dict[str, Any]) -> str:
    """Markdown, from a run's summary."""
    interval = f"{summary['test_interval_low']:.3f}-{summary['test_interval_high']:.3f}"
    synthetic = (
        "\n**Trained on a synthetic corpus: it recognises nothing in people.**\n"
        if summary["synthetic"]
        else ""
    )
    conditions = f"\nConditions: {summary['conditions']}.\n" if summary["conditions"] else ""
    return f"""# {summary["run"]}
{synthetic}
A `{summary["model"]}` model of {summary["parameters"]:,} parameters, trained by `{summary["algorithm"]}`
on the corpus `{summary["corpus"]}` (partition `{summary["partition"]}`, {summary["clients"]} clients,
seed {summary["seed"]}; round {summary["selected_round"]} of {summary["rounds"]}, selected by
`{summary["selection"]}`).
{conditions}
| evaluation `{summary["evaluation"]}` | test |
|---|---|
| weighted F1 | {summary["test_weighted_f1"]:.3f} (95 % interval over conversations {interval}) |
| macro F1 | {summary["test_macro_f1"]:.3f} |
| accuracy | {summary["test_accuracy"]:.3f} |
| unweighted average recall | {summary["test_uar"]:.3f} |

It estimates which emotion annotators would have named, for features extracted like those it was trained
on; not what a person feels. It was not evaluated across cultures, ages or recording conditions. In the
European Union, recognising emotions of people at work or in education is prohibited (AI Act, Art. 5(1)(f)).
"""
