# %% [markdown]
# # 04 · Maximally activating patches
#
# **Where we are.** The last notebook held one photo fixed and looked at all channels. The lecture now turns that
# around: hold *one channel* fixed, show the network very many photos, and cut out the patches that the channel answers
# to most. Nine such patches in a row say at a glance what the channel seems to look for.
#
# For that you need to know three things, and will write each: which pixels a unit sees, where in a map the maximum
# stands, and how to keep the best nine of a hundred thousand photos without keeping the photos. Then comes the proof
# that the patch was really all the unit saw, and a control that may surprise you.
#
# <!-- exercises -->

# %%
from dataclasses import replace

import torch
from IPython.display import display

from labkit import check, hint, images, mine, models, progress, show
from labkit.hooks import recording
from labkit.methods import patches as lab
from labkit.receptive import receptive_field
from labkit.show import passport
from labkit.show import patches as pictures
from labkit.show.patches_explorer import explore

lab = mine(lab)  # your own functions stand in it, once they pass their checks
NETWORK = "squeezenet"  # or "alexnet", "vgg16", "resnet18", … once downloaded: labkit fetch alexnet
OTHER = "squeezenet" if NETWORK == "efficientnet_lite0" else "efficientnet_lite0"  # to compare with

model, other = models.load(NETWORK), models.load(OTHER)
layers = models.NETWORKS[NETWORK].layers
bank = images.photos(size=640)

# %%
progress("04")

# %% [markdown]
# ## What one unit sees
#
# A unit of the first layer sees one small window. A unit of the second sees a window of such windows, and so on: its
# **receptive field** grows with every layer, and every stride makes all later layers grow faster.
#
# ### Exercise 04.1
#
# Three numbers say it all, along one side of the image, in pixels:
#
# - `size`: how many pixels one unit sees;
# - `stride`: how far apart the fields of neighbouring units are;
# - `start`: the first pixel that unit 0 sees. With padding it is negative: the unit begins outside the image.
#
# Begin with a pixel (it sees itself: 1, 1, 0) and walk up the layers. A kernel of 3 with dilation 2 touches places
# 0, 2 and 4 of its *input*, and one place there is `stride` pixels. You know that it is right when AlexNet's first
# layers, `(11, 4, 2, 1)` and `(3, 2, 0, 1)`, give 19, 8, −2. (Several results are returned with commas between them;
# the checks take numbers, tensors, numpy arrays and lists alike.)


# %%
def field_of(layers):
    """The receptive field behind a chain of convolutions and pools.

    layers:  from the image upwards, each (kernel, stride, padding, dilation)
    Returns: size, stride, start, three whole numbers
    """
    # TODO 04.1: carry size, stride and start along, layer after layer.
    # The trap: a layer's own stride spreads the layers above it, not its own kernel or padding.
    ### BEGIN SOLUTION
    size, stride, start = 1, 1, 0
    for kernel, step, padding, dilation in layers:
        size += dilation * (kernel - 1) * stride
        start -= padding * stride
        stride *= step
    return size, stride, start
    ### END SOLUTION


# %%
check("04.1", field_of)

# %% [markdown]
# Real networks branch, so the lab's `receptive_field` follows every path, and takes the widest. Where one chain of
# layers comes to the same, as in SqueezeNet, `lab.field_size` hands that chain to your `field_of`. (From here on the
# cells use your own functions where they pass their checks, and a cell that calls them says so; otherwise the lab's.)
#
# **Predict first.** In which layer does one unit see the whole photo of 224 × 224 pixels?

# %%
show.bet(
    "whole photo",
    f"Which is the first layer of {NETWORK} in which one unit sees 224 pixels or more each way?",
    options=[*layers, "none of them"],
)

