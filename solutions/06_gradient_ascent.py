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

from labkit import check, hint, images, mine, models, progress, show
from labkit.methods import ascent as lab
from labkit.methods.sheets import tile
from labkit.receptive import receptive_field
from labkit.show import passport
from labkit.show.ascent_explorer import climb, explore
from labkit.show.drawing import GAP

lab = mine(lab)  # your own functions stand in it, once they pass their checks
NETWORK = "squeezenet"  # any of models.available(): "alexnet", once labkit fetch alexnet has run
OTHER = next(name for name in models.EMBEDDED if name != NETWORK)  # asked the same, for comparison
FULL = False  # True: pictures for slides, in some ten minutes
SIZE, STEPS = (224, 256) if FULL else (176, 84)
SMALL, FEW = (224, 192) if FULL else (144, 48)  # where many are climbed

model = models.load(NETWORK)
bank = images.photos()
model

# %%
progress("06")

# %% [markdown]
# ## One step
#
# ### Exercise 06.1
#
# Simonyan et al. (2014) maximise $f(I) - \lambda\,\lVert I\rVert_2^2$, where $f$ is the class's score *before* softmax.
# From their images the mean of all photos has been subtracted, so that 0 is nothing. In ours, 0 is black, and nothing
# is grey, 0.5: the penalty is the squared distance from grey, summed over all values of the image.
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
# (From here on the cells use your own functions where they pass their checks, and a cell that calls them says so;
# otherwise the lab's own. Here your `step_up` says where up is, with a weight of 0; how far to go is the lab's choice.
# `lab.ascend` hands out a frame after every step; `lab.maximize` only the last image.)

# %%
show.bet(
    "sure", "How many steps until the probability of flamingo passes 0.9?", low=1, high=FEW, unit="steps"
)

# %%
flamingo = lab.penalised_logit(model, "flamingo", weight=0)
plain = {
    "parameterisation": lab.PIXELS,
    "transforms": (),
    "rule": lab.normalised_steps(0.01),
}  # nothing but the pixels
kept = [torch.full((1, 3, SIZE, SIZE), lab.GREY)]
kept += [frame.images for frame in lab.ascend(flamingo, **plain, size=SIZE, steps=FEW)]
sure = lab.rescore(model, torch.cat(kept), ["flamingo"] * len(kept))
show.settle("sure", int((sure > 0.9).int().argmax()) if (sure > 0.9).any() else FEW)
shown = [0, 4, 12, FEW]

show.grid(
    torch.cat([kept[step] for step in shown]),
    above=[f"step {step}: {sure[step]:.3f}" for step in shown],
    title="Up the score of flamingo, in the pixels, with nothing to hold it",
    caption="Above each image: the probability of flamingo on the clean image, rounded to 8 bits. "
    + (
        f"It passes 0.9 at step {int((sure > 0.9).int().argmax())}."
        if (sure > 0.9).any()
        else "It never passes 0.9."
    ),
)

# %% [markdown]
# The network is sure long before there is anything to see. A gradient is full of patterns finer than anything one
# would call a feather, each of which moves the score a little (stage 05 showed them), and step by step they add up.
# There are far more images of that kind than there are photos. The regularisers' job is to shut them out.
#
# SqueezeNet: knowing what was asked for, one may find two heads with an eye each in the last image. Would you have
# named them?

