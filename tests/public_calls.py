"""The lab's functions that take tensors, networks and numbers, each with one call that is right."""

import torch
from torch import nn

from labkit import batches, hooks, images, objectives, receptive
from labkit.methods import (
    activations,
    adversarial,
    ascent,
    dense,
    dream,
    evidence,
    filters,
    gallery,
    gradients,
    neighbors,
    neurons,
    patches,
    planted,
    probe,
    robustness,
    sanity,
    scan,
    sheets,
    switches,
)
from labkit.methods.push import push
from labkit.models import Classifier, logits_of
from labkit.show import activations as show_activations
from labkit.show import adversarial as show_adversarial
from labkit.show import dense as show_dense
from labkit.show import drawing, plots
from labkit.show import filters as show_filters
from labkit.show import gradients as show_gradients
from labkit.show import neighbors as show_neighbors
from labkit.show import patches as show_patches
from labkit.show import planted as show_planted


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def _classifier(*layers, size=32):
    torch.manual_seed(0)
    return Classifier(
        nn.Sequential(*(layer() for layer in layers)), name="small", categories=list("abcd"), input_size=size
    )


END = (lambda: nn.AdaptiveAvgPool2d(1), nn.Flatten, lambda: nn.Linear(6, 4))
MODEL = _classifier(lambda: nn.Conv2d(3, 5, 3, padding=1), lambda: nn.BatchNorm2d(5), nn.ReLU, lambda: nn.MaxPool2d(2),
                    lambda: nn.Conv2d(5, 6, 3), nn.ReLU, *END)  # fmt: skip
NEEDY = _classifier(  # as AlexNet: a least size, and a head of one size
    lambda: nn.Conv2d(3, 5, 11, stride=4), nn.ReLU, lambda: nn.MaxPool2d(3, 2), lambda: nn.Conv2d(5, 6, 5), nn.ReLU,
    lambda: nn.MaxPool2d(2), nn.Flatten, lambda: nn.Linear(6, 4), size=64,
)  # fmt: skip
IMAGES, PHOTO = rand(2, 3, 32, 28), rand(1, 3, 32, 28)
MAPS = rand(2, 5, 7, 6) - 0.2
LABELS, VECTORS, ROWS = torch.tensor([0, 3]), rand(6, 8), rand(3, 8, seed=1)
LAYER = "1"
TOP = patches.top_patches(MODEL, IMAGES, LAYER, [0, 2], k=2)
DENSE = dense.convolutionize(MODEL)
WINDOWS = dense.windows(DENSE, rand(1, 3, 40, 36), dense.answers(DENSE, rand(1, 3, 40, 36)))
OBJECTIVE = objectives.logit(MODEL, 1)
FIELD = receptive.receptive_field(MODEL.net, LAYER, 32)


def drawn(transform, photos):
    return transform(photos, torch.Generator().manual_seed(0))


def regularised(regularise, photos):
    return regularise(photos, rand(*IMAGES.shape, seed=2) - 0.5, 4)


def recorded(model, photos, layer):
    with hooks.recording(model.net if isinstance(model, Classifier) else model, layer) as seen:
        model(photos)
    return seen.maps(layer)


def unpooled(model, photos, where):
    with switches.unpooling(where):
        return gradients.saliency(model, photos, 1)


def crops_of(photos, **options):
    return planted.planted(photos, **{"count": 8, "size": 36} | options)


def tiny_and_crops(photos):
    crops = crops_of(photos)
    return planted.untaught(size=36, device=photos.device).to(photos.dtype), crops


CROPS = crops_of(rand(2, 3, 40, 44))
NETWORK = {"model": MODEL, "images": IMAGES}
ATTACK = {**NETWORK, "labels": LABELS, "epsilon": 0.1}
CLIMB = {"size": 16, "steps": 2, "transforms": ()}
DREAM = {
    "octaves": 1,
    "scale": 1.4,
    "steps": 1,
    "step_size": 0.01,
    "jitter": 4,
    "bands": 2,
    "tile": 32,
    "margin": 32,
    "seed": 0,
}
SLOW = {"figure"}  # drawn by matplotlib

