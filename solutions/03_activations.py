# %% [markdown]
# # 03 · Activations
#
# **Where we are.** Stage 01 looked at the first layer's weights, stage 02 at what goes into the last layer. Between
# them lie the layers that do the work, and their weights tell the eye nothing. So the lecture does what a
# physiologist would: show the network a picture, and watch what each channel does. A channel's answer is a *map*,
# a small grey picture, bright where the channel found what it looks for. A layer is a sheet of them.
#
# You will write the hook that fetches the maps, draw the sheet, count how many channels are silent, and lay one
# channel over its photo. Then you will look for a channel that answers to faces, find one, and ask how far you
# should believe it.
#
# <!-- exercises -->

# %%
import torch
from torch import nn
from torch.nn import functional as F

from labkit import check, hint, images, mine, models, progress, show
from labkit.methods import activations as lab
from labkit.methods import evidence
from labkit.receptive import receptive_field
from labkit.show import activations as pictures
from labkit.show import evidence as proofs
from labkit.show import passport
from labkit.show.activations_explorer import explore

# your own stand in, once they pass their checks
lab, evidence, pictures = mine(lab), mine(evidence), mine(pictures)
NETWORK = "squeezenet"  # or "alexnet", "vgg16", "resnet18", … once downloaded: labkit fetch alexnet
OTHER = next(name for name in models.EMBEDDED if name != NETWORK)  # to compare with

model, other = models.load(NETWORK), models.load(OTHER)
untrained = models.load(NETWORK, weights=None)
bank = images.photos()
cat = bank["cat"]  # (1, 3, 224, 224)

# %%
progress("03")

# %% [markdown]
# ### Exercise 03.1
#
# PyTorch lets you listen to a layer: `layer.register_forward_hook(f)` calls `f(module, inputs, output)` whenever
# the layer runs, and returns a handle whose `remove()` ends it. Three things go wrong with hooks, all silently:
#
# 1. An *in-place* ReLU behind the layer writes its result over the very tensor that your hook was given. Take a
#    **copy**.
# 2. The copy still hangs on the autograd graph, and keeps all of it in memory. **Detach** it.
# 3. A hook that stays on goes on listening in every later cell. It has to **come off**, even when the network fails
#    half-way. (Let the error through; just tidy up behind it.)
#
# `net.get_submodule(name)` finds a layer by its name, even one inside a block, such as `features.2`. You know that it
# is right when a layer in front of an in-place ReLU still has values below zero, and the network has no hook left. (The
# checks take tensors, numpy arrays and lists alike; several results are returned with commas between them.)


# %%
def record_layer(net, images, layer):
    """What one layer of a network puts out.

    net:     an nn.Module
    images:  what it takes, here (N, 3, H, W)
    layer:   the layer's name, as in net.named_modules()
    Returns: the layer's output, a detached copy
    """
    # TODO 03.1: hang a hook on the layer, run the network, take the hook off, whatever happens.
    # The traps: an in-place layer that follows; an exception half-way.
    ### BEGIN SOLUTION
    seen = {}

    def keep(module, inputs, output):
        seen["maps"] = output.detach().clone()

    handle = net.get_submodule(layer).register_forward_hook(keep)
    try:
        net(images)
    finally:
        handle.remove()
    return seen["maps"]
    ### END SOLUTION


# %%
check("03.1", record_layer)

# %% [markdown]
# ## Which layer?
#
# The cells between exercises use your own functions where they pass their checks (your `record_layer` in place of
# `lab.record`, and so on), and a cell that calls them says so; otherwise the lab's own, so they run whether or not
# yours are done.
#
# A map is easily read where 0 means "not here". That holds behind a ReLU. It does **not** hold for every layer
# with a name. Here are the main layers of the two networks, with the range of what they put out for the cat:

# %%
for network in (model, other):
    print(network.name)
    for layer in models.NETWORKS[network.name].layers:
        maps = lab.record(network, cat, layer)
        _, C, h, w = maps.shape
        print(f"{layer:12}{f'{C}×{h}×{w}':10}{maps.min():6.3g} … {maps.max():.3g}")

