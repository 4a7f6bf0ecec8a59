"""Ways to get a decoder block wrong, and ways to stack right blocks wrongly."""

from collections import OrderedDict
from math import sqrt

import torch
from self_attention.positional_encoding import PositionalEncoding
from torch import nn
from transformer.transformer_decoder import DecoderBlock, TransformerDecoder

from headcheck.properties import misconception


class _BlockSteps(DecoderBlock):
    """The right block, step by step, so that one of the steps can go wrong."""

    def forward(self, X, state):
        enc_outputs, enc_valid_lens, caches, position = state
        seen = self.remember(caches[self.i], X)
        Y = self.addnorm1(X, self.look_back(X, seen))
        Z = self.addnorm2(Y, self.look_at_source(X, Y, enc_outputs, enc_valid_lens))
        caches = [*caches[: self.i], self.keep(X, Y, seen), *caches[self.i + 1 :]]
        return self.think(Y, Z), [enc_outputs, enc_valid_lens, caches, position]

    def remember(self, cache, X):
        return X if cache is None else torch.cat([cache, X], dim=1)

    def look_back(self, X, seen):
        return self.attention1(X, seen, seen, self.visible(X, seen))

    def visible(self, X, seen):
        return torch.arange(seen.shape[1] - X.shape[1] + 1, seen.shape[1] + 1, device=X.device).expand(len(X), -1)

    def look_at_source(self, X, Y, enc_outputs, enc_valid_lens):
        return self.attention2(Y, enc_outputs, enc_outputs, enc_valid_lens)

    def keep(self, X, Y, seen):
        return seen

    def think(self, Y, Z):
        return self.addnorm3(Z, self.ffn(Z))


@misconception(of="DecoderBlock")
class future_seen(_BlockSteps):
    """Every step sees the whole sentence, the word it has to predict included. What does it learn from that, and what
    should differ between the lengths of two steps?
    """

    def visible(self, X, seen):
        return None


@misconception(of="DecoderBlock", group="robust")
class future_seen_in_evaluation(_BlockSteps):
    """You hide later words in training only, as the book does. What does a whole sentence get in evaluation mode?"""

    def visible(self, X, seen):
        return super().visible(X, seen) if self.training else None


@misconception(of="DecoderBlock")
class future_seen_in_training(_BlockSteps):
    """You hide later words in evaluation mode only. When is a whole sentence, with its answers, handed in?"""

    def visible(self, X, seen):
        return None if self.training else super().visible(X, seen)


@misconception(of="DecoderBlock")
class next_step_seen(_BlockSteps):
    """Step t sees step t + 1. With how many keys does the first row of your mask begin?"""

    def visible(self, X, seen):
        return super().visible(X, seen) + 1


@misconception(of="DecoderBlock")
class own_step_hidden(_BlockSteps):
    """Step t does not see itself, and the first step sees nothing at all. How many keys are there for it?"""

    def visible(self, X, seen):
        return super().visible(X, seen) - 1


@misconception(of="DecoderBlock")
class past_hidden(_BlockSteps):
    """Every step sees itself alone. What does it need the words before it for?"""

    def look_back(self, X, seen):
        return self.attention1(X.flatten(0, 1)[:, None], X.flatten(0, 1)[:, None], X.flatten(0, 1)[:, None]).reshape(
            X.shape
        )


@misconception(of="DecoderBlock")
class mask_upside_down(_BlockSteps):
    """Your first step sees the most and your last step the least. In which direction is a sentence written?"""

    def visible(self, X, seen):
        return super().visible(X, seen).flip(1)


@misconception(of="DecoderBlock")
class cache_not_counted(_BlockSteps):
    """Your mask counts the new words only, so they see the oldest part of the cache instead of themselves. How many
    words are there before the first new one?
    """

    def visible(self, X, seen):
        return torch.arange(1, X.shape[1] + 1, device=X.device).expand(len(X), -1)


@misconception(of="DecoderBlock", group="robust")
class no_mask_after_the_first_call(_BlockSteps):
    """Once there is a cache, your new words see each other without a mask. What if several come at once?"""

    def visible(self, X, seen):
        return super().visible(X, seen) if seen.shape[1] == X.shape[1] else None


