"""One channel's passport: chosen once, looked at with every method of the lab, and printed on one page in the end.

mine = passport.choose(model, "features.12", 232, called="a face seen from the front")  # stage 03
passport.best_patches(passport.chosen(), bank)                                          # in any later stage
passport.page(passport.chosen(), bank).save()
"""

from labkit.show.passport.choice import Channel, choose, chosen
from labkit.show.passport.drawn import attacked, dreamt, grown_image
from labkit.show.passport.pages import Page, page
from labkit.show.passport.seen import at_work, best_patches, under_three_rules

__all__ = [
    "Channel", "Page", "at_work", "attacked", "best_patches", "choose", "chosen", "dreamt", "grown_image",
    "page", "under_three_rules",
]  # fmt: skip
