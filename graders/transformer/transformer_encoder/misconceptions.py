"""Ways to get an encoder block wrong, and ways to stack right blocks wrongly."""

from collections import OrderedDict
from math import sqrt

import torch
from multihead.multi_head_attention import MultiHeadAttention
from self_attention.positional_encoding import PositionalEncoding
from torch import nn
from transformer.transformer_encoder import EncoderBlock, TransformerEncoder

from headcheck.properties import misconception


@misconception(of="EncoderBlock")
class norm_before_the_sublayers(EncoderBlock):
    """You normalise what goes into a sublayer, as many newer models do. Where does the figure in the chapter put the
    norm?
    """

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1.ln(X)
        X = X + self.addnorm1.dropout(self.attention(Y, Y, Y, valid_lens))
        return X + self.addnorm2.dropout(self.ffn(self.addnorm2.ln(X)))


@misconception(of="EncoderBlock")
class norm_at_both_ends(EncoderBlock):
    """You also normalise what comes into the block. How many norms has a block with two sublayers?"""

    def forward(self, X, valid_lens=None):
        return super().forward(self.addnorm1.ln(X), valid_lens)


@misconception(of="EncoderBlock")
class norm_of_the_sublayer_alone(EncoderBlock):
    """You normalise what a sublayer says, and add it to the input afterwards. What has mean 0 when the norm comes
    last?
    """

    def forward(self, X, valid_lens=None):
        Y = X + self.addnorm1.ln(self.addnorm1.dropout(self.attention(X, X, X, valid_lens)))
        return Y + self.addnorm2.ln(self.addnorm2.dropout(self.ffn(Y)))


@misconception(of="EncoderBlock")
class one_norm_for_both(EncoderBlock):
    """Your second `AddNorm` is the first one again, so both share their weights. How many have you made?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.addnorm2 = self.addnorm1


@misconception(of="EncoderBlock")
class first_norm_used_twice(EncoderBlock):
    """You made a second `AddNorm` and never call it. Which one ends the block?"""

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1(X, self.attention(X, X, X, valid_lens))
        return self.addnorm1(Y, self.ffn(Y))


@misconception(of="EncoderBlock")
class norms_exchanged(EncoderBlock):
    """You use the second `AddNorm` around the attention and the first around the network. Which numbers do their names
    have?
    """

    def forward(self, X, valid_lens=None):
        Y = self.addnorm2(X, self.attention(X, X, X, valid_lens))
        return self.addnorm1(Y, self.ffn(Y))


@misconception(of="EncoderBlock")
class padding_seen(EncoderBlock):
    """Your block never uses `valid_lens`, so words look at padding. To whom does the block hand the lengths?"""

    def forward(self, X, valid_lens=None):
        return super().forward(X, None)


@misconception(of="EncoderBlock")
class first_length_for_all_queries(EncoderBlock):
    """You reduced lengths of `(batch, steps)` to one for each example. May two queries of a sentence see differently
    far?
    """

    def forward(self, X, valid_lens=None):
        return super().forward(X, valid_lens if valid_lens is None or valid_lens.dim() == 1 else valid_lens[:, 0])


@misconception(of="EncoderBlock")
class input_added_to_the_network(EncoderBlock):
    """Around the network you add the block's input, not what came out of the first `AddNorm`. What is the input of the
    second sublayer?
    """

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1(X, self.attention(X, X, X, valid_lens))
        return self.addnorm2(X, self.ffn(Y))


@misconception(of="EncoderBlock")
class network_sees_the_input(EncoderBlock):
    """Your network thinks about the block's input. How does it learn what the attention has found?"""

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1(X, self.attention(X, X, X, valid_lens))
        return self.addnorm2(Y, self.ffn(X))


@misconception(of="EncoderBlock")
class sublayers_exchanged(EncoderBlock):
    """Your network comes before the attention. Is there anything to think about before one has looked around?"""

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1(X, self.ffn(X))
        return self.addnorm2(Y, self.attention(Y, Y, Y, valid_lens))


@misconception(of="EncoderBlock")
class no_network(EncoderBlock):
    """Your block attends and stops there. What does the second sublayer do?"""

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1(X, self.attention(X, X, X, valid_lens))
        return self.addnorm2(Y, Y)