@misconception(of="DecoderBlock")
class cache_dropped(_BlockSteps):
    """Your block forgets what came before this call. What is in the state for it?"""

    def remember(self, cache, X):
        return X


@misconception(of="DecoderBlock")
class cache_of_the_last_call_only(_BlockSteps):
    """You keep the words of the last call, and those before them are lost. Of what does the cache consist after three
    steps?
    """

    def keep(self, X, Y, seen):
        return X


@misconception(of="DecoderBlock")
class cache_never_filled(_BlockSteps):
    """You read a cache that nobody ever writes. What does the next call find there?"""

    def keep(self, X, Y, seen):
        return None


@misconception(of="DecoderBlock", group="robust")
class cache_in_front(_BlockSteps):
    """You put the new words before the old ones. Which of them does your mask hide now?"""

    def remember(self, cache, X):
        return X if cache is None else torch.cat([X, cache], dim=1)


@misconception(of="DecoderBlock")
class outputs_cached(_BlockSteps):
    """You keep what came out of the attention. What were the keys and values when the whole sentence was there?"""

    def keep(self, X, Y, seen):
        return torch.cat([seen[:, : -X.shape[1]], Y], dim=1)


@misconception(of="DecoderBlock")
class everyone_uses_the_first_cache(DecoderBlock):
    """All your blocks read and write cache 0. What is the number `i` for?"""

    def __init__(self, *sizes):
        super().__init__(*sizes[:-1], 0)


@misconception(of="DecoderBlock")
class queries_from_the_cache(_BlockSteps):
    """You ask a question for every word so far, not only for the new ones. How many outputs does a call return?"""

    def look_back(self, X, seen):
        return self.attention1(seen, seen, seen, torch.arange(1, seen.shape[1] + 1).expand(len(X), -1))[:, : X.shape[1]]


@misconception(of="DecoderBlock", group="robust")
class memory_in_the_block(_BlockSteps):
    """Your block keeps the words in itself, not in the state. What does it remember when another sentence begins?"""

    def remember(self, cache, X):
        old = getattr(self, "old", None)
        fits = cache is not None and old is not None and len(old) == len(X)
        self.old = super().remember(old if fits else None, X)
        return self.old

    def keep(self, X, Y, seen):
        return X


@misconception(of="DecoderBlock")
class padding_of_the_source_seen(_BlockSteps):
    """You never use the lengths of the source, so words look at its padding. Where are they in the state?"""

    def look_at_source(self, X, Y, enc_outputs, enc_valid_lens):
        return self.attention2(Y, enc_outputs, enc_outputs, None)


@misconception(of="DecoderBlock")
class lengths_of_the_source_for_both(_BlockSteps):
    """You use the lengths of the source in the first attention. About which sentence are they?"""

    def look_back(self, X, seen):
        return self.attention1(X, seen, seen, self.lens)

    def forward(self, X, state):
        self.lens = state[1]
        return super().forward(X, state)


@misconception(of="DecoderBlock")
class source_under_the_causal_mask(_BlockSteps):
    """Step t sees only the first words of the source. Is the source still being written?"""

    def look_at_source(self, X, Y, enc_outputs, enc_valid_lens):
        return self.attention2(Y, enc_outputs, enc_outputs, self.visible(Y, Y))


@misconception(of="DecoderBlock")
class source_ignored(_BlockSteps):
    """Your block never looks at the source. What does it translate?"""

    def look_at_source(self, X, Y, enc_outputs, enc_valid_lens):
        return torch.zeros_like(Y)


@misconception(of="DecoderBlock")
class second_attention_looks_back(_BlockSteps):
    """Your second attention looks at the words written so far, once more. Where do its keys and values come from?"""

    def look_at_source(self, X, Y, enc_outputs, enc_valid_lens):
        return self.attention2(Y, Y, Y, self.visible(Y, Y))


@misconception(of="DecoderBlock")
class input_asks_the_source(_BlockSteps):
    """The block's input asks the source. What has the first attention found that the question should know?"""

    def look_at_source(self, X, Y, enc_outputs, enc_valid_lens):
        return self.attention2(X, enc_outputs, enc_outputs, enc_valid_lens)


