# %% [markdown]
# # 07 · DeepDream
#
# **Where we are.** In stage 06 you chose a class or a channel, and made an image for it. DeepDream (Mordvintsev, Olah
# & Tyka 2015) chooses nothing. It takes a photo, asks a layer what it sees in it, and says: *whatever it is, more of
# that*. A cloud that looks a little like a dog is pushed to look more like a dog; then the layer sees more dog, and
# is pushed further.
#
# The gradient is the one you know. What turns it into pictures is craft: a step that leaves no grid behind (stage 06),
# and what you will write here, octaves for large forms, tiles for large photos, and a guide that tells the dream what
# to dream of.
#
# <!-- exercises -->

# %%
import torch

from labkit import check, hint, images, mine, models, progress, show
from labkit.hooks import recording
from labkit.methods import dream as lab
from labkit.methods.dream import resize
from labkit.show import dream as pictures
from labkit.show import passport
from labkit.show.dream_explorer import explore

lab = mine(lab)  # your own functions stand in it, once they pass their checks
NETWORK = "squeezenet"  # any of models.available(): "googlenet", once labkit fetch googlenet has run
OTHER = "efficientnet_lite0"  # dreams beside it
FULL = False  # True: larger photos and more steps, for slides; minutes instead of seconds

model, other = models.load(NETWORK), models.load(OTHER)
layers = models.NETWORKS[NETWORK].layers
# late enough for eyes and fur, early enough not to need the whole photo; and the step that suits the network
LAYERS = {"squeezenet": "features.10", "efficientnet_lite0": "blocks.4"}
LAYER = LAYERS.get(NETWORK, layers[round(0.6 * (len(layers) - 1))])
STEP_SIZE = {"squeezenet": 0.006}.get(NETWORK, 0.012)
SIZE, STEPS = (800, 20) if FULL else (448, 12)
bank = images.photos(size=SIZE)
print(f"{NETWORK}: dreaming at {LAYER}, photos of {SIZE} × {SIZE} pixels, {STEPS} steps in each octave")

# %%
progress("07")

# %% [markdown]
# ## More of what is there
#
# ### Exercise 07.1
#
# The objective is the norm of all that a layer puts out. Squared and halved it is $\tfrac12\sum_i a_i^2$ over all
# channels and positions, and that has a very simple gradient: with respect to the activation $a_i$ it is $a_i$ itself.
# Every unit is pushed by exactly as much as it already answers. Loud ones are pushed hard, silent ones not at all, and
# one below 0 is pushed further below.
#
# Write the gradient of that objective with respect to the *photo*. `recording` listens to a layer, as in the stages
# before:
#
# ```python
# with recording(model.net, layer) as seen:
#     model(images)
# seen[layer]  # (1, C, h, w)
# ```
#
# What it holds is part of the graph that leads back to the images.
#
# The check nudges each pixel up and down, and watches the objective.


# %%
def dream_gradient(model, image, layer):
    """How fast half the squared norm of a layer's activations moves with each pixel.

    image:   (1, 3, H, W) in 0..1
    layer:   a name in model.net.named_modules()
    Returns: (1, 3, H, W)
    """
    # TODO 07.1: a leaf, the layer's output for it, the score, its gradient.
    # The traps: the half, so that the layer's push is the activations themselves; the caller's image stays as it is.
    ### BEGIN SOLUTION
    leaf = image.clone().requires_grad_()
    with recording(model.net, layer) as seen:
        model(leaf)
    return torch.autograd.grad(seen[layer].square().sum() / 2, leaf)[0]
    ### END SOLUTION


# %%
check("07.1", dream_gradient)

# %% [markdown]
# A step is that of exercise 06.2: divided by the mean of the gradient's absolute values, since gradients differ a
# thousandfold between layers, and taken on an image that is shifted by a few pixels, another way each time, since a
# network looks through a grid of strides and a hundred steps on the same grid would draw the grid. Here the image is
# clipped to 0..1 after each step: a dream begins with a photo, and stays one.