@misconception(of="EncoderBlock")
class attention_without_residual(EncoderBlock):
    """What the attention returns replaces the input. How does a word remember itself?"""

    def forward(self, X, valid_lens=None):
        found = self.attention(X, X, X, valid_lens)
        Y = self.addnorm1(torch.zeros_like(X), found)
        return self.addnorm2(Y, self.ffn(Y))


@misconception(of="EncoderBlock")
class network_without_residual(EncoderBlock):
    """What the network returns replaces its input. What should it be added to?"""

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1(X, self.attention(X, X, X, valid_lens))
        return self.addnorm2(torch.zeros_like(Y), self.ffn(Y))


@misconception(of="EncoderBlock")
class arguments_of_the_norm_exchanged(EncoderBlock):
    """You pass the sublayer's output to `AddNorm` first and its input second. Which of the two does dropout thin
    out?
    """

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1(self.attention(X, X, X, valid_lens), X)
        return self.addnorm2(self.ffn(Y), Y)


@misconception(of="EncoderBlock")
class input_added_twice(EncoderBlock):
    """You add the input yourself, and `AddNorm` adds it again. Who is responsible for the residual?"""

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1(X, X + self.attention(X, X, X, valid_lens))
        return self.addnorm2(Y, Y + self.ffn(Y))


@misconception(of="EncoderBlock")
class network_dropped_once_more(EncoderBlock):
    """You apply dropout after the block. Does not `AddNorm` do that already, to what each sublayer says?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.dropout = nn.Dropout(self.addnorm1.dropout.p)

    def forward(self, X, valid_lens=None):
        return self.dropout(super().forward(X, valid_lens))


@misconception(of="EncoderBlock")
class attention_never_drops(EncoderBlock):
    """Your attention keeps all its weights in training. Which argument of its constructor is that?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.attention.attention.dropout.p = 0.0


@misconception(of="EncoderBlock")
class norms_never_drop(EncoderBlock):
    """What your sublayers say is never thinned out. Where does `dropout` go besides the attention?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.addnorm1.dropout.p = self.addnorm2.dropout.p = 0.0


@misconception(of="EncoderBlock")
class biases_never(EncoderBlock):
    """Your attention has no biases even when they are asked for. What becomes of `use_bias`?"""

    def __init__(self, *sizes, use_bias=False):
        super().__init__(*sizes[:9])


@misconception(of="EncoderBlock")
class biases_by_default(EncoderBlock):
    """Your attention has biases although nobody asked for them. What is the default of `use_bias`?"""

    def __init__(self, *sizes, use_bias=True):
        super().__init__(*sizes[:9], use_bias=(*sizes, use_bias)[9])


@misconception(of="EncoderBlock")
class one_head_whatever_was_asked(EncoderBlock):
    """Your attention has one head only. Which argument says how many it should have?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes[:7], 1, *sizes[8:], **options)


