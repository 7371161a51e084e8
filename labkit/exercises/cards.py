"""What the lab tells a student: a card in a notebook, text elsewhere."""


def in_notebook() -> bool:
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def show(text: str, html: str) -> None:
    """In a notebook as a card, elsewhere as text."""
    if not in_notebook():
        print(text)
        return
    from IPython.display import display

    display({"text/html": html, "text/plain": text}, raw=True)
