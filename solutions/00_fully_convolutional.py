# %% [markdown]
# # 00 · Review: any CNN can be fully convolutional
#
# **Where we are.** At the very beginning. Before the lecture looks *inside* networks it recalls what they are used
# for: AlexNet, VGG, GoogLeNet and ResNet say *what* is in a photo; FCN, R-CNN and YOLO also say *where*. Two ideas
# of that review are worth having in your own hands:
#
# - a linear layer is a convolution, so **any classifier can run over a photo of any size** and answer at every place;
# - YOLO turns the question "which objects, and where?" into **one block of 7 × 7 × (5·B + C) numbers**.
#
# You will write both, find a dalmatian on a wall of photos, and build a toy detector out of a network that was never
# trained to detect anything.
#
# <!-- exercises -->

# %% [markdown]
# **How this lab works.** You write the few lines that matter. A cell that says `TODO` holds a function with a gap:
# replace `raise NotImplementedError(…)` by your code and run the cell (Shift-Enter), then run the check below it.
#
# - `check("00.1", your_function)` tries your function on small cases and says within a second whether it is right;
#   if not, what was expected, what came, and what the likely mistake is. Run it as often as you like.
# - `hint("00.1")` gives a nudge. `hint("00.1", 2)` and so on come nearer to the line of code.
# - **Predict first** means: say it aloud before you run the next cell. That is half of the lab.
# - No other cell needs your answers: all pictures appear whether your exercises are done or not.

# %%
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from labkit import check, hint, images, models
from labkit.errors import LabError
from labkit.methods import dense as lab
from labkit.methods import yolo
from labkit.methods.detectors import faster_rcnn
from labkit.methods.scan import scan
from labkit.show import dense as pictures
from labkit.show import yolo as drawings

NETWORK = "efficientnet_lite0"  # or "alexnet", "vgg16", "resnet18", … once downloaded: labkit fetch alexnet

model = models.load(NETWORK)
bank = images.photos()
dalmatian = bank["dalmatian"]  # (1, 3, 224, 224), values in 0..1
print(
    f"{NETWORK} on the dalmatian's photo: " + ", ".join(f"{n} {p:.0%}" for n, p in model.top(dalmatian, k=3))
)

# %% [markdown]
# ## A linear layer is a convolution
#
# AlexNet's last convolution leaves maps of 256 × 6 × 6. They are flattened to 9216 numbers, and a linear layer with
# 4096 × 9216 weights takes them all. That layer is why the photo must have 224 × 224 pixels: another size would not
# make 9216.
#
# Look at one of its outputs: a sum over channels, rows and columns of weight × value. That is what *one position of
# a convolution* computes, with a kernel as large as the map. On a map of 6 × 6 this kernel fits in one place. On a
# larger map it fits in many.
#
# ### Exercise 00.1
#
# Write the linear layer as a convolution. `maps.flatten(1)` runs along each row, then down the rows, then through
# the channels, and the weights are in that order. You know that it is right when maps of exactly `size` give one
# position, with the linear layer's own numbers; no padding, since the layer never saw any.


# %%
def linear_everywhere(maps, weight, bias, size):
    """What a linear layer over flattened maps says at every position of larger ones.

    maps:    (N, C, H, W)
    weight:  (K, C·h·w), as in nn.Linear;  bias: (K,)
    size:    (h, w), of the maps that the layer was made for
    Returns: (N, K, H - h + 1, W - w + 1)
    """
    # TODO 00.1: the weights as a kernel, then F.conv2d.
    # The trap: the order in which C, h and w come in the weights.
    ### BEGIN SOLUTION
    h, w = size
    C = maps.shape[1]
    return F.conv2d(maps, weight.reshape(-1, C, h, w), bias)
    ### END SOLUTION


# %%
check("00.1", linear_everywhere)

# %% [markdown]
# ### Exercise 00.2
#
# GoogLeNet, ResNet, DenseNet and our network do without the large linear layer: they take the **mean** of each
# channel over the whole 7 × 7 map, and a small linear layer (K × C) takes those C numbers. On a larger photo the map
# is larger, and the mean of all of it would be one answer for everything. Keep the window of the training instead:
# at every position the mean over `window × window` cells, then the linear layer.
#
# You know that it is right when a map of 7 × 7 gives one position, with the network's own logits.


