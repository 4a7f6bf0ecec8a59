"""Two loops over the places, into a tensor that waits for them."""

from __future__ import annotations


def corr2d(X, K):
    rows, columns = K.shape
    if rows > len(X) or columns > len(X[0]):
        raise ValueError("the kernel is larger than the image")
    answer = X.new_zeros(X.shape[0] - rows + 1, X.shape[1] - columns + 1)
    for i in range(answer.shape[0]):
        for j in range(answer.shape[1]):
            answer[i, j] = (X[i : i + rows, j : j + columns] * K).sum()
    return answer
