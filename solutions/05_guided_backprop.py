# %% [markdown]
# # 05 · Guided backprop
#
# **Where we are.** Stage 04 found the patches that a channel answers to most. A patch says *where* the neuron
# looked; it does not say which of its pixels mattered. The lecture's next step is to ask the network itself:
# the gradient of the neuron with respect to the pixels says how fast the neuron would move with each of them.
# Plain gradients look noisy, so deconvnet and guided backprop change one line of the backward pass, and the
# pictures become clean.
#
# You will write all of them, and see how clean they get. Then comes the sober part: what is a clean picture
# worth, if it stays the same when we ask about another class, or destroy the network?
#
# <!-- exercises -->

# %%
import torch
from torch import nn

from labkit import check, hint, images, mine, models, progress, show
from labkit.hooks import recording
from labkit.methods import gradients as lab
from labkit.methods import neurons, sanity
from labkit.methods.switches import switches, unpooling
from labkit.objectives import logit
from labkit.receptive import receptive_field
from labkit.show import gradients as pictures
from labkit.show import passport
from labkit.show.gradients_explorer import explore

lab, neurons, sanity = mine(lab), mine(neurons), mine(sanity)  # your own functions stand in, once they pass
NETWORK = "squeezenet"  # any of models.available(): "alexnet", once labkit fetch alexnet has run
OTHER = "squeezenet" if NETWORK == "efficientnet_lite0" else "efficientnet_lite0"  # to compare with

model, other = models.load(NETWORK), models.load(OTHER)
layers = models.NETWORKS[NETWORK].layers
bank = images.photos()
names = ["bull mastiff", "bald eagle", "goose", "cannon"]
photos = torch.cat([bank[name] for name in names])
targets = torch.tensor([bank.labels[bank.names.index(name)] for name in names])

# %%
progress("05")

# %% [markdown]
# ## Which pixels move the score?
#
# ### Exercise 05.1
#
# A network has so far been differentiated with respect to its weights. Here the weights stay as they are and
# the *photo* is the variable. Write a function that takes a batch of photos and a target for each, and gives
# the gradient of each photo's own target logit with respect to that photo's pixels.
#
# No photo changes another one's logits, so one backward pass serves the whole batch: the gradient of the sum of
# all the scores holds every photo's own gradient. The caller's photos must come out as they went in.
#
# The check knows what is right without autograd: it nudges each pixel up and down and watches the logit.


# %%
def logit_gradient(model, images, targets):
    """How fast each photo's target logit moves with each of its pixels.

    model:   images in 0..1 -> logits (N, categories), before softmax
    images:  (N, 3, H, W)
    targets: (N,) int64
    Returns: (N, 3, H, W)
    """
    # TODO 05.1: a leaf to differentiate by, the N target logits, their sum, its gradient.
    # The traps: the caller's tensor is not yours to call requires_grad_() on; logits[:, targets] is (N, N).
    ### BEGIN SOLUTION
    leaf = images.clone().requires_grad_()
    logits = model(leaf)
    scores = logits[range(len(logits)), targets]  # (N,)
    return torch.autograd.grad(scores.sum(), leaf)[0]
    ### END SOLUTION


# %%
check("05.1", logit_gradient)

# %% [markdown]
# ### Exercise 05.2
#
# A gradient has three colours and two signs; the eye wants one number for each pixel. Simonyan et al. (2014) take the
# *size* of the gradient, and of the three colours the largest. That is the saliency map.


# %%
def saliency_map(gradient):
    """One number for each pixel: the largest size of its gradient among the colours.

    gradient: (N, 3, H, W)
    Returns:  (N, H, W)
    """
    # TODO 05.2: sizes, then the largest over the colours.
    # The trap: the order of the two.
    ### BEGIN SOLUTION
    return gradient.abs().amax(dim=1)
    ### END SOLUTION


# %%
check("05.2", saliency_map)

# %% [markdown]
# **Predict first.** Where will the gradient be large: on the thing itself, on its outline, everywhere?
#
# (From here on the cells use your own functions where they pass their checks, and a cell that calls them says so;
# otherwise the lab's own, so they run whether or not yours are done.)


