"""Ways to misread an image."""

import torch
from torch import nn
from transformer.vision_transformer import PatchEmbedding, PreNormBlock, ViT

from headcheck.properties import misconception


class _Cut(PatchEmbedding):
    """The right embedding in steps, so that each misconception changes one of them."""

    def forward(self, X):
        size = self.patch_size
        grid = X.unflatten(3, (-1, size)).unflatten(2, (-1, size)).permute(0, 2, 4, 1, 3, 5)
        return self.project(self.number(grid))  # grid: (batch, rows, columns, channels, size, size)

    def number(self, grid):
        return grid.flatten(3).flatten(1, 2)

    def project(self, patches):
        return self.projection(patches)


@misconception(of="PatchEmbedding")
class plain_view(PatchEmbedding):
    """You reshaped the image straight into patches, so a patch is a strip of neighbouring rows. Which pixels lie side
    by side in memory, and which in a square?
    """

    def forward(self, X):
        return self.projection(X.reshape(len(X), self.num_patches, -1))


@misconception(of="PatchEmbedding")
class features_first(PatchEmbedding):
    """You return features as rows and patches as columns, as a convolution would. What does attention expect?"""

    def forward(self, X):
        return super().forward(X).transpose(1, 2)


@misconception(of="PatchEmbedding")
class channels_cut_apart(PatchEmbedding):
    """You merged channels and rows before you cut, so a patch may hold pixels of one channel only. Which axis must stay
    outside until the squares are cut?
    """

    def forward(self, X):
        size, channels = self.patch_size, X.shape[1]
        grid = X.flatten(1, 2).unflatten(2, (-1, size)).unflatten(1, (-1, channels * size))
        return self.projection(grid.transpose(2, 3).flatten(3).flatten(1, 2))


@misconception(of="PatchEmbedding")
class columns_first(_Cut):
    """You number the squares down the first column. In which order do you read a page?"""

    def number(self, grid):
        return super().number(grid.transpose(1, 2))


@misconception(of="PatchEmbedding")
class pixels_transposed(_Cut):
    """Inside a square you read the pixels column by column. How does a convolution lay its kernel out?"""

    def number(self, grid):
        return super().number(grid.transpose(4, 5))


@misconception(of="PatchEmbedding")
class channels_last(_Cut):
    """You put the channels of a pixel side by side. In which order does a convolution flatten channel, row, column?"""

    def number(self, grid):
        return super().number(grid.permute(0, 1, 2, 4, 5, 3))


@misconception(of="PatchEmbedding")
class bent_projection(_Cut):
    """You applied a ReLU to the projected patches. What is lost below 0, before any layer could use it?"""

    def project(self, patches):
        return self.projection(patches).relu()


@misconception(of="PatchEmbedding")
class without_bias(PatchEmbedding):
    """Your projection has no bias. What does a white square, all zeros, become?"""

    def __init__(self, img_size, patch_size, num_hiddens, in_channels=1):
        super().__init__(img_size, patch_size, num_hiddens, in_channels)
        self.projection = nn.Linear(in_channels * patch_size**2, num_hiddens, bias=False)


@misconception(of="PatchEmbedding")
class grey_only(PatchEmbedding):
    """You look at the first channel only. What is an image with three of them?"""

    def __init__(self, img_size, patch_size, num_hiddens, in_channels=1):
        super().__init__(img_size, patch_size, num_hiddens)

    def forward(self, X):
        return super().forward(X[:, :1])


@misconception(of="PatchEmbedding")
class count_of_one_side(PatchEmbedding):
    """Your `num_patches` counts the squares along one side. How many sides does an image have?"""

    def __init__(self, img_size, patch_size, num_hiddens, in_channels=1):
        super().__init__(img_size, patch_size, num_hiddens, in_channels)
        self.num_patches = img_size // patch_size