# %% [markdown]
# A convolution by itself goes below zero, before its ReLU. SqueezeNet's blocks (`features.3` and on) end in a ReLU and
# never do. In EfficientNet every *block* goes below zero: it ends in a **linear bottleneck**, a convolution to few
# channels with no ReLU behind it, since a ReLU there would destroy what few channels must carry (Sandler et al. 2018,
# arXiv:1801.04381). In such a layer −3 is as much of an answer as +3, and "it does not fire" means nothing.
#
# So take layers that stand behind a ReLU (in EfficientNet a ReLU6, which also stops at 6). `lab.rectified_layers` finds
# them by looking: those whose output never goes below zero. Leave out poolings, which only repeat, and a layer with
# one map per category, which is an answer already. We will study the deepest of the others that still has maps of
# 13 × 13 or more. In AlexNet that rule picks conv5, the lecture's layer. (Torchvision's AlexNet has 256 maps of
# 13 × 13 there; the lecture's 128 are one of the two towers of the first AlexNet, which was split over two GPUs.)


# %%
def layers_behind_a_relu(model):
    """Name -> (C, h, w), from the image upwards."""
    pools = [name for name, module in model.net.named_modules() if isinstance(module, nn.MaxPool2d)]
    found = lab.rectified_layers(model, cat)
    return {n: shape for n, shape in found.items() if n not in pools and shape[0] != len(model.categories)}


def deepest(layers):
    return [name for name, (C, h, w) in layers.items() if h >= 13][-1]


layers, other_layers = layers_behind_a_relu(model), layers_behind_a_relu(other)
early, LAYER = next(iter(layers)), deepest(layers)

print("\n".join(f"{name}: {' × '.join(map(str, layers[name]))}" for name in (early, LAYER)))

# %% [markdown]
# ### Exercise 03.2
#
# A map holds 0 to 6, or 0 to 500; a screen shows 0 to 1. For filters you stretched from the least to the largest.
# Not here: 0 has a meaning, *silent*, and is to be **black**. So is what lies below zero. White is the largest value:
#
# - `shared=False`: each map's own largest, so that every map can be seen;
# - `shared=True`: the largest of all the maps, so that a faint one looks faint.
#
# A map that never fires is black all over. You know that it is right when black means 0 in every map.


# %%
def grey_maps(maps, shared):
    """Maps as grey pictures.

    maps:    (C, h, w)
    shared:  True for one white for all maps, False for one each
    Returns: (C, h, w) in 0..1
    """
    # TODO 03.2: nothing below zero, then divide by the largest value: of each map, or of all.
    # The traps: a map that never fires (0/0); taking the smallest value for black.
    ### BEGIN SOLUTION
    fired = maps.clamp(min=0)
    white = fired.amax() if shared else fired.amax(dim=(1, 2), keepdim=True)
    return fired / torch.where(white > 0, white, 1)
    ### END SOLUTION


# %%
check("03.2", grey_maps)

# %% [markdown]
# ## The sheet
#
# **Predict first.** Here is a photo of a cat. What will the maps of the *first* layer look like? And those of a
# layer three quarters of the way up: will you still see a cat?

# %%
first = lab.record(model, cat, early)[0]  # (C, h, w)
deep = lab.record(model, cat, LAYER)[0]
strongest = deep.amax(dim=(1, 2)).argsort(descending=True)
clearest = lab.to_grey(first).std(dim=(1, 2)).argmax()  # the map of most light and dark

show.grid(
    [cat, lab.to_grey(first[clearest]), lab.to_grey(deep[strongest[0]])],
    above=["the photo", f"{early}, one of {len(first)} maps", f"{LAYER}, one of {len(deep)} maps"],
    title="From a picture to an answer",
    caption=f"One map of the first rectified layer ({first.shape[1]} × {first.shape[2]}) and one of {LAYER} "
    f"({deep.shape[1]} × {deep.shape[2]}), the one that goes highest: {deep.max():.1f}. Black is silent; "
    f"this one fires at {(deep[strongest[0]] > 0).float().mean():.0%} of its positions.",
)

# %%
pictures.map_sheets(
    {f"{early}: the first {min(32, len(first))} of {len(first)} maps": first[:32]},
    columns=8,
    title="The first layer still draws the cat, over and over",
    caption=f"Edges, shades and colours of the photo, each map with its own white. "
    f"{(first <= 0).float().mean():.0%} of all values are silent.",
)