# %%
def logits_everywhere(maps, weight, bias, window):
    """The logits for every window of a map.

    maps:    (N, C, H, W), the last convolution's
    weight:  (K, C);  bias: (K,)
    window:  cells on a side
    Returns: (N, K, H - window + 1, W - window + 1)
    """
    # TODO 00.2: the mean of each window, then the linear layer at every position.
    # The trap: how far apart F.avg_pool2d takes its windows.
    ### BEGIN SOLUTION
    means = F.avg_pool2d(maps, window, stride=1)  # (N, C, H - window + 1, W - window + 1)
    return F.conv2d(means, weight[:, :, None, None], bias)
    ### END SOLUTION


# %%
check("00.2", logits_everywhere)

# %% [markdown]
# `lab.convolutionize` does the one or the other, whichever a network needs, for AlexNet as for DenseNet. It changes
# nothing in the network: pooling and linear layers are replaced while it runs, and the weights are the same numbers
# in memory.
#
# (From here on the cells use the lab's own versions of your functions, so they run whether or not yours are done.)
#
# **Predict first.** How large is the map of logits for a photo of 224 × 224? For 448 × 320, if the network halves
# the size five times?

# %%
everywhere = lab.convolutionize(model)
with torch.no_grad():
    one, many = everywhere(dalmatian), everywhere(torch.full((1, 3, 448, 320), 0.5))
    largest_difference = (one[:, :, 0, 0] - model(dalmatian)).abs().max()

print(f"224 × 224 gives {tuple(one.shape)}, 448 × 320 gives {tuple(many.shape)}")
print(f"the very same logits at 224 × 224: {bool(largest_difference < 1e-4)}")

# %% [markdown]
# ## Where is the dalmatian?
#
# Twelve photos on one wall. The network was trained on photos with one subject; now it gets all of them at once, in
# a single pass. From the logits at each position, softmax gives the probability of each category there.

# %%
names = ["jeep", "folding chair", "strawberry", "bald eagle", "thatched roof", "drum"]
names += ["stained glass", "dalmatian", "goose", "yurt", "loafer", "cannon"]
wall = pictures.hang([bank[name] for name in names], columns=4)  # (1, 3, 736, 992)
own = [int(bank.labels[bank.names.index(name)]) for name in names]  # each photo's category


def probabilities(network, photo):
    """The probability of each category at each position, (1000, h, w)."""
    with torch.no_grad():
        return network(photo).softmax(dim=1)[0]


found = probabilities(everywhere, wall)
spots = {"dalmatian": found[model.index_of("dalmatian")]}
pictures.class_maps(
    wall,
    spots,
    lab.windows(everywhere, wall, found[None]),
    title="One pass over a wall of twelve photos",
    caption=f"The map has {found.shape[1]} × {found.shape[2]} positions, a window of {everywhere.size} pixels each. "
    "Orange: the probability of dalmatian; full orange would be 1. "
    f"Largest on the wall {spots['dalmatian'].max():.2f}; on the photo alone {model.top(dalmatian)[0][1]:.2f}.",
)

# %% [markdown]
# The right place, but how unsure! And yet "the very same logits". What is different on the wall?
#
# A window that is *cut out* and given to the network ends in **zeros**: every convolution pads its map's border. On
# the wall the same window goes on into its surroundings, and they reach in, for each cell of the 7 × 7 sees far more
# of the photo than its own 32 pixels. Without padding, map and cut-out window would agree exactly (the lab's tests
# verify that). With it they differ most along the window's rim, and the mean over 7 × 7 cells takes in the rim.
#
# So let each position look through a smaller opening: the mean over 3 × 3 cells, in the middle of the window,
# where the surroundings reach less. (With 1 × 1 it would be the *class activation map* of Zhou et al. 2016.)
#
# **Predict first.** The opening is smaller than what the network was trained with. Surer or less sure?

# %%
# AlexNet's and VGG's windows are fixed by their linear layers
narrow = lab.convolutionize(model, window=3) if everywhere.pools else everywhere
narrow_found = probabilities(narrow, wall)
middle = 2 if everywhere.pools else 0  # cells from the photo's corner to the opening in its middle
row, column = torch.arange(12) // 4 * 8, torch.arange(12) % 4 * 8  # a photo and its gap are 8 strides of 32

with torch.no_grad():
    alone = model(torch.cat([bank[name] for name in names])).softmax(dim=1)[range(12), own]
