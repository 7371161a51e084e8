# %% [markdown]
# # 06 · Gradient ascent
#
# **Where we are.** Stage 05 asked how a score moves with each pixel, a tiny step from a photo. The lecture now takes
# the step, and the next one, and a hundred more, until there is no photo left, only what the network wants to see:
#
# $$I^* = \arg\max_I\; f(I) + R(I)$$
#
# $f$ is a class score, or one neuron, or a channel; $R$ keeps the image near to what images look like. The loop has
# four steps: forward, gradient with respect to the image, a small step up, regularise. Again.
#
# You will write the loop and the regularisers that made it famous (Simonyan et al. 2014, Yosinski et al. 2015), and see
# what happens without them. Then comes the trick that most pictures of today are made with, and the question of how
# much of a picture is the network's, and how much is the trick's.
#
# <!-- exercises -->

# %%
import torch

from labkit import check, hint, images, models, show
from labkit.methods import ascent as lab
from labkit.receptive import receptive_field
from labkit.show import ascent as pictures
from labkit.show.ascent_explorer import climb, explore

NETWORK = "efficientnet_lite0"  # any of models.available(): "alexnet", once labkit fetch alexnet has run
FULL = False  # True: pictures for slides, in some ten minutes
SIZE, STEPS = (224, 256) if FULL else (128, 56)
SMALL, FEW = (224, 192) if FULL else (112, 40)  # where many are climbed

model = models.load(NETWORK)
layers = models.NETWORKS[NETWORK].layers
bank = images.photos()
model

# %% [markdown]
# ## One step
#
# ### Exercise 06.1
#
# Simonyan et al. (2014) maximise $f(I) - \lambda\,\lVert I\rVert_2^2$, where $f$ is the class's score *before*
# softmax. In their images the mean of all photos has been taken off, so that 0 is nothing. In ours, 0 is black, and
# nothing is grey, 0.5: the penalty is the squared distance from grey, summed over all values of the image.
#
# Write one step of gradient ascent, `image + rate · gradient of (logit − weight · distance²)`. Do not clamp anything
# yet. You know that it is right when a step from plain grey is the same with and without the penalty, and when a heavy
# weight makes the image greyer. The check compares with a gradient made by nudging each pixel.


# %%
def step_up(model, image, target, rate, weight):
    """The image after one step up.

    model:   images in 0..1 -> logits (N, categories), before softmax
    image:   (1, 3, H, W)
    target:  int, the logit's index
    rate, weight: of the step, and of the L2 term
    Returns: (1, 3, H, W), not clamped; the caller's image stays as it is
    """
    # TODO 06.1: a leaf, the score with its penalty, its gradient, one step.
    # The traps: the sign of the penalty, the sign of the step, and where "nothing" is.
    ### BEGIN SOLUTION
    leaf = image.clone().requires_grad_()
    score = model(leaf)[0, target] - weight * (leaf - 0.5).square().sum()
    (gradient,) = torch.autograd.grad(score, leaf)
    return image + rate * gradient
    ### END SOLUTION


# %%
check("06.1", step_up)

# %% [markdown]
# **Predict first.** We start at plain grey and climb the score of *flamingo* in the pixels, with no regulariser at all.
# How many steps until the network is sure? And what will be there to see?
#
# (From here on the cells use the lab's own versions of your functions, so they run whether or not yours are done.
# `lab.ascend` hands out a frame after every step; `lab.maximize` only the last image.)

# %%
flamingo = lab.logit(model, "flamingo")
plain = {
    "parameterisation": lab.PIXELS,
    "transforms": (),
    "rule": lab.normalised(0.01),
}  # nothing but the pixels
kept = [torch.full((1, 3, SMALL, SMALL), lab.GREY)]
kept += [frame.images for frame in lab.ascend(flamingo, **plain, size=SMALL, steps=STEPS)]
sure = lab.rescore(model, torch.cat(kept), ["flamingo"] * len(kept))
shown = [0, 4, 16, STEPS]

pictures.sheet(
    torch.cat([kept[step] for step in shown]),
    [f"step {step}: {sure[step]:.3f}" for step in shown],
    columns=4,
    title="Up the score of flamingo, in the pixels, with nothing to hold it",
    caption="Above each image: the probability of flamingo on the clean image, rounded to 8 bits. "
    + (
        f"It passes 0.9 at step {int((sure > 0.9).int().argmax())}."
        if (sure > 0.9).any()
        else "It never passes 0.9."
    ),
)

