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
# You will write both, find twelve things on a wall of photos in one pass, and build a toy detector out of a network
# that was never trained to detect anything.
#
# <!-- exercises -->

# %% [markdown]
# **How this lab works.** You write the few lines that matter. A cell that says `TODO` holds a function with a gap:
# replace `raise NotImplementedError(…)` by your code and run the cell (Shift-Enter), then run the check below it.
#
# - `check("00.1", your_function)` tries your function on small cases and says within a second whether it is right;
#   if not, what was expected, what came, and what the likely mistake is. Run it as often as you like. It takes tensors,
#   numpy arrays, lists and plain numbers alike; several results are returned with commas between them.
# - `hint("00.1")` gives a nudge. `hint("00.1", 2)` and so on come nearer to the line of code.
# - **Predict first** means: say it aloud before you run the next cell. That is half of the lab. Some predictions can be
#   measured: run the cell that asks for your bet, and type or choose it. At its end the notebook shows how good your
#   bets were.
# - No other cell needs your answers: all pictures appear whether your exercises are done or not.

# %%
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from labkit import check, hint, hooks, images, mine, models, progress, show, whose
from labkit.errors import LabError
from labkit.methods import dense as lab
from labkit.methods import yolo
from labkit.methods.detectors import faster_rcnn
from labkit.methods.scan import scan
from labkit.show import dense as pictures
from labkit.show import yolo as drawings

lab, yolo = mine(lab), mine(yolo)  # your own functions stand in them, once they pass their checks
NETWORK = "efficientnet_lite0"  # or "squeezenet"; once fetched, "alexnet", "vgg16", "resnet18", …

networks = {name: models.load(name) for name in dict.fromkeys([*models.EMBEDDED, NETWORK])}
model, squeezenet = networks[NETWORK], networks["squeezenet"]
titles = {"squeezenet": "SqueezeNet", "efficientnet_lite0": "EfficientNet-Lite0"}
titles = {name: titles.get(name, name) for name in networks}

bank = images.photos()
dalmatian = bank["dalmatian"]  # (1, 3, 224, 224), values in 0..1
for name, network in networks.items():
    guesses = ", ".join(f"{category} {p:.0%}" for category, p in network.top(dalmatian, k=3))
    print(f"{titles[name]} on the dalmatian's photo: {guesses}")

# %%
progress("00")

# %% [markdown]
# ## A linear layer is a convolution
#
# AlexNet's convolutions and poolings leave maps of 256 × 6 × 6. They are flattened to 9216 numbers, and a linear layer
# with 4096 × 9216 weights takes them all. That layer is why its photos have 224 × 224 pixels: a larger photo leaves
# larger maps, and more than 9216 numbers. (torchvision's AlexNet takes 448 × 448 all the same: it averages the larger
# maps down to 6 × 6, and gives one answer for the whole photo.)
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
# GoogLeNet, ResNet, DenseNet and EfficientNet-Lite0 do without the large linear layer: they take the **mean** of each
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
# `lab.convolutionize` does the first or the second, whichever a network needs, for AlexNet as well as for DenseNet. It
# changes nothing in the network: pooling and linear layers are replaced while it runs, and the weights are the same
# numbers in memory.
#
# **SqueezeNet needs no surgery.** Its last layer *is* a convolution: of 1 × 1, with one map for each of the 1000
# categories. After it come a ReLU and the mean of each map, 13 × 13 cells. So there is no layer to replace: the network
# runs on a larger photo as it stands, and the only change is to take the mean window by window.
#
# (From here on the cells use your own functions where they pass their checks, and a cell that calls them says so:
# `linear_everywhere` in AlexNet and VGG, `logits_everywhere` in EfficientNet-Lite0 and others that take one mean.
# Otherwise the lab's own, so they run whether or not yours are done.)
#
# **Predict first.** How large is the map of answers for a photo of 224 × 224? For 448 × 320, if the network halves
# the size five times? SqueezeNet halves it only four times: is its map larger or smaller?