# %% [markdown]
# ## A step that suits every layer
#
# ### Exercise 06.2
#
# Two small things that nearly everybody does. A gradient's size differs a thousandfold from layer to layer, so it is
# divided by the **mean of its absolute values**, one number for the whole gradient: then the values move by `rate`, on
# average over all of them. And a pattern that is right only at this very pixel should not count, so the image is
# **jittered**: rolled by a few pixels, which are drawn anew in each step, before the network sees it, and rolled back
# afterwards.
#
# Write one such step for a given shift: roll down by `down` and right by `right` (what leaves one side enters the
# other), gradient there, step, roll back. You know that it is right when the average value has moved by `rate`, and
# when an objective that does not care about places gives the same step with any shift.


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
# - **L2 decay**: every value moves a share of its way to grey; against a few pixels that shout.
# - **Gaussian blur**, every few steps, with a width of about a pixel; against high frequencies.
# - **Clip by norm**: the pixels nearest to grey become grey; against faint patterns all over the place.
# - **Clip by contribution**: the pixels that matter least for the score become grey; against whatever is not the thing.
#
# The first is your L2 term again (its gradient is a pull to grey, too), the second is a library call. The other two are
# yours.
#
# ### Exercise 06.3
#
# A pixel's *norm* is the length of its colour vector, measured from grey: $\sqrt{\sum_c (I_c - 0.5)^2}$. Set those
# pixels to grey whose norm is **below the percentile**: with `percent = 50` the lower half of each image's pixels.
# You know that it is right when that share of pixels is exactly 0.5 in all three colours, in each image of the batch,
# and all others are untouched. (Rules for percentiles differ by one pixel; any of them will do.)


# %%
def clip_small_norm(images, percent):
    """The images with so many percent of each one's pixels set to grey: those of smallest norm.

    images:  (N, 3, H, W) in 0..1
    percent: 0..100
    Returns: (N, 3, H, W)
    """
    # TODO 06.3: norms (N, H, W), one threshold per image, grey below it.
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
# which takes one forward pass per pixel. To first order the gradient knows: $\sum_c (I_c - 0.5)\cdot g_c$, over its
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
# At the end of each step, after it was regularised, clamp to 0..1. `regularise` takes an image and gives one.
#
# There is one right path, so the check compares your image with the one that it leads to, and counts how often you
# regularised.


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
# ours take steps of different size. Everything else is the same, down to the start. Two of their settings stand beside
# a weaker one of the same kind.
#
# **Predict first.** Which one will have the fewest fine patterns? Which one's classes will *you* recognise? And
# will strengths that were picked for AlexNet suit another network?

# %%
classes = ["flamingo", "zebra"]
blur = lab.blur
settings = {  # name: (rate, weight of the L2 term, regularisers)
    "no regulariser": (0.01, 0, ()),
    "L2 term (Simonyan)": (0.01, 0.1, ()),
    "a: blur 0.5, clip 50 % by norm": (0.03, 0, (blur(0.5, every=4), lab.clip_norm(50))),
    "c: blur 1.0, decay 0.0001": (0.03, 0, (lab.decay(1e-4), blur(1.0, every=4))),
    "b: decay 0.3, clip 20 % by norm": (0.045, 0, (lab.decay(0.3), lab.clip_norm(20))),
    "weaker b: decay 0.1, clip 20 % by norm": (0.03, 0, (lab.decay(0.1), lab.clip_norm(20))),
    "d: blur 0.5, clip 90 % by contribution": (
        0.015,
        0,
        (blur(0.5, every=4), lab.clip_contribution(90)),
    ),
    "weaker d: blur 0.5, clip 50 % by contribution": (
        0.03,
        0,
        (blur(0.5, every=4), lab.clip_contribution(50)),
    ),
}
made = {}
for name, (rate, weight, regularisers) in show.watch(settings.items(), "regularisers"):
    climbed = [
        lab.maximize(
            lab.penalised_logit(model, wanted, weight),
            size=SMALL,
            steps=FEW,
            parameterisation=lab.PIXELS,
            transforms=(lab.jitter(8),),
            rule=lab.normalised_steps(rate),
            regularisers=regularisers,
            seed=3,
        )
        for wanted in classes
    ]
    made[name] = torch.cat(climbed)