@misconception(of="DecoderBlock")
class source_asks(_BlockSteps):
    """The values of your second attention are averages over the whole source, whatever the question. Who asks, and who
    answers?
    """

    def look_at_source(self, X, Y, enc_outputs, enc_valid_lens):
        return self.attention2(enc_outputs, enc_outputs, enc_outputs, enc_valid_lens).mean(1, keepdim=True).expand_as(Y)


@misconception(of="DecoderBlock")
class one_attention_for_both(DecoderBlock):
    """Your two attentions are the same module. Do looking back and looking at the source need the same projections?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.attention2 = self.attention1


@misconception(of="DecoderBlock")
class attentions_exchanged(_BlockSteps):
    """You look at the source with `attention1` and back with `attention2`. Which comes first?"""

    def look_back(self, X, seen):
        return self.attention2(X, seen, seen, self.visible(X, seen))

    def look_at_source(self, X, Y, enc_outputs, enc_valid_lens):
        return self.attention1(Y, enc_outputs, enc_outputs, enc_valid_lens)


@misconception(of="DecoderBlock")
class source_before_the_past(_BlockSteps):
    """Your block looks at the source first and back afterwards. In which order does the figure have them?"""

    def forward(self, X, state):
        enc_outputs, enc_valid_lens, caches, position = state
        Y = self.addnorm1(X, self.attention2(X, enc_outputs, enc_outputs, enc_valid_lens))
        seen = self.remember(caches[self.i], Y)
        Z = self.addnorm2(Y, self.attention1(Y, seen, seen, self.visible(Y, seen)))
        caches = [*caches[: self.i], seen, *caches[self.i + 1 :]]
        return self.think(Y, Z), [enc_outputs, enc_valid_lens, caches, position]


@misconception(of="DecoderBlock")
class norm_before_the_sublayers(_BlockSteps):
    """You normalise what goes into a sublayer, as many newer models do. Where does the figure in the chapter put the
    norm?
    """

    def forward(self, X, state):
        enc_outputs, enc_valid_lens, caches, position = state
        normed = self.addnorm1.ln(X)
        seen = self.remember(caches[self.i], normed)
        X = X + self.addnorm1.dropout(self.look_back(normed, seen))
        found = self.look_at_source(normed, self.addnorm2.ln(X), enc_outputs, enc_valid_lens)
        X = X + self.addnorm2.dropout(found)
        caches = [*caches[: self.i], seen, *caches[self.i + 1 :]]
        X = X + self.addnorm3.dropout(self.ffn(self.addnorm3.ln(X)))
        return X, [enc_outputs, enc_valid_lens, caches, position]


@misconception(of="DecoderBlock")
class one_norm_for_all(DecoderBlock):
    """Your three `AddNorm` are one. How many have you made?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.addnorm2 = self.addnorm3 = self.addnorm1


@misconception(of="DecoderBlock")
class network_sees_the_second_input(_BlockSteps):
    """Your network thinks about what was there before the source was looked at. What should it have heard by then?"""

    def think(self, Y, Z):
        return self.addnorm3(Z, self.ffn(Y))


@misconception(of="DecoderBlock")
class source_skipped_by_the_residual(_BlockSteps):
    """Around the network you add what was there before the source was looked at. What is the network's input?"""

    def think(self, Y, Z):
        return self.addnorm3(Y, self.ffn(Z))


@misconception(of="DecoderBlock")
class no_network(_BlockSteps):
    """Your block has two attentions and no network. What does the third sublayer do?"""

    def think(self, Y, Z):
        return self.addnorm3(Z, Z)


@misconception(of="DecoderBlock")
class source_without_residual(_BlockSteps):
    """What is found in the source replaces what was there. How does a word remember the sentence it stands in?"""

    def forward(self, X, state):
        enc_outputs, enc_valid_lens, caches, position = state
        seen = self.remember(caches[self.i], X)
        Y = self.addnorm1(X, self.look_back(X, seen))
        found = self.look_at_source(X, Y, enc_outputs, enc_valid_lens)
        Z = self.addnorm2(torch.zeros_like(Y), found)
        caches = [*caches[: self.i], seen, *caches[self.i + 1 :]]
        return self.think(Y, Z), [enc_outputs, enc_valid_lens, caches, position]