@misconception(of="EncoderBlock")
class network_of_another_width(EncoderBlock):
    """The hidden layer of your network is as wide as the block. Which argument is its width?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes[:6], sizes[3], *sizes[7:], **options)


@misconception(of="EncoderBlock")
class attention_cut_from_the_graph(EncoderBlock):
    """No gradient reaches your attention. What does `detach` do?"""

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1(X, self.attention(X, X, X, valid_lens).detach())
        return self.addnorm2(Y, self.ffn(Y))


@misconception(of="EncoderBlock")
class singletons_squeezed(EncoderBlock):
    """Your result loses an axis when a size is 1. Which call of yours removes every axis of size 1?"""

    def forward(self, X, valid_lens=None):
        return super().forward(X, valid_lens).squeeze()


@misconception(of="EncoderBlock")
class network_over_all_steps(EncoderBlock):
    """What your attention found is averaged over the steps. Which positions may the network mix?"""

    def forward(self, X, valid_lens=None):
        Y = self.addnorm1(X, self.attention(X, X, X, valid_lens).mean(1, keepdim=True).expand_as(X))
        return self.addnorm2(Y, self.ffn(Y))


@misconception(of="EncoderBlock", group="robust")
class lengths_demanded(EncoderBlock):
    """Your block cannot be called without lengths. What should `valid_lens` be when nobody gives it?"""

    def forward(self, X, valid_lens):
        return super().forward(X, valid_lens)


@misconception(of="EncoderBlock", group="robust")
class nothing_becomes_everything(EncoderBlock):
    """What may look nowhere looks at something in your block. What is the mean of no values at all?"""

    def forward(self, X, valid_lens=None):
        return super().forward(X, None if valid_lens is None else valid_lens.clamp(min=1))


class _Steps(TransformerEncoder):
    """The right encoder, step by step, so that one of the steps can go wrong."""

    def forward(self, X, valid_lens=None, *_args):
        H = self.place(self.embedding(X))
        weights = []
        for i, block in enumerate(self.blocks()):
            H = self.call(i, block, H, valid_lens)
            weights.append(block.attention.attention.attention_weights)
        self.keep(weights)
        return self.finish(H)

    def place(self, E):
        return self.pos_encoding(E * sqrt(self.num_hiddens))

    def blocks(self):
        return list(self.blks)

    def call(self, i, block, H, valid_lens):
        return block(H, valid_lens)

    def keep(self, weights):
        self.attention_weights = weights

    def finish(self, H):
        return H


@misconception(of="TransformerEncoder")
class no_positions(_Steps):
    """Your encoder never adds positions, so it cannot tell a sentence from its reverse. Where does order enter?"""

    def place(self, E):
        return self.pos_encoding.dropout(E * sqrt(self.num_hiddens))


@misconception(of="TransformerEncoder")
class not_scaled(_Steps):
    """You add positions to the bare embeddings. By what are these multiplied first?"""

    def place(self, E):
        return self.pos_encoding(E)


@misconception(of="TransformerEncoder")
class positions_scaled_too(_Steps):
    """You multiply the sum of embeddings and positions. Which of the two should become larger next to the other?"""

    def place(self, E):
        return self.pos_encoding(E) * sqrt(self.num_hiddens)


@misconception(of="TransformerEncoder")
class divided_by_the_root(_Steps):
    """You divide the embeddings by the root of their size. Are they to become larger or smaller?"""

    def place(self, E):
        return self.pos_encoding(E / sqrt(self.num_hiddens))


@misconception(of="TransformerEncoder")
class scaled_by_the_width(_Steps):
    """You multiply by `num_hiddens` itself. Which function of it makes up for the length of the vectors?"""

    def place(self, E):
        return self.pos_encoding(E * self.num_hiddens)


@misconception(of="TransformerEncoder")
class scaled_by_the_length(_Steps):
    """You multiply by the root of the number of words. What do embeddings have to do with the length of a sentence?"""

    def place(self, E):
        return self.pos_encoding(E * sqrt(E.shape[1]))


@misconception(of="TransformerEncoder")
class positions_alone(_Steps):
    """The first block sees positions but no words. What is added to what?"""

    def place(self, E):
        return self.pos_encoding(torch.zeros_like(E)) + 1e-6 * E


@misconception(of="TransformerEncoder")
class positions_in_every_layer(_Steps):
    """You add the positions again before every block. How often does the figure add them?"""

    def call(self, i, block, H, valid_lens):
        return block(self.pos_encoding(H) if i else H, valid_lens)


@misconception(of="TransformerEncoder")
class positions_counted_over_the_batch(_Steps):
    """Your positions count the sentences of the batch. Which axis holds the words of a sentence?"""

    def place(self, E):
        return super().place(E.transpose(0, 1)).transpose(0, 1)


@misconception(of="TransformerEncoder")
class only_the_first_block(_Steps):
    """You return what the first block made. Where does its output go next?"""

    def blocks(self):
        return [self.blks[0]]


@misconception(of="TransformerEncoder")
class every_block_sees_the_words(_Steps):
    """Each of your blocks gets the embeddings, and only the last one's output counts. What should the second block
    see?
    """

    def forward(self, X, valid_lens=None, *_args):
        placed = self.place(self.embedding(X))
        found = [block(placed, valid_lens) for block in self.blks]
        self.keep([block.attention.attention.attention_weights for block in self.blks])
        return found[-1]


@misconception(of="TransformerEncoder")
class first_block_again_and_again(_Steps):
    """You call the first block as often as there are layers. What have the others learnt?"""

    def blocks(self):
        return [self.blks[0] for _ in self.blks]


@misconception(of="TransformerEncoder")
class one_block_many_names(TransformerEncoder):
    """Your list holds the same block several times, so the layers share their weights. How many blocks were made?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.blks = nn.Sequential(OrderedDict((f"block{i}", self.blks[0]) for i in range(len(self.blks))))