@misconception(of="PatchEmbedding", group="robust")
class rest_cut_off(PatchEmbedding):
    """An image that squares do not cover loses its last rows and columns without a word. Should nobody hear of it?"""

    def __init__(self, img_size, patch_size, num_hiddens, in_channels=1):
        super().__init__(img_size // patch_size * patch_size, patch_size, num_hiddens, in_channels)


class _Steps(ViT):
    """The right model in steps, so that each misconception changes one of them."""

    def forward(self, X):
        return self.head(self.norm(self.read(self.blks(self.dropout(self.place(self.gather(X)))))))

    def gather(self, X):
        return torch.cat([self.cls_token.expand(len(X), -1, -1), self.patch_embedding(X)], dim=1)

    def place(self, tokens):
        return tokens + self.pos_embedding

    def read(self, tokens):
        return tokens[:, 0]


@misconception(of="ViT")
class mean_of_all_tokens(_Steps):
    """You averaged all tokens before the head. Which token was added to gather what the answer needs?"""

    def read(self, tokens):
        return tokens.mean(1)


@misconception(of="ViT")
class mean_of_the_patches(_Steps):
    """You averaged the patches and left the class token out. What did it gather its information for?"""

    def read(self, tokens):
        return tokens[:, 1:].mean(1)


@misconception(of="ViT")
class head_on_the_last_token(_Steps):
    """Your head reads the last token, which is the lower right corner of the image. Where is the class token?"""

    def read(self, tokens):
        return tokens[:, -1]


@misconception(of="ViT")
class class_token_at_the_end(_Steps):
    """You put the class token behind the patches. Which position vector does it get there, and which do they get?"""

    def gather(self, X):
        return super().gather(X).roll(-1, dims=1)

    def read(self, tokens):
        return tokens[:, -1]


@misconception(of="ViT")
class class_token_missing(_Steps):
    """Your first token is zeros, whatever `cls_token` holds. What should be learned there?"""

    def gather(self, X):
        return nn.functional.pad(self.patch_embedding(X), (0, 0, 1, 0))


@misconception(of="ViT")
class class_token_without_position(_Steps):
    """You added positions to the patches only. How many rows does `pos_embedding` have?"""

    def place(self, tokens):
        return torch.cat([tokens[:, :1], tokens[:, 1:] + self.pos_embedding[:, 1:]], dim=1)


@misconception(of="ViT")
class positions_shifted(_Steps):
    """You gave the first patch the position of the class token, and so on. Which comes first, the token or the sum?"""

    def place(self, tokens):
        return tokens + self.pos_embedding.roll(1, dims=1)


@misconception(of="ViT", trains=True)
class no_positions(_Steps):
    """Your positions are never used, so shuffled patches make the same image. What tells a 6 from a 9?"""

    def place(self, tokens):
        return tokens


@misconception(of="ViT", trains=True)
class one_position_for_all_patches(_Steps):
    """All your patches get the same position. Which of them lies where?"""

    def place(self, tokens):
        first, others = self.pos_embedding[:, :1], self.pos_embedding[:, 1:2]
        return torch.cat([tokens[:, :1] + first, tokens[:, 1:] + others], dim=1)


@misconception(of="ViT")
class positions_frozen(ViT):
    """Your positions get no gradient and stay the noise that they began as. Who should tell them where they are?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.pos_embedding.requires_grad_(False)


@misconception(of="ViT")
class class_token_detached(_Steps):
    """Your class token is detached, so it never learns. Which gradient should reach it?"""

    def gather(self, X):
        return torch.cat([self.cls_token.detach().expand(len(X), -1, -1), self.patch_embedding(X)], dim=1)


@misconception(of="ViT")
class positions_as_a_buffer(ViT):
    """Your positions are a buffer: they are stored, but no optimiser sees them. Who should learn them?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        positions = self.pos_embedding.detach()
        del self.pos_embedding
        self.register_buffer("pos_embedding", positions)


class _OtherBlock(PreNormBlock):
    """The right block in steps."""

    def forward(self, X):
        X = X + self.attend(self.ln1(X))
        return X + self.think(self.ln2(X))

    def attend(self, X):
        return self.dropout(self.attention(X, X, X))

    def think(self, X):
        return self.dropout(self.ffn(X))


class _WithBlocks(ViT):
    """A ViT of other blocks."""

    _Block = _OtherBlock

    def __init__(self, img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, dropout):
        super().__init__(
            img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, dropout
        )
        sizes = num_hiddens, ffn_num_hiddens, num_heads, dropout
        self.blks = nn.Sequential(*(self._Block(*sizes) for _ in range(num_layers)))


@misconception(of="ViT")
class post_norm(_WithBlocks):
    """You normalise after each sum, as the encoder does. What may stand on the residual way of a pre-norm block?"""

    class _Block(PreNormBlock):
        def forward(self, X):
            X = self.ln1(X + self.dropout(self.attention(X, X, X)))
            return self.ln2(X + self.dropout(self.ffn(X)))


@misconception(of="ViT", trains=True)
class no_attention(_WithBlocks):
    """Your blocks never attend, so the class token knows nothing of the image. How could it learn of the patches?"""

    class _Block(_OtherBlock):
        def attend(self, X):
            return torch.zeros_like(X)


@misconception(of="ViT")
class causal_attention(_WithBlocks):
    """Your tokens see only what stands before them, and the class token stands first. Is there a future in an image?"""

    class _Block(_OtherBlock):
        def attend(self, X):
            lengths = torch.arange(1, X.shape[1] + 1, device=X.device).expand(len(X), -1)
            return self.dropout(self.attention(X, X, X, lengths))


@misconception(of="ViT")
class keys_not_normalised(_WithBlocks):
    """Only your queries went through `ln1`. To what do queries, keys and values belong in self-attention?"""

    class _Block(_OtherBlock):
        def forward(self, X):
            X = X + self.dropout(self.attention(self.ln1(X), X, X))
            return X + self.think(self.ln2(X))


@misconception(of="ViT")
class no_way_around_attention(_WithBlocks):
    """Attention replaces your tokens instead of adding to them. What is a residual connection for?"""

    class _Block(_OtherBlock):
        def forward(self, X):
            X = self.attend(self.ln1(X))
            return X + self.think(self.ln2(X))


@misconception(of="ViT")
class no_way_around_the_network(_WithBlocks):
    """The network replaces your tokens instead of adding to them. What is a residual connection for?"""

    class _Block(_OtherBlock):
        def forward(self, X):
            return self.think(self.ln2(X + self.attend(self.ln1(X))))


@misconception(of="ViT")
class normed_on_the_way_around(_WithBlocks):
    """You add the branch to the normalised tokens. Which tokens came into the block?"""

    class _Block(_OtherBlock):
        def forward(self, X):
            Y = self.ln1(X)
            Z = self.ln2(Y + self.attend(Y))
            return Z + self.think(Z)


@misconception(of="ViT")
class one_norm_for_both(_WithBlocks):
    """You used `ln1` twice. Are the inputs of attention and of the network alike?"""

    class _Block(_OtherBlock):
        def forward(self, X):
            X = X + self.attend(self.ln1(X))
            return X + self.think(self.ln1(X))


@misconception(of="ViT")
class branches_side_by_side(_WithBlocks):
    """Your network does not see what attention has found in the same block. Which of the two comes first?"""

    class _Block(_OtherBlock):
        def forward(self, X):
            return X + self.attend(self.ln1(X)) + self.think(self.ln2(X))


@misconception(of="ViT")
class branches_not_dropped(_WithBlocks):
    """Dropout never touches what a block adds. Where should it act besides the sum of tokens and positions?"""

    class _Block(_OtherBlock):
        def attend(self, X):
            return self.attention(X, X, X)

        def think(self, X):
            return self.ffn(X)


@misconception(of="ViT")
class tokens_not_dropped(_Steps):
    """Dropout never touches the sum of tokens and positions. Where should it act besides the blocks?"""

    def forward(self, X):
        return self.head(self.norm(self.read(self.blks(self.place(self.gather(X))))))


@misconception(of="ViT")
class dropped_in_evaluation(_Steps):
    """You drop while the model is evaluated too. Who should tell a dropout function in which mode the model is?"""

    def place(self, tokens):
        return nn.functional.dropout(super().place(tokens), self.dropout.p)


@misconception(of="ViT")
class dropout_ignored(ViT):
    """Your model never drops anything. What became of the last argument of the constructor?"""

    def __init__(self, img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, dropout):
        super().__init__(img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, 0.0)


@misconception(of="ViT")
class one_block_many_times(_Steps):
    """All your layers are one block. How many objects does `[block] * n` make?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.blks = nn.Sequential(*[self.blks[0]] * len(self.blks))


@misconception(of="ViT")
class no_last_norm(_Steps):
    """The head reads tokens that nobody has normalised since the first block. Which norm stands before it?"""

    def forward(self, X):
        return self.head(self.read(self.blks(self.dropout(self.place(self.gather(X))))))


@misconception(of="ViT")
class probabilities_for_logits(_Steps):
    """You return probabilities. What does the cross-entropy of PyTorch do first of all?"""

    def forward(self, X):
        return super().forward(X).softmax(-1)


@misconception(of="ViT")
class batch_normalised(_Steps):
    """You normalise over the batch, so an image's answer depends on its neighbours. Over which axis is a layer norm?"""

    def gather(self, X):
        return super().gather((X - X.mean(0)) / (X.std(0, unbiased=False) + 1))


@misconception(of="ViT")
class image_changed_in_place(_Steps):
    """You rescaled the caller's images in place. What do they hold when the next epoch comes?"""

    def gather(self, X):
        X *= 1.5
        return super().gather(X / 1.5)


@misconception(of="ViT", group="robust")
class positions_in_single_precision(_Steps):
    """You add positions in float32 at least, and then meet layers in float16. Who chose the precision of this model?"""

    def place(self, tokens):
        return tokens + self.pos_embedding.to(torch.promote_types(tokens.dtype, torch.float32))


@misconception(of="ViT")
class values_cut_from_the_graph(_WithBlocks):
    """No gradient passes through the values of your attention. How shall a patch learn to say what it shows?"""

    class _Block(_OtherBlock):
        def attend(self, X):
            return self.dropout(self.attention(X, X, X.detach()))


@misconception(of="ViT")
class mirrored_in_training(_Steps):
    """In training you mirror every image, so your model learns a script that nobody writes. Which digits look alike in
    a mirror?
    """

    def gather(self, X):
        return super().gather(X.flip(-1) if self.training else X)