# %% [markdown]
# ### Exercise 07.2
#
# A unit sees no more than its receptive field, so at full size it dreams up small things. On a photo half as large
# the same field covers twice as much, and it dreams up large ones. Hence *octaves*: dream on a small version, then on
# a larger one, and so on up to the photo's own size.
#
# What is handed on from octave to octave? Not the dreamt image: enlarged, it would be blurred, since the photo's fine
# lines were lost when it was shrunk. Hand on the **difference** between dream and photo, the *detail*, enlarge that,
# and add it to the photo at the new size, which is as sharp as it can be there.
#
# Counted back from the last octave, which is `k = 0`, octave `k` has the size `round(H / scale**k)` by
# `round(W / scale**k)`. So the last has the photo's own size, and the smallest, `k = octaves - 1`, comes first.
# `dream_at(image)` dreams at one size; `resize(images, size)` shrinks and enlarges. For a photo of 27 × 35, three
# octaves and a scale of 1.4 the sizes are 14 × 18, 19 × 25 and 27 × 35.


# %%
def dream_in_octaves(photo, dream_at, octaves, scale):
    """A dream from the smallest octave to the photo's own size.

    photo:    (1, 3, H, W) in 0..1
    dream_at: image (1, 3, h, w) -> the image dreamt at that size, alike in shape
    octaves:  how many sizes, at least 1
    scale:    how much larger each octave is than the one before, above 1
    Returns:  (1, 3, H, W), what dream_at gave in the last octave
    """
    # TODO 07.2: for each size: photo shrunk + detail enlarged, dream_at, the new detail.
    # The trap: the detail is the difference from the photo at that size, so that it holds all octaves so far.
    ### BEGIN SOLUTION
    H, W = photo.shape[2:]
    detail = torch.zeros_like(photo)
    for k in reversed(range(octaves)):
        size = (round(H / scale**k), round(W / scale**k))
        small = resize(photo, size)
        dreamt = dream_at(small + resize(detail, size))
        detail = dreamt - small
    return dreamt
    ### END SOLUTION


# %%
check("07.2", dream_in_octaves)

# %% [markdown]
# ## Dream
#
# These two, and the step between them, are DeepDream. `lab.dreaming` runs them (and one thing more: it splits each
# gradient into fine and coarse bands and lets them count alike, after Mordvintsev's later notebook, since gradients
# favour fine patterns far too much). It gives one frame for each step, and `pictures.growing` shows them as they come.
#
# **Predict first.** A rocket against the evening sky. The network was trained to tell 1000 things apart, well over a
# hundred of them breeds of dog. Where in the photo will it dream most: on the rocket, or in the empty sky?
#
# (From here on the cells use your own functions where they pass their checks, and a cell that calls them says so;
# otherwise the lab's own, so they run whether or not yours are done.)


# %%
def growth(image, photo, layer=LAYER):
    """How many times the photo's objective, half the squared norm of the layer, an image has."""
    objective = lab.activation_norm(model, layer)
    return (objective(image) / objective(photo)).item()


def before_and_after(photo, name):
    def draw(dreamt, scores):
        grown = growth(dreamt, photo)
        return show.grid(
            [photo, dreamt],
            above=[name, f"dreamt at {LAYER} of {NETWORK}"],
            side=4.5,
            title="More of what is there",
            caption=f"The objective, half the squared norm of {LAYER}, is {grown:.0f} × the photo's; the norm itself "
            f"{grown**0.5:.1f} ×. On average a value of the image moved by {(dreamt - photo).abs().mean():.2f}.",
        )

    return draw


rocket = bank["rocket"]
frames = lab.dreaming(lab.activation_norm(model, LAYER), rocket, steps=STEPS, step_size=STEP_SIZE)
dreamt, _ = pictures.growing(frames, before_and_after(rocket, "rocket"))