CALLS = {
    # images and batches
    "images.expect_images": (images.expect_images, {"images": IMAGES}),
    "images.fit": (images.fit, {"images": IMAGES, "size": 16}),
    "images.to_8_bit": (images.to_8_bit, {"images": IMAGES}),
    "images.photos": (images.photos, {"size": 8}),
    "batches": (lambda **given: list(batches.batches(**given)), {"images": IMAGES, "size": 2}),
    # looking
    "hooks.find_layer": (hooks.find_layer, {"module": MODEL.net, "layer": LAYER}),
    "hooks.recording": (recorded, {"model": MODEL, "photos": IMAGES, "layer": LAYER}),
    "objectives.logit": (
        lambda images, **g: objectives.logit(**g)(images),
        {"model": MODEL, "targets": [0, 1], "images": IMAGES},
    ),
    "objectives.logit by name": (
        lambda images, **g: objectives.logit(**g)(images),
        {"model": MODEL, "targets": "b", "images": IMAGES},
    ),
    "objectives.channel": (
        lambda images, **g: objectives.channel(**g)(images),
        {"model": MODEL, "layer": LAYER, "channel": 1, "images": IMAGES},
    ),
    "objectives.channels": (
        lambda images, **g: objectives.channel(**g)(images),
        {"model": MODEL, "layer": ["0", "1"], "channel": [1, 2], "images": IMAGES},
    ),
    "objectives.neuron": (
        lambda images, **g: objectives.neuron(**g)(images),
        {"model": MODEL, "layer": LAYER, "channel": 1, "row": 2, "column": 3, "images": IMAGES},
    ),
    "objectives.of_layer": (
        lambda images, **g: objectives.of_layer(**g)(images),
        {"model": MODEL, "layer": LAYER, "read": lambda maps: maps.sum((1, 2, 3)), "images": IMAGES},
    ),
    "receptive.receptive_field": (
        lambda **g: receptive.receptive_field(**g).boxes,
        {"net": MODEL.net, "layer": "4", "input_size": (32, 28)},
    ),
    "receptive.box": (FIELD.box, {"row": 1, "column": 2}),
    "models.logits_of": (logits_of, NETWORK),
    "the network": (lambda images: MODEL(images), {"images": IMAGES}),
    "a needy network": (lambda images: NEEDY(images), {"images": rand(1, 3, 64, 64)}),
    "needy maps": (activations.record, {"model": NEEDY, "images": rand(1, 3, 64, 64), "layer": "3"}),
    "a needy field": (
        lambda **g: receptive.receptive_field(**g).boxes,
        {"net": NEEDY.net, "layer": "3", "input_size": (64, 64)},
    ),
    "top": (MODEL.top, {"image": PHOTO, "k": 2}),
    "index_of": (MODEL.index_of, {"category": "b"}),
    "index_of an index": (MODEL.index_of, {"category": 1}),
    # 00
    "dense.convolutionize": (
        lambda images, **g: dense.convolutionize(**g)(images),
        {"model": MODEL, "window": 10, "images": rand(1, 3, 40, 36)},
    ),
    "dense.windows": (
        dense.windows,
        {"dense": DENSE, "images": rand(1, 3, 40, 36), "logits": rand(1, 4, 5, 3)},
    ),
    "dense.probabilities": (dense.probabilities, {"dense": DENSE, "images": rand(1, 3, 40, 36)}),
    "dense.answers": (dense.answers, {"dense": DENSE, "images": rand(1, 3, 40, 36)}),
    "dense.upsampled": (
        dense.upsampled,
        {"maps": rand(4, *WINDOWS.shape[:2]), "windows": WINDOWS, "size": (40, 36)},
    ),
    "scan.scan": (
        scan.scan,
        {
            "dense": DENSE,
            "picture": rand(1, 3, 40, 36),
            "anchors": torch.tensor([[0.5, 0.4], [0.9, 0.9]]),
            "targets": [0, 2],
            "full": 32,
            "opening": 32,
            "grid": 3,
        },
    ),
    # 01
    "filters.first_convolution": (filters.first_convolution, {"net": MODEL.net}),
    "filters.first_layer": (filters.first_layer, {"net": MODEL.net}),
    "filters.random_patches": (filters.random_patches, {"images": IMAGES, "count": 20, "size": 5, "seed": 0}),
    "filters.normalize_contrast": (filters.normalize_contrast, {"patches": VECTORS, "epsilon": 0.01}),
    "filters.zca_whiten": (filters.zca_whiten, {"patches": VECTORS, "epsilon": 0.1}),
    "filters.kmeans_round": (filters.kmeans_round, {"patches": VECTORS, "centroids": ROWS}),
    "filters.learn_filters": (
        filters.learn_filters,
        {"images": IMAGES, "count": 4, "size": 5, "seed": 0, "patches": 50, "rounds": 2},
    ),
    "filters.orientation": (filters.orientation, {"filters": rand(4, 3, 5, 5)}),
    "filters.bandwidth": (filters.bandwidth, {"filters": rand(4, 3, 5, 5)}),
    "sheets.rescale": (sheets.rescale, {"images": IMAGES}),
    "sheets.tile": (sheets.tile, {"images": IMAGES, "columns": 2, "gap": 1, "background": 0.5}),
    # 02
    "neighbors.features": (neighbors.features, {**NETWORK, "batch_size": 2}),
    "neighbors.distances": (neighbors.distances, {"query": ROWS, "gallery": VECTORS}),
    "neighbors.nearest": (
        neighbors.nearest,
        {"query": ROWS, "gallery": VECTORS, "k": 2, "leave_out": torch.arange(3), "memory_mb": 256},
    ),
    "neighbors.smallest": (neighbors.smallest, {"table": VECTORS, "k": 2, "leave_out": torch.arange(6)}),
    "neighbors.precision_at_k": (
        neighbors.precision_at_k,
        {
            "neighbors": torch.tensor([[0, 1], [2, 5], [3, 3]]),
            "query_ids": torch.arange(3),
            "gallery_ids": torch.arange(6),
        },
    ),
    "neighbors.pca_map": (neighbors.pca_map, {"vectors": VECTORS}),
    "neighbors.on_widest_plane": (neighbors.on_widest_plane, {"vectors": VECTORS}),
    "gallery.views": (
        gallery.views,
        {"photos": IMAGES, "per_photo": 2, "seed": 0, "changes": ["crop", "flip"]},
    ),
    "gallery.pixels": (gallery.pixels, {"images": IMAGES, "size": 8}),
    "gallery.collect": (
        lambda ids, rows: gallery.collect([(IMAGES, ids)], pixels=lambda some: rows),
        {"ids": LABELS, "rows": ROWS[:2]},
    ),
    "probe.train": (
        lambda **g: probe.train(**g).weights,
        {"features": VECTORS, "labels": torch.arange(6) % 2, "l1": 0.01, "l2": 0.01, "steps": 5},
    ),
    "probe.objective": (
        probe.objective,
        {"weights": rand(8, 2), "features": VECTORS, "labels": torch.arange(6) % 2, "l1": 0.01, "l2": 0.01},
    ),
    "probe.probe_step": (
        probe.probe_step,
        {
            "weights": rand(8, 2),
            "features": VECTORS,
            "labels": torch.arange(6) % 2,
            "rate": 0.1,
            "l1": 0.01,
            "l2": 0.01,
        },
    ),
    "probe.logits": (
        lambda features: probe.train(VECTORS, torch.arange(6) % 2, steps=2).logits(features),
        {"features": VECTORS},
    ),
    "probe.accuracy": (
        lambda features, labels: probe.train(VECTORS, torch.arange(6) % 2, steps=2).accuracy(
            features, labels
        ),
        {"features": VECTORS, "labels": torch.arange(6) % 2},
    ),
    "probe.from_scratch": (
        lambda images, **g: probe.from_scratch(images, **g)(images),
        {"images": IMAGES, "labels": torch.tensor([0, 1]), "size": 16, "steps": 2, "seed": 0},
    ),
    "probe.network_accuracy": (probe.network_accuracy, {"net": MODEL, "images": IMAGES, "labels": LABELS}),
    # 03
    "activations.record": (activations.record, {**NETWORK, "layer": LAYER}),
    "activations.rectified_layers": (activations.rectified_layers, NETWORK),
    "activations.to_grey": (activations.to_grey, {"maps": MAPS, "shared": True}),
    "activations.sparsity": (activations.sparsity, {"maps": MAPS}),
    "activations.never_fires": (activations.never_fires, {"maps": MAPS}),
    "activations.silence": (activations.silence, {"maps": MAPS}),
    "activations.silence_by_layer": (
        activations.silence_by_layer,
        {**NETWORK, "layers": ["0", "1"], "batch": 2},
    ),
    "activations.upsample": (activations.upsample, {"maps": MAPS, "size": (9, 8)}),
    "activations.overlay": (
        activations.overlay,
        {"image": PHOTO[0], "channel": MAPS[0, 0], "colour": (1.0, 0.3, 0.0), "strength": 0.5},
    ),
    "activations.peak_places": (activations.peak_places, {"maps": MAPS, "channel": 1}),
    "evidence.told_apart": (evidence.told_apart, {"wanted": VECTORS, "others": ROWS}),
    "evidence.selectivity": (evidence.selectivity, {"maps": MAPS, "wanted": torch.tensor([True, False])}),
    "evidence.best_by_chance": (evidence.best_by_chance, {"maps": MAPS, "count": 1, "draws": 3, "seed": 0}),
    "evidence.face_tests": (evidence.face_tests, {"count": 2, "size": 20, "side": 10}),
    "evidence.shuffle_blocks": (evidence.shuffle_blocks, {"images": rand(2, 10, 15), "block": 5, "seed": 0}),
    # 04
    "patches.top_patches": (
        lambda **g: vars(patches.top_patches(**g)),
        {**NETWORK, "layer": LAYER, "channels": [0, 2], "k": 2, "batch_size": 2},
    ),
    "patches.peaks": (patches.peaks, {"maps": MAPS}),
    "patches.whole_and_quarters": (patches.whole_and_quarters, {"images": rand(2, 3, 16, 16)}),
    "patches.chain_field": (patches.chain_field, {"layers": [[3, 1, 1, 1], [2, 2, 0, 1]]}),
    "patches.unit_box": (
        patches.unit_box,
        {"row": 1, "column": 2, "field": (5, 2, -1), "image_size": (16, 12)},
    ),
    "patches.field_size": (patches.field_size, {"net": MODEL.net, "layer": LAYER, "image_size": (32, 28)}),
    "patches.on_canvas": (
        patches.on_canvas,
        {"crop": rand(3, 4, 5), "corner": [1, 2], "image_size": (16, 12), "fill": 0.5},
    ),
    "patches.moved": (
        lambda **g: vars(patches.moved(**g)),
        {"model": MODEL, "layer": LAYER, "top": TOP, "image_size": (32, 28), "units": 1},
    ),
    "patches.answers_alone": (
        patches.answers_alone,
        {"model": MODEL, "layer": LAYER, "top": TOP, "image_size": (32, 28), "batch_size": 2},
    ),
    "patches.only": (lambda channels: vars(TOP.only(channels)), {"channels": [2]}),
    "patches.inside": (lambda **g: vars(patches.inside(TOP, **g)), {"k": 1}),
    "patches.ranked": (lambda **g: vars(patches.ranked(TOP, **g)), {"ranks": torch.tensor([[1, 0], [0, 1]])}),
    "patches.likeness": (
        lambda rows, side: patches.likeness(rows, side=side),
        {"rows": rand(3, 2, 3, 9, 9), "side": 4},
    ),
    "patches.overlap": (patches.overlap, {"images": torch.tensor([[0, 1], [1, 2]])}),
    # 05
    "gradients.input_gradient": (gradients.input_gradient, {"objective": OBJECTIVE, "images": IMAGES}),
    "gradients.saliency": (gradients.saliency, {**NETWORK, "targets": LABELS}),
    "gradients.guided_backprop": (gradients.guided_backprop, {**NETWORK, "targets": [0, 1]}),
    "gradients.deconvnet": (gradients.deconvnet, {**NETWORK, "targets": "a"}),
    "neurons.loudest": (neurons.loudest, {"maps": MAPS, "channel": 1}),
    "neurons.standouts": (neurons.standouts, {"maps": MAPS, "count": 2, "margin": 1}),
    "neurons.shrink": (neurons.shrink, {"box": (0, 0, 8, 8), "share": 0.5}),
    "neurons.around": (
        neurons.around,
        {"image": PHOTO, "maps": MAPS, "place": neurons.Neuron(0, 1, 2, 3), "side": 8},
    ),
    "neurons.crop": (neurons.crop, {"images": IMAGES, "box": (1, 2, 9, 8)}),
    "neurons.three_rules": (
        neurons.three_rules,
        {"model": MODEL, "image": PHOTO, "layer": LAYER, "channel": 1, "row": 2, "column": 3},
    ),
    "sanity.rank_correlation": (sanity.rank_correlation, {"first": VECTORS, "second": rand(6, 8, seed=3)}),
    "sanity.edges": (sanity.edges, {"images": IMAGES}),
    "sanity.down_to": (sanity.down_to, {"net": MODEL.net, "layer": "4"}),
    "sanity.shuffle_weights": (
        lambda **g: sanity.shuffle_weights(**g)(IMAGES),
        {"model": MODEL, "layers": ["0", "4"], "seed": 0},
    ),
    "switches.switches": (switches.switches, NETWORK),
    "switches.unpooling": (
        lambda where, photos: unpooled(MODEL, photos, [where]),
        {"where": switches.switches(MODEL, IMAGES)[0], "photos": IMAGES},
    ),
    # 06
    "ascent.maximize": (
        ascent.maximize,
        {"objective": OBJECTIVE, "start": PHOTO, "transforms": (), "steps": 2, "seed": 0},
    ),
    "ascent.maximize from nothing": (
        ascent.maximize,
        {"objective": OBJECTIVE, "size": 16, "steps": 2, "seed": 0},
    ),
    "ascent.maximize in pixels": (
        ascent.maximize,
        {
            "objective": OBJECTIVE,
            "start": PHOTO,
            "parameterisation": ascent.PIXELS,
            "rule": ascent.normalised_steps(0.01),
            "transforms": (),
            "steps": 1,
        },
    ),
    "ascent.ascend": (
        lambda **g: [vars(frame) for frame in ascent.ascend(**g)],
        {"objective": OBJECTIVE, "size": 16, "steps": 2, "seed": 0},
    ),
    "ascent.rescore": (ascent.rescore, {**NETWORK, "categories": ["a", "b"]}),
    "ascent.roughness": (ascent.roughness, {"images": IMAGES}),
    "ascent.l2": (lambda images: ascent.l2()(images), {"images": IMAGES}),
    "ascent.total_variation": (lambda images: ascent.total_variation()(images), {"images": IMAGES}),
    "ascent.penalised_logit": (
        lambda images, **g: ascent.penalised_logit(**g)(images),
        {"model": MODEL, "target": 1, "weight": 0.1, "images": IMAGES},
    ),
    "ascent.decay": (
        lambda images, **g: regularised(ascent.decay(**g), images),
        {"share": 0.1, "images": IMAGES},
    ),
    "ascent.blur": (
        lambda images, **g: regularised(ascent.blur(**g), images),
        {"sigma": 0.7, "every": 2, "images": IMAGES},
    ),
    "ascent.gaussian_blur": (ascent.gaussian_blur, {"images": IMAGES, "sigma": 0.7}),
    "ascent.clip_norm": (
        lambda images, **g: regularised(ascent.clip_norm(**g), images),
        {"percent": 30.0, "images": IMAGES},
    ),
    "ascent.clip_contribution": (
        lambda images, **g: regularised(ascent.clip_contribution(**g), images),
        {"percent": 30.0, "images": IMAGES},
    ),
    "ascent.normalised": (ascent.normalised, {"gradient": IMAGES}),
    "ascent.adam": (lambda rate: ascent.maximize(OBJECTIVE, rule=ascent.adam(rate), **CLIMB), {"rate": 0.05}),
    "ascent.normalised_steps": (
        lambda rate: ascent.maximize(OBJECTIVE, rule=ascent.normalised_steps(rate), **CLIMB),
        {"rate": 0.05},
    ),
    "ascent.pad": (
        lambda images, **g: drawn(ascent.pad(**g), images),
        {"pixels": 2, "value": 0.5, "images": IMAGES},
    ),
    "ascent.jitter": (lambda images, **g: drawn(ascent.jitter(**g), images), {"pixels": 2, "images": IMAGES}),
    "ascent.scale": (
        lambda images, **g: drawn(ascent.scale(**g), images),
        {"low": 0.8, "high": 1.2, "images": IMAGES},
    ),
    "ascent.rotate": (
        lambda images, **g: drawn(ascent.rotate(**g), images),
        {"degrees": 10.0, "images": IMAGES},
    ),
    "ascent.tint": (lambda images: drawn(ascent.tint, images), {"images": IMAGES}),
    # 07
    "dream.deep_dream": (
        dream.deep_dream,
        {"model": MODEL, "image": rand(1, 3, 48, 40), "layer": LAYER, "guide": rand(1, 3, 24, 20), **DREAM},
    ),
    "dream.activation_norm": (
        lambda images, **g: dream.activation_norm(**g)(images),
        {"model": MODEL, "layer": LAYER, "images": IMAGES},
    ),
    "dream.guide_match": (
        lambda images, **g: dream.guide_match(**g)(images),
        {"model": MODEL, "layer": LAYER, "guide": PHOTO, "images": IMAGES},
    ),
    "dream.best_match": (dream.best_match, {"maps": MAPS, "guide": rand(5, 4, 3)}),
    "dream.even_bands": (dream.even_bands, {"gradient": IMAGES, "bands": 2}),
    "dream.resize": (dream.resize, {"images": IMAGES, "size": (9, 8)}),
    "dream.octave_sizes": (dream.octave_sizes, {"size": (64, 48), "octaves": 2, "scale": 1.4}),
    "dream.tiles": (dream.tiles, {"size": (64, 48), "tile": 32}),
    "dream.tiled_gradient": (
        dream.tiled_gradient,
        {"objective": dream.activation_norm(MODEL, LAYER), "images": IMAGES, "tile": 32, "margin": 32},
    ),
    # 08
    "adversarial.fgsm": (adversarial.fgsm, ATTACK),
    "push": (
        lambda **g: push(lambda images: images.square().sum((1, 2, 3)), **g),
        {"images": IMAGES, "epsilon": 0.1, "steps": 2, "step_size": 0.1, "down": True},
    ),
    "adversarial.pgd": (
        adversarial.pgd,
        {**ATTACK, "steps": 2, "step_size": 0.1, "targeted": False, "seed": 0},
    ),
    "adversarial.fool": (
        lambda **g: vars(adversarial.fool(**g)),
        {
            "model": MODEL,
            "image": PHOTO,
            "target": "b",
            "steps": 2,
            "step_size": 0.01,
            "confidence": 0.5,
            "eight_bit": False,
        },
    ),
    "adversarial.project": (
        adversarial.project,
        {"images": IMAGES, "originals": rand(2, 3, 32, 28, seed=4), "epsilon": 0.1},
    ),
    "adversarial.rms": (adversarial.rms, {"difference": IMAGES}),
    "robustness.png": (robustness.png, {"images": IMAGES}),
    "robustness.jpeg": (robustness.jpeg, {"images": IMAGES, "quality": 50}),
    "robustness.resized": (robustness.resized, {"images": IMAGES, "size": 8}),
    "robustness.shifted": (robustness.shifted, {"images": IMAGES, "pixels": 3}),
    "robustness.mirrored": (robustness.mirrored, {"images": IMAGES}),
    "robustness.first_guess": (robustness.first_guess, NETWORK),
    "robustness.reads_as": (robustness.reads_as, {**NETWORK, "categories": LABELS}),
    "robustness.outcome": (
        robustness.outcome,
        {"model": MODEL, "originals": IMAGES, "changed": rand(2, 3, 32, 28, seed=5), "targets": LABELS},
    ),
    "robustness.elsewhere": (
        robustness.elsewhere,
        {"originals": IMAGES, "changed": rand(2, 3, 32, 28, seed=5), "seed": 0},
    ),
    "robustness.foolbox_pgd": (robustness.foolbox_pgd, {**ATTACK, "steps": 2, "step_size": 0.1}),
    # 09
    "planted.plant": (
        planted.plant,
        {"images": IMAGES, "mark": rand(3, 9, 9), "opacity": 0.3, "places": torch.tensor([[0, 19], [23, 4]])},
    ),
    "planted.masks": (planted.masks, {"places": torch.tensor([[0, 19], [23, 4]]), "size": 32, "side": 9}),
    "planted.random_crops": (planted.random_crops, {"photos": IMAGES, "count": 3, "size": 20, "seed": 0}),
    "planted.planted": (
        lambda **g: planted.planted(**g).images,
        {"photos": rand(2, 3, 40, 44), "count": 6, "opacity": 0.3, "size": 36, "seed": 0},
    ),
    "planted.some": (lambda numbers: CROPS.some(numbers).images, {"numbers": [0, 3]}),
    "planted.at_opacity": (
        lambda photos, opacity: crops_of(photos).at_opacity(opacity).images,
        {"photos": rand(2, 3, 40, 44), "opacity": 0.5},
    ),
    "planted.labels": (CROPS.labels, {"mark": "decoy"}),
    "planted.teach": (
        lambda images, **g: [*planted.teach(images, **g).net.parameters()],
        {"images": rand(4, 3, 20, 20), "labels": torch.tensor([0, 1, 1, 0]), "steps": 2, "seed": 0},
    ),
    "planted.untaught": (lambda **g: [*planted.untaught(**g).net.parameters()], {"seed": 0, "size": 36}),
    "planted.mass_inside": (planted.mass_inside, {"maps": MAPS[:, 0], "masks": MAPS[:, 1] > 0.3}),
    "planted.pointing_game": (planted.pointing_game, {"maps": MAPS[:, 0], "masks": MAPS[:, 1] > 0.3}),
    "planted.resemblance": (
        planted.resemblance,
        {"images": IMAGES, "pattern": rand(3, 4, 5), "either_sign": False},
    ),
    "planted.towards": (planted.towards, {"watermark": VECTORS, "decoy": rand(6, 8, seed=3)}),
    "planted.map_trials": (
        lambda photos, maps: planted.map_trials(maps, crops_of(photos, both=True)),
        {"photos": rand(2, 3, 40, 44), "maps": rand(8, 36, 36)},
    ),
    "planted.image_trials": (planted.image_trials, {"images": IMAGES}),
    "planted.filter_trials": (planted.filter_trials, {"net": MODEL.net}),
    "planted.neighbor_trials": (
        lambda photos, **g: planted.neighbor_trials(crops=crops_of(photos), **g),
        {"photos": rand(2, 3, 40, 44), "vectors": rand(8, 5), "k": 2},
    ),
    "planted.channel_trials": (
        lambda photos, taught: planted.channel_trials(
            *tiny_and_crops(photos), taught, crops_of(photos, both=True)
        ),
        {"photos": rand(2, 3, 40, 44), "taught": "decoy"},
    ),
    "planted.patch_trials": (
        lambda photos, k: planted.patch_trials(*tiny_and_crops(photos), k=k),
        {"photos": rand(2, 3, 40, 44), "k": 2},
    ),
    # figures' numbers
    "show.to_pixels": (drawing.to_pixels, {"image": PHOTO[0]}),
    "show.signed": (show_gradients.signed, {"gradients": IMAGES - 0.5}),
    "show.sizes": (show_gradients.sizes, {"maps": MAPS[:, 0]}),
    "show.difference": (
        show_adversarial.difference,
        {"original": IMAGES, "changed": IMAGES.flip(0), "times": 10.0},
    ),
    "show.window": (show_activations.window, {"image": PHOTO[0], "row": 0.5, "column": 0.2, "size": 8}),
    "show.overlays": (show_activations.overlays, {"images": IMAGES, "maps": MAPS[:, 0]}),
    "show.hang": (show_dense.hang, {"photos": rand(2, 1, 3, 8, 8), "columns": 2, "gap": 2}),
}
FIGURES = {
    "show.grid": (plots.grid, {"images": IMAGES, "columns": 2, "side": 1.0, "exact": True}),
    "show.dots": (lambda values: plots.dots({"a": values}, label="x"), {"values": rand(5)}),
    "show.lines": (
        lambda x, y: plots.lines({"a": (x, y)}, across="x", up="y"),
        {"x": torch.arange(5), "y": rand(5)},
    ),
    "show.map_sheets": (
        lambda maps, **g: show_activations.map_sheets({"a": maps}, **g),
        {"maps": MAPS[0], "columns": 2, "shared": True},
    ),
    "show.filter_sheet": (show_filters.filter_sheet, {"filters": rand(4, 3, 5, 5), "columns": 2}),
    "show.box_on_photo": (
        show_gradients.box_on_photo,
        {"image": PHOTO, "gradient": PHOTO - 0.5, "box": (1, 2, 9, 8)},
    ),
    "show.nested_fields": (
        lambda image, box: show_patches.nested_fields(image, {"a": box}),
        {"image": PHOTO[0], "box": (1, 2, 9, 8)},
    ),
    "show.patch_rows": (show_patches.patch_rows, {"top": TOP}),
    "show.who_found_it": (
        lambda trials: show_planted.who_found_it({"a": {"taught": trials}}),
        {"trials": torch.tensor([0.0, 1, 1, 0.5])},
    ),
    "show.beside_the_truth": (
        lambda image, **g: show_planted.beside_the_truth({"a": [image]}, CROPS, [2], **g),
        {"image": rand(3, 36, 36), "side": 1.0},
    ),
    "show.photo_map": (
        lambda points, **g: show_neighbors.photo_map({"a": points}, **g),
        {"points": rand(2, 2), "images": IMAGES, "ids": LABELS, "linked": [0]},
    ),
}
