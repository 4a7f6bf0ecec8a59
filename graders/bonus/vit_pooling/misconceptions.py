"""Ways to pool, to ablate and to report that tell another story."""

import copy

import torch
from bonus.vit_pooling import MeanViT, Nothing, ablate_attention, pooling_report
from torch import nn
from transformer.vision_transformer import ViT

from headcheck.properties import misconception


class _Steps(MeanViT):
    """The right model in steps, so that each misconception changes one of them."""

    def forward(self, X):
        return self.read(self.pool(self.think(self.place(self.patch_embedding(X)))))

    def place(self, patches):
        return self.dropout(patches + self.pos_embedding)

    def think(self, patches):
        return self.blks(patches)

    def pool(self, patches):
        return patches.mean(1)

    def read(self, pooled):
        return self.head(self.norm(pooled))


@misconception(of="MeanViT")
class class_token_kept(ViT):
    """Your model still has a class token, which takes part in attention. Who needs it now?"""

    def forward(self, X):
        tokens = torch.cat([self.cls_token.expand(len(X), -1, -1), self.patch_embedding(X)], dim=1)
        tokens = self.blks(self.dropout(tokens + self.pos_embedding))
        return self.head(self.norm(tokens[:, 1:].mean(1)))


@misconception(of="MeanViT")
class one_position_too_many(ViT):
    """Your model has a position for a class token that is gone. How many tokens are left?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        del self.cls_token

    def forward(self, X):
        patches = self.blks(self.dropout(self.patch_embedding(X) + self.pos_embedding[:, 1:]))
        return self.head(self.norm(patches.mean(1)))


@misconception(of="MeanViT")
class features_averaged(_Steps):
    """You averaged the features of each patch. Over which axis do the patches lie?"""

    def pool(self, patches):
        return patches.mean(-1, keepdim=True).mean(1).expand(-1, patches.shape[-1])


@misconception(of="MeanViT")
class patches_kept_apart(_Steps):
    """You return logits for every patch. How many answers does an image get?"""

    def pool(self, patches):
        return patches


@misconception(of="MeanViT")
class sum_of_patches(_Steps):
    """You summed the patches up and normalised then. When is a layer norm indifferent to that, and when is it not?"""

    def pool(self, patches):
        return patches.sum(1) / 2


@misconception(of="MeanViT")
class largest_of_patches(_Steps):
    """You took the maximum over the patches. What was asked for?"""

    def pool(self, patches):
        return patches.amax(1)


@misconception(of="MeanViT")
class first_patch_for_all(_Steps):
    """Your head reads the first patch, in the upper left corner, where the class token was. What stands there now?"""

    def pool(self, patches):
        return patches[:, 0]


@misconception(of="MeanViT")
class first_patch_left_out(_Steps):
    """You left the first token out of the mean. Is it still a class token?"""

    def pool(self, patches):
        return patches[:, 1:].mean(1) if patches.shape[1] > 1 else patches[:, 0]


@misconception(of="MeanViT")
class norm_before_the_mean(_Steps):
    """You normalised each patch before you took the mean. Which comes first?"""

    def pool(self, patches):
        return self.norm(patches).mean(1)

    def read(self, pooled):
        return self.head(pooled)


@misconception(of="MeanViT")
class mean_before_the_blocks(_Steps):
    """You took the mean before the blocks, which then see a single token. What could attend to what?"""

    def think(self, patches):
        return super().think(patches.mean(1, keepdim=True))


@misconception(of="MeanViT")
class no_last_norm(_Steps):
    """Nobody normalises the mean before the head reads it. What did the ViT do there?"""

    def read(self, pooled):
        return self.head(pooled)


@misconception(of="MeanViT")
class no_positions(_Steps):
    """Your patches have no positions, and a mean has no order either. What tells a 6 from a 9?"""

    def place(self, patches):
        return self.dropout(patches)


@misconception(of="MeanViT")
class positions_frozen(_Steps):
    """Your positions get no gradient. Who should tell them where they are?"""

    def place(self, patches):
        return self.dropout(patches + self.pos_embedding.detach())


@misconception(of="MeanViT")
class patches_not_dropped(_Steps):
    """Dropout never touches the sum of patches and positions. Where did it act in your ViT?"""

    def place(self, patches):
        return patches + self.pos_embedding


@misconception(of="MeanViT")
class dropped_in_evaluation(_Steps):
    """You drop in evaluation too. Who should tell a dropout function in which mode the model is?"""

    def place(self, patches):
        return nn.functional.dropout(patches + self.pos_embedding, self.dropout.p)


@misconception(of="MeanViT")
class last_block_left_out(_Steps):
    """Your last block is never called. Where does your loop over the blocks end?"""

    def think(self, patches):
        return self.blks[:-1](patches)


@misconception(of="ablate_attention", trains=True)
def nothing_ablated(model):
    """You return a copy that still attends. Which branch of its blocks should be silent?"""
    return copy.deepcopy(model)


@misconception(of="ablate_attention")
def zeros_that_may_learn(model):
    """You set `W_o` to zero, and training will bring it back. How can there be nothing left to learn?"""
    ablated = copy.deepcopy(model)
    for block in ablated.blks:
        nn.init.zeros_(block.attention.W_o.weight)
    return ablated


@misconception(of="ablate_attention")
def model_itself_ablated(model):
    """You took the attention out of the model itself. What will the report compare it with?"""
    for block in model.blks:
        block.attention = Nothing()
    return model


@misconception(of="ablate_attention")
def first_block_only(model):
    """Only your first block has lost its attention. How many blocks can let patches meet?"""
    ablated = copy.deepcopy(model)
    ablated.blks[0].attention = Nothing()
    return ablated


@misconception(of="ablate_attention")
def network_ablated_too(model):
    """You silenced the networks as well. Which of a block's two branches is on trial?"""
    ablated = ablate_attention(model)
    for block in ablated.blks:
        nn.init.zeros_(block.ffn.dense2.weight)
        nn.init.zeros_(block.ffn.dense2.bias)
    return ablated


