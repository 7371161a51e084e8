"""What the exceptions of PyTorch and Python mean here, in words for somebody who meets them for the first time."""

import re

from labkit.checks.miscalls import MISCALLS

_MEANT = (  # a piece of the message, as a regular expression -> what it comes from, with \1 for its first group
    (r"torch\.return_types\.(\w+)",
     r"\1 along a dimension gives two things, values and indices: take .values or .indices, or write values, indices "
     "= … (amax and amin give the values alone)."),
    (r"must match the size of tensor b|not broadcastable|output with shape .* doesn't match the broadcast shape",
     "two tensors meet whose shapes do not fit: print both .shape; is a dimension missing (keepdim=True, [:, None]), "
     "or has one another height and width?"),
    (r"mat1 and mat2 shapes|inconsistent tensor size, expected tensor .* and src|size mismatch, got|batch1 and batch2",
     "in a @ b, a has as many columns as b has rows: is a .T missing, or are the two exchanged? (A linear layer counts "
     "the last dimension of what it is given.)"),
    (r"shape '.*' is invalid for input of size|split_with_sizes|unflatten: Provided sizes",
     "this shape holds another number of values: is a size written as a number, or are rows and columns mixed up?"),
    (r"shape of the mask .* does not match",
     "a mask is as long as the dimension that it picks from: was it made along another dimension?"),
    (r"must be batches of square matrices",
     "only a square matrix has eigenvalues: is the covariance meant, (d, d), and not the vectors themselves?"),
    (r"Dimension out of range",
     "the tensor has fewer dimensions than you name: print its .shape; has a sum or an index taken one away?"),
    (r"dim .* appears multiple times|repeated dim", "one dimension is named twice."),
    (r"too many indices for tensor", "you index more dimensions than the tensor has: print its .shape."),
    (r"index .* is out of bounds|list index out of range|select\(\): index|tuple index out of range",
     "an index is beyond the end: they count from 0, so the last is the size less 1; is another dimension meant?"),
    (r"The expanded size of the tensor|expand\(",
     "a tensor is put into a place of another size: print both .shape."),
    (r"stack expects each tensor to be equal size", "torch.stack takes tensors of one shape; torch.cat joins others."),
    (r"Sizes of tensors must match except in dimension",
     "torch.cat joins along one dimension; all others agree: print each .shape; does a list keep what belongs to the "
     "round before?"),
    (r"does not require grad and does not have a grad_fn",
     "autograd has followed nothing up to here: requires_grad_() comes first, on a copy of what you differentiate by, "
     "and that very copy is computed with, outside no_grad and with no detach or item() in between."),
    (r"appears to not have been used in the graph",
     "the score does not depend on the tensor that you differentiate by: was the network given another one, or a copy "
     "made too late?"),
    (r"grad can be (implicitly )?created only for scalar outputs",
     "only one number can be differentiated at a time: take the sum of the scores."),
    (r"Trying to backward through the graph a second time",
     "one pass can be differentiated once: call the network anew in each round."),
    (r"leaf [Vv]ariable that requires grad|view of a leaf Variable",
     "a tensor that gradients are taken of is written into: compute a new one, x = x + step, on a detached copy."),
    (r"Can't call numpy\(\) on Tensor that requires grad", "detach() it first."),
    (r"modified by an inplace operation",
     "something that the gradient needs was written over: leave out +=, clamp_ and their kin, or work on a clone."),
    (r"only change requires_grad flags of leaf",
     "requires_grad_() belongs to a tensor that nothing was computed into: x.detach().clone().requires_grad_()."),
    (r"shifts and dimensions must align", "say which dimensions roll: x.roll((down, right), dims=(2, 3))."),
    (r"q (values )?must be in the range", "a quantile is asked for as a share of 1: percent / 100."),
    (r"argument 'dim' must be int, not tuple",
     "this goes along one dimension: make one of two, flatten(2), or use amax, amin, sum or mean, which take several."),
    (r"Target \d+ is out of bounds", "labels count from 0, so the largest is the number of categories less 1."),
    (r"could not infer output dtype|Input dtype must be either a floating point",
     "yes and no, or whole numbers, have no mean here: .float() first."),
    (r"elements cannot be converted to Scalar|only one element tensors can be conv|only integer tensors of a single",
     "one number is wanted where a whole tensor stands: is a sum, a maximum or an index missing?"),
    (r"Boolean value of Tensor with more than one value",
     "`if`, `and`, `or` want one answer, and here is one for each value: use & and |, torch.where, .any() or .all()."),
    (r"tensors used as indices must be|expected scalar type Long|index.*expected.*int64|one_hot is only applicable",
     "indices and labels are whole numbers (int64): .long(); a mask is bool."),
    (r"provide input tensor in \(N, C",
     "F.interpolate takes (N, C, height, width): put [None, None] behind a single map, and [0] behind the result."),
    (r"to match the convolution dimensions|expected \d+-dimensional input for \d+-dimensional weight",
     "a convolution takes maps (N, C, height, width) and a kernel (K, C, height, width), four dimensions each."),
    (r"expected input.* to have \d+ channels|weight of size .* expected input",
     "a convolution takes (N, channels, height, width): is another order given, or an image without [None]?"),
    (r"Expected 3D .* or 4D .* input|Expected 4D|expected 4D", "a batch is wanted: image[None] or image.unsqueeze(0)."),
    (r"Kernel size can't be greater than actual input size|Output size is too small|smaller than kernel size",
     "the map is smaller than the window that goes over it: is height or width, or an order of dimensions, mixed up?"),
    (r"missing \d+ required (positional|keyword-only) arg|positional arguments? but \d+|unexpected keyword argument",
     "something is called with other arguments than it takes: compare the call with the definition, one by one."),
    (r"NameError: name 'F' is not defined",
     "F is torch.nn.functional, not imported in this notebook: from torch.nn import functional as F, in your cell."),
    (r"NameError: name '(np|numpy|math|plt|random|cv2|scipy|pd)' is not defined",
     r"\1 is not imported in this notebook: import it in your cell, or use torch, which can do the same."),
    (r"NameError: name '(\w+)' is not defined",
     r"\1 is not known here: is it mistyped, or only defined in another function, or in a cell that has not run?"),
    (r"cannot access local variable|referenced before assignment",
     "this name gets its value further down, or in a branch or a loop that was not entered."),
    (r"'NoneType' object|NoneType'? and|not NoneType",
     "something is None: a .grad before backward(), a function without a return, or a name that nothing was put into."),
    (r"not enough values to unpack|too many values to unpack",
     "left of = stand more or fewer names than there are values: print what is taken apart; a tensor falls apart along "
     "dimension 0, and by unbind(1) along another."),
    (r"cannot be interpreted as an integer|slice indices must be integers|must be tuple of ints.*float|size with types",
     "a size, a range or an index is a whole number: // divides to one, / does not; round(…) makes one."),
    (r"division by zero|ZeroDivisionError", "something that can be 0 is divided by."),
    (r"is not subscriptable|object is not iterable|object is not callable",
     "this thing is not what the line takes it for: print its type; a name may stand for another thing."),
    (r"can't multiply sequence|can only concatenate|unsupported operand type",
     "these two things cannot be combined: print their types; torch.tensor(…) turns a list into numbers."),
    (r"'(str|int|float|list|tuple|dict)' object has no attribute",
     r"before the dot stands a plain \1: is it only the name of a thing, or several things to take apart, a, b = …?"),
    (r"has no attribute '(\w+)'", "there is no such method or part: is it mistyped, or is the thing of another type?"),
    (r"RecursionError|maximum recursion depth", "the function calls itself without an end."),
    (r"same dtype|expected scalar type|dtype .* does not match|must have the same dtype|Input type .* and \w+ type",
     "numbers of two types meet, such as float32 and float64 or int64: .float(), or .to(other.dtype)."),
    (r"k not in range|selected index k out of range", "k is larger than what there is to choose from."),
    (r"Expected reduction dim|cannot perform reduction|no identity|reduce an empty",
     "a largest or smallest is asked of nothing: is a tensor, or a list, empty?"),
    (r"non-empty list of Tensors|expects a non-empty", "the list is empty: was anything put into it?"),
)  # fmt: skip
_PATTERNS = [(re.compile(pattern), meant) for pattern, meant in (*_MEANT, *MISCALLS)]


def meaning(message: str) -> str:
    """What an exception comes from, in a sentence; empty where it says so itself.

    message: "TypeError: …", as an answer has it
    """
    first = message.partition("\nin line")[0]
    found = ((pattern.search(first), meant) for pattern, meant in _PATTERNS)
    return next((match.expand(meant) for match, meant in found if match), "")
