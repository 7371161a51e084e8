# %% [markdown]
# # 02 · Nearest neighbours at the last layer
#
# **Where we are.** The first layer turned out to know edges and colours, and nothing of dogs. The lecture now
# jumps to the other end. Just before the last layer, AlexNet describes a photo by 4096 numbers, and everything
# that it will say about the photo is a weighted sum of these. What do the numbers mean? Nobody can look at
# them. But one can ask: *which photos have nearly the same ones?*
#
# You will take these features out of any network, find each photo's nearest neighbours by L2 distance, once
# among pixels and once among features, count how often they are right, and draw a map.
#
# <!-- exercises -->

# %% [markdown]
# Set-up. Two networks come with the lab: EfficientNet-Lite0, which names 17 of 20 labelled photos right, and the
# smaller SqueezeNet, which names 12. The first one is looked at here, the other stands beside it. Write
# `NETWORK = "alexnet"` for the lecture's own, once `labkit fetch alexnet` has downloaded it; everything below follows.

# %%
from functools import partial

import torch
from sklearn.manifold import TSNE
from torch import nn
from torch.utils.data import DataLoader

from labkit import check, hint, images, mine, models, progress, show
from labkit.methods import gallery as galleries
from labkit.methods import neighbors as lab
from labkit.methods import probe
from labkit.show.neighbors import grouped_bars, neighbor_rows, photo_map
from labkit.show.neighbors_explorer import explore
from labkit.show.probe import learning_curves, survivors, weight_sizes

lab, probe = mine(lab), mine(probe)  # your own functions stand in them, once they pass their checks
NETWORK = "efficientnet_lite0"
OTHER = next(name for name in models.EMBEDDED if name != NETWORK)  # to compare with
GALLERY = "views"  # or "imagenette": 3,925 photos, 99 MB to download the first time, minutes on a CPU
SIZE = 160  # pixels: half the work of 224, and the size of Imagenette's photos

model = models.load(NETWORK)
other = models.load(OTHER)
untrained = {name: models.load(name, weights=None) for name in (NETWORK, OTHER)}  # the controls
bank = images.photos(size=SIZE)
model

# %%
progress("02")

# %% [markdown]
# ### Exercise 02.1
#
# The features are what goes **into** the last `nn.Linear`. Its name differs (`classifier.6` in AlexNet, `fc` in ResNet,
# `classifier` here), and AlexNet has three linear layers, so search `model.modules()` for the last one. Then let
# PyTorch hand you its input: the layer's `register_forward_pre_hook(f)` calls `f(module, inputs)` just before it runs.
# `inputs` is a tuple, even where there is just one.
#
# A hook that stays on runs in every later call, for ever. Take it off again, **even when the model raises**: the check
# will hand you an image with two colours and look. Let the error itself through. (Features may come back as a tensor, a
# numpy array or a list; so may what the later checks ask for.)


# %%
def last_features(model, images):
    """What goes into the last linear layer of any network.

    model:   an nn.Module that ends in an nn.Linear
    images:  (N, 3, H, W) in 0..1
    Returns: (N, D)
    """
    # TODO 02.1: find the layer, hook it, run the model, take the hook off.
    # The traps: the layer's input, not its output; a hook left on after an exception.
    ### BEGIN SOLUTION
    layer = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
    seen = []
    handle = layer.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    try:
        model(images)
    finally:
        handle.remove()
    return seen[0]
    ### END SOLUTION


# %%
check("02.1", last_features)

# %% [markdown]
# SqueezeNet has no `nn.Linear` at all. Its last layer is a 1 × 1 convolution, which is the same linear layer at each
# of 9 × 9 positions, and its answers are averaged. So its features are what goes into *that* layer, averaged over
# the positions: 512 numbers. (`lab.features`, which the cells below use, takes either kind of network. The
# assignment of CS231n takes SqueezeNet's features from the same place.)

# %% [markdown]
# ## A gallery out of thirty photos
#
# The lecture searches ImageNet's test photos. Offline there are thirty, too few to have neighbours. So we make
# *views* of each: the photo itself and five more, cut out, mirrored, in another light. A neighbour counts as
# right when it is **another view of the same photo**. That is easier to judge than "the same kind of thing",
# and stricter: another jeep will count as wrong.