@misconception(of="DecoderBlock")
class state_forgotten(DecoderBlock):
    """Your block returns its output alone. How does the next block learn of the source?"""

    def forward(self, X, state):
        return super().forward(X, state)[0]


@misconception(of="DecoderBlock")
class source_replaced_by_the_output(DecoderBlock):
    """Your state has the block's output where the source was. What does the next block look at?"""

    def forward(self, X, state):
        output, state = super().forward(X, state)
        return output, [output, *state[1:]]


@misconception(of="DecoderBlock")
class source_cut_from_the_graph(_BlockSteps):
    """No gradient flows back into the source. From whom does the encoder learn?"""

    def look_at_source(self, X, Y, enc_outputs, enc_valid_lens):
        return super().look_at_source(X, Y, enc_outputs.detach(), enc_valid_lens)


@misconception(of="DecoderBlock")
class past_cut_from_the_graph(_BlockSteps):
    """No gradient flows back to the words that were looked at. What does `detach` do?"""

    def look_back(self, X, seen):
        return self.attention1(X, seen.detach(), seen.detach(), self.visible(X, seen))


@misconception(of="DecoderBlock")
class second_attention_never_drops(DecoderBlock):
    """Your second attention keeps all its weights in training. Which argument of its constructor is that?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.attention2.attention.dropout.p = 0.0


@misconception(of="DecoderBlock")
class norms_never_drop(DecoderBlock):
    """What your sublayers say is never thinned out. Where does `dropout` go besides the attentions?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        for norm in (self.addnorm1, self.addnorm2, self.addnorm3):
            norm.dropout.p = 0.0


@misconception(of="DecoderBlock")
class singletons_squeezed(DecoderBlock):
    """Your output loses an axis when a size is 1. Which call of yours removes every axis of size 1?"""

    def forward(self, X, state):
        output, state = super().forward(X, state)
        return output.squeeze(), state


@misconception(of="DecoderBlock")
class mask_on_the_cpu(_BlockSteps):
    """Your mask is made on the CPU. Where are the words when a model is trained on another device?"""

    def visible(self, X, seen):
        return super().visible(X.cpu() if not X.is_meta else torch.zeros(X.shape), seen)


@misconception(of="DecoderBlock", group="robust")
class nothing_becomes_everything(_BlockSteps):
    """An empty source is looked at nevertheless. What is the mean of no values at all?"""

    def look_at_source(self, X, Y, enc_outputs, enc_valid_lens):
        lens = None if enc_valid_lens is None else enc_valid_lens.clamp(min=1)
        return super().look_at_source(X, Y, enc_outputs, lens)


class _Steps(TransformerDecoder):
    """The right decoder, step by step, so that one of the steps can go wrong."""

    def forward(self, X, state):
        position = state[3]
        H = self.place(self.embedding(X), self.offset(position))
        for i, block in enumerate(self.blocks()):
            H, state = self.call(i, block, H, state)
        return self.score(H), [*state[:3], position + X.shape[1]]

    def place(self, E, offset):
        return self.pos_encoding(E * sqrt(self.num_hiddens), offset)

    def offset(self, position):
        return position

    def blocks(self):
        return list(self.blks)

    def call(self, i, block, H, state):
        return block(H, state)

    def score(self, H):
        return self.dense(H)


@misconception(of="TransformerDecoder", group="robust")
class every_call_begins_at_position_0(_Steps):
    """Every call counts its words from 0, as in the book. Which position has the third word when words come one by
    one?
    """

    def offset(self, position):
        return 0


@misconception(of="TransformerDecoder", group="robust")
class position_counts_calls(_Steps):
    """Your position grows by 1 with each call. What if a call brings three words?"""

    def forward(self, X, state):
        logits, now = super().forward(X, state)
        return logits, [*now[:3], state[3] + 1]


@misconception(of="TransformerDecoder", group="robust")
class position_stands_still(_Steps):
    """The position in your state never grows. How many words are there after a call?"""

    def forward(self, X, state):
        logits, now = super().forward(X, state)
        return logits, [*now[:3], state[3]]


@misconception(of="TransformerDecoder")
class positions_from_1(_Steps):
    """Your first word stands at position 1. Where does the encoder begin to count?"""

    def offset(self, position):
        return position + 1