# %% [markdown]
# SqueezeNet: the tip of the rocket has become a head, and so have the tops of the masts and the lamps on the ground.
# Even out of the empty sky come eyes and fur. Nobody asked for animals. The photo did not hold them, the objective does
# not name them: they are what this layer has units for.
#
# ## Which layer?
#
# **Predict first.** Stage 06 showed what single channels of early and late layers like. What will the same cat become
# in the eyes of the first layers, the middle, the last?

# %%
cat = images.fit(bank["cat"], SIZE * 5 // 7)
chosen = [layers[i] for i in (2, 3, 4, 5, 6, -1) if i < len(layers)]
dreams = {
    layer: lab.deep_dream(model, cat, layer, steps=STEPS, step_size=STEP_SIZE)
    for layer in show.watch(chosen, "dreams")
}
grown = {layer: growth(image, cat, layer) for layer, image in dreams.items()}

show.grid(
    dreams.values(),
    above=dreams,
    columns=3,
    title=f"One cat, dreamt at {len(dreams)} layers of {NETWORK}, from early to late",
    caption="Each layer's own objective, as a multiple of the photo's: "
    + ", ".join(f"{layer} {times:.0f}" for layer, times in grown.items())
    + ". The same steps everywhere; only the layer differs.",
)

# %% [markdown]
# SqueezeNet: strokes along every edge first, in loud colours; then spots and diamonds; then rings, which become eyes,
# all over the fur; then a whole face, with eyes and a snout, where the cat has its mouth. At the last layer the change
# is smaller, and harder to name.
#
# Would another network dream otherwise? The same cat once more, by a network that was built quite differently: no max
# pooling, and units that see nearly the whole photo from the middle on.

# %%
depths = {"early": "blocks.2", "in the middle": "blocks.4", "late": "blocks.6"}
dreams = {
    f"{layer}, {depth}": lab.deep_dream(other, cat, layer, steps=STEPS)
    for depth, layer in show.watch(depths.items(), "dreams")
}

show.grid(
    dreams.values(),
    above=dreams,
    title=f"The same cat, dreamt by {OTHER}",
    caption="A mean change of "
    + ", ".join(f"{(image - cat).abs().mean():.2f}" for image in dreams.values())
    + ".",
)

# %% [markdown]
# EfficientNet-Lite0: bands, woven together; then eyes, noses and fur, until the cat has become something else. In its
# last block the change is hard to name: a unit there sees the whole photo, and pulls at all of it at once.
#
# Two networks that learned from the same photos agree on the order: lines first, then rings and eyes, then heads. They
# do not agree on a single detail.
#
# ## What the octaves do
#
# **Predict first.** The same number of steps, all at full size, against four octaves. What will be missing?

# %%
show.bet(
    "octaves", "One octave or four: which ends with the larger objective?", options=["1 octave", "4 octaves"]
)

# %%
EYES = {"squeezenet": "features.9"}.get(NETWORK, LAYER)  # one thing, of one size: easy to compare
objective = lab.activation_norm(model, EYES)
dreams, curves = {}, {}
for octaves in (1, 4):
    name = f"{octaves} octave{'s' * (octaves > 1)}"
    curves[name] = pictures.Scores()
    steps = 4 * STEPS // octaves
    frames = lab.dreaming(objective, rocket, octaves=octaves, steps=steps, step_size=STEP_SIZE)
    for frame in show.watch(frames, "steps", total=octaves * steps):
        curves[name].add(frame)
    dreams[name] = frame.images

show.settle("octaves", max(dreams, key=lambda name: growth(dreams[name], rocket, EYES)))
show.grid(
    dreams.values(),
    above=dreams,
    side=4.5,
    title=f"The same {4 * STEPS} steps at {EYES}, in one octave and in four",
    caption="The objective at full size, as a multiple of the photo's: "
    + ", ".join(f"{name} {growth(image, rocket, EYES):.0f}" for name, image in dreams.items())
    + ". A mean change of "
    + " and ".join(f"{(image - rocket).abs().mean():.2f}" for image in dreams.values())
    + ".",
)

# %%
pictures.score_curves(
    dict(reversed(curves.items())),
    label="objective for each pixel",
    title="The objective over the steps",
    caption="Half the squared norm, divided by the number of pixels so that octaves compare. From the first step "
    "of the last octave to its end it grows "
    f"{curves['4 octaves'].octaves[-1][-1] / curves['4 octaves'].octaves[-1][0]:.1f} ×; in a single octave "
    f"{curves['1 octave'].octaves[-1][-1] / curves['1 octave'].octaves[0][0]:.1f} ×.",
)

# %% [markdown]
# The number and the eye disagree. By the objective, one octave wins: it covers every spot with small eyes. Four octaves
# end lower, and their eyes are as large as the rocket is wide, and larger. The objective says nothing about size; the
# octaves are *our* wish for something to look at.
#
# ## Large photos
#
# ### Exercise 07.3
#
# A photo of 12 megapixels, with all its activations kept for the backward pass, takes nearly 20 GB. The way out: cut
# the image into tiles, take the gradient of one at a time, and lay the gradients side by side.
#
# But a tile's border is no border of the photo. There the network would see padding in place of the neighbours, dream
# something else, and a seam would show. So look at each tile with a `margin` around it (at the photo's own border there
# is none to have), and keep only the tile's part of the gradient. Tiles are `tile` × `tile` pixels, side by side from
# the upper left corner; at the right and below there may be smaller ones, where the rest is less than a tile. Hand
# `gradient_of` one window at a time.
#
# The check uses a network whose gradients depend on pixels up to 4 away, and margins at least as wide. Then tiles and
# whole image agree to the last digits.


# %%
def tiled_gradient(gradient_of, image, tile, margin):
    """The gradient of an image, tile by tile.

    gradient_of: window (1, 3, h, w) -> its gradient, alike in shape
    image:       (1, 3, H, W)
    tile:        side of a tile, in pixels
    margin:      how many pixels around a tile are looked at with it, where the image has them
    Returns:     (1, 3, H, W)
    """
    # TODO 07.3: for each tile: the window, its gradient, the tile's part of it.
    # The traps: a negative index counts from the end; how much margin there is above and on the left.
    ### BEGIN SOLUTION
    gradient = torch.zeros_like(image)
    H, W = image.shape[2:]
    for top in range(0, H, tile):
        for left in range(0, W, tile):
            bottom, right = min(top + tile, H), min(left + tile, W)
            y, x = max(top - margin, 0), max(left - margin, 0)  # where the window begins
            slope = gradient_of(image[:, :, y : bottom + margin, x : right + margin])
            gradient[:, :, top:bottom, left:right] = slope[:, :, top - y : bottom - y, left - x : right - x]
    return gradient
    ### END SOLUTION


# %%
check("07.3", tiled_gradient)

# %% [markdown]
# **Predict first.** In a deep layer of a real network a unit sees more than a hundred pixels, and often all of them; a
# margin that wide can cost more than the tile. How bad is a narrower one, and where?

# %%
show.bet(
    "margin",
    "Without any margin, how far is the gradient off, on average, in percent of its mean size?",
    low=0,
    high=100,
    unit="%",
)

# %%
objective = lab.activation_norm(model, LAYER)
strip = bank["flower"][:, :, SIZE // 4 : 3 * SIZE // 4]  # two tiles side by side, so one border
whole, _ = lab.tiled_gradient(objective, strip, tile=32 * SIZE, margin=0)
off = {}
for margin in (0, 32, 64, 128):
    tiled, _ = lab.tiled_gradient(objective, strip, tile=SIZE // 2, margin=margin)
    off[f"margin {margin}"] = (tiled - whole).abs().mean(dim=(0, 1, 2)) / whole.abs().mean()

show.settle("margin", 100 * off["margin 0"].mean())
show.lines(
    {name: (range(len(line)), 100 * line) for name, line in off.items()},
    across="column of pixels",
    up="difference, % of the mean gradient",
    rules={SIZE // 2 - 0.5: "border of the tiles"},
    legend=True,
    look={"xlim": (0, SIZE - 1), "ylim": (0, None)},
    title=f"How far two tiles of {SIZE // 2} × {SIZE // 2} pixels are off, side by side",
    caption="The difference from the whole image's gradient, in each column of pixels, over the mean gradient. Mean "
    "of all columns: " + ", ".join(f"{name} {line.mean():.1%}" for name, line in off.items()) + ".",
)

# %% [markdown]
# Along the tiles' border, as you would expect, and less with each step of the margin. SqueezeNet: a unit of
# `features.10` sees 143 pixels, and weighs those in its middle most, so a margin of 128 leaves next to nothing.
#
# What is left is dealt with by the jitter: every step shifts the image by up to a whole tile, so the borders lie
# elsewhere each time and no seam can build up. With tiles of 512 pixels and margins of 64, no window is larger than
# 640 × 640, however large the photo.
#
# ## A dream with a guide
#
# ### Exercise 07.4
#
# So far the layer chose. Google's notebook had one more idea: show it a second picture, a *guide*, and let the photo
# dream of what is in there. Each position of a layer's map is a list of `C` features. Every position of the photo
# looks for the position of the guide that suits it best, by the dot product, and wants to be more like it:
#
# $$\text{score} = \sum_{n}\; \max_{m}\; x_n \cdot y_m$$
#
# with $x_n$ the features at the photo's positions and $y_m$ those at the guide's. The gradient with respect to
# $x_n$ is the best $y_m$. (Without a guide each position was its own partner.) The two maps need not be of one size.


# %%
def guided_score(maps, guide):
    """How well each of the photo's positions agrees with the guide's position that suits it best, summed.

    maps:    (C, h, w), the photo's
    guide:   (C, H, W), the guide's, of any height and width
    Returns: a scalar tensor that a gradient can be taken of
    """
    # TODO 07.4: all dot products as one matrix, the best for each of the photo's positions, the sum.
    # The traps: which side the maximum runs over; reshape does not transpose.
    ### BEGIN SOLUTION
    products = maps.flatten(1).T @ guide.flatten(1)  # (h·w, H·W)
    return products.amax(dim=1).sum()
    ### END SOLUTION


# %%
check("07.4", guided_score)

# %% [markdown]
# **Predict first.** Distant galaxies, guided by stained-glass windows, then by strawberries. What will be taken over:
# the colours, the things, the way things are put together?

# %%
sky = images.fit(bank["deep field"], SIZE * 5 // 7)
guides = {name: images.photos()[name] for name in ("stained glass", "strawberry")}
deep = LAYERS[OTHER]
dreams = {"no guide": lab.deep_dream(other, sky, deep, steps=STEPS)}
for name, guide in show.watch(guides.items(), "dreams"):
    dreams[name] = lab.deep_dream(other, sky, deep, guide=guide, steps=STEPS)
agrees = {name: lab.guide_match(other, deep, guide) for name, guide in guides.items()}

shown = (
    {"the photo": sky}
    | {f"guide: {name}": guide for name, guide in guides.items()}
    | {f"dreamt: {name}": image for name, image in dreams.items()}
)
show.grid(
    shown.values(),
    above=shown,
    columns=3,
    title=f"Galaxies, dreaming of windows and of berries at {deep} of {OTHER}",
    caption="Likeness to a guide, as a multiple of the photo's. "
    + " ".join(
        f"To {name}: "
        + ", ".join(f"dreamt with {what} {(score(x) / score(sky)).item():.1f}" for what, x in dreams.items())
        + "."
        for name, score in agrees.items()
    ).replace("with no guide", "without"),
)

# %% [markdown]
# EfficientNet-Lite0: arches and panes, seeded globes; shapes and textures. The colours are the photo's own, for the
# most part: this layer cares little about them.
#
# ## The controls
#
# **Predict first.** The animals: are they in the photo, in the method, or in what the network has learned? Dream the
# same rocket with an untrained network. And add plain noise, as strong as the dream's change. Which of them makes the
# *trained* layer's norm grow?

# %%
show.bet(
    "noise",
    "By noise, the trained layer's norm …",
    options=["grows", "shrinks", "stays, within a tenth"],
)

# %%
untrained = models.load(NETWORK, weights=None)
noise = torch.randn(rocket.shape, generator=torch.Generator().manual_seed(0))
noisy = (rocket + noise * (dreamt - rocket).norm() / noise.norm()).clamp(0, 1)
controls = {
    "dreamt": dreamt,
    "untrained network": lab.deep_dream(untrained, rocket, LAYER, steps=STEPS, step_size=STEP_SIZE),
    "noise of the same norm": noisy,
}

by_noise = growth(noisy, rocket) ** 0.5  # of the norm; the objective is half its square
show.settle("noise", "grows" if by_noise > 1.1 else "shrinks" if by_noise < 0.9 else "stays, within a tenth")
its_own = lab.activation_norm(untrained, LAYER)
own = (its_own(controls["untrained network"]) / its_own(rocket)).item()

show.grid(
    controls.values(),
    above=controls,
    title="The dream and its controls",
    caption="The trained network's objective, as a multiple of the photo's: "
    + ", ".join(f"{name} {growth(image, rocket):.1f}" for name, image in controls.items())
    + f". The untrained network's own, by its own dream: {own:.1f}. A mean change of "
    + ", ".join(f"{(image - rocket).abs().mean():.2f}" for image in controls.values())
    + ".",
)

# %% [markdown]
# The untrained network dreams too: its own objective grows, and all that appears is blotches. There is nothing in it
# to dream of. What you see in a DeepDream is what *training* has put there.
#
# ## Explore
#
# A dream while it grows. Choose a photo, a layer and a strength, press Start, and Stop when you like what you see.
# Look for the step at which you first see an animal; then ask a neighbour where it is.

# %%
explore(model, images.photos(size=320), layers[1:], layer=LAYER, photo="coffee", steps=STEPS)

# %% [markdown]
# ## Your own photo
#
# Any size will do; the tiles see to that. The longer side is shrunk to `LONGEST` pixels to keep it to a minute or
# two.

# %%
PHOTO, LONGEST = "", 1000  # such as "~/Pictures/clouds.jpg"

if PHOTO:
    photo = images.load(PHOTO)
    shrink = min(1, LONGEST / max(photo.shape[2:]))
    photo = resize(photo, [round(side * shrink) for side in photo.shape[2:]])
    frames = lab.dreaming(objective, photo, octaves=5, steps=STEPS, step_size=STEP_SIZE)
    pictures.growing(frames, before_and_after(photo, "my photo"))

# %% [markdown]
# ## Your channel's passport
#
# A dream of one channel, the one that you chose at the end of stage 03, in a photo that neither excites it nor leaves
# it cold. Compare what appears with the image that stage 06 made for it from nothing.

# %%
chosen = passport.chosen(model)
print(chosen)
passport.dreamt(chosen, images.photos())

# %%
show.how_well_you_knew()

# %% [markdown]
# ## Two questions
#
# Think before you read on; there is no check.
#
# 1. The dream shows dogs because the network knows dogs. Could you use it to find out what a network was trained on,
#    without being told? What would you never find that way?
# 2. You see the change plainly, since it was made large, over many steps. Suppose you took only a few of them, along
#    the gradient of *one class*, and kept each so small that no eye could tell. Would the network notice?
#
# The [next notebook](08_adversarial_examples.ipynb) tries.