# %%
views, photo_of = galleries.views(bank.images, per_photo=6, seed=0)

show.grid(
    views[photo_of == bank.names.index("cat")],
    above=["the photo", *[f"view {n}" for n in range(1, 6)]],
    title="One photo, six views",
    caption=f"Views keep 35 to 75 % of each side, every other one is mirrored, and all are darker, brighter or tinted. "
    f"The gallery: {len(bank)} photos × 6 = {len(views)} images of {SIZE} × {SIZE} pixels.",
)

# %% [markdown]
# Now describe each image by its **pixels** (averaged down to 96 × 96, which if anything helps them, since it blurs
# small shifts away), by the features of both **trained** networks, and, as a control, by those of the same networks
# **untrained**. The gallery goes through in batches, so that thousands of photos fit as well as these.

# %%
if GALLERY == "views":
    batches, shows = zip(views.split(30), photo_of.split(30), strict=True), bank.names
else:
    mixed = torch.Generator().manual_seed(0)  # by itself it comes class after class
    batches = DataLoader(images.imagenette(size=SIZE), batch_size=30, shuffle=True, generator=mixed)
    shows = model.categories

described = galleries.collect(
    batches,
    pixels=galleries.pixels,
    **{name: partial(lab.features, network) for name, network in {NETWORK: model, OTHER: other}.items()},
    **{f"untrained {name}": partial(lab.features, network) for name, network in untrained.items()},
)
ids = described.pop("ids")  # (N,) what each image shows: shows[ids[i]]
thumbnails = views if GALLERY == "views" else described["pixels"].unflatten(1, (3, 96, 96))

{space: tuple(vectors.shape) for space, vectors in described.items()}

# %% [markdown]
# ### Exercise 02.2
#
# Distances of all pairs, 180 × 180 of them here and 15 million with Imagenette: no place for a Python loop. Nor
# for `query[:, None] - gallery`, which writes out *all differences*: with full-size pixels, 20 gigabytes. But
#
# $$|q - g|^2 = |q|^2 + |g|^2 - 2\,q \cdot g$$
#
# and one matrix product gives every $q \cdot g$ at once. The trap is in the arithmetic: for two equal vectors
# the three terms should cancel to 0, and in float32 they may leave −0.06. Its root is NaN.
#
# (`torch.cdist` does this in one call. After this exercise you know what it does, and what it costs.)


# %%
def pairwise_distances(query, gallery):
    """The L2 distance of each query to each vector of the gallery.

    query:   (Q, D)
    gallery: (N, D)
    Returns: (Q, N), no NaN
    """
    # TODO 02.2: |q|² as a column, |g|² as a row, and one matrix product; then the root.
    # The trap: squares just below 0.
    ### BEGIN SOLUTION
    squares = query.square().sum(dim=1, keepdim=True) + gallery.square().sum(dim=1) - 2 * query @ gallery.T
    return squares.clamp(min=0).sqrt()
    ### END SOLUTION


# %%
check("02.2", pairwise_distances)

# %% [markdown]
# ### Exercise 02.3
#
# Turn a table of the distances among N images into the k nearest of each, nearest first. Every image is its own nearest
# neighbour, which tells us nothing, so it must not be among them.
#
# It is tempting to take k + 1 and drop the first. But in a gallery with two copies of one photo, the copy may come
# first. Take the image out by its *place* in the table, and leave the table as you found it.


# %%
def nearest_others(distances, k):
    """The k nearest neighbours of each image, the image itself left out.

    distances: (N, N), row i holds the distances of image i to all others (and to itself); may differ there and back
    Returns:   (N, k) int64, column numbers, nearest first
    """
    # TODO 02.3: make each image infinitely far from itself, then topk.
    # The traps: topk takes the largest unless told otherwise; the caller's table must not change.
    ### BEGIN SOLUTION
    apart = distances.clone().fill_diagonal_(float("inf"))
    return apart.topk(k, largest=False).indices
    ### END SOLUTION


# %%
check("02.3", nearest_others)