@misconception(of="ablate_attention")
def tokens_doubled(model):
    """In place of attention stands a module that returns its input, so every token is added to itself. What should an
    absent branch add?
    """
    ablated = copy.deepcopy(model)
    for block in ablated.blks:
        block.attention = _Itself()
    return ablated


class _Itself(nn.Module):
    def forward(self, queries, keys, values):
        return queries


@misconception(of="ablate_attention")
def evenly_spread(model):
    """Your copy replaces attention by the mean of all tokens, so the patches still meet. What should be left of it?"""
    ablated = copy.deepcopy(model)
    for block in ablated.blks:
        block.attention = _Mean()
    return ablated


class _Mean(nn.Module):
    def forward(self, queries, keys, values):
        return values.mean(1, keepdim=True).expand_as(queries)


@misconception(of="ablate_attention")
def shallow_copy(model):
    """Your copy shares its parameters with the model. What happens to one of them when the other is trained?"""
    ablated = ablate_attention(model)
    own = dict(model.named_parameters())
    for name, _ in list(ablated.named_parameters()):
        path, _, last = name.rpartition(".")
        setattr(ablated.get_submodule(path), last, own[name])
    return ablated


@misconception(of="ablate_attention")
def weights_made_anew(model):
    """Your copy has new random weights. What is compared then: a model without attention, or another model?"""
    ablated = ablate_attention(model)
    with torch.no_grad():
        for parameter in ablated.parameters():
            parameter.normal_()
    return ablated


@misconception(of="ablate_attention", group="robust")
def copy_in_training_mode(model):
    """Your copy is in training mode, whatever the model was in. What does a deep copy keep?"""
    return ablate_attention(model).train()


def _trained(
    models, data, *, steps=150, batch_size=64, lr=5e-3, seed=0, fresh=True, optimizer=torch.optim.Adam, mode=True
):
    """The right training, with a few things that can go wrong."""
    images, labels = data
    generator = torch.Generator().manual_seed(seed)
    for model in models.values():
        if fresh:
            generator.manual_seed(seed)
        stepper = optimizer(model.parameters(), lr=lr)
        model.train(mode)
        for _ in range(steps):
            batch = torch.randint(len(images), (batch_size,), generator=generator)
            stepper.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            stepper.step()
        model.eval()
    return models


def _accuracies(models, images, labels):
    with torch.no_grad():
        return {name: (m(images).argmax(-1) == labels).double().mean().item() for name, m in models.items()}


@misconception(of="pooling_report")
def measured_on_training_images(models, train_images, train_labels, test_images, test_labels, **options):
    """You measured on the images that the models were trained on. What do you want to know of a model?"""
    pooling_report(models, train_images, train_labels, test_images, test_labels, **options)
    return _accuracies(models, train_images, train_labels)


@misconception(of="pooling_report")
def measured_before_training(models, train_images, train_labels, test_images, test_labels, **options):
    """Your numbers are from before the training. When does a model know what it has learned?"""
    found = _accuracies({name: model.eval() for name, model in models.items()}, test_images, test_labels)
    pooling_report(models, train_images, train_labels, test_images, test_labels, **options)
    return found


@misconception(of="pooling_report")
def trained_on_the_test(models, train_images, train_labels, test_images, test_labels, **options):
    """You trained on test images as well. What is a test worth whose answers are known?"""
    images, labels = torch.cat([train_images, test_images]), torch.cat([train_labels, test_labels])
    return pooling_report(models, images, labels, test_images, test_labels, **options)


@misconception(of="pooling_report")
def percentages(*data, **options):
    """You report percentages. Between which numbers does a share lie?"""
    return {name: 100 * share for name, share in pooling_report(*data, **options).items()}


@misconception(of="pooling_report")
def numbers_of_right_answers(models, train_images, train_labels, test_images, test_labels, **options):
    """You report how many answers are right. How many is many, among images that the reader has not counted?"""
    found = pooling_report(models, train_images, train_labels, test_images, test_labels, **options)
    return {name: share * len(test_labels) for name, share in found.items()}


