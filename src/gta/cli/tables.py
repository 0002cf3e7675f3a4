"""Tables on the terminal."""

from rich.table import Table

from gta.evaluation.scores import Scores


def score_table(scores: Scores) -> Table:
    """The figures of a test, with everything that one needs to quote them."""
    table = Table(title=f"{scores.model}\nprotocol {scores.protocol}, {len(scores)} videos")
    for name in ("top-1", "top-5", "mean of classes", "unreadable"):
        table.add_column(name, justify="right")
    figures = (scores.top(1), scores.top(5), scores.mean_class())
    table.add_row(*(f"{figure:.1%}" for figure in figures), str(len(scores.failures)))
    return table


def prediction_table(title: str, ranked: list[tuple[str, float]]) -> Table:
    """The most probable classes of one video."""
    table = Table(title=title, title_justify="left")
    table.add_column("class", overflow="fold")
    table.add_column("score", justify="right")
    for name, score in ranked:
        table.add_row(name, f"{score:.1%}")
    return table
