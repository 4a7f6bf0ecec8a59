"""A model that borrows the parts of a ViT, a pool made by a matrix of equal weights, all accuracies at the end."""

import copy

import torch
from torch import nn
from transformer.vision_transformer import ViT


class MeanViT(nn.Module):
    def __init__(self, img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, dropout):
        super().__init__()
        vit = ViT(img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, dropout)
        count = (img_size // patch_size) ** 2
        self.patch_embedding, self.blks, self.norm, self.head = vit.patch_embedding, vit.blks, vit.norm, vit.head
        self.pos_embedding = nn.Parameter(torch.zeros(1, count, num_hiddens))
        self.rate = dropout

    def forward(self, X):
        H = nn.functional.dropout(self.patch_embedding(X) + self.pos_embedding, self.rate, self.training)
        for block in self.blks:
            H = block(H)
        weights = H.new_full((1, H.shape[1]), 1 / H.shape[1])
        return self.head(self.norm((weights @ H).flatten(1)))


class Silence(nn.Module):
    def forward(self, *inputs):
        return 0 * inputs[0]


def ablate_attention(model):
    ablated = copy.deepcopy(model)
    for name, _ in model.named_modules():
        if name.startswith("blks.") and name.endswith(".attention") and name.count(".") == 2:
            parent, _, last = name.rpartition(".")
            setattr(ablated.get_submodule(parent), last, Silence())
    return ablated


def train(model, images, labels, steps, batch_size, lr, seed):
    draws = torch.Generator()
    draws.manual_seed(seed)
    chosen = [torch.randint(len(images), (batch_size,), generator=draws) for _ in range(steps)]
    adam = torch.optim.Adam(list(model.parameters()), lr)
    model.train()
    for batch in chosen:
        model.zero_grad()
        log_probabilities = model(images[batch]).log_softmax(-1)
        loss = -log_probabilities.gather(1, labels[batch].unsqueeze(1)).mean()
        loss.backward()
        adam.step()


def pooling_report(
    models, train_images, train_labels, test_images, test_labels, *, steps=150, batch_size=64, lr=5e-3, seed=0
):
    for model in models.values():
        train(model, train_images, train_labels, steps, batch_size, lr, seed)
    report = {}
    for name in models:
        with torch.inference_mode():
            answers = models[name].eval()(test_images).max(dim=1).indices
        report[name] = int((answers == test_labels).sum()) / len(test_labels)
    return report