# %% [markdown]
# ## The lecture's figure
#
# A photo on the left; its five nearest neighbours by pixels above, by the features of two networks below.
#
# **Predict first.** A dalmatian on brown leaves. What will be near to it in pixel space: other views of the
# dalmatian, other animals, other brown things? And in feature space? One thing to know before you guess: asked for
# its name, SqueezeNet does not have the dalmatian among its first five answers.
#
# (From here on the cells use your own functions where they pass their checks, and a cell that calls them says so;
# otherwise the lab's own. `lab.nearest` does exercises 02.2 and 02.3 block by block, so that memory stays small: your
# `pairwise_distances` makes each block, and your `nearest_others` chooses where one block holds all images.)

# %%
itself = torch.arange(len(ids))
found = {space: lab.nearest(vectors, vectors, k=5, leave_out=itself) for space, vectors in described.items()}


def lecture_figure(image, title, *, spaces=("pixels", NETWORK), remark=""):
    """A row of neighbours in each space, with the right ones counted in the caption."""
    rows = {space: (found[space][0][image], found[space][1][image]) for space in spaces}
    rows = {space: (thumbnails[near], far, ids[near] == ids[image]) for space, (near, far) in rows.items()}
    right = ", ".join(f"{int(hits.sum())} of 5 by {space}" for space, (_, _, hits) in rows.items())
    return neighbor_rows(
        thumbnails[image],
        rows,
        name=shows[ids[image]],
        title=title,
        caption=f"{shows[ids[image]]}: {right} are right. Above each neighbour its L2 distance, which compares "
        f"within a row only. {remark}",
    )


lecture_figure(96, "Nearest by pixels, and by features", spaces=("pixels", OTHER, NETWORK))

# %% [markdown]
# Pixel space finds dull pictures. That is no accident: two busy pictures differ nearly everywhere, so a plain grey
# one is nearer to the dalmatian than the dalmatian itself, moved a little. EfficientNet-Lite0's features find the
# dalmatian, mirrored, darkened, or just its coat. SqueezeNet finds it three times, and then a tent and a jeep, both
# among browns: a network that has no name for a photo can still describe it well enough to know it again.
#
# Now a harder one: this jeep has a rival in the bank, a blue one.

# %%
strict = "Another photo of the same kind of thing counts as wrong." if GALLERY == "views" else ""
lecture_figure(36, "What counts as wrong here is telling", remark=strict)

# %% [markdown]
# ### Exercise 02.4
#
# A few good-looking rows prove nothing. Count over *all* images: what share of an image's k neighbours show the same as
# the image itself? `ids[i]` says what image `i` shows (a photo's number, or an ImageNet label).


# %%
def precision_at_k(neighbors, ids):
    """For each image, the share of its neighbours that show the same.

    neighbors: (N, k) int64, numbers of images
    ids:       (N,) int64, what each image shows
    Returns:   (N,) in 0..1
    """
    # TODO 02.4: look up what the neighbours show, compare, average over the k.
    # The trap: a neighbour's number is not its id.
    ### BEGIN SOLUTION
    return (ids[neighbors] == ids[:, None]).float().mean(dim=1)
    ### END SOLUTION


# %%
check("02.4", precision_at_k)

# %% [markdown]
# **Predict first.** Five curves: pixels, the features of the two trained networks, and those of the two untrained ones.
# Where will the untrained ones lie: below the pixels, between pixels and trained, or above the trained ones?

# %%
show.bet(
    "precision",
    f"By the features of the trained {NETWORK}: how many of five neighbours are right, on average?",
    low=0,
    high=5,
    unit="of 5",
)
show.bet(
    "untrained",
    f"Where will the untrained {NETWORK} lie, among the pixels and the trained one, at five neighbours?",
    options=["below the pixels", "between the two", "above the trained one"],
)


# %%
def precisions(space):
    near = found[space][0]
    return torch.stack([lab.precision_at_k(near[:, :k], ids, ids).mean() for k in range(1, 6)])


curves = {space: precisions(space) for space in (NETWORK, OTHER, "pixels", *list(described)[-2:])}
chance = ((ids[:, None] == ids).sum(dim=1).double() - 1).mean().item() / (len(ids) - 1)