# %% [markdown]
# Now the sheet that the lecture shows, of the deeper layer.

# %%
pictures.map_sheets(
    {f"channels 0 to {len(deep[:128]) - 1} of {len(deep)}": deep[:128]},
    title=f"{LAYER}: a sheet of grey maps, and no cat to be seen",
    caption=f"What 128 channels put out for the photo of the cat, {deep.shape[1]} × {deep.shape[2]} each, every map "
    f"with its own white. {int((deep[:128].amax(dim=(1, 2)) <= 0).sum())} of the 128 are black all over; the median "
    f"channel fires at {(deep > 0).float().mean(dim=(1, 2)).median():.0%} of its positions.",
)

# %% [markdown]
# Most of each map is black, with one bright spot or a few: the spot says *where*, the channel says *what*.
#
# **Predict first.** Every map above has its own white. What happens to the sheet with one white for all?

# %%
show.bet(
    "whisper",
    "How many of the layer's channels stay below half of its largest value for this photo?",
    low=0,
    high=100,
    unit="%",
)

# %%
show.settle("whisper", 100 * (deep.amax(dim=(1, 2)) < deep.max() / 2).float().mean())
pictures.map_sheets(
    {"each map its own white": deep[:64], "one white for all": deep[:64]},
    columns=8,
    shared=[False, True],
    title=f"{(deep.amax(dim=(1, 2)) < deep.max() / 2).float().mean():.0%} of the layer's channels only whisper",
    caption=f"The first 64 maps twice. The layer's largest value is {deep.max():.1f}; "
    f"{int((deep.amax(dim=(1, 2)) >= deep.max() / 2).sum())} of its {len(deep)} channels get to half of it for this "
    "photo. With a white of its own, a faint map shouts as loud as a strong one.",
)

# %% [markdown]
# **The control.** The same layer of the same network, never trained. Before you run it: what will differ?

# %%
deep_untrained = lab.record(untrained, cat, LAYER)[0]

pictures.map_sheets(
    {"trained": deep[:64], "never trained": deep_untrained[:64]},
    columns=8,
    title="The same sheet without training",
    caption=f"The first 64 maps, each with its own white. Silent: {(deep <= 0).float().mean():.0%} of all values in "
    f"the trained network, {(deep_untrained <= 0).float().mean():.0%} in the untrained one.",
)

# %% [markdown]
# Maps of a network that has learned nothing are maps too, and some would pass for a find. What training brought is
# that most of them are dark, most of the time. That can be counted.

# %% [markdown]
# ### Exercise 03.3
#
# A channel *fires* where it is above 0. Two numbers for each channel, over **all** images together:
#
# - `silent`: the share of positions (images × rows × columns) at which it does not fire;
# - `never`: whether it fires nowhere, in none of the images.
#
# Count so that it also holds for a layer with values below zero. You know that it is right when `never` is True
# exactly where `silent` is 1.


# %%
def count_silence(maps):
    """How sparse each channel is, and which never fire.

    maps:    (N, C, h, w)
    Returns: silent (C,) in 0..1, never (C,) bool
    """
    # TODO 03.3: where is it silent; the mean of that; is it silent everywhere?
    # The traps: values below zero; a channel that is silent in one image only.
    ### BEGIN SOLUTION
    silent = (maps <= 0).float().mean(dim=(0, 2, 3))
    never = maps.amax(dim=(0, 2, 3)) <= 0
    return silent, never
    ### END SOLUTION


# %%
check("03.3", count_silence)

# %% [markdown]
# **Predict first.** From the first layer to the last: does the share of silence rise, fall, or stay? And in the
# untrained network?

# %%
show.bet(
    "silence",
    "How many of the last layer's positions are silent, in the trained network?",
    low=0,
    high=100,
    unit="%",
)
show.bet(
    "untrained silence",
    "And from the first layer to the last of the untrained one, the share of silence …",
    options=["rises", "falls", "stays, within 10 points"],
)

# %%
ten, names = bank.images[::3], list(layers)
blocks = [name for name in names if not any(name.startswith(f"{whole}.") for whole in names)]
# SqueezeNet's layers of few channels
squeezed = [name for name in names if name.endswith("squeeze_activation")]
silence = lab.silence_by_layer(model, ten, names)
silence_untrained = lab.silence_by_layer(untrained, ten, blocks)
silence_other = lab.silence_by_layer(other, ten, list(other_layers))