certain = {name: lab.rescore(model, batch, classes) for name, batch in made.items()}
lines = [
    "\n".join([*name.split(", "), f"{kind}: {value:.2f}"])
    for name, values in certain.items()
    for kind, value in zip(classes, values, strict=True)
]
show.grid(
    torch.cat(list(made.values())),
    above=lines,
    columns=4,
    title="The same climb under eight regularisers",
    caption=f"{FEW} steps in pixels from grey, jittered; blur after every 4th, the others after each. "
    "Above: the probability of the class on the clean 8-bit image. Above 0.9 are "
    f"{sum(int((values > 0.9).sum()) for values in certain.values())} of {len(made) * len(classes)}.",
)

# %%
rough = {name: lab.roughness(batch) for name, batch in made.items()}
free = rough["no regulariser"].mean()

show.dots(
    rough | {"the photos": lab.roughness(images.fit(bank.images, SMALL))},
    label="total variation: mean step between neighbouring pixels",
    title="How rough the images are",
    caption="One dot per image, a bar at the median. Mean over the classes, as a share of that without a regulariser: "
    + ", ".join(f"{name.split(':')[0]} {values.mean() / free:.0%}" for name, values in rough.items())
    + ".",
)

# %% [markdown]
# Every one of them makes the image smoother, and each in its own style. Blur leaves soft forms; clipping cuts the thing
# out and leaves the rest grey. There is no free choice of $R$: it decides what we get to see.
#
# SqueezeNet: a and c show a bird on legs and a striped horse, though of a's zebra the network is not quite sure, and in
# c's it sees none. b and d are too strong *for this network*: b's decay of 0.3 forgets nine tenths of the image within
# seven steps, so what stands there is little more than the last few gradients; d keeps one pixel in ten, room for a
# beak or a few stripes. Weakened, both show what a and c show. And what we recognise and what the network is sure of
# are two things.

# %% [markdown]
# ## The same hill from a better side
#
# Pixels are an awkward way to write an image down. Photos have strong low frequencies and weak high ones, and their
# three colours mostly rise and fall together; the gradient in pixels knows neither. So write the image in other
# numbers, and climb in those (Olah et al. 2017): the **Fourier** coefficients, each scaled by 1 / frequency, of three
# colours that are **uncorrelated** in photos. Any image can be written so. Nothing is forbidden; but a small step in
# these numbers is a natural change of an image, where a small step in pixels is noise.
#
# ### Exercise 06.6
#
# Write the map from the numbers to one picture per colour. `spectrum` holds two numbers for each wave, its real and its
# imaginary part, as `torch.view_as_complex` takes them. Divide each wave by its **frequency in waves per pixel**,
# $\sqrt{f_y^2 + f_x^2}$, and add the waves up: that is `torch.fft.irfft2` with `norm="ortho"`. The constant part has
# frequency 0, and nobody can divide by that: the lowest frequency counts as that of one wave on the longer side,
# `1 / max(H, W)`.
#
# The picture is real, so a wave to the left is a mirror of the one to the right, and only the right half of the
# frequencies is stored: `W // 2 + 1` of them. That is the same for `W = 4` and `W = 5`, so the transform has to be told
# the size. The colours' mixing, and the squashing to 0..1, come after it and are the lab's.


# %%
def image_from_spectrum(spectrum, size):
    """The sum of all waves, each divided by its frequency.

    spectrum: (N, 3, H, W // 2 + 1, 2), real and imaginary part
    size:     (H, W)
    Returns:  (N, 3, H, W), real, not clamped
    """
    # TODO 06.6: frequencies (H, W // 2 + 1) by fftfreq and rfftfreq, the division, the transform back.
    # The traps: frequency 0; rows whose frequency is negative; odd widths; the norm.
    ### BEGIN SOLUTION
    H, W = size
    frequency = torch.hypot(torch.fft.fftfreq(H)[:, None], torch.fft.rfftfreq(W))  # (H, W // 2 + 1)
    waves = torch.view_as_complex(spectrum) / frequency.clamp(min=1 / max(H, W))
    return torch.fft.irfft2(waves, s=size, norm="ortho")
    ### END SOLUTION


