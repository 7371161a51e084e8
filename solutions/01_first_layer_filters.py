# %% [markdown]
# # 01 · First-layer filters
#
# **Where we are.** The lecture asks what a convolutional network has learned, and starts at the bottom. The
# first layer is the one place where looking is easy: its weights meet the red, green and blue of the picture
# directly, so a filter of 11 × 11 × 3 numbers *is* a small colour picture of what it answers to most.
#
# You will take the first layer out of any network, draw it, and compare. Then comes the lecture's odd claim, that
# the pictures look much alike *for nearly any network on nearly any data*. You will try it by hand: grow 64
# filters from 30 photos, without a network, without labels, in seconds.
#
# <!-- exercises -->

# %% [markdown]
# **How the exercises work.** Replace `raise NotImplementedError(…)` by your code and run the cell, then run
# the check below it. It says at once whether the answer is right and, if not, what is wrong with it.
# `hint("01.1")` gives a nudge; further hints come nearer to the line of code.

# %%
import torch
from torch import nn

from labkit import check, hint, images, mine, models, progress, show
from labkit.methods import filters as lab
from labkit.methods.sheets import rescale, tile
from labkit.show.filters_explorer import explore

lab, show = mine(lab), mine(show)  # your own functions stand in it, once they pass their checks
NETWORK = "squeezenet"  # or "efficientnet_lite0", or "alexnet", … once fetched

bank = images.photos()
print(*str(models.load(NETWORK).net).splitlines()[:8], "      …", sep="\n")  # the layers at the bottom

# %%
progress("01")

# %% [markdown]
# Two networks came with the lab, SqueezeNet and EfficientNet-Lite0, both trained on a million labelled photos. The
# lecture's own networks join in as soon as they are downloaded: `labkit fetch alexnet` in a terminal.

# %% [markdown]
# ### Exercise 01.1
#
# Every network hides its first convolution under another name: `features.0` in SqueezeNet, `conv1` in ResNet,
# `conv_stem` in EfficientNet-Lite0. Write a function that finds it in any of them: the first `nn.Conv2d`, in the order
# of `net.modules()`. Return its weights as plain numbers to look at: a detached tensor, while the network itself stays
# as it is. (The checks take tensors, numpy arrays, lists and numbers alike.)


# %%
def first_layer_filters(net):
    """The weights of the first convolution of any network.

    net:     an nn.Module
    Returns: (K, 3, h, w), detached
    """
    # TODO 01.1: walk through the modules, stop at the first convolution.
    # The trap: the first parameter of a network need not be a filter.
    ### BEGIN SOLUTION
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            return module.weight.detach()
    ### END SOLUTION


# %%
check("01.1", first_layer_filters)

# %% [markdown]
# ### Exercise 01.2
#
# A weight may be −0.4 or 2.1; a screen shows 0 to 1. Stretch each filter by *its own* least and largest
# weight, over its three colours together, so that the least becomes 0 and the largest 1.
#
# A filter whose weights are all equal has nothing to stretch: make it grey, 0.5. You know that it is right
# when every filter's `amin` is 0 and its `amax` is 1, however loud or quiet it was.


# %%
def scale_filters(filters):
    """Each filter stretched to 0..1, for display.

    filters: (K, 3, h, w), any range
    Returns: (K, 3, h, w) in 0..1
    """
    # TODO 01.2: least and largest weight per filter, then stretch.
    # The traps: one scale for the whole bank; 0/0 in a flat filter.
    ### BEGIN SOLUTION
    low = filters.amin(dim=(1, 2, 3), keepdim=True)  # (K, 1, 1, 1)
    span = filters.amax(dim=(1, 2, 3), keepdim=True) - low
    return torch.where(span > 0, (filters - low) / span, 0.5)
    ### END SOLUTION


# %%
check("01.2", scale_filters)

# %% [markdown]
# ### Exercise 01.3
#
# Now put them on one sheet. Filter `k` stands in row `k // columns` and column `k % columns`, as words stand
# in a text, with `gap` black pixels around every filter, the sheet's edge included. The last row may be only
# half full. Seven filters of 3 × 3 in four columns, with a gap of 1, make a sheet of 9 × 17.