ways = {
    "the photo alone": alone,
    "on the wall, its window": found[own, row, column],
    "on the wall, smaller opening": narrow_found[own, row + middle, column + middle],
}
pictures.asked_in_several_ways(
    names,
    ways,
    label="probability of the photo's own category",
    title="The same network, the same photos, asked in three ways",
    caption="Median of the twelve: " + ", ".join(f"{way} {p.median():.2f}" for way, p in ways.items()) + ". "
    "Each time one position: the photo's own window, or the opening in its middle.",
)

# %% [markdown]
# Surer for most, even than on the photo alone: the middle is full of the subject, where the mean over the whole photo
# takes in its background. The two that lose everything show it from the other side: in the middle of *thatched roof*
# stands a monument on a lawn, and in the middle of *stained glass* (*prayer rug* to ImageNet) a pillar.
#
# Now all positions at once. **The control** is a network that has not been trained.

# %%
untrained = models.load(NETWORK, weights=None)
control = probabilities(lab.convolutionize(untrained, window=3 if everywhere.pools else None), wall)
maps = {name: narrow_found[model.index_of(name)] for name in ("dalmatian", "goose")}
maps["dalmatian, by an untrained network (control)"] = control[model.index_of("dalmatian")]
left, top, right, bottom = lab.windows(narrow, wall, narrow_found[None]).unbind(-1)
touches = (right > 768) & (bottom > 256) & (top < 480)  # the dalmatian's photo: last column, second row
pictures.class_maps(
    wall,
    maps,
    lab.windows(narrow, wall, narrow_found[None]),
    title="Where is the dalmatian, where are the geese?",
    caption=f"One pass, {narrow_found.shape[1]} × {narrow_found.shape[2]} positions, an opening of {narrow.size} "
    "pixels each. Largest probability: "
    + ", ".join(f"{name} {one.max():.3f}" for name, one in maps.items())
    + f". Dalmatian where the opening does not touch its photo: {maps['dalmatian'][~touches].max():.3f} at most.",
)

# %% [markdown]
# Found, and what is orange is on the dalmatian. Nobody has ever told this network *where* anything is:
# it was trained on a label a photo.
#
# A wall is an easy picture, since its photos are neatly apart. Here is one photo with many things in it.
#
# **Predict first.** *Disk brake* is one of the 1000 categories. Where on the motorcycle is it?

# %%
garage = images.photos(size=448)["motorcycle"]
in_garage = probabilities(narrow, garage)
seen = {
    "disk brake": in_garage[model.index_of("disk brake")],
    "dalmatian (control)": in_garage[model.index_of("dalmatian")],
}
pictures.class_maps(
    garage,
    seen,
    lab.windows(narrow, garage, in_garage[None]),
    columns=3,
    title="One photo, and a small part of it",
    caption=f"{in_garage.shape[1]} × {in_garage.shape[2]} positions. Largest probability: "
    + ", ".join(f"{name} {one.max():.3f}" for name, one in seen.items())
    + ".",
)

# %% [markdown]
# ## Why not simply slide a window?
#
# One could also cut out a window at each position and give it to the network, as detectors long did. The
# answers are as many; the *work* is not. Neighbouring windows overlap almost wholly, and the convolutions of the
# overlap are the same (but for the padding), so the dense pass does them once.
#
# **Predict first.** On a photo of 896 × 896, how many times more work is the sliding window?


