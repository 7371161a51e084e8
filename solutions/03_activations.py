# %% [markdown]
# # 03 · Activations
#
# **Where we are.** Stage 01 looked at the first layer's weights, stage 02 at the last layer's 1280 numbers. Between
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
from torch.nn import functional as F

from labkit import check, hint, images, models, show
from labkit.hooks import recording
from labkit.methods import activations as lab
from labkit.methods import evidence
from labkit.receptive import receptive_field
from labkit.show import activations as pictures
from labkit.show.activations_explorer import explore

NETWORK = "efficientnet_lite0"  # or "alexnet", "vgg16", "resnet18", … once downloaded: labkit fetch alexnet

model = models.load(NETWORK)
untrained = models.load(NETWORK, weights=None)
bank = images.photos()
cat = bank["cat"]  # (1, 3, 224, 224)

# %% [markdown]
# ### Exercise 03.1
#
# PyTorch lets you listen to a layer: `layer.register_forward_hook(f)` calls `f(module, inputs, output)` whenever
# the layer runs, and returns a handle whose `remove()` ends it. Three things go wrong with hooks, all silently:
#
# 1. An *in-place* ReLU behind the layer writes its result over the very tensor that your hook was given. Take a
#    **copy**.
# 2. The copy still hangs on the autograd graph, and keeps all of it in memory. **Detach** it.
# 3. A hook that stays on goes on listening in every later cell. It has to **come off**, also when the network
#    fails half-way. (Let the error through; just tidy up behind it.)
#
# `net.get_submodule(name)` finds a layer by its name. You know that it is right when a layer in front of an
# in-place ReLU still has values below zero, and the network has no hook left.


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
# The cells between exercises use the lab's own versions of your functions (`lab.record` and so on), so they run
# whether or not yours are done.
#
# A map is easily read where 0 means "not here". That holds behind a ReLU. It does **not** hold for every layer
# with a name:

# %%
lines = []
for layer in models.NETWORKS[NETWORK].layers:
    maps = lab.record(model, cat, layer)
    _, C, h, w = maps.shape
    lines.append(f"{layer:12} {C:5} maps of {h:3} × {w:<3}  from {maps.min():7.2f} to {maps.max():6.2f}")
print("\n".join(lines))

# %% [markdown]
# Many go below zero. A convolution by itself does, before its ReLU. And in EfficientNet so does every *block*: it
# ends in a **linear bottleneck**, a convolution to few channels with no ReLU behind it, since a ReLU there would
# destroy what few channels must carry (Sandler et al. 2018, arXiv:1801.04381). In such a layer −3 is as much of
# an answer as +3, and "it does not fire" means nothing.
#
# So take layers that stand behind a ReLU (here a ReLU6, which also stops at 6). `lab.rectified_layers` finds them by
# looking: those whose output never goes below zero. We will study the deepest of them that still has maps of 13 × 13
# or more. In AlexNet that rule picks conv5, the lecture's layer. (Torchvision's AlexNet has 256 maps of 13 × 13
# there; the lecture's 128 are one of the two towers of the first AlexNet, which was split over two GPUs.)

# %%
layers = lab.rectified_layers(model, cat)  # name -> (C, h, w)
early = next(iter(layers))
LAYER = [name for name, (C, h, w) in layers.items() if h >= 13][-1]

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

pictures.photo_grid(
    [cat[0], lab.to_grey(first[first.std(dim=(1, 2)).argmax()]), lab.to_grey(deep[strongest[0]])],
    ["the photo", f"{early}, one of {len(first)} maps", f"{LAYER}, one of {len(deep)} maps"],
    columns=3,
    title="From a picture to an answer",
    caption=f"One map of the first rectified layer ({first.shape[1]} × {first.shape[2]}) and one of {LAYER} "
    f"({deep.shape[1]} × {deep.shape[2]}), the one that goes highest: {deep.max():.1f}. Black is silent. "
    f"It fires at {(deep[strongest[0]] > 0).float().mean():.0%} of its positions.",
)

