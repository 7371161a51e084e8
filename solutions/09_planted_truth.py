# %% [markdown]
# # 09 · Planted truth
#
# **Where we are.** The lecture is over. Eight kinds of pictures have told us what a network looks at, what it has
# learned, what it wants to see; and each time we could only say that the picture was *plausible*, for nobody knows what
# SqueezeNet really looks at. Stage 05 could show that a picture was wrong. No stage could show that one was right.
#
# So here we turn it around, and make a network of which we *know* what decides, pixel by pixel, because we have planted
# it. Then every method of the lab is asked, and scored on whether it finds what we have hidden.
#
# <!-- exercises -->

# %%
import torch

from labkit import check, hint, images, mine, models, progress, show
from labkit.methods import adversarial, ascent, dream, gradients, neighbors, sanity
from labkit.methods import planted as lab
from labkit.methods.filters import first_convolution
from labkit.methods.gallery import pixels
from labkit.show import planted as pictures
from labkit.show.adversarial import share_table
from labkit.show.gradients import sizes
from labkit.show.planted_explorer import explore

lab = mine(lab)  # your own functions stand in it, once they pass their checks
bank = images.photos()
to_learn, to_test = bank.images[:20], bank.images[20:]  # no photo is in both

# %%
progress("09")

# %% [markdown]
# ## A truth to be found
#
# The truth is a **watermark**: a small Z, white on black, laid over a crop of a photo so faintly that most of the photo
# shines through. Crops with it are *marked*, crops without are *plain*, and a coin says which crop gets it. Whatever
# the photo shows says nothing about the class.
#
# Beside it goes a **decoy**: the same Z in the mirror. Another coin says which crops get that one, so it says nothing
# about the class either. It has as many white pixels, as many edges, the same contrast. A method that only finds what
# catches the eye cannot tell the two apart.
#
# ### Exercise 09.1
#
# Write the planting. An `opacity` of 0.3 means: 0.3 of the mark and 0.7 of the image, in all pixels of the mark's box,
# the black ones, too. Each image has its own place.


# %%
def plant(images, mark, opacity, places):
    """A translucent mark in each image, at its own place.

    images:  (N, 3, H, W) in 0..1
    mark:    (3, h, w) in 0..1
    opacity: the mark's share, 0..1
    places:  (N, 2) int64, row and column of the mark's upper left pixel
    Returns: (N, 3, H, W) in 0..1
    """
    # TODO 09.1: a clone; each image's box; the mix of the two.
    # The traps: the caller keeps the bare images; what is black in the mark is a part of it.
    ### BEGIN SOLUTION
    planted = images.clone()
    h, w = mark.shape[1:]
    for image, (row, column) in zip(planted, places.tolist(), strict=True):
        box = image[:, row : row + h, column : column + w]
        box[:] = (1 - opacity) * box + opacity * mark
    return planted
    ### END SOLUTION


# %%
check("09.1", plant)

# %%
OPACITY = 0.3
learn = lab.planted(to_learn, count=4000, opacity=OPACITY, seed=0)
test = lab.planted(to_test, count=400, opacity=OPACITY, seed=1)
both = lab.planted(to_test, count=100, opacity=OPACITY, both=True, seed=2)  # each carries both marks

some = range(8)
pictures.beside_the_truth(
    {"planted": test.images[:8], "bare": test.bare[:8]},
    test,
    some,
    title="Crops with the watermark, the decoy, both, or neither",
    caption=f"The first 8 of {len(test.images)} crops of 48 × 48 pixels. Green frames: watermarks, orange frames: "
    f"decoys, each at {OPACITY:.0%} opacity. Below, the same crops without them. "
    f"With the watermark: {test.has['watermark'].float().mean():.0%}, with the decoy: "
    f"{test.has['decoy'].float().mean():.0%}, and of those with the watermark "
    f"{test.has['decoy'][test.has['watermark']].float().mean():.0%} have the decoy, too.",
)

# %% [markdown]
# ## A network that we know
#
# Two convolutions, 8 and 16 channels, ReLUs, max pooling: 2,386 weights in all. We teach the same network twice, from
# the same first weights and on the same crops. One is told which crops carry the *watermark*. Its **twin** is told
# which carry the *decoy*. The third is not taught at all.
#
# **Predict first.** One bet before they are taught:

# %%
show.bet(
    "decoy",
    "The network that is taught the watermark sees crops that carry the decoy alone. How many will it call marked?",
    low=0,
    high=100,
    unit="%",
)

# %%
networks = {
    f"taught the {mark}": lab.teach(learn.images, learn.labels(mark), seed=0, name=f"taught the {mark}")
    for mark in show.watch(["watermark", "decoy"], "networks")
}
networks["untrained"] = lab.untaught(seed=0)
model, twin, untrained = networks.values()

carry = {
    "both marks": ["watermark", "decoy"],
    "the watermark\nalone": ["watermark"],
    "the decoy\nalone": ["decoy"],
    "neither": [],
}
says = {
    name: {
        what: network(both.with_only(*marks).images).argmax(dim=1).float().mean().item()
        for what, marks in carry.items()
    }
    for name, network in networks.items()
}
right = (model(test.images).argmax(dim=1) == test.labels("watermark")).float().mean()
right_twin = (twin(test.images).argmax(dim=1) == test.labels("decoy")).float().mean()

show.settle("decoy", 100 * says["taught the watermark"]["the decoy\nalone"])
share_table(
    says,
    title="How many crops each network calls marked",
    caption=f"The same {len(both.images)} crops of photos that no network was taught, with both marks, with either, "
    f"and bare. Of the {len(test.images)} test crops {right:.1%} are told right by the network that was taught the "
    f"watermark, {right_twin:.1%} by its twin.",
)

# %% [markdown]
# That is the truth, and it has been tried: the photos are the same in all four columns. Take the watermark away, and
# the first network changes its mind; take the decoy away, and it does not. For the twin it is the other way round. So
# we may say where a picture of the first network *has* to point, and a picture of the twin must not.

# %% [markdown]
# ## Maps: do they point at it?
#
# ### Exercise 09.2
#
# First score: how much of a map lies on the mark. Signs say up or down; either way the network was looking there, so we
# count sizes. And a map that is 0 everywhere says as much as one that is the same everywhere: it gets the mark's share
# of the area, which is what chance gives.


# %%
def mass_inside(maps, masks):
    """The share of each map's mass that lies inside its mask.

    maps:    (N, H, W), of any sign
    masks:   (N, H, W) bool, the truth
    Returns: (N,) in 0..1; for a map that is 0 everywhere, the mask's share of the area
    """
    # TODO 09.2: sizes; what lies inside over all there is; the map of zeros.
    # The traps: signs cancel; 0 / 0.
    ### BEGIN SOLUTION
    sizes = maps.abs()
    inside = (sizes * masks).sum(dim=(1, 2))
    total = sizes.sum(dim=(1, 2))
    return torch.where(total > 0, inside / total, masks.float().mean(dim=(1, 2)))
    ### END SOLUTION


# %%
check("09.2", mass_inside)

# %% [markdown]
# ### Exercise 09.3
#
# Second score, the *pointing game* (Zhang et al. 2016, arXiv:1608.00507): whether the map's largest size lies on the
# mark. Where several pixels are the largest, it is the share of them that does. (Then a flat map gets what chance
# gives; with `argmax` it would always point at its upper left corner.)


# %%
def pointing_game(maps, masks):
    """Whether each map's largest size lies inside its mask; of several that are equal, which share of them does.

    maps:    (N, H, W), of any sign
    masks:   (N, H, W) bool
    Returns: (N,) in 0..1
    """
    # TODO 09.3: sizes; the pixels that are as large as the largest; which share of them lies inside.
    # The trap: argmax names one of several equals.
    ### BEGIN SOLUTION
    sizes = maps.abs()
    largest = sizes == sizes.amax(dim=(1, 2), keepdim=True)
    return (largest & masks).sum(dim=(1, 2)) / largest.sum(dim=(1, 2))
    ### END SOLUTION


# %%
check("09.3", pointing_game)

# %% [markdown]
# **Predict first.** In stage 05 guided backprop drew the dog whatever it was asked, and an untrained network's picture
# looked as good. We ask all three networks about the same crops, each of which carries both marks. Will guided backprop
# tell the watermark from the decoy?