@misconception(of="TransformerEncoder")
class blocks_upside_down(_Steps):
    """Your last block comes first. In which order are they numbered?"""

    def blocks(self):
        return list(self.blks)[::-1]

    def keep(self, weights):
        self.attention_weights = weights[::-1]


@misconception(of="TransformerEncoder")
class one_layer_whatever_was_asked(TransformerEncoder):
    """You make one block. Which argument says how many there are?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes[:9], 1, *sizes[10:], **options)


@misconception(of="TransformerEncoder")
class blocks_nobody_knows(TransformerEncoder):
    """Your blocks are in a plain list, so PyTorch does not find their parameters. Which kind of list does it know?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        blocks = list(self.blks)
        del self.blks
        self.blks = blocks


@misconception(of="TransformerEncoder")
class padding_seen_in_every_layer(_Steps):
    """No block of yours learns how long the sentences are. What is `valid_lens` for?"""

    def call(self, i, block, H, valid_lens):
        return block(H, None)


@misconception(of="TransformerEncoder")
class padding_seen_after_the_first_layer(_Steps):
    """Only your first block gets the lengths. Is the padding gone after it?"""

    def call(self, i, block, H, valid_lens):
        return block(H, None if i else valid_lens)


@misconception(of="TransformerEncoder")
class padding_seen_in_the_first_layer(_Steps):
    """Your first block does not get the lengths. What has it looked at by the time the second one begins?"""

    def call(self, i, block, H, valid_lens):
        return block(H, valid_lens if i or len(self.blks) == 1 else None)


@misconception(of="TransformerEncoder")
class longest_length_for_all(_Steps):
    """You use the longest length for every sentence. What do the shorter ones see then?"""

    def call(self, i, block, H, valid_lens):
        return block(H, valid_lens if valid_lens is None else torch.full_like(valid_lens, int(valid_lens.max())))


@misconception(of="TransformerEncoder")
class residual_around_everything(_Steps):
    """You add the embeddings to what the last block returns. Where are the residuals of this model?"""

    def forward(self, X, valid_lens=None, *_args):
        return self.place(self.embedding(X)) + super().forward(X, valid_lens)


@misconception(of="TransformerEncoder")
class norm_after_the_stack(_Steps):
    """You normalise once more after the last block. In which state does a block leave its output?"""

    def finish(self, H):
        return nn.functional.layer_norm(H, H.shape[-1:])


@misconception(of="TransformerEncoder")
class one_vector_for_the_sentence(_Steps):
    """You returned the mean over the words. Who will need a vector for each of them?"""

    def finish(self, H):
        return H.mean(1)


@misconception(of="TransformerEncoder")
class sum_of_all_layers(_Steps):
    """You add up what all blocks return. What does the last one know that the others do not?"""

    def forward(self, X, valid_lens=None, *_args):
        H, total = self.place(self.embedding(X)), 0
        for block in self.blks:
            H = block(H, valid_lens)
            total = total + H
        self.keep([block.attention.attention.attention_weights for block in self.blks])
        return total


@misconception(of="TransformerEncoder")
class weights_piled_up(_Steps):
    """Your list grows with every call. How many entries has it after the second batch?"""

    def keep(self, weights):
        self.attention_weights = [*self.attention_weights, *weights]


@misconception(of="TransformerEncoder")
class weights_of_the_first_call(_Steps):
    """Your list is filled once and never again. What does it say about the second batch?"""

    def keep(self, weights):
        self.attention_weights = self.attention_weights or weights