# %% [markdown]
# The network is sure, and we are not. A gradient is full of patterns finer than anything one would call a feather, each
# of which moves the score a little (stage 05 showed them), and step by step they add up. There are far more images of
# that kind than there are photos. The regularisers' job is to shut them out.

# %% [markdown]
# ## A step that suits every layer
#
# ### Exercise 06.2
#
# Two small things that nearly everybody does. A gradient's size differs a thousandfold from layer to layer, so it is
# divided by the **mean of its absolute values**: then each value moves by `rate`, on average. And a pattern that is
# right only at this very pixel should not count, so the image is **jittered**: rolled by a few pixels, which are drawn
# anew in each step, before the network sees it, and rolled back afterwards.
#
# Write one such step for a given shift: roll down by `down` and right by `right` (what leaves one side enters the
# other), gradient there, step, roll back. You know that it is right when the average value has moved by `rate`, and
# when an objective that does not care for places gives the same step with any shift.


# %%
def jittered_step(objective, image, rate, down, right):
    """The image after one normalised step up, taken where it was rolled to.

    objective: images (N, 3, H, W) -> scores (N,)
    image:     (1, 3, H, W)
    Returns:   (1, 3, H, W), in its old place, not clamped
    """
    # TODO 06.2: roll, gradient of the rolled image, normalised step, roll back.
    # The trap: what is rolled there has to be rolled back, or the image wanders.
    ### BEGIN SOLUTION
    rolled = image.roll((down, right), dims=(2, 3)).requires_grad_()
    (gradient,) = torch.autograd.grad(objective(rolled).sum(), rolled)
    stepped = rolled.detach() + rate * gradient / gradient.abs().mean()
    return stepped.roll((-down, -right), dims=(2, 3))
    ### END SOLUTION


# %%
check("06.2", jittered_step)

# %% [markdown]
# ## Yosinski's tweaks
#
# Yosinski et al. (2015) do something to the image after each step, whatever the objective:
#
# | tweak | after the step | against |
# |---|---|---|
# | L2 decay | every value moves a share of its way to grey | a few pixels that shout |
# | Gaussian blur, every few steps | blur with a width of about a pixel | high frequencies |
# | clip by norm | the pixels nearest to grey become grey | faint patterns all over the place |
# | clip by contribution | the pixels that matter least for the score become grey | whatever is not the thing |
#
# The first is your L2 term again (its gradient is a pull to grey, too), the second is a library call. The other two are
# yours.
#
# ### Exercise 06.3
#
# A pixel's *norm* is the length of its colour vector, measured from grey: $\sqrt{\sum_c (I_c - 0.5)^2}$. Set those
# pixels to grey whose norm is **below the percentile**: with `percent = 50` the lower half of each image's pixels.
# You know that it is right when that share of pixels is exactly 0.5 in all three colours, in each image of the batch,
# and all others are untouched.


# %%
def clip_small_norm(images, percent):
    """The images with so many percent of each one's pixels set to grey: those of smallest norm.

    images:  (N, 3, H, W) in 0..1
    percent: 0..100
    Returns: (N, 3, H, W)
    """
    # TODO 06.3: norms (N, H, W), one threshold an image, grey below it.
    # The traps: measured from grey, not from black; a pixel goes in all three colours or stays.
    ### BEGIN SOLUTION
    norms = (images - 0.5).norm(dim=1)  # (N, H, W)
    threshold = norms.flatten(1).quantile(percent / 100, dim=1).view(-1, 1, 1)
    return torch.where((norms < threshold)[:, None], 0.5, images)
    ### END SOLUTION


# %%
check("06.3", clip_small_norm)

# %% [markdown]
# ### Exercise 06.4
#
# Large is not the same as important. How far would the score move if a pixel became grey? One could try each pixel out,
# which takes a forward pass a pixel. To first order the gradient knows: $\sum_c (I_c - 0.5)\cdot g_c$, over the pixel's
# three colours $c$. The **size** of that sum is the pixel's contribution, up or down. Set the pixels of smallest
# contribution to grey, as before.


# %%
def clip_small_contribution(images, gradient, percent):
    """The images with so many percent of each one's pixels set to grey: those of smallest contribution.

    images:   (N, 3, H, W) in 0..1
    gradient: (N, 3, H, W), of the score with respect to them
    percent:  0..100
    Returns:  (N, 3, H, W)
    """
    # TODO 06.4: contributions (N, H, W), then as in 06.3.
    # The trap: the three colours turn grey together, so add them before you take the size.
    ### BEGIN SOLUTION
    contribution = ((images - 0.5) * gradient).sum(dim=1).abs()  # (N, H, W)
    threshold = contribution.flatten(1).quantile(percent / 100, dim=1).view(-1, 1, 1)
    return torch.where((contribution < threshold)[:, None], 0.5, images)
    ### END SOLUTION