# %%
check("06.6", image_from_spectrum)

# %% [markdown]
# Why does this help? The chain rule divides the gradient by the frequency, too, and the step that it makes is divided
# once more on its way into the image. So a wave that is ten times slower moves a hundred times as far for the same
# slope. No wave is forbidden; the slow ones are only *first*.
#
# **Predict first.** The flamingo from the top of this notebook once more: no regulariser, no transforms, the same rule,
# rate and number of steps. Only the numbers are different. What will be there to see?

# %%
show.bet(
    "slow waves",
    "Of the first step's change, how much is in waves of 18 pixels or longer? In pixels, then in Fourier numbers:",
    options=["little and little", "little and most", "most and little", "most and most"],
)

# %%
climbs_in = {"in pixels": [image[0] for image in kept]}
frames = lab.ascend(flamingo, **plain | {"parameterisation": lab.FOURIER}, size=SIZE, steps=FEW)
climbs_in["in Fourier\nnumbers"] = [kept[0][0], *(frame.images[0] for frame in frames)]


def slow_share(change):
    """The share of an image's change, in squares, that is in waves of 18 pixels or longer."""
    power = torch.fft.fft2(change).abs().square().sum(dim=0)
    down, across = torch.fft.fftfreq(change.shape[1])[:, None], torch.fft.fftfreq(change.shape[2])
    return (power[torch.hypot(down, across) <= 1 / 18].sum() / power.sum()).item()


slow = {name: slow_share(climb[1] - climb[0]) for name, climb in climbs_in.items()}
moved_by = {name: (climb[1] - climb[0]).square().mean().sqrt() for name, climb in climbs_in.items()}
show.settle("slow waves", " and ".join("most" if share > 0.5 else "little" for share in slow.values()))
first_step = {
    name: 0.5 + 0.5 * (climb[1] - climb[0]) / (climb[1] - climb[0]).abs().max()
    for name, climb in climbs_in.items()
}

show.grid(
    {name: [first_step[name], *(climb[step] for step in shown[1:])] for name, climb in climbs_in.items()},
    above=["the first step, enlarged", *(f"step {step}" for step in shown[1:])],
    title="The same climb in two kinds of numbers",
    caption=f"{NETWORK}, flamingo, no regulariser, no transforms, rate 0.01. Of the first step, "
    + " and ".join(f"{share:.0%} {name}".replace("\n", " ") for name, share in slow.items())
    + " is in waves of 18 pixels or longer; it moves the values by "
    + " and ".join(f"{size:.3f}" for size in moved_by.values())
    + " (root mean square). The probability at the end: "
    + " and ".join(
        f"{lab.rescore(model, climb[-1][None], ['flamingo']).item():.3f}" for climb in climbs_in.values()
    )
    + ".",
)

# %% [markdown]
# In pixels the first step is fine grain: hardly anything of it is slow. In Fourier numbers most of it is clouds, and
# what is fine comes on top of them, later.
#
# SqueezeNet is as sure of the one picture as of the other in the end. But in the lower one there is by step 12
# something like a head, with an eye and a red beak, and nothing has brought it out but another way to write the image
# down. It is not a good flamingo yet.
#
#
# The transforms are stronger, too: jitter, and a random scale and rotation in each step, so that only what survives
# them pays. A transform is a function of images and a generator, so here is one more, for colours. The step is Adam's.
#
# **Predict first.** Where in the image will the flamingo stand, and how many?


