"""Ways to get a language model wrong."""

import torch
from torch import nn
from transformer.language_model import DecoderOnlyLM, generate, nll
from transformer.transformer_encoder import EncoderBlock

from headcheck.properties import misconception


class _Steps(DecoderOnlyLM):
    """The right model in steps, so that each misconception changes one of them."""

    def forward(self, X):
        H = self.place(self.embed(X))
        for block in self.blks:
            H = block(H, self.visible(X))
        return self.dense(H)

    def embed(self, X):
        return self.embedding(X) * self.embedding.embedding_dim**0.5

    def place(self, H):
        return self.pos_encoding(H)

    def visible(self, X):
        return torch.arange(1, X.shape[1] + 1).expand(len(X), -1)


@misconception(of="DecoderOnlyLM", trains=True)
class not_causal(_Steps):
    """Every step sees the whole sequence, the token that it should guess included. What is left to be learned then, and
    how many lengths does a sequence need, if each step is to have its own?
    """

    def visible(self, X):
        return None


@misconception(of="DecoderOnlyLM")
class causal_in_training_only(_Steps):
    """In evaluation your model sees the future, as it never did when it learned. What has the mode to do with time?"""

    def visible(self, X):
        return super().visible(X) if self.training else None


@misconception(of="DecoderOnlyLM")
class causal_in_evaluation_only(_Steps):
    """In training your model sees the answers, and in evaluation they are gone. When must it do without them?"""

    def visible(self, X):
        return None if self.training else super().visible(X)


@misconception(of="DecoderOnlyLM")
class sees_the_next_token(_Steps):
    """Each step sees one token too many, the very one that it has to name. How many keys are valid for step 0?"""

    def visible(self, X):
        return super().visible(X) + 1


@misconception(of="DecoderOnlyLM")
class does_not_see_itself(_Steps):
    """Your attention stops before the step itself. Which is the last token that is known when the next one is due?"""

    def visible(self, X):
        return super().visible(X) - 1


@misconception(of="DecoderOnlyLM")
class last_two_tokens_only(_Steps):
    """Your steps see one token beside their own. What can such a model copy from further back?"""

    def forward(self, X):
        logits = super().forward(X)
        for t in range(2, X.shape[1]):
            logits = torch.cat([logits[:, :t], super().forward(X[:, t - 1 : t + 1])[:, -1:], logits[:, t + 1 :]], dim=1)
        return logits


@misconception(of="DecoderOnlyLM", trains=True)
class no_positions(_Steps):
    """Your tokens have no positions. Without them, which of the words before it can a step call the last but two?"""

    def place(self, H):
        return H


@misconception(of="DecoderOnlyLM")
class embedding_not_scaled(_Steps):
    """Your embeddings are not multiplied by the root of their width, as those of the encoder are. Which is larger now:
    what a token is, or where it stands?
    """

    def embed(self, X):
        return self.embedding(X)


@misconception(of="DecoderOnlyLM")
class positions_scaled_too(_Steps):
    """You scaled the sum of embedding and position. Which of the two is to be multiplied by the root of the width?"""

    def forward(self, X):
        H = self.pos_encoding(self.embedding(X)) * self.embedding.embedding_dim**0.5
        for block in self.blks:
            H = block(H, self.visible(X))
        return self.dense(H)