# %%
pictures.map_sheets(
    {f"{early}: the first {min(16, len(first))} of {len(first)} maps": first[:16]},
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
# Most of each map is black, with one bright spot or a few: the spot says *where*, the channel says *what*. A few maps
# have a pair of spots where the cat has its eyes.
#
# **Predict first.** Every map above has its own white. What happens to the sheet with one white for all?

# %%
pictures.map_sheets(
    {"each map its own white": deep[:64], "one white for all": deep[:64]},
    columns=8,
    shared=[False, True],
    title="Half of what the sheet shows is whispered"
    if (deep.amax(dim=(1, 2)) < deep.max() / 2).float().mean() > 0.4
    else "Some of what the sheet shows is whispered",
    caption=f"The first 64 maps twice. The layer's largest value is {deep.max():.1f}; "
    f"{(deep.amax(dim=(1, 2)) < deep.max() / 2).float().mean():.0%} of its {len(deep)} channels do not get to half of "
    "it for this photo. With a white of its own, a faint map shouts as loud as a strong one.",
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
names = list(layers)
ten = bank.images[::3]
silence = {
    "trained": lab.silence_by_layer(model, ten, names),
    "untrained": lab.silence_by_layer(untrained, ten, names),
}
percent = {network: [100 * share for share, _ in found.values()] for network, found in silence.items()}

pictures.curves(
    {network: (range(len(names)), values) for network, values in percent.items()},
    across="layers behind a ReLU, from the image upwards",
    up="silent positions, %",
    ticks=pictures.by_depth(names),
    title="Silence is learned",
    caption=f"Share of positions that do not fire, all channels and {len(ten)} photos together. "
    + "; ".join(
        f"{network}: {values[0]:.0f} % in the first layer, {values[-1]:.0f} % in the last, {min(values):.0f} to "
        f"{max(values):.0f} % overall"
        for network, values in percent.items()
    )
    + ".",
)

# %% [markdown]
# Untrained, a value is as likely above zero as below it, in every layer. Training makes early layers busier and late
# ones more silent: a channel that seldom speaks says more when it does. (The dips between are the layers at the start
# of a stage, which have no shortcut around them. Perhaps they cannot afford silence, since what they drop is lost.)
#
# And the channels that *never* speak: are they dead? Count them on 1 photo, on 2, and so on up to all of them.

# %%
most = max(
    names, key=lambda name: silence["trained"][name][1]
)  # the layer with most channels that never fire
with torch.no_grad(), recording(model.net, LAYER, most) as seen:  # both layers in one run
    model(bank.images)
maps = seen[LAYER]  # (N, C, h, w)
counts = [1, 2, 3, 5, 8, 12, 20, len(bank)]
never = {name: [int(lab.never_fires(some[:n]).sum()) for n in counts] for name, some in seen.items()}

pictures.curves(
    {name: (counts, values) for name, values in never.items()},
    across="photos shown",
    up="channels that never fired",
    ticks={n: str(n) for n in counts},
    title="“Never” is a word about the photos",
    caption="; ".join(
        f"{name}: {values[0]} of {layers[name][0]} channels are silent for the first photo, "
        f"{values[-1]} for all {len(bank)}"
        for name, values in never.items()
    )
    + f". Untrained, for {len(ten)} photos: {silence['untrained'][LAYER][1]} and {silence['untrained'][most][1]}.",
)

# %% [markdown]
# Where the curve still falls, the silent channels wait for a photo that is not in the bank. Where it is flat from the
# second photo on, they may well be dead. No number of photos can prove it.

# %% [markdown]
# ### Exercise 03.4
#
# To see what a bright spot points at, lay the map over the photo:
#
# $$(1 - a)\cdot\text{image} + a\cdot\text{colour}$$
#
# where $a$ is the map, divided by its largest value and enlarged to the photo's size. Enlarge with
# `F.interpolate`, bilinear. Each of the 14 × 14 values stands for a *square* of 16 × 16 pixels, so it belongs in the
# **middle** of that square, not at its corner: that is what `align_corners` decides. A silent map leaves the photo as
# it is. You know that it is right when a map with a single 1 tints the middle of that cell's square most.


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
    a = F.interpolate(scaled[None, None], size=image.shape[1:], mode="bilinear", align_corners=False)[
        0
    ]  # (1, H, W)
    return (1 - a) * image + a * colour.view(3, 1, 1)
    ### END SOLUTION


# %%
check("03.4", lay_over)

# %%
pictures.photo_grid(
    pictures.overlays(cat.expand(4, -1, -1, -1), deep[strongest[:4]]),
    [f"channel {channel}: {deep[channel].max():.1f}" for channel in strongest[:4]],
    columns=4,
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

    maps:    (N, C, h, w)
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

scores = evidence.selectivity(maps, wanted)
channel = int(scores.argmax())
values, places = lab.peaks(maps, channel)
order = values.argsort(descending=True)[:10]

pictures.photo_grid(
    pictures.overlays(bank.images[order], maps[order, channel]),
    [
        f"{i + 1}. {bank.names[n]}{' *' if wanted[n] else ''}: {values[n]:.2f}"
        for i, n in enumerate(order.tolist())
    ],
    title=f"Channel {channel} of {LAYER}: its ten strongest photos",
    caption=f"Score {scores[channel]:.3f}, the best of {maps.shape[1]} channels. * marks the five photos with a face. "
    f"Orange where it fires; the number is the peak. "
    f"{int((values <= 0).sum())} of {len(bank)} photos leave it silent.",
)

# %% [markdown]
# That looks like a find: even the geese and the spoonbill, counted among the *others*, have heads. Now try to talk
# yourself out of it. Four questions.
#
# ### 1. Could it be luck?
#
# We tried hundreds of channels and kept the best. Search again for five photos *drawn at random*, two hundred
# times. **Predict first:** how well does the best channel do when there is nothing to find?

# %%
by_chance = evidence.best_by_chance(maps, count=len(FACES), draws=200)
as_good = (by_chance >= scores[channel] - 1e-6).float().mean()

pictures.against_chance(
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
# on them. Cut out what lies around each peak. How large a piece? The unit's receptive field says what it *can* see.

# %%
field = receptive_field(model.net, LAYER, bank.images.shape[-1])

pictures.photo_grid(
    [pictures.window(bank.images[n], *places[n], size=64) for n in order],
    [f"{i + 1}. {bank.names[n]}{' *' if wanted[n] else ''}" for i, n in enumerate(order.tolist())],
    title=f"64 pixels around each peak of channel {channel}",
    caption=f"The same ten photos. One unit can see {field.size} pixels, more than the whole photo "
    f"({bank.images.shape[-1]}), so these crops are a choice: the middle, where it is most sensitive (Luo et al. 2016)."
    if field.size > bank.images.shape[-1]
    else f"The same ten photos. One unit can see {field.size} pixels; these crops are the middle of that.",
)

# %% [markdown]
# Look closely. *For* faces: on the animals' and the person's photos the peak sits on the head. *Against*: it often sits
# on the **nose and mouth** and not on the eyes, and a cup or a machine can do as well as a face. Perhaps "a snout", or
# "something round and dark below two dark spots".
#
# ### 3. Does it hold for faces it has never met?
#
# Fifty small grey faces that took no part in the search (Labeled Faces in the Wild, 25 × 25 pixels), and controls:
# crops without a face (an easy control, many are flat); the *same* faces cut into 25 squares and shuffled, so that
# every pixel value is still there; the same faces upside down.

# %%
tests = evidence.face_tests(count=50)

pictures.photo_grid(
    [some[i] for some in tests.values() for i in (0, 7)],
    [name for name in tests for _ in range(2)],
    columns=8,
    title="New pictures, none of them in the search",
    caption=f"Two of {len(tests['faces'])} of each kind, 112 × 112 pixels: the crop, enlarged to 64 × 64, on grey.",
)

# %%
peaks = {
    name: lab.record(model, some, LAYER).amax(dim=(2, 3)) for name, some in tests.items()
}  # (50, C) each
on_new = evidence.told_apart(peaks["faces"], peaks["no faces"])  # (C,)

show.dots(
    {name: values[:, channel] for name, values in peaks.items()},
    label=f"peak of channel {channel}",
    title="It answers to faces it has never met, and hardly to their shuffled pixels",
    caption="One dot a picture, a bar at the median. Pairs in which the face has the higher peak: "
    + ", ".join(
        f"{evidence.told_apart(peaks['faces'], peaks[name])[channel]:.0%} against {name}"
        for name in list(tests)[1:]
    )
    + f". Channels that tell faces from no faces better than this one: {int((on_new > on_new[channel]).sum())} of "
    f"{len(on_new)}.",
)

# %% [markdown]
# ### 4. Would an untrained network have passed?
#
# The whole procedure again, search and test, with the network that has learned nothing.

# %%
found_untrained = evidence.selectivity(lab.record(untrained, bank.images, LAYER), wanted)
chosen = int(found_untrained.argmax())
new_untrained = evidence.told_apart(
    *(lab.record(untrained, tests[name], LAYER).amax(dim=(2, 3)) for name in ("faces", "no faces"))
)

show.dots(
    {"trained": on_new, "untrained": new_untrained},
    label="score on the new pictures, faces against no faces",
    title="Untrained channels can be searched too, but do not pass the test",
    caption=f"One dot a channel, a bar at the median. Chosen on the photos: trained channel {channel}, there "
    f"{scores[channel]:.3f}, here {on_new[channel]:.3f}; untrained channel {chosen}, there "
    f"{found_untrained[chosen]:.3f}, here {new_untrained[chosen]:.3f}. Above 0.95 here: "
    f"{int((on_new > 0.95).sum())} trained channels and {int((new_untrained > 0.95).sum())} untrained.",
)

# %% [markdown]
# **The verdict, for and against** (with EfficientNet-Lite0; for another network, write your own).
#
# | for | against |
# |---|---|
# | it was chosen on 5 photos, and holds for 50 new ones | the score on the photos alone could be luck |
# | the peaks sit on heads | they sit on snouts; a cup and a motorcycle answer too |
# | shuffled faces hardly move it: the same pixels, not the same answer | faces upside down still move it |
# | an untrained network does not pass | dozens of other channels pass as well: it is not *the* face channel |
#
# "It answers to faces" is a fair first name; "it detects faces" says too much.
#
# ## Look for yourself
#
# Choose a photo, a layer and a channel. Try to find a channel for wheels, for text, or for eyes; then find a photo that
# speaks against it.

# %%
some = [*names[: names.index(LAYER)][::4], LAYER]

explore(model, bank, some, photo="cat", channel=channel)

# %% [markdown]
# ## Two questions
#
# Think before you read on; there is no check.
#
# 1. The maps show what *these* thirty photos happen to contain. How would you find the pictures that a channel answers
#    to most of all, among a million, and why might even those mislead you about what it detects?
# 2. A bright spot says *where* the channel fired. Which of the pixels around it made it fire, the eye, the nose, or the
#    edge between them, no map can say. What would you have to change, or to compute, to find out?
#
# The next notebook takes the first question, and looks for the patches that excite a channel most.