@misconception(of="TransformerEncoder")
class weights_of_the_last_layer_only(_Steps):
    """Every entry of your list shows the same layer. Whose weights are they, and when were they made?"""

    def keep(self, weights):
        self.attention_weights = [weights[-1] for _ in weights]


@misconception(of="TransformerEncoder")
class weights_forgotten(_Steps):
    """Your encoder does not keep the attention weights. Where has each block left them?"""

    def keep(self, weights):
        pass


@misconception(of="TransformerEncoder")
class weights_averaged_over_heads(_Steps):
    """You averaged the weights over the heads. Can one still see what each of them looks at?"""

    def keep(self, weights):
        self.attention_weights = [w.unflatten(0, (-1, self.blks[0].attention.num_heads)).mean(1) for w in weights]


@misconception(of="TransformerEncoder")
class weights_from_the_back(_Steps):
    """Your list begins with the last layer. Which layer should be entry 0?"""

    def keep(self, weights):
        self.attention_weights = weights[::-1]


@misconception(of="TransformerEncoder")
class weights_stacked_into_one_tensor(_Steps):
    """Your weights are one tensor. What was asked for, with one entry for each layer?"""

    def keep(self, weights):
        self.attention_weights = torch.stack(weights)


@misconception(of="TransformerEncoder")
class weights_cut_from_the_graph(_Steps):
    """The weights you keep are detached. What could one train, if a loss looked at them?"""

    def keep(self, weights):
        self.attention_weights = [w.detach() for w in weights]


@misconception(of="TransformerEncoder")
class embedding_never_learns(_Steps):
    """No gradient reaches your embedding. What cuts it off?"""

    def place(self, E):
        return super().place(E.detach())


@misconception(of="TransformerEncoder")
class positions_never_drop(TransformerEncoder):
    """What goes into your first block is never thinned out. Which module could do that?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.pos_encoding = PositionalEncoding(sizes[4], 0.0)


@misconception(of="TransformerEncoder")
class blocks_never_drop(TransformerEncoder):
    """Your blocks drop nothing in training. Who hands `dropout` on to them?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        for block in self.blks:
            for module in block.modules():
                if isinstance(module, nn.Dropout):
                    module.p = 0.0


@misconception(of="TransformerEncoder")
class always_dropping(_Steps):
    """You drop words in evaluation mode too. Who knows the mode?"""

    def place(self, E):
        return nn.functional.dropout(super().place(E), self.pos_encoding.dropout.p, training=True)


@misconception(of="TransformerEncoder")
class output_dropped(_Steps):
    """You drop something after the last block. Which parts of the model drop already?"""

    def finish(self, H):
        return nn.functional.dropout(H, self.pos_encoding.dropout.p, self.training)


@misconception(of="TransformerEncoder")
class biases_not_handed_on(TransformerEncoder):
    """Your blocks have no biases, even when the encoder is asked for them. Where does `use_bias` go?"""

    def __init__(self, *sizes, use_bias=False):
        super().__init__(*sizes[:11])


@misconception(of="TransformerEncoder")
class projection_after_the_stack(_Steps):
    """Your encoder has an attention of its own beside its blocks. Which parts does it consist of?"""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.attention = MultiHeadAttention(*sizes[1:5], sizes[8], 0.0)


@misconception(of="TransformerEncoder")
class always_float32(_Steps):
    """Your vectors are float32 whatever the weights are. Which dtype did the embedding have?"""

    def place(self, E):
        return super().place(E).float()

    def call(self, i, block, H, valid_lens):
        return block(H.to(self.embedding.weight.dtype), valid_lens)

    def finish(self, H):
        return H.float()


@misconception(of="TransformerEncoder", group="robust")
class positions_in_float32(_Steps):
    """Your positions are float32, and so is what you add them to. What happens in an encoder in half precision?"""

    def place(self, E):
        return super().place(E.to(torch.promote_types(E.dtype, torch.float32)))


@misconception(of="TransformerEncoder", group="robust")
class lengths_changed_in_place(_Steps):
    """You changed the lengths that were handed in. What will the decoder make of them?"""

    def call(self, i, block, H, valid_lens):
        return block(H, None if valid_lens is None else valid_lens.clamp_(max=H.shape[1]))