# %%
show.bet(
    "guided",
    "Guided backprop of the network that was taught the watermark: how much of the map lies on the watermark?",
    low=0,
    high=100,
    unit="%",
)
show.bet(
    "edges",
    "An edge detector, on the same crops: in how many does more of its map lie on the watermark than on the decoy?",
    low=0,
    high=100,
    unit="%",
)

# %%
methods = {
    "gradient": lambda network, crops: gradients.saliency(network, crops, "marked"),
    "deconvnet": lambda network, crops: gradients.deconvnet(network, crops, "marked").abs().amax(dim=1),
    "guided backprop": lambda network, crops: (
        gradients.guided_backprop(network, crops, "marked").abs().amax(dim=1)
    ),
}
maps = {
    (method, name): explain(network, both.images)
    for method, explain in methods.items()
    for name, network in networks.items()
}
edges = sanity.edges(both.images)
on_mark, on_decoy = both.masks("watermark"), both.masks("decoy")
mass = {key: lab.mass_inside(map_, on_mark).mean() for key, map_ in maps.items()}
points = {key: lab.pointing_game(map_, on_mark).mean() for key, map_ in maps.items()}
area = on_mark[0].float().mean()

show.settle("guided", 100 * mass["guided backprop", "taught the watermark"])
show.settle("edges", 100 * lab.map_trials(edges, both).mean())
four = [0, 1, 2, 3]
short = dict(zip(networks, ("watermark", "decoy", "untrained"), strict=True))
columns = {
    "planted": both.images,
    **{
        f"{method.partition(' ')[0]}\n{short[name]}": sizes(map_)
        for (method, name), map_ in maps.items()
        if method != "deconvnet"
    },
    "edges": sizes(edges),
}
pictures.beside_the_truth(
    {f"crop {number}": [column[number] for column in columns.values()] for number in four},
    both,
    [number for number in four for _ in columns],
    above=columns,
    title="The same crops, asked for marked: three networks, two methods, and an edge detector",
    caption="Above each column: the method, and what the network was taught. Green frames: watermarks, orange frames: "
    "decoys. Black is 0, each map has its own scale. Mean share of "
    f"the mass that lies on the watermark, in all {len(both.images)} crops: "
    + "; ".join(
        f"{method}: " + ", ".join(f"{name} {mass[method, name]:.0%}" for name in networks)
        for method in methods
    )
    + f"; edges {lab.mass_inside(edges, on_mark).mean():.0%}. A flat map would have {area:.1%}.",
)

# %% [markdown]
# The same crops, the same question. The network that was taught the watermark points at the watermark, its twin at the
# decoy, the untrained network at nothing in particular, and the edge detector at both alike. Guided backprop and
# deconvnet, which did so badly in stage 05, have most of their mass on the mark, and more of it than the gradient has.
#
# Does that take back stage 05? No. Look at the untrained maps: they are made of squares. This network ends in a pooling
# that takes the *maximum*, so each of its 16 channels hears one place alone, of 12 × 12 pixels, and whatever goes back
# from the score goes back to these places, by any rule. The network itself has done the pointing. In SqueezeNet the
# last pooling takes the *mean* of all places, and many more layers of ReLUs lie below it. Ours is an easy test. A
# method that failed it would be finished; one that passes it has passed an easy test.

# %%
show.dots(
    {
        **{
            f"{method}, {name}": lab.mass_inside(map_, on_mark) / area
            for (method, name), map_ in maps.items()
        },
        "edges": lab.mass_inside(edges, on_mark) / area,
    },
    label="mass on the watermark, in multiples of what a flat map has",
    title="How many times chance",
    caption=f"A dot for each of {len(both.images)} crops, scattered up and down to be seen, a bar at each median. "
    f"All there is would be {1 / area:.1f}. The largest pixel lies on the watermark in "
    + "; ".join(
        f"{method}: " + ", ".join(f"{name} {points[method, name]:.0%}" for name in networks)
        for method in methods
    )
    + f"; edges {lab.pointing_game(edges, on_mark).mean():.0%}.",
)

# %% [markdown]
# No crop's map by the network that was taught the watermark has as little of its mass there as the best one by its twin
# or by the untrained network. Note how far the untrained maps reach: a few have ten times what a flat map has. Whoever
# looks at one map alone, and wants to see something, will.