# %%
natural = {"transforms": (*lab.ROBUST, lab.tint), "rule": lab.adam(0.08)}
ten = [
    *("flamingo", "zebra", "pineapple", "goldfish", "school bus"),
    *("red fox", "African elephant", "tiger", "tree frog", "king penguin"),
]
checked, probabilities, early = [], [], {}
climbing = lab.ascend(lab.logit(model, ten), size=SIZE, steps=STEPS, seed=2, **natural)
for frame in show.watch(climbing, "steps", total=STEPS):
    if frame.step % 4 == 0:
        checked.append(frame.step)
        probabilities.append(lab.rescore(model, frame.images, ten))
        for name, image, probability in zip(ten, frame.images, probabilities[-1], strict=True):
            if probability >= 0.9:  # the first time that the network is sure
                early.setdefault(name, (frame.step, image, probability))
visions, probabilities = frame.images, torch.stack(probabilities)  # (10, 3, H, W) and (steps, 10)

show.grid(
    visions,
    above=[f"{name}\n{value:.3f}" for name, value in zip(ten, probabilities[-1], strict=True)],
    columns=5,
    title="Ten classes, from nothing",
    caption=f"{STEPS} steps in Fourier space, rate 0.08. Above each: its probability on the clean 8-bit image. Classes "
    "and seed were chosen by eye, for the picture, from 60 classes and a few seeds. "
    f"Mean total variation {lab.roughness(visions).mean():.3f}, in photos "
    f"{lab.roughness(images.fit(bank.images, SIZE)).mean():.3f}.",
)

# %% [markdown]
# There they are: legs and necks, stripes, scales, wheels. At any place, at any angle, and sometimes two or three of a
# thing, or only its head: the score rises with everything that is typical, and nothing in it says how many flamingos
# there are, or that they need a body.
#
# ### Is it real?
#
# In each step the network saw an image that was jittered, turned and not rounded. What it says of the image as a *file*
# is another matter. So every fourth image was rounded to 8 bits, and scored anew, as it is.
# (`benchmarks/ascent_classes.py` repeats the count with other seeds, and with classes drawn at random.)

# %%
first = [early[name][0] if name in early else None for name in ten]
in_time = sum(step is not None for step in first)
five = ten[:5]
begun = [
    early.get(name, (STEPS, vision, p))
    for name, vision, p in zip(ten, visions, probabilities[-1], strict=True)
]

show.grid(
    {"first\nsure": [image for _, image, _ in begun[:5]], "at the\nend": visions[:5]},
    above=five,
    below=[f"step {step}: {p:.3f}" for step, _, p in begun[:5]]
    + [f"step {STEPS}: {p:.3f}" for p in probabilities[-1][:5]],
    title=f"Sure long before the picture is done: {in_time} of {len(ten)} classes reach 0.9 within {STEPS} steps",
    caption=f"Clean 8-bit images, scored every {checked[0]} steps. Above: the first one with a probability of 0.9. "
    f"Median step over all ten: {torch.tensor([step or STEPS for step in first]).float().quantile(0.5):.0f}.",
)

# %% [markdown]
# ## Two networks, asked the same
#
# **Predict first.** The same classes, loop, seed and steps, with a network of another kind, which is right more often
# on photos. Will its zebra look better? And will each network know the other's?

# %%
show.bet(
    "zebra",
    f"The probability of zebra that {OTHER} gives to the zebra of {NETWORK}?",
    low=0,
    high=100,
    unit="%",
)
show.bet("zebra back", f"And that {NETWORK} gives to the zebra of {OTHER}?", low=0, high=100, unit="%")

# %%
other = models.load(OTHER)
asked = ["zebra", "pineapple"]
theirs = lab.maximize(lab.logit(other, asked), size=SIZE, steps=STEPS, seed=2, **natural)
both = {NETWORK: visions[[ten.index(name) for name in asked]], OTHER: theirs}
opinions = [[lab.rescore(network, batch, asked) for network in (model, other)] for batch in both.values()]

show.settle("zebra", 100 * opinions[0][1][0])
show.settle("zebra back", 100 * opinions[1][0][0])
show.grid(
    both,
    above=asked,
    below=[f"{here:.3f} and {there:.3f}" for pair in opinions for here, there in zip(*pair, strict=True)],
    title="The same class out of two networks",
    caption=f"{STEPS} steps from the same start. Below each image: the probability of its class by {NETWORK} and by "
    f"{OTHER}, on the clean 8-bit image.",
)