# %%
def multiply_adds(network, side):
    """Multiplications with addition, in billions, that a pass over a photo of side × side takes."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.full((1, 3, side, side), 0.5))
    return counter.get_total_flops() / 2 / 1e9


sides = [224, 320, 448, 672, 896]
one_window = multiply_adds(model, 224)
dense_pass = [multiply_adds(everywhere, side) for side in sides]
sliding = [one_window * (1 + (side - 224) // 32) ** 2 for side in sides]
pictures.work(
    sides,
    {"a window that slides": sliding, "one dense pass": dense_pass},
    label="billion multiply-adds",
    title="The same number of answers for a fraction of the work",
    caption=f"Counted, not timed. At {sides[-1]}² pixels there are {(1 + (sides[-1] - 224) // 32) ** 2} positions: "
    f"{sliding[-1]:.0f} billion multiply-adds by sliding, {dense_pass[-1]:.1f} by one pass, "
    f"{sliding[-1] / dense_pass[-1]:.0f} times fewer.",
)

# %% [markdown]
# A fully convolutional network is still a classifier: it says how probable a category is *around here*, and never where
# an object begins and ends. That is what detectors learn beside it.
#
# ## YOLO's grid
#
# YOLO lays a grid of 7 × 7 cells over the picture. In the middle of each cell stand **B base boxes** (anchors), the
# same in every cell. For each of them the network gives five numbers, and for the cell C class scores, of which class
# 0 is *background*. Together: one block of 7 × 7 × (5·B + C).
#
# | number | says | at 0 |
# |---|---|---|
# | dx, dy | move the box's middle by so many of its own widths and heights | the cell's middle |
# | dh, dw | make it exp(dh) times as high, exp(dw) times as wide | the base box's own size |
# | confidence | is there an object in this box? | no |
#
# (This is the lecture's order. Boxes are left, top, right, bottom, in 0..1 of the picture. Papers differ: the first
# YOLO had no base boxes, the second squashes dx and dy with a sigmoid so that a middle stays in its cell.)
#
# ### Exercise 00.3
#
# Turn those numbers into boxes. Base box `b` of the cell in row `r` and column `c` has its middle at
# x = (c + ½) / 7 and y = (r + ½) / 7, and `anchors[b]` is its (width, height). You know that it is right when offsets
# of 0 give the base boxes themselves.


# %%
def decode_boxes(offsets, anchors):
    """The boxes that the offsets stand for.

    offsets: (grid, grid, B, 4): row, column, base box, and dx, dy, dh, dw
    anchors: (B, 2), width and height of each base box in 0..1
    Returns: (grid, grid, B, 4): left, top, right, bottom in 0..1
    """
    # TODO 00.3: the middles of the cells, moved; the sizes, stretched; then the corners.
    # The traps: which of row and column is x; which of dh and dw comes first; sizes are multiplied by an exp.
    ### BEGIN SOLUTION
    grid = len(offsets)
    dx, dy, dh, dw = offsets.unbind(-1)  # each (grid, grid, B)
    width, height = anchors.unbind(-1)  # each (B,)
    middles = (torch.arange(grid) + 0.5) / grid
    x = middles[None, :, None] + dx * width  # the column decides
    y = middles[:, None, None] + dy * height  # the row decides
    w, h = width * dw.exp(), height * dh.exp()
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1)
    ### END SOLUTION


# %%
check("00.3", decode_boxes)

# %% [markdown]
# Now the other way. We pin four photos on a board, so that we know exactly where everything is, and *encode* it: the
# block of numbers that a perfect network would give. Each object belongs to the cell in which its middle lies, and
# there to the base box most like it.
#
# **Predict first.** 49 cells × 3 base boxes are 147 boxes. In how many of them is the confidence above 0?

# %%
places = {  # left, top, right, bottom
    "dalmatian": (0.05, 0.06, 0.50, 0.51),
    "bald eagle": (0.60, 0.08, 0.93, 0.41),
    "strawberry": (0.10, 0.63, 0.37, 0.90),
    "goose": (0.52, 0.51, 0.97, 0.96),
}
board = drawings.pin(images.photos(size=448), places)
classes = ["background", *places]
truth = torch.tensor(list(places.values()))
labels = torch.arange(1, len(classes))

shapes = torch.tensor([[0.27, 0.27], [0.45, 0.45], [0.20, 0.50]])  # three base boxes, width and height
output = yolo.encode(truth, labels, shapes, classes=len(classes))
column, row = (truth[1].view(2, 2).mean(dim=0) * 7).long().tolist()  # the cell of the bald eagle
drawings.grid_and_cell(
    board,
    output,
    shapes,
    (row, column),
    classes,
    title=f"YOLO's output for this board: {' × '.join(map(str, output.shape))} numbers",
    caption=f"Encoded from the places we chose. Yellow: the cell of row {row}, column {column}; dashed: its three base "
    f"boxes, each with its five numbers in its own colour. {int((output[..., [4, 9, 14]] > 0).sum())} of "
    f"{7 * 7 * 3} boxes have a confidence above 0.",
)

# %%
again = yolo.decode(output, shapes, classes=len(classes))
order = again.labels.argsort()
print("decoded:", ", ".join(classes[label] for label in again.labels[order]))
print(f"largest error of a box: below {1e-5:g}: {bool((again.boxes[order] - truth).abs().max() < 1e-5)}")

# %% [markdown]
# The block holds it all. It has limits, and they are part of the design: a cell has room for B boxes and for *one*
# class, so two objects of different classes with their middles in one cell cannot both be said. (`yolo.encode` keeps
# the earlier one.) YOLO's authors name flocks of small birds as what it is bad at.
#
# ## A toy detector
#
# There is no trained YOLO here. But we have a network that can be asked everywhere: the confidence that something is in
# a base box is how sure the classifier is when that base box fills its window. So we resize the board until the
# base box has 224 pixels, take one dense pass, and read the map in the middle of every cell. Two base boxes, two
# passes.
#
# One thing is missing, and we leave it at 0: nobody has taught the classifier dx, dy, dh and dw.

# %%
squares = shapes[:2]
targets = [model.index_of(name) for name in places]
toy = scan(narrow, board, squares, targets, opening=narrow.size)  # (7, 7, 5·2 + 5)
everything = yolo.decode(toy, squares, classes=len(classes), threshold=0.0, overlap=1.0)
sure = yolo.decode(toy, squares, classes=len(classes), threshold=0.25, overlap=1.0)
print(
    f"{tuple(toy.shape)}: {len(everything.scores)} boxes, {len(sure.scores)} of them with a score of 0.25 or more"
)

# %% [markdown]
# A box's *score* is its confidence times its cell's best class score, background left out. Many boxes see the same
# object, so the last step is to keep one of each crowd: **non-maximum suppression**. For that we have to say when
# two boxes are "the same".
#
# ### Exercise 00.4
#
# Intersection over union: the area that two boxes share, over the area that they cover together. 1 if they are
# equal, 0 if they are apart. Compare every box of one list with every box of the other.


# %%
def box_iou(first, second):
    """IoU of every box of the first with every box of the second.

    first:   (n, 4);  second: (m, 4): left, top, right, bottom, in any unit, none empty
    Returns: (n, m)
    """
    # TODO 00.4: the shared area of each pair, over both areas less the shared one.
    # The trap: boxes that lie apart.
    ### BEGIN SOLUTION
    left_top = torch.maximum(first[:, None, :2], second[None, :, :2])  # (n, m, 2)
    right_bottom = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (right_bottom - left_top).clamp(min=0).prod(dim=-1)  # (n, m)
    area_first, area_second = ((boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (first, second))
    return shared / (area_first[:, None] + area_second[None] - shared)
    ### END SOLUTION


# %%
check("00.4", box_iou)

# %% [markdown]
# ### Exercise 00.5
#
# Go through the boxes from the surest to the least sure. A box stays, unless a box *that already stays* has the same
# class and an IoU with it above `overlap`. Return the numbers of those that stay, the surest first. `yolo.iou` is
# the lab's version of 00.4; two nested loops are fine.


# %%
def suppress(boxes, scores, labels, overlap):
    """Non-maximum suppression, class by class.

    boxes:   (n, 4);  scores: (n,);  labels: (n,)
    overlap: above that IoU two boxes of one class are the same object
    Returns: the numbers of the boxes that stay, (k,) int64 or a list, surest first; n may be 0
    """
    # TODO 00.5: from the surest on, keep what no kept box of its class overlaps.
    # The traps: the order; other classes; a box that has gone sends nobody away.
    ### BEGIN SOLUTION
    iou = yolo.iou(boxes, boxes)  # (n, n)
    stays = []
    for i in scores.argsort(descending=True).tolist():
        if not any(labels[i] == labels[j] and iou[i, j] > overlap for j in stays):
            stays.append(i)
    return stays
    ### END SOLUTION


# %%
check("00.5", suppress)

# %% [markdown]
# **Predict first.** On the board are four photos. How many boxes will be left of each?

# %%
kept = yolo.decode(toy, squares, classes=len(classes), threshold=0.25, overlap=0.3)
steps = {
    f"all {len(everything.scores)} boxes": everything,
    f"score 0.25 or more: {len(sure.scores)}": sure,
    f"after suppression: {len(kept.scores)}": kept,
}
best = [yolo.iou(truth[i : i + 1], kept.boxes[kept.labels == i + 1]) for i in range(len(truth))]
drawings.decoding(
    board,
    steps,
    classes,
    title="A classifier as a toy detector: from 98 boxes to a few",
    caption="Each class in its colour; the surer, the stronger the line. Best IoU with the photo's true place: "
    + ", ".join(
        f"{name} {iou.max():.2f}" if iou.numel() else f"{name} not found"
        for name, iou in zip(places, best, strict=True)
    )
    + ".",
)

# %% [markdown]
# Each of the four is found, by a network that has never seen a box. Three boxes for one photo of geese are no mistake
# of the suppression: they overlap little, and there *are* three birds. What is missing is in the numbers: the boxes
# stand where base boxes stand and are as large as they are. YOLO learns dx, dy, dh and dw, and does all of it in one
# pass, for all cells and base boxes at once.
#
# **The control.** The same steps with a network that has not been trained.

# %%
blind = scan(
    lab.convolutionize(untrained, window=3 if everywhere.pools else None),
    board,
    squares,
    targets,
    opening=narrow.size,
)
nothing = yolo.decode(blind, squares, classes=len(classes), threshold=0.25)
print(
    f"untrained: {len(nothing.scores)} boxes with a score of 0.25 or more; largest confidence "
    f"{blind[..., [4, 9]].max():.3f}, with training {toy[..., [4, 9]].max():.3f}"
)

# %% [markdown]
# ## The names of the review
#
# What each of them added, and the figure with which its own paper announced it. They are not comparable across the
# three groups, nor always within one: single networks and ensembles, years and test sets differ.
#
# **What is in the photo?** ImageNet (ILSVRC), share of photos whose label is not among the five guesses:
#
# | network | added | figure | source |
# |---|---|---|---|
# | AlexNet, 2012 | a deep CNN on GPUs, ReLU, dropout | 15.3 % (ensemble; runner-up 26.2 %) | NeurIPS 2012 |
# | VGG, 2014 | nothing but 3 × 3 convolutions, 16 to 19 layers | 6.8 % (two networks) | arXiv:1409.1556 |
# | GoogLeNet, 2014 | inception modules, 12 × fewer weights than AlexNet | 6.67 % (ensemble) | arXiv:1409.4842 |
# | ResNet, 2015 | shortcuts, up to 152 layers | 3.57 % (ensemble) | arXiv:1512.03385 |
#
# **Which pixels?**
#
# | network | added | figure | source |
# |---|---|---|---|
# | FCN, 2015 | classifiers made fully convolutional, upsampled | 62.2 % mean IU, VOC 2012 | arXiv:1411.4038 |
#
# **Which objects, and where?** PASCAL VOC, mean average precision (mAP):
#
# | detector | added | figure | source |
# |---|---|---|---|
# | R-CNN, 2014 | a CNN on each of some 2000 region proposals | 53.3 % (VOC 2012) | arXiv:1311.2524 |
# | Fast R-CNN, 2015 | one pass, regions cut from its *map*; 213 × faster | 66 % (VOC 2012) | arXiv:1504.08083 |
# | Faster R-CNN, 2015 | the network proposes, from base boxes | 73.2 % (VOC 2007), 5 frames/s | arXiv:1506.01497 |
# | YOLO, 2016 | no proposals: one grid, one pass | 63.4 % (VOC 2007), 45 frames/s | arXiv:1506.02640 |
#
# Fast R-CNN's step is the one you made above: do the convolutions once, and look at the map.
#
# Which of the classifiers are on this machine, and what do they say of the dalmatian? (`labkit fetch` in a terminal
# lists them all, with sizes.)

# %%
for name in models.NETWORKS:
    if name in models.available():
        other = models.load(name)
        with torch.no_grad():
            positions = lab.convolutionize(other)(wall).shape[2:]
        (first, p), *_ = other.top(dalmatian, k=1)
        print(f"{name:20}{first} {p:.0%}; on the wall a map of {positions[0]} × {positions[1]}")
    else:
        print(f"{name:20}not downloaded: labkit fetch {name}")

# %% [markdown]
# A trained detector is not in the lab's catalogue. If torchvision's Faster R-CNN is in its cache, it runs here on the
# board (it knows the 80 categories of COCO: dogs and birds, not dalmatians and geese); if not, the cell says how to
# get it.

# %%
try:
    *detected, coco = faster_rcnn(board)
    picture = drawings.decoding(
        board,
        {"Faster R-CNN": detected},
        coco,
        title="A trained detector on the same board",
        caption=f"{len(detected[0])} boxes with a score of 0.5 or more.",
    )
except LabError as not_here:
    picture = None
    print(not_here)
picture

# %% [markdown]
# ## Two questions
#
# Think before you read on; there is no check.
#
# 1. Our network learned from one label a photo, and yet it knew *where* the dalmatian was. Where in the network could
#    that knowledge be? Would a map of its first layer's answers show a dalmatian, too?
# 2. Every answer on the wall, and every box of YOLO's, begins with the same few weights: those of the first
#    convolution, which meets the pixels themselves. AlexNet and ResNet differ in nearly everything else. If we drew
#    their first weights as small pictures, what would you expect to see, and how different would they be?
#
# The next notebook draws them.