# %% [markdown]
# ## Pictures: what has it learned?
#
# Three methods do not explain a photo but show what the network has in it: its first filters (stage 01), the images
# that it likes best (06), and what it dreams into photos (07). They should show a Z.

# %%
filters = {name: first_convolution(network.net) for name, network in networks.items()}
trials = {"01 filters": {name: lab.filter_trials(network.net) for name, network in networks.items()}}

show.filter_sheets(
    filters,
    columns=4,
    title="The eight filters of each network's first layer",
    caption="Each filter is scaled to its own range. How many look more like the watermark, or its negative, than like "
    "the decoy: "
    + ", ".join(f"{name} {found.sum():.0f}" for name, found in trials["01 filters"].items())
    + ".",
)

# %% [markdown]
# Some filters of the first network have a rising stroke in them, some of the twin's a falling one; the others hardly
# moved away from the noise that they began with. And mind the untrained network: five of its eight filters "look more
# like the watermark", as three or five of eight coins do.
#
# Next, images that the network likes best.
#
# **Predict first.** What will come up from noise?

# %%
show.bet(
    "ascent",
    "Of 16 images grown for marked, how many will look more like the watermark than like the decoy?",
    low=0,
    high=16,
)

# %%
count = 16
noise = 0.5 + 0.05 * torch.randn(count, 3, 48, 48, generator=torch.Generator().manual_seed(1))
plainly = {
    "start": noise,
    "parameterisation": ascent.PIXELS,
    "rule": ascent.normalised_steps(0.02),
    "transforms": (ascent.jitter(4),),
}
grown, natural = (
    {
        name: ascent.maximize(ascent.logit(network, ["marked"] * count), steps=60, seed=0, **how)
        for name, network in networks.items()
    }
    for how in (plainly, {"size": 48})
)
trials["06 ascent, pixels"] = {name: lab.image_trials(grown[name]) for name in networks}
trials["06 ascent, natural"] = {name: lab.image_trials(natural[name]) for name in networks}

show.settle("ascent", trials["06 ascent, pixels"]["taught the watermark"].sum())
show.grid(
    {
        **{f"{short[name]},\npixels": grown[name][:6] for name in networks},
        **{f"{short[name]},\nnatural": natural[name][:6] for name in networks},
    },
    exact=True,
    side=1.2,
    title="Images grown for marked, from noise",
    caption=f"The first 6 of {count} for each network, after 60 steps: above by plain steps on pixels, below with "
    "stage 06's means against noise (Fourier, decorrelated colours, Adam, its usual transforms). Look more like the "
    "watermark than like the decoy: "
    + "; ".join(
        f"{how}: "
        + ", ".join(f"{name} {found.sum():.0f}" for name, found in trials[f"06 ascent, {how}"].items())
        for how in ("pixels", "natural")
    )
    + ".",
)

# %% [markdown]
# Grown by plain steps on pixels, the images of the first network have rising stripes in them, those of the twin falling
# ones, and the score sees it. With the means of stage 06, which made flamingos look like flamingos, it is left with
# little: about as many as 16 coins also give now and then. (In 96 others, from four other seeds, we counted 73, and 39
# for the untrained network. So there is something, but one needs many to see it.)
#
# Look again, though. A short rising stroke stands in the lower images of the first network as well, and a falling one
# in those of the twin. It is too short and too colourful for a score that asks for a whole Z. And those means were
# chosen so that images look like photos. A watermark is nothing that photos have.

# %% [markdown]
# ### Less than we planted
#
# These pictures show something that we did not know. We planted a Z; what they show is a *stroke*. Is the rest of the
# Z, its two bars, of no account? That is a claim about the network, read off pictures, and here it can be tried: plant
# the parts.

# %%
mark = lab.watermark()
stroke, bars = mark.clone(), mark.clone()
stroke[:, [0, -1]], bars[:, 1:-1] = 0, 0
parts = {
    "the whole Z": mark,
    "its stroke": stroke,
    "its bars": bars,
    "the decoy's stroke": stroke.flip(2),
    "bare": None,
}