# %%
check("06.4", clip_small_contribution)

# %% [markdown]
# ## The loop
#
# ### Exercise 06.5
#
# Put it together. In each of `steps` steps: **forward**, **gradient**, a normalised **step up** (06.2, without jitter),
# and **regularise** after every `every`-th step, counted from 1: with `every = 4` after the 4th, the 8th and so on.
# At the end of each step, clamp to 0..1. `regularise` takes an image and gives one.
#
# The check scores your image anew, looks that it lies in 0..1, and counts when you regularised.


# %%
def maximize(objective, start, steps, rate, regularise, every):
    """The image after so many steps up from the start.

    objective:  images (N, 3, H, W) -> scores (N,)
    start:      (1, 3, H, W) in 0..1; it is the caller's, so leave it as it is
    regularise: image -> image, after every `every`-th step
    Returns:    (1, 3, H, W) in 0..1
    """
    # TODO 06.5: a for loop with the four steps.
    # The traps: a fresh leaf in every step; which steps are regularised; 0..1.
    ### BEGIN SOLUTION
    image = start.clone()
    for step in range(1, steps + 1):
        leaf = image.clone().requires_grad_()
        score = objective(leaf).sum()  # 1. forward
        (gradient,) = torch.autograd.grad(score, leaf)  # 2. gradient
        image = image + rate * gradient / gradient.abs().mean()  # 3. a small step up
        if step % every == 0:
            image = regularise(image)  # 4. regularise
        image = image.clamp(0, 1)
    return image
    ### END SOLUTION


# %%
check("06.5", maximize)

# %% [markdown]
# ## What each regulariser does
#
# Now all of it, for two classes: no regulariser, Simonyan's L2 term, and the four settings that Yosinski et al.
# picked from 300 random ones (their Table 1). The strengths are theirs; the rates are ours, since their network and
# ours take steps of different size. Everything else is the same, down to the start.
#
# **Predict first.** Which of the six will have the fewest fine patterns? Which one's classes will *you* recognise? And
# will strengths that were picked for AlexNet suit another network?

# %%
classes = ["flamingo", "zebra"]
blur = lab.blur
settings = {  # name: (rate, weight of the L2 term, regularisers)
    "no regulariser": (0.01, 0, ()),
    "L2 term\n(Simonyan)": (0.01, 0.1, ()),
    "a: blur 0.5,\nclip 50 %\nby norm": (0.02, 0, (blur(0.5, every=4), lab.clip_norm(50))),
    "b: decay 0.3,\nclip 20 %\nby norm": (0.05, 0, (lab.decay(0.3), lab.clip_norm(20))),
    "c: blur 1.0,\ndecay\n0.0001": (0.03, 0, (lab.decay(1e-4), blur(1.0, every=4))),
    "d: blur 0.5,\nclip 90 % by\ncontribution": (0.04, 0, (blur(0.5, every=4), lab.clip_contribution(90))),
}
made = {}
for name, (rate, weight, regularisers) in settings.items():
    made[name] = lab.maximize(
        lab.logit(model, classes) - weight * lab.l2(),
        size=SMALL,
        steps=FEW,
        parameterisation=lab.PIXELS,
        transforms=(lab.jitter(8),),
        rule=lab.normalised(rate),
        regularisers=regularisers,
        seed=3,
    )

certain = {name: lab.rescore(model, batch, classes) for name, batch in made.items()}
by_class = torch.stack(list(made.values()), dim=1)  # (classes, settings, 3, H, W)
pictures.grid(
    dict(zip(classes, by_class, strict=True)),
    list(made),
    notes={name: [f"{values[i]:.2f}" for values in certain.values()] for i, name in enumerate(classes)},
    title="The same climb under six regularisers",
    caption=f"{FEW} steps in pixels from grey, jittered; blur after every 4th, the others after each. "
    "Below: the probability of the class on the clean 8-bit image. Above 0.9 are "
    f"{sum(int((values > 0.9).sum()) for values in certain.values())} of {len(made) * len(classes)}.",
)

# %%
rough = {name.replace("\n", " "): lab.roughness(batch) for name, batch in made.items()}
free = rough["no regulariser"].mean()

show.dots(
    rough | {"the photos": lab.roughness(images.fit(bank.images, SMALL))},
    label="total variation: mean step between neighbouring pixels",
    title="How rough the images are",
    caption="One dot an image, a bar at the median. Mean over the classes, as a share of that without a regulariser: "
    + ", ".join(f"{name.split(':')[0]} {values.mean() / free:.0%}" for name, values in rough.items())
    + ".",
)