# %%
photo = images.fit(bank["flower"], 224)
shown = [layers[round(i * (len(layers) - 1) / 5)] for i in range(6)]  # six layers from the first to the last
boxes, sides = {}, {}
for layer in shown:
    field = receptive_field(model.net, layer, 224)
    h, w, _ = field.boxes.shape
    boxes[layer] = field.box(h // 2, w // 2)
    sides[layer] = lab.field_size(model.net, layer, (224, 224))
wide_in_other = {
    layer: lab.field_size(other.net, layer, (224, 224)) for layer in models.NETWORKS[OTHER].layers
}

wide = [layer for layer in layers if lab.field_size(model.net, layer, (224, 224)) >= 224]
show.settle("whole photo", wide[0] if wide else "none of them")
pictures.nested_fields(
    photo,
    boxes,
    title=f"What the middle unit of each layer sees ({NETWORK})",
    caption="Side of the receptive field, in pixels: "
    + ", ".join(f"{layer}: {size}" for layer, size in sides.items())
    + f". In {OTHER}: "
    + ", ".join(f"{layer}: {size}" for layer, size in wide_in_other.items())
    + ". What does not fit into the photo lies in the padding.",
)

# %% [markdown]
# Early units see a few pixels. In SqueezeNet even the last ones do not see the whole photo; in EfficientNet-Lite0
# units see more than the photo from blocks.4 on. Patches are a good picture of the layers in between: large enough
# to hold something, small enough to leave something out.
#
# ### Exercise 04.2
#
# A unit at `row`, `column` sees the box that begins at `start + row · stride` (and alike for
# the column) and is `size` pixels wide and high. What lies outside the image is cut off. Give the box as
# `top, left, bottom, right`, where bottom and right are the first pixels *outside*, so that
# `image[:, :, top:bottom, left:right]` is the patch.


# %%
def pixels_of(row, column, field, image_size):
    """The box of pixels that a unit sees, cut at the border of the image.

    field:      (size, stride, start)
    image_size: (H, W)
    Returns:    top, left, bottom, right, four whole numbers
    """
    # TODO 04.2: the first pixel and the end, for rows and for columns; cut off what lies outside.
    # The trap: cut last. A box that is cut at the top must not grow at the bottom.
    ### BEGIN SOLUTION
    size, stride, start = field
    H, W = image_size
    top, left = start + row * stride, start + column * stride
    bottom, right = top + size, left + size
    return max(top, 0), max(left, 0), min(bottom, H), min(right, W)
    ### END SOLUTION


# %%
check("04.2", pixels_of)

# %% [markdown]
# ## The best of each photo, and of all
#
# ### Exercise 04.3
#
# A photo may answer at many places. We want one patch per photo, or the row would show the same spot nine times, moved
# by a pixel. So: where is each map largest, and how large is it there?
#
# You know that it is right when `maps[n, c, rows[n, c], columns[n, c]]` equals `values[n, c]`, also for maps that are
# wider than high. Where the maximum stands twice, either place will do.


# %%
def peaks(maps):
    """The largest value of each map, and its place.

    maps:    (N, C, H, W)
    Returns: values, rows, columns, each (N, C)
    """
    # TODO 04.3: the maximum over rows and columns together, then its row and its column.
    # The trap: the place is counted along the rows. What do you divide by, the height or the width?
    ### BEGIN SOLUTION
    values, places = maps.flatten(2).max(dim=2)  # (N, C), places in 0..H·W-1
    W = maps.shape[3]
    return values, places // W, places % W
    ### END SOLUTION


# %%
check("04.3", peaks)

# %% [markdown]
# ### Exercise 04.4
#
# Now the best `k` of *all* photos. Their values come in batches, and you see each batch once. Collecting everything to
# choose at the end would work for thirty photos and not for a million. So keep the best k of each channel, merge them
# with each batch, and let the batch go: your memory stays the same however long the stream is.
#
# `batches` is an iterator (a `for` loop is all you need). The index of an image counts 0, 1, 2, … through all batches.
# Best first; of equal values either will do; fewer than `k` images give fewer than `k` columns. The check sends a long
# stream and measures your memory.


# %%
def best_of_stream(batches, k):
    """The k largest values of each channel, and which images they belong to.

    batches: an iterator of (n, C), n images' values; n may differ from batch to batch
    k:       how many to keep
    Returns: values (C, k), largest first, and images (C, k), the indices of the images they come from
    """
    # TODO 04.4: for each batch: join with what you kept, take the best k, and their indices with them.
    # The traps: topk says where a value stood, not whose it is; indices go on from batch to batch;
    # values may all be negative.
    ### BEGIN SOLUTION
    values, images, seen = None, None, 0
    for batch in batches:
        n, C = batch.shape
        numbers = torch.arange(seen, seen + n).expand(C, n)
        if values is None:
            values, images = torch.empty(C, 0), torch.empty(C, 0, dtype=torch.int64)
        both = torch.cat([values, batch.T], dim=1)  # (C, kept + n)
        values, order = both.topk(min(k, both.shape[1]), dim=1)
        images = torch.cat([images, numbers], dim=1).gather(1, order)
        seen += n
    return values, images
    ### END SOLUTION


# %%
check("04.4", best_of_stream)

# %% [markdown]
# ## Look
#
# The lab's `top_patches` is your four functions in a row. Of images that are at hand, like ours, your `best_of_stream`
# chooses and the winners are cut out afterwards; of thousands the lab cuts them out as it goes.
#
# Thirty photos are few. They are larger than the network needs, so each is shown five times: once whole, and in four
# quarters, at twice the size. That makes 150 images, but still only what thirty photos contain. Keep it in mind.
#
# Where a photo's border cuts a field, the unit sees padding as well. We come back to that; the rows show the nine best
# patches that lie *inside* their photo.

# %%
LAYER = {"squeezenet": "features.6", "efficientnet_lite0": "blocks.2.1.bn1.drop"}.get(NETWORK, layers[2])

many = lab.whole_and_quarters(bank.images)  # (150, 3, 320, 320)
small = replace(bank, images=many[::5])  # without the quarters
size = many.shape[2:]
with recording(model.net, LAYER) as seen:
    model(many[:1])
channels = range(seen[LAYER].shape[1])
forty = lab.top_patches(model, many, LAYER, channels, k=40)
top = lab.inside(lab.ranked(forty, torch.arange(20).expand(len(channels), 20)))

chance = torch.Generator().manual_seed(4)
drawn = top.channels[torch.randperm(len(top.channels), generator=chance)[:5].sort().values].tolist()
print(f"{len(top.channels)} of {len(channels)} channels have nine such patches among their best 20")
print("drawn at random:", *drawn)

# %% [markdown]
# **Predict first.** Five channels drawn at random, not chosen. How many of them will look as if they had a subject?

# %%
pictures.patch_rows(
    top.only(drawn),
    title="Five channels drawn at random, and the patches that each answers to most",
    caption=f"{NETWORK}, {LAYER}; the fields are {receptive_field(model.net, LAYER, size).size} pixels wide. On the "
    "left stands the number of the channel, above each patch its answer.",
)

# %% [markdown]
# Some rows have a subject, others none that one could name. Papers and lectures show rows like the next, *picked by
# hand* out of all.

# %%
PICKED = {
    "squeezenet": {
        128: "rays",
        235: "arches",
        141: "strokes\nin a row",
        115: "posts",
        100: "falling\nedge",
        47: "green",
    },
    "efficientnet_lite0": {
        187: "lights in\nthe dark",
        22: "rising\nedge",
        68: "falling\nedge",
        65: "posts",
        5: "ribs",
    },
}.get(NETWORK)
if PICKED is None:  # another network: the rows whose patches look most alike, without names
    PICKED = dict.fromkeys(top.channels[lab.likeness(top.patches).topk(5).indices].tolist(), "")

pictures.patch_rows(
    top.only(list(PICKED)),
    names=list(PICKED.values()),
    title=f"{len(PICKED)} channels picked out of {len(channels)}",
    caption=f"{NETWORK}, {LAYER}. The names are ours; the network has none.",
)

# %% [markdown]
# Look along a row, and then at what *varies* in it (SqueezeNet). The "arches" channel does not mind whether it is a
# wheel arch, a badge, a petal or the dome of a yurt; the "rays" may be tiles, spokes, sunbeams or the wires of a brush.
# That is the use of this picture: what stays the same is what the channel wants, what varies is what it has learned to
# ignore.

# %% [markdown]
# ## Further up
#
# Some blocks later a unit sees a larger box, and things begin to appear in it. The price is paid in clarity: the larger
# the patch, the more there is in it that the unit may *not* care about.

# %%
LATER = {"squeezenet": "features.9", "efficientnet_lite0": "blocks.3.1.bn1.drop"}.get(NETWORK, layers[3])
LATER_NAMES = {
    "squeezenet": {367: "round", 354: "ribs", 351: "something\nsticks up", 210: "faces?"},
    "efficientnet_lite0": {155: "spokes", 165: "against\nthe sky", 14: "dark,\nround", 9: "ridges"},
}.get(NETWORK, dict.fromkeys(range(5), ""))

later = lab.top_patches(model, many, LATER, LATER_NAMES, k=30)
whole = lab.inside(later)
pictures.patch_rows(
    whole,
    names=[LATER_NAMES[channel] for channel in whole.channels.tolist()],
    title=f"{len(whole.channels)} channels picked from {LATER}",
    caption=f"{NETWORK}; the fields are {receptive_field(model.net, LATER, size).size} pixels wide. "
    "Cover the names, and ask a neighbour for theirs.",
)

# %% [markdown]
# A badge, a wheel, the bowl of a spoon, a strawberry, a headlamp, an eye (SqueezeNet): rows like the first are why
# people speak of *detectors*. Look at the last one to its end before you call it a detector of faces.
#
# ## Another network, the same photos
#
# EfficientNet-Lite0 was trained on the same million photos, but it is built of other parts. We listen right *in front
# of* a ReLU6: behind it every strong answer would be 6.0, and among equals there is no best. **Predict first.** Will
# its channels want the same things?

# %%
LAYER_OF_OTHER, OTHERS = {
    "efficientnet_lite0": (
        "blocks.2.1.bn1.drop",
        {187: "lights in\nthe dark", 68: "falling\nedge", 65: "posts"},
    ),
    "squeezenet": ("features.6", {128: "rays", 100: "falling\nedge", 115: "posts"}),
}[OTHER]

of_other = lab.inside(lab.top_patches(other, images.fit(many, 224), LAYER_OF_OTHER, OTHERS, k=30))
pictures.patch_rows(
    of_other,
    names=[OTHERS[channel] for channel in of_other.channels.tolist()],
    title=f"Three channels of {OTHER}, picked as well",
    caption=f"{LAYER_OF_OTHER}; the fields are {receptive_field(other.net, LAYER_OF_OTHER, 224).size} pixels wide, the "
    "photos 224.",
)

# %% [markdown]
# Edges of one direction, posts: what is useful for telling photos apart is found again, by another network with other
# numbers. (We picked these rows *because* they look familiar. For how many of the others that holds, they cannot say.)

# %% [markdown]
# ## The proof
#
# Is the patch really *all* that the unit answered to? Then the crop alone must be enough.
#
# ### Exercise 04.5
#
# Keep the box, paint everything else grey (0.5), and read the same unit again. If the box holds all that the unit
# sees, it gives the same answer as to the whole photo. If the box is too small it does not, and the check tries that
# as well.


# %%
def answer_to_crop(features, image, box, unit):
    """A unit's answer when only a box of the photo is left.

    features: a network up to some layer; takes (1, 3, H, W), gives maps (1, C, h, w)
    image:    (1, 3, H, W) in 0..1
    box:      top, left, bottom, right
    unit:     channel, row, column
    Returns:  the unit's answer, one number
    """
    # TODO 04.5: a grey canvas of the photo's size, the crop at its own place, then the unit's answer.
    # The trap: moved on the canvas, the crop is seen by another unit.
    ### BEGIN SOLUTION
    top, left, bottom, right = box
    channel, row, column = unit
    canvas = torch.full_like(image, 0.5)
    canvas[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]
    return features(canvas)[0, channel, row, column]
    ### END SOLUTION


# %%
check("04.5", answer_to_crop)

# %% [markdown]
# Now on the real network, with the first row from further up. **Predict first.** The unit gets the photo; its patch
# alone; everything *but* the patch; and the patch alone, moved on the canvas and read by the unit there. Which answers
# are equal?

# %%
show.bet(
    "alone", "How much of the answer is left when the unit gets the patch alone?", low=0, high=100, unit="%"
)

# %%
channel = whole.channels[0].item()
best = whole.only([channel])
units = {"squeezenet": 4, "efficientnet_lite0": 6}.get(NETWORK, 1)  # how far the patch is moved
moved = lab.moved(model, LATER, best, image_size=size, units=units)
photo, crop = many[best.images[0, 0]], best.patches[0][0]
box, new_box = best.boxes[0, 0].tolist(), moved.boxes[0, 0].tolist()
hole = photo.clone()
hole[:, box[0] : box[2], box[1] : box[3]] = 0.5
with recording(model.net, LATER) as seen:
    model(hole[None])
without = seen[LATER][0, channel, best.rows[0, 0], best.columns[0, 0]]

# %%
alone, elsewhere = (
    lab.answers_alone(model, LATER, patches, image_size=size)[0, 0] for patches in (best, moved)
)
show.settle("alone", 100 * alone / best.values[0, 0])
canvas, new_canvas = (lab.on_canvas(crop, there[:2], size)[0] for there in (box, new_box))
answers = [best.values[0, 0], alone, elsewhere, without]
names = ["the photo", "the patch alone", "the patch, moved", "all but the patch"]

pictures.boxed_row(
    [photo, canvas, new_canvas, hole],
    [f"{name}\n{answer:.5g}" for name, answer in zip(names, answers, strict=True)],
    [box, box, new_box, box],
    title=f"Channel {channel}: the answer lies in the patch, and only there",
    caption=f"{NETWORK}, {LATER}. Above each image the answer of the unit whose field is the blue box. From its answer "
    f"to the photo it is {abs(alone - answers[0]):.1g} away for the patch alone, {abs(elsewhere - answers[0]):.1g} for "
    f"the patch moved by {units} units, and {abs(without - answers[0]):.5g} for the photo without the patch.",
)

# %% [markdown]
# One patch may be luck. So take the twelve best of every row from further up, this time also those that a border cuts,
# each at its own place and moved by one unit. **Predict first.** For which of them will moving *change* the answer?

# %%
first = lab.ranked(later, torch.arange(12).expand(len(later.channels), 12))
uncut = lab.is_inside(first)
nearer = lab.moved(model, LATER, first, image_size=size, units=1)
alone = (lab.answers_alone(model, LATER, first, image_size=size) / first.values - 1).abs()
elsewhere = (lab.answers_alone(model, LATER, nearer, image_size=size) / first.values - 1).abs()

show.dots(
    {
        "alone, same place": 100 * alone.flatten(),
        "moved, not cut by the border": 100 * elsewhere[uncut],
        "moved, cut by the border": 100 * elsewhere[~uncut],
    },
    label="distance from the answer to the photo, in percent of it",
    title="The crop alone gives the answer, and away from the border it may stand anywhere",
    caption=f"{NETWORK}, {LATER}, {first.values.numel()} patches. Largest distance: alone {alone.max():.5%}, moved "
    f"{elsewhere[uncut].max():.5%}, moved although the border cuts it {elsewhere[~uncut].max():.0%}. The border cuts "
    f"{(~uncut).float().mean():.0%} of these patches.",
)

# %% [markdown]
# At the border a unit sees the photo *and the padding*: a layer surrounds its maps with zeros, and no photo would put
# zeros there. Move the patch away from the border, and in place of the zeros comes what the layers make of grey. So a
# convolution finds a thing anywhere, but near the border it can tell that it is near the border, and answers more for
# it, or less. That is why the rows above show patches from inside the photos only.

# %% [markdown]
# ## The control
#
# Rows that look alike: is that what the network has *learned*? The same layer and the same photos, in a network that
# was never trained.
#
# **Predict first.** Will its rows look more alike, less alike, or just as much?

# %%
show.bet(
    "likeness",
    "By pixels, the rows of the untrained network are …",
    options=["more alike", "less alike", "just as much, within 0.02"],
)

# %%
untrained = models.load(NETWORK, weights=None)
top_untrained = lab.inside(lab.top_patches(untrained, many, LAYER, channels, k=20))
any_five = torch.randperm(len(top_untrained.channels), generator=chance)[:5].sort().values

pictures.patch_rows(
    top_untrained.only(top_untrained.channels[any_five].tolist()),
    title="Five channels of an untrained network, drawn at random as well",
    caption=f"{NETWORK}, {LAYER}, with random weights.",
)

# %% [markdown]
# Here, too, rows have something in common. Two numbers for all channels of both networks:
#
# - **likeness**: the correlation of a row's patches, pixel by pixel (each shrunk to 8 × 8 colours, the mean of all
#   patches subtracted). 0 is as alike as patches of any row.
# - **overlap**: of the nine images of one channel, the share that another channel chose as well.

# %%
both = {"trained": top, "untrained": top_untrained}
at_random = 9 / len(many)

alike = {name: lab.likeness(found.patches) for name, found in both.items()}
medians = ", ".join(f"{name} {values.median():.2f}" for name, values in alike.items())
more = (alike["untrained"].median() - alike["trained"].median()).item()
show.settle(
    "likeness", "more alike" if more > 0.02 else "less alike" if more < -0.02 else "just as much, within 0.02"
)
shared = ", ".join(f"{name} {lab.overlap(found.images):.0%}" for name, found in both.items())

show.dots(
    alike,
    label="likeness of a channel's nine patches",
    title="Do rows look alike because the network was trained?",
    caption=f"{NETWORK}, {LAYER}. One dot per channel, a bar at the median: {medians}. Overlap of two channels: "
    f"{shared}, of images chosen at random {at_random:.0%}.",
)

# %% [markdown]
# So a row that looks alike is no sign of learning. Any filter, even a random one, has patches that fit it best, and
# those resemble each other, here even more than the trained ones do. What sets the two networks apart is the overlap:
# untrained channels choose the same images more often, trained ones look for different things. Perhaps the trained
# rows are also alike in something that pixels do not measure; this number cannot say.

# %% [markdown]
# ## Look for yourself
#
# A channel's best ten patches make a convincing row. Turn the page: the next ten, and the next, answer less and less.
# From which page on would you no longer believe the name that you gave it? On the right is a photo, perhaps your own,
# with a box where the same channel answers most.

# %%
explore(model, LAYER, forty, small, photo="temple", channel=next(iter(PICKED)))

# %% [markdown]
# ## Your own photos
#
# Thirty photos are few, and strangers took them. Put in a folder of your own. With `images.imagenette()` in place of
# `images.folder(FOLDER)` it runs over 3,925 photos (a download of 99 MB, then some minutes with a progress bar). Memory
# stays the same. With that many patches to choose from, expect clearer rows, and check whether your names for
# them last.

# %%
FOLDER = ""  # such as "~/Pictures/holiday"

if FOLDER:
    own = lab.inside(lab.top_patches(model, images.folder(FOLDER, size=320), LAYER, PICKED, k=30))
    names = [PICKED[channel] for channel in own.channels.tolist()]
    display(pictures.patch_rows(own, names=names, title="The same channels, my own photos"))

# %% [markdown]
# ## Your channel's passport
#
# You chose a channel at the end of stage 03, and gave it a name. **Predict first:** how many of its nine best patches
# will show what you named it after?

# %%
chosen = passport.chosen(model)
print(chosen)
passport.best_patches(chosen, many)

# %%
show.how_well_you_knew()

# %% [markdown]
# ## Two questions
#
# Think before you read on; there is no check.
#
# 1. Every row shows the *largest* answers out of 150. What would you have to look at before you write "this channel
#    detects faces", and what would speak against it?
# 2. All that moved the unit lies in the blue box; the proof says no more. Which of these pixels did it, the badge or
#    the orange around it? Nine patches side by side cannot say. How could the network itself be asked?
#
# The [next notebook](05_guided_backprop.ipynb) asks it: the gradient of one neuron, pixel by pixel, and what guided
# backprop makes of it.