# %%
gradient = lab.input_gradient(logit(model, targets), photos)
saliency = lab.saliency(model, photos, targets)
off_top = (saliency.flatten(1) > saliency.flatten(1).amax(dim=1, keepdim=True) / 4).float().mean()

show.grid(
    {"photo": photos, "gradient": pictures.signed(gradient), "saliency": pictures.sizes(saliency)},
    above=[model.categories[target] for target in targets],
    title="How fast the class's own logit moves with each pixel",
    caption=f"{NETWORK}. Gradient: grey is 0, a lighter colour raises the logit, a darker one lowers it. Saliency: "
    f"black is 0. Each photo has its own scale. Only {off_top:.1%} of all pixels have a quarter of their photo's "
    "largest saliency, or more.",
)

# %% [markdown]
# Noise (SqueezeNet). For the dog and the geese it is at least noise in the right place; in the cannon's map one may
# guess the barrel, in the eagle's nothing. Neighbouring pixels pull in opposite directions: the network can be moved by
# patterns finer than anything one would call a dog. (Stage 08 makes use of that.)
#
# **The control.** Would any network give this map, and for any class? Ask the same network about a koala, and an
# untrained network about the dog.

# %%
untrained = models.load(NETWORK, weights=None)
koala = model.index_of("koala")
of_koala = lab.input_gradient(logit(model, koala), photos)
of_untrained = lab.input_gradient(logit(untrained, targets[:1]), photos[:1])
asked = {"bull mastiff": gradient[:1], "koala": of_koala[:1], "untrained network": of_untrained}
alike = {name: sanity.rank_correlation(gradient[:1], asked[name])[0] for name in asked}

show.grid(
    [photos[0], *pictures.sizes(torch.cat(list(asked.values())).abs().amax(dim=1))],
    above=["the photo", *asked],
    title="Saliency and its controls: another class, a network that knows nothing",
    caption=f"{NETWORK}; the untrained network is asked about the bull mastiff. Rank correlation with the trained "
    "network's gradient for the bull mastiff, all values with their signs (1: the same order, 0: unrelated; you will "
    f"write it below): koala {alike['koala']:z.2f}, untrained {alike['untrained network']:z.2f}.",
)

# %% [markdown]
# The class matters: the koala's gradient is a different one, though it lies in the same place. Training matters more:
# the untrained network's has nothing in common with it.

# %% [markdown]
# ## One neuron
#
# The lecture starts smaller: not with a logit but with *one neuron* in the middle of the network, at a channel, a
# row and a column. `lab.neuron` is the objective that reads off its value, and `lab.input_gradient` does what you
# did in 05.1 for any objective.
#
# First we need neurons that have something to say. As in stage 04, we look through all photos for those that stand
# out most from what their channel does otherwise.
#
# **Predict first.** Outside the neuron's receptive field, how large is its gradient?

# %%
show.bet(
    "middle",
    "How much of the gradient lies in the middle of the field, in a box of half its width and height?",
    low=0,
    high=100,
    unit="%",
)