# %%
for name in dict.fromkeys([*networks, "alexnet"]):
    network = models.load(name, weights="imagenet" if name in models.available() else None)
    everywhere = lab.convolutionize(network)
    one, many = lab.answers(everywhere, dalmatian), lab.answers(everywhere, torch.full((1, 3, 448, 320), 0.5))
    with torch.no_grad():
        same = torch.allclose(one[:, :, 0, 0], network(dalmatian), rtol=1e-4, atol=1e-4)
    kernels = [" × ".join(map(str, layer.kernel_size)) for layer in everywhere.convolutions]
    print(f"{name}: linear layers turned {', '.join(kernels) or 'none'}")
    print(f"  224 × 224 gives {tuple(one.shape)}")
    print(f"  the very same logits: {same}")
    print(f"  448 × 320 gives {tuple(many.shape)}")
print(whose.told())

# %% [markdown]
# ## Twelve questions, one pass
#
# Twelve photos hang on one wall. The networks were trained on photos with one subject each; now they get all of them
# at once, in a single pass. From the logits at each position, softmax gives the probability of each category there.
#
# We let each position look through a smaller opening than in training: the mean of 7 × 7 cells in place of
# SqueezeNet's 13 × 13, and of 3 × 3 in place of EfficientNet-Lite0's 7 × 7. That says more exactly *where*. (With
# 1 × 1 it would be the *class activation map* of Zhou et al. 2016.)
#
# **Predict first.** Nobody has ever told these networks *where* anything is: they were trained on one label per photo.
# Of the twelve, how many will they find?

# %%
show.bet(
    "found",
    "For how many of the twelve is the network surest of their category at a place on their own photo?",
    low=0,
    high=12,
    unit="of 12",
)

