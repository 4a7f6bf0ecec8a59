"""Ways to get the position-wise feed-forward network wrong."""

import torch
from torch import nn
from transformer.positionwise_ffn import PositionWiseFFN

from headcheck.properties import misconception


class no_activation(PositionWiseFFN):
    """Nothing happens between your two layers, so together they are one matrix. What could a single layer not do?"""

    def forward(self, X):
        return self.dense2(self.dense1(X))


class gelu_for_relu(PositionWiseFFN):
    """You use a GELU, which lets a little of the negative side through. Which function does the task name?"""

    def forward(self, X):
        return self.dense2(nn.functional.gelu(self.dense1(X)))


class silu_for_relu(PositionWiseFFN):
    """You weight each feature by its own sigmoid. Which function does the task name?"""

    def forward(self, X):
        return self.dense2(nn.functional.silu(self.dense1(X)))


class leaky_relu(PositionWiseFFN):
    """Your ReLU leaks: a hundredth of a negative feature comes through. What should be left of it?"""

    def forward(self, X):
        return self.dense2(nn.functional.leaky_relu(self.dense1(X)))


class learnt_slope(PositionWiseFFN):
    """Your activation learns its slope. How many parameters does a ReLU have?"""

    def __init__(self, ffn_num_input, ffn_num_hiddens, ffn_num_outputs):
        super().__init__(ffn_num_input, ffn_num_hiddens, ffn_num_outputs)
        self.relu = nn.PReLU()


class relu_with_a_ceiling(PositionWiseFFN):
    """Your activation cuts off above as well. Where should the positive side of a ReLU end?"""

    def forward(self, X):
        return self.dense2(nn.functional.relu6(self.dense1(X)))


class sigmoid_for_relu(PositionWiseFFN):
    """You squash the hidden features to numbers between 0 and 1. What happens to the large ones?"""

    def forward(self, X):
        return self.dense2(self.dense1(X).sigmoid())


class tanh_for_relu(PositionWiseFFN):
    """You squash the hidden features to numbers between -1 and 1. What happens to the large ones?"""

    def forward(self, X):
        return self.dense2(self.dense1(X).tanh())


class absolute_hiddens(PositionWiseFFN):
    """You turn negative features around instead of removing them. What is the ReLU of -2?"""

    def forward(self, X):
        return self.dense2(self.dense1(X).abs())


class softmax_over_hiddens(PositionWiseFFN):
    """You let the hidden features compete in a softmax. Should one feature take away from another here?"""

    def forward(self, X):
        return self.dense2(self.dense1(X).softmax(-1))


class relu_at_the_end(PositionWiseFFN):
    """Your ReLU comes last, so no output is ever negative. Where does the task put it?"""

    def forward(self, X):
        return self.relu(self.dense2(self.dense1(X)))


class relu_twice(PositionWiseFFN):
    """You cut the output off as well, so the network can never say less than 0. How often is the ReLU needed?"""

    def forward(self, X):
        return self.relu(super().forward(X))


class relu_before_the_first_layer(PositionWiseFFN):
    """Your ReLU throws half of the input away before anything has seen it. What should it act on?"""

    def forward(self, X):
        return self.dense2(self.dense1(self.relu(X)))


class residual_inside(PositionWiseFFN):
    """You add the input to the output. Whose business is the residual connection, and what of other output sizes?"""

    def forward(self, X):
        output = super().forward(X)
        return output + X if output.shape == X.shape else output


class norm_inside(PositionWiseFFN):
    """You normalise the output here. Which exercise is about that?"""

    def forward(self, X):
        output = super().forward(X)
        return nn.functional.layer_norm(output, output.shape[-1:])


class dropout_inside(PositionWiseFFN):
    """You drop hidden features in training. Did the constructor get a rate?"""

    def forward(self, X):
        return self.dense2(nn.functional.dropout(self.relu(self.dense1(X)), 0.1, self.training))


class one_mean_for_all_positions(PositionWiseFFN):
    """You add the mean of the sequence to every position. Who may see other positions, and who may not?"""

    def forward(self, X):
        return super().forward(X + X.mean(1, keepdim=True))


class previous_position_mixed_in(PositionWiseFFN):
    """You let each position see the one before it, as a convolution would. What does *position-wise* promise?"""

    def forward(self, X):
        return super().forward(X + 0.1 * X.roll(1, 1))


