"""BatchNorm over the batch of all processes together, on any device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Gather = Callable[[Tensor], Tensor]
"""Gives (processes, ...), the tensors of all processes, from this one's."""

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def with_global_norms(model: nn.Module, gather: Gather) -> nn.Module:
    """Replace all BatchNorms inside the model by ones over all processes, and return the model.

    Parameters and buffers are the same objects under the same names, so optimisers and weights files still fit.
    """
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _NORMS) and not isinstance(child, GlobalBatchNorm):
                setattr(parent, name, GlobalBatchNorm(child, gather))
    return model


class GlobalBatchNorm(nn.BatchNorm2d):
    """What a BatchNorm does on the global batch, each process holding a share of it; in eval mode just a BatchNorm.

    Unlike `nn.SyncBatchNorm` it works on the CPU too, and it hands no gradient on where no process has one, so that
    an optimiser leaves the weights before it alone, as it does in a single process.

    Args:
        norm: the BatchNorm to stand for; parameters and buffers are taken over.
        gather: gives the tensors of all processes.
    """

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d, gather: Gather) -> None:
        super().__init__(
            norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats, device="meta"
        )
        self._parameters.update(norm._parameters)
        self._buffers.update(norm._buffers)
        self._gather = gather
        self.train(norm.training)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the normalised maps, (N, C, ...) of any number of further dimensions, N this process's share."""
        if not self.training:
            return F.batch_norm(
                maps, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
            )
        with torch.no_grad():
            mean, variance, count = self._moments(maps.detach())
            self._track(mean, variance * (count / (count - 1).clamp(min=1)))
        normalised: Tensor = _Normalise.apply(
            maps, self.weight, self.bias, mean, variance, count, self.eps, self._gather
        )
        return normalised

    def _check_input_dim(self, input: Tensor) -> None:
        """Take maps of any number of dimensions."""

    def _moments(self, maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean (C,), biased variance (C,) and number of values (), of the global batch."""
        exact = maps.to(torch.promote_types(maps.dtype, torch.float32))
        if maps.numel():
            variance, mean = torch.var_mean(exact, _others(maps), correction=0)
        else:  # a share without a value, whose mean would not be a number
            variance = mean = exact.new_zeros(maps.shape[1])
        own = torch.cat([mean, variance, mean.new_tensor([maps.numel() // maps.shape[1]])])
        means, variances, counts = torch.split(self._gather(own), [len(mean), len(mean), 1], dim=1)  # (P, C or 1)
        count = counts.sum()
        shares = counts / count
        mean = (shares * means).sum(dim=0)
        return mean, (shares * (variances + (means - mean).square())).sum(dim=0), count

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        if not self.track_running_stats or self.running_mean is None or self.running_var is None:
            return
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        factor = self.momentum
        if factor is None:  # a cumulative mean
            factor = 0.0 if self.num_batches_tracked is None else 1 / float(self.num_batches_tracked)
        for running, now in ((self.running_mean, mean), (self.running_var, variance)):
            running.mul_(1 - factor).add_(now.to(running.dtype), alpha=factor)


class _Normalise(torch.autograd.Function):
    """Normalisation by moments that all processes' maps share in; its gradient goes to all of them."""

    @staticmethod
    def forward(
        ctx: Any,
        maps: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        count: Tensor,
        eps: float,
        gather: Gather,
    ) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(maps, weight, mean, (variance + eps).rsqrt(), count)
        ctx.gather = gather
        return F.batch_norm(maps, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        maps, weight, mean, scale, count = ctx.saved_tensors
        shape = (1, -1, *(1,) * (maps.ndim - 2))
        normal = (maps.to(mean.dtype) - mean.view(shape)) * scale.view(shape)
        own = mean.new_zeros(2 * len(mean) + 1)  # per channel the sums of dy and of dy * normal; whether there is a dy
        if gradient is not None:
            exact = gradient.to(mean.dtype)
            sums = [exact.sum(_others(maps)), (exact * normal).sum(_others(maps)), mean.new_ones(1)]
            own = torch.cat(sums)
        total = ctx.gather(own).sum(dim=0)
        if gradient is None:
            if not total[-1]:
                return (None,) * 8
            exact = torch.zeros_like(normal)
        to_bias, to_weight = own[:-1].chunk(2)
        all_to_bias, all_to_weight = ((part / count).view(shape) for part in total[:-1].chunk(2))
        factor = scale if weight is None else scale * weight.to(scale.dtype)
        to_maps = (exact - all_to_bias - normal * all_to_weight) * factor.view(shape)
        affine = (None, None) if weight is None else (to_weight.to(weight.dtype), to_bias.to(weight.dtype))
        return to_maps.to(maps.dtype), *affine, None, None, None, None, None


def _others(maps: Tensor) -> list[int]:
    """Return all dimensions but the channels'."""
    return [dimension for dimension in range(maps.ndim) if dimension != 1]