# %% [markdown]
# SqueezeNet's things stand whole and bright on a ground of their own. EfficientNet-Lite0's are in pieces: stripes
# around a snout, a pineapple's skin. The network that is right more often does not make the better picture. Their
# opinions differ, too: EfficientNet-Lite0 mostly knows what SqueezeNet drew, and not the other way round. That a
# picture persuades a network that nobody climbed is a good sign that it is of a zebra, and not only of one network's
# habits.
#
# ## The controls
#
# The pictures convince. But the Fourier numbers and the transforms favour certain images by themselves, whatever the
# network. How much of a picture is theirs?
#
# **Predict first.** The same loop, numbers and seed, with a network that was never trained: what will it want to see
# for *goldfish*? Does its score rise at all? And what are the transforms good for?

# %%
show.bet(
    "rise",
    "The untrained network's own score, with the transforms: how far from grey, in standard deviations of the photos?",
    low=-20,
    high=60,
)

# %%
untrained = models.load(NETWORK, weights=None)
wanted, free_of_transforms = "goldfish", natural | {"transforms": ()}
ways_up = {
    "trained": (model, natural),
    "trained,\nwithout transforms": (model, free_of_transforms),
    "untrained": (untrained, natural),
    "untrained,\nwithout transforms": (untrained, free_of_transforms),
}
ends = {
    name: lab.maximize(lab.logit(network, wanted), size=SMALL, steps=FEW, seed=2, **options)
    for name, (network, options) in ways_up.items()
}


def rise(network, image):
    """How far the logit rose from grey, in standard deviations of the photos' logits of that class."""
    column = network.index_of(wanted)
    with torch.no_grad():
        scale = network(images.fit(bank.images, SMALL))[:, column].std()
        return ((network(image) - network(torch.full_like(image, lab.GREY)))[0, column] / scale).item()


rises = {name: rise(ways_up[name][0], image) for name, image in ends.items()}
show.settle("rise", rises["untrained"])
believed = {name: lab.rescore(model, image, [wanted]).item() for name, image in ends.items()}
show.grid(
    torch.cat(list(ends.values())),
    above=ends,
    title=f"The same loop, with a network that knows nothing: {wanted}",
    caption="Rise of each image's own logit from grey, in standard deviations of the photos' logits: "
    + "; ".join(f"{name.replace(chr(10), ' ')}: {value:.1f}" for name, value in rises.items())
    + ". What the trained network makes of the four: probability "
    + ", ".join(f"{value:.4f}" for value in believed.values())
    + ".",
)

# %% [markdown]
# The soft grain and the colours come with the parameterisation: they are here without any training. The eyes, scales
# and fins are not: they come from training, from the photos, that is. A rising score alone proves nothing: an untrained
# network's may rise as well. And the transforms cost much of the score: without them it rises further, in both
# networks, by patterns that are right at this very pixel only, and there is less to see.
#
# ## Where one starts
#
# The hill has many tops, and the start decides which one is climbed.

# %%
photo = images.fit(bank["goose"], SIZE)
starts = torch.cat([torch.full_like(photo, lab.GREY), photo])
marks = [8, 24, FEW]
frames = lab.ascend(flamingo, start=starts, steps=marks[-1], transforms=(lab.jitter(8),), seed=1)
way = [starts, *(frame.images for frame in frames if frame.step in marks)]
rows = dict(zip(["from grey", "from a photo"], torch.stack(way, dim=1), strict=True))
said = {
    name: [f"{value:.3f}" for value in lab.rescore(model, row, ["flamingo"] * len(row))]
    for name, row in rows.items()
}
moved = {name: (row[-1] - row[0]).square().mean().sqrt() for name, row in rows.items()}