# %%
LAYER = {"squeezenet": "features.9"}.get(NETWORK, layers[len(layers) // 2])
field = receptive_field(model.net, LAYER, model.input_size)
with torch.no_grad(), recording(model.net, LAYER) as seen:
    model(bank.images)
place = neurons.standouts(seen[LAYER], count=1, margin=4)[0]
photo, channel, row, column = place

one = lab.input_gradient(
    lab.neuron(model, LAYER, channel=channel, row=row, column=column), bank.images[photo : photo + 1]
)
top, left, bottom, right = field.box(row, column)
outside = one.clone()
outside[:, :, top:bottom, left:right] = 0
middle = neurons.crop(one, neurons.shrink((top, left, bottom, right), 0.5))

show.settle("middle", 100 * middle.abs().sum() / one.abs().sum())
pictures.box_on_photo(
    bank.images[photo : photo + 1],
    one,
    field.box(row, column),
    title=f"One neuron of {LAYER}: channel {channel}, row {row}, column {column}",
    caption=f"The frame is all it can see, {bottom - top} × {right - left} pixels. Largest gradient outside it: "
    f"{outside.abs().max():.0f}, exactly. The middle half of the frame, a quarter of its area, holds "
    f"{middle.abs().sum() / one.abs().sum():.0%} of the gradient.",
)

# %% [markdown]
# Zero, exactly: the receptive field of stage 04, seen from the other end. And inside it most of the gradient lies
# near the middle, where many more paths lead (Luo et al. 2016 call that the *effective* receptive field).

# %% [markdown]
# ## Another rule for the ReLU
#
# On the way back, a gradient passes through every ReLU. What may pass?
#
# | rule | lets the gradient pass where … | source |
# |---|---|---|
# | gradient | the **input** was above 0 | the chain rule |
# | deconvnet | the **gradient** is above 0 | Zeiler & Fergus 2014 |
# | guided | **both** are | Springenberg et al. 2015 |
#
# ### Exercise 05.3
#
# Write one ReLU's backward pass under each rule. `grad_output` comes from the layer above; `x` is what the
# ReLU was given on the way forward, the table's input; what you return goes on to the layer below. An input of
# exactly 0 counts as shut.


# %%
def relu_backward(grad_output, x, rule):
    """What a ReLU hands down to the layer below it.

    grad_output, x: alike in shape
    rule:    "gradient", "deconvnet" or "guided"
    Returns: like grad_output
    """
    # TODO 05.3: two masks, one of x and one of grad_output; each rule uses one of them or both.
    # The trap: guided has everything that the other two have.
    ### BEGIN SOLUTION
    is_open = x > 0
    is_positive = grad_output > 0
    passes = {"gradient": is_open, "deconvnet": is_positive, "guided": is_open & is_positive}
    return grad_output * passes[rule]
    ### END SOLUTION


# %%
check("05.3", relu_backward)

# %% [markdown]
# ### Exercise 05.4
#
# Now through a whole network, in the way that most code on the web does it: with *hooks*. A backward hook on a
# module is called when the gradient comes by, and what it returns goes on in the gradient's place:
#
# ```python
# def f(module, grad_input, grad_output):
#     return (something_else,)
#
# hook = relu.register_full_backward_hook(f)
# …
# hook.remove()
# ```
#
# `grad_output` is the gradient above the ReLU, `grad_input` the one below, to which the ReLU has already applied
# its own mask. Both are tuples, and so is what comes back in place of `grad_input`. Hang a hook on each `nn.ReLU` of
# the model, wherever it is, take the gradient of the target's logit, and take the hooks off again: a model that stays
# changed would spoil every gradient that anybody takes of it later. The check looks for hooks left behind. (The lab's
# models have no in-place ReLUs. On one that has, PyTorch refuses backward hooks of this kind.)


# %%
def guided_backprop(model, image, target):
    """Guided backprop of one logit, by hooks on the model's nn.ReLU modules.

    image:   (1, 3, H, W) in 0..1
    target:  int, the logit's index
    Returns: (1, 3, H, W)
    """

    # TODO 05.4: hooks on, gradient, hooks off.
    # The traps: ReLUs inside blocks; a hook that returns nothing changes nothing.
    ### BEGIN SOLUTION
    def hook(module, grad_input, grad_output):
        return (grad_input[0].clamp(min=0),)

    handles = [
        module.register_full_backward_hook(hook) for module in model.modules() if isinstance(module, nn.ReLU)
    ]
    try:
        leaf = image.clone().requires_grad_()
        return torch.autograd.grad(model(leaf)[0, target], leaf)[0]
    finally:  # also where the model fails
        for handle in handles:
            handle.remove()
    ### END SOLUTION


# %%
check("05.4", guided_backprop)

# %% [markdown]
# **Predict first.** The check used networks made of `nn.ReLU`. How many of those will your hooks find in the two
# networks here? `lab.relu_rule` counts the ReLU *calls* of a forward pass, whatever they are called.

# %%
show.bet("hooks", f"How many nn.ReLU modules will your hooks find in {other.name}?", low=0, high=50)

# %%
for network in (model, other):
    with torch.no_grad(), lab.relu_rule("guided") as relus:
        network(photos[:1])
    found = sum(isinstance(module, nn.ReLU) for module in network.modules())
    print(f"{network.name}:\n  {relus.count} ReLU calls\n  {found} nn.ReLU modules")
show.settle("hooks", found)

# %% [markdown]
# SqueezeNet is built of `nn.ReLU`, like AlexNet: your hooks find all of them. EfficientNet-Lite0 uses `nn.ReLU6`, which
# is no `nn.ReLU`; GoogLeNet calls the function `F.relu`; DenseNet-121 has modules everywhere, except for its last ReLU.
# There hooks find nothing, or not all, and *give no error*: you get a different map under the same name. Libraries do
# it too. The hooks of captum 0.9 give what the lab's version gives on SqueezeNet, exactly the plain gradient on
# GoogLeNet and on EfficientNet-Lite0, and are off by about a quarter on DenseNet-121 (the lab's tests measure it, on
# untrained weights).
#
# The lab's version catches the calls themselves:
#
# ```python
# with lab.relu_rule("guided"):
#     lab.input_gradient(goal, x)
# ```
#
# and leaves the model alone. What each call hands down is up to your `relu_backward`, once that
# passes its check.

# %% [markdown]
# ## As in the lecture: a neuron on its own best patch
#
# Five neurons of a higher layer, each with all that it sees of the photo in which it stands out most. They are not
# chosen by hand: they are the five of this layer that stand out most in these thirty photos.
#
# **Predict first.** The plain gradient of a logit was noise. Will that of a neuron half way up be clearer?

# %%
HIGH = {"squeezenet": "features.9", "efficientnet_lite0": "blocks.5"}.get(NETWORK, layers[-3])
field = receptive_field(model.net, HIGH, model.input_size)
SIDE = int(min(field.size, 150))  # where a neuron sees more than that, only what is around its place
with torch.no_grad(), recording(model.net, HIGH) as seen:
    model(bank.images)
margin = int(SIDE / 2 * seen[HIGH].shape[-1] / model.input_size)
places = neurons.standouts(seen[HIGH], count=5, margin=margin)
rows = {"patch": [], "gradient": [], "deconvnet": [], "guided": []}
for place in places:
    photo = bank.images[place.photo : place.photo + 1]
    box = field.box(place.row, place.column)
    if field.size > SIDE:
        box = neurons.around(photo, seen[HIGH], place, side=SIDE)
    rows["patch"].append(neurons.crop(photo, box)[0])
    maps = neurons.three_rules(model, photo, HIGH, channel=place.channel, row=place.row, column=place.column)
    for rule, gradient_by_rule in maps.items():
        rows[rule].append(pictures.signed(neurons.crop(gradient_by_rule, box))[0])

show.grid(
    rows,
    above=[f"channel {place.channel}" for place in places],
    title=f"Neurons of {HIGH} on their own patches, under three rules",
    caption=f"{NETWORK}; {SIDE} × {SIDE} pixels around each neuron's place. Every map has its own scale, grey is 0.",
)

# %% [markdown]
# There is the famous effect (SqueezeNet): from the gradient nobody could name one of the five; the deconvnet shows the
# cat's eye, the rim of the spoon and the wheel, among much else; guided backprop looks as if somebody had traced
# the photo. The astronaut smiles. (Two of the channels had rows of their own in stage 04: 367, which we called "round",
# and 210, "faces?".)
#
# The same for whole photos, where the question is the class:

# %%
deconvnet = lab.deconvnet(model, photos, targets)
guided = lab.guided_backprop(model, photos, targets)

show.grid(
    {"deconvnet": pictures.signed(deconvnet), "guided": pictures.signed(guided)},
    above=[model.categories[target] for target in targets],
    title="The class's own logit, under the other two rules",
    caption=f"{NETWORK}. Grey is 0, every map has its own scale. Their gradients are in the first figure.",
)

# %% [markdown]
# ## Where does the photo come in?
#
# The deconvnet rule never asks whether a ReLU was open. So how did it know where the dog's eyes are? Only one thing in
# SqueezeNet can have told it: **max pooling**. On the way back a max pooling hands its gradient to the place where the
# maximum *was*, in this photo. Zeiler & Fergus call these places switches; their networks had them, too.
#
# **Predict first.** EfficientNet-Lite0 has no max pooling. Its strided convolutions hand every gradient to the same
# places, whatever the photo. What will its deconvnet show, if we ask for a koala on a dog and on a cannon?

# %%
show.bet(
    "two photos",
    f"How alike are the deconvnets of koala on two photos, in {other.name}? Their rank correlation, on average?",
    low=-1,
    high=1,
)

# %%
target = "koala"
one_target = {network.name: lab.deconvnet(network, photos, target) for network in (model, other)}
first, second = torch.triu_indices(len(photos), len(photos), offset=1)  # all pairs of photos
between = {name: sanity.rank_correlation(maps[first], maps[second]) for name, maps in one_target.items()}
two = [0, -1]  # the dog and the cannon

show.settle("two photos", between[other.name].mean())
show.grid(
    {"deconvnet": torch.cat([pictures.signed(maps[two]) for maps in one_target.values()])},
    above=[f"{name}\n{names[photo]}" for name in one_target for photo in two],
    title=f"Deconvnet of one target, {target}, on two photos",
    caption=f"Grey is 0. Rank correlation of two photos' maps, mean of all {len(first)} pairs of our four photos: "
    + ", ".join(f"{name} {values.mean():z.2f}" for name, values in between.items())
    + ". A map in which one colour leans one way everywhere is drawn without colours.",
)

# %% [markdown]
# EfficientNet-Lite0's maps are one and the same carpet: without switches nothing of the photo is left in the
# deconvnet's backward pass, not one pixel. SqueezeNet's have next to nothing in common, though the question was the
# same.
#
# If it is the switches, then they can be exchanged. `switches` reads them off; under `unpooling` the backward pass goes
# by those that it is given, and by `None` each gradient is spread evenly over its window.
#
# **Predict first.** The dog's photo, with the *cannon's* switches: what will the deconvnet show? And without any?

# %%
show.bet(
    "switches",
    "The dog's photo with the cannon's switches: whose own map will the deconvnet be like, by rank correlation?",
    options=["the dog's", "the cannon's", "neither, below one half with both"],
)

# %%
dog, cannon = photos[:1], photos[-1:]
ways_back = {
    "the dog, its own switches": switches(model, dog),
    "the dog, the cannon's switches": switches(model, cannon),
    "the dog, no switches": None,
}
by_switches = {}
for name, where in ways_back.items():
    with unpooling(where):
        by_switches[name] = lab.deconvnet(model, dog, target)

exchanged = by_switches["the dog, the cannon's switches"]
like = {
    name: sanity.rank_correlation(exchanged, one_target[NETWORK][[i]])
    for name, i in (("dog", 0), ("cannon", -1))
}
nearest = max(like, key=like.get)
show.settle("switches", f"the {nearest}'s" if like[nearest] >= 0.5 else "neither, below one half with both")
pictures.by_switches(
    by_switches | {"the cannon, its own switches": one_target[NETWORK][-1:]},
    autograd=one_target[NETWORK][:1],
    title=f"The dog through other switches: deconvnet of {target}",
    caption=f"{NETWORK}, all {len(ways_back['the dog, its own switches'])} max poolings.",
)

# %% [markdown]
# SqueezeNet: the dog's photo went in, and the cannon's map comes out. Without switches there is a carpet again, the
# same for every photo. With its own switches the map is what autograd gives, since that is how a max pooling is
# differentiated: nobody had to write an unpooling. (Where two overlapping windows have their maximum in the same place,
# autograd adds the two gradients; torch's `F.max_unpool2d` keeps one of them.)
#
# Springenberg et al. invented the guided rule for just such networks without pooling: it asks the ReLUs, and
# they have seen the photo.

# %% [markdown]
# ## The sober part
#
# It is tempting to read the guided picture as "this is what makes it a dog". To test that, we need to say how
# alike two maps are. Their scales mean nothing, so we compare the *order* of the pixels only.
#
# ### Exercise 05.5
#
# Spearman's rank correlation: put ranks in place of values (the smallest gets 1, the next 2, and so on), then take
# the ordinary correlation of the ranks. Equal values share the mean of their ranks: the values 3, 0, 0, 5 have the
# ranks 3, 1.5, 1.5, 4. That matters, since maps that went through ReLUs are full of zeros. You know that it is right
# when a map and its own exponential agree with 1, and a map and its negative with −1.


# %%
def rank_correlation(first, second):
    """Spearman's rank correlation of two maps.

    first, second: (H, W), at most a few thousand pixels
    Returns: a number in -1..1, as a tensor or a float
    """

    # TODO 05.5: flatten, ranks, ordinary correlation (torch.corrcoef).
    # The traps: argsort gives places and not ranks; equal values.
    ### BEGIN SOLUTION
    def ranks(values):
        values = values.flatten().double()
        smaller = (values[:, None] > values).sum(dim=1)  # how many are smaller than each, (n,)
        equal = (values[:, None] == values).sum(dim=1)  # itself included
        return smaller + (equal + 1) / 2

    return torch.corrcoef(torch.stack([ranks(first), ranks(second)]))[0, 1]
    ### END SOLUTION


# %%
check("05.5", rank_correlation)

# %% [markdown]
# ### Another class
#
# **Predict first.** We ask for the guided picture of *koala* on the photo of the dog, then of *schooner*. What will
# they show?

# %%
others = ["bull mastiff", "koala", "schooner"]
maps = torch.cat([lab.guided_backprop(model, photos[:1], name) for name in others])
wrong = {
    "gradient": sanity.rank_correlation(gradient, of_koala).mean(),
    "guided backprop": sanity.rank_correlation(guided, lab.guided_backprop(model, photos, koala)).mean(),
}

show.grid(
    {"guided": pictures.signed(maps)},
    above=others,
    title="Guided backprop for three classes: which one is it?",
    caption=f"{NETWORK}. Rank correlation of the map for the photo's own class with the map for koala, mean of "
    f"{len(photos)} photos: " + ", ".join(f"{name} {value:.3f}" for name, value in wrong.items()) + ".",
)

# %% [markdown]
# The dog is there whatever we ask; at most the leg beside it comes out a little more (SqueezeNet). Guided backprop
# shows what in the photo can travel up through open ReLUs; the question at the top hardly makes a difference on the
# way down.
#
# ### Another network
#
# Adebayo et al. (2018) go further: destroy the network from the top, layer by layer, and watch the map. We shuffle the
# weights of each layer, so that the numbers stay and what was learned goes. A map that explains what the network has
# learned should change.
#
# **Predict first.** After which step will the guided picture no longer look like a cannon?

# %%
show.bet(
    "cannon",
    "At which step does the rank correlation of the guided maps with those of the whole network fall below one half?",
    options=[list(model.net._modules)[-1], *reversed(layers), "never"],
)

# %%
steps = [list(model.net._modules)[-1], *reversed(layers)]
whole = {"gradient": gradient, "guided backprop": guided}
after = {name: [torch.ones(len(photos))] for name in whole}
drawn = {"none": whole}
for step in steps:
    shuffled = sanity.shuffle_weights(model, sanity.down_to(model.net, step), seed=5)
    destroyed = {
        "gradient": lab.input_gradient(logit(shuffled, targets), photos),
        "guided backprop": lab.guided_backprop(shuffled, photos, targets),
    }
    drawn[f"down to\n{step}"] = destroyed
    for name in whole:
        after[name].append(sanity.rank_correlation(whole[name], destroyed[name]))

shown = dict(list(drawn.items())[::2])
show.grid(
    {name: pictures.signed(torch.stack([maps[name][-1] for maps in shown.values()])) for name in whole},
    above=shown,
    title="The cannon's maps while the network is destroyed from the top",
    caption=f"{NETWORK}. Above each column: how far down the weights are shuffled. Grey is 0.",
)

# %%
lost = [step for step, values in zip(steps, after["guided backprop"][1:], strict=True) if values.mean() < 0.5]
show.settle("cannon", lost[0] if lost else "never")
middle = len(steps) // 2
show.lines(
    {name: (range(len(values)), torch.stack(values)) for name, values in after.items()},
    across="weights shuffled from the output down to",
    up="rank correlation with no shuffling",
    ticks=dict(enumerate(["none", *steps])),
    legend=True,
    title="Which method notices that the network is being destroyed?",
    caption=f"{NETWORK}, mean of {len(photos)} photos, the band is their range; weights shuffled from the output "
    f"down to each layer. Down to {steps[middle - 1]}: "
    + ", ".join(f"{name} {after[name][middle].mean():z.2f}" for name in whole)
    + f". Down to {steps[-1]}, all of them: "
    + ", ".join(f"{name} {after[name][-1].mean():z.2f}" for name in whole)
    + ".",
)

# %% [markdown]
# The gradient is a different one as soon as the topmost layers are shuffled. Guided backprop does not notice that the
# classifier is gone, nor the layers below it: the picture stays, clean as ever, when there is no cannon left in the
# network to explain. It fades only as the shuffling comes down to the layers next to the photo.
#
# **Do not read more into this test than is in it.** It shows that the guided picture says next to nothing about the
# upper layers. It does not show that the gradient explains them well: a map of pure noise, drawn anew each time, would
# pass with full marks. And shuffling the top leaves the layers below as they were, so that even a good explanation
# keeps something of them. Binder et al. (2023, arXiv:2211.12486) show both, and warn against ranking methods by this
# test alone.
#
# ### A network that has learned nothing
#
# So what does guided backprop draw? Here are two suspects that know nothing of cannons: an *untrained* network, and
# Sobel's filter, the size of the brightness step at every pixel.
#
# **Predict first.** The untrained network is asked for whatever class it happens to put first. What will its guided
# picture show?

# %%
edges = sanity.edges(photos)
guess = untrained(photos).argmax(dim=1)
by_network = {"trained": guided, "untrained": lab.guided_backprop(untrained, photos, guess)}
alike = {
    name: sanity.rank_correlation(maps.abs().amax(dim=1), edges)
    for name, maps in {"gradient": gradient, **by_network}.items()
}

show.grid(
    {**{name: pictures.signed(maps) for name, maps in by_network.items()}, "edges": pictures.sizes(edges)},
    above=names,
    title="Guided backprop of a trained network and of an untrained one, and an edge detector",
    caption=f"{NETWORK}. Rank correlation of sizes with the edges, mean of the photos: trained gradient "
    f"{alike['gradient'].mean():+.2f}, trained guided {alike['trained'].mean():+.2f}, untrained guided "
    f"{alike['untrained'].mean():+.2f}.",
)

# %% [markdown]
# A network that has never seen a dog draws the dog. Nie et al. (2018, arXiv:1805.07039) work out why: where only
# positive gradients may pass, and each unit sees only a small window, the backward pass restores parts of the *photo*,
# whatever the network decides. Training still shows: the trained network leaves out most of the grass and the
# paving, and an edge detector draws every blade. But what convinces us, the clean outline, needs no training.
# The eye takes a line drawing of a dog for an understanding of dogs.

# %% [markdown]
# ## Explore
#
# One neuron under the three rules, side by side. Look for channels of which the guided picture tells you something
# that the gradient did not, then for one where you would have believed a wrong story.

# %%
place = places[2]
explore(model, bank, layers, layer=HIGH, photo=bank.names[place.photo], channel=place.channel)

# %% [markdown]
# ## Your channel's passport
#
# The channel that you chose at the end of stage 03, where it goes highest. Cover the patch with your hand: would you
# have given it the same name from the three gradients alone?

# %%
chosen = passport.chosen(model)
print(chosen)
passport.under_three_rules(chosen, bank)

# %%
show.how_well_you_knew()

# %% [markdown]
# ## Two questions
#
# Think before you read on; there is no check.
#
# 1. The guided picture is sharp and hardly depends on the class; the gradient is noisy and does depend on it. Which one
#    would you show a doctor who wants to know why the network said "tumour", and what would you tell her about it?
# 2. A gradient tells how the score moves with *this* photo's pixels, a tiny step from here. What would you see if you
#    took the step, and the next one, and a hundred more, starting from no photo at all?
#
# The [next notebook](06_gradient_ascent.ipynb) takes them.