def line(silence, layers):
    return [names.index(name) for name in layers], [100 * silence[name][0] for name in layers]


def from_to(silence, layers):
    return f"{silence[layers[0]][0]:.0%} in the first layer, {silence[layers[-1]][0]:.0%} in the last"


show.settle("silence", 100 * silence[blocks[-1]][0])
change = silence_untrained[blocks[-1]][0] - silence_untrained[blocks[0]][0]
show.settle(
    "untrained silence", "rises" if change > 0.1 else "falls" if change < -0.1 else "stays, within 10 points"
)
lines = {"trained": line(silence, blocks), "untrained": line(silence_untrained, blocks)}
if squeezed:
    lines["trained, few channels"] = line(silence, squeezed)

show.lines(
    lines,
    across="layers behind a ReLU, from the image upwards",
    up="silent positions, %",
    ticks=pictures.by_depth(names),
    look={"ylim": (-4, None)},
    title="Silence is learned",
    caption=f"Share of positions that do not fire, all channels and {len(ten)} photos together. {NETWORK}: "
    f"{from_to(silence, blocks)}; untrained {from_to(silence_untrained, blocks)}. {OTHER}: "
    f"{from_to(silence_other, list(other_layers))}.",
)

# %% [markdown]
# Untrained, a value is about as likely above zero as below it, in every layer. In the trained network silence grows on
# the way up, though not at every step: a channel that seldom speaks says more when it does.
#
# SqueezeNet: each block first *squeezes* its maps into few channels, and these are much less silent than what the block
# puts out. Perhaps they cannot afford silence, since what they drop is lost to all that follow. It is the idea behind
# EfficientNet's linear bottlenecks once more.
#
# And the channels that *never* speak: are they dead? Count them on 1 photo, on 2, and so on up to all of them.

# %%
most = max(silence_other, key=lambda name: silence_other[name][1])  # with most channels that never fire
counts = [1, 2, 3, 5, 8, 12, 20, len(bank)]
maps = lab.record(model, bank.images, LAYER)  # (N, C, h, w)
seen = {f"{NETWORK} {LAYER}": maps, f"{OTHER} {most}": lab.record(other, bank.images, most)}
never = {name: [int(lab.silence(some[:n])[1].sum()) for n in counts] for name, some in seen.items()}

show.lines(
    {name: (counts, values) for name, values in never.items()},
    across="photos shown",
    up="channels that never fired",
    ticks={n: str(n) for n in counts},
    title="“Never” is a word about the photos",
    caption="; ".join(
        f"{name}: {values[0]} of {seen[name].shape[1]} channels are silent for the first photo, "
        f"{values[-1]} for all {len(bank)}"
        for name, values in never.items()
    )
    + ".",
)

# %% [markdown]
# SqueezeNet: each of the 512 channels finds something that it answers to in a handful of photos.
# EfficientNet-Lite0: half of the channels of one late layer are silent for the first photo, and the curve still falls
# at the thirtieth. Those that are left wait for a photo that is not in the bank, or they are dead. No number of
# photos can prove it.

# %% [markdown]
# ### Exercise 03.4
#
# To see what a bright spot points at, lay the map over the photo:
#
# $$(1 - a)\cdot\text{image} + a\cdot\text{colour}$$
#
# where $a$ is the map, divided by its largest value and enlarged to the photo's size. Enlarge with
# `F.interpolate`, bilinear. Each of the 13 × 13 values stands for a *square* of about 17 × 17 pixels, so it belongs in
# the **middle** of that square, not at its corner: that is what `align_corners` decides. A silent map leaves the
# photo as it is. You know that it is right when a map with a single 1 tints the middle of that cell's square most.


# %%
def lay_over(image, channel, colour):
    """One channel laid over its photo.

    image:   (3, H, W) in 0..1
    channel: (h, w), its map, 0 or more
    colour:  (3,) in 0..1
    Returns: (3, H, W) in 0..1
    """
    # TODO 03.4: divide by the largest value, enlarge to (H, W), mix.
    # The traps: F.interpolate's own idea of mode and corners; height before width; 0/0 in a silent map.
    ### BEGIN SOLUTION
    white = channel.max()
    scaled = channel / torch.where(white > 0, white, 1)
    a = F.interpolate(scaled[None, None], size=image.shape[1:], mode="bilinear", align_corners=False)
    a = a[0]  # (1, H, W)
    return (1 - a) * image + a * colour.view(3, 1, 1)
    ### END SOLUTION