# %%
names = ["jeep", "folding chair", "strawberry", "bald eagle", "thatched roof", "drum"]
names += ["stained glass", "dalmatian", "goose", "yurt", "loafer", "cannon"]
wall = pictures.hang([bank[name] for name in names], columns=6)  # (1, 3, 480, 1504)
own = [int(bank.labels[bank.names.index(name)]) for name in names]  # each photo's category
middles = torch.tensor([[256 * (k % 6) + 112.0, 256 * (k // 6) + 112.0] for k in range(12)])  # x, y


def through_smaller_openings(network):
    everywhere = lab.convolutionize(network)  # AlexNet's and VGG's windows are fixed by their linear layers
    window = 7 if network.name == "squeezenet" else 3
    return lab.convolutionize(network, window=window) if everywhere.pools else everywhere


panels, notes, right = {}, [], {}
for name, network in networks.items():
    small = through_smaller_openings(network)
    found, windows = lab.probabilities(small, wall)  # (1000, h, w), and each position's window in pixels
    how = "as it stands" if name == "squeezenet" else "made fully convolutional"
    heading = f"{titles[name]}, {how}: {found.shape[1]} × {found.shape[2]} positions"
    panels[heading] = wall, dict(zip(names, found[own], strict=True)), windows
    notes.append(f"{small.size} × {small.size} pixels in {titles[name]}")
    places = (windows[..., :2] + windows[..., 2:]).flatten(0, 1) / 2  # the middle of each opening, x, y
    surest = places[found[own].flatten(1).argmax(dim=1)]
    on_its_own = ((surest - middles).abs() <= 112).all(dim=1)  # photos are 224 pixels wide and high
    right[name] = int(on_its_own.sum())

show.settle("found", right[NETWORK])
untrained = models.load(NETWORK, weights=None)
control, _ = lab.probabilities(through_smaller_openings(untrained), wall)
pictures.class_maps(
    panels,
    title="Twelve categories on a wall of twelve photos, found in a single pass",
    caption="Colour: the probability of a category at a position; none is 0, full is 1; beside its name the largest "
    f"on the wall. Each position looks through an opening of {', of '.join(notes)}. The control, {titles[NETWORK]} "
    f"without training: {control[own].max():.3f} at most, for any of the twelve, anywhere.",
)

# %% [markdown]
# All twelve, each on its own photo, by a network that stayed as it is and by one whose head was replaced. SqueezeNet
# even finds the dalmatian, which is only its third guess for the photo as a whole (at the top of this page).
#
# ## How sure?
#
# "The very same logits", we said. So take the *whole* window of the training again, and look at each photo through
# its own window on the wall: as sure as on the photo alone?
#
# It cannot be quite the same. A window that is *cut out* and given to the network ends in **zeros**: most convolutions
# pad their map's border. On the wall the surroundings reach into the window instead, because each cell of the last map
# sees more of the photo than its own 16 or 32 pixels. Without padding, map and cut-out window would agree exactly (the
# lab's tests verify that).
#
# **Predict first.** A cell of SqueezeNet's last map sees 207 × 207 pixels; one of EfficientNet-Lite0's sees more than
# the photo has. In which of the two do the surroundings count for more?

# %%
photos = torch.cat([bank[name] for name in names])


def in_the_middle(everywhere):
    """Each photo's own category at the position in its middle, (12,)."""
    found, windows = lab.probabilities(everywhere, wall)
    places = (windows[..., :2] + windows[..., 2:]).flatten(0, 1) / 2
    nearest = torch.cdist(middles, places).argmin(dim=1)
    return found.flatten(1)[own, nearest]


ways, moved = {}, []
for name, network in networks.items():
    with torch.no_grad():
        alone = network(photos).softmax(dim=1)[range(12), own]
    whole = in_the_middle(lab.convolutionize(network))
    ways[titles[name]] = {
        "the photo alone": alone,
        "on the wall, its whole window": whole,
        "on the wall, a smaller opening": in_the_middle(through_smaller_openings(network)),
    }
    moved.append(f"{(whole - alone).abs().mean():.2f} in {titles[name]}")
pictures.asked_in_several_ways(
    names,
    ways,
    label="probability of its own category",
    title="The same photos, asked about in three ways",
    caption=f"Each time one position: the photo's own window, or the opening in its middle. From the photo alone to "
    f"its whole window on the wall the probability moves by {', by '.join(moved)} (mean of the twelve). Medians, in "
    "the legend's order: "
    + "; ".join(
        f"{name} " + ", ".join(f"{p.median():.2f}" for p in asked.values()) for name, asked in ways.items()
    )
    + ".",
)

# %% [markdown]
# SqueezeNet: on the wall it is about as sure as on the photo alone, in a smaller opening less so.
#
# EfficientNet-Lite0: on the wall nearly all are less sure, and the dalmatian is lost. In a smaller opening, where the
# surroundings reach less, most are even surer than on the photo alone, because the subject fills the middle. Those that
# are less sure show the same from the other side: in the middle of *thatched roof* stands a monument on a lawn, and in
# the middle of *stained glass* (*prayer rug* to ImageNet) a pillar.
#
# A wall is an easy picture, since its photos are neatly separated. Here are two photos with several things in each.
#
# **Predict first.** *Espresso*, *ladle*, *space shuttle* and *football helmet* are among the 1000 categories. Where in
# a cup of coffee, and where around an astronaut, will SqueezeNet see them?

# %%
large = images.photos(size=448)
small = through_smaller_openings(squeezenet)
blind = through_smaller_openings(models.load("squeezenet", weights=None))
things = {"coffee": ["espresso", "ladle"], "astronaut": ["space shuttle", "football helmet"]}
panels, by_the_untrained = {}, 0.0
for name, asked in things.items():
    found, windows = lab.probabilities(small, large[name])
    numbers = [squeezenet.index_of(category) for category in asked]
    panels[name] = large[name], dict(zip(asked, found[numbers], strict=True)), windows
    by_the_untrained = max(by_the_untrained, float(lab.probabilities(blind, large[name])[0][numbers].max()))
compass = found[squeezenet.index_of("magnetic compass")].max()

pictures.class_maps(
    panels,
    columns=2,
    title="SqueezeNet, as it stands: four small things in two photos",
    caption=f"{found.shape[1]} × {found.shape[2]} positions, an opening of {small.size} × {small.size} pixels each, in "
    f"photos of 448 × 448. The control, SqueezeNet without training: {by_the_untrained:.3f} at most. Another control: "
    f"there is no magnetic compass in the astronaut's photo, yet somewhere its probability is {compass:.2f}.",
)

# %% [markdown]
# Each is where it should be, if a spoon may pass for a ladle. But look at the caption's last number. A classifier has
# to choose one of its 1000 categories at *every* position, on an empty wall as well: it has no word for "nothing".
# Detectors have one, the class *background*, and you will meet it soon.
#
# ## Back to pixels
#
# FCN (Long et al. 2015, arXiv:1411.4038) asks which pixels belong to what. It takes a classifier, makes it fully
# convolutional, and enlarges the map of answers to the size of the photo: each answer goes to the middle of its window,
# and the pixels between have a mixture of the four nearest (bilinear). At each pixel the most probable class wins.
#
# **Predict first.** We give the coffee four classes to choose from: *espresso*, *ladle*, *soup bowl*, and *dalmatian*,
# which is not there. What will the empty table be?

# %%
show.bet(
    "table",
    "Which of the four leads in most of the photo, cup, spoon and table together?",
    options=["espresso", "ladle", "soup bowl", "dalmatian"],
)

# %%
fine = lab.convolutionize(squeezenet, window=3)  # openings of 64 pixels
coffee, choices = large["coffee"], ["espresso", "ladle", "soup bowl", "dalmatian"]
answers, places = lab.probabilities(fine, coffee)
answers = answers[[squeezenet.index_of(category) for category in choices]]  # (4, h, w)
pixels = lab.upsampled(answers, places, coffee.shape[2:])  # (4, 448, 448)
show.settle("table", choices[pixels.argmax(dim=0).flatten().bincount().argmax()])
pictures.coarse_segmentation(
    coffee,
    dict(zip(choices, pixels, strict=True)),
    cells=answers[0],
    title="From answers to pixels: a coarse segmentation by a network that was never trained for it",
    caption=f"{titles['squeezenet']}; each position looks through {fine.size} × {fine.size} pixels, and they are 16 "
    f"pixels apart. The largest probability of dalmatian, which is not there: {pixels[-1].max():.3f}.",
)

# %% [markdown]
# The table becomes a bowl, or coffee, or a ladle, as one of the four has to win. In the last picture all other 996
# classes together are a fifth choice, and what is left is the cup's rim, and the bowl of the spoon, with a few patches
# on the saucer that are nothing of the kind.
#
# This is how FCN begins, not what it is. Its borders are not the things' borders: a position speaks for its whole
# window, SqueezeNet takes a step of 16 pixels from one to the next, and enlarging cannot bring back what lies between.
# FCN is then *trained* on photos of which every pixel has a label, *background* among them; it learns the enlarging as
# well, and adds answers of earlier layers, whose steps are smaller.
#
# ## Why not simply slide a window?
#
# One could also cut out a window at each position and give it to the network, as detectors long did. That gives as many
# answers, but for far more *work*. Neighbouring windows overlap almost completely, and the convolutions of the overlap
# are the same (but for the padding), so the dense pass does them once.
#
# **Predict first.** On a photo of 896 × 896, how many times more work is the sliding window?

# %%
show.bet(
    "work", "How many times the work of the dense pass, at 896 × 896 pixels?", low=1, high=500, unit="times"
)


# %%
def work(network, side):
    """A pass over a photo of side × side: its multiplications with addition, in billions, and its positions."""
    with FlopCounterMode(display=False) as counter:
        logits = lab.answers(network, torch.full((1, 3, side, side), 0.5))
    return counter.get_total_flops() / 2 / 1e9, logits[0, 0].numel()


sides = [224, 320, 448, 672, 896]
everywhere = lab.convolutionize(model)
dense_pass, positions = zip(*(work(everywhere, side) for side in sides), strict=True)
sliding = [work(model, 224)[0] * count for count in positions]
show.settle("work", sliding[-1] / dense_pass[-1])
show.lines(
    {"a window that slides": (sides, sliding), "one dense pass": (sides, dense_pass)},
    across="photo, in pixels",
    up="billion multiply-adds",
    ticks={side: f"{side}²" for side in sides},
    look={"yscale": "log"},
    title="The same number of answers for a fraction of the work",
    caption=f"{titles[NETWORK]}, counted, not timed. At {sides[-1]}² pixels there are {positions[-1]} positions: "
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
# | dx, dy | move the box's middle by so many widths and heights of the *base box* | the cell's middle |
# | dh, dw | make it exp(dh) times as high, exp(dw) times as wide | the base box's own size |
# | confidence | is there an object in this box? | no |
#
# (This is the lecture's order. Boxes are left, top, right, bottom, in 0..1 of the picture. Papers differ: the first
# YOLO had no base boxes, the second squashes dx and dy with a sigmoid so that a middle stays in its cell.)
#
# ### Exercise 00.3
#
# Turn those numbers into boxes. Base box `b` of the cell in row `r` and column `c` has its middle at
# x = (c + ½) / 7 and y = (r + ½) / 7, and `anchors[b]` is its (width, height). A box may leave the picture: nothing is
# cut off. You know that it is right when offsets of 0 give the base boxes themselves.


# %%
def decode_boxes(offsets, anchors):
    """The boxes that the offsets stand for.

    offsets: (grid, grid, B, 4): row, column, base box, and dx, dy, dh, dw
    anchors: (B, 2), width and height of each base box in 0..1
    Returns: (grid, grid, B, 4): left, top, right, bottom, where 0..1 is the picture and a box may leave it
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
show.bet("boxes", "In how many of the 147 boxes is the confidence above 0?", low=0, high=147, unit="of 147")

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
show.settle("boxes", int((output[..., [4, 9, 14]] > 0).sum()))
drawings.grid_and_cell(
    board,
    output,
    shapes,
    (row, column),
    classes,
    title=f"YOLO's output for this board: {' × '.join(map(str, output.shape))} numbers",
    caption=f"Encoded from the places we chose. Orange: the cell of row {row}, column {column}; dashed: its three base "
    f"boxes, each with its five numbers in its own colour. {int((output[..., [4, 9, 14]] > 0).sum())} of "
    f"{7 * 7 * 3} boxes have a confidence above 0.",
)

# %%
again = yolo.decode(output, shapes, classes=len(classes))
order = again.labels.argsort()
print("decoded:", ", ".join(classes[label] for label in again.labels[order]))
print("boxes equal to 1e-5:", bool((again.boxes[order] - truth).abs().max() < 1e-5))

# %% [markdown]
# The block holds it all. It has limits, and they are part of the design: a cell has room for B boxes and for *one*
# class, so two objects of different classes with their middles in one cell cannot both be written down. (`yolo.encode`
# keeps the earlier one.) YOLO's authors name flocks of small birds as a case that it is bad at.
#
# ## A toy detector
#
# There is no trained YOLO here. But we have a network that can be asked everywhere. As the confidence that something is
# in a base box we take how sure the classifier is when that box fills its window. So we resize the board until the base
# box has 224 pixels, take one dense pass, and read the map in the middle of every cell. Two base boxes, two passes.
#
# One thing is missing, and we leave it at 0: nobody has taught the classifier dx, dy, dh and dw.

# %%
narrow = through_smaller_openings(model)
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
# class and an IoU with it above `overlap`. Return the *indices* of those that stay (their rows in `boxes`), the surest
# first, whatever their class. `yolo.iou` is the lab's version of 00.4; two nested loops are fine.


# %%
def suppress(boxes, scores, labels, overlap):
    """Non-maximum suppression: of boxes of one class that overlap, the surest stays.

    boxes:   (n, 4);  scores: (n,);  labels: (n,)
    overlap: above that IoU two boxes of one class are the same object
    Returns: the indices of the boxes that stay, (k,) int64 or a list, surest first; n may be 0
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
blind = scan(through_smaller_openings(untrained), board, squares, targets, opening=narrow.size)
nothing = yolo.decode(blind, squares, classes=len(classes), threshold=0.25)
print(
    f"untrained: {len(nothing.scores)} boxes with a score of 0.25 or more; largest confidence "
    f"{blind[..., [4, 9]].max():.3f}, with training {toy[..., [4, 9]].max():.3f}"
)

# %% [markdown]
# ## The names of the review
#
# What each of them added, and the result that its own paper reported. They are not comparable across the three groups,
# nor always within one: single networks and ensembles, years and test sets differ. (A year, here as in all notebooks,
# is that of the conference or journal; of arXiv where a paper appeared nowhere else. The competition that VGG and
# GoogLeNet took part in was that of 2014, ResNet's that of 2015.)
#
# **What is in the photo?** ImageNet (ILSVRC), share of photos whose label is not among the five guesses:
#
# | network | added | figure |
# |---|---|---|
# | AlexNet, 2012 (NeurIPS) | a deep CNN on GPUs, ReLU, dropout | 15.3 % (ensemble; runner-up 26.2 %) |
# | [VGG, 2015][vgg] | nothing but 3 × 3 convolutions, 16 to 19 layers | 6.8 % (two networks) |
# | [GoogLeNet, 2015][googlenet] | inception modules, 12 × fewer weights than AlexNet | 6.67 % (ensemble) |
# | [ResNet, 2016][resnet] | shortcuts, up to 152 layers | 3.57 % (ensemble) |
#
# **Which pixels?**
#
# | network | added | figure |
# |---|---|---|
# | [FCN, 2015][fcn] | classifiers made fully convolutional, upsampled | 62.2 % mean IU, VOC 2012 |
#
# **Which objects, and where?** PASCAL VOC, mean average precision (mAP):
#
# | detector | added | figure |
# |---|---|---|
# | [R-CNN, 2014][rcnn] | a CNN on each of some 2000 region proposals | 53.3 % (VOC 2012) |
# | [Fast R-CNN, 2015][fastrcnn] | one pass, regions cut from its *map* | 66 % (VOC 2012) |
# | [Faster R-CNN, 2015][fasterrcnn] | the network proposes, from base boxes | 73.2 % (VOC 2007), 5 frames/s |
# | [YOLO, 2016][yolo] | no proposals: one grid, one pass | 63.4 % (VOC 2007), 45 frames/s |
#
# Fast R-CNN's step is the one you made above: do the convolutions once, and look at the map. With VGG16 that made it
# 146 × as fast as R-CNN, and 213 × with the linear layers made smaller by an SVD (the time for proposals not counted).
#
# Which of the classifiers are on this machine, and what do they say of the dalmatian? (`labkit fetch` in a terminal
# lists them all, with sizes.)
#
# [vgg]: https://arxiv.org/abs/1409.1556
# [googlenet]: https://arxiv.org/abs/1409.4842
# [resnet]: https://arxiv.org/abs/1512.03385
# [fcn]: https://arxiv.org/abs/1411.4038
# [rcnn]: https://arxiv.org/abs/1311.2524
# [fastrcnn]: https://arxiv.org/abs/1504.08083
# [fasterrcnn]: https://arxiv.org/abs/1506.01497
# [yolo]: https://arxiv.org/abs/1506.02640

# %%
for name in models.NETWORKS:
    if name in models.available():
        other = models.load(name)
        positions = lab.answers(lab.convolutionize(other), wall).shape[2:]
        (first, p), *_ = other.top(dalmatian, k=1)
        print(f"{name}: {first} {p:.0%}\n  a map of {positions[0]} × {positions[1]} on the wall")
    else:
        print(f"{name}: labkit fetch {name}")

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

# %%
show.how_well_you_knew()

# %% [markdown]
# ## Two questions
#
# Think before you read on; there is no check.
#
# 1. Our network learned from one label per photo, and yet it knew *where* the dalmatian was. Where in the network could
#    that knowledge be? Would a map of its first layer's answers show a dalmatian, too?
# 2. Every answer on the wall, and every box of YOLO's, begins with the same few weights: those of the first
#    convolution, which meets the pixels themselves. AlexNet and ResNet differ in nearly everything else. If we drew
#    their first weights as small pictures, what would you expect to see, and how different would they be?
#
# The [next notebook](01_first_layer_filters.ipynb) draws them.