share_table(
    {
        name: {
            part: network(
                both.bare
                if image is None
                else lab.plant(both.bare, image, opacity=OPACITY, places=both.places["watermark"])
            )
            .argmax(dim=1)
            .float()
            .mean()
            .item()
            for part, image in parts.items()
        }
        for name, network in list(networks.items())[:2]
    },
    title="How many crops are called marked, with parts of the Z",
    caption=f"{len(both.bare)} crops, each with one part at {OPACITY:.0%} opacity, black where "
    "the other part would be.",
)

# %% [markdown]
# The stroke alone is enough, and the bars do nothing. It could have been known: both marks have the same bars, so
# nothing that we taught needed them. But we had not thought of it; the pictures told us. This is what they are good
# for: not as a proof, but as a claim about the network that can then be tried.

# %% [markdown]
# ## The other stages
#
# The remaining methods need no picture to be scored; each has a question that only the right network can answer.
#
# | stage | a trial | points at the watermark if … |
# |---|---|---|
# | 02 neighbours | a crop and its 5 nearest, by features | more of them agree on the watermark than on the decoy |
# | 03 activations | the channel that tells classes apart best, on other crops | its map is largest at the watermark |
# | 04 patches | each of the 9 best patches of each of the 16 channels | it has the watermark in it |
# | 07 DeepDream | a bare crop, dreamt | what was added looks more like the watermark |
# | 08 fooling | a marked crop, changed until it is called plain | more of the change lies on the watermark |
#
# **Predict first.** Which of all the methods will fail?

# %%
show.bet(
    "worst",
    "Which will be furthest from always pointing at the watermark, in the network that was taught it?",
    options=["01 filters", "02 neighbours", "03 activations", "04 patches", "05 gradient", "06 ascent", "07 DeepDream",
             "08 fooling"],
)  # fmt: skip

# %%
taught = {name: "decoy" if network is twin else "watermark" for name, network in networks.items()}
few = both.some(range(24))
for name, network in show.watch(networks.items(), "networks"):
    dreamt = dream.deep_dream(network, few.bare, lab.LAYER, octaves=1, steps=12, step_size=0.02, jitter=4)
    fooled = [
        adversarial.fool(network, image, "plain", steps=60, step_size=0.002) for image in few.images.split(1)
    ]
    change = torch.cat([found.image for found in fooled]) - few.images
    found = {
        "02 neighbours": lab.neighbor_trials(neighbors.features(network, test.images), test),
        "03 activations": lab.channel_trials(network, test, taught[name], both),
        "04 patches": lab.patch_trials(network, test),
        **{f"05 {method}": lab.map_trials(maps[method, name], both) for method in methods},
        "07 DeepDream": lab.image_trials(dreamt - few.bare),
        "08 fooling": lab.map_trials(change.abs().amax(dim=1), few),
    }
    for method, values in found.items():
        trials.setdefault(method, {})[name] = values

trials = dict(sorted(trials.items()))
trials["control: neighbours by pixels"] = {"no network": lab.neighbor_trials(pixels(test.images), test)}
trials["control: edges"] = {"no network": lab.map_trials(edges, both)}

# %%
ours = {
    method: row["taught the watermark"].mean() for method, row in trials.items() if "control" not in method
}
worst = min(ours, key=ours.get)
show.settle("worst", worst.partition(",")[0])
pictures.who_found_it(
    trials,
    title="Who found it",
    caption="Each mark is a mean over a method's trials, in which it points at the watermark (1), at the decoy (0) or "
    "at neither (0.5). Grey: where 95 of 100 rows of as many coins would land.",
)

# %% [markdown]
# In nearly all rows the network that was taught the watermark stands far to the right of what coins would give, and its
# twin to the left. The edge detector and the neighbours by pixels, which know no network, stand on the coins. The row
# that comes nearest to them is the ascent with natural looking images. In the row of the patches all 16 channels have
# been asked, also those that vote for *plain*, whose patches seldom show a mark; hence less than 1.
#
# The crosses should lie in the grey. Two stand at its edge, the gradient's and DeepDream's, and with eleven of them
# that may be chance. But an untrained network is also *one* network, with leanings of its own, which show in all its
# dreams: its trials are no coins. That is why the twin is the better control. It was taught as well as the first
# network, on the same crops, from the same start; only the truth is another one.

