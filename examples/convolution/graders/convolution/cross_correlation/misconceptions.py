"""Ways to get cross-correlation wrong."""

from convolution import cross_correlation as right
from torch import nn

from headcheck.properties import misconception


def kernel_turned_round(X, K):
    """You turn the kernel round first, which makes it a true convolution. How does the text say that it lies there?"""
    return right.corr2d(X, K.flip(0, 1))


def kernel_upside_down(X, K):
    """You turn the kernel upside down. Which of its rows should meet the first row of a window?"""
    return right.corr2d(X, K.flip(0))


def kernel_mirrored(X, K):
    """You exchange left and right in the kernel. Which of its columns should meet the first column of a window?"""
    return right.corr2d(X, K.flip(1))


def kernel_reshaped(X, K):
    """You read the kernel column by column where it is written row by row. What moves when a tensor is reshaped?"""
    return right.corr2d(X, K.T.reshape(K.shape))


def image_filled_up_with_zeros(X, K):
    """You put zeros around the image, so that the answer is as large as it is. Where does the text let a kernel lie?"""
    rows, columns = K.shape
    padded = nn.functional.pad(X, ((columns - 1) // 2, columns // 2, (rows - 1) // 2, rows // 2))
    return right.corr2d(padded, K)


def window_moved_by_its_own_size(X, K):
    """You move the window by its own size, so that no two overlap. How far does the text move it?"""
    return right.corr2d(X, K)[:: K.shape[0], :: K.shape[1]]


def last_place_forgotten(X, K):
    """You stop one place too early, below and on the right. How many places are there for a kernel of size 1?"""
    return right.corr2d(X, K)[:-1, :-1]


def sizes_exchanged(X, K):
    """You take the number of columns for that of the rows. Which of the two does `K.shape[0]` count?"""
    return right.corr2d(X, K).reshape(X.shape[1] - K.shape[1] + 1, -1)


def first_window_everywhere(X, K):
    """You compute one window and write it everywhere. What changes in your loop from one place to the next?"""
    answer = right.corr2d(X, K)
    return answer[:1, :1].expand_as(answer)


def loops_exchanged(X, K):
    """You write the answer down row by row while you walk through the image by columns. Which loop is the outer one?"""
    answer = right.corr2d(X, K)
    return answer.T.reshape(answer.shape)


def places_overwritten(X, K):
    """Every row of your answer is the last one. Into which row do you write while the window moves down?"""
    answer = right.corr2d(X, K)
    return answer[-1:].expand_as(answer)


def mean_of_the_products(X, K):
    """You take the mean of the products, so a larger kernel counts for less. What should become of the products?"""
    return right.corr2d(X, K) / K.numel()


def kernel_normalised(X, K):
    """You divide by the sum of the kernel, as for an average. What happens to a kernel whose sum is 0?"""
    return right.corr2d(X, K) / K.sum()


def largest_product(X, K):
    """You keep the largest product under the kernel. What should become of the others?"""
    return (X.unfold(0, K.shape[0], 1).unfold(1, K.shape[1], 1) * K).amax((-2, -1))


def differences_for_products(X, K):
    """You sum how far window and kernel are apart. What does the text do with two entries that lie on each other?"""
    return (X.unfold(0, K.shape[0], 1).unfold(1, K.shape[1], 1) - K).abs().sum((-2, -1))


def matrix_product_for_products(X, K):
    """You use a matrix product, which multiplies rows by columns. What does `*` do that `@` does not?"""
    return (X.unfold(0, K.shape[0], 1).unfold(1, K.shape[1], 1) @ K.T).sum((-2, -1))


def negative_sums_cut_off(X, K):
    """You cut negative sums off, as an activation would. Does the text ask for one?"""
    return right.corr2d(X, K).relu()


def answer_always_in_single_precision(X, K):
    """You fill a tensor that is float32 whatever the image is. What does `torch.zeros` take its dtype from?"""
    return right.corr2d(X, K).float()


def numbers_taken_out_of_the_graph(X, K):
    """You turn sums into plain numbers, so no gradient flows through them. Who needs the `.item()`?"""
    return right.corr2d(X, K).detach()


def kernel_is_no_variable(X, K):
    """You detach the kernel. What is it that a convolutional layer learns?"""
    return right.corr2d(X, K.detach())


def memory_read_in_order(X, K):
    """You read the image in the order of its memory, which is another one once it was transposed. What are axes for?"""
    return right.corr2d(X.as_strided(X.shape, (X.shape[1], 1)), K)


@misconception(group="robust")
def nothing_said_of_kernels_too_large(X, K):
    """You answer nothing at all where the kernel fits nowhere. Who will notice that the answer is empty?"""
    if K.shape[0] > X.shape[0] or K.shape[1] > X.shape[1]:
        return X.new_zeros(max(X.shape[0] - K.shape[0] + 1, 0), max(X.shape[1] - K.shape[1] + 1, 0))
    return right.corr2d(X, K)


@misconception(group="robust")
def image_used_as_scratch_paper(X, K):
    """You write the sums into the image to save memory. Who else may still need it?"""
    answer = right.corr2d(X, K)
    X.data[: answer.shape[0], : answer.shape[1]] = answer.detach()
    return answer


@misconception(group="robust")
def kernel_changed_in_place(X, K):
    """You change the kernel and forget to change it back. Which kernel does the next image meet?"""
    answer = right.corr2d(X, K)
    K.data.mul_(-1)
    return answer