show.settle("precision", 5 * curves[NETWORK][-1])
below = [space for space in ("pixels", NETWORK) if curves[space][-1] <= curves[f"untrained {NETWORK}"][-1]]
show.settle("untrained", ["below the pixels", "between the two", "above the trained one"][len(below)])
show.lines(
    {f"{name}  {values[-1]:.2f}": (range(1, 6), values) for name, values in curves.items()},
    across="k, neighbours looked at",
    up="precision at k",
    ticks={k: str(k) for k in range(1, 6)},
    levels={chance: f"guessing  {chance:.2f}"},
    look={"ylim": (0, 1.03)},
    title=f"How many neighbours are right, over all {len(ids)} images",
    caption="Precision at 5: "
    + ", ".join(f"{name} {values[-1]:.2f}" for name, values in curves.items())
    + f"; neighbours drawn at random {chance:.2f}. Precision at 1: "
    + ", ".join(f"{name} {values[0]:.2f}" for name, values in curves.items())
    + ".",
)

# %% [markdown]
# So it is the *training* that does it, not the architecture. The untrained networks' features are even worse
# than the pixels that they are made of: averaging over the whole image, with filters that mean nothing, throws
# away where things are and gains nothing for it.
#
# And the network that names more photos right also has the better neighbours. SqueezeNet's features lie far above the
# pixels and clearly below EfficientNet-Lite0's.

# %% [markdown]
# ## What pixel space cannot forgive
#
# The views mix three changes. Now make each of them alone: one changed copy of every photo, and see whether the nearest
# of the thirty originals is its own.
#
# **Predict first.** Which of the three hurts pixel space most? Does it hurt the features too?

# %%
show.bet("change", "Which change hurts pixel space most?", options=list(galleries.CHANGES))

# %%
spaces = {
    NETWORK: partial(lab.features, model),
    OTHER: partial(lab.features, other),
    "pixels": galleries.pixels,
}
originals = {name: describe(bank.images) for name, describe in spaces.items()}

recognised = {}
for change in galleries.CHANGES:
    changed = galleries.views(bank.images, per_photo=2, seed=1, changes=[change])[0][1::2]
    recognised[change] = {}
    for name, describe in spaces.items():
        near, _ = lab.nearest(describe(changed), originals[name], k=1)
        recognised[change][name] = (near[:, 0] == torch.arange(len(bank))).double().mean().item()

show.settle("change", min(recognised, key=lambda change: recognised[change]["pixels"]))
grouped_bars(
    recognised,
    label="photos found again",
    title="One change at a time: is the changed photo still nearest to its original?",
    caption=f"Share of {len(bank)} photos, guessing {1 / len(bank):.2f}. "
    + "; ".join(
        f"{change}: " + ", ".join(f"{name} {value:.2f}" for name, value in values.items())
        for change, values in recognised.items()
    )
    + ".",
)

# %% [markdown]
# A crop moves everything, and a pixel is compared with whatever has come to stand in its place. Training has taught the
# networks to look past such changes, because they never change the label: EfficientNet-Lite0 nearly always succeeds,
# while after a crop SqueezeNet fails to find more than a third of the photos.

# %% [markdown]
# ## Where pixel space wins
#
# Is feature space always better? Look for the image where pixel space wins by most.

# %%
gain = lab.precision_at_k(found["pixels"][0], ids, ids) - lab.precision_at_k(found[NETWORK][0], ids, ids)
lecture_figure(
    int(gain.argmax()),
    "Pixel space wins here",
    remark=f"Pixel space is ahead for {int((gain > 0).sum())} of {len(ids)} images, "
    f"feature space for {int((gain < 0).sum())}.",
)

# %% [markdown]
# EfficientNet-Lite0: the crop has missed the eagle. A corner of it is left, and the rest is the brown haze behind. For
# the network there is nothing to name: all its distances are nearly the same, so no photo is really near. Pixel space
# does not need a thing: brown in the same places is enough, and the eagle's own haze comes second, after a cat. That is
# luck more than sight. But a *network* can be right for such a reason too, when all the eagles of its training have the
# same sky behind them.

# %% [markdown]
# ### Exercise 02.5
#
# Last, a map: a feature space has hundreds of dimensions or more, paper has two. *Principal components* find the plane
# along which the vectors differ most. Subtract the mean vector, decompose what is left by
# `U, S, Vh = torch.linalg.svd(centred, full_matrices=False)`, and project on the first two directions. Which end of
# an axis is positive is anyone's choice; the check takes both. You know that it is right when the map's middle is
# (0, 0) and it is wider along the first axis than along the second.