@misconception(of="DecoderOnlyLM")
class one_block_many_times(_Steps):
    """All your layers are one block. How many objects does `[block] * n` make?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.blks = nn.ModuleList([self.blks[0]] * len(self.blks))


@misconception(of="DecoderOnlyLM")
class only_the_last_block(_Steps):
    """Every block starts from the embeddings, so only the last one counts. What should a block be given?"""

    def forward(self, X):
        H = self.place(self.embed(X))
        for block in self.blks:
            output = block(H, self.visible(X))
        return self.dense(output)


@misconception(of="DecoderOnlyLM")
class with_cross_attention(_Steps):
    """Your blocks have a second attention, like those of a decoder that reads a source. Which source is there?"""

    def __init__(self, vocab_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, dropout, max_len):
        super().__init__(vocab_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, dropout, max_len)
        d = num_hiddens
        self.cross = EncoderBlock(d, d, d, d, [d], d, ffn_num_hiddens, num_heads, dropout)

    def forward(self, X):
        H = self.place(self.embed(X))
        for block in self.blks:
            H = self.cross(block(H, self.visible(X)), self.visible(X))
        return self.dense(H)


@misconception(of="DecoderOnlyLM")
class probabilities_for_logits(_Steps):
    """Your model returns probabilities, and the loss takes their softmax once more. Who normalises, model or loss?"""

    def forward(self, X):
        return super().forward(X).softmax(-1)


@misconception(of="DecoderOnlyLM")
class logits_of_the_last_step(_Steps):
    """You return the logits of the last step alone. How many guesses can be learned from in one sequence?"""

    def forward(self, X):
        return super().forward(X)[:, -1]


@misconception(of="DecoderOnlyLM")
class dropout_forgotten(DecoderOnlyLM):
    """Your model never drops anything. What became of `dropout` in the constructor?"""

    def __init__(self, vocab_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, dropout, max_len):
        super().__init__(vocab_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, 0.0, max_len)


@misconception(of="DecoderOnlyLM")
class dropout_in_evaluation(_Steps):
    """You drop features in evaluation too. Who should tell a dropout function in which mode the model is?"""

    def place(self, H):
        return nn.functional.dropout(self.pos_encoding(H), self.pos_encoding.dropout.p)


@misconception(of="DecoderOnlyLM")
class past_is_detached(_Steps):
    """You cut the embeddings off the graph, so words never learn what they mean. Who else would teach them?"""

    def embed(self, X):
        return super().embed(X).detach()


@misconception(of="DecoderOnlyLM", group="robust")
class any_length(_Steps):
    """Your model takes sequences of any length. What was `max_len` for?"""

    def __init__(self, vocab_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, dropout, max_len):
        super().__init__(vocab_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, dropout, 1000)


@misconception(of="nll")
def targets_not_shifted(model, X):
    """You compare the logits of a step with its own token, which the model was shown. Which token should it name?"""
    return nn.functional.cross_entropy(model(X).transpose(1, 2), X, reduction="none")[:, :-1]


@misconception(of="nll")
def targets_shifted_twice(model, X):
    """You compare the logits of step t with token t + 2. How often does your code shift?"""
    logits = model(X)[:, :-1].transpose(1, 2)
    return nn.functional.cross_entropy(logits, X[:, 1:].roll(-1, dims=1), reduction="none")


@misconception(of="nll")
def targets_of_the_past(model, X):
    """You ask each step for the token before it. In which direction does language go?"""
    return nn.functional.cross_entropy(model(X)[:, 1:].transpose(1, 2), X[:, :-1], reduction="none")


@misconception(of="nll")
def one_mean_for_all(model, X):
    """You averaged over all tokens. How would you tell afterwards which of them were hard?"""
    return nll(model, X).mean()


@misconception(of="nll")
def mean_of_each_sequence(model, X):
    """Every token of a sequence has the same cost in your result, their mean. Are they equally hard?"""
    costs = nll(model, X)
    return costs.mean(1, keepdim=True).expand_as(costs)


@misconception(of="nll")
def log_probabilities(model, X):
    """You return log-probabilities, which are negative. Which sign has a cost?"""
    return -nll(model, X)


@misconception(of="nll")
def raw_scores(model, X):
    """You took the target's score without normalising. What must the probabilities of all words sum to?"""
    return -model(X[:, :-1]).gather(-1, X[:, 1:, None])[..., 0]


@misconception(of="nll")
def normalised_twice(model, X):
    """You handed probabilities to a function that expects logits. What does a cross-entropy do first of all?"""
    probabilities = model(X[:, :-1]).softmax(-1)
    return nn.functional.cross_entropy(probabilities.transpose(1, 2), X[:, 1:], reduction="none")


@misconception(of="nll")
def softmax_over_the_steps(model, X):
    """Your probabilities sum to 1 over the steps. Between what does a step choose?"""
    return -model(X[:, :-1]).log_softmax(1).gather(-1, X[:, 1:, None])[..., 0]


@misconception(of="nll")
def cost_in_bits(model, X):
    """Your costs are in bits. Which logarithm gives nats?"""
    return nll(model, X) / 0.6931471805599453


@misconception(of="nll")
def cost_without_a_gradient(model, X):
    """Your costs have no gradient, so nobody can train on them. Which call cut them off the graph?"""
    return nll(model, X).detach()


@misconception(of="nll")
def learns_from_the_last_guess_only(model, X):
    """Only the cost of the last token has a gradient. From which tokens should the model learn to copy?"""
    costs = nll(model, X)
    return torch.cat([costs[:, :-1].detach(), costs[:, -1:]], dim=1)


