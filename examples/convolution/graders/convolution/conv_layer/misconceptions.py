"""Ways to get a convolutional layer wrong."""

import torch
from convolution.conv_layer import Conv2D
from convolution.cross_correlation import corr2d
from torch import nn

from headcheck.properties import misconception


class kernel_turned_round(Conv2D):
    """You turn the kernel round before you lay it on. Which of the two does `corr2d` expect?"""

    def forward(self, X):
        return torch.stack([corr2d(image, self.weight.flip(0, 1)) for image in X]) + self.bias


class bias_forgotten(Conv2D):
    """You make a bias and never use it. Which number should a kernel of zeros give?"""

    def forward(self, X):
        return torch.stack([corr2d(image, self.weight) for image in X])


class bias_subtracted(Conv2D):
    """You take the bias away from the sums. In which direction should a larger bias move the answer?"""

    def forward(self, X):
        return super().forward(X) - 2 * self.bias


class bias_multiplied(Conv2D):
    """You multiply by the bias, so a new layer, whose bias is 0, answers 0. What does the text do with it?"""

    def forward(self, X):
        return (super().forward(X) - self.bias) * (1 + self.bias)


class bias_inside_the_sum(Conv2D):
    """You add the bias to the kernel, so it is multiplied by the image. When should it be added?"""

    def forward(self, X):
        return torch.stack([corr2d(image, self.weight + self.bias) for image in X])


class bias_for_each_product(Conv2D):
    """You add the bias to each product under the kernel. How often does it then stand in one number?"""

    def forward(self, X):
        return super().forward(X) + (self.weight.numel() - 1) * self.bias


class bias_is_no_parameter(Conv2D):
    """Your bias is a plain tensor, which no optimizer finds. What does `nn.Parameter` say of a tensor?"""

    def __init__(self, kernel_size):
        super().__init__(kernel_size)
        del self.bias
        self.register_buffer("bias", torch.zeros(1))


class kernel_is_no_parameter(Conv2D):
    """Your kernel is a plain tensor, which no optimizer finds. What does `nn.Parameter` say of a tensor?"""

    def __init__(self, kernel_size):
        super().__init__(kernel_size)
        del self.weight
        self.register_buffer("weight", torch.randn(kernel_size))


class kernel_begins_with_ones(Conv2D):
    """Your kernel begins with ones. What would several such layers learn side by side?"""

    def __init__(self, kernel_size):
        super().__init__(kernel_size)
        nn.init.ones_(self.weight)


class bias_begins_at_random(Conv2D):
    """Your bias begins at random. Which number does the text name for it?"""

    def __init__(self, kernel_size):
        super().__init__(kernel_size)
        nn.init.normal_(self.bias)


class same_seed_for_every_layer(Conv2D):
    """You set the seed in the constructor, so all layers begin alike. Whose business is the seed?"""

    def __init__(self, kernel_size):
        super().__init__(kernel_size)
        generator = torch.Generator().manual_seed(0)
        self.weight.data = torch.randn(kernel_size, generator=generator)


class kernel_used_through_data(Conv2D):
    """You read the kernel through `.data`, so no gradient reaches it. How would it ever be learnt?"""

    def forward(self, X):
        return torch.stack([corr2d(image, self.weight.data) for image in X]) + self.bias


class answers_in_a_list(Conv2D):
    """You return a list with an answer for each image. What makes one tensor of several?"""

    def forward(self, X):
        return list(super().forward(X))


class answers_side_by_side(Conv2D):
    """You put the answers side by side in one wide image. Which axis of the output should count the images?"""

    def forward(self, X):
        return torch.cat(list(super().forward(X)), dim=1)


class images_summed_up(Conv2D):
    """You add up the answers of all images. Whose answer is the sum?"""

    def forward(self, X):
        output = super().forward(X)
        return output.sum(0, keepdim=True).expand_as(output)


class first_image_only(Conv2D):
    """You compute the first image and repeat it. What stands at place 1 of the batch?"""

    def forward(self, X):
        output = super().forward(X)
        return output[:1].expand_as(output)


class images_in_one_column(Conv2D):
    """You stack the images into one tall one, so the kernel sees two at a time. Who lies below the last row?"""

    def forward(self, X):
        places = X.shape[1] - self.weight.shape[0] + 1
        tall = corr2d(X.flatten(0, 1), self.weight)
        return torch.stack([tall[i * places : (i + 1) * places] for i in range(len(X))]) + self.bias


class batch_averaged_away(Conv2D):
    """You subtract the mean of the batch from every answer. What is left of a batch of one image?"""

    def forward(self, X):
        output = super().forward(X)
        return output - output.mean(0, keepdim=True) * (len(X) > 1)


class activation_inside(Conv2D):
    """You cut negative numbers off, as an activation would. Is one asked for in this layer?"""

    def forward(self, X):
        return super().forward(X).relu()


class kernel_normalised(Conv2D):
    """You divide the kernel by its length before you use it. Does the text ask for that?"""

    def forward(self, X):
        weight = self.weight / self.weight.norm()
        return torch.stack([corr2d(image, weight) for image in X]) + self.bias


@misconception(group="robust")
class images_used_as_scratch_paper(Conv2D):
    """You write the answers into the images to save memory. Who else may still need them?"""

    def forward(self, X):
        output = super().forward(X)
        X.data[:, : output.shape[1], : output.shape[2]] = output.detach()
        return output