show.grid(
    rows,
    above=["start", *(f"step {mark}" for mark in marks)],
    below=[line for lines in said.values() for line in lines],
    title="Flamingo, from grey and from a photo of a goose",
    caption="Below each image: the probability of flamingo on the clean 8-bit image. Root mean square of the change "
    "from start to end: " + ", ".join(f"{name} {value:.2f}" for name, value in moved.items()) + ".",
)

# %% [markdown]
# The picture takes its forms from what was there. SqueezeNet: no new bird appears; the geese turn pink, and red around
# the eyes. With jitter it takes many steps, the change can be seen, and even at the end the network may not be sure.
# How little is enough when nobody asks for a picture, only for another answer? (Stage 08 makes use of that.)
#
# ## From the first layer to the last
#
# The objective need not be a class. Take four channels of each layer, and for each the mean of its map.
#
# **Predict first.** At which depth will there be edges, textures, eyes, whole things?

# %%
chosen = {  # layer -> channels, by eye; of another network, the same four of every layer
    "squeezenet": {
        "features.1": (10, 15, 11, 6),
        "features.3": (3, 47, 14, 80),
        "features.4": (91, 69, 47, 102),
        "features.6": (3, 58, 69, 91),
        "features.7": (14, 25, 91, 3),
        "features.9": (3, 91, 69, 47),
        "features.10": (58, 25, 14, 69),
        "features.11": (69, 91, 3, 14),
        "features.12": (3, 14, 25, 58),
    }
}.get(NETWORK, dict.fromkeys(models.NETWORKS[NETWORK].layers, (3, 5, 7, 11)))
sheets = {}
for layer, channels in show.watch(chosen.items(), "layers"):
    sees = receptive_field(model.net, layer, SIZE).size
    side = min(max(48, 2 * sees // 16 * 16), SMALL)  # two fields wide, where that is not too much
    climbed = lab.maximize(
        lab.channel(model, layer, channels), size=side, steps=FEW * 2 // 3, rule=lab.adam(0.08), seed=1
    )
    sheets[f"{layer}: sees {sees} px of {side}"] = tile(climbed, columns=2, gap=1, background=GAP)

show.grid(
    sheets.values(),
    above=sheets,
    columns=3,
    title="Four channels of every layer, from the first to the last",
    caption=f"{FEW * 2 // 3} steps in Fourier space. Above each block: how many pixels one neuron sees (stage 04), and "
    "how wide the images are. Channels: "
    + "; ".join(f"{layer} {', '.join(map(str, channels))}" for layer, channels in chosen.items())
    + ".",
)

# %% [markdown]
# SqueezeNet: stripes of one direction, and one channel for a colour; then textures; dots and rings, which on
# `features.9` are eyes; fur, faces and the glint on glass; necks with a giraffe's pattern; and at the end an elephant's
# skin and eye, a dome. Stage 04 found the patches that such a channel answers to; here the channel itself shows what it
# is looking for. (These channels were chosen, for the picture: many of their neighbours are not so easy to name.)
#
# ## Explore
#
# The regulariser lab. A grid of strengths is climbed once, all settings from one start (some seconds), then move the
# controls: `step` runs through the climb. Find the weakest regulariser with which you would recognise the thing, and
# one under which the network no longer does.

# %%
PHOTO = None  # or images.load("mine.jpg"), to begin at a photo of yours in place of grey
climbs = climb(model, "pineapple", photo=PHOTO, seed=1)
explore(climbs, blur=1.0, clip=0)

# %% [markdown]
# ## Your channel's passport
#
# What does the channel that you chose at the end of stage 03 ask for, when no photo holds it back? **Predict first:**
# will the images show what you named it after?

# %%
chosen = passport.chosen(model)
print(chosen)
passport.grown_image(chosen, bank)

# %%
show.how_well_you_knew()

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
# The [next notebook](07_deep_dream.ipynb) does.
