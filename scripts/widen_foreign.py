"""Widens a recognizer of another project and trains its input layer alone: a small ViTSTR built of torchvision's parts.

Copy what `main` does, with your network, the name of its first convolution (`print(model)` shows it), and your words.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recognizers import freeze_all_but_input, input_layers, train_input_mode, widen_input

SIDE = 64


class VisionReader(nn.Module):
    """A vision transformer whose first tokens are the characters of the word, as in ViTSTR; it knows no mask.

    Args:
        classes: of each character.
        length: characters that are read at most.
    """

    def __init__(self, *, classes: int, length: int) -> None:
        from torchvision.models import VisionTransformer

        super().__init__()
        self.length = length
        self.vision = VisionTransformer(
            SIDE, patch_size=16, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128, dropout=0.1
        )
        self.vision.heads = nn.Linear(64, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, length, classes) of images (N, 3, 64, 64)."""
        patches = self.vision._process_input(images)  # (N, 16, 64), from the layer `vision.conv_proj`
        tokens = torch.cat((self.vision.class_token.expand(len(images), -1, -1), patches), dim=1)
        logits: Tensor = self.vision.heads(self.vision.encoder(tokens)[:, : self.length])
        return logits


def main() -> None:
    """Widen, compare, freeze and train one step, and print what came of each."""
    torch.manual_seed(0)
    reader = VisionReader(classes=38, length=12).eval()
    images = torch.rand(8, 3, SIDE, SIDE) * 2 - 1  # RGB, scaled as the reader expects it
    masks = torch.rand(8, 1, SIDE, SIDE)  # text masks, always in [0, 1]
    words = torch.randint(0, 38, (8, 12))
    inputs = torch.cat((images, masks), dim=1)

    wide = widen_input(reader, "zero-mask", layer="vision.conv_proj")
    with torch.inference_mode():
        difference = (wide(inputs) - reader(images)).abs().max()
    print(f"widened {', '.join(input_layers(wide))}: logits differ by {difference:.1e} at most before training")

    names = freeze_all_but_input(wide)
    trained = [parameter for parameter in wide.parameters() if parameter.requires_grad]
    share = sum(map(Tensor.numel, trained)), sum(map(Tensor.numel, wide.parameters()))
    print(f"training {' and '.join(names)}: {share[0]} of {share[1]} weights")

    optimizer = torch.optim.AdamW(trained, lr=1e-3)
    train_input_mode(wide)  # in place of wide.train()
    loss = nn.functional.cross_entropy(wide(inputs).flatten(0, 1), words.flatten())
    loss.backward()
    optimizer.step()
    mask_weights = wide.get_parameter("vision.conv_proj.weight")[:, 3]
    print(f"one step at loss {loss.item():.3f} moved the mask's weights from 0 to {mask_weights.abs().mean():.1e}")


if __name__ == "__main__":
    main()