# %%
def map_2d(vectors):
    """Each vector's place on the plane along which they differ most.

    vectors: (N, D)
    Returns: (N, 2), widest direction first
    """
    # TODO 02.5: centre, decompose, project.
    # The trap: the directions are rows of Vh, not columns.
    ### BEGIN SOLUTION
    centred = vectors - vectors.mean(dim=0)
    _, _, Vh = torch.linalg.svd(centred, full_matrices=False)
    return centred @ Vh[:2].T
    ### END SOLUTION


# %%
check("02.5", map_2d)

# %% [markdown]
# A plane has room for three groups and hardly for thirty, so begin with the six views each of three photos.
#
# **Predict first.** Here are three maps of these 18 images: by pixels, by the features of the untrained network, and
# by those of the trained one. In which of them will the frames of one colour lie together?

# %%
framed = ids[torch.tensor([90, 96, 60])].tolist()  # red, blue, green
colours = ", ".join(
    f"{shows[i]} {colour}" for i, colour in zip(framed, ("red", "blue", "green"), strict=True)
)
few = torch.isin(ids, torch.tensor(framed)).nonzero()[:60, 0]  # Imagenette has hundreds of each

maps = {space: lab.pca_map(described[space][few]) for space in ("pixels", f"untrained {NETWORK}", NETWORK)}
photo_map(
    {space: points for space, (points, _) in maps.items()},
    thumbnails[few],
    ids=ids[few],
    linked=framed,
    title="Three photos, six views each, along the two widest directions",
    caption=f"Framed: {colours}. The share of all variance along the two axes: "
    + ", ".join(f"{share.sum():.0%} in {space}" for space, (_, share) in maps.items())
    + f". For all {len(ids)} images of the gallery it is "
    + " and ".join(
        f"{lab.pca_map(described[space])[1].sum():.0%} in {space}" for space in ("pixels", NETWORK)
    )
    + ".",
)

# %% [markdown]
# In pixel space the widest direction is plain: from dark pictures to bright ones, whatever they show. In the trained
# network's features it leads from one *thing* to another.
#
# But of thirty photos, two out of a thousand dimensions show very little. t-SNE (van der Maaten & Hinton 2008) makes
# another promise: to keep *neighbours* together, at the price that distances between groups mean nothing.

# %%
some = slice(0, 500)  # a map of thousands of photos would show none of them
by_neighbours = {
    space: torch.from_numpy(
        TSNE(perplexity=10, init="pca", method="exact", random_state=0).fit_transform(
            described[space][some].numpy()
        )
    )
    for space in ("pixels", NETWORK)
}


def right_on_map(points):
    """The share of images whose nearest one on the map shows the same."""
    near, _ = lab.nearest(points, points, k=1, leave_out=itself[some])
    return lab.precision_at_k(near, ids[some], ids[some]).mean().item()


photo_map(
    by_neighbours,
    thumbnails[some],
    ids=ids[some],
    linked=framed,
    title="t-SNE keeps neighbours together, where there are any",
    caption=f"All {len(ids[some])} images. Framed: {colours}. Perplexity 10. On the maps themselves, the nearest image "
    "is right for "
    + " and ".join(f"{right_on_map(points):.0%} in {space}" for space, points in by_neighbours.items())
    + ".",
)

# %% [markdown]
# Nearly every pile on the right is one photo in six views. On the left there are few: most views lie where their
# brightness and their large patches of colour put them.

