"""Weights split over devices (FSDP): how they are split, and how a checkpoint reads and restores them whole.

``torch.distributed.checkpoint.state_dict`` does the latter too, in ten lines less. But it cannot load the state of SGD
without momentum (PETER's); it refuses one in which a weight had no gradient yet, unless told to accept any gap; and it
fills an optimizer's state by a step of it, which is more than a resumed run should have to trust.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn

from meter.model import PackedMeter, PackedOutput

if TYPE_CHECKING:
    from lightning_fabric.strategies import ModelParallelStrategy


def sharding_strategy(devices: int) -> "ModelParallelStrategy":
    """The transformer's weights, their gradients and their optimizer's state, each a part on every device.

    Weights are whole on every device from a step's first pass to its gradient. The networks beside the transformer
    are small and are repeated, as under DDP.
    """
    from lightning_fabric.strategies import ModelParallelStrategy

    return ModelParallelStrategy(split, data_parallel_size=devices, tensor_parallel_size=1)


def split(module: nn.Module, mesh: Any) -> nn.Module:
    """Splits a transformer over the devices of ``mesh``; repeats anything else on each of them."""
    from torch.distributed.fsdp import fully_shard
    from torch.nn.parallel import DistributedDataParallel

    if not isinstance(module, PackedMeter):
        return DistributedDataParallel(module)
    _show_outputs_to_torch()
    # If they were gathered anew for the backward pass, its gradients would be of other tensors than ``inputs`` names.
    fully_shard(module, mesh=mesh["data_parallel"], reshard_after_forward=False)
    return module


@cache
def _show_outputs_to_torch() -> None:
    """Lets FSDP find the tensors in a transformer's output, whose gradients start its own backward work."""
    from torch.export import register_dataclass

    register_dataclass(PackedOutput)


def is_split(tensor: Any) -> bool:
    """Whether this process holds only a part of it: a DTensor, known by the method that only those have."""
    return hasattr(tensor, "full_tensor")


def gathered(state: Any) -> Any:
    """A tree of tensors and plain values with every split tensor whole; all processes must call it together."""
    if is_split(state):
        return state.full_tensor()
    if isinstance(state, dict):
        return {key: gathered(value) for key, value in state.items()}
    return [gathered(value) for value in state] if isinstance(state, list) else state


def split_like(whole: Tensor, weight: Tensor) -> Tensor:
    """A whole tensor, split as ``weight`` is, if it is and has the same shape."""
    if not is_split(weight) or whole.shape != weight.shape:
        return whole
    from torch.distributed.tensor import DTensor, distribute_tensor

    like = cast(DTensor, weight)
    return distribute_tensor(whole.to(like.device), like.device_mesh, like.placements)


def load_weights(module: nn.Module, whole: dict[str, Tensor]) -> None:
    """``load_state_dict`` of whole weights into a module that may be split."""
    own = module.state_dict()
    module.load_state_dict({name: split_like(value, own[name]) for name, value in whole.items()}, strict=True)


def load_optimizer(optimizer: Any, state: dict[str, Any]) -> None:
    """``load_state_dict`` of an optimizer's whole state, whose tensors are split as their weights are."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    moments = {
        number: {
            name: split_like(value, weights[int(number)]) if isinstance(value, Tensor) else value
            for name, value in values.items()
        }
        for number, values in state["state"].items()
    }
    optimizer.load_state_dict({**state, "state": moments})