# %%
check("03.4", lay_over)

# %%
show.grid(
    pictures.overlays(cat.expand(4, -1, -1, -1), deep[strongest[:4]]),
    above=[f"channel {channel}: {deep[channel].max():.1f}" for channel in strongest[:4]],
    title=f"The four channels of {LAYER} that go highest, over the cat",
    caption="The photo without its colours; orange where the channel fires. The number is the largest value. "
    "What would you call each of them? Write it down before you go on.",
)

# %% [markdown]
# Four guesses, each from a single photo. A name for a channel is a claim about *all* photos, so look at others.

# %% [markdown]
# ### Exercise 03.5
#
# Is there a channel for faces? Five of the photos show an animal's or a person's face up close. Give every channel a
# score: take each photo's **peak** (the map's largest value), and compare each of the 5 wanted photos with each of the
# others. The score is the share of these pairs in which the wanted photo has the higher peak; a **draw counts half**.
# A channel that always tells them apart has 1, one that knows nothing has 0.5.
#
# (Statisticians call it Mann and Whitney's U, engineers the area under the ROC curve. It does not care how loud a
# channel is.) You know that it is right when a channel that never fires has exactly 0.5.


# %%
def selectivity(maps, wanted):
    """How well each channel's peak tells the wanted images from the others.

    maps:    (N, C, h, w), of any sign
    wanted:  (N,) bool, at least one True and one False
    Returns: (C,) in 0..1
    """
    # TODO 03.5: peaks (N, C), all pairs of a wanted and another image, the share of pairs won.
    # The traps: a draw; the mean of a map in place of its peak.
    ### BEGIN SOLUTION
    peaks = maps.amax(dim=(2, 3))  # (N, C)
    a, b = peaks[wanted][:, None], peaks[~wanted][None]  # (wanted, 1, C), (1, others, C)
    return ((a > b).float() + 0.5 * (a == b).float()).mean(dim=(0, 1))
    ### END SOLUTION


# %%
check("03.5", selectivity)

# %% [markdown]
# ## A channel for faces?

# %%
FACES = ["bull mastiff", "cat", "astronaut", "bald eagle", "dalmatian"]
wanted = torch.tensor([name in FACES for name in bank.names])


def ten_strongest(channel):
    """The photos in which a channel's peak is highest: their numbers, the peaks, and where they are."""
    values, places = lab.peak_places(maps, channel)
    order = values.argsort(descending=True)[:10]
    return order, values[order], places[order]


def strongest_figure(channel, title, caption):
    order, values, _ = ten_strongest(channel)
    starred = [f"{bank.names[n]}{' *' if wanted[n] else ''}" for n in order]
    return show.grid(
        pictures.overlays(bank.images[order], maps[order, channel]),
        above=[
            f"{i}. {name}: {value:.3g}"
            for i, (name, value) in enumerate(zip(starred, values, strict=True), 1)
        ],
        columns=5,
        title=title,
        caption=f"{caption} * marks a photo with a face. Orange where it fires; the number is the peak.",
    )


scores = evidence.selectivity(maps, wanted)
channel = int(scores.argmax())

strongest_figure(
    channel,
    f"Channel {channel} of {LAYER}: its ten strongest photos",
    f"Score {scores[channel]:.3f}, the best of {maps.shape[1]} channels.",
)

# %% [markdown]
# SqueezeNet: that looks like a find. Four of the six highest peaks belong to photos with a face, and the geese, counted
# among the *others*, are animals too. Now try to talk yourself out of it. Four questions.
#
# ### 1. Could it be luck?
#
# We tried hundreds of channels and kept the best. Search again for five photos *drawn at random*, two hundred
# times. **Predict first:** how well does the best channel do when there is nothing to find?

# %%
show.bet(
    "luck",
    f"For faces the best channel scores {scores[channel]:.3f}. For five photos drawn at random, on average?",
    low=0,
    high=1,
)

# %%
by_chance = evidence.best_by_chance(maps, count=len(FACES), draws=200)
as_good = (by_chance >= scores[channel] - 1e-6).float().mean()

