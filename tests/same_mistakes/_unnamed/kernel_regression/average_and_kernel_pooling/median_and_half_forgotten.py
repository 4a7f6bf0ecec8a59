"""Two mistakes, one in each function."""


def average_pooling(y_train, num_queries):
    return y_train.median().repeat(num_queries)


def nw_pooling(queries, keys, values, bandwidth=1.0):
    weights = (-(((queries[:, None] - keys) / bandwidth) ** 2)).softmax(1)
    return weights @ values, weights