# %% [markdown]
# Every one of them makes the image smoother, and each in its own hand. Blur leaves soft forms, and of all of them shows
# most of the thing; clipping cuts it out and leaves the rest grey. Where the probability below an image is low, the
# setting is too strong *for this network*: what the regulariser takes away in each step is what the step had put there.
# There is no free choice of $R$: it decides what we get to see.
#
# The start decides, too. This one, `seed=3`, was picked by hand, after looking at a few: from others, some of these
# climbs end at a low probability. Try `seed=0`.

# %% [markdown]
# ## The same hill from a better side
#
# Pixels are an awkward way to write an image down. Photos have strong low frequencies and weak high ones, and their
# three colours mostly rise and fall together; the gradient in pixels knows neither. So write the image in other
# numbers, and climb in those (Olah et al. 2017): the **Fourier** coefficients, each scaled by 1 / frequency, of three
# colours that are **uncorrelated** in photos. Any image can be written so. Nothing is forbidden; but a small step in
# these numbers is a natural change of an image, where a small step in pixels is noise.
#
# The transforms are stronger, too: jitter, and a random scale and rotation in each step, so that only what survives
# them pays. The step is Adam's.
#
# **Predict first.** Where in the image will the flamingo stand, and how many?

# %%
ten = [
    *("flamingo", "zebra", "daisy", "bald eagle", "strawberry"),
    *("tiger", "monarch", "jack-o'-lantern", "pineapple", "goldfinch"),
]
probabilities, checked = [], []
for frame in lab.ascend(lab.logit(model, ten), size=SIZE, steps=STEPS, seed=1):
    if frame.step % 4 == 0:
        checked.append(frame.step)
        probabilities.append(lab.rescore(model, frame.images, ten))
visions, probabilities = frame.images, torch.stack(probabilities)  # (10, 3, H, W) and (steps, 10)

pictures.sheet(
    visions,
    [f"{name}: {value:.3f}" for name, value in zip(ten, probabilities[-1], strict=True)],
    title="Ten classes, from nothing",
    caption=f"{STEPS} steps in Fourier space, rate 0.05. Above each: its probability on the clean 8-bit image. Mean "
    f"total variation {lab.roughness(visions).mean():.3f}, without a regulariser in pixels {free:.3f}, in photos "
    f"{lab.roughness(images.fit(bank.images, SIZE)).mean():.3f}.",
)

# %% [markdown]
# There they are: legs and necks, stripes, petals around a middle. At any place, at any angle, and sometimes two or
# three of a thing, or only its head: the score rises with everything that is typical, and nothing in it says how many
# flamingos there are, or that they need a body.
#
# ### Is it real?
#
# In each step the network saw an image that was jittered, turned and not rounded. What it says of the image as a *file*
# is another matter. So every fourth image was rounded to 8 bits, and scored anew, as it is. (Classes and seed were
# chosen for the picture. `benchmarks/ascent_classes.py` repeats the count with other seeds, and with classes drawn at
# random.)

# %%
first = [
    next((step for step, p in zip(checked, column, strict=True) if p >= 0.9), None)
    for column in probabilities.T
]
in_time = sum(step is not None and step <= 128 for step in first)

pictures.bars(
    dict(zip(ten, first, strict=True)),
    label="steps until the clean 8-bit image has probability 0.9",
    notes=[f"at the end {p:.4f}" for p in probabilities[-1]],
    title=f"{in_time} of {len(ten)} classes reach 0.9 within 128 steps",
    caption=f"Scored anew every {checked[0]} steps of {STEPS}. The network is sure long before the image is clear to "
    f"us: median step {torch.tensor([step or STEPS for step in first]).float().median():.0f}.",
)

# %% [markdown]
# ## The controls
#
# The pictures convince. But the Fourier numbers and the transforms favour certain images by themselves, whatever the
# network. How much of a picture is theirs?
#
# **Predict first.** The same loop, numbers, transforms and seed, with a network that was never trained: what will it
# want to see for *zebra*? And does its score rise at all?

