"""All that the lab can say of one channel, on one page, to look at and to keep."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.files import write_whole
from labkit.images import Photos
from labkit.show.look import in_usual_look
from labkit.show.passport.choice import Channel
from labkit.show.passport.drawn import attacked, dreamt, grown_image
from labkit.show.passport.seen import at_work, best_patches, expect_bank, expect_channel, under_three_rules
from labkit.show.picture import Picture
from labkit.show.waiting import watch

STAGES: dict[str, Callable[[Channel, Photos], Picture]] = {
    "03": at_work, "04": best_patches, "05": under_three_rules, "06": grown_image, "07": dreamt, "08": attacked,
}  # fmt: skip
STYLE = (
    ":root{color-scheme:light dark} body{font:16px/1.5 system-ui,sans-serif;max-width:980px;margin:2rem auto;"
    "padding:0 1rem} img{max-width:100%;height:auto}"
    " h1{line-height:1.2} blockquote{border-left:3px solid;margin-left:0;padding-left:1rem}"
)


@dataclass(frozen=True, eq=False)
class Page:
    """A channel's passport: in a notebook it shows itself; `save` writes it as a page of its own."""

    channel: Channel
    pictures: dict[str, Picture]
    verdict: str = ""

    def html(self) -> str:
        """The passport as markup, pictures and all."""
        called = f"“{self.channel.called}”" if self.channel.called else "It has no name so far"
        figures = "\n".join(
            f"<section><h3>Stage {stage}</h3>{picture.html()}</section>"
            for stage, picture in self.pictures.items()
        )
        verdict = escape(self.verdict) or "What is it now? Write your verdict, with what speaks against it."
        return (
            f"<article class='labkit-passport'><h2>{escape(called)}</h2><p>Passport of {escape(self.channel.place)}</p>"
            f"{figures}<h3>The verdict</h3><blockquote>{verdict}</blockquote></article>"
        )

    def save(self, file: str | Path = "passport.html") -> str:
        """Write the page to a file that needs nothing else; what came of it, in a sentence.

        Raises: LabError where it cannot be written
        """
        path, title = Path(file), escape(f"Passport of {self.channel.place}")
        page = (
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
            f"<meta name='viewport' content='width=device-width'><title>{title}</title><style>{STYLE}</style></head>"
            f"<body><main>{self.html()}</main></body></html>"
        )
        try:
            write_whole(path, page)
        except OSError as error:
            raise LabError(
                f"the passport cannot be written to {path} ({error.strerror}); try another name"
            ) from error
        return f"Saved as {path}, {len(page.encode()) / 1e6:.1f} MB; it opens in any browser."

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        told = "; ".join(f"stage {stage}: {picture.alt}" for stage, picture in self.pictures.items())
        return {"text/html": self.html(), "text/plain": f"Passport of {self.channel!r}. {told}"}


@in_usual_look
def page(channel: Channel, bank: Photos, *, verdict: str = "") -> Page:
    """The whole passport of a channel: all six figures, made anew; some ten seconds, under a bar.

    verdict: what you think of the name now, in your own words
    Raises:  LabError for what is no channel or no bank, and for a channel that fires in none of the photos
    """
    expect_channel(channel), expect_bank(bank)
    pictures = {stage: STAGES[stage](channel, bank) for stage in watch(list(STAGES), "stages")}
    return Page(channel, pictures, verdict)