@misconception(of="TransformerDecoder")
class no_positions(_Steps):
    """You never add positions. How does a word know how far away another one is?"""

    def place(self, E, offset):
        return self.pos_encoding.dropout(E * sqrt(self.num_hiddens))


@misconception(of="TransformerDecoder")
class not_scaled(_Steps):
    """You add positions to the bare embeddings. By what are these multiplied first?"""

    def place(self, E, offset):
        return self.pos_encoding(E, offset)


@misconception(of="TransformerDecoder")
class positions_scaled_too(_Steps):
    """You multiply the sum of embeddings and positions. Which of the two should become larger next to the other?"""

    def place(self, E, offset):
        return self.pos_encoding(E, offset) * sqrt(self.num_hiddens)


@misconception(of="TransformerDecoder")
class only_the_first_block(_Steps):
    """You use the first block alone. Where does its output go next?"""

    def blocks(self):
        return [self.blks[0]]


@misconception(of="TransformerDecoder")
class first_block_again_and_again(_Steps):
    """You call the first block as often as there are layers. What have the others learnt, and whose cache grows?"""

    def blocks(self):
        return [self.blks[0] for _ in self.blks]


@misconception(of="TransformerDecoder")
class one_block_many_names(TransformerDecoder):
    """Your list holds the same block several times, so the layers share weights and cache. How many blocks were
    made?
    """

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.blks = nn.Sequential(OrderedDict((f"block{i}", self.blks[0]) for i in range(len(self.blks))))


@misconception(of="TransformerDecoder")
class all_blocks_have_number_0(TransformerDecoder):
    """All your blocks have the number 0, so they write into one cache. Which number does each of them get?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        for block in self.blks:
            block.i = 0


@misconception(of="TransformerDecoder")
class every_block_starts_from_the_old_state(_Steps):
    """Each of your blocks gets the state that came in, so only the last one's cache survives. Who hands the new one
    on?
    """

    def forward(self, X, state):
        self.first = state
        return super().forward(X, state)

    def call(self, i, block, H, state):
        return block(H, self.first)


@misconception(of="TransformerDecoder")
class old_caches_returned(_Steps):
    """The state you return has the caches of the one that came in. Where are those that your blocks have filled?"""

    def forward(self, X, state):
        logits, now = super().forward(X, state)
        return logits, [*state[:3], now[3]]


@misconception(of="TransformerDecoder")
class source_only_in_the_first_block(_Steps):
    """Only your first block sees the source. Which part of the state do the others get?"""

    def call(self, i, block, H, state):
        H_next, now = block(H, [H if i else state[0], None if i else state[1], *state[2:]])
        return H_next, [*state[:2], *now[2:]]


@misconception(of="TransformerDecoder")
class lengths_only_in_the_first_block(_Steps):
    """Only your first block knows how long the source is. Is its padding gone after that?"""

    def call(self, i, block, H, state):
        H, now = block(H, [state[0], None if i else state[1], *state[2:]])
        return H, [*state[:2], *now[2:]]


@misconception(of="TransformerDecoder")
class lengths_lost_in_the_state(TransformerDecoder):
    """Your first state does not hold the lengths of the source. Who should remember them?"""

    def init_state(self, enc_outputs, enc_valid_lens=None, *_args):
        return super().init_state(enc_outputs, None)


@misconception(of="TransformerDecoder")
class probabilities_returned(_Steps):
    """You return probabilities. What does the loss expect, which takes the softmax itself?"""

    def score(self, H):
        return super().score(H).softmax(-1)


@misconception(of="TransformerDecoder")
class last_step_only(_Steps):
    """You return scores for the last step alone. How many words does one learn from in training?"""

    def score(self, H):
        return super().score(H[:, -1:])


@misconception(of="TransformerDecoder")
class embedding_as_the_last_layer(_Steps):
    """You score words with the embedding, and `dense` is never used. Which layer was asked for?"""

    def score(self, H):
        return H @ self.embedding.weight.T


@misconception(of="TransformerDecoder")
class last_layer_without_bias(TransformerDecoder):
    """Your last layer has no bias. Are all words equally frequent?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.dense = nn.Linear(sizes[4], sizes[0], bias=False)