def _continued(model, prefix, num_tokens, choose):
    """Greedy generation with another choice of the next tokens."""
    training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(num_tokens):
            prefix = torch.cat([prefix, choose(model, prefix)], dim=1)
    model.train(training)
    return prefix


@misconception(of="generate")
def samples(model, prefix, num_tokens):
    """You draw the next word by chance. What does greedy mean?"""

    def draw(model, prefix):
        return torch.multinomial(model(prefix)[:, -1].softmax(-1), 1)

    return _continued(model, prefix, num_tokens, draw)


@misconception(of="generate")
def least_probable(model, prefix, num_tokens):
    """You take the word with the smallest score. Which one does the model think best?"""
    return _continued(model, prefix, num_tokens, lambda model, prefix: model(prefix)[:, -1:].argmin(-1))


@misconception(of="generate")
def first_step_decides(model, prefix, num_tokens):
    """You read the logits of the first step. Which step knows the whole prefix?"""
    return _continued(model, prefix, num_tokens, lambda model, prefix: model(prefix)[:, :1].argmax(-1))


@misconception(of="generate")
def last_token_only(model, prefix, num_tokens):
    """You gave the model the newest token alone, and it forgot the rest. What does it know of words it is not given?"""
    return _continued(model, prefix, num_tokens, lambda model, prefix: model(prefix[:, -1:])[:, -1:].argmax(-1))


@misconception(of="generate")
def new_tokens_unread(model, prefix, num_tokens):
    """You asked the model once and appended the same word again and again. What changes after each word?"""
    best = generate(model, prefix, 1)[:, -1:]
    return torch.cat([prefix, best.expand(-1, num_tokens)], dim=1)


@misconception(of="generate")
def first_example_for_all(model, prefix, num_tokens):
    """All your examples go on with the words of the first. Whose prefix do the others have?"""

    def of_the_first(model, prefix):
        return model(prefix)[:1, -1:].argmax(-1).expand(len(prefix), -1)

    return _continued(model, prefix, num_tokens, of_the_first)


@misconception(of="generate")
def prefix_dropped(model, prefix, num_tokens):
    """You return the new words without the prefix. What should a reader see?"""
    return generate(model, prefix, num_tokens)[:, prefix.shape[1] :]


@misconception(of="generate")
def one_token_too_few(model, prefix, num_tokens):
    """You stop one word early. Does `num_tokens` count the first new word?"""
    return generate(model, prefix, num_tokens - 1)


@misconception(of="generate")
def one_token_too_many(model, prefix, num_tokens):
    """You go on for one word too many. How often does your loop run?"""
    longer = generate(model, prefix, num_tokens)
    return torch.cat([longer, longer[:, -1:]], dim=1)


@misconception(of="generate")
def prefix_rewritten(model, prefix, num_tokens):
    """You replaced the prefix by the model's guesses. Who wrote these words?"""
    found = generate(model, prefix, num_tokens)
    return torch.cat([found[:, :1], model(prefix)[:, :-1].argmax(-1), found[:, prefix.shape[1] :]], dim=1)


@misconception(of="generate")
def words_dropped_in_training_mode(model, prefix, num_tokens):
    """You generate in whatever mode the model is, so dropout may choose your words. Which mode has no chance in it?"""
    for _ in range(num_tokens):
        prefix = torch.cat([prefix, model(prefix)[:, -1:].argmax(-1)], dim=1)
    return prefix


@misconception(of="generate")
def evaluation_for_ever(model, prefix, num_tokens):
    """You leave the model in evaluation mode. What does a training loop find after a look at a sample?"""
    return generate(model.eval(), prefix, num_tokens)


@misconception(of="generate")
def training_for_ever(model, prefix, num_tokens):
    """You leave the model in training mode. In which mode was it when it came?"""
    found = generate(model, prefix, num_tokens)
    model.train()
    return found


@misconception(of="generate", group="robust")
def cuts_off_the_past(model, prefix, num_tokens):
    """When the sequence grows too long, you silently drop its beginning. Should nobody hear of that?"""
    return _continued(
        model, prefix, num_tokens, lambda model, prefix: model(prefix[:, -model.max_len :])[:, -1:].argmax(-1)
    )


@misconception(of="generate", group="robust")
def writes_into_the_prefix(model, prefix, num_tokens):
    """You wrote into the caller's prefix. Who else may still need it?"""
    found = generate(model, prefix, num_tokens)
    prefix.copy_(found[:, -prefix.shape[1] :])
    return found