# %% [markdown]
# ## One layer on top
#
# Neighbours use the features as they are. **Transfer learning** puts a new last layer on them and trains that one
# alone, for a new question, while the network below stays frozen. The new question here: *which of the thirty photos is
# this a view of?* The layer, a *linear probe*, learns from a few views of each photo and is asked about views that it
# has not seen. Thirty photos are very few, and so are three unseen views of each: 90 images, each worth 0.01 below.
#
# With 1280 features and thirty examples, the weights are far from determined. **Regularisation** chooses among them:
#
# | what is added | what it does |
# |---|---|
# | **L2** (weight decay) | keeps all weights small |
# | **L1** | keeps few weights: the others are exactly 0 |
# | **augmentation** | adds views of each photo, so that what changes from view to view is not learned |
#
# ### Exercise 02.6
#
# The probe is one matrix, without a bias: `logits = features @ weights`. Training makes this small:
#
# $$\begin{aligned}
# &\frac{1}{N}\sum_n \text{cross-entropy}_n \\
# &+\; \frac{l_2}{2}\sum_{d,c} w_{dc}^2 \\
# &+\; l_1 \sum_{d,c} |w_{dc}|
# \end{aligned}$$
#
# Both penalties are sums over all weights. Write one step of it, a *proximal* gradient step, in two halves:
#
# 1. a step down the slope of the first two terms, taken at the weights that came in: `rate` times that slope;
# 2. for L1, each of the weights that come out moves by `rate · l1` towards 0, and stops there if it would pass it.
#
# Why not the slope of $|w|$ in the first half? It is +1 or −1, never less, so a small weight would jump over 0 and
# back, step after step, and never be 0. You know that it is right when, with a large `l1`, many weights are exactly 0.


# %%
def probe_step(weights, features, labels, rate, l1, l2):
    """The weights of a linear probe after one proximal gradient step.

    weights:  (D, C), no bias
    features: (N, D)
    labels:   (N,) int64 in 0..C-1
    rate:     of the step;  l1, l2: strengths of the two penalties
    Returns:  (D, C)
    """
    # TODO 02.6: the slope of mean cross-entropy and L2, a step down, then every weight nearer to 0.
    # The traps: the mean over the examples; the ½ of the L2 term; weights below 0.
    ### BEGIN SOLUTION
    guesses = (features @ weights).softmax(dim=1)  # (N, C)
    wanted = nn.functional.one_hot(labels, weights.shape[1])
    slope = features.T @ (guesses - wanted) / len(features) + l2 * weights  # (D, C)
    down = weights - rate * slope
    return down.sign() * (down.abs() - rate * l1).clamp(min=0)
    ### END SOLUTION


# %%
check("02.6", probe_step)

# %% [markdown]
# Five ways to answer the question: a probe on the features of both trained networks, on those of the untrained one, on
# the pixels themselves, and no transfer at all: a small network of three convolutions, trained **from scratch** on the
# same views. Each learns from 1 (the photo alone, no augmentation), 3 and 6 views of each photo.
#
# **Predict first.** How good is the probe that has seen each photo once? And who gains most from more views?

# %%
show.bet(
    "one view",
    f"A probe on {NETWORK}, one view per photo: how many unseen views are named right?",
    low=0,
    high=100,
    unit="%",
)
show.bet(
    "scratch",
    "The network from scratch, six views per photo: how many?",
    low=0,
    high=100,
    unit="%",
)

# %%
PER_PHOTO = (1, 3, 6)  # views of each photo to learn from
place = torch.arange(len(views)) % 6  # 0 is the photo itself
unseen, unseen_of = galleries.views(bank.images, per_photo=4, seed=1)
unseen, unseen_of = (part[torch.arange(len(part)) % 4 > 0] for part in (unseen, unseen_of))

frozen = spaces | {
    f"untrained {NETWORK}": partial(lab.features, untrained[NETWORK]),
    "pixels": partial(galleries.pixels, size=32),
}
have = described if GALLERY == "views" else {}
known = {
    name: have[name] if name in have and name != "pixels" else describe(views)
    for name, describe in frozen.items()
}
asked = {name: describe(unseen) for name, describe in frozen.items()}

learned = {name: [] for name in (*frozen, "from scratch")}
for count in PER_PHOTO:
    these = place < count
    for name in frozen:
        trained = probe.train(known[name][these], photo_of[these], l2=0.01, steps=100)
        learned[name].append(trained.accuracy(asked[name], unseen_of))
    small = probe.from_scratch(views[these], photo_of[these])
    learned["from scratch"].append(probe.network_accuracy(small, unseen, unseen_of))

show.settle("one view", 100 * learned[NETWORK][0])
show.settle("scratch", 100 * learned["from scratch"][-1])
learning_curves(
    learned,
    PER_PHOTO,
    chance=1 / len(bank),
    title="Transfer: one new layer on frozen features, against training from scratch",
    caption=f"{len(unseen)} unseen views of {len(bank)} photos. L2 of 0.01 in the probes, none from scratch.",
)