@misconception(of="TransformerDecoder")
class one_layer_whatever_was_asked(TransformerDecoder):
    """You make one block. Which argument says how many there are?"""

    def __init__(self, *sizes):
        super().__init__(*sizes[:9], 1, *sizes[10:])


@misconception(of="TransformerDecoder")
class blocks_nobody_knows(TransformerDecoder):
    """Your blocks are in a plain list, so PyTorch does not find their parameters. Which kind of list does it know?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        blocks = list(self.blks)
        del self.blks
        self.blks = blocks


@misconception(of="TransformerDecoder")
class weights_in_one_list(TransformerDecoder):
    """You put both kinds of weights into one list. How does one find those of the second attention?"""

    @property
    def attention_weights(self):
        own, of_source = super().attention_weights
        return [*own, *of_source]


@misconception(of="TransformerDecoder")
class weights_layer_by_layer(TransformerDecoder):
    """Your list goes layer by layer. What should entry 0 be about, and what entry 1?"""

    @property
    def attention_weights(self):
        return [list(pair) for pair in zip(*super().attention_weights, strict=True)]


@misconception(of="TransformerDecoder")
class weights_exchanged(TransformerDecoder):
    """Your first list is about the source. Which attention comes first?"""

    @property
    def attention_weights(self):
        return super().attention_weights[::-1]


@misconception(of="TransformerDecoder")
class weights_of_the_first_call(_Steps):
    """Your weights are those of the first call for ever. What does the second sentence look at?"""

    def forward(self, X, state):
        answer = super().forward(X, state)
        self.kept = getattr(self, "kept", super().attention_weights)
        return answer

    @property
    def attention_weights(self):
        return self.kept


@misconception(of="TransformerDecoder")
class weights_cut_from_the_graph(TransformerDecoder):
    """Your weights are detached. What could one train, if a loss looked at them?"""

    @property
    def attention_weights(self):
        return [[weights.detach() for weights in kind] for kind in super().attention_weights]


@misconception(of="TransformerDecoder")
class positions_never_drop(TransformerDecoder):
    """What goes into your first block is never thinned out. Which module could do that?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.pos_encoding = PositionalEncoding(sizes[4], 0.0)


@misconception(of="TransformerDecoder")
class always_dropping(_Steps):
    """You drop something in evaluation mode too. Who knows the mode?"""

    def place(self, E, offset):
        return nn.functional.dropout(super().place(E, offset), self.pos_encoding.dropout.p, training=True)


@misconception(of="TransformerDecoder")
class logits_dropped(_Steps):
    """You drop something before the last layer. Which parts of the model drop already?"""

    def score(self, H):
        return super().score(nn.functional.dropout(H, self.pos_encoding.dropout.p, self.training))


@misconception(of="TransformerDecoder")
class words_averaged_over_the_batch(_Steps):
    """Your sentences know of each other. Which operation of yours mixes rows of the batch?"""

    def place(self, E, offset):
        return super().place(E - E.mean(0, keepdim=True), offset)


@misconception(of="TransformerDecoder", group="robust")
class caches_changed_in_place(_Steps):
    """You write into a tensor of the old state. What does somebody find who returns to it?"""

    def forward(self, X, state):
        copies = [None if cache is None else cache.clone() for cache in state[2]]
        for cache in state[2]:
            if cache is not None:
                cache.zero_()
        return super().forward(X, [*state[:2], copies, state[3]])


@misconception(of="TransformerDecoder", group="robust")
class lengths_demanded(TransformerDecoder):
    """Your first state cannot be made without lengths. What if nothing of the source is padding?"""

    def init_state(self, enc_outputs, enc_valid_lens, *_args):
        return super().init_state(enc_outputs, enc_valid_lens)


@misconception(of="TransformerDecoder", group="robust")
class positions_in_float32(_Steps):
    """Your positions are float32, and so is what you add them to. What happens in a decoder in half precision?"""

    def place(self, E, offset):
        return super().place(E.to(torch.promote_types(E.dtype, torch.float32)), offset)


@misconception(of="TransformerDecoder", group="robust")
class lengths_changed_in_place(_Steps):
    """You changed the lengths of the source that were handed in. What will their owner make of them?"""

    def forward(self, X, state):
        if state[1] is not None:
            state[1].clamp_(max=state[0].shape[1])
        return super().forward(X, state)