show.settle("luck", by_chance.mean())
proofs.against_chance(
    float(scores[channel]),
    by_chance,
    label="score of the best channel",
    title="The best of hundreds is good at anything",
    caption=f"For five photos drawn at random the best of {maps.shape[1]} channels scores {by_chance.mean():.3f} on "
    f"average, and {as_good:.0%} of such searches do as well as the one for faces ({scores[channel]:.3f}) or better.",
)

# %% [markdown]
# So the score by itself is weak evidence: with enough channels, something always fits. What would be strong is a test
# that the search could not fit.
#
# ### 2. What exactly is at the peak?
#
# The search looked at *how high* a peak is, never at *where*. If the channel answers to faces, its peaks should sit
# on them. Cut out what lies around each peak. How large a piece? One position of a map answers to a window of the photo
# and to nothing outside it, its *receptive field*. (Stage 04 computes it; here `receptive_field` does.)

# %%
field = receptive_field(model.net, LAYER, bank.images.shape[-1])
order, _, places = ten_strongest(channel)

show.grid(
    [pictures.window(bank.images[n], *place, size=80) for n, place in zip(order, places, strict=True)],
    columns=5,
    above=[f"{i}. {bank.names[n]}{' *' if wanted[n] else ''}" for i, n in enumerate(order, 1)],
    title=f"80 pixels around each peak of channel {channel}",
    caption=f"The same ten photos. One position can see {field.size} of a photo's {bank.images.shape[-1]} pixels each "
    "way, so these crops are a choice: the middle, where it is most sensitive (Luo et al. 2016). Grey lies beyond the "
    "photo's edge.",
)

# %% [markdown]
# SqueezeNet: *for* faces, there are the mastiff's, the cat's nose, the dalmatian's ear and the eagle's head. *Against*:
# the geese have heads as well, but the peak is on one's **feet**; and the person has a face, but the peak is on her
# **helmet**. A high score does not say why it is high.
#
# ### 3. Does it hold for faces it has never met?
#
# Fifty small grey faces that took no part in the search (Labeled Faces in the Wild, 25 × 25 pixels), and controls:
# crops without a face (an easy control, many are flat); the *same* faces cut into 25 squares and shuffled, so that
# every pixel value is still there; the same faces upside down. All are enlarged to half of an image's side, on grey.
# (That size is our choice, made after looking: channel 166 tells 93 % of the pairs apart at 112 pixels, but 82 % at 96
# and 70 % at 64.)