class examples_mixed(PositionWiseFFN):
    """Your hidden features are centred over the batch, so one sentence changes another. Whose mean is that?"""

    def forward(self, X):
        hiddens = self.dense1(X)
        return self.dense2(self.relu(hiddens - hiddens.mean(0, keepdim=True) * (len(X) > 1)))


class axes_reshaped(PositionWiseFFN):
    """You reshape where axes should be exchanged, so the features of different positions mix. Is a reshape needed?"""

    def forward(self, X):
        hiddens = self.relu(self.dense1(X))
        mixed = hiddens.reshape(hiddens.shape[0], hiddens.shape[2], hiddens.shape[1]).transpose(1, 2)
        return self.dense2(mixed)


class first_position_only(PositionWiseFFN):
    """You compute one position and repeat it. Which positions does the network serve?"""

    def forward(self, X):
        return super().forward(X[:, :1]).expand(-1, X.shape[1], -1)


class sentences_in_one_heap(PositionWiseFFN):
    """You put the positions of all sentences in one heap and leave them there. Which shape does the next layer need?"""

    def forward(self, X):
        return super().forward(X).flatten(0, 1)


class ones_squeezed_away(PositionWiseFFN):
    """Your bare squeeze removes every axis of size 1. What about a batch of one sentence, or a sentence of one word?"""

    def forward(self, X):
        return super().forward(X).squeeze()


class no_bias(PositionWiseFFN):
    """Your layers have no bias, so every threshold is 0. What does `nn.Linear` have unless told otherwise?"""

    def __init__(self, ffn_num_input, ffn_num_hiddens, ffn_num_outputs):
        super().__init__(ffn_num_input, ffn_num_hiddens, ffn_num_outputs)
        self.dense1 = nn.Linear(ffn_num_input, ffn_num_hiddens, bias=False)
        self.dense2 = nn.Linear(ffn_num_hiddens, ffn_num_outputs, bias=False)


class bias_in_the_first_layer_only(PositionWiseFFN):
    """Your second layer has no bias. What is the output when all hidden features are 0?"""

    def __init__(self, ffn_num_input, ffn_num_hiddens, ffn_num_outputs):
        super().__init__(ffn_num_input, ffn_num_hiddens, ffn_num_outputs)
        self.dense2 = nn.Linear(ffn_num_hiddens, ffn_num_outputs, bias=False)


class hidden_layer_as_wide_as_the_output(PositionWiseFFN):
    """Your hidden layer has the size of the output. What is `ffn_num_hiddens` for?"""

    def __init__(self, ffn_num_input, ffn_num_hiddens, ffn_num_outputs):
        super().__init__(ffn_num_input, ffn_num_outputs, ffn_num_outputs)


class one_more_layer(PositionWiseFFN):
    """You have a hidden layer too many. How many matrices does the task name?"""

    def __init__(self, ffn_num_input, ffn_num_hiddens, ffn_num_outputs):
        super().__init__(ffn_num_input, ffn_num_hiddens, ffn_num_outputs)
        self.dense3 = nn.Linear(ffn_num_outputs, ffn_num_outputs)

    def forward(self, X):
        return self.dense3(self.relu(super().forward(X)))


class layers_made_anew(PositionWiseFFN):
    """Your forward pass makes new layers each time, with weights that nobody can train. Where are layers made?"""

    def forward(self, X):
        self.dense1 = nn.Linear(*self.dense1.weight.shape[::-1], dtype=X.dtype)
        return super().forward(X)


class detached_hiddens(PositionWiseFFN):
    """You cut the hidden features off the graph. How would `dense1` ever learn?"""

    def forward(self, X):
        return self.dense2(self.relu(self.dense1(X)).detach())


class unlearnt_first_layer(PositionWiseFFN):
    """You read the weights of `dense1` through `.data`, so no gradient reaches them. Why not call the layer?"""

    def forward(self, X):
        hiddens = nn.functional.linear(X, self.dense1.weight.data, self.dense1.bias.data)
        return self.dense2(self.relu(hiddens))


@misconception(group="robust")
class answer_written_over_the_input(PositionWiseFFN):
    """You save memory by writing the answer into the input. Who else may still need it?"""

    def forward(self, X):
        output = super().forward(X)
        if output.shape == X.shape:
            X.data.copy_(output.detach())
        return output


@misconception(group="robust")
class half_precision_promoted(PositionWiseFFN):
    """You answer half precision in float32. What will the next layer, which is in half precision, say to that?"""

    def forward(self, X):
        return super().forward(X).to(torch.promote_types(X.dtype, torch.float32))