@misconception(of="pooling_report")
def wrong_answers(*data, **options):
    """You report the share of wrong answers. Which number should grow when a model learns?"""
    return {name: 1 - share for name, share in pooling_report(*data, **options).items()}


@misconception(of="pooling_report")
def one_number_for_all(*data, **options):
    """All your models have the same number, their mean. Which of the poolings is better?"""
    found = pooling_report(*data, **options)
    return dict.fromkeys(found, sum(found.values()) / len(found))


@misconception(of="pooling_report")
def one_generator_for_all(models, train_images, train_labels, test_images, test_labels, **options):
    """Your second model goes on with the batches where the first one stopped. Is that a fair comparison?"""
    trained = _trained(models, (train_images, train_labels), fresh=False, **options)
    return _accuracies(trained, test_images, test_labels)


@misconception(of="pooling_report")
def seed_ignored(*data, seed=0, **options):
    """You draw the same batches for every seed. What is a seed for?"""
    return pooling_report(*data, seed=0, **options)


@misconception(of="pooling_report")
def copies_trained(models, *data, **options):
    """You trained copies, so nobody can see the models that your numbers are about. What does "in place" mean?"""
    return pooling_report(copy.deepcopy(models), *data, **options)


@misconception(of="pooling_report")
def never_trained(models, *data, steps=150, **options):
    """Your models end as they began. Which call changes the parameters?"""
    return pooling_report(models, *data, steps=0, **options)


@misconception(of="pooling_report")
def one_step_too_few(models, *data, steps=150, **options):
    """You take one step too few. How often does your loop run?"""
    return pooling_report(models, *data, steps=steps - 1, **options)


@misconception(of="pooling_report")
def plain_gradient_descent(models, train_images, train_labels, test_images, test_labels, **options):
    """You took plain gradient descent. Which optimiser does the exercise name?"""
    trained = _trained(models, (train_images, train_labels), optimizer=torch.optim.SGD, **options)
    return _accuracies(trained, test_images, test_labels)


@misconception(of="pooling_report")
def gradients_pile_up(
    models, train_images, train_labels, test_images, test_labels, *, steps=150, batch_size=64, lr=5e-3, seed=0
):
    """Your gradients are never cleared, so each step repeats all earlier ones. What does `backward` do to `grad`?"""
    for model in models.values():
        generator = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.Adam(model.train().parameters(), lr=lr)
        for _ in range(steps):
            batch = torch.randint(len(train_images), (batch_size,), generator=generator)
            nn.functional.cross_entropy(model(train_images[batch]), train_labels[batch]).backward()
            optimizer.step()
        model.eval()
    return _accuracies(models, test_images, test_labels)


@misconception(of="pooling_report")
def the_same_batch_again(
    models, train_images, train_labels, test_images, test_labels, *, steps=150, batch_size=64, lr=5e-3, seed=0
):
    """You seed inside the loop, so every step sees the same batch. When does a sequence of batches begin?"""
    generator = torch.Generator().manual_seed(seed)
    batch = torch.randint(len(train_images), (batch_size,), generator=generator)
    for model in models.values():
        optimizer = torch.optim.Adam(model.train().parameters(), lr=lr)
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(train_images[batch]), train_labels[batch]).backward()
            optimizer.step()
        model.eval()
    return _accuracies(models, test_images, test_labels)


@misconception(of="pooling_report")
def trained_in_evaluation_mode(models, train_images, train_labels, test_images, test_labels, **options):
    """You train in evaluation mode, where dropout is off. Which mode was made for training?"""
    trained = _trained(models, (train_images, train_labels), mode=False, **options)
    return _accuracies(trained, test_images, test_labels)


@misconception(of="pooling_report")
def measured_in_training_mode(models, train_images, train_labels, test_images, test_labels, **options):
    """You measured with dropout on. Which mode has no chance in it?"""
    _trained(models, (train_images, train_labels), **options)
    return _accuracies({name: model.train() for name, model in models.items()}, test_images, test_labels)


@misconception(of="pooling_report")
def decays_its_weights(models, train_images, train_labels, test_images, test_labels, **options):
    """Your optimiser shrinks the weights as well. Is that in the exercise's description of the training?"""
    trained = _trained(models, (train_images, train_labels), optimizer=torch.optim.AdamW, **options)
    return _accuracies(trained, test_images, test_labels)


@misconception(of="pooling_report", trains=True)
def five_steps_by_default(models, *data, steps=5, **options):
    """Your default for `steps` is not that of the exercise. What can a model learn in so short a time?"""
    return pooling_report(models, *data, steps=steps, **options)


@misconception(of="pooling_report", group="robust")
def images_centred_in_place(models, train_images, train_labels, test_images, test_labels, **options):
    """You changed the caller's images. What will the next experiment be made with?"""
    found = pooling_report(models, train_images, train_labels, test_images, test_labels, **options)
    train_images -= train_images.mean()
    return found