# %%
size = bank.images.shape[-1]
tests = evidence.face_tests(count=50, size=size, side=size // 2)
peaks = {
    name: lab.record(model, some, LAYER).amax(dim=(2, 3)) for name, some in tests.items()
}  # (50, C) each
better = evidence.told_apart(peaks["faces"], peaks["no faces"])  # (C,)


def middle(images):
    """The enlarged crop, without the grey around it."""
    quarter = images.shape[-1] // 4
    return images[..., quarter:-quarter, quarter:-quarter]


proofs.examples_and_dots(
    {name: (middle(some[[0, 7, 9]]), peaks[name][:, channel]) for name, some in tests.items()},
    label=f"peak of channel {channel}",
    title=f"Channel {channel} and faces that it has never met",
    caption="One dot per picture, a bar at the median. Pairs in which the face has the higher peak: "
    + ", ".join(
        f"{evidence.told_apart(peaks['faces'], peaks[name])[channel]:.0%} against {name}"
        for name in list(tests)[1:]
    )
    + f". Median for faces: {peaks['faces'][:, channel].median():.3g}; peak for the photo that it answers to most: "
    f"{maps[:, channel].max():.3g}. Channels that tell faces from no faces better than this one: "
    f"{int((better > better[channel]).sum())} of {len(better)}.",
)

# %% [markdown]
# SqueezeNet: a face does more than its shuffled pixels do. But it moves the channel a fifth as much as the mastiff,
# upside down it does nearly the same, and a hundred other channels tell faces from no faces better. "Faces" is not
# its name. "Something of an animal" might be, and this bank has no new animals to test that on.
#
# ### 4. Would an untrained network have passed? And another one?
#
# The whole procedure again, search and test: with the network that has learned nothing, and with another network that
# has learned from ImageNet as well.


# %%
def search_and_test(model, layer):
    """Search in the photos, test on the new pictures: the scores of all channels there, and the one chosen here."""
    chosen = int(evidence.selectivity(lab.record(model, bank.images, layer), wanted).argmax())
    faces, others = (lab.record(model, tests[name], layer).amax(dim=(2, 3)) for name in ("faces", "no faces"))
    return evidence.told_apart(faces, others), chosen


results = {
    NETWORK: (better, channel),
    f"untrained {NETWORK}": search_and_test(untrained, LAYER),
    OTHER: search_and_test(other, deepest(other_layers)),
}

show.dots(
    {name: values for name, (values, _) in results.items()},
    label="score on the new pictures, faces against no faces",
    marks=[(float(values[chosen]), f"channel {chosen}") for values, chosen in results.values()],
    title="What was found in the photos, tested on new pictures",
    caption="One dot per channel, a bar at the median, a diamond for the channel that the photos chose: "
    + "; ".join(
        f"{name} {chosen}, with {values[chosen]:.3f} here and {int((values > 0.95).sum())} of {len(values)} channels "
        "above 0.95"
        for name, (values, chosen) in results.items()
    )
    + ".",
)

# %% [markdown]
# The untrained network can be searched too, but what it finds fails the test. EfficientNet-Lite0's find stands: its
# channel 68, chosen by the same five photos, tells all new faces from all other crops.
#
# Has SqueezeNet no such channel, or did five photos not suffice to find it? Search the other way round: among the
# new pictures, with half of them for the search and the other half for the test. Then look at the photos.

# %%
here, there = (
    evidence.told_apart(peaks["faces"][half], torch.cat([peaks["no faces"][half], peaks["shuffled"][half]]))
    for half in (slice(0, 25), slice(25, 50))
)
found = int(here.argmax())

strongest_figure(
    found,
    f"Channel {found}, chosen by small grey faces: its ten strongest photos",
    f"Faces against no faces and shuffled ones: {here[found]:.3f} in the half that chose it, {there[found]:.3f} in the "
    f"other half. In the photos it scores {scores[found]:.3f}.",
)

# %% [markdown]
# **The verdict** (SqueezeNet; for another network, write your own).
#
# | channel 166, chosen by five photos | channel 232, chosen by 25 small grey faces |
# |---|---|
# | its score could be luck: 17 % of random searches do as well | holds for 25 faces that took no part in the search |
# | its peak is on the dog's face, but also on a goose's feet | its two highest peaks, by far, are on two faces |
# | a human face moves it little, upside down nearly as much | a cup moves it more than the cat, and the eagle hardly |
# | "something of an animal", and that is not tested | "a face seen from the front"; "it detects faces" says too much |
#
# A search finds something that its pictures have in common. Which thing, only other pictures can tell.
#
# ## Look for yourself
#
# Choose a photo, a layer and a channel. It starts with the channel that the cat moves most. Try to find one for wheels,
# for text, or for eyes; then find a photo that speaks against it.

# %%
below = blocks[: blocks.index(LAYER)]

explore(model, bank, [*below[:: -(-len(below) // 8)], LAYER], photo="cat", channel=int(strongest[0]))

# %% [markdown]
# ## A channel's passport
#
# Choose one channel and give it the name that you believe in: below is the lab's, and yours may come from the explorer.
# It is kept beside the notebooks and follows you from here. Each of the next ones ends with what its method shows of
# this very channel, and the last one puts it all on one page, to be saved, with your verdict on the name.

# %%
chosen = passport.choose(model, LAYER, found, called="a face seen from the front")
print(chosen)
passport.at_work(chosen, bank)

# %%
show.how_well_you_knew()

# %% [markdown]
# ## Two questions
#
# Think before you read on; there is no check.
#
# 1. The maps show what *these* thirty photos happen to contain. How would you find the pictures that a channel answers
#    to most of all, among a million, and why might even those mislead you about what it detects?
# 2. A bright spot says *where* the channel fired. No map can say which of the pixels around it made it fire: the eye,
#    the nose, or the edge between them. What would you have to change, or to compute, to find out?
#
# The [next notebook](04_maximally_activating_patches.ipynb) takes the first question, and looks for the patches that
# excite a channel most.