# %%
def tile_filters(filters, columns, gap):
    """One sheet of all filters, black where there is none.

    filters: (K, 3, h, w) in 0..1
    Returns: (3, rows·(h+gap) + gap, columns·(w+gap) + gap)
    """
    # TODO 01.3: a black sheet of the right size, then copy each filter to its place.
    # The trap: the number of rows when K is no multiple of columns.
    ### BEGIN SOLUTION
    K, C, h, w = filters.shape
    rows = -(-K // columns)  # rounded up
    sheet = torch.zeros(C, rows * (h + gap) + gap, columns * (w + gap) + gap)
    for k in range(K):
        row, column = divmod(k, columns)
        top, left = gap + row * (h + gap), gap + column * (w + gap)
        sheet[:, top : top + h, left : left + w] = filters[k]
    return sheet
    ### END SOLUTION


# %%
check("01.3", tile_filters)

# %% [markdown]
# ## Look
#
# **Predict first.** SqueezeNet has 64 filters of only 3 × 3, EfficientNet-Lite0 has 32. How many different *kinds* of
# filter do you expect? And could you tell them from those of a network that was never trained? Then run the cell.
#
# (Filters come out of a network in no order at all. Here the nearly grey ones come first, sorted by the angle of their
# stripes, then the others, the more colourful, the later.)


# %%
def greyness(filters):
    """1 for a filter that is the same in all three colours, 0 where the three cancel out: (K,)."""
    pattern = filters - filters.mean(dim=(1, 2, 3), keepdim=True)
    return pattern.sum(1).square().sum((1, 2)) / (3 * pattern.square().sum((1, 2, 3))).clamp(min=1e-12)


def angle(filters):
    """The direction of each filter's stripes, from its Fourier power spectrum: (K,)."""
    grey = filters.sum(1)
    power = torch.fft.fft2(grey - grey.mean((1, 2), keepdim=True), s=(32, 32)).abs().square()
    x = torch.fft.fftfreq(32)
    return (power * torch.exp(2j * torch.atan2(x[:, None], x[None, :]))).sum((1, 2)).angle()


def in_order(filters):
    grey = greyness(filters)
    return filters[torch.where(grey > 0.8, angle(filters) - 10, -grey).argsort()]


titles = {"squeezenet": "SqueezeNet", "efficientnet_lite0": "EfficientNet-Lite0"}
trained, fresh = {}, {}  # first layers with the trained weights, and with those that training begins with
for name in dict.fromkeys([NETWORK, *models.EMBEDDED]):
    trained[titles.get(name, name)] = lab.first_convolution(models.load(name).net)
    fresh[f"{titles.get(name, name)}, untrained"] = lab.first_convolution(models.load(name, weights=None).net)


def medians(measure, banks):
    return "; ".join(f"{name}: {measure(filters).median():.2f}" for name, filters in banks.items())


control = next(iter(fresh))
sheets = trained | {control: fresh[control]}
show.filter_sheets(
    {name: in_order(filters) for name, filters in sheets.items()},
    title="All first-layer filters of trained networks, and the control",
    caption="Each filter is scaled to its own range. The control has the random weights that training begins with. "
    f"Median greyness (1: the same in all colours): {medians(greyness, sheets)}.",
)

# %% [markdown]
# SqueezeNet: light against dark in the upper rows, as spots and as short bars, upright, level and oblique; one colour
# against another below: blue and orange, red and green. The control has all colours everywhere. EfficientNet-Lite0
# shows the same only coarsely. In 3 × 3 pixels there is little room: a colour, a spot, a step.
#
# The lecture's four have larger filters, 11 × 11 in AlexNet and 7 × 7 in the others, so there is more to see.

# %%
famous = ["alexnet", "resnet18", "resnet101", "densenet121"]
lecture = {
    name: lab.first_convolution(models.load(name).net) for name in famous if name in models.available()
}
if missing := [name for name in famous if name not in lecture]:
    size = sum(models.NETWORKS[name].size_mb for name in missing)
    print(f"To see the lecture's networks here: labkit fetch {' '.join(missing)} ({size:.0f} MB)")

show.filter_sheets(
    {name: in_order(filters) for name, filters in lecture.items()},
    title="The lecture's networks, first layer",
    caption="Each filter is scaled to its own range. Shapes are filters × colours × height × width.",
) if lecture else None

# %% [markdown]
# The lecture's four were published from 2012 to 2017 by three groups of people, and AlexNet's filters are one and a
# half times as wide as the others'. Yet each sheet in the lecture shows the same two families: **oriented edges and
# gratings**, nearly grey, and **blobs of opponent colours**, hardly oriented. Why should that be? Perhaps it says less
# about networks than about photos.

# %% [markdown]
# ## Grow your own
#
# If these filters are in the *photos*, they should come out without a network. So: cut 100,000 patches of
# 11 × 11 pixels from the photos, and look for 64 typical directions among them. Three small steps, all yours
# (Coates & Ng 2012).

# %%
patches = lab.random_patches(bank.images, count=100_000, size=11)  # (100000, 363): 363 = 3 · 11 · 11

show.grid(
    patches[:10].unflatten(1, (3, 11, 11)),
    title="Ten of 100,000 patches",
    caption=f"11 × 11 pixels, cut at random from {len(bank)} photos. Most are dull: the median patch has a standard "
    f"deviation of {patches.std(dim=1).median():.2f}, where black beside white has 0.5.",
)

# %% [markdown]
# ### Exercise 01.4
#
# A bright wall and a dark wall are the same wall. Take from each patch its own mean, and divide by its own
# contrast: $(x - \bar x)\,/\sqrt{\operatorname{var}(x) + \varepsilon}$. The variance is the mean of the
# squared deviations over *all* values of the patch. The $\varepsilon$ keeps a flat patch flat, where there is
# nothing but noise to magnify. You know that it is right when every row has mean 0.


# %%
def normalize_contrast(patches, epsilon):
    """Each patch with mean 0 and, where it has contrast, standard deviation 1.

    patches: (n, d)
    epsilon: added to the variance
    Returns: (n, d)
    """
    # TODO 01.4: mean and variance of each row.
    # The trap: torch.var divides by d - 1 unless told otherwise.
    ### BEGIN SOLUTION
    mean = patches.mean(dim=1, keepdim=True)
    variance = patches.var(dim=1, keepdim=True, correction=0)
    return (patches - mean) / (variance + epsilon).sqrt()
    ### END SOLUTION


# %%
check("01.4", normalize_contrast)

# %% [markdown]
# ### Exercise 01.5
#
# Neighbouring pixels are nearly equal, so most of what patches have in common is smooth light and shade; edges drown in
# it. *Whitening* evens that out. With $USU^\top$ the covariance of the patches (divided by n; the check accepts n − 1
# as well),
#
# $$x_\text{white} = (x - \bar x)\; U\,(S + \varepsilon)^{-1/2}\,U^\top$$
#
# turns to the axes in which pixels are uncorrelated, makes each axis count alike, and turns back, so that a
# patch stays a picture. Here $\bar x$ is the mean *patch*, over all patches. `torch.linalg.eigh` gives $S$ and
# $U$. You know that it is right when the result's covariance is close to the identity.


# %%
def zca_whiten(patches, epsilon):
    """Patches without correlations between pixels, as near to the originals as that allows.

    patches: (n, d)
    epsilon: added to each eigenvalue of the covariance
    Returns: (n, d)
    """
    # TODO 01.5: centre, covariance, eigenvalues and eigenvectors, multiply.
    # The traps: the exponent's sign; turning back.
    ### BEGIN SOLUTION
    centred = patches - patches.mean(dim=0)
    covariance = centred.T @ centred / len(patches)  # (d, d)
    S, U = torch.linalg.eigh(covariance)
    return centred @ (U * (S + epsilon) ** -0.5) @ U.T
    ### END SOLUTION


# %%
check("01.5", zca_whiten)

# %%
normalized = lab.normalize_contrast(patches)
white = lab.zca_whiten(normalized)

before, after = (
    torch.corrcoef(p[:20_000].T)[60, :121].abs().reshape(11, 11) for p in (normalized, white)
)  # pixel 60 is the middle of the red plane


def sheet(rows):
    return tile(rescale(rows.unflatten(1, (3, 11, 11))), columns=3, background=float("nan"))


show.grid(
    [sheet(normalized[1:10]), sheet(white[1:10]), before, after],
    above=["nine patches", "the same, whitened", "correlation before", "correlation after"],
    title="What whitening does: edges stay, smooth shade goes",
    caption="Right: the correlation of the middle pixel (red) with the 120 others around it, black 0, white 1: "
    f"{before.mean():.2f} on average before, {after.mean():.2f} after. Each patch is scaled to its own range.",
)

# %% [markdown]
# ### Exercise 01.6
#
# K-means on a sphere. Each centroid is a direction, a row of length 1, and will become a filter. One round:
#
# 1. the *similarity* of patch and centroid is their dot product;
# 2. the centroid with the largest similarity **in absolute value** wins the patch, since an edge and its
#    negative are the same edge;
# 3. a centroid becomes itself plus the sum of (similarity × patch) over the patches that it won, and is then
#    divided by its length. Adding the old one keeps alive a centroid that wins nothing.


# %%
def kmeans_round(patches, centroids):
    """The centroids after one round.

    patches:   (n, d)
    centroids: (K, d), each of length 1
    Returns:   (K, d), each of length 1
    """
    # TODO 01.6: similarities (n, K), the winner of each patch, the sums, unit length.
    # The trap: weigh each patch by its similarity, sign included.
    ### BEGIN SOLUTION
    similarity = patches @ centroids.T  # (n, K)
    winner = similarity.abs().argmax(dim=1)  # (n,)
    chosen = torch.nn.functional.one_hot(winner, len(centroids))  # (n, K), a single 1 in each row
    sums = centroids + (chosen * similarity).T @ patches
    return sums / sums.norm(dim=1, keepdim=True)
    ### END SOLUTION


# %%
check("01.6", kmeans_round)

# %% [markdown]
# **Predict first.** The centroids start as noise. After twenty rounds on photos, what will they look like?
#
# (From here on the cells use your own functions where they pass their checks, and a cell that calls them says so;
# otherwise the lab's own, so they run whether or not yours are done.)

# %%
show.bet(
    "oriented",
    "How many of the 64 will be edges or gratings, with one clear direction?",
    low=0,
    high=64,
    unit="of 64",
)

# %%
centroids = torch.randn(64, white.shape[1], generator=torch.Generator().manual_seed(0))
centroids = centroids / centroids.norm(dim=1, keepdim=True)
for _round in range(20):
    centroids = lab.kmeans_round(white, centroids)
grown = centroids.unflatten(1, (3, 11, 11))

show.settle("oriented", int((lab.orientation(grown) > 0.5).sum()))
show.filter_sheet(
    in_order(grown),
    columns=11,
    title="Grown, not trained: 64 filters of 11 × 11 from 30 photos",
    caption=f"Twenty rounds of spherical k-means on {len(white):,} whitened patches; no network, no labels. "
    f"{(lab.orientation(grown) > 0.5).float().mean():.0%} of the filters are oriented (above 0.5), the rest blobs.",
)

# %% [markdown]
# Compare this sheet with AlexNet's in the lecture. Edges at every angle, opponent colours (blue against yellow, red
# against green), and flat blobs: both families are there.
#
# And with the networks that are here? Their filters are smaller, so grow some of their size, 3 × 3, by the same recipe.
#
# **Predict first.** One of the two learned from a million photos with labels, by gradient descent. The other is k-means
# on patches of 30 photos, in a second. How will they differ?

# %%
small = lab.learn_filters(bank.images, size=3, patches=40_000)
pair = {
    "SqueezeNet, trained": lab.first_convolution(models.load("squeezenet").net),
    "grown from 30 photos": small,
}

show.filter_sheets(
    {name: in_order(filters) for name, filters in pair.items()},
    title="Surprisingly similar: 64 filters of 3 × 3, trained by labels and grown without",
    caption=f"Each filter is scaled to its own range. Median orientation: {medians(lab.orientation, pair)}. "
    f"Median bandwidth, the share of all spatial frequencies: {medians(lab.bandwidth, pair)}.",
)

# %% [markdown]
# Spots, bars and corners of light against dark, then steps and blobs of opponent colours, in both. They differ in small
# things: the trained ones are a little green and purple where the grown ones are grey, for example.
#
# ## Nearly any data
#
# The same recipe, on pictures that are not photos of things: a section of tissue under the microscope, the back of an
# eye, and the Hubble telescope's deep field of galaxies.
#
# **Predict first.** Which of the three will give edges, and in which colours?

# %%
show.bet(
    "fewest edges",
    "Which of the three will give the fewest edges?",
    options=["tissue", "retina", "deep field"],
)

# %%
large = images.photos(size=448)
others = {
    name: lab.learn_filters(large[name], patches=40_000, rounds=15)
    for name in ("tissue", "retina", "deep field")
}
show.settle("fewest edges", min(others, key=lambda name: lab.orientation(others[name]).median().item()))
show.filter_sheets(
    {name: in_order(filters) for name, filters in others.items()},
    title="Grown from one picture each",
    caption=f"The same recipe, fewer patches (40,000). Median orientation: {medians(lab.orientation, others)}; "
    f"grown from photos {lab.orientation(grown).median():.2f}.",
)

# %% [markdown]
# *Nearly* any: tissue and retina give edges at every angle again, in the colours that the stain and the eye have. The
# sky has no edges, and its filters are points of light. A first layer shows what its pictures are made of; most
# pictures are made of edges.

# %% [markdown]
# ## The controls
#
# A picture convinces quickly, too quickly. Would *anything* have looked like that? Two controls: the same recipe on
# images of pure noise, and filters of an AlexNet that has never been trained.
#
# **Predict first.** Which of the two will show edges?

# %%
show.bet(
    "controls",
    "Which of the two will have filters with a direction, at least half as strongly as those grown from photos?",
    options=["grown from noise", "AlexNet, untrained", "both", "neither"],
)

# %%
noise = torch.rand(bank.images.shape, generator=torch.Generator().manual_seed(1))
from_noise = lab.learn_filters(noise)
untrained = lab.first_convolution(models.load("alexnet", weights=None).net)

controls = {"grown from photos": grown, "grown from noise": from_noise, "AlexNet, untrained": untrained}

strength = {name: lab.orientation(filters).median().item() for name, filters in controls.items()}
strong = [name for name in list(controls)[1:] if strength[name] > strength["grown from photos"] / 2]
show.settle("controls", strong[0] if len(strong) == 1 else "both" if strong else "neither")
show.filter_sheets(
    {name: in_order(filters) for name, filters in controls.items()},
    title="The same recipe needs photos",
    caption=f"Median orientation: {medians(lab.orientation, controls)}. "
    "All three drawn alike, each filter scaled to its own range.",
)

# %% [markdown]
# ## A number for the look
#
# Two numbers for each filter, both from its Fourier power spectrum:
#
# - **orientation**: 0 if the filter has no preferred direction, 1 if it is a single grating;
# - **bandwidth**: the share of all spatial frequencies that it answers to. A filter near 0 picks out one wave (or is
#   flat in each colour); noise has about 0.75.

# %%
banks = controls | {"grown from photos, 3 × 3": small} | trained | fresh | lecture

show.dots(
    {name: lab.orientation(filters) for name, filters in banks.items()},
    label="orientation: 0 none, 1 a single grating",
    title="Oriented: what learns from photos",
    caption=f"One dot per filter, a bar at the median: {medians(lab.orientation, banks)}. Filters of 3 × 3 are too "
    "small to be strongly oriented.",
)

# %%
show.dots(
    {name: lab.bandwidth(filters) for name, filters in banks.items()},
    label="bandwidth: share of all spatial frequencies",
    title="Band-limited: what learns from photos",
    caption=f"One dot per filter, a bar at the median: {medians(lab.bandwidth, banks)}.",
)

# %% [markdown]
# Both numbers separate what was learned from photos from what was not, and clearly so for filters of 11 × 11. With 3 ×
# 3 pixels there is no room for a grating, but SqueezeNet and the filters grown without labels agree in both medians,
# and their control is elsewhere. EfficientNet-Lite0 moves the same way, but only a little.

# %% [markdown]
# ## Look for yourself
#
# One filter, what it answers to in a photo, and below it the same filter before the training. Try to find one for
# upright edges, one for a colour, and one that answers to hardly anything; then look how the three of them began.
# With *Your own photo* you can look at a picture of yours.

# %%
pairs = [
    (models.load(name), models.load(name, weights=None))
    for name in dict.fromkeys([NETWORK, *models.EMBEDDED])
]
explore(pairs, bank, photo="cat", number=5)

# %%
show.how_well_you_knew()

# %% [markdown]
# ## Two questions
#
# Think before you read on; there is no check.
#
# 1. Filters grown from photos *without labels* look like those of a network trained on a million labels. What
#    does that say about how much the first layer knows of dogs and cats? Where, then, must that knowledge be?
# 2. The second layer's filters in AlexNet are 192 × 64 × 5 × 5. We could draw each as 64 grey pictures. Why
#    would that tell us so much less than the first layer did?
#
# The [next notebook](02_last_layer_neighbors.ipynb) goes to the other end of the network, to the last layer, where
# pixels are far away and "dog" is near.