# %%
untrained = models.load(NETWORK, weights=None)
pair = ["zebra", "daisy"]
dreams = lab.maximize(lab.logit(untrained, pair), size=SIZE, steps=STEPS // 2, seed=1)
ours = visions[[ten.index(name) for name in pair]]


def rise(network, made):
    """How far each image's own logit rose from grey, in standard deviations of the photos' logits of that class."""
    columns = [network.index_of(name) for name in pair]
    with torch.no_grad():
        scale = network(images.fit(bank.images, SIZE))[:, columns].std(dim=0)
        grey = network(torch.full_like(made, lab.GREY))
        return ((network(made) - grey)[range(len(pair)), columns] / scale).tolist()


pictures.sheet(
    torch.stack([ours[0], dreams[0], ours[1], dreams[1]]),
    [line for name in pair for line in (f"{name}", f"{name},\nuntrained network")],
    columns=4,
    title="The same loop, with a network that knows nothing",
    caption="Rise of each image's own logit from grey, in standard deviations of the photos' logits: trained network "
    + " and ".join(f"{value:.1f}" for value in rise(model, ours))
    + ", untrained "
    + " and ".join(f"{value:.1f}" for value in rise(untrained, dreams))
    + ". What the trained network makes of the untrained one's images: probability "
    + " and ".join(f"{value:.4f}" for value in lab.rescore(model, dreams, pair))
    + ".",
)

# %% [markdown]
# The soft grain and the colours come with the parameterisation: they are here without any training. The stripes and the
# petals are not, nor does the untrained score rise far. They come from training: from the photos, that is.
#
# ## Where one starts
#
# The hill has many tops, and the start decides which one is climbed.

# %%
photo = images.fit(bank["goose"], SMALL)
starts = torch.cat([torch.full_like(photo, lab.GREY), photo])
marks = [2, 8, 24, STEPS]
frames = lab.ascend(flamingo, start=starts, steps=marks[-1])
way = [starts, *(frame.images for frame in frames if frame.step in marks)]
rows = dict(zip(["from grey", "from a photo"], torch.stack(way, dim=1), strict=True))
said = {
    name: [f"{value:.3f}" for value in lab.rescore(model, row, ["flamingo"] * len(row))]
    for name, row in rows.items()
}
moved = {name: (row[-1] - row[0]).square().mean().sqrt() for name, row in rows.items()}

pictures.grid(
    rows,
    ["start", *(f"step {mark}" for mark in marks)],
    notes=said,
    title="Flamingo, from grey and from a photo of a goose",
    caption="Below each image: the probability of flamingo on the clean 8-bit image. Root mean square of the change "
    "from start to end: " + ", ".join(f"{name} {value:.2f}" for name, value in moved.items()) + ".",
)

# %% [markdown]
# The score rises fast from either; the picture takes its forms from what was there. Keep it in mind: a few steps from a
# photo, hardly to be seen, and the network has changed its mind. (Stage 08 lives on that.)
#
# ## From the first layer to the last
#
# The objective need not be a class. Take channel 3 of each layer, whatever it is, and the mean of its map.
#
# **Predict first.** At which depth will there be edges, textures, eyes, whole things?

# %%
CHANNEL = 3
each_layer = lab.channel(model, layers, CHANNEL)  # one image a layer
depth = [*lab.maximize(each_layer, size=SMALL, steps=STEPS // 2, rule=lab.adam(0.08)), visions[2]]
sees = [receptive_field(model.net, layer, SMALL).size for layer in layers]
lines = [*(f"{layer}: {size} px" for layer, size in zip(layers, sees, strict=True)), f"the class: {ten[2]}"]
beyond = next((layer for layer, size in zip(layers, sees, strict=True) if size > SMALL), "no layer")

pictures.sheet(
    depth,
    lines,
    title=f"Channel {CHANNEL} of every layer, from the first to the last",
    caption=f"{STEPS // 2} steps in Fourier space, the same channel number in every layer. Above each: how many pixels "
    f"one of its neurons sees (stage 03). From {beyond} on, that is more than the {SMALL} of the image.",
)

# %% [markdown]
# A colour (and at the border, what padding does), edges, waves; then textures and scales; then things that bend and
# have a middle, and parts of something. Stage 04 found the patches that such a channel answers to; here it tells by
# itself.
#
# ## Explore
#
# The regulariser lab. A grid of strengths is climbed once, all settings from one start (some seconds), then move the
# controls: `step` runs through the climb. Find the weakest regulariser with which you would recognise the thing, and
# one under which the network no longer does.

# %%
climbs = climb(model, "daisy")
explore(climbs)

# %% [markdown]
# ## Two questions
#
# Think before you read on; there is no check.
#
# 1. Every regulariser made another flamingo, each of them "what the network wants to see". Which one is the
#    network's idea of a flamingo? Is there one, before somebody chooses $R$?
# 2. We always told the network *what* to make large. What if we did not? Take a photo, and a layer, and say only: more
#    of whatever you see there.
#
# The next notebook does.