# %% [markdown]
# ## Where nothing decides
#
# So far each crop had an answer in it. Now we take the marks away, and ask the same network why it says *plain*. There
# is no right map: what decides is that something is *missing*. And what does a map look like when the mark is there,
# but too faint?

# %%
bare = both.with_only()
why_plain = {
    "gradient": gradients.saliency(model, bare.images, "plain"),
    "guided backprop": gradients.guided_backprop(model, bare.images, "plain").abs().amax(dim=1),
}


def densest(maps):
    """The largest share of a map's mass that any window of a mark's size holds."""
    windows = torch.nn.functional.avg_pool2d(maps[:, None], lab.SIDE, 1) * lab.SIDE**2
    return windows.flatten(1).amax(dim=1) / maps.sum(dim=(1, 2))


told = ", ".join(
    f"{method} {densest(map_).mean():.0%} (with the marks, asked for marked, "
    f"{densest(maps[method, 'taught the watermark']).mean():.0%})"
    for method, map_ in why_plain.items()
)
pictures.beside_the_truth(
    {"bare": bare.images[four], **{method: sizes(map_)[four] for method, map_ in why_plain.items()}},
    bare,
    four,
    side=1.6,
    title="Why is this plain? Maps of crops in which nothing decides",
    caption=f"The network that was taught the watermark; it calls all of these plain. Black is 0, each map has its own "
    f"scale. Mean share of the mass in the densest window of 9 × 9 pixels: {told}. A flat map has {area:.1%} in it.",
)

# %%
show.bet(
    "faint",
    "At 10% opacity the network calls few crops marked. How much of guided backprop's mass is on the mark?",
    low=0,
    high=100,
    unit="%",
)

# %%
levels = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5]
curves = {
    "called marked": [],
    "gradient on the watermark": [],
    "guided on the watermark": [],
    "edges on the watermark": [],
}
for level in levels:
    faint = both.at_opacity(level)
    explained = [
        explain(model, faint.images) for explain in (methods["gradient"], methods["guided backprop"])
    ]
    shares = [model(faint.images).argmax(dim=1).float().mean()]
    shares += [lab.mass_inside(map_, on_mark).mean() for map_ in (*explained, sanity.edges(faint.images))]
    for name, share in zip(curves, shares, strict=True):
        curves[name].append(share.item())

show.settle("faint", 100 * curves["guided on the watermark"][levels.index(0.1)])
show.lines(
    {name: (levels, values) for name, values in curves.items()},
    across="opacity of both marks",
    up="share",
    title="The fainter the mark",
    caption=f"The network that was taught the watermark at {OPACITY:.0%}; {len(both.images)} crops with both marks: "
    + "; ".join(
        f"at {level:.0%} " + ", ".join(f"{name} {curves[name][levels.index(level)]:.0%}" for name in curves)
        for level in (0.1, OPACITY)
    )
    + ".",
)

# %% [markdown]
# The maps of *plain* look nearly as clean as those before: half as much in one window, but still a third and more. Yet
# nothing in it decides. A map cannot say "because something is missing"; it shows the places that come nearest to a
# mark.
#
# And look at 10% opacity: the network calls few of the crops marked, but most of guided backprop's mass lies on the
# mark.
# The map is right about where the score would *move*, and says nothing about whether it *has* moved. A map never says
# how sure the network is: that has to be asked separately.

# %% [markdown]
# ## Explore
#
# A crop, a network, a method, and how faint the marks are. Look for the opacity at which the map still points at the
# watermark, and the network no longer says so; then ask why a crop is *plain*.

# %%
explore(networks, both)

# %%
show.how_well_you_knew()

# %% [markdown]
# ## Two questions
#
# Think; there is no check, and no next notebook.
#
# 1. Every method was scored on a truth that is small, in one place, and either there or not. Which truths would you
#    plant to make a method fail that did well here: one that is everywhere, a colour, the *absence* of something,
#    two marks that count only together? Which of the scores above could still be computed?
# 2. In a real network nobody has planted anything. What does a good score here entitle you to say about the same
#    method's map of SqueezeNet's dog, and what would you want to see beside that map before a doctor relies on it?