# %% [markdown]
# The features of EfficientNet-Lite0 need one view per photo, and there is next to nothing left to gain. That is what
# transfer is worth: what makes a view *another view of the same thing* was learned before, from a million photos, and
# is reused. SqueezeNet's features gain from more views. The network from scratch gains more, and with all six views it
# is still far behind: it has to learn from these views alone what a crop, a mirror image and another light are. The
# untrained features stay below the pixels, as above: it is the training that is transferred.
#
# One seed and 90 images: differences of a few hundredths say nothing here.
#
# ## Few weights or small ones
#
# Now the strengths. Take the probe on EfficientNet-Lite0, once with one view of each photo and once with all six.
#
# **Predict first.** Raise L1 until only a tenth of the 1280 features is left. What does the probe lose? And what
# does L2 do to the number of features?

# %%
show.bet(
    "survivors",
    f"L1 of 0.03, six views per photo: how many of the {described[NETWORK].shape[1]} features keep a weight?",
    low=0,
    high=described[NETWORK].shape[1],
)

# %%
STRENGTHS = (0.1, 0.03, 0.01, 0.003, 0.001)
taught = {"photo alone": place < 1, "six views": place < 6}
sparse = {
    name: [probe.train(known[NETWORK][these], photo_of[these], l1=l1) for l1 in STRENGTHS]
    for name, these in taught.items()
}
show.settle("survivors", sparse["six views"][1].surviving())
survivors(
    sparse,
    STRENGTHS,
    asked[NETWORK],
    unseen_of,
    title="How few features will do, and what augmentation adds",
)

# %%
decayed = {
    f"L2 of {l2:g}": probe.train(known[NETWORK][taught["six views"]], photo_of[taught["six views"]], l2=l2)
    for l2 in (0.01, 10)
}
weight_sizes(
    decayed | {"L1 of 0.01": sparse["six views"][2]},
    title="L2 makes all weights small, L1 makes few of them",
    caption="Unseen views named right: "
    + "; ".join(f"{name}: {fit.accuracy(asked[NETWORK], unseen_of):.2f}" for name, fit in decayed.items())
    + ".",
)

# %% [markdown]
# L1 chooses features. In this run a weak L1 still leaves hundreds of them and costs next to nothing; the strongest
# leaves some tens, and most of the unseen views are named right all the same. Where L1 is strong, six views do better
# than the photo alone: what only one view shows looks as useful as anything, as long as there is no other view to say
# otherwise. (How many survive also depends on the number of steps: weights that go to 0 slowly are still counted.)
#
# L2 takes out nothing: every feature keeps a weight, and a thousand times the strength makes them smaller. The largest
# logit may stay the largest when all weights shrink together, so that much L2 need not cost accuracy.
#
# Why does regularisation matter so little for accuracy here? The features already separate the photos. It matters
# where there are more weights than the examples can determine *and* the features are poor.

# %% [markdown]
# ## Look for yourself
#
# Choose a photo, or take one of your own: what is near to it by pixels, by the features of a trained network, and by
# those of the same network untrained? The later pages hold what is farther away. Try a photo of something that the
# thirty photos do not show, and see what each space makes of it.

# %%
browsed = {
    "pixels": (galleries.pixels, described["pixels"]),
    "trained": (partial(lab.features, model), described[NETWORK]),
    "untrained": (partial(lab.features, untrained[NETWORK]), described[f"untrained {NETWORK}"]),
}
explore(browsed, thumbnails, [shows[i] for i in ids.tolist()], images.photos(size=SIZE), photo="cat")

# %%
show.how_well_you_knew()

# %% [markdown]
# ## Two questions
#
# Think before you read on; there is no check.
#
# 1. The last layer has learned to tell a thousand kinds of thing apart, and nobody taught it that a retina, a
#    section of tissue or a field of galaxies is one of them. It finds all their views again all the same. What does
#    that say about its features, and for which photos would you expect them to fail?
# 2. A mirrored dalmatian has other pixels and nearly the same features. Somewhere between the first layer and
#    the last, the difference was lost. Was it lost all at once? How would you find the layer?
#
# The second one cannot be answered from either end. The [next notebook](03_activations.ipynb) goes inside, and looks
# at what a layer in the middle puts out.
